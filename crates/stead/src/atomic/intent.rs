//! What is about to be appended, written down first beside the record in the lock file (pure); see docs/FORMAT.md.

use std::fmt::Write;

use serde_json::Value;

use crate::lock::LEDGER_PENDING;
use crate::sys::FileId;

/// The size of an intent, always all of it.
pub(crate) const INTENT_LEN: usize = 512;

/// How many bytes before the appended ones are looked at again. If they have changed, somebody has written into the file
/// meanwhile, and what stands behind them need not be ours.
pub(crate) const BEFORE_MAX: usize = 64;

/// How many of the appended bytes are written down as they are: what stands in their place and is neither these nor zeros
/// is somebody else's.
pub(crate) const START_LEN: usize = 96;

const CRC_KEY: &str = ",\"crc\":\"";

/// An append: which bytes go where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Under way: whoever finds this under the lock knows that the writer died.
    pub(crate) pending: bool,
    /// The file that is appended to.
    pub(crate) id: FileId,
    /// Its length before.
    pub(crate) base: u64,
    /// The xxh3-64 of the last [`BEFORE_MAX`] bytes before that, or of as many as there are.
    pub(crate) before: u64,
    /// The first of the appended bytes; 0 behind their end.
    pub(crate) start: [u8; START_LEN],
    /// How many bytes are appended.
    pub(crate) len: u64,
    /// Their xxh3-64.
    pub(crate) hash: u64,
    /// The names of the lock file and of that file are durable.
    pub(crate) anchored: bool,
}

impl Intent {
    pub(crate) fn encode(&self) -> [u8; INTENT_LEN] {
        let Intent { pending, id, base, before, start: first, len, hash, anchored } = self;
        let start = if *pending { LEDGER_PENDING } else { "{\"stead\":\"append/1\",\"pending\":false," };
        let mut text = format!(
            "{start}\"device\":{},\"inode\":{},\"base\":{base},\"before\":\"{before:016x}\",\"start\":\"{}\",\"len\":{len},\"hash\":\"{hash:016x}\",\"anchored\":{anchored}",
            id.device,
            id.inode,
            hexadecimal(first),
        );
        let crc = crc32c::crc32c(text.as_bytes());
        // Writing into a String cannot fail.
        let _ = write!(text, "{CRC_KEY}{crc:08x}\"}}");
        let mut bytes = [b' '; INTENT_LEN];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes[INTENT_LEN - 1] = b'\n';
        bytes
    }

    /// `None`: there is none, or it is torn, and so what it is about was not begun.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Intent> {
        let text = std::str::from_utf8(bytes).ok()?.trim_end();
        let (signed, crc) = text.rsplit_once(CRC_KEY)?;
        let crc = u32::from_str_radix(crc.strip_suffix("\"}")?, 16).ok()?;
        if crc != crc32c::crc32c(signed.as_bytes()) {
            return None;
        }
        let value: Value = serde_json::from_str(text).ok()?;
        let number = |key: &str| value[key].as_u64();
        let hash = |key: &str| u64::from_str_radix(value[key].as_str()?, 16).ok();
        Some(Intent {
            pending: value["pending"].as_bool()?,
            id: FileId { device: number("device")?, inode: number("inode")? },
            base: number("base")?,
            before: hash("before")?,
            start: parse_start(value["start"].as_str()?)?,
            len: number("len")?,
            hash: hash("hash")?,
            anchored: value["anchored"].as_bool()?,
        })
    }
}

/// The first bytes of `bytes`, as they are written down.
pub(crate) fn start_of(bytes: &[u8]) -> [u8; START_LEN] {
    let mut start = [0; START_LEN];
    let len = bytes.len().min(START_LEN);
    start[..len].copy_from_slice(&bytes[..len]);
    start
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn parse_start(text: &str) -> Option<[u8; START_LEN]> {
    let mut bytes = [0; START_LEN];
    let pairs = text.as_bytes().chunks(2);
    if pairs.len() != START_LEN {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_fits() {
        let id = FileId { device: u64::MAX, inode: u64::MAX };
        let intent = Intent {
            pending: false,
            id,
            base: u64::MAX,
            before: u64::MAX,
            start: [255; START_LEN],
            len: u64::MAX,
            hash: u64::MAX,
            anchored: false,
        };
        assert_eq!(Intent::decode(&intent.encode()), Some(intent));
    }

    proptest! {
        #[test]
        fn it_comes_back_and_is_seen_as_pending(
            pending: bool, device: u64, inode: u64, base: u64, before: u64, len: u64, hash: u64,
            anchored: bool,
        ) {
            let intent = Intent { pending, id: FileId { device, inode }, base, before, start: start_of(&base.to_le_bytes()), len, hash, anchored };
            let bytes = intent.encode();
            prop_assert_eq!(Intent::decode(&bytes), Some(intent));
            prop_assert_eq!(bytes.starts_with(LEDGER_PENDING.as_bytes()), pending);
        }

        #[test]
        fn a_torn_one_is_none(cut in 0..INTENT_LEN, base: u64) {
            let id = FileId { device: 1, inode: 2 };
            let old = Intent { pending: false, id, base: 1, before: 5, start: [1; START_LEN], len: 2, hash: 3, anchored: true };
            let new = Intent { pending: true, id, base, before: 6, start: [2; START_LEN], len: 9, hash: 4, anchored: true };
            let torn = [&new.encode()[..cut], &old.encode()[cut..]].concat();
            let read = Intent::decode(&torn);
            prop_assert!(read.is_none() || read == Some(old) || read == Some(new), "{:?}", read);
        }
    }
}
