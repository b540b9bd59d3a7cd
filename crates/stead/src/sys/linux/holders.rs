//! Putting together what /proc/locks says and what the descriptors of processes show.

use super::fds::{LockLine, Primitive, Scan};
use super::process::is_alive;
use crate::sys::{FileId, KernelHolder, KernelTicket, KernelView, KernelWaiter, Mode};

/// A lock in an fdinfo that /proc/locks leaves out.
pub(super) fn is_hidden(lock: &LockLine) -> bool {
    lock.primitive == Primitive::Flock && lock.taker.is_none()
}

/// The locks of one file, from the lines of /proc/locks and the descriptors seen.
pub(super) fn assemble(file: FileId, primitive: Primitive, lines: &[LockLine], scan: &Scan) -> KernelView {
    let ours: Vec<LockLine> =
        lines.iter().filter(|line| line.file == file && family(line) == primitive).copied().collect();
    let mut view = KernelView::default();
    for (index, line) in ours.iter().enumerate().filter(|(_, line)| !line.is_of_the_line()) {
        if line.waiting {
            view.waiters.push(KernelWaiter { pid: line.taker, mode: line.mode });
            continue;
        }
        let nth = ours[..index].iter().filter(|earlier| *earlier == line).count();
        let pid = keeper(line, nth, scan);
        // A line read again from one page to the next: the same exclusive lock, or a shared one too many.
        let is_too_many = || pid.is_none() && line.taker.is_some_and(|taker| scan.has(taker));
        if nth > 0 && (line.mode == Mode::Exclusive || is_too_many()) {
            continue;
        }
        let holder = KernelHolder { pid, taker: line.taker, mode: line.mode };
        // Byte ranges are not told apart here.
        if primitive == Primitive::Flock || !view.holders.contains(&holder) {
            view.holders.push(holder);
        }
    }
    if primitive == Primitive::Flock {
        view.holders.extend(hidden(file, scan));
        view.tickets = tickets(&ours, &view.waiters, scan);
    }
    view
}

/// The family that a line tells of: who stands in line waits for the whole-file lock.
pub(super) fn family(line: &LockLine) -> Primitive {
    if line.is_of_the_line() { Primitive::Flock } else { line.primitive }
}

/// The tickets among these lines, with those of their owners that were looked at.
fn tickets(lines: &[LockLine], waiters: &[KernelWaiter], scan: &Scan) -> Vec<KernelTicket> {
    let mut found: Vec<(LockLine, Option<u32>)> = Vec::new();
    for line in lines.iter().filter(|line| line.is_ticket()) {
        // A line may have been read twice.
        if found.iter().all(|(known, _)| known != line) {
            found.push((*line, owner(line, waiters, scan)));
        }
    }
    // The first in line sleeps in flock(2), where its PID is told though its descriptors may be not ours to see.
    let is_unseen = |pid: u32| !scan.has(pid);
    for waiter in waiters {
        let Some(pid) = waiter.pid.filter(|pid| is_unseen(*pid)) else { continue };
        let unowned = found.iter_mut().filter(|(line, owner)| owner.is_none() && line.wanted() == waiter.mode);
        if let Some((_, owner)) = unowned.min_by_key(|(line, _)| line.first_byte) {
            *owner = Some(pid);
        }
    }
    found.into_iter().map(|(line, pid)| KernelTicket { byte: line.first_byte, pid }).collect()
}

/// Whose ticket it is: that of one who waits for the lock, or of the smallest PID. A fork's child may keep it, too.
fn owner(line: &LockLine, waiters: &[KernelWaiter], scan: &Scan) -> Option<u32> {
    let keepers = scan.keepers(line);
    let waits = |pid: &&u32| waiters.iter().any(|waiter| waiter.pid == Some(**pid));
    keepers.iter().find(waits).or(keepers.first()).copied()
}

/// The process that keeps the `nth` of equal locks alive: the taker where it does, else the smallest PID that does.
fn keeper(line: &LockLine, nth: usize, scan: &Scan) -> Option<u32> {
    if line.primitive == Primitive::Posix {
        return line.taker;
    }
    let keeps = |lock: &&LockLine| *lock == line;
    let mut keepers: Vec<Option<u32>> = scan
        .descriptors()
        .flat_map(|descriptor| descriptor.info.locks.iter().filter(keeps).map(|_| Some(descriptor.pid)))
        .collect();
    // Stable: the others stay in the order of their PIDs.
    keepers.sort_by_key(|pid| *pid != line.taker);
    match keepers.get(nth) {
        Some(pid) => *pid,
        // Where we may not look, a taker that lives is the best guess; where we may and saw nothing, it is not the one.
        None => line.taker.filter(|taker| !scan.has(*taker) && is_alive(*taker)),
    }
}

/// The holders that only descriptors show. Which of the shared ones are one lock is not told: each keeps a lock alive.
fn hidden(file: FileId, scan: &Scan) -> Vec<KernelHolder> {
    let mut holders = Vec::new();
    for descriptor in scan.descriptors() {
        for lock in descriptor.info.locks.iter().filter(|lock| is_hidden(lock) && lock.file == file) {
            let holder = KernelHolder { pid: Some(descriptor.pid), taker: None, mode: lock.mode };
            let is_known = holders.contains(&holder) || (lock.mode == Mode::Exclusive && !holders.is_empty());
            if !is_known {
                holders.push(holder);
            }
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::fds::{Descriptor, FdInfo, parse_locks};
    use super::*;

    /// The file `08:01:7`.
    const FILE: FileId = FileId { device: 0x801, inode: 7 };

    fn line(mode: &str, taker: u32) -> LockLine {
        parse_locks(&format!("1: FLOCK ADVISORY {mode} {taker} 08:01:7 0 EOF"))[0]
    }

    /// The processes that were looked at, each with the locks of its descriptors.
    fn seen(processes: &[(u32, &[LockLine])]) -> Scan {
        let mut scan = Scan::default();
        for (pid, locks) in processes {
            let open = |lock: &LockLine| Descriptor {
                pid: *pid,
                number: 3,
                target: PathBuf::from("/f"),
                info: FdInfo { locks: vec![*lock], ..FdInfo::default() },
            };
            scan.insert(*pid, Some(locks.iter().map(open).collect()));
        }
        scan
    }

    fn holders(lines: &[LockLine], scan: &Scan) -> Vec<Option<u32>> {
        assemble(FILE, Primitive::Flock, lines, scan).holders.iter().map(|holder| holder.pid).collect()
    }

    #[test]
    fn trap_7_the_keeper_is_the_taker_if_it_keeps_else_the_smallest_pid() {
        let lock = line("WRITE", 50);
        assert_eq!(holders(&[lock], &seen(&[(40, &[lock]), (50, &[lock])])), [Some(50)]);
        assert_eq!(holders(&[lock], &seen(&[(60, &[lock]), (70, &[lock])])), [Some(60)]);
    }

    #[test]
    fn trap_7_a_process_that_got_the_number_of_the_taker_is_not_the_keeper() {
        let lock = line("WRITE", std::process::id());
        let stranger = (std::process::id(), &[][..]);
        assert_eq!(holders(&[lock], &seen(&[stranger, (60, &[lock])])), [Some(60)]);
        assert_eq!(holders(&[lock], &seen(&[stranger])), [None]);
        // Where it cannot be looked into, it is the best guess.
        assert_eq!(holders(&[lock], &Scan::default()), [Some(std::process::id())]);
        assert_eq!(holders(&[line("WRITE", i32::MAX.unsigned_abs())], &Scan::default()), [None]);
    }

    #[test]
    fn shared_locks_of_one_taker_are_given_to_their_keepers() {
        let lock = line("READ", 50);
        assert_eq!(holders(&[lock, lock], &seen(&[(50, &[lock, lock])])), [Some(50), Some(50)]);
        assert_eq!(holders(&[lock, lock], &seen(&[(60, &[lock]), (70, &[lock])])), [Some(60), Some(70)]);
    }

    #[test]
    fn a_line_read_twice_is_one_lock() {
        for lock in [line("WRITE", 50), line("READ", 50)] {
            assert_eq!(holders(&[lock, lock, lock], &seen(&[(50, &[lock])])), [Some(50)]);
        }
        // Nobody can be looked into: two descriptors are as likely.
        assert_eq!(holders(&[line("READ", 50); 2], &Scan::default()).len(), 2);
    }

    fn ticket(byte: u64) -> LockLine {
        parse_locks(&format!("1: OFDLCK ADVISORY WRITE -1 08:01:7 {byte} {byte}"))[0]
    }

    fn tickets_of(lines: &[LockLine], scan: &Scan) -> Vec<(u64, Option<u32>)> {
        let view = assemble(FILE, Primitive::Flock, lines, scan);
        view.tickets.iter().map(|ticket| (ticket.byte, ticket.pid)).collect()
    }

    #[test]
    fn tickets_have_the_owners_that_carry_them() {
        let (one, two) = (ticket(1 << 62 | 7), ticket(1 << 61 | 9));
        let seen = seen(&[(40, &[two]), (50, &[one]), (60, &[one])]);
        let expected = [(one.first_byte, Some(50)), (two.first_byte, Some(40))];
        assert_eq!(tickets_of(&[one, two, one], &seen), expected);
        // Sixty waits in flock(2): the other is a fork of it, or it is one of that.
        let waiting = parse_locks("1: -> FLOCK ADVISORY WRITE 60 08:01:7 0 EOF")[0];
        assert_eq!(tickets_of(&[waiting, one], &seen), [(one.first_byte, Some(60))]);
        // They are nobody's byte ranges.
        assert_eq!(assemble(FILE, Primitive::Ofd, &[one, two], &seen), KernelView::default());
    }

    #[test]
    fn the_first_in_line_is_known_though_it_cannot_be_looked_into() {
        let (first, second) = (ticket(1 << 62 | 7), ticket(1 << 62 | 9));
        let waiting = parse_locks("1: -> FLOCK ADVISORY WRITE 60 08:01:7 0 EOF")[0];
        let expected = [(second.first_byte, None), (first.first_byte, Some(60))];
        assert_eq!(tickets_of(&[second, first, waiting], &Scan::default()), expected);
        // One that was looked into and has none is somebody else.
        let expected = expected.map(|(byte, _)| (byte, None));
        assert_eq!(tickets_of(&[second, first, waiting], &seen(&[(60, &[])])), expected);
    }

    #[test]
    fn locks_that_only_descriptors_show_are_found() {
        let write = line("WRITE", 0);
        assert_eq!(holders(&[], &seen(&[(60, &[write]), (70, &[write])])), [Some(60)]);
        let read = line("READ", 0);
        assert_eq!(holders(&[], &seen(&[(60, &[read, read]), (70, &[read])])), [Some(60), Some(70)]);
    }
}
