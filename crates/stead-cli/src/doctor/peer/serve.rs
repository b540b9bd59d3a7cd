//! The other end of the dialogue: runs in the peer.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use stead::lock::{FileLock, Guard, Mode, Wait};

use crate::doctor::peer::Readings;
use crate::doctor::trouble::Trouble;
use crate::doctor::{clock, files, helper};

/// Answers the doctor until it ends. False: could not even begin.
pub(in crate::doctor) fn serve() -> bool {
    let (send, orders) = mpsc::channel();
    if helper::obey_doctor(move |order| drop(send.send(order))).is_err() {
        return false;
    }
    let mut held = None;
    for order in orders {
        let answer = obey(&order, &mut held).unwrap_or_else(|trouble| super::to_line(&trouble));
        // Nobody there to hear it: the doctor is gone, and so are we in a moment.
        let _ = writeln!(io::stdout().lock(), "{answer}");
    }
    true
}

fn obey(order: &str, held: &mut Option<Guard>) -> Result<String, Trouble> {
    let words: Vec<&str> = order.split(' ').collect();
    match words[..] {
        ["try", mode, name] => lock(held, mode, name, Wait::No),
        ["wait", mode, name] => lock(held, mode, name, Wait::Forever),
        ["release"] => match held.take() {
            Some(guard) => Ok(guard.release().map(|()| "released".to_owned())?),
            None => Err(Trouble::failed("nothing is held")),
        },
        ["check"] => check(held.as_ref()),
        ["read", millis, len, name] => {
            let (Ok(millis), Ok(len)) = (millis.parse(), len.parse()) else { return Err(not_understood(order)) };
            read(Duration::from_millis(millis), len, Path::new(name)).map(|readings| readings.to_string())
        }
        ["create", name] => {
            let path = Path::new(name);
            files::put(path, b"here").map(|()| "created".to_owned()).map_err(Trouble::at("create", path))
        }
        _ => Err(not_understood(order)),
    }
}

fn not_understood(order: &str) -> Trouble {
    Trouble::failed(format!("not understood: {order}"))
}

fn lock(held: &mut Option<Guard>, mode: &str, name: &str, wait: Wait) -> Result<String, Trouble> {
    let lock = FileLock::at(name);
    let locked = if mode == Mode::Shared.to_string() { lock.lock_shared(wait) } else { lock.lock(wait) };
    match locked {
        Ok(guard) => {
            *held = Some(guard);
            Ok("granted".to_owned())
        }
        Err(error) if error.is_busy() => Ok("busy".to_owned()),
        Err(error) => Err(error.into()),
    }
}

fn check(held: Option<&Guard>) -> Result<String, Trouble> {
    match held.map(|guard| guard.check()) {
        Some(Ok(())) => Ok("sound".to_owned()),
        Some(Err(error)) if error.is_lost() => Ok("lost".to_owned()),
        Some(Err(error)) => Err(error.into()),
        None => Err(Trouble::failed("nothing is held")),
    }
}

/// Reads the file again and again: whole is `len` times one and the same byte.
fn read(duration: Duration, len: usize, path: &Path) -> Result<Readings, Trouble> {
    let mut readings = Readings::default();
    let end = clock::now() + duration;
    while clock::now() < end {
        match std::fs::read(path) {
            Ok(bytes) if bytes.len() == len && bytes.iter().all(|byte| *byte == bytes[0]) => readings.whole += 1,
            Ok(_) => readings.half += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => readings.missing += 1,
            Err(error) => return Err(Trouble::at("read", path)(error)),
        }
    }
    Ok(readings)
}
