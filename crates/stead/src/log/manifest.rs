//! `log.json`: which log this is.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::log::cursor::{LogId, hex};
use crate::log::layout::OFFSET_MAX;
use crate::log::rotation::Limits;
use crate::sys::Access;
use crate::sys::disk::{Disk, read_full_at};

/// The format that this code writes, and the newest that it reads.
pub(crate) const FORMAT: u64 = 1;
const SCHEMA: &str = "stead.log/1";
/// Larger ones are none of ours.
const LEN_MAX: usize = 1 << 20;

/// What `log.json` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    pub(crate) id: LogId,
    pub(crate) limits: Limits,
    /// Stretches of history that are known to be lost, in order.
    pub(crate) gaps: Vec<(u64, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Text {
    schema: String,
    format: u64,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_segment_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_segment_age_s: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<(u64, u64)>,
}

/// The part that every format has.
#[derive(Debug, Deserialize)]
struct Head {
    format: u64,
}

impl Manifest {
    pub(crate) fn new(id: LogId, limits: Limits) -> Manifest {
        Manifest { id, limits, gaps: Vec::new() }
    }

    /// The gap that holds `offset`, if one does.
    pub(crate) fn gap_at(&self, offset: u64) -> Option<(u64, u64)> {
        self.gaps.iter().copied().find(|(start, end)| (*start..*end).contains(&offset))
    }

    /// Adds a stretch that is lost; those that touch become one.
    pub(crate) fn add_gap(&mut self, start: u64, end: u64) {
        self.gaps.push((start, end));
        self.gaps = joined(std::mem::take(&mut self.gaps));
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let text = Text {
            schema: SCHEMA.to_owned(),
            format: FORMAT,
            id: self.id.to_string(),
            max_segment_bytes: self.limits.bytes,
            max_segment_age_s: self.limits.age.map(|age| age.as_secs_f64()),
            gaps: self.gaps.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&text).expect("a plain structure is JSON");
        bytes.push(b'\n');
        bytes
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Manifest> {
        let step = "read";
        let damaged = |what: String| {
            Error::found(ErrorKind::Damaged, step, path, what)
                .with_hint("it says which log this is; restore it from a backup, or move it away: the log then gets a new name, and cursors of the old one are refused")
        };
        let head: Head = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if head.format > FORMAT {
            return Err(Error::found(
                ErrorKind::Unsupported,
                step,
                path,
                format!("the log has format {}, and this stead knows {FORMAT} and older ones", head.format),
            )
            .with_hint("use a newer stead; nothing was changed"));
        }
        let text: Text = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if text.schema != SCHEMA {
            return Err(damaged(format!("its schema is {:?}", text.schema)));
        }
        let id = hex(&text.id).map(LogId).ok_or_else(|| damaged(format!("its id is {:?}", text.id)))?;
        let age = text.max_segment_age_s.map(std::time::Duration::try_from_secs_f64).transpose();
        let age = age.map_err(|error| damaged(format!("max_segment_age_s: {error}")))?;
        if let Some((start, end)) = text.gaps.iter().find(|(start, end)| start >= end || *end > OFFSET_MAX) {
            return Err(damaged(format!("a gap from {start} to {end}")));
        }
        Ok(Manifest { id, limits: Limits { bytes: text.max_segment_bytes, age }, gaps: joined(text.gaps) })
    }
}

/// Stretches in order, those that touch as one.
fn joined(mut gaps: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    gaps.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (start, end) in gaps {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

/// Reads the manifest at `path`; `None` where there is none: a directory of eventfold's, or nothing yet.
pub(crate) fn read<D: Disk>(disk: &D, path: &Path) -> Result<Option<Manifest>> {
    let fail = |error| Error::system("read", path, error);
    let file = match disk.open(path, Access::ReadOnly) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let len = disk.stat_file(&file).map_err(fail)?.len;
    let len = usize::try_from(len).ok().filter(|len| *len <= LEN_MAX);
    let Some(len) = len else {
        return Err(Error::new(ErrorKind::TooLarge, "read", path).with_hint("it is not the log.json of a log"));
    };
    let mut bytes = vec![0; len];
    let read = read_full_at(disk, &file, &mut bytes, 0).map_err(fail)?;
    Manifest::decode(&bytes[..read], path).map(Some)
}

/// For the fuzz target: what is understood says the same when it is written again.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(bytes: &[u8], path: &Path) {
    if let Ok(manifest) = Manifest::decode(bytes, path) {
        let again = Manifest::decode(&manifest.encode(), path).expect("our own text");
        assert_eq!((again.id, again.gaps), (manifest.id, manifest.gaps));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_survives_its_bytes() {
        let limits = Limits { bytes: Some(5), age: Some(std::time::Duration::from_secs(7)) };
        let mut manifest = Manifest::new(LogId(0xff), limits);
        manifest.add_gap(30, 40);
        manifest.add_gap(10, 20);
        manifest.add_gap(10, 15);
        manifest.add_gap(15, 20);
        assert_eq!(manifest.gaps, [(10, 20), (30, 40)]);
        assert_eq!(manifest.gap_at(19), Some((10, 20)));
        assert_eq!(manifest.gap_at(20), None);
        assert_eq!(Manifest::decode(&manifest.encode(), Path::new("log.json")).unwrap(), manifest);
    }

    #[test]
    fn a_newer_format_is_refused_whatever_else_it_says() {
        let error = Manifest::decode(br#"{"format":2,"new":[]}"#, Path::new("log.json")).unwrap_err();
        assert!(error.is_unsupported() && error.to_string().contains("format 2"), "{error}");
    }
}
