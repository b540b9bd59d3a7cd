//! How a value is written in a file.

use std::fmt;

/// A way to write a `T` in a file, for [`Document::with_format`](crate::document::Document::with_format).
pub trait Format<T>: Send + Sync {
    /// Reads the content of a file.
    ///
    /// # Errors
    /// What is wrong with it and where, in words.
    fn decode(&self, content: &[u8]) -> Result<T, Wrong>;

    /// Writes a value. `before` is what the file holds now, for formats that keep its style; empty for a new file.
    ///
    /// # Errors
    /// Why this value cannot be written.
    fn encode(&self, value: &T, before: &[u8]) -> Result<Vec<u8>, Wrong>;
}

/// Why a content cannot be read, or a value not be written, in words: `expected a value at line 3, column 7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl From<serde_json::Error> for Wrong {
    fn from(error: serde_json::Error) -> Wrong {
        Wrong(error.to_string())
    }
}

/// Plain text, which is UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text;

impl Format<String> for Text {
    fn decode(&self, content: &[u8]) -> Result<String, Wrong> {
        std::str::from_utf8(content).map(str::to_owned).map_err(|error| Wrong(format!("not UTF-8: {error}")))
    }

    fn encode(&self, value: &String, _before: &[u8]) -> Result<Vec<u8>, Wrong> {
        Ok(value.as_bytes().to_vec())
    }
}
