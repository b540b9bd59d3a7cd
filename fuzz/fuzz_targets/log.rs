//! The files of an event log may hold anything: torn lines, zeros, other programs' lines, marks of batches in any order.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stead::fuzzing::log(bytes));
