//! Walking through the folder of a journal.

use std::fs::{DirEntry, FileType, ReadDir};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use jiff::civil::Date;

use super::layout::{self, Layout};
use super::{Entry, Listed, refused};
use crate::Failure;

/// More of them wait for the same disk.
const WORKERS_MAX: usize = 4;
/// Fewer years are listed sooner than a thread is started.
const YEARS_A_WORKER: usize = 4;

/// All entries below `folder`, in no order. No folder is an empty one; one below it that cannot be read hides its own only.
pub(super) fn entries(folder: &Path) -> Result<Listed, Failure> {
    let (mut found, mut years) = (Listed::default(), Vec::new());
    for (name, entry) in names(folder)? {
        if let Some((_, day)) = layout::flat(&name) {
            found.add(day, &entry);
        } else if layout::is_year(&name) && found.is_folder(&entry) {
            years.push((name, entry.path()));
        }
    }
    found.take(of_years(&years));
    Ok(found)
}

/// The entries of these years, by several threads where there are many.
fn of_years(years: &[(String, PathBuf)]) -> Listed {
    let machine = thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
    let share = years.len().div_ceil(machine).max(YEARS_A_WORKER);
    let list = |years: &[(String, PathBuf)]| {
        let mut found = Listed::default();
        for (year, folder) in years {
            found.add_year(folder, year);
        }
        found
    };
    let (ours, others) = years.split_at(share.min(years.len()));
    thread::scope(|scope| {
        let others: Vec<_> = others.chunks(share).map(|years| scope.spawn(move || list(years))).collect();
        let mut found = list(ours);
        for other in others {
            found.take(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        found
    })
}

impl Listed {
    fn take(&mut self, other: Listed) {
        self.entries.extend(other.entries);
        self.failures.extend(other.failures);
    }

    /// What there is to go on with after a step that may have failed.
    fn settled<T: Default>(&mut self, step: Result<T, Failure>) -> T {
        step.unwrap_or_else(|failure| {
            self.failures.push(failure);
            T::default()
        })
    }

    fn add_year(&mut self, folder: &Path, year: &str) {
        for (month, entry) in self.settled(names(folder)) {
            if layout::is_month(&month) && self.is_folder(&entry) {
                for (name, file) in self.settled(names(&entry.path())) {
                    if let Some(day) = layout::in_tree(year, &month, &name) {
                        self.add(day, &file);
                    }
                }
            }
        }
    }

    fn add(&mut self, day: Date, entry: &DirEntry) {
        if self.settled(kind(entry)).is_some_and(|kind| kind.is_file()) {
            self.entries.push(Entry { day, path: entry.path() });
        }
    }

    fn is_folder(&mut self, entry: &DirEntry) -> bool {
        self.settled(kind(entry)).is_some_and(|kind| kind.is_dir())
    }
}

/// The layout that the files of a journal are in; `None` for one without entries. A tree wins, for it is what new
/// journals have; of the flat ones the one with more files.
pub(super) fn layout(folder: &Path) -> Result<Option<Layout>, Failure> {
    let (mut dashed, mut compact, mut years) = (0, 0, Vec::new());
    for (name, entry) in names(folder)? {
        match layout::flat(&name) {
            Some((Layout::Compact, _)) => compact += 1,
            Some(_) => dashed += 1,
            None if layout::is_year(&name) => years.push((name, entry.path())),
            None => {}
        }
    }
    if has_entries(years) {
        return Ok(Some(Layout::Tree));
    }
    Ok(match (dashed, compact) {
        (0, 0) => None,
        _ if compact > dashed => Some(Layout::Compact),
        _ => Some(Layout::Dashed),
    })
}

/// Whether there is an entry in one of the folders of years; the newest are looked at first.
fn has_entries(mut years: Vec<(String, PathBuf)>) -> bool {
    years.sort_unstable_by(|a, b| b.cmp(a));
    years.into_iter().any(|(year, folder)| {
        let mut found = Listed::default();
        found.add_year(&folder, &year);
        !found.entries.is_empty()
    })
}

/// What is in a folder, with names that are text: others are no entries.
fn names(folder: &Path) -> Result<Vec<(String, DirEntry)>, Failure> {
    let fail = |error: io::Error| refused("list", folder, &error);
    let mut names = Vec::new();
    for entry in listed(folder).map_err(fail)?.into_iter().flatten() {
        let entry = entry.map_err(fail)?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push((name, entry));
        }
    }
    Ok(names)
}

fn listed(folder: &Path) -> io::Result<Option<ReadDir>> {
    match folder.read_dir() {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        listed => listed.map(Some),
    }
}

/// Of what kind it is, behind links; `None` if it is gone, or a link that leads nowhere.
fn kind(entry: &DirEntry) -> Result<Option<FileType>, Failure> {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => Ok(entry.path().metadata().ok().map(|metadata| metadata.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        kind => kind.map(Some).map_err(|error| refused("look at", &entry.path(), &error)),
    }
}
