//! Traits: `meshmap` is layout; whatever else a pattern asks for by a trait is not done by this version, and said.

use serde_json::Value;

use crate::model::pattern::Service;
use crate::pattern::locate::{Source, Step};

/// The trait that only lays out drawings.
const LAYOUT: &str = "meshmap";

/// A warning for each trait of a service that has no effect, with its place.
pub(in crate::pattern) fn warnings(service: &Service, source: &Source) -> Vec<String> {
    let idle = service.traits.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(LAYOUT));
    idle.map(|(name, value)| {
        let path = [Step::from("services"), service.key.as_str().into(), "traits".into(), name.as_str().into()];
        let place = source.place(&path);
        format!("{place}: service `{}`: trait `{name}` has no effect: {}", service.key, undone(name, value))
    })
    .collect()
}

/// What is not done for a trait.
fn undone(name: &str, value: &Value) -> String {
    let lower = name.to_lowercase();
    let namespaces = namespaces(value);
    match lower.split('.').next().unwrap_or_default() {
        "automaticsidecarinjection" => {
            format!("{namespaces} not marked for sidecar injection; label the Namespace services yourself")
        }
        "mtls" => format!("no policy for mutual TLS is made, {namespaces} unchanged; add it as a service of its own"),
        "strategy" => "nothing is rolled out step by step; the Deployment follows its own update strategy".to_owned(),
        _ => "this version knows no such trait".to_owned(),
    }
}

fn namespaces(value: &Value) -> String {
    let named: Vec<&str> =
        value.get("namespaces").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    match named.as_slice() {
        [] => "namespaces are".to_owned(),
        [one] => format!("namespace {one} is"),
        several => format!("namespaces {} are", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    #[test]
    fn no_trait_is_ever_reported_as_applied_but_layout_is_silent() {
        let document = parse(
            "p.yaml",
            "name: p\nservices:\n  a:\n    type: X\n    traits:\n      meshmap: {position: {}}\n      mTLS: {policy: strict, namespaces: [a, b]}\n      automaticsidecarinjection: {namespaces: [a]}\n      strategy: {}\n      other: 1\n",
        )
        .unwrap();
        assert_eq!(
            warnings(&document.pattern.services[0], &document.source),
            [
                "p.yaml:7:7: service `a`: trait `mTLS` has no effect: no policy for mutual TLS is made, namespaces a, b are unchanged; add it as a service of its own",
                "p.yaml:8:7: service `a`: trait `automaticsidecarinjection` has no effect: namespace a is not marked for sidecar injection; label the Namespace services yourself",
                "p.yaml:9:7: service `a`: trait `strategy` has no effect: nothing is rolled out step by step; the Deployment follows its own update strategy",
                "p.yaml:10:7: service `a`: trait `other` has no effect: this version knows no such trait",
            ]
        );
    }
}
