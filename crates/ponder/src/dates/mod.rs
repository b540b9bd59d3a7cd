//! The day of an entry: how people write it, and how files are named after it.

mod parse;

use jiff::civil::{Date, Weekday};

pub(crate) use self::parse::{months_before, parse};

/// `2026-11-21`, as in titles and in the names of a flat journal.
pub(crate) fn dashed(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

/// `20261121`.
pub(crate) fn compact(day: Date) -> String {
    format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// `Saturday`.
pub(crate) fn weekday(day: Date) -> &'static str {
    WEEKDAYS[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())]
}

/// `November`, of a number from 1 to 12.
pub(crate) fn month_name(month: i8) -> &'static str {
    let index = usize::from(month.unsigned_abs()).saturating_sub(1);
    MONTHS.get(index).copied().unwrap_or("that month")
}

/// The day of a year, month and day in digits: nothing but digits, and a day that is there.
pub(crate) fn from_digits(year: &str, month: &str, day: &str) -> Option<Date> {
    let lengths = (year.len(), month.len(), day.len()) == (4, 2, 2);
    let digits = [year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if !lengths || !digits {
        return None;
    }
    let day = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    is_in_calendar(day).then_some(day)
}

/// File names have four digits for a year, and there was no year 0.
fn is_in_calendar(day: Date) -> bool {
    day.year() >= 1
}

/// The weekday of this name, in full or its first three letters.
fn weekday_of(name: &str) -> Option<Weekday> {
    let is_it = |full: &&str| {
        let full = full.to_ascii_lowercase();
        full == name || full.get(..3) == Some(name)
    };
    let index = WEEKDAYS.iter().position(is_it)?;
    Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
}

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests;
