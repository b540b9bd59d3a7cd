//! What is searched for.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::text::{folded, is_within, tags};
use crate::{ExitCode, Failure};

/// All of it must occur in an entry.
#[derive(Debug)]
pub(crate) struct Query {
    texts: Vec<Regex>,
    tags: Vec<WantedTag>,
}

#[derive(Debug)]
struct WantedTag {
    /// Folded.
    name: String,
    /// Finds it as a text, which is sooner done than to look for tags.
    text: Regex,
}

impl Query {
    /// Words, "phrases" and #tags.
    pub(crate) fn parse(text: &str) -> Result<Query, Failure> {
        let mut query = Query { texts: Vec::new(), tags: Vec::new() };
        for term in terms(text)? {
            match term.strip_prefix('#') {
                Some(tag) if is_tag(&term) => query.tags.push(WantedTag { name: folded(tag), text: literal(&term)? }),
                _ => query.texts.push(literal(&term)?),
            }
        }
        if query.texts.is_empty() && query.tags.is_empty() {
            return Err(Failure::new(ExitCode::Usage, "nothing to search for: the query is empty"));
        }
        Ok(query)
    }

    /// A regular expression of the crate regex; `^` and `$` are those of a line.
    pub(crate) fn regex(pattern: &str) -> Result<Query, Failure> {
        let regex = RegexBuilder::new(pattern).multi_line(true).build().map_err(|error| {
            Failure::new(ExitCode::Usage, format!("'{pattern}' is not a regular expression: {}", in_short(&error)))
                .with_hint("see https://docs.rs/regex/latest/regex/#syntax")
        })?;
        Ok(Query { texts: vec![regex], tags: Vec::new() })
    }

    /// Where it occurs in `text`, in order; `None` if a part of it does not.
    pub(crate) fn find(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let mut needed = self.texts.iter().chain(self.tags.iter().map(|tag| &tag.text));
        if !needed.all(|regex| regex.is_match(text)) {
            return None;
        }
        let mut ranges = self.find_tags(text)?;
        for regex in &self.texts {
            ranges.extend(regex.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty()));
        }
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        Some(ranges)
    }

    fn find_tags(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let mut ranges = Vec::new();
        if self.tags.is_empty() {
            return Some(ranges);
        }
        let mut seen = vec![false; self.tags.len()];
        for tag in tags(text) {
            let name = folded(tag.name);
            for (wanted, seen) in self.tags.iter().zip(&mut seen) {
                if is_within(&name, &wanted.name) {
                    *seen = true;
                    ranges.push(tag.at.clone());
                }
            }
        }
        seen.iter().all(|seen| *seen).then_some(ranges)
    }
}

/// Words, and phrases without their quotes.
fn terms(text: &str) -> Result<Vec<String>, Failure> {
    let mut terms = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            terms.push(part.split_whitespace().collect::<Vec<_>>().join(" "));
        } else {
            terms.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    if text.matches('"').count() % 2 == 1 {
        let failure = Failure::new(ExitCode::Usage, format!("a quote is not closed in the query {text}"));
        return Err(failure.with_hint("write phrases in two quotes: ponder search '\"green apples\"'"));
    }
    terms.retain(|term| !term.is_empty());
    Ok(terms)
}

/// Whether a term is a tag and nothing else.
fn is_tag(term: &str) -> bool {
    tags(term).next().is_some_and(|tag| tag.at == (0..term.len()))
}

/// Upper case or lower; a blank is any blanks, also the end of a line.
fn literal(term: &str) -> Result<Regex, Failure> {
    let words: Vec<String> = term.split(' ').map(regex::escape).collect();
    RegexBuilder::new(&words.join(r"\s+"))
        .case_insensitive(true)
        .build()
        .map_err(|error| Failure::new(ExitCode::Usage, format!("cannot search for {term}: {}", in_short(&error))))
}

/// The last line of what the parser says: the others draw the place.
fn in_short(error: &regex::Error) -> String {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or(&said);
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges, some of them with one")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hits<'a>(query: &str, text: &'a str) -> Option<Vec<&'a str>> {
        let ranges = Query::parse(query).unwrap().find(text)?;
        Some(ranges.into_iter().map(|range| &text[range]).collect())
    }

    #[test]
    fn all_words_must_occur_in_any_case_and_order() {
        let text = "Green apples.\nRed pears, ÄPFEL.";
        assert_eq!(hits("pears green", text), Some(vec!["Green", "pears"]));
        assert_eq!(hits("äpfel", text), Some(vec!["ÄPFEL"]));
        assert_eq!(hits("apple", text), Some(vec!["apple"]));
        assert_eq!(hits("green plums", text), None);
        assert_eq!(hits("a.c", "abc"), None);
    }

    #[test]
    fn phrases_stand_together_also_across_lines() {
        assert_eq!(hits("\"green apples\"", "green\n  Apples"), Some(vec!["green\n  Apples"]));
        assert_eq!(hits("\"green apples\"", "apples green"), None);
        assert_eq!(hits("red\"green  apples\"", "green apples, red"), Some(vec!["green apples", "red"]));
    }

    #[test]
    fn tags_are_whole_and_have_those_below() {
        assert_eq!(hits("#Work", "x #work y #work/a #workshop"), Some(vec!["#work", "#work/a"]));
        assert_eq!(hits("#work", "#workshop"), None);
        assert_eq!(hits("#work x", "#work"), None);
        assert_eq!(hits("#a #b", "#b #a"), Some(vec!["#b", "#a"]));
        // No tag: a word.
        assert_eq!(hits("#12", "issue #123"), Some(vec!["#12"]));
        assert_eq!(hits("\"#work\"", "#work"), Some(vec!["#work"]));
    }

    #[test]
    fn patterns_are_regular_expressions() {
        let find = |pattern: &str, text: &str| Query::regex(pattern).unwrap().find(text);
        assert_eq!(find("^b.$", "ab\nbc\n"), Some(vec![3..5]));
        assert_eq!(find("B", "b"), None);
        assert_eq!(find("(?i)B", "b"), Some(vec![0..1]));
        assert_eq!(find("^$", "a\n"), Some(vec![]));
        let failure = Query::regex("a(b").unwrap_err();
        assert!(failure.message.contains("'a(b' is not a regular expression: unclosed group"), "{failure:?}");
    }

    #[test]
    fn queries_that_say_nothing_are_refused() {
        for (text, message) in [("", "empty"), (" ", "empty"), ("\"\"", "empty"), ("\"a", "not closed")] {
            assert!(Query::parse(text).unwrap_err().message.contains(message), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_found_by_its_own_words(text in "\\PC{0,60}") {
            let words: Vec<&str> = text.split_whitespace().filter(|word| !word.contains(['"', '#'])).collect();
            if !words.is_empty() {
                prop_assert!(Query::parse(&words.join(" ")).unwrap().find(&text).is_some());
            }
        }

        #[test]
        fn no_query_makes_it_panic(query in "[a-c#\" /\\\\(*ü]{0,12}", text in "[a-c#\" \\n/ü]{0,40}") {
            if let Ok(query) = Query::parse(&query) {
                let _ = query.find(&text);
            }
            if let Ok(query) = Query::regex(&query) {
                let _ = query.find(&text);
            }
        }
    }
}
