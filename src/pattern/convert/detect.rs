//! Tells the format of a source from its content.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A pattern file.
    Pattern,
    /// Kubernetes manifests.
    Manifests,
    /// A kustomize folder.
    Kustomize,
    /// A Docker Compose file.
    Compose,
    /// A Helm chart.
    Helm,
    /// An OCI artefact that holds a pattern.
    Oci,
    /// Objects of a running cluster.
    Cluster,
}

impl Format {
    /// Formats that `--from` takes.
    pub const NAMES: &'static [&'static str] = &["pattern", "manifests", "kustomize", "compose", "helm", "oci"];

    /// The word shown to users and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Format::Pattern => "pattern",
            Format::Manifests => "manifests",
            Format::Kustomize => "kustomize",
            Format::Compose => "compose",
            Format::Helm => "helm",
            Format::Oci => "oci",
            Format::Cluster => "cluster",
        }
    }

    /// What it is, in a sentence.
    pub fn told(self) -> &'static str {
        match self {
            Format::Pattern => "a pattern",
            Format::Manifests => "Kubernetes manifests",
            Format::Kustomize => "a kustomize folder",
            Format::Compose => "a Docker Compose file",
            Format::Helm => "a Helm chart",
            Format::Oci => "an OCI artefact",
            Format::Cluster => "a running namespace",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Format {
    type Err = ();

    /// Reads the words of `--from`, and those of `--source-type` of earlier programs in any case.
    fn from_str(text: &str) -> Result<Self, ()> {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        Ok(match plain.as_str() {
            "pattern" | "mesherydesign" | "design" => Format::Pattern,
            "manifests" | "manifest" | "kubernetesmanifest" | "k8smanifest" | "kubernetes" => Format::Manifests,
            "kustomize" | "k8skustomize" => Format::Kustomize,
            "compose" | "dockercompose" => Format::Compose,
            "helm" | "helmchart" | "chart" => Format::Helm,
            "oci" => Format::Oci,
            _ => return Err(()),
        })
    }
}

/// The format of one parsed document; `None` when it looks like nothing known.
pub fn of_document(document: &Value) -> Option<Format> {
    let top = match document {
        Value::Object(top) => top,
        Value::Array(items) => {
            return items.first().and_then(of_document).filter(|format| *format == Format::Manifests);
        }
        _ => return None,
    };
    let text = |key: &str| top.get(key).and_then(Value::as_str).unwrap_or_default();
    match (text("kind"), text("apiVersion")) {
        ("Kustomization" | "Component", version) if version.starts_with("kustomize.config.k8s.io/") => {
            return Some(Format::Kustomize);
        }
        ("", "") => {}
        ("", _) if top.contains_key("version") && top.contains_key("name") => return Some(Format::Helm),
        _ => return Some(Format::Manifests),
    }
    match top.get("services") {
        Some(Value::Object(services)) => Some(of_services(top, services)),
        None if ["resources", "bases", "namePrefix", "configMapGenerator"].iter().any(|key| top.contains_key(*key)) => {
            Some(Format::Kustomize)
        }
        _ => None,
    }
}

fn of_services(top: &Map<String, Value>, services: &Map<String, Value>) -> Format {
    let any = |keys: &[&str]| {
        services.values().filter_map(Value::as_object).any(|service| keys.iter().any(|key| service.contains_key(*key)))
    };
    let own = ["vars", "patternID"].iter().any(|key| top.contains_key(*key));
    if own || any(&["type", "isAnnotation", "settings", "traits"]) {
        return Format::Pattern;
    }
    let compose = ["volumes", "networks", "configs", "secrets", "include"].iter().any(|key| top.contains_key(*key));
    if compose || any(&["image", "build", "command", "extends", "ports", "environment"]) {
        return Format::Compose;
    }
    Format::Pattern
}

/// The format of a folder or archive, from the names in it.
pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Format {
    let mut compose = false;
    let mut found = Format::Manifests;
    for name in names {
        match name {
            "Chart.yaml" => return Format::Helm,
            "oci-layout" => return Format::Oci,
            "kustomization.yaml" | "kustomization.yml" | "Kustomization" => found = Format::Kustomize,
            "compose.yaml" | "compose.yml" | "docker-compose.yaml" | "docker-compose.yml" => compose = true,
            _ => {}
        }
    }
    if compose && found == Format::Manifests { Format::Compose } else { found }
}

/// Names of a Compose file in a folder, the preferred first.
pub const COMPOSE_FILES: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::yaml;

    #[test]
    fn formats_are_told_from_content() {
        for (text, format) in [
            ("name: a\nservices: {web: {type: Deployment}}", Some(Format::Pattern)),
            ("services: {}", Some(Format::Pattern)),
            ("services: {web: {image: nginx}}", Some(Format::Compose)),
            ("version: '3'\nservices: {web: {}}\nvolumes: {}", Some(Format::Compose)),
            ("apiVersion: v1\nkind: Service", Some(Format::Manifests)),
            ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization", Some(Format::Kustomize)),
            ("resources: [a.yaml]", Some(Format::Kustomize)),
            ("apiVersion: v2\nname: c\nversion: 1.0.0", Some(Format::Helm)),
            ("a: 1", None),
            ("[]", None),
        ] {
            assert_eq!(of_document(&yaml::read_kubernetes(text).unwrap()), format, "{text}");
        }
        assert_eq!(of_names(["values.yaml", "Chart.yaml"]), Format::Helm);
        assert_eq!(of_names(["a.yaml", "kustomization.yml"]), Format::Kustomize);
        assert_eq!(of_names(["docker-compose.yml", "b"]), Format::Compose);
        assert_eq!(of_names(["a.yaml"]), Format::Manifests);
    }

    #[test]
    fn source_types_of_earlier_programs_are_read() {
        for (word, format) in [
            ("Docker Compose", Format::Compose),
            ("Helm Chart", Format::Helm),
            ("Kubernetes Manifest", Format::Manifests),
            ("k8s-manifest", Format::Manifests),
            ("compose", Format::Compose),
        ] {
            assert_eq!(word.parse(), Ok(format));
        }
        assert!("zip".parse::<Format>().is_err());
    }
}
