//! What the commands on event logs print.

use std::path::Path;

use serde_json::{Map, Value, json};
use stead::log::{AppendResult, Finding, LogId, Repaired, SegmentStat, Stat, Verified};

/// `stead.append/1`
pub(crate) fn appended(log: LogId, count: usize, result: &AppendResult, durable: bool) -> Value {
    let AppendResult { start_offset, end_offset, line_hash } = result;
    json!({
        "schema": "stead.append/1",
        "count": count,
        "start_offset": start_offset,
        "end_offset": end_offset,
        "line_hash": line_hash,
        "cursor": format!("{log}:{end_offset}:{line_hash}"),
        "durable": durable,
    })
}

/// `stead.log.rotate/1`; `segment` is the newest sealed one.
pub(crate) fn rotated(dir: &Path, rotated: bool, segment: Option<&Path>) -> Value {
    let mut fields = about("stead.log.rotate/1", dir);
    fields.insert("rotated".to_owned(), rotated.into());
    fields.insert("segment".to_owned(), segment.map(Path::to_string_lossy).into());
    Value::Object(fields)
}

/// `stead.log.verify/1`
pub(crate) fn verified(dir: &Path, verified: &Verified) -> Value {
    let mut fields = about("stead.log.verify/1", dir);
    fields.insert("log".to_owned(), name(verified.log));
    fields.insert("start".to_owned(), verified.start.into());
    fields.insert("end".to_owned(), verified.end.into());
    fields.insert("files".to_owned(), verified.files.into());
    fields.insert("lines".to_owned(), verified.lines.into());
    fields.insert("damage".to_owned(), findings(&verified.damage));
    fields.insert("notes".to_owned(), findings(&verified.notes));
    Value::Object(fields)
}

/// `stead.log.repair/1`
pub(crate) fn repaired(dir: &Path, repaired: &Repaired) -> Value {
    let mut fields = about("stead.log.repair/1", dir);
    fields.insert("findings".to_owned(), findings(&repaired.findings));
    fields.insert("kept".to_owned(), super::paths(&repaired.kept));
    fields.insert("gaps".to_owned(), gaps(&repaired.gaps));
    fields.insert("carried".to_owned(), repaired.carried.into());
    Value::Object(fields)
}

/// `stead.log.stat/1`
pub(crate) fn stat(dir: &Path, stat: &Stat) -> Value {
    let mut fields = about("stead.log.stat/1", dir);
    fields.insert("log".to_owned(), name(stat.log));
    fields.insert("format".to_owned(), stat.format.into());
    fields.insert("start".to_owned(), stat.start.into());
    fields.insert("end".to_owned(), stat.end.into());
    fields.insert("cursor".to_owned(), stat.cursor.map(|cursor| cursor.to_string()).into());
    fields.insert("synced".to_owned(), stat.synced.into());
    fields.insert("poisoned".to_owned(), stat.poisoned.into());
    fields.insert("active_bytes".to_owned(), stat.active_bytes.into());
    fields.insert("segments".to_owned(), stat.segments.iter().map(segment).collect());
    fields.insert("archive_bytes".to_owned(), stat.archive_bytes.into());
    fields.insert("quarantined".to_owned(), stat.quarantined.into());
    fields.insert("max_segment_bytes".to_owned(), stat.max_segment_bytes.into());
    fields.insert("max_segment_age_s".to_owned(), stat.max_segment_age.map(|age| age.as_secs_f64()).into());
    fields.insert("gaps".to_owned(), gaps(&stat.gaps));
    Value::Object(fields)
}

fn about(schema: &str, dir: &Path) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("schema".to_owned(), schema.into());
    stead_console::json::path(&mut fields, dir);
    fields
}

fn name(log: Option<LogId>) -> Value {
    log.map(|log| log.to_string()).into()
}

fn findings(findings: &[Finding]) -> Value {
    let finding = |finding: &Finding| {
        let mut fields = stretch(&finding.path, finding.start, finding.end);
        fields.insert("what".to_owned(), finding.what.as_str().into());
        Value::Object(fields)
    };
    findings.iter().map(finding).collect()
}

fn segment(segment: &SegmentStat) -> Value {
    Value::Object(stretch(&segment.path, segment.start, segment.end))
}

fn stretch(path: &Path, start: u64, end: u64) -> Map<String, Value> {
    let mut fields = Map::new();
    stead_console::json::path(&mut fields, path);
    fields.insert("start".to_owned(), start.into());
    fields.insert("end".to_owned(), end.into());
    fields
}

fn gaps(gaps: &[(u64, u64)]) -> Value {
    gaps.iter().map(|(start, end)| json!({"start": start, "end": end})).collect()
}
