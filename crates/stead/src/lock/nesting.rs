//! Locks that a `stead run` above this process holds for it, told in the environment.

use std::fmt;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::inspect;
use crate::lock::open::{OpenLock, peek};
use crate::lock::record::Decoded;
use crate::sys::{FileId, Mode};

/// The environment variable that tells a process which locks it runs under.
pub const HELD_VARIABLE: &str = "STEAD_HELD";

/// One lock that is held above: `DEVICE:INODE:MODE:PID:TOKEN`, entries joined by blanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Above {
    pub(crate) id: FileId,
    pub(crate) mode: Mode,
    pub(crate) pid: u32,
    pub(crate) token: Option<u64>,
}

impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Above { id, mode, pid, token } = self;
        write!(f, "{}:{}:{mode}:{pid}:{}", id.device, id.inode, token.unwrap_or(0))
    }
}

fn parse(entry: &str) -> Option<Above> {
    let mut fields = entry.split(':');
    let mut number = || fields.next()?.parse::<u64>().ok();
    let id = FileId { device: number()?, inode: number()? };
    let mode = match fields.next()? {
        "exclusive" => Mode::Exclusive,
        "shared" => Mode::Shared,
        _ => return None,
    };
    let pid = fields.next()?.parse().ok()?;
    let token = fields.next()?.parse().ok().filter(|token| *token != 0);
    Some(Above { id, mode, pid, token })
}

/// Whether this process may proceed under a hold from above, for a lock that turned out to be taken. The variable
/// alone proves nothing, for a process may outlive the hold that it was started under: the hold must still be there.
pub(crate) fn held_above(open: &OpenLock, mode: Mode, shown: &Path) -> Result<Option<Above>> {
    let Some(above) = entries().into_iter().find(|above| above.id == open.id && is_still_held(above, open)) else {
        return Ok(None);
    };
    if above.mode == Mode::Shared && mode == Mode::Exclusive {
        return Err(Error::new(ErrorKind::AlreadyHeld, "lock", shown).with_hint(format!(
            "the command runs under a shared lock of pid {}; ask for the exclusive one there",
            above.pid
        )));
    }
    Ok(Some(above))
}

fn entries() -> Vec<Above> {
    let held = std::env::var(HELD_VARIABLE).unwrap_or_default();
    held.split_ascii_whitespace().filter_map(parse).collect()
}

/// Whether the hold from above is still there; nobody tells those below when it ends.
pub(crate) fn is_still_held(above: &Above, open: &OpenLock) -> bool {
    match (above.token, peek(&open.file)) {
        // The record of one who was killed stays until the next of us; one who writes none may hold the lock now.
        (Some(token), Decoded::Record(record)) => {
            record.token == token && record.grant.is_some() && inspect::may_be_taken_by(open.id, above.pid)
        }
        (Some(_), _) => false,
        (None, _) => inspect::is_taken_by(open.id, above.pid, above.mode),
    }
}

/// The value of [`HELD_VARIABLE`] for a child that runs under `holds` and all that is held above.
pub(crate) fn variable(holds: impl IntoIterator<Item = Above>) -> String {
    let mut all = entries();
    for hold in holds {
        all.retain(|above| above.id != hold.id);
        all.push(hold);
    }
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let above = Above { id: FileId { device: 7, inode: 9 }, mode: Mode::Shared, pid: 4312, token: None };
        assert_eq!(parse(&above.to_string()), Some(above));
        let above = Above { mode: Mode::Exclusive, token: Some(u64::MAX), ..above };
        assert_eq!(parse(&above.to_string()), Some(above));
    }

    proptest! {
        #[test]
        fn nonsense_is_no_lock(text in "[0-9a-z:]{0,40}") {
            let _ = parse(&text);
        }
    }
}
