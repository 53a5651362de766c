//! Files of the chart that no object is made of.

/// Chart.yaml.
pub(super) fn chart_file(version: &str) -> String {
    format!(
        "apiVersion: v2\nname: {}\ndescription: The Meshery management plane, as `mesheryctl system start` runs it\n\
         type: application\nversion: {version}\nappVersion: {version:?}\nkubeVersion: '>=1.26.0-0'\n\
         sources:\n- https://github.com/meshery/meshery\n",
        super::NAME
    )
}

/// What the values are, by their keys.
pub(super) fn comment(key: &str) -> &'static str {
    match key {
        "image" => "Image of the plane; `mesheryctl system image push` makes one.",
        "pullPolicy" => "When its registry is asked: IfNotPresent, Always, or Never.",
        "pullSecret" => "Secret with the credentials of the registry.",
        "token" => "Token that clients need; one is made at the first installation when it is empty.",
        "namespace" => "Whether the chart makes the namespace itself, instead of `helm install --create-namespace`.",
        "grants" => "What the plane may do; `mesheryctl system manifest --show-rbac` explains each.",
        "storage" => {
            "Where the data lives: claim, ephemeral, or hostpath with a folder of a node (any node without a name)."
        }
        "expose" => "The way in: forward (none but the API server's), node-port, load-balancer, or ingress.",
        "hosts" => "Further host names under which the server is addressed.",
        "env" => "Further environment of the server, by name.",
        "adapters" => "Adapters; each enabled one also permits the plane to write the kinds of its mesh.",
        "broker" => "A NATS server beside the plane.",
        "resources" => "Requests and limits of the containers.",
        _ => "",
    }
}

/// Helpers; the one for the rules is added to them.
pub(super) const HELPERS: &str = r#"{{/* Name of what lives in no namespace. */}}
{{- define "meshery.clusterName" -}}
{{- if eq $.Release.Namespace "meshery" }}meshery{{ else }}meshery-{{ $.Release.Namespace }}{{ end }}
{{- end }}
{{/* Type of the server's service. */}}
{{- define "meshery.serviceType" -}}
{{- if eq $.Values.expose.kind "node-port" }}NodePort{{ else if eq $.Values.expose.kind "load-balancer" }}LoadBalancer{{ else }}ClusterIP{{ end }}
{{- end }}
{{/* Addresses of the adapters, in the order of their ports. */}}
{{- define "meshery.adapters" -}}
{{- $addresses := list }}
{{- range $name, $adapter := $.Values.adapters }}
{{- if $adapter.enabled }}
{{- $addresses = append $addresses (printf "%s.%s.svc:%d" $name $.Release.Namespace (int $adapter.port)) }}
{{- end }}
{{- end }}
{{- join " " $addresses }}
{{- end }}
{{/* Rules of what the plane may do. */}}
"#;

/// Before the Secret: the token that was given, the one that is installed, or a new one.
pub(super) const TOKEN: &str = r#"{{- $token := $.Values.token }}
{{- if not $token }}
{{- $known := lookup "v1" "Secret" $.Release.Namespace "meshery-token" }}
{{- $token = randAlphaNum 64 }}
{{- if $known }}
{{- $token = (index $known.data "auth.json" | b64dec | fromJson).token }}
{{- end }}
{{- end }}
"#;

/// Around the objects of an adapter.
pub(super) const EACH_ADAPTER: &str = r"{{- range $name, $adapter := $.Values.adapters }}
{{- if $adapter.enabled }}
";
/// Behind the objects of an adapter.
pub(super) const END_EACH: &str = "{{- end }}\n{{- end }}\n";

/// What Helm says after an installation.
pub(super) const NOTES: &str = r#"The plane runs in namespace {{ $.Release.Namespace }}.

Its token:
  kubectl -n {{ $.Release.Namespace }} get secret meshery-token -o go-template='{{ "{{" }}index .data "auth.json" | base64decode{{ "}}" }}' >~/.meshery/auth.json

Reach it:
  kubectl -n {{ $.Release.Namespace }} port-forward service/meshery 9081
"#;
