//! What the server gets beside its container: token and kubeconfig, as files and never as environment or arguments, and
//! the networks of the clusters that the kubeconfig names.

use std::ffi::OsStr;

use futures_util::stream;
use sha2::{Digest, Sha256};

use super::clusters::{self, Reach};
use super::session::Session;
use crate::base::error::{Error, Result};
use crate::base::id;
use crate::client::credentials;
use crate::cluster::kubeconfig;
use crate::cluster::portable::{LeftOut, Moved};
use crate::docker::files::{self, Entry};
use crate::model::provider;
use crate::plane::container::{HOME, KUBECONFIG_FILE, TOKEN_FILE, USER};
use crate::wire::rest::TokenFile;

/// Files of the server, as an archive for its volume, and its networks.
#[derive(Clone)]
pub(super) struct Payload {
    archive: Vec<u8>,
    /// Networks of others that the server joins.
    pub networks: Vec<String>,
    /// Digest of both.
    pub digest: String,
}

impl Payload {
    /// The plane's token, made where there is none, and a kubeconfig.
    pub fn new(session: &Session<'_>, kubeconfig: &Kubeconfig) -> Result<Self> {
        let token = credentials::ensure_in(&session.plane.token_file)?.token;
        let token = TokenFile { provider: provider::LOCAL.to_owned(), token };
        let token = serde_json::to_vec_pretty(&token)
            .map_err(|error| Error::internal("a token file cannot be written as JSON").because(error))?;
        let file = |name: &str, content: Vec<u8>| Entry { path: name.to_owned(), content, mode: 0o600, owner: USER };
        let entries = [file(TOKEN_FILE, token), file(KUBECONFIG_FILE, kubeconfig.text.as_bytes().to_vec())];
        let archive = files::archive(&entries)?;
        let networks = kubeconfig.networks.clone();
        let mut hash = Sha256::new_with_prefix(&archive);
        hash.update(networks.join("\n"));
        Ok(Self { archive, networks, digest: id::hex(&hash.finalize()) })
    }

    /// Puts the files onto the volume of a container that does not run, and the container onto its networks.
    pub async fn put(&self, session: &Session<'_>, id: &str, name: &str) -> Result<()> {
        for network in &self.networks {
            session.engine.join_network(network, id, name).await?;
        }
        let body = stream::iter([Ok(bytes::Bytes::from(self.archive.clone()))]);
        session.engine.upload(id, name, HOME, body).await
    }
}

/// The kubeconfig of this shell as the server can use it.
pub(super) struct Kubeconfig {
    /// Its text.
    pub text: String,
    /// Its contexts.
    pub contexts: Vec<String>,
    /// Networks of others that the server has to join to reach their clusters.
    pub networks: Vec<String>,
    /// What the server cannot use, one sentence or two each.
    pub notes: Vec<String>,
}

/// Makes this shell's kubeconfig one for the server's container.
///
/// # Errors
/// A kubeconfig that cannot be read, with its place, and a chosen context that it does not have.
pub(super) async fn kubeconfig(session: &Session<'_>) -> Result<Kubeconfig> {
    let plane = session.plane;
    let mut config = kubeconfig::load(plane.kubeconfig.as_deref().map(OsStr::new), &plane.home)?;
    if let Some(chosen) = &plane.kube_context {
        kubeconfig::choose(&config, std::slice::from_ref(chosen), &[])?;
        config.current_context = Some(chosen.clone());
    }
    let made = clusters::clusters(session, config).await?;
    let nowhere = |moved: &&Moved| made.reach.get(&moved.port) == Some(&Reach::Nowhere);
    let mut notes: Vec<String> = made.portable.left_out.iter().map(left_out).collect();
    notes.extend(made.portable.moved.iter().filter(nowhere).map(out_of_reach));
    let networks = made.networks();
    Ok(Kubeconfig { text: made.portable.text, contexts: made.portable.contexts, networks, notes })
}

fn left_out(one: &LeftOut) -> String {
    format!(
        "The server in the container cannot use Kubernetes context `{}`: {}. {}",
        one.context, one.reason, one.remedy
    )
}

fn out_of_reach(one: &Moved) -> String {
    format!(
        "The server in the container cannot reach Kubernetes context `{}`: {} listens on this machine's loopback only. \
         Let the API server listen on an address that containers reach, such as that of docker0.",
        one.context, one.server
    )
}
