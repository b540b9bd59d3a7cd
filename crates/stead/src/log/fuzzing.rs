//! For the fuzz target: what lies in a log may be anything; foreign programs and power cuts write there.

use std::path::Path;

use crate::log::framing::{self, Ending};
use crate::log::tail::{self, Tail};
use crate::log::{manifest, page};

/// Looks at bytes as at the end of a segment, and as at the other files of a log.
///
/// # Panics
/// If what is called whole is not, or what is torn does not cover what is bad.
pub(crate) fn log(bytes: &[u8]) {
    manifest::fuzz(bytes, Path::new("log.json"));
    page::fuzz(bytes);
    if let Tail::Torn(start) = tail::look(bytes, true) {
        assert!(start < bytes.len());
        assert!(start == 0 || bytes[start - 1] == b'\n');
    }
    let whole = &bytes[..memchr::memrchr(b'\n', bytes).map_or(0, |newline| newline + 1)];
    let (mut at, mut kept) = (0, Vec::new());
    for (start, end) in tail::torn(whole) {
        assert!(at <= start && start < end, "in order, and not empty");
        assert!(whole[..start].last().is_none_or(|byte| *byte == b'\n') && whole[end - 1] == b'\n');
        kept.extend_from_slice(&whole[at..start]);
        kept.extend(framing::blanks(end - start));
        at = end;
    }
    kept.extend_from_slice(&whole[at..]);
    // What is left is sound: every line an object, every batch whole; and stays so.
    assert!(tail::torn(&kept).is_empty());
    let mut open = false;
    for line in kept.split(|byte| *byte == b'\n').filter(|line| !framing::is_blank(line)) {
        assert_eq!(framing::objection(line), None);
        open = match (framing::ending(line), open) {
            (Ending::First, false) | (Ending::Between, true) => true,
            (Ending::Last, _) | (Ending::Alone, false) => false,
            odd => panic!("{odd:?} is part of no batch"),
        };
    }
    assert!(!open);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        /// Whatever lines of whatever marks are torn and zeroed in whatever places, what is left is sound.
        #[test]
        fn trap_48_what_is_left_of_any_bytes_is_sound(pieces in prop::collection::vec(prop_oneof![
            3 => Just(&b"{\"a\":1}\n"[..]),
            3 => Just(&b"{\"b\":2\t}\t\n"[..]),
            3 => Just(&b"{\"c\":3}\t\n"[..]),
            3 => Just(&b"{\"d\":4} \n"[..]),
            1 => Just(&b"\n"[..]),
            1 => Just(&b"  \n"[..]),
            1 => Just(&b"\0\0\0"[..]),
            1 => Just(&b"\"torn\":5}\n"[..]),
            1 => Just(&b"{\"torn\":6"[..]),
            1 => Just(&b"\t}"[..]),
            1 => Just(&b"\t\n"[..]),
        ], 0..40)) {
            super::log(&pieces.concat());
        }
    }
}
