//! State files that many processes read and change: JSON, TOML, text, and JSON lines.
//!
//! | you keep | use |
//! |---|---|
//! | one value, changed as a whole or field by field | [`Document`] |
//! | a growing list of values | [`JsonLines`] |
//!
//! Under tokio (feature `tokio`), [`Document`] has `update_async`, which awaits its lock; the rest is quick, or belongs into
//! `spawn_blocking`: a read takes no lock and is as quick as the disk, an append to [`JsonLines`] waits for a sync.
//!
//! Whoever changes such a file without a lock, but by renaming a new one over it as editors do, loses nothing: a change
//! of ours is checked at the swap itself, and begins again on what was put there.

#[cfg(feature = "tokio")]
mod asynchronous;
#[expect(clippy::module_inception, reason = "it is what the room is about")]
mod document;
mod format;
mod json;
mod json_lines;
mod locked;
mod migrate;
mod store;
mod toml;

pub use document::Document;
pub use format::{Format, Wrong};
pub use json::Json;
pub use json_lines::{Iter, JsonLines, TornTail};
pub use locked::Locked;
pub use toml::Toml;
