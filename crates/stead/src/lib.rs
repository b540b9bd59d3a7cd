#![doc = include_str!("crate.md")]

pub mod atomic;
#[cfg(feature = "document")]
pub mod document;
#[cfg(feature = "edit")]
pub mod edit;
mod error;
pub mod filesystem;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod holder;
pub mod lock;
#[cfg(feature = "log")]
pub mod log;
mod sys;

pub use error::{Error, ErrorKind, Result};
#[doc(hidden)]
pub use sys::disk;

#[doc(hidden)]
pub mod _documentation;
