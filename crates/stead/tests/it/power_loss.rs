//! Every state that a power cut may leave, after every step, on a simulated disk; and every failing call.
#![expect(clippy::print_stdout, reason = "each scenario says how many states it passed")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stead::atomic::proof::{self, Replace};
use stead::atomic::{Durability, Version};
use stead::disk::{Disk, Metadata};
use testkit::{Acked, Fault, Op, Outcome, Scenario, SimDisk, Trouble};

const FILE: &str = "/d/f";
const LEDGER: &str = "/d/.stead/locks/f.lock";

fn full() -> Replace {
    Replace { durability: Durability::Full, ..Replace::default() }
}

fn replace(disk: &SimDisk, how: &Replace, content: &[u8]) -> Outcome {
    Ok(how.run(disk, Path::new(FILE), content)?)
}

fn sweep(disk: &SimDisk) -> Outcome {
    let swept = proof::sweep(disk, Path::new("/d"))?;
    swept.failed.into_iter().next().map_or(Ok(()), |(path, why)| Err(format!("{}: {why}", path.display()).into()))
}

/// The file holds one of `contents`, and no older one than the last that was acknowledged (by its number).
fn holds_one_of(disk: &SimDisk, acked: &[String], contents: &[Option<&[u8]>]) -> Result<(), String> {
    let found = disk.content(FILE);
    let at = contents.iter().position(|content| *content == found.as_deref());
    let last = acked.last().map_or(0, |number| number.parse().expect("a number"));
    match at {
        None => Err(format!("{} bytes that nobody wrote", found.map_or(0, |found| found.len()))),
        Some(at) if at < last => Err(format!("content {at} after {last} was acknowledged")),
        Some(_) => Ok(()),
    }
}

fn nothing_else(disk: &SimDisk, names: &[&str]) -> Result<(), String> {
    let found = disk.names("/d").into_iter().filter(|name| !names.contains(&name.as_str())).collect::<Vec<_>>();
    if found.is_empty() { Ok(()) } else { Err(format!("left behind: {found:?}")) }
}

/// Contents across several sectors and pages.
fn contents() -> [Vec<u8>; 3] {
    [b"old".to_vec(), [b"new ".repeat(300), b"end".to_vec()].concat(), b"newest".repeat(1000)]
}

fn replaces(name: &'static str, how: Replace) -> Scenario<'static> {
    let [old, new, newest] = contents();
    let known = contents();
    Scenario::new(name)
        .setup(move |disk| disk.put(FILE, &old))
        .run(move |disk, acked| {
            replace(disk, &how, &new)?;
            acked.note("1");
            replace(disk, &how, &newest)?;
            acked.note("2");
            Ok(())
        })
        .recover(sweep)
        .check(move |disk, acked| {
            holds_one_of(disk, acked, &known.each_ref().map(|content| Some(content.as_slice())))?;
            nothing_else(disk, &["f"])
        })
}

fn held(scenario: &Scenario<'_>) {
    println!("{}", scenario.explore().unwrap_or_else(|broken| panic!("{broken}")));
    println!("{}", scenario.explore_faults().unwrap_or_else(|broken| panic!("{broken}")));
}

/// Trap 24: after every cut the old or the new file, whole, and never an older one than what was acknowledged.
#[test]
fn trap_24_a_replace_is_all_or_nothing_and_durable() {
    held(&replaces("replace, full", full()));
}

/// Promise 2 is kept by every sync there is: without any one of them it is broken, and that is found.
#[test]
fn trap_24_without_a_sync_the_proof_fails() {
    for op in [Op::Sync, Op::SyncFolder] {
        let broken = replaces("sabotaged", full()).sabotage(op).explore();
        println!("{}", broken.err().map_or_else(|| panic!("{op:?} not missed"), |broken| broken.why().to_owned()));
    }
}

/// The file is whole although it is not said to be there.
#[test]
fn a_replace_with_data_only_is_whole() {
    let [_, new, _] = contents();
    let known = contents();
    let how = Replace { durability: Durability::Data, ..Replace::default() };
    let scenario = Scenario::new("replace, data")
        .setup(|disk| disk.put(FILE, b"old"))
        .run(move |disk, _| replace(disk, &how, &new))
        .recover(sweep)
        .check(move |disk, _| {
            holds_one_of(disk, &[], &known.each_ref().map(|content| Some(content.as_slice())))?;
            nothing_else(disk, &["f"])
        });
    held(&scenario);
}

#[test]
fn a_new_file_is_there_whole_or_not_at_all() {
    for no_clobber in [false, true] {
        for rename_new in [true, false] {
            let how = Replace { no_clobber, ..full() };
            let scenario = Scenario::new("new file")
                .disk(move || {
                    let disk = SimDisk::new(&["/d"]);
                    disk.rename_new_supported(rename_new);
                    disk
                })
                .run(move |disk, acked| {
                    replace(disk, &how, b"new")?;
                    acked.note("1");
                    Ok(())
                })
                .recover(sweep)
                .check(|disk, acked| {
                    holds_one_of(disk, acked, &[None, Some(b"new")])?;
                    nothing_else(disk, &["f"])
                });
            held(&scenario);
        }
    }
}

/// Trap 24: what the file is to show and to hide is durable before its name is.
#[test]
fn trap_24_metadata_comes_before_the_name() {
    let secret =
        || Metadata { mode: 0o600, owner: 7, group: 8, attributes: vec![("user.note".into(), b"keep".to_vec())] };
    let scenario = Scenario::new("metadata")
        .setup(move |disk| disk.put_with(FILE, b"old", &secret()))
        .run(|disk, acked| {
            replace(disk, &full(), b"new")?;
            acked.note("1");
            Ok(())
        })
        .recover(sweep)
        .check(|disk, acked| {
            holds_one_of(disk, acked, &[Some(b"old"), Some(b"new")])?;
            let seen = (disk.mode(FILE), disk.attribute(FILE, "user.note"));
            if seen == (Some(0o600), Some(b"keep".to_vec())) { Ok(()) } else { Err(format!("{seen:?}")) }
        });
    held(&scenario);
}

#[test]
fn there_is_a_whole_backup_at_every_instant() {
    let how = Replace { backup: Some("~".into()), ..full() };
    let scenario = Scenario::new("backup")
        .setup(|disk| {
            disk.put(FILE, b"old");
            disk.put("/d/f~", b"older");
        })
        .run(move |disk, acked| {
            replace(disk, &how, b"new")?;
            acked.note("1");
            Ok(())
        })
        .recover(sweep)
        .check(|disk, acked| {
            holds_one_of(disk, acked, &[Some(b"old"), Some(b"new")])?;
            nothing_else(disk, &["f", "f~"])?;
            let backup = disk.content("/d/f~");
            let is_old = backup.as_deref() == Some(b"old");
            if is_old || (acked.is_empty() && backup.as_deref() == Some(b"older")) {
                Ok(())
            } else {
                Err(format!("the backup is {backup:?}"))
            }
        });
    held(&scenario);
}

/// Trap 31: the swap of what was expected.
#[test]
fn trap_31_a_swap_is_all_or_nothing_and_durable() {
    for exchange in [true, false] {
        let scenario = Scenario::new("if-match")
            .disk(move || {
                let disk = SimDisk::new(&["/d"]);
                disk.exchange_supported(exchange);
                disk
            })
            .setup(|disk| disk.put(FILE, b"old"))
            .run(|disk, acked| {
                replace(disk, &Replace { if_match: Some(Version::of(b"old")), ..full() }, b"new")?;
                acked.note("1");
                replace(disk, &Replace { if_match: Some(Version::of(b"new")), ..full() }, b"newest")?;
                acked.note("2");
                Ok(())
            })
            .recover(sweep)
            .check(|disk, acked| {
                holds_one_of(disk, acked, &[Some(b"old"), Some(b"new"), Some(b"newest")])?;
                nothing_else(disk, &["f"])
            });
        held(&scenario);
    }
}

/// Trap 31: somebody who takes no lock replaces the file, durably, between our look and our swap: before the last look,
/// or after it. Whenever the power is cut, what he wrote is there.
#[test]
fn trap_31_what_came_between_is_never_lost() {
    for (name, after_the_last_look) in [("came before the last look", false), ("came after the last look", true)] {
        let scenario = Scenario::new(name)
            .setup(|disk| disk.put(FILE, b"old"))
            .run(move |disk, acked| {
                let how = Replace { if_match: Some(Version::of(b"old")), ..full() };
                let theirs = Arc::new(AtomicBool::new(false));
                let done = Arc::clone(&theirs);
                let notes = acked.clone();
                let come = move |disk: &SimDisk| {
                    if full().run(disk, Path::new(FILE), b"theirs").is_ok() {
                        done.store(true, Ordering::SeqCst);
                        notes.note("theirs");
                    }
                };
                let outcome = if after_the_last_look {
                    disk.before_exchange(come);
                    how.run(disk, Path::new(FILE), b"ours")
                } else {
                    how.run_between(disk, Path::new(FILE), b"ours", || come(disk))
                };
                match outcome {
                    Err(error) if error.is_mismatch() => Ok(()),
                    Err(error) => Err(error.into()),
                    // Theirs failed.
                    Ok(()) if !theirs.load(Ordering::SeqCst) => Ok(()),
                    Ok(()) => Err("ours took the place of theirs".into()),
                }
            })
            .recover(sweep)
            .check(|disk, acked| {
                let found = disk.content(FILE);
                match found.as_deref() {
                    // What went back the other way, ours, is kept.
                    Some(b"theirs") => nothing_else(disk, &["f", ".stead"]),
                    Some(b"old" | b"ours") if acked.is_empty() => nothing_else(disk, &["f"]),
                    other => Err(format!("the file holds {:?}", other.map(String::from_utf8_lossy))),
                }
            });
        held(&scenario);
    }
}

const BEFORE: &[u8] = b"first\nsecond\n";

fn append(disk: &SimDisk, lines: &[u8], durability: Durability) -> Outcome {
    proof::append(disk, Path::new(LEDGER), Path::new(FILE), lines, durability, false)?;
    Ok(())
}

/// What the first process that appends after the reboot does.
fn append_after(disk: &SimDisk) -> Outcome {
    sweep(disk)?;
    append(disk, b"after\n", Durability::Full)
}

fn without_a_file() -> SimDisk {
    SimDisk::new(&["/d"])
}

fn appended_disk() -> SimDisk {
    let disk = SimDisk::new(&["/d"]);
    disk.put(FILE, BEFORE);
    disk
}

/// The lock file and its folders are made as a first lock makes them: nothing of it is synced. After a reboot the lock
/// file may be gone; a lock makes a new one.
fn with_ledger(disk: &SimDisk, step: impl Fn(&SimDisk) -> Outcome) -> Outcome {
    for folder in ["/d/.stead", "/d/.stead/locks"] {
        disk.create_folder(Path::new(folder))?;
    }
    match disk.create(Path::new(LEDGER), stead::disk::NewFile::Default) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    step(disk)
}

/// The batches, each whole or not at all, in order, every acknowledged one of them, then some `after`.
fn is_made_of(found: &[u8], before: &[u8], batches: &[&[u8]], acked: &[String]) -> Result<(), String> {
    let text = String::from_utf8_lossy(found).into_owned();
    let mut rest = found.strip_prefix(before).ok_or_else(|| format!("what was there is not: {text:?}"))?;
    for (index, batch) in batches.iter().enumerate() {
        let is_acked = acked.contains(&index.to_string());
        match rest.strip_prefix(*batch) {
            Some(left) => rest = left,
            None if is_acked => return Err(format!("batch {index} was acknowledged: {text:?}")),
            None => {}
        }
    }
    while let Some(left) = rest.strip_prefix(b"after\n") {
        rest = left;
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("{:?} at the end of {text:?}", String::from_utf8_lossy(rest))) }
}

fn batches() -> [Vec<u8>; 2] {
    // Across three sectors, and short.
    [[b"one ".repeat(150), b"\n".to_vec(), b"two ".repeat(150), b"\n".to_vec()].concat(), b"x\ny\n".to_vec()]
}

fn appends(name: &'static str, disk: fn() -> SimDisk, before: &'static [u8]) -> Scenario<'static> {
    let known = batches();
    Scenario::new(name)
        .disk(disk)
        .run(|disk, acked: &Acked| {
            for (index, batch) in batches().iter().enumerate() {
                with_ledger(disk, |disk| append(disk, batch, Durability::Full))?;
                acked.note(index.to_string());
            }
            Ok(())
        })
        .recover(|disk| with_ledger(disk, append_after))
        .check(move |disk, acked| {
            let found = disk.content(FILE).unwrap_or_default();
            is_made_of(&found, before, &known.each_ref().map(Vec::as_slice), acked)
        })
}

/// Every batch of lines is there as a whole or not at all, once the next append has been.
#[test]
fn an_append_is_all_or_nothing_and_durable() {
    held(&appends("append", appended_disk, BEFORE));
    held(&appends("append to a new file", without_a_file, b""));
}

#[test]
fn without_a_sync_an_append_is_lost_or_torn() {
    for op in [Op::SyncData, Op::SyncFolder] {
        let broken = appends("sabotaged", appended_disk, BEFORE).sabotage(op).explore();
        println!("{}", broken.err().map_or_else(|| panic!("{op:?} not missed"), |broken| broken.why().to_owned()));
    }
}

/// Trap 33: whatever an append without syncs left at the end of a file of JSON lines, the next value is on a line of
/// its own, and what was durable before is untouched.
#[test]
fn trap_33_json_lines_go_on_after_any_tear() {
    let json = |disk: &SimDisk, line: &[u8], durability| -> Outcome {
        proof::append(disk, Path::new(LEDGER), Path::new(FILE), line, durability, true)?;
        Ok(())
    };
    let scenario = Scenario::new("JSON lines, none")
        .disk(|| {
            let disk = appended_disk();
            disk.put(FILE, b"{\"n\":1}\n");
            disk
        })
        .run(move |disk, _| {
            let line = [b"{\"n\":\"", &[b'2'; 900][..], b"\"}\n"].concat();
            with_ledger(disk, |disk| json(disk, &line, Durability::None))
        })
        .recover(move |disk| with_ledger(disk, |disk| json(disk, b"{\"n\":3}\n", Durability::Full)))
        .check(|disk, _| {
            let found = disk.content(FILE).unwrap_or_default();
            let text = String::from_utf8_lossy(&found);
            let lines: Vec<_> = text.lines().collect();
            let is_sound = lines.first() == Some(&"{\"n\":1}") && text.ends_with('\n');
            let last = lines.last().is_some_and(|last| *last == "{\"n\":3}") || lines.len() <= 2;
            if is_sound && last { Ok(()) } else { Err(format!("{text:?}")) }
        });
    println!("{}", scenario.explore().unwrap_or_else(|broken| panic!("{broken}")));
}

/// An append that failed, and could not be taken back, leaves torn bytes and its intent. The next one takes them away;
/// but not if somebody has written into the file since, for then they may be his.
#[test]
fn what_is_torn_is_cut_off_and_what_somebody_wrote_is_not() {
    for edited in [false, true] {
        let disk = appended_disk();
        with_ledger(&disk, |disk| append(disk, b"third\n", Durability::Full)).unwrap();
        disk.fail(Fault::new(Op::Append, Trouble::Short(4)));
        disk.fail(Fault::new(Op::Append, Trouble::NoSpace).nth(2));
        disk.fail(Fault::new(Op::SetLen, Trouble::Io));
        append(&disk, b"never\n", Durability::Full).unwrap_err();
        assert_eq!(disk.content(FILE).unwrap(), b"first\nsecond\nthird\nneve");
        if edited {
            let file = disk.open(Path::new(FILE), stead::disk::Access::ReadWrite).unwrap();
            disk.write_at(&file, b"FIRST", 0).unwrap();
        }
        append(&disk, b"last\n", Durability::Full).unwrap();
        let expected = if edited { "FIRST\nsecond\nthird\nneve\nlast\n" } else { "first\nsecond\nthird\nlast\n" };
        assert_eq!(String::from_utf8(disk.content(FILE).unwrap()).unwrap(), expected);
        assert_eq!(disk.exists("/d/.stead/kept"), !edited);
    }
}

/// A writer that died before its content was whole is no reason to take anything from the target, whatever that holds by
/// then: also not if it is the very content that was to be written.
#[test]
fn a_half_written_temporary_is_never_put_in_place() {
    let scenario = Scenario::new("killed while staging, then done again")
        .setup(|disk| disk.put(FILE, b"old"))
        .run(|disk, acked| {
            let how = Replace { if_match: Some(Version::of(b"old")), durability: Durability::None, ..full() };
            replace(disk, &how, b"new")?;
            replace(disk, &full(), b"new")?;
            acked.note("1");
            Ok(())
        })
        .recover(|disk| {
            sweep(disk)?;
            replace(disk, &full(), b"new")
        })
        .check(|disk, _| {
            sweep(disk).map_err(|error| error.to_string())?;
            holds_one_of(disk, &["0".to_owned()], &[Some(b"new")])
        });
    println!("{}", scenario.explore().unwrap_or_else(|broken| panic!("{broken}")));
}

/// An append that failed and was taken back leaves no intent that a later one could mistake.
#[test]
fn a_failed_append_leaves_no_intent() {
    let disk = appended_disk();
    with_ledger(&disk, |disk| append(disk, b"third\n", Durability::None)).unwrap();
    disk.fail(Fault::new(Op::Append, Trouble::NoSpace));
    append(&disk, &b"x".repeat(100), Durability::None).unwrap_err();
    let file = disk.open(Path::new(FILE), stead::disk::Access::Append).unwrap();
    disk.append(&file, b"a note by hand\n").unwrap();
    append(&disk, b"last\n", Durability::None).unwrap();
    let expected = "first\nsecond\nthird\na note by hand\nlast\n";
    assert_eq!(String::from_utf8(disk.content(FILE).unwrap()).unwrap(), expected);
    assert!(!disk.exists("/d/.stead/kept"));
}

/// What stands where an append was begun, and is not what was to be appended, is somebody's.
#[test]
fn what_is_not_ours_is_not_cut_though_an_intent_says_so() {
    let disk = appended_disk();
    with_ledger(&disk, |disk| append(disk, b"third\n", Durability::Full)).unwrap();
    disk.fail(Fault::new(Op::Append, Trouble::NoSpace));
    disk.fail(Fault::new(Op::SetLen, Trouble::Io));
    append(&disk, b"never to be seen\n", Durability::Full).unwrap_err();
    let file = disk.open(Path::new(FILE), stead::disk::Access::Append).unwrap();
    disk.append(&file, b"by hand\n").unwrap();
    append(&disk, b"last\n", Durability::Full).unwrap();
    let expected = "first\nsecond\nthird\nby hand\nlast\n";
    assert_eq!(String::from_utf8(disk.content(FILE).unwrap()).unwrap(), expected);
}
