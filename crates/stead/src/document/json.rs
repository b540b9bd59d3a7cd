//! JSON, strictly read and written in the style of what was there.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::document::format::{Format, Wrong};

/// JSON. Keys that occur twice are refused: which of them counts is not for us to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json;

impl<T: Serialize + DeserializeOwned> Format<T> for Json {
    fn decode(&self, content: &[u8]) -> Result<T, Wrong> {
        check(content)?;
        Ok(serde_json::from_slice(content)?)
    }

    fn encode(&self, value: &T, before: &[u8]) -> Result<Vec<u8>, Wrong> {
        let style = Style::of(before);
        let mut bytes = Vec::with_capacity(before.len() + 128);
        match &style.indent {
            Some(indent) => {
                let formatter = PrettyFormatter::with_indent(indent);
                value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))?;
            }
            None => serde_json::to_writer(&mut bytes, value)?,
        }
        if style.ends_in_newline {
            bytes.push(b'\n');
        }
        Ok(bytes)
    }
}

/// How a JSON text is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Style {
    /// What each level is indented by; `None`: all on one line.
    indent: Option<Vec<u8>>,
    ends_in_newline: bool,
}

impl Style {
    fn of(text: &[u8]) -> Style {
        let trimmed = text.trim_ascii();
        // Nothing to learn from: a new file, or a content without levels.
        if trimmed.len() <= 2 {
            return Style {
                indent: Some(b"  ".to_vec()),
                ends_in_newline: trimmed.is_empty() || text.ends_with(b"\n"),
            };
        }
        let first_break = trimmed.iter().position(|byte| *byte == b'\n');
        let indent = first_break.map(|at| {
            let rest = &trimmed[at + 1..];
            let width = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            rest[..width].to_vec()
        });
        Style { indent, ends_in_newline: text.ends_with(b"\n") }
    }
}

/// An error for what is not JSON, and for an object in which a key occurs twice.
pub(crate) fn check(content: &[u8]) -> Result<(), Wrong> {
    if content.trim_ascii().is_empty() {
        return Err(Wrong("empty: not even `null` is there".to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(content);
    Strict.deserialize(&mut deserializer)?;
    Ok(deserializer.end()?)
}

/// Visits a value and keeps nothing of it.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = Keys::default();
        while let Some(key) = entries.next_key_seed(Key)? {
            entries.next_value_seed(Strict)?;
            if let Some(twice) = keys.add(key) {
                return Err(A::Error::custom(format!("the key {twice:?} occurs twice in one object")));
            }
        }
        Ok(())
    }
}

/// Reads a key, without a copy where the text has it as it is.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// The keys of one object: few are compared, many are hashed.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    const FEW: usize = 16;

    /// The key, if it is there already.
    fn add(&mut self, key: Cow<'a, str>) -> Option<Cow<'a, str>> {
        if self.few.contains(&key) {
            return Some(key);
        }
        if self.few.len() < Self::FEW {
            self.few.push(key);
            return None;
        }
        self.many.replace(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn encode(value: &Value, before: &str) -> String {
        String::from_utf8(Json.encode(value, before.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn the_style_of_the_file_is_kept() {
        let value = json!({"a": [1]});
        assert_eq!(encode(&value, ""), "{\n  \"a\": [\n    1\n  ]\n}\n");
        assert_eq!(encode(&value, "{\"b\":2}"), "{\"a\":[1]}");
        assert_eq!(encode(&value, "{\"b\":2}\n"), "{\"a\":[1]}\n");
        assert_eq!(encode(&value, "{\n\t\"b\": 2\n}"), "{\n\t\"a\": [\n\t\t1\n\t]\n}");
        assert_eq!(encode(&value, "{\n    \"b\": 2\n}\n"), "{\n    \"a\": [\n        1\n    ]\n}\n");
        assert_eq!(encode(&json!({}), "{}\n"), "{}\n");
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused_and_named() {
        let decode = |text: &str| <Json as Format<Value>>::decode(&Json, text.as_bytes());
        assert!(decode(r#"{"a":{"b":1,"c":2,"b":3}}"#).unwrap_err().0.contains("\"b\" occurs twice"));
        assert!(decode(r#"{"a":{"b":1},"c":{"b":3}}"#).is_ok());
        let many = (0..40).map(|key| format!("\"{key}\":{key},")).collect::<Vec<_>>().concat();
        for (last, is_sound) in [("40", true), ("39", false), ("0", false), ("\\u0033", false)] {
            assert_eq!(decode(&format!("{{{many}\"{last}\":0}}")).is_ok(), is_sound, "{last}");
        }
        for bad in ["", " \n", "{", "{}x", "{'a':1}", "[1,]", "\u{feff}{}", "nul"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(decode(&deep).unwrap_err().0.contains("recursion"));
        assert!(<Json as Format<Value>>::decode(&Json, b"\"\xff\"").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let ours = check(&bytes).is_ok();
            let theirs = serde_json::from_slice::<Value>(&bytes);
            prop_assert!(!ours || theirs.is_ok());
        }
    }
}
