//! Options as `getopt_long(3)` reads them: up to the first word that is none, short ones in a cluster, long ones by any
//! beginning that only one of them has.

use std::ffi::OsString;

/// What an option means. Two spellings of one meaning are not ambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opt {
    Shared,
    Exclusive,
    Unlock,
    NoWait,
    Timeout,
    ConflictExitCode,
    Close,
    NoFork,
    Verbose,
    Descriptor,
    Fcntl,
    Start,
    Length,
    Help,
    Version,
}

impl Opt {
    fn takes_value(self) -> bool {
        matches!(self, Opt::Timeout | Opt::ConflictExitCode | Opt::Descriptor | Opt::Start | Opt::Length)
    }
}

const SHORT: [(u8, Opt); 11] = [
    (b's', Opt::Shared),
    (b'e', Opt::Exclusive),
    (b'x', Opt::Exclusive),
    (b'n', Opt::NoWait),
    (b'o', Opt::Close),
    (b'F', Opt::NoFork),
    (b'u', Opt::Unlock),
    (b'w', Opt::Timeout),
    (b'E', Opt::ConflictExitCode),
    (b'h', Opt::Help),
    (b'V', Opt::Version),
];

/// In the order in which those that a word may mean are listed.
const LONG: [(&str, Opt); 16] = [
    ("shared", Opt::Shared),
    ("exclusive", Opt::Exclusive),
    ("unlock", Opt::Unlock),
    ("nonblocking", Opt::NoWait),
    ("nb", Opt::NoWait),
    ("timeout", Opt::Timeout),
    ("wait", Opt::Timeout),
    ("conflict-exit-code", Opt::ConflictExitCode),
    ("close", Opt::Close),
    ("no-fork", Opt::NoFork),
    ("verbose", Opt::Verbose),
    ("fcntl", Opt::Fcntl),
    ("start", Opt::Start),
    ("length", Opt::Length),
    ("help", Opt::Help),
    ("version", Opt::Version),
];

/// One that flock(1) has not, and that makes no beginning of its own ones ambiguous.
const OURS: (&str, Opt) = ("fd", Opt::Descriptor);

/// A command line that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// `None`: the hint says it all.
    pub(super) message: Option<String>,
    /// Whether to name `--help`.
    pub(super) hint: bool,
}

impl Refused {
    /// What the options themselves are refused for.
    pub(super) fn option(message: String) -> Refused {
        Refused { message: Some(message), hint: true }
    }

    /// What is wrong with a value.
    pub(super) fn value(message: impl Into<String>) -> Refused {
        Refused { message: Some(message.into()), hint: false }
    }
}

/// One option after the other.
#[derive(Debug)]
pub(super) struct Words<'a> {
    left: &'a [OsString],
    /// What is left of a cluster of short options.
    cluster: &'a [u8],
}

/// An option, and its value where it takes one.
pub(super) type Found<'a> = (Opt, &'a [u8]);

impl<'a> Words<'a> {
    pub(super) fn new(words: &'a [OsString]) -> Words<'a> {
        Words { left: words, cluster: b"" }
    }

    /// The next option; `None`: what is left are [operands](Words::operands).
    pub(super) fn option(&mut self) -> Option<Result<Found<'a>, Refused>> {
        if let [letter, rest @ ..] = self.cluster {
            self.cluster = rest;
            return Some(self.short(*letter));
        }
        let (word, rest) = self.left.split_first()?;
        match word.as_encoded_bytes() {
            b"--" => {
                self.left = rest;
                None
            }
            [b'-', b'-', long @ ..] => {
                self.left = rest;
                Some(self.long(long))
            }
            [b'-', letter, cluster @ ..] => {
                (self.left, self.cluster) = (rest, cluster);
                Some(self.short(*letter))
            }
            _ => None,
        }
    }

    /// The words that are no options.
    pub(super) fn operands(&self) -> &'a [OsString] {
        self.left
    }

    fn short(&mut self, letter: u8) -> Result<Found<'a>, Refused> {
        if letter == b'?' {
            return Err(Refused { message: None, hint: true });
        }
        let shown = shown(&[letter]);
        let Some((_, opt)) = SHORT.iter().find(|(known, _)| *known == letter) else {
            return Err(Refused::option(format!("invalid option -- '{shown}'")));
        };
        if !opt.takes_value() {
            return Ok((*opt, b""));
        }
        let value = match std::mem::take(&mut self.cluster) {
            [] => self.next_word(|| format!("option requires an argument -- '{shown}'"))?,
            attached => attached,
        };
        Ok((*opt, value))
    }

    fn long(&mut self, word: &'a [u8]) -> Result<Found<'a>, Refused> {
        let (name, attached) = match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        let (full, opt) = meant(name, word)?;
        match (opt.takes_value(), attached) {
            (false, None) => Ok((opt, b"")),
            (false, Some(_)) => Err(Refused::option(format!("option '--{full}' doesn't allow an argument"))),
            (true, Some(value)) => Ok((opt, value)),
            (true, None) => Ok((opt, self.next_word(|| format!("option '--{full}' requires an argument"))?)),
        }
    }

    fn next_word(&mut self, missing: impl Fn() -> String) -> Result<&'a [u8], Refused> {
        let (word, rest) = self.left.split_first().ok_or_else(|| Refused::option(missing()))?;
        self.left = rest;
        Ok(word.as_encoded_bytes())
    }
}

/// The long option of this name, or the only one that begins with it. `word` is what was written, with its value.
fn meant(name: &[u8], word: &[u8]) -> Result<(&'static str, Opt), Refused> {
    if let Some(exact) = LONG.iter().chain([&OURS]).find(|(full, _)| full.as_bytes() == name) {
        return Ok(*exact);
    }
    let begun: Vec<_> = LONG.iter().filter(|(full, _)| full.as_bytes().starts_with(name)).collect();
    let Some(first) = begun.first() else {
        return Err(Refused::option(format!("unrecognized option '--{}'", shown(word))));
    };
    let others: Vec<_> = begun.iter().filter(|(_, opt)| *opt != first.1).collect();
    if others.is_empty() {
        return Ok(**first);
    }
    let all: Vec<_> = std::iter::once(first).chain(others).map(|(full, _)| format!("'--{full}'")).collect();
    Err(Refused::option(format!("option '--{}' is ambiguous; possibilities: {}", shown(word), all.join(" "))))
}

/// Bytes of the command line in a message.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (Vec<(Opt, String)>, Vec<String>);

    fn read(words: &[&str]) -> Result<Read, String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (mut left, mut found) = (Words::new(&words), Vec::new());
        while let Some(option) = left.option() {
            let (opt, value) = option.map_err(|refused| refused.message.unwrap_or_default())?;
            found.push((opt, shown(value)));
        }
        Ok((found, left.operands().iter().map(|word| word.to_string_lossy().into_owned()).collect()))
    }

    #[track_caller]
    fn reads(words: &[&str], options: &[(Opt, &str)], operands: &[&str]) {
        let (found, left) = read(words).unwrap();
        let found: Vec<_> = found.iter().map(|(opt, value)| (*opt, value.as_str())).collect();
        assert_eq!((found.as_slice(), left), (options, operands.iter().map(|word| (*word).to_owned()).collect()));
    }

    #[test]
    fn options_end_at_the_first_word_that_is_none() {
        reads(&["-x", "f", "-n"], &[(Opt::Exclusive, "")], &["f", "-n"]);
        reads(&["-x", "-", "-n"], &[(Opt::Exclusive, "")], &["-", "-n"]);
        reads(&["-s", "--", "-n", "--"], &[(Opt::Shared, "")], &["-n", "--"]);
        reads(&[""], &[], &[""]);
        reads(&[], &[], &[]);
    }

    #[test]
    fn short_ones_stand_in_a_cluster() {
        reads(&["-xn"], &[(Opt::Exclusive, ""), (Opt::NoWait, "")], &[]);
        reads(&["-nE", "7", "f"], &[(Opt::NoWait, ""), (Opt::ConflictExitCode, "7")], &["f"]);
        reads(&["-nE7", "f"], &[(Opt::NoWait, ""), (Opt::ConflictExitCode, "7")], &["f"]);
        reads(&["-w5"], &[(Opt::Timeout, "5")], &[]);
        reads(&["-w", "--", "f"], &[(Opt::Timeout, "--")], &["f"]);
        reads(&["-w", "", "f"], &[(Opt::Timeout, "")], &["f"]);
    }

    #[test]
    fn long_ones_are_known_by_their_beginning() {
        reads(&["--nonblock", "--nb"], &[(Opt::NoWait, ""), (Opt::NoWait, "")], &[]);
        reads(&["--time=1=2", "--wai", "3"], &[(Opt::Timeout, "1=2"), (Opt::Timeout, "3")], &[]);
        reads(&["--sta=", "--le", "1"], &[(Opt::Start, ""), (Opt::Length, "1")], &[]);
        reads(&["--f", "--fd", "9"], &[(Opt::Fcntl, ""), (Opt::Descriptor, "9")], &[]);
    }

    #[test]
    fn what_is_wrong_is_said_as_getopt_says_it() {
        for (words, message) in [
            (&["-q"][..], "invalid option -- 'q'"),
            (&["-s-"], "invalid option -- '-'"),
            (&["-c"], "invalid option -- 'c'"),
            (&["-xw"], "option requires an argument -- 'w'"),
            (&["--wait"], "option '--wait' requires an argument"),
            (&["--unlock=3"], "option '--unlock' doesn't allow an argument"),
            (&["--bogus=3"], "unrecognized option '--bogus=3'"),
            (&["---"], "unrecognized option '---'"),
            (&["--n"], "option '--n' is ambiguous; possibilities: '--nonblocking' '--no-fork'"),
            (&["--s=1"], "option '--s=1' is ambiguous; possibilities: '--shared' '--start'"),
            (&["-?"], ""),
        ] {
            assert_eq!(read(words).unwrap_err(), message, "{words:?}");
        }
    }
}
