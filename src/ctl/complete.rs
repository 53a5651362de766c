//! Dynamic completion of names. Silent on failure, and never slower than a moment: a shell waits for the answer.

use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;
use std::time::Duration;

use clap::FromArgMatches;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use super::ConnectFn;
use super::cli::{self, Cli};
use super::settings::Settings;
use crate::base::{Code, Error, Result, env};

/// How long a server may take for its names.
const LIMIT: Duration = Duration::from_millis(300);

static CONNECT: OnceLock<ConnectFn> = OnceLock::new();

/// Answers a shell's request, when this run is one. Gives the way to the plane back when it is not.
pub fn answer(args: &[OsString], connect: ConnectFn) -> Option<ConnectFn> {
    if !env::is_set(env::MESHERY_COMPLETE) {
        return Some(connect);
    }
    let _ = CONNECT.set(connect);
    let folder = std::env::current_dir().ok();
    // Whatever goes wrong, a completion that says nothing is better than one that prints errors into a prompt.
    let _ = CompleteEnv::with_factory(cli::command)
        .var(env::MESHERY_COMPLETE)
        .try_complete(args.to_vec(), folder.as_deref());
    None
}

/// The script that registers completion in a shell.
pub fn script(shell: &str) -> Result<String> {
    let shells = Shells::builtins();
    let completer =
        shells.completer(shell).ok_or_else(|| Error::internal(format!("no completion for the shell `{shell}`")))?;
    let mut script = Vec::new();
    completer
        .write_registration(env::MESHERY_COMPLETE, "mesheryctl", "mesheryctl", "mesheryctl", &mut script)
        .map_err(|error| Error::internal("the completion script cannot be written").because(error))?;
    String::from_utf8(script).map_err(|error| Error::internal("the completion script is not text").because(error))
}

/// Names of contexts.
pub fn contexts() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let settings = settings();
        let names = settings.iter().flat_map(|settings| &settings.config().contexts);
        names.map(|context| candidate(&context.name, &context.endpoint)).collect()
    })
}

/// Names of token entries.
pub fn tokens() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let settings = settings();
        let names = settings.iter().flat_map(|settings| &settings.config().tokens);
        names.map(|token| candidate(&token.name, &token.location)).collect()
    })
}

/// Error codes.
pub fn codes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| Code::ALL.iter().map(|code| candidate(code.name(), code.title())).collect())
}

/// Names of stored patterns, asked of the plane.
pub fn patterns() -> ArgValueCandidates {
    ArgValueCandidates::new(|| stored_patterns().unwrap_or_default())
}

fn stored_patterns() -> Option<Vec<CompletionCandidate>> {
    let request = settings()?.connect_request().ok()?;
    let connect = CONNECT.get()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let found = runtime.block_on(async {
        let names = async { connect(request).await.ok()?.all_patterns("").await.ok() };
        tokio::time::timeout(LIMIT, names).await.ok()?
    });
    runtime.shutdown_background();
    Some(found?.iter().map(|pattern| candidate(&pattern.name, &pattern.id.to_string())).collect())
}

fn candidate(name: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(OsStr::new(name)).help(Some(help.to_owned().into()))
}

/// Settings of the environment and the files; what stands on the unfinished line is not known.
fn settings() -> Option<Settings> {
    let matches = cli::command().try_get_matches_from(["mesheryctl", "version"]).ok()?;
    let cli = Cli::from_arg_matches(&matches).ok()?;
    Settings::resolve(&cli.global, &matches).ok()
}
