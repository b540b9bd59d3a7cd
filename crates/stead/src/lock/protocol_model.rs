//! Every order of events around the [`Protocol`]: all states of a few waiters over a model of the kernel, one after another.
//!
//! The model knows a whole-file lock, granted to those asleep in any order, and tickets. What nobody can count on is left to
//! chance: who runs when, which sleep ends by its time, who dies, is stopped, or leaves its ticket to a fork's child. One
//! thing is counted on: whoever tries twice out of turn lingers long enough between for those to come who can, and for those who
//! linger and came earlier to try first.

use std::collections::{HashMap, VecDeque};

use super::{Answer, Order, Protocol, State, Step, UPGRADE, byte_of, ticket_of};
use crate::sys::Mode;

const WAITERS: usize = 3;

/// What may happen in one exploration.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a kind of event that may happen or not")]
struct Config {
    modes: [Mode; WAITERS],
    /// Who passes the line by.
    barging: Option<usize>,
    /// How many arrivals there are: who left may come again.
    arrivals: u8,
    pauses: bool,
    /// Whether one may be stopped.
    stops: bool,
    /// Whether who dies or gives up may leave the line, and whether it may leave its ticket to a child.
    deaths: bool,
    kept: bool,
    /// Whether somebody shares the lock first and upgrades.
    upgrade: bool,
    /// How often a waiter may be passed by those who came after it.
    overtaken_max: u8,
    mutant: Option<Mutant>,
}

/// A mistake in the protocol, as an answer that it does not wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutant {
    LooksForNobody,
    LooksForNoUpgrade,
    LooksNotAhead,
    ReadersWaitForReaders,
    NeverTriesEarly,
    DoesNotLinger,
    TriesAmongOthers,
    GivesNothingBack,
    TakesNoTicket,
    KeepsItsTicket,
}

const MUTANTS: [Mutant; 10] = [
    Mutant::LooksForNobody,
    Mutant::LooksForNoUpgrade,
    Mutant::LooksNotAhead,
    Mutant::ReadersWaitForReaders,
    Mutant::NeverTriesEarly,
    Mutant::DoesNotLinger,
    Mutant::TriesAmongOthers,
    Mutant::GivesNothingBack,
    Mutant::TakesNoTicket,
    Mutant::KeepsItsTicket,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Away,
    /// On its way, with its next step.
    Going(Protocol, StepKey),
    Inside,
}

/// A step that can be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StepKey(Step);

impl std::hash::Hash for StepKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::mem::discriminant(&self.0).hash(state);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Waiter {
    phase: Phase,
    arrival: u8,
    holds: bool,
    ticket: Option<u64>,
    stopped: bool,
    /// It was granted the lock while somebody upgraded.
    since_upgrade: bool,
    /// Who had a ticket when it came.
    came_after: [bool; WAITERS],
    overtaken: u8,
}

const AWAY: Waiter = Waiter {
    phase: Phase::Away,
    arrival: 0,
    holds: false,
    ticket: None,
    stopped: false,
    since_upgrade: false,
    came_after: [false; WAITERS],
    overtaken: 0,
};

/// The holder that shares the lock and wants it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Upgrader {
    Away,
    Sharing,
    Waiting,
    Alone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    waiters: [Waiter; WAITERS],
    upgrader: Upgrader,
    /// A ticket of a dead one, kept by its child.
    kept: Option<u64>,
    arrivals: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Arrive(usize),
    Step(usize),
    /// A sleep ends by its time.
    Pause(usize),
    Release(usize),
    Stop(usize),
    /// Dies, gives up, is cancelled: the lock and the ticket go.
    Leave(usize),
    LeaveTicket(usize),
    Upgrade,
    UpgradeDone,
}

impl Event {
    /// Whether it is something that happens by itself, sooner or later.
    fn is_progress(self) -> bool {
        matches!(self, Event::Step(_) | Event::Pause(_) | Event::Release(_) | Event::Upgrade | Event::UpgradeDone)
    }
}

impl World {
    fn new(config: &Config) -> World {
        let upgrader = if config.upgrade { Upgrader::Sharing } else { Upgrader::Away };
        World { waiters: [AWAY; WAITERS], upgrader, kept: None, arrivals: 0 }
    }

    /// All that can happen now.
    fn events(&self, config: &Config) -> Vec<Event> {
        let mut events: Vec<Event> = (0..WAITERS).flat_map(|who| self.events_of(config, who)).collect();
        match self.upgrader {
            Upgrader::Away => {}
            Upgrader::Sharing => events.push(Event::Upgrade),
            Upgrader::Waiting if self.waiters.iter().any(|waiter| waiter.holds) => {}
            Upgrader::Waiting | Upgrader::Alone => events.push(Event::UpgradeDone),
        }
        events
    }

    fn events_of(&self, config: &Config, who: usize) -> Vec<Event> {
        let waiter = &self.waiters[who];
        let mut events = Vec::new();
        match waiter.phase {
            Phase::Away if self.arrivals < config.arrivals => events.push(Event::Arrive(who)),
            Phase::Away => {}
            Phase::Inside => events.push(Event::Release(who)),
            Phase::Going(_, StepKey(step)) => {
                if !waiter.stopped && self.can_step(config, who, step) {
                    events.push(Event::Step(who));
                }
                if !waiter.stopped
                    && config.pauses
                    && matches!(step, Step::AwaitTicket(_))
                    && !self.can_step(config, who, step)
                {
                    events.push(Event::Pause(who));
                }
                if config.stops && !waiter.holds && !self.waiters.iter().any(|other| other.stopped) {
                    events.push(Event::Stop(who));
                }
                if config.deaths {
                    events.push(Event::Leave(who));
                }
                if config.kept && waiter.ticket.is_some() && self.kept.is_none() {
                    events.push(Event::LeaveTicket(who));
                }
            }
        }
        events
    }

    fn can_step(&self, config: &Config, who: usize, step: Step) -> bool {
        match step {
            Step::AwaitLock => self.is_compatible(config, who),
            Step::AwaitTicket(byte) => !self.tickets(who).any(|ticket| ticket == byte),
            Step::Linger if config.mutant != Some(Mutant::DoesNotLinger) => !self.somebody_can_come(config, who),
            _ => true,
        }
    }

    /// Whether anybody else has something to do that does not take long.
    fn somebody_can_come(&self, config: &Config, who: usize) -> bool {
        (0..WAITERS).filter(|other| *other != who).any(|other| match self.waiters[other].phase {
            Phase::Going(..) if self.waiters[other].stopped => false,
            Phase::Going(_, StepKey(Step::Linger)) => self.waiters[other].arrival < self.waiters[who].arrival,
            Phase::Going(_, StepKey(step)) => self.can_step(config, other, step),
            Phase::Away | Phase::Inside => false,
        }) || (self.upgrader == Upgrader::Waiting && !self.waiters.iter().any(|waiter| waiter.holds))
    }

    fn is_compatible(&self, config: &Config, who: usize) -> bool {
        let mode = config.modes[who];
        let upgrader = match self.upgrader {
            Upgrader::Sharing => mode == Mode::Shared,
            Upgrader::Alone => false,
            Upgrader::Away | Upgrader::Waiting => true,
        };
        let others = (0..WAITERS).filter(|other| *other != who && self.waiters[*other].holds);
        upgrader && others.map(|other| config.modes[other]).all(|other| other.is_compatible_with(mode))
    }

    fn is_free_for(&self, who: usize) -> bool {
        let others = (0..WAITERS).filter(|other| *other != who);
        !matches!(self.upgrader, Upgrader::Sharing | Upgrader::Alone)
            && !others.into_iter().any(|other| self.waiters[other].holds)
    }

    /// The tickets of all others.
    fn tickets(&self, who: usize) -> impl Iterator<Item = u64> {
        let others = self.waiters.into_iter().enumerate().filter(move |(other, _)| *other != who);
        let upgrade = (self.upgrader == Upgrader::Waiting).then_some(UPGRADE);
        others.filter_map(|(_, waiter)| waiter.ticket).chain(self.kept).chain(upgrade)
    }

    /// The last ticket of those that this waiter lets go first.
    fn before(&self, config: &Config, who: usize) -> Option<u64> {
        let with_readers = config.modes[who] == Mode::Exclusive || config.mutant == Some(Mutant::ReadersWaitForReaders);
        let mine = u64::from(self.waiters[who].arrival);
        let tickets = self.tickets(who).filter_map(|byte| Some((byte, ticket_of(byte)?)));
        let ahead =
            tickets.filter(|(_, (mode, arrival))| *arrival < mine && (with_readers || *mode == Mode::Exclusive));
        ahead.max_by_key(|(_, (_, arrival))| *arrival).map(|(byte, _)| byte)
    }

    /// Two tries in a row do not both meet the instant in which the lock is on its way to somebody else.
    fn is_second_try_in_vain(&self, config: &Config, who: usize) -> bool {
        let Phase::Going(Protocol { state: State::TryingEarly(true, _), .. }, _) = self.waiters[who].phase else {
            return false;
        };
        config.mutant != Some(Mutant::DoesNotLinger) && self.somebody_can_come(config, who)
    }

    /// What a step comes to; the lock and the ticket change with it.
    fn perform(&mut self, config: &Config, who: usize, step: Step) -> Answer {
        let said = |yes| if yes { Answer::Yes } else { Answer::No };
        match step {
            Step::Try => said(self.is_compatible(config, who) && self.hold(who)),
            Step::TryAlone if config.mutant == Some(Mutant::TriesAmongOthers) => self.perform(config, who, Step::Try),
            Step::TryAlone => said(self.try_alone(config, who)),
            Step::AwaitLock => said(self.hold(who)),
            Step::GiveBack => {
                self.waiters[who].holds = config.mutant == Some(Mutant::GivesNothingBack);
                Answer::Yes
            }
            Step::LookForAnybody => {
                said(config.mutant != Some(Mutant::LooksForNobody) && self.before(config, who).is_some())
            }
            Step::LookForUpgrade => {
                said(config.mutant != Some(Mutant::LooksForNoUpgrade) && self.upgrader == Upgrader::Waiting)
            }
            Step::TakeTicket => {
                let byte = byte_of(config.modes[who], self.waiters[who].arrival.into());
                self.waiters[who].ticket = (config.mutant != Some(Mutant::TakesNoTicket)).then_some(byte);
                Answer::Yes
            }
            Step::LookAhead => {
                let is_blind = config.mutant == Some(Mutant::LooksNotAhead);
                Answer::Ahead(self.before(config, who).filter(|_| !is_blind))
            }
            Step::AwaitTicket(_) | Step::Linger | Step::Granted => Answer::Yes,
        }
    }

    fn try_alone(&mut self, config: &Config, who: usize) -> bool {
        if !self.is_free_for(who) || self.is_second_try_in_vain(config, who) {
            return false;
        }
        self.hold(who)
    }

    fn hold(&mut self, who: usize) -> bool {
        self.waiters[who].holds = true;
        self.waiters[who].since_upgrade = self.upgrader == Upgrader::Waiting;
        true
    }

    /// The world after an event.
    fn after(mut self, config: &Config, event: Event) -> World {
        match event {
            Event::Arrive(who) => self.arrive(config, who),
            Event::Step(who) => self.step(config, who),
            Event::Pause(who) => self.go_on(config, who, Answer::Paused),
            Event::Release(who) | Event::Leave(who) => self.leave(who),
            Event::LeaveTicket(who) => {
                self.kept = self.waiters[who].ticket;
                self.leave(who);
            }
            Event::Stop(who) => self.waiters[who].stopped = true,
            Event::Upgrade => self.upgrader = self.asked_to_upgrade(),
            Event::UpgradeDone if self.upgrader == Upgrader::Waiting => self.upgrader = Upgrader::Alone,
            Event::UpgradeDone => self.upgrader = Upgrader::Away,
        }
        self
    }

    fn asked_to_upgrade(&self) -> Upgrader {
        if self.waiters.iter().any(|waiter| waiter.holds) { Upgrader::Waiting } else { Upgrader::Alone }
    }

    fn arrive(&mut self, config: &Config, who: usize) {
        let order = if config.barging == Some(who) { Order::Barge } else { Order::Line };
        let (protocol, step) = Protocol::new(order);
        self.arrivals += 1;
        let came_after =
            std::array::from_fn(|other| other != who && config.barging != Some(other) && self.is_in_line(other));
        let arrival = self.arrivals;
        let phase = Phase::Going(protocol, StepKey(step));
        self.waiters[who] = Waiter { phase, arrival, came_after, ..AWAY };
    }

    fn is_in_line(&self, who: usize) -> bool {
        let is_past_the_ticket =
            |step| matches!(step, Step::LookAhead | Step::AwaitTicket(_) | Step::AwaitLock | Step::TryAlone);
        matches!(self.waiters[who].phase, Phase::Going(_, StepKey(step)) if is_past_the_ticket(step))
    }

    fn leave(&mut self, who: usize) {
        self.waiters[who] = AWAY;
        self.waiters.iter_mut().for_each(|other| other.came_after[who] = false);
    }

    fn step(&mut self, config: &Config, who: usize) {
        let Phase::Going(_, StepKey(step)) = self.waiters[who].phase else { return };
        if step == Step::Granted {
            return self.enter(config, who);
        }
        let answer = self.perform(config, who, step);
        self.go_on(config, who, answer);
    }

    fn go_on(&mut self, config: &Config, who: usize, answer: Answer) {
        let Phase::Going(mut protocol, StepKey(step)) = self.waiters[who].phase else { return };
        // A sleep that time ends, and goes on.
        if answer == Answer::Paused && config.mutant == Some(Mutant::NeverTriesEarly) {
            self.waiters[who].phase = Phase::Going(protocol, StepKey(step));
            return;
        }
        let next = protocol.next(answer);
        self.waiters[who].phase = Phase::Going(protocol, StepKey(next));
    }

    fn enter(&mut self, config: &Config, who: usize) {
        let came_after = self.waiters[who].came_after;
        for other in (0..WAITERS).filter(|other| came_after[*other]) {
            let is_passed = !config.modes[who].is_compatible_with(config.modes[other]);
            self.waiters[other].overtaken += u8::from(is_passed && config.barging != Some(who));
        }
        let waiter = &mut self.waiters[who];
        waiter.phase = Phase::Inside;
        waiter.came_after = [false; WAITERS];
        waiter.overtaken = 0;
        if config.mutant != Some(Mutant::KeepsItsTicket) {
            waiter.ticket = None;
        }
        self.waiters.iter_mut().for_each(|other| other.came_after[who] = false);
    }

    /// What must hold in every world.
    fn check(&self, config: &Config) -> Result<(), &'static str> {
        for (who, waiter) in self.waiters.iter().enumerate() {
            self.check_one(config, who, waiter)?;
        }
        let inside = |mode| (0..WAITERS).filter(|who| self.waiters[*who].holds && config.modes[*who] == mode).count();
        let (writers, readers) = (inside(Mode::Exclusive), inside(Mode::Shared));
        if writers > 1 || (writers == 1 && readers > 0) {
            return Err("two at once");
        }
        Ok(())
    }

    fn check_one(&self, config: &Config, who: usize, waiter: &Waiter) -> Result<(), &'static str> {
        let Phase::Going(_, StepKey(step)) = waiter.phase else {
            return match (waiter.phase, waiter.holds, waiter.ticket) {
                (Phase::Inside, true, None) | (Phase::Away, false, None) => Ok(()),
                _ => Err("who is inside holds the lock, and who is not leaves nothing behind"),
            };
        };
        let sleeps = matches!(step, Step::AwaitLock | Step::AwaitTicket(_) | Step::Linger | Step::TakeTicket);
        if sleeps && waiter.holds {
            return Err("a wait may end here, with a lock that nobody gives back");
        }
        if step == Step::Granted && !waiter.holds {
            return Err("granted without the lock");
        }
        if step == Step::Granted && waiter.since_upgrade && self.upgrader == Upgrader::Waiting {
            return Err("granted before an upgrade");
        }
        if waiter.overtaken > config.overtaken_max {
            return Err("overtaken by too many");
        }
        let is_behind_reader = |byte| ticket_of(byte).is_some_and(|(mode, _)| mode == Mode::Shared);
        if let Step::AwaitTicket(byte) = step
            && config.modes[who] == Mode::Shared
            && is_behind_reader(byte)
        {
            return Err("a reader waits for a reader");
        }
        Ok(())
    }
}

/// All worlds, and which follow on which by themselves.
struct Explored {
    worlds: Vec<World>,
    /// Backwards: from which worlds each is reached.
    before: Vec<Vec<u32>>,
}

fn explore(config: &Config) -> Result<Explored, String> {
    let first = World::new(config);
    let mut numbers = HashMap::from([(first, 0_u32)]);
    let mut explored = Explored { worlds: vec![first], before: vec![Vec::new()] };
    let mut to_do = VecDeque::from([0_u32]);
    while let Some(number) = to_do.pop_front() {
        let world = explored.worlds[number as usize];
        for event in world.events(config) {
            let next = world.after(config, event);
            next.check(config).map_err(|why| format!("{why}: {event:?} in {world:#?}"))?;
            let next_number = *numbers.entry(next).or_insert_with(|| {
                let new = u32::try_from(explored.worlds.len()).expect("few enough");
                explored.worlds.push(next);
                explored.before.push(Vec::new());
                to_do.push_back(new);
                new
            });
            if event.is_progress() {
                explored.before[next_number as usize].push(number);
            }
        }
    }
    Ok(explored)
}

impl Explored {
    /// From every world, each one who is on its way and not stopped can still get inside without anybody's help.
    fn check_progress(&self) -> Result<(), String> {
        (0..WAITERS).try_for_each(|who| {
            let mut good: Vec<bool> =
                self.worlds.iter().map(|world| world.waiters[who].phase == Phase::Inside).collect();
            let mut to_do: Vec<u32> =
                (0_u32..).zip(&good).filter(|(_, good)| **good).map(|(number, _)| number).collect();
            while let Some(number) = to_do.pop() {
                for before in &self.before[number as usize] {
                    if !std::mem::replace(&mut good[*before as usize], true) {
                        to_do.push(*before);
                    }
                }
            }
            let is_stuck =
                |world: &World| matches!(world.waiters[who].phase, Phase::Going(..)) && !world.waiters[who].stopped;
            match self.worlds.iter().zip(&good).find(|(world, good)| is_stuck(world) && !**good) {
                Some((world, _)) => Err(format!("{who} never gets in: {world:#?}")),
                None => Ok(()),
            }
        })
    }
}

fn check(config: &Config) -> Result<usize, String> {
    let explored = explore(config)?;
    explored.check_progress()?;
    Ok(explored.worlds.len())
}

const MIXES: [[Mode; WAITERS]; 4] = [
    [Mode::Exclusive, Mode::Exclusive, Mode::Exclusive],
    [Mode::Exclusive, Mode::Exclusive, Mode::Shared],
    [Mode::Exclusive, Mode::Shared, Mode::Shared],
    [Mode::Shared, Mode::Shared, Mode::Shared],
];

fn config(modes: [Mode; WAITERS]) -> Config {
    Config {
        modes,
        barging: None,
        arrivals: 4,
        pauses: false,
        stops: false,
        deaths: false,
        kept: false,
        upgrade: false,
        overtaken_max: 0,
        mutant: None,
    }
}

fn check_all(of: impl Fn([Mode; WAITERS]) -> Config) {
    for modes in MIXES {
        if let Err(why) = check(&of(modes)) {
            panic!("{modes:?}: {why}");
        }
    }
}

#[test]
fn nobody_with_a_ticket_is_overtaken_where_nobody_is_late() {
    check_all(|modes| Config { deaths: true, arrivals: 5, ..config(modes) });
}

/// Who tries out of turn passes nobody who comes for the lock; so a stream of readers keeps no writer out.
#[test]
fn trap_06_nobody_who_comes_is_overtaken_by_those_who_try_early() {
    check_all(|modes| Config { pauses: true, ..config(modes) });
}

#[test]
fn trap_52_one_who_is_stopped_stops_nobody() {
    check_all(|modes| Config { pauses: true, stops: true, overtaken_max: u8::MAX, ..config(modes) });
}

#[test]
fn trap_52_a_ticket_that_is_kept_stops_nobody() {
    check_all(|modes| Config { pauses: true, kept: true, deaths: true, overtaken_max: u8::MAX, ..config(modes) });
}

#[test]
fn trap_54_nobody_gets_in_before_an_upgrade() {
    check_all(|modes| Config { upgrade: true, pauses: true, ..config(modes) });
}

#[test]
fn trap_54_who_barges_gives_way_to_an_upgrade() {
    check_all(|modes| Config {
        upgrade: true,
        pauses: true,
        barging: Some(0),
        overtaken_max: u8::MAX,
        ..config(modes)
    });
}

/// The model finds what is wrong with a protocol that leaves out a step.
#[test]
fn mistakes_are_found() {
    let mut unseen = Vec::new();
    for mutant in MUTANTS {
        let with = |modes| Config { mutant: Some(mutant), ..config(modes) };
        let found = MIXES.iter().any(|modes| {
            check(&with(*modes)).is_err()
                || check(&Config { pauses: true, ..with(*modes) }).is_err()
                || check(&Config { pauses: true, upgrade: true, ..with(*modes) }).is_err()
                || check(&Config { pauses: true, stops: true, overtaken_max: u8::MAX, ..with(*modes) }).is_err()
        });
        if !found {
            unseen.push(mutant);
        }
    }
    assert!(unseen.is_empty(), "{unseen:?} make no difference");
}
