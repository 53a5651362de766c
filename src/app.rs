//! Rank 7: the composition root: which role runs, and which transport a command gets.

mod connect;
mod in_process;
mod roles;

use std::ffi::OsString;
use std::process::ExitCode;

use futures_util::FutureExt;

use crate::ctl::{self, Roles};

/// Runs the command line of this process.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let roles = Roles {
        server: Box::new(|args, context| roles::server(args, context).boxed()),
        sample: Box::new(|args, context| roles::sample(args, context).boxed()),
    };
    ExitCode::from(ctl::run(args, Box::new(|request| connect::connect(request).boxed()), roles))
}
