//! Who may call: whoever brings the token.

use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::base::id;

/// Refuses calls without the token.
#[derive(Clone)]
pub(super) struct Guard {
    token: String,
}

impl Guard {
    pub(super) fn new(token: String) -> Self {
        Self { token }
    }
}

impl Interceptor for Guard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let given = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if id::is_same_secret(given, &self.token) {
            return Ok(request);
        }
        Err(Status::unauthenticated("the worker's token is wanted"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        for (given, good) in [
            (Some("Bearer abc"), true),
            (Some("Bearer ab"), false),
            (Some("Bearer abcd"), false),
            (Some("abc"), false),
            (Some("Bearer "), false),
            (None, false),
        ] {
            let mut request = Request::new(());
            if let Some(given) = given {
                request.metadata_mut().insert("authorization", given.parse().unwrap());
            }
            assert_eq!(Guard::new("abc".into()).call(request).is_ok(), good, "{given:?}");
        }
    }
}
