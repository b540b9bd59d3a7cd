//! The library's integration tests: real files, real processes.
#![expect(clippy::disallowed_methods, reason = "tests have clocks, and play those who write without care")]

mod append;
#[cfg(feature = "tokio")]
mod asynchronous;
mod cast;
mod clean;
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod deadlock;
#[cfg(feature = "document")]
mod document;
#[cfg(feature = "edit")]
mod edit;
// The simulated disk is the same everywhere, and under Wine it takes minutes.
#[cfg(all(unix, feature = "edit"))]
mod edit_power_loss;
mod exclusion;
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod failing;
#[cfg(all(target_os = "linux", not(stead_other_unix), feature = "document"))]
mod failing_sync;
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod fair;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod foreign;
#[cfg(all(target_os = "linux", not(stead_other_unix), feature = "document"))]
mod full_disk;
#[cfg(unix)]
mod inherited;
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod inspection;
#[cfg(all(unix, feature = "log"))]
mod log;
#[cfg(all(target_os = "linux", not(stead_other_unix), feature = "log"))]
mod log_power_cut;
// The simulated disk is the same everywhere, and under Wine it takes minutes.
#[cfg(all(unix, feature = "log"))]
mod log_power_loss;
#[cfg(all(target_os = "linux", not(stead_other_unix), feature = "document"))]
mod mounted;
#[cfg(all(target_os = "linux", not(stead_other_unix), feature = "document"))]
mod power_cut;
mod power_loss;
mod record;
mod replace;
mod set;
#[cfg(feature = "tracing")]
mod traced;
mod upgrade;
mod waiting;
