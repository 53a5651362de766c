//! Roles that `serve` runs in the foreground, and `system start` and `sample start` apart from the terminal.

use std::path::PathBuf;
use std::time::Duration;

use crate::adapter;
use crate::base::{Error, Result, dirs};
use crate::client::process::{Claim, Role, Running};
use crate::client::{self, credentials};
use crate::ctl::{
    Accounts, RoleContext, ServeAdapterArgs, ServeProviderArgs, ServeSampleArgs, ServeServerArgs, ServeWorkerArgs,
};
use crate::model::adapter::Location;
use crate::model::context::DEFAULT_PORT;
use crate::plane;
use crate::provider;
use crate::sample::Certificate;
use crate::sample::cluster::{self, Cluster};
use crate::server::providers::ProviderSettings;
use crate::server::{Settings, serve};
use crate::worker;

use super::administration::Administration;

/// How long open connections may take to end.
const CONNECTIONS_LIMIT: Duration = Duration::from_secs(2);

/// `serve server`.
pub(super) async fn server(args: ServeServerArgs, context: RoleContext) -> Result<()> {
    detach(args.detached.detached);
    let settings = Settings {
        token: credentials::ensure(&context.home)?.token,
        home: context.home,
        kubeconfig: context.kubeconfig,
        allow_hosts: args.allow_host,
        in_process: false,
        providers: providers(args.provider_url, args.only_provider, args.session_check, context.ca_file),
    };
    let note = context.note;
    let options = serve::Options {
        settings,
        host: args.host,
        port: args.port.unwrap_or(DEFAULT_PORT),
        drain: args.drain,
        log: args.detached.log_file,
        stop: context.cancel,
        ready: Box::new(move |running| {
            note.say(&format!("Serving at {} (process {})", running.endpoint(), running.pid))
        }),
    };
    serve::serve(options).await
}

/// `serve adapter`.
pub(super) async fn adapter(args: ServeAdapterArgs, context: RoleContext) -> Result<()> {
    let found = plane::adapter::find(&args.mesh)?;
    let listener = serve::listen(&args.host, args.port.unwrap_or(found.port)).await?;
    let address =
        listener.local_addr().map_err(|error| Error::internal("the listener has no address").because(error))?;
    let pid = std::process::id();
    context.note.say(&format!("The adapter {} serves at {address} (process {pid})", found.name))?;
    adapter::serve(listener, found, context.cancel).await
}

/// `serve worker`.
pub(super) async fn worker(args: ServeWorkerArgs, context: RoleContext) -> Result<()> {
    let token = client::worker::token(&context.home, args.token_file.as_deref())?;
    let (host, port) = Location::parse_to_listen(&args.listen)?;
    let listener = serve::listen(&host, port).await?;
    let address =
        listener.local_addr().map_err(|error| Error::internal("the listener has no address").because(error))?;
    let pid = std::process::id();
    context.note.say(&format!("The worker serves at {address} (process {pid})"))?;
    if args.until_stdin_closes {
        let stop = context.cancel.clone();
        tokio::spawn(async move {
            // An end and an error are the same here: nobody holds the other side any more.
            let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
            stop.cancel();
        });
    }
    worker::serve(listener, worker::Settings::native(token), context.cancel).await
}

/// What flags say of providers, and the environment where they say nothing.
fn providers(
    urls: Vec<String>,
    only: Option<String>,
    check_every: Duration,
    ca_file: Option<PathBuf>,
) -> ProviderSettings {
    let told = ProviderSettings::from_env();
    ProviderSettings {
        urls: if urls.is_empty() { told.urls } else { urls },
        only: only.or(told.only),
        check_every,
        ca_file,
        callback: told.callback,
    }
}

/// `serve provider`.
pub(super) async fn provider(args: ServeProviderArgs, context: RoleContext) -> Result<()> {
    let note = context.note;
    let name = args.name.clone();
    let settings = provider::Settings {
        name: args.name,
        public_url: args.public_url,
        allow_callbacks: args.allow_callback,
        token_lifetime: args.token_lifetime,
        session_lifetime: args.session_lifetime,
    };
    let options = provider::serve::Options {
        settings,
        data: args.data.folder(&context.home),
        users: args.users,
        host: args.host,
        port: args.port,
        tls: args.tls_cert.zip(args.tls_key),
        stop: context.cancel,
        ready: Box::new(move |endpoint| note.say(&format!("The provider {name} serves at {endpoint}"))),
    };
    provider::serve::serve(options).await
}

/// The users and tokens of a provider.
pub(super) async fn accounts(data: PathBuf) -> Result<Box<dyn Accounts>> {
    Ok(Box::new(Administration(provider::desk::Desk::open(&data).await?)))
}

/// `serve sample`. Its kubeconfig is there before anybody hears that it serves, and goes with it.
pub(super) async fn sample(args: ServeSampleArgs, context: RoleContext) -> Result<()> {
    detach(args.detached.detached);
    let mut claim = Claim::take(Role::Sample, &context.home)?;
    let listener = serve::listen(&args.host, args.port).await?;
    let address =
        listener.local_addr().map_err(|error| Error::internal("the listener has no address").because(error))?;
    let running = Running::here(address, args.detached.log_file);
    // kubectl sends a token over TLS only.
    let server = format!("https://{}", running.reachable());
    let (cluster, certificate) = (Cluster::new()?, Certificate::new()?);
    let path = args.kubeconfig_out.unwrap_or_else(|| dirs::practice_kubeconfig(&context.home));
    let kubeconfig = Kubeconfig::write(path, &cluster::kubeconfig_tls(&server, cluster.token(), &certificate))?;
    claim.announce(running)?;
    context.note.say(&format!(
        "The practice cluster serves at {server}: --kube-context {}, or KUBECONFIG={}",
        cluster::NAME,
        kubeconfig.0.display()
    ))?;
    let stop = context.cancel.clone();
    let serving = cluster.serve_tls(listener, &certificate, stop.clone().cancelled_owned());
    let served = tokio::select! {
        served = serving => served,
        // Watches that nobody ends are cut when the process does.
        () = async { stop.cancelled().await; tokio::time::sleep(CONNECTIONS_LIMIT).await } => Ok(()),
    };
    drop(kubeconfig);
    served
}

/// A kubeconfig that is there as long as its cluster.
struct Kubeconfig(PathBuf);

impl Kubeconfig {
    fn write(path: PathBuf, text: &str) -> Result<Self> {
        dirs::write_atomic(&path, text.as_bytes(), 0o600)?;
        Ok(Self(path))
    }
}

impl Drop for Kubeconfig {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Leaves the session of the terminal, so that closing it does not end this process.
fn detach(wanted: bool) {
    #[cfg(unix)]
    if wanted {
        // Refused to the leader of a process group, which has what is wanted already.
        let _ = rustix::process::setsid();
    }
    #[cfg(not(unix))]
    let _ = wanted;
}
