//! The calls of meshes.MeshService. What this build cannot do, it does not list and refuses in words that say what to do
//! instead: a call never succeeds for nothing.

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::events::Events;
use super::validate::{self, words};
use crate::base::{Code, Error};
use crate::model::version::Version;
use crate::plane::adapter::Adapter;
use crate::wire::meshops::mesh_service_server::MeshService;
use crate::wire::meshops::{
    ApplyRuleRequest, ApplyRuleResponse, ComponentInfoRequest, ComponentInfoResponse, CreateMeshInstanceRequest,
    CreateMeshInstanceResponse, EventType, EventsRequest, EventsResponse, MeshNameRequest, MeshNameResponse,
    MeshVersionsRequest, MeshVersionsResponse, ProcessOamRequest, ProcessOamResponse, ProvisionRequest,
    ProvisionResponse, SupportedOperationsRequest, SupportedOperationsResponse,
};

/// Sort of component, as servers of every era expect it.
const TYPE: &str = "adapter";
/// What an adapter says where there is nothing to say of an error.
const NO_ERROR: &str = "none";

/// One adapter.
pub(super) struct Service {
    adapter: Adapter,
    events: Events,
    stop: CancellationToken,
}

impl Service {
    pub(super) fn new(adapter: Adapter, stop: CancellationToken) -> Self {
        Self { adapter, events: Events::new(), stop }
    }

    /// The error for what this build has no operation for.
    fn cannot(&self, what: &str) -> Error {
        let Adapter { name, smp_name, .. } = self.adapter;
        let Version { build, .. } = Version::current();
        Error::new(Code::AdapterCannot, format!("adapter {name} of mesheryctl {build} cannot do {what}"))
            .because(format!("this build carries no operations for {smp_name}"))
            .remedy(
                "Install or remove the mesh with its own tool and manage its resources with `mesheryctl pattern apply`, \
                 or add an adapter that can with `mesheryctl adapter add HOST:PORT`.",
            )
    }

    fn refuse(&self, error: &Error, operation_id: String) -> Status {
        let report = error.report();
        tracing::info!(adapter = self.adapter.name, operation_id, %error, "refused");
        self.events.tell(EventsResponse {
            event_type: EventType::Error.into(),
            summary: report.message,
            details: words(error),
            operation_id,
            probable_cause: report.probable_cause.unwrap_or_default(),
            suggested_remediation: report.suggested_remediation.unwrap_or_default(),
            error_code: report.code,
            component: TYPE.to_owned(),
            component_name: self.adapter.name.to_owned(),
        });
        Status::unimplemented(words(error))
    }
}

fn invalid(error: &Error) -> Status {
    Status::invalid_argument(words(error))
}

#[tonic::async_trait]
impl MeshService for Service {
    async fn create_mesh_instance(
        &self,
        request: Request<CreateMeshInstanceRequest>,
    ) -> Result<Response<CreateMeshInstanceResponse>, Status> {
        let request = request.into_inner();
        validate::cluster(&request.k8s_config, &request.context_name).map_err(|error| invalid(&error))?;
        // Nothing is kept: two callers with a cluster each would take it from one another.
        Ok(Response::new(CreateMeshInstanceResponse {}))
    }

    async fn mesh_name(&self, _: Request<MeshNameRequest>) -> Result<Response<MeshNameResponse>, Status> {
        Ok(Response::new(MeshNameResponse { name: self.adapter.smp_name.to_owned() }))
    }

    async fn mesh_versions(&self, _: Request<MeshVersionsRequest>) -> Result<Response<MeshVersionsResponse>, Status> {
        Ok(Response::new(MeshVersionsResponse { version: Vec::new() }))
    }

    async fn apply_operation(&self, request: Request<ApplyRuleRequest>) -> Result<Response<ApplyRuleResponse>, Status> {
        let request = request.into_inner();
        validate::operation(&request).map_err(|error| invalid(&error))?;
        let removal = if request.delete_op { "the removal of " } else { "" };
        let error = self.cannot(&format!("{removal}the operation `{}`", request.op_name));
        Err(self.refuse(&error, request.operation_id))
    }

    async fn supported_operations(
        &self,
        _: Request<SupportedOperationsRequest>,
    ) -> Result<Response<SupportedOperationsResponse>, Status> {
        Ok(Response::new(SupportedOperationsResponse { ops: Vec::new(), error: NO_ERROR.to_owned() }))
    }

    type StreamEventsStream = BoxStream<'static, Result<EventsResponse, Status>>;

    async fn stream_events(&self, _: Request<EventsRequest>) -> Result<Response<Self::StreamEventsStream>, Status> {
        let state = (self.events.listen(), self.stop.clone());
        let events = stream::unfold(state, |(mut listener, stop)| async move {
            let event = listener.next(&stop).await?;
            Some((Ok(event), (listener, stop)))
        });
        Ok(Response::new(events.boxed()))
    }

    async fn process_oam(&self, _: Request<ProcessOamRequest>) -> Result<Response<ProcessOamResponse>, Status> {
        Err(self.refuse(&self.cannot("OAM components"), String::new()))
    }

    async fn component_info(
        &self,
        _: Request<ComponentInfoRequest>,
    ) -> Result<Response<ComponentInfoResponse>, Status> {
        let Version { build, commitsha, release_channel } = Version::current();
        Ok(Response::new(ComponentInfoResponse {
            r#type: TYPE.to_owned(),
            name: self.adapter.smp_name.to_owned(),
            version: build,
            git_sha: commitsha,
            properties: [
                ("component".to_owned(), self.adapter.name.to_owned()),
                ("program".to_owned(), "mesheryctl".to_owned()),
                ("release_channel".to_owned(), release_channel),
            ]
            .into(),
        }))
    }

    async fn provision(&self, _: Request<ProvisionRequest>) -> Result<Response<ProvisionResponse>, Status> {
        Err(self.refuse(&self.cannot("declarations of components"), String::new()))
    }
}
