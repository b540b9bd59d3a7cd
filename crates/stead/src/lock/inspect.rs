//! Who holds a lock and who waits for it.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorKind, Result};
use crate::holder::{Holder, Waiter};
use crate::lock::line::{self, Unordered};
use crate::lock::open::{OpenLock, peek};
use crate::lock::place::{Place, Target};
use crate::lock::protocol::ticket_of;
use crate::lock::record::{Decoded, Grant};
use crate::lock::registry::Process;
use crate::sys::{
    self, Access, FileId, FileKind, KernelHolder, KernelTicket, KernelView, Links, Mode, State, VolumeKind,
};

/// A lock as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The locked file. Empty where the machine tells of a lock but not where it is.
    pub path: PathBuf,
    /// Whether anybody holds it.
    pub held: bool,
    /// Who holds it. A lock may be held although nobody is listed: by someone that this process cannot see.
    pub holders: Vec<Holder>,
    /// Who waits for it: first those who stand in line for it, in the order in which they are to get it, then other
    /// programs that sleep in the kernel. Programs that poll are not seen.
    pub waiters: Vec<Waiter>,
    /// Why those who wait do not line up; `None` where they do, and where it was not looked for: in the listings of a folder or
    /// of the machine.
    pub unordered: Option<Unordered>,
    /// The system call through which it is locked: `flock`, `posix` or `ofd`.
    pub primitive: &'static str,
}

/// Who holds the file or folder `path`, itself, and who waits for it: any program that uses flock(2).
///
/// See [`FileLock::inspect`](crate::lock::FileLock::inspect) for the sidecar lock of a data file.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("deploy.lock");
/// let guard = stead::lock::FileLock::at(&path).try_lock()?;
/// let seen = stead::lock::inspect(&path)?;
/// assert!(seen.held);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Where there is nothing at the path, or it cannot be looked at.
pub fn inspect(path: impl AsRef<Path>) -> Result<Inspection> {
    let path = path.as_ref();
    sys::stat(path, Links::Follow).map_err(|error| Error::system("look at the lock", path, error))?;
    inspect_target(&Place::InPlace(path.to_path_buf()).resolve()?, path)
}

/// Every file on this machine that anybody locks, as far as this process can see.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) where the system does not list its locks.
pub fn inspect_machine() -> Result<Vec<Inspection>> {
    let Some(files) = sys::all_locks() else {
        return Err(Error::new(ErrorKind::Unsupported, "list the locks of the machine", Path::new("/proc/locks"))
            .with_hint("this system does not list its locks: name a folder"));
    };
    let inspect = |file: &sys::LockedFile| {
        let path = file.path.clone().unwrap_or_default();
        seen_by_kernel(&path, file, &peek_path(&path))
    };
    Ok(files.iter().map(inspect).collect())
}

/// The locks below `folder`: lock files of ours, held or not, and any other file that somebody locks.
///
/// # Errors
/// Where `folder` cannot be read. Folders below it that cannot be read are passed over.
pub fn inspect_folder(folder: impl AsRef<Path>) -> Result<Vec<Inspection>> {
    let folder = folder.as_ref();
    let machine = sys::all_locks();
    let locked = by_identity(machine.as_deref().unwrap_or_default());
    // A file of which it is not told where it is may be any of those below.
    let tells_where = machine.as_ref().is_some_and(|files| files.iter().all(|file| file.path.is_some()));
    let tells_all = tells_where && sys::is_init_pid_namespace();
    let mut found = Vec::new();
    super::walk::walk(folder, &mut |path, stat| {
        if !matches!(stat.kind, FileKind::Regular | FileKind::Folder) {
            return;
        }
        let listed = locked.get(&stat.id).map(Vec::as_slice).unwrap_or_default();
        let named = path.extension().is_some_and(|extension| extension == "lock");
        let record = if named || !listed.is_empty() { peek_path(path) } else { Decoded::Foreign };
        found.extend(listed.iter().map(|file| seen_by_kernel(path, file, &record)));
        if listed.is_empty() && record != Decoded::Foreign {
            found.extend(if tells_all { Some(free(path)) } else { inspect(path).ok() });
        }
    })?;
    found.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(found)
}

fn by_identity(files: &[sys::LockedFile]) -> HashMap<FileId, Vec<&sys::LockedFile>> {
    let mut map: HashMap<FileId, Vec<&sys::LockedFile>> = HashMap::new();
    for file in files {
        if let Some(Ok(stat)) = file.path.as_ref().map(|path| sys::stat(path, Links::Follow)) {
            map.entry(stat.id).or_default().push(file);
        }
    }
    map
}

fn seen_by_kernel(path: &Path, file: &sys::LockedFile, record: &Decoded) -> Inspection {
    // A record is about an flock, not about byte ranges of the same file.
    let record = if file.primitive == "flock" { record } else { &Decoded::Foreign };
    Inspection { primitive: file.primitive, ..from_kernel(path, &file.view, record) }
}

pub(crate) fn inspect_target(target: &Target, shown: &Path) -> Result<Inspection> {
    let stat = match sys::stat(&target.path, target.style.links()) {
        Ok(stat) => stat,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(free(&target.path)),
        Err(error) => return Err(Error::system("look at the lock", shown, error)),
    };
    if stat.kind == FileKind::Other || stat.kind == FileKind::Link {
        return Err(Error::new(ErrorKind::NotRegularFile, "look at the lock", shown)
            .with_hint("name a regular file or a folder: nothing else is locked"));
    }
    let path = if target.style.links() == Links::Follow { shown } else { &target.path };
    let file = sys::open(&target.path, Access::ReadOnly, target.style.links()).ok();
    let record = file.as_ref().filter(|_| stat.kind == FileKind::Regular).map_or(Decoded::Foreign, peek);
    let view = sys::kernel_view_in_full(stat.id);
    let unseen = view.as_ref().is_none_or(|view| view.holders.is_empty() && !sys::is_init_pid_namespace());
    let seen = match (view, &file) {
        // Where the kernel does not tell, or not all: is a lock refused?
        (view, Some(file)) if unseen => by_trying(path, &view.unwrap_or_default(), &record, file),
        (view, _) => from_kernel(path, &view.unwrap_or_default(), &record),
    };
    let is_ours = stat.kind == FileKind::Regular && (target.style.is_own() || record != Decoded::Foreign);
    let volume =
        || file.as_ref().map_or(VolumeKind::Unknown, |file| Process::current().volume_of(stat.id.device, file).kind);
    let unordered = line::why_none(is_ours, sys::may_write(&target.path, &stat), volume);
    Ok(Inspection { unordered, ..seen })
}

/// Whether the process `pid` was granted a lock on the file in this mode that is still held.
/// Where the kernel does not tell, it is not known to be so.
pub(crate) fn is_taken_by(id: FileId, pid: u32, mode: Mode) -> bool {
    let is_it = |holder: &KernelHolder| holder.mode == mode && (holder.taker == Some(pid) || holder.pid == Some(pid));
    sys::kernel_view(id).is_some_and(|view| view.holders.iter().any(is_it))
}

/// Whether nothing that the kernel tells speaks against a lock that was granted to the process `pid`. To be asked of a
/// lock that is taken: a list without holders was then not that of one instant, unless they can hide from us.
pub(crate) fn may_be_taken_by(id: FileId, pid: u32) -> bool {
    const LOOKS: usize = 5;
    let is_it = |holder: &KernelHolder| holder.taker.is_none_or(|taker| taker == pid) || holder.pid == Some(pid);
    for _ in 0..LOOKS {
        match sys::kernel_view(id) {
            None => return true,
            Some(view) if !view.holders.is_empty() => return view.holders.iter().any(is_it),
            Some(_) if !sys::is_init_pid_namespace() => return true,
            Some(_) => {}
        }
    }
    false
}

/// Whether anybody waits for this file, in line or asleep in the kernel, as far as it can be seen.
pub(crate) fn has_waiters(id: FileId) -> bool {
    sys::kernel_view(id).is_some_and(|view| !view.waiters.is_empty() || !view.tickets.is_empty())
}

/// One of those who hold an open lock file. The record is asked first, then the kernel, once: looking through all of
/// /proc takes long on a busy machine, and who asks has waited to the end of its deadline.
pub(crate) fn first_holder(open: &OpenLock) -> Option<Holder> {
    let record = peek(&open.file);
    holder_by_record(record.clone()).or_else(|| Some(describe(&sys::first_taker(open.id)?, &record)))
}

/// The holder that a record names, if its process is alive.
pub(crate) fn holder_by_record(record: Decoded) -> Option<Holder> {
    let Decoded::Record(record) = record else { return None };
    let grant = record.grant.filter(is_alive)?;
    Some(Holder { verified: false, ..recorded(&grant, record.token) })
}

/// What the record in a lock file says of who holds it.
pub(crate) fn grant_at(path: &Path) -> Option<Grant> {
    match peek_path(path) {
        Decoded::Record(record) => record.grant,
        Decoded::Foreign | Decoded::Unreadable => None,
    }
}

fn peek_path(path: &Path) -> Decoded {
    sys::open(path, Access::ReadOnly, Links::Follow).map_or(Decoded::Foreign, |file| peek(&file))
}

fn free(path: &Path) -> Inspection {
    Inspection {
        path: path.to_path_buf(),
        held: false,
        holders: Vec::new(),
        waiters: Vec::new(),
        unordered: None,
        primitive: "flock",
    }
}

fn by_trying(path: &Path, view: &KernelView, record: &Decoded, file: &File) -> Inspection {
    let mut seen = from_kernel(path, view, record);
    let refused = who_refuses(file);
    seen.held = refused.is_some();
    if let Some(mode) = refused {
        let recorded = holder_by_record(record.clone()).filter(|_| mode == Mode::Exclusive);
        seen.holders = vec![recorded.unwrap_or(Holder::unknown(mode))];
    }
    seen
}

/// How the file is locked by others, found by locking it for an instant. An error counts as locked: "free" must be sure.
fn who_refuses(file: &File) -> Option<Mode> {
    let is_granted = |mode| sys::try_lock(file, mode).unwrap_or(false);
    let refused = match (is_granted(Mode::Shared), is_granted(Mode::Exclusive)) {
        (false, _) => Some(Mode::Exclusive),
        (true, false) => Some(Mode::Shared),
        (true, true) => None,
    };
    let _ = sys::unlock(file);
    refused
}

fn from_kernel(path: &Path, view: &KernelView, record: &Decoded) -> Inspection {
    let holders: Vec<Holder> = view.holders.iter().map(|holder| describe(holder, record)).collect();
    Inspection { waiters: waiters(view), held: !holders.is_empty(), holders, ..free(path) }
}

/// Those in line by their arrival, then those who are not.
fn waiters(view: &KernelView) -> Vec<Waiter> {
    let ticket = |ticket: &KernelTicket| ticket_of(ticket.byte).map(|(mode, arrival)| (arrival, mode, ticket.pid));
    let mut line: Vec<_> = view.tickets.iter().filter_map(ticket).collect();
    line.sort_by_key(|(arrival, ..)| *arrival);
    // The first in line sleeps in the kernel's lock as well.
    let mut twice: Vec<u32> = line.iter().filter_map(|(_, _, pid)| *pid).collect();
    let mut is_in_line =
        |pid: u32| twice.iter().position(|other| *other == pid).map(|at| twice.swap_remove(at)).is_some();
    let others = view.waiters.iter().filter(|other| !other.pid.is_some_and(&mut is_in_line));
    let others = others.map(|other| waiter(other.pid, other.mode));
    let in_line = line.iter().enumerate().map(|(index, (arrival, mode, pid))| Waiter {
        since: since(*arrival),
        place: Some(index + 1),
        ..waiter(*pid, *mode)
    });
    in_line.chain(others).collect()
}

fn waiter(pid: Option<u32>, mode: Mode) -> Waiter {
    let process = pid.map(sys::process);
    Waiter {
        pid,
        command: process.as_ref().and_then(|process| process.command.clone()),
        user: process.and_then(|process| process.user),
        mode,
        since: None,
        place: None,
    }
}

/// An arrival by the wall clock. `None`: an upgrade, which is before all and does not say since when.
pub(crate) fn since(arrival: u64) -> Option<SystemTime> {
    let waited = sys::boot_nanos()?.checked_sub(arrival).filter(|_| arrival != 0)?;
    let now = UNIX_EPOCH + Duration::from_micros(sys::wall_micros());
    now.checked_sub(Duration::from_nanos(waited))
}

/// Joins what the kernel says with what the record says, where the two are about the same hold.
fn describe(kernel: &KernelHolder, record: &Decoded) -> Holder {
    let process = kernel.pid.map(sys::process);
    let seen = Holder {
        pid: kernel.pid,
        command: process.as_ref().and_then(|process| process.command.clone()),
        user: process.as_ref().and_then(|process| process.user.clone()),
        host: Process::current().identity().host.clone(),
        verified: true,
        state: process.map_or(State::Unknown, |process| process.state),
        ..Holder::unknown(kernel.mode)
    };
    let Decoded::Record(record) = record else { return seen };
    let Some(grant) = record.grant.as_ref().filter(|grant| is_about(grant, kernel)) else { return seen };
    let told = recorded(grant, record.token);
    // The command in the record is that of the process which took the lock, or what that one runs under it.
    let command = if told.via.is_some() || kernel.pid == Some(grant.who.pid) { told.command.clone() } else { None };
    Holder {
        pid: seen.pid.or(told.pid),
        command: command.or(seen.command),
        user: seen.user.or(told.user),
        verified: true,
        state: seen.state,
        ..told
    }
}

fn recorded(grant: &Grant, token: u64) -> Holder {
    let who = grant.who.clone();
    Holder {
        pid: Some(who.pid),
        command: who.command,
        via: grant.via.clone(),
        user: who.user,
        host: who.host,
        since: UNIX_EPOCH.checked_add(Duration::from_micros(grant.acquired)),
        label: grant.label.clone(),
        token: Some(token),
        state: sys::process(who.pid).state,
        ..Holder::unknown(Mode::Exclusive)
    }
}

/// Whether a record was written by the hold that the kernel tells of: the same process took the lock in this boot.
fn is_about(grant: &Grant, kernel: &KernelHolder) -> bool {
    let here = Process::current().identity();
    if kernel.mode != Mode::Exclusive || differ(grant.who.boot_id.as_ref(), here.boot_id.as_ref()) {
        return false;
    }
    // PIDs of another namespace cannot be compared, and a record may be left from one who is dead.
    if differ(grant.who.pid_namespace, here.pid_namespace) || ![kernel.taker, kernel.pid].contains(&Some(grant.who.pid))
    {
        return false;
    }
    // A taker that is dead, its child keeping the lock, has no start time any more; one that lives must be the same.
    !differ(grant.who.start, sys::process_start(grant.who.pid))
}

/// Whether the process that a record names still runs (trap 8): the same PID, start time, boot and PID namespace.
fn is_alive(grant: &Grant) -> bool {
    let here = Process::current().identity();
    // On another machine, over a network filesystem: not for us to judge.
    if differ(grant.who.host.as_ref(), here.host.as_ref()) {
        return true;
    }
    if differ(grant.who.boot_id.as_ref(), here.boot_id.as_ref()) {
        return false;
    }
    if differ(grant.who.pid_namespace, here.pid_namespace) {
        return true;
    }
    !differ(grant.who.start, sys::process_start(grant.who.pid))
        && matches!(sys::process(grant.who.pid).state, State::Running | State::Stopped | State::Unknown)
}

/// Whether two facts are known and not the same.
fn differ<T: PartialEq>(one: Option<T>, two: Option<T>) -> bool {
    matches!((one, two), (Some(one), Some(two)) if one != two)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::protocol::{UPGRADE, byte_of};
    use crate::sys::KernelWaiter;

    #[test]
    fn the_line_is_in_order_and_nobody_stands_in_it_twice() {
        let ticket = |byte, pid| KernelTicket { byte, pid };
        let asleep = |pid, mode| KernelWaiter { pid, mode };
        let view = KernelView {
            tickets: vec![
                ticket(byte_of(Mode::Exclusive, 30), Some(3)),
                ticket(byte_of(Mode::Shared, 20), None),
                ticket(UPGRADE, Some(1)),
                ticket(byte_of(Mode::Shared, 40), Some(3)),
            ],
            waiters: vec![
                asleep(Some(9), Mode::Shared),
                asleep(Some(3), Mode::Exclusive),
                asleep(Some(1), Mode::Exclusive),
                asleep(None, Mode::Exclusive),
            ],
            holders: Vec::new(),
        };
        let seen: Vec<_> = waiters(&view).iter().map(|waiter| (waiter.place, waiter.pid, waiter.mode)).collect();
        let expected = [
            (Some(1), Some(1), Mode::Exclusive),
            (Some(2), None, Mode::Shared),
            (Some(3), Some(3), Mode::Exclusive),
            (Some(4), Some(3), Mode::Shared),
            (None, Some(9), Mode::Shared),
            (None, None, Mode::Exclusive),
        ];
        assert_eq!(seen, expected);
    }

    #[cfg(all(target_os = "linux", not(stead_other_unix)))]
    #[test]
    fn an_arrival_is_a_time_of_day() {
        let arrival = sys::boot_nanos().unwrap() - 5_000_000_000;
        let now = UNIX_EPOCH + Duration::from_micros(sys::wall_micros());
        let waited = now.duration_since(since(arrival).unwrap()).unwrap();
        assert!(waited > Duration::from_secs(4) && waited < Duration::from_secs(60), "{waited:?}");
        assert_eq!(since(0), None);
    }
}
