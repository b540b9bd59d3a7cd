//! What `draft.json` says (pure); see docs/FORMAT.md.

use serde_json::{Value, json};

use crate::atomic::Version;
use crate::edit::verdict::Initial;

const SCHEMA: &str = "stead.draft/1";

/// A draft, as far as it is not its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// The real path of the file that it is a draft of; where that is not UTF-8, as far as it is.
    pub(crate) path: String,
    pub(crate) initial: Initial,
    /// Its text has both sides of a conflict.
    pub(crate) conflict: bool,
    /// When the session began, in microseconds since 1970.
    pub(crate) started_us: u64,
}

impl Description {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let initial = match self.initial {
            Initial::Base => json!("base"),
            Initial::Recovered => json!("recovered"),
            Initial::WithAddition(version) => json!({"addition": version.to_string()}),
        };
        let Description { path, conflict, started_us, .. } = self;
        let value = json!({
            "schema": SCHEMA, "path": path, "initial": initial, "conflict": conflict, "started_us": started_us
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
            path: value["path"].as_str()?.to_owned(),
            initial,
            conflict: value["conflict"].as_bool()?,
            started_us: value["started_us"].as_u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(path: String, conflict: bool, started_us: u64, kind in 0..3_u8, text: Vec<u8>) {
            let initial = match kind {
                0 => Initial::Base,
                1 => Initial::Recovered,
                _ => Initial::with_addition(&text),
            };
            let description = Description { path, initial, conflict, started_us };
            prop_assert_eq!(Description::decode(&description.encode()), Some(description));
        }

        #[test]
        fn anything_else_is_none(bytes: Vec<u8>) {
            prop_assert_eq!(Description::decode(&bytes), None);
        }
    }
}
