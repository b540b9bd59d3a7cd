//! Plain data that every platform speaks.

use std::ffi::OsString;
use std::path::PathBuf;

/// What makes two paths one file: the device (or volume) and the inode (or file index).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The device or volume.
    pub device: u64,
    /// The inode or file index on it.
    pub inode: u64,
}

/// The kinds of file that matter to a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device.
    Other,
}

/// One look at a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Which file it is.
    pub id: FileId,
    /// What kind of file it is.
    pub kind: FileKind,
    /// How many bytes it has.
    pub len: u64,
    /// How many names it has; 0 once the last one was taken away.
    pub names: u64,
    /// The permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// The number of its user.
    pub owner: u32,
    /// The number of its group.
    pub group: u32,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading, and writing anywhere.
    ReadWrite,
    /// For reading.
    ReadOnly,
    /// For reading, and writing at the end only.
    Append,
}

/// The permission bits that a new file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewFile {
    /// 0666 less the umask, or what the folder's default ACL says.
    Default,
    /// At most these, less the umask: until the file has the metadata it should have, nobody must see more of it.
    AtMost(u32),
}

/// Whom a file belongs to, and who may do what with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// The number of its user.
    pub owner: u32,
    /// The number of its group.
    pub group: u32,
    /// Extended attributes, access control lists among them, by name.
    pub attributes: Vec<(OsString, Vec<u8>)>,
}

/// Which symbolic links are followed on the way to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// All.
    Follow,
    /// All but one at the last component.
    Refuse,
    /// None, as far as the system can tell; at least none of the last three components, which are `.stead`, `locks`
    /// and the lock file. For opening; who only looks is told of the last one.
    RefuseAll,
}

/// What a new lock file or folder takes its mode and owner from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The process: mode 0666 less the umask, the caller's user.
    Caller,
    /// The folder that it is created in: its owner (where we may set it), its mode without the execute bits.
    Folder,
}

/// How a whole-file lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Any number of holders, none of them exclusive.
    Shared,
    /// One holder and nobody else.
    Exclusive,
}

impl Mode {
    /// Whether a holder in this mode and one in `other` may be there together.
    pub fn is_compatible_with(self, other: Mode) -> bool {
        self == Mode::Shared && other == Mode::Shared
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Shared => "shared",
            Mode::Exclusive => "exclusive",
        })
    }
}

/// Some bytes of a file, which need not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    /// 0: to the end of all files.
    pub(crate) len: u64,
}

/// What the kernel tells of the locks of one file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct KernelView {
    pub(crate) holders: Vec<KernelHolder>,
    pub(crate) waiters: Vec<KernelWaiter>,
    /// Who stands in line for the lock, by the bytes far past the end of the file that they keep locked.
    pub(crate) tickets: Vec<KernelTicket>,
}

/// One lock that the kernel has granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KernelHolder {
    /// The process that keeps the lock alive: it has a descriptor of the open file description that is locked.
    /// The one that took the lock where it still does, else the one with the smallest PID. `None`: not visible to us.
    pub(crate) pid: Option<u32>,
    /// The process that asked for the lock, which may be gone.
    pub(crate) taker: Option<u32>,
    pub(crate) mode: Mode,
}

/// One request that the kernel has not granted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KernelWaiter {
    pub(crate) pid: Option<u32>,
    pub(crate) mode: Mode,
}

/// One byte far past the end of a file that somebody keeps locked while it waits for the lock of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KernelTicket {
    pub(crate) byte: u64,
    /// Whose it is, where that was asked for and can be seen.
    pub(crate) pid: Option<u32>,
}

/// What one look tells of processes that cannot go on before others do. Files are named as the kernel names them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct WaitsView {
    pub(crate) processes: Vec<StuckProcess>,
    pub(crate) kept: Vec<KeptLock>,
}

/// A process all of which waits for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StuckProcess {
    pub(crate) pid: u32,
    /// As [`Process::start`].
    pub(crate) start: Option<u64>,
    /// How often its first thread has run so far: as long as this stays the same, it sleeps.
    pub(crate) naps: u64,
    /// The lock that it waits for, and does nothing else: it has no second thread but helpers of ours.
    pub(crate) lock: Option<AwaitedLock>,
    /// Its child, if it has exactly one.
    pub(crate) child: Option<u32>,
    /// It sleeps until a child ends, and does nothing else.
    pub(crate) waits_for_child: bool,
}

/// What a process waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AwaitedLock {
    pub(crate) file: FileId,
    pub(crate) path: Option<PathBuf>,
    pub(crate) mode: Mode,
    /// The byte that it keeps locked meanwhile.
    pub(crate) ticket: Option<u64>,
    /// The same open file holds the lock already, in another mode.
    pub(crate) upgrades: bool,
}

/// A lock that somebody may wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptLock {
    pub(crate) file: FileId,
    pub(crate) path: Option<PathBuf>,
    pub(crate) mode: Mode,
    /// The process that took it, if it is there; else those that keep it alive.
    pub(crate) keepers: Vec<u32>,
}

/// A thread of ours that waits, and wants to know what for in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker<'a> {
    pub(crate) file: FileId,
    pub(crate) mode: Mode,
    /// The locked files that this thread holds.
    pub(crate) held: &'a [FileId],
}

/// One locked file on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockedFile {
    /// Where it is, if a holder or waiter shows a descriptor for it; a removed file has none.
    pub(crate) path: Option<PathBuf>,
    /// `flock`, `posix` or `ofd`.
    pub(crate) primitive: &'static str,
    pub(crate) view: KernelView,
}

/// What is known of a running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// The command line, words joined by blanks.
    pub(crate) command: Option<String>,
    pub(crate) user: Option<String>,
    /// In units of the platform, comparable only within one boot.
    pub(crate) start: Option<u64>,
    pub(crate) state: State,
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Alive: running or asleep.
    Running,
    /// Alive, but stopped by a signal or a debugger.
    Stopped,
    /// Dead, and waiting for its parent to take notice.
    Zombie,
    /// No such process.
    Gone,
    /// The system does not say.
    Unknown,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            State::Running => "running",
            State::Stopped => "stopped",
            State::Zombie => "zombie",
            State::Gone => "gone",
            State::Unknown => "unknown",
        })
    }
}

/// Which processes and which boot a PID belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) start: Option<u64>,
    pub(crate) boot_id: Option<String>,
    pub(crate) pid_namespace: Option<u64>,
    pub(crate) host: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) command: Option<String>,
}

/// A filesystem as the system names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Volume {
    /// As mount(8) or the platform names it: `ext4`, `nfs4`, `fuse.sshfs`, `NTFS`; `unknown` where it does not tell.
    pub(crate) name: String,
    pub(crate) kind: VolumeKind,
}

/// How far a filesystem's locks and notifications can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VolumeKind {
    /// On this machine: the kernel itself keeps the locks.
    Local,
    /// NFS, SMB, AFS, Ceph and the like: locks go through a server, wake-ups may come late.
    Network,
    /// A program in user space serves it: locks may be local, forwarded or absent.
    Fuse,
    /// Shared with a host or another guest (9p, virtiofs, vboxsf): locks may be no-ops.
    Guest,
    /// Not recognised.
    Unknown,
}

impl std::fmt::Display for VolumeKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            VolumeKind::Local => "local",
            VolumeKind::Network => "network",
            VolumeKind::Fuse => "fuse",
            VolumeKind::Guest => "guest",
            VolumeKind::Unknown => "unknown",
        })
    }
}
