//! Many tasks of one runtime that wait for a lock which another process holds.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};
use rustix::time::{ClockId, clock_gettime};
use stead::lock::{FileLock, Wait};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::NAME;
use super::many::{raise_descriptor_limit, resident_kibibytes};
use super::rivals::{Holder, bare, std_file, stead as ours};
use crate::agent::{Agent, monotonic_ns};
use crate::measure::{Measured, Samples, micros};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

/// The first argument of an agent that waits in many tasks.
pub(super) const ROLE: &str = "tasks";

/// What a careful programmer writes: the tasks take turns in memory, and whose turn it is blocks one thread.
const MUTEX: &str = "tokio Mutex, then spawn_blocking(flock)";
/// What a hasty one writes.
const EACH_BLOCKING: &str = "spawn_blocking(flock) each";
const SUBJECTS: [&str; 3] = [MUTEX, EACH_BLOCKING, ours::NAME];

const WORKERS: usize = 2;
/// tokio's own limit.
const BLOCKING_THREADS: usize = 512;
/// Descriptors that the process needs for itself.
const DESCRIPTORS_SPARE: usize = 100;

/// All are in line when the process has done next to nothing for this long.
const QUIET: Duration = Duration::from_millis(50);
const QUIET_WORK_MAX: Duration = Duration::from_millis(1);
/// Longer than this nobody waits for that.
const QUIET_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub(super) fn tasks(setup: &Setup, report: &mut Report) -> Result<()> {
    let count = setup.pick(10_000, 1_000);
    let mut tallies = SUBJECTS.map(|subject| (subject, Ok::<_, Error>(Tally::default())));
    for round in 0..setup.pick(5, 1) {
        for turn in 0..tallies.len() {
            let index = (round + turn) % tallies.len();
            let (subject, Ok(tally)) = &mut tallies[index] else { continue };
            let lock = setup.folder("tasks")?.join(format!("{index}-{round}"));
            if let Err(error) = tally.add(subject, &lock, count) {
                tallies[index].1 = Err(error);
            }
        }
    }
    let mut case = |what: &str, unit, samples: fn(&Tally) -> &Vec<f64>| {
        let measured = tallies.iter().map(|(subject, tally)| Measured {
            name: (*subject).to_owned(),
            outcome: match tally {
                Ok(tally) => Ok(Samples::new(samples(tally).clone())),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            },
        });
        let name = format!("{count} tasks wait for one lock: {what}");
        report.cases.push(Case::new(&name, unit, MUTEX, measured.collect()));
    };
    case("threads", Unit::Count, |tally| &tally.threads);
    case("memory", Unit::Mebibytes, |tally| &tally.memory);
    case("until all are in line", Unit::Microseconds, |tally| &tally.lined_up);
    case("each turn", Unit::Microseconds, |tally| &tally.turns);
    Ok(())
}

/// What one subject needed, a sample for each round.
#[derive(Default)]
struct Tally {
    /// While all wait, those of the runtime and `main` included.
    threads: Vec<f64>,
    /// By how much the process grew, in MiB.
    memory: Vec<f64>,
    lined_up: Vec<f64>,
    /// From the release to the end of the last turn, for each turn.
    turns: Vec<f64>,
}

impl Tally {
    fn add(&mut self, subject: &str, lock: &Path, count: usize) -> Result<()> {
        let mut holder: Box<dyn Holder> = match subject {
            ours::NAME => Box::new(ours::SteadHolder::new(lock)),
            _ => Box::new(bare::BareHolder::new(lock)),
        };
        holder.hold()?;
        let path = lock.to_str().context("a path that is not UTF-8")?;
        let mut agent = Agent::start_own(NAME, &[ROLE, subject, path, &count.to_string()])?;
        let [lined_up_ns, threads, kibibytes] = agent.hear_numbers()?[..] else { bail!("the agent says too much") };
        let released = monotonic_ns();
        holder.release()?;
        let [done] = agent.hear_numbers()?[..] else { bail!("the agent says too much") };
        self.threads.push(threads as f64);
        self.memory.push(kibibytes as f64 / 1024.0);
        self.lined_up.push(lined_up_ns as f64 / 1000.0);
        self.turns.push(micros(Duration::from_nanos(done.saturating_sub(released))) / count as f64);
        Ok(())
    }
}

/// What the agent does: waits in `count` tasks; says how long it took until all were in line, how many threads there are
/// and by how many KiB the process grew; and when all have had their turn.
pub(super) fn serve(subject: &str, lock: &Path, count: usize) -> Result<()> {
    raise_descriptor_limit(count + DESCRIPTORS_SPARE)?;
    let path: Arc<PathBuf> = Arc::new(lock.to_path_buf());
    match subject {
        MUTEX => {
            let mutex = Arc::new(Mutex::new(()));
            wait(count, move || careful(Arc::clone(&mutex), Arc::clone(&path)))
        }
        EACH_BLOCKING => wait(count, move || hasty(Arc::clone(&path))),
        ours::NAME => {
            let lock = Arc::new(FileLock::at(&*path));
            wait(count, move || turn(Arc::clone(&lock)))
        }
        _ => bail!("nobody called {subject} waits in tasks"),
    }
}

async fn turn(lock: Arc<FileLock>) -> Result<()> {
    Ok(lock.lock_async(Wait::Forever).await?.release()?)
}

async fn careful(mutex: Arc<Mutex<()>>, path: Arc<PathBuf>) -> Result<()> {
    let _turn = mutex.lock().await;
    hasty(path).await
}

async fn hasty(path: Arc<PathBuf>) -> Result<()> {
    let file: File = spawn_blocking(move || std_file::lock(&path)).await??;
    drop(file);
    Ok(())
}

fn wait<F>(count: usize, task: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let runtime = runtime()?;
    let begun = Arc::new(AtomicUsize::new(0));
    let before = resident_kibibytes()?;
    let started = Instant::now();
    let spawn = |_| {
        let (begun, task) = (Arc::clone(&begun), task());
        runtime.spawn(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            task.await
        })
    };
    let tasks: Vec<_> = (0..count).map(spawn).collect();
    let lined_up = when_quiet(|| begun.load(Ordering::SeqCst) == count)? - started;
    let threads = std::fs::read_dir("/proc/self/task").context("count the threads")?.count();
    println!("{} {threads} {}", lined_up.as_nanos(), resident_kibibytes()?.saturating_sub(before));
    runtime.block_on(async {
        for task in tasks {
            task.await??;
        }
        println!("{}", monotonic_ns());
        Ok(())
    })
}

/// When the other threads of this process went to sleep, after `all_begun`.
fn when_quiet(all_begun: impl Fn() -> bool) -> Result<Instant> {
    let started = Instant::now();
    let (mut quiet_since, mut worked) = (started, others_worked());
    while started.elapsed() < QUIET_WITHIN {
        std::thread::sleep(LOOK_EVERY);
        let (now, work) = (Instant::now(), others_worked());
        if !all_begun() || work.saturating_sub(worked) > QUIET_WORK_MAX {
            (quiet_since, worked) = (now, work);
        } else if now - quiet_since > QUIET {
            return Ok(quiet_since);
        }
    }
    bail!("the tasks never come to rest")
}

/// The processor time of all threads but this one.
fn others_worked() -> Duration {
    let spent = |clock| {
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
    };
    spent(ClockId::ProcessCPUTime).saturating_sub(spent(ClockId::ThreadCPUTime))
}

fn runtime() -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(WORKERS).max_blocking_threads(BLOCKING_THREADS).enable_time();
    builder.build().context("start tokio")
}
