//! What is printed with --json: the shapes of docs and JSON.md, fields in their order.

mod cycle;
pub(crate) mod log;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use stead::atomic::{Appended, Durability, Swept, Version};
use stead::edit::Draft;
use stead::lock::{Cleaned, Holder, Inspection, Waiter};
use stead_console::json::{path, time};

pub(crate) use cycle::cycles;

/// `stead.who/1`
pub(crate) fn who(locks: &[Inspection]) -> Value {
    json!({"schema": "stead.who/1", "locks": locks.iter().map(lock).collect::<Vec<_>>()})
}

/// `stead.ls/1`
pub(crate) fn ls(locks: &[Inspection]) -> Value {
    json!({"schema": "stead.ls/1", "locks": locks.iter().map(lock).collect::<Vec<_>>()})
}

/// `stead.clean/1`
pub(crate) fn clean(cleaned: &Cleaned, swept: &Swept) -> Value {
    json!({
        "schema": "stead.clean/1",
        "removed": paths(&cleaned.removed),
        "held": cleaned.held,
        "swept": paths(&swept.removed),
        "put_back": paths(&swept.put_back),
        "kept": paths(&swept.kept),
    })
}

fn paths(paths: &[PathBuf]) -> Value {
    paths.iter().map(|path| path.to_string_lossy()).collect()
}

/// What a file holds now that a command has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// As [`stead::atomic::Version`] shows itself.
    pub(crate) version: String,
    pub(crate) bytes: u64,
    /// It held something else before.
    pub(crate) changed: bool,
}

/// `stead.write/1`
pub(crate) fn written(file: &Path, written: &Written) -> Value {
    let mut fields = Map::new();
    fields.insert("schema".to_owned(), "stead.write/1".into());
    path(&mut fields, file);
    fields.insert("version".to_owned(), written.version.as_str().into());
    fields.insert("changed".to_owned(), written.changed.into());
    fields.insert("bytes".to_owned(), written.bytes.into());
    Value::Object(fields)
}

/// `stead.get/1`
pub(crate) fn got(file: &Path, version: Version, value: &Value) -> Value {
    let mut fields = Map::new();
    fields.insert("schema".to_owned(), "stead.get/1".into());
    path(&mut fields, file);
    fields.insert("version".to_owned(), version.to_string().into());
    fields.insert("value".to_owned(), value.clone());
    Value::Object(fields)
}

/// `stead.append/1`, of a file that is no log: it has no cursor and keeps no hashes.
pub(crate) fn appended(file: &Path, count: usize, appended: &Appended, durability: Durability) -> Value {
    let start = (count > 0).then_some(appended.offset);
    let is_named = durability == Durability::Full || !appended.created;
    let mut fields = Map::new();
    fields.insert("schema".to_owned(), "stead.append/1".into());
    path(&mut fields, file);
    fields.insert("count".to_owned(), count.into());
    fields.insert("start_offset".to_owned(), json!(start));
    fields.insert("end_offset".to_owned(), json!(start.map(|start| start + appended.bytes)));
    fields.insert("line_hash".to_owned(), Value::Null);
    fields.insert("cursor".to_owned(), Value::Null);
    fields.insert("durable".to_owned(), (durability != Durability::None && is_named).into());
    fields.insert("created".to_owned(), appended.created.into());
    fields.insert("kept".to_owned(), paths(&appended.kept));
    Value::Object(fields)
}

/// `stead.drafts/1`
pub(crate) fn drafts(drafts: &[Draft]) -> Value {
    json!({"schema": "stead.drafts/1", "drafts": drafts.iter().map(draft).collect::<Vec<_>>()})
}

fn draft(draft: &Draft) -> Value {
    let mut fields = Map::new();
    path(&mut fields, draft.path());
    fields.insert("draft".to_owned(), draft.draft().to_string_lossy().into());
    fields.insert("started".to_owned(), json!(time(draft.started())));
    fields.insert("saved".to_owned(), json!(time(draft.saved())));
    fields.insert("in_use".to_owned(), draft.is_in_use().into());
    fields.insert("conflict".to_owned(), draft.is_conflict().into());
    fields.insert("earlier".to_owned(), paths(&draft.earlier()));
    fields.insert("left_by_editor".to_owned(), paths(&draft.left_by_editor()));
    Value::Object(fields)
}

/// What `stead run` did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ran {
    /// How the command ended; `None` if it was not run.
    pub(crate) code: Option<i32>,
    /// The signal that killed it.
    pub(crate) signal: Option<i32>,
    pub(crate) waited: Duration,
}

/// `stead.run/1`
pub(crate) fn run(ran: &Ran, tokens: &Value) -> Value {
    json!({
        "schema": "stead.run/1",
        "ran": ran.code.is_some() || ran.signal.is_some(),
        "status": ran.code,
        "signal": ran.signal,
        "waited_s": ran.waited.as_secs_f64(),
        "tokens": tokens,
    })
}

/// The tokens of locks that were not granted.
pub(crate) fn no_tokens() -> Value {
    Value::Object(Map::new())
}

/// The tokens by the paths as they were named; of two equal names the first counts.
pub(crate) fn tokens<'a>(holds: impl IntoIterator<Item = (&'a Path, Option<u64>)>) -> Value {
    let mut tokens = Map::new();
    for (path, token) in holds {
        tokens.entry(path.to_string_lossy()).or_insert(json!(token));
    }
    Value::Object(tokens)
}

fn lock(lock: &Inspection) -> Value {
    let mut fields = Map::new();
    path(&mut fields, &lock.path);
    fields.insert("held".to_owned(), json!(lock.held));
    fields.insert("holders".to_owned(), lock.holders.iter().map(holder).collect());
    fields.insert("waiters".to_owned(), lock.waiters.iter().map(waiter).collect());
    fields.insert("unordered".to_owned(), json!(lock.unordered.map(|why| why.to_string())));
    Value::Object(fields)
}

fn holder(holder: &Holder) -> Value {
    json!({
        "pid": holder.pid,
        "command": holder.command,
        "via": holder.via,
        "user": holder.user,
        "host": holder.host,
        "mode": holder.mode.to_string(),
        "since": holder.since.and_then(time),
        "label": holder.label,
        "token": holder.token,
        "verified": holder.verified,
        "state": holder.state.to_string(),
    })
}

/// Of those who do not stand in line, the kernel tells neither since when they wait nor in which place.
fn waiter(waiter: &Waiter) -> Value {
    json!({
        "pid": waiter.pid,
        "command": waiter.command,
        "mode": waiter.mode.to_string(),
        "since": waiter.since.and_then(time),
        "place": waiter.place,
    })
}
