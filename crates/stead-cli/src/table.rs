//! Holders and waiters as a table for people.

pub(crate) mod cycle;

use comfy_table::{ContentArrangement, Table, TableStyle};
use stead::lock::{Age, Holder, Inspection, State, Waiter};
use stead_console::text::plain;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const HEADER: [&str; 9] = ["LOCK", "STATE", "MODE", "PID", "USER", "FOR", "TOKEN", "LABEL", "COMMAND"];
const TOKEN: usize = 6;
const LABEL: usize = 7;
const COMMAND: usize = 8;
type Row = [String; HEADER.len()];

/// Blanks between two columns.
const GAP: u16 = 2;
/// How a table is made narrower, the first that is enough: without tokens or with; how wide labels and commands stay.
const PLANS: [(bool, usize, usize); 3] = [(true, usize::MAX, 24), (false, usize::MAX, 24), (false, 12, 12)];

/// A row for each holder and each waiter, and one for a lock that has neither; columns without content are left out.
/// Commands are cut where `width` is not enough.
pub(crate) fn of(locks: &[Inspection], width: Option<u16>) -> String {
    let mut rows: Vec<Row> = locks.iter().flat_map(rows_of).collect();
    fit(&mut rows, width.map_or(usize::MAX, usize::from));
    let columns: Vec<usize> = (0..HEADER.len()).filter(|column| width_of(&rows, *column) > 0).collect();
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| HEADER[*column]));
    for row in &rows {
        table.add_row(columns.iter().map(|column| row[*column].clone()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.trim_fmt()
}

fn fit(rows: &mut [Row], width: usize) {
    for (number, (has_tokens, label, command)) in PLANS.into_iter().enumerate() {
        let mut tried = rows.to_vec();
        if !has_tokens {
            for row in &mut tried {
                row[TOKEN].clear();
            }
        }
        shorten(&mut tried, LABEL, label);
        let filled = (0..COMMAND).map(|column| width_of(&tried, column)).filter(|width| *width > 0);
        let others: usize = filled.map(|width| width + usize::from(GAP)).sum();
        let room = width.saturating_sub(others);
        shorten(&mut tried, COMMAND, room.max(command));
        if room >= command || number + 1 == PLANS.len() {
            rows.clone_from_slice(&tried);
            return;
        }
    }
}

/// How wide a column is; 0 if there is nothing in it.
fn width_of(rows: &[Row], column: usize) -> usize {
    match rows.iter().map(|row| row[column].width()).max() {
        None | Some(0) => 0,
        Some(width) => width.max(HEADER[column].len()),
    }
}

fn shorten(rows: &mut [Row], column: usize, width: usize) {
    for row in rows {
        if row[column].width() > width {
            let mut left = width.saturating_sub(1);
            let fits = |c: &char| left.checked_sub(c.width().unwrap_or(0)).map(|less| left = less).is_some();
            row[column] = row[column].chars().take_while(fits).chain(['…']).collect();
        }
    }
}

fn rows_of(lock: &Inspection) -> Vec<Row> {
    let path = if lock.path.as_os_str().is_empty() { "?".to_owned() } else { plain(&lock.path.to_string_lossy()) };
    let mut rows: Vec<Row> = lock.holders.iter().map(|holder| held(holder, lock.primitive)).collect();
    if lock.held && rows.is_empty() {
        rows.push(row("held", String::new(), "by someone unknown"));
    }
    rows.extend(lock.waiters.iter().map(waiting));
    if rows.is_empty() {
        rows.push(row("free", String::new(), ""));
    }
    for row in &mut rows {
        row[0].clone_from(&path);
    }
    rows
}

fn held(holder: &Holder, primitive: &str) -> Row {
    let state = match (holder.state, holder.verified) {
        (State::Stopped, _) => "stopped",
        (_, false) => "unconfirmed",
        _ => "held",
    };
    let mode = match primitive {
        "flock" => holder.mode.to_string(),
        other => format!("{} ({other})", holder.mode),
    };
    let mut row = row(state, mode, holder.command.as_deref().unwrap_or_default());
    row[3] = holder.pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    row[4] = plain(holder.user.as_deref().unwrap_or_default());
    row[5] = holder.age().map(|age| Age(age).to_string()).unwrap_or_default();
    row[TOKEN] = holder.token.map(|token| token.to_string()).unwrap_or_default();
    row[LABEL] = plain(holder.label.as_deref().unwrap_or_default());
    row
}

fn waiting(waiter: &Waiter) -> Row {
    let state = waiter.place.map_or_else(|| "waiting".to_owned(), |place| format!("waiting #{place}"));
    let mut row = row(&state, waiter.mode.to_string(), waiter.command.as_deref().unwrap_or_default());
    row[3] = waiter.pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    row[4] = plain(waiter.user.as_deref().unwrap_or_default());
    row[5] = waiter.age().map(|age| Age(age).to_string()).unwrap_or_default();
    row
}

fn row(state: &str, mode: String, command: &str) -> Row {
    let mut row = Row::default();
    state.clone_into(&mut row[1]);
    row[2] = mode;
    row[COMMAND] = plain(command);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(command: &str) -> Row {
        let texts = [
            "./deploy.lock",
            "held",
            "exclusive",
            "25968",
            "root",
            "1s",
            "1795234787904956",
            "nightly import",
            command,
        ];
        texts.map(str::to_owned)
    }

    fn fitted(width: usize) -> Row {
        let mut rows = [row("sh -c 'sleep 20; echo a rather long command line'")];
        fit(&mut rows, width);
        rows[0].clone()
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(fitted(usize::MAX), row("sh -c 'sleep 20; echo a rather long command line'"));
    }

    #[test]
    fn commands_go_first_then_tokens_then_labels() {
        let wide = fitted(120);
        assert!(wide[COMMAND].ends_with('…') && !wide[TOKEN].is_empty(), "{wide:?}");
        let middle = fitted(100);
        assert!(middle[TOKEN].is_empty() && middle[LABEL] == "nightly import", "{middle:?}");
        // All that is left of the line.
        assert_eq!(middle[COMMAND].width(), 33);
        let narrow = fitted(80);
        assert_eq!((narrow[LABEL].width(), narrow[COMMAND].width()), (12, 15));
        assert_eq!(fitted(10)[COMMAND].width(), 12);
    }
}
