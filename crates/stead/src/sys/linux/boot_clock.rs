//! A clock that all processes of the machine read alike, since the boot.

use std::fs::{read_link, read_to_string};
use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the boot, suspended or not, whatever time namespace this process is in (trap 52). `None`: that is not
/// to be found out.
pub(crate) fn boot_nanos() -> Option<u64> {
    static OFFSET: OnceLock<Option<i128>> = OnceLock::new();
    let offset = (*OFFSET.get_or_init(offset))?;
    let now = clock_gettime(ClockId::Boottime);
    u64::try_from(nanos(now.tv_sec.into(), now.tv_nsec.into()) - offset).ok()
}

/// How far the clock is shifted in this time namespace.
fn offset() -> Option<i128> {
    // Kernels without time namespaces shift no clock.
    let Ok(text) = read_to_string("/proc/self/timens_offsets") else { return Some(0) };
    // What is told are the offsets for the children, which may be another namespace than ours.
    let namespace = |name: &str| read_link(format!("/proc/self/ns/{name}")).ok()?.to_str().map(digits);
    if namespace("time") != namespace("time_for_children") {
        return None;
    }
    parse_offset(&text)
}

fn digits(link: &str) -> String {
    link.chars().filter(char::is_ascii_digit).collect()
}

/// `boottime 86400 0`: seconds and nanoseconds.
fn parse_offset(text: &str) -> Option<i128> {
    let line = text.lines().find(|line| line.starts_with("boottime"))?;
    let mut numbers = line.split_ascii_whitespace().skip(1).map(str::parse::<i128>);
    Some(nanos(numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn nanos(seconds: i128, nanos: i128) -> i128 {
    seconds * 1_000_000_000 + nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read() {
        let text = "monotonic           0         0\nboottime       86400       123\n";
        assert_eq!(parse_offset(text), Some(86_400_000_000_123));
        assert_eq!(parse_offset("boottime        -7         0"), Some(-7_000_000_000));
        assert_eq!(parse_offset("monotonic 0 0"), None);
    }

    #[test]
    fn the_clock_goes_forward() {
        let first = boot_nanos().unwrap();
        assert!(boot_nanos().unwrap() >= first);
    }
}
