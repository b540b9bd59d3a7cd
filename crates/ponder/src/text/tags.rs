//! `#tags` in a text.

use std::collections::BTreeSet;
use std::ops::Range;

use super::prose::prose;

/// What a tag may stand right behind, apart from blanks.
const OPENING: &[char] = &['(', '[', '{', '"', '\'', '*', '_', ',', ';', ':', '.', '!', '?', '>', '–', '—'];

/// A tag where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    /// Without the `#`, as written.
    pub(crate) name: &'a str,
    /// Where it is in the text, with the `#`.
    pub(crate) at: Range<usize>,
}

/// The tags in a text: `#` and letters, digits, `-`, `_` or `/`, one letter at least. A `#` in code, in a URL or in the
/// middle of a word makes none, nor does that of a heading.
pub(crate) fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    // Most texts have none: `memchr` is many times as fast as a look at each line.
    let any = memchr::memchr(b'#', text.as_bytes()).is_some();
    any.then(|| prose(text).flat_map(|(at, line)| tags_of_line(at, line))).into_iter().flatten()
}

/// The names of the tags in a text, each once, folded.
pub(crate) fn tags_of(text: &str) -> BTreeSet<String> {
    tags(text).map(|tag| folded(tag.name)).collect()
}

/// A tag in the form in which all its spellings are equal.
pub(crate) fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// Whether a tag is another one or below it: `work/meeting` is within `work`. Both are folded.
pub(crate) fn is_within(tag: &str, above: &str) -> bool {
    tag.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn tags_of_line(offset: usize, line: &str) -> Vec<Tag<'_>> {
    if memchr::memchr(b'#', line.as_bytes()).is_none() {
        return Vec::new();
    }
    let code = code_spans(line);
    let marks = memchr::memchr_iter(b'#', line.as_bytes());
    let outside = marks.filter(|at| !code.iter().any(|span| span.contains(at)));
    outside.filter_map(|at| tag_at(offset, line, at)).collect()
}

fn tag_at(offset: usize, line: &str, at: usize) -> Option<Tag<'_>> {
    let (before, behind) = (&line[..at], &line[at + 1..]);
    if !may_begin_behind(before) {
        return None;
    }
    let end = behind.find(|c: char| !is_of_tag(c)).unwrap_or(behind.len());
    let name = behind[..end].trim_end_matches(['-', '_', '/']);
    let begins_well = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_tag = begins_well && name.chars().any(char::is_alphabetic) && !behind[end..].starts_with('#');
    is_tag.then(|| Tag { name, at: offset + at..offset + at + 1 + name.len() })
}

fn is_of_tag(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '/')
}

fn may_begin_behind(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    // The target of a link within the page: `](#there)`.
    let is_target = word.ends_with("](");
    (word.is_empty() || word.ends_with(OPENING)) && !word.contains("://") && !is_target
}

/// Where a line has code between backticks.
fn code_spans(line: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for run in backtick_runs(line) {
        open = match open {
            Some(begin) if begin.len() == run.len() => {
                spans.push(begin.start..run.end);
                None
            }
            // Of another length: it is within the code.
            Some(begin) => Some(begin),
            None => Some(run),
        };
    }
    spans
}

fn backtick_runs(line: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in memchr::memchr_iter(b'`', line.as_bytes()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<&str> {
        tags(text).map(|tag| tag.name).collect()
    }

    #[test]
    fn tags_are_words_with_a_mark() {
        assert_eq!(names("#work and #home, (#a-b_c/d) *#x*"), ["work", "home", "a-b_c/d", "x"]);
        assert_eq!(names("#Übung #仕事 #2026plan"), ["Übung", "仕事", "2026plan"]);
        assert_eq!(names("## 14:05 #work\nend #day."), ["work", "day"]);
        assert_eq!(names("#work/ #work- #_x"), ["work", "work", "_x"]);
        assert_eq!(names("a,#b;#c"), ["b", "c"]);
    }

    #[test]
    fn other_marks_are_no_tags() {
        let texts = [
            "# Heading",
            "## Two",
            "###",
            "C#sharp",
            "issue #123",
            "http://x.org/#frag",
            "see <http://x.org/a?(#frag>",
            "[there](#anchor)",
            "\\#escaped",
            "##double",
            "#",
            "#-",
            "#/",
            "&#39;",
            "`#define`",
            "``a ` #b``",
            "#a#b",
            "```c\n#include\n```",
        ];
        for text in texts {
            assert!(names(text).iter().all(|name| text == "#a#b" && *name != "a"), "{text}: {:?}", names(text));
        }
        // A single backtick begins no code.
        assert_eq!(names("a ` #b"), ["b"]);
    }

    #[test]
    fn it_is_known_where_they_are() {
        let text = "ü\n```\n#no\n```\n  #yes.";
        let tag = tags(text).next().unwrap();
        assert_eq!(&text[tag.at.clone()], "#yes");
        assert_eq!(tags(text).count(), 1);
    }

    #[test]
    fn folded_tags_have_those_below_them() {
        assert_eq!(tags_of("#Work #work #WORK/x").into_iter().collect::<Vec<_>>(), ["work", "work/x"]);
        assert!(is_within("work", "work") && is_within("work/x", "work"));
        assert!(!is_within("workshop", "work") && !is_within("work", "work/x"));
    }

    proptest! {
        #[test]
        fn every_range_is_its_tag(text in "[a#`~/ \\n(ü:-]{0,40}") {
            for tag in tags(&text) {
                prop_assert_eq!(&text[tag.at.clone()], format!("#{}", tag.name));
            }
        }
    }
}
