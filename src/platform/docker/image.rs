//! Which images the components run, and how those get to the engine.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use super::ready::answer;
use super::session::{Session, component};
use super::wanted::Image;
use crate::base::error::{Code, Error, Result};
use crate::docker::container::Found;
use crate::docker::image::{Login, registry};
use crate::model::context::Context;
use crate::model::version::Version;
use crate::oci::credentials;
use crate::oci::image::Image as Own;
use crate::plane::spec::{BROKER, REPOSITORY, SERVER};
use crate::platform::{Progress, Start};

/// What progress about images stands under.
const STEP: &str = "image";
/// Bytes of an archive that are sent at once.
const CHUNK: usize = 1 << 20;
/// Chunks that may wait for the engine.
const CHUNKS: usize = 4;

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// It is made of this program.
    Own,
    /// The engine's, else the registry's.
    Named(String),
    /// The registry's.
    Pulled(String),
    /// The registry's newest; the engine's, where the registry does not give one.
    Newest(String),
}

/// Images of a start: that of the plane's own components, and the broker's where there is to be one.
pub(super) async fn of_start(
    session: &Session<'_>,
    how: &Start,
    ours: &[Found],
    progress: &dyn Progress,
) -> Result<(Image, Option<Image>)> {
    let named = |reference: &String| {
        if how.pull { Source::Pulled(reference.clone()) } else { Source::Named(reference.clone()) }
    };
    let server = match ours.iter().find(|found| component(found) == SERVER) {
        Some(server) if works(server).await => Some(server),
        _ => None,
    };
    let own = match (&how.image, server) {
        (Some(reference), _) => bring(session, &named(reference), progress).await?,
        // A start changes an image only where it is told to, or where the image did not work: that is for an update.
        (None, Some(server)) => of_container(session, server).await?,
        (None, None) => bring(session, &Source::Own, progress).await?,
    };
    if how.pull && how.image.is_none() {
        progress.note("--pull does nothing without --image: the plane's image is made of this program.");
    }
    let broker = match (&how.broker, ours.iter().find(|found| component(found) == BROKER)) {
        (Some(reference), _) => Some(bring(session, &named(reference), progress).await.map_err(about_broker)?),
        (None, Some(broker)) => Some(of_container(session, broker).await?),
        (None, None) => None,
    };
    Ok((own, broker))
}

/// The broker's image is none that this program makes.
pub(super) fn about_broker(error: Error) -> Error {
    match error.code() {
        Code::DockerImageMissing => error.remedy(
            "Bring the broker's image to the engine (`docker pull`, `docker load`), name another NATS image with \
             `mesheryctl system start --broker=REFERENCE`, or start without --broker.",
        ),
        _ => error,
    }
}

/// Whether a server works, or ended because it was asked to; one that ends by itself is started over and over again.
async fn works(server: &Found) -> bool {
    const KILLED: i64 = 137;
    const TERMINATED: i64 = 143;
    let state = &server.state;
    match (state.status.as_str(), server.published) {
        ("running", Some(port)) => server.restarts == 0 || answer(port).await.is_some(),
        ("exited", _) => [0, KILLED, TERMINATED].contains(&state.exit_code) && !state.out_of_memory,
        (status, _) => !matches!(status, "restarting" | "dead") && state.error.is_none(),
    }
}

/// The source of an update, by what the context says.
pub(super) fn of_channel(context: &Context) -> Source {
    let version = context.version.trim_start_matches('v');
    if context.channel == "edge" {
        return Source::Newest(format!("{REPOSITORY}:edge-latest"));
    }
    let is_own = [env!("CARGO_PKG_VERSION"), &Version::current().build].contains(&version);
    if version.is_empty() || version == "latest" || is_own {
        return Source::Own;
    }
    Source::Newest(format!("{REPOSITORY}:{}", context.version))
}

/// The image that a container runs, under its name where that still stands for it.
pub(super) async fn of_container(session: &Session<'_>, found: &Found) -> Result<Image> {
    let same = session.engine.image(&found.image).await?.is_some_and(|id| id == found.image_id);
    let reference = if same { &found.image } else { &found.image_id };
    Ok(Image { reference: reference.clone(), id: found.image_id.clone() })
}

/// Sees that the engine has an image.
///
/// # Errors
/// [`Code::DockerImageMissing`] when it cannot be had, and those of making an image of this program.
pub(super) async fn bring(session: &Session<'_>, source: &Source, progress: &dyn Progress) -> Result<Image> {
    match source {
        Source::Own => own(session, progress).await,
        Source::Named(reference) => match session.engine.image(reference).await? {
            Some(id) => Ok(Image { reference: reference.clone(), id }),
            None => pull(session, reference, progress).await,
        },
        Source::Pulled(reference) => pull(session, reference, progress).await,
        Source::Newest(reference) => match pull(session, reference, progress).await {
            Err(error) if error.code() == Code::DockerImageMissing => match session.engine.image(reference).await? {
                Some(id) => {
                    progress.note(&format!("{error}. The one that the engine has is used."));
                    Ok(Image { reference: reference.clone(), id })
                }
                None => Err(error),
            },
            outcome => outcome,
        },
    }
}

async fn pull(session: &Session<'_>, reference: &str, progress: &dyn Progress) -> Result<Image> {
    progress.state(STEP, &format!("pulling {reference}"));
    let host = registry(reference);
    let login = credentials::find(host).await?;
    let login = login.map(|found| Login { host: host.to_owned(), user: found.user, password: found.password });
    let hear = |status: &str| {
        // Digests and summaries come at the end, when nothing is waited for.
        if !status.contains(':') {
            progress.state(STEP, &format!("pulling {reference}: {}", status.to_lowercase()));
        }
    };
    let pulled = session.engine.pull_image(reference, login.as_ref(), &hear).await;
    pulled.inspect_err(|_| progress.failed(STEP, &format!("{reference} cannot be pulled")))?;
    let id = session.engine.image(reference).await?;
    let id = id.ok_or_else(|| {
        Error::new(Code::DockerImageMissing, format!("image {reference} was pulled and is not there"))
    })?;
    progress.done(STEP, &format!("{reference} pulled"));
    Ok(Image { reference: reference.to_owned(), id })
}

/// The image of this program; loaded where the engine does not have it.
async fn own(session: &Session<'_>, progress: &dyn Progress) -> Result<Image> {
    let program = session.plane.program.clone();
    let image = blocking(move || Own::of_program(&program)).await?;
    let reference = image.reference().to_owned();
    // The name holds the digest of the content; the id need not, with engines that keep images by their manifest.
    if let Some(id) = session.engine.image(&reference).await? {
        return Ok(Image { reference, id });
    }
    progress.state(STEP, &format!("loading {reference}"));
    let loaded = session.engine.load_image(&reference, archive(image)).await;
    loaded.inspect_err(|_| progress.failed(STEP, &format!("{reference} cannot be loaded")))?;
    let id = session.engine.image(&reference).await?;
    let id =
        id.ok_or_else(|| Error::new(Code::DockerFault, format!("image {reference} was loaded and is not there")))?;
    progress.done(STEP, &format!("{reference} loaded"));
    Ok(Image { reference, id })
}

/// Whether the engine has the image of this program, and its reference.
pub(super) async fn has_own(session: &Session<'_>, program: &Path) -> Result<(String, bool)> {
    let program = program.to_owned();
    let image = blocking(move || Own::of_program(&program)).await?;
    let there = session.engine.image(image.reference()).await?;
    Ok((image.reference().to_owned(), there.is_some()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("making the image broke off").because(error))?
}

/// The image's archive as it is written, so that it is never in memory as a whole.
fn archive(image: Own) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (send, mut receive) = mpsc::channel::<io::Result<Bytes>>(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let mut sink = Sink { send: send.clone(), chunk: Vec::with_capacity(CHUNK) };
        let written = image.archive_to(&mut sink).map_err(io::Error::other).and_then(|()| sink.flush());
        if let Err(error) = written {
            // Nobody hears it when the engine broke off: that is told there.
            let _ = send.blocking_send(Err(error));
        }
    });
    stream::poll_fn(move |context| receive.poll_recv(context)).boxed()
}

struct Sink {
    send: mpsc::Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        let sent = self.send.blocking_send(Ok(chunk.into()));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the engine reads no further"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::Platform;

    #[test]
    fn channels_choose_the_image_of_an_update() {
        let source = |channel: &str, version: &str| {
            of_channel(&Context {
                name: "c".into(),
                endpoint: String::new(),
                token: String::new(),
                platform: Platform::Docker,
                components: Vec::new(),
                channel: channel.into(),
                version: version.into(),
                provider: String::new(),
            })
        };
        let own = format!("v{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(source("stable", "latest"), Source::Own);
        assert_eq!(source("stable", &own), Source::Own);
        assert_eq!(source("stable", "v0.6.0"), Source::Newest("meshery/mesheryctl:v0.6.0".into()));
        assert_eq!(source("edge", "latest"), Source::Newest("meshery/mesheryctl:edge-latest".into()));
    }
}
