//! What comes from standard input.

use std::io::{self, Read};

use crate::exit::ExitCode;
use crate::failure::Failure;

/// All of it.
pub fn read_all() -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input).map_err(|error| unreadable(&error))?;
    Ok(input)
}

/// All of it, which must not be more than so many bytes.
pub fn read_at_most(bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    io::stdin().lock().take(bytes_max + 1).read_to_end(&mut input).map_err(|error| unreadable(&error))?;
    if input.len() as u64 <= bytes_max {
        return Ok(input);
    }
    let most = bytes_max >> 20;
    Err(Failure::new(ExitCode::Data, format!("standard input is larger than {most} MiB, which is taken at once"))
        .with_hint("give it in parts; nothing was done"))
}

/// The failure to say when the system refuses to read it.
pub fn unreadable(error: &io::Error) -> Failure {
    Failure::new(ExitCode::Io, format!("failed to read standard input: {error}"))
}
