//! What an exploration found.

use std::error::Error;
use std::fmt;

/// What was tried, all of which held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// How often it was run to have the power cut.
    pub runs: usize,
    /// How often it was run to have something go wrong.
    pub faults: usize,
    /// How many states left by power cuts were looked at.
    pub states: usize,
    /// How many recoveries were cut, each of which left states of its own that were recovered and looked at.
    pub recoveries_cut: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.scenario)?;
        if self.runs > 0 {
            write!(f, "{} cuts, ", grouped(self.runs))?;
        }
        if self.faults > 0 {
            write!(f, "{} faults, ", grouped(self.faults))?;
        }
        write!(f, "{} crash states, {} cut recoveries: held", grouped(self.states), grouped(self.recoveries_cut))
    }
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// What did not hold, and how it came to that.
pub struct Broken(pub(super) Box<Failure>);

#[derive(Default)]
pub(super) struct Failure {
    pub(super) scenario: String,
    pub(super) when: String,
    pub(super) why: String,
    pub(super) acked: Vec<String>,
    /// The steps up to the power cut, then those of each recovery.
    pub(super) traces: Vec<Vec<String>>,
    /// What the last power cut left.
    pub(super) left: String,
    /// What there was when the check said no.
    pub(super) checked: String,
}

impl Broken {
    /// What the check said, or what failed.
    pub fn why(&self) -> &str {
        &self.0.why
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failure = &*self.0;
        writeln!(f, "{}, {}: {}", failure.scenario, failure.when, failure.why)?;
        writeln!(f, "acknowledged: {:?}", failure.acked)?;
        for (index, trace) in failure.traces.iter().enumerate() {
            writeln!(f, "{}:", if index == 0 { "steps" } else { "steps of the recovery" })?;
            trace.iter().try_for_each(|step| writeln!(f, "  {step}"))?;
        }
        writeln!(f, "left:\n{}", indented(&failure.left))?;
        write!(f, "when checked:\n{}", indented(&failure.checked))
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

/// As it is displayed, for `unwrap`.
impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Error for Broken {}
