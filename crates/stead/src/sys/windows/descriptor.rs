//! The surface of `unix/descriptor.rs`, where there are neither descriptors nor flock(2).

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

pub(crate) fn open_to_lock(_path: &Path, _options: &OpenOptions) -> io::Result<(File, bool)> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn duplicate(_number: i32) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing was opened that could be inherited.
pub(crate) fn inherit_same(_command: &mut Command, _file: &Arc<File>) {}

pub(crate) fn means_not_open_to_write(_error: &io::Error) -> bool {
    false
}

pub(crate) fn means_exhausted(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

pub(crate) fn may_read_and_write(_path: &Path) -> bool {
    false
}
