//! The root of the clap tree and the flags that every command takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Command, CommandFactory, Parser};

use super::ui::{ColorChoice, Format, FormatParser};
use super::{cmd, complete};
use crate::model::context::Platform;

/// Where the documentation stands.
pub const DOCS_URL: &str = "https://docs.meshery.io";
/// Where faults are reported.
pub const ISSUES_URL: &str = "https://github.com/meshery/meshery/issues/new";

/// Service mesh management plane: one binary for the command line, the server and a practice cluster.
///
/// Commands talk to the plane of a context. On platform `local`, a command that finds no server running does the work
/// itself, on the same data.
#[derive(Debug, Parser)]
#[command(
    name = "mesheryctl",
    bin_name = "mesheryctl",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:
  mesheryctl version
  mesheryctl system context list -o json
  mesheryctl help environment

Docs:   https://docs.meshery.io
Issues: https://github.com/meshery/meshery/issues"
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: cmd::Command,
}

/// Flags of every command. Each can be set by an environment variable, most in `.meshery.yaml` too.
#[derive(Debug, Clone, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Global {
    /// Context of config.yaml to work with.
    #[arg(short = 'c', long, global = true, value_name = "NAME", help_heading = "Connection", add = complete::contexts())]
    pub context: Option<String>,
    /// Address of the plane, instead of the context's own.
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    pub endpoint: Option<String>,
    /// Token file, instead of the one the context names.
    #[arg(short = 't', long, alias = "tokenPath", global = true, value_name = "FILE", help_heading = "Connection")]
    pub token: Option<PathBuf>,
    /// Config file, instead of ~/.meshery/config.yaml.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection", hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// PEM file with further certificate authorities.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection", hide_short_help = true)]
    pub ca_file: Option<PathBuf>,
    /// Limit for each request and each wait, such as 30s or 5m; a bare number means seconds.
    #[arg(long, global = true, value_name = "TIME", help_heading = "Connection", hide_short_help = true)]
    pub timeout: Option<String>,
    /// Kubeconfig file, instead of KUBECONFIG or ~/.kube/config.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Cluster", hide_short_help = true)]
    pub kubeconfig: Option<PathBuf>,
    /// Kubernetes contexts to work on; repeatable, or separated by commas.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Cluster",
        hide_short_help = true,
        add = complete::kube_contexts()
    )]
    pub kube_context: Vec<String>,
    /// Form of the output [possible: table, wide, json, yaml, jsonl, name, jsonpath=EXPR, custom-columns=SPEC].
    #[arg(
        short = 'o',
        long,
        alias = "output-format",
        global = true,
        value_name = "FORMAT",
        value_parser = FormatParser,
        add = complete::formats(),
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub output: Option<Format>,
    /// Say only what was asked for, no notes and no progress.
    #[arg(short = 'q', long, global = true, help_heading = "Output", hide_short_help = true)]
    pub quiet: bool,
    /// Log what happens, to stderr.
    #[arg(short = 'v', long, global = true, help_heading = "Output", hide_short_help = true)]
    pub verbose: bool,
    /// When to use colour: auto, always or never.
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Output", hide_short_help = true)]
    pub color: Option<ColorChoice>,
    /// Answer every question with yes.
    #[arg(short = 'y', long, global = true, help_heading = "Questions", hide_short_help = true)]
    pub yes: bool,
    /// Never ask; a missing answer is an error that names its flag.
    #[arg(long, global = true, help_heading = "Questions", hide_short_help = true)]
    pub no_input: bool,
}

/// The whole tree, with an environment variable for each flag.
pub fn command() -> Command {
    Cli::command().mut_subcommands(finish).mut_args(with_variable).max_term_width(100)
}

fn finish(command: Command) -> Command {
    command.mut_args(with_variable).mut_subcommands(finish)
}

/// The environment variable of a flag: `MESHERY_` and its long name; `--token` names a file, so its variable does too.
pub fn variable(long: &str) -> String {
    match long {
        "token" => "MESHERY_TOKEN_FILE".to_owned(),
        other => format!("MESHERY_{}", other.to_uppercase().replace('-', "_")),
    }
}

/// A variable that is set but empty counts as unset, which clap does not know; it is left off then.
fn with_variable(arg: clap::Arg) -> clap::Arg {
    // MESHERY_TOKEN_FILE is the variable of --token; a token to log in with comes as MESHERY_TOKEN.
    if arg.get_long() == Some("token-file") {
        return arg;
    }
    let Some(name) = arg.get_long().map(variable) else { return arg };
    let arg = match arg.get_action() {
        ArgAction::Set | ArgAction::Append => arg,
        ArgAction::SetTrue => arg.value_parser(FalseyValueParser::new()),
        _ => return arg,
    };
    if is_empty(&name) {
        return arg;
    }
    arg.env(name).hide_env(true)
}

fn is_empty(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value: OsString| value.is_empty())
}

/// Reads a platform's name, and offers the names to help and completion.
pub fn platform_parser() -> impl TypedValueParser<Value = Platform> {
    PossibleValuesParser::new(Platform::NAMES).try_map(|name| name.parse::<Platform>())
}
