//! TOML, of which everything is kept that a change does not touch: comments, order, blanks, quotes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use toml_edit::{Array, ArrayOfTables, Datetime, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use crate::document::format::{Format, Wrong};

/// The key that toml's own `Datetime` has when serde writes it.
const DATETIME: &str = "$__toml_private_datetime";

/// TOML. Comments, order and layout are kept of all that a change does not touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toml;

impl<T: Serialize + DeserializeOwned> Format<T> for Toml {
    fn decode(&self, content: &[u8]) -> Result<T, Wrong> {
        let document = parse(content)?;
        toml_edit::de::from_document(document).map_err(|error| wrong(&error))
    }

    fn encode(&self, value: &T, before: &[u8]) -> Result<Vec<u8>, Wrong> {
        let mut document = parse(before)?;
        let Json::Object(new) = serde_json::to_value(value)? else {
            return Err(Wrong("a TOML document is a table".to_owned()));
        };
        merge(document.as_table_mut(), &new)?;
        Ok(document.to_string().into_bytes())
    }
}

fn parse(content: &[u8]) -> Result<DocumentMut, Wrong> {
    let text = std::str::from_utf8(content).map_err(|error| Wrong(format!("not UTF-8: {error}")))?;
    text.parse::<DocumentMut>().map_err(|error| wrong(&error))
}

fn wrong(error: &dyn std::fmt::Display) -> Wrong {
    Wrong(error.to_string().trim_end().to_owned())
}

/// Makes `table` say what `new` says, and touches nothing of it that does so already. A field that is null, as an
/// absent `Option` is, is one that is not there.
fn merge(table: &mut dyn TableLike, new: &Map<String, Json>) -> Result<(), Wrong> {
    // `nan` is read as null, too.
    let is_gone =
        |(key, old): &(&str, &Item)| new.get(*key).is_none_or(|new| new.is_null() && json(old) != Some(Json::Null));
    let gone: Vec<String> = table.iter().filter(is_gone).map(|(key, _)| key.to_owned()).collect();
    for key in gone {
        table.remove(&key);
    }
    for (key, value) in new.iter().filter(|(_, value)| !value.is_null()) {
        match table.get_mut(key) {
            Some(item) => merge_item(item, value)?,
            None => {
                table.insert(key, item(value)?);
            }
        }
    }
    Ok(())
}

fn merge_item(old: &mut Item, new: &Json) -> Result<(), Wrong> {
    if json(old).as_ref() == Some(new) {
        return Ok(());
    }
    match (old, new) {
        (Item::ArrayOfTables(tables), Json::Array(items)) if items.iter().all(is_table) => merge_tables(tables, items),
        (old, Json::Object(new)) if datetime(new).is_none() && old.is_table_like() => {
            let Some(table) = old.as_table_like_mut() else { return Ok(()) };
            merge(table, new)?;
            if table.is_empty() {
                say_empty(old);
            }
            Ok(())
        }
        (Item::Value(old), new) => {
            let mut value = value(new)?;
            *value.decor_mut() = old.decor().clone();
            *old = value;
            Ok(())
        }
        (old, new) => {
            *old = item(new)?;
            Ok(())
        }
    }
}

/// A table that was there by what is in it only has to be said once nothing is.
fn say_empty(item: &mut Item) {
    match item {
        Item::Table(table) => {
            table.set_implicit(false);
            table.set_dotted(false);
        }
        Item::Value(Value::InlineTable(table)) => table.set_dotted(false),
        _ => {}
    }
}

fn merge_tables(tables: &mut ArrayOfTables, new: &[Json]) -> Result<(), Wrong> {
    while tables.len() > new.len() {
        tables.remove(tables.len() - 1);
    }
    for (index, item) in new.iter().enumerate() {
        let Json::Object(new) = item else { continue };
        match tables.get_mut(index) {
            Some(table) => merge(table, new)?,
            None => tables.push(table(new)?),
        }
    }
    Ok(())
}

fn is_table(value: &Json) -> bool {
    value.as_object().is_some_and(|fields| datetime(fields).is_none())
}

/// What an item says, as serde would have it read; `None` for what JSON cannot say, such as `nan`.
fn json(item: &Item) -> Option<Json> {
    match item {
        Item::None => None,
        Item::Value(value) => json_of(value),
        Item::Table(table) => json_of_table(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| json_of_table(table)).collect(),
    }
}

fn json_of(value: &Value) -> Option<Json> {
    Some(match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        // serde reads `nan` and `inf` as null.
        Value::Float(number) => serde_json::Number::from_f64(*number.value()).map_or(Json::Null, Json::Number),
        Value::Boolean(truth) => (*truth.value()).into(),
        Value::Datetime(datetime) => serde_json::json!({DATETIME: datetime.value().to_string()}),
        Value::Array(items) => return items.iter().map(json_of).collect(),
        Value::InlineTable(table) => return json_of_table(table),
    })
}

fn json_of_table(table: &dyn TableLike) -> Option<Json> {
    let fields: Option<Map<_, _>> = table.iter().map(|(key, item)| Some((key.to_owned(), json(item)?))).collect();
    fields.map(Json::Object)
}

fn datetime(fields: &Map<String, Json>) -> Option<&str> {
    fields.get(DATETIME).filter(|_| fields.len() == 1)?.as_str()
}

/// A new item below a table that has a section of its own.
fn item(new: &Json) -> Result<Item, Wrong> {
    match new {
        Json::Object(fields) if datetime(fields).is_none() => Ok(Item::Table(table(fields)?)),
        Json::Array(items) if !items.is_empty() && items.iter().all(is_table) => {
            let mut tables = ArrayOfTables::new();
            merge_tables(&mut tables, items)?;
            Ok(Item::ArrayOfTables(tables))
        }
        _ => value(new).map(Item::Value),
    }
}

fn table(fields: &Map<String, Json>) -> Result<Table, Wrong> {
    let mut table = Table::new();
    // A section that holds nothing but sections needs no heading of its own.
    table.set_implicit(!fields.is_empty() && fields.values().all(is_table));
    merge(&mut table, fields)?;
    Ok(table)
}

fn value(new: &Json) -> Result<Value, Wrong> {
    Ok(match new {
        Json::Null => return Err(Wrong("TOML has no null: leave the key out".to_owned())),
        Json::Bool(truth) => (*truth).into(),
        Json::String(text) => text.into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => number.into(),
            (None, Some(float)) if number.to_string().contains(['.', 'e', 'E']) => float.into(),
            _ => return Err(Wrong(format!("{number} is past what a TOML integer holds"))),
        },
        Json::Array(items) => Value::Array(items.iter().map(value).collect::<Result<Array, _>>()?),
        Json::Object(fields) => {
            if let Some(text) = datetime(fields) {
                return Ok(text.parse::<Datetime>().map_err(|error| wrong(&error))?.into());
            }
            let mut table = InlineTable::new();
            for (key, field) in fields.iter().filter(|(_, field)| !field.is_null()) {
                table.insert(key, value(field)?);
            }
            table.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const CONFIG: &str = "\
# The server.
title = 'stead' # literal

[server]
port   = 8080   # where it listens
hosts = [\"a\", \"b\"]
since = 1979-05-27T07:32:00Z
limits = { low = 1, high = 2.5 }

# Who may.
[[user]]
name = \"ann\"

[[user]]
name = \"bob\" # the builder
";

    fn change(text: &str, change: impl FnOnce(&mut Json)) -> String {
        let mut value: Json = Toml.decode(text.as_bytes()).unwrap();
        change(&mut value);
        String::from_utf8(Toml.encode(&value, text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_changed_stays_to_the_byte() {
        assert_eq!(change(CONFIG, |_| ()), CONFIG);
        let set = change(CONFIG, |value| value["server"]["port"] = json!(9090));
        assert_eq!(set, CONFIG.replace("8080", "9090"));
        let set = change(CONFIG, |value| value["server"]["limits"]["high"] = json!(3));
        assert_eq!(set, CONFIG.replace("2.5", "3"));
        let set = change(CONFIG, |value| value["user"][1]["name"] = json!("eve"));
        assert_eq!(set, CONFIG.replace("\"bob\"", "\"eve\""));
        let gone = change(CONFIG, |value| drop(value["server"].as_object_mut().unwrap().remove("hosts")));
        assert_eq!(gone, CONFIG.replace("hosts = [\"a\", \"b\"]\n", ""));
    }

    #[test]
    fn what_is_new_is_written_as_people_would() {
        let added = change("a = 1\n", |value| {
            value["b"] = json!({"c": [1, 2], "d": {"e": "f"}});
            value["g"] = json!([{"h": true}]);
        });
        let expected = "a = 1\n\n[b]\nc = [1, 2]\n\n[b.d]\ne = \"f\"\n\n[[g]]\nh = true\n";
        assert_eq!(added, expected);
    }

    /// Symptom: a table of which only a table inside is written vanished with that. Cause: it was there by implication.
    #[test]
    fn a_table_that_becomes_empty_stays() {
        assert_eq!(change("[a.b]\nc = 1\n", |value| value["a"] = json!({})), "[a]\n");
        assert_eq!(change("a.b = 1\n", |value| value["a"] = json!({})), "[a]\n");
        assert_eq!(change("x = { a.b = 1 }\n", |value| value["x"] = json!({"a": {}})), "x = { a = {} }\n");
    }

    #[test]
    fn what_json_cannot_say_stays() {
        let text = "a = nan\nb = [inf, 1]\nc = 1\n";
        assert_eq!(change(text, |value| value["c"] = json!(2)), text.replace("c = 1", "c = 2"));
    }

    #[test]
    fn what_toml_cannot_say_is_refused() {
        for (value, word) in [(json!([null]), "null"), (json!(u64::MAX), "integer")] {
            let error = Toml.encode(&json!({"a": value}), b"").unwrap_err();
            assert!(error.0.contains(word), "{error}");
        }
        assert!(Toml.encode(&json!([1]), b"").is_err());
        assert!(<Toml as Format<Json>>::decode(&Toml, b"a = 1\na = 2\n").is_err());
        assert!(<Toml as Format<Json>>::decode(&Toml, b"a = \xff").is_err());
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            ".*".prop_map(Json::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::hash_map("[a-z.\" ]{0,4}", inner, 0..4)
                    .prop_map(|fields| Json::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn any_object() -> impl Strategy<Value = Json> {
        proptest::collection::hash_map("[a-z]{1,3}", any_json(), 0..5)
            .prop_map(|fields| Json::Object(fields.into_iter().collect()))
    }

    proptest! {
        /// Whatever was there, it says afterwards what it was made to say.
        #[test]
        fn a_merge_says_the_new(old in any_object(), new in any_object()) {
            let before = Toml.encode(&old, b"").unwrap();
            prop_assert_eq!(<Toml as Format<Json>>::decode(&Toml, &before).unwrap(), old);
            let after = Toml.encode(&new, &before).unwrap();
            prop_assert_eq!(<Toml as Format<Json>>::decode(&Toml, &after).unwrap(), new);
        }
    }
}
