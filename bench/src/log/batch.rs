//! A hundred events at once, durable together.

use ::stead::log::Durability;
use anyhow::Result;

use super::at_least_times;
use super::rivals::{Append, bare, redb, sqlite, stead};
use super::throughput::Throughput;
use crate::measure::{Subject, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

const EVENTS: u64 = 100;

/// The least that batches are worth, times single appends.
const LIMIT: f64 = 30.0;

const PER_ROUND: usize = 10;

pub(super) fn batch(setup: &Setup, report: &mut Report) {
    let name = format!("durable batches of {EVENTS}");
    let one_by_one = format!("{}, one by one", stead::NAME);
    let subject = |name: &str, events: u64, append: &dyn Fn(&std::path::Path) -> Result<Append>| {
        let append = setup.folder(&format!("batch/{name}")).and_then(|folder| append(&folder));
        Subject::new(name, PER_ROUND, append.map(|step| Throughput { events, step }))
    };
    let subjects = vec![
        subject(&one_by_one, 1, &|folder| stead::appender(folder, Durability::EveryAppend)),
        subject(stead::NAME, EVENTS, &|folder| stead::batch_appender(folder, EVENTS)),
        subject(bare::NAME, EVENTS, &|folder| bare::batch_appender(folder, EVENTS)),
        subject(sqlite::NAME, EVENTS, &|folder| sqlite::batch_appender(folder, EVENTS)),
        subject(redb::NAME, EVENTS, &|folder| redb::batch_appender(folder, EVENTS)),
    ];
    let case = Case::new(&name, Unit::PerSecond, &one_by_one, interleaved(subjects, setup.pick(60, 5)));
    let bar = format!("{name}: events per second, times one by one");
    report.bars.push(at_least_times(&case, &bar, stead::NAME, LIMIT, &one_by_one));
    report.cases.push(case);
}
