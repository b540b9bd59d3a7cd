//! The file that `--status-file` names: replaced whole, by a temporary beside it and a rename.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use tempfile::NamedTempFile;

/// A file that can be replaced, as far as was seen.
#[derive(Debug)]
pub(crate) struct StatusFile {
    /// As it was named, for messages.
    shown: PathBuf,
    /// Links followed, so that a link stays one.
    target: PathBuf,
}

impl StatusFile {
    /// Looks whether the file can be written: before the command is run. Nothing of it is left behind.
    pub(crate) fn new(path: &Path) -> Result<StatusFile, Failure> {
        let target = match path.canonicalize() {
            Ok(target) if target.is_file() => target,
            Ok(_) => {
                let message = format!("failed to create the status file {}: it is not a regular file", path.display());
                return Err(Failure::new(ExitCode::CannotCreate, message)
                    .with_hint("name a file that does not exist yet, or one that may be replaced"));
            }
            Err(_) => path.to_path_buf(),
        };
        let file = StatusFile { shown: path.to_path_buf(), target };
        file.temporary().map(|_| file).map_err(|error| not_written(path, &error))
    }

    /// Replaces the file.
    pub(crate) fn write(&self, status: &Value) -> Result<(), Failure> {
        let replace = || {
            let mut temporary = self.temporary()?;
            writeln!(temporary, "{status}")?;
            temporary.persist(&self.target).map_err(|error| error.error)
        };
        replace().map(drop).map_err(|error| not_written(&self.shown, &error))
    }

    fn temporary(&self) -> io::Result<NamedTempFile> {
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // With the mode that any new file has, not the private one of temporaries.
        tempfile::Builder::new().prefix(".stead-status-").suffix(".tmp").make_in(folder, |path| File::create_new(path))
    }
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::system("write the status file", path, error);
    let code = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied => {
            ExitCode::CannotCreate
        }
        _ => failure.code,
    };
    failure.with_code(code).with_hint("its folder must exist and be writable")
}
