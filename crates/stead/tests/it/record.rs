//! The record in the lock file, its token, and files that are not ours.

use std::fs;
use std::time::Duration;

use stead::lock::{FileLock, Options, clean};
use tempfile::tempdir;

use crate::cast::CAST;

#[test]
fn the_first_line_is_the_pid_and_release_leaves_the_token_only() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = Options::new().label("nightly").at(&path).try_lock().unwrap();
    let token = guard.token().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().next(), Some(std::process::id().to_string().as_str()));
    assert!(text.contains("\"label\":\"nightly\"") && text.contains(&format!("\"token\":{token},")), "{text}");
    let length = text.len();
    drop(guard);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("\n{{\"stead\":\"lock/1\",\"token\":{token},\"crc\":")), "{text}");
    assert!(!text.contains("nightly"));
    assert_eq!(text.len(), length, "neither truncated nor grown");
}

#[test]
fn every_exclusive_grant_has_a_larger_token() {
    let folder = tempdir().unwrap();
    let (path, data) = (folder.path().join("l"), folder.path().join("d"));
    let mut last = 0;
    for round in 0..20 {
        // The wall clock may be behind what was stored: the stored token counts.
        let above = if round == 10 { last + 1_000_000_000 } else { 0 };
        let guard = Options::new().token_above(above).at(&path).try_lock().unwrap();
        assert!(guard.token().unwrap() > last.max(above), "round {round}");
        last = guard.token().unwrap();
    }
    let mut dead = CAST.start("hold", &[&format!("at:{}", path.display()), "exclusive"]);
    dead.expect("held");
    dead.kill();
    assert!(FileLock::at(&path).lock(Duration::from_secs(60)).unwrap().token().unwrap() > last);
    // Also over a clean-up, when the clock is behind.
    let ahead = last * 2;
    drop(Options::new().token_above(ahead).sidecar(&data).try_lock().unwrap());
    assert_eq!(clean(folder.path(), false, false).unwrap().removed.len(), 1);
    assert!(FileLock::sidecar(&data).try_lock().unwrap().token().unwrap() > ahead);
    assert_eq!(FileLock::sidecar(&data).try_lock_shared().unwrap().token(), None);
}

#[test]
fn a_file_of_the_users_is_never_written_into() {
    let folder = tempdir().unwrap();
    let big = vec![b'x'; 3000];
    let lookalike = b"4312\n{\"stead\":\"lock/2\"}\n";
    for (index, content) in [&b""[..], b"4312\n", b"{}", lookalike, &big, &[0; 2048]].into_iter().enumerate() {
        let path = folder.path().join(index.to_string());
        fs::write(&path, content).unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        for lock in [FileLock::at(&path), FileLock::in_place(&path), FileLock::open(&path)] {
            let guard = lock.try_lock().unwrap();
            assert_eq!(guard.token(), None, "no record, no token");
            assert_eq!(fs::read(&path).unwrap(), content);
            drop(guard);
            drop(lock.try_lock_shared().unwrap());
        }
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    }
}

/// A file of 1 GiB that starts with our magic word and goes on with garbage: a record is read and written in its place only.
#[test]
fn a_huge_and_a_garbage_record_are_survived() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let garbage = format!("4312\n{{\"stead\":\"lock/1\",\"token\":{}", "9".repeat(2000));
    fs::write(&path, &garbage).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let guard = FileLock::at(&path).try_lock().unwrap();
    assert!(guard.token().is_some());
    drop(guard);
    assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 30);
    let mut start = [0; 4096];
    std::io::Read::read_exact(&mut fs::File::open(&path).unwrap(), &mut start).unwrap();
    assert_eq!(&start[1024..2000], &garbage.as_bytes()[1024..2000], "past the record nothing was touched");
}

#[test]
fn what_others_wrote_over_the_record_is_left_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = FileLock::at(&path).try_lock().unwrap();
    fs::write(&path, "mine now\n").unwrap();
    drop(guard);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine now\n");
}

/// A lock file of ours that a power cut left empty or full of zeros is a lock file of ours again.
#[test]
fn a_sidecar_emptied_by_a_power_cut_gets_its_record_back() {
    let folder = tempdir().unwrap();
    let lock = FileLock::sidecar(folder.path().join("d"));
    drop(lock.try_lock().unwrap());
    for content in [&b""[..], &[0; 1024]] {
        fs::write(lock.lock_path().unwrap(), content).unwrap();
        assert!(lock.try_lock().unwrap().token().is_some());
    }
}

/// A damaged record gives the token that it still shows, or that of the folder's mark, whichever is larger.
#[test]
fn a_damaged_record_does_not_take_tokens_back() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    let lock = FileLock::sidecar(&data);
    let (path, ahead) = (lock.lock_path().unwrap(), u64::MAX / 4);
    drop(Options::new().token_above(ahead).sidecar(&data).try_lock().unwrap());
    let damage = |text: &str| fs::write(&path, fs::read_to_string(&path).unwrap().replace("crc\":\"", text)).unwrap();
    damage("crc\":\"x");
    let token = lock.try_lock().unwrap().token().unwrap();
    assert!(token > ahead + 1, "{token}");
    assert_eq!(clean(folder.path(), false, false).unwrap().removed.len(), 1);
    fs::write(&path, "\n{\"stead\":\"lock/1\",\"token\":12").unwrap();
    assert!(lock.try_lock().unwrap().token().unwrap() > token);
}

/// The mark counts as it is when a token is drawn, not as it was when the lock file was made.
#[test]
fn a_clean_up_after_the_birth_of_a_lock_file_does_not_take_tokens_back() {
    let folder = tempdir().unwrap();
    let (newborn, ahead) = (FileLock::sidecar(folder.path().join("newborn")), u64::MAX / 4);
    let shared = newborn.try_lock_shared().unwrap();
    drop(Options::new().token_above(ahead).sidecar(folder.path().join("other")).try_lock().unwrap());
    assert_eq!(clean(folder.path(), false, false).unwrap().removed.len(), 1);
    drop(shared);
    assert!(newborn.try_lock().unwrap().token().unwrap() > ahead);
}
