//! JSON pointers (RFC 6901), and what can be done where they lead.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde_json::{Map, Value};

/// The way to a value: empty for the whole document, else `/` before each key or index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pointer(Vec<String>);

/// Where a pointer leads to nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Astray {
    /// As far as it was followed, the step that failed included.
    at: Pointer,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Nothing,
    /// The value above has no parts; this is what it is.
    Scalar(&'static str),
    /// The array above has so many items.
    PastEnd(usize),
    NoIndex,
    /// The document itself cannot be taken away.
    Root,
}

impl Pointer {
    fn up_to(&self, step: usize) -> Pointer {
        Pointer(self.0[..=step].to_vec())
    }

    fn astray(&self, step: usize, why: Why) -> Astray {
        Astray { at: self.up_to(step), why }
    }

    /// What is there.
    pub(crate) fn find<'a>(&self, document: &'a Value) -> Result<&'a Value, Astray> {
        let mut value = document;
        for (step, token) in self.0.iter().enumerate() {
            let found = match value {
                Value::Object(fields) => fields.get(token).ok_or(Why::Nothing),
                Value::Array(items) => index(token, items.len()).map(|index| &items[index]),
                scalar => Err(Why::Scalar(kind(scalar))),
            };
            value = found.map_err(|why| self.astray(step, why))?;
        }
        Ok(value)
    }

    /// The first `steps` of the way, `make`ing what is not there.
    fn walk<'a>(&self, document: &'a mut Value, steps: usize, make: bool) -> Result<&'a mut Value, Astray> {
        let mut value = document;
        for (step, token) in self.0[..steps].iter().enumerate() {
            value = down(value, token, make).map_err(|why| self.astray(step, why))?;
        }
        Ok(value)
    }

    /// What holds the value, and the last token; `None` for the whole document.
    fn parent<'a, 'b>(
        &'b self,
        document: &'a mut Value,
        make: bool,
    ) -> Result<Option<(&'a mut Value, &'b str, usize)>, Astray> {
        let Some(last) = self.0.len().checked_sub(1) else { return Ok(None) };
        Ok(Some((self.walk(document, last, make)?, &self.0[last], last)))
    }

    /// Makes the value there `new`. At the end of an array, also spelled `-`, it is added.
    pub(crate) fn set(&self, document: &mut Value, new: Value, make_parents: bool) -> Result<(), Astray> {
        match self.parent(document, make_parents)? {
            None => *document = new,
            Some((Value::Object(fields), key, _)) => drop(fields.insert(key.to_owned(), new)),
            Some((Value::Array(items), token, last)) => {
                let at = end_or_index(token, items.len()).map_err(|why| self.astray(last, why))?;
                items.splice(at..items.len().min(at + 1), [new]);
            }
            Some((scalar, _, last)) => return Err(self.astray(last, Why::Scalar(kind(scalar)))),
        }
        Ok(())
    }

    /// As RFC 6902 says: in an array, `new` comes before what is there.
    pub(crate) fn add(&self, document: &mut Value, new: Value) -> Result<(), Astray> {
        match self.parent(document, false)? {
            Some((Value::Array(items), token, last)) => {
                let at = end_or_index(token, items.len()).map_err(|why| self.astray(last, why))?;
                items.insert(at, new);
                Ok(())
            }
            _ => self.set(document, new, false),
        }
    }

    /// Makes the value that is there `new`.
    pub(crate) fn replace(&self, document: &mut Value, new: Value) -> Result<(), Astray> {
        *self.walk(document, self.0.len(), false)? = new;
        Ok(())
    }

    /// Takes the value away. What is left keeps its order.
    pub(crate) fn remove(&self, document: &mut Value) -> Result<Value, Astray> {
        match self.parent(document, false)? {
            None => Err(Astray { at: self.clone(), why: Why::Root }),
            Some((Value::Object(fields), key, last)) => {
                fields.shift_remove(key).ok_or_else(|| self.astray(last, Why::Nothing))
            }
            Some((Value::Array(items), token, last)) => {
                let index = index(token, items.len()).map_err(|why| self.astray(last, why))?;
                Ok(items.remove(index))
            }
            Some((scalar, _, last)) => Err(self.astray(last, Why::Scalar(kind(scalar)))),
        }
    }

    /// Whether `other` leads further down the same way.
    pub(crate) fn is_above(&self, other: &Pointer) -> bool {
        other.0.len() > self.0.len() && other.0.starts_with(&self.0)
    }
}

fn down<'a>(value: &'a mut Value, token: &str, make: bool) -> Result<&'a mut Value, Why> {
    let empty = || Value::Object(Map::new());
    let kind = kind(value);
    match value {
        Value::Object(fields) => {
            if make {
                Ok(fields.entry(token).or_insert_with(empty))
            } else {
                fields.get_mut(token).ok_or(Why::Nothing)
            }
        }
        Value::Array(items) => {
            let at = if make { end_or_index(token, items.len())? } else { index(token, items.len())? };
            if at == items.len() {
                items.push(empty());
            }
            Ok(&mut items[at])
        }
        _ => Err(Why::Scalar(kind)),
    }
}

/// The index of an item that is there.
fn index(token: &str, len: usize) -> Result<usize, Why> {
    let at = end_or_index(token, len)?;
    if at < len { Ok(at) } else { Err(Why::PastEnd(len)) }
}

/// The same, or the place after the last one.
fn end_or_index(token: &str, len: usize) -> Result<usize, Why> {
    if token == "-" {
        return Ok(len);
    }
    let is_number = token.bytes().all(|digit| digit.is_ascii_digit()) && !token.is_empty();
    if !is_number || (token.starts_with('0') && token.len() > 1) {
        return Err(Why::NoIndex);
    }
    // A number that is too large for the type is past the end, too.
    token.parse().ok().filter(|at| *at <= len).ok_or(Why::PastEnd(len))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl Astray {
    /// Simply nothing there, rather than no place for it.
    pub(crate) fn is_nothing(&self) -> bool {
        self.why == Why::Nothing
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self.why {
            Why::Nothing => "it is as it was; `stead set --parents` makes the objects on the way",
            Why::Scalar(_) => "it is as it was; set the value above it first",
            Why::PastEnd(_) | Why::NoIndex => "it is as it was; `-` is the place after the last item",
            Why::Root => "it is as it was; set the document to {} or null instead",
        }
    }
}

impl Display for Astray {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match self.why {
            Why::Nothing => write!(f, "there is nothing at {at}"),
            Why::Scalar(kind) => write!(f, "there is no {at}, for what is above is {kind}"),
            Why::PastEnd(1) => write!(f, "{at} is past the end of an array of 1 item"),
            Why::PastEnd(len) => write!(f, "{at} is past the end of an array of {len} items"),
            Why::NoIndex => write!(f, "{at} is not an index of the array that is there"),
            Why::Root => write!(f, "the document itself cannot be removed"),
        }
    }
}

impl Display for Pointer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

impl FromStr for Pointer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Pointer, &'static str> {
        let mut tokens = text.split('/');
        if tokens.next() != Some("") {
            return Err("a JSON pointer begins with a slash, as /a/0; an empty one is the whole document");
        }
        tokens.map(unescape).collect::<Result<_, _>>().map(Pointer)
    }
}

fn unescape(token: &str) -> Result<String, &'static str> {
    let mut parts = token.split('~');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match (part.strip_prefix('0'), part.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            _ => return Err("in a JSON pointer ~ is written ~0, and / within a key ~1"),
        };
        text.push(escaped);
        text.push_str(rest);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::documents::any_json;
    use proptest::prelude::*;
    use serde_json::json;

    fn pointer(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    /// The document of RFC 6901, section 5.
    #[test]
    fn the_examples_of_the_standard() {
        let document = json!({
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8
        });
        let find = |text| pointer(text).find(&document).unwrap().clone();
        assert_eq!(find(""), document);
        assert_eq!(find("/foo"), json!(["bar", "baz"]));
        assert_eq!(find("/foo/0"), json!("bar"));
        let keys = ["/", "/a~1b", "/c%d", "/e^f", "/g|h", "/i\\j", "/k\"l", "/ ", "/m~0n"];
        for (number, text) in keys.into_iter().enumerate() {
            assert_eq!(find(text), json!(number), "{text}");
            assert_eq!(pointer(text).to_string(), text);
        }
        for bad in ["a", "foo/0", "#/a", "/~", "/~2", "/a~"] {
            assert!(bad.parse::<Pointer>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut document = json!({"a": {"b": 1}, "l": [1, 2, 3]});
        for (text, message) in [
            ("/x", "there is nothing at /x"),
            ("/x/y", "there is nothing at /x"),
            ("/a/b/c", "there is no /a/b/c, for what is above is a number"),
            ("/l/3", "/l/3 is past the end of an array of 3 items"),
            ("/l/-", "/l/- is past the end of an array of 3 items"),
            ("/l/99999999999999999999999", "/l/99999999999999999999999 is past the end of an array of 3 items"),
            ("/l/01", "/l/01 is not an index of the array that is there"),
            ("/l/-1", "/l/-1 is not an index of the array that is there"),
            ("/l/", "/l/ is not an index of the array that is there"),
        ] {
            assert_eq!(pointer(text).find(&document).unwrap_err().to_string(), message);
            let before = document.clone();
            assert_eq!(pointer(text).remove(&mut document).unwrap_err().to_string(), message);
            assert_eq!(document, before);
        }
        assert!(pointer("").remove(&mut document).is_err());
    }

    #[test]
    fn a_value_is_set_added_and_removed() {
        let mut document = json!({"z": 1, "l": [1, 2], "a": 3});
        pointer("/l/-").set(&mut document, json!(3), false).unwrap();
        pointer("/l/3").set(&mut document, json!(4), false).unwrap();
        pointer("/l/0").set(&mut document, json!(0), false).unwrap();
        pointer("/l/1").add(&mut document, json!("new")).unwrap();
        assert_eq!(document["l"], json!([0, "new", 2, 3, 4]));
        pointer("/z").remove(&mut document).unwrap();
        pointer("/x/y/z").set(&mut document, json!(null), true).unwrap();
        pointer("/l/-/k").set(&mut document, json!(5), true).unwrap();
        assert_eq!(document.to_string(), r#"{"l":[0,"new",2,3,4,{"k":5}],"a":3,"x":{"y":{"z":null}}}"#);
        assert!(pointer("/n/y").set(&mut document, json!(1), false).is_err());
        assert!(pointer("/a/y").set(&mut document, json!(1), true).is_err());
        assert!(pointer("/l/9").set(&mut document, json!(1), true).is_err());
    }

    /// The way to every value of a document.
    fn ways(value: &Value, above: &[String], all: &mut Vec<Vec<String>>) {
        all.push(above.to_vec());
        let below: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (token, value) in below {
            ways(value, &[above, &[token]].concat(), all);
        }
    }

    proptest! {
        #[test]
        fn every_value_is_found_set_and_removed(document in any_json()) {
            let mut all = Vec::new();
            ways(&document, &[], &mut all);
            for way in all {
                let text = Pointer(way.clone()).to_string();
                let pointer: Pointer = text.parse().unwrap();
                prop_assert_eq!(&pointer.0, &way);
                // serde_json has its own.
                prop_assert_eq!(pointer.find(&document).ok(), document.pointer(&text));
                let mut set = document.clone();
                pointer.set(&mut set, json!("new"), false).unwrap();
                let mut model = document.clone();
                *model.pointer_mut(&text).unwrap() = json!("new");
                prop_assert_eq!(set, model);
                let mut removed = document.clone();
                if let Ok(value) = pointer.remove(&mut removed) {
                    prop_assert_eq!(Some(&value), document.pointer(&text));
                    pointer.add(&mut removed, value).unwrap();
                    prop_assert_eq!(&removed, &document);
                }
            }
        }

        #[test]
        fn any_text_is_a_pointer_or_not(text in "[/~01a-é]{0,8}", document in any_json()) {
            if let Ok(pointer) = text.parse::<Pointer>() {
                prop_assert_eq!(pointer.to_string(), text.clone());
                prop_assert_eq!(pointer.find(&document).ok(), document.pointer(&text));
            }
        }
    }
}
