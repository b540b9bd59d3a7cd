//! Who holds and who waits, as the kernel tells it.
//!
//! /proc/locks names the process that *took* each lock. A flock belongs to the open file description, so the process
//! that *keeps* it may be another: a child that inherited the descriptor of a parent long dead, whose PID may by now be
//! somebody else's (trap 7). Only the descriptors of the processes tell, and they are what is believed here: first
//! those of the takers, and those of everybody only where these do not settle it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use super::fds::{Descriptor, LockLine, Primitive, Scan, parse_locks};
use super::holders::{assemble, family, is_hidden};
use super::process::{is_alive, is_init_pid_namespace, pid};
use super::volume::{Mount, mounts};
use crate::sys::{FileId, KernelHolder, KernelView, LockedFile, Mode};

/// The kernel gives the list in pages. What is told by one of them was true at one instant; from one to the next, a line
/// may be left out or come twice while others come and go.
const PAGE: usize = 4096;

/// More than a line takes. A page with this much room behind its last line was the last one; to ask for another would
/// be to read the last lines again if locks have come since.
const LONGEST_LINE: usize = 256;

/// How often a list of several pages is read.
const READINGS: usize = 9;

/// How often to look again where a look was in doubt and another reading differs.
const RETRIES: usize = 3;

/// The flock locks of a file, and who waits; whose the tickets are is told by chance. `None`: the kernel does not tell.
pub(crate) fn kernel_view(id: FileId) -> Option<KernelView> {
    view_of(id, Tickets::OfAnybody)
}

/// The same with the owners of the tickets, for which all processes may have to be looked at.
pub(crate) fn kernel_view_in_full(id: FileId) -> Option<KernelView> {
    view_of(id, Tickets::Owned)
}

/// Whether it is asked whose the tickets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tickets {
    Owned,
    OfAnybody,
}

fn view_of(id: FileId, asked: Tickets) -> Option<KernelView> {
    let mut listing = read_listing()?;
    for _ in 0..RETRIES {
        let (view, settled) = look(id, &listing, asked);
        if settled {
            return Some(view);
        }
        let again = read_listing()?;
        if same_inode(&again.lines, id).eq(same_inode(&listing.lines, id)) {
            return Some(view);
        }
        listing = again;
    }
    Some(look(id, &listing, asked).0)
}

/// One that holds a flock lock of a file, by one quick look: the process that took it, whoever keeps it now.
pub(crate) fn first_taker(id: FileId) -> Option<KernelHolder> {
    let listing = read_once()?;
    let line = same_inode(&listing.lines, id).find(|line| !line.waiting && line.file == id)?;
    Some(KernelHolder { pid: line.taker.filter(|pid| is_alive(*pid)), taker: line.taker, mode: line.mode })
}

/// Every file with a lock on it that is visible from here. `None`: the kernel does not tell.
pub(crate) fn all_locks() -> Option<Vec<LockedFile>> {
    let Listing { lines, is_torn } = read_listing()?;
    let mut scan = Scan::default();
    scan.look_at_all();
    let lines = if is_torn { completed(&lines, None, &scan) } else { lines };
    let seen = scan.descriptors().flat_map(|open| &open.info.locks).filter(|lock| is_hidden(lock));
    let groups: BTreeSet<_> = lines.iter().chain(seen).map(|line| (line.file, family(line))).collect();
    let mounts = mounts();
    let locked = |(file, primitive): (FileId, Primitive)| LockedFile {
        path: path_of(file, &scan, &mounts),
        primitive: primitive.name(),
        view: assemble(file, primitive, &lines, &scan),
    };
    Some(groups.into_iter().map(locked).collect())
}

/// The lines of /proc/locks.
pub(super) struct Listing {
    pub(super) lines: Vec<LockLine>,
    /// Not that of one instant.
    is_torn: bool,
}

/// The list; where it goes over pages, each line as often as the median of some readings has it.
pub(super) fn read_listing() -> Option<Listing> {
    let first = read_once()?;
    if !first.is_torn {
        return Some(first);
    }
    let mut readings = vec![first.lines];
    for _ in 1..READINGS {
        readings.push(read_once()?.lines);
    }
    Some(Listing { lines: steadied(&readings), is_torn: true })
}

fn steadied(readings: &[Vec<LockLine>]) -> Vec<LockLine> {
    let mut counts: HashMap<LockLine, Vec<usize>> = HashMap::new();
    let mut order = Vec::new();
    for (index, reading) in readings.iter().enumerate() {
        for line in reading {
            let counts = counts.entry(*line).or_insert_with(|| {
                order.push(*line);
                vec![0; readings.len()]
            });
            counts[index] += 1;
        }
    }
    let median = |line: &LockLine| {
        let mut counts = counts[line].clone();
        counts.sort_unstable();
        counts[counts.len() / 2]
    };
    order.iter().flat_map(|line| std::iter::repeat_n(*line, median(line))).collect()
}

fn read_once() -> Option<Listing> {
    let mut file = File::open("/proc/locks").ok()?;
    let (mut text, mut page, mut pages) = (Vec::new(), [0; PAGE], 0);
    // One read gives a page, no less: `read_to_string` begins with small reads, between which lines are lost.
    loop {
        match file.read(&mut page) {
            Ok(0) => break,
            Ok(length) => {
                text.extend_from_slice(&page[..length]);
                pages += 1;
                if length + LONGEST_LINE <= PAGE {
                    break;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(Listing { lines: parse_locks(&String::from_utf8_lossy(&text)), is_torn: pages > 1 })
}

fn same_inode(lines: &[LockLine], id: FileId) -> impl Iterator<Item = &LockLine> {
    lines.iter().filter(move |line| line.primitive == Primitive::Flock && line.file.inode == id.inode)
}

/// One look; false: in doubt.
fn look(id: FileId, listing: &Listing, asked: Tickets) -> (KernelView, bool) {
    let lines = &listing.lines;
    let mut scan = Scan::default();
    // Of those who wait, the first in line is told, and has a ticket as well.
    for taker in
        same_inode(lines, id).filter(|line| !line.waiting || asked == Tickets::Owned).filter_map(|line| line.taker)
    {
        scan.look_at(taker);
    }
    let file = kernel_name(id, lines, &mut scan);
    let view = assemble(file, Primitive::Flock, lines, &scan);
    let is_hidden = may_be_hidden(&view);
    let is_unowned = asked == Tickets::Owned && view.tickets.iter().any(|ticket| ticket.pid.is_none());
    if is_certain(&view, &scan) && !is_hidden && !is_in_doubt(&view, listing) && !is_unowned {
        return (view, true);
    }
    scan.look_at_all();
    if listing.is_torn {
        let view = assemble(file, Primitive::Flock, &completed(lines, Some(file), &scan), &scan);
        return (view, true);
    }
    let view = assemble(file, Primitive::Flock, lines, &scan);
    let settled = is_certain(&view, &scan);
    (view, settled)
}

/// Whether lines about a file may be missing or repeated: nothing is where one holder is seen that excludes all others.
fn is_in_doubt(view: &KernelView, listing: &Listing) -> bool {
    listing.is_torn && !view.holders.iter().any(|holder| holder.mode == Mode::Exclusive)
}

/// The lines, and those of `file`, or of all files, that only a descriptor shows.
fn completed(lines: &[LockLine], file: Option<FileId>, scan: &Scan) -> Vec<LockLine> {
    let mut known: HashSet<LockLine> = lines.iter().copied().collect();
    let mut lines = lines.to_vec();
    for lock in scan.descriptors().flat_map(|open| &open.info.locks) {
        let is_asked_for = file.is_none_or(|file| lock.file == file) && family(lock) == Primitive::Flock;
        if is_asked_for && !is_hidden(lock) && known.insert(*lock) {
            lines.push(*lock);
        }
    }
    lines
}

/// What /proc/locks calls this file: mostly what stat(2) does, but not on btrfs or overlayfs.
pub(super) fn kernel_name(id: FileId, lines: &[LockLine], scan: &mut Scan) -> FileId {
    if lines.iter().any(|line| line.file == id) {
        return id;
    }
    let mounts = mounts();
    // A device that mountinfo knows is a superblock's: under another name there is nothing of it to be found.
    if mounts.iter().any(|mount| mount.device == id.device) {
        return id;
    }
    // Whoever asks mostly has the file open. The others are asked last: they may not let us look.
    scan.look_at(pid());
    if let Some(file) = opened_as(id, scan, &mounts).or_else(|| locked_as(id, scan)) {
        return file;
    }
    scan.look_at_all();
    opened_as(id, scan, &mounts).or_else(|| locked_as(id, scan)).unwrap_or(id)
}

/// The name by the inode and the mount of a descriptor of this file.
fn opened_as(id: FileId, scan: &Scan, mounts: &[Mount]) -> Option<FileId> {
    let same_inode = scan.descriptors().filter(|open| open.info.inode == Some(id.inode));
    same_inode.filter(|open| open.id() == Some(id)).find_map(|open| kernel_id(open, mounts))
}

fn kernel_id(open: &Descriptor, mounts: &[Mount]) -> Option<FileId> {
    let mount = mounts.iter().find(|mount| Some(mount.id) == open.info.mount)?;
    Some(FileId { device: mount.device, inode: open.info.inode? })
}

/// The name in the flock of a descriptor of this file.
fn locked_as(id: FileId, scan: &Scan) -> Option<FileId> {
    scan.descriptors().find_map(|descriptor| {
        let lock = descriptor.info.locks.iter().find(|lock| lock.primitive == Primitive::Flock)?;
        (descriptor.id() == Some(id)).then_some(lock.file)
    })
}

/// Whether each holder was seen with a descriptor that carries the lock.
fn is_certain(view: &KernelView, scan: &Scan) -> bool {
    view.holders.iter().all(|holder| holder.pid.is_some_and(|pid| scan.has(pid)))
}

/// Inside a PID namespace /proc/locks leaves out the locks whose taker is dead or outside, and all who wait for them.
fn may_be_hidden(view: &KernelView) -> bool {
    let is_exclusive = |holder: &KernelHolder| holder.mode == Mode::Exclusive;
    !view.holders.iter().any(is_exclusive) && !is_init_pid_namespace()
}

/// Where a file is: by a descriptor that carries a lock of it, else by any descriptor of it, which a waiter has.
pub(super) fn path_of(file: FileId, scan: &Scan, mounts: &[Mount]) -> Option<PathBuf> {
    let carries = scan.descriptors().filter(|open| open.info.locks.iter().any(|lock| lock.file == file));
    let same_inode = scan.descriptors().filter(|open| open.info.inode == Some(file.inode));
    let opened = same_inode.filter(|open| kernel_id(open, mounts) == Some(file));
    carries.chain(opened).find_map(Descriptor::path)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use rustix::fs::{FlockOperation, flock};

    use super::super::stat::stat_file;
    use super::*;
    use crate::sys::KernelWaiter;

    fn file_and_id() -> (tempfile::NamedTempFile, FileId) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let id = stat_file(file.as_file()).unwrap().id;
        (file, id)
    }

    #[test]
    fn own_locks_and_waits_are_seen() {
        let (first, id) = file_and_id();
        let open = || File::open(first.path()).unwrap();
        assert_eq!(kernel_view(id), Some(KernelView::default()));

        let second = open();
        flock(first.as_file(), FlockOperation::LockShared).unwrap();
        flock(&second, FlockOperation::LockShared).unwrap();
        let me = Some(pid());
        let holder = KernelHolder { pid: me, taker: me, mode: Mode::Shared };
        assert_eq!(kernel_view(id).unwrap().holders, [holder.clone(), holder]);

        let third = open();
        let waiter = std::thread::spawn(move || flock(&third, FlockOperation::LockExclusive));
        while kernel_view(id).unwrap().waiters != [KernelWaiter { pid: me, mode: Mode::Exclusive }] {
            std::thread::yield_now();
        }
        let path = first.path().canonicalize().unwrap();
        let all = all_locks().unwrap();
        let found = all.iter().find(|locked| locked.path.as_ref() == Some(&path)).unwrap();
        assert_eq!((found.primitive, found.view.holders.len(), found.view.waiters.len()), ("flock", 2, 1));

        drop((first, second));
        waiter.join().unwrap().unwrap();
        assert_eq!(kernel_view(id), Some(KernelView::default()));
    }

    #[test]
    fn a_line_left_out_or_read_twice_now_and_then_is_one_line() {
        let parse = |text: &str| parse_locks(text);
        let (one, two) = ("1: FLOCK ADVISORY READ 50 08:01:7 0 EOF\n", "1: FLOCK ADVISORY READ 60 08:01:7 0 EOF\n");
        let readings = [[one, one, two], [one, two, ""], [one, "", ""], [two, one, two], [one, two, one]];
        let readings: Vec<_> = readings.iter().map(|lines| parse(&lines.concat())).collect();
        assert_eq!(steadied(&readings), parse(&[one, two].concat()));
    }

    #[test]
    fn trap_7_a_lock_taken_by_a_process_that_is_dead_has_a_living_holder() {
        let (file, id) = file_and_id();
        // flock(1) takes the lock of the shell's descriptor, and ends.
        let script = r#"exec 9<"$0"; flock 9; echo held; read word"#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(file.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut word = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut word).unwrap();
        let view = kernel_view(id).unwrap();
        assert_eq!(view.holders.len(), 1);
        assert_eq!(view.holders[0].pid, Some(shell.id()));
        assert_ne!(view.holders[0].taker, Some(shell.id()));
        shell.kill().unwrap();
        shell.wait().unwrap();
    }
}
