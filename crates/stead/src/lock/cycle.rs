//! Circles of processes that wait for each other for ever.
//!
//! A process waits for a lock that others keep, or for its child. It goes on when all of them have let it: so whoever is
//! in a circle waits for ever. Who waits, and does nothing else meanwhile, is known of processes with one thread only; of
//! this one the calling thread is taken for the whole. What is in doubt is left out: a circle that is found is one, but
//! one that goes through a program with threads is not found.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind, Result};
use crate::holder::{Plain, age};
use crate::lock::inspect;
use crate::lock::protocol::ticket_of;
use crate::sys::{self, Asker, AwaitedLock, FileId, KeptLock, Mode, StuckProcess, WaitsView};

/// One look is not of one instant: a circle counts if it is there in all of this many, and all its members have slept
/// from the first to the last.
const LOOKS: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(30);

/// From this look of a waiter on it no longer leaves the failure to a younger one.
const GENEROUS_LOOKS: usize = 2;

/// How much of a command is shown, in characters.
const COMMAND_MAX: usize = 60;

/// A circle of processes of which each waits for the next, and the last for the first: a deadlock.
///
/// Displayed, it is one line: `pid 4312 (stead run a.lock -- sh) waits for /b.lock, held by pid 4400 (flock b.lock sh),
/// which waits for /a.lock, held by pid 4312`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    members: Vec<Member>,
}

impl Cycle {
    /// Each of them waits for the next one, and the last for the first.
    pub fn members(&self) -> &[Member] {
        &self.members
    }
}

/// A process in a [`Cycle`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The process.
    pub pid: u32,
    /// What it runs.
    pub command: Option<String>,
    /// The user it runs as.
    pub user: Option<String>,
    /// What it waits for.
    pub waits: Waits,
    /// The process that would have to let it go on: the next one of the circle.
    pub next: u32,
}

/// What a process in a [`Cycle`] waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waits {
    /// For a lock that the next one holds.
    Lock {
        /// The locked file. Empty where the machine does not tell where it is.
        path: PathBuf,
        /// How it wants to hold the lock.
        mode: Mode,
        /// Since when it waits, by the wall clock, where that is told.
        since: Option<SystemTime>,
    },
    /// For the end of its child, which is the next one.
    Child,
}

impl Member {
    /// For how long it has waited, by the wall clock, where that is told; zero where that clock went backwards.
    pub fn age(&self) -> Option<Duration> {
        match &self.waits {
            Waits::Lock { since, .. } => since.map(age),
            Waits::Child => None,
        }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, member) in self.members.iter().enumerate() {
            match index {
                0 => write!(f, "{} waits for ", Named(member))?,
                _ => write!(f, "{}, which waits for ", Named(member))?,
            }
            match &member.waits {
                Waits::Lock { path, .. } if path.as_os_str().is_empty() => f.write_str("a lock held by ")?,
                Waits::Lock { path, .. } => write!(f, "{}, held by ", Plain(&path.to_string_lossy()))?,
                Waits::Child => f.write_str("its child, ")?,
            }
        }
        self.members.first().map_or(Ok(()), |first| write!(f, "pid {}", first.pid))
    }
}

/// `pid 4312 (stead run a.lock -- sh)`
struct Named<'a>(&'a Member);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.0.pid)?;
        let Some(command) = &self.0.command else { return Ok(()) };
        let mut shown: String = command.chars().take(COMMAND_MAX).collect();
        if shown.len() < command.len() {
            shown.push('…');
        }
        write!(f, " ({})", Plain(&shown))
    }
}

/// All circles on this machine, of any programs that use flock(2), as far as they can be seen.
///
/// Of circles that share members, not every combination is listed, but each process that is in one is in one of the list.
///
/// ```
/// if let Ok(cycles) = stead::lock::find_cycles() {
///     let stuck: Vec<String> = cycles.iter().map(ToString::to_string).collect();
///     println!("{}", stuck.join("\n"));
/// }
/// ```
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) where the system does not list its locks.
pub fn find_cycles() -> Result<Vec<Cycle>> {
    let read = || sys::waits_of_all().map(|view| Graph::new(&view));
    let Some(graph) = read() else {
        return Err(Error::new(ErrorKind::Unsupported, "look for deadlocks in", Path::new("/proc/locks"))
            .with_hint("this system does not list its locks"));
    };
    Ok(confirmed(graph.rings(), read).iter().map(Cycle::new).collect())
}

/// The circle through the calling thread, which holds these files and waits for that one; but only if it is this thread
/// that should give up. Takes [`BETWEEN_LOOKS`] and more where there seems to be one.
///
/// `look` counts the looks of this wait from 0.
pub(crate) fn through_us(waited_for: FileId, mode: Mode, held_by_this_thread: &[FileId], look: usize) -> Option<Cycle> {
    let asker = Asker { file: waited_for, mode, held: held_by_this_thread };
    let read = || sys::waits_from(&asker).map(|view| Graph::new(&view));
    let ring = read()?.ring_through(sys::pid())?;
    let is_ours_to_fail = look >= GENEROUS_LOOKS || ring.is_first_the_youngest();
    let rings = if is_ours_to_fail { vec![ring] } else { Vec::new() };
    confirmed(rings, read).first().map(Cycle::new)
}

/// Those of the circles that are there in later looks as well.
fn confirmed(mut rings: Vec<Ring>, read: impl Fn() -> Option<Graph>) -> Vec<Ring> {
    for _ in 1..LOOKS {
        if rings.is_empty() {
            break;
        }
        std::thread::sleep(BETWEEN_LOOKS);
        let again = read();
        rings.retain(|ring| again.as_ref().is_some_and(|graph| graph.has(ring)));
    }
    rings
}

/// One process that waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    pid: u32,
    next: u32,
    start: Option<u64>,
    reason: Reason,
}

/// What it waits for, and what shows later that it is still the same wait.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    /// A ticket is of one wait. Who has none must not have run.
    Lock {
        file: FileId,
        path: Option<PathBuf>,
        mode: Mode,
        ticket: Option<u64>,
        naps: Option<u64>,
    },
    Child {
        naps: u64,
    },
}

impl Link {
    fn is_the_same(&self, other: &Link) -> bool {
        let reasons = match (&self.reason, &other.reason) {
            // The path may be known at one look and not at another.
            (
                Reason::Lock { file, mode, ticket, naps, path: _ },
                Reason::Lock { file: other_file, mode: other_mode, ticket: other_ticket, naps: other_naps, path: _ },
            ) => (file, mode, ticket, naps) == (other_file, other_mode, other_ticket, other_naps),
            (one, other) => one == other,
        };
        reasons && (self.pid, self.next, self.start) == (other.pid, other.next, other.start)
    }

    /// When it came, for who waits for a lock; who has no ticket came first.
    fn arrival(&self) -> Option<(u64, Option<u64>, u32)> {
        let Reason::Lock { ticket, .. } = &self.reason else { return None };
        let arrival = ticket.and_then(ticket_of).map_or(0, |(_, arrival)| arrival);
        Some((arrival, self.start, self.pid))
    }
}

/// A circle as it was seen at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ring(Vec<Link>);

impl Ring {
    /// Whether the first came last of those who wait for locks.
    fn is_first_the_youngest(&self) -> bool {
        let youngest = self.0.iter().filter_map(Link::arrival).max();
        self.0.first().and_then(Link::arrival) == youngest
    }
}

/// Who waits for whom.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Graph(BTreeMap<u32, Vec<Link>>);

impl Graph {
    fn new(view: &WaitsView) -> Graph {
        let processes: BTreeMap<u32, &StuckProcess> =
            view.processes.iter().map(|process| (process.pid, process)).collect();
        let parents = processes.values().filter(|process| waits_for_child(process, &view.kept));
        let children: BTreeMap<u32, u32> = parents.filter_map(|parent| Some((parent.pid, parent.child?))).collect();
        let links = |process: &StuckProcess| match (&process.lock, children.get(&process.pid)) {
            (Some(lock), _) => links_to_keepers(process, lock, &view.kept, &children),
            (None, Some(child)) => vec![link(process, *child, Reason::Child { naps: process.naps })],
            (None, None) => Vec::new(),
        };
        Graph(processes.values().map(|process| (process.pid, links(process))).collect())
    }

    fn has(&self, ring: &Ring) -> bool {
        ring.0.iter().all(|link| self.links(link.pid).iter().any(|other| other.is_the_same(link)))
    }

    fn links(&self, pid: u32) -> &[Link] {
        self.0.get(&pid).map(Vec::as_slice).unwrap_or_default()
    }

    /// The shortest circle through each process that is in one, but for those that are in one of another already.
    fn rings(&self) -> Vec<Ring> {
        let mut rings = Vec::new();
        let mut seen = BTreeSet::new();
        for pid in self.0.keys() {
            if !seen.contains(pid)
                && let Some(ring) = self.ring_through(*pid)
            {
                seen.extend(ring.0.iter().map(|link| link.pid));
                rings.push(ring);
            }
        }
        rings
    }

    /// The shortest circle through this process, which is its first member.
    fn ring_through(&self, pid: u32) -> Option<Ring> {
        let mut reached_by: BTreeMap<u32, &Link> = BTreeMap::new();
        let mut to_do = VecDeque::from([pid]);
        while let Some(next) = to_do.pop_front() {
            for link in self.links(next) {
                if let std::collections::btree_map::Entry::Vacant(entry) = reached_by.entry(link.next) {
                    entry.insert(link);
                    to_do.push_back(link.next);
                }
            }
        }
        let mut links = vec![*reached_by.get(&pid)?];
        while let Some(link) = links.last().filter(|link| link.pid != pid) {
            links.push(reached_by[&link.pid]);
        }
        Some(Ring(links.into_iter().rev().cloned().collect()))
    }
}

fn link(process: &StuckProcess, next: u32, reason: Reason) -> Link {
    Link { pid: process.pid, next, start: process.start, reason }
}

/// Whom a process waits for that waits for a lock.
fn links_to_keepers(
    process: &StuckProcess,
    lock: &AwaitedLock,
    kept: &[KeptLock],
    children: &BTreeMap<u32, u32>,
) -> Vec<Link> {
    let AwaitedLock { file, path, mode, ticket, upgrades } = lock;
    let in_the_way = kept.iter().filter(|other| other.file == *file && !other.mode.is_compatible_with(*mode));
    let keepers: BTreeSet<u32> = in_the_way.filter_map(|other| keeper(&other.keepers, children)).collect();
    let naps = ticket.is_none().then_some(process.naps);
    let reason = Reason::Lock { file: *file, path: path.clone(), mode: *mode, ticket: *ticket, naps };
    let others = keepers.iter().filter(|keeper| !(*upgrades && **keeper == process.pid));
    others.map(|keeper| link(process, *keeper, reason.clone())).collect()
}

/// The one of several processes with the same lock that all others of them must end before. Each of them could give it
/// back: if they do not all wait, nothing is certain.
fn keeper(keepers: &[u32], children: &BTreeMap<u32, u32>) -> Option<u32> {
    let waits_for_all = |first: &&u32| {
        let below: BTreeSet<u32> = chain(**first, children).collect();
        keepers.iter().all(|keeper| below.contains(keeper))
    };
    keepers.iter().find(waits_for_all).copied()
}

/// A process, the child that it waits for, and so on.
fn chain(pid: u32, children: &BTreeMap<u32, u32>) -> impl Iterator<Item = u32> {
    // Numbers are used again: what was read of two instants could go round.
    std::iter::successors(Some(pid), |pid| children.get(pid).copied()).take(children.len() + 1)
}

/// Whether a process waits for its child: it is seen to, or it is a `stead run`, which does nothing else.
fn waits_for_child(process: &StuckProcess, kept: &[KeptLock]) -> bool {
    let is_its = |lock: &&KeptLock| lock.keepers.contains(&process.pid);
    process.waits_for_child
        || kept.iter().filter(is_its).filter_map(|lock| lock.path.as_deref()).any(|path| runs(process, path))
}

/// Whether the record of a lock says that this process runs a command under it.
fn runs(process: &StuckProcess, path: &Path) -> bool {
    let is_run = |via: Option<&str>| via == Some("stead run");
    inspect::grant_at(path).is_some_and(|grant| {
        grant.who.pid == process.pid && grant.who.start == process.start && is_run(grant.via.as_deref())
    })
}

impl Cycle {
    fn new(ring: &Ring) -> Cycle {
        Cycle { members: ring.0.iter().map(Member::new).collect() }
    }
}

impl Member {
    fn new(link: &Link) -> Member {
        let process = sys::process(link.pid);
        let waits = match &link.reason {
            Reason::Child { .. } => Waits::Child,
            Reason::Lock { path, mode, ticket, .. } => Waits::Lock {
                path: path.clone().unwrap_or_default(),
                mode: *mode,
                since: ticket.and_then(ticket_of).and_then(|(_, arrival)| inspect::since(arrival)),
            },
        };
        Member { pid: link.pid, command: process.command, user: process.user, waits, next: link.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::protocol::byte_of;
    use proptest::prelude::*;

    fn file(inode: u64) -> FileId {
        FileId { device: 1, inode }
    }

    fn idle(pid: u32) -> StuckProcess {
        StuckProcess { pid, start: Some(7), naps: 3, lock: None, child: None, waits_for_child: false }
    }

    fn waiting(pid: u32, inode: u64, mode: Mode, arrival: Option<u64>) -> StuckProcess {
        let ticket = arrival.map(|arrival| byte_of(mode, arrival));
        let path = Some(PathBuf::from(format!("/{inode}")));
        let lock = AwaitedLock { file: file(inode), path, mode, ticket, upgrades: false };
        StuckProcess { lock: Some(lock), ..idle(pid) }
    }

    fn writing(pid: u32, inode: u64) -> StuckProcess {
        waiting(pid, inode, Mode::Exclusive, None)
    }

    fn parent(pid: u32, child: u32) -> StuckProcess {
        StuckProcess { child: Some(child), waits_for_child: true, ..idle(pid) }
    }

    fn kept(inode: u64, mode: Mode, keepers: &[u32]) -> KeptLock {
        KeptLock { file: file(inode), path: None, mode, keepers: keepers.to_vec() }
    }

    fn held(inode: u64, pid: u32) -> KeptLock {
        kept(inode, Mode::Exclusive, &[pid])
    }

    fn graph(processes: &[StuckProcess], kept: &[KeptLock]) -> Graph {
        Graph::new(&WaitsView { processes: processes.to_vec(), kept: kept.to_vec() })
    }

    fn members(processes: &[StuckProcess], kept: &[KeptLock]) -> Vec<Vec<u32>> {
        graph(processes, kept).rings().iter().map(|ring| ring.0.iter().map(|link| link.pid).collect()).collect()
    }

    #[test]
    fn two_that_wait_for_each_other() {
        let waits = [writing(1, 20), writing(2, 10)];
        assert_eq!(members(&waits, &[held(10, 1), held(20, 2)]), [[1, 2]]);
        assert!(members(&waits, &[held(10, 1), held(20, 3)]).is_empty());
        assert!(members(&waits[..1], &[held(10, 1), held(20, 2)]).is_empty());
    }

    #[test]
    fn who_shares_is_in_the_way_of_writers_only() {
        let shared = [kept(10, Mode::Shared, &[1]), kept(20, Mode::Shared, &[2]), kept(20, Mode::Shared, &[3])];
        assert_eq!(members(&[writing(1, 20), writing(2, 10)], &shared), [[1, 2]]);
        let reading = waiting(1, 20, Mode::Shared, None);
        assert!(members(&[reading, writing(2, 10)], &shared).is_empty());
    }

    #[test]
    fn a_parent_waits_for_its_child() {
        // stead run 10 -- sh -c 'stead run 20', and the other way round by flock(1).
        let chain = [parent(1, 2), parent(2, 3), writing(3, 20), parent(4, 5), writing(5, 10)];
        let locks = [held(10, 1), held(20, 4)];
        assert_eq!(members(&chain, &locks), [[1, 2, 3, 4, 5]]);
        // The shell has something else to do.
        let busy = StuckProcess { waits_for_child: false, ..parent(2, 3) };
        assert!(members(&[parent(1, 2), busy, writing(3, 20), parent(4, 5), writing(5, 10)], &locks).is_empty());
    }

    #[test]
    fn who_waits_for_itself_is_a_circle_but_not_who_upgrades() {
        assert_eq!(members(&[writing(1, 10)], &[held(10, 1)]), [[1]]);
        let mut upgrading = writing(1, 10);
        upgrading.lock.as_mut().unwrap().upgrades = true;
        let shared = [kept(10, Mode::Shared, &[1]), kept(10, Mode::Shared, &[2])];
        assert!(members(&[upgrading.clone()], &shared).is_empty());
        assert_eq!(members(&[upgrading, writing(2, 10)], &shared), [[1, 2]]);
    }

    /// A lock whose taker is dead, and which a shell keeps with all that it has started.
    #[test]
    fn of_several_keepers_all_must_wait() {
        let locks = |keepers: &[u32]| [kept(10, Mode::Exclusive, keepers), held(20, 4)];
        let processes = [parent(1, 2), writing(2, 20), writing(4, 10), idle(6)];
        assert_eq!(members(&processes, &locks(&[1, 2])), [[1, 2, 4]]);
        assert_eq!(members(&processes, &locks(&[2, 1])), [[1, 2, 4]]);
        assert!(members(&processes, &locks(&[1, 2, 6])).is_empty());
        assert!(members(&processes, &locks(&[])).is_empty());
    }

    #[test]
    fn the_youngest_is_to_fail() {
        let writer = |pid, inode, arrival| waiting(pid, inode, Mode::Exclusive, arrival);
        let locks = [held(10, 1), held(20, 2), held(30, 3)];
        let is_youngest = |pid, arrivals: [Option<u64>; 3]| {
            let processes = [writer(1, 20, arrivals[0]), writer(2, 30, arrivals[1]), writer(3, 10, arrivals[2])];
            graph(&processes, &locks).ring_through(pid).unwrap().is_first_the_youngest()
        };
        let youngest = |arrivals| [1, 2, 3].map(|pid| is_youngest(pid, arrivals));
        assert_eq!(youngest([Some(5), Some(9), Some(7)]), [false, true, false]);
        assert_eq!(youngest([Some(5), None, None]), [true, false, false]);
        assert_eq!(youngest([None, None, None]), [false, false, true]);
    }

    #[test]
    fn who_has_run_in_between_or_is_another_is_not_in_the_circle() {
        let locks = [held(10, 1), held(20, 2)];
        let first = [waiting(1, 20, Mode::Exclusive, Some(5)), writing(2, 10)];
        let ring = graph(&first, &locks).ring_through(1).unwrap();
        let has = |change: &dyn Fn(&mut [StuckProcess; 2])| {
            let mut later = first.clone();
            change(&mut later);
            graph(&later, &locks).has(&ring)
        };
        assert!(has(&|_| ()));
        // One in line tries the lock now and then.
        assert!(has(&|later| later[0].naps += 1));
        assert!(!has(&|later| later[1].naps += 1));
        assert!(!has(&|later| later[0].lock.as_mut().unwrap().ticket = Some(byte_of(Mode::Exclusive, 6))));
        assert!(!has(&|later| later[1].start = Some(8)));
        assert!(!graph(&first, &[held(10, 1), held(20, 3)]).has(&ring));
    }

    #[test]
    fn a_circle_is_one_line_that_cannot_write_on_the_terminal() {
        let member = |pid, command: &str, waits, next| Member {
            pid,
            command: Some(command.to_owned()),
            user: None,
            waits,
            next,
        };
        let lock = |path: &str| Waits::Lock { path: path.into(), mode: Mode::Exclusive, since: None };
        let cycle = Cycle {
            members: vec![
                member(1, "stead run", lock("/b"), 2),
                member(2, "sh\x1b", Waits::Child, 3),
                member(3, &"x".repeat(61), lock(""), 1),
            ],
        };
        let expected = format!(
            "pid 1 (stead run) waits for /b, held by pid 2 (sh\\u{{1b}}), which waits for its child, pid 3 ({}…), which \
             waits for a lock held by pid 1",
            "x".repeat(60)
        );
        assert_eq!(cycle.to_string(), expected);
    }

    /// All that can be reached from `pid`, which is not one of them unless it is in a circle.
    fn reached(edges: &[(u32, u32)], pid: u32) -> BTreeSet<u32> {
        let mut all = BTreeSet::new();
        loop {
            let more: Vec<u32> = edges
                .iter()
                .filter(|(from, to)| (*from == pid || all.contains(from)) && !all.contains(to))
                .map(|(_, to)| *to)
                .collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    /// The length of the shortest circle through `pid`, by trying all ways.
    fn shortest(edges: &[(u32, u32)], pid: u32) -> Option<usize> {
        let mut ends = BTreeSet::from([pid]);
        for length in 1..=edges.len() {
            ends = edges.iter().filter(|(from, _)| ends.contains(from)).map(|(_, to)| *to).collect();
            if ends.contains(&pid) {
                return Some(length);
            }
        }
        None
    }

    proptest! {
        /// Each process waits for one lock, which some share or one has.
        #[test]
        fn the_circles_are_those_of_a_search_through_everything(
            waits in prop::collection::btree_map(0..8_u32, (0..8_u64, any::<bool>()), 0..8),
            keeps in prop::collection::btree_map(0..8_u64, prop::collection::btree_set(0..8_u32, 1..4), 0..8),
        ) {
            let mode = |shared: bool| if shared { Mode::Shared } else { Mode::Exclusive };
            let processes: Vec<_> =
                waits.iter().map(|(pid, (inode, shared))| waiting(*pid, *inode, mode(*shared), None)).collect();
            let kept: Vec<_> = keeps.iter().flat_map(|(inode, pids)| {
                let mode = mode(pids.len() > 1);
                pids.iter().map(move |pid| kept(*inode, mode, &[*pid]))
            }).collect();
            let edges: Vec<(u32, u32)> = waits.iter().flat_map(|(pid, (inode, shared))| {
                let holders = keeps.get(inode).filter(|holders| !(*shared && holders.len() > 1));
                holders.into_iter().flatten().map(move |holder| (*pid, *holder))
            }).collect();

            let graph = graph(&processes, &kept);
            let mut members = BTreeSet::new();
            for ring in graph.rings() {
                let pids: Vec<u32> = ring.0.iter().map(|link| link.pid).collect();
                let nexts: Vec<u32> = ring.0.iter().map(|link| link.next).collect();
                prop_assert!(pids.iter().zip(&nexts).all(|(pid, next)| edges.contains(&(*pid, *next))));
                prop_assert_eq!(&nexts[..nexts.len() - 1], &pids[1..]);
                prop_assert_eq!(nexts.last(), pids.first());
                prop_assert_eq!(pids.iter().collect::<BTreeSet<_>>().len(), pids.len());
                members.extend(pids);
            }
            let expected: BTreeSet<u32> = (0..8).filter(|pid| reached(&edges, *pid).contains(pid)).collect();
            prop_assert_eq!(members, expected);
            for pid in 0..8 {
                let length = graph.ring_through(pid).map(|ring| ring.0.len());
                prop_assert_eq!(length, shortest(&edges, pid));
            }
        }
    }
}
