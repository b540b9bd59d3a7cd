//! Atomic replacement on the real filesystem.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use stead::ErrorKind;
use stead::atomic::{AtomicFile, Durability, Options, Version, replace, sweep};
use tempfile::tempdir;

/// What is in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn it_creates_and_replaces_and_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    for durability in [Durability::None, Durability::Data, Durability::Full] {
        let options = Options::new().durability(durability);
        for content in [&b""[..], b"x", &vec![7; 100_000]] {
            options.replace(&path, content).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }
    assert!(!replace(&path, b"z").unwrap().created);
    fs::remove_file(&path).unwrap();
    assert!(replace(&path, b"z").unwrap().created);
    assert_eq!(names(folder.path()), ["f"]);
}

#[test]
fn a_stream_is_seen_at_its_commit_and_not_at_all_without_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "old").unwrap();
    let mut file = AtomicFile::create(&path).unwrap();
    file.write_all(b"new content").unwrap();
    file.seek(SeekFrom::Start(4)).unwrap();
    file.write_all(b"CON").unwrap();
    assert_eq!(file.seek(SeekFrom::End(0)).unwrap(), 11);
    assert!(file.seek(SeekFrom::Current(-12)).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    file.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new CONtent");
    let mut dropped = AtomicFile::create(&path).unwrap();
    dropped.write_all(b"never").unwrap();
    drop(dropped);
    assert_eq!((fs::read(&path).unwrap().as_slice(), names(folder.path()).len()), (&b"new CONtent"[..], 1));
}

#[test]
fn what_is_there_is_replaced_only_on_the_conditions() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    let one = Version::of(b"one");
    let missing = Options::new().if_match(one).replace(&path, b"two").unwrap_err();
    assert!(missing.is_mismatch(), "{missing:?}");
    assert!(!path.exists());
    Options::new().no_clobber(true).replace(&path, b"one").unwrap();
    assert!(Options::new().no_clobber(true).replace(&path, b"two").unwrap_err().is_exists());
    Options::new().if_match(one).replace(&path, b"two").unwrap();
    let other = Options::new().if_match(one).replace(&path, b"three").unwrap_err();
    assert!(other.is_mismatch() && other.hint().unwrap().contains(&Version::of(b"two").to_string()), "{other:?}");
    assert_eq!(fs::read(&path).unwrap(), b"two");
    let both = Options::new().no_clobber(true).if_match(one).replace(&path, b"");
    assert_eq!(both.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(names(folder.path()), ["f"]);
}

/// Trap 31: somebody who takes no lock replaces the file between our look and our commit.
#[test]
fn trap_31_a_foreign_rename_in_between_is_not_lost() {
    let folder = tempdir().unwrap();
    let (path, other) = (folder.path().join("f"), folder.path().join("other"));
    fs::write(&path, "seen").unwrap();
    let mut file = Options::new().if_match(Version::of(b"seen")).create(&path).unwrap();
    file.write_all(b"ours").unwrap();
    fs::write(&other, "theirs").unwrap();
    fs::rename(&other, &path).unwrap();
    let failed = file.commit().unwrap_err();
    assert!(failed.error.is_mismatch(), "{failed:?}");
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
    // The content is handed back: if theirs goes, ours can still be committed.
    fs::write(&other, "seen").unwrap();
    fs::rename(&other, &path).unwrap();
    failed.file.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"ours");
    assert_eq!(names(folder.path()), ["f"]);
}

#[test]
fn a_backup_is_the_content_before() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    let options = Options::new().backup(".bak");
    for content in ["1", "2", "3"] {
        options.replace(&path, content.as_bytes()).unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), b"3");
    assert_eq!(fs::read(folder.path().join("f.bak")).unwrap(), b"2");
    assert_eq!(names(folder.path()), ["f", "f.bak"]);
    // A backup that is one file with what is there now, as a failed run may leave it.
    fs::remove_file(folder.path().join("f.bak")).unwrap();
    fs::hard_link(&path, folder.path().join("f.bak")).unwrap();
    options.replace(&path, b"4").unwrap();
    assert_eq!(fs::read(folder.path().join("f.bak")).unwrap(), b"3");
    assert_eq!(names(folder.path()), ["f", "f.bak"]);
    for bad in ["", "/x"] {
        assert_eq!(Options::new().backup(bad).replace(&path, b"").unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn what_is_no_file_is_refused_and_stays() {
    let folder = tempdir().unwrap();
    let error = replace(folder.path(), b"x").unwrap_err();
    assert!(error.is_not_regular_file(), "{error:?}");
    let error = replace(folder.path().join("none/f"), b"x").unwrap_err();
    assert!(error.is_not_found() && error.hint().unwrap().contains("create the folder"), "{error:?}");
    assert_eq!(replace("", b"x").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(replace(folder.path().join("f/"), b"x").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(names(folder.path()).is_empty());
}

/// Trap 32: what a dead writer left goes, what a living one writes stays.
#[test]
fn trap_32_a_sweep_takes_orphans_only() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("f");
    let mut living = AtomicFile::create(&path).unwrap();
    living.write_all(b"alive").unwrap();
    let orphan = folder.path().join(".stead-0123456789abcdef.tmp");
    let strangers = ["notes.tmp", ".stead-x.tmp", ".stead-0123456789abcdef.lock"].map(|name| folder.path().join(name));
    for path in strangers.iter().chain([&orphan]) {
        fs::write(path, "half").unwrap();
    }
    let swept = sweep(folder.path()).unwrap();
    assert_eq!((swept.removed, swept.in_use), (vec![orphan], 1));
    assert!(strangers.iter().all(|path| path.exists()));
    living.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"alive");
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use rustix::process::geteuid;
    #[cfg(all(target_os = "linux", not(stead_other_unix)))]
    use testkit::skip;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    /// Trap 30: a linked dotfile stays a link, whole chains and dangling ones too.
    #[test]
    fn trap_30_links_are_followed_and_stay() {
        let folder = tempdir().unwrap();
        let (real, link, chain) =
            (folder.path().join("real/f"), folder.path().join("link"), folder.path().join("chain"));
        fs::create_dir(folder.path().join("real")).unwrap();
        symlink("real/f", &link).unwrap();
        symlink("link", &chain).unwrap();
        replace(&chain, b"through a dangling one").unwrap();
        replace(&chain, b"again").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"again");
        assert!([&link, &chain].iter().all(|path| path.is_symlink()));
        assert_eq!(names(&folder.path().join("real")), ["f"]);
        let looped = folder.path().join("loop");
        symlink("loop", &looped).unwrap();
        assert!(replace(&looped, b"x").is_err() && looped.is_symlink());
    }

    /// Traps 24 and 30: the permission bits of the old file, whatever the umask; those asked for otherwise.
    #[test]
    fn trap_30_the_mode_is_kept() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("f");
        Options::new().mode(0o640).replace(&path, b"1").unwrap();
        assert_eq!(mode(&path), 0o640);
        for bits in [0o600, 0o666, 0o755, 0o4711] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            assert_eq!(replace(&path, b"2").unwrap().not_kept, [""; 0]);
            assert_eq!(mode(&path), bits, "{bits:o}");
        }
        // What is changed while the new content is written counts.
        let secret = AtomicFile::create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        secret.commit().unwrap();
        assert_eq!(mode(&path), 0o600);
        let hidden = AtomicFile::create(&path).unwrap();
        let temporary = names(folder.path()).into_iter().find(|name| name.starts_with(".stead-")).unwrap();
        assert_eq!(mode(&folder.path().join(temporary)), 0o600, "it shows nothing while it is written");
        drop(hidden);
    }

    #[test]
    fn a_file_that_nobody_may_write_is_not_replaced() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "mine").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        let error = replace(&path, b"x").unwrap_err();
        assert!(error.is_permission() && error.hint().unwrap().contains("read-only"), "{error:?}");
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"mine"[..], 0o444));
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_named() {
        if geteuid().is_root() {
            // Root may write everywhere; `.ci/as-nobody` runs this.
            return;
        }
        let folder = tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "mine").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let error = replace(&path, b"x").unwrap_err();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(error.is_permission() && error.hint().unwrap().contains("folder"), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    /// Trap 30: whose it was, and its group.
    #[test]
    fn trap_30_the_owner_is_kept_by_those_who_may() {
        if !geteuid().is_root() {
            // Only root gives files away.
            return;
        }
        let folder = tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "theirs").unwrap();
        std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o6755)).unwrap();
        replace(&path, b"x").unwrap();
        let seen = fs::metadata(&path).unwrap();
        assert_eq!((seen.uid(), seen.gid(), seen.mode() & 0o7777), (1234, 4321, 0o6755));
    }

    #[test]
    fn fifos_and_devices_are_refused_without_being_opened() {
        let folder = tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        if !testkit::tool("mkfifo") {
            return;
        }
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for path in [fifo.as_path(), Path::new("/dev/null")] {
            let error = replace(path, b"x").unwrap_err();
            assert!(error.is_not_regular_file(), "{error:?}");
        }
    }

    /// Trap 30: extended attributes, and lists of who may do what, are those of the old file; what the folder says of
    /// new files is not for one that takes the place of an old one.
    #[test]
    #[cfg(all(target_os = "linux", not(stead_other_unix)))]
    fn trap_30_attributes_and_lists_are_kept() {
        use rustix::fs::{XattrFlags, getxattr, setxattr};
        let folder = tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "x").unwrap();
        let large = vec![9; 2000];
        for (name, value) in [("user.note", &b"keep me"[..]), ("user.large", &large)] {
            if setxattr(&path, name, value, XattrFlags::empty()).is_err() {
                skip("no extended attributes here");
                return;
            }
        }
        // u::rw-, u:1234:rw-, g::r--, m::rw-, o::---
        let entry =
            |tag: u16, bits: u16, id: u32| [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat();
        let none = u32::MAX;
        let list = [
            2_u32.to_le_bytes().to_vec(),
            entry(1, 6, none),
            entry(2, 6, 1234),
            entry(4, 4, none),
            entry(16, 6, none),
            entry(32, 0, none),
        ]
        .concat();
        let has_lists = setxattr(&path, "system.posix_acl_access", &list, XattrFlags::empty()).is_ok();
        let get = |path: &Path, name: &str| {
            let mut buffer = vec![0; 4096];
            getxattr(path, name, &mut buffer[..]).map(|len| buffer[..len].to_vec()).ok()
        };
        let before = (get(&path, "system.posix_acl_access"), mode(&path));
        replace(&path, b"y").unwrap();
        assert_eq!(get(&path, "user.note").as_deref(), Some(&b"keep me"[..]));
        assert_eq!(get(&path, "user.large").as_ref(), Some(&large));
        assert_eq!((get(&path, "system.posix_acl_access"), mode(&path)), before);
        if has_lists {
            let plain = folder.path().join("plain");
            fs::write(&plain, "x").unwrap();
            setxattr(folder.path(), "system.posix_acl_default", &list, XattrFlags::empty()).unwrap();
            replace(&plain, b"y").unwrap();
            assert_eq!((get(&plain, "system.posix_acl_access"), mode(&plain)), (None, 0o644 & !umask()));
        }
    }

    #[cfg(all(target_os = "linux", not(stead_other_unix)))]
    fn umask() -> u32 {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("f"), "").unwrap();
        0o666 & !mode(&folder.path().join("f"))
    }
}

/// A file that belongs to an event log is refused by what changes plain files, and stays as it is.
#[cfg(all(unix, feature = "log"))]
#[test]
fn the_files_of_a_log_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = stead::log::EventWriter::open(folder.path().join("log")).unwrap();
    log.append(&stead::log::Event::new("a", serde_json::json!({}))).unwrap();
    log.rotate_now().unwrap();
    log.append(&stead::log::Event::new("b", serde_json::json!({}))).unwrap();
    let segment = std::fs::read_dir(log.archive_path()).unwrap().next().unwrap().unwrap().path();
    for path in [log.log_path().to_path_buf(), log.dir().join("shared.page"), segment] {
        let before = std::fs::read(&path).unwrap();
        let refused = [
            replace(&path, b"new").map(|_| ()).unwrap_err(),
            stead::atomic::append_lines(&path, ["new"]).map(|_| ()).unwrap_err(),
        ];
        assert!(refused.iter().all(|error| error.hint().is_some_and(|hint| hint.contains("stead log append"))));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    // Elsewhere the name means nothing.
    replace(folder.path().join("app.jsonl"), b"{}\n").unwrap();
}
