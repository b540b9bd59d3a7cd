//! A closer look at a file of the log: which stretches of it are no whole lines of whole batches.

use std::io;

use memchr::memrchr;

use crate::log::framing;
use crate::log::quarantine::Stretch;
use crate::log::tail;
use crate::sys::disk::{Disk, read_full_at};

/// What is looked at in one go, at first.
const WINDOW: u64 = 1 << 20;

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// What is no line, or of a batch that is not whole; and why.
    pub(crate) bad: Vec<(Stretch, String)>,
    /// How many lines there are beside that, blank ones not counted.
    pub(crate) lines: u64,
    /// Behind the last newline.
    pub(crate) end: u64,
    /// Whether the last of `bad` is a batch that may still be written.
    pub(crate) is_open: bool,
}

/// Looks at the bytes `from..len` of a file, which begins at `base` in history. `told` hears how far it has come.
pub(crate) fn scan<D: Disk>(
    disk: &D,
    file: &D::File,
    base: u64,
    (from, len): (u64, u64),
    told: &mut dyn FnMut(u64),
) -> io::Result<Scanned> {
    let mut found = Scanned { end: from, ..Scanned::default() };
    let (mut at, mut room) = (from, WINDOW);
    while at < len {
        let mut bytes = vec![0; usize::try_from(room.min(len - at)).map_err(io::Error::other)?];
        let read = read_full_at(disk, file, &mut bytes, at)?;
        bytes.truncate(read);
        let is_all = at + read as u64 >= len || (read as u64) < room;
        // What has no newline is for the look at the tail.
        let lines = memrchr(b'\n', &bytes).map_or(0, |newline| newline + 1);
        let mut torn = tail::torn(&bytes[..lines]);
        let mut done = lines;
        // One that may go on behind the window is looked at again with what follows.
        if !is_all && let Some((start, _)) = torn.pop_if(|(_, end)| *end == lines) {
            done = start;
        }
        found.lines += count_lines(&bytes[..done], &torn);
        found.is_open = torn.last().is_some_and(|(start, end)| *end == lines && is_open(&bytes[*start..*end]));
        found.bad.extend(torn.into_iter().map(|(start, end)| {
            let place = at + start as u64;
            let stretch = Stretch { at: place, len: (end - start) as u64, offset: base + place };
            (stretch, reason(&bytes[start..end]))
        }));
        found.end = at + done as u64;
        told(found.end - from);
        if is_all {
            break;
        }
        room = if done == 0 { room * 2 } else { WINDOW };
        at += done as u64;
    }
    Ok(found)
}

fn count_lines(bytes: &[u8], torn: &[(usize, usize)]) -> u64 {
    let lines = |bytes: &[u8]| {
        let lines = bytes.split(|byte| *byte == b'\n');
        lines.filter(|line| !framing::is_blank(line)).count() as u64
    };
    lines(bytes) - torn.iter().map(|(start, end)| lines(&bytes[*start..*end])).sum::<u64>()
}

/// Whether the last of these lines says that more must follow.
fn is_open(lines: &[u8]) -> bool {
    let last = lines.strip_suffix(b"\n").unwrap_or(lines);
    matches!(framing::ending(last), framing::Ending::First | framing::Ending::Between)
}

fn reason(lines: &[u8]) -> String {
    let objection =
        lines.split(|byte| *byte == b'\n').filter(|line| !framing::is_blank(line)).find_map(framing::objection);
    objection.unwrap_or_else(|| "a batch that was cut short".to_owned())
}
