//! `stead.cycles/1`

use std::path::Path;

use serde_json::{Map, Value, json};
use stead::lock::{Cycle, Member, Waits};
use stead_console::json::time;

/// Who waits for each other for ever.
pub(crate) fn cycles(cycles: &[Cycle]) -> Value {
    json!({"schema": "stead.cycles/1", "cycles": cycles.iter().map(cycle).collect::<Vec<_>>()})
}

fn cycle(cycle: &Cycle) -> Value {
    json!({"members": cycle.members().iter().map(member).collect::<Vec<_>>()})
}

/// A member waits for a lock or for its child: what the other way would say is null.
fn member(member: &Member) -> Value {
    let (lock, mode, since) = match &member.waits {
        Waits::Lock { path, mode, since } => (Some(path.as_path()), Some(mode.to_string()), *since),
        _ => (None, None, None),
    };
    let mut fields = Map::new();
    fields.insert("pid".to_owned(), member.pid.into());
    fields.insert("command".to_owned(), json!(member.command));
    fields.insert("user".to_owned(), json!(member.user));
    waits_for(&mut fields, lock);
    fields.insert("mode".to_owned(), json!(mode));
    fields.insert("since".to_owned(), json!(since.and_then(time)));
    fields.insert("held_by".to_owned(), json!(lock.map(|_| member.next)));
    fields.insert("child".to_owned(), json!(lock.is_none().then_some(member.next)));
    Value::Object(fields)
}

/// As paths are said everywhere, under a name of its own; null where it is not known as well.
fn waits_for(fields: &mut Map<String, Value>, lock: Option<&Path>) {
    let mut said = Map::new();
    stead_console::json::path(&mut said, lock.unwrap_or(Path::new("")));
    for (name, value) in said {
        fields.insert(name.replace("path", "waits_for"), value);
    }
}
