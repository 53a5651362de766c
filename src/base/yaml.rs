//! The only door to YAML.
//!
//! Two readers, on purpose: files of our own are read with `serde_yaml`; what ends in Kubernetes is read and
//! written with serde-saphyr, which reads scalars as kubectl does and quotes `on`, `yes` and the like.

mod located;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use located::{Located, Shape, Spot, read_located};

use super::error::{Code, Error, Place, Result};

/// A failed read: what is wrong and where, in the words of the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The parser's message without position.
    pub message: String,
    /// Line from 1, where known.
    pub line: Option<usize>,
    /// Column from 1, where known.
    pub column: Option<usize>,
}

impl Fault {
    /// The fault as an error of `code` in `file`.
    pub fn into_error(self, code: Code, file: &str) -> Error {
        let place = Place { file: file.to_owned(), line: self.line, column: self.column };
        Error::new(code, self.message).at(place)
    }
}

/// Reads a file of our own.
#[expect(clippy::disallowed_methods, reason = "this is the one door to YAML")]
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_yaml::from_str(text).map_err(|error| {
        let place = error.location();
        Fault {
            message: strip_position(&error.to_string()),
            line: place.as_ref().map(serde_yaml::Location::line),
            column: place.as_ref().map(serde_yaml::Location::column),
        }
    })
}

/// Writes a file of our own, or output for people and scripts.
#[expect(clippy::disallowed_methods, reason = "this is the one door to YAML")]
pub fn write<T: Serialize>(value: &T) -> Result<String> {
    serde_yaml::to_string(value).map_err(|error| Error::internal("a value cannot be written as YAML").because(error))
}

/// Reads what ends in Kubernetes, with kubectl's reading of scalars. A document must stand alone.
pub fn read_kubernetes(text: &str) -> Result<serde_json::Value, Fault> {
    serde_saphyr::from_str(text).map_err(|error| saphyr_fault(&error))
}

/// Reads every document of a stream, as kubectl does; empty documents are left out.
pub fn read_kubernetes_stream(text: &str) -> Result<Vec<serde_json::Value>, Fault> {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(text).map_err(|error| saphyr_fault(&error))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// As [`read_kubernetes_stream`], each document with the line it begins at, from 1.
pub fn read_kubernetes_documents(text: &str) -> Result<Vec<(usize, serde_json::Value)>, Fault> {
    let documents: Vec<serde_saphyr::Spanned<serde_json::Value>> =
        serde_saphyr::from_multiple(text).map_err(|error| saphyr_fault(&error))?;
    let line = |document: &serde_saphyr::Spanned<serde_json::Value>| {
        usize::try_from(document.referenced.line()).unwrap_or_default().max(1)
    };
    let written = documents.into_iter().filter(|document| !document.value.is_null());
    Ok(written.map(|document| (line(&document), document.value)).collect())
}

/// Writes what ends in Kubernetes; strings that YAML 1.1 readers would take for something else are quoted.
pub fn write_kubernetes<T: Serialize>(value: &T) -> Result<String> {
    serde_saphyr::to_string(value).map_err(|error| Error::internal("a value cannot be written as YAML").because(error))
}

fn saphyr_fault(error: &serde_saphyr::Error) -> Fault {
    let location = error.location();
    Fault {
        message: plain(&error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter)),
        line: location.as_ref().and_then(|place| usize::try_from(place.line()).ok()),
        column: location.as_ref().and_then(|place| usize::try_from(place.column()).ok()),
    }
}

/// The parser's message without its position, which is told apart, and without advice to programmers.
fn plain(text: &str) -> String {
    let line = text.lines().next().unwrap_or(text);
    if line.contains("budget") {
        return "the file is too large or nested too deeply to be read".to_owned();
    }
    let line = line.trim_start_matches("error: ");
    let line = match line.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((position, rest)) if position.chars().all(|c| c.is_ascii_digit() || c == ' ' || "column".contains(c)) => {
            rest
        }
        _ => line,
    };
    strip_position(line.split(", set DuplicateKeyPolicy").next().unwrap_or(line))
}

/// Parsers end their messages with ` at line L column C`; the place is told apart.
fn strip_position(text: &str) -> String {
    match text.find(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kubernetes_scalars_read_as_kubectl_reads_them() {
        let value = read_kubernetes("a: yes\nb: \"yes\"\nc: 0.5\nd: 1_000\ne: null\nf: 017").unwrap();
        assert_eq!(value["a"], json!(true));
        assert_eq!(value["b"], json!("yes"));
        assert_eq!(value["c"], json!(0.5));
        assert_eq!(value["e"], json!(null));
    }

    #[test]
    fn kubernetes_strings_that_look_like_booleans_are_quoted() {
        let text = write_kubernetes(&json!({"a": "on", "b": "yes", "c": "1.10"})).unwrap();
        assert_eq!(read_kubernetes(&text).unwrap(), json!({"a": "on", "b": "yes", "c": "1.10"}));
        assert!(text.contains("\"on\"") || text.contains("'on'"), "{text}");
    }

    #[test]
    fn documents_of_a_stream_are_told_apart_as_yaml_does() {
        let text = "# a comment\r\n--- # first\r\na: 1\r\n---   \r\n# nothing here\r\n---\r\nb: |\r\n  ---x\r\n  y\r\n...\r\n---\r\nc: '\n ---\n'\r\n";
        let documents = read_kubernetes_documents(text).unwrap();
        let lines: Vec<usize> = documents.iter().map(|(line, _)| *line).collect();
        let values: Vec<serde_json::Value> = documents.into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [json!({"a": 1}), json!({"b": "---x\ny\n"}), json!({"c": " --- "})]);
        assert_eq!(lines, [3, 7, 12]);
    }

    #[test]
    fn faults_have_a_place() {
        let fault = read_kubernetes("a: 1\nb: [1,\n").unwrap_err();
        assert!(fault.line.is_some(), "{fault:?}");
        for text in ["a: [1,\n", "a: 1\n b: 2\n", "a: \"x\n", "a: *x\n"] {
            let message = read_kubernetes(text).unwrap_err().message;
            assert!(!message.contains("line ") && !message.contains("error:"), "{message}");
        }
        let fault = read_kubernetes("a: 1\nb: 1\na: 2\n").unwrap_err();
        assert!(!fault.message.contains("Policy"), "{fault:?}");
        assert!(fault.message.contains("duplicate"), "{fault:?}");
        assert_eq!(fault.line, Some(3));
    }
}
