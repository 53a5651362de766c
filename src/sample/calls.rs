//! The verbs of the API, one function each.

mod apply;
mod reviews;

use std::sync::Arc;

use axum::body::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Form, Reply, many, one};
use super::cluster::Cluster;
use super::kind::Kind;
use super::object::{self, text};
use super::request::{Query, Target};
use super::selector::{Fields, Labels};
use super::status::{Answer, Cause, Failure};
use super::store::{Key, State};
use super::write::{self, Deleted, Deletion, How};
use super::{convert, decode, patch, protobuf};

/// One call.
pub struct Call<'a> {
    /// What it is for.
    pub target: Target,
    /// Its parameters.
    pub query: Query,
    /// The form of the answer.
    pub form: Form,
    /// Verb; `apply` is told from `patch`.
    pub verb: &'static str,
    /// Body.
    pub body: &'a Bytes,
    /// Type of the body.
    pub content_type: &'a str,
    /// `User-Agent`.
    pub agent: &'a str,
}

impl Call<'_> {
    /// The field manager: as given, or the first word of the caller's name.
    fn manager(&self) -> String {
        let given = self.query.get("fieldManager");
        if given.is_empty() {
            let agent = self.agent.split('/').next().unwrap_or_default();
            return if agent.is_empty() { "unknown".to_owned() } else { agent.to_owned() };
        }
        given.to_owned()
    }

    fn yaml(&self) -> bool {
        self.content_type.contains("yaml")
    }

    /// The body as it came, in any of the three forms.
    fn read(&self, kind: &Kind) -> Answer<Value> {
        if self.content_type.contains("protobuf") {
            return protobuf::read(self.body, kind);
        }
        decode::body(self.body, self.yaml(), kind)
    }

    fn how(&self) -> Answer<How> {
        Ok(How {
            manager: self.manager(),
            subresource: self.target.subresource.clone(),
            dry_run: self.dry_run()?,
            applied: false,
        })
    }

    fn dry_run(&self) -> Answer<bool> {
        match self.query.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => {
                let options = match self.verb {
                    "create" => "CreateOptions",
                    "update" => "UpdateOptions",
                    "delete" | "deletecollection" => "DeleteOptions",
                    _ => "PatchOptions",
                };
                let cause = Cause::not_supported("dryRun", &json!([other]), &["All".to_owned()]);
                Err(Failure::invalid("meta.k8s.io", options, "", &[cause]))
            }
        }
    }

    fn key(&self, kind: &Kind) -> Key {
        let namespace = if kind.namespaced { self.target.namespace.as_str() } else { "" };
        Key::new(kind, namespace, &self.target.name)
    }
}

/// Performs any verb but watch.
pub fn perform(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Reply> {
    if kind.verbs == "c" {
        return if call.verb == "create" { reviews::create(cluster, kind, call) } else { Err(Failure::method()) };
    }
    if !matches!(call.target.subresource.as_str(), "" | "status" | "finalize") {
        return reviews::subresource(cluster, kind, call);
    }
    let letter = match call.verb {
        "get" => 'g',
        "list" => 'l',
        "create" => 'c',
        "update" => 'u',
        "patch" | "apply" => 'p',
        "delete" => 'd',
        "deletecollection" => 'D',
        _ => return Err(Failure::method()),
    };
    let served = match call.target.subresource.as_str() {
        "" => kind.serves(letter),
        name => match kind.subresource(name) {
            Some(subresource) => subresource.verbs.contains(letter),
            None => return Err(Failure::no_resource()),
        },
    };
    let collection = matches!(call.verb, "list" | "create" | "deletecollection");
    if !served || collection != call.target.name.is_empty() {
        return Err(Failure::method());
    }
    match call.verb {
        "get" => cluster.read(|state| get(state, kind, call)),
        "list" => cluster.read(|state| list(state, kind, call)),
        "create" => create(cluster, kind, call),
        "update" => update(cluster, kind, call),
        "patch" => patch(cluster, kind, call),
        "apply" => apply::apply(cluster, kind, call),
        "delete" => delete(cluster, kind, call),
        _ => delete_collection(cluster, kind, call),
    }
}

fn found<'a>(state: &'a State, kind: &Kind, call: &Call<'_>) -> Answer<&'a Arc<Value>> {
    let name = &call.target.name;
    state.get(&call.key(kind)).ok_or_else(|| Failure::not_found(&kind.group, &kind.plural, name))
}

fn get(state: &State, kind: &Kind, call: &Call<'_>) -> Answer<Reply> {
    let value = found(state, kind, call)?;
    Ok(Reply::json(StatusCode::OK, &one(kind, value, &call.form)))
}

/// The objects that the selectors of a call pick.
pub fn selected(state: &State, kind: &Kind, call: &Call<'_>) -> Answer<Vec<Arc<Value>>> {
    let labels = Labels::parse(call.query.get("labelSelector"))?;
    let fields = Fields::parse(call.query.get("fieldSelector"), kind)?;
    let namespace = if kind.namespaced { call.target.namespace.as_str() } else { "" };
    let all = state.list(&kind.storage, namespace);
    Ok(all.filter(|value| labels.matches(&value["metadata"]["labels"]) && fields.matches(value)).cloned().collect())
}

fn list(state: &State, kind: &Kind, call: &Call<'_>) -> Answer<Reply> {
    let mut items = selected(state, kind, call)?;
    let mut metadata = json!({"resourceVersion": state.version().to_string()});
    let token = call.query.get("continue");
    if !token.is_empty() {
        let start = read_token(token)?;
        items.retain(|value| place(value) > start);
    }
    let limit = call.query.number("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or_default();
    if limit > 0 && items.len() > limit {
        let rest = items.split_off(limit);
        let last = items.last().map(|value| place(value)).unwrap_or_default();
        let fields = object::ensure(&mut metadata);
        fields.insert("continue".to_owned(), json!(make_token(&last)));
        if call.query.get("labelSelector").is_empty() && call.query.get("fieldSelector").is_empty() {
            fields.insert("remainingItemCount".to_owned(), json!(rest.len()));
        }
    }
    Ok(Reply::json(StatusCode::OK, &many(kind, &items, &metadata, &call.form)))
}

fn place(value: &Value) -> (String, String) {
    (object::namespace(value).to_owned(), object::name(value).to_owned())
}

fn make_token((namespace, name): &(String, String)) -> String {
    crate::base::id::hex(json!({"after": [namespace, name]}).to_string().as_bytes())
}

fn read_token(token: &str) -> Answer<(String, String)> {
    let read = || {
        let bytes: Option<Vec<u8>> = (0..token.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(token.get(place..place + 2)?, 16).ok())
            .collect();
        let value: Value = serde_json::from_slice(&bytes?).ok()?;
        let part = |place: usize| value["after"][place].as_str().map(str::to_owned);
        Some((part(0)?, part(1)?))
    };
    read().ok_or_else(|| Failure::bad_request("invalid continue token: continue key is not valid"))
}

/// Reads the body as an object of the kind: `(object as it is kept, kind in which it is kept, warnings)`.
fn read_object(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<(Value, Arc<Kind>, Vec<String>)> {
    let mut value = call.read(kind)?;
    decode::identity(kind, &mut value)?;
    let warnings = unknown_fields(kind, &decode::normalise(kind, &mut value)?, call)?;
    let stored = stored(cluster, kind, &mut value);
    Ok((value, stored, warnings))
}

fn unknown_fields(kind: &Kind, dropped: &[String], call: &Call<'_>) -> Answer<Vec<String>> {
    let texts: Vec<String> = dropped.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    match call.query.get("fieldValidation") {
        "Strict" if !texts.is_empty() => {
            let texts = texts.join(", ");
            let (name, version) = (&kind.kind, &kind.version);
            let text = format!("strict decoding error: {texts}");
            if call.verb == "patch" {
                let patch = String::from_utf8_lossy(call.body);
                return Err(Failure::invalid("", "", "", &[Cause::invalid("patch", &json!(patch), &text)]));
            }
            Err(Failure::bad_request(format!("{name} in version \"{version}\" cannot be handled as a {name}: {text}")))
        }
        "Ignore" => Ok(Vec::new()),
        _ => Ok(texts),
    }
}

/// The kind in which objects of this kind are kept, and the object in that form.
fn stored(cluster: &Cluster, kind: &Arc<Kind>, value: &mut Value) -> Arc<Kind> {
    convert::to_stored(kind, value);
    if kind.custom.is_some() {
        return Arc::clone(kind);
    }
    cluster.read(|state| state.kind_of(&kind.storage)).unwrap_or_else(|| Arc::clone(kind))
}

fn create(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Reply> {
    let how = call.how()?;
    let (value, stored, warnings) = read_object(cluster, kind, call)?;
    let created = cluster.write(|state| write::create(state, &stored, &call.target.namespace, value, &how))?;
    Ok(Reply::json(StatusCode::CREATED, &one(kind, &created, &call.form)).warn(warnings))
}

fn update(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Reply> {
    let how = call.how()?;
    let (mut value, stored, warnings) = read_object(cluster, kind, call)?;
    let (given, wanted) = (object::name(&value), call.target.name.as_str());
    if given != wanted {
        let text = format!("the name of the object ({given}) does not match the name on the URL ({wanted})");
        return Err(Failure::bad_request(text));
    }
    write::place(kind, &call.target.namespace, &mut value)?;
    let updated = cluster.write(|state| write::update(state, &stored, &call.key(kind), value, &how))?;
    Ok(Reply::json(StatusCode::OK, &one(kind, &updated, &call.form)).warn(warnings))
}

fn patch(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Reply> {
    let how = call.how()?;
    let media = call.content_type.split(';').next().unwrap_or_default().trim();
    let strategic = media == "application/strategic-merge-patch+json";
    let known = strategic || matches!(media, "application/merge-patch+json" | "application/json-patch+json");
    if !known || (strategic && kind.custom.is_some()) {
        if kind.custom.is_some() {
            let text = "the body of the request was in an unknown format - accepted media types include: \
                application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            return Err(Failure::new(415, "UnsupportedMediaType", text));
        }
        let text = "415: Unsupported Media Type";
        return Err(Failure::new(415, "UnsupportedMediaType", text).with_details(json!({})));
    }
    let change: Value = serde_json::from_slice(call.body)
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    let (updated, warnings) = cluster.write(|state| {
        let mut value = (**found(state, kind, call)?).clone();
        convert::from_stored(kind, &mut value);
        match media {
            "application/merge-patch+json" => patch::merge(&mut value, &change),
            "application/json-patch+json" => patch::json(&mut value, &change)?,
            _ => patch::strategic(kind.shape.get(), &mut value, &change),
        }
        decode::identity(kind, &mut value)?;
        let warnings = unknown_fields(kind, &decode::normalise(kind, &mut value)?, call)?;
        convert::to_stored(kind, &mut value);
        let stored = if kind.custom.is_some() { None } else { state.kind_of(&kind.storage) };
        let stored = stored.unwrap_or_else(|| Arc::clone(kind));
        Ok((write::update(state, &stored, &call.key(kind), value, &how)?, warnings))
    })?;
    Ok(Reply::json(StatusCode::OK, &one(kind, &updated, &call.form)).warn(warnings))
}

/// The options of a deletion: the body's, then the query's.
fn deletion(call: &Call<'_>) -> Answer<Deletion> {
    let options: Value = if call.body.is_empty() {
        Value::Null
    } else if call.content_type.contains("protobuf") {
        protobuf::read_options(call.body)?
    } else {
        serde_json::from_slice(call.body)
            .map_err(|error| Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}")))?
    };
    let given = |name: &str| options["preconditions"][name].as_str().map(str::to_owned);
    let mut propagation = text(&options, &["propagationPolicy"]).to_owned();
    if propagation.is_empty() {
        call.query.get("propagationPolicy").clone_into(&mut propagation);
    }
    if options["orphanDependents"] == true || call.query.get("orphanDependents") == "true" {
        "Orphan".clone_into(&mut propagation);
    }
    let dry_run = object::list(&options, &["dryRun"]).iter().any(|one| one == "All") || call.dry_run()?;
    Ok(Deletion { propagation, uid: given("uid"), version: given("resourceVersion"), dry_run })
}

/// Kinds whose deletion answers with the object instead of a status.
const SHOWN_WHEN_DELETED: &[&str] = &[
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "resourcequotas",
    "serviceaccounts",
    "services",
];

fn delete(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Reply> {
    let wish = deletion(call)?;
    let deleted = cluster.write(|state| write::delete(state, kind, &call.key(kind), &wish))?;
    let value = match deleted {
        Deleted::Gone(value) if kind.group.is_empty() && SHOWN_WHEN_DELETED.contains(&kind.plural.as_str()) => value,
        Deleted::Gone(value) => {
            let mut details = json!({"name": object::name(&value)});
            let fields = object::ensure(&mut details);
            if !kind.group.is_empty() {
                fields.insert("group".to_owned(), json!(kind.group));
            }
            fields.insert("kind".to_owned(), json!(kind.plural));
            fields.insert("uid".to_owned(), json!(object::uid(&value)));
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": details});
            return Ok(Reply::json(StatusCode::OK, &status));
        }
        Deleted::Pending(value) => value,
    };
    Ok(Reply::json(StatusCode::OK, &one(kind, &value, &call.form)))
}

fn delete_collection(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Reply> {
    let wish = deletion(call)?;
    let (items, version) = cluster.write(|state| {
        let items = selected(state, kind, call)?;
        for value in &items {
            let key = Key::new(kind, object::namespace(value), object::name(value));
            write::delete(state, kind, &key, &wish)?;
        }
        Ok((items, state.version()))
    })?;
    let metadata = json!({"resourceVersion": version.to_string()});
    Ok(Reply::json(StatusCode::OK, &many(kind, &items, &metadata, &call.form)))
}
