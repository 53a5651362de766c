//! What the pattern needs to be applied: the plane and a cluster. Remembers what this run started, to take it back.

use std::path::PathBuf;

use super::PATTERN;
use super::record::Record;
use crate::base::error::{Code, Error, Result};
use crate::client::process::{self, Role, Running};
use crate::ctl::Ctl;
use crate::ctl::cmd::sample;
use crate::ctl::cmd::system::{local, plane, stop};

/// The plane, the cluster, and what was there before.
pub(super) struct Stage<'c> {
    ctx: &'c Ctl,
    home: PathBuf,
    before: Record,
    /// What --cleanup will find.
    pub(super) record: Record,
    /// What this run started, as people call it.
    pub(super) started: Vec<&'static str>,
    /// Whether this run stored the pattern.
    pub(super) stored: bool,
}

impl<'c> Stage<'c> {
    pub(super) fn new(ctx: &'c Ctl) -> Result<Self> {
        let home = ctx.settings.home()?;
        let before = Record::read(&home)?;
        Ok(Self { ctx, home, record: before.clone(), before, started: Vec::new(), stored: false })
    }

    /// Keeps the record as it is now.
    pub(super) fn keep(&self) -> Result<()> {
        self.record.write(&self.home)
    }

    /// Brings the plane up.
    pub(super) async fn plane(&mut self, port: Option<u16>) -> Result<Running> {
        let plane = plane::local(self.ctx, None)?;
        if let Some(running) = process::find(Role::Server, &plane.home)? {
            same_version(&running)?;
        }
        let up = local::up(self.ctx, &plane, port).await;
        let (running, fresh) = up.map_err(|error| match error.code() {
            Code::PortTaken => error
                .remedy("Stop the holder, or choose another port: `mesheryctl quickstart --port 0` takes a free one."),
            _ => error,
        })?;
        if fresh {
            self.record.server = Some((&running).into());
            self.started.push(Role::Server.title());
            self.keep()?;
        }
        self.stopped()?;
        Ok(running)
    }

    /// Brings the practice cluster up.
    pub(super) async fn practice(&mut self) -> Result<()> {
        let (running, fresh) = sample::start::up(self.ctx, 0).await?;
        if fresh {
            self.record.practice = Some((&running).into());
            self.started.push(Role::Sample.title());
            self.keep()?;
        }
        self.stopped()
    }

    /// Fails after Ctrl-C.
    pub(super) fn stopped(&self) -> Result<()> {
        if self.ctx.cancel.token().is_cancelled() {
            return Err(self.ctx.cancel.error("quickstart was stopped before it was done"));
        }
        Ok(())
    }

    /// Takes back what this run stored and started, and says so in the error that made it necessary.
    pub(super) async fn take_back(self, error: Error) -> Error {
        let mut undone = Vec::new();
        let mut left = Vec::new();
        if self.stored {
            match forget_pattern(self.ctx).await {
                Ok(()) => {}
                Err(fault) => left.push(format!("the stored pattern `{PATTERN}` is left: {fault}")),
            }
        }
        for role in [Role::Sample, Role::Server] {
            if !self.started.contains(&role.title()) {
                continue;
            }
            let stopped = match role {
                Role::Server => stop::down_role(Role::Server, &self.home).await,
                Role::Sample => sample::stop::down(&self.home).await,
            };
            match stopped {
                Ok(_) => undone.push(role.title()),
                Err(fault) => left.push(format!("the {} is left running: {fault}", role.title())),
            }
        }
        if let Err(fault) = self.before.write(&self.home) {
            left.push(fault.to_string());
        }
        let done = (!undone.is_empty()).then(|| format!("stopped again: the {}", undone.join(" and the ")));
        error.details(done).details(left)
    }
}

/// Drops the stored pattern.
async fn forget_pattern(ctx: &Ctl) -> Result<()> {
    let client = ctx.client().await?;
    match client.pattern(PATTERN).await {
        Ok(record) => client.delete_pattern(record.id).await.map(drop),
        Err(error) if error.code() == Code::PatternNotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A server of another version may know other things than this program does.
fn same_version(running: &Running) -> Result<()> {
    let own = env!("CARGO_PKG_VERSION");
    if running.version == own {
        return Ok(());
    }
    Err(Error::new(
        Code::ServerRunning,
        format!("the server that runs is version {}, and this program is version {own}", running.version),
    )
    .because(format!("it is process {} and serves at {}", running.pid, running.endpoint()))
    .remedy("Bring it to this version with `mesheryctl system restart`, then run quickstart again."))
}
