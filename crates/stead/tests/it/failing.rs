//! System calls that fail, by strace.

use std::fs;

use tempfile::tempdir;
use testkit::Actor;

use crate::cast::CAST;

fn under_strace(inject: &[&str], args: &[&str]) -> Option<Actor> {
    if !testkit::tool("strace") {
        return None;
    }
    let trace: Vec<String> = inject.iter().map(|inject| format!("inject={inject}")).collect();
    let mut through = vec!["strace", "-f", "-qq", "-o", "/dev/null"];
    for inject in &trace {
        through.extend(["-e", inject]);
    }
    Some(Actor::new(&mut CAST.command(&through, "hold", args)))
}

/// Trap 11: a filesystem that cannot lock is reported, neither retried nor taken for success.
#[test]
fn trap_11_filesystems_without_locks_are_named() {
    let folder = tempdir().unwrap();
    let name = format!("at:{}", folder.path().join("l").display());
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let Some(mut actor) = under_strace(&[&format!("flock:error={error}")], &[&name, "exclusive"]) else { return };
        actor.expect("Unsupported");
    }
    for error in ["EAGAIN", "EACCES"] {
        let Some(mut actor) = under_strace(&[&format!("flock:error={error}")], &[&name, "exclusive"]) else { return };
        actor.expect("Busy");
    }
    let Some(mut actor) = under_strace(&["flock:error=EINTR:when=1..3"], &[&name, "exclusive"]) else { return };
    actor.expect("held");
    let Some(mut actor) = under_strace(&["flock:error=EIO"], &[&name, "exclusive"]) else { return };
    actor.expect("Io");
}

/// Trap 12: a network filesystem on which locking succeeds and excludes nobody.
#[test]
fn trap_12_locks_that_are_not_kept_are_noticed() {
    let folder = tempdir().unwrap();
    let name = format!("at:{}", folder.path().join("l").display());
    // fstatfs(2) says NFS, 0x6969.
    let nfs = "fstatfs:poke_exit=@arg2=6969000000000000";
    let Some(mut actor) = under_strace(&[nfs, "flock:retval=0"], &[&name, "exclusive"]) else { return };
    actor.expect("Unsupported");
    let Some(mut actor) = under_strace(&[nfs], &[&name, "exclusive"]) else { return };
    actor.expect("held");
}

/// A full disk while the lock file is made: an error, and no lock file that is half there.
#[test]
fn a_full_disk_leaves_no_half_made_lock_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let name = format!("at:{}", path.display());
    let Some(mut actor) = under_strace(&["pwrite64:error=ENOSPC"], &[&name, "exclusive"]) else { return };
    actor.expect("Io");
    assert!(!path.exists());
    drop(stead::lock::FileLock::at(&path).try_lock().unwrap());
    let before = fs::read(&path).unwrap();
    let Some(mut actor) = under_strace(&["pwrite64:error=EIO"], &[&name, "exclusive"]) else { return };
    actor.expect("Io");
    assert_eq!(fs::read(&path).unwrap(), before);
    drop(stead::lock::FileLock::at(&path).try_lock().unwrap());
}

/// A filesystem that cannot give an unnamed file a name: the lock file is made in the plain way.
#[test]
fn filesystems_without_links_have_locks_too() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let Some(mut actor) = under_strace(&["linkat:error=EPERM"], &[&format!("at:{}", path.display()), "exclusive"])
    else {
        return;
    };
    actor.expect("held");
    let holder = stead::lock::inspect(&path).unwrap().holders.remove(0);
    assert!(holder.token.is_some(), "{holder:?}");
}

/// A full disk on a filesystem where the name comes first: no empty lock file stays.
#[test]
fn a_full_disk_leaves_no_empty_lock_file_where_there_are_no_links() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let inject = ["linkat:error=EPERM", "pwrite64:error=ENOSPC:when=2+"];
    let Some(mut actor) = under_strace(&inject, &[&format!("at:{}", path.display()), "exclusive"]) else { return };
    actor.expect("Io");
    assert!(!path.exists());
}

/// A lock folder gets its name last: somebody else's is taken as it is, and what was made for naught goes.
#[test]
fn a_lock_folder_that_somebody_else_made_first_is_taken() {
    let folder = tempdir().unwrap();
    let name = format!("sidecar:{}", folder.path().join("d").display());
    let inject = ["/^rename:error=ENOTEMPTY:when=2"];
    let Some(mut actor) = under_strace(&inject, &[&name, "exclusive"]) else { return };
    actor.expect("held");
    let entries = fs::read_dir(folder.path().join(".stead")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".gitignore", "locks"]);
}

/// vfat has neither modes nor owners, a user namespace not all users: what cannot be set is left.
#[test]
fn filesystems_without_modes_and_owners_have_locks_too() {
    for inject in [["fchmod:error=EPERM", "fchown:error=EPERM"], ["fchmod:error=EPERM", "fchown:error=EINVAL"]] {
        let folder = tempdir().unwrap();
        // As root: a folder of somebody else's.
        let _ = rustix::fs::chown(folder.path(), Some(rustix::fs::Uid::from_raw(65534)), None);
        let name = format!("sidecar:{}", folder.path().join("d").display());
        let Some(mut actor) = under_strace(&inject, &[&name, "exclusive"]) else { return };
        actor.expect("held");
    }
}

/// Without openat2(2), or where a sandbox forbids it.
#[test]
fn kernels_without_openat2_have_locks_and_refuse_links_too() {
    for error in ["ENOSYS", "EPERM"] {
        let (folder, victim) = (tempdir().unwrap(), tempdir().unwrap());
        let name = format!("sidecar:{}", folder.path().join("d").display());
        let inject = [&*format!("openat2:error={error}")];
        let Some(mut actor) = under_strace(&inject, &[&name, "exclusive"]) else { return };
        actor.expect("held");
        drop(actor);
        fs::remove_dir_all(folder.path().join(".stead")).unwrap();
        std::os::unix::fs::symlink(victim.path(), folder.path().join(".stead")).unwrap();
        let Some(mut actor) = under_strace(&inject, &[&name, "exclusive"]) else { return };
        actor.expect("NotRegularFile");
        assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 0);
    }
}

/// Killed while it makes a lock folder, a process leaves none that shuts others out.
#[test]
fn a_lock_folder_is_never_seen_half_made() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("d");
    let args = [&*format!("sidecar:{}", data.display()), "exclusive"];
    let Some(actor) = under_strace(&["fchmod:signal=KILL:when=1"], &args) else { return };
    assert!(!actor.dismiss(), "killed");
    assert!(!folder.path().join(".stead").exists());
    drop(stead::lock::FileLock::sidecar(&data).try_lock().unwrap());
}
