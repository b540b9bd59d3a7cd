//! Child processes that do as they are told, a line at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::time::{ClockId, clock_gettime};

/// The first argument of a process that is an agent of a benchmark.
pub(crate) const COMMAND: &str = "agent";

/// How long an agent may take to fall asleep.
const SLEEP_WITHIN: Duration = Duration::from_secs(5);

/// How long before the common beginning all are told of it.
const LEAD: Duration = Duration::from_millis(100);

/// A running agent. It ends when it is dropped.
pub(crate) struct Agent {
    child: Child,
    commands: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Agent {
    /// This program again, as an agent of `benchmark`.
    pub(crate) fn start_own(benchmark: &str, args: &[&str]) -> Result<Agent> {
        let mut command = Command::new(std::env::current_exe().context("find this program")?);
        command.args([COMMAND, benchmark]).args(args);
        Agent::start(&mut command)
    }

    /// Any program that reads commands and writes replies.
    pub(crate) fn start(command: &mut Command) -> Result<Agent> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("start an agent")?;
        let commands = child.stdin.take();
        let replies = BufReader::new(child.stdout.take().context("an agent without output")?);
        Ok(Agent { child, commands, replies })
    }

    pub(crate) fn tell(&mut self, command: &str) -> Result<()> {
        let commands = self.commands.as_mut().context("the agent is gone")?;
        writeln!(commands, "{command}").context("tell an agent")
    }

    /// Waits for the next reply.
    pub(crate) fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.replies.read_line(&mut line).context("hear an agent")? > 0, "the agent ended");
        Ok(line.trim_end().to_owned())
    }

    /// Waits for a reply of numbers.
    pub(crate) fn hear_numbers(&mut self) -> Result<Vec<u64>> {
        let line = self.hear()?;
        line.split_whitespace().map(|number| number.parse().with_context(|| format!("not a number: {line}"))).collect()
    }

    /// Returns when the agent sleeps in the kernel.
    pub(crate) fn until_asleep(&self) -> Result<()> {
        let path = format!("/proc/{}/stat", self.child.id());
        let started = Instant::now();
        while started.elapsed() < SLEEP_WITHIN {
            let stat = std::fs::read_to_string(&path).context("look at an agent")?;
            // The name before it, in parentheses, may hold anything.
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            if state == Some('S') {
                return Ok(());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        bail!("the agent does not fall asleep")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // The end of its input tells it to end; one that is stuck is ended.
        drop(self.commands.take());
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// So many agents of `benchmark` that all begin at one time and work for this long; see [`await_start`] for their side.
pub(crate) fn start_together(benchmark: &str, args: &[&str], count: usize, time: Duration) -> Result<Vec<Agent>> {
    let agents: Result<Vec<Agent>> = (0..count).map(|_| Agent::start_own(benchmark, args)).collect();
    let mut agents = agents?;
    for agent in &mut agents {
        let reply = agent.hear()?;
        ensure!(reply == "ready", "an agent says {reply}");
    }
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let begin = monotonic_ns() + nanoseconds(LEAD);
    for agent in &mut agents {
        agent.tell(&format!("{begin} {}", begin + nanoseconds(time)))?;
    }
    Ok(agents)
}

/// In an agent: says `ready`, is told when to begin and when to end, and sleeps until the beginning. The two times, on the
/// monotonic clock.
pub(crate) fn await_start() -> Result<(u64, u64)> {
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("read a command")?;
    let (begin, end) = line.trim_end().split_once(' ').context("no two times")?;
    let (begin, end): (u64, u64) = (begin.parse()?, end.parse()?);
    std::thread::sleep(Duration::from_nanos(begin.saturating_sub(monotonic_ns())));
    Ok((begin, end))
}

/// The monotonic clock, the same in all processes, in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
