//! File locks: exclusive, shared, timed, cancellable, many at once; who holds them; safe clean-up.
//!
//! The kernel decides: a lock is an flock(2) on Unix and a `LockFileEx` on Windows, so flock(1), cargo, Go, Python and
//! `std::fs::File::lock` exclude us and we them. What lies in the lock file is a record for people, and a token.
//!
//! Start at [`FileLock`]; take several with [`LockSet`]; see who holds one with [`inspect()`].

mod acquire;
#[cfg(feature = "tokio")]
pub(crate) mod asynchronous;
pub mod bare;
mod cancel;
mod clean;
mod core;
mod cycle;
mod file_lock;
mod guard;
mod high_water;
mod inspect;
mod line;
mod nesting;
mod open;
mod options;
mod place;
mod protocol;
mod queue;
mod record;
mod registry;
mod scoped;
mod set;
mod sync;
#[cfg(feature = "tracing")]
mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "no_trace.rs"]
mod trace;
mod turns;
#[cfg(all(test, loom))]
mod turns_loom;
mod upgrade;
mod wait;
mod waiting;
mod walk;

pub use crate::holder::{Age, Holder, Waiter};
pub use crate::sys::{Mode, State};
#[cfg(feature = "tokio")]
pub use asynchronous::{Acquiring, SendSetGuard};
pub use cancel::Cancel;
pub use clean::{Cleaned, clean};
pub use cycle::{Cycle, Member, Waits, find_cycles};
pub use file_lock::FileLock;
pub use guard::{Guard, Hold, SendGuard, held_variable};
pub use inspect::{Inspection, inspect, inspect_folder, inspect_machine};
pub use line::Unordered;
pub use nesting::HELD_VARIABLE;
pub use options::{Options, Request, Wake};
#[cfg(fuzzing)]
pub(crate) use record::fuzz as fuzz_record;
pub(crate) use record::{LEDGER_AT, LEDGER_PENDING};
pub use scoped::{with_read_lock, with_write_lock};
pub use set::{LockSet, SetGuard};
pub use upgrade::NotUpgraded;
pub use wait::Wait;
