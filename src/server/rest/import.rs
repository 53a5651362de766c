//! Other formats become patterns: reads the request, [`crate::server::import`] does it.

use axum::Json;
use axum::extract::State;

use super::extract::Body;
use super::failure::Reply;
use super::route::Route;
use crate::server::{Caller, Sender, Shared, import};
use crate::wire::rest::exchange::{ImportReply, ImportRequest};
use crate::wire::rest::paths;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post::<ImportReply, _, _>(
            paths::PATTERN_IMPORT,
            "importPattern",
            "Makes a pattern of manifests, a chart, a Compose file or a running namespace",
            run,
        )
        .body::<ImportRequest>(),
    ]
}

async fn run(
    State(state): State<Shared>,
    caller: Caller,
    sender: Sender,
    Body(request): Body<ImportRequest>,
) -> Reply<ImportReply> {
    caller.may_name(request.kubeconfig.as_deref())?;
    Ok(Json(import::import(&state, &sender, request).await?))
}
