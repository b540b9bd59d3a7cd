//! Three-way merge of text by line (pure).
//!
//! Two texts came from one. Each is the old text with some ranges of lines replaced (Myers' and the patience algorithm,
//! from the crate `similar`). Ranges that do not overlap are all applied, also where they touch. Where both put lines
//! at the same place and take none away, both are kept: what is on disk first. Only where both changed the same lines,
//! each in its own way, there is a conflict (as in diff3; Khanna, Kunal, Pierce, "A Formal Investigation of Diff3",
//! 2007, without its demand for an unchanged line between two changes).

use std::ops::Range;
use std::time::Duration;

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use crate::sys;

/// How the lines of both begin and end in a text that could not be merged.
const START: &[u8] = b"<<<<<<< in the file";
const MIDDLE: &[u8] = b"=======";
const END: &[u8] = b">>>>>>> in the draft";
const MARKERS: [&[u8]; 3] = [START, MIDDLE, END];
/// The same in a file whose lines end in a carriage return and a newline.
const MARKERS_WITH_RETURN: [&[u8]; 3] = [b"<<<<<<< in the file\r", b"=======\r", b">>>>>>> in the draft\r"];

/// How long to look for the smallest difference; past it a larger one will do.
const DIFF_TIME: Duration = Duration::from_secs(2);

/// What came of two texts that were made of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// Every change of both.
    Clean(Vec<u8>),
    /// Both changed the same lines. They are in it one below the other, between markers.
    Conflict(Vec<u8>),
}

/// Merges two texts that were made of `base`: `theirs` is what is on disk now, `ours` the draft. Bytes that are no UTF-8
/// are as good as others; a line ends at a newline.
///
/// ```
/// use stead::edit::{Merge, merge};
///
/// let merged = merge(b"one\ntwo\n", b"one\ntwo\nappended\n", b"zero\none\ntwo\n");
/// assert_eq!(merged, Merge::Clean(b"zero\none\ntwo\nappended\n".to_vec()));
/// ```
pub fn merge(base: &[u8], theirs: &[u8], ours: &[u8]) -> Merge {
    let texts = [base, theirs, ours].map(lines);
    let [base_lines, their_lines, our_lines] = &texts;
    let has_returns =
        [base_lines, their_lines].iter().any(|lines| lines.first().is_some_and(|line| line.ends_with(b"\r")));
    let markers = if has_returns { &MARKERS_WITH_RETURN } else { &MARKERS };
    let mut merger = Merger { base: base_lines, out: Vec::new(), conflicts: false, markers };
    merger.run(&changes(base_lines, their_lines), &changes(base_lines, our_lines));
    let ends_in_newline = theirs.ends_with(b"\n") || ours.ends_with(b"\n");
    let mut text = merger.out.join(&b'\n');
    if ends_in_newline && !merger.out.is_empty() {
        text.push(b'\n');
    }
    if merger.conflicts { Merge::Conflict(text) } else { Merge::Clean(text) }
}

/// How many markers of a conflict are in a text, whatever blanks an editor has put behind them.
pub(crate) fn count_markers(text: &[u8]) -> usize {
    lines(text).iter().filter(|line| [START, END].contains(&line.trim_ascii_end())).count()
}

/// Whether a text has all lines of another, in their order: it is that one, with more in between.
pub(crate) fn has_all_lines(text: &[u8], other: &[u8]) -> bool {
    let mut lines_left = lines(text).into_iter();
    lines(other).into_iter().all(|line| lines_left.any(|found| found == line))
}

/// The lines without their newlines.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    if text.is_empty() { Vec::new() } else { body.split(|byte| *byte == b'\n').collect() }
}

type Line<'a> = &'a [u8];

/// A range of lines of the old text, and what is in its place.
#[derive(Debug, Clone)]
struct Change<'a> {
    old: Range<usize>,
    new: &'a [Line<'a>],
}

/// How `new` was made of `old`: ranges in their order, with lines left alone between each two.
fn changes<'a>(old: &[Line<'a>], new: &'a [Line<'a>]) -> Vec<Change<'a>> {
    let deadline = sys::now().checked_add(DIFF_TIME);
    let mut changes: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for op in capture_diff_slices_deadline(Algorithm::Patience, old, new, deadline) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        match changes.last_mut() {
            Some((before, after)) if before.end == op.old_range().start => {
                (before.end, after.end) = (op.old_range().end, op.new_range().end);
            }
            _ => changes.push((op.old_range(), op.new_range())),
        }
    }
    changes.into_iter().map(|(old, range)| Change { old, new: &new[range] }).collect()
}

struct Merger<'a> {
    base: &'a [Line<'a>],
    out: Vec<Line<'a>>,
    conflicts: bool,
    /// Before, between and behind the lines of both.
    markers: &'static [&'static [u8]; 3],
}

impl<'a> Merger<'a> {
    fn run(&mut self, theirs: &[Change<'a>], ours: &[Change<'a>]) {
        let (mut theirs, mut ours, mut done) = (theirs, ours, 0);
        loop {
            let (from_theirs, from_ours) = next_group(theirs, ours);
            let group = theirs[..from_theirs].iter().chain(&ours[..from_ours]);
            let Some(start) = group.clone().map(|change| change.old.start).min() else { break };
            let end = group.map(|change| change.old.end).max().unwrap_or(start);
            self.out.extend_from_slice(&self.base[done..start]);
            self.add(start..end, &theirs[..from_theirs], &ours[..from_ours]);
            (theirs, ours, done) = (&theirs[from_theirs..], &ours[from_ours..], end);
        }
        self.out.extend_from_slice(&self.base[done..]);
    }

    /// A range of the old text that is told from its surroundings by both.
    fn add(&mut self, range: Range<usize>, theirs: &[Change<'a>], ours: &[Change<'a>]) {
        match (theirs, ours) {
            (changes, []) | ([], changes) => self.out.extend(applied(self.base, &range, changes)),
            ([one], [other]) if range.is_empty() => self.add_both(one.new, other.new),
            _ => {
                let (theirs, ours) = (applied(self.base, &range, theirs), applied(self.base, &range, ours));
                if theirs == ours {
                    self.out.extend(theirs);
                } else {
                    self.conflicts = true;
                    self.out.push(self.markers[0]);
                    self.out.extend(theirs);
                    self.out.push(self.markers[1]);
                    self.out.extend(ours);
                    self.out.push(self.markers[2]);
                }
            }
        }
    }

    /// Lines that both have put at the same place. What both begin with, or end with, is there once.
    fn add_both(&mut self, theirs: &[Line<'a>], ours: &[Line<'a>]) {
        let start = theirs.iter().zip(ours).take_while(|(one, other)| one == other).count();
        let (theirs_left, ours_left) = (&theirs[start..], &ours[start..]);
        let equal = theirs_left.iter().rev().zip(ours_left.iter().rev()).take_while(|(one, other)| one == other);
        let mut end = equal.count();
        // A blank line at both ends is what parts them.
        if theirs_left[theirs_left.len() - end..].iter().all(|line| is_blank(line))
            && end < theirs_left.len()
            && end < ours_left.len()
        {
            end = 0;
        }
        self.out.extend_from_slice(&theirs[..start]);
        let parted = self.out.last().is_some_and(|line| is_blank(line));
        let first = &theirs_left[..theirs_left.len() - end];
        self.out.extend_from_slice(first);
        // What parts them from the text before parts them from each other.
        if parted
            && first.last().is_some_and(|line| !is_blank(line))
            && ours_left.first().is_some_and(|line| !is_blank(line))
        {
            self.out.push(b"");
        }
        self.out.extend_from_slice(ours_left);
    }
}

fn is_blank(line: Line<'_>) -> bool {
    line.trim_ascii().is_empty()
}

/// How many changes of each side are about one range: the first of all, and those that overlap with it or with one
/// another.
fn next_group(theirs: &[Change<'_>], ours: &[Change<'_>]) -> (usize, usize) {
    let (mut count, mut end) = ([0, 0], None::<Range<usize>>);
    let sides = [theirs, ours];
    loop {
        let heads = [0, 1].map(|side| sides[side].get(count[side]));
        let next = match &end {
            None => (0..2).filter(|side| heads[*side].is_some()).min_by_key(|side| heads[*side].map(order)),
            Some(range) => (0..2).find(|side| heads[*side].is_some_and(|change| overlap(range, &change.old))),
        };
        let Some(side) = next else { break };
        let old = &sides[side][count[side]].old;
        end = Some(end.map_or_else(|| old.clone(), |range| range.start..range.end.max(old.end)));
        count[side] += 1;
    }
    (count[0], count[1])
}

/// Lines that are put before a range come before what is done to it.
fn order(change: &Change<'_>) -> (usize, bool) {
    (change.old.start, !change.old.is_empty())
}

/// Whether two changes are about the same lines, or the same place between two. Those that only touch are not.
fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    if one.is_empty() && other.is_empty() {
        return one.start == other.start;
    }
    one.start < other.end && other.start < one.end
}

/// What became of a range of the old text.
fn applied<'a>(base: &[Line<'a>], range: &Range<usize>, changes: &[Change<'a>]) -> Vec<Line<'a>> {
    let (mut lines, mut done) = (Vec::new(), range.start);
    for change in changes {
        lines.extend_from_slice(&base[done..change.old.start]);
        lines.extend_from_slice(change.new);
        done = change.old.end;
    }
    lines.extend_from_slice(&base[done..range.end]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn clean(base: &str, theirs: &str, ours: &str, merged: &str) {
        match merge(base.as_bytes(), theirs.as_bytes(), ours.as_bytes()) {
            Merge::Clean(text) => assert_eq!(String::from_utf8(text).unwrap(), merged),
            Merge::Conflict(text) => panic!("{}", String::from_utf8_lossy(&text)),
        }
    }

    #[test]
    fn changes_of_other_lines_are_all_kept() {
        clean("a\nb\nc\n", "a\nb\nc\nd\n", "0\na\nb\nc\n", "0\na\nb\nc\nd\n");
        clean("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n");
        clean("a\nb\nc\n", "b\nc\n", "a\nb\n", "b\n");
        clean("", "", "", "");
        clean("a\n", "", "a\n", "");
    }

    #[test]
    fn changes_that_only_touch_are_all_kept() {
        clean("a\nb\n", "A\nb\n", "a\nB\n", "A\nB\n");
        // The last line is changed here, and something appended behind it there.
        clean("a\nb\n", "a\nb\nadded\n", "a\nB\n", "a\nB\nadded\n");
        clean("a\nb\n", "new\na\nb\n", "A\nb\n", "new\nA\nb\n");
    }

    #[test]
    fn what_both_append_is_there_twice_and_what_is_equal_once() {
        clean("a\n", "a\ntheirs\n", "a\nours\n", "a\ntheirs\nours\n");
        clean("a\n", "a\nsame\n", "a\nsame\n", "a\nsame\n");
        clean("", "# T\n\n## 1\n\nx\n", "# T\n\n## 2\n\ny\n", "# T\n\n## 1\n\nx\n\n## 2\n\ny\n");
        clean("a\n", "a\n\n1\n\n", "a\n\n2\n\n", "a\n\n1\n\n2\n\n");
        clean("# T\n\n", "# T\n\nx\n", "# T\n\ny\n", "# T\n\nx\n\ny\n");
        clean("a\n", "a\nx\nend\n", "a\ny\nend\n", "a\nx\ny\nend\n");
        clean("a\n", "a\nx\n", "a\nx\ny\n", "a\nx\ny\n");
    }

    #[test]
    fn the_last_newline_may_be_missing() {
        clean("a", "a\nb", "a", "a\nb");
        clean("a", "a\nb\n", "z\na", "z\na\nb\n");
        clean("a", "a", "a\n", "a\n");
    }

    #[test]
    fn the_same_line_changed_twice_is_a_conflict_with_both() {
        let Merge::Conflict(text) = merge(b"a\nb\nc\n", b"a\nB\nc\n", b"a\nX\nc\n") else { panic!("no conflict") };
        let expected = "a\n<<<<<<< in the file\nB\n=======\nX\n>>>>>>> in the draft\nc\n";
        assert_eq!(String::from_utf8(text.clone()).unwrap(), expected);
        assert_eq!((count_markers(&text), count_markers(b"a\n<<<<<<< HEAD\n")), (2, 0));
        let Merge::Conflict(text) = merge(b"a\r\n", b"b\r\n", b"c\r\n") else { panic!("no conflict") };
        assert!(text.starts_with(b"<<<<<<< in the file\r\nb\r\n=======\r\n") && count_markers(&text) == 2);
        assert!(matches!(merge(b"a\n", b"", b"b\n"), Merge::Conflict(_)));
    }

    #[test]
    fn a_text_has_the_lines_of_another_in_their_order() {
        assert!(has_all_lines(b"a\nx\nb\n", b"a\nb\n") && has_all_lines(b"a", b"") && has_all_lines(b"", b""));
        assert!(!has_all_lines(b"b\na\n", b"a\nb\n") && !has_all_lines(b"a\n", b"a\na\n"));
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        let merged = merge(b"\xff\n\x00\n", b"\xff\n\x00\n\xfe", b"\xc3\n\xff\n\x00\n");
        assert_eq!(merged, Merge::Clean(b"\xc3\n\xff\n\x00\n\xfe\n".to_vec()));
    }

    /// Lines of few kinds, so that they meet.
    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "", "d"]), 0..8).prop_map(|lines| joined(&lines))
    }

    /// Another text, made of this one: lines taken out, lines of its own put in.
    fn child(of: &str, own: char, edits: &[(usize, bool)]) -> String {
        let mut lines: Vec<String> = of.lines().map(str::to_owned).collect();
        for (number, (at, takes_out)) in edits.iter().enumerate() {
            let at = at % (lines.len() + 1);
            if *takes_out && at < lines.len() {
                lines.remove(at);
            } else {
                lines.insert(at, format!("{own}{number}"));
            }
        }
        joined(&lines)
    }

    fn joined<L: AsRef<str>>(lines: &[L]) -> String {
        lines.iter().flat_map(|line| [line.as_ref(), "\n"]).collect()
    }

    fn edits() -> impl Strategy<Value = Vec<(usize, bool)>> {
        prop::collection::vec((0..20_usize, any::<bool>()), 0..6)
    }

    proptest! {
        /// Nothing that either side wrote is lost, in a merge or in a conflict; and a clean one holds nothing else.
        #[test]
        fn no_line_of_either_is_lost(base in text(), one in edits(), other in edits()) {
            let (theirs, ours) = (child(&base, 'T', &one), child(&base, 'O', &other));
            let merged = merge(base.as_bytes(), theirs.as_bytes(), ours.as_bytes());
            let (Merge::Clean(text) | Merge::Conflict(text)) = &merged;
            let text = std::str::from_utf8(text).unwrap();
            for line in theirs.lines().chain(ours.lines()).filter(|line| line.starts_with(['T', 'O'])) {
                prop_assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{} in {}", line, text);
            }
            if let Merge::Clean(_) = merged {
                let of_base = |text: &str| text.lines().filter(|line| !line.starts_with(['T', 'O'])).count();
                let expected = of_base(&theirs) + of_base(&ours);
                prop_assert!(of_base(text) + of_base(&base) >= expected, "{}", text);
            }
        }

        #[test]
        fn one_side_alone_is_taken_as_it_is(base in text(), edits in edits()) {
            let child = child(&base, 'T', &edits);
            let (base, child) = (base.as_bytes(), child.as_bytes());
            prop_assert_eq!(merge(base, child, base), Merge::Clean(child.to_vec()));
            prop_assert_eq!(merge(base, base, child), Merge::Clean(child.to_vec()));
            prop_assert_eq!(merge(base, child, child), Merge::Clean(child.to_vec()));
        }

        /// What was merged once can be merged again: a session that died half-way does it twice.
        #[test]
        fn merging_again_changes_nothing(base in text(), one in edits(), other in edits()) {
            let (theirs, ours) = (child(&base, 'T', &one), child(&base, 'O', &other));
            if let Merge::Clean(merged) = merge(base.as_bytes(), theirs.as_bytes(), ours.as_bytes()) {
                let again = merge(theirs.as_bytes(), theirs.as_bytes(), &merged);
                prop_assert_eq!(again, Merge::Clean(merged));
            }
        }

        #[test]
        fn any_bytes_can_be_merged(base: Vec<u8>, theirs: Vec<u8>, ours: Vec<u8>) {
            merge(&base, &theirs, &ours);
        }
    }
}
