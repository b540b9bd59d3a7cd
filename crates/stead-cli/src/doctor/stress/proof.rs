//! The proof: what the files hold against what the ledgers say.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::content;
use super::findings::Findings;
use super::ledger;
use super::steps::{Entry, Step};

/// The number of each worker.
pub(super) type Numbers = BTreeMap<u32, u64>;

type Account = ledger::Account<Entry>;

/// How many failures are told; after the first few the rest say the same.
const FAILURES_MAX: usize = 3;

/// Judges a finished round.
pub(super) fn check(numbers: &Numbers, lines: &str, replaced: Option<&str>, accounts: &[Account]) -> Findings {
    let mut findings = Findings::default();
    let mut history = History::default();
    for account in accounts {
        for entry in &account.entries {
            history.learn(account.worker, entry, &mut findings);
        }
    }
    history.judge_numbers(numbers, &mut findings);
    history.judge_lines(lines, &mut findings);
    history.judge_replaced(replaced, &mut findings);
    findings
}

/// All that was ever begun and acknowledged, by worker.
#[derive(Default)]
struct History {
    begun: HashSet<(u32, Step)>,
    done: HashSet<(u32, Step)>,
}

impl History {
    fn learn(&mut self, worker: u32, entry: &Entry, findings: &mut Findings) {
        match entry {
            Entry::Begin(step) => drop(self.begun.insert((worker, *step))),
            Entry::Done { step, wait_us } => {
                self.done.insert((worker, *step));
                findings.acknowledged += 1;
                findings.operations += 1;
                findings.waits.add(*wait_us);
            }
            Entry::Read { wait_us } => {
                findings.operations += 1;
                findings.waits.add(*wait_us);
            }
            Entry::Failed { why } if findings.failures.len() < FAILURES_MAX => findings.failures.push(why.clone()),
            Entry::Failed { .. } => {}
        }
    }

    /// Each worker's number lies between what was acknowledged and what was begun.
    fn judge_numbers(&self, numbers: &Numbers, findings: &mut Findings) {
        let count = |steps: &HashSet<(u32, Step)>| {
            let mut counts: HashMap<u32, u64> = HashMap::new();
            for (worker, _) in steps.iter().filter(|(_, step)| matches!(step, Step::Update(_))) {
                *counts.entry(*worker).or_default() += 1;
            }
            counts
        };
        let (begun, done) = (count(&self.begun), count(&self.done));
        let of = |counts: &HashMap<u32, u64>, worker| counts.get(worker).copied().unwrap_or(0);
        for worker in begun.keys().chain(numbers.keys()).collect::<HashSet<_>>() {
            let number = numbers.get(worker).copied().unwrap_or(0);
            findings.lost += of(&done, worker).saturating_sub(number);
            findings.doubled += number.saturating_sub(of(&begun, worker));
        }
    }

    /// Each batch is there once, whole, and in the order of its worker.
    fn judge_lines(&self, lines: &str, findings: &mut Findings) {
        let mut found = HashSet::new();
        let mut last: HashMap<u32, u64> = HashMap::new();
        let mut lines = lines.split_terminator('\n').filter(|line| *line != content::LAST_LINE);
        while let Some(line) = lines.next() {
            let Some((worker, batch, 0)) = content::parse(line) else {
                findings.doubled += 1;
                continue;
            };
            let is_whole = content::batch(worker, batch)[1..].iter().all(|expected| lines.next() == Some(expected));
            let is_next = last.insert(worker, batch).is_none_or(|before| before < batch);
            let step = (worker, Step::Append(batch));
            let is_ours = self.begun.contains(&step) && found.insert(step);
            findings.doubled += u64::from(!(is_whole && is_next && is_ours));
        }
        let appended = self.done.iter().filter(|(_, step)| matches!(step, Step::Append(_)));
        findings.lost += appended.filter(|step| !found.contains(step)).count() as u64;
    }

    /// What is there is whole, and somebody put it there.
    fn judge_replaced(&self, replaced: Option<&str>, findings: &mut Findings) {
        let is_sound = match replaced.map(content::author) {
            None => !self.done.iter().any(|(_, step)| matches!(step, Step::Replace(_))),
            Some(None) => false,
            Some(Some((worker, number))) => self.begun.contains(&(worker, Step::Replace(number))),
        };
        findings.lost += u64::from(!is_sound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(worker: u32, lines: &[&str]) -> Account {
        Account { worker, entries: lines.iter().map(|line| line.parse().unwrap()).collect() }
    }

    fn lines(batches: &[(u32, u64)]) -> String {
        let lines = batches.iter().flat_map(|(worker, batch)| content::batch(*worker, *batch));
        lines.chain([content::LAST_LINE.to_owned()]).map(|line| line + "\n").collect()
    }

    /// Gives acknowledged, lost, doubled.
    fn judge(numbers: &[(u32, u64)], lines: &str, replaced: Option<&str>, accounts: &[Account]) -> [u64; 3] {
        let numbers = numbers.iter().copied().collect();
        let Findings { acknowledged, lost, doubled, .. } = check(&numbers, lines, replaced, accounts);
        [acknowledged, lost, doubled]
    }

    #[test]
    fn what_is_as_it_was_acknowledged_is_sound() {
        let one = account(1, &["begin update 1", "done update 1 5", "begin append 1", "done append 1 5"]);
        let two = account(2, &["begin replace 1", "done replace 1 5", "begin append 1", "begin update 1"]);
        let content = content::replacement(2, 1);
        let accounts = [one, two];
        assert_eq!(judge(&[(1, 1)], &lines(&[(1, 1)]), Some(&content), &accounts), [3, 0, 0]);
        // What was begun only may be there.
        assert_eq!(judge(&[(1, 1), (2, 1)], &lines(&[(2, 1), (1, 1)]), Some(&content), &accounts), [3, 0, 0]);
        assert_eq!(judge(&[], &lines(&[]), None, &[]), [0, 0, 0]);
    }

    #[test]
    fn what_is_missing_is_lost_and_what_is_too_many_is_doubled() {
        let one = account(1, &["begin update 1", "done update 1 5", "begin append 2", "done append 2 5"]);
        let one = std::slice::from_ref(&one);
        assert_eq!(judge(&[], &lines(&[(1, 2)]), None, one), [2, 1, 0]);
        assert_eq!(judge(&[(1, 2)], &lines(&[(1, 2)]), None, one), [2, 0, 1]);
        assert_eq!(judge(&[(1, 1)], &lines(&[]), None, one), [2, 1, 0]);
        assert_eq!(judge(&[(1, 1)], &lines(&[(1, 2), (1, 2)]), None, one), [2, 0, 1]);
        let all = lines(&[(1, 2)]);
        let half = all.split_inclusive('\n').take(1).collect::<String>();
        assert_eq!(judge(&[(1, 1)], &half, None, one)[2], 1);
        let torn = format!("torn{}", lines(&[(1, 2)]));
        assert!(judge(&[(1, 1)], &torn, None, one)[2] > 0);
    }

    #[test]
    fn a_replaced_file_that_is_not_whole_or_nobodys_is_lost() {
        let one = account(1, &["begin replace 1", "done replace 1 5"]);
        let one = std::slice::from_ref(&one);
        for (content, lost) in [
            (Some(content::replacement(1, 1)), 0),
            (Some(content::replacement(1, 2)), 1),
            (Some(content::replacement(1, 1)[1..].to_owned()), 1),
            (Some(String::new()), 1),
            (None, 1),
        ] {
            assert_eq!(judge(&[], "", content.as_deref(), one), [1, lost, 0]);
        }
    }
}
