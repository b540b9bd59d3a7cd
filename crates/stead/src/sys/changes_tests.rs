//! What [`Changes`] promises on every platform.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Changes, now, rename, unlink};

/// More than any notification takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing must come for it to be quiet.
const QUIET: Duration = Duration::from_millis(60);
/// One change is several events, and they may come one by one.
const TELLS_MAX: usize = 16;

/// A folder with a file `log` in it.
fn with_log() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    write(&log);
    (folder, log)
}

fn write(path: &Path) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(b"line\n").unwrap();
}

/// Watches a file that nothing has happened to for a while.
fn watch(path: &Path) -> Changes {
    let mut changes = Changes::watch(path.parent().unwrap(), path.file_name().unwrap()).unwrap();
    expect_quiet(&mut changes);
    changes
}

/// Something is told, and after a while nothing more.
#[track_caller]
fn expect_told(changes: &mut Changes) {
    assert!(changes.wait(Some(now() + PATIENCE)).unwrap(), "nothing was told");
    expect_quiet(changes);
}

/// Soon nothing is told, and the deadline is kept.
#[track_caller]
fn expect_quiet(changes: &mut Changes) {
    let tells = (0..TELLS_MAX).take_while(|_| changes.wait(Some(now() + QUIET)).unwrap()).count();
    assert!(tells < TELLS_MAX, "it does not become quiet");
    expect_nothing(changes);
}

/// Nothing is told, and the deadline is kept.
#[track_caller]
fn expect_nothing(changes: &mut Changes) {
    let deadline = now() + QUIET;
    assert!(!changes.wait(Some(deadline)).unwrap(), "something was told");
    assert!(now() >= deadline, "it came before the deadline");
}

#[test]
fn what_is_written_is_told() {
    let (_folder, log) = with_log();
    // Changes after this, also those before the first wait.
    let mut changes = Changes::watch(log.parent().unwrap(), log.file_name().unwrap()).unwrap();
    write(&log);
    expect_told(&mut changes);
    write(&log);
    expect_told(&mut changes);
    OpenOptions::new().write(true).open(&log).unwrap().set_len(0).unwrap();
    expect_told(&mut changes);
    // Looking is no change.
    std::fs::read(&log).unwrap();
    expect_nothing(&mut changes);
}

#[test]
fn what_is_written_wakes_a_sleeper_without_a_deadline() {
    let (_folder, log) = with_log();
    let mut changes = watch(&log);
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| changes.wait(None).unwrap());
        write(&log);
        assert!(sleeper.join().unwrap());
    });
}

/// Windows tells of it when the file is flushed or closed.
#[cfg(unix)]
#[test]
fn what_is_written_is_told_while_the_file_stays_open() {
    let (_folder, log) = with_log();
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    let mut changes = watch(&log);
    for _ in 0..3 {
        file.write_all(b"line\n").unwrap();
        expect_told(&mut changes);
    }
}

#[test]
fn another_file_under_the_name_is_told_and_so_is_what_is_written_into_it() {
    let (folder, log) = with_log();
    let other = folder.path().join("other");
    write(&other);
    let mut changes = watch(&log);
    rename(&other, &log).unwrap();
    expect_told(&mut changes);
    write(&log);
    expect_told(&mut changes);
    rename(&log, &other).unwrap();
    expect_told(&mut changes);
    write(&other);
    expect_nothing(&mut changes);
    write(&log);
    expect_told(&mut changes);
    write(&log);
    expect_told(&mut changes);
    unlink(&log).unwrap();
    expect_told(&mut changes);
}

#[test]
fn a_file_that_is_not_there_yet_is_told_when_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut changes = watch(&log);
    File::create(&log).unwrap();
    expect_told(&mut changes);
    write(&log);
    expect_told(&mut changes);
}

#[test]
fn what_happens_beside_it_is_not_told() {
    let (folder, log) = with_log();
    let [beside, longer] = ["beside", "log.2"].map(|name| folder.path().join(name));
    let mut changes = watch(&log);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                write(&beside);
                rename(&beside, &longer).unwrap();
                unlink(&longer).unwrap();
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..5).for_each(|_| expect_nothing(&mut changes));
        }));
        is_over.store(true, Ordering::Relaxed);
        outcome.unwrap();
    });
}

#[test]
fn a_deadline_that_has_come_still_tells_what_was_before_it() {
    let (_folder, log) = with_log();
    let mut changes = watch(&log);
    assert!(!changes.wait(Some(now())).unwrap());
    write(&log);
    let deadline = now() + PATIENCE;
    while !changes.wait(Some(now())).unwrap() {
        assert!(now() < deadline, "nothing was told");
        std::thread::yield_now();
    }
}

#[cfg_attr(windows, ignore = "Wine does not tell of it, Windows does")]
#[test]
fn a_folder_that_is_removed_is_told_and_then_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let mut changes = watch(&folder.join("log"));
    std::fs::remove_dir(&folder).unwrap();
    expect_told(&mut changes);
    // Another folder of its name is not the one that is watched.
    std::fs::create_dir(&folder).unwrap();
    write(&folder.join("beside"));
    expect_nothing(&mut changes);
}

/// Windows does not tell.
#[cfg(unix)]
#[test]
fn a_folder_that_is_moved_is_told() {
    let parent = tempfile::tempdir().unwrap();
    let [folder, elsewhere] = ["folder", "elsewhere"].map(|name| parent.path().join(name));
    std::fs::create_dir(&folder).unwrap();
    write(&folder.join("log"));
    let mut changes = watch(&folder.join("log"));
    rename(&folder, &elsewhere).unwrap();
    expect_told(&mut changes);
}

#[test]
fn a_folder_that_is_missing_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    let error = Changes::watch(&parent.path().join("missing"), OsStr::new("log")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    let (_folder, log) = with_log();
    let error = Changes::watch(&log, OsStr::new("log")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotADirectory);
}
