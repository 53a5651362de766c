//! Kubernetes contexts and whether their clusters answer.

use axum::Json;
use axum::extract::{Multipart, State};

use super::extract::Query;
use super::failure::{Failure, Reply};
use super::route::{Payload, Route};
use crate::base::{Code, Error, Result};
use crate::model::kubernetes::{KindInfo, KubeContext};
use crate::server::{Caller, Shared, clusters, kubeconfig};
use crate::wire::rest::paths;
use crate::wire::rest::session::{KeptContexts, KubePing, UploadedContext};

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
        Route::post::<KeptContexts, _, _>(
            paths::KUBE_CONFIG,
            "keepKubeconfig",
            "Keeps contexts of an uploaded kubeconfig (field `k8sfile`): those that `contextName` fields name, or all",
            keep,
        )
        .reads(Payload::text(&["multipart/form-data"])),
        Route::delete::<KeptContexts, _, _>(
            paths::KUBE_CONFIG,
            "forgetKubeconfig",
            "Forgets every uploaded kubeconfig; answers with the contexts that are gone",
            forget,
        ),
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
    let files = query.get(&["kubeconfig"]);
    caller.may_name(files)?;
    Ok(Json(clusters::contexts(&state.settings, files)?))
}

async fn kinds(State(state): State<Shared>, caller: Caller, query: Query) -> Reply<Vec<KindInfo>> {
    let files = query.get(&["kubeconfig"]);
    caller.may_name(files)?;
    Ok(Json(clusters::kinds(&state, query.get(&["context"]), files).await?))
}

async fn ping(State(state): State<Shared>, caller: Caller, query: Query) -> Reply<KubePing> {
    let files = query.get(&["kubeconfig"]);
    caller.may_name(files)?;
    let context = query.get(&["context", "connection_id", "connectionId"]);
    Ok(Json(clusters::ping(&state, context, files).await?))
}

async fn read(upload: Upload) -> Reply<Vec<UploadedContext>> {
    let (text, _) = form(upload).await?;
    Ok(Json(clusters::uploaded(&text)?.into_iter().map(uploaded).collect()))
}

async fn keep(State(state): State<Shared>, caller: Caller, upload: Upload) -> Reply<KeptContexts> {
    let (text, wanted) = form(upload).await?;
    Ok(Json(KeptContexts::of(kubeconfig::keep(&state, &text, &wanted, matches!(caller, Caller::Here))?)))
}

async fn forget(State(state): State<Shared>) -> Reply<KeptContexts> {
    Ok(Json(KeptContexts::of(kubeconfig::forget(&state)?)))
}

type Upload = Result<Multipart, axum::extract::multipart::MultipartRejection>;

/// The kubeconfig of a form, and the contexts that it names.
async fn form(upload: Upload) -> Result<(String, Vec<String>), Failure> {
    let mut upload = upload
        .map_err(|rejection| Failure(Error::new(Code::MediaType, "the body is not a form").because(rejection)))?;
    let broken = |error: axum::extract::multipart::MultipartError| {
        Error::new(Code::RequestInvalid, "the form cannot be read").because(error.body_text())
    };
    let (mut file, mut wanted) = (None, Vec::new());
    while let Some(field) = upload.next_field().await.map_err(broken)? {
        match field.name() {
            Some("k8sfile") => {
                let text = field.text().await.map_err(broken)?;
                if text.len() > UPLOAD_LIMIT {
                    return Err(Error::new(Code::BodyTooLarge, "the kubeconfig is larger than 1 MiB").into());
                }
                file = Some(text);
            }
            Some("contextName") => wanted.push(field.text().await.map_err(broken)?),
            _ => {}
        }
    }
    let text = file.ok_or_else(|| Error::new(Code::RequestInvalid, "the form has no field `k8sfile`"))?;
    Ok((text, wanted))
}

fn uploaded(context: KubeContext) -> UploadedContext {
    UploadedContext {
        context_name: context.name.clone(),
        cluster_name: context.cluster.clone(),
        current_context: context.current,
        context,
    }
}
