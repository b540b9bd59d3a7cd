//! Tasks and processes that take turns at one file, without a thread for each that waits.
//!
//! `cargo run -p stead --example async --features tokio`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::sync::Arc;
use std::time::Duration;

use stead::document::Document;
use stead::lock::FileLock;
use tokio::task::JoinSet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;

    // A lock: the guard is held across awaits, and released when it is dropped.
    let lock = FileLock::sidecar(folder.path().join("report.csv"));
    let guard = lock.lock_async(Duration::from_secs(5)).await?;
    let waiting = tokio::spawn(lock.lock_async(Duration::from_millis(50)));
    match waiting.await? {
        Err(error) if error.is_timed_out() => println!("failed to {error}"),
        outcome => drop(outcome?),
    }
    guard.release()?;

    // A document: a thousand tasks change it, and no change is lost.
    let count = Arc::new(Document::<u64>::json(folder.path().join("count.json")).default(|| 0));
    let mut tasks = JoinSet::new();
    for _ in 0..1000 {
        tasks.spawn(count.update_async(|count| *count += 1));
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome??;
    }
    println!("count: {}", count.read()?);
    Ok(())
}
