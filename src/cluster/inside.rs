//! The cluster that this process runs in, as a pod sees it.

use std::path::Path;

use kube::config::Kubeconfig;
use serde_json::json;

use crate::base::env;

/// Name of the context for the cluster a pod runs in.
pub const NAME: &str = "in-cluster";
/// Where Kubernetes puts the token, authority and namespace of a pod's account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A kubeconfig with the one context [`NAME`]; `None` outside of pods, and in pods without an account's token.
pub(super) fn kubeconfig() -> Option<Kubeconfig> {
    let host = env::get(env::KUBERNETES_SERVICE_HOST)?;
    let port = env::get(env::KUBERNETES_SERVICE_PORT).unwrap_or_else(|| "443".to_owned());
    of_account(Path::new(ACCOUNT), &host, &port)
}

/// The token is named as a file: Kubernetes replaces it before it runs out.
fn of_account(folder: &Path, host: &str, port: &str) -> Option<Kubeconfig> {
    let (token, authority) = (folder.join("token"), folder.join("ca.crt"));
    if !token.is_file() {
        return None;
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let namespace = std::fs::read_to_string(folder.join("namespace")).ok();
    let namespace = namespace.as_deref().map_or("default", str::trim);
    let mut cluster = json!({"server": format!("https://{host}:{port}")});
    if authority.is_file() {
        cluster["certificate-authority"] = json!(authority);
    }
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": NAME, "user": {"tokenFile": token}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": namespace}}]
    });
    Kubeconfig::from_yaml(&text.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kubeconfig;

    #[test]
    fn a_pods_account_is_a_context() {
        let folder = tempfile::tempdir().unwrap();
        assert!(of_account(folder.path(), "10.0.0.1", "443").is_none(), "an account without a token is none");
        for (name, text) in [("token", "t"), ("ca.crt", "pem"), ("namespace", "meshery\n")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let config = of_account(folder.path(), "fd00::1", "6443").unwrap();
        let contexts = kubeconfig::contexts(&config);
        assert_eq!(contexts.len(), 1);
        assert_eq!((contexts[0].name.as_str(), contexts[0].server.as_str()), (NAME, "https://[fd00::1]:6443"));
        assert_eq!(contexts[0].namespace.as_deref(), Some("meshery"));
        assert!(contexts[0].current);
        let user = config.auth_infos[0].auth_info.as_ref().unwrap();
        assert!(user.token.is_none() && user.token_file.as_ref().unwrap().ends_with("token"));
    }
}
