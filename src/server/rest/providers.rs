//! Providers: the local one, which old clients call `None` and new ones `Local`, and the remote ones the server was told.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};

use super::extract::Query;
use super::failure::{Failure, Reply};
use super::login::is_browser;
use super::route::Route;
use crate::base::{Code, Error};
use crate::model::provider::{self, Capability, LOCAL_TYPE, Provider};
use crate::server::providers::{Chosen, sync};
use crate::server::security::{CHOICE_COOKIE, PROVIDER_COOKIE, provider_name, set_cookie};
use crate::server::{Sender, Shared};
use crate::wire::rest::paths;
use crate::wire::rest::session::SyncReport;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<BTreeMap<String, Provider>, _, _>(paths::PROVIDERS, "listProviders", "Providers by name", list)
            .open(),
        Route::get::<Provider, _, _>(paths::PROVIDER, "chooseProvider", "Chooses a provider by cookie", choose)
            .query(&[("provider", "name of the provider; `None` or `Local` is the local one")])
            .open(),
        Route::get::<Provider, _, _>(
            paths::PROVIDER_CAPABILITIES,
            "getProviderCapabilities",
            "What the chosen provider can do",
            capabilities,
        )
        .query(&[("provider", "name of the provider, instead of the cookie `meshery-provider`")]),
        Route::get::<SyncReport, _, _>(
            paths::PROVIDER_SYNC,
            "getProviderSync",
            "What the user's provider does not have yet",
            waiting,
        ),
    ]
}

async fn list(State(state): State<Shared>) -> Json<BTreeMap<String, Provider>> {
    let remote = state.providers.list().await;
    Json([(provider::LOCAL.to_owned(), local())].into_iter().chain(remote).collect())
}

async fn choose(State(state): State<Shared>, query: Query, headers: HeaderMap) -> Result<Response, Failure> {
    let Some(name) = query.get(&["provider"]) else {
        return Err(Error::new(Code::RequestInvalid, "query parameter `provider` is missing").into());
    };
    let (cookie, properties) = match state.providers.choose(Some(name), false).await? {
        // As it was asked for: clients of either era know their own name of it.
        Chosen::Local => (name.to_owned(), local()),
        Chosen::Remote(remote, name) => (name, remote.remembered()),
    };
    let mut response = if is_browser(&headers) {
        (StatusCode::FOUND, [(header::LOCATION, paths::LOGIN[0])]).into_response()
    } else {
        Json(properties).into_response()
    };
    set_cookie(response.headers_mut(), PROVIDER_COOKIE, &cookie, CHOICE_COOKIE);
    Ok(response)
}

async fn capabilities(State(state): State<Shared>, headers: HeaderMap, uri: Uri) -> Reply<Provider> {
    match state.providers.choose(provider_name(&headers, &uri).as_deref(), false).await? {
        Chosen::Local => Ok(Json(local())),
        Chosen::Remote(remote, name) => Ok(Json(Provider { provider_name: name, ..remote.remembered() })),
    }
}

async fn waiting(State(state): State<Shared>, sender: Sender) -> Reply<SyncReport> {
    Ok(Json(sync::report(&state, &sender).await?))
}

fn local() -> Provider {
    let persisted = [
        ("sync-prefs", paths::PREFERENCES[0]),
        ("persist-meshery-patterns", paths::PATTERNS[0]),
        ("persist-events", paths::EVENT_LOG[0]),
        ("get-events", paths::EVENT_LOG[0]),
    ];
    let capability =
        |(feature, endpoint): (&str, &str)| Capability { feature: feature.to_owned(), endpoint: endpoint.to_owned() };
    Provider {
        provider_type: LOCAL_TYPE.to_owned(),
        provider_name: provider::LOCAL.to_owned(),
        provider_description: vec![
            "Everything stays in the database of this machine.".to_owned(),
            "No account, no sign-in; requests carry this server's token.".to_owned(),
        ],
        provider_url: String::new(),
        capabilities: persisted.map(capability).to_vec(),
        status: None,
    }
}
