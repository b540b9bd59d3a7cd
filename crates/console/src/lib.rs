//! What the commands of stead have in common: printing, exit codes, waiting, signals.
//!
//! - [`printer`] is the one place that prints; [`text`] makes what others wrote fit for a line, [`terminal`] asks.
//!   [`log_format`] prints messages for programs.
//! - [`exit`] has every exit code, [`failure`] what went wrong in words, [`messages`] what is said of a lock.
//! - [`program`] is a command from its first line to its last; [`editing`] a session with an editor.
//! - [`waiting`], [`durable`] and [`duration`] are what command lines have in common.
//! - [`input`] reads standard input, [`json`] says paths and times, [`clock`] tells the time, [`platform`] is what differs between systems.

pub mod clock;
pub mod durable;
pub mod duration;
pub mod editing;
pub mod exit;
pub mod failure;
pub mod input;
pub mod json;
pub mod log_format;
pub mod messages;
pub mod platform;
pub mod printer;
pub mod program;
pub mod terminal;
pub mod text;
pub mod waiting;
