//! Roles that `serve` runs in the foreground, and `system start` and `sample start` apart from the terminal.

use crate::base::Result;
use crate::client::credentials;
use crate::ctl::{RoleContext, ServeSampleArgs, ServeServerArgs};
use crate::model::context::DEFAULT_PORT;
use crate::server::{Settings, serve};

/// `serve server`.
pub(super) async fn server(args: ServeServerArgs, context: RoleContext) -> Result<()> {
    detach(args.detached.detached);
    let settings = Settings {
        token: credentials::ensure(&context.home)?.token,
        home: context.home,
        kubeconfig: context.kubeconfig,
        allow_hosts: args.allow_host,
        in_process: false,
    };
    let note = context.note;
    let options = serve::Options {
        settings,
        host: args.host,
        port: args.port.unwrap_or(DEFAULT_PORT),
        drain: args.drain,
        log: args.detached.log_file,
        stop: context.cancel,
        ready: Box::new(move |running| {
            note.say(&format!("Serving at {} (process {})", running.endpoint(), running.pid))
        }),
    };
    serve::serve(options).await
}

/// Leaves the session of the terminal, so that closing it does not end this process.
fn detach(wanted: bool) {
    #[cfg(unix)]
    if wanted {
        // Refused to the leader of a process group, which has what is wanted already.
        let _ = rustix::process::setsid();
    }
    #[cfg(not(unix))]
    let _ = wanted;
}

/// `serve sample`.
pub(super) async fn sample(_args: ServeSampleArgs, _context: RoleContext) -> Result<()> {
    Err(crate::base::Error::internal("the practice cluster is not in this build"))
}
