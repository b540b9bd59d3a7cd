//! Names for files that are given their own name once they are whole.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// How many to try: one is taken once in 2^64 times, or by someone who guesses.
pub(crate) const TRIES: usize = 8;

/// A random name. What is left behind by a power cut holds a record of ours and ends like a lock file, so that a
/// clean-up takes it for a lock that nobody holds.
pub(crate) fn temporary_name() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!(".stead-{random:016x}.lock")
}
