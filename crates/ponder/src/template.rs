//! What an entry begins with, and each session in it.

use jiff::civil::Date;

use crate::clock::Moment;
use crate::dates::{dashed, weekday};

/// Where the configuration names no template.
const DEFAULT: &[u8] = b"# {date} {weekday}\n";

/// The text that a new entry begins with. It need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    text: Vec<u8>,
}

impl Default for Template {
    fn default() -> Template {
        Template { text: DEFAULT.to_vec() }
    }
}

impl From<Vec<u8>> for Template {
    fn from(text: Vec<u8>) -> Template {
        Template { text }
    }
}

impl Template {
    /// What the entry of `day`, begun at `now`, begins with: in the template `{date}`, `{weekday}` and `{time}` are
    /// filled in. A blank line ends it, if there is anything.
    pub(crate) fn beginning(&self, day: Date, now: Moment) -> Vec<u8> {
        let filled = replaced(&self.text, b"{date}", dashed(day).as_bytes());
        let filled = replaced(&filled, b"{weekday}", weekday(day).as_bytes());
        let mut filled = replaced(&filled, b"{time}", now.time().as_bytes());
        while !filled.is_empty() && !filled.ends_with(b"\n\n") {
            filled.push(b'\n');
        }
        filled
    }
}

/// What a session, or an addition, begins with.
pub(crate) fn heading(now: Moment) -> Vec<u8> {
    format!("## {}\n\n", now.time()).into_bytes()
}

fn replaced(text: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, name) {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(value);
        rest = &rest[at + name.len()..];
    }
    filled.extend_from_slice(rest);
    filled
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn beginning(template: &[u8]) -> Vec<u8> {
        Template::from(template.to_vec()).beginning(date(2026, 11, 21), date(2026, 11, 22).at(0, 5, 59, 0).into())
    }

    #[test]
    fn an_entry_begins_with_its_own_day() {
        let now = date(2026, 11, 22).at(14, 5, 0, 0).into();
        assert_eq!(Template::default().beginning(date(2026, 11, 21), now), b"# 2026-11-21 Saturday\n\n");
        assert_eq!(heading(now), b"## 14:05\n\n");
    }

    #[test]
    fn what_is_no_name_stays() {
        assert_eq!(beginning(b"{time} {date}{date} {x} {"), b"00:05 2026-11-212026-11-21 {x} {\n\n");
        assert_eq!(beginning(b"\xff\n\n"), b"\xff\n\n");
        assert_eq!(beginning(b""), b"");
    }
}
