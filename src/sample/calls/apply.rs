//! Server-side apply.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Reply, found, one};
use crate::sample::cluster::Cluster;
use crate::sample::kind::Kind;
use crate::sample::object::{self, set_meta, text};
use crate::sample::own::managed::{self, Writer};
use crate::sample::status::{Answer, Cause, Failure};
use crate::sample::store::State;
use crate::sample::write::{self, How};
use crate::sample::{convert, decode};

/// Applies the body's configuration.
pub fn apply(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Reply> {
    if call.query.get("fieldManager").is_empty() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", &[cause]));
    }
    let how = How { applied: true, ..call.how()? };
    let config = configuration(kind, call)?;
    let (value, created) = cluster.write(|state| apply_in(state, kind, call, &config, &how))?;
    let code = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Reply::json(code, &one(kind, &value, &call.form)))
}

fn configuration(kind: &Kind, call: &Call<'_>) -> Answer<Value> {
    let yaml = !call.body.trim_ascii_start().starts_with(b"{");
    let config = decode::body(call.body, yaml, kind)?;
    let given = (text(&config, &["apiVersion"]), text(&config, &["kind"]));
    if given != (kind.api_version().as_str(), kind.kind.as_str()) {
        let (group, version) = given.0.rsplit_once('/').unwrap_or(("", given.0));
        return Err(Failure::bad_request(format!("invalid object type: {group}/{version}, Kind={}", given.1)));
    }
    if !config["metadata"]["managedFields"].is_null() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let namespace = object::namespace(&config);
    if kind.namespaced && !namespace.is_empty() && namespace != call.target.namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Failure::bad_request(why));
    }
    Ok(config)
}

/// What an apply creates must say its name.
fn check_name(value: &Value, wanted: &str) -> Answer<()> {
    match object::name(value) {
        "" => Err(Failure::bad_request(format!(
            "the name of the object ({wanted} based on URL) was undeterminable: name must be provided"
        ))),
        given if given != wanted => Err(Failure::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({wanted})"
        ))),
        _ => Ok(()),
    }
}

fn apply_in(
    state: &mut State,
    kind: &Arc<Kind>,
    call: &Call<'_>,
    config: &Value,
    how: &How,
) -> Answer<(Arc<Value>, bool)> {
    let live = found(state, kind, call).cloned().ok();
    if live.is_none() && !how.subresource.is_empty() {
        return Err(Failure::not_found(&kind.group, &kind.plural, &call.target.name));
    }
    let now = object::now();
    let writer = Writer { manager: &how.manager, subresource: &how.subresource, now: &now };
    let base = live.as_ref().map_or_else(
        || json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {}}),
        |live| {
            let mut base = (**live).clone();
            convert::from_stored(kind, &mut base);
            base
        },
    );
    let mut new = managed::apply(kind, &base, config, &writer, call.query.flag("force"))?;
    if live.is_none() {
        check_name(&new, &call.target.name)?;
    }
    set_meta(&mut new, "name", Some(json!(call.target.name)));
    decode::identity(kind, &mut new)?;
    decode::normalise(kind, &mut new)?;
    convert::to_stored(kind, &mut new);
    let stored = if kind.custom.is_some() { None } else { state.kind_of(&kind.storage) };
    let stored = stored.unwrap_or_else(|| Arc::clone(kind));
    if live.is_some() {
        return write::update(state, &stored, &call.key(kind), new, how).map(|value| (value, false));
    }
    write::create(state, &stored, &call.target.namespace, new, how).map(|value| (value, true))
}
