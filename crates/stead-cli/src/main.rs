//! The `stead` command: run under a lock, see who holds it, prove that a folder keeps its promises.

mod cli;
mod commands;
mod doctor;
mod json;
mod table;
mod under;

fn main() {
    stead_console::program::run(cli::main)
}
