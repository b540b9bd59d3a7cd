//! What a query found in an entry: lines, and where in them.

use std::ops::Range;

/// How many lines of an entry are kept: the first ones.
const LINES_MAX: usize = 3;

/// The lines of an entry that a query is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) lines: Vec<Line>,
    /// How many more lines it is in.
    pub(crate) more: usize,
}

/// A line, and where in it the query is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) ranges: Vec<Range<usize>>,
}

impl Found {
    /// The lines of `text` that the ranges begin in. The ranges are in order, and may overlap.
    pub(crate) fn new(text: &str, ranges: &[Range<usize>]) -> Found {
        let mut found = Found { lines: Vec::new(), more: 0 };
        let mut end_of_last = None;
        let mut rest = ranges;
        while let [first, ..] = rest {
            let line = line_around(text, first.start);
            let here = rest.partition_point(|range| range.start <= line.end);
            let (within, behind) = rest.split_at(here);
            rest = behind;
            // A match at a line's very end, on its newline, belongs to that line.
            debug_assert!(end_of_last.is_none_or(|end| line.start > end));
            end_of_last = Some(line.end);
            if found.lines.len() < LINES_MAX {
                found.lines.push(cut_out(text, &line, within));
            } else {
                found.more += 1;
            }
        }
        found
    }
}

/// The line that this offset is in, without its newline.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |newline| at + newline);
    start..end
}

/// The line with what of the ranges is in it; overlapping ones become one.
fn cut_out(text: &str, line: &Range<usize>, ranges: &[Range<usize>]) -> Line {
    let mut within: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        let (start, end) = (range.start - line.start, range.end.min(line.end).max(range.start) - line.start);
        match within.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => within.push(start..end),
        }
    }
    within.retain(|range| !range.is_empty());
    let text = text[line.clone()].strip_suffix('\r').unwrap_or(&text[line.clone()]);
    for range in &mut within {
        range.end = range.end.min(text.len());
    }
    within.retain(|range| range.start < range.end);
    Line { text: text.to_owned(), ranges: within }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges, some of them with one")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str, ranges: &[Range<usize>]) -> Vec<(String, Vec<Range<usize>>)> {
        Found::new(text, ranges).lines.into_iter().map(|line| (line.text, line.ranges)).collect()
    }

    #[test]
    fn ranges_are_those_of_the_line() {
        assert_eq!(
            found("ab\ncd\r\nef", &[0..1, 4..5, 7..9]),
            [("ab".to_owned(), vec![0..1]), ("cd".to_owned(), vec![1..2]), ("ef".to_owned(), vec![0..2]),]
        );
    }

    #[test]
    fn what_overlaps_is_marked_once_and_what_is_longer_to_the_end_of_the_line() {
        assert_eq!(found("abcdef", &[0..3, 1..2, 2..5]), [("abcdef".to_owned(), vec![0..5])]);
        assert_eq!(found("ab\ncd", &[1..4]), [("ab".to_owned(), vec![1..2])]);
    }

    #[test]
    fn the_first_lines_are_shown_and_the_others_counted() {
        let found = Found::new("a\na\na\na\na\n", &[0..1, 2..3, 4..5, 6..7, 8..9]);
        assert_eq!((found.lines.len(), found.more), (3, 2));
    }

    proptest! {
        #[test]
        fn every_range_is_within_its_line(text in "[ab\\n\\rü]{0,30}", spots in prop::collection::vec((0..40usize, 0..6usize), 0..8)) {
            let edge = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let mut ranges: Vec<_> = spots.iter().map(|(at, len)| edge(*at)..edge(at + len)).filter(|r| r.start < r.end).collect();
            ranges.sort_unstable_by_key(|range| (range.start, range.end));
            for line in Found::new(&text, &ranges).lines {
                for range in line.ranges {
                    prop_assert!(line.text.get(range).is_some_and(|marked| !marked.is_empty()));
                }
            }
        }
    }
}
