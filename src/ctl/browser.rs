//! Opens a page in the user's browser, where there is one. That it cannot be opened is never a failure: the address is
//! printed, and the user opens it.

use std::process::{Command, Stdio};

use super::ui::Ui;
use crate::base::env;

/// Whether a browser can be expected to appear before the user.
pub fn is_likely(ui: &Ui) -> bool {
    let display = env::is_set(env::DISPLAY) || env::is_set(env::WAYLAND_DISPLAY) || env::is_set(env::BROWSER);
    ui.has_terminal() && !env::is_set(env::CI) && (display || cfg!(any(target_os = "macos", windows)))
}

/// Opens a page; whether a program took it.
pub fn open(address: &str) -> bool {
    let mut command = match env::get(env::BROWSER) {
        Some(browser) => Command::new(browser),
        None if cfg!(target_os = "macos") => Command::new("open"),
        None if cfg!(windows) => {
            let mut command = Command::new("rundll32");
            command.arg("url.dll,FileProtocolHandler");
            command
        }
        None => Command::new("xdg-open"),
    };
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
