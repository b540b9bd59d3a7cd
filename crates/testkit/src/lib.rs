//! The multi-process test harness: processes with a role, events instead of sleeps, skips that can be forbidden; and
//! a simulated disk that loses power.

#[cfg(unix)]
pub mod command;
mod disk;
mod event;
#[cfg(unix)]
mod fork;
#[cfg(target_os = "linux")]
mod power;
mod role;
mod skip;
#[cfg(unix)]
mod terminal_editors;
#[cfg(unix)]
mod tmux;

pub use disk::{Acked, Broken, CrashStates, Fault, Op, Outcome, Report, Scenario, SimDisk, SimFile, Trouble};
pub use event::{PATIENCE, wait_until};
#[cfg(unix)]
pub use fork::in_fork;
#[cfg(target_os = "linux")]
pub use power::{Cut, shutdown_filesystem};
pub use role::{Actor, Cast, Part, Stage};
pub use skip::{skip, tool};
#[cfg(unix)]
pub use tmux::Tmux;
