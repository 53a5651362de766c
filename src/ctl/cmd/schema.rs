//! `schema`: the JSON Schema of a command's `-o json`.

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::{adapter, change, explain, pattern, perf, probe, provider, quickstart, sample, self_, system, version};
use crate::base::{Code, Error, Result, text};
use crate::ctl::ui::{Column, ErrorObject, Rendered};
use crate::ctl::{Ctl, complete};
use crate::model::operation::Operation;

/// Print the JSON Schema of a command's -o json. Without a command, list those that have one.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl schema
  mesheryctl schema system context list
  mesheryctl schema error")]
pub struct Args {
    /// A command, word by word; `error` is the object on stderr, `event` a line of --events,
    /// `result` a line of -o jsonl of the verbs that change a cluster.
    #[arg(value_name = "COMMAND", add = complete::schemas())]
    command: Vec<String>,
}

/// A command and its schema.
pub type Entry = (&'static str, fn() -> Schema);

/// Every command with structured output. A verb is added here together with its file.
pub const SCHEMAS: &[Entry] = &[
    ("adapter add", || schema_for!(change::Change)),
    ("adapter list", || schema_for!(Vec<adapter::Adapter>)),
    ("adapter ping", || schema_for!(Vec<adapter::Pinged>)),
    ("adapter remove", || schema_for!(change::Change)),
    ("adapter view", || schema_for!(adapter::Adapter)),
    ("app import", || schema_for!(crate::wire::rest::exchange::ImportReply)),
    ("app list", || schema_for!(Vec<pattern::list::Row>)),
    ("app offboard", || schema_for!(Vec<Operation>)),
    ("app onboard", || schema_for!(Vec<Operation>)),
    ("app view", || schema_for!(OneOrAll<crate::model::pattern::PatternRecord>)),
    ("config view", || schema_for!(Vec<crate::ctl::settings::Entry>)),
    ("error", || schema_for!(ErrorObject)),
    ("event", || schema_for!(crate::model::event::Event)),
    ("explain", || schema_for!(OneOrAll<explain::Page>)),
    ("operation cancel", || schema_for!(crate::model::operation::Operation)),
    ("operation list", || schema_for!(Vec<crate::model::operation::Operation>)),
    ("operation view", || schema_for!(crate::model::operation::Operation)),
    ("pattern adopt", || schema_for!(Vec<Operation>)),
    ("pattern apply", || schema_for!(Vec<pattern::dry_run::Shown>)),
    ("pattern catalog list", || schema_for!(Vec<crate::pattern::catalog::Entry>)),
    ("pattern catalog view", || schema_for!(OneOrAll<crate::pattern::catalog::Entry>)),
    ("pattern delete", || schema_for!(Vec<Operation>)),
    ("pattern diff", || schema_for!(pattern::diff::View)),
    ("pattern drift", || schema_for!(Vec<crate::wire::rest::plan::PatternDrift>)),
    ("pattern export", || schema_for!(pattern::export::View)),
    ("pattern graph", || schema_for!(crate::pattern::graph::Graph)),
    ("pattern history", || schema_for!(pattern::history::View)),
    ("pattern import", || schema_for!(crate::wire::rest::exchange::ImportReply)),
    ("pattern list", || schema_for!(Vec<pattern::list::Row>)),
    ("pattern plan", || schema_for!(Vec<crate::wire::rest::plan::PatternPlan>)),
    ("pattern render", || schema_for!(OneOrAll<serde_json::Map<String, serde_json::Value>>)),
    ("pattern rollback", || schema_for!(Vec<Operation>)),
    ("pattern search", || schema_for!(Vec<crate::pattern::catalog::Entry>)),
    ("pattern status", || schema_for!(OneOrAll<crate::wire::rest::PatternStatus>)),
    ("pattern validate", || schema_for!(Vec<pattern::validate::Checked>)),
    ("pattern view", || schema_for!(OneOrAll<crate::model::pattern::PatternRecord>)),
    ("perf compare", || schema_for!(perf::compare::View)),
    ("perf convert", || schema_for!(perf::convert::View)),
    ("perf meshmark", || schema_for!(perf::meshmark::View)),
    ("perf optimise", || schema_for!(crate::perf::optimise::Report)),
    ("perf profile create", || schema_for!(crate::model::performance::profile::Profile)),
    ("perf profile delete", || schema_for!(Vec<crate::model::performance::profile::Profile>)),
    ("perf profile edit", || schema_for!(crate::model::performance::profile::Profile)),
    ("perf profile list", || schema_for!(Vec<crate::model::performance::profile::Profile>)),
    ("perf profile view", || schema_for!(crate::model::performance::profile::Profile)),
    ("perf result delete", || schema_for!(Vec<perf::result::list::Row>)),
    ("perf result import", || schema_for!(perf::result::list::Row)),
    ("perf result list", || schema_for!(Vec<perf::result::list::Row>)),
    ("perf result view", || schema_for!(crate::model::performance::result::PerfResult)),
    ("perf run", || schema_for!(perf::run::Printed)),
    ("perf schedule create", || schema_for!(crate::model::performance::profile::Schedule)),
    ("perf schedule delete", || schema_for!(change::Change)),
    ("perf schedule list", || schema_for!(Vec<crate::model::performance::profile::Schedule>)),
    ("perf schedule pause", || schema_for!(crate::model::performance::profile::Schedule)),
    ("perf schedule resume", || schema_for!(crate::model::performance::profile::Schedule)),
    ("perf selftest", || schema_for!(perf::selftest::Shown)),
    ("perf tune", || schema_for!(crate::perf::tune::Report)),
    ("probe grpc", || schema_for!(probe::Probed)),
    ("probe http", || schema_for!(probe::Probed)),
    ("provider token create", || schema_for!(provider::token::create::View)),
    ("provider token list", || schema_for!(Vec<crate::model::account::AccountSession>)),
    ("provider token revoke", || schema_for!(change::Change)),
    ("provider user add", || schema_for!(provider::user::Made)),
    ("provider user delete", || schema_for!(change::Change)),
    ("provider user hash", || schema_for!(provider::user::hash::View)),
    ("provider user list", || schema_for!(Vec<crate::model::account::Account>)),
    ("provider user reset", || schema_for!(provider::user::Made)),
    ("quickstart", || schema_for!(quickstart::Shown)),
    ("result", || schema_for!(crate::model::pattern::ObjectResult)),
    ("sample start", || schema_for!(sample::View)),
    ("sample status", || schema_for!(sample::View)),
    ("sample stop", || schema_for!(system::stop::View)),
    ("schema", || schema_for!(Shown)),
    ("self rollback", || schema_for!(self_::rollback::View)),
    ("self status", || schema_for!(self_::status::View)),
    ("self uninstall", || schema_for!(self_::uninstall::View)),
    ("self update", || schema_for!(self_::update::View)),
    ("system channel set", || schema_for!(change::Change)),
    ("system channel switch", || schema_for!(change::Change)),
    ("system channel view", || schema_for!(Vec<system::channel::view::View>)),
    ("system chart", || schema_for!(system::chart::View)),
    ("system check", || schema_for!(Vec<system::check::Check>)),
    ("system config aks", || schema_for!(Vec<system::config::Kept>)),
    ("system config eks", || schema_for!(Vec<system::config::Kept>)),
    ("system config gke", || schema_for!(Vec<system::config::Kept>)),
    ("system config kubeconfig", || schema_for!(Vec<system::config::Kept>)),
    ("system config minikube", || schema_for!(Vec<system::config::Kept>)),
    ("system context create", || schema_for!(change::Change)),
    ("system context delete", || schema_for!(change::Change)),
    ("system context list", || schema_for!(Vec<system::context::view::View>)),
    ("system context switch", || schema_for!(change::Change)),
    ("system context view", || schema_for!(OneOrAll<system::context::view::View>)),
    ("system dashboard", || schema_for!(system::dashboard::View)),
    ("system image build", || schema_for!(system::image::View)),
    ("system image push", || schema_for!(system::image::View)),
    ("system image save", || schema_for!(system::image::View)),
    ("system login", || schema_for!(system::login::View)),
    ("system logout", || schema_for!(system::logout::View)),
    ("system logs", || schema_for!(Vec<system::logs::LogLine>)),
    ("system manifest", || schema_for!(system::manifest::View)),
    ("system provider list", || schema_for!(Vec<crate::model::provider::Provider>)),
    ("system provider reset", || schema_for!(change::Change)),
    ("system provider set", || schema_for!(change::Change)),
    ("system provider switch", || schema_for!(system::status::Status)),
    ("system provider view", || schema_for!(Vec<system::provider::view::View>)),
    ("system reset", || schema_for!(system::status::Status)),
    ("system restart", || schema_for!(system::status::Status)),
    ("system start", || schema_for!(system::status::Status)),
    ("system status", || schema_for!(system::status::Status)),
    ("system stop", || schema_for!(system::stop::View)),
    ("system token create", || schema_for!(change::Change)),
    ("system token delete", || schema_for!(change::Change)),
    ("system token list", || schema_for!(Vec<system::token::view::View>)),
    ("system token set", || schema_for!(change::Change)),
    ("system token view", || schema_for!(OneOrAll<system::token::view::View>)),
    ("system update", || schema_for!(Vec<system::update::Updated>)),
    ("version", || schema_for!(version::Versions)),
];

/// What verbs show that take a name or show everything.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is wanted")]
enum OneOrAll<T> {
    /// The named one.
    One(T),
    /// All of them.
    All(Vec<T>),
}

/// What this verb shows: the list of commands, or a schema, which is an object.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is wanted")]
enum Shown {
    /// Without a command.
    List(Vec<Row>),
    /// A JSON Schema.
    Schema(serde_json::Map<String, serde_json::Value>),
}

#[derive(Serialize, JsonSchema)]
struct Row {
    /// The command that has a schema.
    command: &'static str,
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let command = args.command.join(" ");
    if command.is_empty() {
        return list(ctx);
    }
    let Some((_, schema)) = SCHEMAS.iter().find(|(name, _)| *name == command) else { return Err(unknown(&command)) };
    let schema = schema();
    let text = format!("{:#}", schema.as_value());
    ctx.ui.print(&Rendered::one(&schema, text)?.names([command]))
}

fn list(ctx: &Ctl) -> Result<()> {
    let rows: Vec<Row> = SCHEMAS.iter().map(|(command, _)| Row { command }).collect();
    let columns = [Column::new("COMMAND", |row: &Row| row.command.to_owned())];
    ctx.ui.print(&Rendered::list("schemas", &rows, &columns)?.names(SCHEMAS.iter().map(|(name, _)| *name)))
}

fn unknown(command: &str) -> Error {
    let error = Error::new(Code::SchemaUnknown, format!("`{command}` has no schema"));
    match text::did_you_mean(command, SCHEMAS.iter().map(|(name, _)| *name)) {
        Some(near) => error.detail(near),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::cli;

    /// Commands that print text for a shell or a person, whatever `-o` says, or that run until stopped.
    const TEXT: &[&str] = &[
        "completion",
        "help",
        "man",
        "serve server",
        "serve adapter",
        "serve sample",
        "serve provider",
        "serve worker",
        "perf profile export",
        "perf result export",
    ];

    #[test]
    fn every_command_has_a_schema_or_prints_text() {
        fn walk(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
            let verbs: Vec<_> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).collect();
            if verbs.is_empty() && !TEXT.contains(&path) && !SCHEMAS.iter().any(|(name, _)| *name == path) {
                missing.push(path.to_owned());
            }
            for verb in verbs {
                walk(verb, format!("{path} {}", verb.get_name()).trim(), missing);
            }
        }
        let mut missing = Vec::new();
        walk(&cli::command(), "", &mut missing);
        assert!(missing.is_empty(), "add a row to SCHEMAS for: {missing:?}");
    }

    #[test]
    fn schemas_are_named_after_commands_in_order() {
        assert!(SCHEMAS.windows(2).all(|pair| pair[0].0 < pair[1].0), "keep SCHEMAS sorted");
    }
}
