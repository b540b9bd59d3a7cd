//! jrnl, in a virtual environment, with a configuration that leaves it nothing to ask.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use super::home::Home;
use crate::tools;

pub(super) const NAME: &str = "jrnl";

/// The program.
pub(super) struct Jrnl {
    program: PathBuf,
    pub(super) version: String,
}

/// jrnl as pip installs it.
pub(super) fn install() -> Result<Jrnl> {
    let python = tools::python_with("jrnl")?;
    let told = tools::run(Command::new(&python).args(["-c", "import jrnl; print(jrnl.__version__)"]))?;
    let version = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    Ok(Jrnl { program: python.with_file_name("jrnl"), version })
}

/// A journal that jrnl keeps.
pub(super) struct Journal {
    home: Home,
    program: PathBuf,
    configuration: PathBuf,
}

impl Journal {
    /// A journal of this text, which is in jrnl's own format.
    pub(super) fn new(jrnl: Result<&Jrnl, &str>, home: Home, editor: &str, text: &str) -> Result<Journal> {
        let jrnl = jrnl.map_err(|why| anyhow!("{why}"))?;
        let (file, configuration) = (home.folder.join("journal.txt"), home.folder.join("jrnl.yaml"));
        std::fs::write(&file, text).context("write a journal")?;
        // As jrnl writes it at its first start, but for `timeformat`: Python cannot read a time in the one that it
        // chooses (`%F %r`), so that each entry takes jrnl a guess; this one is read as it is. Strings of JSON are YAML's.
        let (version, file, editor) = (json!(jrnl.version), json!(file), json!(editor));
        let yaml = format!(
            "version: {version}\njournals:\n  default:\n    journal: {file}\neditor: {editor}\nencrypt: false\n\
             template: false\ndefault_hour: 9\ndefault_minute: 0\ntimeformat: '%Y-%m-%d %H:%M'\ntagsymbols: '#@'\n\
             highlight: true\nlinewrap: 79\nindent_character: '|'\ncolors:\n  body: none\n  date: none\n  tags: none\n  \
             title: none\n"
        );
        std::fs::write(&configuration, yaml).context("write a configuration")?;
        Ok(Journal { home, program: jrnl.program.clone(), configuration })
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command(&self.program);
        command.args([Path::new("--config-file"), &self.configuration]).args(args);
        command
    }
}
