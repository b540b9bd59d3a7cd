//! Counting words.

/// How many words a text has: what stands between blanks and is not marks alone, as `#` and `-` are.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_no_words() {
        assert_eq!(words("# A day\n\n- one, two -- *three*\n***\n"), 5);
        assert_eq!(words("don't stop 14:05"), 3);
        assert_eq!(words("  \n"), 0);
    }
}
