//! `system logs`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::plane;
use crate::base::{Code, Error, Result, dirs, exit};
use crate::client::process::{self, Role, last_lines};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::Rendered;

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(200);

/// Show the log of the plane's server.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl system logs --tail 50\n  mesheryctl system logs --follow")]
pub struct Args {
    /// Go on with what is written from now on, until Ctrl-C.
    #[arg(short = 'f', long)]
    pub follow: bool,
    /// Lines to show from the end; 0 for all.
    #[arg(long, value_name = "LINES", default_value_t = 200)]
    pub tail: usize,
    /// Kept for old scripts: a local plane has one component, `meshery`.
    #[arg(value_name = "COMPONENT", hide = true)]
    pub component: Vec<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<Outcome> {
    let plane = plane::local(ctx, None)?;
    if let Some(other) = args.component.iter().find(|name| !matches!(name.as_str(), "meshery" | "server")) {
        return Err(Error::new(Code::UsageError, format!("a local plane has no component `{other}`"))
            .remedy("Leave it out: the server is the only component, `meshery`."));
    }
    let log = log(&plane.home)?;
    let tail = if args.tail == 0 { usize::MAX } else { args.tail };
    let from = std::fs::metadata(&log).map_or(0, |file| file.len());
    let lines = last_lines(&log, tail, 0)?;
    if !args.follow {
        let text = lines.join("\n");
        return ctx.ui.print(&Rendered::one(&lines, text)?).map(Into::into);
    }
    for line in &lines {
        ctx.ui.line(line)?;
    }
    let _guard = ctx.cancel.guard();
    let cancelled = ctx.cancel.token();
    tokio::select! {
        result = follow(ctx, &log, from) => result.map(Into::into),
        // A signal is how following ends: there is nothing to tell about it.
        () = cancelled.cancelled() => Ok(Outcome::verdict(exit::code(ctx.cancel.error("stopped").kind()))),
    }
}

fn log(home: &Path) -> Result<PathBuf> {
    let running = process::find(Role::Server, home)?;
    let foreground = running.as_ref().is_some_and(|running| running.log.is_none());
    let path = match running.and_then(|running| running.log) {
        Some(path) => path,
        None => Role::Server.log()?,
    };
    if path.exists() && !foreground {
        return Ok(path);
    }
    let error = Error::new(Code::FileNotFound, format!("there is no log {}", path.display()));
    Err(if foreground {
        error.because("the server runs in the foreground of a terminal and writes there")
    } else {
        error.because("no server was started apart from a terminal").remedy("Start one with `mesheryctl system start`.")
    })
}

/// Prints what is added to the file; begins anew when the file is replaced or cut.
async fn follow(ctx: &Ctl, log: &Path, mut position: u64) -> Result<()> {
    let fail = |error: std::io::Error| dirs::read_error(log, &error);
    loop {
        if let Ok(mut file) = File::open(log) {
            let length = file.metadata().map_err(fail)?.len();
            if length < position {
                position = 0;
            }
            if length > position {
                file.seek(SeekFrom::Start(position)).map_err(fail)?;
                let mut bytes = Vec::new();
                file.take(length - position).read_to_end(&mut bytes).map_err(fail)?;
                position = length;
                ctx.ui.text(&String::from_utf8_lossy(&bytes))?;
            }
        }
        tokio::time::sleep(POLL).await;
    }
}
