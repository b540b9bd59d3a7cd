//! Who cannot go on before somebody else does: waiters for locks, parents that wait for a child, and whom they wait for.
//!
//! What one look tells is not of one instant. Each process carries what shows in a later look whether it has slept since:
//! its ticket, or how often it has run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read, read_dir, read_to_string};

use super::fds::{Descriptor, LockLine, Primitive, Scan};
use super::holders::is_hidden;
use super::locks::{Listing, kernel_name, path_of, read_listing};
use super::process::{is_alive, is_init_pid_namespace, pid, process_start};
use super::volume::{Mount, mounts};
use crate::sys::{Asker, AwaitedLock, FileId, KeptLock, Mode, StuckProcess, WaitsView};

/// What the names of our own threads begin with that do nothing which others wait for.
const HELPERS: &str = "stead-";

/// No more processes are gone through from one who asks.
const PROCESSES_MAX: usize = 10_000;

/// All that wait, as far as can be seen. `None`: the kernel does not tell.
pub(crate) fn waits_of_all() -> Option<WaitsView> {
    let mut look = Look::begin()?;
    look.scan.look_at_all();
    let waiting = look.listing.lines.iter().filter(|line| line.waiting).filter_map(|line| line.taker);
    let tickets = look.scan.descriptors().filter(|open| open.info.locks.iter().any(LockLine::is_ticket));
    let from = waiting.chain(tickets.map(|open| open.pid)).collect();
    Some(look.follow(from, None))
}

/// Those that the thread which asks waits for, and so on. It is listed by the PID of this process, as if it were all of
/// it: with the locks of this thread only, and waiting for nothing but its lock. `None`: the kernel does not tell.
pub(crate) fn waits_from(asker: &Asker<'_>) -> Option<WaitsView> {
    let mut look = Look::begin()?;
    look.scan.look_at(pid());
    let mut name = |id: &FileId| kernel_name(*id, &look.listing.lines, &mut look.scan);
    let (file, held) = (name(&asker.file), asker.held.iter().map(&mut name).collect());
    let asking = Asking { file, mode: asker.mode, held };
    Some(look.follow(BTreeSet::from([pid()]), Some(&asking)))
}

/// An [`Asker`], with its files as the kernel names them.
struct Asking {
    file: FileId,
    mode: Mode,
    held: BTreeSet<FileId>,
}

/// One look at the machine.
struct Look {
    listing: Listing,
    scan: Scan,
    mounts: Vec<Mount>,
}

impl Look {
    fn begin() -> Option<Look> {
        Some(Look { listing: read_listing()?, scan: Scan::default(), mounts: mounts() })
    }

    /// Goes from these processes to those that keep what they wait for, and to the children that they wait for.
    fn follow(mut self, mut to_do: BTreeSet<u32>, asking: Option<&Asking>) -> WaitsView {
        let mut processes = BTreeMap::new();
        let mut kept = BTreeMap::new();
        while let Some(next) = to_do.pop_first()
            && processes.len() < PROCESSES_MAX
        {
            let found = match asking.filter(|_| next == pid()) {
                Some(asking) => self.asker(asking),
                None => self.process(next),
            };
            if let Some(lock) = &found.lock {
                let locks = kept.entry(lock.file).or_insert_with(|| self.kept(lock.file));
                to_do.extend(locks.iter().flat_map(|lock| &lock.keepers));
            }
            to_do.extend(found.child);
            processes.insert(next, found);
            to_do.retain(|pid| !processes.contains_key(pid));
        }
        let view =
            WaitsView { processes: processes.into_values().collect(), kept: kept.into_values().flatten().collect() };
        match asking {
            Some(asking) => without_other_threads(view, asking),
            None => view,
        }
    }

    fn asker(&mut self, asking: &Asking) -> StuckProcess {
        let ticket = self.ticket(pid(), asking.file).filter(|(line, _)| line.wanted() == asking.mode);
        StuckProcess {
            pid: pid(),
            start: process_start(pid()),
            naps: 0,
            lock: Some(AwaitedLock {
                file: asking.file,
                path: self.path(asking.file),
                mode: asking.mode,
                ticket: ticket.map(|(line, _)| line.first_byte),
                // It would have been told that it holds the lock already, did it not upgrade.
                upgrades: true,
            }),
            child: None,
            waits_for_child: false,
        }
    }

    fn process(&mut self, number: u32) -> StuckProcess {
        self.scan.look_at(number);
        let threads = threads(number);
        // The first thread, which has the number of the process: no other has its name and is no helper.
        let is_single = is_single(&threads);
        StuckProcess {
            pid: number,
            start: process_start(number),
            naps: naps(number).unwrap_or_default(),
            lock: if is_single { self.awaited(number) } else { None },
            child: only_child(number, &threads),
            waits_for_child: is_single && waits_for_child(number),
        }
    }

    /// What a process waits for, by its ticket or its sleep in flock(2).
    fn awaited(&mut self, number: u32) -> Option<AwaitedLock> {
        let asleep =
            |line: &&LockLine| line.waiting && line.primitive == Primitive::Flock && line.taker == Some(number);
        let asleep = self.listing.lines.iter().find(asleep).copied();
        let files: BTreeSet<FileId> = match asleep {
            Some(line) => BTreeSet::from([line.file]),
            None => self.scan.of(number).iter().flat_map(tickets).map(|line| line.file).collect(),
        };
        // One that stands in several lines has several threads, or is the fork of one.
        let [file] = files.into_iter().collect::<Vec<_>>()[..] else { return None };
        let ticket = self.ticket(number, file);
        let mode = asleep.map(|line| line.mode).or(ticket.map(|(line, _)| line.wanted()))?;
        let lock = |(ticket, upgrades): (Option<u64>, bool)| AwaitedLock { file, path: None, mode, ticket, upgrades };
        match ticket {
            Some((line, holds)) if holds.is_none_or(|held| held < mode) => {
                let found = lock((Some(line.first_byte), holds.is_some()));
                Some(AwaitedLock { path: self.path(file), ..found })
            }
            // It was granted just now.
            Some(_) => None,
            None => Some(AwaitedLock { path: self.path(file), ..lock((None, false)) }),
        }
    }

    /// The ticket of a process in the line of this file, and how the same open file holds the lock already.
    fn ticket(&mut self, number: u32, file: FileId) -> Option<(LockLine, Option<Mode>)> {
        let of_file = |open: &Descriptor| {
            let line = tickets(open).find(|line| line.file == file)?;
            let held = open.info.locks.iter().filter(|lock| lock.primitive == Primitive::Flock && lock.file == file);
            Some((line, held.map(|lock| lock.mode).max()))
        };
        let (line, held) = self.scan.of(number).iter().find_map(of_file)?;
        // It was still there when the list was made, and it is not the copy that a fork has of its parent's.
        let is_listed = self.listing.lines.contains(&line);
        let parent = parent(number).filter(|parent| *parent != 0)?;
        self.scan.look_at(parent);
        let is_copy = number != pid() && self.scan.of(parent).iter().flat_map(tickets).any(|other| other == line);
        (is_listed && !is_copy).then_some((line, held))
    }

    /// The locks of a file, and who would have to give them back.
    fn kept(&mut self, file: FileId) -> Vec<KeptLock> {
        let is_of_it = |line: &&LockLine| line.file == file && line.primitive == Primitive::Flock && !line.waiting;
        let mut lines: Vec<LockLine> = self.listing.lines.iter().filter(is_of_it).copied().collect();
        if lines.is_empty() && !is_init_pid_namespace() {
            self.scan.look_at_all();
            let hidden = self.scan.descriptors().flat_map(|open| &open.info.locks);
            lines.extend(hidden.filter(|lock| is_hidden(lock) && lock.file == file));
        }
        lines.sort_by_key(|line| (line.taker, line.mode));
        lines.dedup();
        let path = self.path(file);
        let lock = |line: LockLine, keepers| KeptLock { file, path: path.clone(), mode: line.mode, keepers };
        lines.into_iter().map(|line| lock(line, self.keepers(&line))).collect()
    }

    /// The taker, where it is there: it gives the lock back for all who have inherited it. Else those who have.
    fn keepers(&mut self, line: &LockLine) -> Vec<u32> {
        if let Some(taker) = line.taker {
            self.scan.look_at(taker);
            let carries = self.scan.of(taker).iter().any(|open| open.info.locks.contains(line));
            if carries || (!self.scan.has(taker) && is_alive(taker)) {
                return vec![taker];
            }
        }
        self.scan.look_at_all();
        self.scan.keepers(line)
    }

    fn path(&self, file: FileId) -> Option<std::path::PathBuf> {
        path_of(file, &self.scan, &self.mounts)
    }
}

/// What other threads of this process hold they may give back, and they may end it.
fn without_other_threads(mut view: WaitsView, asking: &Asking) -> WaitsView {
    view.kept.retain(|lock| !lock.keepers.contains(&pid()) || asking.held.contains(&lock.file));
    if !is_single(&threads(pid())) {
        for parent in view.processes.iter_mut().filter(|process| process.child == Some(pid())) {
            parent.child = None;
        }
    }
    view
}

fn tickets(open: &Descriptor) -> impl Iterator<Item = LockLine> {
    open.info.locks.iter().filter(|line| line.is_ticket()).copied()
}

/// One thread of a process.
struct Thread {
    number: u32,
    is_helper: bool,
}

fn threads(number: u32) -> Vec<Thread> {
    let Ok(folder) = read_dir(format!("/proc/{number}/task")) else { return Vec::new() };
    let numbers = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // Names are whatever the process chose; a thread that was given none has that of its first one.
    let name = |thread: u32| read(format!("/proc/{number}/task/{thread}/comm")).unwrap_or_default();
    let first = name(number);
    numbers.map(|thread| Thread { number: thread, is_helper: is_helper(&name(thread), &first) }).collect()
}

/// Whether a thread is one of ours by its name and that of the first thread of its process.
fn is_helper(name: &[u8], first: &[u8]) -> bool {
    name.starts_with(HELPERS.as_bytes()) && name != first
}

/// Whether nothing else goes on in a process while one of its threads waits.
fn is_single(threads: &[Thread]) -> bool {
    threads.iter().filter(|thread| !thread.is_helper).count() == 1
}

/// How often the first thread of a process has left the processor.
fn naps(number: u32) -> Option<u64> {
    let status = read(format!("/proc/{number}/task/{number}/status")).ok()?;
    parse_naps(&String::from_utf8_lossy(&status))
}

fn parse_naps(status: &str) -> Option<u64> {
    let count = |key: &str| status.lines().find_map(|line| line.strip_prefix(key))?.trim().parse::<u64>().ok();
    count("voluntary_ctxt_switches:")?.checked_add(count("nonvoluntary_ctxt_switches:")?)
}

/// Whether the first thread sleeps in wait4(2) or waitid(2). Not told of processes of others.
fn waits_for_child(number: u32) -> bool {
    let read = |name: &str| read_to_string(format!("/proc/{number}/task/{number}/{name}")).unwrap_or_default();
    match read("wchan").trim() {
        "do_wait" | "__do_wait" => true,
        // A kernel that does not know the names of its functions.
        "" | "0" => is_wait_call(&read("syscall")),
        _ => false,
    }
}

/// `61 0xffffffff ...`: the number of the system call that a thread sleeps in.
fn is_wait_call(syscall: &str) -> bool {
    let number = syscall.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    number.is_some_and(|number: libc::c_long| [libc::SYS_wait4, libc::SYS_waitid].contains(&number))
}

/// `None`: there is none, or several, or the kernel does not list them.
fn only_child(number: u32, threads: &[Thread]) -> Option<u32> {
    let list = |thread: &Thread| read_to_string(format!("/proc/{number}/task/{}/children", thread.number));
    let lists: Vec<String> = threads.iter().filter_map(|thread| list(thread).ok()).collect();
    let mut children = lists.iter().flat_map(|list| list.split_ascii_whitespace());
    let only = children.next()?.parse().ok()?;
    children.next().is_none().then_some(only)
}

/// The process that started this one, or took it over.
fn parent(number: u32) -> Option<u32> {
    let status = read(format!("/proc/{number}/status")).ok()?;
    parse_parent(&String::from_utf8_lossy(&status))
}

fn parse_parent(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    const STATUS: &str =
        "Name:\tsh\nPid:\t4313\nPPid:\t4312\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t5\n";

    #[test]
    fn the_status_says_how_often_it_ran_and_whose_child_it_is() {
        assert_eq!((parse_naps(STATUS), parse_parent(STATUS)), (Some(12), Some(4312)));
        assert_eq!((parse_naps("Name:\tsh\n"), parse_parent("Name:\tsh\n")), (None, None));
    }

    #[test]
    fn a_shell_waits_for_its_only_child() {
        // A second command, or the shell becomes the first one.
        let mut shell = Command::new("sh").args(["-c", "sleep 60; true"]).stdin(Stdio::null()).spawn().unwrap();
        let number = shell.id();
        let mut look = Look::begin().unwrap();
        let child = loop {
            let seen = look.process(number);
            if let (Some(child), true) = (seen.child, seen.waits_for_child) {
                break child;
            }
            std::thread::yield_now();
        };
        assert_eq!(parent(child), Some(number));
        assert_eq!(look.process(number).naps, look.process(number).naps);
        assert_eq!(look.process(number).lock, None);
        // It sleeps, but for no child.
        assert!(!look.process(child).waits_for_child);
        let sleep = rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
        rustix::process::kill_process(sleep, rustix::process::Signal::KILL).unwrap();
        shell.wait().unwrap();
    }

    #[test]
    fn helpers_do_not_count() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let helper = std::thread::Builder::new().name("stead-test".to_owned()).spawn(move || wait.recv()).unwrap();
        // It names itself, once it runs.
        let has_helper = || threads(pid()).iter().any(|thread| thread.is_helper);
        while !has_helper() {
            std::thread::yield_now();
        }
        assert!(threads(pid()).iter().any(|thread| thread.number == pid() && !thread.is_helper));
        assert!(!is_single(&threads(pid())), "the thread of this test and the first one");
        drop(done);
        assert!(helper.join().unwrap().is_err());
    }

    #[test]
    fn a_thread_without_a_name_of_its_own_is_no_helper() {
        assert!(is_helper(b"stead-speaker\n", b"stead\n") && is_helper(b"stead-signals\n", b"ponder\n"));
        assert!(!is_helper(b"stead-tool\n", b"stead-tool\n") && !is_helper(b"stead\n", b"stead\n"));
        assert!(!is_helper(b"signals\n", b"stead\n") && !is_helper(b"", b"stead\n"));
    }

    #[test]
    fn the_call_is_the_first_word() {
        assert!(is_wait_call(&format!("{} 0xffffffff 0x7ffc\n", libc::SYS_wait4)));
        assert!(!is_wait_call(&format!("{} 0x3 0x6\n", libc::SYS_flock)));
        assert!(!is_wait_call("running\n") && !is_wait_call(""));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(?s).*|[0-9 a-zA-Z:_\t\n]*") {
            parse_naps(&text);
            parse_parent(&text);
            is_wait_call(&text);
        }
    }
}
