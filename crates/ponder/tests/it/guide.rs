//! The tests that docs/GUIDE.md names for seeds 000 and 001 are there.

use std::path::{Path, PathBuf};

/// The files that can be the module of this path.
fn files(modules: &[&str]) -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let below: PathBuf = modules.iter().filter(|module| **module != "tests").collect();
    ["tests/it", "src"]
        .into_iter()
        .flat_map(|folder| {
            [package.join(folder).join(&below).with_extension("rs"), package.join(folder).join(&below).join("mod.rs")]
        })
        .collect()
}

#[test]
fn every_test_that_the_guide_names_is_there() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/GUIDE.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let named: Vec<&str> = guide.split('`').filter_map(|span| span.strip_prefix("ponder::")).collect();
    assert!(named.len() > 30, "{named:?}");
    for test in named {
        let path: Vec<&str> = test.split("::").collect();
        let (name, modules) = path.split_last().unwrap();
        let function = format!("\n#[test]\nfn {name}() {{");
        let indented = function.replace('\n', "\n    ");
        let is_there = files(modules)
            .iter()
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .any(|source| source.contains(&function) || source.contains(&indented));
        assert!(is_there, "docs/GUIDE.md names ponder::{test}, which is not there");
    }
}
