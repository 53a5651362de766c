//! Calls that keep no object: access reviews, tokens, scale, logs.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Reply, found};
use crate::sample::cluster::{Cluster, NAME};
use crate::sample::decode;
use crate::sample::faults::Seen;
use crate::sample::kind::Kind;
use crate::sample::object::{self, at};
use crate::sample::patch;
use crate::sample::request::Target;
use crate::sample::selector::Labels;
use crate::sample::status::{Answer, Failure};
use crate::sample::write;

/// Answers a review: whoever holds the token may do everything but what a fault forbids.
pub fn create(cluster: &Cluster, kind: &Kind, call: &Call<'_>) -> Answer<Reply> {
    let mut value = call.read(kind)?;
    decode::identity(kind, &mut value)?;
    let user = json!({"username": NAME, "uid": "", "groups": ["system:masters", "system:authenticated"]});
    let status = match kind.plural.as_str() {
        "selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews" => {
            json!({"allowed": is_permitted(cluster, &value["spec"]["resourceAttributes"])})
        }
        "selfsubjectreviews" => json!({"userInfo": user}),
        "tokenreviews" => json!({"authenticated": true, "user": user}),
        "selfsubjectrulesreviews" => json!({"incomplete": false,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}),
        _ => return Err(Failure::method()),
    };
    let fields = object::ensure(&mut value);
    fields.entry("metadata").or_insert_with(|| json!({}));
    fields.insert("status".to_owned(), status);
    Ok(Reply::json(StatusCode::CREATED, &value))
}

fn is_permitted(cluster: &Cluster, wanted: &Value) -> bool {
    let word = |key: &str| wanted[key].as_str().unwrap_or_default();
    let target = Target {
        group: word("group").to_owned(),
        plural: word("resource").to_owned(),
        namespace: word("namespace").to_owned(),
        subresource: word("subresource").to_owned(),
        ..Target::default()
    };
    !cluster.faults().forbids(Seen { verb: word("verb"), target: &target, name: word("name") })
}

/// Answers the subresources other than status.
pub fn subresource(cluster: &Cluster, kind: &Kind, call: &Call<'_>) -> Answer<Reply> {
    let name = call.target.subresource.as_str();
    if kind.subresource(name).is_none() {
        return Err(Failure::no_resource());
    }
    match (name, call.verb) {
        ("scale", "get" | "update" | "patch") => scale(cluster, kind, call),
        ("token", "create") => token(kind, call),
        ("log", "get") => {
            cluster.read(|state| found(state, kind, call).map(|_| ()))?;
            Ok(Reply::text(StatusCode::OK, ""))
        }
        _ => {
            let text = format!("the practice cluster runs no containers: {}/{name} is not possible", kind.plural);
            Err(Failure::new(501, "NotImplemented", text))
        }
    }
}

fn token(kind: &Kind, call: &Call<'_>) -> Answer<Reply> {
    let mut value: Value =
        if call.content_type.contains("protobuf") { json!({}) } else { decode::body(call.body, call.yaml(), kind)? };
    object::stamp(&mut value, "authentication.k8s.io/v1", "TokenRequest");
    let token = crate::base::id::secret().map_err(|error| Failure::new(500, "InternalError", error.to_string()))?;
    let expires = crate::base::clock::now().as_second() + 3600;
    let expires = crate::base::clock::Timestamp::from_second(expires).map(|moment| moment.to_string());
    let status = json!({"token": token, "expirationTimestamp": expires.unwrap_or_default()});
    object::ensure(&mut value).insert("status".to_owned(), status);
    Ok(Reply::json(StatusCode::CREATED, &value))
}

fn scale(cluster: &Cluster, kind: &Kind, call: &Call<'_>) -> Answer<Reply> {
    let how = super::How { subresource: String::new(), ..call.how()? };
    let value = cluster.write(|state| {
        let value = found(state, kind, call)?.clone();
        if call.verb == "get" {
            return Ok(value);
        }
        let mut wanted = scale_of(&value);
        let given: Value = serde_json::from_slice(call.body)
            .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
        if call.verb == "update" {
            wanted = given;
        } else if given.is_array() {
            patch::json(&mut wanted, &given)?;
        } else {
            patch::merge(&mut wanted, &given);
        }
        let mut new = (*value).clone();
        object::child(&mut new, "spec").insert("replicas".to_owned(), wanted["spec"]["replicas"].clone());
        write::update(state, kind, &call.key(kind), new, &how)
    })?;
    Ok(Reply::json(StatusCode::OK, &scale_of(&value)))
}

fn scale_of(value: &Value) -> Value {
    let metadata = &value["metadata"];
    let selector = at(value, &["spec", "selector"]);
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    debug_assert!(Labels::parse(&labels.join(",")).is_ok(), "a selector made of labels can be parsed");
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {"replicas": value["spec"]["replicas"]},
        "status": {"replicas": value["status"]["replicas"].as_i64().unwrap_or_default(), "selector": labels.join(",")}})
}
