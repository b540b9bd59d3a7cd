//! The proof: what the counters hold against what the ledgers say.

use std::collections::{HashMap, HashSet};

use super::count::{Count, Section};
use super::entry::{Entry, Intent};
use crate::doctor::stress::findings::Findings;
use crate::doctor::stress::ledger;

type Account = ledger::Account<Entry>;

/// How many failures are told; after the first few the rest say the same.
const FAILURES_MAX: usize = 3;

/// Judges a finished round. `counts` are the counters, by number.
pub(super) fn check(counts: &[Count], accounts: &[Account]) -> Findings {
    let left: HashSet<Section> = accounts.iter().flat_map(sections_left).collect();
    let mut findings = Findings::default();
    for entry in accounts.iter().flat_map(|account| &account.entries) {
        match entry {
            Entry::Done { wait_us, .. } | Entry::Read { wait_us } => {
                findings.operations += 1;
                findings.waits.add(*wait_us);
            }
            // Who wrote down that it left was alive all the time: both were inside.
            Entry::Met { section } => findings.overlaps += u64::from(left.contains(section)),
            Entry::Intruder { .. } | Entry::Torn { .. } => findings.overlaps += 1,
            // A store that fences would have refused this acknowledged change.
            Entry::Stale { .. } => findings.lost += 1,
            Entry::Failed { why } if findings.failures.len() < FAILURES_MAX => findings.failures.push(why.clone()),
            Entry::Intent(_) | Entry::Failed { .. } => {}
        }
    }
    for (counter, count) in counts.iter().enumerate() {
        History::of(counter, accounts, &left).judge(count, &mut findings);
    }
    findings
}

fn sections_left(account: &Account) -> impl Iterator<Item = Section> {
    account.entries.iter().filter_map(|entry| match entry {
        Entry::Done { section, .. } => Some(Section { worker: account.worker, number: *section }),
        _ => None,
    })
}

/// All that was ever intended with one counter.
struct History<'a> {
    intents: HashMap<Section, &'a Intent>,
    acknowledged: HashSet<Section>,
}

impl<'a> History<'a> {
    fn of(counter: usize, accounts: &'a [Account], left: &HashSet<Section>) -> History<'a> {
        let mut intents = HashMap::new();
        for account in accounts {
            for entry in &account.entries {
                if let Entry::Intent(intent) = entry
                    && intent.counter == counter
                {
                    intents.insert(Section { worker: account.worker, number: intent.section }, intent);
                }
            }
        }
        let acknowledged = intents.keys().copied().filter(|section| left.contains(section)).collect();
        History { intents, acknowledged }
    }

    /// Follows the chain from what is in the file back to the empty counter.
    fn judge(&self, count: &Count, findings: &mut Findings) {
        let mut found = HashSet::new();
        let mut balance = 0;
        let mut doubled = 0;
        let mut maker = count.maker;
        for version in (1..=count.version).rev() {
            match self.intents.get(&maker) {
                Some(intent) if intent.version == version && found.insert(maker) => {
                    balance += intent.delta;
                    maker = intent.after;
                }
                _ => {
                    doubled += 1;
                    // The thread is lost; it is taken up again at who meant to make the version before.
                    maker = self.who_meant(version - 1);
                }
            }
        }
        findings.acknowledged += self.acknowledged.len() as u64;
        findings.doubled += doubled;
        findings.lost += self.acknowledged.difference(&found).count() as u64;
        // A value that is not the sum of its changes has lost what they were.
        findings.lost += u64::from(doubled == 0 && balance != count.balance);
    }

    fn who_meant(&self, version: u64) -> Section {
        let made = |section: &&Section| self.intents[*section].version == version;
        let acknowledged = self.acknowledged.iter().find(made);
        acknowledged.or_else(|| self.intents.keys().find(made)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::stress::ledger::parse;

    fn account(worker: u32, lines: &[&str]) -> Account {
        let text = format!("{}\n", lines.join("\n"));
        Account { worker, entries: parse(&text).unwrap() }
    }

    fn count(line: &str) -> Count {
        format!("{line}\n").parse().unwrap()
    }

    /// `counts`: VERSION BALANCE TOKEN MAKER. Gives acknowledged, lost, doubled, overlaps.
    fn judge(counts: &[&str], accounts: &[Account]) -> [u64; 4] {
        let counts: Vec<Count> = counts.iter().map(|line| count(line)).collect();
        let Findings { acknowledged, lost, doubled, overlaps, .. } = check(&counts, accounts);
        [acknowledged, lost, doubled, overlaps]
    }

    #[test]
    fn nothing_done_is_nothing_lost() {
        assert_eq!(judge(&["0 0 0 0:0"], &[]), [0, 0, 0, 0]);
    }

    #[test]
    fn two_workers_in_turns_are_sound() {
        let one = account(1, &["intent 1 0 1 1 0:0", "done 1 5", "intent 2 0 3 1 2:1", "done 2 5"]);
        let two = account(2, &["intent 1 0 2 1 1:1", "done 1 7", "read 3"]);
        assert_eq!(judge(&["3 3 9 1:2"], &[one.clone(), two.clone()]), [3, 0, 0, 0]);
        assert_eq!(check(&[count("3 3 9 1:2")], &[one, two]).operations, 4);
    }

    #[test]
    fn a_lost_increment_is_seen() {
        // Both read version 1, both made version 2; the second rename won.
        let one = account(1, &["intent 1 0 1 1 0:0", "done 1 5", "intent 2 0 2 1 1:1", "done 2 5"]);
        let two = account(2, &["intent 1 0 2 1 1:1", "done 1 7"]);
        assert_eq!(judge(&["2 2 9 2:1"], &[one, two]), [3, 1, 0, 0]);
    }

    #[test]
    fn many_lost_increments_are_counted() {
        // Worker 2 read version 1, slept while worker 1 made 2, 3 and 4, and put its own 2 in their place.
        let lines = [
            "intent 1 0 1 1 0:0",
            "done 1 5",
            "intent 2 0 2 1 1:1",
            "done 2 5",
            "intent 3 0 3 1 1:2",
            "done 3 5",
            "intent 4 0 4 1 1:3",
            "done 4 5",
        ];
        let two = account(2, &["intent 1 0 2 1 1:1", "done 1 7"]);
        assert_eq!(judge(&["2 2 9 2:1"], &[account(1, &lines), two]), [5, 3, 0, 0]);
    }

    #[test]
    fn a_counter_that_went_back_has_lost_what_came_after() {
        let one = account(1, &["intent 1 0 1 1 0:0", "done 1 5", "intent 2 0 2 1 1:1", "done 2 5"]);
        assert_eq!(judge(&["1 1 9 1:1"], std::slice::from_ref(&one)), [2, 1, 0, 0]);
        assert_eq!(judge(&["0 0 0 0:0"], &[one]), [2, 2, 0, 0]);
    }

    #[test]
    fn a_doubled_increment_is_seen() {
        // One intent, for version 1; the file has it as version 2.
        let one = account(1, &["intent 1 0 1 1 0:0", "done 1 5"]);
        assert_eq!(judge(&["2 2 9 1:1"], &[one]), [1, 0, 1, 0]);
    }

    #[test]
    fn a_doubled_increment_in_the_middle_is_seen() {
        // Section 1:1 meant version 1 and is there as 1 and 2; worker 2 built version 3 upon that.
        let one = account(1, &["intent 1 0 1 1 0:0", "done 1 5"]);
        let two = account(2, &["intent 1 0 3 1 1:1", "done 1 5"]);
        assert_eq!(judge(&["3 3 9 2:1"], &[one, two]), [2, 0, 1, 0]);
    }

    #[test]
    fn a_change_that_nobody_made_is_seen() {
        assert_eq!(judge(&["1 1 9 5:1"], &[]), [0, 0, 1, 0]);
    }

    #[test]
    fn killed_between_intent_and_acknowledgment_is_sound_either_way() {
        let killed = account(1, &["intent 1 0 1 1 0:0"]);
        assert_eq!(judge(&["0 0 0 0:0"], std::slice::from_ref(&killed)), [0, 0, 0, 0]);
        assert_eq!(judge(&["1 1 9 1:1"], std::slice::from_ref(&killed)), [0, 0, 0, 0]);
        // Another made version 1 in its place: the killed one never renamed.
        let next = account(2, &["met 1:1", "intent 1 0 1 1 0:0", "done 1 5"]);
        assert_eq!(judge(&["1 1 9 2:1"], &[killed.clone(), next]), [1, 0, 0, 0]);
        // Another built upon it: it did.
        let next = account(2, &["met 1:1", "intent 1 0 2 1 1:1", "done 1 5"]);
        assert_eq!(judge(&["2 2 9 2:1"], &[killed, next]), [1, 0, 0, 0]);
    }

    #[test]
    fn a_move_is_conserved_or_seen() {
        let moved = account(1, &["intent 1 0 1 -1 0:0", "intent 1 1 1 1 0:0", "done 1 5"]);
        assert_eq!(judge(&["1 -1 9 1:1", "1 1 9 1:1"], std::slice::from_ref(&moved)), [2, 0, 0, 0]);
        assert_eq!(judge(&["1 -1 9 1:1", "0 0 0 0:0"], std::slice::from_ref(&moved)), [2, 1, 0, 0]);
        // Killed between the two renames: half of it is there, and nothing was acknowledged.
        let killed = account(1, &["intent 1 0 1 -1 0:0", "intent 1 1 1 1 0:0"]);
        assert_eq!(judge(&["1 -1 9 1:1", "0 0 0 0:0"], &[killed]), [0, 0, 0, 0]);
    }

    #[test]
    fn a_value_that_is_not_the_sum_of_its_changes_is_seen() {
        let one = account(1, &["intent 1 0 1 1 0:0", "done 1 5"]);
        assert_eq!(judge(&["1 7 9 1:1"], &[one]), [1, 1, 0, 0]);
    }

    #[test]
    fn two_inside_together_are_seen() {
        // Worker 2 found worker 1's mark, and worker 1 lived to leave.
        let one = account(1, &["intent 1 0 1 1 0:0", "done 1 5"]);
        let two = account(2, &["met 1:1", "intent 1 0 2 1 1:1", "done 1 5"]);
        assert_eq!(judge(&["2 2 9 2:1"], &[one, two]), [2, 0, 0, 1]);
        // At its exit worker 1 found its mark overwritten.
        let one = account(1, &["intent 1 0 1 1 0:0", "intruder 0", "done 1 5"]);
        assert_eq!(judge(&["1 1 9 1:1"], &[one]), [1, 0, 0, 1]);
        assert_eq!(judge(&["0 0 0 0:0"], &[account(1, &["torn 0", "read 5"])]), [0, 0, 0, 1]);
    }

    #[test]
    fn a_token_that_does_not_grow_counts_as_a_loss() {
        let one = account(1, &["stale 0 5 6", "intent 1 0 1 1 0:0", "done 1 5"]);
        assert_eq!(judge(&["1 1 9 1:1"], &[one]), [1, 1, 0, 0]);
    }

    #[test]
    fn a_worker_that_failed_is_told() {
        let failed = account(1, &["failed failed to lock it"]);
        assert_eq!(check(&[], &[failed]).failures, ["failed to lock it"]);
    }
}
