//! The documents of the project, rendered beside the code. Their Rust examples are tests.

#[doc = include_str!("../../../docs/GUIDE.md")]
pub mod guide {}

#[doc = include_str!("../../../docs/FORMAT.md")]
pub mod format {}

#[doc = include_str!("../../../docs/PLATFORM.md")]
pub mod platform {}

#[doc = include_str!("../../../docs/COMPARE.md")]
pub mod compare {}
