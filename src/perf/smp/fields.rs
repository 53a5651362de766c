//! Reading located YAML: every fault and every warning has its place.

use serde_json::Value;

use crate::base::error::{Code, Error, Place, Result};
use crate::base::text;
use crate::base::yaml::{Located, Shape, Spot};

/// A file that is being read.
pub struct File<'a> {
    name: &'a str,
    warnings: Vec<String>,
}

impl<'a> File<'a> {
    pub fn new(name: &'a str) -> Self {
        Self { name, warnings: Vec::new() }
    }

    pub fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    pub fn warn(&mut self, spot: Spot, message: &str) {
        self.warnings.push(format!("{}: {message}", self.place(spot)));
    }

    pub fn fault(&self, spot: Spot, message: impl Into<String>) -> Error {
        Error::new(Code::SmpInvalid, message).at(self.place(spot))
    }

    fn place(&self, spot: Spot) -> Place {
        let known = |number: u32| (number > 0).then_some(number as usize);
        Place { file: self.name.to_owned(), line: known(spot.line), column: known(spot.column) }
    }

    /// A key that nothing is known of: worth a warning in a file of another era or program. A mistyped one is refused,
    /// since the run without it would be another one; a lost `rps` would send as much as can be.
    pub fn unknown(&mut self, key: &str, spot: Spot, known: &[&str]) -> Result<()> {
        let near = text::did_you_mean(key, known.iter().copied());
        if let (Some(near), true) = (&near, known.iter().any(|known| text::is_slip_of(&snake_case(key), known))) {
            return Err(self
                .fault(spot, format!("`{key}` is not known; {near}"))
                .remedy("Correct the key, or take it out of the file."));
        }
        let near = near.map(|near| format!("; {near}")).unwrap_or_default();
        self.warn(spot, &format!("`{key}` is not known and counts for nothing{near}"));
        Ok(())
    }

    /// Whether a value says anything: programs that write protobuf's JSON write empty text, lists and mappings for what
    /// nobody gave.
    pub fn says(value: &Located) -> bool {
        match &value.shape {
            Shape::Scalar(Value::Null) => false,
            Shape::Scalar(Value::String(text)) => !text.trim().is_empty(),
            Shape::Scalar(_) => true,
            Shape::List(items) => !items.is_empty(),
            Shape::Map(entries) => !entries.is_empty(),
        }
    }

    /// The entries of a mapping; none where nothing is written.
    pub fn entries<'v>(&self, value: &'v Located, name: &str) -> Result<&'v [(String, Located)]> {
        match &value.shape {
            Shape::Map(entries) => Ok(entries),
            Shape::Scalar(Value::Null) => Ok(&[]),
            _ => Err(self.fault(value.spot, format!("`{name}` has to be a mapping"))),
        }
    }

    /// The items of a sequence; none where nothing is written.
    pub fn items<'v>(&self, value: &'v Located, name: &str) -> Result<&'v [Located]> {
        match &value.shape {
            Shape::List(items) => Ok(items),
            Shape::Scalar(Value::Null) => Ok(&[]),
            _ => Err(self.fault(value.spot, format!("`{name}` has to be a list"))),
        }
    }

    /// A scalar as text; none where nothing is written.
    pub fn text(&self, value: &Located, name: &str) -> Result<Option<String>> {
        match &value.shape {
            Shape::Scalar(Value::Null) => Ok(None),
            Shape::Scalar(Value::String(text)) => Ok(Some(text.clone())),
            Shape::Scalar(other) => Ok(Some(other.to_string())),
            _ => Err(self.fault(value.spot, format!("`{name}` has to be text"))),
        }
    }

    /// As [`Self::text`]; empty text counts as nothing.
    pub fn word(&self, value: &Located, name: &str) -> Result<Option<String>> {
        Ok(self.text(value, name)?.filter(|text| !text.trim().is_empty()))
    }

    /// A number, which protobuf's JSON may have written as text; none where nothing is written.
    pub fn number(&self, value: &Located, name: &str) -> Result<Option<f64>> {
        let Some(text) = self.word(value, name)? else { return Ok(None) };
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.fault(value.spot, format!("`{name}` has to be a number, not `{text}`"))),
        }
    }

    pub fn flag(&self, value: &Located, name: &str) -> Result<bool> {
        match self.word(value, name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(self.fault(value.spot, format!("`{name}` has to be true or false, not `{other}`"))),
        }
    }

    /// A mapping of text to text, in file order.
    pub fn pairs(&self, value: &Located, name: &str) -> Result<Vec<(String, String)>> {
        let entries = self.entries(value, name)?.iter();
        entries
            .map(|(key, value)| Ok((key.clone(), self.text(value, &format!("{name}.{key}"))?.unwrap_or_default())))
            .collect()
    }
}

/// A key in the spelling of the specification: protobuf's JSON writes `endpointUrls` for `endpoint_urls`.
pub fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 2);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
