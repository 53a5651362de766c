//! Verdicts of `system check`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Error, Result};

/// Verdict of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Odd, but work is possible.
    Warn,
    /// Not as it should be.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// Stable id; a cluster's is `cluster/CONTEXT`.
    pub id: String,
    /// Verdict.
    pub result: Verdict,
    /// What was found.
    pub message: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether `--fix` mended it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fixed: bool,
}

impl Check {
    /// As it should be.
    pub fn pass(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), result: Verdict::Pass, message: message.into(), cause: None, remedy: None, fixed: false }
    }

    /// Odd, with the next step.
    pub fn warn(id: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { result: Verdict::Warn, remedy: Some(remedy.into()), ..Self::pass(id, message) }
    }

    /// Not as it should be.
    pub fn fail(id: impl Into<String>, error: &Error) -> Self {
        let report = error.report();
        let message =
            report.place.map_or_else(|| report.message.clone(), |place| format!("{place}: {}", report.message));
        Self {
            id: id.into(),
            result: Verdict::Fail,
            message,
            cause: report.probable_cause,
            remedy: report.suggested_remediation,
            fixed: false,
        }
    }

    /// Passes with what was found, or fails with the error.
    pub fn of(id: impl Into<String>, outcome: Result<String>) -> Self {
        let id = id.into();
        match outcome {
            Ok(message) => Self::pass(id, message),
            Err(error) => Self::fail(id, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Code;
    use crate::base::error::Place;

    #[test]
    fn a_failed_check_names_place_cause_and_remedy() {
        let place = Place { file: "config.yaml".into(), line: Some(1), column: Some(12) };
        let error = Error::new(Code::ConfigParse, "the list does not end").at(place).because("unexpected end");
        let check = Check::of("config", Err(error));
        assert_eq!((check.result, check.message.as_str()), (Verdict::Fail, "config.yaml:1:12: the list does not end"));
        assert!(check.cause.is_some() && check.remedy.is_some());
    }
}
