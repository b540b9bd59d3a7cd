//! The days that open together.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::dates::months_before;

/// How many days a look back over the week has.
const RETRO_DAYS: i32 = 7;
/// How many months ago reminiscing begins.
const MONTHS: [i32; 3] = [1, 3, 6];
const MONTHS_A_YEAR: i32 = 12;

/// The seven days before `today`, the oldest first.
pub(crate) fn retro(today: Date) -> Vec<Date> {
    (1..=RETRO_DAYS).rev().filter_map(|days| today.checked_sub(days.days()).ok()).collect()
}

/// One, three and six months before `today`, and the same day of each year back to `first_year`; the oldest first.
/// Where there is no such day, it is the last of that month.
pub(crate) fn reminisce(today: Date, first_year: i16) -> Vec<Date> {
    let years = i32::from(today.year()) - i32::from(first_year);
    let months = MONTHS.into_iter().chain((1..=years).map(|year| year * MONTHS_A_YEAR));
    let mut days: Vec<Date> = months.filter_map(|months| months_before(today, months)).collect();
    days.sort_unstable();
    days.dedup();
    days
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retro_is_the_week_before_in_order() {
        let days = retro(date(2026, 3, 3));
        assert_eq!(days.len(), 7);
        assert_eq!((days[0], days[6]), (date(2026, 2, 24), date(2026, 3, 2)));
        assert!(days.is_sorted());
    }

    #[test]
    fn reminisce_is_months_and_years() {
        let expected = [
            date(2023, 11, 21),
            date(2024, 11, 21),
            date(2025, 11, 21),
            date(2026, 5, 21),
            date(2026, 8, 21),
            date(2026, 10, 21),
        ];
        assert_eq!(reminisce(date(2026, 11, 21), 2023), expected);
    }

    #[test]
    fn a_journal_of_this_year_has_months_only() {
        assert_eq!(reminisce(date(2026, 11, 21), 2026).len(), 3);
        // The clock was wrong once.
        assert_eq!(reminisce(date(2026, 11, 21), 2031).len(), 3);
    }

    #[test]
    fn a_leap_day_looks_back_at_the_ends_of_february() {
        let expected = [
            date(2020, 2, 29),
            date(2021, 2, 28),
            date(2022, 2, 28),
            date(2023, 2, 28),
            date(2023, 8, 29),
            date(2023, 11, 29),
            date(2024, 1, 29),
        ];
        assert_eq!(reminisce(date(2024, 2, 29), 2020), expected);
    }

    #[test]
    fn the_end_of_february_does_not_look_back_at_a_leap_day() {
        let days = reminisce(date(2025, 2, 28), 2024);
        assert_eq!(days[0], date(2024, 2, 28));
        assert!(!days.contains(&date(2024, 2, 29)));
    }

    #[test]
    fn short_months_give_their_last_day() {
        let expected = [date(2026, 11, 30), date(2027, 2, 28), date(2027, 4, 30)];
        assert_eq!(reminisce(date(2027, 5, 31), 2027), expected);
        assert_eq!(reminisce(date(2024, 3, 31), 2024)[2], date(2024, 2, 29));
        assert_eq!(reminisce(date(2000, 3, 31), 2000)[2], date(2000, 2, 29));
        assert_eq!(reminisce(date(2100, 3, 31), 2100)[2], date(2100, 2, 28));
    }

    proptest! {
        #[test]
        fn all_days_are_past_once_and_in_order(days in 0..3_652_059i64, first in 1..10_000i16) {
            let today = date(1, 1, 1).checked_add(days.days()).unwrap();
            for span in [retro(today), reminisce(today, first)] {
                prop_assert!(span.is_sorted_by(|a, b| a < b));
                prop_assert!(span.iter().all(|day| *day < today));
            }
        }
    }
}
