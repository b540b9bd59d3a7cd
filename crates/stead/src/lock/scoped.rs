//! Locks for the length of a closure.

use std::path::Path;

use crate::error::Result;
use crate::lock::file_lock::FileLock;
use crate::lock::guard::Guard;
use crate::lock::wait::Wait;

/// Runs `work` while the data file's sidecar lock is shared: nobody writes meanwhile who locks as we do.
///
/// ```
/// use std::time::Duration;
/// use stead::lock::{with_read_lock, with_write_lock};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// let patience = Duration::from_secs(5);
/// with_write_lock(&path, patience, |_| std::fs::write(&path, "1"))??;
/// let state = with_read_lock(&path, patience, |_| std::fs::read_to_string(&path))??;
/// assert_eq!(state, "1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`FileLock::lock`]; `work` has not run then. What `work` returns is returned inside.
pub fn with_read_lock<T>(data: impl AsRef<Path>, wait: impl Into<Wait>, work: impl FnOnce(&Guard) -> T) -> Result<T> {
    let guard = FileLock::sidecar(data).lock_shared(wait)?;
    // A release that fails is no reason to lose what the work returned: the lock is free with the descriptor.
    Ok(work(&guard))
}

/// Runs `work` while the data file's sidecar lock is held exclusively. A panic in `work` releases it and harms no
/// other thread.
///
/// # Errors
/// As [`with_read_lock`].
pub fn with_write_lock<T>(data: impl AsRef<Path>, wait: impl Into<Wait>, work: impl FnOnce(&Guard) -> T) -> Result<T> {
    let guard = FileLock::sidecar(data).lock(wait)?;
    Ok(work(&guard))
}
