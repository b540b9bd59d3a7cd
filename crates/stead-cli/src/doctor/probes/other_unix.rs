//! macOS, the BSDs and others: what stead uses on Linux only.
#![expect(clippy::unnecessary_wraps, reason = "as on Linux, where they can fail")]

use crate::doctor::bench::Bench;
use crate::doctor::promises::Verdict;
use crate::doctor::trouble::Trouble;

pub(in crate::doctor) fn exchange_rename(_: &Bench<'_>) -> Result<Verdict, Trouble> {
    Ok(Verdict::fallback(
        "a conditional replace compares under the lock and then renames; a program that takes no lock can slip in \
         between",
    ))
}

pub(in crate::doctor) fn unnamed_file(_: &Bench<'_>) -> Result<Verdict, Trouble> {
    Ok(Verdict::fallback("a new lock file is filled under a private name and then linked"))
}

pub(in crate::doctor) fn attributes(_: &Bench<'_>) -> Result<Verdict, Trouble> {
    Ok(Verdict::not_applicable("not tested on this system"))
}

pub(in crate::doctor) fn notification(_: &Bench<'_>) -> Result<Verdict, Trouble> {
    Ok(Verdict::not_applicable("not tested on this system"))
}
