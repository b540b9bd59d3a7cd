//! Many who write at once: every line of all of them is in the file.

use std::collections::HashSet;

use super::roles::CAST;
use super::{Desk, scale};

/// Two writers with an editor, in turns, and two programs that append meanwhile. More of it: `STEAD_STORM`.
#[test]
fn every_line_of_all_who_write_is_in_the_file() {
    let desk = Desk::with("first\n");
    let (drafts, file) = (desk.drafts(), desk.path("f"));
    let (drafts, file) = (drafts.to_str().unwrap(), file.to_str().unwrap());
    let (sessions, lines) = (scale("STEAD_STORM", 8), scale("STEAD_STORM", 8) * 5);
    let mut actors = Vec::new();
    for name in ["ann", "bob"] {
        actors.push(CAST.start("write", &[drafts, file, name, &sessions.to_string()]));
    }
    for name in ["one", "two"] {
        actors.push(CAST.start("append", &[file, name, &lines.to_string()]));
    }
    for actor in &mut actors {
        actor.expect("done");
    }
    let text = desk.content("f").unwrap();
    let found: Vec<&str> = text.lines().collect();
    let of = |name: &'static str, count: u64| (0..count).map(move |number| format!("{name} {number}"));
    let written = of("ann", sessions).chain(of("bob", sessions)).chain(of("one", lines)).chain(of("two", lines));
    let expected: HashSet<String> = written.chain(["first".to_owned()]).collect();
    assert_eq!(found.iter().map(|line| (*line).to_owned()).collect::<HashSet<_>>(), expected, "{text}");
    assert_eq!(found.len(), expected.len(), "some are there twice: {text}");
    assert_eq!(desk.rooms().len(), 0);
    // Those of one program are in its order.
    for name in ["one ", "two "] {
        let numbers: Vec<u64> = found.iter().filter_map(|line| line.strip_prefix(name)?.parse().ok()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
}
