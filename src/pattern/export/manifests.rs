//! The objects as one YAML stream, as `kubectl apply -f` takes it.

use super::objects::Object;
use crate::base::error::Result;
use crate::base::yaml;

/// Writes the stream, each document after a `---`.
pub fn text(objects: &[Object]) -> Result<String> {
    let mut text = String::new();
    for object in objects {
        text.push_str("---\n");
        text.push_str(&yaml::write_kubernetes(&object.body)?);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}
