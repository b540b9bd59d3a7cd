//! `segments/BASE-END.idx`: a checksum for each block of a sealed segment. It can be made anew at any time, and says what
//! JSON cannot: that a byte inside a text changed.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::atomic::{Dress, Durability, Staged};
use crate::log::layout::Segment;
use crate::sys::Access;
use crate::sys::disk::{Disk, read_full_at};

const SCHEMA: &str = "stead.index/1";
const BLOCK: u64 = 64 << 10;
/// Larger ones are none of ours: the index of 8 TiB.
const LEN_MAX: u64 = 4 << 30;

/// What the blocks of a segment hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    schema: String,
    base: u64,
    end: u64,
    block: u64,
    xxh3: Vec<String>,
}

impl Index {
    /// Reads a segment and makes its index.
    pub(crate) fn of<D: Disk>(disk: &D, file: &D::File, segment: Segment) -> io::Result<Index> {
        let Segment { base, end } = segment;
        let len = end - base;
        let hashes = (0..len.div_ceil(BLOCK)).map(|number| {
            let room = BLOCK.min(len - number * BLOCK);
            let mut block = vec![0; usize::try_from(room).map_err(io::Error::other)?];
            let read = read_full_at(disk, file, &mut block, number * BLOCK)?;
            Ok(format!("{:016x}", xxh3_64(&block[..read])))
        });
        let xxh3 = hashes.collect::<io::Result<_>>()?;
        Ok(Index { schema: SCHEMA.to_owned(), base, end, block: BLOCK, xxh3 })
    }

    /// The stored index of a segment; `None` where there is none that can be understood.
    pub(crate) fn load<D: Disk>(disk: &D, path: &Path, segment: Segment) -> Option<Index> {
        let file = disk.open(path, Access::ReadOnly).ok()?;
        let len = disk.stat_file(&file).ok()?.len;
        let mut bytes = vec![0; usize::try_from(len).ok().filter(|_| len <= LEN_MAX)?];
        let read = read_full_at(disk, &file, &mut bytes, 0).ok()?;
        let index: Index = serde_json::from_slice(&bytes[..read]).ok()?;
        let is_of =
            index.schema == SCHEMA && (index.base, index.end, index.block) == (segment.base, segment.end, BLOCK);
        is_of.then_some(index)
    }

    /// Stores it beside its segment. It is not synced: one that is torn is none.
    pub(crate) fn save<D: Disk + Clone>(&self, disk: &D, path: &Path) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        let folder = crate::filesystem::folder_of(path);
        let dress = Dress::default();
        let mut staged = Staged::create(disk, folder, &dress)?;
        staged.write_all_at(&json, 0)?;
        staged.finish(&dress, Durability::None)?;
        disk.rename(staged.path()?, path)?;
        staged.settled();
        Ok(())
    }

    /// The blocks that another index of the same segment has otherwise, as logical offsets.
    pub(crate) fn differences(&self, other: &Index) -> Vec<(u64, u64)> {
        let pairs = self.xxh3.iter().zip(&other.xxh3).enumerate();
        let changed = pairs.filter(|(_, (one, other))| one != other);
        changed
            .map(|(number, _)| {
                let start = self.base + number as u64 * BLOCK;
                (start, (start + BLOCK).min(self.end))
            })
            .collect()
    }
}

/// Where the index of a segment is.
pub(crate) fn path_of(segment: &Path) -> PathBuf {
    segment.with_extension("idx")
}
