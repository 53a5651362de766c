//! Stored patterns.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use uuid::Uuid;

use super::extract::{Id, Query, Raw, refuse};
use super::failure::{Failure, Reply};
use super::page::{self, PAGE, PAGE_SIZE};
use super::route::{Payload, Route};
use crate::base::error::Place;
use crate::base::{Code, Error, Result, clock, text};
use crate::client::{archive, fetch};
use crate::model::pattern::PatternRecord;
use crate::oci::{Artifact, layout};
use crate::pattern::{export, parse};
use crate::server::providers::sync;
use crate::server::{Sender, Shared, deploy};
use crate::store::patterns::{Filter, NewPattern, OrderBy};
use crate::wire::rest::{AppliedSets, PatternPage, SavePatternRequest, paths};

/// Media types of a pattern that is sent as it is. Clients of 2021 send none at all.
pub(super) const YAML: &[&str] =
    &["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain", "application/octet-stream"];

/// Limits of a download on behalf of a client.
const FETCH_SIZE: u64 = 10 * 1024 * 1024;
const FETCH_TIME: Duration = Duration::from_secs(30);

pub(super) fn routes() -> Vec<Route> {
    let save = Payload { media: &["application/json", "application/yaml"], ..Payload::json::<SavePatternRequest>() };
    vec![
        Route::get::<PatternPage, _, _>(paths::PATTERNS, "listPatterns", "Stored patterns", list).query(&[
            PAGE,
            PAGE_SIZE,
            ("search", "part of the name, in any case"),
            ("order", "`name`, `created_at` or `updated_at`, a blank, `asc` or `desc`; default `updated_at desc`"),
        ]),
        Route::post::<Vec<PatternRecord>, _, _>(
            paths::PATTERNS,
            "savePattern",
            "Stores a pattern; the body is the request, or the pattern itself",
            save_one,
        )
        .reads(save),
        Route::get::<AppliedSets, _, _>(paths::PATTERN_APPLIED, "listApplied", "What is applied where", applied),
        Route::get::<String, _, _>(
            paths::PATTERN_DOWNLOAD,
            "downloadPattern",
            "The stored file as it was sent",
            download,
        )
        .query(&[(
            "export",
            "`original` (default), `k8s-manifest`, `helm` (a .tgz) or `oci` (an image layout as .tar) instead of the file",
        )])
        .replies(StatusCode::OK, Payload::text(&["application/yaml", "application/gzip", "application/x-tar"])),
        Route::get::<PatternRecord, _, _>(paths::PATTERN, "getPattern", "One pattern by id or name", get),
        Route::delete::<PatternRecord, _, _>(paths::PATTERN, "deletePattern", "Deletes a stored pattern", delete),
    ]
}

async fn list(State(state): State<Shared>, query: Query) -> Reply<PatternPage> {
    let page = page::asked(&query)?;
    let order = query.get(&["order"]).and_then(OrderBy::parse).unwrap_or(Filter::default().order);
    let filter = Filter { page, search: query.get(&["search"]).unwrap_or_default(), order };
    let (patterns, total) = state.store.patterns().list(&filter).await?;
    Ok(Json(PatternPage { page: page::info(page, patterns.len(), total), patterns }))
}

async fn get(State(state): State<Shared>, id: Id) -> Reply<PatternRecord> {
    Ok(Json(find(&state, &id.0).await?))
}

async fn download(State(state): State<Shared>, id: Id, query: Query) -> Result<Response, Failure> {
    let record = find(&state, &id.0).await?;
    let (media, end, bytes) = export(&record, query.get(&["export"]).unwrap_or("original"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CONTENT_DISPOSITION, attachment(&record.name, end)),
    ];
    Ok((headers, bytes).into_response())
}

/// Media type, end of the file name, and bytes of a stored pattern in a form.
fn export(record: &PatternRecord, form: &str) -> Result<(&'static str, &'static str, Vec<u8>)> {
    let options = export::objects::Options::default();
    let document = || parse::parse(&record.name, &record.pattern_file);
    Ok(match form {
        "original" | "pattern" | "current" => ("application/yaml", "yaml", record.pattern_file.clone().into_bytes()),
        "k8s-manifest" | "manifests" => {
            let text = export::manifests::text(&export::objects(&document()?, options)?.objects)?;
            ("application/yaml", "yaml", text.into_bytes())
        }
        "helm" | "helm-chart" => {
            let chart = export::chart::chart(&document()?, options)?;
            let files =
                chart.files.into_iter().map(|(path, text)| (format!("{}/{path}", chart.name), text.into_bytes()));
            ("application/gzip", "tgz", archive::pack(&files.collect::<Vec<_>>(), true)?)
        }
        "oci" => {
            let pattern = document()?.pattern;
            let artifact = Artifact::of_pattern(&pattern.name, pattern.version.as_deref(), &record.pattern_file)?;
            let files = layout::files(&artifact, pattern.version.as_deref().unwrap_or("latest"))?;
            ("application/x-tar", "tar", archive::pack(&files, false)?)
        }
        other => {
            return Err(Error::new(
                Code::RequestInvalid,
                format!("`export` is `{other}`, which is no form of a pattern"),
            )
            .remedy("Use one of original, k8s-manifest, helm, oci."));
        }
    })
}

/// A file name made of the pattern's name; characters that could mean something to a shell or path are replaced.
fn attachment(name: &str, end: &str) -> HeaderValue {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.chars().map(safe).collect();
    HeaderValue::from_str(&format!("attachment; filename=\"{name}.{end}\""))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

async fn delete(State(state): State<Shared>, sender: Sender, id: Id) -> Reply<PatternRecord> {
    let record = find(&state, &id.0).await?;
    let deleted = sync::delete_pattern(&state, &sender, record.id).await?;
    deleted.map(Json).ok_or_else(|| Failure(not_found(&id.0)))
}

async fn applied(State(state): State<Shared>) -> Reply<AppliedSets> {
    Ok(Json(deploy::applied(&state).await?))
}

async fn save_one(State(state): State<Shared>, sender: Sender, body: Raw) -> Reply<Vec<PatternRecord>> {
    let (new, save) = match read(&body)? {
        Wanted::Sent(new, save) => (new, save),
        Wanted::Fetched(url, save) => (fetch_pattern(&url).await?, save),
    };
    let record = if save { sync::save_pattern(&state, &sender, new).await? } else { unsaved(new) };
    Ok(Json(vec![record]))
}

/// What a request brings, and whether it is to be stored.
#[derive(Debug)]
enum Wanted {
    Sent(NewPattern, bool),
    Fetched(String, bool),
}

/// Fetches a pattern for a client; an address that came over the network never leads to a private host.
async fn fetch_pattern(url: &str) -> Result<NewPattern> {
    let limits = fetch::Limits { size: FETCH_SIZE, time: FETCH_TIME, ca_file: None, private: false };
    let text = fetch::download(url, limits).await?;
    let name = parse::parse(url, &text)?.pattern.name;
    let location = BTreeMap::from([("type".to_owned(), "http".to_owned()), ("path".to_owned(), url.to_owned())]);
    Ok(NewPattern { name, pattern_file: text, location, ..NewPattern::default() })
}

/// What a body wants. One that is a pattern is stored: nothing else can be meant.
fn read(body: &Raw) -> Result<Wanted> {
    let media = body.media.as_str();
    if body.is_json() || (media.is_empty() && looks_like_request(body)) {
        if looks_like_request(body) {
            return from_request(body.json()?);
        }
    } else if !media.is_empty() && !YAML.contains(&media) && media != "application/x-www-form-urlencoded" {
        return Err(refuse(media, "application/json and application/yaml"));
    }
    let text = body.text()?;
    let name = name_of(&text, None)?;
    Ok(Wanted::Sent(NewPattern { name, pattern_file: text, ..NewPattern::default() }, true))
}

/// Whether a body is a request rather than a pattern in JSON. Broken JSON counts as a request, so that the fault is
/// told in terms of the body.
fn looks_like_request(body: &Raw) -> bool {
    const KEYS: &[&str] = &["pattern_data", "patternData", "url", "save"];
    match serde_json::from_slice::<serde_json::Value>(&body.bytes) {
        Ok(serde_json::Value::Object(keys)) => KEYS.iter().any(|key| keys.contains_key(*key)) || keys.is_empty(),
        Ok(_) => true,
        Err(_) => body.is_json(),
    }
}

fn from_request(request: SavePatternRequest) -> Result<Wanted> {
    if let (Some(url), None) = (&request.url, &request.pattern_data) {
        return Ok(Wanted::Fetched(url.clone(), request.save));
    }
    let Some(data) = request.pattern_data else {
        return Err(Error::new(Code::RequestInvalid, "the request has no `pattern_data`"));
    };
    let name = name_of(&data.pattern_file, data.name.as_deref())?;
    let new = NewPattern { id: data.id, name, pattern_file: data.pattern_file, location: data.location, owner: None };
    Ok(Wanted::Sent(new, request.save))
}

/// The name a pattern is stored under: the given one, else the file's own. The file must be a pattern either way.
fn name_of(text: &str, given: Option<&str>) -> Result<String> {
    let given = given.map(str::trim).filter(|name| !name.is_empty());
    // `-` is a source without a name of its own, which a nameless pattern could be called after.
    let document = parse::parse(given.unwrap_or("-"), text).map_err(in_body)?;
    Ok(given.map_or(document.pattern.name, str::to_owned))
}

fn in_body(error: Error) -> Error {
    match error.place().cloned() {
        Some(place) if place.file == "-" => error.at(Place { file: "request body".to_owned(), ..place }),
        _ => error,
    }
}

pub(super) fn unsaved(new: NewPattern) -> PatternRecord {
    let now = clock::now();
    PatternRecord {
        id: new.id.unwrap_or_else(Uuid::now_v7),
        name: new.name,
        pattern_file: new.pattern_file,
        user_id: None,
        location: BTreeMap::default(),
        created_at: now,
        updated_at: now,
    }
}

async fn find(state: &Shared, id_or_name: &str) -> Result<PatternRecord> {
    if let Some(found) = state.store.patterns().find(id_or_name).await? {
        return Ok(found);
    }
    let names = state.store.patterns().names().await?;
    let near = text::did_you_mean(id_or_name, names.iter().map(String::as_str));
    Err(near.into_iter().fold(not_found(id_or_name), Error::detail))
}

fn not_found(id_or_name: &str) -> Error {
    Error::new(Code::PatternNotFound, format!("there is no pattern `{id_or_name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    fn raw(media: &str, text: &'static str) -> Raw {
        Raw { media: media.into(), bytes: Bytes::from_static(text.as_bytes()) }
    }

    #[test]
    fn every_form_of_a_body_gives_the_same_pattern() {
        const FILE: &str = "name: shop\\nservices:\\n  a:\\n    type: Namespace\\n";
        let snake: String = format!(r#"{{"pattern_data": {{"pattern_file": "{FILE}"}}, "save": true}}"#);
        let camel: String = format!(r#"{{"patternData": {{"patternFile": "{FILE}", "name": "shop"}}, "save": true}}"#);
        for (media, text) in [
            ("application/json", snake.leak() as &'static str),
            ("", camel.leak()),
            ("", "name: shop\nservices:\n  a:\n    type: Namespace\n"),
            ("application/yaml", "name: shop\nservices:\n  a:\n    type: Namespace\n"),
            ("application/json", r#"{"name": "shop", "services": {"a": {"type": "Namespace"}}}"#),
        ] {
            let Wanted::Sent(new, save) = read(&raw(media, text)).unwrap() else { panic!("{text} is fetched") };
            assert_eq!((new.name.as_str(), save), ("shop", true), "{media} {text}");
        }
    }

    #[test]
    fn bodies_that_are_no_pattern_are_refused_by_their_fault() {
        let code = |media, text| read(&raw(media, text)).unwrap_err().code();
        assert_eq!(code("image/png", "x"), Code::MediaType);
        assert_eq!(code("application/json", "{"), Code::RequestInvalid);
        assert_eq!(code("application/json", "{}"), Code::RequestInvalid);
        assert_eq!(code("application/yaml", "a: [1,"), Code::PatternSyntax);
        assert_eq!(code("application/yaml", "- 1"), Code::PatternGrammar);
    }

    #[tokio::test]
    async fn an_address_is_fetched_but_never_from_a_private_host() {
        let wanted = read(&raw("application/json", r#"{"url": "http://127.0.0.1:1/p.yaml", "save": true}"#)).unwrap();
        let Wanted::Fetched(url, true) = wanted else { panic!("{wanted:?}") };
        assert_eq!(fetch_pattern(&url).await.unwrap_err().code(), Code::UrlRefused);
    }

    #[test]
    fn names_make_harmless_file_names() {
        assert_eq!(
            attachment("a/../\"b\"\r\nc", "yaml").to_str().unwrap(),
            "attachment; filename=\"a-..--b---c.yaml\""
        );
    }
}
