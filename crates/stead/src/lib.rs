#![doc = include_str!("crate.md")]

mod error;
pub mod filesystem;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod holder;
pub mod lock;
mod sys;

pub use error::{Error, ErrorKind, Result};

#[doc(hidden)]
pub mod _documentation;
