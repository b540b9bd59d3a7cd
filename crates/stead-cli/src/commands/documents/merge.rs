//! JSON merge patch (RFC 7396).

use serde_json::{Map, Value};

/// Merges `patch` into `document`: objects key by key, where null takes the key away; anything else is put in place.
pub(crate) fn merge(document: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *document = patch;
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Value::Object(fields) = document else { return };
    for (key, value) in patch {
        if value.is_null() {
            // What is left keeps its order.
            fields.shift_remove(&key);
        } else {
            merge(fields.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::documents::any_json;
    use proptest::prelude::*;
    use serde_json::json;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn the_examples_of_the_standard() {
        for (mut document, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            merge(&mut document, patch);
            assert_eq!(document, result);
        }
    }

    #[test]
    fn what_is_left_keeps_its_order() {
        let mut document = json!({"z": 1, "y": 2, "x": 3, "w": 4});
        merge(&mut document, json!({"z": null, "x": 5}));
        assert_eq!(document.to_string(), r#"{"y":2,"x":5,"w":4}"#);
    }

    proptest! {
        #[test]
        fn it_is_what_others_make_of_it(document in any_json(), patch in any_json()) {
            let (mut ours, mut theirs) = (document.clone(), document);
            json_patch::merge(&mut theirs, &patch);
            merge(&mut ours, patch);
            prop_assert_eq!(ours, theirs);
        }
    }
}
