//! Providers. This server has one, the local one, which old clients call `None` and new ones `Local`.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};

use super::extract::Query;
use super::failure::{Failure, Reply};
use super::route::Route;
use crate::base::{Code, Error, Result};
use crate::model::provider::{self, Capability, Provider};
use crate::server::security;
use crate::wire::rest::paths;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get::<BTreeMap<String, Provider>, _, _>(paths::PROVIDERS, "listProviders", "Providers by name", list)
            .open(),
        Route::get::<Provider, _, _>(paths::PROVIDER, "chooseProvider", "Chooses a provider by cookie", choose)
            .query(&[("provider", "name of the provider: `None` or `Local`")])
            .open(),
        Route::get::<Provider, _, _>(
            paths::PROVIDER_CAPABILITIES,
            "getProviderCapabilities",
            "What the chosen provider can do",
            capabilities,
        )
        .query(&[("provider", "name of the provider, instead of the cookie `meshery-provider`")]),
    ]
}

async fn list() -> Json<BTreeMap<String, Provider>> {
    Json(BTreeMap::from([(provider::LOCAL.to_owned(), local())]))
}

async fn choose(query: Query) -> Result<Response, Failure> {
    let Some(name) = query.get(&["provider"]) else {
        return Err(Error::new(Code::RequestInvalid, "query parameter `provider` is missing").into());
    };
    known(name)?;
    let cookie = format!("meshery-provider={name}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000");
    let mut response = Json(local()).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn capabilities(query: Query, headers: HeaderMap) -> Reply<Provider> {
    let header = headers.get("meshery-provider").and_then(|value| value.to_str().ok());
    let cookie = security::cookie(&headers, "meshery-provider");
    known(cookie.or(header).or(query.get(&["provider"])).unwrap_or(provider::LOCAL))?;
    Ok(Json(local()))
}

fn known(name: &str) -> Result<()> {
    if provider::is_local(name) {
        return Ok(());
    }
    Err(Error::new(Code::ProviderNotFound, format!("this server has no provider `{name}`"))
        .detail(format!("it has `{}`, also called `Local`", provider::LOCAL)))
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
        provider_type: "local".to_owned(),
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
