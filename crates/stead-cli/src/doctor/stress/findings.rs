//! What the proof says, and how long the waits were.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

/// What was found after a round.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct Findings {
    /// Changes that a worker was told are in place.
    pub(in crate::doctor) acknowledged: u64,
    /// Operations that held a lock, readers included.
    pub(in crate::doctor) operations: u64,
    /// Acknowledged changes that are not there, and values that cannot be: anything missing.
    pub(in crate::doctor) lost: u64,
    /// Changes that are there but that nobody made, or made once and are there twice.
    pub(in crate::doctor) doubled: u64,
    /// Pairs of holders that were inside together.
    pub(in crate::doctor) overlaps: u64,
    pub(in crate::doctor) waits: Waits,
    /// What must not happen at all: a worker that failed, or never came back.
    pub(in crate::doctor) failures: Vec<String>,
}

impl AddAssign for Findings {
    fn add_assign(&mut self, other: Findings) {
        let Findings { acknowledged, operations, lost, doubled, overlaps, waits, failures } = other;
        self.acknowledged += acknowledged;
        self.operations += operations;
        self.lost += lost;
        self.doubled += doubled;
        self.overlaps += overlaps;
        self.waits += waits;
        self.failures.extend(failures);
    }
}

/// Waits, counted by size: exact below 16 us, within a sixteenth above.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct Waits {
    /// From a wait in microseconds, rounded down, to how many there were.
    counts: BTreeMap<u64, u64>,
}

impl Waits {
    pub(in crate::doctor) fn add(&mut self, micros: u64) {
        // Keep the five highest bits.
        let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(5);
        *self.counts.entry(micros >> shift << shift).or_default() += 1;
    }

    /// The wait that this share of all did not exceed; `None` where there was none.
    pub(in crate::doctor) fn percentile(&self, percent: u64) -> Option<Duration> {
        let total: u64 = self.counts.values().sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut passed = 0;
        let at = |(micros, count): (&u64, &u64)| {
            passed += count;
            (passed >= rank).then(|| Duration::from_micros(*micros))
        };
        self.counts.iter().find_map(at)
    }
}

impl AddAssign for Waits {
    fn add_assign(&mut self, other: Waits) {
        for (micros, count) in other.counts {
            *self.counts.entry(micros).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_waits() {
        let mut waits = Waits::default();
        assert_eq!(waits.percentile(50), None);
        (1..=10).for_each(|micros| waits.add(micros));
        assert_eq!(waits.percentile(50), Some(Duration::from_micros(5)));
        assert_eq!(waits.percentile(99), Some(Duration::from_micros(10)));
        assert_eq!(waits.percentile(0), Some(Duration::from_micros(1)));
    }

    #[test]
    fn large_waits_are_near() {
        for micros in [17, 1000, 123_456, 9_999_999, u64::MAX] {
            let mut waits = Waits::default();
            waits.add(micros);
            let kept = u64::try_from(waits.percentile(50).unwrap().as_micros()).unwrap();
            assert!(kept <= micros && micros - kept <= micros / 16, "{micros} became {kept}");
        }
    }
}
