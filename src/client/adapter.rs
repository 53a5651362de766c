//! An adapter over gRPC. Adapters of every era are spoken to: what an older one does not have, it answers with
//! UNIMPLEMENTED, which is no failure.

use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use tonic::Code as Status;
use tonic::transport::Channel;

use super::grpc::{self, Fault, within};
use crate::base::error::Kind;
use crate::base::{Code, Error, Result};
use crate::model::adapter::{AdapterOperation, Location};
use crate::wire::meshops::mesh_service_client::MeshServiceClient;
use crate::wire::meshops::{
    ApplyRuleRequest, ComponentInfoRequest, CreateMeshInstanceRequest, EventsRequest, EventsResponse, MeshNameRequest,
    MeshVersionsRequest, SupportedOperationsRequest,
};

/// Limit of a call when the caller sets none.
pub const LIMIT: Duration = Duration::from_secs(2);
/// Limit for an operation to be taken on: some adapters of old do it first and answer then.
const APPLY_LIMIT: Duration = Duration::from_mins(2);
/// What an adapter says where others say nothing.
const NOTHING: &str = "none";

/// A connection to an adapter.
#[derive(Debug)]
pub struct AdapterClient {
    location: Location,
    limit: Duration,
    service: MeshServiceClient<Channel>,
}

/// What an adapter says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The mesh, such as `ISTIO`.
    pub name: String,
    /// Version of the adapter; empty for one that cannot tell.
    pub version: String,
    /// Commit it was built from; empty for one that cannot tell.
    pub git_commit_sha: String,
}

/// An operation to begin.
#[derive(Clone, Default)]
pub struct Order {
    /// Key of the operation.
    pub operation: String,
    /// Namespace to work in.
    pub namespace: String,
    /// Manifest, for the operation `custom`.
    pub custom_body: String,
    /// Take the operation back instead.
    pub delete: bool,
    /// Id that its events are to carry.
    pub operation_id: String,
    /// Kubeconfigs with the credentials of the clusters to work on; each has its cluster as its current context. Empty
    /// for the cluster the adapter runs in.
    pub kube_configs: Vec<String>,
    /// Version of the mesh; empty for the adapter's choice.
    pub version: String,
}

impl AdapterClient {
    /// Connects.
    ///
    /// # Errors
    /// [`Code::AdapterUnreachable`].
    pub async fn connect(location: &Location, limit: Duration) -> Result<Self> {
        let channel = grpc::channel(location, limit).await.map_err(|fault| failed(location, limit, &fault))?;
        Ok(Self { location: location.clone(), limit, service: MeshServiceClient::new(channel) })
    }

    /// What it says of itself; this also tells whether it is an adapter.
    ///
    /// # Errors
    /// [`Code::AdapterForeign`] for something else, [`Code::AdapterUnreachable`] for one that is too slow.
    pub async fn identity(&mut self) -> Result<Identity> {
        let info = match within(self.limit, self.service.component_info(ComponentInfoRequest {})).await {
            Ok(info) => info,
            Err(fault) if fault.is_unimplemented() => {
                let name = self.mesh_name().await?;
                return Ok(Identity { name, version: String::new(), git_commit_sha: String::new() });
            }
            Err(fault) => return Err(self.failed(&fault)),
        };
        let name = if info.name.is_empty() { self.mesh_name().await? } else { info.name };
        Ok(Identity { name, version: told(info.version), git_commit_sha: told(info.git_sha) })
    }

    async fn mesh_name(&mut self) -> Result<String> {
        match within(self.limit, self.service.mesh_name(MeshNameRequest {})).await {
            Ok(reply) => Ok(reply.name),
            Err(fault) if fault.is_unimplemented() => {
                Err(foreign(&self.location).because("it speaks gRPC, but has no service meshes.MeshService"))
            }
            Err(fault) => Err(self.failed(&fault)),
        }
    }

    /// What it can do.
    pub async fn operations(&mut self) -> Result<Vec<AdapterOperation>> {
        let request = SupportedOperationsRequest {};
        let reply = match within(self.limit, self.service.supported_operations(request)).await {
            Ok(reply) => reply,
            Err(fault) if fault.is_unimplemented() => return Ok(Vec::new()),
            Err(fault) => return Err(self.failed(&fault)),
        };
        let error = told(reply.error);
        if !error.is_empty() {
            return Err(refused(&self.location).because(error));
        }
        let operation = |op: crate::wire::meshops::SupportedOperation| AdapterOperation {
            key: op.key,
            value: op.value,
            category: op.category,
        };
        Ok(reply.ops.into_iter().map(operation).collect())
    }

    /// Versions of the mesh that it can install; none where it cannot tell.
    pub async fn versions(&mut self) -> Result<Vec<String>> {
        match within(self.limit, self.service.mesh_versions(MeshVersionsRequest {})).await {
            Ok(reply) => Ok(reply.version),
            Err(fault) if fault.is_unimplemented() => Ok(Vec::new()),
            Err(fault) => Err(self.failed(&fault)),
        }
    }

    /// Begins an operation; the id that its events carry.
    ///
    /// # Errors
    /// [`Code::AdapterCannot`] for one it does not have, [`Code::AdapterRefused`] with its own words, and a kind that
    /// fits.
    pub async fn apply(&mut self, order: Order) -> Result<String> {
        self.give_cluster(&order).await?;
        let operation = order.operation.clone();
        let asked_id = order.operation_id.clone();
        let request = ApplyRuleRequest {
            op_name: order.operation,
            namespace: order.namespace,
            username: "meshery".to_owned(),
            custom_body: order.custom_body,
            delete_op: order.delete,
            operation_id: order.operation_id,
            kube_configs: order.kube_configs,
            version: order.version,
        };
        let reply = match within(APPLY_LIMIT, self.service.apply_operation(request)).await {
            Ok(reply) => reply,
            Err(Fault::Status(Status::Unimplemented, message)) => {
                return Err(cannot(&self.location, &operation, &message));
            }
            Err(Fault::Slow) => return Err(failed(&self.location, APPLY_LIMIT, &Fault::Slow)),
            Err(fault) => return Err(self.failed(&fault)),
        };
        let error = told(reply.error);
        if !error.is_empty() {
            return Err(refused(&self.location).because(error));
        }
        Ok(if reply.operation_id.is_empty() { asked_id } else { reply.operation_id })
    }

    /// Adapters of 2021 want the cluster before the operation; later ones have no such call.
    async fn give_cluster(&mut self, order: &Order) -> Result<()> {
        let Some(first) = order.kube_configs.first() else { return Ok(()) };
        let request = CreateMeshInstanceRequest { k8s_config: first.clone().into_bytes(), context_name: String::new() };
        match within(APPLY_LIMIT, self.service.create_mesh_instance(request)).await {
            Err(fault) if !fault.is_unimplemented() => Err(self.failed(&fault)),
            _ => Ok(()),
        }
    }

    /// Its events, for as long as the stream is held. Adapters of old begin to answer with the first event only, so this
    /// has no limit.
    pub async fn events(mut self) -> Result<BoxStream<'static, Result<EventsResponse>>> {
        let (location, limit) = (self.location.clone(), self.limit);
        let stream = self.service.stream_events(EventsRequest {}).await;
        let stream = stream.map_err(|status| self.failed(&status.into()))?.into_inner();
        Ok(stream.map_err(move |status| failed(&location, limit, &status.into())).boxed())
    }

    fn failed(&self, fault: &Fault) -> Error {
        failed(&self.location, self.limit, fault)
    }
}

/// What an adapter says of itself and what it can do, in one go.
///
/// # Errors
/// As of [`AdapterClient::identity`].
pub async fn ask(location: &Location, limit: Duration) -> Result<(Identity, Vec<AdapterOperation>)> {
    let asked = async {
        let mut client = AdapterClient::connect(location, limit).await?;
        let identity = client.identity().await?;
        Ok((identity, client.operations().await?))
    };
    match tokio::time::timeout(limit, asked).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failed(location, limit, &Fault::Slow)),
    }
}

/// Empty where an adapter writes `none`.
fn told(text: String) -> String {
    if text.eq_ignore_ascii_case(NOTHING) { String::new() } else { text }
}

fn failed(location: &Location, limit: Duration, fault: &Fault) -> Error {
    match fault {
        Fault::Refused(_) | Fault::Slow => {
            let error = Error::new(Code::AdapterUnreachable, format!("no adapter answers at {location}"));
            grpc::because(error, fault, limit)
        }
        Fault::Broken(_) => grpc::because(foreign(location), fault, limit),
        Fault::Status(Status::Unavailable, _) => {
            let error = Error::new(Code::AdapterUnreachable, format!("the adapter at {location} takes no calls"));
            grpc::because(error, fault, limit)
        }
        Fault::Status(code, message) => {
            let words = if message.is_empty() { format!("{code:?}") } else { message.clone() };
            refused(location).because(words).kind_of(kind(*code))
        }
    }
}

fn foreign(location: &Location) -> Error {
    Error::new(Code::AdapterForeign, format!("what listens at {location} is no adapter"))
}

fn refused(location: &Location) -> Error {
    Error::new(Code::AdapterRefused, format!("the adapter at {location} refused"))
}

fn cannot(location: &Location, operation: &str, message: &str) -> Error {
    let error = Error::new(Code::AdapterCannot, format!("the adapter at {location} cannot do `{operation}`"));
    if message.is_empty() { error } else { error.because(message) }
}

fn kind(code: Status) -> Kind {
    match code {
        Status::InvalidArgument | Status::OutOfRange => Kind::Usage,
        Status::NotFound => Kind::NotFound,
        Status::AlreadyExists | Status::FailedPrecondition | Status::Aborted => Kind::Conflict,
        Status::DeadlineExceeded => Kind::Timeout,
        Status::PermissionDenied | Status::Unauthenticated => Kind::Auth,
        _ => Kind::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A far side that reads a little and then does what `answer` says: text to write, or nothing and silence.
    async fn far_side(answer: Option<&'static str>) -> Location {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut buffer = [0; 1024];
                let _ = socket.read(&mut buffer).await;
                match answer {
                    Some(text) => {
                        let _ = socket.write_all(text.as_bytes()).await;
                    }
                    None => held.push(socket),
                }
            }
        });
        Location::new("127.0.0.1", port)
    }

    #[tokio::test]
    async fn nobody_something_else_and_silence_are_told_apart() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let nobody = ask(&Location::new("127.0.0.1", free), LIMIT).await.unwrap_err();
        assert_eq!(nobody.code(), Code::AdapterUnreachable);
        assert!(nobody.to_string().contains("refused") && nobody.message().contains(&free.to_string()), "{nobody}");
        for other in ["HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", ""] {
            let error = ask(&far_side(Some(other)).await, LIMIT).await.unwrap_err();
            assert_eq!(error.code(), Code::AdapterForeign, "{other:?}: {error}");
        }
        let limit = Duration::from_millis(200);
        let silent = ask(&far_side(None).await, limit).await.unwrap_err();
        assert_eq!((silent.code(), silent.kind()), (Code::AdapterUnreachable, Kind::Unreachable));
        assert!(silent.to_string().contains("200 ms"), "{silent}");
    }

    #[tokio::test]
    async fn link_local_addresses_are_never_spoken_to() {
        let error = ask(&Location::new("169.254.169.254", 80), LIMIT).await.unwrap_err();
        assert!(error.to_string().contains("link-local"), "{error}");
    }

    #[test]
    fn the_kind_follows_the_status() {
        let of = |code, message: &str| failed(&Location::new("h", 1), LIMIT, &Fault::Status(code, message.into()));
        let refused = of(Status::InvalidArgument, "no operation is named");
        assert_eq!((refused.code(), refused.kind()), (Code::AdapterRefused, Kind::Usage));
        assert_eq!(refused.report().probable_cause.as_deref(), Some("no operation is named"));
        assert_eq!(of(Status::Unavailable, "").code(), Code::AdapterUnreachable);
        assert_eq!(of(Status::Internal, "").kind(), Kind::Failed);
    }
}
