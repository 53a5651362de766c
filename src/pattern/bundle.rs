//! Everything one pattern is made of, as texts, and the one way they become a [`Document`].
//!
//! The command line gathers a bundle from files and flags, and sends it to the server as a [`DeployRequest`]; both sides
//! assemble it with [`assemble`], so that they say the same about it, with the same places.

use crate::base::error::{Code, Error, Result};
use crate::base::yaml;
use crate::pattern::import::{self, Loader};
use crate::pattern::parse::{self, Document};
use crate::pattern::tree::{Node, Sources};
use crate::pattern::{overlay, reference, values};
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
    /// Texts of imports, under the names that [`import::Import::name`] gives them.
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

    /// Whether it is one text and nothing else.
    pub fn is_plain(&self) -> bool {
        self.overlays.is_empty() && self.values.is_empty() && self.set.is_empty() && self.imports.is_empty()
    }

    /// The pattern as one file that needs no other: the text itself where that is all there is, else `document` (which is
    /// this bundle, assembled) written out. This is what is stored.
    ///
    /// # Errors
    /// Only for a fault of this program.
    pub fn one_file(&self, document: &Document) -> Result<String> {
        if self.is_plain() {
            return Ok(self.base.text.clone());
        }
        let mut tree = document.source.tree().to_value();
        tree["name"] = document.pattern.name.as_str().into();
        yaml::write_kubernetes(&tree)
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
    let mut sources = Sources::default();
    let (mut tree, mut warnings) = compose(bundle, &mut sources)?;
    warnings.extend(import::expand(&bundle.base.name, &mut tree, &bundle.imports, &mut sources)?);
    let mut document = parse::from_tree(&bundle.base.name, tree, sources)?;
    document.pattern.name = reference::resolve_name(&document)?;
    document.warnings.splice(0..0, warnings);
    Ok(document)
}

/// The pattern of a bundle before its imports are worked in.
///
/// # Errors
/// As [`assemble`].
pub fn without_imports(bundle: &Bundle) -> Result<Document> {
    let mut sources = Sources::default();
    let (tree, warnings) = compose(bundle, &mut sources)?;
    let mut document = parse::from_tree(&bundle.base.name, tree, sources)?;
    document.warnings.splice(0..0, warnings);
    Ok(document)
}

/// Reads the texts of all imports that the bundle does not have yet.
///
/// # Errors
/// What the loader says, with the place of the import; faults of the texts.
pub async fn gather(bundle: &mut Bundle, loader: &impl Loader) -> Result<()> {
    loop {
        let mut sources = Sources::default();
        let (tree, _) = compose(bundle, &mut sources)?;
        let missing = import::pending(&tree, &mut sources, &bundle.imports)?;
        if missing.is_empty() {
            return Ok(());
        }
        for wanted in missing {
            let text = loader.load(&wanted).await.map_err(|error| match error.place() {
                Some(_) => error,
                None => error.at(wanted.place.clone()),
            })?;
            bundle.imports.push(SourceText { name: wanted.name, text });
        }
    }
}

/// The base with its overlays and values, and warnings.
fn compose(bundle: &Bundle, sources: &mut Sources) -> Result<(Node, Vec<String>)> {
    let mut tree = parse::read(sources, &bundle.base.name, &bundle.base.text)?;
    let mut warnings = Vec::new();
    for overlay in &bundle.overlays {
        let Some(over) = Node::read(sources, &overlay.name, &overlay.text)? else {
            warnings.push(format!("{} is empty and overlays nothing", overlay.name));
            continue;
        };
        if over.map().is_none() {
            return Err(Error::new(Code::PatternGrammar, "an overlay is a mapping, as the pattern it goes over")
                .at(sources.place(over.mark)));
        }
        parse::refuse_foreign_formats(&over, sources)?;
        for idle in overlay::merge(&mut tree, over) {
            warnings.push(format!("{}: this null takes nothing away", sources.place(idle)));
        }
    }
    for values in &bundle.values {
        values::apply_file(&mut tree, values, sources)?;
    }
    for item in &bundle.set {
        values::apply_item(&mut tree, item, sources)?;
    }
    Ok((tree, warnings))
}
