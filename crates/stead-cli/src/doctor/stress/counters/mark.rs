//! Who is inside: a file beside each counter that the exclusive holder writes its name into, and blanks when it leaves.
//!
//! A name found there at the entrance is of one who is inside too, or of one who was killed inside. Its ledger tells
//! which: only one who was killed never wrote down that it left.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use super::count::Section;
use crate::doctor::trouble::Trouble;

/// Always this long, so that it is never truncated and one write replaces all of it.
const LEN: usize = 40;

/// A counter's mark.
pub(super) struct Mark {
    file: File,
    path: PathBuf,
}

impl Mark {
    pub(super) fn open(path: PathBuf) -> Result<Mark, Trouble> {
        let file = File::options().read(true).write(true).open(&path).map_err(Trouble::at("open", &path))?;
        Ok(Mark { file, path })
    }

    /// Who is inside, by the mark.
    pub(super) fn read(&mut self) -> Result<Option<Section>, Trouble> {
        let mut text = String::with_capacity(LEN);
        self.file
            .rewind()
            .and_then(|()| self.file.read_to_string(&mut text))
            .map_err(Trouble::at("read", &self.path))?;
        Ok(text.trim().parse().ok())
    }

    /// Says who is inside.
    pub(super) fn write(&mut self, inside: Option<Section>) -> Result<(), Trouble> {
        let name = inside.map_or_else(String::new, |section| section.to_string());
        let line = format!("{name:<width$}\n", width = LEN - 1);
        self.file.rewind().and_then(|()| self.file.write_all(line.as_bytes())).map_err(Trouble::at("write", &self.path))
    }
}
