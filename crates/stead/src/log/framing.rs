//! How lines are told apart, and which of them belong together (pure).
//!
//! A line alone is a JSON object and a newline. A batch of two or more lines is marked by blanks that JSON allows:
//!
//! ```text
//! {"type":"a"<TAB>}<TAB>      the first: a tab before its brace and one behind it
//! {"type":"b"}<TAB>           those between: a tab behind
//! {"type":"c"}<SPACE>         the last: a space behind
//! ```
//!
//! So a reader knows at each line whether more of its batch must follow, and where a batch was cut short: by the end of
//! the file, by a blank line, by a line alone, or by the first line of another batch. Torn at any byte, no part of a
//! batch is a line alone: of the first one the tab before the brace tells it.

use memchr::memchr;
use serde::de::IgnoredAny;

/// How many bytes the marks of a batch add to a line.
pub(crate) const MARKS_MAX: usize = 2;
/// How deep the values in a line may lie in each other: what is deeper is not decoded again.
pub(crate) const DEPTH_MAX: usize = 127;

/// What the blanks at its end say of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A line alone.
    Alone,
    /// The first of a batch.
    First,
    /// One between the first and the last of a batch.
    Between,
    /// The last of a batch; a line alone where no batch is open, for others may write a space behind theirs.
    Last,
}

/// How a line ends; `line` has no newline.
pub(crate) fn ending(line: &[u8]) -> Ending {
    match line {
        [.., b'\t', b'}', b'\t'] => Ending::First,
        [.., b'\t'] => Ending::Between,
        [.., b' '] => Ending::Last,
        _ => Ending::Alone,
    }
}

/// Whether a line has nothing to say: empty, or blanks in place of torn bytes.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    // Nearly every line is told by its first byte.
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Whether a line looks like an object from outside: enough to tell it from zeros and from text.
pub(crate) fn looks_like_object(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.first() == Some(&b'{') && line.last() == Some(&b'}')
}

/// Why a line is not one JSON object, in words.
pub(crate) fn objection(line: &[u8]) -> Option<String> {
    if line.starts_with(b"\xef\xbb\xbf") {
        return Some("it begins with a byte-order mark".to_owned());
    }
    if let Some(at) = memchr(0, line) {
        return Some(format!("a NUL byte at its byte {at}"));
    }
    if let Err(error) = std::str::from_utf8(line) {
        return Some(format!("not UTF-8 at its byte {}", error.valid_up_to()));
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(line) {
        let column = error.column();
        return Some(if error.is_eof() {
            format!("the object ends too early, at its byte {column}")
        } else {
            format!("not one JSON object: {error}")
        });
    }
    (!looks_like_object(line)).then(|| "JSON, but not an object".to_owned())
}

/// Whether values lie deeper in each other than can be decoded.
pub(crate) fn is_too_deep(line: &[u8]) -> bool {
    if memchr::memchr2_iter(b'{', b'[', line).count() <= DEPTH_MAX {
        return false;
    }
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest > DEPTH_MAX
}

/// How a run of lines that begins with the first of a batch goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// The batch is whole; this many bytes.
    Whole(usize),
    /// It is cut short after this many bytes, by a line that does not belong to it.
    Cut(usize),
    /// The bytes end before it does; this many of them are whole lines of it.
    Open(usize),
}

/// Follows a batch through `bytes`, which begin with its first line, or behind it where `inside`.
pub(crate) fn run(bytes: &[u8], mut inside: bool) -> Run {
    let mut at = 0;
    loop {
        let Some(newline) = memchr(b'\n', &bytes[at..]) else { return Run::Open(at) };
        let line = &bytes[at..at + newline];
        let next = at + newline + 1;
        match (ending(line), inside) {
            _ if is_blank(line) => return Run::Cut(at),
            (Ending::First, false) | (Ending::Between, true) => at = next,
            (Ending::Last, true) => return Run::Whole(next),
            _ => return Run::Cut(at),
        }
        inside = true;
    }
}

/// Puts lines together as one batch; `lines` are JSON objects without newlines. Where each one ends is told to `ends`.
pub(crate) fn join<'a>(lines: impl ExactSizeIterator<Item = &'a [u8]>, out: &mut Vec<u8>, mut ends: impl FnMut(usize)) {
    let count = lines.len();
    for (index, line) in lines.enumerate() {
        let line = line.trim_ascii();
        let body = line.strip_suffix(b"}").unwrap_or(line);
        out.extend_from_slice(body);
        // A tab of the caller's in this place is not ours.
        while let Some(b'\t') = out.last() {
            out.pop();
        }
        let end: &[u8] = match (index, count) {
            (_, 1) => b"}\n",
            (0, _) => b"\t}\t\n",
            (index, count) if index + 1 == count => b"} \n",
            _ => b"}\t\n",
        };
        out.extend_from_slice(end);
        ends(out.len());
    }
}

/// What torn bytes are overwritten with: empty lines. Blanks would do as well, were they not part of a text in which a
/// power cut leaves them between what was written.
pub(crate) fn blanks(len: usize) -> Vec<u8> {
    vec![b'\n'; len]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        join(lines.iter().map(|line| line.as_bytes()), &mut out, |_| {});
        out
    }

    #[test]
    fn a_line_alone_is_as_it_was() {
        assert_eq!(joined(&[r#"{"a":1}"#]), b"{\"a\":1}\n");
        assert_eq!(ending(br#"{"a":1}"#), Ending::Alone);
    }

    #[test]
    fn every_line_of_a_batch_is_still_json() {
        let bytes = joined(&[r#"{"a":1}"#, r"{}", "{\"b\":2\t}\t"]);
        let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| objection(line).is_none()));
        assert_eq!(
            lines.iter().map(|line| ending(line)).collect::<Vec<_>>(),
            [Ending::First, Ending::Between, Ending::Last]
        );
        assert_eq!(run(&bytes, false), Run::Whole(bytes.len()));
    }

    #[test]
    fn objections_say_what_is_wrong() {
        assert_eq!(objection(br#"{"a":1}"#), None);
        assert_eq!(objection(b"{\"a\":1}\r"), None);
        assert!(objection(br#"{"a":1}{"b":2}"#).unwrap().contains("not one JSON object"));
        assert!(objection(br#"{"a":"#).unwrap().contains("too early"));
        assert!(objection(b"{\"a\":\0}").unwrap().contains("NUL byte at its byte 5"));
        assert!(objection(b"\xef\xbb\xbf{}").unwrap().contains("byte-order mark"));
        assert!(objection(b"{\"a\":\"\xff\"}").unwrap().contains("UTF-8 at its byte 6"));
        assert!(objection(b"[1]").unwrap().contains("not an object"));
    }

    #[test]
    fn depth_is_that_of_values_and_not_of_texts() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(nested(DEPTH_MAX).as_bytes()));
        assert!(is_too_deep(nested(DEPTH_MAX + 1).as_bytes()));
        assert!(!is_too_deep(format!("[\"{}\"]", "[\\\"".repeat(500)).as_bytes()));
        assert!(serde_json::from_str::<serde_json::Value>(&nested(DEPTH_MAX)).is_ok());
    }

    proptest! {
        /// However a batch is cut, no part of it is whole, and none of its lines stands alone.
        #[test]
        fn trap_49_a_part_of_a_batch_is_nothing(count in 2_usize..6, cut in 0..=1000_usize) {
            let lines: Vec<_> = (0..count).map(|n| format!("{{\"n\":{n}}}")).collect();
            let bytes = joined(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            let cut = 1 + (bytes.len() - 3) * cut / 1000;
            let part = &bytes[..cut];
            prop_assert!(!matches!(run(part, false), Run::Whole(_)));
            for line in part.split(|byte| *byte == b'\n').filter(|line| objection(line).is_none()) {
                let torn_first = line.ends_with(b"\t}");
                prop_assert!(torn_first || ending(line) != Ending::Alone || !part.ends_with(b"\n"));
            }
            // Whatever follows, it does not become whole by it.
            for next in ["{\"x\":1}\n", "\n", "{\"y\":1\t}\t\n{\"z\":1} \n"] {
                let bytes = [part, next.as_bytes()].concat();
                let is_sound = bytes.split(|byte| *byte == b'\n').all(|line| is_blank(line) || objection(line).is_none());
                prop_assert!(!is_sound || !matches!(run(&bytes, false), Run::Whole(_)));
            }
        }
    }
}
