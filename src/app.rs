//! Rank 7: the composition root: which role runs, and which transport a command gets.

mod administration;
mod connect;
mod roles;

use std::ffi::OsString;

use futures_util::FutureExt;

use crate::ctl::{self, Roles};

/// Runs the command line of this process and gives its exit code.
pub fn run(args: impl Iterator<Item = OsString>) -> u8 {
    let roles = Roles {
        server: Box::new(|args, context| roles::server(args, context).boxed()),
        adapter: Box::new(|args, context| roles::adapter(args, context).boxed()),
        sample: Box::new(|args, context| roles::sample(args, context).boxed()),
        provider: Box::new(|args, context| roles::provider(args, context).boxed()),
        worker: Box::new(|args, context| roles::worker(args, context).boxed()),
        accounts: Box::new(|data| roles::accounts(data).boxed()),
    };
    ctl::run(args, Box::new(|request| connect::connect(request).boxed()), roles)
}
