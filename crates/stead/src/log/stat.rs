//! What a log consists of, at a glance.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::log::cursor::{Cursor, LogId};
use crate::log::locate::Parts;
use crate::log::manifest::FORMAT;
use crate::log::page;
use crate::log::reader::EventReader;
use crate::log::store::Store;
use crate::sys::disk::{Disk, RealDisk};

/// What a log consists of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stat {
    /// Its folder.
    pub path: PathBuf,
    /// Its name; `None` for a directory of eventfold's that none of our writers has opened yet.
    pub log: Option<LogId>,
    /// The version of its format.
    pub format: u64,
    /// Where history begins, as a logical offset.
    pub start: u64,
    /// Where the last event ends.
    pub end: u64,
    /// The place behind the last event; `None` where the log has no name.
    pub cursor: Option<Cursor>,
    /// All before this offset is known to be durable, and possibly more.
    pub synced: Option<u64>,
    /// Whether a sync failed since the system started, so that nothing is appended before a repair.
    pub poisoned: bool,
    /// The size of `app.jsonl`.
    pub active_bytes: u64,
    /// The sealed segments, in order.
    pub segments: Vec<SegmentStat>,
    /// How many bytes of history are in an archive of eventfold's that none of our writers has opened yet.
    pub archive_bytes: u64,
    /// How many files are in quarantine.
    pub quarantined: u64,
    /// At which size `log.json` wants a new segment begun.
    pub max_segment_bytes: Option<u64>,
    /// At which age.
    pub max_segment_age: Option<Duration>,
    /// Stretches of history that are known to be lost.
    pub gaps: Vec<(u64, u64)>,
}

/// A sealed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentStat {
    /// Its file.
    pub path: PathBuf,
    /// Where it begins, as a logical offset.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
}

impl EventReader {
    /// What the log consists of. Nothing is read but the ends of files.
    ///
    /// # Errors
    /// As [`lines`](EventReader::lines).
    pub fn stat(&self) -> Result<Stat> {
        let store = self.store();
        let Parts { manifest, segments, active, archive, base, .. } = store.parts()?;
        let end = store.last_line()?;
        let log = manifest.as_ref().map(|manifest| manifest.id);
        let page = log.and_then(|log| page::read(&store.disk, &store.paths.page, log));
        let of_file = page.filter(|page| active.as_ref().is_some_and(|active| page.names(active.id, store.boot)));
        let start = if archive > 0 { 0 } else { segments.first().map_or(base, |segment| segment.base) };
        let segments = segments.into_iter().map(|segment| SegmentStat {
            path: store.paths.segment(segment),
            start: segment.base,
            end: segment.end,
        });
        Ok(Stat {
            path: store.paths.folder.clone(),
            log,
            format: FORMAT,
            start,
            end: end.map_or(start, |line| line.end),
            cursor: log.map(|log| match end {
                Some(line) => Cursor { log, offset: line.end, hash: Some(line.hash) },
                None => Cursor { log, offset: 0, hash: None },
            }),
            synced: of_file.map(|page| page.synced),
            poisoned: page.is_some_and(|page| page.poisoned && page.is_of(store.boot)),
            active_bytes: active.map_or(0, |active| active.len),
            segments: segments.collect(),
            archive_bytes: archive,
            quarantined: count(store, &store.paths.quarantine)?,
            max_segment_bytes: manifest.as_ref().and_then(|manifest| manifest.limits.bytes),
            max_segment_age: manifest.as_ref().and_then(|manifest| manifest.limits.age),
            gaps: manifest.map(|manifest| manifest.gaps).unwrap_or_default(),
        })
    }
}

fn count(store: &Store<RealDisk>, folder: &Path) -> Result<u64> {
    match store.disk.list(folder) {
        Ok(names) => Ok(names.len() as u64),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Error::system("look at", folder, error)),
    }
}
