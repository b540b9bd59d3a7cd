//! The plot of a report: one panel for each case, a dot for each median, a line from it to the 99th percentile, on a
//! logarithmic scale. Written by hand: it is rectangles, circles and text.

use std::fmt::Write;

use crate::report::{Case, Report, Row, Unit, significant};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 28.0;
const TITLE_HEIGHT: f64 = 78.0;
const PANEL_HEAD: f64 = 34.0;
const ROW_HEIGHT: f64 = 23.0;
const AXIS_HEIGHT: f64 = 44.0;
const CHART_LEFT: f64 = 304.0;
const CHART_RIGHT: f64 = 740.0;
const RATIO_RIGHT: f64 = WIDTH - MARGIN;
const MEDIAN_RIGHT: f64 = 842.0;

/// The width of a character, as near as it can be told without the font: labels must not run into headings.
const HEADING_CHAR: f64 = 9.4;
const LABEL_CHAR: f64 = 6.2;

/// How much of the reason of a missing subject fits.
const SKIPPED_CHARS_MAX: usize = 56;

const INK: &str = "#1f2933";
const FAINT: &str = "#6b7785";
const GRID: &str = "#e4e8ed";
const OURS: &str = "#0b6bcb";
const FLOOR: &str = "#1f2933";
const RIVAL: &str = "#94a0ae";
const LIMIT: &str = "#d9480f";

/// The whole picture.
pub(crate) fn svg(report: &Report) -> String {
    let cases = || report.cases.iter().filter(|case| !case.is_detail);
    let heights = cases().map(panel_height);
    let height = TITLE_HEIGHT + heights.sum::<f64>() + MARGIN / 2.0;
    let mut page = Page::default();
    page.title(report);
    let mut top = TITLE_HEIGHT;
    for case in cases() {
        page.panel(report, case, top);
        top += panel_height(case);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
        page.body
    )
}

fn panel_height(case: &Case) -> f64 {
    PANEL_HEAD + ROW_HEIGHT * case.rows.len() as f64 + AXIS_HEIGHT
}

/// A logarithmic scale over all that a case shows.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// `None`: there is nothing to show.
    fn of(case: &Case, marks: impl Iterator<Item = f64>) -> Option<Scale> {
        let shown = case.rows.iter().flat_map(|row| [row.median, row.p99]).flatten();
        let shown = shown.chain(marks).filter(|value| *value > 0.0);
        let (low, high) = shown.fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        // A little air on both sides, and never less than half a decade.
        (high > 0.0).then(|| Scale { low: low / 1.35, high: (high * 1.35).max(low * 3.2) })
    }

    fn x(&self, value: f64) -> f64 {
        let share = (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        CHART_LEFT + share * (CHART_RIGHT - CHART_LEFT)
    }

    /// Round values in between: powers of ten, and where these are few, their doubles and fives.
    fn ticks(&self) -> Vec<f64> {
        let steps: &[f64] = match (self.high / self.low).log10() {
            ..1.3 => &[1.0, 2.0, 5.0],
            1.3..2.2 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let decades = -6..=12;
        let all = decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
        all.filter(|tick| (self.low..=self.high).contains(tick)).collect()
    }
}

#[derive(Default)]
struct Page {
    body: String,
}

#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

impl Page {
    fn title(&mut self, report: &Report) {
        let line = |page: &mut Page, y, style: &str, text: &str| page.text(MARGIN, y, Anchor::Start, style, text);
        line(self, 38.0, &format!("font-size=\"20\" font-weight=\"600\" fill=\"{INK}\""), &report.title());
        let legend_y = 62.0;
        let mut x = MARGIN;
        for (colour, name, width) in [
            (OURS, report.product, 31.0 + 7.0 * report.product.len() as f64),
            (FLOOR, "floor", 62.0),
            (RIVAL, "others", 74.0),
        ] {
            self.dot(x + 5.0, legend_y - 4.0, colour);
            self.text(x + 15.0, legend_y, Anchor::Start, &fill(FAINT), name);
            x += width;
        }
        self.line(
            (x + 4.0, legend_y - 4.0),
            (x + 34.0, legend_y - 4.0),
            &format!("stroke=\"{RIVAL}\" stroke-width=\"2\""),
        );
        self.text(x + 40.0, legend_y, Anchor::Start, &fill(FAINT), "median to 99th percentile");
        x += 222.0;
        self.line((x, legend_y - 12.0), (x, legend_y + 3.0), &limit_stroke());
        self.text(
            x + 8.0,
            legend_y,
            Anchor::Start,
            &fill(FAINT),
            &format!("the bar that {} has to meet", report.product),
        );
    }

    fn panel(&mut self, report: &Report, case: &Case, top: f64) {
        let heading = format!("{} font-size=\"15\" font-weight=\"600\"", fill(INK));
        self.text(MARGIN, top + 20.0, Anchor::Start, &heading, &case.name);
        let small = format!("{} font-size=\"11\"", fill(FAINT));
        self.text(MEDIAN_RIGHT, top + 20.0, Anchor::End, &small, "median");
        self.text(RATIO_RIGHT, top + 20.0, Anchor::End, &small, "× floor");
        let marks = report.marks(case);
        let rows_top = top + PANEL_HEAD;
        let rows_bottom = rows_top + ROW_HEIGHT * case.rows.len() as f64;
        let scale = Scale::of(case, marks.iter().map(|mark| mark.at));
        if let Some(scale) = &scale {
            self.axis(case.unit, scale, rows_top, rows_bottom);
            let style = format!("{} font-size=\"11\"", fill(LIMIT));
            let heading_right = MARGIN + HEADING_CHAR * case.name.chars().count() as f64;
            for mark in &marks {
                let x = scale.x(mark.at);
                self.line((x, rows_top - 4.0), (x, rows_bottom), &limit_stroke());
                let half = LABEL_CHAR * mark.label.chars().count() as f64 / 2.0;
                self.text(x.max(heading_right + half), rows_top - 9.0, Anchor::Middle, &style, &mark.label);
            }
        }
        for (index, row) in case.rows.iter().enumerate() {
            let is_ours = row.subject.starts_with(report.product);
            self.row(case, row, is_ours, scale.as_ref(), rows_top + ROW_HEIGHT * (index as f64 + 0.5));
        }
    }

    fn axis(&mut self, unit: Unit, scale: &Scale, top: f64, bottom: f64) {
        let small = format!("{} font-size=\"11\"", fill(FAINT));
        for tick in scale.ticks() {
            let x = scale.x(tick);
            self.line((x, top), (x, bottom), &format!("stroke=\"{GRID}\""));
            self.text(x, bottom + 15.0, Anchor::Middle, &small, &unit.show_round(tick));
        }
        self.line((CHART_LEFT, bottom), (CHART_RIGHT, bottom), &format!("stroke=\"{RIVAL}\""));
    }

    fn row(&mut self, case: &Case, row: &Row, is_ours: bool, scale: Option<&Scale>, y: f64) {
        let is_floor = row.subject == case.floor;
        let colour = if is_ours {
            OURS
        } else if is_floor {
            FLOOR
        } else {
            RIVAL
        };
        let weight = if is_ours { " font-weight=\"600\"" } else { "" };
        let baseline = y + 4.5;
        self.text(CHART_LEFT - 14.0, baseline, Anchor::End, &format!("{}{weight}", fill(INK)), &row.subject);
        if let Some(why) = &row.skipped {
            let why: String = why.chars().take(SKIPPED_CHARS_MAX).collect();
            let style = format!("{} font-style=\"italic\"", fill(FAINT));
            self.text(CHART_LEFT + 8.0, baseline, Anchor::Start, &style, &format!("skipped: {why}"));
            return;
        }
        let (Some(scale), Some(median)) = (scale, row.median) else { return };
        let x = scale.x(median);
        if let Some(p99) = row.p99.map(|p99| scale.x(p99)) {
            let stroke = format!("stroke=\"{colour}\" stroke-width=\"2\" stroke-opacity=\"0.55\"");
            self.line((x, y), (p99, y), &stroke);
            self.line((p99, y - 4.0), (p99, y + 4.0), &stroke);
        }
        self.dot(x, y, colour);
        let figures = format!("{}{weight} style=\"font-variant-numeric: tabular-nums\"", fill(INK));
        self.text(MEDIAN_RIGHT, baseline, Anchor::End, &figures, &case.unit.show(median));
        if let Some(ratio) = row.ratio_to_floor {
            self.text(RATIO_RIGHT, baseline, Anchor::End, &figures, &format!("{}×", significant(ratio)));
        }
    }

    fn text(&mut self, x: f64, y: f64, anchor: Anchor, style: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(self.body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {style}>{text}</text>");
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), style: &str) {
        let _ = writeln!(self.body, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>");
    }

    fn dot(&mut self, x: f64, y: f64, colour: &str) {
        let _ = writeln!(self.body, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>");
    }
}

fn fill(colour: &str) -> String {
    format!("fill=\"{colour}\"")
}

fn limit_stroke() -> String {
    format!("stroke=\"{LIMIT}\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"")
}
