//! A shared hold becomes an exclusive one, or stays what it was.

use std::thread;
use std::time::Duration;

use stead::lock::{FileLock, Mode, Options, Request, SendGuard, Wait};
use tempfile::tempdir;
use testkit::Stage;

use crate::cast::{CAST, lock};

pub(crate) mod roles {
    use super::*;

    /// `LOCK MILLIS [ABOVE]`: shares it, and at a cue upgrades, 0 for ever; tokens are larger than `ABOVE`. Says the token, or
    /// why not, and at a cue gives it back.
    pub(crate) fn upgrade(stage: &mut Stage) {
        let millis: u64 = stage.args[1].parse().expect("a number");
        let wait = if millis == 0 { Wait::Forever } else { Wait::For(Duration::from_millis(millis)) };
        let guard = lock(&stage.args[0]).lock_shared(Wait::Forever).expect("granted in the end");
        stage.tell("shared");
        stage.cue();
        match guard.upgrade(wait) {
            Ok(guard) => {
                stage.tell(&guard.token().expect("an exclusive hold has one").to_string());
                stage.cue();
                drop(guard);
            }
            Err(not) => {
                stage.tell(&format!("{:?}", not.error().kind()));
                stage.cue();
                drop(not.into_guard().expect("it is kept"));
            }
        }
        stage.tell("released");
        stage.cue();
    }
}

/// What a process that does not wait is told.
fn a_try(lock: &FileLock, mode: &str) -> String {
    CAST.start("hold", &[&format!("at:{}", lock.path().display()), mode]).word()
}

#[test]
fn alone_it_is_upgraded_at_once_and_an_exclusive_hold_stays_as_it_is() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let last = lock.try_lock().unwrap().token().unwrap();
    let guard = lock.try_lock_shared().unwrap();
    assert_eq!(guard.token(), None);
    let guard = guard.upgrade(Wait::No).unwrap();
    let token = guard.token().unwrap();
    assert!(token > last);
    assert_eq!(guard.mode(), Mode::Exclusive);
    assert_eq!(a_try(&lock, "shared"), "Busy");
    let guard = guard.upgrade(Wait::No).unwrap();
    assert_eq!(guard.token(), Some(token));
    let guard = guard.downgrade().unwrap();
    assert_eq!(a_try(&lock, "shared"), "held");
    // The other may be looked at by a third, which keeps its descriptors for an instant.
    let guard = guard.upgrade(Duration::from_secs(30)).unwrap();
    assert!(guard.token().unwrap() > token);
}

#[test]
fn a_thread_that_shares_twice_is_told_so() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let (one, two) = (lock.try_lock_shared().unwrap(), lock.try_lock_shared().unwrap());
    let not = one.upgrade(Wait::Forever).unwrap_err();
    assert!(not.error().is_already_held());
    assert_eq!(a_try(&lock, "exclusive"), "Busy");
    drop(two);
    assert_eq!(not.into_guard().unwrap().upgrade(Wait::Forever).unwrap().mode(), Mode::Exclusive);
}

#[test]
fn threads_wait_for_each_other_and_the_second_is_told() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let mine = lock.try_lock_shared().unwrap();
    let guard = lock.acquire_send(&Request::shared().wait(Wait::No)).unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(move || upgraded_in_the_end(guard));
        let mut mine = Some(mine);
        testkit::wait_until("the other waits", || {
            // Until then it is in vain, since the other shares it.
            let not = mine.take()?.upgrade(Wait::No).unwrap_err();
            let is_told = would_deadlock(not.error());
            mine = not.into_guard();
            assert_eq!(mine.as_ref().map(|guard| guard.mode()), Some(Mode::Shared));
            is_told.then_some(())
        });
        drop(mine);
        assert!(other.join().unwrap().token().is_some());
    });
}

fn upgraded_in_the_end(mut guard: SendGuard) -> SendGuard {
    loop {
        match guard.upgrade(Wait::Forever) {
            Ok(guard) => return guard,
            Err(not) => {
                assert!(would_deadlock(not.error()));
                guard = not.into_guard().expect("it is kept");
            }
        }
    }
}

fn would_deadlock(error: &stead::Error) -> bool {
    error.kind() == stead::ErrorKind::WouldDeadlock
}

#[test]
fn a_guard_that_travels_is_upgraded_elsewhere() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let guard = lock.try_lock_shared().unwrap().into_send();
    let guard = thread::spawn(|| guard.upgrade(Duration::from_secs(30)).unwrap()).join().unwrap();
    assert_eq!(a_try(&lock, "shared"), "Busy");
    drop(guard);
}

/// Trap 5: a try in vain has not dropped the shared lock.
#[test]
fn trap_05_an_upgrade_in_vain_keeps_the_shared_lock() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let mut other = CAST.start("hold", &[&format!("at:{}", lock.path().display()), "shared"]);
    other.expect("held");
    let mut guard = lock.try_lock_shared().unwrap();
    for (wait, kind) in [(Wait::No, "Busy"), (Wait::For(Duration::from_millis(30)), "TimedOut")] {
        let not = guard.upgrade(wait).unwrap_err();
        assert_eq!(format!("{:?}", not.error().kind()), kind);
        guard = not.into_guard().unwrap();
        assert_eq!((guard.mode(), guard.token()), (Mode::Shared, None));
        guard.check().unwrap();
    }
    other.cue("release");
    other.expect("released");
    assert_eq!(a_try(&lock, "exclusive"), "Busy");
    drop(guard);
    CAST.start("take", &[&format!("at:{}", lock.path().display()), "exclusive"]).expect("held");
}

/// A token that cannot grow: the guard is shared as before, for others, too.
#[test]
fn an_upgrade_that_cannot_be_signed_leaves_the_lock_shared() {
    let folder = tempdir().unwrap();
    let lock = Options::new().token_above(u64::MAX).at(folder.path().join("l"));
    let not = lock.try_lock_shared().unwrap().upgrade(Wait::No).unwrap_err();
    assert_eq!(not.error().kind(), stead::ErrorKind::InvalidInput);
    let guard = not.into_guard().unwrap();
    assert_eq!(guard.mode(), Mode::Shared);
    assert_eq!(a_try(&lock, "shared"), "held");
    assert_eq!(a_try(&lock, "exclusive"), "Busy");
    drop(guard);
}

#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod in_line {
    use super::*;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use stead::lock::inspect;
    use tempfile::TempDir;
    use testkit::{Actor, PATIENCE, in_fork, wait_until};

    /// Far above the clock, so that tokens grow by one.
    const ABOVE: u64 = 1 << 60;

    struct Scene {
        folder: TempDir,
        path: PathBuf,
    }

    impl Scene {
        fn new() -> Scene {
            let folder = tempdir().unwrap();
            let path = folder.path().join("l");
            drop(Options::new().token_above(ABOVE).at(&path).try_lock().unwrap());
            Scene { folder, path }
        }

        fn name(&self) -> String {
            format!("at:{}", self.path.display())
        }

        fn upgrader(&self, millis: &str) -> Actor {
            let mut actor = CAST.start("upgrade", &[&self.name(), millis]);
            actor.expect("shared");
            actor
        }

        fn reader(&self) -> Actor {
            let mut actor = CAST.start("hold", &[&self.name(), "shared"]);
            actor.expect("held");
            actor
        }

        fn stand(&self, mode: &str, name: &str, how: &[&str]) -> Actor {
            let (lock, order) = (self.name(), self.folder.path().join("order").display().to_string());
            let args: Vec<&str> = [lock.as_str(), mode, &order, name].into_iter().chain(how.iter().copied()).collect();
            let actor = CAST.start("stand", &args);
            wait_until("it waits", || {
                inspect(&self.path).ok()?.waiters.iter().any(|waiter| waiter.pid == Some(actor.pid())).then_some(())
            });
            actor
        }

        fn order(&self) -> String {
            fs::read_to_string(self.folder.path().join("order")).unwrap_or_default()
        }

        /// Lets an actor upgrade, and waits until it is the first in line.
        fn upgrade(&self, actor: &mut Actor) {
            actor.cue("upgrade");
            wait_until("it upgrades", || {
                let line = inspect(&self.path).ok()?.waiters;
                line.first().filter(|first| first.pid == Some(actor.pid()) && first.place == Some(1)).map(|_| ())
            });
        }
    }

    fn leave(actor: &mut Actor) {
        actor.cue("leave");
        actor.expect("released");
    }

    /// Trap 54: neither who waited before, nor who does not care for the line, gets in before the upgrade.
    #[test]
    fn trap_54_no_waiting_writer_gets_in_between() {
        for how in [&[][..], &["barge"]] {
            let scene = Scene::new();
            let (mut upgrader, mut reader) = (scene.upgrader("0"), scene.reader());
            let mut writer = scene.stand("exclusive", "w", how);
            scene.upgrade(&mut upgrader);
            leave(&mut reader);
            upgrader.expect(&(ABOVE + 2).to_string());
            assert_eq!(scene.order(), "", "the writer was there before");
            leave(&mut upgrader);
            writer.expect("held");
            assert_eq!(inspect(&scene.path).unwrap().holders[0].token, Some(ABOVE + 3));
        }
    }

    /// Trap 54: nor does who comes later, whether it waits or not.
    #[test]
    fn trap_54_nobody_who_comes_later_gets_in_between() {
        let scene = Scene::new();
        let (mut upgrader, mut reader) = (scene.upgrader("0"), scene.reader());
        scene.upgrade(&mut upgrader);
        for mode in ["shared", "exclusive"] {
            CAST.start("hold", &[&scene.name(), mode]).expect("Busy");
        }
        let mut late = [scene.stand("shared", "r", &[]), scene.stand("exclusive", "w", &[])];
        leave(&mut reader);
        upgrader.expect(&(ABOVE + 2).to_string());
        assert_eq!(scene.order(), "");
        leave(&mut upgrader);
        for late in &mut late {
            late.cue("leave");
        }
        for late in &mut late {
            late.expect("held");
        }
    }

    #[test]
    fn of_two_processes_that_upgrade_one_is_told_and_still_shares() {
        let scene = Scene::new();
        let (mut first, mut second) = (scene.upgrader("0"), scene.upgrader("0"));
        scene.upgrade(&mut first);
        second.cue("upgrade");
        second.expect("WouldDeadlock");
        assert!(inspect(&scene.path).unwrap().holders.iter().any(|holder| holder.pid == Some(second.pid())));
        leave(&mut second);
        first.expect(&(ABOVE + 2).to_string());
    }

    /// Those who were let go by an upgrade in vain do not look like another one.
    #[test]
    fn an_upgrade_again_and_again_is_never_told_of_another() {
        let scene = Scene::new();
        let mut reader = scene.reader();
        let readers: Vec<_> = (0..3)
            .map(|_| CAST.start("read", &[&scene.name(), &scene.folder.path().join("until").display().to_string()]))
            .collect();
        let mut guard = FileLock::at(&scene.path).lock_shared(PATIENCE).unwrap();
        for _ in 0..150 {
            let not = guard.upgrade(Duration::from_millis(2)).unwrap_err();
            assert!(not.error().is_timed_out(), "{:?}", not.error());
            guard = not.into_guard().unwrap();
        }
        leave(&mut reader);
        fs::write(scene.folder.path().join("until"), "").unwrap();
        let guard = guard.upgrade(PATIENCE).unwrap();
        drop(guard);
        for reader in readers {
            assert!(reader.dismiss());
        }
    }

    /// The one above waits for us.
    #[test]
    fn under_a_shared_hold_from_above_it_is_refused() {
        let scene = Scene::new();
        let guard = FileLock::at(&scene.path).try_lock_shared().unwrap();
        let mut command = CAST.command(&[], "upgrade", &[&scene.name(), "20000"]);
        command.env(stead::lock::HELD_VARIABLE, stead::lock::held_variable([&*guard]));
        let mut below = Actor::new(&mut command);
        below.expect("shared");
        below.cue("upgrade");
        below.expect("AlreadyHeld");
        leave(&mut below);
        drop(guard);
    }

    #[test]
    fn after_the_lock_file_was_replaced_it_is_lost() {
        let scene = Scene::new();
        let guard = FileLock::at(&scene.path).try_lock_shared().unwrap();
        fs::remove_file(&scene.path).unwrap();
        let other = FileLock::at(&scene.path).lock(PATIENCE).unwrap();
        let not = guard.upgrade(Wait::Forever).unwrap_err();
        assert!(not.error().is_lost());
        assert!(not.into_guard().is_none());
        other.check().unwrap();
    }

    /// Trap 3: the lock is the parent's.
    #[test]
    fn trap_03_a_forks_child_does_not_upgrade_its_parents_lock() {
        let scene = Scene::new();
        let mut guard = Some(FileLock::at(&scene.path).try_lock_shared().unwrap());
        assert!(in_fork(|| guard.take().unwrap().upgrade(Wait::No).unwrap_err().error().is_lost()));
        CAST.start("hold", &[&scene.name(), "shared"]).expect("held");
        CAST.start("hold", &[&scene.name(), "exclusive"]).expect("Busy");
        assert_eq!(guard.take().unwrap().upgrade(PATIENCE).unwrap().token(), Some(ABOVE + 2));
    }

    /// Without a record nobody could say who was there in between.
    #[test]
    fn a_file_of_the_users_is_upgraded_at_once_or_lost() {
        let folder = tempdir().unwrap();
        let file = folder.path().join("theirs");
        fs::write(&file, "their text").unwrap();
        let lock = FileLock::in_place(&file);
        let guard = lock.try_lock_shared().unwrap().upgrade(Wait::No).unwrap();
        assert_eq!((guard.mode(), guard.token()), (Mode::Exclusive, None));
        let guard = guard.downgrade().unwrap();
        let name = format!("in_place:{}", file.display());
        let mut other = CAST.start("hold", &[&name, "shared"]);
        other.expect("held");
        let not = guard.upgrade(PATIENCE).unwrap_err();
        assert!(not.error().is_lost());
        assert!(not.into_guard().is_none());
        leave(&mut other);
        // Nothing is held by us.
        CAST.start("hold", &[&name, "exclusive"]).expect("held");
        assert_eq!(fs::read(&file).unwrap(), b"their text");
    }

    #[test]
    fn the_death_of_one_that_upgrades_lets_all_others_in() {
        let scene = Scene::new();
        let (mut upgrader, mut reader) = (scene.upgrader("0"), scene.reader());
        scene.upgrade(&mut upgrader);
        let mut late = scene.stand("shared", "r", &[]);
        upgrader.kill();
        late.expect("held");
        late.cue("leave");
        leave(&mut reader);
        CAST.start("take", &[&scene.name(), "exclusive"]).expect("held");
    }

    /// flock(1) does not know of upgrades: it may come in between, but never beside.
    #[test]
    fn flock_1_is_excluded_by_an_upgraded_hold() {
        if !testkit::tool("flock") {
            return;
        }
        let scene = Scene::new();
        let (mut upgrader, mut reader) = (scene.upgrader("0"), scene.reader());
        let mut foreign = flock(&scene.path, "true");
        wait_until("it sleeps", || (!inspect(&scene.path).ok()?.waiters.is_empty()).then_some(()));
        upgrader.cue("upgrade");
        wait_until("both wait", || (inspect(&scene.path).ok()?.waiters.len() == 2).then_some(()));
        leave(&mut reader);
        // A writer who signs nothing leaves no trace.
        upgrader.expect(&(ABOVE + 2).to_string());
        let try_it = || Command::new("flock").arg("-n").arg(&scene.path).arg("true").status().unwrap().success();
        assert!(!try_it());
        leave(&mut upgrader);
        assert!(foreign.wait().unwrap().success());
    }

    fn flock(path: &Path, command: &str) -> std::process::Child {
        Command::new("flock").arg(path).arg(command).stdin(Stdio::null()).spawn().unwrap()
    }

    /// Trap 54: whoever is granted the lock while another upgrades gives it back, also who slept for it before that began.
    #[test]
    fn trap_54_who_is_granted_the_lock_during_an_upgrade_gives_it_back() {
        use stead::lock::bare::{Bare, Kind};

        let scene = Scene::new();
        let guard = FileLock::at(&scene.path).try_lock_shared().unwrap();
        let mut writer = CAST.start("wait", &[&format!("at:{}", scene.path.display()), "exclusive", "0"]);
        writer.expect("waiting");
        let asleep = |kind: &str| {
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            let inode = format!(":{} ", std::os::unix::fs::MetadataExt::ino(&scene.path.metadata().unwrap()));
            locks.lines().any(|line| line.contains(&format!("-> {kind}")) && line.contains(&inode)).then_some(())
        };
        wait_until("it sleeps in the lock", || asleep("FLOCK"));
        // The ticket of an upgrade, held as by another process.
        let mut ticket = Bare::open(&scene.path, Kind::Range { start: 1 << 62, len: 1 }, Mode::Exclusive).unwrap();
        assert!(ticket.take(Mode::Exclusive, Wait::No, None).unwrap());
        drop(guard);
        wait_until("it sleeps until the upgrade is over", || asleep("OFDLCK"));
        assert!(!inspect(&scene.path).unwrap().held);
        ticket.unlock().unwrap();
        writer.expect("held");
        writer.cue("release");
        writer.expect("released");
    }
}
