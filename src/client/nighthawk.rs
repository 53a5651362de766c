//! Nighthawk over its gRPC service.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;
use tonic::transport::Channel;

use super::grpc::{self, Fault};
use crate::base::{Code, Error, Result};
use crate::model::adapter::Location;
use crate::wire::nighthawk::execution_request::CommandSpecificOptions as Command;
use crate::wire::nighthawk::nighthawk_service_client::NighthawkServiceClient;
use crate::wire::nighthawk::{
    CancellationRequest, CommandLineOptions, ExecutionRequest, ExecutionResponse, Output, StartRequest,
};

/// The largest output that is read.
const LARGEST: usize = 64 << 20;

/// A connection to a nighthawk_service.
pub struct NighthawkClient {
    location: Location,
    service: NighthawkServiceClient<Channel>,
}

impl NighthawkClient {
    /// Connects.
    ///
    /// # Errors
    /// [`Code::GeneratorMissing`] when nothing answers there.
    pub async fn connect(location: &Location, limit: Duration) -> Result<Self> {
        let channel = grpc::channel(location, limit).await.map_err(|fault| {
            let error = Error::new(Code::GeneratorMissing, format!("no nighthawk_service answers at {location}"))
                .remedy("Start nighthawk_service there, or leave `address=` out so that the one on PATH is started.");
            grpc::because(error, &fault, limit)
        })?;
        let service = NighthawkServiceClient::new(channel).max_decoding_message_size(LARGEST);
        Ok(Self { location: location.clone(), service })
    }

    /// Carries one measurement out, within `limit`. When `cancel` fires, it is asked to end at once; what it measured
    /// until then is its output, where it gives one.
    ///
    /// # Errors
    /// [`Code::GeneratorFailed`] with its own words.
    pub async fn execute(
        &mut self,
        options: CommandLineOptions,
        limit: Duration,
        cancel: oneshot::Receiver<()>,
    ) -> Result<Output> {
        let location = self.location.clone();
        let failed = move || Error::new(Code::GeneratorFailed, format!("the measurement by {location} failed"));
        let start = request(Command::StartRequest(StartRequest { options: Some(options) }));
        // The far side's reader is held open until the output is in: it takes the end of the stream as the end of all.
        let rest = stream::once(async {
            if cancel.await.is_err() {
                std::future::pending::<()>().await;
            }
            request(Command::CancellationRequest(CancellationRequest {}))
        });
        let outgoing = stream::once(async { start }).chain(rest).chain(stream::pending());
        let call = async {
            let mut replies = self.service.execution_stream(outgoing).await?.into_inner();
            replies.next().await.transpose()
        };
        match tokio::time::timeout(limit, call).await {
            Err(_) => Err(grpc::because(failed(), &Fault::Slow, limit)),
            Ok(Err(status)) => Err(grpc::because(failed(), &status.into(), limit)),
            Ok(Ok(None)) => Err(failed().because("the service ended the stream without an answer")),
            Ok(Ok(Some(reply))) => output(reply).map_err(|cause| failed().because(cause)),
        }
    }
}

fn request(command: Command) -> ExecutionRequest {
    ExecutionRequest { command_specific_options: Some(command) }
}

/// What was measured; an error that comes with an output, as a failure predicate gives, leaves the output standing.
fn output(reply: ExecutionResponse) -> std::result::Result<Output, String> {
    let measured = reply.output.filter(|output| !output.results.is_empty());
    match (measured, reply.error_detail) {
        (Some(output), _) => Ok(output),
        (None, Some(status)) => Err(format!("it answered {}: {}", status.code, status.message)),
        (None, None) => Err("it answered without results".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::nighthawk::{Result as Measured, Status};

    #[test]
    fn an_error_without_results_is_told_in_its_own_words() {
        let status = Status { code: 13, message: "uri wrong".into() };
        let only = ExecutionResponse { error_detail: Some(status.clone()), ..ExecutionResponse::default() };
        assert_eq!(output(only).err().unwrap(), "it answered 13: uri wrong");
        let both = ExecutionResponse {
            output: Some(Output { results: vec![Measured::default()], ..Output::default() }),
            error_detail: Some(status),
            ..ExecutionResponse::default()
        };
        assert_eq!(output(both).map(|output| output.results.len()), Ok(1));
        assert!(output(ExecutionResponse::default()).is_err());
    }
}
