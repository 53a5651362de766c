//! The calls of meshery.worker.v1.Worker.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::Engine;
use super::measurement::Measurement;
use crate::base::clock;
use crate::client::worker::PROTOCOL;
use crate::model::performance::plan::{Contents, Plan};
use crate::model::version::Version;
use crate::wire::worker::run_request::Command;
use crate::wire::worker::worker_server::Worker;
use crate::wire::worker::{ClockRequest, ClockResponse, HelloRequest, HelloResponse, RunRequest, RunResponse};

/// A worker. It carries out one measurement at a time: two would disturb each other.
pub(super) struct Service {
    engine: Engine,
    busy: Arc<Mutex<()>>,
    stop: CancellationToken,
}

impl Service {
    pub(super) fn new(engine: Engine, stop: CancellationToken) -> Self {
        Self { engine, busy: Arc::default(), stop }
    }
}

#[tonic::async_trait]
impl Worker for Service {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloResponse>, Status> {
        let asked = request.into_inner();
        tracing::debug!(protocol = asked.protocol, version = asked.version, "a controller says hello");
        Ok(Response::new(HelloResponse {
            protocol: PROTOCOL,
            version: Version::current().build,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            busy: self.busy.try_lock().is_err(),
        }))
    }

    async fn clock(&self, _: Request<ClockRequest>) -> Result<Response<ClockResponse>, Status> {
        let received_ns = clock::steady_ns();
        Ok(Response::new(ClockResponse { received_ns, sent_ns: clock::steady_ns() }))
    }

    type RunStream = BoxStream<'static, Result<RunResponse, Status>>;

    async fn run(&self, request: Request<Streaming<RunRequest>>) -> Result<Response<Self::RunStream>, Status> {
        let mut commands = request.into_inner();
        let plan = first_plan(&mut commands).await?;
        let Ok(busy) = Arc::clone(&self.busy).try_lock_owned() else {
            return Err(Status::resource_exhausted("the worker is in the middle of another measurement"));
        };
        let (reports, outbox) = mpsc::unbounded_channel();
        let measurement = Measurement { plan, engine: Arc::clone(&self.engine), reports, stop: self.stop.clone() };
        tokio::spawn(async move {
            measurement.carry_out(commands).await;
            drop(busy);
        });
        let answers = stream::unfold(outbox, async |mut outbox| outbox.recv().await.map(|report| (report, outbox)));
        Ok(Response::new(answers.map(|report| Ok(RunResponse { report: Some(report) })).boxed()))
    }
}

async fn first_plan(commands: &mut Streaming<RunRequest>) -> Result<Plan, Status> {
    let first = commands.next().await.transpose()?.and_then(|request| request.command);
    let Some(Command::Plan(plan)) = first else { return Err(Status::invalid_argument("a plan has to come first")) };
    let mut share: Plan = serde_json::from_slice(&plan.json)
        .map_err(|error| Status::invalid_argument(format!("the plan cannot be read: {error}")))?;
    share.tls.contents = Contents { ca: plan.ca, cert: plan.cert, key: plan.key };
    Ok(share)
}
