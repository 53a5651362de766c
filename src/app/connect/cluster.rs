//! The way to a plane in a Kubernetes cluster: its address where it is exposed, else a port-forward that lives as long
//! as the client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};

use super::{over_http, transport};
use crate::base::{Code, Error, Result, dirs};
use crate::client::http::HttpTransport;
use crate::client::{Body, Client, Transport};
use crate::ctl::{ConnectRequest, TokenSource};
use crate::platform::Plane;
use crate::platform::kubernetes::{Forward, Reach, reach};

/// Limit of what the platform does on the way; nothing is waited for there.
const LIMIT: Duration = Duration::from_secs(30);

/// Makes the way.
pub(super) async fn client(request: &ConnectRequest) -> Result<Client> {
    let Some(plane) = plane(request) else { return over_http(request, request.context.endpoint.clone(), None) };
    match reach(&plane).await? {
        Reach::Endpoint(endpoint) => over_http(request, endpoint, None),
        Reach::Tunnel { forward, token_file, place } => {
            let request = ConnectRequest { token: token(&request.token, token_file), ..request.clone() };
            let inner = transport(&request, format!("http://{}", forward.address()), None)?;
            Ok(Client::new(Arc::new(Tunnelled { inner, forward, place })))
        }
    }
}

/// The plane that a request means; `None` when this user has no home, where a plane would be remembered.
fn plane(request: &ConnectRequest) -> Option<Plane> {
    let home = request.home.clone()?;
    let token_file = request.token.path().cloned().unwrap_or_else(|| dirs::token_file(&home));
    Some(Plane {
        context: request.context.clone(),
        token_file,
        kubeconfig: request.kubeconfig.clone(),
        kube_context: None,
        namespace: None,
        program: PathBuf::new(),
        limit: request.timeout.unwrap_or(LIMIT),
        home,
    })
}

/// The token that the plane was started with, unless the user chose another.
fn token(chosen: &TokenSource, of_plane: PathBuf) -> TokenSource {
    match chosen {
        TokenSource::File { chosen: false, .. } | TokenSource::None => {
            TokenSource::File { path: of_plane, chosen: false }
        }
        chosen => chosen.clone(),
    }
}

/// HTTP through a port-forward, which ends with this.
struct Tunnelled {
    inner: HttpTransport,
    forward: Forward,
    place: String,
}

impl Tunnelled {
    /// What broke the tunnel says more than that the port of this machine hung up.
    fn explained(&self, error: Error) -> Error {
        if error.code() != Code::ServerUnreachable {
            return error;
        }
        let told = Error::new(Code::ServerUnreachable, format!("the plane in {} does not answer", self.place));
        let cause = self.forward.trouble().or_else(|| error.report().probable_cause);
        told.because(cause.unwrap_or_else(|| error.message().to_owned()))
            .remedy("Look at its pods with `mesheryctl system status -o wide`.")
    }
}

impl Transport for Tunnelled {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>>> {
        async move { self.inner.send(request).await.map_err(|error| self.explained(error)) }.boxed()
    }

    fn name(&self) -> &str {
        &self.place
    }

    fn tunnel(&self) -> Option<&str> {
        Some(&self.place)
    }
}
