//! One file: what is on the disk for certain, and what has been asked for since.

use std::ops::Range;
use std::sync::Arc;

use stead::disk::Metadata;

/// What the device writes as a whole or not at all.
pub(super) const SECTOR: usize = 512;

/// A change of content or length that is not durable, or that came after one that never may be.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// How long the file is after it.
    pub(super) len: usize,
    /// `None`: only the length was set.
    pub(super) write: Option<Write>,
}

/// Bytes that were written.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) offset: usize,
    pub(super) bytes: Arc<[u8]>,
    /// A sync failed on it: it may or may not be on the disk, and no later sync will change that.
    pub(super) dropped: bool,
}

impl Write {
    /// The sectors that it touches.
    pub(super) fn sectors(&self) -> Range<usize> {
        self.offset / SECTOR..(self.offset + self.bytes.len()).div_ceil(SECTOR)
    }
}

/// A file, whether it has a name or not.
#[derive(Debug, Clone)]
pub(super) struct FileNode {
    pub(super) live: Arc<Vec<u8>>,
    pub(super) live_metadata: Arc<Metadata>,
    pub(super) durable: Arc<Vec<u8>>,
    pub(super) durable_metadata: Arc<Metadata>,
    pub(super) changes: Vec<Change>,
    /// How many of the changes a sync has vouched for; they are kept only because of dropped ones among them.
    pub(super) synced: usize,
    /// What the metadata has been since it was durable.
    pub(super) metadata_versions: Vec<Arc<Metadata>>,
    pub(super) handles: usize,
}

impl FileNode {
    /// One whose every byte is durable.
    pub(super) fn durable(content: Arc<Vec<u8>>, metadata: Arc<Metadata>) -> FileNode {
        FileNode {
            live: Arc::clone(&content),
            live_metadata: Arc::clone(&metadata),
            durable: content,
            durable_metadata: metadata,
            changes: Vec::new(),
            synced: 0,
            metadata_versions: Vec::new(),
            handles: 0,
        }
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        let live = Arc::make_mut(&mut self.live);
        if live.len() < end {
            live.resize(end, 0);
        }
        live[offset..end].copy_from_slice(bytes);
        let write = Write { offset, bytes: bytes.into(), dropped: false };
        self.changes.push(Change { len: live.len(), write: Some(write) });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        if len != self.live.len() {
            Arc::make_mut(&mut self.live).resize(len, 0);
            self.changes.push(Change { len, write: None });
        }
    }

    pub(super) fn set_metadata(&mut self, metadata: Metadata) {
        if *self.live_metadata != metadata {
            self.live_metadata = Arc::new(metadata);
            self.metadata_versions.push(Arc::clone(&self.live_metadata));
        }
    }

    pub(super) fn sync_content(&mut self) {
        let dropped = |change: &Change| change.write.as_ref().is_some_and(|write| write.dropped);
        if self.changes.iter().any(dropped) {
            self.synced = self.changes.len();
        } else {
            self.durable = Arc::clone(&self.live);
            self.changes.clear();
            self.synced = 0;
        }
    }

    pub(super) fn sync_metadata(&mut self) {
        self.durable_metadata = Arc::clone(&self.live_metadata);
        self.metadata_versions.clear();
    }

    /// A sync has failed: what was to be written is taken for written. `reverted`: it is gone from memory as well.
    pub(super) fn drop_unsynced(&mut self, reverted: bool) {
        for change in &mut self.changes[self.synced..] {
            if reverted {
                change.write = None;
            } else if let Some(write) = &mut change.write {
                write.dropped = true;
            }
        }
        if reverted {
            self.live = Arc::new(self.after(&Survivors::all(self)));
        }
    }

    /// What a power cut leaves of the content if these survive.
    pub(super) fn after(&self, survivors: &Survivors) -> Vec<u8> {
        let ends = self.changes.iter().filter_map(|change| change.write.as_ref());
        let extent = ends.map(|write| write.offset + write.bytes.len()).fold(self.durable.len(), usize::max);
        // A sector goes to the disk as it is then: with the last change to it go those before.
        let mut last = vec![0; extent.div_ceil(SECTOR)];
        for (number, change) in self.changes.iter().enumerate() {
            let Some(write) = change.write.as_ref().filter(|write| !write.dropped) else { continue };
            for (index, sector) in write.sectors().enumerate() {
                if number < self.synced || survivors.sectors[number][index] {
                    last[sector] = number + 1;
                }
            }
        }
        let mut content = Vec::clone(&self.durable);
        content.resize(extent, 0);
        for (number, change) in self.changes.iter().enumerate() {
            let Some(write) = &change.write else {
                let everywhere = number < survivors.lengths;
                for (sector, bytes) in content.chunks_mut(SECTOR).enumerate() {
                    if everywhere || last[sector] > number {
                        let kept = change.len.saturating_sub(sector * SECTOR).min(bytes.len());
                        bytes[kept..].fill(0);
                    }
                }
                continue;
            };
            for (index, sector) in write.sectors().enumerate() {
                if if write.dropped { survivors.sectors[number][index] } else { last[sector] > number } {
                    let from = write.offset.max(sector * SECTOR);
                    let to = (write.offset + write.bytes.len()).min((sector + 1) * SECTOR);
                    content[from..to].copy_from_slice(&write.bytes[from - write.offset..to - write.offset]);
                }
            }
        }
        content.resize(self.len_after(survivors.lengths).min(survivors.len_max), 0);
        content
    }

    /// How long the file is after so many changes.
    pub(super) fn len_after(&self, changes: usize) -> usize {
        changes.checked_sub(1).map_or(self.durable.len(), |last| self.changes[last].len)
    }
}

/// What of a file's changes outlives a power cut.
#[derive(Debug, Clone)]
pub(super) struct Survivors {
    /// For each change, for each sector that it writes.
    pub(super) sectors: Vec<Vec<bool>>,
    /// How many of the changes of length.
    pub(super) lengths: usize,
    /// A length that was written half-way through a change.
    pub(super) len_max: usize,
}

impl Survivors {
    /// Only what a sync has vouched for.
    pub(super) fn none(file: &FileNode) -> Survivors {
        let count = |change: &Change| change.write.as_ref().map_or(0, |write| write.sectors().len());
        let sectors = file.changes.iter().map(|change| vec![false; count(change)]).collect();
        Survivors { sectors, lengths: file.synced, len_max: usize::MAX }
    }

    /// Everything.
    pub(super) fn all(file: &FileNode) -> Survivors {
        let mut survivors = Survivors::none(file);
        survivors.sectors.iter_mut().for_each(|sectors| sectors.fill(true));
        survivors.lengths = file.changes.len();
        survivors
    }

    /// What the first so many changes did.
    pub(super) fn first(file: &FileNode, changes: usize) -> Survivors {
        let mut survivors = Survivors::none(file);
        survivors.sectors[..changes].iter_mut().for_each(|sectors| sectors.fill(true));
        survivors.lengths = changes.max(file.synced);
        survivors
    }
}
