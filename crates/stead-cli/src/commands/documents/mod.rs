//! What the commands on documents share: finding a place in one, changing it under its lock, saying what was done.

mod content;
mod edit;
mod equality;
pub(super) mod merge;
pub(super) mod patch;
pub(super) mod pointer;
mod spelling;

pub(super) use content::{Syntax, check, read};
pub(super) use edit::{ChangeArgs, Edit, Missing, change};
pub(super) use spelling::keep as as_written;

use std::path::Path;

use serde_json::Value;
use stead::document::{Format, Json};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::input;

use self::pointer::Astray;

/// The JSON value on standard input.
pub(super) fn given() -> Result<Value, Failure> {
    let input = input::read_all()?;
    Json.decode(&input).map_err(|wrong| Failure::new(ExitCode::Data, format!("standard input is not JSON: {wrong}")))
}

/// A place in a document that is not there, where one is needed to change something.
pub(super) fn astray(path: &Path, astray: &Astray) -> Failure {
    let failure = Failure::new(ExitCode::Data, format!("failed to change {}: {astray}", path.display()));
    failure.with_hint(astray.hint())
}

/// For tests: a small document with keys that have to be escaped.
#[cfg(test)]
fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;

    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..3).prop_map(Value::from)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[ab~/é0-]{0,2}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
