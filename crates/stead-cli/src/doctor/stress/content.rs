//! Contents that say whether they are whole.

/// A line that no worker appends.
pub(super) const LAST_LINE: &str = "end";

/// The lines of a batch: `WORKER BATCH INDEX OF PADDING`.
pub(super) fn batch(worker: u32, batch: u64) -> Vec<String> {
    let of = 1 + batch % 3;
    (0..of).map(|index| format!("{worker} {batch} {index} {of} {}", padding(batch + index))).collect()
}

/// Which line of which batch it is; `None`: no line that a worker appends.
pub(super) fn parse(line: &str) -> Option<(u32, u64, u64)> {
    let mut words = line.split(' ');
    let worker = words.next()?.parse().ok()?;
    let number: u64 = words.next()?.parse().ok()?;
    let index: u64 = words.next()?.parse().ok()?;
    let whole = batch(worker, number);
    (whole.get(usize::try_from(index).ok()?)? == line).then_some((worker, number, index))
}

/// What a worker replaces the file with: `WORKER NUMBER PADDING`, and the same again.
pub(super) fn replacement(worker: u32, number: u64) -> String {
    let line = format!("{worker} {number} {}\n", padding(number * 101));
    line.repeat(2)
}

/// Who put this content there; `None`: it is not whole.
pub(super) fn author(content: &str) -> Option<(u32, u64)> {
    let mut words = content.split(' ');
    let (worker, number) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (replacement(worker, number) == content).then_some((worker, number))
}

/// Up to two pages, so that some contents lie across sectors and pages.
fn padding(number: u64) -> String {
    "x".repeat(usize::try_from(number * 37 % 8000).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_is_known_and_what_is_not_is_seen() {
        for (index, line) in batch(3, 5).iter().enumerate() {
            assert_eq!(parse(line), Some((3, 5, index as u64)));
            assert_eq!(parse(&line[..line.len() - 1]), None);
        }
        for line in ["", LAST_LINE, "3 5 7 3 ", "3 5 0 3 xyz"] {
            assert_eq!(parse(line), None, "{line}");
        }
        let content = replacement(2, 9);
        assert_eq!(author(&content), Some((2, 9)));
        assert_eq!(author(&content[..content.len() / 2]), None);
        assert_eq!(author(""), None);
    }
}
