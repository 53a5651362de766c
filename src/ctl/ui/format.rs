//! The forms of output and how `-o` is read.

use clap::builder::{PossibleValue, TypedValueParser};

use super::jsonpath::{Path, Template};
use crate::base::text;

/// The words `-o` takes, for help, completion and errors.
pub const NAMES: &[&str] = &["table", "wide", "json", "yaml", "jsonl", "name", "jsonpath=EXPR", "custom-columns=SPEC"];

/// The words `-o` takes besides where a verb draws.
pub const PICTURES: &[&str] = &["text", "dot", "mermaid", "svg", "png"];

/// A picture of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// Characters, for a terminal.
    Text,
    /// The language of Graphviz.
    Dot,
    /// A Mermaid flowchart.
    Mermaid,
    /// SVG.
    Svg,
    /// PNG.
    Png,
}

impl Picture {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "text" => Picture::Text,
            "dot" => Picture::Dot,
            "mermaid" => Picture::Mermaid,
            "svg" => Picture::Svg,
            "png" => Picture::Png,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Picture::Text => "text",
            Picture::Dot => "dot",
            Picture::Mermaid => "mermaid",
            Picture::Svg => "svg",
            Picture::Png => "png",
        }
    }
}

/// A form of output.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// More columns.
    Wide,
    /// JSON, indented.
    Json,
    /// YAML, the same value as JSON.
    Yaml,
    /// One JSON value a line.
    Jsonl,
    /// Names, one a line.
    Name,
    /// The parts a JSONPath template selects.
    JsonPath(Template),
    /// Columns of the user's own.
    CustomColumns(Vec<CustomColumn>),
    /// A picture, of the verbs that draw.
    Picture(Picture),
}

/// One column of `custom-columns=TITLE:PATH,…`.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomColumn {
    /// Heading.
    pub title: String,
    /// Path from the row.
    pub path: Path,
}

impl Format {
    /// Reads the word after `-o`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "table" => return Ok(Format::Table),
            "wide" => return Ok(Format::Wide),
            "json" => return Ok(Format::Json),
            "yaml" => return Ok(Format::Yaml),
            "jsonl" => return Ok(Format::Jsonl),
            "name" => return Ok(Format::Name),
            _ => {}
        }
        if let Some(picture) = Picture::of(text) {
            return Ok(Format::Picture(picture));
        }
        if let Some(expression) = text.strip_prefix("jsonpath=") {
            return Template::parse(expression).map(Format::JsonPath);
        }
        if let Some(columns) = text.strip_prefix("custom-columns=") {
            return columns.split(',').map(custom_column).collect::<Result<_, _>>().map(Format::CustomColumns);
        }
        let near = text::did_you_mean(text, NAMES.iter().copied());
        let near = near.map(|near| format!("; {near}")).unwrap_or_default();
        Err(format!("expected one of {}{near}", NAMES.join(", ")))
    }

    /// The word after `-o`, without an expression.
    pub fn word(&self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Wide => "wide",
            Format::Json => "json",
            Format::Yaml => "yaml",
            Format::Jsonl => "jsonl",
            Format::Name => "name",
            Format::JsonPath(_) => "jsonpath",
            Format::CustomColumns(_) => "custom-columns",
            Format::Picture(picture) => picture.word(),
        }
    }

    /// Whether people read it, so that an empty list is worth a note.
    pub fn is_table(&self) -> bool {
        matches!(self, Format::Table | Format::Wide)
    }

    /// Whether errors are JSON objects.
    pub fn has_json_errors(&self) -> bool {
        matches!(self, Format::Json | Format::Jsonl)
    }
}

fn custom_column(text: &str) -> Result<CustomColumn, String> {
    let (title, path) = text
        .split_once(':')
        .filter(|(title, path)| !title.is_empty() && !path.is_empty())
        .ok_or_else(|| format!("`{text}` is not TITLE:PATH, for example custom-columns=NAME:.name,ID:.id"))?;
    Ok(CustomColumn { title: title.to_owned(), path: Path::parse(path)? })
}

/// Reads `-o` for clap, with a clear error and the words for completion.
#[derive(Debug, Clone, Copy)]
pub struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Format, clap::Error> {
        let inner = |text: &str| Format::parse(text);
        TypedValueParser::parse_ref(&inner, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(NAMES.iter().filter(|name| !name.contains('=')).map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_words_list_the_right_ones_and_the_nearest() {
        assert_eq!(
            Format::parse("jsn").unwrap_err(),
            "expected one of table, wide, json, yaml, jsonl, name, jsonpath=EXPR, custom-columns=SPEC; did you mean json, jsonl?"
        );
        assert!(Format::parse("custom-columns=X").unwrap_err().contains("TITLE:PATH"));
        assert_eq!(Format::parse("wide").unwrap(), Format::Wide);
    }
}
