//! Results: a table for people, JSON (`stead.bench/1`) for programs.

use std::fmt;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, CellAlignment, Table};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::measure::Measured;

/// What values are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Microseconds,
    Mebibytes,
    WakeUpsPerSecond,
    PerSecond,
    Count,
    Percent,
}

/// Subjects measured beside each other.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    /// The subject that the others are compared with.
    pub(crate) floor: String,
    pub(crate) rows: Vec<Row>,
    /// Only for who wants to know all of it: not in the plot.
    pub(crate) is_detail: bool,
}

/// One subject of a case.
pub(crate) struct Row {
    pub(crate) subject: String,
    pub(crate) median: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) ratio_to_floor: Option<f64>,
    pub(crate) skipped: Option<String>,
}

/// How two numbers have to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    AtMost,
    AtLeast,
}

/// A promise that is measured.
pub(crate) struct Bar {
    name: String,
    op: Op,
    limit: f64,
    /// `None`: what it needs could not be had.
    value: Option<f64>,
    mark: Option<Mark>,
}

/// Where the limit of a bar is in the plot of a case.
pub(crate) struct Mark {
    case: String,
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// Everything that one benchmark found out.
pub(crate) struct Report {
    name: &'static str,
    /// What the names of our subjects begin with.
    pub(crate) product: &'static str,
    started: Timestamp,
    system: Value,
    pub(crate) cases: Vec<Case>,
    pub(crate) bars: Vec<Bar>,
}

impl Case {
    /// A case whose ratios are to the median of the subject `floor`.
    pub(crate) fn new(name: &str, unit: Unit, floor: &str, measured: Vec<Measured>) -> Case {
        let median = |one: &Measured| one.outcome.as_ref().ok()?.median();
        let least = measured.iter().find(|one| one.name == floor).and_then(median);
        let row = |one: Measured| {
            let ratio_to_floor = ratio(median(&one), least);
            let (samples, skipped) = match one.outcome {
                Ok(samples) => (Some(samples), None),
                Err(error) => (None, Some(format!("{error:#}"))),
            };
            let (median, p99) = samples.map_or((None, None), |samples| (samples.median(), samples.p99()));
            Row { subject: one.name, median, p99, ratio_to_floor, skipped }
        };
        let rows = measured.into_iter().map(row).collect();
        Case { name: name.to_owned(), unit, floor: floor.to_owned(), rows, is_detail: false }
    }

    pub(crate) fn median(&self, subject: &str) -> Option<f64> {
        self.row(subject)?.median
    }

    pub(crate) fn p99(&self, subject: &str) -> Option<f64> {
        self.row(subject)?.p99
    }

    fn row(&self, subject: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.subject == subject)
    }

    /// The bar that the median of `subject` is at most `limit` times that of `floor`.
    pub(crate) fn at_most_times(&self, name: &str, subject: &str, limit: f64, floor: &str) -> Bar {
        let floor = self.median(floor);
        let bar = Bar::new(name, Op::AtMost, limit, ratio(self.median(subject), floor));
        bar.marked(self, floor.map(|floor| floor * limit), &format!("≤ {limit}×"))
    }
}

impl Bar {
    pub(crate) fn new(name: &str, op: Op, limit: f64, value: Option<f64>) -> Bar {
        Bar { name: name.to_owned(), op, limit, value, mark: None }
    }

    /// The same, drawn into the plot of `case` at a value of its unit.
    pub(crate) fn marked(self, case: &Case, at: Option<f64>, label: &str) -> Bar {
        Bar { mark: at.map(|at| Mark { case: case.name.clone(), at, label: label.to_owned() }), ..self }
    }

    fn is_met(&self) -> Option<bool> {
        self.value.map(|value| match self.op {
            Op::AtMost => value <= self.limit,
            Op::AtLeast => value >= self.limit,
        })
    }
}

/// `None` where one of them is missing, or the divisor is nothing.
pub(crate) fn ratio(value: Option<f64>, to: Option<f64>) -> Option<f64> {
    Some(value? / to.filter(|to| *to > 0.0)?)
}

impl Report {
    /// `system`: the machine it ran on.
    pub(crate) fn new(name: &'static str, system: Value) -> Report {
        Report { name, product: "stead", started: Timestamp::now(), system, cases: Vec::new(), bars: Vec::new() }
    }

    /// The same, of another of our programs.
    pub(crate) fn about(self, product: &'static str) -> Report {
        Report { product, ..self }
    }

    /// What was measured, on what, when.
    pub(crate) fn title(&self) -> String {
        let system = |key: &str| self.system[key].as_str().unwrap_or("?").to_owned();
        let day = self.started.strftime("%Y-%m-%d");
        let (kernel, filesystem) = (system("kernel"), system("filesystem"));
        let product = self.product;
        let what = if self.name == product { String::new() } else { format!("{}: ", self.name) };
        format!("{what}{product} beside its rivals, {day}, Linux {kernel}, {filesystem}")
    }

    /// The limits of bars that are drawn into the plot of a case.
    pub(crate) fn marks(&self, case: &Case) -> Vec<&Mark> {
        let marks = self.bars.iter().filter_map(|bar| bar.mark.as_ref());
        marks.filter(|mark| mark.case == case.name).collect()
    }

    pub(crate) fn json(&self) -> String {
        let rows = self.cases.iter().flat_map(|case| {
            case.rows.iter().map(|row| {
                json!({
                    "case": case.name,
                    "subject": row.subject,
                    "median": row.median.map(rounded),
                    "p99": row.p99.map(rounded),
                    "unit": case.unit.name(),
                    "ratio_to_floor": row.ratio_to_floor.map(rounded),
                    "skipped": row.skipped,
                })
            })
        });
        let bars = self.bars.iter().map(|bar| {
            json!({
                "name": bar.name,
                "op": bar.op.sign(),
                "limit": bar.limit,
                "value": bar.value.map(rounded),
                "met": bar.is_met(),
            })
        });
        let report = json!({
            "schema": "stead.bench/1",
            "started": format!("{:.9}", self.started),
            "system": self.system,
            "rows": rows.collect::<Vec<_>>(),
            "bars": bars.collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = table(["case", "subject", "median", "p99", "× floor"]);
        for case in &self.cases {
            let column = |text: &dyn Fn(&Row) -> String| case.rows.iter().map(text).collect::<Vec<_>>().join("\n");
            let shown = |value: Option<f64>| value.map_or("–".to_owned(), |value| case.unit.show(value));
            let subjects = column(&|row| row.subject.clone());
            let medians = column(&|row| shown(row.median));
            let p99s = column(&|row| shown(row.p99));
            let ratios = column(&|row| row.ratio_to_floor.map_or(String::new(), significant));
            table.add_row(vec![Cell::new(&case.name), Cell::new(subjects), right(medians), right(p99s), right(ratios)]);
        }
        writeln!(f, "{table}")?;
        for case in &self.cases {
            for (row, why) in case.rows.iter().filter_map(|row| Some((row, row.skipped.as_ref()?))) {
                writeln!(f, "skipped: {}, {}: {why}", case.name, row.subject)?;
            }
        }
        let mut table = self::table(["bar", "limit", "value", "met"]);
        for bar in &self.bars {
            let met = match bar.is_met() {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "unknown",
            };
            let limit = format!("{} {}", bar.op.sign(), bar.limit);
            let value = bar.value.map_or("–".to_owned(), significant);
            table.add_row(vec![bar.name.clone().into(), right(limit), right(value), Cell::new(met)]);
        }
        write!(f, "{table}")
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(header);
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

impl Op {
    fn sign(self) -> &'static str {
        match self {
            Op::AtMost => "<=",
            Op::AtLeast => ">=",
        }
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Microseconds => "us",
            Unit::Mebibytes => "MiB",
            Unit::WakeUpsPerSecond => "wake-ups/s",
            Unit::PerSecond => "/s",
            Unit::Count => "count",
            Unit::Percent => "%",
        }
    }

    /// A round value with its unit.
    pub(crate) fn show_round(self, value: f64) -> String {
        let shown = self.show(value);
        let (number, unit) = shown.split_once(' ').unwrap_or((&shown, ""));
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        format!("{number} {unit}")
    }

    /// The value with its unit, as short as it can be said.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Unit::Microseconds if value >= 1e6 => format!("{} s", significant(value / 1e6)),
            Unit::Microseconds if value >= 1e3 => format!("{} ms", significant(value / 1e3)),
            Unit::Microseconds if value >= 1.0 => format!("{} µs", significant(value)),
            Unit::Microseconds => format!("{value:.2} µs"),
            Unit::Mebibytes => format!("{} MiB", significant(value)),
            Unit::WakeUpsPerSecond | Unit::PerSecond => format!("{} /s", significant(value)),
            Unit::Count => format!("{value:.0}"),
            Unit::Percent => format!("{} %", significant(value)),
        }
    }
}

/// Three digits that count.
pub(crate) fn significant(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// To a thousandth: what is finer is noise.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::measure::Samples;

    fn measured(name: &str, samples: &[f64]) -> Measured {
        Measured { name: name.to_owned(), outcome: Ok(Samples::new(samples.to_vec())) }
    }

    fn example() -> Report {
        let missing = Measured { name: "gone".to_owned(), outcome: Err(anyhow!("no network")) };
        let rows = vec![measured("floor", &[2.0]), measured("ours", &[1.0, 3.0, 9.0]), missing];
        let case = Case::new("handoff", Unit::Microseconds, "floor", rows);
        let mut report = Report::new("example", Value::Null);
        report.bars.push(case.at_most_times("near the floor", "ours", 1.6, "floor"));
        report.bars.push(case.at_most_times("near the rival", "ours", 1.6, "gone"));
        report.bars.push(Bar::new("fast", Op::AtLeast, 1.5, Some(1.5)));
        report.cases.push(case);
        report
    }

    #[test]
    fn the_json_is_as_documented() {
        let json: Value = serde_json::from_str(&example().json()).unwrap();
        assert_eq!(json["schema"], "stead.bench/1");
        let row = json!({"case": "handoff", "subject": "ours", "median": 3.0, "p99": null, "unit": "us",
            "ratio_to_floor": 1.5, "skipped": null});
        assert_eq!(json["rows"][1], row);
        assert_eq!(json["rows"][2]["skipped"], "no network");
        let bar = json!({"name": "near the floor", "op": "<=", "limit": 1.6, "value": 1.5, "met": true});
        assert_eq!(json["bars"][0], bar);
        assert_eq!(json["bars"][1]["met"], Value::Null);
        assert_eq!(json["bars"][2]["met"], true);
    }

    #[test]
    fn the_plot_shows_every_subject_and_why_one_is_missing() {
        let svg = crate::plot::svg(&example());
        for shown in [">ours<", ">floor<", "skipped: no network", "≤ 1.6×"] {
            assert!(svg.contains(shown), "{shown} is not in {svg}");
        }
    }

    #[test]
    fn values_read_well() {
        let micros = |value| Unit::Microseconds.show(value);
        assert_eq!(
            [micros(0.5612), micros(5.0), micros(28_000.4), micros(2e6)],
            ["0.56 µs", "5.00 µs", "28.0 ms", "2.00 s"]
        );
    }
}
