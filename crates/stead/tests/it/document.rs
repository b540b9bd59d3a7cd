//! Documents on the real filesystem.

use std::fs;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stead::atomic::{Durability, Version};
use stead::document::{Document, JsonLines};
use stead::lock::{Options, Wait};
use stead::{Error, ErrorKind};
use tempfile::tempdir;

use crate::cast::CAST;
use crate::replace::names;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    n: u64,
    #[serde(default)]
    names: Vec<String>,
}

#[test]
fn a_change_is_there_and_what_does_not_change_is_not_written() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    let state = Document::<State>::json(&path);
    assert!(state.read().unwrap_err().is_not_found());
    assert!(state.update(|_| ()).unwrap_err().is_not_found());
    assert!(!path.exists());
    let state = state.default(State::default);
    assert_eq!(state.read_with_version().unwrap(), (State::default(), None));
    assert_eq!(state.update(|state| std::mem::replace(&mut state.n, 5)).unwrap(), 0);
    assert_eq!(state.read().unwrap().n, 5);
    let id = |path| testkit_id(path);
    let before = id(&path);
    state.update(|_| ()).unwrap();
    assert_eq!(id(&path), before, "nothing was written");
    assert_eq!(names(folder.path()), [".stead", "s.json"]);
}

fn testkit_id(path: &std::path::Path) -> std::time::SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

#[test]
fn a_change_may_decide_against_itself_and_a_panic_changes_nothing() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    let state = Document::<State>::json(&path).default(State::default);
    state.set(&State { n: 1, names: vec![] }).unwrap();
    let refused: Result<(), Box<dyn std::error::Error>> = state.try_update(|state| {
        state.n = 2;
        Err("no".into())
    });
    assert_eq!(refused.unwrap_err().to_string(), "no");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        state.update(|state| {
            state.n = 3;
            assert!(state.n == 0, "as planned");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(state.read().unwrap().n, 1);
    state.update(|state| state.n = 4).unwrap();
    assert_eq!(state.read().unwrap().n, 4);
}

#[test]
fn versions_are_compared_under_the_lock() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    let state = Document::<State>::json(&path).default(State::default);
    let version = Version::of(b"x");
    assert!(state.update_if(version, |_| ()).unwrap_err().is_mismatch());
    state.update(|state| state.n = 1).unwrap();
    let (_, version) = state.read_with_version().unwrap();
    state.update_if(version.unwrap(), |state| state.n = 2).unwrap();
    let error = state.update_if(version.unwrap(), |state| state.n = 3).unwrap_err();
    assert!(error.is_mismatch() && error.hint().is_some(), "{error:?}");
    assert_eq!(state.read().unwrap().n, 2);
}

/// The single-use token: of many who find it stale one refreshes it.
#[test]
fn what_is_stale_is_refreshed_once() {
    let folder = tempdir().unwrap();
    let state = Document::<State>::json(folder.path().join("s.json")).default(State::default);
    state.set(&State::default()).unwrap();
    let refreshed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let fresh = state.refresh_if(
                    |state| state.n == 0,
                    |state| {
                        state.n = 1 + refreshed.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, Error>(())
                    },
                );
                assert_eq!(fresh.unwrap().n, 1);
            });
        }
    });
    assert_eq!(refreshed.into_inner(), 1);
}

#[test]
fn threads_and_processes_lose_no_change() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("n.json");
    let text = path.to_str().unwrap();
    fs::write(&path, "{\"n\":0}").unwrap();
    let mut actors: Vec<_> = (0..3).map(|_| CAST.start("update", &[text, "60", "lock"])).collect();
    let state = Document::<State>::json(&path).durability(Durability::None);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..60).for_each(|_| state.update(|state| state.n += 1).unwrap()));
        }
    });
    for actor in &mut actors {
        actor.expect("done");
    }
    assert_eq!(state.read().unwrap().n, 360);
}

#[test]
// Without a lock that an open file can carry, nothing keeps two swaps apart on Windows.
#[cfg(unix)]
fn without_locks_no_change_is_lost_either() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("n.json");
    let text = path.to_str().unwrap();
    fs::write(&path, "{\"n\":0}").unwrap();
    let mut actors: Vec<_> = (0..3).map(|_| CAST.start("update", &[text, "60", "none"])).collect();
    let state = Document::<State>::json(&path).durability(Durability::None).lock(None);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..60).for_each(|_| state.update(|state| state.n += 1).unwrap()));
        }
    });
    for actor in &mut actors {
        actor.expect("done");
    }
    assert_eq!(state.read().unwrap().n, 300);
    assert!(state.locked().unwrap_err().is_unsupported());
    assert_eq!(names(folder.path()), ["n.json"]);
}

/// A million reads are for the long run (`STEAD_READS`); each of them sees a whole document.
#[test]
// Wine refuses to replace a file that a reader has open.
#[cfg(unix)]
fn readers_never_see_half_of_a_document() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    let reads: u64 = std::env::var("STEAD_READS").ok().and_then(|reads| reads.parse().ok()).unwrap_or(20_000);
    let state = Document::<State>::json(&path).durability(Durability::None).default(State::default);
    let make = |n: u64| State { n, names: (0..n % 50).map(|index| format!("{n}-{index}")).collect() };
    state.set(&make(7)).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (state, over) = (&state, &over);
            scope.spawn(move || {
                let mut n = writer;
                while !over.load(Ordering::Relaxed) {
                    n += 8;
                    state.set(&make(n)).unwrap();
                }
            });
        }
        for _ in 0..reads {
            let seen = state.read().unwrap();
            assert_eq!(seen, make(seen.n));
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_damaged_document_is_kept_until_it_is_overwritten_on_purpose() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    let state = Document::<State>::json(&path).default(State::default);
    for damaged in [&b""[..], b"{\"n\":", b"{\"n\":1,\"n\":2}", b"\xff", b"{\"n\":-1}"] {
        fs::write(&path, damaged).unwrap();
        for error in [
            state.read().unwrap_err(),
            state.update(|state| state.n = 1).unwrap_err(),
            state.set(&State::default()).unwrap_err(),
        ] {
            assert!(error.is_damaged() && error.path() == path && error.hint().is_some(), "{error:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), damaged);
        let kept = state.overwrite(&State { n: 9, names: vec![] }).unwrap().unwrap();
        assert_eq!(fs::read(kept).unwrap(), damaged);
        assert_eq!(state.read().unwrap().n, 9);
    }
    assert_eq!(state.overwrite(&State::default()).unwrap(), None);
}

#[test]
fn the_limit_holds_for_reading_and_writing() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.txt");
    let text = Document::text(&path).limit(10).default(String::new);
    text.set(&"0123456789".to_owned()).unwrap();
    assert!(text.update(|text| text.push('x')).unwrap_err().is_too_large());
    assert_eq!(text.read().unwrap(), "0123456789");
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let error = text.read().unwrap_err();
    assert!(error.is_too_large() && error.hint().is_some(), "{error:?}");
    assert!(Document::text(&path).read().unwrap_err().is_too_large(), "the default limit");
    fs::write(&path, b"\xff").unwrap();
    assert!(text.read().unwrap_err().is_damaged());
}

#[test]
fn toml_keeps_what_a_change_does_not_touch() {
    #[derive(Serialize, Deserialize)]
    struct Config {
        port: u16,
        since: toml_edit::Datetime,
        name: Option<String>,
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("c.toml");
    let before = "# mine\nsince = 1979-05-27T07:32:00Z # then\nport  = 80   # http\nname = 'x'\n";
    fs::write(&path, before).unwrap();
    let config = Document::<Config>::toml(&path);
    config.update(|config| config.port = 8080).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), before.replace("80 ", "8080 "));
    config.update(|config| config.name = None).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), before.replace("80 ", "8080 ").replace("name = 'x'\n", ""));
    assert_eq!(config.read().unwrap().since.to_string(), "1979-05-27T07:32:00Z");
}

#[test]
fn older_versions_are_migrated_and_newer_ones_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("c.json");
    let open = || {
        Document::<Value>::json(&path)
            .migrate(0, |old| Ok(json!({"port": old["p"]})))
            .migrate(1, |old| Ok(json!({"ports": [old["port"]]})))
    };
    fs::write(&path, "{\"p\":1}").unwrap();
    let migrated = json!({"ports": [1], "version": 2});
    assert_eq!(open().read().unwrap(), migrated);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"p\":1}", "a read writes nothing");
    open().update(|config| config["ports"] = json!([1, 2])).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().replace([' ', '\n'], ""), "{\"ports\":[1,2],\"version\":2}");
    fs::write(&path, "{\"version\":3}").unwrap();
    let error = open().update(|_| ()).unwrap_err();
    assert!(error.is_damaged() && error.to_string().contains("version 3 is newer"), "{error}");
    fs::write(&path, "{\"version\":1,\"port\":7}").unwrap();
    assert_eq!(open().read().unwrap(), json!({"ports": [7], "version": 2}));
    let failing = Document::<Value>::json(&path).migrate(1, |_| Err("no way".into()));
    assert!(failing.read().unwrap_err().to_string().contains("no way"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"version\":1,\"port\":7}");
}

#[test]
fn several_steps_under_one_lock() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    let state = Document::<State>::json(&path).default(State::default).wait(Wait::No);
    let mut locked = state.locked().unwrap();
    locked.update(|state| state.n += 1).unwrap();
    locked.set(&State { n: locked.read().unwrap().n + 10, names: vec![] }).unwrap();
    assert!(locked.token().is_some());
    assert_eq!(state.update(|_| ()).unwrap_err().kind(), ErrorKind::AlreadyHeld);
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(state.update(|_| ()).unwrap_err().is_busy()));
    });
    drop(locked);
    assert_eq!(state.read().unwrap().n, 11);
}

/// A foreign writer who takes no lock but renames: the update begins again on what it put there.
#[test]
fn trap_31_an_update_begins_again_on_what_a_foreign_writer_put_there() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    let state = Document::<State>::json(&path).default(State::default);
    state.set(&State { n: 1, names: vec![] }).unwrap();
    let mut calls = 0;
    state
        .update(|state| {
            calls += 1;
            if calls == 1 {
                fs::write(path.with_extension("tmp"), "{\"n\":100}").unwrap();
                fs::rename(path.with_extension("tmp"), &path).unwrap();
            }
            state.n += 1;
        })
        .unwrap();
    assert_eq!((calls, state.read().unwrap().n), (2, 101));
    // One who writes in place is seen where the length tells.
    calls = 0;
    state
        .update(|state| {
            calls += 1;
            if calls == 1 {
                fs::write(&path, "{\"n\":7}").unwrap();
            }
            state.n += 1;
        })
        .unwrap();
    assert_eq!((calls, state.read().unwrap().n), (2, 8));
    // And where it does not.
    calls = 0;
    state
        .update(|state| {
            calls += 1;
            if calls == 1 {
                fs::write(&path, fs::read_to_string(&path).unwrap().replace('8', "6")).unwrap();
            }
            state.n += 1;
        })
        .unwrap();
    assert_eq!((calls, state.read().unwrap().n), (2, 7));
    // One who removes it.
    calls = 0;
    state
        .update(|state| {
            calls += 1;
            if calls == 1 {
                fs::remove_file(&path).unwrap();
            }
            state.n += 1;
        })
        .unwrap();
    assert_eq!((calls, state.read().unwrap().n), (2, 1));
    assert_eq!(names(folder.path()), [".stead", "s.json"]);
}

/// Trap 32: what a killed writer left in the folder is gone after the next change.
#[test]
fn trap_32_a_change_after_a_death_sweeps() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.json");
    fs::write(&path, "{\"n\":0}").unwrap();
    let mut actor = CAST.start("hold", &[&format!("sidecar:{}", path.display()), "exclusive"]);
    actor.expect("held");
    fs::write(folder.path().join(".stead-0123456789abcdef.tmp"), "half").unwrap();
    actor.kill();
    Document::<State>::json(&path).update(|state| state.n += 1).unwrap();
    assert_eq!(names(folder.path()), [".stead", "s.json"]);
}

#[test]
fn a_lock_folder_keeps_the_data_folder_clean() {
    let (folder, locks) = (tempdir().unwrap(), tempdir().unwrap());
    let path = folder.path().join("s.json");
    let state = Document::<State>::json(&path).default(State::default).lock(Options::new().lock_dir(locks.path()));
    state.update(|state| state.n = 1).unwrap();
    assert_eq!((names(folder.path()), names(locks.path()).len()), (vec!["s.json".to_owned()], 1));
}

#[test]
fn json_lines_are_typed_and_tell_of_what_is_torn() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l.jsonl");
    let lines = JsonLines::<State>::new(&path).durability(Durability::None);
    assert_eq!(lines.iter().unwrap().count(), 0);
    let states: Vec<_> = (0..5).map(|n| State { n, names: vec!["x".repeat(40_000)] }).collect();
    lines.append(&states[0]).unwrap();
    lines.append_all(&states[1..]).unwrap();
    let read = || lines.iter().unwrap().collect::<Result<Vec<_>, _>>();
    assert_eq!(read().unwrap(), states);
    let good = fs::read(&path).unwrap();
    // The end of a line that is not there yet is no error; it is told.
    for (tail, is_value) in [("{\"n\":9", false), ("12", false), ("{\"n\":9}", true)] {
        fs::write(&path, [&good, tail.as_bytes()].concat()).unwrap();
        let mut iter = lines.iter().unwrap();
        assert_eq!(iter.by_ref().map(Result::unwrap).count(), 5 + usize::from(is_value), "{tail}");
        let torn = iter.torn_tail().map(|torn| (torn.offset, torn.bytes.clone()));
        assert_eq!(torn, (!is_value).then(|| (good.len() as u64, tail.as_bytes().to_vec())));
    }
    // Damage inside is an error with its line, and the others are read.
    fs::write(&path, [b"{\"n\":1}\nnot this\n\n", &good[..]].concat()).unwrap();
    let (values, errors): (Vec<_>, Vec<_>) = lines.iter().unwrap().partition(Result::is_ok);
    assert_eq!((values.len(), errors.len()), (6, 1));
    let error = errors.into_iter().next().unwrap().unwrap_err();
    assert!(error.is_damaged() && error.to_string().contains("line 2"), "{error}");
}
