//! Events: what happened, in one numbered log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::model::operation::Operation;
use crate::model::pattern::{ObjectResult, ObjectStatus};
use crate::model::performance::summary::Measured;

/// How grave an event is; the words of the later Meshery event model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Informational,
    /// Something reached its goal.
    Success,
    /// Something is odd, but work goes on.
    Warning,
    /// Something failed.
    Error,
}

/// What an event carries for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Payload {
    /// The operation began; tells how many objects it has.
    Started {
        /// Number of objects over all contexts.
        objects: usize,
    },
    /// A stage began, such as `resolve` or `apply`.
    Stage {
        /// Stage name.
        name: String,
        /// Context it runs in, where it has one.
        context: Option<String>,
    },
    /// Work on one object began or waits.
    Progress {
        /// Key of the service.
        service: String,
        /// What is being done or waited for.
        state: String,
        /// Context it is done in.
        #[serde(default)]
        context: Option<String>,
    },
    /// The health of an object changed while its readiness is waited for.
    Health(Box<ObjectStatus>),
    /// One object reached its outcome.
    Object(Box<ObjectResult>),
    /// What a running measurement has measured so far.
    Measured(Measured),
    /// Something worth knowing that does not stop the operation.
    Warning {
        /// One sentence.
        message: String,
    },
    /// The operation ended; the last event of an operation.
    Ended(Box<Operation>),
}

/// One entry of the event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Position in the log, growing; the `id:` of the server-sent event and what `Last-Event-ID` refers to.
    pub id: i64,
    /// The operation it belongs to.
    pub operation_id: Option<Uuid>,
    /// When.
    pub created_at: Timestamp,
    /// How grave.
    pub severity: Severity,
    /// Area, such as `pattern`.
    pub category: String,
    /// What was done, such as `apply`.
    pub action: String,
    /// One sentence for people.
    pub summary: String,
    /// More for people; empty when there is nothing more.
    #[serde(default)]
    pub details: String,
    /// The same for programs.
    #[serde(default)]
    pub payload: Option<Payload>,
}
