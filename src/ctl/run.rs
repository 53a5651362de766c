//! One run: parse, settle the settings, run the command under the signals, end with its exit code.

use std::ffi::OsString;

use super::cli::Cli;
use super::cmd::Outcome;
use super::complete;
use super::context::{ConnectFn, Ctl, Roles};
use super::notice::Notice;
use super::parse::{Parsed, parse};
use super::settings::Settings;
use super::signal::{Cancel, under_signals};
use super::ui::{self, Ui};
use crate::base::{Code, Error, Result, env, exit, log};

/// Runs the command line `args` (with the program's name first) and returns the exit code.
pub fn run(args: impl Iterator<Item = OsString>, connect: ConnectFn, roles: Roles) -> u8 {
    let args: Vec<OsString> = args.collect();
    let Some(connect) = complete::answer(&args, connect) else { return exit::OK };
    raise_fault_on_request();
    let (cli, matches) = match parse(&args) {
        Parsed::Run(cli, matches) => (*cli, matches),
        Parsed::Done(code) => return code,
    };
    log::start(match (cli.global.verbose, cli.command.is_role()) {
        (true, _) => "debug",
        // What a role does is told in its log; what the libraries below it do is not.
        (false, true) => "warn,mesheryctl=info",
        // What a command's own work met is told as its error; log lines beside that are for whoever asks for them.
        (false, false) => "off",
    });
    let settings = Settings::resolve(&cli.global, &matches);
    let settings = match settings {
        Ok(settings) => settings,
        Err(_) if cli.command.is_offline() => Settings::without_files(&cli.global, &matches),
        Err(error) => {
            return end(
                &Ui::new(ui::Options { format: cli.global.output.unwrap_or_default(), ..ui::Options::default() }),
                &error,
            );
        }
    };
    let ui = Ui::new(settings.ui());
    if !cli.command.is_role() {
        ui.hold();
    }
    if let Some(path) = cli.global.config.as_ref().filter(|path| cli.command.reads_config() && !path.exists()) {
        // Whoever named a file expects its content; that it is missing is told, and the defaults hold as ever.
        let _ = ui.note(&format!("{} does not exist; defaults hold.", path.display()));
    }
    if matches!(ui.format(), ui::Format::Picture(_)) && !cli.command.draws() {
        return end(&ui, &ui::no_picture(ui.format()));
    }
    let ctx = Ctl::new(settings, ui, Cancel::default(), connect, roles);
    match execute(&ctx, cli) {
        Ok(outcome) => {
            ctx.ui.let_go(outcome.code() == exit::OK);
            outcome.code()
        }
        Err(error) => end(&ctx.ui, &error),
    }
}

/// Shows the error and gives its exit code. A closed pipe is silence and success: the reader had enough.
pub fn end(ui: &Ui, error: &Error) -> u8 {
    if error.code() == Code::OutputClosed {
        ui.let_go(true);
        return exit::OK;
    }
    ui.let_go(false);
    ui.error(error);
    exit::code(error.kind())
}

fn execute(ctx: &Ctl, cli: Cli) -> Result<Outcome> {
    let mut builder = if cli.command.is_role() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| Error::internal("the asynchronous runtime cannot start").because(error))?;
    let takes_notices = cli.command.takes_notices();
    let result = runtime.block_on(async {
        let notice = if takes_notices { Notice::begin(ctx) } else { None };
        let result = under_signals(&ctx.cancel, Box::pin(cli.command.run(ctx))).await;
        if let (Some(notice), Ok(_)) = (notice, &result) {
            notice.end(ctx).await;
        }
        result
    });
    // Work on blocking threads is not waited for: after Ctrl-C the process is to end.
    runtime.shutdown_background();
    result
}

/// `MESHERY_DEBUG_PANIC=1` shows how an internal fault is reported.
fn raise_fault_on_request() {
    let is_asked = env::get(env::MESHERY_DEBUG_PANIC).is_some_and(|value| value == "1");
    assert!(!is_asked, "raised on request by {}", env::MESHERY_DEBUG_PANIC);
}
