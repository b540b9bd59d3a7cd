//! Appending lines on the real filesystem.

use std::fs;
use std::io::Write;

use stead::ErrorKind;
use stead::atomic::{Appender, Durability, append_lines};
use stead::lock::{FileLock, Wait};
use tempfile::tempdir;

use crate::cast::CAST;

#[test]
fn lines_go_to_the_end_and_are_never_glued() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    let done = append_lines(&path, ["a", ""]).unwrap();
    assert_eq!((done.created, done.offset, done.bytes), (true, 0, 3));
    // Somebody who does not end his line.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"open end").unwrap();
    let done = append_lines(&path, [b"\xff\xfe"]).unwrap();
    assert_eq!((done.created, done.offset, done.bytes), (false, 12, 3));
    assert_eq!(fs::read(&path).unwrap(), b"a\n\nopen end\n\xff\xfe\n");
    assert_eq!(append_lines(&path, [""; 0]).unwrap().bytes, 0);
    let error = append_lines(&path, ["fine", "two\nlines"]).unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.hint().unwrap().contains("line 2"), "{error:?}");
    assert_eq!(fs::read(&path).unwrap().len(), 15);
}

#[test]
fn of_many_processes_every_line_is_there_once_and_whole() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    let path = path.to_str().unwrap();
    let mut actors: Vec<_> = (0..4)
        .map(|index| {
            CAST.start("append", &[path, &index.to_string(), "50", if index % 2 == 0 { "none" } else { "data" }])
        })
        .collect();
    for actor in &mut actors {
        actor.expect("done");
    }
    let text = fs::read_to_string(path).unwrap();
    for index in 0..4 {
        let own: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(&format!("{index} "))).collect();
        assert_eq!(own, (0..50).map(|number| format!("{number} {}", "x".repeat(number * 7))).collect::<Vec<_>>());
    }
    assert_eq!(text.lines().count(), 200);
}

/// A writer that is killed between its first byte and its last: the next one takes its bytes away, and keeps them.
#[test]
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
fn what_a_killed_writer_left_half_done_is_kept_elsewhere() {
    if !testkit::tool("strace") {
        return;
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    append_lines(&path, ["whole"]).unwrap();
    // Its write takes 5 bytes only, and the next one kills it.
    let inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=write", "-e"];
    let text = path.to_str().unwrap();
    let short = [&inject[..], &["inject=write:signal=SIGKILL:when=1", "-P", text]].concat();
    let mut actor = testkit::Actor::new(&mut CAST.command(&short, "append", &[text, "9", "3", "data"]));
    actor.wait_for_its_end();
    // The kernel lets the call of a killed process go on, so the line may be whole; a torn one is made by hand.
    let locks = folder.path().join(".stead/locks/f.lock");
    let len = fs::metadata(&path).unwrap().len();
    let pending = fs::read_to_string(&locks).unwrap();
    assert!(pending.contains("\"pending\":true"), "{pending}");
    if len > 6 {
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(7).unwrap();
    } else {
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"9").unwrap();
    }
    // A lock file that tells of it stays.
    assert!(stead::lock::clean(folder.path(), false, false).unwrap().removed.is_empty());
    let done = append_lines(&path, ["next"]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "whole\nnext\n");
    assert_eq!(fs::read(&done.kept[0]).unwrap(), b"9");
    assert!(append_lines(&path, ["more"]).unwrap().kept.is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "whole\nnext\nmore\n");
}

/// Trap 33: a torn tail is not glued to the next line.
#[test]
fn trap_33_a_torn_json_tail_is_kept_elsewhere() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f.jsonl");
    let torn = "{\"n\":2,\"text\":\"\u{fc}";
    for torn in [&torn.as_bytes()[..torn.len() - 1], b"{\"n\":2}{\"n\":3}", &[b'x'; 10_000], &[0; 700]] {
        fs::write(&path, [b"{\"n\":1}\n", torn].concat()).unwrap();
        let lines = Appender::new(&path).json_lines(true).durability(Durability::None);
        let done = lines.append(["{\"n\":4}"]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":1}\n{\"n\":4}\n");
        assert_eq!(fs::read(&done.kept[0]).unwrap(), torn);
        assert_eq!(done.offset, 8);
    }
    // What only lacks its newline is a line.
    fs::write(&path, "{\"n\":1}\n{\"n\":2}").unwrap();
    assert!(Appender::new(&path).json_lines(true).append(["{}"]).unwrap().kept.is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":1}\n{\"n\":2}\n{}\n");
}

#[test]
fn it_waits_as_it_is_told() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    let guard = FileLock::sidecar(&path).try_lock().unwrap().into_send();
    let error = Appender::new(&path).wait(Wait::No).append(["x"]).unwrap_err();
    assert!(error.is_busy(), "{error:?}");
    assert!(!path.exists());
    drop(guard);
    Appender::new(&path).wait(Wait::No).append(["x"]).unwrap();
}

/// Somebody renames another file there while we append: what was acknowledged is in the one that is there now.
#[test]
#[cfg(unix)]
fn lines_are_in_the_file_that_is_there_in_the_end() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "").unwrap();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Takes no lock, copies nothing: whatever was appended to the old one is gone with it.
            let other = folder.path().join("other");
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(&other, "").unwrap();
                fs::rename(&other, &path).unwrap();
                std::thread::yield_now();
            }
        });
        let appender = Appender::new(&path).durability(Durability::None);
        for number in 0..200 {
            // It is not said to be replaced again and again unless it is.
            if let Err(error) = appender.append([number.to_string()]) {
                assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
            }
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
