use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// A Saturday.
fn today() -> Date {
    date(2026, 11, 21)
}

#[track_caller]
fn reads(text: &str, expected: Date) {
    assert_eq!(parse(text, today()), Ok(expected), "{text}");
}

#[track_caller]
fn says(text: &str, part: &str) {
    let message = parse(text, today()).unwrap_err().to_string();
    assert!(message.contains(part), "{text}: {message}");
}

#[test]
fn days_in_digits() {
    for text in ["2026-02-03", "20260203", " 2026-2-3 "] {
        reads(text, date(2026, 2, 3));
    }
    reads("2024-02-29", date(2024, 2, 29));
    reads("9999-12-31", date(9999, 12, 31));
    reads("0001-01-01", date(1, 1, 1));
}

#[test]
fn days_in_words() {
    reads("today", today());
    reads("Yesterday", date(2026, 11, 20));
    reads("TOMORROW", date(2026, 11, 22));
    reads("friday", date(2026, 11, 20));
    reads("last friday", date(2026, 11, 20));
    reads("last fri", date(2026, 11, 20));
    // Today is excluded.
    reads("saturday", date(2026, 11, 14));
    reads("last  Sunday", date(2026, 11, 15));
    reads("3 days ago", date(2026, 11, 18));
    reads("a day ago", date(2026, 11, 20));
    reads("0 days ago", today());
    reads("a week ago", date(2026, 11, 14));
    reads("two weeks ago", date(2026, 11, 7));
    reads("last week", date(2026, 11, 14));
    reads("last month", date(2026, 10, 21));
    reads("an year ago", date(2025, 11, 21));
    reads("last year", date(2025, 11, 21));
}

#[test]
fn a_month_that_is_too_short_gives_its_last_day() {
    assert_eq!(parse("last month", date(2026, 3, 31)), Ok(date(2026, 2, 28)));
    assert_eq!(parse("last month", date(2024, 3, 31)), Ok(date(2024, 2, 29)));
    assert_eq!(parse("a year ago", date(2024, 2, 29)), Ok(date(2023, 2, 28)));
}

#[test]
fn impossible_days_are_named() {
    says("2026-02-30", "there is no 30 February");
    says("20260431", "there is no 31 April");
    says("2026-02-29", "there is no 29 February 2026");
    says("2100-02-29", "there is no 29 February 2100");
    says("2026-13-01", "there is no month 13");
    says("2026-00-01", "there is no month 0");
    says("2026-01-00", "there is no 0 January");
    says("0000-01-01", "'0000-01-01' is not between the years 1 and 9999");
    says("99999999999999999999 days ago", "is not between the years");
    says("9000 years ago", "is not between the years");
}

#[test]
fn what_is_not_understood_lists_the_forms() {
    let texts = [
        "",
        " ",
        "soon",
        "2026",
        "2026-11",
        "21.11.2026",
        "-3",
        "+3",
        "last",
        "ago",
        "last day",
        "x days ago",
        "-1 days ago",
        "2026-111-1",
        "2026-1-",
        "2026--1",
        "２０２６１１２１",
        "last friday ago",
        "1 2 3",
        "2026-+1-01",
    ];
    for text in texts {
        says(text, "is not a date; write 2026-11-21, 20261121, today,");
    }
}

#[test]
fn names() {
    assert_eq!(weekday(today()), "Saturday");
    assert_eq!(weekday(date(2026, 11, 23)), "Monday");
    assert_eq!(month_name(1), "January");
    assert_eq!(dashed(date(7, 1, 2)), "0007-01-02");
    assert_eq!(from_digits("2026", "02", "30"), None);
    assert_eq!(from_digits("+026", "02", "03"), None);
}

/// Every day that a journal can have.
fn any_day() -> impl Strategy<Value = Date> {
    (0..3_652_059i64).prop_map(|days| date(1, 1, 1).checked_add(days.days()).unwrap())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(day in any_day(), today in any_day()) {
        prop_assert_eq!(parse(&dashed(day), today), Ok(day));
        prop_assert_eq!(parse(&compact(day), today), Ok(day));
        let text = compact(day);
        prop_assert_eq!(from_digits(&text[..4], &text[4..6], &text[6..]), Some(day));
    }

    #[test]
    fn words_never_panic_at_the_ends_of_the_calendar(offset in 0..400i64, at_start: bool, number: u64, index in 0..8usize) {
        let today = if at_start { date(1, 1, 1).checked_add(offset.days()) } else { date(9999, 12, 31).checked_sub(offset.days()) };
        let today = today.unwrap();
        let number = [number, number % 400][usize::from(number % 3 != 0)];
        let units = ["days", "weeks", "months", "years"];
        let texts = ["yesterday", "tomorrow", "last week", "last month", "last year", "friday", "monday", "last sun"];
        let words = parse(texts[index], today);
        let ago = parse(&format!("{number} {} ago", units[index % 4]), today);
        for day in [words, ago].into_iter().flatten() {
            prop_assert!(day.year() >= 1);
        }
    }

    #[test]
    fn a_weekday_is_one_to_seven_days_ago(today in any_day(), index in 0..7usize) {
        if let Ok(day) = parse(WEEKDAYS[index], today) {
            let days = today.since(day).unwrap().get_days();
            prop_assert!((1..=7).contains(&days), "{} days", days);
            prop_assert_eq!(weekday(day), WEEKDAYS[index]);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", today in any_day()) {
        let _ = parse(&text, today);
    }
}
