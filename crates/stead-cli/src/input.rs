//! What comes from standard input.

use std::io::{self, Read};

use crate::exit::ExitCode;
use crate::failure::Failure;

/// All of it.
pub(crate) fn read_all() -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input).map_err(|error| unreadable(&error))?;
    Ok(input)
}

/// The failure to say when the system refuses to read it.
pub(crate) fn unreadable(error: &io::Error) -> Failure {
    Failure::new(ExitCode::Io, format!("failed to read standard input: {error}"))
}
