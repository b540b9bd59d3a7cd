//! What goes wrong with a disk that has power.

use std::io;
use std::path::{Path, PathBuf};

use super::errno;

/// A call to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the methods of `stead::disk::Disk` by their names")]
pub enum Op {
    Open,
    Create,
    CreateFolder,
    Stat,
    StatFile,
    Attributes,
    SetMetadata,
    SetMode,
    Read,
    Write,
    Append,
    SetLen,
    SyncData,
    Sync,
    SyncFolder,
    Rename,
    RenameNew,
    Exchange,
    Link,
    Unlink,
    List,
    TryLock,
}

impl Op {
    /// Whether it is a step: it changes what is on the disk, or how certainly it is there.
    pub fn is_step(self) -> bool {
        !matches!(self, Op::Open | Op::Stat | Op::StatFile | Op::Attributes | Op::Read | Op::List | Op::TryLock)
    }

    /// What may go wrong with it.
    pub fn troubles(self) -> &'static [Trouble] {
        match self {
            Op::Write | Op::Append => &[
                Trouble::NoSpace,
                Trouble::Quota,
                Trouble::ReadOnly,
                Trouble::Interrupted,
                Trouble::Short(1),
                Trouble::Short(7),
                Trouble::Io,
            ],
            Op::Sync | Op::SyncData => &[Trouble::Io, Trouble::IoReverted, Trouble::NoSpace, Trouble::Interrupted],
            Op::Unlink | Op::SetLen | Op::SetMode => &[Trouble::Io, Trouble::ReadOnly],
            Op::Create | Op::CreateFolder | Op::SetMetadata | Op::Rename | Op::RenameNew | Op::Exchange | Op::Link => {
                &[Trouble::NoSpace, Trouble::Quota, Trouble::ReadOnly, Trouble::Io]
            }
            _ => &[Trouble::Io],
        }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// ENOSPC.
    NoSpace,
    /// EDQUOT.
    Quota,
    /// EROFS.
    ReadOnly,
    /// EINTR: nothing has been done, and the next try does it.
    Interrupted,
    /// The caller dies before the call: nothing has been done. For [`Fault::lasting`]; the error is EIO.
    Killed,
    /// A write takes only so many of its bytes.
    Short(usize),
    /// EIO. If it is a sync that fails, by this or by anything but EINTR, what it was to write is taken for written:
    /// it can still be read, the next sync has nothing to do and says Ok, and a power cut may show that it was lost.
    Io,
    /// The same, but what was lost is gone at once: what is read is what was there before, or zeros.
    IoReverted,
}

impl Trouble {
    /// The error; `None`: there is none.
    pub(super) fn error(self) -> Option<io::Error> {
        let errno = match self {
            Trouble::NoSpace => errno::NOSPC,
            Trouble::Quota => errno::DQUOT,
            Trouble::ReadOnly => errno::ROFS,
            Trouble::Interrupted => errno::INTR,
            Trouble::Short(_) => return None,
            Trouble::Killed | Trouble::Io | Trouble::IoReverted => errno::IO,
        };
        Some(errno.into())
    }
}

/// Something that is to go wrong, once unless [`lasting`](Fault::lasting).
#[derive(Debug, Clone)]
pub struct Fault {
    op: Option<Op>,
    path: Option<PathBuf>,
    nth: usize,
    trouble: Trouble,
    lasting: bool,
}

impl Fault {
    /// At the next call of this kind.
    pub fn new(op: Op, trouble: Trouble) -> Fault {
        Fault { op: Some(op), path: None, nth: 1, trouble, lasting: false }
    }

    /// At the `nth` [step](Op::is_step) from now, of whatever kind; 1 is the next.
    pub fn at_step(nth: usize, trouble: Trouble) -> Fault {
        Fault { op: None, path: None, nth, trouble, lasting: false }
    }

    /// At the `nth` call that matches; 1 is the next.
    #[must_use]
    pub fn nth(self, nth: usize) -> Fault {
        Fault { nth, ..self }
    }

    /// Only calls about this path match; for an open file, the path that it was opened by.
    #[must_use]
    pub fn on(self, path: impl Into<PathBuf>) -> Fault {
        Fault { path: Some(path.into()), ..self }
    }

    /// And at every matching call after it.
    #[must_use]
    pub fn lasting(self) -> Fault {
        Fault { lasting: true, ..self }
    }

    /// Whether it strikes at this call.
    pub(super) fn strikes(&mut self, op: Op, paths: &[&Path]) -> Option<Trouble> {
        let about = self.path.as_ref().is_none_or(|path| paths.contains(&path.as_path()));
        if !about || self.op.map_or(!op.is_step(), |wanted| wanted != op) {
            return None;
        }
        self.nth = self.nth.saturating_sub(1);
        (self.nth == 0).then_some(self.trouble)
    }

    pub(super) fn is_over(&self) -> bool {
        self.nth == 0 && !self.lasting
    }
}
