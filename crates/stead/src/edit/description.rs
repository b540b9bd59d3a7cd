//! What `draft.json` says (pure); see docs/FORMAT.md.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::atomic::{Version, hexadecimal};
use crate::edit::verdict::Initial;
use crate::sys;

const SCHEMA: &str = "stead.draft/1";

/// A draft, as far as it is not its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// The real path of the file that it is a draft of.
    pub(crate) path: PathBuf,
    pub(crate) initial: Initial,
    /// Its text has both sides of a conflict.
    pub(crate) conflict: bool,
    /// When the session began, in microseconds since 1970.
    pub(crate) started_us: u64,
    /// The number of the first save that is of this text; those before are of one that has been merged into it.
    pub(crate) saves_from: u64,
}

impl Description {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let initial = match self.initial {
            Initial::Base => json!("base"),
            Initial::Recovered => json!("recovered"),
            Initial::WithAddition(version) => json!({"addition": version.to_string()}),
        };
        let Description { path, conflict, started_us, saves_from, .. } = self;
        let bytes = path.to_str().is_none().then(|| hexadecimal(path.as_os_str().as_encoded_bytes()));
        let value = json!({
            "schema": SCHEMA, "path": path.to_string_lossy(), "path_bytes": bytes, "initial": initial,
            "conflict": conflict, "started_us": started_us, "saves_from": saves_from
        });
        format!("{value}\n").into_bytes()
    }

    /// `None`: it is none of this version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Description> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let initial = match (&value["initial"], value["initial"]["addition"].as_str()) {
            (_, Some(version)) => Initial::WithAddition(version.parse::<Version>().ok()?),
            (Value::String(word), _) if word == "base" => Initial::Base,
            (Value::String(word), _) if word == "recovered" => Initial::Recovered,
            _ => return None,
        };
        (value["schema"] == SCHEMA).then_some(())?;
        Some(Description {
            path: match value["path_bytes"].as_str() {
                Some(bytes) => sys::path_of_bytes(parse_hexadecimal(bytes)?),
                None => value["path"].as_str()?.into(),
            },
            initial,
            conflict: value["conflict"].as_bool()?,
            started_us: value["started_us"].as_u64()?,
            saves_from: value["saves_from"].as_u64()?,
        })
    }
}

fn parse_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(path: Vec<u8>, conflict: bool, started_us: u64, kind in 0..3_u8, text: Vec<u8>) {
            let initial = match kind {
                0 => Initial::Base,
                1 => Initial::Recovered,
                _ => Initial::with_addition(&text),
            };
            let path = sys::path_of_bytes(path);
            let description = Description { path, initial, conflict, started_us, saves_from: started_us / 2 };
            prop_assert_eq!(Description::decode(&description.encode()), Some(description));
        }

        #[test]
        fn anything_else_is_none(bytes: Vec<u8>) {
            prop_assert_eq!(Description::decode(&bytes), None);
        }
    }
}
