//! Plain file steps of the tests. Nothing here has to survive a power cut: all of it is thrown away.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

const RENAMES_MAX: u32 = 100;
const RENAME_PAUSE: Duration = Duration::from_millis(5);

/// Makes `path` hold `bytes`.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    File::create(path)?.write_all(bytes)
}

/// Gives a file another name, over whatever has it.
///
/// Trap 23: Windows refuses that now and then while somebody has the file open; elsewhere the first refusal counts
/// only a moment later.
#[expect(clippy::disallowed_methods, reason = "the bare rename is what is tested; durability is not wanted")]
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match std::fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && tries < RENAMES_MAX => tries += 1,
            other => return other,
        }
        std::thread::sleep(RENAME_PAUSE);
    }
}
