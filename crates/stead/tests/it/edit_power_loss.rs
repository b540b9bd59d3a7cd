//! Every state that a power cut may leave of a draft and of its file, after every step, on a simulated disk; and every
//! failing call. Nothing that an editor saved is ever nowhere.
#![expect(clippy::print_stdout, reason = "each scenario says how many states it passed")]

use std::path::Path;

use stead::atomic::proof::{self as atomic, Replace};
use stead::disk::{Access, Disk, NewFile};
use stead::edit::proof::Draft;
use testkit::{Fault, Op, Outcome, Scenario, SimDisk, Trouble};

const FILE: &str = "/d/f";
const ROOM: &str = "/drafts/room";
const TEXT: &str = "/drafts/room/text/f";

/// How many crash states are looked at after each step: `STEAD_CRASHES` times as many as by default.
fn budget(states: usize) -> usize {
    states * std::env::var("STEAD_CRASHES").map_or(1, |times| times.parse().expect("a number"))
}

fn disk() -> SimDisk {
    SimDisk::new(&["/d", ROOM])
}

fn draft(disk: &SimDisk) -> Draft<SimDisk> {
    Draft::new(disk, Path::new(ROOM), "f")
}

fn scenario(name: &'static str) -> Scenario<'static> {
    Scenario::new(name).disk(disk).budget(budget(1000)).cut_recoveries(budget(8))
}

fn held(scenario: &Scenario<'_>) {
    println!("{}", scenario.explore().unwrap_or_else(|broken| panic!("{broken}")));
    println!("{}", scenario.explore_faults().unwrap_or_else(|broken| panic!("{broken}")));
}

/// Without each of these syncs what must hold does not, and that is found.
fn missed(ops: &[Op], make: impl Fn() -> Scenario<'static>) {
    for op in ops {
        let broken = make().sabotage(*op).explore();
        println!("{op:?}: {}", broken.err().map_or_else(|| panic!("not missed"), |broken| broken.why().to_owned()));
    }
}

/// What a session does first: the temporaries of one that died go.
fn sweep(disk: &SimDisk) -> Outcome {
    let swept = atomic::sweep(disk, Path::new("/d"))?;
    swept.failed.into_iter().next().map_or(Ok(()), |(path, why)| Err(format!("{}: {why}", path.display()).into()))
}

/// Whether it came to a conflict.
fn commit(disk: &SimDisk) -> Result<bool, Box<dyn std::error::Error>> {
    Ok(draft(disk).commit(disk, Path::new(FILE))?)
}

/// What the next session does with what is offered.
fn commit_again(disk: &SimDisk) -> Outcome {
    sweep(disk)?;
    commit(disk).map(drop)
}

fn offered(disk: &SimDisk) -> Result<Option<Vec<u8>>, String> {
    draft(disk).offered().map_err(|error| error.to_string())
}

/// The copies of what the editor saved.
fn saves(disk: &SimDisk) -> Vec<Vec<u8>> {
    let folder = format!("{ROOM}/saves");
    disk.names(&folder).iter().filter_map(|name| disk.content(format!("{folder}/{name}"))).collect()
}

fn shown(content: Option<&[u8]>) -> String {
    content.map_or_else(|| "nothing".to_owned(), |content| format!("{:?}", String::from_utf8_lossy(content)))
}

fn only_the_file(disk: &SimDisk) -> Result<(), String> {
    let names = disk.names("/d");
    if names.iter().all(|name| name == "f") { Ok(()) } else { Err(format!("left behind: {names:?}")) }
}

/// Across several sectors.
fn long(word: &str) -> Vec<u8> {
    (0..150).flat_map(|number| format!("{word} {number}\n").into_bytes()).collect()
}

/// A draft is there as a whole or not at all; its file is as it was.
#[test]
fn a_new_draft_is_there_whole_or_not_at_all() {
    for base in [None, Some(long("old"))] {
        let (before, text) = (base.clone(), [base.clone().unwrap_or_default(), b"addition\n".to_vec()].concat());
        let expected = text.clone();
        let scenario = scenario("draft: make")
            .setup(move |disk| {
                if let Some(base) = &before {
                    disk.put(FILE, base);
                }
            })
            .run({
                let base = base.clone();
                move |disk, acked| {
                    draft(disk).make(base.as_deref(), &text)?;
                    acked.note("made");
                    Ok(())
                }
            })
            .check(move |disk, acked| {
                let found = offered(disk)?;
                if disk.content(FILE) != base {
                    return Err("the file was touched".into());
                }
                match found {
                    None if acked.is_empty() => Ok(()),
                    Some(text) if text == expected => Ok(()),
                    other => Err(format!("offered is {}", shown(other.as_deref()))),
                }
            });
        held(&scenario);
    }
}

fn versions() -> [Vec<u8>; 6] {
    [long("one"), b"two\n".to_vec(), long("three"), b"".to_vec(), long("five"), b"six".to_vec()]
}

/// How an editor saves; nothing of it is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saving {
    /// Only the copy is made.
    Elsewhere,
    InPlace,
    ByRename,
}

fn save(disk: &SimDisk, how: Saving, text: &[u8]) -> Outcome {
    let write = |path: &str, file| -> Outcome {
        let mut written = 0;
        while written < text.len() {
            written +=
                disk.write_at(&file, &text[written..], written as u64).map_err(|error| format!("{path}: {error}"))?;
        }
        Ok(())
    };
    match how {
        Saving::Elsewhere => Ok(()),
        Saving::InPlace => {
            let file = disk.open(Path::new(TEXT), Access::ReadWrite)?;
            disk.set_len(&file, 0)?;
            write(TEXT, file)
        }
        Saving::ByRename => {
            let new = format!("{TEXT}.new");
            write(&new, disk.create(Path::new(&new), NewFile::Default)?)?;
            disk.rename(Path::new(&new), Path::new(TEXT))?;
            Ok(())
        }
    }
}

fn keeps(name: &'static str, how: Saving) -> Scenario<'static> {
    scenario(name)
        .setup(|disk| {
            disk.put(FILE, long("old"));
            draft(disk).make(Some(&long("old")), &long("old")).expect("a disk without faults");
        })
        .run(move |disk, acked| {
            for (number, text) in versions().iter().enumerate() {
                save(disk, how, text)?;
                draft(disk).keep(text)?;
                acked.note(number.to_string());
            }
            Ok(())
        })
        .check(|disk, acked| {
            let mut there = saves(disk);
            there.extend(offered(disk)?);
            let last = acked.last().map(|number| number.parse::<usize>().expect("a number"));
            match last.map(|last| versions()[last].clone()) {
                Some(text) if !there.contains(&text) => {
                    Err(format!("{} was kept, and is nowhere", shown(Some(text.as_slice()))))
                }
                _ => Ok(()),
            }
        })
}

/// What the editor saved is there as soon as it was kept, and stays until newer ones are.
#[test]
fn what_was_kept_is_there() {
    for (name, how) in [
        ("draft: keep", Saving::Elsewhere),
        ("draft: keep what was saved in place", Saving::InPlace),
        ("draft: keep what was saved by renaming", Saving::ByRename),
    ] {
        println!("{}", keeps(name, how).explore().unwrap_or_else(|broken| panic!("{broken}")));
    }
    held(&keeps("draft: keep", Saving::Elsewhere));
}

/// More than a few copies are not kept.
#[test]
fn old_copies_go() {
    let disk = disk();
    draft(&disk).make(None, b"").unwrap();
    for number in 0..20 {
        draft(&disk).keep(format!("{number}").as_bytes()).unwrap();
    }
    assert_eq!(saves(&disk), [b"16", b"17", b"18", b"19"]);
}

#[test]
fn without_a_sync_what_was_kept_is_lost() {
    missed(&[Op::Sync, Op::SyncFolder], || keeps("sabotaged", Saving::Elsewhere));
}

/// Editors do not sync what they save. A power cut may give the draft's own text back as it was before; what is offered
/// then is the copy, not a text of which somebody would say that nothing was changed in it.
#[test]
fn what_is_offered_is_no_older_than_what_was_kept() {
    for (name, how) in [
        ("draft: offer what was saved by renaming", Saving::ByRename),
        ("draft: offer what was saved in place", Saving::InPlace),
    ] {
        let scenario = scenario(name)
            .setup(|disk| {
                disk.put(FILE, b"old text\n");
                draft(disk).make(Some(b"old text\n"), b"old text\n").expect("a disk without faults");
            })
            .run(move |disk, acked| {
                save(disk, how, b"new\n")?;
                draft(disk).keep(b"new\n")?;
                acked.note("new");
                Ok(())
            })
            .check(|disk, acked| {
                let found = offered(disk)?;
                if acked.is_empty() || found.as_deref() == Some(b"new\n") {
                    return Ok(());
                }
                Err(format!("{:?} was kept, offered is {}", "new\n", shown(found.as_deref())))
            });
        println!("{}", scenario.explore().unwrap_or_else(|broken| panic!("{broken}")));
    }
}

/// What a commit is about: what the draft was made of, its text, and what is in the file by then.
#[derive(Debug, Clone)]
struct Case {
    base: Option<Vec<u8>>,
    text: Vec<u8>,
    disk: Option<Vec<u8>>,
    /// What is in the file in the end.
    result: Vec<u8>,
}

impl Case {
    fn set_up(&self, disk: &SimDisk) {
        if let Some(content) = &self.disk {
            disk.put(FILE, content);
        }
        draft(disk).make(self.base.as_deref(), &self.text).expect("a disk without faults");
    }

    /// The file holds the old or the new text, whole; if not the new one, the draft is offered with all of its text.
    fn holds(&self, disk: &SimDisk, is_acked: bool) -> Result<(), String> {
        let file = disk.content(FILE);
        if file.as_ref() == Some(&self.result) {
            return Ok(());
        }
        let offered = offered(disk)?;
        if file != self.disk {
            Err(format!("the file holds {}", shown(file.as_deref())))
        } else if is_acked {
            Err("the commit was acknowledged".into())
        } else if offered.as_ref() != Some(&self.text) && offered.as_ref() != Some(&self.result) {
            Err(format!("the file is as it was, and offered is {}", shown(offered.as_deref())))
        } else {
            Ok(())
        }
    }
}

fn cases() -> [(&'static str, Case); 4] {
    let (old, new) = (long("old"), [b"first\n".to_vec(), long("old")].concat());
    let appended = [old.clone(), b"appended\n".to_vec()].concat();
    let merged = [new.clone(), b"appended\n".to_vec()].concat();
    [
        (
            "commit to a file",
            Case { base: Some(old.clone()), text: new.clone(), disk: Some(old.clone()), result: new.clone() },
        ),
        ("commit to a new file", Case { base: None, text: new.clone(), disk: None, result: new.clone() }),
        (
            "commit to a file that was removed",
            Case { base: Some(old.clone()), text: new.clone(), disk: None, result: new.clone() },
        ),
        ("commit, merged", Case { base: Some(old), text: new, disk: Some(appended), result: merged }),
    ]
}

fn commits(name: &'static str, case: Case) -> Scenario<'static> {
    let there = case.clone();
    scenario(name)
        .setup(move |disk| there.set_up(disk))
        .run(|disk, acked| {
            assert!(!commit(disk)?, "no conflict");
            acked.note("done");
            Ok(())
        })
        .check(move |disk, acked| case.holds(disk, !acked.is_empty()))
}

/// Trap 47: the draft goes once the file holds it durably.
#[test]
fn trap_47_the_draft_is_there_until_the_file_holds_it() {
    for (name, case) in cases() {
        held(&commits(name, case));
    }
}

/// Trap 47: whatever was cut short is done by the next session, once; and there is nothing to do for a third one.
#[test]
fn trap_47_a_commit_that_was_cut_short_is_done_by_the_next_session() {
    for (name, case) in cases() {
        let there = case.clone();
        let scenario = scenario(name)
            .setup(move |disk| there.set_up(disk))
            .run(|disk, _| commit(disk).map(drop))
            .recover(commit_again)
            .check(move |disk, _| {
                let file = disk.content(FILE);
                if file.as_ref() != Some(&case.result) {
                    return Err(format!("the file holds {}", shown(file.as_deref())));
                }
                // The next process: a draft that came back is found to be in the file.
                let copy = disk.copy();
                commit(&copy).map_err(|error| error.to_string())?;
                if copy.content(FILE) != file {
                    return Err(format!("a second commit makes it {}", shown(copy.content(FILE).as_deref())));
                }
                only_the_file(disk)
            });
        held(&scenario);
    }
}

/// Trap 47: a merge that was cut short between the swap and the end of the draft is not done twice, wherever the changes
/// of both are: here they touch, and there theirs undoes ours.
#[test]
fn trap_47_a_merge_that_was_cut_short_is_not_done_twice() {
    for (base, text, theirs, result) in [
        ("old\n", "old\nmine\n", "theirs\n", "theirs\nmine\n"),
        ("old\n", "mine\nold\n", "", "mine\n"),
        ("a\n", "", "a\na\n", "a\n"),
        ("old\n", "old\nmine\n", "old\ntheirs\n", "old\ntheirs\nmine\n"),
        ("old\n", "old\n\nmine\n", "old\n\ntheirs\n", "old\n\ntheirs\n\nmine\n"),
    ] {
        let scenario = scenario("commit, merged again")
            .setup(move |disk| {
                disk.put(FILE, theirs);
                draft(disk).make(Some(base.as_bytes()), text.as_bytes()).expect("a disk without faults");
            })
            .run(|disk, _| {
                assert!(!commit(disk)?, "no conflict");
                Ok(())
            })
            .recover(commit_again)
            .check(move |disk, _| {
                let found = disk.content(FILE);
                if found.as_deref() == Some(result.as_bytes()) {
                    only_the_file(disk)
                } else {
                    Err(shown(found.as_deref()))
                }
            });
        held(&scenario);
    }
}

/// Each sync of a commit is needed.
#[test]
fn trap_47_without_a_sync_the_proof_fails() {
    let [(_, case), ..] = cases();
    missed(&[Op::Sync, Op::SyncFolder], || commits("sabotaged", case.clone()));
    missed(&[Op::Sync, Op::SyncFolder], || {
        scenario("sabotaged")
            .run(|disk, acked| {
                draft(disk).make(None, b"text\n")?;
                acked.note("made");
                Ok(())
            })
            .check(|disk, acked| match offered(disk)? {
                Some(text) if text == b"text\n" => Ok(()),
                None if acked.is_empty() => Ok(()),
                other => Err(format!("offered is {}", shown(other.as_deref()))),
            })
    });
}

/// Trap 47: a process dies between the rename and the sync of the folder, or that sync fails. The next one finds the text
/// in the file; but before the draft goes, the file has to be durable.
#[test]
fn trap_47_what_is_in_the_file_is_durable_before_the_draft_goes() {
    let [(_, replaced), (_, new), _, (_, merged)] = cases();
    for (name, trouble) in [("killed before the sync", Trouble::Killed), ("the sync fails", Trouble::Io)] {
        for case in [&replaced, &new, &merged] {
            let (there, case) = (case.clone(), case.clone());
            let scenario = scenario(name)
                .setup(move |disk| there.set_up(disk))
                .run(move |disk, acked| {
                    let fault = Fault::new(Op::SyncFolder, trouble).on("/d");
                    disk.fail(if trouble == Trouble::Killed { fault.lasting() } else { fault });
                    commit(disk).expect_err("it is cut short");
                    disk.repair();
                    disk.release_locks();
                    commit_again(disk)?;
                    acked.note("done");
                    Ok(())
                })
                .check(move |disk, acked| case.holds(disk, !acked.is_empty()));
            println!("{}", scenario.explore().unwrap_or_else(|broken| panic!("{broken}")));
        }
    }
}

/// Trap 47: somebody who takes no lock replaces the file between the look and the swap. What he wrote is merged, and
/// neither text is ever nowhere.
#[test]
fn trap_47_what_comes_between_the_look_and_the_swap_is_merged() {
    for exchange in [true, false] {
        let scenario = scenario("commit, somebody comes between")
            .disk(move || {
                let disk = disk();
                disk.exchange_supported(exchange);
                disk
            })
            .setup(|disk| {
                disk.put(FILE, b"old\n");
                draft(disk).make(Some(b"old\n"), b"mine\nold\n").expect("a disk without faults");
            })
            .run(move |disk, acked| {
                let notes = acked.clone();
                let come = move |disk: &SimDisk| {
                    if Replace::default().run(disk, Path::new(FILE), b"old\ntheirs\n").is_ok() {
                        notes.note("theirs");
                    }
                };
                if exchange {
                    disk.before_exchange(come);
                } else {
                    come(disk);
                }
                assert!(!commit(disk)?, "no conflict");
                acked.note("mine");
                Ok(())
            })
            .recover(commit_again)
            .check(|disk, acked| {
                let found = String::from_utf8_lossy(&disk.content(FILE).unwrap_or_default()).into_owned();
                let has = |line: &str| found.lines().any(|found| found == line);
                if !has("old") || !has("mine") || (acked.contains(&"theirs".to_owned()) && !has("theirs")) {
                    return Err(format!("the file holds {found:?}"));
                }
                Ok(())
            });
        held(&scenario);
    }
}

/// Trap 47: where both changed the same line the file stays as they left it, whatever happens, and the markers of a
/// conflict are in the draft only. What the editor saved is in the draft, or among its copies.
#[test]
fn trap_47_a_conflict_leaves_the_file_alone_and_keeps_both() {
    for text in [b"mine\n".to_vec(), [b"mine\n".to_vec(), long("more")].concat()] {
        let there = text.clone();
        let scenario = scenario("commit, conflict")
            .setup(move |disk| {
                disk.put(FILE, b"theirs\n");
                draft(disk).make(Some(b"old\n"), &there).expect("a disk without faults");
            })
            .run(|disk, acked| {
                assert!(commit(disk)?, "a conflict");
                acked.note("conflict");
                Ok(())
            })
            .recover(|disk| {
                sweep(disk)?;
                if commit(disk)? { Ok(()) } else { Err("the conflict was put into the file".into()) }
            })
            .check(move |disk, _| {
                if disk.content(FILE).as_deref() != Some(b"theirs\n") {
                    return Err(format!("the file holds {}", shown(disk.content(FILE).as_deref())));
                }
                let found = offered(disk)?.unwrap_or_default();
                let lines: Vec<_> = found.split(|byte| *byte == b'\n').collect();
                let has = |line: &[u8]| lines.contains(&line);
                if !has(b"theirs") || !has(b"mine") || !found.starts_with(b"<<<<<<<") {
                    return Err(format!("offered is {}", shown(Some(&found))));
                }
                if found == text || saves(disk).contains(&text) {
                    return Ok(());
                }
                Err("what the editor saved is in no copy".into())
            });
        held(&scenario);
    }
}

fn refits(name: &'static str) -> Scenario<'static> {
    scenario(name)
        .setup(|disk| {
            disk.put(FILE, b"old\ntheirs\n");
            draft(disk).make(Some(b"old\n"), b"mine\nold\n").expect("a disk without faults");
        })
        .run(|disk, acked| {
            draft(disk).refit(Some(b"old\ntheirs\n"), b"mine\nold\ntheirs\n")?;
            acked.note("fitted");
            Ok(())
        })
}

/// A recovery that is cut short leaves what was to be recovered, or what came of it.
#[test]
fn a_recovery_loses_nothing() {
    let both = |disk: &SimDisk, acked: &[String]| {
        let found = offered(disk)?.unwrap_or_default();
        let new = found == b"mine\nold\ntheirs\n";
        if !new && (found != b"mine\nold\n" || !acked.is_empty()) {
            return Err(format!("offered is {}", shown(Some(&found))));
        }
        let before = saves(disk).contains(&b"mine\nold\n".to_vec());
        if !new || before { Ok(()) } else { Err("what was there before is in no copy".into()) }
    };
    held(&refits("recover").check(both));
    missed(&[Op::Sync, Op::SyncFolder], || refits("sabotaged").check(both));
    held(&refits("recover, then commit").recover(commit_again).check(|disk, _| {
        let found = disk.content(FILE);
        let is_merged = found.as_deref() == Some(b"mine\nold\ntheirs\n");
        if is_merged { Ok(()) } else { Err(format!("the file holds {}", shown(found.as_deref()))) }
    }));
}

/// A draft of a file that is not there any more is fitted to that.
#[test]
fn a_recovery_for_a_file_that_was_removed_loses_nothing() {
    let scenario = scenario("recover, no file")
        .setup(|disk| draft(disk).make(Some(b"old\n"), b"mine\nold\n").expect("a disk without faults"))
        .run(|disk, _| Ok(draft(disk).refit(None, b"mine\nold\n")?))
        .recover(commit_again)
        .check(|disk, _| {
            let found = disk.content(FILE);
            if found.as_deref() == Some(b"mine\nold\n") { Ok(()) } else { Err(shown(found.as_deref())) }
        });
    held(&scenario);
}

/// A full disk: the file is as it was, and the draft is offered; with room, all goes on.
#[test]
fn trap_47_a_full_disk_takes_neither_the_file_nor_the_draft() {
    let [(_, case), ..] = cases();
    for bytes in [0, 1, 100, 512, 1000] {
        let disk = disk();
        case.set_up(&disk);
        disk.full_after(bytes);
        commit(&disk).unwrap_err();
        assert_eq!(disk.content(FILE), case.disk);
        assert_eq!(offered(&disk).unwrap().as_ref(), Some(&case.text));
        disk.repair();
        assert!(!commit(&disk).unwrap());
        assert_eq!((disk.content(FILE).as_ref(), offered(&disk).unwrap()), (Some(&case.result), None));
        only_the_file(&disk).unwrap();
    }
}
