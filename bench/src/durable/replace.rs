//! A file that is replaced again and again.

use ::stead::atomic::Durability;
use anyhow::{Context, Error};

use super::rivals::{atomic_write_file, atomicwrites, bare, python, stead, tempfile};
use super::{LEVELS, size};
use crate::measure::{Subject, Timed, interleaved};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

const SIZES: [usize; 2] = [4 << 10, 1 << 20];

/// The most that stead may take, times the bare calls.
const LIMIT: f64 = 1.1;

pub(super) fn replace(setup: &Setup, report: &mut Report) {
    for len in SIZES {
        for durability in LEVELS {
            at(setup, len, durability, report);
        }
    }
}

fn at(setup: &Setup, len: usize, durability: Durability, report: &mut Report) {
    let name = format!("replace {}, {durability}", size(len));
    let content = vec![b'x'; len];
    let (per_round, rounds) = effort(setup, len, durability);
    // A folder for each, so that none syncs what another left in it.
    let path = |subject: &str| {
        let path = setup.folder(&format!("{name}/{subject}"))?.join("file");
        std::fs::write(&path, &content).context("make a file")?;
        Ok::<_, Error>(path)
    };
    macro_rules! subject {
        ($name:expr, $replace:path) => {
            Subject::new($name, per_round, path($name).map(|path| Timed($replace(&path, &content, durability))))
        };
        ($name:expr, fallible $replace:path) => {{
            let replacement = path($name).and_then(|path| $replace(&path, &content, durability));
            Subject::new($name, per_round, replacement.map(Timed))
        }};
    }
    let python = path(python::NAME).and_then(|path| python::Replacements::new(&path, len, durability));
    let subjects = vec![
        subject!(bare::NAME, bare::replace),
        subject!(stead::NAME, stead::replace),
        subject!(bare::MINIMUM, bare::replace_minimum),
        subject!(tempfile::NAME, tempfile::replace),
        subject!(atomicwrites::NAME, fallible atomicwrites::replace),
        subject!(atomic_write_file::NAME, fallible atomic_write_file::replace),
        Subject::new(python::NAME, per_round, python),
    ];
    let case = Case::new(&name, Unit::Microseconds, bare::NAME, interleaved(subjects, rounds));
    report.bars.push(case.at_most_times(&format!("{name}, times the bare calls"), stead::NAME, LIMIT, bare::NAME));
    report.cases.push(case);
}

/// Samples in each round, and rounds: as many as a few seconds hold for each subject.
fn effort(setup: &Setup, len: usize, durability: Durability) -> (usize, usize) {
    match (durability, len) {
        (Durability::None, ..=65_536) => (50, setup.pick(200, 5)),
        (Durability::None, _) => (10, setup.pick(150, 3)),
        _ => (5, setup.pick(80, 2)),
    }
}
