//! Who holds and who waits: Windows does not tell.

use crate::sys::{FileId, KernelHolder, KernelView, LockedFile};

/// `None`: Windows does not tell.
pub(crate) fn kernel_view(_id: FileId) -> Option<KernelView> {
    None
}

/// `None`: as [`kernel_view`].
pub(crate) fn first_taker(_id: FileId) -> Option<KernelHolder> {
    None
}

/// `None`: Windows does not tell.
pub(crate) fn all_locks() -> Option<Vec<LockedFile>> {
    None
}
