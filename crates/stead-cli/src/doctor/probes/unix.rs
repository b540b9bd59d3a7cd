//! What all Unix systems do alike.

use std::fs::File;

use crate::doctor::bench::Bench;
use crate::doctor::clock;
use crate::doctor::files;
use crate::doctor::promises::Verdict;
use crate::doctor::report::Span;
use crate::doctor::trouble::Trouble;

/// The system takes a request to make a folder's entries durable.
pub(in crate::doctor) fn sync_folder(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let (path, entry) = (&bench.folder, bench.folder.join("entry"));
    files::put(&entry, b"new").map_err(Trouble::at("write", &entry))?;
    let folder = File::open(path).map_err(Trouble::at("open", path))?;
    let began = clock::now();
    folder.sync_all().map_err(Trouble::at("sync", path))?;
    Ok(match bench.filesystem.name() {
        "tmpfs" | "ramfs" => Verdict::kept(""),
        _ => Verdict::kept(format!("took {}", Span(began.elapsed()))),
    })
}
