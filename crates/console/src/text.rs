//! Text that others wrote.

/// Text of others, fit for one line of a terminal: control characters are shown, not obeyed.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
