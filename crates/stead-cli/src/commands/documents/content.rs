//! The bytes of a document, and what they say.

use std::path::Path;

use serde_json::Value;
use stead::document::{Document, Format, Json, Toml, Wrong};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;

use super::spelling;

/// The key that a date or time of TOML has as a JSON value.
const DATETIME: &str = "$__toml_private_datetime";

/// What a file holds; `None` where there is none.
pub(crate) type Content = Option<Vec<u8>>;

/// A document whose bytes are left to us.
pub(super) struct Raw;

impl Format<Content> for Raw {
    fn decode(&self, content: &[u8]) -> Result<Content, Wrong> {
        Ok(Some(content.to_vec()))
    }

    fn encode(&self, content: &Content, _before: &[u8]) -> Result<Vec<u8>, Wrong> {
        content.clone().ok_or_else(|| Wrong("there is nothing to write".to_owned()))
    }
}

/// What a file holds.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let document: Document<Content> = Document::with_format(path, Raw).default(|| None);
    document.read()?.ok_or_else(|| {
        Failure::new(ExitCode::NoInput, format!("failed to read {}: there is no such file", path.display()))
    })
}

/// How a value is written in a file: told by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Toml,
}

impl Syntax {
    /// TOML for `.toml`, else JSON.
    pub(crate) fn of(path: &Path) -> Syntax {
        if has_extension(path, "toml") { Syntax::Toml } else { Syntax::Json }
    }

    /// What the content of the file at `path` says.
    pub(crate) fn decode(self, path: &Path, content: &[u8]) -> Result<Value, Failure> {
        let value = match self {
            Syntax::Json => Json.decode(content),
            Syntax::Toml => Toml.decode(content),
        };
        value.map_err(|wrong| {
            Failure::new(ExitCode::Data, format!("failed to read {}: {wrong}", path.display()))
                .with_hint("it is kept as it is: mend it by hand, or replace it with `stead write`")
        })
    }

    /// The content that says `value`, in the style of the one before.
    pub(crate) fn encode(self, path: &Path, value: &Value, before: &[u8]) -> Result<Vec<u8>, Failure> {
        let content = match self {
            Syntax::Json => Json.encode(value, before).map(|new| spelling::keep(before, new)),
            Syntax::Toml if has_split_datetime(value) => Err(Wrong("a date or time of TOML has no parts".to_owned())),
            Syntax::Toml => Toml.encode(value, before),
        };
        content.map_err(|wrong| {
            Failure::new(ExitCode::Data, format!("failed to change {}: {wrong}", path.display()))
                .with_hint("it is as it was")
        })
    }

    /// What the content of the file at `path` says, for people: dates and times of TOML as strings.
    pub(crate) fn decode_for_people(self, path: &Path, content: &[u8]) -> Result<Value, Failure> {
        let mut value = self.decode(path, content)?;
        if self == Syntax::Toml {
            show_datetimes(&mut value);
        }
        Ok(value)
    }
}

/// Dates and times as strings.
fn show_datetimes(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(show_datetimes),
        Value::Object(fields) => match fields.get_mut(DATETIME) {
            Some(text) => *value = text.take(),
            None => fields.values_mut().for_each(show_datetimes),
        },
        _ => {}
    }
}

/// Whether something was put into, or taken from, what stands for a date or time.
fn has_split_datetime(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_split_datetime),
        Value::Object(fields) => match fields.get(DATETIME) {
            Some(text) => fields.len() > 1 || !text.is_string(),
            None => fields.values().any(has_split_datetime),
        },
        _ => false,
    }
}

/// An error for a content that the file at `path` cannot have: what is no JSON in `.json`, no TOML in `.toml`, a line
/// that is no JSON in `.jsonl`. Others take anything.
pub(crate) fn check(path: &Path, content: &[u8]) -> Result<(), Wrong> {
    if has_extension(path, "json") {
        is_json(content)
    } else if has_extension(path, "toml") {
        let value: Result<Value, _> = Toml.decode(content);
        value.map(drop)
    } else if has_extension(path, "jsonl") || has_extension(path, "ndjson") {
        let mut lines = content.strip_suffix(b"\n").unwrap_or(content).split(|byte| *byte == b'\n').enumerate();
        let line = |(index, line)| is_json(line).map_err(|wrong| Wrong(format!("line {}: {wrong}", index + 1)));
        if content.is_empty() { Ok(()) } else { lines.try_for_each(line) }
    } else {
        Ok(())
    }
}

fn is_json(content: &[u8]) -> Result<(), Wrong> {
    let value: Result<Value, _> = Json.decode(content);
    value.map(drop)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
