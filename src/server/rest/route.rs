//! A row of the route table: path in all spellings, handler, and what the OpenAPI document says of it.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::server::Shared;
use crate::wire::rest::paths::Spellings;

/// Names a type's schema within a document.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A route.
pub struct Route {
    /// HTTP method.
    pub method: Method,
    /// Path, canonical spelling first.
    pub paths: Spellings,
    /// `operationId` of the OpenAPI document.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Whether it answers without a token.
    pub open: bool,
    /// Query parameters: name and meaning.
    pub query: &'static [(&'static str, &'static str)],
    /// Body of the request.
    pub request: Option<Payload>,
    /// Status and body of a good reply.
    pub reply: (StatusCode, Payload),
    /// The handler.
    pub handler: MethodRouter<Shared>,
}

/// A body as the OpenAPI document tells it.
#[derive(Clone)]
pub struct Payload {
    /// Media types; the schema holds for each.
    pub media: &'static [&'static str],
    /// The schema; text without one.
    pub schema: Option<SchemaOf>,
}

impl Payload {
    /// JSON of a type.
    pub fn json<T: JsonSchema>() -> Self {
        Self { media: &["application/json"], schema: Some(SchemaGenerator::subschema_for::<T>) }
    }

    /// Text of a media type.
    pub fn text(media: &'static [&'static str]) -> Self {
        Self { media, schema: None }
    }
}

impl Route {
    /// A route that wants a token and answers 200 with JSON of `R`.
    pub fn new<R, H, T>(method: Method, paths: Spellings, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        R: JsonSchema,
        H: Handler<T, Shared>,
        T: 'static,
    {
        let filter = match method {
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::DELETE => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        Self {
            method,
            paths,
            id,
            summary,
            open: false,
            query: &[],
            request: None,
            reply: (StatusCode::OK, Payload::json::<R>()),
            handler: on(filter, handler),
        }
    }

    /// `GET`.
    pub fn get<R, H, T>(paths: Spellings, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        R: JsonSchema,
        H: Handler<T, Shared>,
        T: 'static,
    {
        Self::new::<R, H, T>(Method::GET, paths, id, summary, handler)
    }

    /// `POST`.
    pub fn post<R, H, T>(paths: Spellings, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        R: JsonSchema,
        H: Handler<T, Shared>,
        T: 'static,
    {
        Self::new::<R, H, T>(Method::POST, paths, id, summary, handler)
    }

    /// `DELETE`.
    pub fn delete<R, H, T>(paths: Spellings, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        R: JsonSchema,
        H: Handler<T, Shared>,
        T: 'static,
    {
        Self::new::<R, H, T>(Method::DELETE, paths, id, summary, handler)
    }

    /// Answers without a token.
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// Reads these query parameters.
    pub fn query(mut self, parameters: &'static [(&'static str, &'static str)]) -> Self {
        self.query = parameters;
        self
    }

    /// Reads a JSON body.
    pub fn body<T: JsonSchema>(self) -> Self {
        self.reads(Payload::json::<T>())
    }

    /// Reads a body.
    pub fn reads(mut self, payload: Payload) -> Self {
        self.request = Some(payload);
        self
    }

    /// Answers with another status or body.
    pub fn replies(mut self, status: StatusCode, payload: Payload) -> Self {
        self.reply = (status, payload);
        self
    }
}
