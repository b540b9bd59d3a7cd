//! What CMD finds in its environment.

use crate::rig::Rig;

#[test]
fn tokens_grow_with_each_exclusive_hold() {
    let rig = Rig::new();
    for lock in [&["--for", "s.json"][..], &["l"], &["--label", "x", "l"]] {
        let mut last = 0_u64;
        for _ in 0..5 {
            let command = ["--", "sh", "-c", "echo $STEAD_TOKEN; echo $STEAD_TOKENS"];
            let said = rig.run(&[&["run"], lock, &command].concat()).expect(0);
            let (token, tokens) = said.stdout.trim().split_once('\n').unwrap();
            let number: u64 = token.parse().unwrap();
            assert!(number > last);
            assert_eq!(tokens, format!("{{\"{}\":{token}}}", lock.last().unwrap()));
            last = number;
        }
    }
}

#[test]
fn tokens_grow_although_the_lock_file_was_cleaned_away() {
    let rig = Rig::new();
    let token = || -> u64 {
        rig.run(&["run", "--for", "s.json", "--", "printenv", "STEAD_TOKEN"]).expect(0).stdout.trim().parse().unwrap()
    };
    let first = token();
    rig.run(&["clean", "."]).expect(0);
    assert!(!rig.exists(".stead/locks/s.json.lock"));
    assert!(token() > first);
}

#[test]
fn the_token_is_that_of_the_first_lock_as_named() {
    let rig = Rig::new();
    let script = "echo $STEAD_TOKEN; echo $STEAD_TOKENS";
    for order in [["--for", "s", "l"], ["l", "--for", "s"]] {
        let args = [&["run"], &order[..], &["--", "sh", "-c", script]].concat();
        let said = rig.run(&args).expect(0);
        let (token, tokens) = said.stdout.trim().split_once('\n').unwrap();
        let tokens: serde_json::Value = serde_json::from_str(tokens).unwrap();
        let first = order.iter().find(|word| **word != "--for").unwrap();
        assert_eq!(tokens[first].to_string(), token, "{tokens}");
        // In the order in which they were named.
        assert_eq!(tokens.as_object().unwrap().keys().next().unwrap(), first);
    }
}

#[test]
fn a_shared_lock_has_no_token_not_even_an_inherited_one() {
    let rig = Rig::new();
    let script = "echo ${STEAD_TOKEN-none} $STEAD_TOKENS";
    let said = rig.run(&["run", "outer", "--", "sh", "-c", &format!("$STEAD run --shared ./l -- sh -c '{script}'")]);
    assert_eq!(said.expect(0).stdout, "none {\"./l\":null}\n");
}

#[test]
fn the_rest_of_the_environment_is_passed_on() {
    let rig = Rig::new();
    let mut command = rig.stead(&["run", "./l", "--", "printenv", "ODD"]);
    command.env("ODD", "a b\nc");
    assert_eq!(crate::rig::finish(command).expect(0).stdout, "a b\nc\n");
}

#[test]
fn arguments_reach_the_command_as_they_are() {
    let rig = Rig::new();
    let said = rig.run(&["run", "./l", "--", "printf", "<%s>", "--wait", "", "a b", "--", "*"]).expect(0);
    assert_eq!(said.stdout, "<--wait><><a b><--><*>");
}

#[test]
fn a_lock_folder_is_taken_from_the_flag_or_else_from_the_environment() {
    let rig = Rig::new();
    let locks = |name: &str| std::fs::read_dir(rig.path(name)).map_or(0, Iterator::count);
    rig.run(&["run", "--lock-dir", "one", "--for", "s", "--", "true"]).expect(0);
    assert_eq!(locks("one"), 1);
    let mut command = rig.stead(&["run", "--for", "s", "--", "true"]);
    command.env("STEAD_LOCK_DIR", "two");
    crate::rig::finish(command).expect(0);
    assert_eq!(locks("two"), 1);
    // Empty is not set.
    let mut command = rig.stead(&["run", "--for", "s", "--", "true"]);
    command.env("STEAD_LOCK_DIR", "");
    crate::rig::finish(command).expect(0);
    assert!(rig.exists(".stead/locks/s.lock"));
}
