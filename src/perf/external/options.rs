//! Options that only one generator has: `-uniform -r 0.0001`, or the same as JSON: `{"uniform": true, "r": 0.0001}`.
//! Only options that are known to be harmless are handed on: a plan may come from somebody who may measure, and not write
//! files or run programs.

use serde_json::Value;

use super::refuse::cannot;
use crate::base::Result;
use crate::model::performance::plan::Plan;

/// An option that a generator has and a plan may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Its name without dashes.
    pub name: &'static str,
    /// Whether it has a value.
    pub has_value: bool,
}

/// A known option without a value.
pub(super) const fn switch(name: &'static str) -> Known {
    Known { name, has_value: false }
}

/// A known option with a value.
pub(super) const fn value(name: &'static str) -> Known {
    Known { name, has_value: true }
}

/// Options that were given, each with its value; a switch has none.
pub(super) type Given = Vec<(&'static str, Option<String>)>;

/// Reads the options of the plan.
///
/// # Errors
/// [`crate::base::Code::GeneratorOption`] for one that is not among `known`, lacks its value, or has one too many.
pub(super) fn read(plan: &Plan, known: &'static [Known]) -> Result<Given> {
    let Some(text) = plan.generator_options.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(Vec::new());
    };
    if text.starts_with('{') { from_json(plan, text, known) } else { from_words(plan, text, known) }
}

/// The value of an option; the last one counts.
pub(super) fn get<'g>(given: &'g Given, name: &str) -> Option<&'g str> {
    given.iter().rev().find(|option| option.0 == name).and_then(|option| option.1.as_deref())
}

fn find(plan: &Plan, name: &str, known: &'static [Known]) -> Result<Known> {
    known.iter().find(|option| option.name == name).copied().ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|option| option.name).collect();
        let error = cannot(plan, &format!("is not given the option `{name}`"));
        let error =
            error.because("it is unknown, set by the plan itself, or would let a plan touch files or run programs");
        if name == "path" || name == "address" {
            return error.remedy("Name the program with its variable; see `mesheryctl help environment`.");
        }
        error.remedy(format!("Options that are handed on: {}.", names.join(", ")))
    })
}

fn from_words(plan: &Plan, text: &str, known: &'static [Known]) -> Result<Given> {
    let mut given = Vec::new();
    let mut words = split(plan, text)?.into_iter();
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let option = find(plan, name.trim_start_matches('-'), known)?;
        let value = match (option.has_value, inline) {
            (true, None) => words.next(),
            (_, inline) => inline,
        };
        given.push(checked(plan, option, value)?);
    }
    Ok(given)
}

fn checked(plan: &Plan, option: Known, value: Option<String>) -> Result<(&'static str, Option<String>)> {
    match (option.has_value, &value) {
        (true, None) => Err(cannot(plan, &format!("wants a value for the option `{}`", option.name))),
        (false, Some(value)) => Err(cannot(plan, &format!("has no value `{value}` for the option `{}`", option.name))),
        _ => Ok((option.name, value)),
    }
}

fn from_json(plan: &Plan, text: &str, known: &'static [Known]) -> Result<Given> {
    let object: serde_json::Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| cannot(plan, "is given options that are no JSON object").because(error))?;
    let mut given = Vec::new();
    for (name, value) in object {
        let option = find(plan, &name, known)?;
        let value = match (option.has_value, value) {
            (_, Value::Null) | (false, Value::Bool(false)) => continue,
            (false, Value::Bool(true)) => None,
            (_, Value::String(text)) => Some(text),
            (_, other) => Some(other.to_string()),
        };
        given.push(checked(plan, option, value)?);
    }
    Ok(given)
}

/// Words as a shell splits them: by blanks, except within quotes.
fn split(plan: &Plan, text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match quote {
            Some(end) if character == end => quote = None,
            None if character == '\'' || character == '"' => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            None if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err(cannot(plan, "is given options with a quote that is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Known] = &[switch("uniform"), value("r")];

    fn of(text: &str) -> Result<Given> {
        read(&Plan { generator_options: Some(text.into()), ..Plan::default() }, KNOWN)
    }

    #[test]
    fn words_and_json_say_the_same() {
        let wanted = vec![("uniform", None), ("r", Some("0.01".to_owned()))];
        for text in ["-uniform -r 0.01", "--uniform --r=0.01", "uniform r='0.01'", r#"{"uniform": true, "r": 0.01}"#] {
            assert_eq!(of(text).unwrap(), wanted, "{text}");
        }
        assert_eq!(of(r#"{"uniform": false}"#).unwrap(), []);
        assert_eq!(of("  ").unwrap(), []);
        assert_eq!(get(&of("-r 1 -r 2").unwrap(), "r"), Some("2"));
    }

    #[test]
    fn what_is_unknown_or_incomplete_is_refused() {
        for (text, part) in [
            ("-json /etc/passwd", "`json`"),
            ("-r", "wants a value"),
            ("-uniform=1", "has no value `1`"),
            ("-r '1", "not closed"),
            ("{", "no JSON object"),
            ("path=/bin/sh", "`path`"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.message().contains(part), "{text}: {error}");
        }
    }
}
