//! What a power cut may leave of a disk.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use fastrand::Rng;
use stead::disk::Metadata;

use super::SimDisk;
use super::file::FileNode;
use super::outcomes::outcomes;
use super::state::{Control, Nature, State};
use super::tree::{Folders, Naming, Tree, reachable};

/// How often in a row lots may bring nothing new before no more are drawn.
const BARREN_MAX: usize = 500;

impl SimDisk {
    /// What a power cut may leave now, each a disk of its own on which everything is durable and nothing open or
    /// locked; faults, cuts, counts and the lack of space are not taken over, sabotage and lacking calls are.
    ///
    /// All of it, if that is at most `budget` states; else the corners (each uncertain thing by itself both ways, with
    /// everything else lost or kept) and then what `seed` draws. No two are equal, and the order is always the same.
    pub fn crash_states(&self, budget: usize, seed: u64) -> CrashStates {
        CrashStates::new(&self.state(), budget, seed)
    }
}

/// The states that a power cut may leave.
#[derive(Debug)]
pub struct CrashStates {
    durable: Folders,
    pending: Vec<Naming>,
    /// Which of `pending` may be lost.
    loose: Vec<usize>,
    files: BTreeMap<u64, Fate>,
    next_inode: u64,
    nature: Nature,
    /// How many ways there are for each of `loose`, then for the content and for the metadata of each of `files`.
    ways: Vec<usize>,
    /// What comes next, the last first.
    ahead: Vec<Vec<usize>>,
    /// Whether all there is follows from `ahead`.
    counting: bool,
    rng: Rng,
    seen: HashSet<u64>,
    left: usize,
    /// The last names, by what was chosen for them.
    names: Option<(Vec<usize>, Arc<Names>)>,
}

/// What may become of a file.
#[derive(Debug)]
struct Fate {
    contents: Vec<(Arc<Vec<u8>>, u64)>,
    /// Which of them is what it is now.
    kept: usize,
    metadata: Vec<Arc<Metadata>>,
    /// Where its ways are.
    at: usize,
}

#[derive(Debug)]
struct Names {
    folders: Folders,
    reached: BTreeSet<u64>,
    hash: u64,
}

impl CrashStates {
    fn new(state: &State, budget: usize, seed: u64) -> CrashStates {
        let mut rng = Rng::with_seed(seed);
        let pending = state.tree.pending.clone();
        let loose: Vec<_> = (0..pending.len()).filter(|index| !pending[*index].durable).collect();
        let mut ways = vec![2; loose.len()];
        let named = state.tree.named();
        let files = state.files.iter().filter(|(inode, _)| named.contains(inode));
        let files = files.map(|(inode, file)| (*inode, Fate::new(file, &mut ways, &mut rng))).collect();
        let total = ways.iter().try_fold(1_usize, |total, ways| total.checked_mul(*ways));
        let mut states = CrashStates {
            durable: state.tree.durable.clone(),
            pending,
            loose,
            files,
            next_inode: state.next_inode,
            nature: state.nature.clone(),
            counting: total.is_some_and(|total| total <= budget),
            ahead: vec![vec![0; ways.len()]],
            ways,
            rng,
            seen: HashSet::new(),
            left: budget,
            names: None,
        };
        if !states.counting {
            states.ahead = states.corners();
        }
        states
    }

    /// All lost, all kept, only the names, only the files; each of these with one thing otherwise; and names that are
    /// kept up to one.
    fn corners(&self) -> Vec<Vec<usize>> {
        let files_at = self.loose.len();
        let mut all_kept = vec![1; self.ways.len()];
        for fate in self.files.values() {
            all_kept[fate.at] = fate.kept;
            all_kept[fate.at + 1] = fate.metadata.len() - 1;
        }
        let lost = vec![0; self.ways.len()];
        let mixed = |names: &[usize], files: &[usize]| [&names[..files_at], &files[files_at..]].concat();
        let bases = [lost.clone(), all_kept.clone(), mixed(&all_kept, &lost), mixed(&lost, &all_kept)];
        let mut corners = bases.to_vec();
        for base in &bases {
            for (place, ways) in self.ways.iter().enumerate() {
                corners.extend((0..*ways).map(|way| {
                    let mut corner = base.clone();
                    corner[place] = way;
                    corner
                }));
            }
            for count in 1..files_at {
                let mut corner = base.clone();
                corner[..count].fill(1);
                corner[count..files_at].fill(0);
                corners.push(corner);
            }
        }
        corners.reverse();
        corners
    }

    /// The next choice to look at.
    fn next_choice(&mut self) -> Option<Vec<usize>> {
        if let Some(choice) = self.ahead.pop() {
            if self.counting {
                self.ahead.extend(counted_on(&choice, &self.ways));
            }
            return Some(choice);
        }
        if self.counting { None } else { Some(self.ways.iter().map(|ways| self.rng.usize(..*ways)).collect()) }
    }

    fn names(&mut self, choice: &[usize]) -> Arc<Names> {
        let choice = &choice[..self.loose.len()];
        if let Some((_, names)) = self.names.as_ref().filter(|(known, _)| known == choice) {
            return Arc::clone(names);
        }
        let mut folders = self.durable.clone();
        for (index, naming) in self.pending.iter().enumerate() {
            let kept = self.loose.binary_search(&index).map_or(true, |place| choice[place] == 1);
            if kept {
                naming.apply(&mut folders);
            }
        }
        let reached = reachable(&folders);
        folders.retain(|folder, _| reached.contains(folder));
        let hash = hash_of(&folders);
        let names = Arc::new(Names { folders, reached, hash });
        self.names = Some((choice.to_vec(), Arc::clone(&names)));
        names
    }

    /// The disk that is left by a choice, if it is a new one.
    fn state(&mut self, choice: &[usize]) -> Option<SimDisk> {
        let names = self.names(choice);
        let mut hasher = DefaultHasher::new();
        names.hash.hash(&mut hasher);
        for (inode, fate) in &self.files {
            let (content, metadata) = (choice[fate.at], choice[fate.at + 1]);
            if names.reached.contains(inode) {
                fate.contents[content].1.hash(&mut hasher);
                hash_metadata(&fate.metadata[metadata], &mut hasher);
            }
        }
        if !self.seen.insert(hasher.finish()) {
            return None;
        }
        let reached = self.files.iter().filter(|(inode, _)| names.reached.contains(inode));
        let files = reached.map(|(inode, fate)| {
            let (content, metadata) = (&fate.contents[choice[fate.at]].0, &fate.metadata[choice[fate.at + 1]]);
            (*inode, FileNode::durable(Arc::clone(content), Arc::clone(metadata)))
        });
        Some(SimDisk::of(State {
            files: files.collect(),
            tree: Tree::durable(names.folders.clone()),
            next_inode: self.next_inode,
            locks: BTreeMap::new(),
            next_handle: 0,
            nature: self.nature.clone(),
            control: Control::default(),
        }))
    }
}

impl Fate {
    fn new(file: &FileNode, ways: &mut Vec<usize>, rng: &mut Rng) -> Fate {
        let hashed = |content: Arc<Vec<u8>>| {
            let hash = hash_of(&content);
            (content, hash)
        };
        let contents: Vec<_> = outcomes(file, rng).into_iter().map(hashed).collect();
        let kept = contents.iter().position(|(content, _)| *content == file.live).unwrap_or_default();
        let mut metadata = vec![Arc::clone(&file.durable_metadata)];
        metadata.extend(file.metadata_versions.iter().cloned());
        let at = ways.len();
        ways.extend([contents.len(), metadata.len()]);
        Fate { contents, kept, metadata, at }
    }
}

impl Iterator for CrashStates {
    type Item = SimDisk;

    fn next(&mut self) -> Option<SimDisk> {
        let mut barren = 0;
        while self.left > 0 && barren < BARREN_MAX {
            let drawn = !self.counting && self.ahead.is_empty();
            let choice = self.next_choice()?;
            if let Some(disk) = self.state(&choice) {
                self.left -= 1;
                return Some(disk);
            }
            barren += usize::from(drawn);
        }
        None
    }
}

/// The choice after this one, counting with the names as the highest places.
fn counted_on(choice: &[usize], ways: &[usize]) -> Option<Vec<usize>> {
    let mut next = choice.to_vec();
    for (digit, ways) in next.iter_mut().zip(ways).rev() {
        *digit += 1;
        if *digit < *ways {
            return Some(next);
        }
        *digit = 0;
    }
    None
}

fn hash_of(thing: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

fn hash_metadata(metadata: &Metadata, hasher: &mut DefaultHasher) {
    (metadata.mode, metadata.owner, metadata.group, &metadata.attributes).hash(hasher);
}
