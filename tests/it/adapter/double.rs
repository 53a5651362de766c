//! Doubles of foreign adapters: one with the calls of the oldest era only, and addresses where none answers.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use mesheryctl::model::adapter::Location;
use mesheryctl::wire::meshops::mesh_service_server::{MeshService, MeshServiceServer};
use mesheryctl::wire::meshops::{
    ApplyRuleRequest, ApplyRuleResponse, ComponentInfoRequest, ComponentInfoResponse, CreateMeshInstanceRequest,
    CreateMeshInstanceResponse, EventsRequest, EventsResponse, MeshNameRequest, MeshNameResponse, MeshVersionsRequest,
    MeshVersionsResponse, ProcessOamRequest, ProcessOamResponse, ProvisionRequest, ProvisionResponse,
    SupportedOperation, SupportedOperationsRequest, SupportedOperationsResponse,
};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// What the double does with an operation.
#[derive(Clone)]
pub enum Answer {
    /// Takes it on and tells this event.
    Take(EventsResponse),
    /// Refuses by a status.
    Refuse(Status),
    /// Refuses by the field `error` of its reply.
    Complain(&'static str),
}

/// A call as the double got it, without what tells nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Cluster(String),
    Apply { operation: String, namespace: String, delete: bool, kube_configs: usize },
}

/// An adapter as the oldest were: no ComponentInfo, no ProcessOAM, no Provision.
#[derive(Clone)]
pub struct Old {
    keys: &'static [&'static str],
    answer: Answer,
    calls: Arc<Mutex<Vec<Call>>>,
    events: broadcast::Sender<EventsResponse>,
}

impl Old {
    /// Serves on a free port until the test's runtime ends.
    pub async fn start(keys: &'static [&'static str], answer: Answer) -> (Self, Location) {
        let double = Self { keys, answer, calls: Arc::default(), events: broadcast::channel(16).0 };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let location = Location::new("127.0.0.1", listener.local_addr().unwrap().port());
        let service = MeshServiceServer::new(double.clone());
        let serving = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(async move { serving.await.unwrap() });
        (double, location)
    }

    /// The calls that change something, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Waits until somebody listens to its events.
    pub async fn listened_to(&self) {
        while self.events.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// An address where nobody listens.
pub async fn dead() -> Location {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Location::new("127.0.0.1", listener.local_addr().unwrap().port())
}

/// An address where connections are taken and nothing is said.
pub async fn silent() -> Location {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let location = Location::new("127.0.0.1", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    location
}

#[tonic::async_trait]
impl MeshService for Old {
    async fn create_mesh_instance(
        &self,
        request: Request<CreateMeshInstanceRequest>,
    ) -> Result<Response<CreateMeshInstanceResponse>, Status> {
        let text = String::from_utf8(request.into_inner().k8s_config).unwrap();
        self.calls.lock().unwrap().push(Call::Cluster(text));
        Ok(Response::new(CreateMeshInstanceResponse {}))
    }

    async fn mesh_name(&self, _: Request<MeshNameRequest>) -> Result<Response<MeshNameResponse>, Status> {
        Ok(Response::new(MeshNameResponse { name: "OCTARINE".into() }))
    }

    async fn mesh_versions(&self, _: Request<MeshVersionsRequest>) -> Result<Response<MeshVersionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn apply_operation(&self, request: Request<ApplyRuleRequest>) -> Result<Response<ApplyRuleResponse>, Status> {
        let request = request.into_inner();
        self.calls.lock().unwrap().push(Call::Apply {
            operation: request.op_name,
            namespace: request.namespace,
            delete: request.delete_op,
            kube_configs: request.kube_configs.len(),
        });
        match &self.answer {
            Answer::Refuse(status) => Err(status.clone()),
            Answer::Complain(error) => {
                Ok(Response::new(ApplyRuleResponse { error: (*error).into(), ..ApplyRuleResponse::default() }))
            }
            Answer::Take(event) => {
                let event = EventsResponse { operation_id: request.operation_id, ..event.clone() };
                // Nobody may listen yet; adapters of old lose such events too.
                let _ = self.events.send(event);
                Ok(Response::new(ApplyRuleResponse::default()))
            }
        }
    }

    async fn supported_operations(
        &self,
        _: Request<SupportedOperationsRequest>,
    ) -> Result<Response<SupportedOperationsResponse>, Status> {
        let operation = |key: &&str| SupportedOperation { key: (*key).into(), value: "x".into(), category: 0 };
        Ok(Response::new(SupportedOperationsResponse {
            ops: self.keys.iter().map(operation).collect(),
            error: "none".into(),
        }))
    }

    type StreamEventsStream = BoxStream<'static, Result<EventsResponse, Status>>;

    async fn stream_events(&self, _: Request<EventsRequest>) -> Result<Response<Self::StreamEventsStream>, Status> {
        let events = self.events.subscribe();
        let stream = futures_util::stream::unfold(events, |mut events| async move {
            events.recv().await.ok().map(|event| (Ok(event), events))
        });
        Ok(Response::new(stream.boxed()))
    }

    async fn process_oam(&self, _: Request<ProcessOamRequest>) -> Result<Response<ProcessOamResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn component_info(
        &self,
        _: Request<ComponentInfoRequest>,
    ) -> Result<Response<ComponentInfoResponse>, Status> {
        Err(Status::unimplemented("unknown method ComponentInfo for service meshes.MeshService"))
    }

    async fn provision(&self, _: Request<ProvisionRequest>) -> Result<Response<ProvisionResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
