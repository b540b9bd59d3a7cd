//! Waiters stand in line: each gets its turn, and who is stopped, dead or slow stops nobody else.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use stead::lock::{Cancel, FileLock, Mode, Options, Request, Wait, Waiter, inspect, inspect_machine};
use tempfile::{TempDir, tempdir};
use testkit::{Actor, PATIENCE, Stage, in_fork, wait_until};

use crate::cast::{CAST, lock};

/// Long enough for a waiter to have tried out of turn more than once.
const SEVERAL_TRIES: Duration = Duration::from_millis(2500);

pub(crate) mod roles {
    use super::*;

    /// `LOCK MODE ORDER NAME [barge]`: waits for ever, writes its name down, says "held", and at a cue leaves.
    pub(crate) fn stand(stage: &mut Stage) {
        let request = Request::new(mode(&stage.args[1]));
        let mut wanted = lock(&stage.args[0]);
        if stage.args.len() > 4 {
            wanted = Options::new().barge(true).at(wanted.path());
        }
        let guard = wanted.acquire(&request).expect("granted in the end");
        write_down(&stage.args[2], &stage.args[3]);
        stage.tell("held");
        stage.cue();
        write_down(&stage.args[2], &format!("-{}", stage.args[3]));
        drop(guard);
        stage.tell("released");
        stage.cue();
    }

    /// `LOCK ORDER NAME TIMES`: again and again, without a pause.
    pub(crate) fn again(stage: &mut Stage) {
        let wanted = lock(&stage.args[0]);
        for _ in 0..stage.args[3].parse().expect("a number") {
            let guard = wanted.lock(Wait::Forever).expect("granted in the end");
            write_down(&stage.args[1], &stage.args[2]);
            drop(guard);
        }
        stage.tell("done");
    }

    /// `LOCK`: waits until it is cancelled at a cue, and says how that ended.
    pub(crate) fn give_up(stage: &mut Stage) {
        let (wanted, cancel) = (lock(&stage.args[0]), Cancel::new());
        let request = Request::exclusive().cancel(&cancel);
        let waiter = thread::spawn(move || wanted.acquire(&request).map(drop).expect_err("it is held").kind());
        stage.cue();
        cancel.cancel();
        stage.tell(&format!("{:?}", waiter.join().expect("it ends")));
    }

    /// `LOCK UNTIL`: waits, and at a cue forks. The child keeps all descriptors until there is a file `UNTIL`.
    pub(crate) fn fork(stage: &mut Stage) {
        let (wanted, until) = (lock(&stage.args[0]), PathBuf::from(&stage.args[1]));
        let _waiter = thread::spawn(move || wanted.lock(Wait::Forever).map(drop));
        stage.cue();
        in_fork(|| {
            stage.tell("forked");
            while !until.exists() && until.parent().expect("in a folder").exists() {
                thread::park_timeout(Duration::from_millis(5));
            }
            true
        });
    }

    /// `LOCK UNTIL`: shares the lock for some time, again and again, until there is a file `UNTIL`.
    pub(crate) fn read(stage: &mut Stage) {
        let (wanted, until) = (lock(&stage.args[0]), PathBuf::from(&stage.args[1]));
        let mut is_told = false;
        while !until.exists() {
            let guard = wanted.lock_shared(Wait::Forever).expect("granted in the end");
            if !is_told {
                stage.tell("reads");
            }
            is_told = true;
            thread::park_timeout(Duration::from_millis(4));
            drop(guard);
        }
    }

    /// `LOCK MODE SHARED OWN UNTIL`: adds to a number under the lock, or reads it, until there is a file `UNTIL`. Whoever sees
    /// another one inside ends with a panic. Eight bytes are written whole, whatever kills the writer.
    pub(crate) fn storm(stage: &mut Stage) {
        let (wanted, mode) = (lock(&stage.args[0]), mode(&stage.args[1]));
        let open = |path: &str| fs::File::options().read(true).write(true).open(path).expect("it is there");
        let (shared, own) = (open(&stage.args[2]), open(&stage.args[3]));
        let until = PathBuf::from(&stage.args[4]);
        let request = Request::new(mode).wait(PATIENCE);
        let mut is_told = false;
        while !until.exists() {
            let guard = wanted.acquire(&request).expect("nobody is stuck");
            visit(mode, &shared, &own);
            drop(guard);
            if !is_told {
                stage.tell("was in");
            }
            is_told = true;
        }
        stage.tell("done");
    }

    fn visit(mode: Mode, shared: &fs::File, own: &fs::File) {
        let me = u64::from(std::process::id());
        let count = number(shared, 0);
        if mode == Mode::Exclusive {
            put(shared, 8, me);
        }
        let inside = number(shared, 8);
        thread::yield_now();
        assert_eq!((number(shared, 0), number(shared, 8)), (count, inside), "somebody else is inside");
        if mode == Mode::Exclusive {
            put(shared, 0, count + 1);
            put(own, 0, number(own, 0) + 1);
        }
    }

    /// `PATH`: looks at a lock in every way there is, and says what it saw.
    pub(crate) fn look(stage: &mut Stage) {
        let seen = inspect(&stage.args[0]).expect("it can be looked at");
        inspect_machine().expect("so can the machine");
        stage.tell(if seen.held { "held" } else { "free" });
    }

    fn mode(name: &str) -> Mode {
        if name == "shared" { Mode::Shared } else { Mode::Exclusive }
    }

    fn write_down(order: &str, name: &str) {
        let mut file = fs::File::options().append(true).create(true).open(order).expect("it can be written");
        writeln!(file, "{name}").expect("written");
    }
}

fn number(file: &fs::File, at: u64) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at).expect("eight bytes");
    u64::from_le_bytes(bytes)
}

fn put(file: &fs::File, at: u64, number: u64) {
    file.write_all_at(&number.to_le_bytes(), at).expect("written");
}

/// A lock file, and a list of those who had it.
struct Scene {
    folder: TempDir,
    path: PathBuf,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempdir().unwrap();
        // For those who play their part as somebody else.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("l");
        Scene { folder, path }
    }

    fn lock(&self) -> FileLock {
        FileLock::at(&self.path)
    }

    fn name(&self) -> String {
        format!("at:{}", self.path.display())
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn touch(&self, name: &str) -> String {
        fs::write(self.file(name), [0; 16]).unwrap();
        self.file(name)
    }

    fn stand(&self, mode: &str, name: &str) -> Actor {
        self.stand_as(&mut CAST.command(&[], "stand", &[&self.name(), mode, &self.file("order"), name]))
    }

    /// Starts somebody, and waits until it stands in line.
    fn stand_as(&self, command: &mut Command) -> Actor {
        let before = self.line().len();
        let actor = Actor::new(command);
        self.await_line(before + 1);
        actor
    }

    /// Starts `role` with the lock and more, and waits until it stands in line.
    fn start(&self, role: &str, args: &[&str]) -> Actor {
        let name = self.name();
        let args: Vec<&str> = [name.as_str()].into_iter().chain(args.iter().copied()).collect();
        self.stand_as(&mut CAST.command(&[], role, &args))
    }

    fn line(&self) -> Vec<Waiter> {
        let waiters = inspect(&self.path).map(|seen| seen.waiters).unwrap_or_default();
        waiters.into_iter().filter(|waiter| waiter.place.is_some()).collect()
    }

    fn await_line(&self, count: usize) {
        wait_until("the line is as long", || (self.line().len() == count).then_some(()));
    }

    /// Who was granted the lock, in that order.
    fn order(&self) -> Vec<String> {
        self.log().into_iter().filter(|name| !name.starts_with('-')).collect()
    }

    fn log(&self) -> Vec<String> {
        fs::read_to_string(self.file("order")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Locks of byte ranges in the lock file.
    fn ranges(&self) -> usize {
        ranges(&self.path)
    }
}

fn ranges(path: &Path) -> usize {
    let inode = format!(":{} ", path.metadata().unwrap().ino());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let ours = locks.lines().filter(|line| line.contains("OFDLCK") && line.contains(&inode));
    // Where the list is long, a line may be read twice, under another number.
    ours.filter_map(|line| line.split_once(": ")).map(|(_, line)| line).collect::<BTreeSet<_>>().len()
}

/// Lets go on whoever is in line, and waits until all are through.
fn let_all_through(mut actors: Vec<Actor>) {
    for actor in &mut actors {
        actor.cue("leave");
    }
    for actor in &mut actors {
        actor.expect("held");
        actor.expect("released");
    }
}

/// How often the one who came first was passed by one who came later, at the worst.
fn most_overtaken(order: &[String], arrivals: &[&str]) -> usize {
    let came = |name: &String| arrivals.iter().position(|other| other == name).expect("it is one of them");
    let passed = |(at, name): (usize, &String)| order[..at].iter().filter(|other| came(other) > came(name)).count();
    order.iter().enumerate().map(passed).max().unwrap_or_default()
}

fn stop(actor: &Actor) {
    let pid = i32::try_from(actor.pid()).unwrap();
    testkit::command::kill(pid, Signal::STOP);
    // Each of its threads: one on its way could still be granted the lock, and be stopped as its holder.
    let is_stopped = |stat: &str| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'));
    wait_until("it is stopped", || {
        let mut threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        threads
            .all(|task| fs::read_to_string(task.unwrap().path().join("stat")).is_ok_and(|stat| is_stopped(&stat)))
            .then_some(())
    });
}

fn go_on(actor: &Actor) {
    testkit::command::kill(i32::try_from(actor.pid()).unwrap(), Signal::CONT);
}

/// Strictly in order, but for one who tries out of turn in the very instant between two holders (trap 52).
#[test]
fn processes_get_it_in_the_order_of_their_arrival() {
    let scene = Scene::new();
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let guard = scene.lock().try_lock().unwrap();
    let actors: Vec<_> = names.iter().map(|name| scene.stand("exclusive", name)).collect();
    let places: Vec<_> = scene.line().iter().map(|waiter| waiter.pid).collect();
    assert_eq!(places, actors.iter().map(|actor| Some(actor.pid())).collect::<Vec<_>>());
    drop(guard);
    let_all_through(actors);
    let order = scene.order();
    assert_eq!(order.len(), names.len());
    assert!(most_overtaken(&order, &names) <= 1, "{order:?}");
    assert_eq!(scene.ranges(), 0, "tickets are left");
}

#[test]
fn readers_between_two_writers_go_together() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let mut first = scene.stand("exclusive", "w1");
    let mut readers = [scene.stand("shared", "r1"), scene.stand("shared", "r2"), scene.stand("shared", "r3")];
    let mut second = scene.stand("exclusive", "w2");
    let mut last = scene.stand("shared", "r4");
    drop(guard);
    first.expect("held");
    first.cue("leave");
    // Each is in while the others are.
    for reader in &mut readers {
        reader.expect("held");
    }
    assert_eq!(scene.line().len(), 2, "the second writer waits, and the reader behind it");
    for reader in &mut readers {
        reader.cue("leave");
    }
    second.expect("held");
    second.cue("leave");
    last.expect("held");
}

/// Trap 6: three overlapping loops of readers kept a writer out for ever.
#[test]
fn trap_06_a_stream_of_readers_lets_writers_in() {
    let scene = Scene::new();
    let until = scene.file("until");
    let mut readers: Vec<_> = (0..3).map(|_| CAST.start("read", &[&scene.name(), &until])).collect();
    for reader in &mut readers {
        reader.expect("reads");
    }
    for _ in 0..20 {
        drop(scene.lock().lock(PATIENCE).expect("a writer gets in"));
    }
    scene.touch("until");
    for reader in readers {
        assert!(reader.dismiss());
    }
}

/// Trap 6, by readers that stay long: who waits behind a writer does not take a lock that others share for one that the
/// writer does not come for.
#[test]
fn trap_06_a_reader_that_came_later_does_not_pass_a_writer_however_long_another_reads() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock_shared().unwrap();
    let mut writer = scene.stand("exclusive", "w");
    let mut reader = scene.stand("shared", "r");
    wait_until("the reader has waited long", || {
        let line = scene.line();
        assert_eq!(line.len(), 2, "somebody got in: {:?}", scene.order());
        line.iter().all(|waiter| waiter.age().is_some_and(|age| age > SEVERAL_TRIES)).then_some(())
    });
    drop(guard);
    writer.expect("held");
    writer.cue("leave");
    reader.expect("held");
    assert_eq!(scene.order(), ["w", "r"]);
}

/// A thread that reads may read again while a writer of another process waits for it.
#[test]
fn who_reads_reads_again_past_a_waiting_writer() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock_shared().unwrap();
    let mut writer = scene.stand("exclusive", "w");
    let again = scene.lock().lock_shared(Wait::Forever).unwrap();
    assert_eq!(scene.line().len(), 1, "the writer still waits");
    drop((guard, again));
    writer.expect("held");
}

/// So may one that runs below a process that reads.
#[test]
fn who_runs_under_a_reader_reads_past_a_waiting_writer() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock_shared().unwrap();
    let mut writer = scene.stand("exclusive", "w");
    let mut command = CAST.command(&[], "stand", &[&scene.name(), "shared", &scene.file("order"), "r"]);
    command.env(stead::lock::HELD_VARIABLE, stead::lock::held_variable([&*guard]));
    let mut below = Actor::new(&mut command);
    below.cue("leave");
    below.expect("held");
    below.expect("released");
    drop(guard);
    writer.expect("held");
}

/// Trap 52: who is killed, times out or is cancelled leaves no hole.
#[test]
fn trap_52_who_leaves_the_line_leaves_no_hole() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let mut killed_first = scene.stand("exclusive", "k1");
    let mut first = scene.stand("exclusive", "a");
    let mut killed = scene.stand("exclusive", "k2");
    let mut timed_out = scene.start("wait", &["exclusive", "400"]);
    let mut cancelled = scene.start("give_up", &[]);
    let mut second = scene.stand("exclusive", "b");
    killed.kill();
    killed_first.kill();
    timed_out.expect("waiting");
    timed_out.expect("TimedOut");
    cancelled.cue("cancel");
    cancelled.expect("Cancelled");
    scene.await_line(2);
    drop(guard);
    first.expect("held");
    first.cue("leave");
    second.expect("held");
    assert_eq!(scene.order(), ["a", "b"]);
    assert_eq!(scene.ranges(), 0);
}

/// Trap 52: the rest go on without the first in line, who gets in when it goes on.
#[test]
fn trap_52_a_stopped_first_waiter_stops_nobody() {
    a_stopped_waiter_stops_nobody(0);
}

#[test]
fn trap_52_a_stopped_waiter_in_the_middle_stops_nobody() {
    a_stopped_waiter_stops_nobody(1);
}

fn a_stopped_waiter_stops_nobody(stopped: usize) {
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let mut line: Vec<_> = ["a", "b", "c", "d"].iter().map(|name| scene.stand("exclusive", name)).collect();
    stop(&line[stopped]);
    let mut waiter = line.remove(stopped);
    drop(guard);
    let_all_through(line);
    assert_eq!(scene.order().len(), 3);
    // A newcomer gets past it, too, whether it waits or not.
    drop(scene.lock().lock(PATIENCE).unwrap());
    drop(scene.lock().try_lock().unwrap());
    go_on(&waiter);
    waiter.expect("held");
}

/// Trap 52: a fork's child has the ticket of its dead parent.
#[test]
fn trap_52_a_ticket_that_a_fork_keeps_stops_nobody() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let mut parent = scene.start("fork", &[&scene.file("until")]);
    parent.cue("fork");
    parent.expect("forked");
    let others = ["a", "b"].map(|name| scene.stand("exclusive", name));
    let reader = scene.stand("shared", "r");
    parent.kill();
    assert_eq!(scene.line().len(), 4, "the ticket is still there");
    drop(guard);
    let_all_through(others.into_iter().chain([reader]).collect());
    drop(scene.lock().lock(PATIENCE).unwrap());
    assert_eq!(scene.line().len(), 1, "the ticket is still there");
    scene.touch("until");
    scene.await_line(0);
}

/// Waiters and holders are killed; nobody is stuck, nobody is beside another. More of it: `STEAD_KILLS`.
#[test]
fn a_storm_of_kills_leaves_the_line_whole() {
    let scene = Scene::new();
    let kills: usize = std::env::var("STEAD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(25);
    let (shared, until) = (scene.touch("shared"), scene.file("until"));
    let start = |number: usize| {
        let mode = if number.is_multiple_of(3) { "shared" } else { "exclusive" };
        CAST.start("storm", &[&scene.name(), mode, &shared, &scene.touch(&format!("own{number}")), &until])
    };
    let mut actors: Vec<_> = (0..5).map(start).collect();
    for round in 0..kills {
        let index = round * 7 % actors.len();
        actors[index].expect("was in");
        actors[index].kill();
        actors[index] = start(5 + round);
    }
    scene.touch("until");
    for actor in &mut actors {
        while actor.word() != "done" {}
    }
    let read = |name: &str| number(&fs::File::open(scene.file(name)).unwrap(), 0);
    let written: u64 = (0..5 + kills).map(|number| read(&format!("own{number}"))).sum();
    let counted = read("shared");
    // Who was killed between the two numbers had added to the first one.
    assert!((written..=written + kills as u64).contains(&counted), "{counted} of {written}");
    assert_eq!((scene.ranges(), scene.line().len()), (0, 0));
}

/// Threads wait for each other in memory, and all of them stand in line among the processes meanwhile.
#[test]
fn threads_and_processes_share_one_line() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let (path, order) = (&scene.path, scene.file("order"));
    let mut processes = thread::scope(|scope| {
        let threads = ["t1", "t2", "t3"];
        for name in threads {
            let (sender, receiver) = channel();
            let order = &order;
            scope.spawn(move || {
                sender.send(fs::read_link("/proc/thread-self").unwrap()).unwrap();
                let guard = FileLock::at(path).lock(PATIENCE).unwrap();
                writeln!(fs::File::options().append(true).create(true).open(order).unwrap(), "{name}").unwrap();
                drop(guard);
            });
            await_sleep(&receiver.recv().unwrap());
        }
        let processes = ["p", "q"].map(|name| scene.start("again", &[&order, name, "20"]));
        drop(guard);
        processes
    });
    for process in &mut processes {
        process.expect("done");
    }
    let order = scene.order();
    assert_eq!(order.len(), 43);
    let threads: Vec<_> = order.iter().filter(|name| name.starts_with('t')).collect();
    assert_eq!(threads, ["t1", "t2", "t3"]);
    let arrivals: Vec<&str> = ["t1", "t2", "t3"].into_iter().chain(["p", "q"]).collect();
    assert!(most_overtaken(&order[..5], &arrivals) <= 1, "{order:?}");
}

fn await_sleep(thread: &Path) {
    let stat = Path::new("/proc").join(thread).join("stat");
    wait_until("the thread sleeps", || {
        let stat = fs::read_to_string(&stat).ok()?;
        stat.rsplit_once(") ")?.1.starts_with('S').then_some(())
    });
}

#[test]
fn who_barges_stands_in_no_line_and_gets_in() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let mut barging = CAST.start("stand", &[&scene.name(), "exclusive", &scene.file("order"), "b", "barge"]);
    wait_until("it sleeps", || (inspect(&scene.path).ok()?.waiters.len() == 1).then_some(()));
    assert_eq!((scene.line().len(), scene.ranges()), (0, 0));
    let waiter = scene.stand("exclusive", "a");
    drop(guard);
    barging.cue("leave");
    let_all_through(vec![waiter]);
    barging.expect("held");
    barging.expect("released");
    // Free, with a stopped waiter in line: no time is lost.
    let guard = scene.lock().try_lock().unwrap();
    let mut stopped = scene.stand("exclusive", "c");
    stop(&stopped);
    drop(guard);
    drop(Options::new().barge(true).at(&scene.path).lock(Wait::Forever).unwrap());
    assert_eq!(scene.line().len(), 1);
    go_on(&stopped);
    stopped.expect("held");
}

/// flock(1) stands in no line, but is excluded, and excludes.
#[test]
fn flock_1_and_those_in_line_exclude_each_other() {
    if !testkit::tool("flock") {
        return;
    }
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let script = format!("echo f >>{0}; echo -f >>{0}", scene.file("order"));
    let mut foreign: Vec<_> = (0..3)
        .map(|_| {
            Command::new("flock").arg(&scene.path).args(["sh", "-c", &script]).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    wait_until("all sleep", || (inspect(&scene.path).ok()?.waiters.len() == 3).then_some(()));
    let actors: Vec<_> = ["a", "b", "c"].iter().map(|name| scene.stand("exclusive", name)).collect();
    drop(guard);
    let_all_through(actors);
    for foreign in &mut foreign {
        assert!(foreign.wait().unwrap().success());
    }
    let log = scene.log();
    assert_eq!(log.len(), 12);
    assert!(log.chunks(2).all(|pair| pair[1] == format!("-{}", pair[0])), "{log:?}");
}

/// The bytes past the end are locked in files of ours only.
#[test]
fn no_line_is_made_in_what_is_not_ours() {
    let folder = tempdir().unwrap();
    let (file, inside) = (folder.path().join("theirs"), folder.path().join("folder"));
    fs::write(&file, "their text").unwrap();
    fs::create_dir(&inside).unwrap();
    let order = folder.path().join("order").display().to_string();
    for path in [&file, &inside] {
        let guard = FileLock::in_place(path).try_lock().unwrap();
        let mut waiter = CAST.start("stand", &[&format!("in_place:{}", path.display()), "exclusive", &order, "a"]);
        let seen = wait_until("it waits", || Some(inspect(path).ok()?.waiters).filter(|line| !line.is_empty()));
        assert_eq!((seen[0].pid, seen[0].place), (Some(waiter.pid()), None));
        assert_eq!(ranges(path), 0);
        drop(guard);
        waiter.expect("held");
    }
    assert_eq!(fs::read(&file).unwrap(), b"their text");
}

/// Who cannot write the lock file has no ticket, and gets in all the same.
#[test]
fn no_line_is_made_in_a_lock_file_that_is_read_only() {
    if testkit::command::is_root() {
        // Everything can be written by root.
        return;
    }
    let scene = Scene::new();
    drop(scene.lock().try_lock().unwrap());
    testkit::command::set_mode(&scene.path, 0o444);
    let guard = FileLock::open(&scene.path).try_lock().unwrap();
    let mut waiter =
        CAST.start("stand", &[&format!("open:{}", scene.path.display()), "exclusive", &scene.file("order"), "a"]);
    wait_until("it waits", || (!inspect(&scene.path).ok()?.waiters.is_empty()).then_some(()));
    assert_eq!(scene.ranges(), 0);
    drop(guard);
    waiter.expect("held");
}

#[test]
fn waiting_writes_nothing_into_the_lock_file() {
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let before = (fs::read(&scene.path).unwrap(), scene.path.metadata().unwrap().len());
    let actors: Vec<_> = ["a", "b"].iter().map(|name| scene.stand("exclusive", name)).collect();
    wait_until("there are two tickets, and one that is waited for", || (scene.ranges() == 3).then_some(()));
    assert_eq!((fs::read(&scene.path).unwrap(), scene.path.metadata().unwrap().len()), before);
    drop(guard);
    let_all_through(actors);
    assert_eq!(scene.path.metadata().unwrap().len(), before.1);
}

/// Whether this process may make such namespaces; if not, the test is to return. Only root may.
fn can_unshare(options: &[&str]) -> bool {
    if !testkit::command::is_root() {
        return false;
    }
    let status = Command::new("unshare").args(options).arg("true").stderr(Stdio::null()).status();
    let can = status.is_ok_and(|status| status.success());
    if !can {
        testkit::skip(&format!("unshare {} is not allowed here", options.join(" ")));
    }
    can
}

/// Three in line, the one in the middle in namespaces of its own: all in the order of their arrival.
fn the_order_is_kept_by(options: &[&str]) {
    if !can_unshare(options) {
        return;
    }
    let through: Vec<&str> = ["unshare"].into_iter().chain(options.iter().copied()).collect();
    let scene = Scene::new();
    let guard = scene.lock().try_lock().unwrap();
    let first = scene.stand("exclusive", "a");
    let args = [&scene.name(), "exclusive", &scene.file("order"), "b"].map(String::from);
    let second = scene.stand_as(&mut CAST.command(&through, "stand", &args.each_ref().map(String::as_str)));
    let third = scene.stand("exclusive", "c");
    let mut look = Actor::new(&mut CAST.command(&through, "look", &[&scene.path.display().to_string()]));
    look.expect("held");
    drop(guard);
    let_all_through(vec![first, second, third]);
    let order = scene.order();
    assert!(most_overtaken(&order, &["a", "b", "c"]) <= 1, "{order:?}");
}

/// Trap 52: the clock of another time namespace is a day ahead.
#[test]
fn trap_52_a_time_namespace_keeps_the_order() {
    the_order_is_kept_by(&["--time", "--boottime", "86400", "--fork", "--kill-child"]);
}

/// The same without a fork: the program itself was moved there by its start.
#[test]
fn trap_52_a_time_namespace_entered_by_exec_keeps_the_order() {
    the_order_is_kept_by(&["--time", "--boottime", "86400"]);
}

/// Trap 7: the PIDs are others there.
#[test]
fn trap_07_a_pid_namespace_keeps_the_order() {
    the_order_is_kept_by(&["--pid", "--fork", "--mount-proc", "--kill-child"]);
}
