//! Locks that are awaited: as exclusive, as fair and as punctual as those that block, and given up by being dropped.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use stead::ErrorKind;
use stead::lock::{Acquiring, Cancel, FileLock, LockSet, Request, SendGuard, SendSetGuard, Wait};
use tempfile::tempdir;
use testkit::{Actor, PATIENCE, Stage, wait_until};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::cast::{CAST, add_one, lock};

/// Far longer than it takes.
const LONG: Duration = Duration::from_secs(120);

fn name(path: &Path) -> String {
    format!("at:{}", path.display())
}

fn one_worker() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn workers() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

fn holder_of(path: &Path) -> Actor {
    let mut holder = CAST.start("hold", &[&name(path), "exclusive"]);
    holder.expect("held");
    holder
}

fn release(mut holder: Actor) {
    holder.cue("release");
    holder.expect("released");
}

/// Polls a future once: it does all it can without waiting.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// How many stand in the line of a lock file, as the kernel tells it.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
fn in_line(path: &Path) -> usize {
    stead::lock::inspect(path).unwrap().waiters.len()
}

/// Waits until so many stand in the kernel's line of a lock file, where one can see that.
fn wait_for_line(path: &Path, length: usize) {
    #[cfg(all(target_os = "linux", not(stead_other_unix)))]
    wait_until("the line is as long", || (in_line(path) == length).then_some(()));
    #[cfg(not(all(target_os = "linux", not(stead_other_unix))))]
    let _ = (path, length);
}

fn finish<T>(runtime: &Runtime, task: JoinHandle<T>) -> T {
    runtime.block_on(async { tokio::time::timeout(LONG, task).await.expect("it comes to an end").unwrap() })
}

#[test]
fn what_is_awaited_travels() {
    fn travels<T: Send + 'static>() {}
    fn is_shared<T: Send + Sync + 'static>() {}
    travels::<Acquiring>();
    travels::<Acquiring<SendSetGuard>>();
    is_shared::<SendGuard>();
    is_shared::<SendSetGuard>();
}

#[test]
fn tasks_and_processes_exclude_each_other() {
    let folder = tempdir().unwrap();
    let (path, counter) = (folder.path().join("l"), folder.path().join("n"));
    fs::write(&counter, "0").unwrap();
    let count = counter.to_str().unwrap().to_owned();
    let mut other = CAST.start("increment", &[&name(&path), &count, "100"]);
    let runtime = workers();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (lock, count) = (FileLock::at(&path), count.clone());
            runtime.spawn(async move {
                for _ in 0..25 {
                    let guard = lock.lock_async(LONG).await.unwrap();
                    add_one(&count);
                    guard.release().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        finish(&runtime, task);
    }
    other.expect("done");
    assert_eq!(fs::read_to_string(&counter).unwrap(), "300");
}

/// Tasks share what is shared, and a thread of the process stands in the same line.
#[test]
fn readers_go_together_and_threads_stand_in_the_same_line() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let runtime = workers();
    runtime.block_on(async {
        let one = lock.lock_shared_async(LONG).await.unwrap();
        let two = lock.lock_shared_async(LONG).await.unwrap();
        assert!(lock.lock_async(Wait::No).await.unwrap_err().is_busy());
        let writer = lock.clone();
        let thread = thread::spawn(move || writer.lock(LONG).unwrap().into_send());
        drop((one, two));
        let guard = tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        assert!(lock.lock_shared_async(Duration::from_millis(5)).await.unwrap_err().is_timed_out());
        drop(guard);
        lock.lock_shared_async(LONG).await.unwrap().release().unwrap();
    });
}

/// Trap 15, awaited: in memory behind another task, and in the kernel behind another process.
#[test]
fn trap_15_an_awaited_wait_ends_at_its_deadline() {
    let folder = tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let holder = holder_of(&theirs);
    one_worker().block_on(async {
        let _guard = FileLock::at(&ours).lock_async(Wait::No).await.unwrap();
        for (path, pid) in [(&ours, std::process::id()), (&theirs, holder.pid())] {
            for millis in [1, 20, 60] {
                let wait = Duration::from_millis(millis);
                let start = Instant::now();
                let error = FileLock::at(path).lock_async(wait).await.unwrap_err();
                assert!(error.is_timed_out(), "{error:?}");
                assert!(start.elapsed() >= wait, "gave up early");
                assert!(start.elapsed() < PATIENCE, "gave up late");
                assert!(error.waited().unwrap() >= wait);
                assert_eq!(error.holder().and_then(|holder| holder.pid), Some(pid), "the holder is named");
            }
            let start = Instant::now();
            let error = FileLock::at(path).lock_async(Wait::Until(start)).await.unwrap_err();
            assert!(error.is_timed_out(), "{error:?}");
            let error = FileLock::at(path).lock_async(Wait::No).await.unwrap_err();
            assert!(error.is_busy(), "{error:?}");
            assert_eq!(error.holder().and_then(|holder| holder.pid), Some(pid), "the holder is named");
        }
    });
}

/// Trap 16, awaited: the place in memory goes back as soon as the future is dropped.
#[test]
fn trap_16_a_dropped_future_leaves_the_line_in_memory() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let runtime = workers();
    let guard = runtime.block_on(lock.lock_async(Wait::No)).unwrap();
    let _context = runtime.enter();
    let mut dropped: Vec<_> = (0..10).map(|_| lock.lock_async(Wait::Forever)).collect();
    assert!(dropped.iter_mut().all(|future| poll(future).is_pending()));
    // All stand in line by now: this one came later, and was told to wait.
    assert!(runtime.block_on(lock.lock_async(Duration::from_millis(1))).unwrap_err().is_timed_out());
    let behind = runtime.spawn(lock.lock_async(LONG));
    drop(dropped);
    drop(guard);
    finish(&runtime, behind).unwrap().release().unwrap();
    lock.try_lock().unwrap().release().unwrap();
}

/// Trap 16, awaited: so does the place in the line of the processes, and whoever stands behind it gets in.
#[test]
fn trap_16_a_dropped_future_leaves_the_line_of_the_processes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let holder = holder_of(&path);
    let runtime = workers();
    let task = runtime.spawn(FileLock::at(&path).lock_async(Wait::Forever));
    wait_for_line(&path, 1);
    let mut behind = CAST.start("wait", &[&name(&path), "exclusive", "0"]);
    behind.expect("waiting");
    wait_for_line(&path, 2);
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    wait_for_line(&path, 1);
    release(holder);
    behind.expect("held");
    behind.cue("release");
    behind.expect("released");
    FileLock::at(&path).lock(LONG).unwrap().release().unwrap();
    #[cfg(all(target_os = "linux", not(stead_other_unix)))]
    {
        use std::os::unix::fs::MetadataExt as _;
        let inode = format!(":{} ", fs::metadata(&path).unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        assert!(
            !locks.lines().any(|line| line.contains("OFDLCK") && line.contains(&inode)),
            "a ticket is left: {locks}"
        );
    }
}

/// Trap 17, awaited: in memory, in the kernel, and before it begins.
#[test]
fn trap_17_an_awaited_wait_is_cancelled() {
    let folder = tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let holder = holder_of(&theirs);
    let runtime = workers();
    let guard = runtime.block_on(FileLock::at(&ours).lock_async(Wait::No)).unwrap();
    for path in [&ours, &theirs] {
        for wait in [Wait::Forever, Wait::For(LONG)] {
            let cancel = Cancel::new();
            let request = Request::exclusive().wait(wait).cancel(&cancel);
            let task = runtime.spawn(FileLock::at(path).acquire_async(&request));
            if path == &theirs {
                wait_for_line(path, 1);
            }
            cancel.cancel();
            assert!(finish(&runtime, task).unwrap_err().is_cancelled());
            // The lock is not on its way to the one that was cancelled.
            let early = runtime.block_on(FileLock::at(path).acquire_async(&request)).unwrap_err();
            assert!(early.is_cancelled(), "{early:?}");
        }
    }
    drop(guard);
    release(holder);
    let cancel = Cancel::new();
    cancel.cancel();
    let request = Request::exclusive().cancel(&cancel);
    drop(runtime.block_on(FileLock::at(&theirs).acquire_async(&request)).expect("it takes nothing from a free lock"));
}

/// Tasks die at every step of their wait, and none of them keeps the lock or a place.
#[test]
fn a_storm_of_aborts_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let (path, counter) = (folder.path().join("l"), folder.path().join("n"));
    fs::write(&counter, "0").unwrap();
    let mut other = CAST.start("increment", &[&name(&path), counter.to_str().unwrap(), "200"]);
    let runtime = workers();
    let done = Arc::new(AtomicUsize::new(0));
    for round in 0..20 {
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (future, done) = (FileLock::at(&path).lock_async(LONG), Arc::clone(&done));
                let counter = counter.to_str().unwrap().to_owned();
                runtime.spawn(async move {
                    let guard = future.await.unwrap();
                    add_one(&counter);
                    done.fetch_add(1, Ordering::SeqCst);
                    drop(guard);
                })
            })
            .collect();
        for (index, task) in tasks.iter().enumerate() {
            if (index + round) % 7 == 0 {
                thread::yield_now();
            }
            if index % 5 != 0 {
                task.abort();
            }
        }
        for task in tasks {
            let _ = runtime.block_on(task);
        }
    }
    other.expect("done");
    let guard = FileLock::at(&path).lock(LONG).unwrap();
    let count: usize = fs::read_to_string(&counter).unwrap().parse().unwrap();
    assert_eq!(count, 200 + done.load(Ordering::SeqCst));
    assert!(done.load(Ordering::SeqCst) >= 200, "those that were left alone came through");
    drop(guard);
    wait_for_line(&path, 0);
}

#[cfg(target_os = "linux")]
fn threads() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
fn threads() -> usize {
    0
}

#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[cfg(not(target_os = "linux"))]
fn descriptors() -> usize {
    0
}

fn few_of(number: usize, what: &str) -> String {
    if number < 100 { format!("few {what}") } else { format!("{number} {what}") }
}

/// `LOCK COUNT`: that many tasks of one thread wait for the lock; tells when they do, and what came of it.
pub(crate) fn crowd(stage: &mut Stage) {
    let count: usize = stage.args[1].parse().unwrap();
    let (name, runtime) = (stage.args[0].clone(), one_worker());
    let shared = lock(&name);
    let (order, most) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (tasks, open) = runtime.block_on(async {
        let tasks: Vec<_> = (0..count)
            .map(|number| {
                let lock = if number % 2 == 0 { shared.clone() } else { lock(&name) };
                let (order, most) = (Arc::clone(&order), Arc::clone(&most));
                tokio::spawn(async move {
                    let guard = lock.lock_async(LONG).await.unwrap();
                    order.lock().unwrap().push(number);
                    if number % 64 == 0 {
                        most.fetch_max(threads(), Ordering::SeqCst);
                    }
                    drop(guard);
                })
            })
            .collect();
        // The steps of the crowd go in the order of its tasks, and those of these behind them.
        for _ in 0..32 {
            assert!(shared.lock_async(Duration::from_millis(1)).await.unwrap_err().is_timed_out());
        }
        most.fetch_max(threads(), Ordering::SeqCst);
        (tasks, descriptors())
    });
    stage.tell("waiting");
    stage.cue();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    stage.tell(&few_of(open, "descriptors"));
    stage.tell(&few_of(most.load(Ordering::SeqCst), "threads"));
    let order = order.lock().unwrap();
    stage.tell(if order.len() == count && order.is_sorted() { "in order" } else { "out of order" });
}

/// Ten thousand tasks that wait for one lock need a few threads and descriptors, and are served first come, first served.
#[test]
fn ten_thousand_tasks_wait_for_one_lock() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let holder = holder_of(&path);
    let mut crowd = CAST.start("async_crowd", &[&name(&path), "10000"]);
    crowd.expect("waiting");
    crowd.cue("go on");
    release(holder);
    for word in ["few descriptors", "few threads", "in order"] {
        crowd.expect(word);
    }
}

/// `FOLDER COUNT`: that many tasks of one thread wait for a lock each.
pub(crate) fn many(stage: &mut Stage) {
    let count: usize = stage.args[1].parse().unwrap();
    let (folder, runtime) = (stage.args[0].clone(), one_worker());
    let ticks = Arc::new(AtomicUsize::new(0));
    let (tasks, most) = runtime.block_on(async {
        let tasks: Vec<_> = (0..count)
            .map(|number| {
                let lock = FileLock::at(Path::new(&folder).join(number.to_string()));
                tokio::spawn(async move { lock.lock_async(LONG).await.unwrap().release().unwrap() })
            })
            .collect();
        let ticking = Arc::clone(&ticks);
        let clock = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ticking.fetch_add(1, Ordering::SeqCst);
            }
        });
        // All this time the one worker serves others too, and a lock that is free is granted.
        let free = FileLock::at(Path::new(&folder).join("free"));
        let mut most = 0;
        while ticks.load(Ordering::SeqCst) < 300 {
            free.lock_async(Wait::Forever).await.unwrap().release().unwrap();
            tokio::task::yield_now().await;
            most = most.max(threads());
        }
        clock.abort();
        assert!(tasks.iter().all(|task| !task.is_finished()), "all are held elsewhere");
        (tasks, most)
    });
    stage.tell(&few_of(most, "threads"));
    stage.cue();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    stage.tell("all");
}

/// A thousand tasks that wait for a lock each need a few threads; the one worker of their runtime goes on meanwhile.
#[test]
fn a_thousand_tasks_wait_for_a_thousand_locks() {
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut holder = CAST.start("hold_many", &[path, "1000"]);
    holder.expect("held");
    let mut many = CAST.start("async_many", &[path, "1000"]);
    many.expect("few threads");
    release(holder);
    many.cue("go on");
    many.expect("all");
}

#[test]
fn without_a_runtime_it_is_an_error() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    let Poll::Ready(Err(error)) = poll(&mut lock.lock_async(LONG)) else { panic!("it says so at once") };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("outside of a tokio runtime"), "{error}");
    let set = LockSet::new([lock]);
    let Poll::Ready(Err(error)) = poll(&mut set.acquire_async(&Request::exclusive())) else { panic!("it says so too") };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// A runtime that goes away ends the waits in it; a future that is awaited on in another is granted its lock.
#[test]
fn a_runtime_that_is_dropped_hangs_nobody() {
    let folder = tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let holder = holder_of(&theirs);
    let (runtime, other) = (workers(), one_worker());
    let guard = other.block_on(FileLock::at(&ours).lock_async(Wait::No)).unwrap();
    for _ in 0..3 {
        runtime.spawn(FileLock::at(&ours).lock_async(LONG));
        runtime.spawn(FileLock::at(&theirs).lock_async(LONG));
    }
    let mut orphan = FileLock::at(&ours).lock_async(Wait::Forever);
    runtime.block_on(async { assert!(poll(&mut orphan).is_pending()) });
    wait_for_line(&theirs, 1);
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        drop(runtime);
        said.send(()).unwrap();
    });
    heard.recv_timeout(PATIENCE).expect("the runtime ends");
    wait_for_line(&theirs, 0);
    drop(guard);
    let outcome = other.block_on(async { tokio::time::timeout(PATIENCE, orphan).await.expect("no hang") });
    outcome.unwrap().release().unwrap();
    FileLock::at(&ours).lock(LONG).unwrap().release().unwrap();
    release(holder);
    FileLock::at(&theirs).lock(LONG).unwrap().release().unwrap();
}

/// Trap 19, awaited: opposite orders do not deadlock, two names are one lock, and what is incomplete holds nothing.
#[test]
fn trap_19_a_set_is_awaited() {
    let folder = tempdir().unwrap();
    let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
    let names = [name(&paths[0]), name(&paths[1])];
    let mut other = CAST.start("hold_set", &["200", &names[1], &names[0]]);
    let runtime = workers();
    let request = Request::exclusive().wait(LONG);
    let tasks: Vec<_> = (0..4)
        .map(|index| {
            let (one, two) = if index % 2 == 0 { (0, 1) } else { (1, 0) };
            let set = LockSet::new([one, two, one].map(|index| FileLock::at(&paths[index])));
            let request = request.clone();
            runtime.spawn(async move {
                for _ in 0..50 {
                    let guards = set.acquire_async(&request).await.unwrap();
                    assert_eq!(guards.holds().map(|hold| hold.token().is_some()).collect::<Vec<_>>(), [true; 3]);
                    guards.check().unwrap();
                    guards.release().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        finish(&runtime, task);
    }
    other.expect("done");
    let holder = holder_of(&paths[2]);
    let set = LockSet::new(paths.iter().map(FileLock::at));
    for wait in [Wait::No, Wait::For(Duration::from_millis(20))] {
        let error = runtime.block_on(set.acquire_async(&Request::exclusive().wait(wait))).unwrap_err();
        assert!(error.is_busy() || error.is_timed_out());
        assert_eq!(error.path(), paths[2], "the error names the one that is busy");
        assert!(paths[..2].iter().all(|path| FileLock::at(path).try_lock().is_ok()), "none is held");
    }
    let task = runtime.spawn(set.acquire_async(&request));
    wait_for_line(&paths[2], 1);
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    assert!(paths[..2].iter().all(|path| FileLock::at(path).try_lock().is_ok()), "what it had is given back");
    release(holder);
}

#[test]
fn a_guard_that_was_awaited_is_upgraded_and_downgraded() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let lock = FileLock::at(&path);
    let runtime = workers();
    runtime.block_on(async {
        let (one, two) = (lock.lock_shared_async(LONG).await.unwrap(), lock.lock_shared_async(LONG).await.unwrap());
        let one = one.upgrade(Wait::No).unwrap_err().into_guard().unwrap();
        let upgrade = tokio::task::spawn_blocking(move || one.upgrade(LONG).unwrap());
        tokio::task::yield_now().await;
        drop(two);
        let guard = upgrade.await.unwrap();
        assert!(guard.token().is_some());
        let guard = guard.downgrade().unwrap();
        lock.lock_shared_async(LONG).await.unwrap().release().unwrap();
        guard.release().unwrap();
    });
}

/// Trap 1, awaited: who is granted the lock of a file that is not at the path any more begins again.
#[test]
fn trap_1_a_lock_file_replaced_meanwhile_is_not_believed() {
    let folder = tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let runtime = workers();
    let guard = runtime.block_on(FileLock::at(&ours).lock_async(Wait::No)).unwrap();
    let holder = holder_of(&theirs);
    let mut in_memory = FileLock::at(&ours).lock_async(LONG);
    runtime.block_on(async { assert!(poll(&mut in_memory).is_pending()) });
    // Came later, and gave up: the one before it stands in line.
    assert!(runtime.block_on(FileLock::at(&ours).lock_async(Duration::from_millis(1))).unwrap_err().is_timed_out());
    let in_kernel = runtime.spawn(FileLock::at(&theirs).lock_async(LONG));
    wait_for_line(&theirs, 1);
    for path in [&ours, &theirs] {
        fs::remove_file(path).unwrap();
    }
    drop(guard);
    release(holder);
    let guards = [runtime.block_on(in_memory).unwrap(), finish(&runtime, in_kernel).unwrap()];
    for guard in guards {
        guard.check().unwrap();
        let mut other = CAST.start("hold", &[&name(guard.lock_path()), "exclusive"]);
        other.expect("Busy");
    }
}

#[cfg(feature = "document")]
mod documents {
    use super::*;
    use serde_json::{Value, json};
    use stead::atomic::Durability;
    use stead::document::Document;

    fn document(path: &Path) -> Arc<Document<Value>> {
        Arc::new(Document::json(path).durability(Durability::None))
    }

    fn add(value: &mut Value) {
        value["n"] = (value["n"].as_u64().unwrap() + 1).into();
    }

    /// Tasks, threads and another process change one document, and none of their changes is lost.
    #[test]
    fn no_update_of_a_task_is_lost() {
        for without_lock in [false, true] {
            let folder = tempdir().unwrap();
            let path = folder.path().join("d.json");
            fs::write(&path, r#"{"n":0}"#).unwrap();
            let how = if without_lock { "none" } else { "lock" };
            let mut other = CAST.start("update", &[path.to_str().unwrap(), "50", how]);
            let document = if without_lock {
                Arc::new(Document::<Value>::json(&path).durability(Durability::None).lock(None))
            } else {
                document(&path)
            };
            let runtime = workers();
            let tasks: Vec<_> = (0..40)
                .map(|_| {
                    let document = Arc::clone(&document);
                    runtime.spawn(async move {
                        for _ in 0..5 {
                            document.update_async(add).await.unwrap();
                        }
                    })
                })
                .collect();
            for _ in 0..20 {
                document.update(add).unwrap();
            }
            for task in tasks {
                finish(&runtime, task);
            }
            other.expect("done");
            assert_eq!(document.read().unwrap(), json!({"n": 270}), "{how}");
        }
    }

    #[test]
    fn a_change_that_is_given_up_changes_nothing() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("d.json");
        fs::write(&path, r#"{"n":0}"#).unwrap();
        let document = document(&path);
        let runtime = workers();
        let error = runtime.block_on(document.try_update_async(|value| {
            add(value);
            Err::<(), std::io::Error>(std::io::ErrorKind::Interrupted.into())
        }));
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::Interrupted);
        let panicking = runtime.spawn(document.update_async(|value| {
            add(value);
            panic!("in the middle of it");
        }));
        assert!(runtime.block_on(panicking).map(|_: Result<(), _>| ()).unwrap_err().is_panic());
        let locked = document.locked().unwrap();
        let task = runtime.spawn(document.update_async(add));
        task.abort();
        assert!(runtime.block_on(task).unwrap_err().is_cancelled());
        drop(locked);
        let late = Document::<Value>::json(folder.path()).wait(Wait::No);
        assert!(runtime.block_on(Arc::new(late).update_async(add)).unwrap_err().is_not_regular_file());
        runtime.block_on(document.update_async(add)).unwrap();
        assert_eq!(document.read().unwrap(), json!({"n": 1}));
    }
}
