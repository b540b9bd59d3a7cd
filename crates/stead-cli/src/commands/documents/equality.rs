//! When two JSON values are equal (RFC 6902, section 4.6): numbers by their value, not by how they are written.

use serde_json::{Number, Value};

pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || is_same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in_other = |(key, value)| other.get(key).is_some_and(|found| equal(value, found));
            one.len() == other.len() && one.iter().all(is_in_other)
        }
        (one, other) => one == other,
    }
}

fn is_same_number(one: &Number, other: &Number) -> bool {
    let parts = |number: &Number| parts(&number.to_string());
    parts(one).is_some_and(|one| parts(other) == Some(one))
}

/// The sign, the digits without zeros at either end, and the power of ten of the last. Exact, however large.
fn parts(text: &str) -> Option<(bool, String, i64)> {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let shift = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
    Some((is_negative, significant.to_owned(), exponent.parse::<i64>().ok()?.checked_add(shift)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_value() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (one, other, is_equal) in [
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("1E+2", "1e2", true),
            ("-0", "0.0", true),
            ("0.10", "1e-1", true),
            ("1", "-1", false),
            ("10", "1", false),
            ("123456789012345678901234567890.5", "123456789012345678901234567890.50", true),
            ("123456789012345678901234567890.5", "123456789012345678901234567890.6", false),
            ("1e400", "10e399", true),
            ("1e99999999999999999999", "1e99999999999999999999", true),
            ("1e99999999999999999999", "1e99999999999999999998", false),
            (r#"{"a":[1,2.0],"b":null}"#, r#"{"b":null,"a":[1.0,2]}"#, true),
            ("[1]", "[1,2]", false),
            (r#"{"a":1}"#, r#"{"b":1}"#, false),
            ("1", "\"1\"", false),
        ] {
            assert_eq!(equal(&value(one), &value(other)), is_equal, "{one} {other}");
        }
    }
}
