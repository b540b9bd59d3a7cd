//! This process and others: alive, since when, what they run.

use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};

use crate::sys::unix::user_name;
use crate::sys::{Identity, Process, State};

/// This process, asked each time: a forked child is another one.
pub(crate) fn pid() -> u32 {
    std::process::id()
}

/// When a process began, in microseconds since 1970. Tells a process from a later one with its PID.
pub(crate) fn process_start(pid: u32) -> Option<u64> {
    Some(details(pid)?.start)
}

/// Another process whose command line names something below `folder`: not told here.
#[cfg(feature = "edit")]
pub(crate) fn process_using(_folder: &std::path::Path) -> Option<u32> {
    None
}

/// What is known of a process.
pub(crate) fn process(pid: u32) -> Process {
    if let Some(Details { command, uid, start, state }) = details(pid) {
        return Process { command: Some(command), user: Some(user_name(uid)), start: Some(start), state };
    }
    let state = if signal_reaches(pid) { State::Running } else { State::Gone };
    Process { command: None, user: None, start: None, state }
}

/// This process, as told to others.
pub(crate) fn identity() -> Identity {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let words: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    Identity {
        pid: pid(),
        start: process_start(pid()),
        boot_id: boot_id(),
        pid_namespace: None,
        host: Some(host).filter(|host| !host.is_empty()),
        user: Some(user_name(geteuid().as_raw())),
        command: Some(words.join(" ")).filter(|command| !command.is_empty()),
    }
}

/// Whether all processes of the machine are visible from here: there are no PID namespaces.
pub(crate) fn is_init_pid_namespace() -> bool {
    true
}

/// Whether there is such a process: one that we may not signal (EPERM) is there too (trap 9).
fn signal_reaches(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}

/// What the system tells of a process at one call.
struct Details {
    command: String,
    uid: u32,
    start: u64,
    state: State,
}

#[cfg(target_os = "macos")]
fn details(pid: u32) -> Option<Details> {
    // SAFETY: proc_bsdinfo is plain data, for which all zeros is a valid value.
    let mut info: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    let size = libc::c_int::try_from(size_of_val(&info)).ok()?;
    let pid = libc::c_int::try_from(pid).ok()?;
    // SAFETY: the pointer is to live memory of the stated size.
    let filled = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) };
    (filled == size).then(|| Details {
        command: text(&info.pbi_name),
        uid: info.pbi_uid,
        start: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
        state: match info.pbi_status {
            libc::SSTOP => State::Stopped,
            libc::SZOMB => State::Zombie,
            _ => State::Running,
        },
    })
}

#[cfg(target_os = "freebsd")]
fn details(pid: u32) -> Option<Details> {
    let name = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, libc::c_int::try_from(pid).ok()?];
    // SAFETY: kinfo_proc is plain data, for which all zeros is a valid value.
    let mut info: libc::kinfo_proc = unsafe { std::mem::zeroed() };
    let mut size = size_of_val(&info);
    // SAFETY: the pointers are to live memory of the stated sizes.
    let status = unsafe { libc::sysctl(name.as_ptr(), 4, (&raw mut info).cast(), &raw mut size, std::ptr::null(), 0) };
    (status == 0 && size == size_of_val(&info)).then(|| Details {
        command: text(&info.ki_comm),
        uid: info.ki_uid,
        start: u64::try_from(info.ki_start.tv_sec * 1_000_000 + info.ki_start.tv_usec).unwrap_or(0),
        state: match info.ki_stat {
            libc::SSTOP => State::Stopped,
            libc::SZOMB => State::Zombie,
            _ => State::Running,
        },
    })
}

/// Not simply told.
#[cfg(not(any(target_os = "macos", target_os = "freebsd")))]
fn details(_pid: u32) -> Option<Details> {
    None
}

#[cfg(target_os = "macos")]
fn boot_id() -> Option<String> {
    sysctl_text(c"kern.bootsessionuuid")
}

#[cfg(target_os = "freebsd")]
fn boot_id() -> Option<String> {
    sysctl_text(c"kern.boot_id")
}

/// Not simply told: the time of the boot moves with the clock.
#[cfg(not(any(target_os = "macos", target_os = "freebsd")))]
fn boot_id() -> Option<String> {
    None
}

#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn sysctl_text(name: &std::ffi::CStr) -> Option<String> {
    let mut value: [libc::c_char; 128] = [0; 128];
    let mut size = size_of_val(&value);
    // SAFETY: the name ends in NUL; the pointers are to live memory of the stated size.
    let status =
        unsafe { libc::sysctlbyname(name.as_ptr(), value.as_mut_ptr().cast(), &raw mut size, std::ptr::null_mut(), 0) };
    (status == 0).then(|| text(&value)).filter(|value| !value.is_empty())
}

/// Up to the first NUL.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn text(characters: &[libc::c_char]) -> String {
    let bytes: Vec<u8> = characters.iter().map(|byte| byte.to_ne_bytes()[0]).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_is_followed_from_running_to_gone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(process(child.id()).state, State::Running);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(process(child.id()).state, State::Gone);
    }

    #[test]
    fn trap_9_a_process_of_another_user_is_alive() {
        assert_eq!(process(1).state, State::Running);
        assert!(!signal_reaches(0));
        assert!(!signal_reaches(u32::MAX));
    }

    #[test]
    fn this_process_knows_itself() {
        let identity = identity();
        assert_eq!(identity.pid, std::process::id());
        assert_eq!(identity.start, process_start(identity.pid));
        assert!(identity.command.is_some() && identity.host.is_some() && identity.user.is_some());
    }
}
