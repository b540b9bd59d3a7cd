//! Days in a row.

use jiff::civil::Date;

/// Days in a row that have an entry each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Streak {
    pub(crate) days: usize,
    pub(crate) first: Date,
    pub(crate) last: Date,
}

/// The streaks that are worth telling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Streaks {
    /// The earliest of the longest.
    pub(crate) longest: Option<Streak>,
    /// The one that today, or yesterday as long as today has no entry, is the last day of.
    pub(crate) current: Option<Streak>,
}

impl Streaks {
    /// Of days in order, seen from `today`.
    pub(crate) fn of(days: impl IntoIterator<Item = Date>, today: Date) -> Streaks {
        let mut streaks = Streaks::default();
        let mut running: Option<Streak> = None;
        for day in days {
            let streak = match running {
                Some(streak) if streak.last.tomorrow().is_ok_and(|next| next == day) => {
                    Streak { days: streak.days + 1, last: day, ..streak }
                }
                _ => Streak { days: 1, first: day, last: day },
            };
            streaks.count(streak, today);
            running = Some(streak);
        }
        streaks
    }

    fn count(&mut self, streak: Streak, today: Date) {
        if self.longest.is_none_or(|longest| streak.days > longest.days) {
            self.longest = Some(streak);
        }
        if streak.last == today || today.yesterday().is_ok_and(|yesterday| streak.last == yesterday) {
            self.current = Some(streak);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn lengths(days: &[(i8, i8)], today: (i8, i8)) -> (usize, usize) {
        let of = |(month, day)| date(2024, month, day);
        let streaks = Streaks::of(days.iter().copied().map(of), of(today));
        let length = |streak: Option<Streak>| streak.map_or(0, |streak| streak.days);
        (length(streaks.longest), length(streaks.current))
    }

    #[test]
    fn a_streak_goes_on_over_months_and_leap_days() {
        assert_eq!(lengths(&[(2, 27), (2, 28), (2, 29), (3, 1), (3, 3)], (3, 3)), (4, 1));
    }

    #[test]
    fn a_day_that_is_not_over_breaks_no_streak() {
        assert_eq!(lengths(&[(3, 1), (3, 2)], (3, 3)), (2, 2));
        assert_eq!(lengths(&[(3, 1), (3, 2)], (3, 4)), (2, 0));
        assert_eq!(lengths(&[(3, 1), (3, 2), (3, 3)], (3, 2)), (3, 2));
        assert_eq!(lengths(&[], (3, 3)), (0, 0));
    }
}
