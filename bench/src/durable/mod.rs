//! Writes that last: stead beside the bare calls, other crates, Python, and the recipes that programs carry with them.

mod append;
mod crowd;
mod replace;
mod rivals;
mod tally;
mod update;

use anyhow::{Result, bail};
use stead::atomic::Durability;

use crate::report::Report;
use crate::setup::Setup;
use crate::tools;

const NAME: &str = "durable";

const LEVELS: [Durability; 3] = [Durability::None, Durability::Data, Durability::Full];

pub(crate) fn run(setup: &Setup) -> Result<Report> {
    let mut report = Report::new(NAME, tools::system(setup)?);
    replace::replace(setup, &mut report);
    update::update(setup, &mut report);
    append::append(setup, &mut report);
    for case in &mut report.cases {
        case.is_detail = is_detail(&case.name);
    }
    Ok(report)
}

/// The plot shows what bars are about: of the updates, those of the crowd.
fn is_detail(case: &str) -> bool {
    case.ends_with(": wait") || (case.starts_with("update ") && !case.contains("64 processes, full"))
}

pub(crate) fn agent(args: &[String]) -> Result<()> {
    match args {
        [role, subject, path, durability] => {
            let durability = level(durability)?;
            match role.as_str() {
                update::ROLE => crowd::serve(rivals::updater(subject, path.as_ref(), durability)?),
                append::ROLE => crowd::serve(rivals::appender(subject, path.as_ref(), durability)?),
                _ => bail!("no such agent: {role}"),
            }
        }
        _ => bail!("no such agent: {args:?}"),
    }
}

fn level(name: &str) -> Result<Durability> {
    match LEVELS.into_iter().find(|level| level.to_string() == name) {
        Some(level) => Ok(level),
        None => bail!("no durability is called {name}"),
    }
}

/// How a size is said.
fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}
