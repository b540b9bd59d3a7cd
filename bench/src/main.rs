//! stead beside its rivals, in one run.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml -- locks [--quick] [--out DIR] [--stead FILE]
//! cargo run --release --manifest-path bench/Cargo.toml -- durable [--quick] [--out DIR]
//! cargo run --release --manifest-path bench/Cargo.toml -- log [--quick] [--out DIR]
//! cargo run --release --manifest-path bench/Cargo.toml -- ponder [--quick] [--out DIR]
//! ```

#[cfg(not(target_os = "linux"))]
compile_error!("the benchmarks run on Linux only: they read /proc, and their floors are Linux system calls");

mod agent;
mod durable;
mod locks;
mod log;
mod measure;
mod plot;
mod ponder;
mod report;
mod setup;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::report::Report;
use crate::setup::Setup;

const USAGE: &str = "\
usage: bench NAME [--quick] [--out DIR] [--stead FILE]

  --quick        a smoke run of a few seconds, written nowhere unless --out is given
  --out DIR      where NAME.json and NAME.svg go (default: bench/results)
  --stead FILE   the stead command to measure (default: built from this tree)

benchmarks:";

/// One set of cases that is measured, reported and plotted together.
struct Benchmark {
    name: &'static str,
    run: fn(&Setup) -> Result<Report>,
    /// What a child process of this benchmark does; see [`agent`].
    agent: fn(&[String]) -> Result<()>,
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark { name: "locks", run: locks::run, agent: locks::agent },
    Benchmark { name: "durable", run: durable::run, agent: durable::agent },
    Benchmark { name: "log", run: log::run, agent: log::agent },
    Benchmark { name: "ponder", run: ponder::run, agent: ponder::agent },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.split_first() {
        Some((first, [name, rest @ ..])) if first == agent::COMMAND => {
            find(name).and_then(|benchmark| (benchmark.agent)(rest))
        }
        Some((name, options)) => find(name).and_then(|benchmark| bench(benchmark, options)),
        None => Err(usage("name a benchmark")),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    eprintln!("bench: {error:#}");
    ExitCode::FAILURE
}

fn bench(benchmark: &Benchmark, options: &[String]) -> Result<()> {
    let Options { quick, out, stead } = Options::parse(options)?;
    let setup = Setup::new(quick, stead)?;
    let report = (benchmark.run)(&setup)?;
    println!("{report}");
    if let Some(folder) = out.or_else(|| (!quick).then(|| setup::root().join("results"))) {
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        for (extension, text) in [("json", report.json()), ("svg", plot::svg(&report))] {
            let file = folder.join(benchmark.name).with_extension(extension);
            std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
            println!("{}", file.display());
        }
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Benchmark> {
    BENCHMARKS.iter().find(|benchmark| benchmark.name == name).ok_or_else(|| usage(&format!("no benchmark `{name}`")))
}

fn usage(problem: &str) -> anyhow::Error {
    let names: Vec<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
    anyhow::anyhow!("{problem}\n\n{USAGE} {}", names.join(", "))
}

#[derive(Default)]
struct Options {
    quick: bool,
    out: Option<PathBuf>,
    stead: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options> {
        let mut options = Options::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut path = || args.next().map(PathBuf::from).ok_or_else(|| usage(&format!("{arg} needs a path")));
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--out" => options.out = Some(path()?),
                "--stead" => options.stead = Some(path()?),
                _ => bail!(usage(&format!("what is `{arg}`?"))),
            }
        }
        Ok(options)
    }
}
