//! Events that one thread appends, each durable before the next.

use ::stead::log::Durability;

use super::rivals::{Append, bare, eventfold, redb, sqlite, stead};
use crate::measure::{Subject, Timed, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

const NAME: &str = "durable append, 1 thread";

/// The most that stead may take, times the bare calls.
const LIMIT: f64 = 1.05;

/// Samples of each round. Many short rounds: a disk drifts.
const PER_ROUND: usize = 10;

pub(super) fn alone(setup: &Setup, report: &mut Report) {
    let subject = |name: &str, append: fn(&std::path::Path) -> anyhow::Result<Append>| {
        let append = setup.folder(&format!("alone/{name}")).and_then(|folder| append(&folder));
        Subject::new(name, PER_ROUND, append.map(Timed))
    };
    let subjects = vec![
        subject(bare::NAME, bare::appender),
        subject(stead::NAME, |folder| stead::appender(folder, Durability::EveryAppend)),
        subject(stead::SHARED, stead::shared_appender),
        subject(bare::RECIPE, bare::locked_appender),
        subject(eventfold::NAME, eventfold::appender),
        subject(sqlite::NAME, sqlite::appender),
        subject(redb::NAME, redb::appender),
    ];
    let case = Case::new(NAME, Unit::Microseconds, bare::NAME, interleaved(subjects, setup.pick(500, 20)));
    report.bars.push(case.at_most_times(&format!("{NAME}, times the bare calls"), stead::NAME, LIMIT, bare::NAME));
    report.cases.push(case);
}
