//! Commands by their names: where they are, and how a line of them is split.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::fs::{Access, AtFlags, CWD, accessat};

/// Where execvp(3) looks when there is no PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The editors to look for where none is named.
pub(crate) const EDITORS: [&str; 3] = ["nano", "vim", "vi"];

/// The words of a command line, as a shell splits it; `None`: a quote is left open.
pub(crate) fn split_command(line: &OsStr) -> Option<Vec<OsString>> {
    let words = shlex::bytes::split(line.as_bytes())?;
    Some(words.into_iter().map(OsString::from_vec).collect())
}

/// Whether there is a program of this name on the PATH that this user may run.
pub(crate) fn is_command(name: &OsStr) -> bool {
    let path = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    env::split_paths(&path).any(|folder| is_program(&folder.join(name)))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// The signal that ended a process, 0 if none did.
pub(crate) fn signal_of(status: ExitStatus) -> i32 {
    status.signal().unwrap_or(0)
}

/// A path of these bytes.
pub(crate) fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// Whether what is at `path` belongs to this user.
pub(crate) fn is_own(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok_and(|stat| stat.st_uid == rustix::process::geteuid().as_raw())
}
