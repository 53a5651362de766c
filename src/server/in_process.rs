//! The server inside a command: its router called as a service, on the same data as a server process.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderValue, Request, Response, header};
use tower::ServiceExt;

use super::providers::ProviderSettings;
use super::{Server, Settings};
use crate::base::{Error, Result, id};
use crate::client::http::cookie;
use crate::client::refused::Refused;
use crate::client::{Body, Client, IN_PROCESS, Transport};
use crate::wire::rest::TokenFile;

struct InProcess {
    router: Router,
    bearer: HeaderValue,
    user: Option<User>,
}

/// The user of a remote provider that a command works for.
struct User {
    cookie: HeaderValue,
    refused: Refused,
}

/// A client of a server that lives as long as this process.
pub async fn client(home: PathBuf, kubeconfig: Option<String>) -> Result<Client> {
    client_for(home, kubeconfig, ProviderSettings::default(), None).await
}

/// The same with remote providers, for the user of a session at one of them where there is one.
pub async fn client_for(
    home: PathBuf,
    kubeconfig: Option<String>,
    providers: ProviderSettings,
    session: Option<(TokenFile, Refused)>,
) -> Result<Client> {
    let token = id::secret()?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|error| Error::internal("the token cannot stand in a header").because(error))?;
    let user = session.map(|(file, refused)| Ok::<_, Error>(User { cookie: cookie(&file)?, refused })).transpose()?;
    let settings = Settings { home, token, kubeconfig, allow_hosts: Vec::new(), in_process: true, providers };
    let server = Server::open(settings).await?;
    Ok(Client::new(Arc::new(InProcess { router: server.router(), bearer, user })))
}

impl Transport for InProcess {
    fn send(&self, mut request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>>> {
        request.headers_mut().insert(header::AUTHORIZATION, self.bearer.clone());
        if let Some(user) = &self.user {
            request.headers_mut().insert(header::COOKIE, user.cookie.clone());
        }
        let reply = self.router.clone().oneshot(request.map(axum::body::Body::from));
        Box::pin(async move {
            let response = match reply.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            Ok(response.map(|body| body.into_data_stream().map_err(broken).boxed()))
        })
    }

    fn name(&self) -> &'static str {
        IN_PROCESS
    }

    fn refused(&self, error: Error) -> Error {
        match &self.user {
            Some(user) => user.refused.error(&error),
            None => error,
        }
    }
}

fn broken(error: axum::Error) -> Error {
    Error::internal("the server of this process broke off its reply").because(error)
}

#[cfg(test)]
mod tests {
    use crate::wire::rest::{PatternData, SavePatternRequest};

    #[tokio::test]
    async fn calls_work_without_a_server_and_what_they_store_stays() {
        let home = tempfile::tempdir().unwrap();
        let client = super::client(home.path().to_owned(), None).await.unwrap();
        assert_eq!(client.health().await.unwrap().pid, std::process::id());
        let data = PatternData { pattern_file: "name: shop\nservices: {}\n".into(), ..PatternData::default() };
        let request = SavePatternRequest { pattern_data: Some(data), save: true, ..SavePatternRequest::default() };
        let saved = client.save_pattern(&request).await.unwrap().remove(0);
        let again = super::client(home.path().to_owned(), None).await.unwrap();
        assert_eq!(again.all_patterns("").await.unwrap(), [saved]);
    }
}
