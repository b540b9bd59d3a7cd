use std::io;

use super::*;
use crate::{Op, Outcome, Report, Scenario};

/// Puts a file in place of another as it should be done.
fn replace(disk: &SimDisk, content: &[u8]) -> io::Result<()> {
    let file = disk.create(p("/d/t"), NewFile::AtMost(0o600))?;
    let replaced = fill(disk, &file, content)
        .and_then(|()| disk.set_mode(&file, 0o644))
        .and_then(|()| retried(|| disk.sync(&file)))
        .and_then(|()| disk.rename(p("/d/t"), p("/d/f")));
    if replaced.is_err() {
        let _ = disk.unlink(p("/d/t"));
    }
    replaced?;
    disk.sync_folder(p("/d"))
}

fn retried<T>(mut step: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match step() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

fn fill(disk: &SimDisk, file: &SimFile, content: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < content.len() {
        written += retried(|| disk.write_at(file, &content[written..], written as u64))?;
    }
    Ok(())
}

fn sweep(disk: &SimDisk) -> Outcome {
    for name in disk.list(p("/d"))? {
        if name != "f" {
            disk.unlink(&p("/d").join(name))?;
        }
    }
    Ok(())
}

fn replacing() -> Scenario<'static> {
    Scenario::new("replace, full")
        .setup(|disk| disk.put("/d/f", b"old"))
        .run(|disk, acked| {
            for new in ["new", "newer"] {
                replace(disk, new.repeat(300).as_bytes())?;
                acked.note(new);
            }
            Ok(())
        })
        .recover(sweep)
        .check(|disk, acked| {
            let content = disk.content("/d/f").ok_or("the file is gone")?;
            let kept = match acked {
                [] => content == b"old" || content == "new".repeat(300).as_bytes(),
                [_] => content == "new".repeat(300).as_bytes() || content == "newer".repeat(300).as_bytes(),
                _ => content == "newer".repeat(300).as_bytes(),
            };
            // Old ones are whole, so is what has been acknowledged; another one than that is none.
            if !kept {
                return Err(format!("{} after {acked:?}", runs(&content[..content.len().min(20)])));
            }
            if disk.mode("/d/f") == Some(0o644) { Ok(()) } else { Err(String::from("the mode is lost")) }
        })
}

#[test]
fn a_replace_done_right_holds() {
    let report = replacing().explore().unwrap();
    assert_eq!((report.runs, report.faults), (13, 0));
    assert!(report.states > 50 && report.recoveries_cut > 20, "{report}");
}

#[test]
fn a_replace_done_right_holds_whatever_goes_wrong() {
    let report = replacing().explore_faults().unwrap();
    assert!(report.faults > 40, "{report}");
}

#[test]
fn sabotage_is_found_out_and_told_about() {
    for op in [Op::Sync, Op::SyncFolder] {
        let broken = replacing().sabotage(op).explore().unwrap_err();
        let text = broken.to_string();
        for part in ["replace, full, power cut after step", "acknowledged", "Rename /d/t /d/f", "left:", "/d/f  inode"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn a_careless_write_is_found_out() {
    let careless = Scenario::new("short")
        .run(|disk, acked| {
            let file = disk.create(p("/d/f"), NewFile::Default)?;
            disk.write_at(&file, b"123", 0)?;
            disk.sync(&file)?;
            disk.sync_folder(p("/d"))?;
            acked.note("123");
            Ok(())
        })
        .check(|disk, acked| {
            let kept = acked.is_empty() || disk.content("/d/f").is_some_and(|content| content == b"123");
            if kept { Ok(()) } else { Err(String::from("lost")) }
        });
    careless.explore().unwrap();
    let broken = careless.explore_faults().unwrap_err();
    assert!(broken.to_string().contains("Interrupted at step 2 (Write)"), "{broken}");
}

#[test]
fn a_recovery_that_cannot_be_cut_is_found_out() {
    let broken = Scenario::new("recovery in place")
        .setup(|disk| disk.put("/d/f", b"precious"))
        .run(|disk, _| Ok(disk.create(p("/d/dirty"), NewFile::Default).map(drop)?))
        .recover(|disk| {
            if disk.exists("/d/dirty") {
                let file = open(disk);
                let content = disk.content("/d/f").unwrap_or_default();
                disk.set_len(&file, 0)?;
                disk.write_at(&file, &content, 0)?;
                disk.sync(&file)?;
                disk.unlink(p("/d/dirty"))?;
            }
            Ok(())
        })
        .check(|disk, _| if disk.content("/d/f").unwrap() == b"precious" { Ok(()) } else { Err("lost".into()) })
        .explore()
        .unwrap_err();
    assert!(broken.to_string().contains("of the recovery of state"), "{broken}");
    assert_eq!(broken.why(), "lost");
}

#[test]
fn a_panic_is_a_finding() {
    let broken = Scenario::new("panics")
        .run(|disk, _| {
            disk.create(p("/d/1"), NewFile::Default)?;
            disk.create(p("/d/2"), NewFile::Default).expect("power");
            Ok(())
        })
        .explore()
        .unwrap_err();
    assert!(broken.why().starts_with("panicked: power"), "{broken}");
}

#[test]
fn a_report_is_one_line() {
    let report = Report { scenario: "replace, full".into(), runs: 41, faults: 0, states: 1204, recoveries_cut: 310 };
    assert_eq!(report.to_string(), "replace, full: 41 cuts, 1,204 crash states, 310 cut recoveries: held");
}

/// Enough of it for the time to be told: seconds, not minutes.
#[test]
fn many_states_take_little_time() {
    let report = Scenario::new("many appends")
        .setup(|disk| disk.put("/d/f", b""))
        .run(|disk, _| {
            let file = disk.open(p("/d/f"), Access::Append)?;
            for number in 0..12 {
                disk.append(&file, &[b'x'; 300])?;
                drop(disk.create(p(&format!("/d/{number}")), NewFile::Default)?);
            }
            Ok(())
        })
        .recover(sweep)
        .cut_recoveries(3)
        .explore()
        .unwrap();
    assert!(report.states > 30_000, "{report}");
}
