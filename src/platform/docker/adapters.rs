//! Whether adapters answer. They are reachable inside the plane's network only, so the server is asked.

use std::sync::Arc;
use std::time::Duration;

use super::session::Session;
use crate::base::error::{Code, Result};
use crate::client::http::{HttpSettings, HttpTransport};
use crate::client::{Client, credentials};
use crate::model::adapter::AdapterState;

/// Limit for a question to the server.
const LIMIT: Duration = Duration::from_secs(5);

/// What the server says of an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It answers.
    Answers,
    /// It does not, with the reason.
    Silent(String),
    /// The server cannot tell: it is of a version that has no such question, or wants another token.
    Unknown,
}

/// A client of the server on a port of this machine, with the plane's own token.
pub(super) fn client(session: &Session<'_>, port: u16) -> Result<Client> {
    let plane = session.plane;
    let transport = HttpTransport::new(HttpSettings {
        endpoint: format!("http://127.0.0.1:{port}"),
        context: plane.context.name.clone(),
        token: credentials::read(&plane.token_file)?,
        token_file: Some(plane.token_file.clone()),
        token_origin: None,
        token_chosen: false,
        timeout: LIMIT,
        ca_file: None,
    })?;
    Ok(Client::new(Arc::new(transport)))
}

/// Has the server ask an adapter now.
pub(super) async fn ask(client: &Client, component: &str, port: u16) -> Answer {
    match client.ping_adapter(&format!("{component}:{port}")).await {
        Ok(adapter) if adapter.state == AdapterState::Answers => Answer::Answers,
        Ok(adapter) => Answer::Silent(format!("it is {}", adapter.state.word())),
        Err(error) => match error.code() {
            Code::AdapterUnreachable | Code::AdapterForeign | Code::AdapterNotFound => {
                Answer::Silent(error.to_string())
            }
            _ => Answer::Unknown,
        },
    }
}
