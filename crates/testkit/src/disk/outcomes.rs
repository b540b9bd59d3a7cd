//! What may become of one file in a power cut.

use std::collections::HashSet;
use std::sync::Arc;

use fastrand::Rng;

use super::file::{Change, FileNode, SECTOR, Survivors};

/// Below this many sectors in flight every mix of them is tried.
const SECTORS_MIXED: usize = 5;
/// Below this many lengths in flight the same.
const LENGTHS_MIXED: usize = 4;
/// How many mixes are drawn by lot otherwise.
const DRAWN: usize = 8;
/// How many contents of one file are looked at, at most.
const OUTCOMES_MAX: usize = 400;

/// The contents that a file may have: first with nothing that is not durable, then (if there is any) with all of it.
pub(super) fn outcomes(file: &FileNode, rng: &mut Rng) -> Vec<Arc<Vec<u8>>> {
    let mut found = Found { file, seen: HashSet::new(), contents: Vec::new() };
    found.add(&Survivors::none(file));
    if file.changes.is_empty() {
        return found.contents;
    }
    found.add(&Survivors::all(file));
    found.add_prefixes();
    found.add_lengths();
    let writes = (0..file.changes.len()).filter(|number| is_open(file, *number));
    let sectors: Vec<_> = writes.flat_map(|number| sectors_of(file, number)).collect();
    let lengths = file.changes.len() - file.synced;
    if sectors.len() <= SECTORS_MIXED && lengths <= LENGTHS_MIXED {
        found.add_every_mix(&sectors);
    }
    for _ in 0..DRAWN {
        found.add_drawn(&sectors, rng);
    }
    // The last ones first: those before have been looked at when they were the last.
    for number in (0..file.changes.len()).rev().filter(|number| is_open(file, *number)) {
        found.add_torn(number);
    }
    found.contents
}

/// Whether this change writes bytes that may be lost.
fn is_open(file: &FileNode, number: usize) -> bool {
    file.changes[number].write.as_ref().is_some_and(|write| write.dropped || number >= file.synced)
}

/// The places in [`Survivors::sectors`] of one change.
fn sectors_of(file: &FileNode, number: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
    let count = |change: &Change| change.write.as_ref().map_or(0, |write| write.sectors().len());
    (0..count(&file.changes[number])).map(move |index| (number, index))
}

struct Found<'a> {
    file: &'a FileNode,
    seen: HashSet<Arc<Vec<u8>>>,
    contents: Vec<Arc<Vec<u8>>>,
}

impl Found<'_> {
    fn add(&mut self, survivors: &Survivors) {
        if self.contents.len() < OUTCOMES_MAX {
            let content = Arc::new(self.file.after(survivors));
            if self.seen.insert(Arc::clone(&content)) {
                self.contents.push(content);
            }
        }
    }

    /// What was done first is there, what was done later is not.
    fn add_prefixes(&mut self) {
        for changes in self.file.synced..self.file.changes.len() {
            self.add(&Survivors::first(self.file, changes));
        }
    }

    /// The length without the bytes, which are zeros then, and the bytes without the length.
    fn add_lengths(&mut self) {
        for lengths in self.file.synced..=self.file.changes.len() {
            self.add(&Survivors { lengths, ..Survivors::none(self.file) });
            self.add(&Survivors { lengths, ..Survivors::all(self.file) });
        }
    }

    fn add_every_mix(&mut self, sectors: &[(usize, usize)]) {
        for mix in 0..1_u32 << sectors.len() {
            let mut survivors = Survivors::none(self.file);
            for (bit, (number, index)) in sectors.iter().enumerate() {
                survivors.sectors[*number][*index] = mix & (1 << bit) != 0;
            }
            for lengths in self.file.synced..=self.file.changes.len() {
                survivors.lengths = lengths;
                self.add(&survivors);
            }
        }
    }

    /// One write is there in part or not at all, its neighbours are or are not.
    fn add_torn(&mut self, number: usize) {
        let change = &self.file.changes[number];
        let Some(write) = &change.write else { return };
        let count = write.sectors().len();
        let first = write.sectors().start;
        let mut cuts = vec![0, 1, 2, count / 2, count.saturating_sub(1), count];
        cuts.retain(|cut| *cut <= count);
        cuts.sort_unstable();
        cuts.dedup();
        let contexts = [
            Survivors::first(self.file, number + 1),
            Survivors::all(self.file),
            Survivors { lengths: self.file.synced.max(number + 1), ..Survivors::none(self.file) },
        ];
        for mut context in contexts {
            for cut in &cuts {
                context.sectors[number].fill(false);
                context.sectors[number][..*cut].fill(true);
                self.add(&context);
                let len_max = (first + cut) * SECTOR;
                if (self.file.len_after(number) + 1..change.len).contains(&len_max) && number >= self.file.synced {
                    self.add(&Survivors { len_max, lengths: number + 1, ..context.clone() });
                }
                context.sectors[number][..*cut].fill(false);
                context.sectors[number][*cut..].fill(true);
                self.add(&context);
            }
        }
    }

    fn add_drawn(&mut self, sectors: &[(usize, usize)], rng: &mut Rng) {
        let mut survivors = Survivors::none(self.file);
        for (number, index) in sectors {
            survivors.sectors[*number][*index] = rng.bool();
        }
        survivors.lengths = rng.usize(self.file.synced..=self.file.changes.len());
        self.add(&survivors);
    }
}
