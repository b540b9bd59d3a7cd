//! `shared.page`: up to where the log is known to be durable, and whether a sync of it failed.
//!
//! One record, written in place without a sync of its own. It may be lost or old after a power cut: the offset in it is
//! a lower bound, whichever version is found. All else counts within the boot that wrote it only (trap 41).

use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::log::cursor::LogId;
use crate::sys::disk::{Disk, read_full_at, write_all_at};
use crate::sys::{Access, FileId, NewFile};

const MAGIC: &[u8; 8] = b"steadlg1";
const PAGE_LEN: usize = 128;
/// Where the flags and the checksum are; what is between the numbers and them is zero.
const FLAGS_AT: usize = PAGE_LEN - 8;
const SUM_AT: usize = PAGE_LEN - 4;
const POISONED: u32 = 1;
const SETTLED: u32 = 2;
/// How often a page is read again that is being written.
const TRIES: usize = 4;

/// Which start of the system this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Boot(u64);

impl Boot {
    /// Told by the system's own name for it; without one all are the same, and what a power cut tore is called damage.
    pub(crate) fn named(id: Option<&str>) -> Boot {
        Boot(id.map_or(0, |id| xxh3_64(id.as_bytes()) | 1))
    }
}

/// What the page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) log: LogId,
    /// The file that is, or was, `app.jsonl`.
    pub(crate) file: FileId,
    pub(crate) boot: Boot,
    /// Which mount of the filesystem it was written through, 0 where the system does not tell: a disk can lose power alone.
    pub(crate) mount: u64,
    pub(crate) poisoned: bool,
    /// The name of that file is durable, and so is this page: what is synced in it outlives a power cut.
    pub(crate) settled: bool,
    /// Where that file begins, if it is settled.
    pub(crate) base: u64,
    /// All before this logical offset is durable.
    pub(crate) synced: u64,
    /// When the first line of the active segment may have been written, in microseconds since 1970; 0: not yet.
    pub(crate) since: u64,
}

impl Page {
    /// Whether it was written since the system started.
    pub(crate) fn is_of(&self, boot: Boot) -> bool {
        self.boot == boot
    }

    /// Whether it is about this file. A device may have another number after a start of the system.
    pub(crate) fn names(&self, file: FileId, boot: Boot) -> bool {
        self.file.inode == file.inode && (self.file.device == file.device || !self.is_of(boot))
    }

    /// Whether no power can have been cut since it was written.
    pub(crate) fn is_sure(&self, boot: Boot, mount: u64) -> bool {
        self.is_of(boot) && self.mount == mount
    }

    fn encode(&self) -> [u8; PAGE_LEN] {
        let mut bytes = [0; PAGE_LEN];
        let numbers = [
            self.log.0,
            self.file.device,
            self.file.inode,
            self.boot.0,
            self.synced,
            self.since,
            self.mount,
            self.base,
        ];
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let flags = flag(self.poisoned, POISONED) | flag(self.settled, SETTLED);
        bytes[..8].copy_from_slice(MAGIC);
        for (index, number) in numbers.iter().enumerate() {
            bytes[8 + index * 8..][..8].copy_from_slice(&number.to_le_bytes());
        }
        bytes[FLAGS_AT..SUM_AT].copy_from_slice(&flags.to_le_bytes());
        let sum = crc32c::crc32c(&bytes[..SUM_AT]);
        bytes[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; PAGE_LEN]) -> Option<Page> {
        let number = |index: usize| u64::from_le_bytes(bytes[8 + index * 8..][..8].try_into().expect("8 bytes"));
        let short = |at: usize| u32::from_le_bytes(bytes[at..][..4].try_into().expect("4 bytes"));
        if &bytes[..8] != MAGIC || short(SUM_AT) != crc32c::crc32c(&bytes[..SUM_AT]) {
            return None;
        }
        Some(Page {
            log: LogId(number(0)),
            file: FileId { device: number(1), inode: number(2) },
            boot: Boot(number(3)),
            synced: number(4),
            since: number(5),
            mount: number(6),
            base: number(7),
            poisoned: short(FLAGS_AT) & POISONED != 0,
            settled: short(FLAGS_AT) & SETTLED != 0,
        })
    }
}

/// Reads the page; `None` where there is none that can be believed.
pub(crate) fn read<D: Disk>(disk: &D, path: &Path, log: LogId) -> Option<Page> {
    let file = disk.open(path, Access::ReadOnly).ok()?;
    read_open(disk, &file, log)
}

/// The same, of an open file.
pub(crate) fn read_open<D: Disk>(disk: &D, file: &D::File, log: LogId) -> Option<Page> {
    let mut bytes = [0; PAGE_LEN];
    let page = (0..TRIES).find_map(|_| {
        let read = read_full_at(disk, file, &mut bytes, 0).ok()?;
        (read == PAGE_LEN).then(|| Page::decode(&bytes)).flatten()
    })?;
    (page.log == log).then_some(page)
}

/// Opens the page for writing; it is created when missing.
pub(crate) fn open<D: Disk>(disk: &D, path: &Path) -> io::Result<D::File> {
    match disk.open(path, Access::ReadWrite) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match disk.create(path, NewFile::Default) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(path, Access::ReadWrite),
            other => other,
        },
        other => other,
    }
}

/// Writes the page.
pub(crate) fn write<D: Disk>(disk: &D, file: &D::File, page: &Page) -> io::Result<()> {
    write_all_at(disk, file, &page.encode(), 0)
}

/// For the fuzz target: what is believed says the same when it is written again.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Some(page) = bytes.first_chunk().and_then(Page::decode) {
        assert_eq!(Page::decode(&page.encode()), Some(page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_page_survives_its_bytes_and_no_other_bytes_are_one(
            numbers: [u64; 8], poisoned: bool, settled: bool, byte in 0..PAGE_LEN, bit in 0..8_u8,
        ) {
            let [log, device, inode, boot, synced, since, mount, base] = numbers;
            let file = FileId { device, inode };
            let page = Page { log: LogId(log), file, boot: Boot(boot), mount, poisoned, settled, base, synced, since };
            let mut bytes = page.encode();
            prop_assert_eq!(Page::decode(&bytes), Some(page));
            bytes[byte] ^= 1 << bit;
            prop_assert_eq!(Page::decode(&bytes), None);
        }
    }
}
