//! A place in the log, as the command line names it.

use std::path::Path;
use std::str::FromStr;

use stead::log::{Cursor, EventReader, InvalidCursor};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;

use super::sorted;

/// `LOGID:OFFSET:HASH`, or a logical offset alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Cursor(Cursor),
    Offset(u64),
}

impl FromStr for Place {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Place, InvalidCursor> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(offset) if is_number => Ok(Place::Offset(offset)),
            _ => text.parse().map(Place::Cursor),
        }
    }
}

impl Place {
    /// The offset, at which a line of this log begins.
    pub(super) fn offset(self, reader: &EventReader, dir: &Path) -> Result<u64, Failure> {
        match self {
            Place::Cursor(cursor) => Ok(reader.offset_of(&cursor)?),
            Place::Offset(0) => Ok(0),
            Place::Offset(offset) => match sorted(reader.read_line_hash_before(offset))? {
                Ok(Some(_)) => Ok(offset),
                Ok(None) => Err(no_line(dir, offset)),
                Err(error) => Err(Failure::system("read the log", dir, &error)),
            },
        }
    }
}

fn no_line(dir: &Path, offset: u64) -> Failure {
    Failure::new(ExitCode::No, format!("no line of {} begins at offset {offset}", dir.display()))
        .with_hint("`stead log stat` says where the log begins and ends")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_cursor_or_a_number() {
        assert_eq!("97".parse(), Ok(Place::Offset(97)));
        let cursor = "00000000000000ff:97:45ab6734b21e6968";
        assert_eq!(cursor.parse(), Ok(Place::Cursor(cursor.parse().unwrap())));
        for bad in ["", "+1", "-1", "1:2", "99999999999999999999", "x"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
