//! Which lines are asked for, and printing them many at a time.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use stead::{Error, ErrorKind};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;

/// How much is printed in one go.
const CHUNK: usize = 256 << 10;

/// Prints lines in the order in which they are given, many at a time; messages between them.
pub(super) struct LineOutput<'a> {
    out: &'a mut Printer,
    waiting: Vec<u8>,
    /// How many damaged stretches were told of.
    damaged: u64,
}

impl<'a> LineOutput<'a> {
    pub(super) fn new(out: &'a mut Printer) -> LineOutput<'a> {
        LineOutput { out, waiting: Vec::with_capacity(CHUNK), damaged: 0 }
    }

    /// A line, without its newline.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        if self.waiting.len() < CHUNK { Ok(()) } else { self.flush() }
    }

    /// The same for a line that nobody has decoded yet: what is not JSON is damage, and said to be.
    pub(super) fn checked_line(&mut self, offset: u64, line: &[u8]) -> Result<(), Failure> {
        if let Err(wrong) = serde_json::from_slice::<IgnoredAny>(line) {
            self.flush()?;
            self.tell_damage(&format!("the line at offset {offset} is not JSON: {wrong}"));
            return Ok(());
        }
        self.line(line)
    }

    /// Says what is damaged, behind the lines before it; an error that is about anything else is a failure.
    pub(super) fn damage(&mut self, error: &Error) -> Result<(), Failure> {
        self.flush()?;
        if !is_damage(error) {
            return Err(error.into());
        }
        self.tell_damage(&format!("failed to {error}"));
        Ok(())
    }

    fn tell_damage(&mut self, what: &str) {
        self.damaged += 1;
        self.out.message(plain(&format!("passed over what is damaged: {what}")));
    }

    /// All that was given is where it is to go when this returns.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let printed = self.out.exact(&self.waiting);
        self.waiting.clear();
        printed
    }

    /// Nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.out.is_closed()
    }

    /// How the command is to end: not well if anything of the log in `dir` was damaged.
    pub(super) fn verdict(&self, dir: &Path) -> Result<ExitCode, Failure> {
        let dir = dir.display();
        let what = match self.damaged {
            0 => return Ok(ExitCode::Done),
            1 => "a stretch".to_owned(),
            stretches => format!("{stretches} stretches"),
        };
        Err(Failure::new(ExitCode::Data, format!("{what} of {dir} could not be printed"))
            .with_hint(format!("`stead log verify {dir}` looks at all of it")))
    }
}

/// Whether reading goes on behind what the error is about.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Damaged | ErrorKind::TooLarge)
}

/// The type of an event: `None` where it has none, which is no damage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TypeOf(Option<String>);

impl TypeOf {
    pub(super) fn is(&self, wanted: &str) -> bool {
        self.0.as_deref() == Some(wanted)
    }
}

impl<'de> Deserialize<'de> for TypeOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TypeOf, D::Error> {
        deserializer.deserialize_map(TypeVisitor)
    }
}

struct TypeVisitor;

impl<'de> Visitor<'de> for TypeVisitor {
    type Value = TypeOf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<TypeOf, M::Error> {
        let mut kind = None;
        while let Some(key) = map.next_key::<Key>()? {
            if key.is_type {
                kind = map.next_value::<Value>()?.as_str().map(str::to_owned);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(TypeOf(kind))
    }
}

/// A key of an event, of which only one matters.
struct Key {
    is_type: bool,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key { is_type: key == "type" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_that_of_the_event_itself() {
        for (line, kind) in [
            (r#"{"type":"a","data":{"type":"b"}}"#, Some("a")),
            (r#"{"data":{"type":"b"}}"#, None),
            (r#"{"type":5}"#, None),
            (r#"{"type":{}, "x":[1]}"#, None),
            (r#"{"ty\u0070e":"\u00e9"}"#, Some("é")),
            (r#"{"type":"a","type":"b"}"#, Some("b")),
        ] {
            assert_eq!(serde_json::from_str::<TypeOf>(line).unwrap(), TypeOf(kind.map(str::to_owned)), "{line}");
        }
        for bad in ["[]", r#"{"type":"a""#, "1"] {
            assert!(serde_json::from_str::<TypeOf>(bad).is_err());
        }
    }
}
