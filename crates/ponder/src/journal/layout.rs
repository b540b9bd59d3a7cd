//! How the files of a journal are named.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;

use crate::dates::{compact, dashed, from_digits};

/// What ends the name of every entry.
const EXTENSION: &str = ".md";

/// Where in its folder a journal has the entry of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// `2026/11/21.md`
    Tree,
    /// `2026-11-21.md`
    Dashed,
    /// `20261121.md`
    Compact,
}

impl Layout {
    pub(crate) const ALL: [Layout; 3] = [Layout::Tree, Layout::Dashed, Layout::Compact];

    /// The file of a day, below the folder of the journal.
    pub(crate) fn file_of(self, day: Date) -> PathBuf {
        match self {
            Layout::Tree => {
                [format!("{:04}", day.year()), format!("{:02}", day.month()), format!("{:02}.md", day.day())]
                    .into_iter()
                    .collect()
            }
            Layout::Dashed => PathBuf::from(dashed(day) + EXTENSION),
            Layout::Compact => PathBuf::from(compact(day) + EXTENSION),
        }
    }

    /// As configured and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Layout::Tree => "tree",
            Layout::Dashed => "dashed",
            Layout::Compact => "compact",
        }
    }
}

/// The day that a file right in the folder of a journal is of, and in which layout.
pub(super) fn flat(name: &str) -> Option<(Layout, Date)> {
    let stem = name.strip_suffix(EXTENSION)?;
    if stem.len() == 8 && stem.is_ascii() {
        return Some((Layout::Compact, from_digits(&stem[..4], &stem[4..6], &stem[6..])?));
    }
    let (year, rest) = stem.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    Some((Layout::Dashed, from_digits(year, month, day)?))
}

/// Whether a folder of this name may hold the months of a year.
pub(super) fn is_year(name: &str) -> bool {
    from_digits(name, "01", "01").is_some()
}

/// Whether a folder of this name may hold the days of a month.
pub(super) fn is_month(name: &str) -> bool {
    from_digits("2000", name, "01").is_some()
}

/// The day that a file in the folder of its month is of.
pub(super) fn in_tree(year: &str, month: &str, name: &str) -> Option<Date> {
    from_digits(year, month, name.strip_suffix(EXTENSION)?)
}

/// The day of a path that lies in a journal, whatever its layout.
pub(crate) fn day_of(path: &Path) -> Option<Date> {
    let mut names = path.iter().rev().map(|name| name.to_str());
    let name = names.next()??;
    if let Some((_, day)) = flat(name) {
        return Some(day);
    }
    let (month, year) = (names.next()??, names.next()??);
    in_tree(year, month, name)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn each_layout_finds_its_own_files() {
        let day = date(826, 2, 3);
        assert_eq!(Layout::Tree.file_of(day), Path::new("0826/02/03.md"));
        assert_eq!(flat("0826-02-03.md"), Some((Layout::Dashed, day)));
        assert_eq!(flat("08260203.md"), Some((Layout::Compact, day)));
        for layout in Layout::ALL {
            assert_eq!(day_of(&Path::new("/j").join(layout.file_of(day))), Some(day));
        }
    }

    #[test]
    fn what_is_no_entry_is_none() {
        let names = [
            "2026-02-30.md",
            "20260230.md",
            "2026-11-21.txt",
            "2026-11-21",
            "2026-11-21.md~",
            ".2026-11-21.md.swp",
            "a.md",
            "2026-11-21.MD",
            "2026-1-2.md",
            "２０２６1121.md",
            "notes-2026-11.md",
            ".md",
            "0000-01-01.md",
            "+2026-11-21.md",
        ];
        for name in names {
            assert_eq!(flat(name), None, "{name}");
            assert_eq!(in_tree("2026", "11", name), None, "{name}");
        }
        assert!(is_year("2026") && !is_year("0000") && !is_year("226") && !is_year(".stead"));
        assert!(is_month("12") && !is_month("13") && !is_month("1") && !is_month("00"));
        assert_eq!(in_tree("2026", "02", "30.md"), None);
    }
}
