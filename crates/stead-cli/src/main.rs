//! The `stead` command: run under a lock, see who holds it, prove that a folder keeps its promises.

mod cli;
mod clock;
mod commands;
mod doctor;
mod durable;
mod duration;
mod exit;
mod failure;
mod input;
mod json;
mod messages;
mod platform;
mod printer;
mod table;
mod under;
mod waiting;

use exit::ExitCode;

fn main() {
    // The message of a panic was printed where it arose.
    let code = std::panic::catch_unwind(cli::main).unwrap_or(ExitCode::Bug);
    if let ExitCode::Killed(signal) = code {
        platform::end_by(signal);
    }
    std::process::exit(code.number())
}
