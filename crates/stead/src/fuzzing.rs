//! Doors for the fuzz targets; there only in a fuzzing build.

use crate::lock::fuzz_record;

/// Reads `bytes` as a record. What is taken for a record must be stable: read, written again and read it is the same.
///
/// # Panics
/// If that does not hold.
pub fn record(bytes: &[u8]) {
    fuzz_record(bytes);
}
