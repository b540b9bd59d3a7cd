//! Questions to whoever sits at the terminal.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::text::plain;
use crate::{log_format, printer};

/// How often a question is asked, at most.
const ASKED_MAX: usize = 5;
/// The longest line that is read as one answer.
const ANSWER_BYTES_MAX: u64 = 1 << 10;

/// Whether somebody can be asked: standard input and standard error are terminals, and messages are for people.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal() && !log_format::is_json()
}

/// Prints `PROGRAM: QUESTION [w]ait, [r]ead, [l]eave? ` on stderr and reads a line from standard input: the letter of an
/// answer or its word, in any case. Asks again after anything else. `None`: the input has ended, or the question was
/// asked five times.
pub fn ask(question: &str, answers: &[(char, &str)]) -> io::Result<Option<char>> {
    let prompt = format!("{} {}? ", plain(question), choices(answers));
    let mut input = io::stdin().lock();
    ask_on(&mut input, answers, || printer::prompt(&prompt), printer::end_prompt)
}

/// `show` asks; `end` ends the line where that was not done by the one who answered.
fn ask_on(
    input: &mut impl BufRead,
    answers: &[(char, &str)],
    show: impl Fn(),
    end: impl Fn(),
) -> io::Result<Option<char>> {
    for _ in 0..ASKED_MAX {
        show();
        let mut line = Vec::new();
        input.take(ANSWER_BYTES_MAX).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            end();
        }
        if line.is_empty() {
            return Ok(None);
        }
        if let Some(letter) = meant(&String::from_utf8_lossy(&line), answers) {
            return Ok(Some(letter));
        }
    }
    Ok(None)
}

/// `[w]ait, [r]ead, [l]eave`
fn choices(answers: &[(char, &str)]) -> String {
    let choice = |(letter, word): &(char, &str)| match word.split_once(*letter) {
        Some((before, after)) => format!("{before}[{letter}]{after}"),
        None => format!("[{letter}] {word}"),
    };
    answers.iter().map(choice).collect::<Vec<_>>().join(", ")
}

/// The letter of the answer that a line gives.
fn meant(line: &str, answers: &[(char, &str)]) -> Option<char> {
    let said = line.trim().to_lowercase();
    let is_said =
        |(letter, word): &&(char, &str)| said == letter.to_lowercase().to_string() || said == word.to_lowercase();
    answers.iter().find(is_said).map(|(letter, _)| *letter)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const ANSWERS: [(char, &str); 3] = [('w', "wait"), ('r', "read"), ('l', "leave")];

    #[test]
    fn an_answer_is_a_letter_or_a_word_in_any_case() {
        for (line, letter) in [
            ("w\n", Some('w')),
            ("W", Some('w')),
            ("  Read \r\n", Some('r')),
            ("LEAVE\n", Some('l')),
            ("\n", None),
            ("wa\n", None),
            ("wait read\n", None),
            ("x\n", None),
        ] {
            assert_eq!(meant(line, &ANSWERS), letter, "{line:?}");
        }
    }

    #[test]
    fn the_letters_are_shown_in_their_words() {
        assert_eq!(choices(&ANSWERS), "[w]ait, [r]ead, [l]eave");
        assert_eq!(choices(&[('x', "exit"), ('?', "help")]), "e[x]it, [?] help");
    }

    /// What `input` answers, how often it was asked, and how often the line was ended for it.
    fn asked(input: &[u8]) -> (Option<char>, usize, usize) {
        let (shown, ended) = (Cell::new(0), Cell::new(0));
        let count = |cell: &Cell<usize>| cell.set(cell.get() + 1);
        let answer = ask_on(&mut &*input, &ANSWERS, || count(&shown), || count(&ended)).unwrap();
        (answer, shown.get(), ended.get())
    }

    #[test]
    fn what_is_not_understood_is_asked_again() {
        assert_eq!(asked(b"what?\n\n\xff\nread\nleave\n"), (Some('r'), 4, 0));
        assert_eq!(asked(b"1\n2\n3\n4\n5\nread\n"), (None, ASKED_MAX, 0));
        assert_eq!(asked(&[b'w'; 10_000]), (None, ASKED_MAX, ASKED_MAX));
    }

    #[test]
    fn the_end_of_the_input_is_no_answer() {
        assert_eq!(asked(b""), (None, 1, 1));
        assert_eq!(asked(b"what?\n"), (None, 2, 1));
        assert_eq!(asked(b"wait"), (Some('w'), 1, 1));
    }
}
