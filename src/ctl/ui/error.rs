//! How an error looks: place and message, cause, details, the next step, and where to read more.

use serde::Serialize;

use super::color::{Paint, Tone};
use super::format::Format;
use crate::base::error::Report;
use crate::base::{Error, exit};

/// An error as it stands on stderr under `-o json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ErrorObject {
    #[serde(flatten)]
    report: Report,
    /// The exit code of the process.
    exit_code: u8,
}

/// The text for stderr, without a final line feed.
pub fn text(error: &Error, format: &Format, paint: Paint) -> String {
    let report = error.report();
    if format.has_json_errors() {
        let object = ErrorObject { report, exit_code: exit::code(error.kind()) };
        return serde_json::to_string(&object).unwrap_or_else(|_| error.to_string());
    }
    prose(&report, paint)
}

fn prose(report: &Report, paint: Paint) -> String {
    let place = report.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    let mut lines = vec![format!("{} {place}{}", paint.apply(Tone::Bad, "error:"), report.message)];
    if let Some(cause) = &report.probable_cause {
        lines.push(format!("{} {cause}", paint.apply(Tone::Heading, "cause:")));
    }
    lines.extend(report.details.iter().map(|detail| format!("  {detail}")));
    if let Some(fix) = &report.suggested_remediation {
        lines.push(format!("{} {fix}", paint.apply(Tone::Good, "fix:")));
    }
    lines.push(format!("{} mesheryctl explain {}", paint.apply(Tone::Faint, "see:"), report.code));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Code, Place};

    #[test]
    fn prose_has_place_cause_details_fix_and_page() {
        let error = Error::new(Code::ConfigParse, "`contexts` is not a mapping")
            .at(Place { file: "config.yaml".into(), line: Some(3), column: Some(5) })
            .because("found a list")
            .detail("one fact")
            .remedy("Correct line 3.");
        assert_eq!(
            text(&error, &Format::Table, Paint::default()),
            "error: config.yaml:3:5: `contexts` is not a mapping\ncause: found a list\n  one fact\n\
             fix: Correct line 3.\nsee: mesheryctl explain config-parse"
        );
    }

    #[test]
    fn json_has_the_exit_code() {
        let text = text(&Error::new(Code::ContextNotFound, "x"), &Format::Json, Paint::default());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((value["code"].as_str(), value["exit_code"].as_u64()), (Some("context-not-found"), Some(5)));
    }
}
