//! What a draft has at its end before the editor starts.

use std::fmt;
use std::sync::Arc;

/// A text that is put at the end of a draft before the editor starts, such as a heading. If nothing else is written, it is
/// not left behind.
///
/// ```
/// use stead::edit::Addition;
///
/// let always = Addition::from("## today\n\n");
/// let title = Addition::of(|text| if text.is_empty() { b"# Notes\n\n".to_vec() } else { Vec::new() });
/// ```
#[derive(Clone)]
pub struct Addition(Arc<Make>);

type Make = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

impl Addition {
    /// What `make` makes of the text that is in the file once it is locked.
    pub fn of(make: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Addition {
        Addition(Arc::new(make))
    }

    /// The text with the addition, behind a blank line if there is a text already; `None`: there is none.
    pub(crate) fn to(&self, text: &[u8]) -> Option<Vec<u8>> {
        let addition = (self.0)(text);
        if addition.is_empty() {
            return None;
        }
        let mut all = text.to_vec();
        if !all.is_empty() {
            let missing = 2 - all.iter().rev().take(2).take_while(|byte| **byte == b'\n').count();
            all.extend(std::iter::repeat_n(b'\n', missing));
        }
        all.extend_from_slice(&addition);
        Some(all)
    }
}

impl<T: Into<Vec<u8>>> From<T> for Addition {
    fn from(text: T) -> Addition {
        let text = text.into();
        Addition::of(move |_| text.clone())
    }
}

impl fmt::Debug for Addition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Addition").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addition_is_parted_by_a_blank_line() {
        for (text, all) in [("", "+"), ("a", "a\n\n+"), ("a\n", "a\n\n+"), ("a\n\n", "a\n\n+"), ("a\n\n\n", "a\n\n\n+")]
        {
            assert_eq!(Addition::from("+").to(text.as_bytes()).unwrap(), all.as_bytes());
        }
        assert_eq!(Addition::from("").to(b"a"), None);
    }
}
