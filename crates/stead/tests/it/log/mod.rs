//! The event log: real files, real processes, and those who know nothing of us.

mod bad_input;
mod eventfold;
mod foreigners;
mod kills;
mod lines;
mod model;
pub(crate) mod roles;
mod rotation;
mod seed_002;
mod surface;
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod syncs;
mod views;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};
use stead::ErrorKind;
use stead::log::{Durability, Event, EventReader, EventWriter, Options};

/// An event with a number.
fn event(number: u64) -> Event {
    Event::new("numbered", json!({"n": number}))
}

/// A long one.
fn event_of(number: u64, len: usize) -> Event {
    Event::new("numbered", json!({"n": number, "fill": "x".repeat(len)}))
}

fn number(event: &Event) -> u64 {
    event.data["n"].as_u64().expect("a number")
}

/// The numbers of all events from an offset on; none of them may be an error.
fn numbers_from(reader: &EventReader, offset: u64) -> Vec<u64> {
    reader.read_from(offset).unwrap().map(|event| number(&event.unwrap().0)).collect()
}

fn numbers(reader: &EventReader) -> Vec<u64> {
    numbers_from(reader, 0)
}

/// What reading from the beginning gives: the number of each event, and of each error its kind.
fn outcomes(reader: &EventReader) -> Vec<Result<u64, ErrorKind>> {
    let events = reader.read::<Event>(0).unwrap();
    events.map(|event| event.map(|event| number(&event.value)).map_err(|error| error.kind())).collect()
}

/// Our error inside one of the system's.
fn inner(error: &io::Error) -> &stead::Error {
    error.get_ref().and_then(|error| error.downcast_ref()).unwrap_or_else(|| panic!("not one of ours: {error:?}"))
}

fn kind(error: &io::Error) -> ErrorKind {
    inner(error).kind()
}

/// One of many writers, that does not sync.
fn shared(dir: &Path) -> EventWriter {
    Options::new().shared(true).durability(Durability::None).open(dir).unwrap()
}

/// A writer by itself, that does not sync.
fn alone(dir: &Path) -> EventWriter {
    Options::new().durability(Durability::None).open(dir).unwrap()
}

/// Appends bytes as a program does that takes no lock.
fn append_raw(dir: &Path, bytes: impl AsRef<[u8]>) {
    let file = OpenOptions::new().append(true).create(true).open(dir.join("app.jsonl"));
    file.and_then(|mut file| file.write_all(bytes.as_ref())).unwrap();
}

/// A line as somebody else writes it.
fn foreign_line(number: u64) -> String {
    format!("{}\n", json!({"type": "foreign", "data": {"n": number}, "ts": 1}))
}

/// How much of a long run is to be done: an environment variable says so, by name.
fn scale(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

/// All bytes in `quarantine/`, in the order of their names.
fn quarantined(dir: &Path) -> Vec<u8> {
    let Ok(files) = fs::read_dir(dir.join("quarantine")) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files.iter().flat_map(|path| fs::read(path).unwrap()).collect()
}

/// The paths of the sealed segments, in order.
fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(files) = fs::read_dir(dir.join("segments")) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    files
}

/// The values of the lines of a text.
fn values(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_event_is_read_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let written = event(1).with_id("a").with_actor("b").with_meta(json!({"c": [1.5, null, "ä\u{1F600}\n\t"]}));
    let appended = writer.append(&written).unwrap();
    let read: Vec<_> = writer.reader().read_from(0).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, [(written, appended.end_offset, appended.line_hash)]);
}
