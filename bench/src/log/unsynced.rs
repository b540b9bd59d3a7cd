//! Events that one thread appends without a sync.

use ::stead::log::Durability;
use anyhow::{Result, anyhow};

use super::at_least_times;
use super::rivals::{Append, bare, eventfold, stead};
use super::throughput::Throughput;
use crate::measure::{Subject, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

const NAME: &str = "append without a sync, 1 thread";

/// The least that stead may do, times the bare calls.
const LIMIT: f64 = 0.7;

/// Appends of each sample: one alone is as short as a look at the clock.
const EVENTS: u64 = 1_000;

pub(super) fn unsynced(setup: &Setup, report: &mut Report) {
    let subject = |name: &str, append: fn(&std::path::Path) -> Result<Append>| {
        let append = setup.folder(&format!("unsynced/{name}")).and_then(|folder| append(&folder));
        let block =
            |mut append: Append| Throughput { events: EVENTS, step: move || (0..EVENTS).try_for_each(|_| append()) };
        Subject::new(name, 1, append.map(block))
    };
    let subjects = vec![
        subject(bare::UNSYNCED, bare::unsynced_appender),
        subject(bare::UNSYNCED_WITH_OFFSET, bare::unsynced_appender_with_offset),
        subject(stead::NAME, |folder| stead::appender(folder, Durability::None)),
        subject(stead::PREPARED, stead::line_appender),
        subject(eventfold::NAME, |_| Err(anyhow!("it syncs every append"))),
    ];
    let case = Case::new(NAME, Unit::PerSecond, bare::UNSYNCED, interleaved(subjects, setup.pick(150, 40)));
    let bar = format!("{NAME}: events per second, times bare write(2)");
    report.bars.push(at_least_times(&case, &bar, stead::NAME, LIMIT, bare::UNSYNCED));
    report.cases.push(case);
}
