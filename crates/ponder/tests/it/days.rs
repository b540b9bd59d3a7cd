//! Which day is meant, and where its entry is.

use crate::rig::{Rig, finish, zone_before_midnight};

#[test]
fn a_heading_alone_is_not_left_behind() {
    let rig = Rig::new();
    let seen = "cat \"$1\" > $RIG/seen";
    rig.edit(&["-d", "2026-02-03"], seen).expect(0).saying("nothing is written");
    let shown = rig.read("seen");
    assert!(shown.starts_with("# 2026-02-03 Tuesday\n\n## ") && shown.ends_with("\n\n"), "{shown}");
    assert!(!rig.journal("2026/02/03.md").exists());
    rig.run(&["add", "-d", "20260203", "x"]).expect(0);
    let before = rig.read("journal/2026/02/03.md");
    rig.edit(&["-d", "2026-02-03"], seen).expect(0);
    assert_eq!(rig.read("journal/2026/02/03.md"), before);
    let shown = rig.read("seen");
    assert!(shown.starts_with(&format!("{before}\n## ")), "{shown}");
    assert_eq!(shown.matches("# 2026-02-03").count(), 1);
}

#[test]
fn flat_folders_are_kept() {
    for (there, new) in [("2020-01-01.md", "2020-01-02.md"), ("20200101.md", "20200102.md")] {
        let rig = Rig::new();
        rig.write(&format!("journal/{there}"), "old\n");
        rig.write("journal/notes.txt", "not an entry\n");
        rig.edit(&["-d", "2020-01-02"], "echo new >> \"$1\"").expect(0);
        rig.run(&["add", "-d", "2020-01-01", "more"]).expect(0);
        assert_eq!(rig.entries(), [there, new]);
        assert!(rig.read(&format!("journal/{there}")).starts_with("old\n\n## "));
    }
}

#[test]
fn the_configuration_is_below_the_environment_and_flags() {
    let rig = Rig::new();
    let config =
        "dir = '~/diary'\nlayout = 'compact'\ntemplate = 'new.md'\neditor = 'sh -c \"echo configured >> $0\"'\n";
    rig.write("home/.config/ponder/config.toml", config);
    rig.write("home/.config/ponder/new.md", "{weekday} {date}\n");
    let unset = |args: &[&str]| {
        let mut command = rig.ponder(args);
        command.env_remove("PONDER_DIR");
        command
    };
    finish(unset(&["-d", "2020-02-02"])).expect(0);
    let mut command = unset(&["-d", "2020-02-02"]);
    command.env("PONDER_EDITOR", "sh -c 'echo mine >> \"$0\"'");
    finish(command).expect(0);
    let text = rig.read("home/diary/20200202.md");
    assert!(text.starts_with("Sunday 2020-02-02\n\n## ") && text.contains("\n\nconfigured\n"), "{text}");
    assert!(text.ends_with("\n\nmine\n"), "{text}");
    let path = |command| finish(command).expect(0).stdout;
    assert!(path(rig.ponder(&["path", "2020-02-02"])).ends_with("/journal/20200202.md\n"));
    assert!(path(rig.ponder(&["path", "2020-02-02", "--dir", "x"])).ends_with("/x/20200202.md\n"));
    let said = finish(unset(&["-v", "list"])).expect(0);
    assert!(said.stderr.contains("/home/diary (the configuration)"), "{said:?}");
}

#[test]
fn without_a_configuration_the_journal_is_among_the_documents() {
    let rig = Rig::new();
    let path = || {
        let mut command = rig.ponder(&["path", "2020-02-02"]);
        command.env_remove("PONDER_DIR");
        finish(command).expect(0).stdout
    };
    assert!(path().ends_with("/home/Documents/ponder/2020/02/02.md\n"));
    rig.write("home/.config/user-dirs.dirs", "XDG_DOCUMENTS_DIR=\"$HOME/Papiere\"\n");
    assert!(path().ends_with("/home/Papiere/ponder/2020/02/02.md\n"));
}

#[test]
fn the_day_is_that_of_the_time_zone() {
    let rig = Rig::new();
    let day = |zone: &str| {
        let mut command = rig.ponder(&["path", "--json"]);
        command.env("TZ", zone);
        let path = finish(command).expect(0).json();
        path["date"].as_str().unwrap().to_owned()
    };
    // 26 hours lie between the two.
    assert_ne!(day("<+14>-14"), day("<-12>12"));
}

#[test]
fn midnight_changes_nothing_for_a_session() {
    let rig = Rig::new();
    let zone = zone_before_midnight(3);
    let today = |rig: &Rig| {
        let mut command = rig.ponder(&["path"]);
        command.env("TZ", &zone);
        finish(command).expect(0).stdout
    };
    let before = today(&rig);
    // The editor stays until the day has changed for everybody who starts now.
    let script =
        format!("while [ \"$($PONDER path)\" = '{}' ]; do sleep 0.05; done; echo late >> \"$1\"", before.trim());
    let mut command = rig.editing(&[], &script);
    command.env("TZ", &zone);
    let ended = finish(command);
    if today(&rig) == before || !std::path::Path::new(before.trim()).exists() {
        // It was midnight already when the session began.
        assert!(ended.code == Some(0), "{ended:?}");
        return;
    }
    ended.expect(0).saying(before.trim());
    assert!(std::fs::read_to_string(before.trim()).unwrap().ends_with("late\n"));
    assert!(!std::path::Path::new(today(&rig).trim()).exists());
}
