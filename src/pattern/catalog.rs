//! Patterns in folders: what their files say about themselves, and how they are found. Never over the network.
//!
//! A file tells about itself in comments at its top: `#Pre-requisite:`, `#Description:`, `#Caveats:` and `#Category:`,
//! each going on in the comment lines after it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::Result;
use crate::pattern::parse;

/// The samples that every copy of this program has.
const BUNDLED: &[(&str, &str)] = &[
    ("istio-install.yaml", include_str!("../../fixtures/patterns/istio-install.yaml")),
    ("quickstart.yaml", include_str!("../../fixtures/patterns/quickstart.yaml")),
    ("shop.yaml", include_str!("../../fixtures/patterns/shop.yaml")),
];

/// Folder that bundled samples are said to be in.
pub const BUNDLED_FOLDER: &str = "bundled:";

/// A pattern of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// Name of the pattern.
    pub name: String,
    /// Its file; `bundled:NAME` for one of the program's own.
    pub file: String,
    /// What it is good for.
    pub description: String,
    /// What it needs.
    pub prerequisite: String,
    /// What to beware of.
    pub caveats: String,
    /// Which part of running a mesh it is about.
    pub category: String,
    /// Types of its services, each once.
    pub kinds: Vec<String>,
    /// Number of its services.
    pub services: usize,
    /// The text.
    #[serde(skip)]
    pub text: String,
}

/// The bundled samples.
pub fn bundled() -> Vec<Entry> {
    BUNDLED.iter().filter_map(|(file, text)| entry(&format!("{BUNDLED_FOLDER}{file}"), text).ok()).collect()
}

/// What a pattern's file says about itself.
///
/// # Errors
/// When it is no pattern.
pub fn entry(file: &str, text: &str) -> Result<Entry> {
    let pattern = parse::parse(file, text)?.pattern;
    let mut kinds: Vec<String> = Vec::new();
    for service in pattern.services.iter().filter(|service| !service.is_annotation && !service.kind.is_empty()) {
        let kind = service.kind.split('.').next().unwrap_or_default();
        if !kinds.iter().any(|known| known == kind) {
            kinds.push(kind.to_owned());
        }
    }
    let header = header(text);
    let said = |name: &str| header.iter().find(|(key, _)| key == name).map(|(_, text)| text.clone());
    Ok(Entry {
        name: pattern.name,
        file: file.to_owned(),
        description: said("description").or_else(|| said("")).unwrap_or_default(),
        prerequisite: said("prerequisite").unwrap_or_default(),
        caveats: said("caveats").unwrap_or_default(),
        category: said("category").unwrap_or_else(|| category(&kinds).to_owned()),
        kinds,
        services: pattern.services.len(),
        text: text.to_owned(),
    })
}

/// The comment at the top of a file by heading; what stands before the first heading is under none.
fn header(text: &str) -> Vec<(String, String)> {
    const HEADINGS: &[&str] = &["prerequisite", "prerequisites", "description", "caveats", "caveat", "category"];
    let mut parts: Vec<(String, String)> = vec![(String::new(), String::new())];
    for line in text.lines().map(str::trim).skip_while(|line| line.is_empty()) {
        let Some(comment) = line.strip_prefix('#') else { break };
        let comment = comment.trim();
        let heading = comment.split_once(':').and_then(|(heading, rest)| {
            let plain: String = heading.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
            HEADINGS.contains(&plain.as_str()).then(|| (plain.trim_end_matches('s').to_owned(), rest.trim()))
        });
        match (heading, parts.last_mut()) {
            (Some((heading, rest)), _) => {
                let heading = if heading == "caveat" { "caveats".to_owned() } else { heading };
                parts.push((heading, rest.to_owned()));
            }
            (None, Some((_, text))) if !comment.is_empty() => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(comment);
            }
            _ => {}
        }
    }
    parts.retain(|(_, text)| !text.is_empty());
    parts
}

/// The category of a pattern that names none, by what it is made of.
fn category(kinds: &[String]) -> &'static str {
    let any = |names: &[&str]| kinds.iter().any(|kind| names.contains(&kind.as_str()));
    if kinds.iter().any(|kind| kind.ends_with("Mesh")) {
        "Deployment"
    } else if any(&[
        "AuthorizationPolicy",
        "PeerAuthentication",
        "RequestAuthentication",
        "NetworkPolicy",
        "TrafficTarget",
    ]) {
        "Security"
    } else if any(&[
        "VirtualService",
        "DestinationRule",
        "Gateway",
        "TrafficSplit",
        "HTTPRoute",
        "GRPCRoute",
        "EnvoyFilter",
    ]) {
        "Traffic Management"
    } else if any(&["Telemetry", "ServiceMonitor", "PodMonitor", "PrometheusRule"]) {
        "Observability"
    } else {
        "Deployment"
    }
}

impl Entry {
    /// Whether every word of `text` stands in its name, description, kinds, category or file, in any case.
    pub fn fits(&self, text: &str) -> bool {
        let all =
            [&self.name, &self.file, &self.description, &self.prerequisite, &self.category, &self.kinds.join(" ")];
        let all = all.map(String::as_str).join("\n").to_lowercase();
        text.to_lowercase().split_whitespace().all(|word| all.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_about_itself() {
        let text = "#Pre-requisite: Istio 1.20\n# and a cluster\n#Description: Splits traffic\n#Caveats: none\n\nname: split\nservices:\n  a: {type: VirtualService.Istio}\n  b: {type: VirtualService}\n  c: {type: Comment, isAnnotation: true}\n";
        let entry = entry("a/split.yaml", text).unwrap();
        assert_eq!(
            (entry.name.as_str(), entry.prerequisite.as_str(), entry.description.as_str(), entry.caveats.as_str()),
            ("split", "Istio 1.20 and a cluster", "Splits traffic", "none")
        );
        assert_eq!(
            (entry.category.as_str(), entry.kinds, entry.services),
            ("Traffic Management", vec!["VirtualService".to_owned()], 3)
        );
        let plain = super::entry("p.yaml", "# A shop.\nname: shop\nservices: {}\n").unwrap();
        assert_eq!(plain.description, "A shop.");
        assert!(super::entry("p.yaml", "a: 1").is_err());
    }

    #[test]
    fn every_bundled_sample_is_a_pattern_and_is_found() {
        assert_eq!(bundled().len(), BUNDLED.len());
        let found: Vec<String> =
            bundled().into_iter().filter(|entry| entry.fits("VIRTUALservice shop")).map(|entry| entry.name).collect();
        assert_eq!(found, ["shop"]);
    }
}
