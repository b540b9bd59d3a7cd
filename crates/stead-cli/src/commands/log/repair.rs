//! `stead log repair`

use std::path::PathBuf;

use clap::Args;
use stead::log::{Repaired, repair};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;
use stead_console::waiting::Patience;

use super::progress::Bar;
use super::verify::told;
use super::{existing, writing};
use crate::json;

/// Move what is damaged to quarantine, keep all else, and let a poisoned log go on
#[derive(Args, Debug)]
#[command(after_help = "\
Each damaged stretch is first copied to DIR/quarantine, durably, and then blanked;
offsets and cursors stay as they are. What is missing altogether is noted in
log.json as lost, and readers pass over it. The log is locked meanwhile.

Examples:
  stead log repair data
  stead log repair data --wait 1m --json

Exit codes:
    0  done, or nothing was to be repaired
   64  the command line is wrong
   66  there is no log
   71  the filesystem or the system cannot do it, or the log has a newer format
   74  writing failed       75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct RepairArgs {
    /// The folder of the log
    dir: PathBuf,
    #[command(flatten)]
    patience: Patience,
    /// Print one JSON document, stead.log.repair/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &RepairArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    existing(&args.dir)?;
    let mut bar = Bar::new("repairing", out);
    let repaired = writing::under_lock(&args.dir, &args.patience, |wait| {
        Ok(repair(&args.dir, wait, &mut |progress| bar.show(progress))?)
    });
    drop(bar);
    let repaired = repaired?;
    if args.json {
        out.data(json::log::repaired(&args.dir, &repaired))?;
    } else {
        args.tell(&repaired, out)?;
    }
    Ok(ExitCode::Done)
}

impl RepairArgs {
    fn tell(&self, repaired: &Repaired, out: &mut Printer) -> Result<(), Failure> {
        for finding in &repaired.findings {
            out.data(told("repaired", finding))?;
        }
        for (start, end) in &repaired.gaps {
            out.data(format_args!("lost: offset {start} to {end}"))?;
        }
        for kept in &repaired.kept {
            out.data(plain(&format!("in quarantine: {}", kept.display())))?;
        }
        let Repaired { findings, gaps, carried, .. } = repaired;
        if *carried > 0 {
            out.data(format_args!("appended again: {carried} bytes that stood behind the end of a sealed segment"))?;
        }
        if findings.is_empty() && gaps.is_empty() && *carried == 0 {
            out.data(plain(&format!("{}: nothing was to be repaired", self.dir.display())))?;
        }
        Ok(())
    }
}
