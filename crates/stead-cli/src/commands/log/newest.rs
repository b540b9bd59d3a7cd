//! The newest lines of a log, while it is read from its beginning.

use std::collections::VecDeque;

use stead::Error;
use stead::log::Line;

/// The newest lines.
pub(super) struct Newest {
    count: usize,
    /// With their offsets.
    lines: VecDeque<(u64, Vec<u8>)>,
    /// How many there were in all.
    pushed: usize,
    /// What is damaged, and how many lines were before it.
    damage: Vec<(usize, Error)>,
}

impl Newest {
    pub(super) fn of(count: usize) -> Newest {
        Newest { count, lines: VecDeque::new(), pushed: 0, damage: Vec::new() }
    }

    pub(super) fn push(&mut self, line: &Line<'_>) {
        self.pushed += 1;
        let oldest = if self.lines.len() >= self.count { self.lines.pop_front() } else { None };
        if self.count > 0 {
            let (_, mut room) = oldest.unwrap_or_default();
            room.clear();
            room.extend_from_slice(line.bytes);
            self.lines.push_back((line.offset, room));
        }
    }

    pub(super) fn push_damage(&mut self, error: Error) {
        self.damage.push((self.pushed, error));
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.lines.iter().map(|(offset, line)| (*offset, line.as_slice()))
    }

    /// What is damaged among these lines; what lies before them nobody has asked for.
    pub(super) fn relevant_damage(&self) -> impl Iterator<Item = &Error> {
        let skipped = self.pushed - self.lines.len();
        let is_relevant = move |before: usize| before > skipped || skipped == 0;
        self.damage.iter().filter(move |(before, _)| is_relevant(*before)).map(|(_, error)| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_in_order() {
        for (count, kept) in [(0, vec![]), (2, vec![1, 2]), (9, vec![0, 1, 2])] {
            let mut newest = Newest::of(count);
            for offset in 0..3 {
                newest.push(&Line { offset, end: offset + 1, bytes: &[b'a'; 3][usize::try_from(offset).unwrap()..] });
            }
            assert_eq!(newest.lines().map(|(offset, _)| offset).collect::<Vec<_>>(), kept);
            assert!(newest.lines().all(|(offset, line)| offset + line.len() as u64 == 3));
        }
    }
}
