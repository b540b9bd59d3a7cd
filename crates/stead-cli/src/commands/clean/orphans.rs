//! The temporary files that writers that died left behind.

use std::path::Path;

use stead::atomic::{Swept, sweep};
use stead_console::failure::Failure;

/// What a folder has whose files are locked by their sidecars.
const OURS: &str = ".stead";

/// Sweeps `folder`, and every folder below it that has a `.stead`.
pub(super) fn sweep_below(folder: &Path) -> Result<Swept, Failure> {
    let mut all = sweep(folder)?;
    go_down(folder, &mut all);
    Ok(all)
}

/// What cannot be read below is passed over, and links are not followed.
fn go_down(folder: &Path, all: &mut Swept) {
    let Ok(entries) = folder.read_dir() else { return };
    // Collected before going down: a deep tree must not need a descriptor for each level.
    let entries: Vec<_> = entries.flatten().collect();
    for entry in entries {
        if entry.file_name() == OURS || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if path.join(OURS).is_dir() {
            add(&path, all);
        }
        go_down(&path, all);
    }
}

fn add(folder: &Path, all: &mut Swept) {
    match sweep(folder) {
        Ok(swept) => {
            all.removed.extend(swept.removed);
            all.in_use += swept.in_use;
            all.put_back.extend(swept.put_back);
            all.kept.extend(swept.kept);
            all.failed.extend(swept.failed);
        }
        Err(error) => all.failed.push((folder.to_path_buf(), error.to_string())),
    }
}
