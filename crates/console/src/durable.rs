//! How durable a write is to be, on the command line.

use clap::{Args, ValueEnum};
use stead::atomic::Durability;

/// `--durability`
#[derive(Args, Debug)]
pub struct DurabilityFlag {
    /// What the write outlives: none: the death of every process; data: a power cut, but perhaps as the old content;
    /// full: a power cut
    #[arg(long, value_name = "LEVEL", default_value = "full", hide_possible_values = true)]
    durability: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    None,
    Data,
    Full,
}

impl DurabilityFlag {
    /// What is asked for.
    pub fn level(&self) -> Durability {
        match self.durability {
            Level::None => Durability::None,
            Level::Data => Durability::Data,
            Level::Full => Durability::Full,
        }
    }
}
