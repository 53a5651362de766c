//! What the API server says, as errors of ours. Its own words are always kept.

use kube::core::Status;

use crate::base::error::{Code, Error};
use crate::base::text;
use crate::cluster::Cluster;
use crate::model::kubernetes::ObjectRef;

/// The error of a call that is about the cluster as a whole.
pub fn of_call(cluster: &Cluster, error: &kube::Error) -> Error {
    match error {
        kube::Error::Api(status) if status.code == 401 => refused_credentials(cluster).detail(status.message.clone()),
        kube::Error::Api(status) if status.is_forbidden() => {
            Error::new(Code::ClusterForbidden, format!("cluster `{}` does not permit the call", cluster.context))
                .detail(status.message.clone())
        }
        kube::Error::Api(status) => {
            Error::new(Code::ClusterUnreachable, format!("cluster `{}` answered with an error", cluster.context))
                .because(status.message.clone())
        }
        kube::Error::Auth(error) => refused_credentials(cluster).because(error),
        other => Error::new(
            Code::ClusterUnreachable,
            format!("cluster `{}` at {} does not answer", cluster.context, cluster.server),
        )
        .because(plain_words(other)),
    }
}

/// Why a call did not come through, without the names of the layers that it failed in.
fn plain_words(error: &kube::Error) -> String {
    let chain = text::chain(error);
    ["ServiceError: ", "client error (Connect): ", "HyperError: "]
        .iter()
        .fold(chain.as_str(), |words, layer| words.strip_prefix(layer).unwrap_or(words))
        .to_owned()
}

fn refused_credentials(cluster: &Cluster) -> Error {
    Error::new(
        Code::ClusterAuth,
        format!("cluster `{}` at {} refused the credentials", cluster.context, cluster.server),
    )
}

/// The error of a call about one object.
pub fn of_object(cluster: &Cluster, object: &ObjectRef, error: &kube::Error) -> Error {
    let kube::Error::Api(status) = error else { return of_call(cluster, error) };
    let causes = status_causes(status);
    match status.code {
        401 => of_call(cluster, error),
        403 if status.message.contains("cannot ") => {
            Error::new(Code::ClusterForbidden, format!("{object}: not permitted")).because(&status.message)
        }
        409 if causes.iter().any(|cause| cause.contains("conflict with")) => {
            Error::new(Code::ObjectConflict, format!("{object}: another manager owns some of its fields"))
                .details(causes)
        }
        404 => Error::new(Code::ObjectRefused, format!("{object} was refused"))
            .because(&status.message)
            .remedy(remedy_404(status)),
        422 if is_immutable(status) => {
            Error::new(Code::ObjectImmutable, format!("{object}: a field cannot be changed")).details(causes)
        }
        _ if is_transient(error) => {
            Error::new(Code::ClusterFault, format!("{object}: the API server failed")).because(&status.message)
        }
        _ => Error::new(Code::ObjectRefused, format!("{object} was refused")).because(&status.message).details(
            causes.into_iter().filter(|cause| !status.message.contains(cause.split(": ").last().unwrap_or(cause))),
        ),
    }
}

fn remedy_404(status: &Status) -> String {
    if status.message.starts_with("namespaces ") {
        "Create the namespace first: add a service of type Namespace to the pattern, or `kubectl create namespace`."
            .to_owned()
    } else {
        "The kind is no longer served: install what brings it, and apply again.".to_owned()
    }
}

fn is_immutable(status: &Status) -> bool {
    let says_so = |text: &str| text.contains("immutable") || text.contains("may not change once set");
    says_so(&status.message) || status_causes(status).iter().any(|cause| says_so(cause))
}

fn status_causes(status: &Status) -> Vec<String> {
    let Some(details) = &status.details else { return Vec::new() };
    details
        .causes
        .iter()
        .map(|cause| match cause.field.as_str() {
            "" => first_line(&cause.message).to_owned(),
            field => format!("{field}: {}", first_line(&cause.message)),
        })
        .collect()
}

/// What the API server says before it prints the values of its own program, which tell nothing to a user.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default().trim_end()
}

/// Whether the call may succeed when it is simply made again.
pub fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            // The API server says 500 for objects that it cannot read, and for webhooks that refuse by accident.
            let about_the_object = ["failed to create typed patch object", "admission webhook"];
            matches!(status.code, 429 | 500 | 502 | 503 | 504)
                && !about_the_object.iter().any(|text| status.message.contains(text))
        }
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_behind_the_first_line_is_left_out() {
        let message = "Forbidden: spec.persistentvolumesource is immutable after creation\n  core.PersistentVolumeSource{\n- HostPath: &{...}";
        assert_eq!(first_line(message), "Forbidden: spec.persistentvolumesource is immutable after creation");
        assert_eq!(first_line(""), "");
    }
}
