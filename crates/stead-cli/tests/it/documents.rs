//! `stead get`, `set`, `delete`, `merge` and `patch`

use std::os::unix::fs::symlink;
use std::process::Stdio;

use testkit::tool;

use crate::rig::{Rig, crowd, finish, set_mode};

const NUMBERS: &str =
    r#"{"n":0,"big":123456789012345678901234567890.5,"far":1e400,"E":1E5,"tiny":-1.10e-7,"zero":-0.0}"#;
const CONFIG: &str = "\
# The server.
name = 'stead' # literal

[server]
port = 8080   # where it listens
ratio = 2.50
most = inf
since = 1979-05-27T07:32:00Z
hosts = [\"a\", \"b\"]
";

/// Every command that changes `file`, with standard input.
fn changes(file: &str) -> Vec<(Vec<&str>, &'static str)> {
    vec![
        (vec!["set", file, "/a", "1"], ""),
        (vec!["delete", file, "/a"], ""),
        (vec!["merge", file], "{}"),
        (vec!["patch", file], "[]"),
    ]
}

#[test]
fn a_value_is_printed() {
    let rig = Rig::new();
    rig.write("f.json", r#"{"s":"a \"b\"\n","o":{"k":[1,{}]},"a/b":{"m~n":null},"t":true,"é":"ü"}"#.as_bytes());
    for (pointer, printed) in [
        ("/s", "\"a \\\"b\\\"\\n\"\n"),
        ("/t", "true\n"),
        ("/o", "{\n  \"k\": [\n    1,\n    {}\n  ]\n}\n"),
        ("/o/k/0", "1\n"),
        ("/a~1b/m~0n", "null\n"),
        ("/é", "\"ü\"\n"),
    ] {
        assert_eq!(rig.run(&["get", "f.json", pointer]).expect(0).stdout, printed);
    }
    assert_eq!(rig.run(&["get", "f.json", "/s", "--raw"]).expect(0).stdout, "a \"b\"\n\n");
    assert_eq!(rig.run(&["get", "--raw", "f.json", "/o/k/0"]).expect(0).stdout, "1\n");
    let all = rig.run(&["get", "f.json"]).expect(0).stdout;
    assert_eq!(rig.run(&["get", "f.json", ""]).expect(0).stdout, all);
    assert!(all.starts_with("{\n  \"s\": "), "{all}");
    assert!(!rig.exists(".stead"), "takes no lock");
}

#[test]
fn a_pointer_into_nothing_is_a_no() {
    let rig = Rig::new();
    rig.write("f", br#"{"a":[1],"s":"x"}"#);
    for (pointer, why) in [
        ("/b", "there is nothing at /b"),
        ("/b/c", "there is nothing at /b"),
        ("/a/1", "/a/1 is past the end of an array of 1 item"),
        ("/a/-", "/a/- is past the end"),
        ("/a/x", "/a/x is not an index"),
        ("/s/0", "there is no /s/0, for what is above is a string"),
    ] {
        let no = rig.run(&["get", "f", pointer]).expect(1);
        assert!(no.stderr.starts_with("stead: f: ") && no.stderr.contains(why), "{no:?}");
        assert_eq!(no.stdout, "");
    }
    rig.run(&["get", "f", "a"]).expect(64);
    rig.run(&["get", "f", "/~2"]).expect(64);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let rig = Rig::new();
    rig.write("f", format!("[{}1]", "1,".repeat(100_000)).as_bytes());
    let said = rig.sh("{ $STEAD get f; echo $? >&2; } | head -n 1; $STEAD get f | true");
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("[\n", "0\n"));
}

#[test]
fn a_value_is_set() {
    let rig = Rig::new();
    rig.run(&["set", "f.json", "/a", "1"]).expect(0);
    assert_eq!(rig.text("f.json"), "{\n  \"a\": 1\n}\n");
    rig.write("f", b"{\"z\":1,\"l\":[1]}\n");
    for args in [
        &["/s", "plain text"][..],
        &["/t", "true"],
        &["/ts", "true", "--string"],
        &["/n", "-1.50"],
        &["/l/-", "{\"k\": null}"],
        &["/l/2", "3"],
        &["/l/0", "0"],
        &["/p/q/r", "[]", "--parents"],
        &["/z", "2"],
    ] {
        rig.run(&[&["set", "f"], args].concat()).expect(0);
    }
    let expected = r#"{"z":2,"l":[0,{"k":null},3],"s":"plain text","t":true,"ts":"true","n":-1.50,"p":{"q":{"r":[]}}}"#;
    assert_eq!(rig.text("f"), format!("{expected}\n"));
    rig.run(&["set", "f", "", "[1]"]).expect(0);
    assert_eq!(rig.text("f"), "[1]\n");
}

#[test]
fn json_says_what_is_there_now() {
    let rig = Rig::new();
    rig.write("f", b"{ \"a\" : 1 }");
    let before = rig.path("f").metadata().unwrap();
    let said = rig.run(&["set", "f", "/a", "1", "--json"]).expect(0).stdout;
    let version = stead::atomic::Version::of(b"{ \"a\" : 1 }");
    let expected =
        format!(r#"{{"schema":"stead.write/1","path":"f","version":"{version}","changed":false,"bytes":11}}"#);
    assert_eq!(said.trim_end(), expected);
    // Not laid out anew, not even written.
    assert_eq!(rig.path("f").metadata().unwrap().modified().unwrap(), before.modified().unwrap());
    let said = rig.run(&["delete", "f", "/a", "--json"]).expect(0);
    let version = stead::atomic::Version::of(&rig.read("f"));
    assert!(said.says(&version.to_string()) && said.says("\"changed\":true"), "{said:?}");
}

#[test]
fn a_place_that_is_not_there_is_not_set() {
    let rig = Rig::new();
    rig.write("f", br#"{"a":[1],"s":"x"}"#);
    let before = rig.text("f");
    for pointer in ["/b/c", "/a/2", "/a/x", "/a/01", "/s/0", "/s/0/x", "/a/0/x"] {
        let refused = rig.run(&["set", "f", pointer, "1"]).expect(65);
        assert!(refused.stderr.starts_with("stead: failed to change f: ") && refused.says("hint: "), "{refused:?}");
    }
    for pointer in ["/a/2/b", "/s/0"] {
        rig.run(&["set", "--parents", "f", pointer, "1"]).expect(65);
    }
    for (pointer, code) in [("/b", 1), ("/b/c", 1), ("/a/1", 65), ("/a/-", 65), ("/s/0", 65), ("", 65), ("x", 64)] {
        rig.run(&["delete", "f", pointer]).expect(code);
    }
    rig.run(&["set", "f", "/k", r#"{"a":1,"a":2}"#]).expect(65);
    rig.run(&["set", "f", "/k", &"[".repeat(200)]).expect(0);
    assert_eq!(rig.run(&["get", "f", "/k", "--raw"]).stdout.trim_end(), "[".repeat(200), "no JSON, so a string");
    rig.run(&["delete", "f", "/k"]).expect(0);
    rig.run(&["set", "f", "/k", &format!("{}{}", "[".repeat(200), "]".repeat(200))]).expect(65);
    assert_eq!(rig.text("f"), before);
}

#[test]
fn numbers_stay_as_they_are_written() {
    let rig = Rig::new();
    rig.write("f", NUMBERS.as_bytes());
    rig.run(&["set", "f", "/n", "1"]).expect(0);
    assert_eq!(rig.text("f"), NUMBERS.replace("\"n\":0", "\"n\":1"));
    assert_eq!(rig.run(&["get", "f", "/far"]).expect(0).stdout, "1e400\n");
    assert_eq!(rig.run(&["get", "f", "/big"]).expect(0).stdout, "123456789012345678901234567890.5\n");
    rig.run(&["delete", "f", "/n"]).expect(0);
    assert_eq!(rig.text("f"), NUMBERS.replace("\"n\":0,", ""));
}

#[test]
fn toml_keeps_its_comments() {
    let rig = Rig::new();
    rig.write("c.toml", CONFIG.as_bytes());
    assert_eq!(rig.run(&["get", "c.toml", "/server/since"]).expect(0).stdout, "\"1979-05-27T07:32:00Z\"\n");
    assert_eq!(rig.run(&["get", "c.toml", "/server/hosts/1", "--raw"]).expect(0).stdout, "b\n");
    assert_eq!(rig.run(&["get", "c.toml", "/server/ratio"]).expect(0).stdout, "2.5\n");
    rig.run(&["set", "c.toml", "/server/port", "9090"]).expect(0);
    let expected = CONFIG.replace("8080", "9090");
    assert_eq!(rig.text("c.toml"), expected);
    rig.feed(&["merge", "c.toml"], r#"{"server":{"port":1.5,"hosts":null}}"#).expect(0);
    let expected = expected.replace("9090", "1.5").replace("hosts = [\"a\", \"b\"]\n", "");
    assert_eq!(rig.text("c.toml"), expected);
    rig.feed(&["patch", "c.toml"], r#"[{"op":"replace","path":"/name","value":"x"}]"#).expect(0);
    assert_eq!(rig.text("c.toml"), expected.replace("'stead'", "\"x\""));
    let before = rig.text("c.toml");
    for (pointer, value) in
        [("/server/since/x", "1"), ("/x", "null"), ("/x", "12345678901234567890"), ("", "[]"), ("/x", "1e400")]
    {
        rig.run(&["set", "c.toml", pointer, value]).expect(65);
    }
    assert_eq!(rig.text("c.toml"), before);
    rig.run(&["set", "new.toml", "/a/b", "1", "--parents"]).expect(0);
    assert_eq!(rig.text("new.toml"), "[a]\nb = 1\n");
}

#[test]
fn a_patch_is_all_or_nothing() {
    let rig = Rig::new();
    rig.write("f", b"{\"a\":1,\"z\":2,\"b\":3}");
    let ops =
        r#"[{"op":"test","path":"/a","value":1.0},{"op":"remove","path":"/a"},{"op":"copy","from":"/z","path":"/c"}]"#;
    rig.feed(&["patch", "f"], ops).expect(0);
    let after = r#"{"z":2,"b":3,"c":2}"#;
    assert_eq!(rig.text("f"), after);
    for (last, code) in [
        (r#"{"op":"test","path":"/z","value":3}"#, 1),
        (r#"{"op":"test","path":"/y","value":3}"#, 1),
        (r#"{"op":"remove","path":"/y"}"#, 65),
        (r#"{"op":"add","path":"/z/0","value":3}"#, 65),
        (r#"{"op":"fly"}"#, 65),
        ("[]", 65),
    ] {
        let refused = rig.feed(&["patch", "f"], format!(r#"[{{"op":"add","path":"/new","value":1}},{last}]"#));
        assert!(refused.stderr.contains("operation 2"), "{refused:?}");
        refused.expect(code);
    }
    for bad in ["", "{}", "[", "[{\"op\":\"remove\",\"path\":\"/z\",\"path\":\"/b\"}]", "\u{feff}[]"] {
        rig.feed(&["patch", "f"], bad).expect(65);
    }
    assert_eq!(rig.text("f"), after);
}

#[test]
fn a_merge_follows_the_standard() {
    let rig = Rig::new();
    rig.feed(&["merge", "f"], r#"{"a":{"b":1,"c":null}}"#).expect(0);
    assert_eq!(rig.text("f"), "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n");
    rig.feed(&["merge", "f"], r#"{"x":1E5,"a":null}"#).expect(0);
    assert_eq!(rig.run(&["get", "f", "/x"]).expect(0).stdout, "1e+5\n");
    for bad in ["", "{", "{\"a\":1,\"a\":2}", "{}x"] {
        rig.feed(&["merge", "f"], bad).expect(65);
    }
}

#[test]
fn a_document_that_is_not_there() {
    let rig = Rig::new();
    for args in [&["get", "f"][..], &["delete", "f", "/a"], &["get", "missing/f"]] {
        rig.run(args).expect(66);
    }
    rig.feed(&["patch", "f"], "[]").expect(66);
    rig.run(&["set", "missing/f", "/a", "1"]).expect(73);
    assert!(!rig.exists("f") && !rig.exists("missing"));
}

#[test]
fn a_document_that_cannot_be_understood_stays_as_it_is() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let bad: [&[u8]; 7] =
        [b"", b" \n", b"{\"a\":", b"{\"a\":\"\xff\"}", deep.as_bytes(), b"{\"a\":1,\"a\":2}", b"\xef\xbb\xbf{}"];
    for content in bad {
        let rig = Rig::new();
        rig.write("f", content);
        let no = rig.run(&["get", "f"]).expect(65);
        assert!(no.stderr.starts_with("stead: failed to read f: ") && no.says("hint: "), "{no:?}");
        for (args, input) in changes("f") {
            rig.feed(&args, input).expect(65);
        }
        assert_eq!(rig.read("f"), content);
        assert_eq!(rig.names(), ["f"]);
    }
    let rig = Rig::new();
    rig.write("f.toml", b"a = 1\na = 2\n");
    rig.run(&["get", "f.toml"]).expect(65);
    rig.run(&["set", "f.toml", "/b", "1"]).expect(65);
    assert_eq!(rig.text("f.toml"), "a = 1\na = 2\n");
}

#[test]
fn a_document_over_the_limit_is_refused() {
    let rig = Rig::new();
    std::fs::File::create(rig.path("f")).unwrap().set_len(1 << 30).unwrap();
    let run = |args: &[&str], input: &str| {
        let script = format!("ulimit -v 400000; exec $STEAD {}", args.join(" "));
        let mut command = rig.command("sh", &["-c", &script]);
        command.stdin(Stdio::piped());
        rig.write("input", input.as_bytes());
        command.stdin(std::fs::File::open(rig.path("input")).unwrap());
        finish(command).expect(65)
    };
    assert!(run(&["get", "f"], "").says("failed to read f: too large"));
    for (args, input) in changes("f") {
        run(&args, input);
    }
    run(&["update", "f", "--", "cat"], "");
    assert_eq!(rig.path("f").metadata().unwrap().len(), 1 << 30);
}

#[test]
fn what_is_no_document_is_refused() {
    let rig = Rig::for_all();
    std::fs::create_dir(rig.path("folder")).unwrap();
    assert_eq!(rig.sh("mkfifo fifo").code, Some(0));
    rig.write("f", b"{\"a\":1}");
    symlink("f", rig.path("link")).unwrap();
    for file in ["folder", "fifo", "/dev/null"] {
        rig.run(&["get", file]).expect(66);
        for (args, input) in changes(file) {
            rig.feed(&args, input).expect(66);
        }
        rig.run(&["update", file, "--", "cat"]).expect(66);
    }
    rig.run(&["set", "link", "/a", "2"]).expect(0);
    assert!(rig.path("link").is_symlink());
    set_mode(&rig.path("f"), 0o444);
    finish(rig.stead_without_rights(&["set", "f", "/a", "3"])).expect(77);
    set_mode(&rig.path("f"), 0o000);
    finish(rig.stead_without_rights(&["get", "f"])).expect(77);
    set_mode(&rig.path("f"), 0o600);
    assert_eq!(rig.text("f"), "{\"a\":2}");
}

#[test]
fn no_change_of_another_is_lost() {
    let _turn = crowd();
    if !tool("jq") {
        return;
    }
    let rig = Rig::new();
    let script = "for shell in 1 2 3 4 5 6; do
        (for i in $(seq 20); do $STEAD set n.json /$shell-$i $i || exit 1; done) &
    done; wait";
    rig.sh(script).expect(0);
    assert_eq!(rig.sh("jq length n.json").stdout, "120\n");
}

#[test]
fn get_tells_the_version_that_write_expects() {
    let rig = Rig::new();
    rig.write("n.json", b"{\"n\": 1E400}");
    let got = rig.run(&["get", "n.json", "/n", "--json"]).expect(0).stdout;
    let got: serde_json::Value = serde_json::from_str(&got).unwrap();
    assert_eq!((&got["schema"], got["value"].to_string().as_str()), (&"stead.get/1".into(), "1e+400"));
    let version = got["version"].as_str().unwrap();
    rig.sh(&format!("echo 2 | $STEAD write n.json --if-match {version}")).expect(0);
    rig.sh(&format!("echo 3 | $STEAD write n.json --if-match {version}")).expect(1);
    assert_eq!(rig.run(&["get", "n.json"]).expect(0).stdout, "2\n");
}
