//! The events on the command line or standard input.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::Value;
use stead::document::{Format, Json};
use stead::log::Event;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::{input, platform};

/// How much standard input may hold. All of it is one batch, which is made in memory.
const INPUT_MAX: u64 = 256 << 20;

/// An event on the command line.
#[derive(Args, Debug)]
pub(super) struct EventFlags {
    /// The type of the event; with lines on standard input, of those that are no events by themselves
    #[arg(long = "type", value_name = "T", value_parser = NonEmptyStringValueParser::new())]
    kind: Option<String>,
    /// What the event has to say [default: null]
    #[arg(long, value_name = "JSON", value_parser = parse_json, allow_hyphen_values = true)]
    data: Option<Value>,
    /// A name for this one event
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Who caused it
    #[arg(long, value_name = "A")]
    actor: Option<String>,
    /// What does not belong to its data
    #[arg(long, value_name = "JSON", value_parser = parse_json, allow_hyphen_values = true)]
    meta: Option<Value>,
}

impl EventFlags {
    /// The lines to append, at least one: the event that the flags describe, or else those on standard input.
    pub(super) fn lines(&self) -> Result<Vec<Vec<u8>>, Failure> {
        if self.describe_an_event() || platform::stdin_is_device() {
            return Ok(vec![self.event()?]);
        }
        let input = input::read_at_most(INPUT_MAX)?;
        let lines = self.batch(&input)?;
        if lines.is_empty() { Ok(vec![self.event()?]) } else { Ok(lines) }
    }

    fn describe_an_event(&self) -> bool {
        self.data.is_some() || self.id.is_some() || self.actor.is_some() || self.meta.is_some()
    }

    fn event(&self) -> Result<Vec<u8>, Failure> {
        let Some(kind) = &self.kind else { return Err(self.no_type()) };
        let mut event = Event::new(kind, self.data.clone().unwrap_or_default());
        (event.id, event.actor, event.meta) = (self.id.clone(), self.actor.clone(), self.meta.clone());
        serde_json::to_vec(&event)
            .map_err(|error| Failure::new(ExitCode::Bug, format!("failed to write an event: {error}")))
    }

    fn no_type(&self) -> Failure {
        if self.describe_an_event() {
            return Failure::new(ExitCode::Usage, "an event needs a type").with_hint("name one with --type T");
        }
        Failure::new(
            ExitCode::Usage,
            "there is nothing to append: no event is described, and no line is on standard input",
        )
        .with_hint("describe one with --type T --data JSON, or give JSON lines: `stead log append DIR <events.jsonl`")
    }

    fn batch(&self, input: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        let numbered = input.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).zip(1..);
        let lines = numbered.filter(|(line, _)| !line.is_empty());
        lines.map(|(line, number)| self.line(line).map_err(|wrong| wrong.in_line(number))).collect()
    }

    /// A line of standard input as it is to be appended; what is there already stays as it is written.
    fn line(&self, line: &[u8]) -> Result<Vec<u8>, Wrong> {
        let value: Value = Json.decode(line).map_err(|wrong| Wrong::new(format!("is not JSON: {wrong}")))?;
        let is_event = value.get("type").is_some_and(Value::is_string) && value.get("data").is_some();
        match &self.kind {
            _ if is_event => complete(line, &value),
            Some(kind) => Ok(wrapped(kind, line)),
            None => Err(Wrong {
                hint: "each line is an object with \"type\" and \"data\"; or, with --type T, the data of an event",
                ..Wrong::new("is no event")
            }),
        }
    }
}

/// What is wrong with a line, as words behind "line 3 of standard input".
#[derive(Debug)]
struct Wrong {
    what: String,
    hint: &'static str,
}

impl Wrong {
    fn new(what: impl Into<String>) -> Wrong {
        Wrong { what: what.into(), hint: "" }
    }

    fn in_line(self, number: u64) -> Failure {
        let failure = Failure::new(ExitCode::Data, format!("line {number} of standard input {}", self.what));
        let separator = if self.hint.is_empty() { "" } else { "; " };
        failure.with_hint(format!("nothing was appended{separator}{}", self.hint))
    }
}

/// An event, with the time if it has none. Others must be able to read it as one.
fn complete(line: &[u8], event: &Value) -> Result<Vec<u8>, Wrong> {
    let is_text = |key: &&str| event.get(*key).is_none_or(|value| value.is_string() || value.is_null());
    if let Some(key) = ["id", "actor"].into_iter().find(|key| !is_text(key)) {
        return Err(Wrong::new(format!("is no event: its {key} is no string")));
    }
    match event.get("ts") {
        Some(ts) if ts.is_u64() => Ok(line.to_vec()),
        Some(_) => Err(Wrong::new("is no event: its ts is no whole number of seconds since 1970")),
        None => {
            let body = line.strip_suffix(b"}").unwrap_or(line);
            Ok([body, format!(",\"ts\":{}}}", now()).as_bytes()].concat())
        }
    }
}

/// An event of this type whose data is `data`, as it is written.
fn wrapped(kind: &str, data: &[u8]) -> Vec<u8> {
    let kind = Value::from(kind);
    [format!("{{\"type\":{kind},\"data\":").as_bytes(), data, format!(",\"ts\":{}}}", now()).as_bytes()].concat()
}

/// Seconds since 1970.
fn now() -> u64 {
    Event::new("", Value::Null).ts
}

fn parse_json(text: &str) -> Result<Value, String> {
    Json.decode(text.as_bytes())
        .map_err(|wrong| format!("not JSON: {wrong}; mind the quotes: a string is '\"text\"', an object '{{\"a\":1}}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(kind: Option<&str>) -> EventFlags {
        EventFlags { kind: kind.map(str::to_owned), data: None, id: None, actor: None, meta: None }
    }

    fn batch(kind: Option<&str>, input: &str) -> Result<Vec<String>, Failure> {
        let lines = flags(kind).batch(input.as_bytes())?;
        Ok(lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect())
    }

    /// The same without the time that was added.
    fn untimed(line: &str) -> String {
        let (start, end) = line.rsplit_once(",\"ts\":").unwrap();
        format!("{start}{}", end.trim_start_matches(|c: char| c.is_ascii_digit()))
    }

    #[test]
    fn an_event_stays_as_it_is_written() {
        let line = r#"{ "x":1.50, "type":"a","data":1e3 ,"ts":7}"#;
        assert_eq!(batch(None, &format!("\n  {line}\r\n\n")).unwrap(), [line]);
        assert_eq!(batch(Some("other"), line).unwrap(), [line]);
    }

    #[test]
    fn a_time_is_added() {
        let lines = batch(None, r#"{"type":"a","data":0.10 }"#).unwrap();
        assert_eq!(untimed(&lines[0]), r#"{"type":"a","data":0.10 }"#);
        let event: Event = serde_json::from_str(&lines[0]).unwrap();
        assert!(event.ts > 1_700_000_000);
    }

    #[test]
    fn with_a_type_other_values_are_data() {
        let lines = batch(Some("say \"hi\""), "1.0\n{\"type\":\"a\"}\n{\"type\":1,\"data\":2}\n").unwrap();
        let wrapped = ["1.0", r#"{"type":"a"}"#, r#"{"type":1,"data":2}"#];
        assert_eq!(lines.len(), 3);
        for (line, data) in lines.iter().zip(wrapped) {
            assert_eq!(untimed(line), format!(r#"{{"type":"say \"hi\"","data":{data}}}"#));
            assert!(serde_json::from_str::<Event>(line).is_ok());
        }
    }

    #[test]
    fn what_is_no_event_is_refused_with_its_line() {
        let fine = r#"{"type":"a","data":1}"#;
        for (bad, what) in [
            ("{", "is not JSON"),
            ("1", "is no event"),
            (r#"{"type":"a"}"#, "is no event"),
            (r#"{"type":"a","type":"b","data":1}"#, "is not JSON"),
            (r#"{"type":"a","data":1,"ts":1.5}"#, "is no event: its ts is"),
            (r#"{"type":"a","data":1,"ts":null}"#, "is no event: its ts is"),
            (r#"{"type":"a","data":1,"id":5}"#, "is no event: its id is"),
            (r#"{"type":"a","data":1,"actor":[]}"#, "is no event: its actor is"),
        ] {
            let failure = batch(None, &format!("{fine}\n\n{bad}\n{fine}")).unwrap_err();
            assert!(failure.message.starts_with(&format!("line 3 of standard input {what}")), "{failure:?}");
            assert!(failure.hint.unwrap().starts_with("nothing was appended"));
        }
    }
}
