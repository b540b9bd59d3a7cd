//! The workers of a round: started, killed at random, replaced, and at last told to stop.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use super::worker::STOP;
use crate::doctor::clock;
use crate::doctor::helper::{self, Role};
use crate::doctor::interrupt::Interrupt;
use crate::doctor::trouble::Trouble;

/// How long the last operation of a worker may take once all are told to stop. Who needs longer waits for nobody.
const LAST_OPERATION_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(2);

/// Worker processes. Those that are left are killed when it goes.
pub(super) struct Crew<'a> {
    program: &'a Path,
    room: &'a Path,
    members: Vec<Member>,
    hired: u32,
    kills: u64,
}

struct Member {
    worker: u32,
    child: Child,
    /// The worker ends when this closes.
    orders: Option<ChildStdin>,
}

impl<'a> Crew<'a> {
    pub(super) fn start(program: &'a Path, room: &'a Path, processes: u32) -> Result<Crew<'a>, Trouble> {
        let mut crew = Crew { program, room, members: Vec::new(), hired: 0, kills: 0 };
        for _ in 0..processes {
            let member = crew.hire()?;
            crew.members.push(member);
        }
        Ok(crew)
    }

    fn hire(&mut self) -> Result<Member, Trouble> {
        self.hired += 1;
        let role = Role::Worker { folder: self.room.to_path_buf(), worker: self.hired };
        let mut command = helper::command(self.program, &role);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(Trouble::at("start", self.program))?;
        Ok(Member { worker: self.hired, orders: child.stdin.take(), child })
    }

    /// How many were killed while they worked.
    pub(super) fn kills(&self) -> u64 {
        self.kills
    }

    /// Kills one, wherever it is in its work, and starts another in its place.
    pub(super) fn replace_one(&mut self) -> Result<(), Trouble> {
        let place = fastrand::usize(..self.members.len());
        self.members[place].kill().map_err(Trouble::at("kill", Path::new("a worker")))?;
        self.kills += 1;
        self.members[place] = self.hire()?;
        Ok(())
    }

    /// Looks for a worker that ended although nobody told it to, and says which.
    pub(super) fn anyone_dead(&mut self) -> Result<Option<String>, Trouble> {
        for member in &mut self.members {
            if let Some(status) = member.look()? {
                return Ok(Some(format!("worker {} ended by itself: {status}", member.worker)));
            }
        }
        Ok(None)
    }

    /// Tells all to stop, and waits for them. Returns what went wrong with that.
    pub(super) fn end(&mut self, interrupt: &Interrupt) -> Result<Vec<String>, Trouble> {
        for orders in self.members.iter_mut().filter_map(|member| member.orders.as_mut()) {
            // One that is gone is found below.
            let _ = writeln!(orders, "{STOP}");
        }
        let told = clock::now();
        let mut failures = Vec::new();
        while !self.members.is_empty() {
            interrupt.pause(LOOK)?;
            let overdue = told.elapsed() > LAST_OPERATION_MAX;
            let mut left = Vec::new();
            for mut member in self.members.drain(..) {
                match member.look()? {
                    Some(status) if status.success() => {}
                    Some(status) => failures.push(format!("worker {} ended with {status}", member.worker)),
                    None if overdue => failures.push(format!(
                        "worker {} still waited {} s after all others were done: its wake-up was lost",
                        member.worker,
                        LAST_OPERATION_MAX.as_secs()
                    )),
                    None => left.push(member),
                }
            }
            self.members = left;
        }
        Ok(failures)
    }
}

impl Member {
    fn look(&mut self) -> Result<Option<std::process::ExitStatus>, Trouble> {
        self.child.try_wait().map_err(Trouble::at("look after", Path::new("a worker")))
    }

    fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // One that has ended is not there to be killed; that is all that can fail.
        let _ = self.kill();
    }
}
