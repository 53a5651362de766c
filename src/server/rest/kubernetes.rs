//! Kubernetes contexts and whether their clusters answer.

use axum::Json;
use axum::extract::{Multipart, State};

use super::deploy::Caller;
use super::extract::Query;
use super::failure::{Failure, Reply};
use super::route::{Payload, Route};
use crate::base::{Code, Error, Result};
use crate::model::kubernetes::{KindInfo, KubeContext};
use crate::server::{Shared, clusters};
use crate::wire::rest::paths;
use crate::wire::rest::session::{KubePing, UploadedContext};

/// Largest kubeconfig that is looked into.
const UPLOAD_LIMIT: usize = 1 << 20;

const KUBECONFIG: (&str, &str) =
    ("kubeconfig", "kubeconfig files, separated as in PATH, instead of the server's; only for callers of this machine");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<Vec<KubeContext>, _, _>(
            paths::KUBE_CONTEXTS,
            "listKubeContexts",
            "Contexts of the server's kubeconfig",
            list,
        )
        .query(&[KUBECONFIG]),
        Route::post::<Vec<UploadedContext>, _, _>(
            paths::KUBE_CONTEXTS,
            "readKubeContexts",
            "Contexts of an uploaded kubeconfig (field `k8sfile`), which is not kept",
            read,
        )
        .reads(Payload::text(&["multipart/form-data"])),
        Route::get::<Vec<KindInfo>, _, _>(
            paths::KUBE_KINDS,
            "listKinds",
            "Kinds that the cluster behind a context serves",
            kinds,
        )
        .query(&[("context", "context name or id; without it the current one"), KUBECONFIG]),
        Route::get::<KubePing, _, _>(paths::KUBE_PING, "pingCluster", "Version of the cluster behind a context", ping)
            .query(&[
                ("context", "context name or id; without it the current one; also `connection_id`, `connectionId`"),
                KUBECONFIG,
            ]),
    ]
}

async fn list(State(state): State<Shared>, caller: Caller, query: Query) -> Reply<Vec<KubeContext>> {
    let kubeconfig = query.get(&["kubeconfig"]);
    caller.may_name(kubeconfig)?;
    Ok(Json(clusters::contexts(&state.settings, kubeconfig)?))
}

async fn kinds(State(state): State<Shared>, caller: Caller, query: Query) -> Reply<Vec<KindInfo>> {
    let kubeconfig = query.get(&["kubeconfig"]);
    caller.may_name(kubeconfig)?;
    Ok(Json(clusters::kinds(&state, query.get(&["context"]), kubeconfig).await?))
}

async fn ping(State(state): State<Shared>, caller: Caller, query: Query) -> Reply<KubePing> {
    let kubeconfig = query.get(&["kubeconfig"]);
    caller.may_name(kubeconfig)?;
    let context = query.get(&["context", "connection_id", "connectionId"]);
    Ok(Json(clusters::ping(&state, context, kubeconfig).await?))
}

async fn read(upload: Result<Multipart, axum::extract::multipart::MultipartRejection>) -> Reply<Vec<UploadedContext>> {
    let mut upload = upload
        .map_err(|rejection| Failure(Error::new(Code::MediaType, "the body is not a form").because(rejection)))?;
    let broken = |error: axum::extract::multipart::MultipartError| {
        Error::new(Code::RequestInvalid, "the form cannot be read").because(error.body_text())
    };
    while let Some(field) = upload.next_field().await.map_err(broken)? {
        if field.name() != Some("k8sfile") {
            continue;
        }
        let text = field.text().await.map_err(broken)?;
        if text.len() > UPLOAD_LIMIT {
            return Err(Error::new(Code::BodyTooLarge, "the kubeconfig is larger than 1 MiB").into());
        }
        return Ok(Json(clusters::uploaded(&text)?.into_iter().map(uploaded).collect()));
    }
    Err(Error::new(Code::RequestInvalid, "the form has no field `k8sfile`").into())
}

fn uploaded(context: KubeContext) -> UploadedContext {
    UploadedContext {
        context_name: context.name.clone(),
        cluster_name: context.cluster.clone(),
        current_context: context.current,
        context,
    }
}
