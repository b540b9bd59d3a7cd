//! What can be told from the text of an entry.

mod prose;
mod tags;
mod words;

pub(crate) use self::tags::{folded, is_within, tags, tags_of};
pub(crate) use self::words::words;
