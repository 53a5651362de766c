//! What happens when the program itself is at fault: one line, a log file, a prefilled issue, exit code 70.

use std::backtrace::Backtrace;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::PathBuf;
use std::sync::OnceLock;

use super::{cli, parse, ui};
use crate::base::{Error, clock, dirs, exit, id};

static TOLD: OnceLock<()> = OnceLock::new();

/// Runs the program; a panic anywhere on its way becomes a report and exit code 70.
pub fn guarded(program: impl FnOnce() -> u8) -> u8 {
    panic::set_hook(Box::new(report));
    panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or(exit::code(crate::base::Kind::Internal))
}

/// The first fault is told; those that follow from it would only hide it.
fn report(info: &PanicHookInfo<'_>) {
    if TOLD.set(()).is_err() {
        return;
    }
    let message = info.payload_as_str().unwrap_or("a fault without a message");
    let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    let what = format!("{message}{place}");
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let log = write_log(&what, &args);
    let mut error = Error::internal(format!("mesheryctl met a fault of its own: {what}"));
    if let Some(log) = &log {
        error = error.detail(format!("log: {}", log.display()));
    }
    let error = error
        .detail(format!("issue: {}", issue(&what)))
        .remedy("Report it with that address; add the log file and the command you ran.");
    ui::Ui::new(parse::early_options(&args)).error(&error);
}

fn write_log(what: &str, args: &[std::ffi::OsString]) -> Option<PathBuf> {
    let path = dirs::logs().ok()?.join(format!("fault-{}-{}.log", clock::now().strftime("%Y%m%d-%H%M%S"), id::short()));
    let text = format!(
        "mesheryctl {}\ntime: {}\nsystem: {} {}\ncommand: {args:?}\nfault: {what}\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        clock::now(),
        std::env::consts::OS,
        std::env::consts::ARCH,
        Backtrace::force_capture()
    );
    dirs::write_atomic(&path, text.as_bytes(), 0o600).ok()?;
    Some(path)
}

fn issue(what: &str) -> String {
    let body = format!(
        "mesheryctl {} on {} {}\n\nWhat I did:\n\nWhat happened: {what}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("title", &format!("[mesheryctl] {what}")).append_pair("body", &body);
    format!("{}?{}", cli::ISSUES_URL, query.finish())
}
