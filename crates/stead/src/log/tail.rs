//! What is at the end of the active segment, and what a power cut left above what was durable (pure).

use memchr::{memchr, memrchr};

use crate::log::framing::{self, Ending};

/// The end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Whole lines of whole batches.
    Whole,
    /// A whole line of somebody who wrote no newline.
    NoNewline,
    /// Torn from this byte on.
    Torn(usize),
    /// More of the file must be seen.
    Unclear,
}

/// Looks at the last bytes of a file; `is_all`: they are all of it.
pub(crate) fn look(bytes: &[u8], is_all: bool) -> Tail {
    let lines = memrchr(b'\n', bytes).map_or(0, |newline| newline + 1);
    let rest = &bytes[lines..];
    if lines == 0 && !is_all {
        return Tail::Unclear;
    }
    match (open_run(&bytes[..lines], is_all), rest.is_empty()) {
        (Open::Unclear, _) => Tail::Unclear,
        (Open::From(start), _) => Tail::Torn(start),
        (Open::No, true) => Tail::Whole,
        // Of a batch, the first line alone could be whole; the tab before its brace tells it.
        (Open::No, false) => {
            let is_alone = matches!(framing::ending(rest), Ending::Alone | Ending::Last) && !rest.ends_with(b"\t}");
            if is_alone && framing::objection(rest).is_none() { Tail::NoNewline } else { Tail::Torn(lines) }
        }
    }
}

/// Whether lines end in the midst of a batch.
#[derive(Debug, PartialEq, Eq)]
enum Open {
    No,
    /// It begins here.
    From(usize),
    Unclear,
}

/// Goes back from the end, over blanks that a recovery which was cut short may have left, to the first line of a batch.
fn open_run(lines: &[u8], is_all: bool) -> Open {
    let mut end = lines.len();
    let mut from = None;
    while end > 0 {
        let start = memrchr(b'\n', &lines[..end - 1]).map_or(0, |newline| newline + 1);
        if start == 0 && !is_all {
            return Open::Unclear;
        }
        let line = &lines[start..end - 1];
        match framing::ending(line) {
            _ if framing::is_blank(line) && from.is_none() => {}
            _ if framing::is_blank(line) => break,
            Ending::First => return Open::From(start),
            Ending::Between => from = Some(start),
            Ending::Alone | Ending::Last => break,
        }
        end = start;
    }
    if end == 0 && !is_all { Open::Unclear } else { from.map_or(Open::No, Open::From) }
}

/// Finds what is torn in bytes that begin with a line and that a power cut may have changed: stretches from line to line,
/// in order. What is not torn is whole lines of whole batches. The bytes end with a newline.
pub(crate) fn torn(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut add = |start: usize, end: usize| {
        if start < end {
            found.push((start, end));
        }
    };
    // Where the batch begins that is open, and whether all its lines are whole.
    let mut open: Option<(usize, bool)> = None;
    let mut at = 0;
    while let Some(newline) = memchr(b'\n', &bytes[at..]) {
        let (start, end) = (at, at + newline + 1);
        let line = &bytes[start..end - 1];
        at = end;
        let is_blank = framing::is_blank(line);
        let is_bad = !is_blank && framing::objection(line).is_some();
        let ending = framing::ending(line);
        // A bad line may hide the lines between two batches: it belongs to the one that is open, and opens one if more
        // must follow it.
        open = match (open, ending) {
            (Some((from, _)), _) if is_blank => {
                add(from, start);
                None
            }
            (None, _) if is_blank => None,
            (Some((from, _)), Ending::First | Ending::Between) if is_bad => Some((from, false)),
            (Some((from, _)), _) if is_bad => {
                add(from, end);
                None
            }
            (None, Ending::First | Ending::Between) if is_bad => Some((start, false)),
            (None, _) if is_bad => {
                add(start, end);
                None
            }
            (Some((from, _)), Ending::First) => {
                add(from, start);
                Some((start, true))
            }
            (Some(open), Ending::Between) => Some(open),
            (Some((from, false)), Ending::Last) => {
                add(from, end);
                None
            }
            (Some((from, _)), Ending::Alone) => {
                add(from, start);
                None
            }
            (None, Ending::First) => Some((start, true)),
            (None, Ending::Between) => Some((start, false)),
            (Some((_, true)), Ending::Last) | (None, Ending::Alone | Ending::Last) => None,
        };
    }
    if let Some((from, _)) = open {
        add(from, at);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_33_tails_are_told_apart() {
        let tail = |text: &str| look(text.as_bytes(), true);
        assert_eq!(tail(""), Tail::Whole);
        assert_eq!(tail("{\"a\":1}\n"), Tail::Whole);
        assert_eq!(tail("{\"a\":1}\n{\"a\":2}"), Tail::NoNewline);
        assert_eq!(tail("{\"a\":1}\n{\"a\":"), Tail::Torn(8));
        assert_eq!(tail("{\"a\":1}{\"b\":2}"), Tail::Torn(0));
        // Inside a character.
        assert_eq!(look(b"{\"a\":\"\xc3", true), Tail::Torn(0));
        // Batches that miss their end.
        assert_eq!(tail("{}\n{\"a\":1\t}\t\n"), Tail::Torn(3));
        assert_eq!(tail("{}\n{\"a\":1\t}\t\n{\"b\":1}"), Tail::Torn(3));
        assert_eq!(tail("{\"a\":1\t}"), Tail::Torn(0));
        assert_eq!(tail("{\"a\":1\t}\t\n{\"b\":1} \n"), Tail::Whole);
        // A recovery that was killed half-way.
        assert_eq!(tail("{}\n{\"a\":1\t}\t\n{\"b\":1}\t\n      \n"), Tail::Torn(3));
        assert_eq!(tail("{}\n \"a\":1\t}\t\n{\"b\":1}\t\n      \n"), Tail::Torn(3));
        assert_eq!(tail("{}\n      \n"), Tail::Whole);
    }

    #[test]
    fn a_window_that_is_too_small_is_said_to_be() {
        assert_eq!(look(b"1}\n", false), Tail::Unclear);
        assert_eq!(look(b"1}", false), Tail::Unclear);
        assert_eq!(look(b"1}\n{}\n", false), Tail::Whole);
        assert_eq!(look(b"1}\n{}\t\n", false), Tail::Unclear);
        assert_eq!(look(b"1}\n   \n", false), Tail::Unclear);
    }

    fn torn_of(text: &[u8]) -> Vec<Vec<u8>> {
        torn(text).into_iter().map(|(start, end)| text[start..end].to_vec()).collect()
    }

    #[test]
    fn trap_48_zeros_before_whole_lines_are_torn_and_the_lines_are_not() {
        let zeros = [0; 40];
        let text = [&b"{\"a\":1}\n"[..], &zeros, b"\":2}\n{\"a\":3}\n"].concat();
        assert_eq!(torn_of(&text), [[&zeros[..], b"\":2}\n"].concat()]);
        assert!(torn(b"{\"a\":1}\n   \n{\"a\":1\t}\t\n{\"b\":1} \n").is_empty());
    }

    #[test]
    fn a_batch_with_a_hole_is_torn_as_a_whole() {
        let hole = b"{\"a\":1\t}\t\n{\"b\"\0\0\0}\t\n{\"c\":1} \n";
        let text = [&b"{}\n"[..], hole, b"{\"d\":1}\n"].concat();
        assert_eq!(torn_of(&text), [hole.to_vec()]);
        // The hole swallowed the end of one batch and the beginning of the next.
        let both = b"{\"a\":1\t}\t\n\0\0\0}\t\n{\"z\":1} \n";
        assert_eq!(torn_of(&[&both[..], b"{}\n"].concat()), [both.to_vec()]);
    }

    #[test]
    fn a_batch_cut_short_is_torn_and_what_follows_is_not() {
        let cut = b"{\"a\":1\t}\t\n{\"b\":1}\t\n";
        for next in [&b"{\"x\":1}\n"[..], b"   \n", b"{\"a\":1\t}\t\n{\"b\":1} \n"] {
            assert_eq!(torn_of(&[&cut[..], next].concat()), [cut.to_vec()]);
        }
        assert_eq!(torn_of(cut), [cut.to_vec()]);
    }
}
