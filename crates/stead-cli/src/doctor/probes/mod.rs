//! What a filesystem and a system must be able to do besides locking, one function for each.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod other_unix;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use super::bench::Bench;
use super::clock as clocks;
use super::files;
use super::peer::Peer;
use super::promises::Verdict;
use super::report::Span;
use super::trouble::Trouble;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::{attributes, exchange_rename, notification, unnamed_file};
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(super) use other_unix::{attributes, exchange_rename, notification, unnamed_file};
#[cfg(unix)]
pub(super) use unix::sync_folder;
#[cfg(windows)]
pub(super) use windows::{attributes, exchange_rename, notification, sync_folder, unnamed_file};

/// How long a file is replaced under a reader's eyes, and how long it is.
const REPLACING: Duration = Duration::from_millis(150);
const REPLACED_LEN: usize = 64 * 1024;
/// A wall clock before this cannot be right: 2024-01-01.
const WALL_MIN: Duration = Duration::from_secs(1_704_067_200);
/// How far a new file's time may be off the wall clock: filesystems round, FAT to two seconds.
const FILE_TIME_OFF_MAX: Duration = Duration::from_secs(3);
/// How long the clocks are watched.
const CLOCKS_WATCHED: Duration = Duration::from_millis(30);

/// A reader of a file that is replaced again and again sees the old one or the new one.
pub(super) fn atomic_rename(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    const NAME: &str = "data";
    let (path, next) = (bench.folder.join(NAME), bench.folder.join("next"));
    let content = |round: u64| vec![if round.is_multiple_of(2) { b'a' } else { b'b' }; REPLACED_LEN];
    files::put(&path, &content(1)).map_err(Trouble::at("write", &path))?;
    let mut reader = Peer::start(bench)?;
    reader.read_for(REPLACING, NAME, REPLACED_LEN)?;
    let end = clocks::now() + REPLACING;
    let mut replaced = 0;
    while clocks::now() < end {
        files::put(&next, &content(replaced)).map_err(Trouble::at("write", &next))?;
        files::rename(&next, &path).map_err(Trouble::at("replace", &path))?;
        replaced += 1;
    }
    let seen = reader.readings()?;
    if seen.missing + seen.half > 0 {
        return Ok(Verdict::broken(format!(
            "of {} readings during {replaced} replacements {} found no file and {} half of one",
            seen.whole + seen.missing + seen.half,
            seen.missing,
            seen.half
        )));
    }
    Ok(Verdict::kept(format!("{replaced} replacements, {} readings, all whole", seen.whole)))
}

/// One file under two names.
pub(super) fn hard_link(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let (path, other) = (bench.folder.join("one"), bench.folder.join("two"));
    files::put(&path, b"before").map_err(Trouble::at("write", &path))?;
    if let Err(error) = std::fs::hard_link(&path, &other) {
        return Ok(Verdict::fallback(format!("{error}; a new lock file is created by name and filled afterwards")));
    }
    files::put(&path, b"after").map_err(Trouble::at("write", &path))?;
    let seen = std::fs::read(&other).map_err(Trouble::at("read", &other))?;
    Ok(if seen == b"after" {
        Verdict::kept("")
    } else {
        Verdict::broken("the two names of a file hold different bytes")
    })
}

/// The system takes a request to make a file durable.
pub(super) fn sync_file(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let path = bench.folder.join("synced");
    let mut file = File::create(&path).map_err(Trouble::at("create", &path))?;
    file.write_all(b"durable").map_err(Trouble::at("write", &path))?;
    let began = clocks::now();
    file.sync_data().and_then(|()| file.sync_all()).map_err(Trouble::at("sync", &path))?;
    let took = began.elapsed();
    Ok(Verdict::kept(match bench.filesystem.name() {
        "tmpfs" | "ramfs" => "but this filesystem is in memory: it is empty after a reboot".to_owned(),
        _ => format!("took {}", Span(took)),
    }))
}

/// Time goes forward, the wall clock knows the year, and files are stamped with it.
pub(super) fn clock(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let (started, mut steady, mut wall) = (clocks::now(), clocks::now(), clocks::wall());
    let mut stepped_back = false;
    while started.elapsed() < CLOCKS_WATCHED {
        let (steady_now, wall_now) = (clocks::now(), clocks::wall());
        if steady_now < steady {
            return Ok(Verdict::broken("the monotonic clock went backwards"));
        }
        stepped_back |= wall_now < wall;
        (steady, wall) = (steady_now, wall_now);
    }
    if wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() < WALL_MIN {
        return Ok(Verdict::broken("the wall clock is before 2024"));
    }
    let path = bench.folder.join("stamped");
    let before = clocks::wall();
    files::put(&path, b"now").map_err(Trouble::at("write", &path))?;
    let stamp = std::fs::metadata(&path).and_then(|data| data.modified()).map_err(Trouble::at("look at", &path))?;
    let off = stamp.duration_since(before).unwrap_or_else(|early| early.duration());
    if off > FILE_TIME_OFF_MAX {
        return Ok(Verdict::fallback(format!(
            "files are stamped {} off the wall clock; stead never orders by file times",
            Span(off)
        )));
    }
    if stepped_back {
        return Ok(Verdict::fallback(
            "the wall clock went backwards; deadlines use the monotonic clock, and tokens go on from the last one",
        ));
    }
    Ok(Verdict::kept(""))
}

/// Whether names that differ in case only are two files.
pub(super) fn case(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let (lower, upper) = (bench.folder.join("case"), bench.folder.join("CASE"));
    files::put(&lower, b"lower").map_err(Trouble::at("write", &lower))?;
    match File::open(&upper) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Verdict::kept("")),
        Err(error) => Err(Trouble::at("open", &upper)(error)),
        Ok(_) => Ok(Verdict::fallback(
            "`a` and `A` are one file here; their sidecar locks are one as well, but in a lock folder they are two: \
             agree on one spelling there",
        )),
    }
}
