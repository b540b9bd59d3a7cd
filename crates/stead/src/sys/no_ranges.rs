//! The surface of `ranges` where there are no byte-range locks that belong to an open file description and leave the
//! whole-file lock alone.

use std::fs::File;
use std::io;

use super::Alarm;
use crate::sys::{Mode, Range};

/// Whether this system has them.
pub(crate) const HAS_RANGES: bool = false;

pub(crate) fn try_range(_file: &File, _mode: Mode, _range: Range) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn range_with_alarm(_file: &File, _mode: Mode, _range: Range, _alarm: &Alarm) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn unlock_range(_file: &File, _range: Range) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn range_in_the_way(_file: &File, _mode: Mode, _range: Range) -> io::Result<Option<Range>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// `None`: nobody asks.
pub(crate) fn boot_nanos() -> Option<u64> {
    None
}
