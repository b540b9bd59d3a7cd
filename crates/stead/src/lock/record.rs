//! The record at the start of a lock file: who holds it, and the last token. Pure bytes; see docs/FORMAT.md.
//!
//! ```text
//! 4312
//! {"stead":"lock/1","token":1763719200000001,"mode":"exclusive",...,"crc":"1a2b3c4d"}   blanks up to 1,024 bytes
//! ```

use std::fmt::Write;

use serde_json::Value;

use crate::sys::Identity;

/// The size of a record, always all of it.
pub(crate) const RECORD_LEN: usize = 1024;

/// Where in a lock file the intent of an append is kept, behind the record.
pub(crate) const LEDGER_AT: u64 = RECORD_LEN as u64;
/// What it begins with while the append is under way, or half done: the file must then stay.
pub(crate) const LEDGER_PENDING: &str = "{\"stead\":\"append/1\",\"pending\":true,";

const MAGIC: &[u8] = b"{\"stead\":\"lock/1\",\"token\":";
const CRC_KEY: &[u8] = b",\"crc\":\"";
const CRC_END: &[u8] = b"\"}";
/// A PID has ten digits at most.
const PID_LINE_MAX: usize = 11;
/// How much of a command line or label is kept, in bytes of JSON text.
const COMMAND_MAX: usize = 256;
const NAME_MAX: usize = 64;

/// What stands in a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The last token granted.
    pub(crate) token: u64,
    /// Who was granted it; `None` once it was released.
    pub(crate) grant: Option<Grant>,
}

/// An exclusive hold. Shared ones are not recorded: they are listed from the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Grant {
    pub(crate) who: Identity,
    pub(crate) via: Option<String>,
    pub(crate) label: Option<String>,
    /// Wall clock, microseconds since 1970.
    pub(crate) acquired: u64,
}

/// What the first bytes of a file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// Not a record of ours: a user's file, never to be written into.
    Foreign,
    /// It begins like a record, but is torn or damaged: somebody unknown.
    Unreadable,
    Record(Record),
}

/// The part of a record that stays the same for all holds of one process: rendered once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pid: u32,
    text: String,
}

impl Signature {
    /// The process that signs.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn new(who: &Identity, via: Option<&str>, label: Option<&str>) -> Signature {
        let mut text = format!(",\"pid\":{}", who.pid);
        number(&mut text, "start", who.start);
        number(&mut text, "pid_ns", who.pid_namespace);
        string(&mut text, "boot_id", who.boot_id.as_deref(), NAME_MAX);
        string(&mut text, "host", who.host.as_deref(), NAME_MAX);
        string(&mut text, "user", who.user.as_deref(), NAME_MAX);
        string(&mut text, "via", via, NAME_MAX);
        string(&mut text, "label", label, COMMAND_MAX / 2);
        string(&mut text, "command", who.command.as_deref(), COMMAND_MAX);
        Signature { pid: who.pid, text }
    }
}

/// The bytes of a record of a lock that is held.
pub(crate) fn encode_held(token: u64, acquired: u64, signature: &Signature) -> [u8; RECORD_LEN] {
    let mut bytes = [b' '; RECORD_LEN];
    let mut draft = Draft { bytes: &mut bytes, len: 0 };
    draft.number(signature.pid.into());
    draft.text(b"\n");
    draft.text(MAGIC);
    draft.number(token);
    draft.text(b",\"mode\":\"exclusive\",\"acquired\":");
    draft.number(acquired);
    draft.text(signature.text.as_bytes());
    draft.seal();
    bytes
}

/// The bytes of a record of a lock that nobody holds: all blank but the magic and the last token.
pub(crate) fn encode_free(token: u64) -> [u8; RECORD_LEN] {
    let mut bytes = [b' '; RECORD_LEN];
    let mut draft = Draft { bytes: &mut bytes, len: 0 };
    draft.text(b"\n");
    draft.text(MAGIC);
    draft.number(token);
    draft.seal();
    bytes
}

/// A record being written. Every part of it is bounded, so that it always fits; one that did not would be cut, and
/// unreadable for its checksum, never written past its end.
struct Draft<'a> {
    bytes: &'a mut [u8; RECORD_LEN],
    len: usize,
}

impl Draft<'_> {
    fn text(&mut self, text: &[u8]) {
        let room = &mut self.bytes[self.len..RECORD_LEN - 1];
        let text = &text[..text.len().min(room.len())];
        room[..text.len()].copy_from_slice(text);
        self.len += text.len();
    }

    fn number(&mut self, number: u64) {
        self.text(itoa::Buffer::new().format(number).as_bytes());
    }

    fn seal(mut self) {
        let crc = crc32c::crc32c(&self.bytes[..self.len]);
        self.text(CRC_KEY);
        self.text(&hexadecimal(crc));
        self.text(CRC_END);
        self.bytes[RECORD_LEN - 1] = b'\n';
    }
}

fn hexadecimal(number: u32) -> [u8; 8] {
    std::array::from_fn(|index| b"0123456789abcdef"[(number >> (28 - 4 * index)) as usize & 15])
}

/// The token of a file that starts with `bytes`, where these are intact up to it; `None` where the file is not ours.
pub(crate) fn token_at_start(bytes: &[u8]) -> Option<u64> {
    Some(leading_number(json_line(bytes)?.strip_prefix(MAGIC)?)?.0)
}

/// The token of a record that nobody holds, as [`encode_free`] writes it; `None` for all others. Far quicker than
/// [`decode`], for the way that every uncontended acquisition goes.
pub(crate) fn token_of_free(bytes: &[u8]) -> Option<u64> {
    let rest = bytes.strip_prefix(b"\n")?.strip_prefix(MAGIC)?;
    let (token, digits) = leading_number(rest)?;
    let signed = 1 + MAGIC.len() + digits;
    let crc = rest[digits..].strip_prefix(CRC_KEY)?;
    let good = crc.get(..8)? == hexadecimal(crc32c::crc32c(&bytes[..signed])) && crc[8..].starts_with(CRC_END);
    good.then_some(token)
}

/// The decimal number that `text` begins with, and its length.
fn leading_number(text: &[u8]) -> Option<(u64, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let add = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    (digits > 0).then_some(())?;
    Some((text[..digits].iter().try_fold(0, add)?, digits))
}

/// Reads what [`encode_held`] and [`encode_free`] write. `bytes` is the start of the file, at most [`RECORD_LEN`].
pub(crate) fn decode(bytes: &[u8]) -> Decoded {
    let Some(line) = json_line(bytes).filter(|line| line.starts_with(MAGIC)) else {
        return Decoded::Foreign;
    };
    decode_line(&bytes[..bytes.len() - line.len()], line).map_or(Decoded::Unreadable, Decoded::Record)
}

/// What comes after a first line of nothing but digits.
fn json_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().take(PID_LINE_MAX).position(|byte| *byte == b'\n')?;
    bytes[..end].iter().all(u8::is_ascii_digit).then(|| &bytes[end + 1..])
}

fn decode_line(pid_line: &[u8], line: &[u8]) -> Option<Record> {
    let end = line.iter().rposition(|byte| *byte == b'}')? + 1;
    let line = &line[..end];
    let signed = line.len().checked_sub(CRC_KEY.len() + 8 + CRC_END.len())?;
    let crc = line[signed..].strip_prefix(CRC_KEY)?.strip_suffix(CRC_END)?;
    if crc != hexadecimal(crc32c::crc32c_append(crc32c::crc32c(pid_line), &line[..signed])) {
        return None;
    }
    let value: Value = serde_json::from_slice(line).ok()?;
    let token = value["token"].as_u64()?;
    let grant = value.get("pid").map(|_| grant(&value));
    Some(Record { token, grant })
}

fn grant(value: &Value) -> Grant {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    Grant {
        who: Identity {
            pid: value["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
            start: value["start"].as_u64(),
            boot_id: text("boot_id"),
            pid_namespace: value["pid_ns"].as_u64(),
            host: text("host"),
            user: text("user"),
            command: text("command"),
        },
        via: text("via"),
        label: text("label"),
        acquired: value["acquired"].as_u64().unwrap_or(0),
    }
}

fn number(text: &mut String, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        let _ = write!(text, ",\"{key}\":{value}");
    }
}

/// Appends `"key":"value"`, cut so that its JSON is at most `max` bytes.
fn string(text: &mut String, key: &str, value: Option<&str>, max: usize) {
    let Some(value) = value else { return };
    let mut kept = String::new();
    let mut room = max;
    for character in value.chars() {
        let json = Value::from(character.to_string()).to_string();
        // Two of the bytes are the quotes.
        let size = json.len() - 2;
        if size > room {
            kept.push('…');
            break;
        }
        room -= size;
        kept.push(character);
    }
    let _ = write!(text, ",\"{key}\":{}", Value::from(kept));
}

/// For the fuzz target: any bytes are survived, and what is read as a record says the same when written again.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let Decoded::Record(Record { token, grant }) = decode(bytes) else { return };
    assert_eq!(token_at_start(bytes), Some(token));
    let again = match &grant {
        None => encode_free(token),
        Some(grant) => {
            let signature = Signature::new(&grant.who, grant.via.as_deref(), grant.label.as_deref());
            encode_held(token, grant.acquired, &signature)
        }
    };
    let Decoded::Record(read) = decode(&again) else { panic!("what we write is a record") };
    assert_eq!((read.token, read.grant.map(|grant| grant.who.pid)), (token, grant.map(|grant| grant.who.pid)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> Identity {
        Identity {
            pid: 4312,
            start: Some(99),
            boot_id: Some("5c0b3b3e-0000-4000-8000-000000000000".into()),
            pid_namespace: Some(4_026_531_836),
            host: Some("h".into()),
            user: Some("ann".into()),
            command: Some("vim \"journal\".md".into()),
        }
    }

    #[test]
    fn a_held_record_starts_with_the_pid_alone_and_comes_back() {
        let signature = Signature::new(&example(), Some("stead run"), Some("nightly"));
        let bytes = encode_held(7, 1_763_719_200_000_000, &signature);
        assert!(bytes.starts_with(b"4312\n{\"stead\":\"lock/1\","));
        let Decoded::Record(record) = decode(&bytes) else { panic!("not read back") };
        assert_eq!(record.token, 7);
        let grant = record.grant.expect("held");
        assert_eq!(grant.who, example());
        assert_eq!((grant.via.as_deref(), grant.label.as_deref()), (Some("stead run"), Some("nightly")));
        assert_eq!(grant.acquired, 1_763_719_200_000_000);
    }

    #[test]
    fn a_free_record_keeps_the_token_only() {
        let bytes = encode_free(u64::MAX);
        assert_eq!(decode(&bytes), Decoded::Record(Record { token: u64::MAX, grant: None }));
        assert_eq!(token_at_start(&bytes), Some(u64::MAX));
        assert_eq!(token_of_free(&bytes), Some(u64::MAX));
        assert_eq!(token_of_free(&encode_held(7, 1, &Signature::new(&example(), None, None))), None);
        assert!(bytes.starts_with(b"\n{"));
    }

    #[test]
    fn user_files_are_foreign() {
        for bytes in [
            &b""[..],
            b"4312\n",
            b"4312",
            b"{\"stead\":\"lock/1\"",
            b"hello\n{\"stead\":\"lock/1\",\"token\":1",
            &[0; 1024],
        ] {
            assert_eq!(decode(bytes), Decoded::Foreign, "{bytes:?}");
        }
    }

    /// Trap 53: a record that is read while it is rewritten is torn.
    #[test]
    fn trap_53_a_torn_record_is_unreadable() {
        let old = encode_held(7, 1, &Signature::new(&example(), None, None));
        let new = encode_held(8, 2, &Signature::new(&Identity { pid: 4399, ..example() }, None, Some("x")));
        let different = (1..RECORD_LEN).filter(|cut| old[..*cut] != new[..*cut] && old[*cut..] != new[*cut..]);
        for cut in different {
            let torn = [&new[..cut], &old[cut..]].concat();
            let decoded = decode(&torn);
            assert!(!matches!(decoded, Decoded::Record(_)), "cut at {cut}: {decoded:?}");
        }
    }

    proptest! {
        #[test]
        fn any_identity_fits_and_comes_back(command in ".{0,600}", label in ".{0,600}", user in ".{0,200}", token: u64) {
            let who = Identity { command: Some(command.clone()), user: Some(user.clone()), ..example() };
            let signature = Signature::new(&who, Some(&label), Some(&label));
            let bytes = encode_held(token, u64::MAX, &signature);
            let Decoded::Record(record) = decode(&bytes) else { panic!("not read back") };
            prop_assert_eq!(record.token, token);
            let kept = record.grant.unwrap().who.command.unwrap();
            prop_assert!(kept == command || command.starts_with(kept.strip_suffix('…').unwrap()));
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_are_not_ours(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            prop_assert_eq!(decode(&bytes), Decoded::Foreign);
            prop_assert_eq!(token_at_start(&bytes), None);
        }

        #[test]
        fn any_flipped_byte_is_noticed(at: prop::sample::Index, with in 1..=255_u8) {
            let mut bytes = encode_held(7, 1, &Signature::new(&example(), None, None));
            let end = bytes.windows(CRC_KEY.len()).position(|window| window == CRC_KEY).unwrap();
            bytes[at.index(end)] ^= with;
            prop_assert!(!matches!(decode(&bytes), Decoded::Record(_)));
        }
    }
}
