//! A folder with one Markdown file a day.

mod layout;
mod scan;

use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use stead::lock::Options;

pub(crate) use self::layout::{Layout, day_of};
use crate::{ExitCode, Failure, platform};

/// What is ours in the folder.
const OURS: &str = ".stead";
const LOCKS: &str = "locks";

/// The entry of a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) day: Date,
    pub(crate) path: PathBuf,
}

/// A journal: its folder, and how its files are named.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    folder: PathBuf,
    layout: Layout,
}

/// Entries, and why others could not be looked for.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) entries: Vec<Entry>,
    pub(crate) failures: Vec<Failure>,
}

impl From<Vec<Entry>> for Listed {
    fn from(entries: Vec<Entry>) -> Listed {
        Listed { entries, failures: Vec::new() }
    }
}

impl Journal {
    /// The journal in `folder`, in the layout of its files, or else in the one that is `wished` for. A folder that is
    /// not there is an empty journal.
    pub(crate) fn open(folder: &Path, wished: Option<Layout>) -> Result<Journal, Failure> {
        let layout = match (is_there(folder)?, wished) {
            (_, Some(wished)) => wished,
            (false, None) => Layout::Tree,
            (true, None) => scan::layout(folder)?.unwrap_or(Layout::Tree),
        };
        Ok(Journal { folder: folder.to_path_buf(), layout })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// The entry of a day: where it is, or where it would be.
    pub(crate) fn entry(&self, day: Date) -> Result<Entry, Failure> {
        let there = self.entries_of(day)?.into_iter().next();
        Ok(there.unwrap_or_else(|| Entry { day, path: self.folder.join(self.layout.file_of(day)) }))
    }

    /// All files of a day, that of the journal's layout first.
    pub(crate) fn entries_of(&self, day: Date) -> Result<Vec<Entry>, Failure> {
        let others = Layout::ALL.into_iter().filter(|layout| *layout != self.layout);
        let mut found = Vec::new();
        for layout in [self.layout].into_iter().chain(others) {
            let path = self.folder.join(layout.file_of(day));
            if is_file(&path)? {
                found.push(Entry { day, path });
            }
        }
        Ok(found)
    }

    /// All files of these days, in their order.
    pub(crate) fn entries_of_all(&self, days: impl IntoIterator<Item = Date>) -> Result<Vec<Entry>, Failure> {
        let mut found = Vec::new();
        for day in days {
            found.extend(self.entries_of(day)?);
        }
        Ok(found)
    }

    /// All entries, the oldest first.
    pub(crate) fn entries(&self) -> Result<Listed, Failure> {
        let mut listed = scan::entries(&self.folder)?;
        listed.entries.sort_unstable();
        Ok(listed)
    }

    /// Makes the folders that the entry is to lie in, and the one of the locks; private, and there after a power cut.
    pub(crate) fn prepare(&self, entry: &Entry) -> Result<(), Failure> {
        let ours = self.folder.join(OURS);
        let create = |folder: &Path| {
            platform::create_folders(folder).map_err(|error| {
                let failure = refused("create", folder, &error);
                if folder.exists() { failure } else { failure.with_code(ExitCode::CannotCreate) }
            })
        };
        create(&ours)?;
        platform::ignore_all(&ours).map_err(|error| refused("create .gitignore in", &ours, &error))?;
        entry.path.parent().map_or(Ok(()), create)
    }

    /// How the locks of this journal are made.
    pub(crate) fn locks(&self) -> Options {
        Options::new().lock_dir(self.lock_folder())
    }

    /// Where they are.
    pub(crate) fn lock_folder(&self) -> PathBuf {
        self.folder.join(OURS).join(LOCKS)
    }
}

/// Whether there is a folder. A file in its place is a failure.
fn is_there(folder: &Path) -> Result<bool, Failure> {
    match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(no_folder(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(no_folder(folder)),
        Err(error) => Err(refused("look at", folder, &error)),
    }
}

fn is_file(path: &Path) -> Result<bool, Failure> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(refused("look at", path, &error)),
    }
}

fn no_folder(folder: &Path) -> Failure {
    Failure::new(ExitCode::NoInput, format!("failed to open the journal {}: it is not a folder", folder.display()))
        .with_hint(ANOTHER_FOLDER)
}

/// A step in the journal that the system refused.
fn refused(step: &str, path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::system(step, path, error);
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            failure.with_hint(format!("`chmod u+rwX` what is yours, or {ANOTHER_FOLDER}"))
        }
        io::ErrorKind::ReadOnlyFilesystem => failure.with_hint(ANOTHER_FOLDER),
        _ => failure,
    }
}

const ANOTHER_FOLDER: &str = "choose another folder with --dir, PONDER_DIR or `dir` in the configuration";

#[cfg(test)]
mod tests;
