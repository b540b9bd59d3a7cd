//! That the simulated disk loses what a real one may lose, and nothing else.

mod calls;
mod content;
mod names;
mod scenarios;
mod troubles;

use std::collections::BTreeSet;
use std::path::Path;

use stead::disk::{Access, Disk, NewFile};

use super::{SimDisk, SimFile};

fn p(path: &str) -> &Path {
    Path::new(path)
}

fn disk_with(content: &[u8]) -> SimDisk {
    let disk = SimDisk::new(&["/d", "/e"]);
    disk.put("/d/f", content);
    disk
}

fn create(disk: &SimDisk, path: &str, content: &[u8]) -> SimFile {
    let file = disk.create(p(path), NewFile::Default).unwrap();
    assert_eq!(disk.write_at(&file, content, 0).unwrap(), content.len());
    file
}

fn open(disk: &SimDisk) -> SimFile {
    disk.open(p("/d/f"), Access::ReadWrite).unwrap()
}

/// Everything that may be in a file after a power cut; `None`: no file.
fn left(disk: &SimDisk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    disk.crash_states(100_000, 0).map(|state| state.content(path)).collect()
}

/// The same, of a file that is there in any case.
fn contents(disk: &SimDisk) -> BTreeSet<Vec<u8>> {
    left(disk, "/d/f").into_iter().map(|content| content.expect("a file with a durable name")).collect()
}

/// Contents with what they are made of: letter and count of each run.
fn runs(content: &[u8]) -> String {
    let runs = content.chunk_by(|one, other| one == other);
    let runs: Vec<_> = runs.map(|run| format!("{}{}", char::from(run[0].max(b'0')), run.len())).collect();
    runs.join(" ")
}
