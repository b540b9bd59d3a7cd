//! This process and others: alive, since when, what they run.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, FILETIME, WAIT_TIMEOUT};
use windows_sys::Win32::System::SystemInformation::{ComputerNameDnsHostname, GetComputerNameExW};
use windows_sys::Win32::System::Threading::{
    GetProcessId, GetProcessTimes, OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SYNCHRONIZE, QueryFullProcessImageNameW, WaitForSingleObject,
};
use windows_sys::Win32::System::WindowsProgramming::GetUserNameW;

use super::error::is;
use super::file::join;
use crate::sys::{Identity, Process, State};

/// The longest path of a program.
const PATH_UNITS: usize = 32_768;
/// The longest name of a user or a machine.
const NAME_UNITS: usize = 512;

/// This process.
pub(crate) fn pid() -> u32 {
    std::process::id()
}

/// When a process began, in units of 100 ns since 1601. Tells a process from a later one with its PID.
pub(crate) fn process_start(pid: u32) -> Option<u64> {
    start_of(&open(pid).ok()??)
}

/// Another process whose command line names something below `folder`: not told here.
#[cfg(feature = "edit")]
pub(crate) fn process_using(_folder: &std::path::Path) -> Option<u32> {
    None
}

/// What is known of a process. Its user is not simply told.
pub(crate) fn process(pid: u32) -> Process {
    match open(pid) {
        Ok(Some(handle)) => Process {
            command: image_of(&handle),
            user: None,
            start: start_of(&handle),
            state: if has_ended(&handle) { State::Gone } else { State::Running },
        },
        Ok(None) => Process { command: None, user: None, start: None, state: State::Gone },
        // One that we may not look into is there too (trap 9).
        Err(error) => {
            let state = if is(&error, ERROR_ACCESS_DENIED) { State::Running } else { State::Unknown };
            Process { command: None, user: None, start: None, state }
        }
    }
}

/// This process, as told to others. Start times count from 1601, not from the boot, so no boot needs a name.
pub(crate) fn identity() -> Identity {
    let words: Vec<_> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    Identity {
        pid: pid(),
        start: process_start(pid()),
        boot_id: None,
        pid_namespace: None,
        host: host_name(),
        user: user_name(),
        command: Some(words.join(" ")).filter(|command| !command.is_empty()),
    }
}

/// Whether all processes of the machine are visible from here: there are no PID namespaces.
pub(crate) fn is_init_pid_namespace() -> bool {
    true
}

/// `None`: there is no such process.
fn open(pid: u32) -> io::Result<Option<OwnedHandle>> {
    // SAFETY: the call has no preconditions.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE, 0, pid) };
    if handle.is_null() {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::InvalidInput { Ok(None) } else { Err(error) };
    }
    // SAFETY: the handle is new and nobody else's.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    // PIDs are multiples of four, and the last two bits of what is asked for are ignored.
    // SAFETY: the handle is open.
    let found = unsafe { GetProcessId(handle.as_raw_handle()) };
    Ok((found == pid).then_some(handle))
}

/// A process that has ended is still known while somebody has a handle of it.
fn has_ended(process: &OwnedHandle) -> bool {
    // SAFETY: the handle is open.
    unsafe { WaitForSingleObject(process.as_raw_handle(), 0) != WAIT_TIMEOUT }
}

fn start_of(process: &OwnedHandle) -> Option<u64> {
    let [mut start, mut end, mut kernel, mut user] = [FILETIME::default(); 4];
    let handle = process.as_raw_handle();
    // SAFETY: the handle is open and the pointers are to live memory.
    let ok = unsafe { GetProcessTimes(handle, &raw mut start, &raw mut end, &raw mut kernel, &raw mut user) };
    (ok != 0).then(|| join(start.dwHighDateTime, start.dwLowDateTime))
}

fn image_of(process: &OwnedHandle) -> Option<String> {
    text::<PATH_UNITS>(|buffer, size| {
        // SAFETY: the handle is open; the buffer is live memory of the stated size.
        unsafe { QueryFullProcessImageNameW(process.as_raw_handle(), PROCESS_NAME_WIN32, buffer, size) != 0 }
    })
}

fn host_name() -> Option<String> {
    // SAFETY: the buffer is live memory of the stated size.
    text::<NAME_UNITS>(|buffer, size| unsafe { GetComputerNameExW(ComputerNameDnsHostname, buffer, size) != 0 })
}

fn user_name() -> Option<String> {
    // SAFETY: the buffer is live memory of the stated size.
    text::<NAME_UNITS>(|buffer, size| unsafe { GetUserNameW(buffer, size) != 0 })
}

/// What `fill` writes into a buffer of at most `UNITS`, up to the first NUL.
fn text<const UNITS: usize>(fill: impl FnOnce(*mut u16, *mut u32) -> bool) -> Option<String> {
    let mut buffer = vec![0_u16; UNITS];
    let mut size = u32::try_from(UNITS).ok()?;
    if !fill(buffer.as_mut_ptr(), &raw mut size) {
        return None;
    }
    let text = buffer.split(|unit| *unit == 0).next().filter(|text| !text.is_empty())?;
    Some(String::from_utf16_lossy(text))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_is_followed_from_running_to_gone() {
        let mut child = Command::new("cmd").args(["/c", "pause"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        let seen = process(child.id());
        assert_eq!(seen.state, State::Running);
        assert!(seen.start >= process_start(pid()), "{seen:?}");
        assert!(seen.command.is_some_and(|command| command.to_lowercase().ends_with("cmd.exe")));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(process(child.id()).state, State::Gone);
    }

    #[test]
    fn a_process_that_never_was_is_gone() {
        assert_eq!(process(u32::MAX - 3).state, State::Gone);
        assert_eq!(process(pid() + 1).state, State::Gone);
        assert_eq!(process_start(u32::MAX - 3), None);
    }

    #[test]
    fn this_process_knows_itself() {
        let identity = identity();
        assert_eq!(identity.pid, std::process::id());
        assert_eq!(identity.start, process_start(identity.pid));
        assert!(identity.start.is_some() && identity.command.is_some());
        assert!(identity.host.is_some() && identity.user.is_some(), "{identity:?}");
    }
}
