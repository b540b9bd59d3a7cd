//! The record at the start of a lock file may hold anything: other programs, power cuts and people write there.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stead::fuzzing::record(bytes));
