//! The lines of a Markdown text that are prose: not in a code fence.

/// The fewest marks that make a fence.
const FENCE_MIN: usize = 3;
/// A line that is indented deeper begins no fence.
const INDENT_MAX: usize = 3;

/// The lines outside of code fences, each with the offset it begins at.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut open: Option<Fence> = None;
    let mut next = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let at = next;
        next += line.len();
        match (&open, Fence::of(line)) {
            (None, None) => return Some((at, line)),
            (None, fence) => open = fence,
            (Some(begun), Some(fence)) if fence.ends(begun) => open = None,
            (Some(_), _) => {}
        }
        None
    })
}

/// A line that begins or ends a block of code.
struct Fence {
    mark: char,
    length: usize,
    /// Nothing stands behind the marks.
    is_bare: bool,
}

impl Fence {
    fn of(line: &str) -> Option<Fence> {
        let marks = line.trim_start_matches(' ');
        let mark = marks.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let rest = marks.trim_start_matches(mark);
        let length = marks.len() - rest.len();
        let is_code_in_a_line = mark == '`' && rest.contains('`');
        let is_fence = line.len() - marks.len() <= INDENT_MAX && length >= FENCE_MIN && !is_code_in_a_line;
        is_fence.then(|| Fence { mark, length, is_bare: rest.trim().is_empty() })
    }

    fn ends(&self, begun: &Fence) -> bool {
        self.mark == begun.mark && self.length >= begun.length && self.is_bare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<&str> {
        prose(text).map(|(_, line)| line.trim_end()).collect()
    }

    #[test]
    fn fences_are_left_out() {
        assert_eq!(lines("a\n```sh\nb\n```\nc\n"), ["a", "c"]);
        assert_eq!(lines("a\n~~~~\n```\n~~~\n~~~~~\nc"), ["a", "c"]);
        assert_eq!(lines("a\n```\nnot ended"), ["a"]);
        assert_eq!(lines("```x``` y\n    ```\nb"), ["```x``` y", "    ```", "b"]);
        assert_eq!(lines(""), [""; 0]);
    }

    #[test]
    fn offsets_count_bytes() {
        let text = "ü\n```\n```\nb";
        assert_eq!(prose(text).map(|(at, _)| at).collect::<Vec<_>>(), [0, 11]);
        assert_eq!(&text[11..], "b");
    }
}
