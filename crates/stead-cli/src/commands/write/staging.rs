//! A new content on its way from standard input to its place.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stead::atomic::{AtomicFile, Options};
use stead_console::failure::Failure;
use stead_console::{input, platform};
use xxhash_rust::xxh3::Xxh3;

use crate::json::Written;

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// A content that is written piece by piece; a signal that ends us takes it away.
pub(super) struct Staging<'a> {
    path: &'a Path,
    state: Shared,
}

type Shared = Arc<Mutex<State>>;

#[derive(Default)]
struct State {
    file: Option<AtomicFile>,
    /// It is being put in place, and not taken back any more.
    is_settled: bool,
}

impl Staging<'_> {
    pub(super) fn begin<'a>(path: &'a Path, options: &Options) -> Result<Staging<'a>, Failure> {
        let state: Shared = Arc::default();
        let seen_by_signals = Arc::clone(&state);
        let clean_up = move || {
            let mut state = locked(&seen_by_signals);
            state.file = None;
            !state.is_settled
        };
        platform::before_ending(clean_up).map_err(|error| Failure::system("prepare to write", path, &error))?;
        let mut created = locked(&state);
        created.file = Some(options.create(path).map_err(|error| Failure::creating(path, &error))?);
        drop(created);
        Ok(Staging { path, state })
    }

    /// Writes all of standard input, and says what it was.
    pub(super) fn fill(&self) -> Result<Written, Failure> {
        let (mut stdin, mut piece) = (io::stdin().lock(), vec![0; PIECE]);
        let (mut hasher, mut bytes) = (Xxh3::new(), 0);
        loop {
            let read = match stdin.read(&mut piece) {
                Ok(0) => return Ok(Written { version: format!("{:032x}", hasher.digest128()), bytes, changed: true }),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(input::unreadable(&error)),
            };
            self.write(&piece[..read]).map_err(|error| self.refused(&error))?;
            hasher.update(&piece[..read]);
            bytes += read as u64;
        }
    }

    /// The content as far as it is written; from now on signals leave it alone.
    pub(super) fn take(&self) -> Option<AtomicFile> {
        let mut state = locked(&self.state);
        state.is_settled = true;
        state.file.take()
    }

    fn write(&self, piece: &[u8]) -> io::Result<()> {
        // None: a signal took it, and is about to end us.
        locked(&self.state).file.as_mut().map_or(Ok(()), |file| file.write_all(piece))
    }

    fn refused(&self, error: &io::Error) -> Failure {
        let failure = Failure::system("write a new content for", self.path, error);
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                failure.with_hint("free some space; the file is as it was")
            }
            _ => failure,
        }
    }
}

impl Drop for Staging<'_> {
    /// The other owner lives as long as the process.
    fn drop(&mut self) {
        drop(self.take());
    }
}

fn locked(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
