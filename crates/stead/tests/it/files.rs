//! What may stand at a lock path: clear errors, nothing created or changed on the way.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use stead::ErrorKind;
use stead::lock::{FileLock, Mode, Options};
use tempfile::tempdir;

use crate::cast::CAST;

fn kind_of(lock: &FileLock) -> ErrorKind {
    lock.try_lock().unwrap_err().kind()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Trap 13: what is planted at a lock path is not opened through, not created through, and does not hang us.
#[test]
fn trap_13_links_fifos_and_devices() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("victim"), "precious").unwrap();
    symlink(path("victim"), path("link")).unwrap();
    symlink(path("nowhere"), path("dangling")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    fs::create_dir(path("folder")).unwrap();
    let before = names(folder.path());
    for name in ["link", "dangling", "fifo", "folder"] {
        assert_eq!(kind_of(&FileLock::at(path(name))), ErrorKind::NotRegularFile, "{name}");
    }
    assert_eq!(kind_of(&FileLock::in_place(path("fifo"))), ErrorKind::NotRegularFile);
    assert_eq!(kind_of(&FileLock::in_place("/dev/null")), ErrorKind::NotRegularFile);
    assert_eq!(kind_of(&FileLock::open("/dev/null")), ErrorKind::NotRegularFile);
    assert_eq!(kind_of(&FileLock::in_place(path("dangling"))), ErrorKind::NotFound);
    assert_eq!(names(folder.path()), before);
    assert_eq!(fs::read_to_string(path("victim")).unwrap(), "precious");
}

/// Trap 13: also in the folder of sidecar locks.
#[test]
fn trap_13_a_link_planted_as_a_sidecar_is_refused() {
    let folder = tempdir().unwrap();
    let lock = FileLock::sidecar(folder.path().join("d"));
    drop(lock.try_lock().unwrap());
    let (sidecar, victim) = (lock.lock_path().unwrap(), folder.path().join("victim"));
    fs::remove_file(&sidecar).unwrap();
    fs::write(&victim, "").unwrap();
    symlink(&victim, &sidecar).unwrap();
    assert_eq!(kind_of(&lock), ErrorKind::NotRegularFile);
    assert_eq!(fs::read(&victim).unwrap(), b"");
}

#[test]
fn in_place_goes_through_links_and_takes_folders() {
    let folder = tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "mine").unwrap();
    symlink(&file, &link).unwrap();
    let guard = FileLock::in_place(&link).try_lock().unwrap();
    CAST.start("hold", &[&format!("open:{}", file.display()), "exclusive"]).expect("Busy");
    drop(guard);
    let guard = FileLock::in_place(folder.path()).try_lock().unwrap();
    CAST.start("hold", &[&format!("open:{}", folder.path().display()), "shared"]).expect("Busy");
    drop(guard);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn all_spellings_of_a_data_file_are_one_lock() {
    let folder = tempdir().unwrap();
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, folder.path().join("alias")).unwrap();
    symlink("real/d", folder.path().join("link")).unwrap();
    let expected = FileLock::sidecar(real.join("d")).lock_path().unwrap();
    // The data file does not exist: the last link dangles.
    for spelling in ["alias/d", "real/../alias/./d", "link"] {
        assert_eq!(FileLock::sidecar(folder.path().join(spelling)).lock_path().unwrap(), expected, "{spelling}");
    }
    fs::write(real.join("d"), "").unwrap();
    assert_eq!(FileLock::sidecar(folder.path().join("link")).lock_path().unwrap(), expected);
    assert_eq!(
        FileLock::sidecar(real.join("..").join("real")).lock_path().unwrap(),
        folder.path().canonicalize().unwrap().join(".stead/locks/real.lock")
    );
}

/// While we wait, the link to the data is turned to another file: what counts is the file it leads to in the end.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn a_link_that_is_turned_while_we_wait_is_followed() {
    let folder = tempdir().unwrap();
    let (one, two, link) = (folder.path().join("one"), folder.path().join("two"), folder.path().join("link"));
    symlink(&one, &link).unwrap();
    let guard = FileLock::sidecar(&one).try_lock().unwrap();
    let mut waiter = CAST.start("wait", &[&format!("sidecar:{}", link.display()), "exclusive", "0"]);
    waiter.expect("waiting");
    let lock = FileLock::sidecar(&one);
    testkit::wait_until("it sleeps", || (!lock.inspect().ok()?.waiters.is_empty()).then_some(()));
    fs::remove_file(&link).unwrap();
    symlink(&two, &link).unwrap();
    drop(guard);
    waiter.expect("held");
    assert!(FileLock::sidecar(&two).try_lock().unwrap_err().is_busy());
    drop(FileLock::sidecar(&one).try_lock().unwrap());
}

#[test]
fn impossible_paths_are_told_apart() {
    let folder = tempdir().unwrap();
    let missing = folder.path().join("missing/l");
    assert_eq!(kind_of(&FileLock::at(&missing)), ErrorKind::NotFound);
    assert_eq!(kind_of(&FileLock::sidecar(&missing)), ErrorKind::NotFound);
    assert_eq!(kind_of(&FileLock::in_place(&missing)), ErrorKind::NotFound);
    let long = folder.path().join("x".repeat(300));
    assert_eq!(kind_of(&FileLock::at(&long)), ErrorKind::InvalidInput);
    assert_eq!(kind_of(&FileLock::at(folder.path().join("nul\0"))), ErrorKind::InvalidInput);
    assert_eq!(kind_of(&FileLock::sidecar("/")), ErrorKind::InvalidInput);
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(kind_of(&FileLock::at(folder.path().join("file/l"))), ErrorKind::NotFound);
    symlink("loop", folder.path().join("loop")).unwrap();
    assert_eq!(kind_of(&FileLock::sidecar(folder.path().join("loop"))), ErrorKind::InvalidInput);
    assert_eq!(names(folder.path()), ["file", "loop"]);
}

#[test]
fn a_name_that_is_not_utf_8_is_as_good_as_any() {
    let folder = tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    drop(FileLock::at(folder.path().join(name)).try_lock().unwrap());
    let lock = FileLock::sidecar(folder.path().join(name));
    drop(lock.try_lock().unwrap());
    assert_eq!(lock.lock_path().unwrap().file_name().unwrap().as_bytes(), b"caf\xe9.lock");
}

#[test]
fn data_with_the_longest_name_has_a_lock() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("x".repeat(255));
    drop(FileLock::sidecar(&data).try_lock().unwrap());
    drop(Options::new().lock_dir(folder.path().join("locks")).sidecar(&data).try_lock().unwrap());
}

#[test]
fn the_lock_folder_is_like_the_folder_it_lies_in() {
    // Sticky: not everybody may remove a lock file that is held. Setgid: the group stays that of the folder.
    for bits in [0o770, 0o1777, 0o2775] {
        let folder = tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(bits)).unwrap();
        drop(FileLock::sidecar(folder.path().join("d")).try_lock().unwrap());
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().mode() & 0o7777;
        assert_eq!(fs::read_to_string(folder.path().join(".stead/.gitignore")).unwrap(), "*\n");
        assert_eq!((mode(".stead"), mode(".stead/locks"), mode(".stead/locks/d.lock")), (bits, bits, bits & 0o666));
        assert_eq!(names(folder.path()), [".stead"]);
        assert_eq!(names(&folder.path().join(".stead")), [".gitignore", "locks"]);
    }
}

/// Trap 13: a link planted where our folders belong is not followed, and nothing is made on its other side.
#[test]
fn trap_13_a_link_planted_as_a_lock_folder_is_refused() {
    let victim = tempdir().unwrap();
    for planted in [".stead", ".stead/locks"] {
        for inside in [None, Some("locks"), Some("d.lock")] {
            let folder = tempdir().unwrap();
            let target = victim.path().join(planted.replace('/', "-")).join(inside.unwrap_or("none"));
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            match inside {
                Some("locks") => fs::create_dir(&target).unwrap(),
                Some(_) => drop(FileLock::at(&target).try_lock().unwrap()),
                None => {}
            }
            let (target, before) = (target.parent().unwrap(), names(target.parent().unwrap()));
            if planted.contains('/') {
                fs::create_dir(folder.path().join(".stead")).unwrap();
            }
            symlink(target, folder.path().join(planted)).unwrap();
            let lock = FileLock::sidecar(folder.path().join("d"));
            assert_eq!(kind_of(&lock), ErrorKind::NotRegularFile, "{planted}");
            assert_eq!(names(target), before, "{planted}");
        }
    }
    let folder = tempdir().unwrap();
    symlink(victim.path().join("nowhere"), folder.path().join(".stead")).unwrap();
    assert_eq!(kind_of(&FileLock::sidecar(folder.path().join("d"))), ErrorKind::NotRegularFile);
    assert!(!victim.path().join("nowhere").exists());
    fs::remove_file(folder.path().join(".stead")).unwrap();
    fs::write(folder.path().join(".stead"), "mine").unwrap();
    assert_eq!(kind_of(&FileLock::sidecar(folder.path().join("d"))), ErrorKind::NotRegularFile);
    assert_eq!(names(folder.path()), [".stead"]);
}

/// Links on the way to a lock folder that the user chose are the user's.
#[test]
fn a_lock_folder_may_be_reached_through_a_link() {
    let (folder, real) = (tempdir().unwrap(), tempdir().unwrap());
    let link = folder.path().join("link");
    symlink(real.path(), &link).unwrap();
    for lock_dir in [link.clone(), link.join("deeper")] {
        drop(Options::new().lock_dir(&lock_dir).sidecar(folder.path().join("d")).try_lock().unwrap());
        assert!(names(&lock_dir).iter().any(|name| name.starts_with("d-")), "{}", lock_dir.display());
    }
}

#[test]
fn an_empty_path_and_a_missing_folder_are_told() {
    for lock in [FileLock::at(""), FileLock::sidecar(""), FileLock::in_place(""), FileLock::open("")] {
        let error = lock.try_lock().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.hint().unwrap().contains("empty"), "{error:?}");
    }
    let folder = tempdir().unwrap();
    let missing = folder.path().join("nosuch/");
    for lock in [FileLock::at(&missing), FileLock::in_place(&missing), FileLock::open(&missing)] {
        let error = lock.try_lock().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.hint().unwrap().contains("that folder does not exist"), "{error:?}");
    }
    assert!(names(folder.path()).is_empty());
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command of another user's, for tests that root runs.
fn as_nobody(role: &str, args: &[&str]) -> testkit::Actor {
    use std::os::unix::process::CommandExt;
    let mut command = CAST.command(&[], role, args);
    command.uid(65534).gid(65534);
    testkit::Actor::new(&mut command)
}

#[test]
fn a_folder_that_cannot_be_written_names_the_way_out() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let args = [&format!("sidecar:{}", data.display()), "exclusive"];
    if is_root() {
        fs::set_permissions(std::env::current_exe().unwrap().parent().unwrap(), fs::Permissions::from_mode(0o755))
            .unwrap();
        if !nobody_can_run() {
            return;
        }
        as_nobody("hold", &args).expect("Permission");
    } else {
        let error = FileLock::sidecar(&data).try_lock().unwrap_err();
        assert!(error.is_permission());
        assert!(error.hint().unwrap().contains("--lock-dir"), "{error:?}");
    }
    assert!(names(folder.path()).is_empty());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Trap 13, `fs.protected_regular`: another user's lock file in a sticky folder.
#[test]
fn trap_13_another_users_lock_file_in_a_sticky_folder() {
    if !is_root() {
        testkit_skip_unless_root();
        return;
    }
    if !nobody_can_run() {
        return;
    }
    let folder = tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let path = folder.path().join("l");
    drop(FileLock::at(&path).try_lock().unwrap());
    as_nobody("hold", &[&format!("at:{}", path.display()), "exclusive"]).expect("Permission");
    // Opened up by its owner it can be shared, although O_CREAT on it is refused.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    as_nobody("take", &[&format!("at:{}", path.display()), "exclusive"]).expect("held");
    // A sidecar made by root in somebody's folder is theirs.
    rustix::fs::chown(folder.path(), Some(rustix::fs::Uid::from_raw(65534)), None).unwrap();
    let data = folder.path().join("d");
    drop(FileLock::sidecar(&data).try_lock().unwrap());
    as_nobody("take", &[&format!("sidecar:{}", data.display()), "exclusive"]).expect("held");
}

/// A user's file that cannot be written is locked all the same, in place, and exclusively.
#[test]
fn a_file_that_cannot_be_written_is_locked_in_place() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("theirs");
    fs::write(&path, "theirs").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let name = format!("in_place:{}", path.display());
    if is_root() {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if !nobody_can_run() {
            return;
        }
        let mut holder = as_nobody("hold", &[&name, "exclusive"]);
        holder.expect("held");
        assert!(FileLock::in_place(&path).try_lock().unwrap_err().is_busy());
    } else {
        let guard = FileLock::in_place(&path).try_lock().unwrap();
        assert_eq!((guard.token(), guard.mode()), (None, Mode::Exclusive));
    }
}

fn testkit_skip_unless_root() {
    // Not a skip that STEAD_TEST_ALL forbids: the same tests run once as root and once not.
    assert!(!is_root());
}

/// Whether this test binary can be run by another user: not from a private folder such as /root.
fn nobody_can_run() -> bool {
    use std::os::unix::process::CommandExt;
    let me = std::env::current_exe().unwrap();
    let can = std::process::Command::new(me)
        .arg("--list")
        .uid(65534)
        .gid(65534)
        .output()
        .is_ok_and(|out| out.status.success());
    if !can {
        testkit::skip("this test binary lies in a folder that other users cannot enter");
    }
    can
}
