//! This process and others: alive, since when, what they run.

use std::fs::{File, read_link, read_to_string};
use std::io::Read;

use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};

use crate::sys::unix::user_name;
use crate::sys::{Identity, Process, State};

/// The number that the kernel gives its first PID namespace (`PROC_PID_INIT_INO`).
const INIT_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// As much of a command line as is worth keeping, in bytes.
const COMMAND_MAX: u64 = 4096;

/// This process, asked each time: a forked child is another one.
pub(crate) fn pid() -> u32 {
    std::process::id()
}

/// When a process began, in clock ticks since the boot. Tells a process from a later one with its PID.
pub(crate) fn process_start(pid: u32) -> Option<u64> {
    Some(stat(pid)?.start)
}

/// What is known of a process.
pub(crate) fn process(pid: u32) -> Process {
    let stat = stat(pid);
    let state = match &stat {
        Some(stat) => stat.state,
        // No /proc, or one that hides the processes of others.
        None if signal_reaches(pid) => State::Running,
        None => State::Gone,
    };
    let bracketed = || stat.as_ref().map(|stat| format!("[{}]", stat.name));
    Process {
        command: command_line(&pid.to_string()).or_else(bracketed),
        user: user(pid),
        start: stat.as_ref().map(|stat| stat.start),
        state,
    }
}

/// Another process whose command line names something below `folder`, if any can be seen.
#[cfg(feature = "edit")]
pub(crate) fn process_using(folder: &std::path::Path) -> Option<u32> {
    use std::os::unix::ffi::OsStrExt;
    let mut named = folder.as_os_str().as_bytes().to_vec();
    named.push(b'/');
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let others = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|other| *other != pid());
    let names_it = |other: &u32| command_words(*other).split(|byte| *byte == 0).any(|word| word.starts_with(&named));
    others.into_iter().find(names_it)
}

/// The command line of a process, as the kernel has it. One that begins another program at this instant has none: it is
/// asked again.
#[cfg(feature = "edit")]
fn command_words(pid: u32) -> Vec<u8> {
    const LOOKS: usize = 100;
    let read = || std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // A thread of the kernel has no program, nor has a process that has ended.
    let has_program = || read_link(format!("/proc/{pid}/exe")).is_ok();
    let mut looks = std::iter::repeat_with(read).take(LOOKS);
    looks.find(|line| !line.is_empty() || !has_program()).unwrap_or_default()
}

/// Whether a process runs, asleep and stopped included; a zombie holds nothing any more.
pub(super) fn is_alive(pid: u32) -> bool {
    match stat(pid) {
        Some(stat) => !matches!(stat.state, State::Zombie | State::Gone),
        None => signal_reaches(pid),
    }
}

/// This process, as told to others.
pub(crate) fn identity() -> Identity {
    let boot_id = read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Identity {
        pid: pid(),
        start: process_start(pid()),
        boot_id: boot_id.map(|id| id.trim().to_owned()),
        pid_namespace: pid_namespace(),
        host: Some(host).filter(|host| !host.is_empty()),
        user: Some(user_name(geteuid().as_raw())),
        command: command_line("self"),
    }
}

/// Whether all processes of the machine are visible from here, by the PIDs that the kernel itself uses.
pub(crate) fn is_init_pid_namespace() -> bool {
    pid_namespace() == Some(INIT_PID_NAMESPACE)
}

fn pid_namespace() -> Option<u64> {
    let link = read_link("/proc/self/ns/pid").ok()?;
    link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()
}

/// Whether there is such a process: one that we may not signal (EPERM) is there too (trap 9).
fn signal_reaches(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}

/// What /proc/PID/stat says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    state: State,
    start: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    // The name is whatever the process chose, also no UTF-8.
    parse_stat(&String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/stat")).ok()?))
}

/// `4312 (name) S ...`: the name may hold blanks and brackets, so it ends at the last one (trap 8).
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, fields) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut fields = fields.split_ascii_whitespace();
    let letter = fields.next()?;
    // The letter was field 3.
    let (threads, start) = (fields.nth(16)?, fields.nth(1)?.parse().ok()?);
    let state = match letter {
        "T" | "t" => State::Stopped,
        // Its first thread has ended, but others run on.
        "Z" if !matches!(threads, "0" | "1") => State::Running,
        "Z" => State::Zombie,
        "X" | "x" => State::Gone,
        _ => State::Running,
    };
    Some(Stat { name: name.to_owned(), state, start })
}

/// The command line of a process, `None` where it has none: a zombie, or a thread of the kernel.
fn command_line(process: &str) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(format!("/proc/{process}/cmdline")).ok()?.take(COMMAND_MAX).read_to_end(&mut bytes).ok()?;
    let words = String::from_utf8_lossy(&bytes).replace('\0', " ");
    let words = words.trim_end();
    (!words.is_empty()).then(|| words.to_owned())
}

/// The effective user. /proc/PID belongs to root where the process may not be looked into, so its owner does not tell.
fn user(pid: u32) -> Option<String> {
    let status = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    parse_user(&String::from_utf8_lossy(&status)).map(user_name)
}

/// `Uid: real effective saved filesystem`
fn parse_user(status: &str) -> Option<u32> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    numbers.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn stat_line(name: &str, state: &str, threads: u32) -> String {
        format!("4312 ({name}) {state} 1 4312 4312 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 {threads} 0 777 99 100 184")
    }

    #[test]
    fn trap_8_a_name_may_look_like_the_fields_after_it() {
        for name in ["cat", "a) R 1 (b", "((", "))", "", "a b", "x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"] {
            let parsed = parse_stat(&stat_line(name, "S", 1)).unwrap();
            assert_eq!(parsed, Stat { name: name.to_owned(), state: State::Running, start: 777 });
        }
    }

    #[test]
    fn the_state_is_the_letter() {
        let state = |letter| parse_stat(&stat_line("cat", letter, 1)).unwrap().state;
        assert_eq!(["R", "S", "D", "I"].map(state), [State::Running; 4]);
        assert_eq!(["T", "t", "Z", "X"].map(state), [State::Stopped, State::Stopped, State::Zombie, State::Gone]);
        assert_eq!(parse_stat(&stat_line("cat", "Z", 3)).unwrap().state, State::Running);
    }

    #[test]
    fn the_effective_user_is_the_second_number() {
        assert_eq!(parse_user("Name:\tcat\nUid:\t1000\t0\t1000\t1000\nGid:\t1\t2\t3\t4\n"), Some(0));
        assert_eq!(parse_user("Uid:\t1000\n"), None);
    }

    #[test]
    fn a_child_is_followed_from_running_to_gone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let number = child.id();
        let seen = process(number);
        assert_eq!(seen.state, State::Running);
        assert_eq!(seen.user, identity().user);
        assert!(seen.start >= process_start(pid()));
        assert!(is_alive(number));

        child.kill().unwrap();
        while process(number).state != State::Zombie {
            std::thread::yield_now();
        }
        assert_eq!(process(number).command.as_deref(), Some("[sleep]"));
        assert!(!is_alive(number));

        child.wait().unwrap();
        assert_eq!(process(number), Process { command: None, user: None, start: None, state: State::Gone });
    }

    #[test]
    fn trap_9_a_process_of_another_user_is_alive() {
        assert!(is_alive(1));
        assert_eq!(process(1).state, State::Running);
        assert!(signal_reaches(1));
        assert!(!signal_reaches(0));
        assert!(!signal_reaches(u32::MAX));
    }

    #[test]
    fn this_process_knows_itself() {
        let identity = identity();
        assert_eq!(identity.pid, std::process::id());
        assert_eq!(identity.start, process_start(identity.pid));
        assert_eq!(identity.boot_id.unwrap().len(), 36);
        assert!(identity.start.is_some() && identity.pid_namespace.is_some() && identity.host.is_some());
        assert_eq!(identity.command, process(identity.pid).command);
        assert!(identity.command.is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(?s).*|[0-9 ()RSZ]*") {
            parse_stat(&text);
            parse_user(&text);
        }
    }
}
