//! Recognising what a file is.

use serde_json::Value;

use super::{Format, fortio, hgrm, hlog, native, nighthawk};
use crate::base::error::{Code, Error, Place, Result};
use crate::base::yaml;
use crate::model::performance::result::PerfResult;
use crate::perf::smp;

/// Reads a result in any of the formats of which [`super::Format::is_readable`] says so. The content decides which it is;
/// `file_name` is what errors call it, and the name of a result that has none of its own.
///
/// What another program's format loses stands in the result's warnings.
///
/// # Errors
/// [`Code::ResultUnreadable`]: it is none of them, or damaged; the cause names the format that it was taken for.
pub fn read(bytes: &[u8], file_name: &str) -> Result<PerfResult> {
    let mut result = recognise(bytes).map_err(|problem| unreadable(bytes, problem, file_name))?;
    if result.name.is_empty() {
        file_name.clone_into(&mut result.name);
    }
    Ok(result)
}

fn unreadable(bytes: &[u8], problem: String, file_name: &str) -> Error {
    let error = Error::new(Code::ResultUnreadable, "the file is no result that can be read").at(Place {
        file: file_name.to_owned(),
        line: None,
        column: None,
    });
    match as_text(bytes).map(beginning).and_then(Format::of_shown) {
        Some(format) => error
            .because(format!("it is {}, which is for showing and cannot be read back", format.name()))
            .remedy("Give the run's JSON, which keeps everything: `mesheryctl perf result export ID json=FILE`."),
        None => error.because(problem),
    }
}

/// The text without what editors put before it.
fn beginning(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_start()
}

fn recognise(bytes: &[u8]) -> Result<PerfResult, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let Some(text) = as_text(bytes) else { return taken(Format::SmpProto, smp::result::read_protobuf(bytes)) };
    let start = beginning(text);
    if start.starts_with('{') {
        return json(start);
    }
    if hlog::is_log(start) {
        return taken(Format::Hlog, hlog::read(start));
    }
    if hgrm::is_table(start) {
        return taken(Format::Hgrm, hgrm::read(start));
    }
    if smp::result::is_document(start) {
        return taken(Format::Smp, smp::result::read_yaml(start));
    }
    // Protobuf of nothing but text fields looks like text; YAML is what people write.
    smp::result::read_protobuf(bytes).map_err(|_| "its content is of no known format".to_owned())
}

/// What reading came to, a failure with the format that the content was taken for.
fn taken(format: Format, outcome: Result<PerfResult, String>) -> Result<PerfResult, String> {
    outcome.map_err(|problem| format!("read as {}: {problem}", format.name()))
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_plain = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    is_plain.then_some(text)
}

fn json(text: &str) -> Result<PerfResult, String> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        // YAML in flow style begins as JSON does.
        Err(problem) => match yaml::read::<Value>(text) {
            Ok(value) => value,
            Err(_) => return Err(problem.to_string()),
        },
    };
    if value.get("schema").is_some() {
        return taken(Format::Json, native::read(value));
    }
    if value.get("DurationHistogram").is_some() {
        return taken(Format::Fortio, fortio::read(&value, text.as_bytes()));
    }
    if let Some(inner) = value.get("runner_results").or_else(|| value.get("runnerResults")) {
        return taken(Format::Fortio, fortio::read_meshery(&value, inner, text.as_bytes()));
    }
    if value.get("results").is_some_and(Value::is_array) {
        return taken(Format::Nighthawk, nighthawk::read(&value, text.as_bytes()));
    }
    if smp::result::is_result(&value) {
        return taken(Format::SmpJson, smp::result::read_json(&value, text.as_bytes()));
    }
    Err("it is JSON, but of no known shape".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::write;
    use super::*;
    use crate::perf::sample;

    #[test]
    fn what_is_no_result_is_refused_with_its_name() {
        for (bytes, said) in [
            (b"".as_slice(), "empty"),
            (b"hello", "no known format"),
            (b"metric,value,unit,low,high,note\n", "it is csv,"),
            (b"<!DOCTYPE html>", "it is html,"),
            (b"{}", "no known shape"),
            (b"{\"a\": ", "EOF"),
            (b"\x00\x01\x02", ""),
            (b"{\"schema\": \"x\"}", "read as json: its schema"),
            (b"{\"DurationHistogram\": {}, \"StartTime\": \"x\"}", "read as fortio: "),
            (b"{\"results\": []}", "read as nighthawk: "),
        ] {
            let error = read(bytes, "r.json").unwrap_err();
            assert_eq!(error.code(), Code::ResultUnreadable);
            let shown = error.to_string();
            assert!(shown.starts_with("r.json: ") && shown.contains(said), "{shown}");
        }
    }

    #[test]
    fn a_result_without_a_name_is_called_after_its_file() {
        let bytes = write(&sample::result(100), Format::Hgrm).unwrap();
        assert_eq!(read(&bytes, "a.hgrm").unwrap().name, "a.hgrm");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes, "x");
        }

        #[test]
        fn nor_does_text(text in "[{}#\\[\\]\"':,.0-9a-zA-Z \n-]{0,200}") {
            let _ = read(text.as_bytes(), "x");
        }

        #[test]
        fn nor_does_a_damaged_result(format in 0usize..8, cut in 0usize..4000, changed in 0usize..4000, with in any::<u8>()) {
            let readable: Vec<Format> = Format::ALL.into_iter().filter(|format| format.is_readable()).collect();
            let mut bytes = write(&sample::result(60), readable[format]).unwrap();
            bytes.truncate(bytes.len().saturating_sub(cut % 50));
            let at = changed % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = with;
            }
            let _ = read(&bytes, "x");
        }
    }
}
