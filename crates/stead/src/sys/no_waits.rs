//! Where the system does not tell who waits for what.

use crate::sys::{Asker, FileId, KernelView, WaitsView};

/// `None`: the system does not tell.
pub(crate) fn kernel_view_in_full(_id: FileId) -> Option<KernelView> {
    None
}

/// `None`: as [`kernel_view_in_full`].
pub(crate) fn waits_of_all() -> Option<WaitsView> {
    None
}

/// `None`: as [`kernel_view_in_full`].
pub(crate) fn waits_from(_asker: &Asker<'_>) -> Option<WaitsView> {
    None
}
