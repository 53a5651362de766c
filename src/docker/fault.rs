//! What the engine says, as our errors.

use bollard::errors::Error as Bollard;

use super::address::Address;
use super::connect::{Engine, unreachable};
use crate::base::error::{Code, Error};
use crate::base::text;

/// HTTP status of something that is not there.
const NOT_FOUND: u16 = 404;
/// HTTP status of a state that does not fit, such as a removal that is under way.
const CONFLICT: u16 = 409;

/// The next step when an engine that answered before does so no longer.
const AGAIN: &str = "See that the engine runs (`docker info`), then run the command again: it goes on where it was.";

/// Nobody there who speaks as an engine does.
pub(super) fn no_engine(address: &Address, error: &Bollard) -> Error {
    unreachable(address, &words(error), "Check DOCKER_HOST and `docker context ls`, and that `docker info` works.")
}

impl Engine {
    /// An act that failed; `what` says what was to be done to which thing, such as `network meshery-local cannot be made`.
    pub(super) fn fault(&self, what: &str, error: &Bollard) -> Error {
        match error {
            Bollard::DockerResponseServerError { .. } | Bollard::DockerStreamError { .. } => {
                Error::new(Code::DockerFault, what).because(words(error))
            }
            _ if is_transport(error) => Error::new(Code::DockerUnreachable, what)
                .because(format!("the Docker engine at {} broke off: {}", self.address(), words(error)))
                .remedy(AGAIN),
            _ => Error::new(Code::DockerFault, what).because(words(error)),
        }
    }
}

fn is_transport(error: &Bollard) -> bool {
    matches!(
        error,
        Bollard::HyperResponseError { .. }
            | Bollard::HyperLegacyError { .. }
            | Bollard::IOError { .. }
            | Bollard::RequestTimeoutError
            | Bollard::SocketNotFoundError(_)
    )
}

/// The engine's own words, without the wrapping of the library.
pub(super) fn words(error: &Bollard) -> String {
    match error {
        Bollard::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Bollard::DockerStreamError { error } => error.trim().to_owned(),
        other => text::chain(other),
    }
}

fn status(error: &Bollard) -> Option<u16> {
    match error {
        Bollard::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

pub(super) fn is_not_found(error: &Bollard) -> bool {
    status(error) == Some(NOT_FOUND)
}

pub(super) fn is_conflict(error: &Bollard) -> bool {
    status(error) == Some(CONFLICT)
}

/// Whether the engine could not listen on a port because somebody does.
pub(super) fn is_port_taken(error: &Bollard) -> bool {
    let words = words(error);
    ["port is already allocated", "address already in use", "ports are not available"]
        .iter()
        .any(|known| words.contains(known))
}
