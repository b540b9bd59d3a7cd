//! All of eventfold 0.2.0 under `stead::log`: each item is here with its signature, and does what it says.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stead::log::{
    AppendConflict, AppendResult, ConditionalAppendError, Event, EventLog, EventLogBuilder, EventReader, EventWriter,
    LockMode, ReduceFn, Snapshot, View, ViewOps, WaitResult, line_hash, snapshot,
};
use tempfile::tempdir;

type Views = HashMap<String, Box<dyn ViewOps>>;
type FullEvents = Box<dyn Iterator<Item = io::Result<(Event, String)>>>;
type Appended = Result<AppendResult, ConditionalAppendError>;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Count {
    count: u64,
}

fn count(mut state: Count, _: &Event) -> Count {
    state.count += 1;
    state
}

#[test]
fn events() {
    let new: fn(&str, Value) -> Event = Event::new;
    let with_id: fn(Event, String) -> Event = Event::with_id;
    let with_actor: fn(Event, &'static str) -> Event = Event::with_actor;
    let with_meta: fn(Event, Value) -> Event = Event::with_meta;
    let event = with_meta(with_actor(with_id(new("a", json!(1)), "i".to_owned()), "ann"), json!({"s": 1}));
    let Event { event_type, data, ts, id, actor, meta }: Event = event.clone();
    let (_, _): (u64, Value) = (ts, data);
    assert_eq!((event_type.as_str(), id, actor.as_deref()), ("a", Some("i".to_owned()), Some("ann")));
    assert_eq!(meta, Some(json!({"s": 1})));
    let text = serde_json::to_string(&event).unwrap();
    assert!(text.starts_with(r#"{"type":"a","data":1,"ts":"#), "{text}");
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    assert_eq!(
        serde_json::to_string(&Event { ts: 5, ..new("b", json!({})) }).unwrap(),
        r#"{"type":"b","data":{},"ts":5}"#
    );
}

#[test]
fn the_writer() {
    let dir = tempdir().unwrap();
    let dir: &Path = dir.path();
    let open: fn(PathBuf) -> io::Result<EventWriter> = EventWriter::open;
    let open_with_lock: fn(&'static str, LockMode) -> io::Result<EventWriter> = EventWriter::open_with_lock;
    let append: fn(&mut EventWriter, &Event) -> io::Result<AppendResult> = EventWriter::append;
    let append_if: fn(&mut EventWriter, &Event, u64, &str) -> Appended = EventWriter::append_if;
    let rotate: fn(&mut EventWriter, &EventReader, &mut Views) -> io::Result<()> = EventWriter::rotate;
    let reader: fn(&EventWriter) -> EventReader = EventWriter::reader;
    let paths: [fn(&EventWriter) -> &Path; 4] =
        [EventWriter::dir, EventWriter::log_path, EventWriter::archive_path, EventWriter::views_dir];
    let size: fn(&EventWriter) -> io::Result<u64> = EventWriter::active_log_size;

    let mut writer = open(dir.join("deep/log")).unwrap();
    open_with_lock("", LockMode::Flock).unwrap_err();
    let AppendResult { start_offset, end_offset, line_hash } = append(&mut writer, &Event::new("a", json!(1))).unwrap();
    assert_eq!((start_offset, size(&writer).unwrap()), (0, end_offset));
    let second: AppendResult = append_if(&mut writer, &Event::new("b", json!(2)), end_offset, &line_hash).unwrap();
    match append_if(&mut writer, &Event::new("c", json!(3)), end_offset, &line_hash).unwrap_err() {
        ConditionalAppendError::Conflict(conflict) => {
            let AppendConflict { expected_offset, actual_offset, expected_hash, actual_hash } = conflict.clone();
            assert_eq!(conflict, conflict.clone());
            assert_eq!((expected_offset, actual_offset), (end_offset, second.end_offset));
            assert_eq!((expected_hash, actual_hash), (line_hash, None::<String>));
        }
        ConditionalAppendError::Io(error) => panic!("{error}"),
    }
    let error: ConditionalAppendError = io::Error::other("x").into();
    let _: &dyn std::error::Error = &error;
    assert_eq!(error.to_string(), "x");
    assert_eq!(
        paths.map(|path| path(&writer).strip_prefix(dir.join("deep")).unwrap().to_str().unwrap())[..2],
        ["log", "log/app.jsonl"]
    );
    assert_eq!(paths[3](&writer), dir.join("deep/log/views"));
    let mut views: Views = HashMap::new();
    let view: View<Count> = View::new("count", count, writer.views_dir());
    views.insert("count".to_owned(), Box::new(view));
    let read = reader(&writer);
    rotate(&mut writer, &read, &mut views).unwrap();
    assert_eq!(views["count"].as_any().downcast_ref::<View<Count>>().unwrap().state().count, 2);
    assert!(paths[2](&writer).exists());
}

#[test]
fn the_reader() {
    fn assert_is<T: Send + Sync + Clone + Debug + 'static>() {}
    fn assert_sends<T: Send + Debug>() {}
    assert_is::<EventReader>();
    assert_sends::<EventWriter>();
    let dir = tempdir().unwrap();
    let new: fn(&'static str) -> EventReader = EventReader::new;
    let _: fn(&EventReader) -> io::Result<FullEvents> = EventReader::read_full;
    let hash_before: fn(&EventReader, u64) -> io::Result<Option<String>> = EventReader::read_line_hash_before;
    let size: fn(&EventReader) -> io::Result<u64> = EventReader::active_log_size;
    let has_new: fn(&EventReader, u64) -> io::Result<bool> = EventReader::has_new_events;
    let wait: fn(&EventReader, u64, Duration) -> io::Result<WaitResult> = EventReader::wait_for_events;
    let paths: [fn(&EventReader) -> &Path; 2] = [EventReader::log_path, EventReader::archive_path];

    let mut writer = EventWriter::open(dir.path()).unwrap();
    let appended = writer.append(&Event::new("a", json!(1))).unwrap();
    new("");
    let reader = EventReader::new(dir.path());
    let mut events = reader.read_from(0).unwrap();
    let (event, end, hash): (Event, u64, String) = events.next().unwrap().unwrap();
    assert!(events.next().is_none());
    assert_eq!((event.event_type.as_str(), end, &hash), ("a", appended.end_offset, &appended.line_hash));
    let line = std::fs::read(reader.log_path()).unwrap();
    assert_eq!(hash, line_hash(line.strip_suffix(b"\n").unwrap()));
    assert_eq!(hash_before(&reader, end).unwrap(), Some(hash));
    assert_eq!(hash_before(&reader, 0).unwrap(), None);
    assert_eq!(size(&reader).unwrap(), end);
    assert!(has_new(&reader, 0).unwrap() && !has_new(&reader, end).unwrap());
    assert_eq!(wait(&reader, 0, Duration::ZERO).unwrap(), WaitResult::NewData(end));
    assert_eq!(wait(&reader, end, Duration::ZERO).unwrap(), WaitResult::Timeout);
    assert_eq!(paths[0](&reader), dir.path().join("app.jsonl"));
    assert_eq!(paths[1](&reader), writer.archive_path());
    let count = |reader: &EventReader| reader.read_full().unwrap().count();
    let there = reader.clone();
    assert_eq!(std::thread::spawn(move || there.read_full().unwrap().count()).join().unwrap(), count(&reader));
    // What read_from gives lives on without the reader, as a box of read_full does.
    let full: FullEvents = EventReader::new(dir.path()).read_full().unwrap();
    assert_eq!(full.count(), 1);
}

#[test]
fn the_log_and_its_builder() {
    let dir = tempdir().unwrap();
    let builder: fn(PathBuf) -> EventLogBuilder = EventLog::builder;
    let max: fn(EventLogBuilder, u64) -> EventLogBuilder = EventLogBuilder::max_log_size;
    let mode: fn(EventLogBuilder, LockMode) -> EventLogBuilder = EventLogBuilder::lock_mode;
    let view: fn(EventLogBuilder, &str, ReduceFn<Count>) -> EventLogBuilder = EventLogBuilder::view;
    let build: fn(EventLogBuilder) -> io::Result<EventLog> = EventLogBuilder::open;
    let _: fn(&'static str) -> io::Result<EventLog> = EventLog::open;
    let append: fn(&mut EventLog, &Event) -> io::Result<AppendResult> = EventLog::append;
    let append_if: fn(&mut EventLog, &Event, u64, &str) -> Appended = EventLog::append_if;
    let read_full: fn(&EventLog) -> io::Result<FullEvents> = EventLog::read_full;
    let steps: [fn(&mut EventLog) -> io::Result<()>; 2] = [EventLog::rotate, EventLog::refresh_all];
    let state: fn(&EventLog, &str) -> io::Result<*const Count> =
        |log, name| log.view::<Count>(name).map(std::ptr::from_ref);
    let reader: fn(&EventLog) -> EventReader = EventLog::reader;
    let writer: fn(&EventLog) -> &EventWriter = EventLog::writer;
    let writer_mut: fn(&mut EventLog) -> &mut EventWriter = EventLog::writer_mut;
    let size: fn(&EventLog) -> io::Result<u64> = EventLog::active_log_size;
    let has_new: fn(&EventLog, u64) -> io::Result<bool> = EventLog::has_new_events;
    let wait: fn(&EventLog, u64, Duration) -> io::Result<WaitResult> = EventLog::wait_for_events;
    let hash_before: fn(&EventLog, u64) -> io::Result<Option<String>> = EventLog::read_line_hash_before;
    let paths: [fn(&EventLog) -> &Path; 4] =
        [EventLog::dir, EventLog::log_path, EventLog::archive_path, EventLog::views_dir];

    let told = view(mode(max(builder(dir.path().to_path_buf()), 0), LockMode::Flock), "count", count);
    assert!(format!("{told:?}").contains("EventLogBuilder"));
    let mut log = build(told).unwrap();
    let first = append(&mut log, &Event::new("a", json!(1))).unwrap();
    append_if(&mut log, &Event::new("b", json!(2)), first.end_offset, &first.line_hash).unwrap();
    for step in steps {
        step(&mut log).unwrap();
    }
    state(&log, "count").unwrap();
    assert_eq!(log.view::<Count>("count").unwrap(), &Count { count: 2 });
    assert_eq!(read_full(&log).unwrap().count(), 2);
    assert_eq!(log.read_from(first.end_offset).unwrap().count(), 1);
    assert_eq!((reader(&log).read_full().unwrap().count(), size(&log).unwrap()), (2, 0));
    writer_mut(&mut log).append(&Event::new("c", json!(3))).unwrap();
    assert!(has_new(&log, first.end_offset).unwrap());
    assert!(matches!(wait(&log, first.end_offset, Duration::ZERO).unwrap(), WaitResult::NewData(_)));
    assert_eq!(hash_before(&log, first.end_offset).unwrap(), Some(first.line_hash));
    assert_eq!(paths.map(|path| path(&log).starts_with(dir.path())), [true; 4]);
    assert_eq!(writer(&log).dir(), dir.path());
    assert!(format!("{log:?}").contains("EventLog"));
}

#[test]
fn views_and_snapshots() {
    fn check<S: Serialize + DeserializeOwned + Default + Clone + 'static>(mut view: View<S>, reader: &EventReader) {
        let _: fn(&mut View<S>, &EventReader) -> io::Result<()> = |view, reader| view.refresh(reader).map(|_: &S| ());
        let _: fn(&mut View<S>, &EventReader) -> io::Result<()> = |view, reader| view.rebuild(reader).map(|_: &S| ());
        let state: fn(&View<S>) -> &S = View::state;
        let name: fn(&View<S>) -> &str = View::name;
        view.refresh(reader).unwrap();
        state(&view);
        assert_eq!(name(&view), "count");
        let view: &mut dyn ViewOps = &mut view;
        view.refresh_boxed(reader).unwrap();
        view.reset_offset().unwrap();
        assert_eq!(view.view_name(), "count");
        assert!(view.as_any().is::<View<S>>() && view.as_any_mut().is::<View<S>>());
    }
    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&Event::new("a", json!(1))).unwrap();
    let reduce: ReduceFn<Count> = count;
    check(View::new("count", reduce, writer.views_dir()), &writer.reader());
    let path = dir.path().join("views/count.snapshot.json");
    let save: fn(&Path, &Snapshot<Count>) -> io::Result<()> = snapshot::save;
    let load: fn(&Path) -> io::Result<Option<Snapshot<Count>>> = snapshot::load;
    let delete: fn(&Path) -> io::Result<()> = snapshot::delete;
    let Snapshot { state, offset, hash }: Snapshot<Count> = load(&path).unwrap().unwrap();
    assert_eq!((state.count, offset), (1, writer.reader().end_offset().unwrap()));
    let new: fn(Count, u64, String) -> Snapshot<Count> = Snapshot::new;
    save(&path, &new(state, offset, hash)).unwrap();
    delete(&path).unwrap();
    assert!(load(&path).unwrap().is_none());
    let hash: fn(&[u8]) -> String = line_hash;
    assert_eq!(hash(b""), "ef46db3751d8e999");
}
