//! The multi-process test harness: processes with a role, events instead of sleeps, skips that can be forbidden.

mod event;
#[cfg(unix)]
mod fork;
mod role;
mod skip;

pub use event::{PATIENCE, wait_until};
#[cfg(unix)]
pub use fork::in_fork;
pub use role::{Actor, Cast, Part, Stage};
pub use skip::{skip, tool};
