//! Documents that older versions of a program wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::document::format::{Format, Wrong};

const FIELD: &str = "version";

/// Makes one version of the one before.
pub(crate) type Step = Arc<dyn Fn(Value) -> Result<Value, String> + Send + Sync>;

/// A format that reads what older versions wrote: the field `version` of the outermost object says which.
pub(crate) struct Migrated<F> {
    pub(crate) format: F,
    pub(crate) steps: BTreeMap<u64, Step>,
}

impl<F> Migrated<F> {
    /// The version that is written.
    fn current(&self) -> u64 {
        self.steps.keys().next_back().map_or(0, |last| last + 1)
    }

    fn migrate(&self, mut value: Value) -> Result<Value, Wrong> {
        let found = match value.get(FIELD) {
            None => 0,
            Some(version) => version.as_u64().ok_or_else(|| Wrong(format!("`{FIELD}` is {version}, not a number")))?,
        };
        let current = self.current();
        if found > current {
            return Err(Wrong(format!("version {found} is newer than {current}, the newest that is known here")));
        }
        for version in found..current {
            let step = self.steps.get(&version).ok_or_else(|| Wrong(format!("version {version} is too old")))?;
            value =
                step(value).map_err(|why| Wrong(format!("not brought from version {version} to the next: {why}")))?;
        }
        stamp(&mut value, current);
        Ok(value)
    }
}

fn stamp(value: &mut Value, version: u64) {
    if let Value::Object(fields) = value {
        fields.insert(FIELD.to_owned(), version.into());
    }
}

impl<T, F> Format<T> for Migrated<F>
where
    T: Serialize + DeserializeOwned,
    F: Format<Value>,
{
    fn decode(&self, content: &[u8]) -> Result<T, Wrong> {
        let value = self.migrate(self.format.decode(content)?)?;
        Ok(serde_json::from_value(value)?)
    }

    fn encode(&self, value: &T, before: &[u8]) -> Result<Vec<u8>, Wrong> {
        let mut value = serde_json::to_value(value)?;
        stamp(&mut value, self.current());
        self.format.encode(&value, before)
    }
}
