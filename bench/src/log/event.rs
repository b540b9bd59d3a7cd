//! The event that all append and read.

use anyhow::Result;
use serde_json::json;
use stead::log::Event;

/// The length of a stored line with its newline.
pub(super) const LINE_LEN: usize = 200;

/// Fills the line up.
const NOTE: &str = "leave it with the neighbours at no. 7, please";

/// Event `number`. All lines are equally long.
pub(super) fn event(number: u64) -> Event {
    let order = 1_000_000 + number % 9_000_000;
    let data = json!({
        "order": order,
        "customer": format!("c-{:05}", number % 100_000),
        "items": 3,
        "paid": true,
        "note": NOTE,
    });
    let mut event = Event::new("order_placed", data).with_id(format!("ord-{order}")).with_actor("shop-07");
    event.ts = 1_763_719_200 + number % 1_000_000;
    event
}

/// The line that is stored for event `number`, without its newline.
pub(super) fn line(number: u64) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&event(number))?)
}

/// The same with its newline.
pub(super) fn stored_line(number: u64) -> Result<Vec<u8>> {
    let mut line = line(number)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_length_that_the_benchmark_speaks_of() {
        for number in [0, 1, 99_999, 8_999_999, 9_000_000, u64::MAX] {
            let line = String::from_utf8(stored_line(number).unwrap()).unwrap();
            assert_eq!(line.len(), LINE_LEN, "{line}");
        }
    }

    #[test]
    fn eventfold_stores_the_same_line() {
        let line = line(7).unwrap();
        let event: eventfold::Event = serde_json::from_slice(&line).unwrap();
        assert_eq!(serde_json::to_vec(&event).unwrap(), line);
    }
}
