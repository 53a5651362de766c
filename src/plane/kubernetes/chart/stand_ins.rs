//! Stand-ins: words that no object holds by itself, and the expressions that take their place.

use serde_json::{Value, json};

use crate::base::error::Result;
use crate::base::yaml;
use crate::plane::spec::PartKind;

/// Namespace of the release.
pub(super) const NAMESPACE: &str = "zznamespacezz";
/// Name of the release.
pub(super) const INSTANCE: &str = "zzinstancezz";
/// Version of the program.
pub(super) const VERSION: &str = "zzversionzz";
/// Image of the plane.
pub(super) const IMAGE: &str = "zzimagezz";
/// Image of the broker.
pub(super) const BROKER_IMAGE: &str = "zzbrokerimagezz";
/// Name of an adapter.
pub(super) const ADAPTER: &str = "zzadapterzz";
/// Mesh of an adapter.
pub(super) const MESH: &str = "zzmeshzz";
/// Port of an adapter.
pub(super) const ADAPTER_PORT: u16 = 65001;
/// Size of the claim.
pub(super) const SIZE: &str = "zzsizezz";
/// Folder of the volume.
pub(super) const PATH: &str = "/zzpathzz";
/// Node of the volume.
pub(super) const NODE: &str = "zznodezz";
/// Host of the ingress.
pub(super) const HOST: &str = "zzhostzz";
/// Class of the ingress.
pub(super) const CLASS: &str = "zzclasszz";
/// Rules of the role.
pub(super) const RULES: &str = "zzruleszz";

/// Words inside a text, the longer ones first.
const WORDS: &[(&str, &str)] = &[
    ("meshery-zznamespacezz", "{{ include \"meshery.clusterName\" $ }}"),
    (NAMESPACE, "{{ $.Release.Namespace }}"),
    (INSTANCE, "{{ $.Release.Name }}"),
    (VERSION, "{{ $.Chart.AppVersion }}"),
    (IMAGE, "{{ $.Values.image }}"),
    (BROKER_IMAGE, "{{ $.Values.broker.image }}"),
    (ADAPTER, "{{ $name }}"),
    (MESH, "{{ trimPrefix \"meshery-\" $name }}"),
    ("65001", "{{ $adapter.port | int }}"),
    (SIZE, "{{ $.Values.storage.size }}"),
    (PATH, "{{ $.Values.storage.path }}"),
    (HOST, "{{ $.Values.expose.host }}"),
    ("zzpullzz", "{{ $.Values.pullPolicy }}"),
    ("zzadapterszz", "{{ include \"meshery.adapters\" $ }}"),
    ("zzservicetypezz", "{{ include \"meshery.serviceType\" $ }}"),
    ("zztokenzz", "{{ dict \"meshery-provider\" \"None\" \"token\" $token | toJson | b64enc }}"),
    ("managed-by: mesheryctl", "managed-by: {{ $.Release.Service }}"),
];

/// Whole lines, by the word that stands in them; the lines that take their place are indented as it is.
const BLOCKS: &[(&str, &[&str])] = &[
    ("zzruleszz", &["rules:", "{{ include \"meshery.rules\" $ | trim | indent 2 }}"]),
    (
        "zzstoragezz",
        &[
            "{{- if eq $.Values.storage.kind \"ephemeral\" }}",
            "emptyDir:",
            "  sizeLimit: {{ $.Values.storage.size | quote }}",
            "{{- else }}",
            "persistentVolumeClaim:",
            "  claimName: meshery-data",
            "{{- end }}",
        ],
    ),
    (
        "zzclaimzz",
        &[
            "{{- if eq $.Values.storage.kind \"hostpath\" }}",
            "storageClassName: \"\"",
            "volumeName: {{ include \"meshery.clusterName\" $ }}-data",
            "{{- else if $.Values.storage.class }}",
            "storageClassName: {{ $.Values.storage.class | quote }}",
            "{{- end }}",
        ],
    ),
    (
        "zzhostszz",
        &[
            "{{- if eq $.Values.expose.kind \"ingress\" }}",
            "- --allow-host",
            "- {{ $.Values.expose.host | quote }}",
            "{{- end }}",
            "{{- range $.Values.hosts }}",
            "- --allow-host",
            "- {{ . | quote }}",
            "{{- end }}",
        ],
    ),
    (
        "zzenvironmentzz",
        &[
            "{{- range $name, $value := $.Values.env }}",
            "- name: {{ $name }}",
            "  value: {{ $value | quote }}",
            "{{- end }}",
        ],
    ),
    (
        "zzpullsecretzz",
        &["{{- with $.Values.pullSecret }}", "imagePullSecrets:", "- name: {{ . | quote }}", "{{- end }}"],
    ),
    (
        "zznodeportzz",
        &[
            "{{- if and (eq $.Values.expose.kind \"node-port\") $.Values.expose.nodePort }}",
            "nodePort: {{ $.Values.expose.nodePort | int }}",
            "{{- end }}",
        ],
    ),
    ("zzclasszz", &["{{- with $.Values.expose.class }}", "ingressClassName: {{ . | quote }}", "{{- end }}"]),
    ("zzserverresourceszz", &["resources:", "{{ toYaml $.Values.resources.server | indent 2 }}"]),
    ("zzadapterresourceszz", &["resources:", "{{ toYaml $.Values.resources.adapter | indent 2 }}"]),
    ("zzbrokerresourceszz", &["resources:", "{{ toYaml $.Values.resources.broker | indent 2 }}"]),
    (
        "zzaffinityzz",
        &[
            "- key: kubernetes.io/hostname",
            "{{- if $.Values.storage.node }}",
            "  operator: In",
            "  values:",
            "  - {{ $.Values.storage.node | quote }}",
            "{{- else }}",
            "  operator: Exists",
            "{{- end }}",
        ],
    ),
];

/// The text of objects, each after a `---`, with expressions where stand-ins were.
pub(super) fn text(objects: &[Value]) -> Result<String> {
    let mut text = String::new();
    for object in objects {
        text.push_str("---\n");
        for line in yaml::write_kubernetes(&affinity(object.clone()))?.lines() {
            push_line(&mut text, line);
        }
    }
    Ok(text)
}

fn push_line(text: &mut String, line: &str) {
    let indent = &line[..line.len() - line.trim_start().len()];
    if let Some((_, lines)) = BLOCKS.iter().find(|(word, _)| line.contains(word)) {
        for block in *lines {
            // What is included is already indented as deep as it stands in its own lines.
            let block = match block.rsplit_once("indent 2 }}") {
                Some((before, _)) => format!("{before}indent {} }}}}", indent.len() + 2),
                None if block.starts_with("{{-") => (*block).to_owned(),
                None => format!("{indent}{block}"),
            };
            text.push_str(&block);
            text.push('\n');
        }
        return;
    }
    text.push_str(&replaced(line));
    text.push('\n');
}

/// The line with its words replaced; a value that was one word becomes a quoted text.
fn replaced(line: &str) -> String {
    let mut line = line.to_owned();
    for (word, expression) in WORDS {
        let quoted = format!("{} | quote }}}}", expression.trim_end_matches(" }}"));
        for start in [": ", "- "] {
            if line.ends_with(&format!("{start}{word}")) && expression.starts_with("{{") && *word != "65001" {
                line = line.replace(&format!("{start}{word}"), &format!("{start}{quoted}"));
            }
        }
        line = line.replace(word, expression);
    }
    line
}

fn affinity(mut object: Value) -> Value {
    if object["kind"] == "PersistentVolume" {
        let term = &mut object["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0];
        term["matchExpressions"] = json!(["zzaffinityzz"]);
    }
    object
}

/// A Service whose type can be chosen, if it is the server's.
pub(super) fn service(mut service: Value, kind: PartKind) -> Value {
    if kind == PartKind::Server {
        service["spec"]["type"] = json!("zzservicetypezz");
        service["spec"]["ports"][0]["zznodeportzz"] = json!(0);
    }
    service
}

/// A Deployment whose resources, image policy, hosts and storage can be chosen.
pub(super) fn deployment(mut deployment: Value, kind: PartKind) -> Value {
    let pod = &mut deployment["spec"]["template"]["spec"];
    let container = &mut pod["containers"][0];
    let resources = match kind {
        PartKind::Server => "zzserverresourceszz",
        PartKind::Adapter => "zzadapterresourceszz",
        PartKind::Broker => "zzbrokerresourceszz",
    };
    container["resources"] = json!(resources);
    if kind != PartKind::Broker {
        container["imagePullPolicy"] = json!("zzpullzz");
    }
    if kind == PartKind::Server {
        if let Some(arguments) = container["args"].as_array_mut() {
            arguments.push(json!("zzhostszz"));
        }
        if let Some(variables) = container["env"].as_array_mut() {
            for variable in variables.iter_mut().filter(|variable| variable["name"] == "ADAPTER_URLS") {
                variable["value"] = json!("zzadapterszz");
            }
            variables.push(json!("zzenvironmentzz"));
        }
        if let Some(volumes) = pod["volumes"].as_array_mut() {
            for volume in volumes.iter_mut().filter(|volume| volume["name"] == "data") {
                *volume = json!({"name": "data", "zzstoragezz": 0});
            }
        }
    }
    if kind != PartKind::Broker {
        pod["imagePullSecrets"] = json!("zzpullsecretzz");
    }
    deployment
}

/// A claim whose class can be chosen.
pub(super) fn claim(mut claim: Value) -> Value {
    if let Some(spec) = claim["spec"].as_object_mut() {
        spec.shift_remove("storageClassName");
        spec.shift_remove("volumeName");
        spec.insert("zzclaimzz".to_owned(), json!(0));
    }
    claim
}

/// The Secret with the chart's token.
pub(super) fn token(mut secret: Value) -> Value {
    if let Some(data) = secret["data"].as_object_mut() {
        data.values_mut().for_each(|value| *value = json!("zztokenzz"));
    }
    secret
}
