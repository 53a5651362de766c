//! The `mesheryctl` program.

use std::process::ExitCode;

use mesheryctl::{app, base, ctl};

fn main() -> ExitCode {
    ExitCode::from(ctl::fault::guarded(|| {
        base::tls::install();
        app::run(std::env::args_os())
    }))
}
