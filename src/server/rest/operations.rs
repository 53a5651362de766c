//! Operations: list, look, cancel.

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::extract::{Id, Query};
use super::failure::Reply;
use super::page::{self, PAGE, PAGE_SIZE};
use super::route::Route;
use crate::base::{Code, Error, Result};
use crate::model::operation::Operation;
use crate::server::Shared;
use crate::wire::rest::{OperationPage, paths};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<OperationPage, _, _>(paths::OPERATIONS, "listOperations", "Operations, newest first", list)
            .query(&[PAGE, PAGE_SIZE]),
        Route::get::<Operation, _, _>(paths::OPERATION, "getOperation", "One operation", get),
        Route::post::<Operation, _, _>(
            paths::OPERATION_CANCEL,
            "cancelOperation",
            "Asks an operation to stop; one that has ended stays as it is",
            cancel,
        ),
    ]
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<OperationPage> {
    let page = page::asked(&query)?;
    let (operations, total) = state.store.operations().list(page).await?;
    Ok(Json(OperationPage { page: page::info(page, operations.len(), total), operations }))
}

async fn get(State(state): State<Shared>, id: Id) -> Reply<Operation> {
    Ok(Json(state.operations.get(known(&id)?).await?))
}

async fn cancel(State(state): State<Shared>, id: Id) -> Reply<Operation> {
    Ok(Json(state.operations.cancel(known(&id)?).await?))
}

/// The id as a UUID: any other text names no operation.
pub(super) fn known(id: &Id) -> Result<Uuid> {
    id.uuid().ok_or_else(|| Error::new(Code::OperationNotFound, format!("there is no operation `{}`", id.0)))
}
