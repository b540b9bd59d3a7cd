//! `ponder`, the journal that never loses a word.

mod cli;
mod clock;
mod commands;
mod config;
mod dates;
mod editor;
mod journal;
mod json;
mod platform;
mod print;
mod search;
mod span;
mod stats;
mod template;
mod text;
mod writing;

use stead_console::exit::ExitCode;
use stead_console::failure::Failure;

fn main() {
    stead_console::printer::name_program("ponder");
    // The message of a panic was printed where it arose.
    let code = std::panic::catch_unwind(cli::main).unwrap_or(ExitCode::Bug);
    if let ExitCode::Killed(signal) = code {
        stead_console::platform::end_by(signal);
    }
    std::process::exit(code.number())
}
