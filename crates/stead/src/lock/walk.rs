//! Walking down a folder.

use std::path::Path;

use crate::error::{Error, Result};
use crate::sys::{self, FileKind, Links, Stat};

/// Calls `visit` with everything below `folder`, links not followed. What cannot be read below it is passed over.
pub(crate) fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, &Stat)) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::system("read the folder", folder, error))?;
    // Collected before going down: a deep tree must not need a descriptor for each level.
    let paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    for path in paths {
        let Ok(stat) = sys::stat(&path, Links::Refuse) else { continue };
        visit(&path, &stat);
        if stat.kind == FileKind::Folder {
            // Gone or closed to us since: nothing to see.
            let _ = walk(&path, visit);
        }
    }
    Ok(())
}
