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
    stead_console::program::run(cli::main)
}
