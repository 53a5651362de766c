//! The one error type: a stable code, what happened to which value, where, why, and the next step.

pub mod catalogue;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use catalogue::Code;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure an error is; decides the exit code ([`super::exit`]) and the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The operation was tried and failed.
    Failed,
    /// A flag, value or setting is wrong, or input is missing off a terminal.
    Usage,
    /// A server or cluster cannot be reached.
    Unreachable,
    /// Authentication is needed or was refused.
    Auth,
    /// The named thing does not exist.
    NotFound,
    /// Waiting ended before the goal was reached.
    Timeout,
    /// Some parts succeeded and some failed.
    Partial,
    /// Input cannot be parsed or does not follow its grammar.
    Invalid,
    /// The state of the target conflicts with the request.
    Conflict,
    /// A measurement was completed and does not hold what was wanted of it.
    Breached,
    /// A fault of this program.
    Internal,
    /// Ended by SIGINT.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

/// Where in an input the fault is. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// File name as the user gave it, a URL, or `-` for standard input.
    pub file: String,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// An error as it is shown, sent and stored: the JSON form is the same on stderr and over REST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Stable code, for `mesheryctl explain CODE`.
    pub code: String,
    /// Sort of failure.
    pub kind: Kind,
    /// What happened to which value, one sentence.
    pub message: String,
    /// Where in the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Further facts, one a line: candidates, single faults, the far side's own words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// Why it most likely happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probable_cause: Option<String>,
    /// The next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested_remediation: Option<String>,
}

/// An error with a stable [`Code`]. Cheap to move; built with `Error::new(code, message)` and the `with` methods.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    code: Code,
    kind: Kind,
    message: String,
    place: Option<Place>,
    details: Vec<String>,
    cause: Option<String>,
    remedy: Option<String>,
}

impl Error {
    /// An error of `code`; `message` names the value and what happened to it, without a final full stop.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            kind: code.kind(),
            message: message.into(),
            place: None,
            details: Vec::new(),
            cause: None,
            remedy: None,
        }))
    }

    /// A fault of this program: `message` says which invariant broke.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// Sets where the fault is.
    pub fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    /// Sets the cause, usually the text of an underlying error.
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Sets the next step; without it the catalogue's general one is shown.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Adds one fact line.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.details.push(detail.into());
        self
    }

    /// Adds fact lines.
    pub fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.0.details.extend(details);
        self
    }

    /// Overrides the kind the code has by default.
    pub fn kind_of(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sort of failure.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The place, where known.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// The form that is shown, sent and stored.
    pub fn report(&self) -> Report {
        let inner = &self.0;
        Report {
            code: inner.code.name().to_owned(),
            kind: inner.kind,
            message: inner.message.clone(),
            place: inner.place.clone(),
            details: inner.details.clone(),
            probable_cause: inner.cause.clone(),
            suggested_remediation: Some(inner.remedy.clone().unwrap_or_else(|| inner.code.remedy().to_owned())),
        }
    }
}

impl From<Report> for Error {
    /// Codes this build does not know (a newer or older server's) become [`Code::RemoteError`], the kind is kept.
    fn from(report: Report) -> Self {
        let code = Code::from_name(&report.code);
        let mut details = report.details;
        if code.is_none() {
            details.push(format!("code given by the server: {}", report.code));
        }
        Self(Box::new(Inner {
            code: code.unwrap_or(Code::RemoteError),
            kind: report.kind,
            message: report.message,
            place: report.place,
            details,
            cause: report.probable_cause,
            remedy: report.suggested_remediation,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.0.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(cause) = &self.0.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {self}", self.0.code.name())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_the_wire() {
        let error = Error::new(Code::PatternCycle, "services a and b depend on each other")
            .at(Place { file: "p.yaml".into(), line: Some(3), column: Some(5) })
            .because("a -> b -> a")
            .detail("a");
        let text = serde_json::to_string(&error.report()).unwrap();
        let back = Error::from(serde_json::from_str::<Report>(&text).unwrap());
        assert_eq!(back.report(), error.report());
        assert_eq!(error.to_string(), "p.yaml:3:5: services a and b depend on each other: a -> b -> a");
    }

    #[test]
    fn an_unknown_code_keeps_its_kind_and_its_name() {
        let report = Report { code: "meshery-server-1287".into(), kind: Kind::Auth, ..Error::internal("x").report() };
        let error = Error::from(report);
        assert_eq!(error.code(), Code::RemoteError);
        assert_eq!(error.kind(), Kind::Auth);
        assert!(error.report().details[0].contains("meshery-server-1287"));
    }
}
