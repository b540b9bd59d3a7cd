//! What the doctor says in the end: a table for people, a document for programs.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};
use stead::filesystem::Filesystem;
use stead_console::text::plain;

use super::promises::{Outcome, Promise};
use super::stress::{Findings, Report};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
/// Between columns.
const GAP: usize = 2;
/// The narrowest column of details that is worth wrapping in.
const DETAIL_MIN: usize = 24;

/// `stead.doctor/1`
pub(super) fn document(path: &Path, filesystem: &Filesystem, promises: &[Promise], stress: Option<&Report>) -> Value {
    let mut document = Map::new();
    document.insert("schema".to_owned(), "stead.doctor/1".into());
    stead_console::json::path(&mut document, path);
    document.insert("filesystem".to_owned(), filesystem.name().into());
    let promise = |Promise { name, outcome, detail }: &Promise| json!({"name": name, "outcome": outcome.to_string(), "detail": detail});
    document.insert("promises".to_owned(), promises.iter().map(promise).collect());
    document.insert("stress".to_owned(), stress.map_or(Value::Null, stress_document));
    Value::Object(document)
}

fn stress_document(report: &Report) -> Value {
    let Findings { acknowledged, lost, doubled, overlaps, waits, failures, .. } = &report.findings;
    let wait = |percent| waits.percentile(percent).map(|wait| wait.as_secs_f64());
    json!({
        "seconds": report.elapsed.as_secs_f64(),
        "processes": report.processes,
        "kills": report.kills,
        "acknowledged": acknowledged,
        "lost": lost,
        "doubled": doubled,
        "overlaps": overlaps,
        "rate_per_s": report.rate_per_s(),
        "wait_p50_s": wait(50),
        "wait_p99_s": wait(99),
        "failures": failures,
    })
}

/// Which folder is examined.
pub(super) fn heading(path: &Path, filesystem: &Filesystem) -> String {
    let path = plain(&path.to_string_lossy());
    format!("{BOLD}{path}{BOLD:#} is on {BOLD}{}{BOLD:#} ({})\n", plain(filesystem.name()), filesystem.kind())
}

/// A line for each promise. `width`: how wide a line may be, if that matters.
pub(super) fn promises(promises: &[Promise], width: Option<u16>) -> String {
    let widest = |length: fn(&Promise) -> usize| promises.iter().map(length).max().unwrap_or_default();
    let names = widest(|promise| promise.name.len()) + GAP;
    let outcomes = widest(|promise| promise.outcome.to_string().len()) + GAP;
    let details = width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(GAP + names + outcomes));
    let mut rows = Vec::with_capacity(promises.len());
    for Promise { name, outcome, detail } in promises {
        let (style, dim) = (style_of(*outcome), if *outcome == Outcome::Kept { DIM } else { Style::new() });
        let mut row = format!("  {name:<names$}{style}{outcome}{style:#}");
        if !detail.is_empty() {
            row.push_str(&" ".repeat(outcomes - outcome.to_string().len()));
            let next_line = format!("\n{:indent$}", "", indent = GAP + names + outcomes);
            let lines = wrap(&plain(detail), details.max(DETAIL_MIN));
            let styled: Vec<String> = lines.iter().map(|line| format!("{dim}{line}{dim:#}")).collect();
            row.push_str(&styled.join(&next_line));
        }
        rows.push(row);
    }
    format!("{}\n\n{}", rows.join("\n"), summary(promises))
}

fn style_of(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Kept => GOOD,
        Outcome::Fallback => WARNING,
        Outcome::Broken => BAD,
        Outcome::NotApplicable => DIM,
    }
}

fn summary(promises: &[Promise]) -> String {
    let count = |outcome| promises.iter().filter(|promise| promise.outcome == outcome).count();
    let [kept, fallback, broken, not] =
        [Outcome::Kept, Outcome::Fallback, Outcome::Broken, Outcome::NotApplicable].map(count);
    let mut text = match (kept, promises.len()) {
        (kept, all) if kept == all => format!("all {all} promises kept"),
        (kept, all) => format!("{kept} of {all} promises kept"),
    };
    for (number, what) in [(fallback, "done another way"), (broken, "BROKEN"), (not, "not applicable")] {
        if number > 0 {
            text = format!("{text}, {number} {what}");
        }
    }
    let style = if broken > 0 { BAD } else { GOOD };
    format!("{style}{text}{style:#}")
}

/// What is about to be done for so long.
pub(super) fn stress_heading(processes: u32, duration: Duration) -> String {
    format!(
        "\n{processes} processes change shared counters, files and an event log for {} s; some are killed on the way\n",
        duration.as_secs_f64()
    )
}

/// What came of it.
pub(super) fn stress(report: &Report) -> String {
    let Findings { acknowledged, lost, doubled, overlaps, waits, failures, .. } = &report.findings;
    let wait = |percent| waits.percentile(percent).map_or_else(|| "-".to_owned(), |wait| Span(wait).to_string());
    let row = |name: &str, value: String| format!("  {name:<23}{value}");
    let must_be_zero = |name: &str, value: u64| {
        let style = if value == 0 { GOOD } else { BAD };
        row(name, format!("{style}{}{style:#}", Thousands(value)))
    };
    let mut rows = vec![
        row("processes", report.processes.to_string()),
        row("kills survived", Thousands(report.kills).to_string()),
        row("acknowledged changes", Thousands(*acknowledged).to_string()),
        must_be_zero("lost", *lost),
        must_be_zero("doubled", *doubled),
        must_be_zero("overlaps", *overlaps),
        row("operations per second", Thousands(whole(report.rate_per_s())).to_string()),
        row("wait for a lock", format!("{} in the median, {} at the 99th percentile", wait(50), wait(99))),
    ];
    rows.extend(failures.iter().map(|failure| format!("  {BAD}failed{BAD:#}: {}", plain(failure))));
    format!("{}\n\n{}", rows.join("\n"), verdict(report))
}

fn verdict(report: &Report) -> String {
    let Findings { lost, doubled, overlaps, .. } = &report.findings;
    if report.is_sound() {
        format!("{GOOD}no loss: every acknowledged change is there exactly once, and no two holders overlapped{GOOD:#}")
    } else if lost + doubled + overlaps == 0 {
        format!("{BAD}FAILED{BAD:#}: nothing is lost, but a process could not go on: see above")
    } else {
        format!(
            "{BAD}LOSS: locks do not protect data in this folder{BAD:#}; keep it on a local disk, and please report \
             this if it is one"
        )
    }
}

/// Whole numbers that go past a limit stay there.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, never negative; `as` saturates")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// So many in this time, a second.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub(super) fn rate(number: u64, time: Duration) -> u64 {
    whole(number as f64 / time.as_secs_f64().max(f64::EPSILON))
}

/// Breaks text at blanks; a word that is longer than a line gets one of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number for people: `81,234`.
pub(super) struct Thousands(pub(super) u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// A measured time for people: `9 us`, `0.43 ms`, `100.2 ms`, `1.25 s`.
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_secs_f64() * 1000.0;
        match self.0.as_micros() {
            micros @ 0..100 => write!(f, "{micros} us"),
            100..10_000 => write!(f, "{millis:.2} ms"),
            10_000..1_000_000 => write!(f, "{millis:.1} ms"),
            _ => write!(f, "{:.2} s", self.0.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(name: &'static str, outcome: Outcome, detail: &str) -> Promise {
        Promise { name, outcome, detail: detail.to_owned() }
    }

    fn stripped(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn numbers_are_grouped() {
        let shown: Vec<String> = [0, 999, 1000, 81_234, 1_000_000].map(|n| Thousands(n).to_string()).into();
        assert_eq!(shown, ["0", "999", "1,000", "81,234", "1,000,000"]);
    }

    #[test]
    fn spans_read_well() {
        let shown: Vec<String> =
            [9, 430, 100_200, 1_250_000].map(|micros| Span(Duration::from_micros(micros)).to_string()).into();
        assert_eq!(shown, ["9 us", "0.43 ms", "100.2 ms", "1.25 s"]);
    }

    #[test]
    fn the_table_is_wrapped_to_the_terminal_and_not_in_a_pipe() {
        let rows = [
            promise("clock", Outcome::Kept, ""),
            promise("hard link", Outcome::Fallback, "a new lock file is created by name and filled afterwards"),
        ];
        assert_eq!(
            stripped(&promises(&rows, Some(52))),
            "  clock      kept\n  hard link  fallback  a new lock file is created by\n                       name and filled \
             afterwards\n\n1 of 2 promises kept, 1 done another way"
        );
        assert_eq!(stripped(&promises(&rows, None)).lines().count(), 4);
    }

    #[test]
    fn a_hostile_path_cannot_write_on_the_terminal() {
        let rows = [promise("clock", Outcome::Broken, "\u{1b}[2J")];
        assert!(!stripped(&promises(&rows, None)).contains('\u{1b}'));
    }

    #[test]
    fn a_loss_is_said_as_one() {
        let mut report =
            Report { elapsed: Duration::from_secs(2), processes: 4, kills: 3, findings: Findings::default() };
        assert!(stripped(&stress(&report)).contains("no loss"));
        for spoil in [
            |findings: &mut Findings| findings.lost = 1,
            |findings: &mut Findings| findings.doubled = 1,
            |findings: &mut Findings| findings.overlaps = 1,
            |findings: &mut Findings| findings.failures.push("worker 3 ended".to_owned()),
        ] {
            report.findings = Findings::default();
            spoil(&mut report.findings);
            assert!(!report.is_sound());
            let text = stripped(&stress(&report));
            assert!(text.contains("LOSS") || text.contains("failed: worker 3 ended"), "{text}");
        }
    }
}
