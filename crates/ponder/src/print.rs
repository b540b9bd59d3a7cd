//! How entries, and lines of them, are shown.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};
use stead_console::printer::Printer;
use unicode_width::UnicodeWidthChar;

use crate::Failure;
use crate::journal::Entry;
use crate::search::Line;

const DAY: Style = Style::new().bold();
const HIT: Style = AnsiColor::Red.on_default().bold();
const TAG: Style = AnsiColor::Cyan.on_default();
/// How much of a line stands left of what was found in it, where not all fits.
const BEFORE: usize = 20;

/// Prints the entries, each whole: their bytes as they are, or on a terminal what can be shown of them.
pub(crate) fn entries(entries: &[Entry], out: &mut Printer) -> Result<(), Failure> {
    let to_people = io::stdout().is_terminal();
    for (index, entry) in entries.iter().enumerate() {
        let content = std::fs::read(&entry.path).map_err(|error| Failure::system("read", &entry.path, &error))?;
        if index > 0 {
            out.exact(b"\n")?;
        }
        if to_people {
            out.exact(shown(&String::from_utf8_lossy(&content)).as_bytes())?;
        } else {
            out.exact(&content)?;
        }
    }
    Ok(())
}

/// A text for a terminal: other control characters than tabs and newlines are shown, not obeyed. It ends its last line.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => {}
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

/// A day, to begin a line with.
pub(crate) fn day(day: &str) -> String {
    format!("{DAY}{day}{DAY:#}")
}

/// A tag, with its mark.
pub(crate) fn tag(name: &str) -> String {
    format!("{TAG}#{name}{TAG:#}")
}

/// A line with what was found in it marked; in at most so many columns, the first of it in sight.
pub(crate) fn line(line: &Line, columns: usize) -> String {
    let first = line.ranges.first().map_or(0, |range| range.start);
    let start = start_of_window(&line.text, first, columns);
    let mut shown = String::new();
    let mut left = columns;
    if start > 0 {
        shown.push('…');
        left = left.saturating_sub(1);
    }
    let mut ranges = line.ranges.iter().skip_while(|range| range.end <= start).peekable();
    let mut is_marked = false;
    for (at, c) in line.text.char_indices().skip_while(|(at, _)| *at < start) {
        while ranges.peek().is_some_and(|range| range.end <= at) {
            ranges.next();
        }
        let is_hit = ranges.peek().is_some_and(|range| range.contains(&at));
        let text = for_line(c);
        let width: usize = text.chars().map(|c| c.width().unwrap_or(0)).sum();
        let Some(rest) = left.checked_sub(width) else { break };
        left = rest;
        if is_hit != is_marked {
            // Writing into a String cannot fail.
            let _ = if is_hit { write!(shown, "{HIT}") } else { write!(shown, "{HIT:#}") };
            is_marked = is_hit;
        }
        shown.push_str(&text);
    }
    if is_marked {
        let _ = write!(shown, "{HIT:#}");
    }
    shown
}

fn for_line(c: char) -> String {
    match c {
        '\t' => " ".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    }
}

/// Where to begin with a line, so that what was found is in sight.
fn start_of_window(text: &str, first: usize, columns: usize) -> usize {
    let width = |text: &str| text.chars().map(|c| for_line(c).chars().count()).sum::<usize>();
    if width(text) <= columns || width(&text[..first]) <= columns / 2 {
        return 0;
    }
    let before = BEFORE.min(columns / 2);
    text[..first].char_indices().rev().nth(before).map_or(0, |(at, _)| at)
}

/// A number with its thousands parted: `12,345`.
pub(crate) fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut parted = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    parted
}

/// `1 entry`, `2 entries`
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges, some of them with one")]
mod tests {
    use super::*;

    fn bare(text: &str) -> String {
        text.replace("\u{1b}[1m\u{1b}[31m", "<").replace("\u{1b}[0m", ">")
    }

    #[test]
    fn what_was_found_is_marked() {
        let found = Line { text: "one two one".to_owned(), ranges: vec![0..3, 8..11] };
        assert_eq!(bare(&line(&found, usize::MAX)), "<one> two <one>");
        assert_eq!(bare(&line(&found, 6)), "<one> tw");
    }

    #[test]
    fn a_long_line_is_shown_around_what_was_found() {
        let text = format!("{}hit{}", "x".repeat(100), "y".repeat(100));
        let shown = bare(&line(&Line { text, ranges: vec![100..103] }, 40));
        assert!(shown.starts_with("…xxx") && shown.contains("<hit>yyy"), "{shown}");
        assert_eq!(shown.chars().count(), 42);
    }

    #[test]
    fn control_characters_are_not_obeyed() {
        assert_eq!(line(&Line { text: "a\u{1b}[2J\tb".to_owned(), ranges: vec![] }, 99), "a\\u{1b}[2J b");
        assert_eq!(shown("a\r\n\u{7}\tb"), "a\n\\u{7}\tb\n");
    }

    #[test]
    fn numbers_are_parted_and_counted() {
        assert_eq!((number(1_234_567), number(999), number(0)), ("1,234,567".into(), "999".into(), "0".into()));
        assert_eq!(counted(1, "entry", "entries"), "1 entry");
        assert_eq!(counted(1000, "entry", "entries"), "1,000 entries");
    }
}
