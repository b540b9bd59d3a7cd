//! Leap days, on the command line and under a clock that says so.

use std::process::Command;
use std::sync::OnceLock;

use testkit::tool;

use crate::rig::{Rig, finish};

/// Lets a program believe that it is `NOW`, in seconds since 1970.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    const char *said = getenv("NOW");
    if (said && clock == CLOCK_REALTIME) now->tv_sec = atoll(said);
    return result;
}
"#;

/// A journal with these days, in a rig with another clock. `None`, and said why, where it cannot be made.
fn journal(days: &[&str]) -> Option<Rig> {
    static GCC: OnceLock<bool> = OnceLock::new();
    if !*GCC.get_or_init(|| cfg!(target_os = "linux") && tool("gcc")) {
        return None;
    }
    let rig = Rig::new();
    rig.write("clock.c", CLOCK);
    finish(rig.command("gcc", &["-shared", "-fPIC", "-o", "clock.so", "clock.c"])).expect(0);
    for day in days {
        rig.run(&["add", "-d", day, &format!("of {day}")]).expect(0);
    }
    Some(rig)
}

/// The same command at noon of this day, UTC.
fn at_noon(rig: &Rig, day: &str, mut command: Command) -> Command {
    let seconds = finish(rig.command("date", &["-u", "-d", &format!("{day} 12:00"), "+%s"])).expect(0).stdout;
    command.env("LD_PRELOAD", rig.path("clock.so")).env("NOW", seconds.trim()).env("TZ", "UTC");
    command
}

/// The days whose entries open together, in their order.
fn opened(rig: &Rig, today: &str, flag: &str) -> Vec<String> {
    let command = rig.editing(&[flag], "cat \"$@\" > $RIG/all");
    finish(at_noon(rig, today, command)).expect(0);
    rig.read("all").lines().filter_map(|line| line.strip_prefix("of ")).map(str::to_owned).collect()
}

#[test]
fn leap_days_are_looked_back_at_where_they_are() {
    let february = ["2020-02-29", "2021-02-28", "2022-03-01", "2023-02-28", "2024-01-29", "2024-02-28", "2023-11-29"];
    let Some(rig) = journal(&february) else { return };
    let today = finish(at_noon(&rig, "2024-02-29", rig.ponder(&["path"]))).expect(0).stdout;
    assert!(today.ends_with("/2024/02/29.md\n"), "{today}");
    // From a leap day: the last day of February in other years.
    let seen = opened(&rig, "2024-02-29", "--reminisce");
    assert_eq!(seen, ["2020-02-29", "2021-02-28", "2023-02-28", "2023-11-29", "2024-01-29"]);
    // From the end of another February: not a leap day, which is another day.
    rig.run(&["add", "-d", "2024-02-29", "of 2024-02-29"]).expect(0);
    let seen = opened(&rig, "2025-02-28", "--reminisce");
    assert_eq!(seen, ["2021-02-28", "2023-02-28", "2024-02-28"]);
    // A week has it.
    assert_eq!(opened(&rig, "2024-03-01", "--retro"), ["2024-02-28", "2024-02-29"]);
    // A month before the 31st of March is the last of February, too.
    assert_eq!(opened(&rig, "2024-03-31", "--reminisce"), ["2024-02-29"]);
}

#[test]
fn days_are_counted_over_leap_days() {
    let Some(rig) = journal(&["2024-02-29"]) else { return };
    let path = |today: &str, day: &str| {
        let path = finish(at_noon(&rig, today, rig.ponder(&["path", day]))).expect(0).stdout;
        path.trim().strip_prefix(rig.path("journal/").to_str().unwrap()).unwrap().to_owned()
    };
    assert_eq!(path("2024-03-01", "yesterday"), "2024/02/29.md");
    assert_eq!(path("2023-03-01", "yesterday"), "2023/02/28.md");
    assert_eq!(path("2025-02-28", "1 year ago"), "2024/02/28.md");
    assert_eq!(path("2024-02-29", "1 year ago"), "2023/02/28.md");
    assert_eq!(path("2024-02-28", "tomorrow"), "2024/02/29.md");
    let today = finish(at_noon(&rig, "2024-02-29", rig.ponder(&["show"]))).expect(0).stdout;
    assert!(today.starts_with("# 2024-02-29 Thursday\n"), "{today}");
}

#[test]
fn a_leap_day_is_a_day_of_leap_years_only() {
    let rig = Rig::new();
    for day in ["2024-02-29", "20000229"] {
        rig.run(&["add", "-d", day, "x"]).expect(0);
    }
    for day in ["2023-02-29", "19000229", "2100-02-29"] {
        rig.run(&["add", "-d", day, "x"]).expect(64).saying("there is no 29 February");
    }
    rig.write("journal/2023/02/29.md", "no entry\n");
    assert_eq!(rig.entries(), ["2000/02/29.md", "2024/02/29.md"]);
    assert!(rig.run(&["stats", "--year", "2024"]).expect(0).stdout.contains("2 entries"));
}
