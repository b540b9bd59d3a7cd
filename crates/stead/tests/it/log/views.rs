//! Views: state that follows from events, and nothing else.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use stead::log::{Event, EventLog, EventReader, EventWriter, Snapshot, View, snapshot};
use tempfile::tempdir;

use super::{alone, append_raw, event, number};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    numbers: Vec<u64>,
    sum: u64,
}

fn see(mut seen: Seen, event: &Event) -> Seen {
    seen.numbers.push(number(event));
    seen.sum = seen.sum.wrapping_mul(31).wrapping_add(number(event));
    seen
}

fn see_twice(seen: Seen, event: &Event) -> Seen {
    see(see(seen, event), event)
}

fn see_or_panic(seen: Seen, event: &Event) -> Seen {
    assert!(number(event) != 3 || event.id.is_some(), "three");
    see(seen, event)
}

fn replay(reader: &EventReader) -> Seen {
    reader.read_full().unwrap().fold(Seen::default(), |seen, event| see(seen, &event.unwrap().0))
}

fn view(dir: &Path) -> View<Seen> {
    View::new("seen", see, &dir.join("views"))
}

fn saved(dir: &Path) -> Option<Snapshot<Seen>> {
    snapshot::load(&dir.join("views/seen.snapshot.json")).unwrap()
}

#[test]
fn a_view_goes_on_across_rotations_and_processes() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let reader = writer.reader();
    let mut kept = view(dir.path());
    for number in 0..20 {
        writer.append(&event(number)).unwrap();
        if number % 4 == 1 {
            writer.rotate_now().unwrap();
        }
        if number % 3 == 0 {
            assert_eq!(*kept.refresh(&reader).unwrap(), replay(&reader));
            assert_eq!(*view(dir.path()).refresh(&reader).unwrap(), replay(&reader), "from the snapshot");
            let snapshot = saved(dir.path()).unwrap();
            assert_eq!(snapshot.state, replay(&reader));
            let end = reader.end().unwrap();
            assert_eq!((snapshot.offset, snapshot.hash), (end.offset, end.line_hash()));
        }
    }
    kept.refresh(&reader).unwrap();
    assert_eq!(*kept.state(), replay(&reader));
    assert_eq!(*kept.rebuild(&reader).unwrap(), replay(&reader));
}

/// The snapshot is believed: what is before it is not folded again.
#[test]
fn a_view_begins_with_its_snapshot() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    writer.append(&event(0)).unwrap();
    view(dir.path()).refresh(&writer.reader()).unwrap();
    writer.append(&event(1)).unwrap();
    let mut other: View<Seen> = View::new("seen", see_twice, writer.views_dir());
    assert_eq!(other.refresh(&writer.reader()).unwrap().numbers, [0, 1, 1]);
    // Unless the reducer says that it is another one.
    let mut other = View::new("seen", see_twice, writer.views_dir()).with_version(2);
    assert_eq!(other.refresh(&writer.reader()).unwrap().numbers, [0, 0, 1, 1]);
    assert_eq!(*view(dir.path()).refresh(&writer.reader()).unwrap(), replay(&writer.reader()), "and back");
}

#[test]
fn a_snapshot_of_another_log_or_another_history_is_not_believed() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    writer.append(&event(0)).unwrap();
    view(dir.path()).refresh(&writer.reader()).unwrap();
    let other = tempdir().unwrap();
    let mut stranger = alone(other.path());
    stranger.append(&event(5)).unwrap();
    stranger.append(&event(6)).unwrap();
    let name = "views/seen.snapshot.json";
    let bytes = fs::read(dir.path().join(name)).unwrap();
    fs::write(other.path().join(name), &bytes).unwrap();
    assert_eq!(view(other.path()).refresh(&stranger.reader()).unwrap().numbers, [5, 6]);
    for garbage in [&b""[..], b"{", b"null", b"{\"state\":1}", &bytes[..bytes.len() / 2]] {
        fs::write(dir.path().join(name), garbage).unwrap();
        assert_eq!(view(dir.path()).refresh(&writer.reader()).unwrap().numbers, [0]);
    }
    let mut wrong = saved(dir.path()).unwrap();
    wrong.hash = "0123456789abcdef".to_owned();
    snapshot::save(&dir.path().join(name), &wrong).unwrap();
    assert_eq!(view(dir.path()).refresh(&writer.reader()).unwrap().numbers, [0]);
}

/// Trap 37: whatever keeps the log from being read, the state stays, and so does the snapshot.
#[test]
fn trap_37_a_read_error_resets_no_view() {
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil); 4] = [
        ("a damaged line", |dir| append_raw(dir, "{\"type\":}\n")),
        ("log.json", |dir| fs::write(dir.join("log.json"), "{").unwrap()),
        ("a segment", |dir| fs::remove_file(&super::segments(dir)[1]).unwrap()),
        ("the folder", |dir| fs::rename(dir.join("segments"), dir.join("app.jsonl.d")).unwrap()),
    ];
    for (what, spoil) in spoils {
        for is_new in [false, true] {
            let dir = tempdir().unwrap();
            let mut writer = alone(dir.path());
            let reader = writer.reader();
            let mut kept = view(dir.path());
            for number in 0..6 {
                writer.append(&event(number)).unwrap();
                if number == 1 || number == 2 || number == 3 {
                    writer.rotate_now().unwrap();
                }
                if number == 1 {
                    kept.refresh(&reader).unwrap();
                }
            }
            if is_new {
                kept = view(dir.path());
            }
            let before = saved(dir.path()).unwrap();
            spoil(dir.path());
            let error = kept.refresh(&reader).unwrap_err();
            let seen = saved(dir.path()).expect("there is a snapshot");
            assert!(seen.state.numbers.starts_with(&before.state.numbers), "{what}: {error}: {seen:?}");
            assert!(is_new || kept.state().numbers.starts_with(&[0, 1]), "{what}: {error}: {:?}", kept.state());
            kept.refresh(&reader).unwrap_err();
            let seen = saved(dir.path()).expect("there is a snapshot");
            assert!(seen.state.numbers.starts_with(&[0, 1]), "{what}: {seen:?}");
        }
    }
}

/// After what was in the way has gone, it goes on where it was.
#[test]
fn trap_37_a_view_goes_on_after_an_error() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let reader = writer.reader();
    let mut kept = view(dir.path());
    writer.append(&event(0)).unwrap();
    kept.refresh(&reader).unwrap();
    writer.append(&event(1)).unwrap();
    let manifest = fs::read(dir.path().join("log.json")).unwrap();
    fs::write(dir.path().join("log.json"), "{").unwrap();
    kept.refresh(&reader).unwrap_err();
    assert_eq!(kept.state().numbers, [0], "the state of before");
    fs::write(dir.path().join("log.json"), manifest).unwrap();
    assert_eq!(kept.refresh(&reader).unwrap().numbers, [0, 1]);
}

#[test]
fn a_reducer_that_panics_spoils_nothing() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let reader = writer.reader();
    let mut fragile: View<Seen> = View::new("seen", see_or_panic, writer.views_dir());
    for number in 0..6 {
        writer.append(&event(number)).unwrap();
        if number == 1 {
            fragile.refresh(&reader).unwrap();
        }
    }
    for _ in 0..2 {
        assert!(catch_unwind(AssertUnwindSafe(|| fragile.refresh(&reader).map(|_| ()))).is_err());
        assert_eq!(saved(dir.path()).unwrap().state.numbers, [0, 1]);
    }
    assert_eq!(*view(dir.path()).refresh(&reader).unwrap(), replay(&reader));
}

#[test]
fn a_log_refreshes_its_views() {
    let dir = tempdir().unwrap();
    let open = || EventLog::builder(dir.path()).view::<Seen>("seen", see).view::<u64>("count", |n, _| n + 1).open();
    let mut log = open().unwrap();
    assert_eq!(*log.view::<u64>("count").unwrap(), 0);
    log.append_batch(&[event(0), event(1)]).unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("count").unwrap(), 2);
    log.append(&event(2)).unwrap();
    log.rotate().unwrap();
    assert_eq!(log.view::<Seen>("seen").unwrap().numbers, [0, 1, 2]);
    assert_eq!(log.view::<Seen>("none").unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert_eq!(log.view::<String>("seen").unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    drop(log);
    let mut log = open().unwrap();
    log.refresh_all().unwrap();
    assert_eq!(log.view::<Seen>("seen").unwrap(), &replay(&log.reader()));
}

#[test]
fn snapshots_are_saved_loaded_and_deleted() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("s.snapshot.json");
    assert_eq!(snapshot::load::<Seen>(&path).unwrap(), None);
    let snapshot = Snapshot::new(Seen { numbers: vec![1], sum: 1 }, 12, "ab".to_owned());
    snapshot::save(&path, &snapshot).unwrap();
    assert_eq!(snapshot::load(&path).unwrap(), Some(snapshot));
    assert_eq!(snapshot::load::<String>(&path).unwrap(), None);
    snapshot::delete(&path).unwrap();
    snapshot::delete(&path).unwrap();
    assert!(!path.exists());
    fs::create_dir(&path).unwrap();
    assert!(snapshot::load::<Seen>(&path).is_err());
}

/// Trap 25: two processes that save the same view at the same time leave one whole snapshot.
#[test]
fn trap_25_two_refresh_the_same_view() {
    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    for number in 0..50 {
        writer.append(&event(number)).unwrap();
    }
    let reader = writer.reader();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(*view(dir.path()).refresh(&reader).unwrap(), replay(&reader));
                    assert_eq!(saved(dir.path()).unwrap().state, replay(&reader));
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// A view refreshed here and there, kept or begun anew from its snapshot, is what replaying gives.
    #[test]
    fn a_view_is_what_replaying_gives(steps in prop::collection::vec(0..6_u8, 1..25)) {
        let dir = tempdir().unwrap();
        let mut writer = alone(dir.path());
        let reader = writer.reader();
        let mut kept = view(dir.path());
        let mut next = 0;
        for step in steps {
            match step {
                0 => { writer.append_batch(&[event(next), event(next + 1), event(next + 2)]).unwrap(); next += 3; }
                1 => { writer.append(&event(next)).unwrap(); next += 1; }
                2 => { writer.rotate_now().unwrap(); }
                3 => { prop_assert_eq!(kept.refresh(&reader).unwrap(), &replay(&reader)); }
                4 => kept = view(dir.path()),
                _ => { append_raw(dir.path(), super::foreign_line(next)); next += 1; }
            }
        }
        prop_assert_eq!(kept.refresh(&reader).unwrap(), &replay(&reader));
        prop_assert_eq!(saved(dir.path()).map(|saved| saved.state).unwrap_or_default(), replay(&reader));
    }
}
