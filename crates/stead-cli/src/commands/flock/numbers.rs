//! Numbers as C reads them: blanks before them, signs, other bases, and nothing behind them.

use std::time::Duration;

/// The decimal exponents of the smallest and the largest number of 80 bits, in which flock(1) counts seconds.
const EXPONENTS: std::ops::RangeInclusive<i64> = -4931..=4932;

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is none.
    Unreadable,
    /// It is one that nobody can count to.
    OutOfRange,
}

/// A number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seconds {
    /// In whole microseconds.
    Some(Duration),
    /// Less than nothing, infinite, or no number: no timer can be set to it.
    NoTime,
}

/// A 32-bit number in decimal.
pub(super) fn number(text: &[u8]) -> Result<i32, Wrong> {
    let (is_negative, digits) = signed(text);
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut magnitude: Option<i64> = Some(0);
    for digit in &digits[..count] {
        let digit = i64::from(digit - b'0');
        // Below zero, for there is one more there.
        magnitude = magnitude.and_then(|so_far| so_far.checked_mul(10)?.checked_sub(digit));
    }
    let value = magnitude.and_then(|value| if is_negative { Some(value) } else { value.checked_neg() });
    // What follows a number that is too large is not looked at.
    let value = value.ok_or(Wrong::OutOfRange)?;
    if count == 0 || count < digits.len() {
        return Err(Wrong::Unreadable);
    }
    i32::try_from(value).map_err(|_| Wrong::OutOfRange)
}

/// Seconds, with fractions.
pub(super) fn seconds(text: &[u8]) -> Result<Seconds, Wrong> {
    let (is_negative, digits) = signed(text);
    let magnitude = match digits {
        [b'0', b'x' | b'X', hexadecimal @ ..] => hexadecimal_float(hexadecimal)?,
        [b'n' | b'N', b'a' | b'A', b'n' | b'N', b'(', .., b')'] => f64::NAN,
        // A second sign is none.
        [b'+' | b'-', ..] => return Err(Wrong::Unreadable),
        _ => decimal_float(digits)?,
    };
    Ok(time(if is_negative { -magnitude } else { magnitude }))
}

/// A number of bytes, perhaps in thousands or in units of 1024.
pub(super) fn size(text: &[u8]) -> Result<u64, Wrong> {
    let (is_negative, digits) = signed(text);
    if is_negative {
        return Err(Wrong::Unreadable);
    }
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => (16, rest),
        [b'0', ..] => (8, digits),
        _ => (10, digits),
    };
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(base);
    let count = digits.iter().take_while(is_digit).count();
    let whole = whole(&digits[..count], base)?;
    let (fraction, suffix) = match &digits[count..] {
        [] => return Ok(whole),
        [b'.', rest @ ..] => rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count()),
        suffix => (&b""[..], suffix),
    };
    let unit = unit(suffix)?;
    let bytes = u128::from(whole).checked_mul(unit).ok_or(Wrong::OutOfRange)?;
    u64::try_from(bytes + part_of(unit, fraction)).map_err(|_| Wrong::OutOfRange)
}

/// Whether there is a minus, and what follows it.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    // isspace(3)
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let text = &text[blanks..];
    match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix(b"+").unwrap_or(text)),
    }
}

fn whole(digits: &[u8], base: u32) -> Result<u64, Wrong> {
    if digits.is_empty() {
        return Err(Wrong::Unreadable);
    }
    let add = |so_far: u64, digit: &u8| {
        so_far.checked_mul(base.into())?.checked_add(char::from(*digit).to_digit(base)?.into())
    };
    digits.iter().try_fold(0, add).ok_or(Wrong::OutOfRange)
}

/// How many bytes `K`, `KB`, `KiB` and so on stand for.
fn unit(suffix: &[u8]) -> Result<u128, Wrong> {
    let (letter, base) = match suffix {
        [letter] | [letter, b'i', b'B' | b'b'] => (letter, 1024_u128),
        [letter, b'B' | b'b'] => (letter, 1000),
        _ => return Err(Wrong::Unreadable),
    };
    let power = b"KMGTPEZY".iter().position(|known| *known == letter.to_ascii_uppercase()).ok_or(Wrong::Unreadable)?;
    Ok((0..=power).fold(1, |so_far, _| so_far * base))
}

/// What these decimals are of `unit`.
fn part_of(unit: u128, decimals: &[u8]) -> u128 {
    // The largest unit has 81 bits; more decimals than these are less than a byte of the units that a file can have.
    let (mut share, mut part) = (unit, 0);
    for digit in decimals.iter().take(24) {
        part += share * u128::from(digit - b'0') / 10;
        share /= 10;
    }
    part
}

fn decimal_float(text: &[u8]) -> Result<f64, Wrong> {
    let text = std::str::from_utf8(text).map_err(|_| Wrong::Unreadable)?;
    let value: f64 = text.parse().map_err(|_| Wrong::Unreadable)?;
    match decimal_exponent(text) {
        Some(exponent) if !EXPONENTS.contains(&exponent) => Err(Wrong::OutOfRange),
        _ => Ok(value),
    }
}

/// The power of ten of the first digit that is not zero. `None`: there is none such.
fn decimal_exponent(text: &str) -> Option<i64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    let first = digits.take_while(|digit| *digit == b'0').count();
    if first == whole.len() + fraction.len() || !mantissa.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit()) {
        return None;
    }
    let place = i64::try_from(whole.len()).ok()? - i64::try_from(first).ok()? - 1;
    // What is not read has more digits than an exponent can have.
    let largest = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(exponent.parse().unwrap_or(largest).saturating_add(place))
}

fn hexadecimal_float(text: &[u8]) -> Result<f64, Wrong> {
    let text = std::str::from_utf8(text).map_err(|_| Wrong::Unreadable)?;
    let (mantissa, exponent) = text.split_once(['p', 'P']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(Wrong::Unreadable);
    }
    let add = |so_far: f64, digit: char| Some(so_far * 16.0 + f64::from(digit.to_digit(16)?));
    let value = whole.chars().chain(fraction.chars()).try_fold(0.0, add).ok_or(Wrong::Unreadable)?;
    let exponent: i32 = exponent.parse().map_err(|_| Wrong::Unreadable)?;
    let places = i32::try_from(fraction.len()).map_err(|_| Wrong::OutOfRange)?.saturating_mul(4);
    Ok(value * 2_f64.powi(exponent.saturating_sub(places)))
}

fn time(seconds: f64) -> Seconds {
    let whole = seconds.trunc();
    let micros = ((seconds - whole) * 1e6).trunc();
    // 2 to the 63: what a time of the system can be. Not a number is on no side of it.
    let is_time = whole >= 0.0 && micros >= 0.0 && whole < 9_223_372_036_854_775_808.0;
    if !is_time {
        return Seconds::NoTime;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at above")]
    let (whole, micros) = (whole as u64, micros as u32);
    Seconds::Some(Duration::new(whole, micros.min(999_999) * 1000))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(millis: u64) -> Seconds {
        Seconds::Some(Duration::from_millis(millis))
    }

    #[test]
    fn numbers_are_decimal_and_of_32_bits() {
        for (text, value) in [("7", 7), (" \t+7", 7), ("010", 10), ("-1", -1), ("-2147483648", i32::MIN)] {
            assert_eq!(number(text.as_bytes()), Ok(value), "{text:?}");
        }
        for text in ["", " ", "x", "7 ", "0x10", "+-7", "- 7", "7.0"] {
            assert_eq!(number(text.as_bytes()), Err(Wrong::Unreadable), "{text:?}");
        }
        for text in ["2147483648", "99999999999", "99999999999999999999999", "99999999999999999999999x"] {
            assert_eq!(number(text.as_bytes()), Err(Wrong::OutOfRange), "{text:?}");
        }
    }

    #[test]
    fn seconds_are_what_strtold_takes() {
        for (text, millis) in [("1", 1000), (".007", 7), ("5.", 5000), (" +1e2", 100_000), ("0x1.8p1", 3000), ("-0", 0)]
        {
            assert_eq!(seconds(text.as_bytes()), Ok(after(millis)), "{text:?}");
        }
        assert_eq!(seconds(b"0.000001"), Ok(Seconds::Some(Duration::from_micros(1))));
        assert_eq!(seconds(b"1e-9"), Ok(after(0)));
        assert_eq!(seconds(b"-1e-9"), Ok(after(0)));
        for text in ["-1", "-.5", "inf", "-Infinity", "nan", "NaN(0x1)", "1e30", "1e400", "1e4932"] {
            assert_eq!(seconds(text.as_bytes()), Ok(Seconds::NoTime), "{text:?}");
        }
        for text in ["1e5000", "1e-5000", "1e99999999999999999999", "1e-99999999999999999999"] {
            assert_eq!(seconds(text.as_bytes()), Err(Wrong::OutOfRange), "{text:?}");
        }
        for text in ["", " ", "x", "1 ", "1s", "+-1", "--1", "0x", "0x.", "1,5", "e5", ".", "0e99999999999999999999x"] {
            assert_eq!(seconds(text.as_bytes()), Err(Wrong::Unreadable), "{text:?}");
        }
        assert_eq!(seconds(b"0e9999999"), Ok(after(0)));
    }

    #[test]
    fn sizes_have_bases_and_units() {
        let sizes = [
            ("0", 0),
            ("12", 12),
            ("0x10", 16),
            ("010", 8),
            ("1K", 1024),
            ("1KB", 1000),
            ("2Mib", 2 << 20),
            ("1.5k", 1536),
            (" +1.25GB", 1_250_000_000),
            ("1.K", 1024),
            ("18446744073709551615", u64::MAX),
        ];
        for (text, value) in sizes {
            assert_eq!(size(text.as_bytes()), Ok(value), "{text:?}");
        }
        for text in ["", "x", "-1", "08", "1B", "1KX", "1.5", "1.5.5K", "0x", "1 K", "K"] {
            assert_eq!(size(text.as_bytes()), Err(Wrong::Unreadable), "{text:?}");
        }
        for text in ["18446744073709551616", "1Y", "16E", "99999999999999999999999999Q"] {
            assert_eq!(size(text.as_bytes()), Err(Wrong::OutOfRange), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in prop_oneof!["[ +-]{0,2}[0-9a-fxKMGiBeEpPn.()]{0,30}", ".{0,10}"]) {
            let _ = (number(text.as_bytes()), seconds(text.as_bytes()), size(text.as_bytes()));
        }

        #[test]
        fn what_is_written_is_read(value: i32, seconds_written in 0.0..1e9_f64, bytes: u64) {
            prop_assert_eq!(number(value.to_string().as_bytes()), Ok(value));
            prop_assert_eq!(size(format!("{bytes}").as_bytes()), Ok(bytes));
            let Ok(Seconds::Some(read)) = seconds(seconds_written.to_string().as_bytes()) else {
                return Err(TestCaseError::fail("no time"));
            };
            prop_assert!((read.as_secs_f64() - seconds_written).abs() < 2e-6);
        }
    }
}
