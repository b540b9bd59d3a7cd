//! JSON patch (RFC 6902).

use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};

use super::equality::equal;
use super::pointer::{Astray, Pointer};

/// One step of a patch.
#[derive(Debug, Clone, PartialEq)]
enum Operation {
    Add(Pointer, Value),
    Remove(Pointer),
    Replace(Pointer, Value),
    Move { from: Pointer, to: Pointer },
    Copy { from: Pointer, to: Pointer },
    Test(Pointer, Value),
}

/// A list of steps, of which all are taken or none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Patch(Vec<Operation>);

/// Which step failed, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failed {
    number: usize,
    count: usize,
    why: Why,
}

#[derive(Debug, Clone, PartialEq)]
enum Why {
    Astray(Astray),
    /// What was tested is not so.
    Differs(Pointer),
    IntoItself(Pointer),
}

impl Patch {
    /// Reads the operations.
    pub(crate) fn parse(patch: Value) -> Result<Patch, String> {
        let Value::Array(steps) = patch else { return Err("a JSON patch is an array of operations".to_owned()) };
        let step = |(index, step)| operation(step).map_err(|why| format!("operation {}: {why}", index + 1));
        steps.into_iter().enumerate().map(step).collect::<Result<_, _>>().map(Patch)
    }

    /// The document with all of it done.
    pub(crate) fn apply(&self, document: &Value) -> Result<Value, Failed> {
        let mut document = document.clone();
        for (index, operation) in self.0.iter().enumerate() {
            let failed = |why| Failed { number: index + 1, count: self.0.len(), why };
            operation.apply(&mut document).map_err(failed)?;
        }
        Ok(document)
    }
}

fn operation(step: Value) -> Result<Operation, String> {
    let Value::Object(mut fields) = step else { return Err("it is not an object".to_owned()) };
    let name = text(&fields, "op")?.to_owned();
    let to = pointer(&fields, "path")?;
    match &*name {
        "remove" => Ok(Operation::Remove(to)),
        "move" => Ok(Operation::Move { from: pointer(&fields, "from")?, to }),
        "copy" => Ok(Operation::Copy { from: pointer(&fields, "from")?, to }),
        "add" => Ok(Operation::Add(to, value(&mut fields)?)),
        "replace" => Ok(Operation::Replace(to, value(&mut fields)?)),
        "test" => Ok(Operation::Test(to, value(&mut fields)?)),
        _ => Err(format!("there is no operation {name:?}: add, remove, replace, move, copy, test")),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    fields.get(key).and_then(Value::as_str).ok_or_else(|| format!("its {key:?} is missing or not a string"))
}

fn pointer(fields: &Map<String, Value>, key: &str) -> Result<Pointer, String> {
    let text = text(fields, key)?;
    text.parse().map_err(|why| format!("its {key:?} is {text:?}: {why}"))
}

fn value(fields: &mut Map<String, Value>) -> Result<Value, String> {
    fields.shift_remove("value").ok_or_else(|| "its \"value\" is missing".to_owned())
}

impl Operation {
    fn apply(&self, document: &mut Value) -> Result<(), Why> {
        match self {
            Operation::Add(at, value) => at.add(document, value.clone())?,
            Operation::Remove(at) => drop(at.remove(document)?),
            Operation::Replace(at, value) => at.replace(document, value.clone())?,
            Operation::Move { from, to } if from.is_above(to) => return Err(Why::IntoItself(from.clone())),
            // Also of the whole document, which could not be taken away first.
            Operation::Move { from, to } if from == to => drop(from.find(document)?),
            Operation::Move { from, to } => {
                let value = from.remove(document)?;
                to.add(document, value)?;
            }
            Operation::Copy { from, to } => {
                let value = from.find(document)?.clone();
                to.add(document, value)?;
            }
            Operation::Test(at, value) => {
                if !at.find(document).is_ok_and(|found| equal(found, value)) {
                    return Err(Why::Differs(at.clone()));
                }
            }
        }
        Ok(())
    }
}

impl From<Astray> for Why {
    fn from(astray: Astray) -> Why {
        Why::Astray(astray)
    }
}

impl Failed {
    /// It was a test that said no.
    pub(crate) fn is_test(&self) -> bool {
        matches!(self.why, Why::Differs(_))
    }
}

impl Display for Failed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "operation {} of {}: ", self.number, self.count)?;
        match &self.why {
            Why::Astray(astray) => astray.fmt(f),
            Why::Differs(at) if *at == Pointer::default() => f.write_str("the document is not what was tested for"),
            Why::Differs(at) => write!(f, "{at} is not what was tested for"),
            Why::IntoItself(from) if *from == Pointer::default() => f.write_str("the document cannot move into itself"),
            Why::IntoItself(from) => write!(f, "{from} cannot move into itself"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::documents::any_json;
    use proptest::prelude::*;
    use serde_json::json;

    fn apply(document: &Value, patch: Value) -> Result<Value, String> {
        Patch::parse(patch)?.apply(document).map_err(|failed| failed.to_string())
    }

    #[test]
    fn each_operation_does_what_the_standard_says() {
        let document = json!({"a": [1, 2], "b": {"c": 3}});
        for (step, result) in [
            (json!({"op": "add", "path": "/a/1", "value": 9}), json!({"a": [1, 9, 2], "b": {"c": 3}})),
            (json!({"op": "add", "path": "/a/-", "value": 9}), json!({"a": [1, 2, 9], "b": {"c": 3}})),
            (json!({"op": "add", "path": "/b/c", "value": 9}), json!({"a": [1, 2], "b": {"c": 9}})),
            (json!({"op": "add", "path": "", "value": 9}), json!(9)),
            (json!({"op": "remove", "path": "/a/0", "x": 1}), json!({"a": [2], "b": {"c": 3}})),
            (json!({"op": "replace", "path": "/a", "value": 9}), json!({"a": 9, "b": {"c": 3}})),
            (json!({"op": "move", "from": "/b/c", "path": "/a/0"}), json!({"a": [3, 1, 2], "b": {}})),
            (json!({"op": "move", "from": "/a/0", "path": "/a/1"}), json!({"a": [2, 1], "b": {"c": 3}})),
            (json!({"op": "copy", "from": "/a", "path": "/b/c"}), json!({"a": [1, 2], "b": {"c": [1, 2]}})),
            (json!({"op": "test", "path": "/a", "value": [1.0, 2]}), document.clone()),
            (json!({"op": "move", "from": "", "path": ""}), document.clone()),
        ] {
            assert_eq!(apply(&document, json!([step.clone()])), Ok(result), "{step}");
        }
    }

    #[test]
    fn what_fails_says_which_and_why() {
        let document = json!({"a": [1, 2], "b": {"c": 3}});
        for (step, why) in [
            (json!({"op": "remove", "path": "/x"}), "operation 1 of 1: there is nothing at /x"),
            (json!({"op": "add", "path": "/a/3", "value": 1}), "past the end of an array of 2 items"),
            (json!({"op": "replace", "path": "/x", "value": 1}), "nothing at /x"),
            (json!({"op": "test", "path": "/a/0", "value": "1"}), "/a/0 is not what was tested for"),
            (json!({"op": "test", "path": "/x", "value": null}), "/x is not what was tested for"),
            (json!({"op": "move", "from": "/b", "path": "/b/c"}), "/b cannot move into itself"),
            (json!({"op": "add", "path": "/a"}), "operation 1: its \"value\" is missing"),
            (json!({"op": "adds", "path": "/a"}), "there is no operation \"adds\""),
            (json!({"op": "add", "path": "a", "value": 1}), "begins with a slash"),
            (json!({"path": "/a"}), "\"op\" is missing"),
            (json!(1), "not an object"),
        ] {
            let error = apply(&document, json!([step.clone()])).unwrap_err();
            assert!(error.contains(why), "{step}: {error}");
        }
        assert!(apply(&document, json!({})).is_err());
    }

    fn any_step() -> impl Strategy<Value = Value> {
        let place = "(/[ab0-2-]){0,3}";
        let name = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]);
        (name, place, place, any_json())
            .prop_map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
    }

    fn any_document() -> impl Strategy<Value = Value> {
        (any_json(), any_json(), any_json()).prop_map(|(a, b, c)| json!({"a": a, "b": [b, c], "0": {"a": 1}}))
    }

    proptest! {
        #[test]
        fn it_is_what_others_make_of_it(document in any_document(), steps in prop::collection::vec(any_step(), 1..4)) {
            // Others refuse to move the whole document to where it is.
            prop_assume!(!steps.iter().any(|step| step["op"] == "move" && step["from"] == "" && step["path"] == ""));
            let theirs: json_patch::Patch = serde_json::from_value(json!(steps)).unwrap();
            let mut their_document = document.clone();
            // Not `patch`, which panics where it cannot take back a move into what was moved.
            let is_applied = json_patch::patch_unsafe(&mut their_document, &theirs).is_ok();
            let ours = apply(&document, json!(steps));
            prop_assert_eq!(ours.is_ok(), is_applied, "{:?} {:?}", ours, steps);
            if let Ok(ours) = ours {
                prop_assert_eq!(ours, their_document);
            }
        }
    }
}
