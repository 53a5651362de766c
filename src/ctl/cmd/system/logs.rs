//! `system logs`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cluster_args::Place;
use super::{managed, plane};
use crate::base::{Code, Error, Result, dirs, exit};
use crate::client::process::{self, Role, last_lines};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::Rendered;
use crate::model::context::{Context, Platform};
pub use crate::model::plane::LogLine;
use crate::plane::spec::SERVER;
use crate::platform::{self, Logs};

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(200);

/// Show the logs of the plane.
///
/// On docker and kubernetes each line stands behind the component that wrote it, and --follow goes on over restarts until
/// the plane is removed.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system logs --tail 50
  mesheryctl system logs --follow
  mesheryctl system logs meshery-istio -f")]
pub struct Args {
    /// Go on with what is written from now on, until Ctrl-C.
    #[arg(short = 'f', long)]
    pub follow: bool,
    /// Lines to show from the end of each log; 0 for all.
    #[arg(long, value_name = "LINES", default_value_t = 200)]
    pub tail: u32,
    /// Components, such as `meshery` or `meshery-istio`; all without one.
    #[arg(value_name = "COMPONENT")]
    pub component: Vec<String>,
    #[command(flatten)]
    pub place: Place,
}

impl Args {
    fn tail(&self) -> Option<u32> {
        (self.tail > 0).then_some(self.tail)
    }
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<Outcome> {
    let context = plane::context(ctx, None)?;
    args.place.namespace_of(&context)?;
    let _guard = args.follow.then(|| ctx.cancel.guard());
    let cancelled = ctx.cancel.token();
    let reading = async {
        if context.platform == Platform::Local { here(ctx, args).await } else { elsewhere(ctx, context, args).await }
    };
    tokio::select! {
        result = reading => result.map(Into::into),
        // A signal is how following ends: there is nothing to tell about it.
        () = cancelled.cancelled(), if args.follow => {
            Ok(Outcome::verdict(exit::code(ctx.cancel.error("stopped").kind())))
        }
    }
}

/// Lines from containers or pods.
async fn elsewhere(ctx: &Ctl, context: Context, args: &Args) -> Result<()> {
    let plane = managed::plane_in(ctx, context, &args.place)?;
    let which = Logs { components: args.component.clone(), follow: args.follow, tail: args.tail() };
    let mut lines: Vec<LogLine> = Vec::new();
    let stream = args.follow || ctx.ui.format().is_table();
    let mut take = |line: LogLine| {
        if stream {
            return ctx.ui.line(&text(ctx, &line)?);
        }
        lines.push(line);
        Ok(())
    };
    let steps = ctx.ui.progress();
    platform::logs(&plane, &which, &mut take, &managed::Shown::new(&steps)).await?;
    if stream { Ok(()) } else { ctx.ui.print(&Rendered::one(&lines, String::new())?) }
}

/// A line as it is streamed: an object a line where data is wanted.
fn text(ctx: &Ctl, line: &LogLine) -> Result<String> {
    if ctx.ui.format().is_table() {
        return Ok(format!("{} | {}", line.component, line.text));
    }
    serde_json::to_string(line).map_err(|error| Error::internal("a log line is not JSON").because(error))
}

/// Fails when components are named that a local plane does not have.
pub(super) fn of_local(components: &[String]) -> Result<()> {
    match components.iter().find(|name| !matches!(name.as_str(), SERVER | "server")) {
        Some(other) => Err(Error::new(Code::ComponentNotFound, format!("a local plane has no component `{other}`"))
            .remedy("Leave it out: the server is the only component, `meshery`.")),
        None => Ok(()),
    }
}

async fn here(ctx: &Ctl, args: &Args) -> Result<()> {
    let plane = plane::local(ctx, None)?;
    of_local(&args.component)?;
    let log = log(&plane.home)?;
    let from = std::fs::metadata(&log).map_or(0, |file| file.len());
    let tail = args.tail().map_or(usize::MAX, |lines| lines as usize);
    let lines = last_lines(&log, tail, 0)?;
    let line = |text: String| LogLine { component: SERVER.to_owned(), text };
    if args.follow {
        for text in lines {
            ctx.ui.line(&if ctx.ui.format().is_table() { text } else { self::text(ctx, &line(text))? })?;
        }
        return follow(ctx, &log, from).await;
    }
    let text = lines.join("\n");
    let lines: Vec<LogLine> = lines.into_iter().map(line).collect();
    ctx.ui.print(&Rendered::one(&lines, text)?)
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
