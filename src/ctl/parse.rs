//! From raw arguments to a command, or to help or a usage error.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, FromArgMatches};

use super::cli::{self, Cli};
use super::cmd;
use super::ui::{self, ColorChoice, Format, Ui};
use crate::base::{Code, Error, env, exit};

/// What the arguments mean.
pub enum Parsed {
    /// Run a command.
    Run(Box<Cli>, Box<ArgMatches>),
    /// Everything is said; end with this code.
    Done(u8),
}

/// Parses. Help and version go to stdout, mistakes to stderr.
pub fn parse(args: &[OsString]) -> Parsed {
    let mut command = cli::command();
    let error = match command.try_get_matches_from_mut(args) {
        Ok(matches) => match Cli::from_arg_matches(&matches) {
            Ok(parsed) => return Parsed::Run(Box::new(parsed), Box::new(matches)),
            Err(error) => error,
        },
        Err(error) => error,
    };
    let ui = Ui::new(early_options(args));
    if let Some(words) = help_of_group(args) {
        let shown = cmd::help::of_command(&words, ui.paint().is_on()).and_then(|text| ui.text(&text));
        return Parsed::Done(shown.map_or_else(|error| super::run::end(&ui, &error), |()| exit::OK));
    }
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let text = match (is_help, wants_help(args)) {
        (true, _) => Some(styled(&error.render(), ui.paint().is_on())),
        (false, Some(long)) => Some(help_of(&command_path(args), long, ui.paint().is_on())),
        (false, None) => None,
    };
    Parsed::Done(match text {
        Some(text) => match ui.text(&text) {
            Ok(()) => exit::OK,
            Err(error) => super::run::end(&ui, &error),
        },
        None => mistake(&ui, &error, args),
    })
}

fn mistake(ui: &Ui, error: &clap::Error, args: &[OsString]) -> u8 {
    let bare = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if bare && !ui.format().has_json_errors() {
        // A group without a verb: its short help, as guidance and not as data.
        let _ = ui.warn_block(&error.to_string());
        return exit::code(Code::UsageError.kind());
    }
    let error = if bare { missing_verb(args) } else { usage_error(error, args) };
    super::run::end(ui, &error)
}

fn missing_verb(args: &[OsString]) -> Error {
    let path = command_path(args);
    let group = find(&path);
    let verbs: Vec<&str> =
        group.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name).collect();
    Error::new(Code::UsageError, format!("`{}` needs a subcommand", joined(&path)))
        .detail(format!("subcommands: {}", verbs.join(", ")))
        .remedy(see_help(&path))
}

/// clap's paragraphs as an error of ours, so that it looks like every other one, also as JSON.
fn usage_error(error: &clap::Error, args: &[OsString]) -> Error {
    let text = error.to_string();
    let mut message = String::new();
    let mut details = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if message.is_empty() {
            line.strip_prefix("error: ").unwrap_or(line).clone_into(&mut message);
        } else if !line.starts_with("For more information") {
            details.push(line.to_owned());
        }
    }
    details.extend(variable_at_fault(error, args));
    Error::new(Code::UsageError, plain_words(&message)).details(details).remedy(see_help(&command_path(args)))
}

/// What the standard library says of numbers, in words for whoever typed one.
fn plain_words(message: &str) -> String {
    message
        .replace("invalid digit found in string", "it is not a whole number")
        .replace("cannot parse integer from empty string", "it is empty, not a whole number")
        .replace("number too large to fit in target type", "the number is too large")
        .replace("number too small to fit in target type", "the number is too small")
}

/// Which environment variable a wrong value came from, when the flag that it stands for was not given.
fn variable_at_fault(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (flag, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let long = flag.split([' ', '=']).next()?.strip_prefix("--")?;
    let is_given = |arg: &OsString| {
        arg.to_str().is_some_and(|arg| arg.strip_prefix("--").is_some_and(|arg| arg.split('=').next() == Some(long)))
    };
    let name = cli::variable(long);
    let is_at_fault = !args.iter().any(is_given) && env::get(&name).is_some_and(|set| set.contains(value));
    is_at_fault.then(|| format!("the value comes from the environment variable {name}"))
}

fn see_help(path: &[String]) -> String {
    format!("See `{} --help`.", joined(path))
}

fn joined(path: &[String]) -> String {
    std::iter::once("mesheryctl").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// Help wins over mistakes: whether `--help` (long) or `-h` stands before a `--`.
fn wants_help(args: &[OsString]) -> Option<bool> {
    args.iter().skip(1).take_while(|arg| *arg != "--").find_map(|arg| match arg.to_str() {
        Some("--help") => Some(true),
        Some("-h") => Some(false),
        _ => None,
    })
}

/// `GROUP help VERB`: the words of the command whose help is wanted.
fn help_of_group(args: &[OsString]) -> Option<Vec<String>> {
    let words: Vec<&str> = args.iter().skip(1).take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str()).collect();
    let mut command = cli::command();
    let mut path = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if let Some(next) = command.find_subcommand(word) {
            path.push((*word).to_owned());
            command = next.clone();
        } else if *word == "help" && !path.is_empty() && command.has_subcommands() {
            let verbs = words.get(at + 1..)?.iter().take_while(|word| !word.starts_with('-'));
            path.extend(verbs.map(|word| (*word).to_owned()));
            return Some(path);
        }
    }
    None
}

/// The subcommands that the arguments name, as far as they exist.
fn command_path(args: &[OsString]) -> Vec<String> {
    let mut command = cli::command();
    let mut path = Vec::new();
    for arg in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
        let Some(next) = command.find_subcommand(arg) else { continue };
        path.push(next.get_name().to_owned());
        command = next.clone();
    }
    path
}

/// The command at a path; the last one that exists when the path is too long.
pub fn find(path: &[String]) -> clap::Command {
    let mut command = cli::command();
    command.build();
    for name in path {
        match command.find_subcommand(name) {
            Some(next) => command = next.clone(),
            None => break,
        }
    }
    command
}

/// The help of the command at a path.
pub fn help_of(path: &[String], long: bool, color: bool) -> String {
    let mut command = find(path);
    let text = if long { command.render_long_help() } else { command.render_help() };
    styled(&text, color)
}

fn styled(text: &clap::builder::StyledStr, color: bool) -> String {
    if color { text.ansi().to_string() } else { text.to_string() }
}

/// The output options as far as they can be known before parsing succeeded.
pub fn early_options(args: &[OsString]) -> ui::Options {
    let words: Vec<&str> = args.iter().skip(1).take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str()).collect();
    let value =
        |long: &[&str], short: Option<&str>, name: &str| flag_value(&words, long, short).or_else(|| env::get(name));
    let format = value(&["--output", "--output-format"], Some("-o"), "MESHERY_OUTPUT");
    let color = value(&["--color"], None, "MESHERY_COLOR");
    ui::Options {
        format: format.and_then(|text| Format::parse(&text).ok()).unwrap_or_default(),
        color: match color.as_deref() {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => ColorChoice::Auto,
        },
        ..ui::Options::default()
    }
}

fn flag_value(words: &[&str], long: &[&str], short: Option<&str>) -> Option<String> {
    for (at, word) in words.iter().enumerate() {
        if long.contains(word) || short == Some(*word) {
            return words.get(at + 1).map(|value| (*value).to_owned());
        }
        if let Some((name, value)) = word.split_once('=')
            && (long.contains(&name) || short == Some(name))
        {
            return Some(value.to_owned());
        }
        if let Some(value) = short.and_then(|short| word.strip_prefix(short)).filter(|_| !word.starts_with("--")) {
            return Some(value.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        cli::command().debug_assert();
    }

    #[test]
    fn the_output_form_is_found_in_every_spelling() {
        for words in [&["-o", "json"][..], &["-ojson"], &["-o=json"], &["--output=json"], &["--output-format", "json"]]
        {
            assert_eq!(
                flag_value(words, &["--output", "--output-format"], Some("-o")).as_deref(),
                Some("json"),
                "{words:?}"
            );
        }
    }
}
