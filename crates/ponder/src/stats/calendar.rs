//! A year on the terminal: a column for each week, a row for each day of it, the darker the more was written.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::Days;
use crate::dates::month_name;

/// The columns left of the weeks.
const LABEL: usize = 4;
/// What is left of the weeks where the terminal is narrower than that.
const WEEKS_MIN: usize = 4;
const DAYS_A_WEEK: i64 = 7;
/// Every other row is labelled.
const LABELS: [&str; 7] = ["Mon", "", "Wed", "", "Fri", "", "Sun"];

/// The marks for nothing, and for little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks([char; 5]);

impl Marks {
    pub(crate) const BLOCKS: Marks = Marks(['·', '░', '▒', '▓', '█']);
    pub(crate) const ASCII: Marks = Marks(['.', '-', '+', '*', '#']);

    /// For a day with so many words, where the most that a day has is `most`.
    fn of(self, words: Option<usize>, most: usize) -> char {
        let Some(words) = words else { return self.0[0] };
        let quarter = (words * 4).div_ceil(most.max(1)).clamp(1, 4);
        self.0[quarter]
    }
}

/// The days that a calendar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    first: Date,
    last: Date,
}

impl Period {
    /// The year that ends today.
    pub(crate) fn last_year(today: Date) -> Period {
        let first = today.checked_sub(1.year()).and_then(Date::tomorrow).unwrap_or(today);
        Period { first, last: today }
    }

    /// A year from its beginning to its end.
    pub(crate) fn year(year: i16) -> Period {
        Period { first: date(year, 1, 1), last: date(year, 12, 31) }
    }

    fn contains(self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

/// The calendar in at most so many columns: in fewer than it takes, the last weeks of it.
pub(crate) fn draw(days: &Days, period: Period, marks: Marks, columns: usize) -> String {
    let weeks = weeks(period, columns.saturating_sub(LABEL).max(WEEKS_MIN));
    let most = days.range(period.first..=period.last).map(|(_, words)| *words).max().unwrap_or(0);
    let mut lines = vec![format!("{:LABEL$}{}", "", months(&weeks, period)).trim_end().to_owned()];
    for (offset, label) in (0..).zip(LABELS) {
        let row = weeks.iter().map(|monday| match monday.checked_add(i64::days(offset)) {
            Ok(day) if period.contains(day) => marks.of(days.get(&day).copied(), most),
            _ => ' ',
        });
        lines.push(format!("{label:LABEL$}{}", row.collect::<String>()).trim_end().to_owned());
    }
    lines.join("\n")
}

/// The Mondays of the weeks, at most so many, the last ones.
fn weeks(period: Period, most: usize) -> Vec<Date> {
    let monday = |day: Date| day.checked_sub(day.weekday().to_monday_zero_offset().days()).unwrap_or(day);
    let mut weeks = Vec::new();
    let mut next = Some(monday(period.last));
    while let Some(week) = next.filter(|week| *week >= monday(period.first) && weeks.len() < most) {
        weeks.push(week);
        next = week.checked_sub(DAYS_A_WEEK.days()).ok();
    }
    weeks.reverse();
    weeks
}

/// The line of the months: the name of each stands above its first week, where there is room.
fn months(weeks: &[Date], period: Period) -> String {
    let mut line = String::new();
    let mut last = None;
    for (column, monday) in weeks.iter().enumerate() {
        // The month that begins within the week, or the first one.
        let day = (*monday).max(period.first).max(within(*monday, period));
        let month = (day.year(), day.month());
        let has_room = line.len() <= column && weeks.len() - column >= 3;
        if last != Some(month) && has_room {
            let gap = column - line.len();
            line.push_str(&" ".repeat(gap));
            line.push_str(&month_name(day.month())[..3]);
            line.push(' ');
        }
        last = Some(month);
    }
    line
}

/// The last day of the week that the calendar shows.
fn within(monday: Date, period: Period) -> Date {
    monday.checked_add((DAYS_A_WEEK - 1).days()).map_or(period.last, |sunday| sunday.min(period.last))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(days: &Days, period: Period, columns: usize) -> Vec<String> {
        draw(days, period, Marks::ASCII, columns).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_year_has_a_mark_for_each_day() {
        let days = Days::from([(date(2024, 1, 1), 0), (date(2024, 2, 29), 10), (date(2024, 12, 31), 40)]);
        let lines = drawn(&days, Period::year(2024), 80);
        assert_eq!(lines[0], "    Jan Feb Mar  Apr May Jun  Jul Aug Sep  Oct Nov Dec");
        assert_eq!(lines[1], format!("Mon -{}", ".".repeat(52)));
        assert_eq!(lines[2], format!("    {}#", ".".repeat(52)));
        assert_eq!(lines[4].find('-'), Some(LABEL + 8));
        let marks = lines[1..].iter().flat_map(|line| line[LABEL..].chars()).filter(|mark| *mark != ' ').count();
        assert_eq!(marks, 366);
    }

    #[test]
    fn a_narrow_terminal_sees_the_last_weeks() {
        let days = Days::from([(date(2026, 11, 21), 5)]);
        let lines = drawn(&days, Period::last_year(date(2026, 11, 21)), 20);
        assert!(lines.iter().all(|line| line.len() <= 20), "{lines:?}");
        assert_eq!(lines[6], format!("    {}#", ".".repeat(15)));
        assert!(lines[7].len() < lines[6].len());
        assert_eq!(drawn(&days, Period::last_year(date(2026, 11, 21)), 0)[6].len(), LABEL + WEEKS_MIN);
    }

    proptest! {
        #[test]
        fn every_day_of_the_last_year_is_drawn(offset in 0..3_652_000i64, columns in 0..80usize) {
            let today = date(1, 1, 1).checked_add(offset.days()).unwrap();
            let lines = drawn(&Days::new(), Period::last_year(today), columns);
            prop_assert_eq!(lines.len(), 8);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= columns.max(LABEL + WEEKS_MIN)));
        }
    }
}
