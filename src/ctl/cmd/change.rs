//! What verbs that change one thing answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;

/// What was changed and how.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Change {
    /// Sort of thing, such as `context`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What happened: `created`, `deleted`, `set`, `switched`, `unchanged`, `reset`.
    pub action: &'static str,
    /// What it is now, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The context it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

impl Change {
    /// A change of the thing `name`.
    pub fn new(kind: &'static str, name: &str, action: &'static str) -> Self {
        Self { kind, name: name.to_owned(), action, value: None, context: None }
    }

    /// What it is now.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// The context it belongs to.
    pub fn context(mut self, context: &str) -> Self {
        self.context = Some(context.to_owned());
        self
    }

    /// Prints it: `context dev created; it is the current context now`.
    pub fn print(&self, ctx: &Ctl) -> Result<()> {
        let context = self.context.as_ref().map(|name| format!(" in context {name}")).unwrap_or_default();
        let value = self.value.as_ref().map(|value| format!("; {value}")).unwrap_or_default();
        let line = format!("{} {} {}{context}{value}", self.kind, self.name, self.action);
        ctx.ui.print(&Rendered::one(self, line)?.names([self.name.clone()]))
    }
}
