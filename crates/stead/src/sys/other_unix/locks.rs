//! Who holds and who waits: these kernels do not tell.

use crate::sys::{FileId, KernelHolder, KernelView, LockedFile};

/// `None`: the kernel does not tell.
pub(crate) fn kernel_view(_id: FileId) -> Option<KernelView> {
    None
}

/// `None`: as [`kernel_view`].
pub(crate) fn first_taker(_id: FileId) -> Option<KernelHolder> {
    None
}

/// `None`: the kernel does not tell.
pub(crate) fn all_locks() -> Option<Vec<LockedFile>> {
    None
}
