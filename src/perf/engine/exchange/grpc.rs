//! gRPC's part above HTTP/2: the frame around a message, the method's path, and what a call's end means.

use url::Url;

use super::super::recorder::Status;
use crate::model::performance::plan::Protocol;
use crate::model::performance::result::Cause;

/// Bytes of a health check's answer that are kept.
pub const LONGEST_HEALTH: usize = 64;
const HEALTH: &str = "/grpc.health.v1.Health/Check";
/// `ServingStatus.SERVING`.
const SERVING: u64 = 1;

/// A unary call.
pub struct Call {
    /// Path of the method.
    pub path: String,
    /// The message in its frame.
    pub message: Vec<u8>,
}

impl Call {
    /// The call that a URL and a body stand for; none where the protocol is not gRPC.
    pub fn of(protocol: Protocol, url: &Url, body: &[u8]) -> Option<Self> {
        match protocol {
            Protocol::Grpc => Some(Self { path: url.path().to_owned(), message: framed(body) }),
            Protocol::GrpcHealth => {
                let service = url.path().trim_matches('/');
                Some(Self { path: HEALTH.to_owned(), message: framed(&health_request(service)) })
            }
            _ => None,
        }
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5 + message.len());
    bytes.push(0);
    bytes.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(message);
    bytes
}

/// `HealthCheckRequest`: field 1 is the service's name; the whole server has none.
fn health_request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        let mut length = service.len();
        while length >= 0x80 {
            message.push(0x80 | length.to_le_bytes()[0]);
            length >>= 7;
        }
        message.push(length.to_le_bytes()[0]);
        message.extend_from_slice(service.as_bytes());
    }
    message
}

/// What the end of a call means.
///
/// # Errors
/// It is no answer, or not the one that was wanted.
pub fn outcome(protocol: Protocol, http: u16, code: Option<u8>, body: &[u8]) -> Result<Status, Cause> {
    let code = match (code, http) {
        (Some(code), _) => code,
        (None, 200) => return Err(Cause::Protocol),
        (None, status) => of_http(status),
    };
    if code == 0 && protocol == Protocol::GrpcHealth && serving_status(body) != Some(SERVING) {
        return Err(Cause::Content);
    }
    Ok(Status::Grpc(code))
}

/// The code that stands for a status of a proxy, by gRPC's own table.
fn of_http(status: u16) -> u8 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

/// Field 1 of `HealthCheckResponse`; UNKNOWN is 0 and not written.
fn serving_status(body: &[u8]) -> Option<u64> {
    let message = body.get(5..)?;
    match message {
        [] => Some(0),
        [0x08, value] if *value < 0x80 => Some(u64::from(*value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_frame() {
        let url = Url::parse("grpc://h:1/s.S/M").unwrap();
        let call = Call::of(Protocol::Grpc, &url, b"ab").unwrap();
        assert_eq!((call.path.as_str(), call.message.as_slice()), ("/s.S/M", &[0, 0, 0, 0, 2, b'a', b'b'][..]));
        let health = Call::of(Protocol::GrpcHealth, &Url::parse("grpc://h:1/mesh").unwrap(), b"").unwrap();
        assert_eq!(health.message, [0, 0, 0, 0, 6, 0x0a, 4, b'm', b'e', b's', b'h']);
        assert!(Call::of(Protocol::Http2, &url, b"").is_none());
    }

    #[test]
    fn only_a_serving_service_is_healthy() {
        let health = |body: &[u8]| outcome(Protocol::GrpcHealth, 200, Some(0), body);
        assert_eq!(health(&[0, 0, 0, 0, 2, 8, 1]), Ok(Status::Grpc(0)));
        assert_eq!(health(&[0, 0, 0, 0, 2, 8, 2]), Err(Cause::Content));
        assert_eq!(health(&[0, 0, 0, 0, 0]), Err(Cause::Content));
        assert_eq!(outcome(Protocol::GrpcHealth, 200, Some(5), b""), Ok(Status::Grpc(5)));
    }

    #[test]
    fn a_call_without_status_is_judged_by_http() {
        assert_eq!(outcome(Protocol::Grpc, 502, None, b""), Ok(Status::Grpc(14)));
        assert_eq!(outcome(Protocol::Grpc, 200, None, b""), Err(Cause::Protocol));
    }
}
