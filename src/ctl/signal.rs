//! SIGINT and SIGTERM.
//!
//! The first one cancels the token. A verb that must tidy up or tell what it leaves behind holds a [`Guard`] while it
//! watches the token; without one the verb is dropped at once. The second signal ends the process immediately.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

use crate::base::{Code, Error};

/// Cancellation of the running command.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    token: CancellationToken,
    guards: Arc<AtomicUsize>,
    terminated: Arc<AtomicBool>,
}

/// While it lives, the verb handles cancellation itself.
#[derive(Debug)]
pub struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Cancel {
    /// The token, cancelled by the first signal.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Announces that the verb watches the token and will end by itself, with [`Cancel::error`].
    pub fn guard(&self) -> Guard {
        self.guards.fetch_add(1, Ordering::SeqCst);
        Guard(self.guards.clone())
    }

    /// The error of a verb that a signal ended; `message` says what is left behind.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let terminated = self.terminated.load(Ordering::SeqCst);
        Error::new(if terminated { Code::Terminated } else { Code::Interrupted }, message)
    }

    fn guarded(&self) -> bool {
        self.guards.load(Ordering::SeqCst) > 0
    }
}

/// Runs a command under the signals.
pub(super) async fn under_signals<T>(
    cancel: &Cancel,
    command: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut command = std::pin::pin!(command);
    let mut signals = Signals::new()?;
    let stopped = || Err(cancel.error("the command was stopped before it was done"));
    tokio::select! {
        biased;
        result = &mut command => return result,
        terminated = signals.next() => {
            cancel.terminated.store(terminated, Ordering::SeqCst);
            cancel.token.cancel();
        }
    }
    if !cancel.guarded() {
        return stopped();
    }
    tokio::select! {
        biased;
        result = &mut command => result,
        _ = signals.next() => stopped(),
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let fault = |error| Error::internal("signals cannot be received").because(error);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(fault)?,
            terminate: signal(SignalKind::terminate()).map_err(fault)?,
        })
    }

    /// Waits for a signal; true for SIGTERM.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => true,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) -> bool {
        let _ = tokio::signal::ctrl_c().await;
        false
    }
}
