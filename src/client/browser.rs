//! The user's browser, where there is one.

use std::process::{Command, Stdio};

use crate::base::env;

/// Opens an address in the user's browser, and does not wait for it.
///
/// # Errors
/// Why none was opened, as the end of a sentence.
pub fn open(url: &str) -> Result<(), String> {
    let program = program()?;
    let started =
        Command::new(program).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.map(drop).map_err(|error| format!("{program}: {error}"))
}

fn program() -> Result<&'static str, String> {
    if cfg!(target_os = "macos") {
        return Ok("open");
    }
    if cfg!(windows) {
        return Ok("explorer");
    }
    if env::is_set(env::DISPLAY) || env::is_set(env::WAYLAND_DISPLAY) {
        return Ok("xdg-open");
    }
    Err("this session has no display".to_owned())
}
