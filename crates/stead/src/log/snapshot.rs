//! The saved state of a view.

use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::error::Error;
use crate::log::cursor::{LogId, hex};

/// The state of a view at one place in the log. It can be made anew from the log at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot<S> {
    /// The state.
    pub state: S,
    /// Behind the last event that it holds, as a logical offset.
    pub offset: u64,
    /// The [`line_hash`](crate::log::line_hash) of that event's line.
    pub hash: String,
}

impl<S> Snapshot<S> {
    /// A snapshot of these.
    pub fn new(state: S, offset: u64, hash: String) -> Self {
        Snapshot { state, offset, hash }
    }
}

/// A snapshot as it is in a file: whose it is as well.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved<S> {
    pub(crate) state: S,
    pub(crate) offset: u64,
    pub(crate) hash: String,
    /// The log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    /// The version that the reducer declared.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) version: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl<S> Saved<S> {
    pub(crate) fn new(state: S, offset: u64, hash: String, log: LogId, version: u64) -> Saved<S> {
        Saved { state, offset, hash, log: Some(log.to_string()), version }
    }

    pub(crate) fn log(&self) -> Option<LogId> {
        self.log.as_deref().and_then(hex).map(LogId)
    }
}

/// Writes a snapshot to `path`, all at once.
///
/// A snapshot written by this function does not say which log it is of; one that a [`View`](crate::log::View) saved does,
/// and only that is believed later.
///
/// # Errors
/// Those of [`atomic::replace`].
pub fn save<S: Serialize>(path: &Path, snapshot: &Snapshot<S>) -> io::Result<()> {
    save_as(path, snapshot)
}

pub(crate) fn save_as(path: &Path, snapshot: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(snapshot)?;
    // Whole or not there is enough: the folder is not synced.
    atomic::Options::new().durability(atomic::Durability::Data).replace(path, &json)?;
    Ok(())
}

/// Reads a snapshot. `None` where there is none, or none that can be understood: the view is then made anew.
///
/// # Errors
/// Those of reading the file, but for one that is not there.
pub fn load<S: DeserializeOwned>(path: &Path) -> io::Result<Option<Snapshot<S>>> {
    load_as(path)
}

pub(crate) fn load_as<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::system("read the snapshot", path, error).into()),
    }
}

/// Removes a snapshot, and the temporary file that eventfold may have left beside it. One that is not there is fine.
///
/// # Errors
/// Those of unlink(2).
pub fn delete(path: &Path) -> io::Result<()> {
    for path in [path, &path.with_extension("json.tmp")] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::system("remove the snapshot", path, error).into());
            }
            _ => {}
        }
    }
    Ok(())
}
