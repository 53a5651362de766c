//! Rank 7: the composition root: which role runs, and which transport a command gets.

use std::ffi::OsString;

use futures_util::FutureExt;

use crate::base::{Code, Error, Result};
use crate::client::Client;
use crate::ctl::{self, ConnectRequest, Roles};

/// Runs the command line of this process and gives its exit code.
pub fn run(args: impl Iterator<Item = OsString>) -> u8 {
    let connect = Box::new(|request: ConnectRequest| async move { connect(&request) }.boxed());
    let roles = Roles {
        server: Box::new(|_, _| async { Err(not_in_this_build("server")) }.boxed()),
        sample: Box::new(|_, _| async { Err(not_in_this_build("sample")) }.boxed()),
    };
    ctl::run(args, connect, roles)
}

fn connect(request: &ConnectRequest) -> Result<Client> {
    Err(Error::new(Code::ServerUnreachable, format!("no server answers at {}", request.context.endpoint)))
}

fn not_in_this_build(role: &str) -> Error {
    Error::internal(format!("the role `{role}` is not in this build"))
}
