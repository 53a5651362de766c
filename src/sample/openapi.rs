//! The OpenAPI documents, made from the same tables that the server works by.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Form, Reply};
use super::builtin;
use super::kind::Kind;
use super::object;
use super::shape::{Field, ListKind, Ref, Scalar, Shape, Struct};
use super::store::State;

/// The document at a path, if it is one of OpenAPI's.
pub fn document(state: &State, path: &str, form: &Form) -> Option<Reply> {
    let rest = path.strip_prefix("/openapi/")?;
    if !form.json {
        return Some(Reply::text(StatusCode::NOT_ACCEPTABLE, "only JSON is served here\n"));
    }
    let value = match rest.trim_end_matches('/') {
        "v2" => version_2(state),
        "v3" => index(state),
        other => version_3(state, other.strip_prefix("v3/")?)?,
    };
    Some(Reply::json(StatusCode::OK, &value))
}

fn root(kind: &Kind) -> String {
    if kind.group.is_empty() {
        format!("api/{}", kind.version)
    } else {
        format!("apis/{}/{}", kind.group, kind.version)
    }
}

fn index(state: &State) -> Value {
    let roots: BTreeSet<String> = state.kinds().map(|kind| root(kind)).collect();
    let entries = roots.into_iter().map(|root| {
        let address = json!({"serverRelativeURL": format!("/openapi/v3/{root}")});
        (root, address)
    });
    json!({"paths": entries.collect::<Map<String, Value>>()})
}

fn version_3(state: &State, wanted: &str) -> Option<Value> {
    let kinds: Vec<&Arc<Kind>> = state.kinds().filter(|kind| root(kind) == wanted).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut components = Components { prefix: "#/components/schemas/", schemas: Map::new() };
    let mut paths = Map::new();
    for kind in kinds {
        components.kind(kind);
        paths.extend(path(kind));
    }
    Some(json!({"openapi": "3.0.0", "info": info(), "paths": paths, "components": {"schemas": components.schemas}}))
}

fn version_2(state: &State) -> Value {
    let mut components = Components { prefix: "#/definitions/", schemas: Map::new() };
    let mut paths = Map::new();
    for kind in state.kinds() {
        components.kind(kind);
        paths.extend(path(kind));
    }
    json!({"swagger": "2.0", "info": info(), "paths": paths, "definitions": components.schemas})
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "v1.36.3"})
}

/// The path of one object: clients look here for what a patch accepts.
fn path(kind: &Kind) -> Option<(String, Value)> {
    if !kind.serves('p') {
        return None;
    }
    let namespace = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"]
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
        .collect();
    let patch = json!({"parameters": parameters, "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": kind.gvk_value(), "responses": {"200": {"description": "OK"}}});
    Some((format!("/{}/{namespace}{}/{{name}}", root(kind), kind.plural), json!({"patch": patch})))
}

struct Components {
    prefix: &'static str,
    schemas: Map<String, Value>,
}

impl Components {
    fn kind(&mut self, kind: &Kind) {
        let gvk = json!([kind.gvk_value()]);
        let name = match &kind.shape {
            Ref::Named(name) => {
                self.named(name);
                full_name(name)
            }
            Ref::Inline(shape) => {
                let group: Vec<&str> = kind.group.rsplit('.').collect();
                let name = format!("{}.{}.{}", group.join("."), kind.version, kind.kind);
                let mut schema = kind.custom.as_ref().map(|custom| custom.schema.clone()).unwrap_or_default();
                if let Shape::Struct(fields) = shape.as_ref() {
                    for key in ["apiVersion", "kind", "metadata"] {
                        if let Some(field) = fields.fields.get(key) {
                            let inner = self.field(field);
                            object::child(&mut schema, "properties").insert(key.to_owned(), inner);
                        }
                    }
                }
                self.schemas.insert(name.clone(), schema);
                name
            }
        };
        if let Some(schema) = self.schemas.get_mut(&name) {
            object::ensure(schema).insert("x-kubernetes-group-version-kind".to_owned(), gvk);
        }
    }

    fn named(&mut self, name: &'static str) {
        let full = full_name(name);
        if self.schemas.contains_key(&full) {
            return;
        }
        self.schemas.insert(full.clone(), Value::Null);
        let schema = match builtin::types().get(name) {
            Some(Shape::Struct(fields)) => self.object(fields),
            _ => json!({"type": "object"}),
        };
        self.schemas.insert(full, schema);
    }

    fn object(&mut self, fields: &Struct) -> Value {
        let mut schema = json!({"type": "object"});
        let required: Vec<&String> =
            fields.fields.iter().filter(|(_, field)| field.required).map(|(name, _)| name).collect();
        let out = object::ensure(&mut schema);
        if !required.is_empty() {
            out.insert("required".to_owned(), json!(required));
        }
        if fields.atomic {
            out.insert("x-kubernetes-map-type".to_owned(), json!("atomic"));
        }
        let properties: Map<String, Value> =
            fields.fields.iter().map(|(name, field)| (name.clone(), self.field(field))).collect();
        out.insert("properties".to_owned(), Value::Object(properties));
        schema
    }

    fn field(&mut self, field: &Field) -> Value {
        let mut schema = self.reference(&field.shape);
        let out = object::ensure(&mut schema);
        if let Some(key) = &field.merge {
            out.insert("x-kubernetes-patch-strategy".to_owned(), json!("merge"));
            if !key.is_empty() {
                out.insert("x-kubernetes-patch-merge-key".to_owned(), json!(key));
            }
        }
        schema
    }

    fn reference(&mut self, reference: &Ref) -> Value {
        match reference {
            Ref::Named(name) => {
                self.named(name);
                json!({"$ref": format!("{}{}", self.prefix, full_name(name))})
            }
            Ref::Inline(shape) => self.shape(shape),
        }
    }

    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Scalar(scalar) => scalar_schema(*scalar),
            Shape::Untyped { .. } => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
            Shape::Map { value, .. } => json!({"type": "object", "additionalProperties": self.reference(value)}),
            Shape::Struct(fields) => self.object(fields),
            Shape::List { item, kind } => {
                let mut schema = json!({"type": "array", "items": self.reference(item)});
                let out = object::ensure(&mut schema);
                let (name, keys) = match kind {
                    ListKind::Atomic => ("atomic", None),
                    ListKind::Set => ("set", None),
                    ListKind::Map(keys) => ("map", Some(keys)),
                };
                out.insert("x-kubernetes-list-type".to_owned(), json!(name));
                out.extend(keys.map(|keys| ("x-kubernetes-list-map-keys".to_owned(), json!(keys))));
                schema
            }
        }
    }
}

fn scalar_schema(scalar: Scalar) -> Value {
    match scalar {
        Scalar::String | Scalar::Quantity => json!({"type": "string"}),
        Scalar::Bytes => json!({"type": "string", "format": "byte"}),
        Scalar::Int32 => json!({"type": "integer", "format": "int32"}),
        Scalar::Int64 => json!({"type": "integer", "format": "int64"}),
        Scalar::Number => json!({"type": "number"}),
        Scalar::Bool => json!({"type": "boolean"}),
        Scalar::IntOrString => json!({"type": "string", "format": "int-or-string"}),
        Scalar::Time => json!({"type": "string", "format": "date-time"}),
    }
}

/// The name under which clients know a type.
fn full_name(name: &str) -> String {
    let prefix = match name.split('.').next().unwrap_or_default() {
        "meta" => "io.k8s.apimachinery.pkg.apis.",
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis.",
        "apiregistration" => "io.k8s.kube-aggregator.pkg.apis.",
        "version" | "runtime" | "util" => "io.k8s.apimachinery.pkg.",
        _ => "io.k8s.api.",
    };
    format!("{prefix}{name}")
}
