//! The place where the last `tail` ended, in a file.

use std::io;
use std::path::PathBuf;

use stead::log::{Cursor, EventReader, LogId, line_hash};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;

/// The file, and the log that it is about.
pub(super) struct CursorFile {
    path: PathBuf,
    log: LogId,
}

impl CursorFile {
    pub(super) fn of(path: PathBuf, reader: &EventReader) -> Result<CursorFile, Failure> {
        Ok(CursorFile { path, log: reader.log_id()? })
    }

    /// What is in it; `None` if it is not there.
    pub(super) fn load(&self) -> Result<Option<Cursor>, Failure> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::system("read", &self.path, &error)),
        };
        text.trim_ascii_end().parse().map(Some).map_err(|wrong| {
            Failure::new(ExitCode::Data, format!("{} holds no cursor", self.path.display()))
                .with_hint(format!("{wrong}"))
        })
    }

    /// The place behind `line`, which ends at this offset. When this returns, it outlives a power cut.
    pub(super) fn store(&self, line: &[u8], end: u64) -> Result<(), Failure> {
        let cursor = format!("{}:{end}:{}\n", self.log, line_hash(line));
        let stored = stead::atomic::replace(&self.path, cursor.as_bytes());
        stored.map(drop).map_err(|error| Failure::creating(&self.path, &error))
    }
}
