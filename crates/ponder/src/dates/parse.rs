//! Reading a day that a person wrote.

use std::fmt::{self, Display, Formatter};

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::{is_in_calendar, month_name, weekday_of};

/// Why a text is no day of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DateError {
    /// A month that no year has.
    NoSuchMonth(String),
    /// A day that the month never has.
    NoSuchDay(String),
    /// Before the year 1 or after the year 9999.
    OutOfCalendar(String),
    /// None of the forms.
    NotUnderstood(String),
}

/// What can be written.
const FORMS: &str =
    "write 2026-11-21, 20261121, today, yesterday, tomorrow, friday, 'last friday', '3 days ago' or 'last month'";

impl Display for DateError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DateError::NoSuchMonth(month) => write!(f, "there is no month {month}"),
            DateError::NoSuchDay(day) => write!(f, "there is no {day}"),
            DateError::OutOfCalendar(text) => write!(f, "'{text}' is not between the years 1 and 9999"),
            DateError::NotUnderstood(text) => write!(f, "'{text}' is not a date; {FORMS}"),
        }
    }
}

/// Reads a day, seen from `today`.
pub(crate) fn parse(text: &str, today: Date) -> Result<Date, DateError> {
    let plain = text.trim().to_lowercase();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let day = match words[..] {
        [word] => one_word(word, today)?,
        ["last", unit] => last(unit, today),
        [number, unit, "ago"] => ago(number, unit, today),
        _ => None,
    };
    match day {
        Some(Ok(day)) if is_in_calendar(day) => Ok(day),
        Some(_) => Err(DateError::OutOfCalendar(text.trim().to_owned())),
        None => Err(DateError::NotUnderstood(text.trim().to_owned())),
    }
}

/// A day, where the words are understood, or that the calendar does not reach so far.
type Reached = Option<Result<Date, jiff::Error>>;

fn one_word(word: &str, today: Date) -> Result<Reached, DateError> {
    let reached = match word {
        "today" => Some(Ok(today)),
        "yesterday" => Some(today.yesterday()),
        "tomorrow" => Some(today.tomorrow()),
        _ => match weekday_of(word) {
            Some(weekday) => Some(the_last(weekday, today)),
            None => return in_digits(word),
        },
    };
    Ok(reached)
}

/// `2026-11-21`, also without noughts, or `20261121`.
fn in_digits(word: &str) -> Result<Reached, DateError> {
    let parts: Vec<&str> = word.split('-').collect();
    let [year, month, day] = match parts[..] {
        [year, month, day] if year.len() == 4 && is_short(month) && is_short(day) => [year, month, day],
        [all] if all.len() == 8 && all.is_ascii() => [&all[..4], &all[4..6], &all[6..]],
        _ => return Ok(None),
    };
    if ![year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Ok(None);
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse()) else { return Ok(None) };
    numbered(year, month, day).map(|day| Some(Ok(day)))
}

fn is_short(part: &str) -> bool {
    matches!(part.len(), 1 | 2)
}

fn numbered(year: i16, month: i8, day: i8) -> Result<Date, DateError> {
    if !(1..=12).contains(&month) {
        return Err(DateError::NoSuchMonth(month.to_string()));
    }
    let name = month_name(month);
    Date::new(year, month, day).map_err(|_| match (month, day) {
        // It is there in other years.
        (2, 29) => DateError::NoSuchDay(format!("29 {name} {year:04}")),
        _ => DateError::NoSuchDay(format!("{day} {name}")),
    })
}

/// That weekday, at least one day and at most seven days ago.
fn the_last(weekday: Weekday, today: Date) -> Result<Date, jiff::Error> {
    today.nth_weekday(-1, weekday)
}

/// `friday`, `week`, `month` or `year`, after `last`.
fn last(unit: &str, today: Date) -> Reached {
    match weekday_of(unit) {
        Some(weekday) => Some(the_last(weekday, today)),
        None if unit == "day" => None,
        None => before(1, unit, today),
    }
}

/// `3`, `days`, before `ago`.
fn ago(number: &str, unit: &str, today: Date) -> Reached {
    before(count(number)?, unit, today)
}

/// So many days, weeks, months or years before; where that month has no such day, its last one.
fn before(count: i64, unit: &str, today: Date) -> Reached {
    let span = match unit {
        "day" | "days" => Span::new().try_days(count),
        "week" | "weeks" => Span::new().try_weeks(count),
        "month" | "months" => Span::new().try_months(count),
        "year" | "years" => Span::new().try_years(count),
        _ => return None,
    };
    Some(span.and_then(|span| today.checked_sub(span)))
}

/// A number, in digits or as a word up to twelve.
fn count(number: &str) -> Option<i64> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if matches!(number, "a" | "an") {
        return Some(1);
    }
    if let Some(index) = WORDS.iter().position(|word| *word == number) {
        return i64::try_from(index + 1).ok();
    }
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // What no calendar holds is said to be out of it.
    Some(number.parse().unwrap_or(i64::MAX))
}

/// The day a month, or several, before; where that month has no such day, its last one.
pub(crate) fn months_before(day: Date, months: i32) -> Option<Date> {
    day.checked_sub(months.months()).ok().filter(|day| is_in_calendar(*day))
}
