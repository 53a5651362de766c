//! A worker of a distributed measurement over gRPC.

use std::path::Path;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code as Status, Request};

use super::grpc::{self, Fault, Watch, within};
use crate::base::error::Report;
use crate::base::{Code, Error, Result, clock, dirs, env, id};
use crate::model::adapter::Location;
use crate::model::version::Version;
use crate::wire::worker::run_request::Command;
use crate::wire::worker::run_response::Report as WireReport;
use crate::wire::worker::worker_client::WorkerClient as Service;
use crate::wire::worker::{ClockRequest, Failed, HelloRequest, HelloResponse, Plan, RunRequest};

/// Number of the protocol that controllers and workers of this build speak.
pub const PROTOCOL: u32 = 1;
/// Port that a worker listens on when none is named.
pub const PORT: u16 = 10_100;
/// The file with the shared secret, in the folder of config.yaml.
const TOKEN_FILE: &str = "worker-token";
/// The largest message that is read: a result of hours.
const LARGEST: usize = 256 << 20;
/// A worker that stands still is noticed within the sum of the two, also at the end of a plan, when it has nothing to tell.
/// It is long enough for one on a machine whose processors are all at work.
const WATCH: Watch = Watch { silence: Duration::from_secs(1), answer: Duration::from_secs(3) };
/// Commands of a measurement that wait to be sent; there are never more than three.
const COMMANDS: usize = 4;

/// The secret that controller and workers share: `MESHERY_WORKER_TOKEN`, else the file that is named, else the file
/// `worker-token` in `home`, which is made when it is not there.
///
/// # Errors
/// [`Code::WorkerToken`] for a file that is named and cannot be read, or holds nothing.
pub fn token(home: &Path, file: Option<&Path>) -> Result<String> {
    if let Some(file) = file {
        return read_token(file);
    }
    if let Some(token) = env::get(env::MESHERY_WORKER_TOKEN) {
        return Ok(token);
    }
    let path = home.join(TOKEN_FILE);
    dirs::locked(&path, || {
        if path.exists() {
            return read_token(&path);
        }
        let token = id::secret()?;
        dirs::write_atomic(&path, format!("{token}\n").as_bytes(), 0o600)?;
        Ok(token)
    })
}

fn read_token(path: &Path) -> Result<String> {
    let fault = |cause: String| {
        Error::new(Code::WorkerToken, format!("{} holds no token of workers", path.display()))
            .because(cause)
            .remedy("Name a file whose only line is the secret, or leave --token-file out.")
    };
    let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fault("a single word of printable ASCII is wanted".to_owned()));
    }
    Ok(token.to_owned())
}

/// Adds the token to each call.
#[derive(Clone)]
struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// One reading of a worker's clock, all in nanoseconds: `sent` and `back` by our clock, the others by the worker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The request went out.
    pub sent: i64,
    /// It arrived.
    pub received: i64,
    /// The response went out.
    pub answered: i64,
    /// It arrived.
    pub back: i64,
}

/// What a worker says in a measurement.
pub type Reports = BoxStream<'static, Result<WireReport>>;

/// A connection to a worker.
#[derive(Clone)]
pub struct WorkerClient {
    location: Location,
    limit: Duration,
    service: Service<InterceptedService<Channel, Bearer>>,
}

impl WorkerClient {
    /// Connects. `limit` is the longest wait for the connection and for each short call.
    ///
    /// # Errors
    /// [`Code::WorkerUnreachable`].
    pub async fn connect(location: &Location, token: &str, limit: Duration) -> Result<Self> {
        let bearer = format!("Bearer {token}")
            .parse()
            .map_err(|_| Error::new(Code::WorkerToken, "the token of workers is not printable ASCII"))?;
        let channel = grpc::watched(location, limit, WATCH).await.map_err(|fault| failed(location, limit, &fault))?;
        let service = Service::with_interceptor(channel, Bearer(bearer)).max_decoding_message_size(LARGEST);
        Ok(Self { location: location.clone(), limit, service })
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Makes sure that it is a worker of this protocol that accepts the token and is free.
    ///
    /// # Errors
    /// [`Code::WorkerToken`], [`Code::WorkerProtocol`], [`Code::WorkerRefused`], [`Code::WorkerUnreachable`].
    pub async fn hello(&mut self) -> Result<HelloResponse> {
        let request = HelloRequest { protocol: PROTOCOL, version: Version::current().build };
        let reply = within(self.limit, self.service.hello(request)).await.map_err(|fault| self.failed(&fault))?;
        let location = &self.location;
        if reply.protocol != PROTOCOL {
            return Err(Error::new(Code::WorkerProtocol, format!("the worker at {location} speaks another protocol"))
                .because(format!(
                    "it speaks {} (mesheryctl {}), this program {PROTOCOL} (mesheryctl {})",
                    reply.protocol,
                    reply.version,
                    Version::current().build
                )));
        }
        if reply.busy {
            return Err(Error::new(Code::WorkerRefused, format!("the worker at {location} is busy"))
                .because("it is in the middle of another measurement")
                .remedy("Wait for its end, or name another worker."));
        }
        Ok(reply)
    }

    /// Reads its clock once.
    pub async fn probe(&mut self) -> Result<Probe> {
        let sent = clock::steady_ns();
        let reply = within(self.limit, self.service.clock(ClockRequest {})).await;
        let back = clock::steady_ns();
        let reply = reply.map_err(|fault| self.failed(&fault))?;
        Ok(Probe { sent, received: reply.received_ns, answered: reply.sent_ns, back })
    }

    /// Begins a measurement with the worker's share of the plan. Its reports come over the stream; commands go
    /// the other way, and the measurement ends when their sender is dropped.
    pub async fn run(mut self, plan: Plan) -> Result<(mpsc::Sender<Command>, Reports)> {
        let (commands, inbox) = mpsc::channel::<Command>(COMMANDS);
        let first = Command::Plan(plan);
        let rest = stream::unfold(inbox, async |mut inbox| inbox.recv().await.map(|command| (command, inbox)));
        let outgoing = stream::once(async { first }).chain(rest).map(|command| RunRequest { command: Some(command) });
        let reply = within(self.limit, self.service.run(outgoing)).await.map_err(|fault| self.failed(&fault))?;
        let reports = reply.filter_map(move |report| {
            let report = match report {
                Ok(message) => message.report.map(|report| self.told(report)),
                Err(status) => Some(Err(self.broken(&status.into()))),
            };
            async { report }
        });
        Ok((commands, reports.boxed()))
    }

    /// A failure it reports is an error here.
    fn told(&self, report: WireReport) -> Result<WireReport> {
        let WireReport::Failed(Failed { error_json }) = report else { return Ok(report) };
        let error = Error::new(Code::WorkerRefused, format!("the worker at {} refused the plan", self.location));
        Err(match serde_json::from_slice::<Report>(&error_json) {
            Ok(told) => {
                let told = Error::from(told);
                let report = told.report();
                error.because(&told).details(report.details).kind_of(told.kind())
            }
            Err(problem) => error.because(format!("its own error cannot be read: {problem}")),
        })
    }

    /// The end of a stream that nobody ended. The library's words are for whoever debugs it: they say that something broke.
    fn broken(&self, fault: &Fault) -> Error {
        let Fault::Broken(reason) = fault else { return self.failed(fault) };
        tracing::debug!(location = %self.location, reason, "a measurement's stream broke");
        let seconds = (WATCH.silence + WATCH.answer).as_secs();
        let message = format!("the connection to {} broke, or the worker stood still for {seconds} s", self.location);
        Error::new(Code::WorkerUnreachable, message)
    }

    fn failed(&self, fault: &Fault) -> Error {
        failed(&self.location, self.limit, fault)
    }
}

fn failed(location: &Location, limit: Duration, fault: &Fault) -> Error {
    let (code, message) = match fault {
        Fault::Status(Status::Unauthenticated, _) => {
            (Code::WorkerToken, format!("the worker at {location} does not accept the token"))
        }
        Fault::Status(Status::Unimplemented, _) => {
            (Code::WorkerProtocol, format!("what listens at {location} is no worker"))
        }
        Fault::Broken(_) => (Code::WorkerUnreachable, format!("the connection to {location} broke, or is no worker's")),
        Fault::Refused(_) | Fault::Slow => (Code::WorkerUnreachable, format!("no worker answers at {location}")),
        Fault::Status(..) => (Code::WorkerRefused, format!("the worker at {location} refused")),
    };
    grpc::because(Error::new(code, message), fault, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_private() {
        let home = tempfile::tempdir().unwrap();
        let made = token(home.path(), None).unwrap();
        assert_eq!((made.len(), token(home.path(), None).unwrap()), (64, made));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(home.path().join(TOKEN_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_named_file_has_to_hold_one_word() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("secret");
        for (text, good) in [("abc\n", true), ("", false), ("a b", false), ("ä", false)] {
            std::fs::write(&file, text).unwrap();
            let outcome = token(home.path(), Some(&file));
            assert_eq!(outcome.is_ok(), good, "{text:?}: {outcome:?}");
        }
        let missing = token(home.path(), Some(&home.path().join("nothing"))).unwrap_err();
        assert_eq!(missing.code(), Code::WorkerToken);
    }
}
