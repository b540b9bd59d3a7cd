//! Programs from outside, made ready by the benchmark itself.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stead::filesystem::Filesystem;

use crate::setup::{Setup, root};

/// A Python that can import `package`, in a private virtual environment.
pub(crate) fn python_with(package: &str) -> Result<PathBuf> {
    let venv = root().join("target/venv");
    let python = venv.join("bin/python");
    let import = format!("import {package}");
    let is_ready = || run(Command::new(&python).args(["-c", &import])).is_ok();
    if !is_ready() {
        run(Command::new("python3").args(["-m".as_ref(), "venv".as_ref(), venv.as_os_str()]))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]))?;
    }
    Ok(python)
}

/// The stead command: the given one, or built from this tree.
pub(crate) fn stead_command(setup: &Setup) -> Result<PathBuf> {
    if let Some(given) = &setup.stead {
        return std::path::absolute(given).context("find the stead command");
    }
    built("stead-cli")
}

/// ponder, built from this tree.
pub(crate) fn ponder_command() -> Result<PathBuf> {
    built("ponder")
}

/// The command of a package of this tree.
fn built(package: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--quiet", "--package", package, "--message-format", "json"]);
    build.current_dir(root().join(".."));
    let output = run(&mut build)?;
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let executable = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executable.with_context(|| format!("cargo built no {package}"))
}

/// Runs a command to its end and insists on its success.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let shown = || {
        let args: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        format!("{name} {}", args.join(" "))
    };
    let shown = shown();
    let output = command.output().with_context(|| format!("run {name}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let reason = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    ensure!(output.status.success(), "`{shown}`: {}: {reason}", output.status);
    Ok(output)
}

/// The machine that the benchmark runs on.
pub(crate) fn system(setup: &Setup) -> Result<Value> {
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let filesystem = Filesystem::of(setup.folder("filesystem")?)?.to_string();
    let cores = std::thread::available_parallelism().context("count the cores")?;
    Ok(json!({ "kernel": kernel, "cores": cores.get(), "filesystem": filesystem }))
}
