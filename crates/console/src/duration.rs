//! Durations on the command line: a unit is required.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads `500ms`, `30s`, `2m`, `1h30m`; `0s` means do not wait. For clap's `value_parser`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write a number with its unit: 500ms, 30s, 2m, 1h30m";
    let text = text.trim();
    if text.parse::<f64>().is_ok() {
        return Err(format!("a bare number does not say of what; {FORM}"));
    }
    let duration: SignedDuration = text.parse().map_err(|_| FORM.to_owned())?;
    Duration::try_from(duration).map_err(|_| format!("a duration cannot be negative; {FORM}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood() {
        for (text, millis) in
            [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h30m", 5_400_000), ("0s", 0), ("1.5s", 1500)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_has_no_unit_is_refused_with_the_units() {
        for text in ["30", "0", "1.5", "", " ", "s", "-", "30 parsecs", "99999999999999999999h", "-5s", "NaN", "inf"] {
            let message = parse_duration(text).unwrap_err();
            assert!(message.contains("500ms, 30s, 2m, 1h30m"), "{text}: {message}");
        }
    }
}
