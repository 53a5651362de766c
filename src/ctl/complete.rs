//! Dynamic completion of names. Silent on failure, and never slower than a moment: a shell waits for the answer.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;
use std::time::Duration;

use clap::FromArgMatches;
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use futures_util::future::try_join;

use super::ConnectFn;
use super::cli::{self, Cli};
use super::cmd::{help, schema};
use super::settings::Settings;
use super::ui::format::{NAMES, PICTURES};
use crate::base::{Code, Error, Result, env};
use crate::client::{Client, ResultsWanted};
use crate::model::performance::plan::Generator;
use crate::plane::adapter::ALL;

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

/// Names of stored and applied patterns, asked of the plane.
pub fn patterns() -> ArgValueCandidates {
    asked(async |client| {
        let (stored, applied) = try_join(client.all_patterns(""), client.applied()).await.ok()?;
        let stored = stored.into_iter().map(|pattern| (pattern.name, pattern.id.to_string()));
        let mut names: BTreeMap<String, String> =
            applied.applied.into_iter().map(|set| (set.pattern, format!("applied to {}", set.context))).collect();
        names.extend(stored);
        Some(names.into_iter().collect())
    })
}

/// Contexts of the kubeconfig, as the plane reads it.
pub fn kube_contexts() -> ArgValueCandidates {
    asked(async |client| {
        let contexts = client.kube_contexts().await.ok()?;
        Some(contexts.into_iter().map(|context| (context.name, context.server)).collect())
    })
}

/// Ids of operations, asked of the plane.
pub fn operations() -> ArgValueCandidates {
    asked(async |client| {
        let operations = client.operations(0, 0).await.ok()?.operations;
        Some(operations.into_iter().map(|operation| (operation.id.to_string(), operation.subject)).collect())
    })
}

/// Names of performance profiles, asked of the plane.
pub fn perf_profiles() -> ArgValueCandidates {
    asked(async |client| {
        let profiles = client.perf_profiles("").await.ok()?;
        Some(profiles.into_iter().map(|profile| (profile.name, profile.id.to_string())).collect())
    })
}

/// Ids of results of measurements, newest first, asked of the plane.
pub fn perf_results() -> ArgValueCandidates {
    asked(async |client| {
        let wanted = ResultsWanted { page_size: 100, ..ResultsWanted::default() };
        let results = client.perf_results(wanted).await.ok()?.results;
        Some(results.into_iter().map(|result| (result.meshery_id.to_string(), result.name)).collect())
    })
}

/// Names of schedules, asked of the plane.
pub fn schedules() -> ArgValueCandidates {
    asked(async |client| {
        let schedules = client.schedules().await.ok()?;
        Some(schedules.into_iter().map(|schedule| (schedule.name, schedule.cron_expression)).collect())
    })
}

/// Addresses of adapters, asked of the plane.
pub fn adapters() -> ArgValueCandidates {
    asked(async |client| {
        let adapters = client.adapters().await.ok()?;
        Some(adapters.into_iter().map(|adapter| (adapter.location, adapter.name)).collect())
    })
}

/// Meshes that have an adapter.
pub fn meshes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| ALL.iter().map(|adapter| candidate(adapter.mesh(), adapter.name)).collect())
}

/// Programs that make load.
pub fn generators() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        Generator::ALL.iter().map(|generator| CompletionCandidate::new(generator.name())).collect()
    })
}

/// Names of providers, asked of the plane.
pub fn providers() -> ArgValueCandidates {
    asked(async |client| {
        let providers = client.providers().await.ok()?;
        Some(providers.into_iter().map(|(name, provider)| (name, provider.provider_type)).collect())
    })
}

/// Release channels.
pub fn channels() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        vec![
            candidate("stable", "the newest release"),
            candidate("edge", "the newest build"),
            candidate("edge-latest", "the same as edge"),
            candidate("stable-latest", "the same as stable"),
        ]
    })
}

/// Forms of output; those that need an expression end with `=`.
pub fn formats() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let word = |name: &str| name.find('=').map_or(name.len(), |at| at + 1);
        let draws = std::env::args().any(|word| word == "graph");
        let pictures = PICTURES.iter().filter(|_| draws);
        pictures.chain(NAMES).map(|name| candidate(&name[..word(name)], "")).collect()
    })
}

/// Commands, word by word, and topics.
pub fn help() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let before = words_before("help");
        let mut command = cli::command();
        for word in &before {
            let Some(next) = command.find_subcommand(word) else { return Vec::new() };
            command = next.clone();
        }
        let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        let mut names: Vec<String> = verbs.map(|verb| verb.get_name().to_owned()).collect();
        if before.is_empty() {
            names.extend(help::TOPICS.iter().map(|(name, _)| (*name).to_owned()));
        }
        beginning(current, &names)
    })
}

/// Commands that have a schema, word by word.
pub fn schemas() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let before = words_before("schema");
        let next = |name: &str| {
            let mut words = name.split(' ');
            before.iter().all(|word| words.next() == Some(word)).then(|| words.next().map(str::to_owned))?
        };
        let mut names: Vec<String> = schema::SCHEMAS.iter().filter_map(|(name, _)| next(name)).collect();
        names.dedup();
        beginning(current, &names)
    })
}

/// The words between `verb` and the one that is being typed, which is the last.
fn words_before(verb: &str) -> Vec<String> {
    let mut words: Vec<String> = std::env::args().skip_while(|word| word != verb).skip(1).collect();
    words.pop();
    words.retain(|word| !word.starts_with('-'));
    words
}

fn beginning(current: &OsStr, names: &[String]) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    names.iter().filter(|name| name.starts_with(&*current)).map(|name| candidate(name, "")).collect()
}

/// Names with a word about each, which `ask` has of the plane within a moment.
fn asked<A>(ask: A) -> ArgValueCandidates
where
    A: AsyncFn(Client) -> Option<Vec<(String, String)>> + Send + Sync + 'static,
{
    let found = move || {
        let request = settings()?.connect_request().ok()?;
        let connect = CONNECT.get()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let found = runtime.block_on(async {
            let names = async { ask(connect(request).await.ok()?).await };
            tokio::time::timeout(LIMIT, names).await.ok()?
        });
        runtime.shutdown_background();
        found
    };
    ArgValueCandidates::new(move || {
        found().into_iter().flatten().map(|(name, about)| candidate(&name, &about)).collect::<Vec<_>>()
    })
}

fn candidate(name: &str, help: &str) -> CompletionCandidate {
    let help = (!help.is_empty()).then(|| help.to_owned().into());
    CompletionCandidate::new(OsStr::new(name)).help(help)
}

/// Settings of the environment and the files; what stands on the unfinished line is not known.
fn settings() -> Option<Settings> {
    let matches = cli::command().try_get_matches_from(["mesheryctl", "version"]).ok()?;
    let cli = Cli::from_arg_matches(&matches).ok()?;
    Settings::resolve(&cli.global, &matches).ok()
}
