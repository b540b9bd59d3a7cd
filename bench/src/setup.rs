//! What every benchmark is given.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// How thorough to be, and where to put files.
pub(crate) struct Setup {
    quick: bool,
    /// The stead command to measure, if it is not to be built.
    pub(crate) stead: Option<PathBuf>,
    scratch: TempDir,
}

impl Setup {
    pub(crate) fn new(quick: bool, stead: Option<PathBuf>) -> Result<Setup> {
        // Beside the build, on the filesystem of the tree: a temporary folder may lie in memory.
        let target = root().join("target");
        std::fs::create_dir_all(&target).with_context(|| format!("create {}", target.display()))?;
        let scratch = tempfile::Builder::new().prefix("scratch-").tempdir_in(&target).context("create a folder")?;
        Ok(Setup { quick, stead, scratch })
    }

    /// One of two efforts.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// An empty folder, removed at the end.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.path().join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(folder)
    }
}

/// The folder `bench` of the tree that this was built from.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
