//! What is printed with --json, fields in their order.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use stead::edit::Draft;
use stead_console::json::{self as console, time};

use crate::dates::dashed;
use crate::journal::Entry;
use crate::stats::{Stats, Streak, Sum};

/// What is told of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) words: usize,
    /// Folded.
    pub(crate) tags: BTreeSet<String>,
}

/// `ponder.entry/1`; `found` is the first line that a search has found.
pub(crate) fn entry(entry: &Entry, told: &Told, found: Option<&str>) -> Map<String, Value> {
    let mut fields = about("ponder.entry/1", Some(entry.day), &entry.path);
    fields.insert("words".to_owned(), told.words.into());
    fields.insert("tags".to_owned(), told.tags.iter().map(String::as_str).collect());
    fields.insert("match".to_owned(), found.into());
    fields
}

/// `ponder.path/1`
pub(crate) fn path(entry: &Entry) -> Value {
    let mut fields = about("ponder.path/1", Some(entry.day), &entry.path);
    fields.insert("exists".to_owned(), entry.path.is_file().into());
    Value::Object(fields)
}

/// `ponder.write/1`
pub(crate) fn written(entry: &Entry, created: bool, bytes: u64) -> Value {
    let mut fields = about("ponder.write/1", Some(entry.day), &entry.path);
    fields.insert("created".to_owned(), created.into());
    fields.insert("bytes".to_owned(), bytes.into());
    fields.insert("durable".to_owned(), true.into());
    Value::Object(fields)
}

/// `ponder.draft/1`
pub(crate) fn draft(draft: &Draft, day: Option<Date>) -> Value {
    let mut fields = about("ponder.draft/1", day, draft.path());
    fields.insert("draft".to_owned(), draft.draft().to_string_lossy().into());
    fields.insert("started".to_owned(), time(draft.started()).into());
    fields.insert("saved".to_owned(), time(draft.saved()).into());
    fields.insert("bytes".to_owned(), draft.content().ok().map(|content| content.len()).into());
    fields.insert("in_use".to_owned(), draft.is_in_use().into());
    fields.insert("conflict".to_owned(), draft.is_conflict().into());
    Value::Object(fields)
}

/// `ponder.tags/1`
pub(crate) fn tags(tags: &[(String, usize)]) -> Value {
    let tags: Vec<Value> = tags.iter().map(|(tag, entries)| json!({"tag": tag, "entries": entries})).collect();
    json!({"schema": "ponder.tags/1", "tags": tags})
}

/// `ponder.stats/1`
pub(crate) fn stats(stats: &Stats) -> Value {
    let years: Vec<Value> = stats.years.iter().map(|(year, sum)| of(json!({"year": year}), *sum)).collect();
    let month = |((year, month), sum): (&(i16, i8), &Sum)| of(json!({"month": format!("{year:04}-{month:02}")}), *sum);
    json!({
        "schema": "ponder.stats/1",
        "entries": stats.total.entries,
        "words": stats.total.words,
        "first": stats.first.map(dashed),
        "last": stats.last.map(dashed),
        "current_streak": streak(stats.streaks.current),
        "longest_streak": streak(stats.streaks.longest),
        "years": years,
        "months": stats.months.iter().map(month).collect::<Vec<_>>(),
    })
}

fn of(mut value: Value, sum: Sum) -> Value {
    value["entries"] = sum.entries.into();
    value["words"] = sum.words.into();
    value
}

fn streak(streak: Option<Streak>) -> Value {
    streak.map_or(
        Value::Null,
        |streak| json!({"days": streak.days, "first": dashed(streak.first), "last": dashed(streak.last)}),
    )
}

/// `schema`, `date`, `path`, and `path_bytes` in hex where it is not UTF-8.
fn about(schema: &str, day: Option<Date>, path: &Path) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("schema".to_owned(), schema.into());
    fields.insert("date".to_owned(), day.map(dashed).into());
    console::path(&mut fields, path);
    fields
}
