//! What the user has settled: flags over the environment over the configuration file over defaults.

mod file;
mod places;

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use stead_console::messages::quoted;

pub(crate) use self::file::File;
use crate::journal::{Journal, Layout};
use crate::template::Template;
use crate::{ExitCode, Failure};

/// The environment variable that says what `--dir` says.
pub(crate) const DIR_VARIABLE: &str = "PONDER_DIR";
/// The environment variable that says what `--editor` says.
pub(crate) const EDITOR_VARIABLE: &str = "PONDER_EDITOR";

/// Who named the folder of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Variable,
    Configuration,
    Default,
}

/// What holds for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The folder of the journal.
    pub(crate) folder: PathBuf,
    pub(crate) source: Source,
    pub(crate) layout: Option<Layout>,
    /// The editor that the configuration names, and where the configuration is.
    pub(crate) editor: Option<(String, PathBuf)>,
    template: Option<PathBuf>,
}

impl Settings {
    /// What holds where the command line names this folder, or none.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Settings, Failure> {
        let (file, path) = match places::configuration() {
            Some(path) => (File::read(&path)?, path),
            None => (File::default(), PathBuf::new()),
        };
        let (folder, source) = match (folder, variable(DIR_VARIABLE), &file.dir) {
            (Some(folder), _, _) => (folder.to_path_buf(), Source::Flag),
            (None, Some(folder), _) => (PathBuf::from(folder), Source::Variable),
            (None, None, Some(folder)) => (places::meant(folder, &path), Source::Configuration),
            (None, None, None) => (default_folder()?, Source::Default),
        };
        Ok(Settings {
            folder: absolute(&folder)?,
            source,
            layout: file.layout,
            template: file.template.map(|template| places::meant(&template, &path)),
            editor: file.editor.map(|editor| (editor, path)),
        })
    }

    /// The journal that is meant.
    pub(crate) fn journal(&self) -> Result<Journal, Failure> {
        Journal::open(&self.folder, self.layout)
    }

    /// How the user calls ponder for the same journal: `ponder recover`.
    pub(crate) fn command(&self, words: &str) -> String {
        match self.source {
            Source::Flag => format!("ponder --dir {} {words}", quoted(&self.folder)),
            _ => format!("ponder {words}"),
        }
    }

    /// What new entries begin with.
    pub(crate) fn template(&self) -> Result<Template, Failure> {
        let Some(path) = &self.template else { return Ok(Template::default()) };
        std::fs::read(path).map(Template::from).map_err(|error| {
            Failure::system("read the template", path, &error)
                .with_code(ExitCode::Configuration)
                .with_hint("write it, or take `template` out of the configuration")
        })
    }
}

/// An environment variable that says something.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn default_folder() -> Result<PathBuf, Failure> {
    places::documents().map(|documents| documents.join("ponder")).ok_or_else(|| {
        Failure::new(ExitCode::Configuration, "no journal: this user has no home folder")
            .with_hint("name the folder of the journal with --dir or PONDER_DIR")
    })
}

/// A journal is meant whatever the current folder is: an editor may change it.
fn absolute(folder: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(folder).map_err(|error| {
        Failure::new(ExitCode::Configuration, format!("'{}' is no folder of a journal: {error}", folder.display()))
            .with_hint("name the folder of the journal with --dir or PONDER_DIR")
    })
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Flag => "--dir",
            Source::Variable => DIR_VARIABLE,
            Source::Configuration => "the configuration",
            Source::Default => "default",
        })
    }
}
