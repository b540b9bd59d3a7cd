//! How long a rotation takes, of a segment that is durable already.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::rivals::{eventfold, stead};
use crate::measure::{Probe, Subject, interleaved, micros};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

pub(super) fn rotation(setup: &Setup, report: &mut Report) {
    for (mebibytes, rounds) in setup.pick([(1, 20), (64, 5)], [(1, 5), (8, 2)]) {
        let name = format!("rotate {mebibytes} MiB");
        let subject = |name: &str, rotate: Rotate| {
            let folder = setup.folder(&format!("rotate-{mebibytes}/{name}"));
            let probe = folder.map(|folder| Rotations { folder, bytes: mebibytes << 20, rotate, count: 0 });
            Subject::new(name, 1, probe)
        };
        let subjects =
            vec![subject(eventfold::NAME, eventfold::time_to_rotate), subject(stead::NAME, stead::time_to_rotate)];
        report.cases.push(Case::new(&name, Unit::Microseconds, eventfold::NAME, interleaved(subjects, rounds)));
    }
}

/// Fills a new log in the folder with this many bytes, makes them durable, and rotates it: from when to when.
type Rotate = fn(&Path, u64) -> Result<(Instant, Instant)>;

struct Rotations {
    folder: std::path::PathBuf,
    bytes: u64,
    rotate: Rotate,
    count: usize,
}

impl Probe for Rotations {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        for _ in 0..count {
            self.count += 1;
            let folder = self.folder.join(self.count.to_string());
            let (before, after) = (self.rotate)(&folder, self.bytes)?;
            samples.push(micros(after - before));
            std::fs::remove_dir_all(&folder).context("remove a log")?;
        }
        Ok(())
    }
}
