//! Commands by their names: where they are, and how a line of them is split.

use std::env;
use std::ffi::{OsStr, OsString};

/// The editors to look for where none is named.
pub(crate) const EDITORS: [&str; 1] = ["notepad"];

/// The words of a command line: they end at blanks outside of double quotes, and a backslash is one. `None`: a quote is
/// left open.
pub(crate) fn split_command(line: &OsStr) -> Option<Vec<OsString>> {
    let line = line.to_string_lossy();
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    for character in line.chars() {
        match character {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            blank if blank.is_whitespace() && !is_quoted => words.extend(word.take().map(OsString::from)),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word.map(OsString::from));
    (!is_quoted).then_some(words)
}

/// Whether there is a program of this name on the PATH.
pub(crate) fn is_command(name: &OsStr) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| {
        let mut program = folder.join(name).into_os_string();
        program.push(".exe");
        std::path::Path::new(&program).is_file()
    })
}

/// The signal that ended a process: there are none.
pub(crate) fn signal_of(_status: std::process::ExitStatus) -> i32 {
    0
}

/// A path of these bytes, as far as they are UTF-8.
pub(crate) fn path_of_bytes(bytes: Vec<u8>) -> std::path::PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// Whether what is at `path` belongs to this user: what lies in the user's own folder does.
pub(crate) fn is_own(path: &std::path::Path) -> bool {
    path.symlink_metadata().is_ok()
}
