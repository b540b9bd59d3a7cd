//! One event.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sys;

/// What happened, as one JSON object on a line of its own.
///
/// `data` is whatever the program likes; the log has no opinion about it. `id`, `actor` and `meta` are left out of the
/// line where they are `None`.
///
/// ```
/// use serde_json::json;
/// use stead::log::Event;
///
/// let event = Event::new("order_placed", json!({"total": 99})).with_id("ord-1").with_actor("ann");
/// assert_eq!(event.event_type, "order_placed");
/// assert!(event.ts > 0);
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Event {
    /// What kind of event it is; `type` in the line.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What the program has to say about it.
    pub data: Value,
    /// When it happened, in seconds since 1970.
    pub ts: u64,
    /// A name for this one event, chosen by the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What does not belong to `data`: a session, a correlation id, a schema version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
}

impl Event {
    /// An event of this type that happens now.
    pub fn new(event_type: &str, data: Value) -> Self {
        Event {
            event_type: event_type.to_owned(),
            data,
            ts: sys::wall_micros() / 1_000_000,
            id: None,
            actor: None,
            meta: None,
        }
    }

    /// The same event with a name.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same event, caused by `actor`.
    #[must_use]
    pub fn with_actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// The same event with what does not belong to its data.
    #[must_use]
    pub fn with_meta(mut self, meta: Value) -> Self {
        self.meta = Some(meta);
        self
    }
}
