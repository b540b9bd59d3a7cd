//! The `stead` command: run under a lock, see who holds it, prove that a folder keeps its promises.

mod cli;
mod commands;
mod doctor;
mod json;
mod table;
mod under;

use stead_console::exit::ExitCode;
use stead_console::platform;

fn main() {
    // The message of a panic was printed where it arose.
    let code = std::panic::catch_unwind(cli::main).unwrap_or(ExitCode::Bug);
    if let ExitCode::Killed(signal) = code {
        platform::end_by(signal);
    }
    std::process::exit(code.number())
}
