//! A pattern as a Helm chart: `vars` are its values, CRDs stand in `crds/`, every other object is a template.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::objects::{self, Exported, Options};
use super::template::StandIns;
use crate::base::error::Result;
use crate::base::yaml;
use crate::pattern::Document;

/// A chart as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Name of the chart, and of its folder.
    pub name: String,
    /// Version of the chart.
    pub version: String,
    /// Files: path below the chart's folder, and text.
    pub files: Vec<(String, String)>,
    /// What the chart cannot say.
    pub warnings: Vec<String>,
}

/// Makes a chart of a pattern.
///
/// # Errors
/// As [`objects::objects`].
pub fn chart(document: &Document, options: Options<'_>) -> Result<Chart> {
    let literal = objects::objects(document, options)?;
    let (stand_ins, templated, mut warnings) = templated(document, options, &literal);
    let pattern = &document.pattern;
    let name = chart_name(&pattern.name);
    let helper = format!("{name}.text");
    let version = pattern.version.as_deref().map_or_else(|| "0.1.0".to_owned(), semantic);
    let mut files = vec![
        ("Chart.yaml".to_owned(), chart_file(&name, &version, pattern.version.as_deref())?),
        ("values.yaml".to_owned(), values_file(&pattern.vars)?),
        ("templates/_helpers.tpl".to_owned(), helpers(&helper)),
    ];
    let mut taken = BTreeSet::new();
    for (object, literal) in templated.objects.iter().zip(&literal.objects) {
        if literal.body["kind"] == "CustomResourceDefinition" {
            let path = free(&mut taken, "crds", &literal.service);
            files.push((path, yaml::write_kubernetes(&literal.body)?));
        } else {
            let path = free(&mut taken, "templates", &object.service);
            files.push((path, stand_ins.template(&object.body, &helper)?));
        }
    }
    if pattern.services.iter().any(|service| !service.depends_on.is_empty()) {
        warnings
            .push("`dependsOn` is not part of the chart: Helm applies objects in its own order of kinds".to_owned());
    }
    warnings.extend(literal.warnings);
    Ok(Chart { name, version, files, warnings })
}

/// The objects with stand-ins for `vars`. Values that decide what an object is are written out.
fn templated(document: &Document, options: Options<'_>, literal: &Exported) -> (StandIns, Exported, Vec<String>) {
    let decisive: Vec<String> = document
        .pattern
        .services
        .iter()
        .flat_map(|service| {
            let texts =
                [Some(&service.kind), service.api_version.as_ref(), service.model.as_ref(), service.version.as_ref()];
            texts.into_iter().flatten().chain(&service.depends_on).cloned().collect::<Vec<_>>()
        })
        .collect();
    let wanted = |path: &str| !decisive.iter().any(|text| text.contains(&format!("$(#ref.vars.{path})")));
    let (stand_ins, vars) = StandIns::of(&document.pattern.vars, wanted);
    let mut changed = document.clone();
    changed.pattern.vars = vars;
    // Which namespace is whose shows in the literal values only, and with it the order.
    let exported = objects::objects(&changed, options).ok().and_then(|exported| in_order_of(exported, literal));
    if let Some(exported) = exported {
        return (stand_ins, exported, Vec::new());
    }
    let warning = "the values of `vars` decide which objects there are, so that the chart has them written out";
    (StandIns::default(), literal.clone(), vec![warning.to_owned()])
}

/// The same objects in the order of `literal`; `None` when they are others.
fn in_order_of(exported: Exported, literal: &Exported) -> Option<Exported> {
    if exported.objects.len() != literal.objects.len() {
        return None;
    }
    let of = |service: &str| exported.objects.iter().find(|object| object.service == service).cloned();
    let objects = literal.objects.iter().map(|object| of(&object.service)).collect::<Option<Vec<_>>>()?;
    Some(Exported { objects, ..exported })
}

/// Chart names are lower-case letters, digits and dashes.
fn chart_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(safe).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "pattern".to_owned() } else { name.to_owned() }
}

/// A version as charts want it, made of one that may be shorter.
fn semantic(version: &str) -> String {
    let plain = version.trim_start_matches(['v', 'V']);
    let (numbers, rest) = plain.split_at(plain.find(['-', '+']).unwrap_or(plain.len()));
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| part.parse::<u64>().is_ok_and(|number| number.to_string() == **part);
    if parts.is_empty() || parts.len() > 3 || !parts.iter().all(is_number) {
        return "0.1.0".to_owned();
    }
    let mut numbers = parts.join(".");
    numbers.push_str(&".0".repeat(3 - parts.len()));
    format!("{numbers}{rest}")
}

fn chart_file(name: &str, version: &str, pattern_version: Option<&str>) -> Result<String> {
    let mut chart = Map::new();
    chart.insert("apiVersion".to_owned(), json!("v2"));
    chart.insert("name".to_owned(), json!(name));
    chart.insert("description".to_owned(), json!(format!("Pattern {name}, exported by mesheryctl")));
    chart.insert("type".to_owned(), json!("application"));
    chart.insert("version".to_owned(), json!(version));
    if let Some(version) = pattern_version {
        chart.insert("appVersion".to_owned(), json!(version));
    }
    yaml::write_kubernetes(&Value::Object(chart))
}

fn values_file(vars: &Map<String, Value>) -> Result<String> {
    if vars.is_empty() {
        return Ok("{}\n".to_owned());
    }
    yaml::write_kubernetes(&Value::Object(vars.clone()))
}

fn helpers(helper: &str) -> String {
    format!(
        "{{{{/* A value as text: strings as they are, numbers and booleans as YAML writes them. */}}}}\n\
         {{{{- define {} -}}}}\n{{{{- if kindIs \"string\" . }}}}{{{{ . }}}}{{{{ else }}}}{{{{ toJson . }}}}{{{{ end -}}}}\n{{{{- end -}}}}\n",
        json!(helper)
    )
}

/// A path that no other object has.
fn free(taken: &mut BTreeSet<String>, folder: &str, key: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c.to_ascii_lowercase() } else { '-' };
    let stem: String = key.chars().map(safe).collect();
    let stem = stem.trim_matches(['-', '.']);
    let mut path = format!("{folder}/{}.yaml", if stem.is_empty() { "object" } else { stem });
    let mut number = 2;
    while !taken.insert(path.clone()) {
        path = format!("{folder}/{stem}-{number}.yaml");
        number += 1;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    fn file<'a>(chart: &'a Chart, path: &str) -> &'a str {
        &chart.files.iter().find(|(known, _)| known == path).unwrap_or_else(|| panic!("{path} in {chart:?}")).1
    }

    #[test]
    fn a_chart_has_values_for_vars_and_crds_apart() {
        let document = parse(
            "p.yaml",
            "name: My Shop\nversion: '1.2'\nvars: {ns: shop, size: 2, kind: ConfigMap}\nservices:\n  crd:\n    type: CustomResourceDefinition\n    name: things.x.io\n    settings: {group: x.io, scope: Namespaced, names: {kind: Thing, plural: things}, versions: [{name: v1}]}\n  web:\n    type: Deployment\n    namespace: $(#ref.vars.ns)\n    settings: {replicas: $(#ref.vars.size)}\n  map:\n    type: $(#ref.vars.kind)\n    settings: {data: {url: 'http://web.$(#ref.services.web.namespace)/'}}\n    dependsOn: [web]\n",
        )
        .unwrap();
        let chart = chart(&document, Options::default()).unwrap();
        assert_eq!((chart.name.as_str(), chart.version.as_str()), ("my-shop", "1.2.0"));
        assert_eq!(file(&chart, "values.yaml"), "ns: shop\nsize: 2\nkind: ConfigMap\n");
        assert_eq!(
            file(&chart, "templates/web.yaml"),
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: {{ .Values.ns | toJson }}\nspec:\n  replicas: {{ .Values.size | toJson }}\n"
        );
        assert!(
            file(&chart, "templates/map.yaml")
                .contains("url: {{ printf \"http://web.%s/\" (include \"my-shop.text\" (.Values.ns)) | toJson }}")
        );
        assert!(file(&chart, "crds/crd.yaml").starts_with("apiVersion: apiextensions.k8s.io/v1\n"));
        assert_eq!(chart.warnings.len(), 1, "{:?}", chart.warnings);
    }

    #[test]
    fn versions_become_semantic() {
        for (from, to) in
            [("1.2", "1.2.0"), ("v1", "1.0.0"), ("1.2.3-rc.1", "1.2.3-rc.1"), ("soon", "0.1.0"), ("1.02", "0.1.0")]
        {
            assert_eq!(semantic(from), to);
        }
    }
}
