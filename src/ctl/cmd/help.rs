//! `help`: the help of any command, and topics that belong to none.

use std::fmt::Write;

use crate::base::{Code, Error, Result, env, exit, text};
use crate::ctl::{Ctl, cli, complete, parse};

/// Show the help of a command, or of a topic: environment, exit-codes, formatting, patterns.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl help system context create
  mesheryctl help exit-codes")]
pub struct Args {
    /// A command, word by word, or a topic.
    #[arg(value_name = "COMMAND|TOPIC", add = complete::help())]
    words: Vec<String>,
}

/// A topic: its name and its text.
pub type Topic = (&'static str, fn() -> String);

/// The topics.
pub const TOPICS: [Topic; 4] =
    [("environment", environment), ("exit-codes", exit_codes), ("formatting", formatting), ("patterns", patterns)];

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    if let [word] = args.words.as_slice()
        && let Some((_, topic)) = TOPICS.iter().find(|(name, _)| name == word)
    {
        return ctx.ui.text(&topic());
    }
    ctx.ui.text(&of_command(&args.words, ctx.ui.paint().is_on())?)
}

/// The help of a command, as `help COMMAND` and `GROUP help VERB` show it.
pub(in crate::ctl) fn of_command(words: &[String], color: bool) -> Result<String> {
    check(words)?;
    Ok(parse::help_of(words, true, color))
}

fn check(words: &[String]) -> Result<()> {
    let mut command = cli::command();
    for word in words {
        let Some(next) = command.find_subcommand(word) else {
            let names: Vec<&str> = command.get_subcommands().flat_map(|c| c.get_name_and_visible_aliases()).collect();
            let topics = TOPICS.iter().map(|(name, _)| *name);
            let error = Error::new(Code::UsageError, format!("`{}` is neither a command nor a topic", words.join(" ")))
                .remedy("List the commands with `mesheryctl --help`.");
            return Err(match text::did_you_mean(word, names.into_iter().chain(topics.clone())) {
                Some(near) => error.detail(near),
                None => error.detail(format!("topics: {}", topics.collect::<Vec<_>>().join(", "))),
            });
        };
        command = next.clone();
    }
    Ok(())
}

/// `help environment`.
pub fn environment() -> String {
    let mut text = "Environment variables. A variable that is set but empty counts as unset.\n\n".to_owned();
    for variable in env::VARIABLES {
        let _ = writeln!(text, "  {}\n      {}", variable.name, variable.meaning);
    }
    text.push_str(
        "\nEvery flag has a variable: MESHERY_ and its long name in capitals, `-` as `_`. A flag given on the\n",
    );
    text.push_str("command line wins over its variable. Boolean ones take 1, true, yes or 0, false, no.\n\n");
    for (variable, flags) in flag_variables() {
        let _ = writeln!(text, "  {variable:<26} {flags}");
    }
    text
}

/// Every flag's variable with the flag, in alphabetical order.
fn flag_variables() -> std::collections::BTreeMap<String, String> {
    fn walk(command: &clap::Command, found: &mut std::collections::BTreeMap<String, String>) {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            if let (Some(long), Some(name)) = (arg.get_long(), arg.get_env()) {
                found.insert(name.to_string_lossy().into_owned(), format!("--{long}"));
            }
        }
        command.get_subcommands().filter(|c| !c.is_hide_set()).for_each(|command| walk(command, found));
    }
    let mut found = std::collections::BTreeMap::new();
    walk(&cli::command(), &mut found);
    found
}

/// `help exit-codes`.
pub fn exit_codes() -> String {
    let mut text = "Exit codes. They are the same under every -o.\n\n".to_owned();
    for (code, meaning) in exit::TABLE {
        let _ = writeln!(text, "  {code:>3}  {meaning}");
    }
    text.push_str(
        "
`diff` verbs: 0 same, 1 differs, more than 1 error.
79, 98, 99, the 1 of `diff` and the 1 of `pattern status --exit-code` come only from a completed evaluation, never from a failure of the tool.
A group without a verb (`mesheryctl system`) prints its short help on stderr and ends with 2.
A reader that closes the pipe (`| head`) is no failure: 0.
Every error names a code: `mesheryctl explain CODE` tells more.
",
    );
    text
}

/// `help formatting`.
pub fn formatting() -> String {
    "Output. Data goes to stdout, everything else to stderr.

  -o table           columns for people (default)
  -o wide            more columns
  -o json            one JSON value; lists are arrays, an empty one is []
  -o yaml            the same value as YAML
  -o jsonl           one JSON value a line
  -o name            names only, one a line
  -o jsonpath=EXPR   kubectl's templates, '{.items[*].name}' or '{range .items[*]}{.name}{\"\\n\"}{end}', or RFC 9535,
                     '$[*].name'; a list is found under .items too; a field that does not exist is an error (exit 2)
  -o custom-columns=TITLE:PATH,...
                     columns of your own; a row without the field shows <none>, a field no row has is an error (exit 2)

`mesheryctl schema COMMAND` prints the JSON Schema of a command's -o json.
Under -o json and -o jsonl an error is a JSON object on stderr: code, kind, message, place, details, probable_cause,
suggested_remediation and exit_code.

Colour: --color, NO_COLOR, CLICOLOR_FORCE and TERM=dumb decide; stdout and stderr are judged apart.
Tables are cut to the width of the terminal, or to COLUMNS; in pipes they are not cut.
An empty cell shows `-`. A locale without UTF-8 (LC_ALL=C) makes symbols plain ASCII.
"
    .to_owned()
}

/// `help patterns`.
pub fn patterns() -> String {
    include_str!("help/patterns.txt").to_owned()
}
