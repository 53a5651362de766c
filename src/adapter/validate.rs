//! What a call must bring. A fault is told with the value, what was expected and the next step, before anything else is
//! looked at.

use std::path::Path;

use crate::base::{Code, Error, Result, text, yaml};
use crate::cluster::kubeconfig;
use crate::wire::meshops::ApplyRuleRequest;

/// Characters of an operation's key or id at most.
const LENGTH: usize = 253;
/// The operation that applies a manifest of the caller.
const CUSTOM: &str = "custom";

/// Checks a request to begin an operation.
pub(super) fn operation(request: &ApplyRuleRequest) -> Result<()> {
    key(&request.op_name)?;
    namespace(&request.namespace)?;
    if request.operation_id.len() > LENGTH || request.operation_id.contains(char::is_control) {
        return Err(wrong("operation_id", &request.operation_id, "an id of printable characters"));
    }
    for kube_config in &request.kube_configs {
        cluster(kube_config.as_bytes(), "")?;
    }
    if request.op_name == CUSTOM {
        manifest(&request.custom_body)?;
    }
    Ok(())
}

fn key(key: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty() || key.len() > LENGTH || !key.chars().all(allowed) {
        return Err(wrong("opName", key, "the key of an operation, such as `istio`"));
    }
    Ok(())
}

/// A namespace as Kubernetes has it (RFC 1123 label); none is the default one.
fn namespace(name: &str) -> Result<()> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = name.len() <= 63 && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-');
    if good { Ok(()) } else { Err(wrong("namespace", name, "lower-case letters, digits and `-`, at most 63")) }
}

fn manifest(body: &str) -> Result<()> {
    let documents =
        yaml::read_kubernetes_stream(body).map_err(|fault| fault.into_error(Code::RequestInvalid, "custom_body"))?;
    let is_object = |document: &serde_json::Value| document["kind"].is_string() && document["apiVersion"].is_string();
    if documents.is_empty() || !documents.iter().all(is_object) {
        return Err(Error::new(Code::RequestInvalid, "`custom_body` holds no Kubernetes objects")
            .remedy("Send a manifest: documents with apiVersion and kind."));
    }
    Ok(())
}

/// Checks a kubeconfig and that it leads to a cluster through `context`, or through its current one. An empty one means
/// the cluster the adapter runs in.
pub(super) fn cluster(bytes: &[u8], context: &str) -> Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::new(Code::KubeconfigInvalid, "the kubeconfig is not text").because(error))?;
    let config = kubeconfig::parse(Path::new("k8sConfig"), text)?;
    let wanted: Vec<String> = Some(context.to_owned()).filter(|name| !name.is_empty()).into_iter().collect();
    let chosen = kubeconfig::choose(&config, &wanted, &[])?;
    let leads = |name: &String| {
        kubeconfig::contexts(&config).iter().any(|known| known.name == *name && !known.server.is_empty())
    };
    match chosen.iter().find(|name| !leads(name)) {
        Some(name) => {
            Err(Error::new(Code::KubeconfigInvalid, format!("context `{name}` names a cluster without a server")))
        }
        None => Ok(()),
    }
}

fn wrong(field: &str, value: &str, wanted: &str) -> Error {
    let value: String = value.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Error::new(Code::RequestInvalid, format!("`{field}` is `{value}`")).because(format!("it must be {wanted}"))
}

/// An error as one text, because a status of gRPC has no other place for the next step.
pub(super) fn words(error: &Error) -> String {
    let report = error.report();
    let details = report.details.iter().fold(String::new(), |text, detail| format!("{text}; {detail}"));
    let remedy = report.suggested_remediation.unwrap_or_default();
    text::one_line(&format!("{error}{details}. {remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: c, cluster: {server: 'https://h:1'}}, {name: d, cluster: {}}]\n\
                              users: []\ncontexts: [{name: a, context: {cluster: c, user: u}}, {name: b, context: {cluster: d, user: u}}]\n";

    fn request() -> ApplyRuleRequest {
        ApplyRuleRequest {
            op_name: "istio".into(),
            kube_configs: vec![KUBECONFIG.into()],
            ..ApplyRuleRequest::default()
        }
    }

    #[test]
    fn good_requests_pass() {
        operation(&request()).unwrap();
        let custom = ApplyRuleRequest {
            op_name: "custom".into(),
            namespace: "shop".into(),
            custom_body: "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n".into(),
            ..request()
        };
        operation(&custom).unwrap();
        cluster(b"", "").unwrap();
        cluster(KUBECONFIG.as_bytes(), "a").unwrap();
    }

    #[test]
    fn faults_name_the_field_and_the_value() {
        let faults = [
            (ApplyRuleRequest { op_name: String::new(), ..request() }, "`opName` is ``"),
            (ApplyRuleRequest { op_name: "rm -rf /".into(), ..request() }, "`opName` is `rm -rf /`"),
            (ApplyRuleRequest { namespace: "Shop".into(), ..request() }, "`namespace` is `Shop`"),
            (ApplyRuleRequest { namespace: "-".into(), ..request() }, "`namespace` is `-`"),
            (ApplyRuleRequest { operation_id: "a\nb".into(), ..request() }, "`operation_id` is `a b`"),
            (ApplyRuleRequest { kube_configs: vec!["{".into()], ..request() }, "k8sConfig"),
            (ApplyRuleRequest { op_name: "custom".into(), ..request() }, "`custom_body` holds no"),
            (ApplyRuleRequest { op_name: "custom".into(), custom_body: "a: [".into(), ..request() }, "custom_body"),
        ];
        for (request, wanted) in faults {
            let text = words(&operation(&request).unwrap_err());
            assert!(text.contains(wanted) && !text.contains('\n'), "{wanted}: {text}");
        }
    }

    #[test]
    fn a_kubeconfig_must_lead_to_a_cluster() {
        let code = |text: &str, context: &str| cluster(text.as_bytes(), context).unwrap_err().code();
        assert_eq!(code("{", ""), Code::KubeconfigInvalid);
        assert_eq!(cluster(&[0xff], "").unwrap_err().code(), Code::KubeconfigInvalid);
        assert_eq!(code(KUBECONFIG, "nope"), Code::KubeContextNotFound);
        assert_eq!(code(KUBECONFIG, "b"), Code::KubeconfigInvalid);
        assert_eq!(code("apiVersion: v1\nkind: Config\n", ""), Code::KubeContextMissing);
    }
}
