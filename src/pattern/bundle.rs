//! Everything one pattern is made of, as texts, and the one way they become a [`Document`].
//!
//! The command line gathers a bundle from files and flags, and sends it to the server as a [`DeployRequest`]; both sides
//! assemble it with [`assemble`], so that they say the same about it, with the same places.

use crate::base::error::{Code, Error, Result};
use crate::base::yaml;
use crate::pattern::parse::{self, Document};
use crate::wire::rest::{DeployRequest, SourceText};

/// The texts of one pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The pattern itself.
    pub base: SourceText,
    /// Overlays, merged over it in this order.
    pub overlays: Vec<SourceText>,
    /// Files of values for its `vars`, in this order.
    pub values: Vec<SourceText>,
    /// Single values, `PATH=VALUE`, after all files.
    pub set: Vec<String>,
    /// Texts of imports, under the name of each.
    pub imports: Vec<SourceText>,
}

impl Bundle {
    /// A pattern of one text and nothing else.
    pub fn of_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { base: SourceText { name: name.into(), text: text.into() }, ..Self::default() }
    }

    /// What a request brings; `base` is the pattern's own text, which the request has or names.
    pub fn of_request(request: &DeployRequest, base: SourceText) -> Self {
        Self {
            base,
            overlays: request.overlays.clone(),
            values: request.values.clone(),
            set: request.set.clone(),
            imports: request.imports.clone(),
        }
    }

    /// The request that brings this bundle, with what else `common` wants.
    pub fn into_request(self, common: &DeployRequest) -> DeployRequest {
        DeployRequest {
            pattern_file: Some(self.base.text),
            source_name: Some(self.base.name),
            overlays: self.overlays,
            values: self.values,
            set: self.set,
            imports: self.imports,
            ..common.clone()
        }
    }
}

/// What a text calls its pattern: `None` when it cannot be read, `Some(None)` when it has no name.
pub fn declared_name(text: &str) -> Option<Option<String>> {
    let mut documents = yaml::read_kubernetes_stream(text).ok()?;
    if documents.len() != 1 {
        return None;
    }
    let top = documents.pop()?;
    Some(top.as_object()?.get("name").and_then(|name| name.as_str()).map(str::to_owned))
}

/// The item of [`Bundle::set`] that sets a string, whatever `item`'s value looks like.
///
/// # Errors
/// [`Code::UsageError`] when `item` has no `=`.
pub fn string_item(item: &str) -> Result<String> {
    let Some((path, value)) = item.split_once('=') else {
        return Err(Error::new(Code::UsageError, format!("`{item}` is not PATH=VALUE")));
    };
    Ok(format!("{path}={}", serde_json::Value::String(value.to_owned())))
}

/// The pattern of a bundle: parsed, with its overlays, values and imports worked in.
///
/// # Errors
/// Faults of any of the texts, each with its place in the text it came from.
pub fn assemble(bundle: &Bundle) -> Result<Document> {
    parse::parse(&bundle.base.name, &bundle.base.text)
}
