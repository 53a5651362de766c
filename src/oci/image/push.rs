//! The image sent to a registry.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::{Image, layer, stream};
use crate::base::error::{Code, Error, Result};
use crate::oci::registry::{Outgoing, Registry};

/// How far sending has come.
#[derive(Debug, Clone, Default)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    /// Bytes of the layer that were handed to the network; 0 while nothing is sent, also where nothing has to be.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Image {
    /// Pushes it; what the registry has already is not sent again. Answers with its digest.
    ///
    /// # Errors
    /// Those of [`Registry::push`]; [`Code::UsageError`] for an address without a tag; when a file of the image changed
    /// or went away meanwhile.
    pub async fn push(&self, registry: &mut Registry<'_>, sent: &Sent) -> Result<String> {
        if registry.reference().version.contains(':') {
            return Err(Error::new(
                Code::UsageError,
                format!("an image is not pushed to a digest: {}", registry.reference()),
            )
            .remedy("Give it a tag, as in registry.example.org/meshery/mesheryctl:v1."));
        }
        let fault = Arc::new(Mutex::new(None));
        let body = || {
            let (image, sent, fault) = (self.clone(), sent.clone(), fault.clone());
            reqwest::Body::wrap_stream(stream::of(move |out| {
                sent.0.store(0, Ordering::Relaxed);
                let written = layer::write_known(&image.files, &image.layer, &mut Counted { out, sent });
                written.inspect_err(|error| remember(&fault, error))
            }))
        };
        let layer = Outgoing { descriptor: &self.layer, body: Box::new(body) };
        let pushed = registry.push_parts(&self.manifest, &[Outgoing::of(&self.config), layer]).await;
        let fault = fault.lock().ok().and_then(|mut fault| fault.take());
        pushed.map_err(|error| fault.unwrap_or(error))
    }
}

/// Keeps an error of ours, since the network tells of a body that broke off in words of its own. That the far side went
/// away is its to explain.
fn remember(fault: &Mutex<Option<Error>>, error: &Error) {
    if error.code() != Code::OutputClosed
        && let Ok(mut fault) = fault.lock()
    {
        *fault = Some(error.clone());
    }
}

struct Counted<'o> {
    out: &'o mut dyn Write,
    sent: Sent,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sent.0.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
