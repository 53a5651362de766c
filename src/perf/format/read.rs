//! Recognising what a file is, and reading it.

use serde_json::Value;

use super::{Format, fortio, hgrm, hlog, native, nighthawk};
use crate::base::error::{Code, Error, Place, Result};
use crate::base::yaml;
use crate::model::performance::result::PerfResult;
use crate::perf::smp;

/// Reads a result in any of the formats of which [`Format::is_readable`] says so: the content decides which it is.
/// `file_name` is what errors call it, and the name of a result that has none of its own.
///
/// What another program's format loses stands in the result's warnings.
///
/// # Errors
/// [`Code::ResultUnreadable`]: it is none of them, or damaged; the cause names the format that it was taken for.
pub fn read(bytes: &[u8], file_name: &str) -> Result<PerfResult> {
    let content = Content::of(bytes);
    let format = content.recognise().map_err(|problem| unreadable(&content, problem, file_name))?;
    take(&content, format, file_name)
}

/// As [`read()`], in a format that the content does not have to say.
///
/// # Errors
/// [`Code::ResultUnreadable`]: it is not of that format, or that format is for showing only.
pub fn read_as(bytes: &[u8], file_name: &str, format: Format) -> Result<PerfResult> {
    take(&Content::of(bytes), format, file_name)
}

fn take(content: &Content<'_>, format: Format, file_name: &str) -> Result<PerfResult> {
    let read = content.parse(format);
    let mut result =
        read.map_err(|problem| unreadable(content, format!("read as {}: {problem}", format.name()), file_name))?;
    if result.name.is_empty() {
        file_name.clone_into(&mut result.name);
    }
    Ok(result)
}

fn unreadable(content: &Content<'_>, problem: String, file_name: &str) -> Error {
    let error = Error::new(Code::ResultUnreadable, "the file is no result that can be read").at(Place {
        file: file_name.to_owned(),
        line: None,
        column: None,
    });
    match content.text.and_then(Format::of_shown) {
        Some(format) => error
            .because(format!("it is {}, which is for showing and cannot be read back", format.name()))
            .remedy("Give the run's JSON, which keeps everything: `mesheryctl perf result export ID json=FILE`."),
        None => error.because(problem),
    }
}

/// A file's content, as far as it can be looked at without knowing what it is.
struct Content<'b> {
    bytes: &'b [u8],
    /// Without what editors put before it; none where the bytes are no text.
    text: Option<&'b str>,
    /// Where the text begins as an object of JSON does: the object, or why it is none.
    json: Option<Result<Value, String>>,
}

impl<'b> Content<'b> {
    fn of(bytes: &'b [u8]) -> Self {
        let text = as_text(bytes).map(|text| text.trim_start_matches('\u{feff}').trim_start());
        Self { bytes, text, json: text.filter(|text| text.starts_with('{')).map(object) }
    }

    /// The format that the content is of, as far as it says.
    fn recognise(&self) -> Result<Format, String> {
        if self.bytes.is_empty() {
            return Err("it is empty".to_owned());
        }
        let Some(text) = self.text else { return Ok(Format::SmpProto) };
        match &self.json {
            Some(Ok(value)) => of_object(value).ok_or_else(|| "it is JSON, but of no known shape".to_owned()),
            Some(Err(problem)) => Err(problem.clone()),
            None if hlog::is_log(text) => Ok(Format::Hlog),
            None if hgrm::is_table(text) => Ok(Format::Hgrm),
            None if smp::result::is_document(text) => Ok(Format::Smp),
            // Protobuf of nothing but text fields looks like text; YAML is what people write.
            None if smp::result::read_protobuf(self.bytes).is_ok() => Ok(Format::SmpProto),
            None => Err("its content is of no known format".to_owned()),
        }
    }

    fn parse(&self, format: Format) -> Result<PerfResult, String> {
        let text = || self.text.ok_or_else(|| "it is no text".to_owned());
        // What an id follows from.
        let content = self.text.map_or(self.bytes, str::as_bytes);
        match format {
            Format::Json => native::read(self.object()?.clone()),
            Format::Smp => smp::result::read_yaml(text()?),
            Format::SmpJson => smp_json(self.object()?, content),
            Format::SmpProto => smp::result::read_protobuf(self.bytes),
            Format::Fortio => fortio_or_record(self.object()?, content),
            Format::Nighthawk => nighthawk::read(self.object()?, content),
            Format::Hgrm => hgrm::read(text()?),
            Format::Hlog => hlog::read(text()?),
            Format::Csv
            | Format::CsvIntervals
            | Format::Junit
            | Format::Prometheus
            | Format::Markdown
            | Format::Html => Err("it cannot be read back".to_owned()),
        }
    }

    fn object(&self) -> Result<&Value, String> {
        match &self.json {
            Some(found) => found.as_ref().map_err(Clone::clone),
            None => Err("it is no object of JSON".to_owned()),
        }
    }
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_plain = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    is_plain.then_some(text)
}

/// An object in JSON. YAML in flow style begins as JSON does.
fn object(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).or_else(|problem| yaml::read::<Value>(text).map_err(|_| problem.to_string()))
}

fn of_object(value: &Value) -> Option<Format> {
    let has = |key: &str| value.get(key).is_some();
    if has("schema") {
        Some(Format::Json)
    } else if has("DurationHistogram") || inside_record(value).is_some() {
        Some(Format::Fortio)
    } else if value.get("results").is_some_and(Value::is_array) {
        Some(Format::Nighthawk)
    } else {
        smp::result::is_result(value).then_some(Format::SmpJson)
    }
}

/// fortio's part of a record of Meshery.
fn inside_record(value: &Value) -> Option<&Value> {
    value.get("runner_results").or_else(|| value.get("runnerResults"))
}

fn fortio_or_record(value: &Value, content: &[u8]) -> Result<PerfResult, String> {
    match inside_record(value) {
        Some(inner) if value.get("DurationHistogram").is_none() => fortio::read_meshery(value, inner, content),
        _ => fortio::read(value, content),
    }
}

fn smp_json(value: &Value, content: &[u8]) -> Result<PerfResult, String> {
    // Every field of the message may be left out, so that any object would be an empty one.
    if !smp::result::is_result(value) {
        return Err("it holds no latencies".to_owned());
    }
    smp::result::read_json(value, content)
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

    #[test]
    fn a_format_that_is_named_is_the_one_that_is_read() {
        let result = sample::result(300);
        for format in Format::ALL {
            let bytes = write(&result, format).unwrap();
            assert_eq!(read_as(&bytes, "r", format).is_ok(), format.is_readable(), "{format:?}");
        }
        let bytes = write(&result, Format::Json).unwrap();
        for format in Format::ALL.into_iter().filter(|format| *format != Format::Json) {
            let shown = read_as(&bytes, "r", format).unwrap_err().to_string();
            assert!(shown.starts_with("r: ") && shown.contains(&format!("read as {}: ", format.name())), "{shown}");
        }
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
