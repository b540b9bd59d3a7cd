//! What /proc tells of locks: the lines of /proc/locks, and the descriptors of processes with the locks they carry.
//!
//! Nothing here touches the filesystem that a locked file lies on, but for [`Descriptor::id`]: a dead network server
//! must not hang whoever asks who holds a lock.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{read, read_dir, read_link};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

use crate::sys::{FileId, Mode};

/// The three families of locks, which know nothing of each other on a local filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Primitive {
    /// flock(2): belongs to the open file description.
    Flock,
    /// fcntl(2) `F_SETLK`: belongs to the process.
    Posix,
    /// fcntl(2) `F_OFD_SETLK`: belongs to the open file description.
    Ofd,
}

impl Primitive {
    pub(super) fn name(self) -> &'static str {
        match self {
            Primitive::Flock => "flock",
            Primitive::Posix => "posix",
            Primitive::Ofd => "ofd",
        }
    }
}

/// One line of /proc/locks, or of the locks in a descriptor's fdinfo, which look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LockLine {
    pub(super) primitive: Primitive,
    pub(super) waiting: bool,
    pub(super) mode: Mode,
    /// Who asked. `None`: in another PID namespace, on another machine, dead (seen from inside a PID namespace), or an
    /// OFD lock, for which the kernel does not keep it.
    pub(super) taker: Option<u32>,
    /// As the kernel names the file: the device is the superblock's, which stat(2) does not show on btrfs or overlayfs.
    pub(super) file: FileId,
    pub(super) first_byte: u64,
    /// Inclusive.
    pub(super) last_byte: u64,
}

/// Where the bytes begin that waiters lock: first the readers', then the writers'. No file is as long.
const READERS: u64 = 1 << 61;
const WRITERS: u64 = 1 << 62;
/// How many bytes there are of each.
const SPAN: u64 = 1 << 60;

impl LockLine {
    /// Whether it is about a byte that the waiters for the file's lock arrange themselves by.
    pub(super) fn is_of_the_line(&self) -> bool {
        let is_there = (READERS..READERS + SPAN).contains(&self.first_byte)
            || (WRITERS..WRITERS + SPAN).contains(&self.first_byte);
        self.primitive == Primitive::Ofd && self.first_byte == self.last_byte && is_there
    }

    /// Whether it is the place of a waiter, which is not the same as a wait for another's place.
    pub(super) fn is_ticket(&self) -> bool {
        self.is_of_the_line() && !self.waiting && self.mode == Mode::Exclusive
    }

    /// How the owner of a ticket wants to hold the lock.
    pub(super) fn wanted(&self) -> Mode {
        if self.first_byte < WRITERS { Mode::Shared } else { Mode::Exclusive }
    }
}

/// The lines of /proc/locks that are about files; leases, and what cannot be understood, are left out.
pub(super) fn parse_locks(text: &str) -> Vec<LockLine> {
    text.lines().filter_map(parse_line).collect()
}

/// `12: -> FLOCK  ADVISORY  WRITE 4312 fe:00:1234 0 EOF`
fn parse_line(line: &str) -> Option<LockLine> {
    let mut words = line.split_ascii_whitespace().skip(1).peekable();
    let waiting = words.next_if_eq(&"->").is_some();
    let primitive = match words.next()? {
        "FLOCK" => Primitive::Flock,
        "POSIX" => Primitive::Posix,
        "OFDLCK" => Primitive::Ofd,
        _ => return None,
    };
    // ADVISORY, or MANDATORY on old kernels.
    words.next()?;
    let mode = match words.next()? {
        "READ" => Mode::Shared,
        "WRITE" => Mode::Exclusive,
        _ => return None,
    };
    let taker = words.next()?.parse::<i64>().ok()?;
    let file = parse_file(words.next()?)?;
    let first_byte = words.next()?.parse().ok()?;
    let last_byte = match words.next()? {
        "EOF" => u64::MAX,
        byte => byte.parse().ok()?,
    };
    let taker = u32::try_from(taker).ok().filter(|taker| *taker != 0);
    Some(LockLine { primitive, waiting, mode, taker, file, first_byte, last_byte })
}

/// `fe:00:1234`: device numbers in hexadecimal, the inode in decimal.
fn parse_file(word: &str) -> Option<FileId> {
    let (device, inode) = word.rsplit_once(':')?;
    let (major, minor) = device.split_once(':')?;
    let device = makedev(u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
    Some(FileId { device, inode: inode.parse().ok()? })
}

/// What /proc/PID/fdinfo/FD says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct FdInfo {
    /// As in the lines of locks. Since Linux 5.14.
    pub(super) inode: Option<u64>,
    /// The mount it was opened through, as numbered in mountinfo.
    pub(super) mount: Option<u64>,
    /// The locks of its open file description, whoever took them.
    pub(super) locks: Vec<LockLine>,
}

pub(super) fn parse_fdinfo(text: &str) -> FdInfo {
    let mut info = FdInfo::default();
    for line in text.lines() {
        match line.split_once(':') {
            Some(("ino", value)) => info.inode = value.trim().parse().ok(),
            Some(("mnt_id", value)) => info.mount = value.trim().parse().ok(),
            Some(("lock", value)) => info.locks.extend(parse_line(value)),
            _ => {}
        }
    }
    info
}

/// An open descriptor of a file that has, or had, a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) pid: u32,
    pub(super) number: u32,
    /// As the link in /proc shows it: with ` (deleted)` behind it where the name is gone.
    pub(super) target: PathBuf,
    pub(super) info: FdInfo,
}

impl Descriptor {
    /// The file as stat(2) names it, without asking a server for anything fresh.
    pub(super) fn id(&self) -> Option<FileId> {
        known_id(Path::new(&format!("/proc/{}/fd/{}", self.pid, self.number)))
    }

    /// Where the file is, as seen from here. `None`: nowhere any more.
    pub(super) fn path(&self) -> Option<PathBuf> {
        // A name may end like this by itself; only then is there such a path.
        let says_deleted = self.target.as_os_str().as_bytes().ends_with(b" (deleted)");
        if says_deleted && known_id(&self.target) != self.id() {
            return None;
        }
        let mounts = |process: &str| read_link(format!("/proc/{process}/ns/mnt")).ok();
        if mounts(&self.pid.to_string()) == mounts("self") {
            return Some(self.target.clone());
        }
        // A container's path means something else here.
        let inside = self.target.strip_prefix("/").unwrap_or(&self.target);
        Some(Path::new(&format!("/proc/{}/root", self.pid)).join(inside))
    }
}

fn known_id(path: &Path) -> Option<FileId> {
    let stat = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::INO).ok()?;
    Some(FileId { device: makedev(stat.stx_dev_major, stat.stx_dev_minor), inode: stat.stx_ino })
}

/// The descriptors of the processes that were looked at; `None` for those that do not let us.
#[derive(Debug, Default)]
pub(super) struct Scan(BTreeMap<u32, Option<Vec<Descriptor>>>);

impl Scan {
    /// Looks at one process, once.
    pub(super) fn look_at(&mut self, pid: u32) {
        self.0.entry(pid).or_insert_with(|| descriptors(pid));
    }

    /// Looks at every process that was not looked at yet.
    pub(super) fn look_at_all(&mut self) {
        let Ok(folder) = read_dir("/proc") else { return };
        for pid in folder.flatten().filter_map(|entry| number(&entry.file_name())) {
            self.look_at(pid);
        }
    }

    /// Whether the descriptors of this process are all known.
    pub(super) fn has(&self, pid: u32) -> bool {
        matches!(self.0.get(&pid), Some(Some(_)))
    }

    /// All descriptors seen, by PID.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.0.values().flatten().flatten()
    }

    /// What was seen of one process.
    pub(super) fn of(&self, pid: u32) -> &[Descriptor] {
        self.0.get(&pid).and_then(Option::as_deref).unwrap_or_default()
    }

    /// The processes with a descriptor that carries this lock.
    pub(super) fn keepers(&self, line: &LockLine) -> Vec<u32> {
        let carrying = self.descriptors().filter(|open| open.info.locks.contains(line));
        let mut pids: Vec<u32> = carrying.map(|open| open.pid).collect();
        pids.dedup();
        pids
    }

    #[cfg(test)]
    pub(super) fn insert(&mut self, pid: u32, descriptors: Option<Vec<Descriptor>>) {
        self.0.insert(pid, descriptors);
    }
}

fn number(name: &OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}

fn descriptors(pid: u32) -> Option<Vec<Descriptor>> {
    let folder = read_dir(format!("/proc/{pid}/fd")).ok()?;
    let numbers: Vec<u32> = folder.flatten().filter_map(|entry| number(&entry.file_name())).collect();
    // None at all is also what is shown of a process whose first thread has ended while others run on.
    let is_known = !numbers.is_empty();
    is_known.then(|| numbers.into_iter().filter_map(|number| descriptor(pid, number)).collect())
}

/// `None`: closed meanwhile, or a pipe, socket or the like.
fn descriptor(pid: u32, number: u32) -> Option<Descriptor> {
    let target = read_link(format!("/proc/{pid}/fd/{number}")).ok()?;
    if !target.is_absolute() {
        return None;
    }
    let text = read(format!("/proc/{pid}/fdinfo/{number}")).ok()?;
    Some(Descriptor { pid, number, target, info: parse_fdinfo(&String::from_utf8_lossy(&text)) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOCKS: &str = "\
1: FLOCK  ADVISORY  WRITE 3544 fe:00:10010705 0 EOF
1: -> FLOCK  ADVISORY  READ 3550 fe:00:10010705 0 EOF
1:  -> FLOCK  ADVISORY  WRITE 0 fe:00:10010705 0 EOF
2: POSIX  ADVISORY  READ  12 00:1b:42 128 128
3: OFDLCK ADVISORY  WRITE -1 00:1b:42 4611686018427387904 9223372036854775806
4: LEASE  ACTIVE    READ  77 08:01:131090 0 EOF
5: DELEG  ACTIVE    READ  0 00:2f:2 0 EOF
6: POSIX  *NOINODE* READ  12 <none>:0 0 EOF
7: FLOCK  MSNFS     RW    12 08:01:7 0 EOF
";

    fn line(text: &str) -> LockLine {
        parse_line(text).unwrap()
    }

    #[test]
    fn locks_are_read_and_leases_are_not() {
        let lines = parse_locks(LOCKS);
        assert_eq!(lines.len(), 5);
        let file = FileId { device: makedev(0xfe, 0), inode: 10_010_705 };
        assert_eq!(
            lines[0],
            LockLine {
                primitive: Primitive::Flock,
                waiting: false,
                mode: Mode::Exclusive,
                taker: Some(3544),
                file,
                first_byte: 0,
                last_byte: u64::MAX,
            }
        );
        assert_eq!(lines[1], LockLine { waiting: true, mode: Mode::Shared, taker: Some(3550), ..lines[0] });
        assert_eq!(lines[2], LockLine { waiting: true, taker: None, ..lines[0] });
        assert_eq!((lines[3].primitive, lines[3].first_byte, lines[3].last_byte), (Primitive::Posix, 128, 128));
        assert_eq!((lines[4].primitive, lines[4].taker), (Primitive::Ofd, None));
        assert_eq!(lines[4].last_byte, 9_223_372_036_854_775_806);
    }

    #[test]
    fn tickets_are_single_bytes_far_out() {
        let ofd =
            |mode: &str, first: u64, last: u64| line(&format!("1: OFDLCK ADVISORY {mode} -1 08:01:7 {first} {last}"));
        let (reader, writer) = ((1 << 61) + 5, (1 << 62) + 5);
        assert!(ofd("WRITE", reader, reader).is_ticket() && ofd("WRITE", writer, writer).is_ticket());
        assert_eq!(ofd("WRITE", reader, reader).wanted(), Mode::Shared);
        assert_eq!(ofd("WRITE", writer, writer).wanted(), Mode::Exclusive);
        // The second asks for one.
        let waiting = line("1: -> OFDLCK ADVISORY WRITE -1 08:01:7 4611686018427387909 4611686018427387909");
        for no_ticket in [ofd("READ", writer, writer), waiting] {
            assert!(no_ticket.is_of_the_line() && !no_ticket.is_ticket());
        }
        for other in [ofd("WRITE", writer, writer + 1), ofd("WRITE", 7, 7), ofd("WRITE", 1 << 63, 1 << 63)] {
            assert!(!other.is_of_the_line());
        }
        assert!(!line("1: POSIX ADVISORY WRITE 12 08:01:7 4611686018427387909 4611686018427387909").is_of_the_line());
    }

    #[test]
    fn fdinfo_is_read() {
        let text = "pos:\t0\nmnt_id:\t27\nino:\t7\nlock:\t1: FLOCK  ADVISORY  WRITE 3544 fe:00:7 0 EOF\n";
        let info = parse_fdinfo(text);
        assert_eq!((info.mount, info.inode), (Some(27), Some(7)));
        assert_eq!(info.locks, [line("9: FLOCK  ADVISORY  WRITE 3544 fe:00:7 0 EOF")]);
    }

    #[test]
    fn a_name_that_ends_in_deleted_is_not_a_deleted_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("odd (deleted)");
        let file = std::fs::File::create(&path).unwrap();
        let open = |file: &std::fs::File| {
            let number = u32::try_from(std::os::fd::AsRawFd::as_raw_fd(file)).unwrap();
            descriptor(std::process::id(), number).unwrap()
        };
        assert_eq!(open(&file).path(), Some(path.clone()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(open(&file).path(), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            parse_locks(&text);
            parse_fdinfo(&text);
        }

        #[test]
        fn any_words_are_survived(words in proptest::collection::vec(
            "(1:|->|FLOCK|ADVISORY|WRITE|READ|-?[0-9]{1,25}|[0-9a-f]{0,9}:[0-9a-f]{0,9}:[0-9]{0,22}|EOF|lock:|\n)",
            0..40,
        )) {
            let text = words.join(" ");
            parse_locks(&text);
            parse_fdinfo(&text);
        }
    }
}
