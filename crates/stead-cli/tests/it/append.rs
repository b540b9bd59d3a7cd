//! `stead append`

use crate::rig::{Rig, crowd, finish};

#[test]
fn lines_go_to_the_end() {
    let rig = Rig::new();
    rig.feed(&["append", "f"], "one\ntwo").expect(0);
    rig.feed(&["append", "f"], "\n\nthree\n").expect(0);
    assert_eq!(rig.text("f"), "one\ntwo\n\n\nthree\n");
    rig.write("f", b"no newline");
    rig.feed(&["append", "f"], "next").expect(0);
    assert_eq!(rig.text("f"), "no newline\nnext\n");
}

#[test]
fn nothing_changes_nothing() {
    let rig = Rig::new();
    rig.feed(&["append", "f"], "").expect(0);
    assert!(!rig.exists("f"));
    rig.write("f", b"no newline");
    let said = rig.feed(&["append", "f", "--json"], "").expect(0);
    assert_eq!(rig.text("f"), "no newline");
    assert!(said.says(r#""count":0,"start_offset":null,"end_offset":null"#), "{said:?}");
}

#[test]
fn json_says_where_they_are() {
    let rig = Rig::new();
    rig.feed(&["append", "f"], "1234").expect(0);
    let said = rig.feed(&["append", "f", "--json"], "a\nb").expect(0).stdout;
    let expected = r#"{"schema":"stead.append/1","path":"f","count":2,"start_offset":5,"end_offset":9,"line_hash":null,"cursor":null,"durable":true,"created":false,"kept":[]}"#;
    assert_eq!(said.trim_end(), expected);
    assert!(rig.feed(&["append", "f", "--json", "--durability", "none"], "c").says(r#""durable":false"#));
}

#[test]
fn a_line_that_is_not_json_is_refused_with_its_number() {
    let rig = Rig::new();
    rig.feed(&["append", "--json-lines", "f"], "{\"a\":1}\n2\n").expect(0);
    let before = rig.text("f");
    for (input, line) in [
        ("{}\n{\n{}", "line 2 "),
        ("{}\n\n{}", "line 2 "),
        ("\n", "line 1 "),
        ("1\n2\n{\"a\":1,\"a\":2}\n", "line 3 "),
        ("1 2", "line 1 "),
        ("\"\u{0}\"", "line 1 "),
    ] {
        let refused = rig.feed(&["append", "--json-lines", "f"], input).expect(65);
        assert!(refused.stderr.starts_with(&format!("stead: {line}")), "{refused:?}");
    }
    rig.feed(&["append", "--json-lines", "f"], b"\"\xff\"").expect(65);
    assert_eq!(rig.text("f"), before);
    assert_eq!(before, "{\"a\":1}\n2\n");
}

#[test]
fn torn_bytes_are_kept_and_that_is_said() {
    let rig = Rig::new();
    rig.write("f", b"{\"a\":1}\n{\"b\":");
    let said = rig.feed(&["append", "--json-lines", "f", "--json"], "3").expect(0);
    assert_eq!(rig.text("f"), "{\"a\":1}\n3\n");
    let kept = said.stderr.trim_end().rsplit_once("they are in ").unwrap().1;
    assert_eq!(std::fs::read(rig.path(kept)).unwrap(), b"{\"b\":");
    assert!(said.stdout.contains(&format!("\"kept\":[\"{kept}\"]")), "{said:?}");
}

#[test]
fn many_writers_keep_their_lines_whole() {
    let _turn = crowd();
    let rig = Rig::new();
    let script = "for shell in 1 2 3 4 5 6; do
        (for i in $(seq 20); do printf '%s-%s-a\\n%s-%s-b' $shell $i $shell $i | $STEAD append f || exit 1; done) &
    done; wait";
    finish(rig.command("sh", &["-c", script])).expect(0);
    let text = rig.text("f");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 240);
    for pair in lines.chunks(2) {
        assert_eq!(pair[0].replace("-a", "-b"), pair[1]);
    }
}
