//! Doors for the fuzz targets; there only in a fuzzing build.

use crate::lock::fuzz_record;

/// Reads `bytes` as a record. What is taken for a record must be stable: read, written again and read it is the same.
///
/// # Panics
/// If that does not hold.
pub fn record(bytes: &[u8]) {
    fuzz_record(bytes);
}

/// Reads `bytes` as the files of an event log. What is left once the torn stretches are put away must be whole.
///
/// # Panics
/// If that does not hold.
#[cfg(feature = "log")]
pub fn log(bytes: &[u8]) {
    crate::log::fuzzing::log(bytes);
}
