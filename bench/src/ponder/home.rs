//! A user of journals, who has nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::setup::Setup;

/// All folders that the programs of a user look into.
pub(super) struct Home {
    pub(super) folder: PathBuf,
    /// The folder of ponder's journal.
    pub(super) entries: PathBuf,
}

impl Home {
    pub(super) fn new(setup: &Setup, name: &str) -> Result<Home> {
        let entries = setup.folder(&format!("{name}/entries"))?;
        setup.folder(&format!("{name}/tmp"))?;
        Ok(Home { folder: setup.folder(name)?, entries })
    }

    /// A program as this user runs it.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", &self.folder).env("PONDER_DIR", &self.entries).env_remove("PONDER_EDITOR");
        for (variable, folder) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
            ("TMPDIR", "tmp"),
        ] {
            command.env(variable, self.folder.join(folder));
        }
        command
    }
}
