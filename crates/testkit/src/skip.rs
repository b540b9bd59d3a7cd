//! Tests whose tool or right is missing.

use std::process::{Command, Stdio};

/// Says that a test cannot run here. Under `STEAD_TEST_ALL=1`, which `.ci/run` sets, that is a failure.
///
/// # Panics
/// Under `STEAD_TEST_ALL=1`.
#[expect(clippy::print_stderr, reason = "a test says why it is skipped")]
pub fn skip(why: &str) {
    assert!(std::env::var_os("STEAD_TEST_ALL").is_none(), "skipped: {why}");
    eprintln!("skipped: {why}");
}

/// Whether the command `name` can be started; if not, the test is to return.
///
/// # Panics
/// As [`skip`].
pub fn tool(name: &str) -> bool {
    let found = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        skip(&format!("{name} is not installed"));
    }
    found
}
