//! Runs a scenario as often as it takes to have everything happen to it at every step.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::report::{Broken, Failure, Report};
use super::{Acked, FAULT_BUDGET, Outcome, RECOVERY_BUDGET, Scenario};
use crate::disk::{Fault, SimDisk, Trouble};

/// Why something did not hold.
type Held<T = ()> = Result<T, String>;

/// One run of the code under test.
struct Ran {
    disk: SimDisk,
    acked: Vec<String>,
    outcome: Held,
}

/// A disk that loses power, and how it came there.
struct Moment<'a> {
    disk: &'a SimDisk,
    acked: &'a [String],
    when: &'a str,
    traces: Vec<Vec<String>>,
    budget: usize,
}

impl Scenario<'_> {
    /// Cuts the power after each step, and looks at what that may leave; and cuts the power after each step of the
    /// recovery from some of that, and looks again.
    ///
    /// # Errors
    /// What does not hold.
    pub fn explore(&self) -> Result<Report, Broken> {
        let whole = self.run_whole()?;
        let steps = whole.disk.steps();
        let mut report = Report { scenario: self.name.clone(), ..Report::default() };
        for step in 0..=steps {
            let ran = self.run_on(|disk| disk.cut_after(step));
            let when = format!("power cut after step {step} of {steps}");
            self.refuse_panic(&ran, &when)?;
            report.runs += 1;
            let traces = vec![ran.disk.trace()];
            let moment = Moment { disk: &ran.disk, acked: &ran.acked, when: &when, traces, budget: self.budget };
            let recoveries = self.look(&moment, &mut report.states)?;
            self.cut_each_recovery(&moment, &recoveries, &mut report)?;
        }
        Ok(report)
    }

    /// Has each thing go wrong at each step that may; then what must hold must do so at once, after the recovery, and
    /// after a power cut. If nothing worse happens than an interruption or a short write, the run must succeed.
    ///
    /// # Errors
    /// What does not hold.
    pub fn explore_faults(&self) -> Result<Report, Broken> {
        let whole = self.run_whole()?;
        let mut report = Report { scenario: self.name.clone(), ..Report::default() };
        for (index, op) in whole.disk.steps_taken().into_iter().enumerate() {
            for trouble in op.troubles() {
                let fault = Fault::at_step(index + 1, *trouble);
                // Once it has turned read-only it stays so.
                let fault = if *trouble == Trouble::ReadOnly { fault.lasting() } else { fault };
                let ran = self.run_on(|disk| disk.fail(fault.clone()));
                let when = format!("{trouble:?} at step {} ({op:?})", index + 1);
                self.refuse_panic(&ran, &when)?;
                if let (Trouble::Interrupted | Trouble::Short(_), Err(why)) = (trouble, &ran.outcome) {
                    return Err(self.broken(&when, why, &ran));
                }
                report.faults += 1;
                ran.disk.repair();
                let traces = vec![ran.disk.trace()];
                let when_cut = format!("{when}, then a power cut");
                let moment = Moment {
                    disk: &ran.disk,
                    acked: &ran.acked,
                    when: &when_cut,
                    traces,
                    budget: self.budget.min(FAULT_BUDGET),
                };
                self.look(&moment, &mut report.states)?;
                if let Err(why) = self.verdict(&ran.disk, &ran.acked) {
                    return Err(self.broken(&when, &why, &ran));
                }
            }
        }
        Ok(report)
    }

    /// A run in which nothing happens, which must be a good one.
    fn run_whole(&self) -> Result<Ran, Broken> {
        let ran = self.run_on(|_| ());
        if let Err(why) = &ran.outcome {
            return Err(self.broken("with nothing in its way", why, &ran));
        }
        let copy = ran.disk.copy();
        if let Err(why) = self.verdict(&copy, &ran.acked) {
            return Err(self.broken("with nothing in its way", &why, &ran));
        }
        Ok(ran)
    }

    /// Runs the code on a new disk that `prepare` has done something to.
    fn run_on(&self, prepare: impl Fn(&SimDisk)) -> Ran {
        let disk = (self.disk)();
        (self.setup)(&disk);
        self.sabotaged.iter().for_each(|op| disk.ignore(*op));
        disk.start_trace();
        disk.settle();
        prepare(&disk);
        let acked = Acked { disk: disk.clone(), notes: Arc::default() };
        let outcome = caught(|| (self.run)(&disk, &acked));
        Ran { acked: acked.notes(), disk, outcome }
    }

    /// Errors are what a run ends with when the power fails, panics are not.
    fn refuse_panic(&self, ran: &Ran, when: &str) -> Result<(), Broken> {
        match &ran.outcome {
            Err(why) if why.starts_with(PANICKED) => Err(self.broken(when, why, ran)),
            _ => Ok(()),
        }
    }

    /// Recovers and checks. Returns how many steps the recovery took.
    fn verdict(&self, disk: &SimDisk, acked: &[String]) -> Held<usize> {
        let before = disk.steps();
        if let Some(recover) = &self.recover {
            caught(|| recover(disk)).map_err(|why| format!("the recovery failed: {why}"))?;
        }
        let steps = disk.steps() - before;
        caught(|| Ok((self.check)(disk, acked)?))?;
        Ok(steps)
    }

    /// Checks each state that a power cut may leave at this moment. Returns for each how long its recovery took.
    fn look(&self, moment: &Moment<'_>, states: &mut usize) -> Result<Vec<usize>, Broken> {
        let mut recoveries = Vec::new();
        for disk in moment.disk.crash_states(moment.budget, self.seed) {
            *states += 1;
            match self.verdict(&disk, moment.acked) {
                Ok(steps) => recoveries.push(steps),
                Err(why) => return Err(self.broken_state(moment, recoveries.len(), why)),
            }
        }
        Ok(recoveries)
    }

    /// Cuts the power again, after each step of the recovery of some states.
    fn cut_each_recovery(&self, moment: &Moment<'_>, steps: &[usize], report: &mut Report) -> Result<(), Broken> {
        let Some(recover) = &self.recover else { return Ok(()) };
        let eventful: Vec<_> = (0..steps.len()).filter(|index| steps[*index] > 0).collect();
        let stride = eventful.len().div_ceil(self.recoveries.max(1)).max(1);
        let chosen: BTreeSet<_> = eventful.into_iter().step_by(stride).take(self.recoveries).collect();
        if chosen.is_empty() {
            return Ok(());
        }
        for (index, state) in moment.disk.crash_states(moment.budget, self.seed).enumerate() {
            if !chosen.contains(&index) {
                continue;
            }
            for step in 0..=steps[index] {
                let disk = state.copy();
                disk.start_trace();
                disk.cut_after(step);
                let outcome = caught(|| recover(&disk));
                let when = format!("{}, then after step {step} of the recovery of state {index}", moment.when);
                let traces = moment.traces.iter().cloned().chain([disk.trace()]).collect();
                let again = Moment { disk: &disk, acked: moment.acked, when: &when, traces, budget: RECOVERY_BUDGET };
                report.recoveries_cut += 1;
                if let Err(why) = &outcome
                    && why.starts_with(PANICKED)
                {
                    return Err(self.broken_state(&again, 0, why.clone()));
                }
                self.look(&again, &mut 0)?;
            }
        }
        Ok(())
    }

    /// Has what went wrong in one of the states happen once more, to tell about it.
    fn broken_state(&self, moment: &Moment<'_>, index: usize, why: String) -> Broken {
        let Some(disk) = moment.disk.crash_states(moment.budget, self.seed).nth(index) else {
            return Broken(Box::new(Failure { why, ..Failure::default() }));
        };
        let left = disk.describe();
        disk.start_trace();
        let _ = self.verdict(&disk, moment.acked);
        Broken(Box::new(Failure {
            scenario: self.name.clone(),
            when: format!("{}, state {index}", moment.when),
            why,
            acked: moment.acked.to_vec(),
            traces: moment.traces.iter().cloned().chain([disk.trace()]).collect(),
            left,
            checked: disk.describe(),
        }))
    }

    fn broken(&self, when: &str, why: &str, ran: &Ran) -> Broken {
        Broken(Box::new(Failure {
            scenario: self.name.clone(),
            when: when.to_owned(),
            why: why.to_owned(),
            acked: ran.acked.clone(),
            traces: vec![ran.disk.trace()],
            left: String::from("no power cut"),
            checked: ran.disk.describe(),
        }))
    }
}

const PANICKED: &str = "panicked: ";

/// An outcome in words, panics among them.
fn caught(part: impl FnOnce() -> Outcome) -> Held {
    match catch_unwind(AssertUnwindSafe(part)) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("{PANICKED}{}", text.unwrap_or_default()))
        }
    }
}
