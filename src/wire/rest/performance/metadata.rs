//! What clients of the later eras say of a measurement in a profile's `metadata`: `additional_options` of the generator,
//! and `ca_certificate` with the name and the content of a file.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::base::{Code, Error, Result};
use crate::model::performance::plan::Plan;

/// Keys of a profile that clients keep beside the ones that stand in every profile.
pub type Metadata = BTreeMap<String, Value>;

/// Key of the generator's options.
const OPTIONS: [&str; 2] = ["additional_options", "additionalOptions"];
/// Key of the authority.
const AUTHORITY: [&str; 2] = ["ca_certificate", "caCertificate"];

/// Puts what the metadata says into the plan. The authority is the certificates themselves there, not a path.
///
/// # Errors
/// [`Code::RequestInvalid`] for a value that is no such thing.
pub fn apply(metadata: &Metadata, plan: &mut Plan) -> Result<()> {
    if let Some(options) = options(metadata) {
        plan.generator_options = Some(options);
    }
    if let Some(certificates) = authority(metadata)? {
        plan.tls.ca = Some(certificates);
    }
    Ok(())
}

/// Takes what the metadata said out of the plan, before other metadata takes its place.
pub fn withdraw(metadata: &Metadata, plan: &mut Plan) {
    if options(metadata).is_some() {
        plan.generator_options = None;
    }
    if authority(metadata).is_ok_and(|certificates| certificates.is_some()) {
        plan.tls.ca = None;
    }
}

fn value<'m>(metadata: &'m Metadata, names: [&str; 2]) -> Option<&'m Value> {
    names.iter().find_map(|name| metadata.get(*name))
}

fn options(metadata: &Metadata) -> Option<String> {
    let text = match value(metadata, OPTIONS)? {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    // An empty object is what forms send in which nothing was filled in.
    (!matches!(text.as_str(), "" | "{}" | "null")).then_some(text)
}

fn authority(metadata: &Metadata) -> Result<Option<String>> {
    let Some(sent) = value(metadata, AUTHORITY) else { return Ok(None) };
    let file = match sent {
        Value::Object(keys) => keys.get("file").unwrap_or(&Value::Null),
        other => other,
    };
    match file {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => pem(text.trim()).map(Some),
        other => Err(fault(&format!("it is `{other}`, not the text of a file"))),
    }
}

/// PEM text as it is, in base64, or in a `data:` URL, as web forms send files.
fn pem(text: &str) -> Result<String> {
    if text.starts_with("-----BEGIN ") {
        return Ok(text.to_owned());
    }
    let encoded = text.split_once(";base64,").map_or(text, |(_, encoded)| encoded);
    let encoded: String = encoded.split_whitespace().collect();
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.map(|text| text.trim().to_owned()).filter(|text| text.starts_with("-----BEGIN "));
    decoded.ok_or_else(|| fault("its `file` holds no certificate in PEM form, nor one in base64"))
}

fn fault(cause: &str) -> Error {
    Error::new(Code::RequestInvalid, "`metadata.ca_certificate` cannot be read").because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";

    fn metadata(value: Value) -> Metadata {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_form_of_a_file_is_its_text() {
        let encoded = STANDARD.encode(format!("{PEM}\n"));
        let forms = [
            json!({"ca_certificate": {"name": "ca.pem", "file": PEM}}),
            json!({"caCertificate": {"file": encoded}}),
            json!({"ca_certificate": {"file": format!("data:application/x-pem-file;base64,{encoded}")}}),
        ];
        for form in forms {
            let mut plan = Plan::default();
            apply(&metadata(form.clone()), &mut plan).unwrap();
            assert_eq!(plan.tls.ca.as_deref(), Some(PEM), "{form}");
            withdraw(&metadata(form), &mut plan);
            assert_eq!(plan, Plan::default());
        }
        for wrong in [json!({"ca_certificate": {"file": "/etc/passwd"}}), json!({"ca_certificate": {"file": 1}})] {
            let error = apply(&metadata(wrong), &mut Plan::default()).unwrap_err();
            assert_eq!(error.code(), Code::RequestInvalid);
        }
    }

    #[test]
    fn options_are_text_or_an_object_and_nothing_filled_in_is_nothing() {
        for (sent, wanted) in [
            (json!({"additional_options": "-uniform"}), Some("-uniform")),
            (json!({"additionalOptions": {"uniform": true}}), Some("{\"uniform\":true}")),
            (json!({"additional_options": "{}", "ca_certificate": {}}), None),
            (json!({"additional_options": null, "ca_certificate": null}), None),
            (json!({"other": 1}), None),
        ] {
            let mut plan = Plan::default();
            apply(&metadata(sent.clone()), &mut plan).unwrap();
            assert_eq!(plan.generator_options.as_deref(), wanted, "{sent}");
            assert_eq!(plan.tls.ca, None);
        }
    }
}
