//! Entries as somebody might write them, the same in every run.

use jiff::ToSpan;
use jiff::civil::{Date, date};

/// A word that hardly any entry has.
pub(super) const RARE: &str = "quicksilver";

/// One of so many entries has it.
const RARE_EVERY: usize = 500;

const WORDS: &str = "a about across after again all almost along also always an and another around as at away back \
    because before begin behind better between bread breakfast bridge brother but by called came city coffee cold \
    colour could dark day did dinner door down each early end enough evening every far father few first for found \
    friend from garden gave green had half hand he heard her here him home hour house how idea if in into it just \
    kept kitchen knew last late left letter light like little long made many market may meeting might moment month \
    morning mother much music must my near never new night no north not nothing of office often old on once one only \
    open or other our out over own paper part perhaps plan quiet rain read river room said same saw she should since \
    sister sleep slow small so some song soon still story street such summer table talk than that the their them then \
    there they thing think this those thought time to today together tomorrow too took train tree two under until up \
    very voice walk want warm was water way we week well went were what when where which while who why wind window \
    winter with without word work would write year yesterday yet you young";

/// What is written about a day.
pub(super) struct Day {
    pub(super) date: Date,
    /// 1 to 2 KiB in lines and paragraphs.
    pub(super) text: String,
}

/// One entry a day.
pub(super) fn days(count: usize) -> Vec<Day> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut chance = Chance(0);
    let mut date = date(1999, 6, 1);
    let day = |number: usize| {
        let rare = has_rare(number).then_some(RARE);
        let day = Day { date, text: text(&words, rare, &mut chance) };
        date = date.saturating_add(1.day());
        day
    };
    (0..count).map(day).collect()
}

/// How many of so many entries have the rare word.
pub(super) fn rare_count(count: usize) -> usize {
    (0..count).filter(|number| has_rare(*number)).count()
}

fn has_rare(number: usize) -> bool {
    number % RARE_EVERY == RARE_EVERY / 2
}

fn text(words: &[&str], rare: Option<&str>, chance: &mut Chance) -> String {
    const LINE_BYTES: usize = 76;
    let length = 1024 + chance.below(1024);
    let mut text = String::with_capacity(length + LINE_BYTES);
    let mut rare = rare;
    let mut line_start = 0;
    while text.len() < length {
        let sentence = 5 + chance.below(10);
        for place in 0..sentence {
            let late = text.len() > length / 2;
            let word = rare.take_if(|_| late).unwrap_or(words[chance.below(words.len())]);
            if place == 0 {
                text.push_str(&word[..1].to_uppercase());
                text.push_str(&word[1..]);
            } else {
                text.push_str(word);
            }
            let is_last = place + 1 == sentence;
            text.push_str(if is_last { "." } else { "" });
            let is_line_full = text.len() - line_start > LINE_BYTES;
            text.push(if is_line_full { '\n' } else { ' ' });
            if is_line_full {
                line_start = text.len();
            }
        }
        if chance.below(5) == 0 {
            text.truncate(text.trim_end().len());
            text.push_str("\n\n");
            line_start = text.len();
        }
    }
    text.truncate(text.trim_end().len());
    if chance.below(3) == 0 {
        text.push_str("\n\n#");
        text.push_str(words[chance.below(words.len())]);
    }
    text
}

/// `SplitMix64`: numbers that look like chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_the_same_again_and_few_have_the_rare_word() {
        let (first, second) = (days(1_000), days(1_000));
        assert!(first.iter().zip(&second).all(|(a, b)| a.text == b.text && a.date == b.date));
        assert!(first.iter().all(|day| (1_000..2_300).contains(&day.text.len())));
        let rare = first.iter().filter(|day| day.text.to_lowercase().contains(RARE)).count();
        assert_eq!((rare, rare_count(1_000)), (2, 2));
        assert!(!WORDS.contains(RARE));
    }
}
