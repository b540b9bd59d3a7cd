//! How paths and times are said in JSON.

use std::fmt::Write;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// `path`, and `path_bytes` in hex where it is not UTF-8; null where it is not known.
pub fn path(fields: &mut Map<String, Value>, path: &Path) {
    let known = !path.as_os_str().is_empty();
    fields.insert("path".to_owned(), known.then(|| path.to_string_lossy()).into());
    if path.to_str().is_none() {
        fields.insert("path_bytes".to_owned(), hex(path.as_os_str().as_encoded_bytes()).into());
    }
}

/// RFC 3339 with nanoseconds, UTC; `None` for what no calendar has.
pub fn time(time: SystemTime) -> Option<String> {
    Timestamp::try_from(time).ok().map(|time| format!("{time:.9}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
