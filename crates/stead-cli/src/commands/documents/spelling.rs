//! Numbers as they were written. `serde_json` keeps every digit, but writes `1E400` as `1e+400`.

use std::collections::{HashMap, VecDeque};

/// The new text of a document, with the exponents of the numbers that were in the old one spelled as they were.
pub(crate) fn keep(old: &[u8], new: Vec<u8>) -> Vec<u8> {
    let mut spellings: HashMap<Vec<u8>, VecDeque<&[u8]>> = HashMap::new();
    for (at, end) in exponentials(old) {
        let number = &old[at..end];
        spellings.entry(normal(number)).or_default().push_back(number);
    }
    if spellings.values().flatten().all(|number| normal(number) == *number) {
        return new;
    }
    let mut text = Vec::with_capacity(new.len());
    let mut done = 0;
    for (at, end) in exponentials(&new) {
        text.extend_from_slice(&new[done..at]);
        text.extend_from_slice(next(spellings.get_mut(&new[at..end])).unwrap_or(&new[at..end]));
        done = end;
    }
    text.extend_from_slice(&new[done..]);
    text
}

/// One value may be spelled in several ways: they are used up in their order, but for the last.
fn next<'a>(spellings: Option<&mut VecDeque<&'a [u8]>>) -> Option<&'a [u8]> {
    let spellings = spellings?;
    if spellings.len() > 1 { spellings.pop_front() } else { spellings.front().copied() }
}

/// Where in a JSON text the numbers with an exponent are.
fn exponentials(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at;
            at = end_of_token(text, start);
            let is_number = matches!(text[start], b'-' | b'0'..=b'9');
            if is_number && text[start..at].iter().any(|byte| matches!(byte, b'e' | b'E')) {
                return Some((start, at));
            }
        }
        None
    })
}

/// Where the string or number that begins here ends; anything else is looked at byte by byte.
fn end_of_token(text: &[u8], start: usize) -> usize {
    let rest = &text[start + 1..];
    let is_of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let len = match text[start] {
        b'"' => len_of_string(rest),
        b'-' | b'0'..=b'9' => rest.iter().take_while(|byte| is_of_number(byte)).count(),
        _ => 0,
    };
    start + 1 + len
}

/// After its first quote, up to and with its last.
fn len_of_string(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 1)
}

/// As `serde_json` writes it.
fn normal(number: &[u8]) -> Vec<u8> {
    let Some(at) = number.iter().position(|byte| matches!(byte, b'e' | b'E')) else { return number.to_vec() };
    let (mantissa, exponent) = (&number[..at], &number[at + 1..]);
    let sign: &[u8] = if exponent.starts_with(b"-") || exponent.starts_with(b"+") { b"" } else { b"+" };
    [mantissa, b"e", sign, exponent].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn rewritten(old: &str) -> String {
        let value: Value = serde_json::from_str(old).unwrap();
        String::from_utf8(keep(old.as_bytes(), value.to_string().into_bytes())).unwrap()
    }

    #[test]
    fn every_number_stays_as_it_is_written() {
        for text in [
            r#"{"a":1e400,"b":[1E5,-0.10e-7,1e+5,1E5,12345678901234567890.50]}"#,
            r#"{"1e400":"1E5","\\\"":"\\","x":1E5}"#,
            "1E5",
            r#""1E5""#,
        ] {
            assert_eq!(rewritten(text), text);
        }
        assert_eq!(keep(b"[1E5,1e5,2]", b"[1e+5,3e+9,2]".to_vec()), b"[1E5,3e+9,2]");
        assert_eq!(keep(b"", b"[1e+5]".to_vec()), b"[1e+5]");
    }

    proptest! {
        #[test]
        fn a_document_that_is_not_changed_is_the_same(
            parts in prop::collection::vec(
                r#"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?|"[a1eE]?(\\\\|\\")?""#,
                0..9,
            ),
        ) {
            let text = format!("[{}]", parts.join(","));
            prop_assert_eq!(rewritten(&text), text);
        }
    }
}
