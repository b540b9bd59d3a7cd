//! What a command that runs under locks is told of them.

use std::process::Command;

use serde_json::Value;
use stead::lock::HELD_VARIABLE;

const TOKEN_VARIABLE: &str = "STEAD_TOKEN";
const TOKENS_VARIABLE: &str = "STEAD_TOKENS";

/// Puts the locks into the environment of `command`: the token of the first, all of them by their paths, and what lets
/// a stead below proceed under them.
pub(crate) fn tell(command: &mut Command, token: Option<u64>, tokens: &Value, held: String) {
    match token {
        Some(token) => command.env(TOKEN_VARIABLE, token.to_string()),
        // That of a run above us is not ours.
        None => command.env_remove(TOKEN_VARIABLE),
    };
    command.env(TOKENS_VARIABLE, tokens.to_string()).env(HELD_VARIABLE, held);
}
