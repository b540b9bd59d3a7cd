//! Processes that wait for each other for ever (trap 19), and those that only seem to.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use stead::lock::{Cycle, FileLock, Mode, Request, Wait, Waits, find_cycles, inspect};
use tempfile::{TempDir, tempdir};
use testkit::{Actor, Stage, in_fork, wait_until};

use crate::cast::{CAST, lock};

fn pid_of(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

fn mode(name: &str) -> Mode {
    if name == "shared" { Mode::Shared } else { Mode::Exclusive }
}

/// `LOCK MODE OTHER`: a process with one thread that says its PID once it holds the first lock, and waits for the other
/// one at a cue. Says how that went, and gives both back.
pub(crate) fn grab(stage: &mut Stage) {
    let (first, second) = (lock(&stage.args[0]), lock(&stage.args[2]));
    let first_mode = mode(&stage.args[1]);
    // A test runs in a thread of its own; a fork has that one only.
    assert!(in_fork(|| {
        let held = first.acquire(&Request::new(first_mode)).expect("nobody else has it");
        stage.tell(&std::process::id().to_string());
        stage.cue();
        match second.lock(Wait::Forever) {
            Ok(other) => {
                stage.tell("held");
                drop((other, held));
            }
            Err(error) => {
                // Given back before the test hears of it.
                drop(held);
                stage.tell(&error.to_string());
            }
        }
        true
    }));
}

/// `LOCK OTHER MILLIS`: one thread holds the first lock until a cue, while another waits for the other one.
pub(crate) fn grab_in_threads(stage: &mut Stage) {
    let (first, second) = (lock(&stage.args[0]), lock(&stage.args[1]));
    let millis = stage.args[2].parse().expect("a number");
    let held = first.lock(Wait::No).expect("nobody else has it");
    stage.tell(&std::process::id().to_string());
    stage.cue();
    let waiter = std::thread::spawn(move || second.lock(Wait::For(Duration::from_millis(millis))).map(drop));
    match waiter.join().expect("it ends") {
        Ok(()) => stage.tell("held"),
        Err(error) => stage.tell(&format!("{:?}", error.kind())),
    }
    stage.cue();
    drop(held);
}

/// A process that plays `grab` or `grab_in_threads`.
struct Party {
    actor: Actor,
    pid: u32,
}

impl Party {
    fn new(role: &str, args: &[&str]) -> Party {
        let mut actor = CAST.start(role, args);
        let pid = actor.word().parse().expect("a PID");
        Party { actor, pid }
    }

    /// Lets it wait for `other`, until it is seen to.
    fn wait_for(&mut self, other: &Path) {
        self.actor.cue("go on");
        let is_there = || inspect(other).ok()?.waiters.iter().any(|waiter| waiter.pid == Some(self.pid)).then_some(());
        wait_until("it waits", is_there);
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        let _ = kill_process(pid_of(self.pid), Signal::KILL);
    }
}

/// Programs that know nothing of stead: a shell and all that it starts, killed together.
struct Foreign(Child);

impl Foreign {
    /// Runs a script, up to its first line.
    fn start(folder: &Path, script: &str) -> Foreign {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder).process_group(0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Foreign(child)
    }

    fn go_on(&mut self) {
        writeln!(self.0.stdin.as_mut().unwrap()).unwrap();
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = kill_process_group(pid_of(self.0.id()), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// A folder and the lock files `a`, `b` and `c` in it.
fn files() -> (TempDir, [PathBuf; 3]) {
    let folder = tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    (folder, ["a", "b", "c"].map(|name| real.join(name)))
}

fn at(path: &Path) -> String {
    format!("at:{}", path.display())
}

fn cycle_with(path: &Path) -> Option<Cycle> {
    let is_it = |waits: &Waits| matches!(waits, Waits::Lock { path: other, .. } if other == path);
    find_cycles().unwrap().into_iter().find(|cycle| cycle.members().iter().any(|member| is_it(&member.waits)))
}

#[test]
fn trap_19_of_two_the_younger_is_told() {
    let (_folder, [a, b, _]) = files();
    let mut older = Party::new("grab", &[&at(&a), "exclusive", &at(&b)]);
    let mut younger = Party::new("grab", &[&at(&b), "exclusive", &at(&a)]);
    older.wait_for(&b);
    younger.actor.cue("go on");
    let said = younger.actor.word();
    assert!(said.starts_with(&format!("lock {}: would deadlock", a.display())), "{said}");
    let (we, they) = (format!("pid {} (", younger.pid), format!("held by pid {} (", older.pid));
    assert!(said.contains(&we) && said.contains(&they) && said.contains(b.to_str().unwrap()), "{said}");
    older.actor.expect("held");
}

#[test]
fn trap_19_of_three_the_youngest_is_told() {
    let (_folder, [a, b, c]) = files();
    let mut first = Party::new("grab", &[&at(&a), "exclusive", &at(&b)]);
    let mut second = Party::new("grab", &[&at(&b), "exclusive", &at(&c)]);
    let mut third = Party::new("grab", &[&at(&c), "exclusive", &at(&a)]);
    first.wait_for(&b);
    second.wait_for(&c);
    third.actor.cue("go on");
    let said = third.actor.word();
    assert!(said.contains("would deadlock"), "{said}");
    assert!([&first, &second, &third].iter().all(|party| said.contains(&format!("pid {}", party.pid))), "{said}");
    second.actor.expect("held");
    first.actor.expect("held");
}

#[test]
fn those_who_share_are_in_the_way_of_those_who_do_not() {
    let (_folder, [a, b, _]) = files();
    let bystander = FileLock::at(&a).lock_shared(Wait::No).unwrap();
    let mut older = Party::new("grab", &[&at(&a), "shared", &at(&b)]);
    let mut younger = Party::new("grab", &[&at(&b), "shared", &at(&a)]);
    older.wait_for(&b);
    younger.actor.cue("go on");
    let said = younger.actor.word();
    assert!(said.contains("would deadlock") && said.contains(&format!("pid {}", older.pid)), "{said}");
    older.actor.expect("held");
    drop(bystander);
}

/// Another thread may give back what the others wait for.
#[test]
fn a_program_with_threads_is_in_no_circle() {
    let (_folder, [a, b, _]) = files();
    let mut single = Party::new("grab", &[&at(&b), "exclusive", &at(&a)]);
    // Longer than until its second look.
    let mut threads = Party::new("grab_in_threads", &[&at(&a), &at(&b), "2500"]);
    single.wait_for(&a);
    threads.wait_for(&b);
    assert_eq!(cycle_with(&a), None);
    threads.actor.expect("TimedOut");
    threads.actor.cue("give it back");
    single.actor.expect("held");
}

#[test]
fn a_chain_is_no_circle() {
    let (_folder, [a, b, c]) = files();
    let held = FileLock::at(&a).lock(Wait::No).unwrap();
    let mut first = Party::new("grab", &[&at(&b), "exclusive", &at(&a)]);
    let mut second = Party::new("grab", &[&at(&c), "exclusive", &at(&b)]);
    first.wait_for(&a);
    second.wait_for(&b);
    assert_eq!((cycle_with(&a), cycle_with(&b)), (None, None));
    drop(held);
    first.actor.expect("held");
    second.actor.expect("held");
}

#[test]
fn flock_1_in_the_circle_is_seen() {
    if !testkit::tool("flock") {
        return;
    }
    let (folder, [a, b, _]) = files();
    let mut ours = Party::new("grab", &[&at(&a), "exclusive", &at(&b)]);
    let mut foreign = Foreign::start(folder.path(), "flock b sh -c 'echo held; read line; flock a true; true'; true");
    foreign.go_on();
    wait_until("it waits", || (!inspect(&a).ok()?.waiters.is_empty()).then_some(()));
    ours.actor.cue("go on");
    let said = ours.actor.word();
    // flock(1) looks for no circles: we are the only ones who can give way.
    assert!(said.contains("would deadlock") && said.contains("(flock b sh -c"), "{said}");
    assert!(said.contains("which waits for its child, pid ") && said.contains(&format!("{}, held", b.display())));
}

#[test]
fn circles_of_others_are_found() {
    if !testkit::tool("flock") {
        return;
    }
    let (folder, [a, b, _]) = files();
    let script = |one: &str, other: &str| format!("flock {one} sh -c 'echo held; read line; flock {other} true; true'");
    let mut one = Foreign::start(folder.path(), &script("a", "b"));
    let mut other = Foreign::start(folder.path(), &script("b", "a"));
    one.go_on();
    other.go_on();
    let cycle = wait_until("the circle is seen", || cycle_with(&a));
    let members = cycle.members();
    assert_eq!(members.len(), 6, "{cycle}");
    let waits: Vec<_> = members.iter().filter(|member| member.waits != Waits::Child).collect();
    let mut paths: Vec<_> = waits
        .iter()
        .map(|member| match &member.waits {
            Waits::Lock { path, mode: Mode::Exclusive, since: None } => path.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    paths.sort();
    assert_eq!(paths, [a, b]);
    let nexts: Vec<u32> = members.iter().map(|member| member.next).collect();
    let pids: Vec<u32> = members.iter().map(|member| member.pid).collect();
    assert_eq!((&nexts[..5], nexts[5]), (&pids[1..], pids[0]));
    assert!(members.iter().all(|member| member.user.is_some()));
}

/// The same file twice, by a parent and its child.
#[test]
fn a_program_that_waits_for_its_parent_is_found() {
    if !testkit::tool("flock") {
        return;
    }
    let (folder, [a, ..]) = files();
    let mut foreign = Foreign::start(folder.path(), "flock a sh -c 'echo held; read line; flock a true; true'; true");
    foreign.go_on();
    let cycle = wait_until("the circle is seen", || cycle_with(&a));
    assert_eq!(cycle.members().len(), 3, "{cycle}");
}

/// The taker is dead, and a shell keeps the lock for itself and for what it runs.
#[test]
fn a_lock_of_a_shell_is_in_a_circle_while_it_waits_for_all_who_keep_it() {
    if !testkit::tool("flock") {
        return;
    }
    let (folder, [a, b, _]) = files();
    let mut ours = Party::new("grab", &[&at(&a), "exclusive", &at(&b)]);
    let script =
        |background: &str| format!("exec 9>>b; flock 9; {background} echo held; read line; flock a true; wait");
    // One in the background keeps it as well, and could give it back.
    let mut foreign = Foreign::start(folder.path(), &script("sleep 3600 >&2 &"));
    ours.wait_for(&b);
    foreign.go_on();
    wait_until("it waits", || (!inspect(&a).ok()?.waiters.is_empty()).then_some(()));
    assert_eq!(cycle_with(&a), None);
    drop(foreign);
    ours.actor.expect("held");

    let mut ours = Party::new("grab", &[&at(&a), "exclusive", &at(&b)]);
    let mut foreign = Foreign::start(folder.path(), &script(""));
    foreign.go_on();
    wait_until("it waits", || (!inspect(&a).ok()?.waiters.is_empty()).then_some(()));
    ours.actor.cue("go on");
    let said = ours.actor.word();
    assert!(said.contains("would deadlock"), "{said}");
}

/// Takes one lock after the other, or one within the other, always in the same order.
const PYTHON: &str = "import fcntl, sys
a, b = open('a', 'a'), open('b', 'a')
print('ready', flush=True)
while True:
    for first, second in ((a, b), (b, None), (a, None)):
        fcntl.flock(first, fcntl.LOCK_EX)
        if second: fcntl.flock(second, fcntl.LOCK_EX)
        for one in (second, first):
            if one: fcntl.flock(one, fcntl.LOCK_UN)";

/// No look is of one instant: at one moment a process holds what another waits for, at the next it is the other way round.
#[test]
fn those_who_come_and_go_are_in_no_circle() {
    if !testkit::tool("python3") {
        return;
    }
    let (folder, [a, b, _]) = files();
    std::fs::write(folder.path().join("loop.py"), PYTHON).unwrap();
    let _busy: Vec<_> = (0..4).map(|_| Foreign::start(folder.path(), "exec python3 loop.py")).collect();
    for _ in 0..50 {
        assert_eq!((cycle_with(&a), cycle_with(&b)), (None, None));
    }
}
