//! How much was written, and how regularly.

pub(crate) mod calendar;
mod streaks;

use std::collections::BTreeMap;

use jiff::civil::Date;

pub(crate) use self::streaks::{Streak, Streaks};

/// How many words each day has.
pub(crate) type Days = BTreeMap<Date, usize>;

/// Entries and words of some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) entries: usize,
    pub(crate) words: usize,
}

/// All that is told of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stats {
    pub(crate) total: Sum,
    pub(crate) first: Option<Date>,
    pub(crate) last: Option<Date>,
    pub(crate) streaks: Streaks,
    /// Of each year that has entries.
    pub(crate) years: BTreeMap<i16, Sum>,
    /// Of each month that has entries.
    pub(crate) months: BTreeMap<(i16, i8), Sum>,
}

impl Stats {
    /// Seen from `today`.
    pub(crate) fn of(days: &Days, today: Date) -> Stats {
        let mut stats = Stats {
            total: Sum::default(),
            first: days.keys().next().copied(),
            last: days.keys().next_back().copied(),
            streaks: Streaks::of(days.keys().copied(), today),
            years: BTreeMap::new(),
            months: BTreeMap::new(),
        };
        for (day, words) in days {
            stats.total.add(*words);
            stats.years.entry(day.year()).or_default().add(*words);
            stats.months.entry((day.year(), day.month())).or_default().add(*words);
        }
        stats
    }
}

impl Sum {
    fn add(&mut self, words: usize) {
        self.entries += 1;
        self.words += words;
    }

    /// Words an entry, rounded.
    pub(crate) fn mean(self) -> usize {
        (self.words + self.entries / 2).checked_div(self.entries).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn years_and_months_are_summed() {
        let days = Days::from([(date(2025, 12, 31), 10), (date(2026, 1, 1), 5), (date(2026, 1, 3), 6)]);
        let stats = Stats::of(&days, date(2026, 1, 4));
        assert_eq!(stats.total, Sum { entries: 3, words: 21 });
        assert_eq!(stats.years[&2026], Sum { entries: 2, words: 11 });
        assert_eq!(stats.months[&(2026, 1)].mean(), 6);
        assert_eq!((stats.first, stats.last), (Some(date(2025, 12, 31)), Some(date(2026, 1, 3))));
    }

    #[test]
    fn an_empty_journal_has_nothing() {
        let stats = Stats::of(&Days::new(), date(2026, 1, 4));
        assert_eq!((stats.total, stats.total.mean(), stats.first), (Sum::default(), 0, None));
    }
}
