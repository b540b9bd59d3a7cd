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

/// What the kernel tells of the locks of one file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct KernelView {
    pub(crate) holders: Vec<KernelHolder>,
    pub(crate) waiters: Vec<KernelWaiter>,
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
