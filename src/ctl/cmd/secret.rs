//! Secrets that come on standard input: passwords and tokens, which have no place on a command line.

use std::io::{IsTerminal, Read};

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;

/// Secrets longer than this are refused.
const LONGEST: u64 = 64 << 10;

/// Reads a secret from standard input, without the line feed at its end.
pub(super) fn from_stdin(ctx: &Ctl, what: &str) -> Result<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        ctx.ui.note(&format!("Type or paste the {what}, then press Enter."))?;
        let mut line = String::new();
        stdin.read_line(&mut line).map_err(|error| unreadable(what).because(error))?;
        return checked(what, &line);
    }
    let mut bytes = Vec::new();
    stdin.lock().take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(what).because(error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable(what).because("it is longer than 64 KiB"));
    }
    checked(what, &String::from_utf8(bytes).map_err(|_| unreadable(what).because("it is not text in UTF-8"))?)
}

fn checked(what: &str, text: &str) -> Result<String> {
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.trim().is_empty() {
        return Err(unreadable(what).because("standard input is empty"));
    }
    Ok(text.to_owned())
}

fn unreadable(what: &str) -> Error {
    Error::new(Code::InputNeeded, format!("no {what} can be read from standard input"))
}
