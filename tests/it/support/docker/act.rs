//! What the double of the engine does at each call.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use http::request::Parts;
use serde_json::{Value, json};

use super::Shared;
use super::state::World;

/// An answer with the engine's form of an error.
pub fn refusal(status: u16, message: &str) -> Response {
    reply(status, &json!({"message": message}))
}

fn reply(status: u16, body: &Value) -> Response {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}

fn done() -> Response {
    Response::builder().status(204).body(Body::empty()).unwrap()
}

fn missing(what: &str) -> Response {
    refusal(404, &format!("No such {what}"))
}

/// Does what a call asks for.
pub fn act(shared: &Arc<Shared>, parts: &Parts, body: &Bytes) -> Response {
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let mut segments: Vec<&str> = path.split('/').collect();
    if segments[0] == "version" {
        let (newest, oldest) = shared.api.lock().unwrap().clone();
        return reply(200, &json!({"Version": "20.10.24", "ApiVersion": newest, "MinAPIVersion": oldest}));
    }
    // Every other call names the version that was settled.
    if !segments[0].starts_with("v1.") {
        return refusal(400, "the double wants a version in the path");
    }
    segments.remove(0);
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let query = |name: &str| query.get(name).cloned().unwrap_or_default();
    if segments.first() == Some(&"containers") && segments.last() == Some(&"logs") {
        return logs(shared, segments[1], query("follow") == "true", &query("tail"));
    }
    let mut world = shared.world.lock().unwrap();
    let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
    match (parts.method.as_str(), segments.as_slice()) {
        ("GET", ["networks", name]) => network(&world, name),
        ("POST", ["networks", "create"]) => {
            let wanted = json();
            let name = wanted["Name"].as_str().unwrap().to_owned();
            if world.networks.contains_key(&name) {
                return refusal(409, &format!("network with name {name} already exists"));
            }
            world.networks.insert(name.clone(), wanted["Labels"].clone());
            reply(201, &json!({"Id": name, "Warning": ""}))
        }
        ("POST", ["networks", name, "connect"]) => {
            let wanted = json();
            match world.find(wanted["Container"].as_str().unwrap()) {
                Some(one) => {
                    one.joined.push((*name).to_owned());
                    reply(200, &Value::Null)
                }
                None => missing("container"),
            }
        }
        ("DELETE", ["networks", name]) => world.networks.remove(*name).map_or_else(|| missing("network"), |_| done()),
        ("GET", ["volumes", name]) => match world.volumes.get(*name) {
            Some(volume) => reply(200, &volume_json(name, &volume.labels)),
            None => missing("volume"),
        },
        ("POST", ["volumes", "create"]) => {
            let wanted = json();
            let name = wanted["Name"].as_str().unwrap().to_owned();
            let volume = world.volumes.entry(name.clone()).or_default();
            if volume.labels.is_null() {
                volume.labels = wanted["Labels"].clone();
            }
            reply(201, &volume_json(&name, &volume.labels))
        }
        ("DELETE", ["volumes", name]) => world.volumes.remove(*name).map_or_else(|| missing("volume"), |_| done()),
        ("POST", ["images", "create"]) => pull(&mut world, parts, &query("fromImage"), &query("tag")),
        ("POST", ["images", "load"]) => load(&mut world, body),
        ("GET", ["images", reference @ .., "json"]) => match image_id(&world, &reference.join("/")) {
            Some(id) => reply(200, &json!({"Id": id})),
            None => missing("image"),
        },
        (method, ["containers", rest @ ..]) => containers(&mut world, method, rest, &query, body),
        (method, segments) => refusal(404, &format!("the double has no {method} {segments:?}")),
    }
}

fn network(world: &World, name: &str) -> Response {
    let on_it = world
        .containers
        .iter()
        .filter(|one| one.status == "running" && one.body["HostConfig"]["NetworkMode"].as_str() == Some(name));
    let containers: serde_json::Map<String, Value> =
        on_it.map(|one| (one.id.clone(), json!({"Name": one.name}))).collect();
    match world.networks.get(name) {
        Some(labels) => reply(200, &json!({"Name": name, "Id": name, "Labels": labels, "Containers": containers})),
        None => missing("network"),
    }
}

fn volume_json(name: &str, labels: &Value) -> Value {
    let labels = if labels.is_null() { json!({}) } else { labels.clone() };
    json!({"Name": name, "Driver": "local", "Mountpoint": "/double", "Labels": labels, "Options": {}, "Scope": "local"})
}

fn image_id(world: &World, reference: &str) -> Option<String> {
    let of_id = || world.images.values().find(|id| *id == reference);
    world.images.get(reference).or_else(of_id).cloned()
}

fn pull(world: &mut World, parts: &Parts, name: &str, tag: &str) -> Response {
    let reference = format!("{name}:{tag}");
    world.login = parts.headers.get("x-registry-auth").map(|value| value.to_str().unwrap().to_owned());
    match world.registry.get(&reference).cloned() {
        Some(id) => {
            world.images.insert(reference, id);
            let (first, last) =
                (json!({"status": format!("Pulling from {name}"), "id": tag}), json!({"status": "Extracting"}));
            Response::new(Body::from(format!("{first}\r\n{last}\r\n")))
        }
        None => refusal(404, &format!("pull access denied for {name}, repository does not exist")),
    }
}

/// The id is that of the configuration, as the engine has it.
fn load(world: &mut World, body: &[u8]) -> Response {
    let mut archive = tar::Archive::new(body);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().to_str() != Some("manifest.json") {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let digest = manifest[0]["Config"].as_str().unwrap().rsplit('/').next().unwrap().trim_end_matches(".json");
        for tag in manifest[0]["RepoTags"].as_array().unwrap() {
            world.images.insert(tag.as_str().unwrap().to_owned(), format!("sha256:{digest}"));
        }
        return reply(200, &json!({"stream": "Loaded image"}));
    }
    refusal(400, "the archive has no manifest.json")
}

fn containers(
    world: &mut World,
    method: &str,
    rest: &[&str],
    query: &dyn Fn(&str) -> String,
    body: &Bytes,
) -> Response {
    match (method, rest) {
        ("GET", ["json"]) => list(world, &query("filters"), query("all") == "true"),
        ("POST", ["create"]) => create(world, &query("name"), serde_json::from_slice(body).unwrap()),
        ("GET", [name, "json"]) => match world.find(name) {
            Some(one) => reply(200, &one.inspect()),
            None => missing("container"),
        },
        ("POST", [name, "start"]) if world.find(name).is_none() => missing("container"),
        ("POST", [name, "start"]) => world.start(name).map_or_else(|words| refusal(500, &words), |()| done()),
        ("POST", [name, "stop"]) => {
            if world.stop(name) {
                done()
            } else {
                missing("container")
            }
        }
        ("POST", [name, "unpause"]) if world.resume(name) => done(),
        ("POST", [name, "unpause"]) => refusal(500, &format!("Container {name} is not paused")),
        ("POST", [name, "rename"]) => match world.find(name) {
            Some(one) => {
                one.name = query("name");
                done()
            }
            None => missing("container"),
        },
        ("DELETE", [name]) => {
            if world.remove(name) {
                done()
            } else {
                missing("container")
            }
        }
        ("PUT", [name, "archive"]) => upload(world, name, &query("path"), body),
        ("GET", [name, "archive"]) => download(world, name, &query("path")),
        (method, rest) => refusal(404, &format!("the double has no {method} containers {rest:?}")),
    }
}

fn list(world: &World, filters: &str, all: bool) -> Response {
    let filters: Value = serde_json::from_str(filters).unwrap_or_default();
    let texts = |name: &str| -> Vec<String> {
        filters[name].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let (labels, ports) = (texts("label"), texts("publish"));
    let fits = |one: &&super::Container| {
        (all || one.status == "running")
            && labels.iter().all(|label| label.split_once('=').is_some_and(|(name, value)| one.label(name) == value))
            && ports.iter().all(|port| one.published().is_some_and(|published| published.to_string() == *port))
    };
    let found = world.containers.iter().filter(fits).map(|one| {
        let ports: Vec<Value> = one
            .published()
            .map(|port| json!({"IP": "127.0.0.1", "PrivatePort": one.port(), "PublicPort": port, "Type": "tcp"}))
            .into_iter()
            .collect();
        let network = one.body["HostConfig"]["NetworkMode"].as_str().unwrap_or("bridge");
        json!({
            "Id": one.id, "Names": [format!("/{}", one.name)], "Ports": ports, "Labels": one.body["Labels"],
            "NetworkSettings": {"Networks": {network: {}}},
        })
    });
    reply(200, &Value::Array(found.collect()))
}

fn create(world: &mut World, name: &str, body: Value) -> Response {
    let image = body["Image"].as_str().unwrap_or_default().to_owned();
    let Some(id) = image_id(world, &image) else { return missing(&format!("image: {image}")) };
    if world.find(name).is_some() {
        return refusal(409, &format!("Conflict. The container name \"/{name}\" is already in use"));
    }
    let network = body["HostConfig"]["NetworkMode"].as_str().unwrap_or_default().to_owned();
    if !world.networks.contains_key(&network) {
        return missing(&format!("network {network}"));
    }
    let id = world.create(name, body, id);
    reply(201, &json!({"Id": id, "Warnings": []}))
}

fn upload(world: &mut World, name: &str, folder: &str, body: &[u8]) -> Response {
    let Some(volume) = world.find(name).and_then(|one| one.volume()) else { return missing("container") };
    let below = folder.strip_prefix(mesheryctl::plane::container::HOME).unwrap().trim_start_matches('/');
    let files = &mut world.volumes.get_mut(&volume).unwrap().files;
    for entry in tar::Archive::new(body).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let path = if below.is_empty() { path } else { format!("{below}/{path}") };
        let (mode, owner) = (entry.header().mode().unwrap(), entry.header().uid().unwrap());
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(path, (content, mode, owner));
    }
    done()
}

fn download(world: &mut World, name: &str, path: &str) -> Response {
    let Some(volume) = world.find(name).and_then(|one| one.volume()) else { return missing("container") };
    let below = path.strip_prefix(mesheryctl::plane::container::HOME).unwrap().trim_start_matches('/');
    let parent = below.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut builder = tar::Builder::new(Vec::new());
    let mut count = 0;
    for (file, (content, mode, owner)) in &world.volumes[&volume].files {
        if !file.starts_with(below) {
            continue;
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        header.set_uid(*owner);
        header.set_gid(*owner);
        let inside = file.strip_prefix(parent).unwrap().trim_start_matches('/');
        builder.append_data(&mut header, inside, content.as_slice()).unwrap();
        count += 1;
    }
    if count == 0 {
        return refusal(404, "Could not find the file");
    }
    Response::new(Body::from(builder.into_inner().unwrap()))
}

/// One frame of the engine's log stream.
fn frame((time, line): &(String, String)) -> Bytes {
    let text = format!("{time} {line}\n");
    let mut bytes = vec![1, 0, 0, 0];
    bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.as_bytes());
    bytes.into()
}

fn logs(shared: &Arc<Shared>, name: &str, follow: bool, tail: &str) -> Response {
    let (lines, id) = {
        let mut world = shared.world.lock().unwrap();
        let Some(one) = world.find(name) else { return missing("container") };
        (one.log.clone(), one.id.clone())
    };
    let skip = tail.parse::<usize>().map_or(0, |tail| lines.len().saturating_sub(tail));
    let first: Vec<Bytes> = lines[skip..].iter().map(frame).collect();
    if !follow {
        return Response::new(Body::from(first.concat()));
    }
    let rest = stream::unfold((shared.clone(), id, lines.len()), |(shared, id, at)| async move {
        let line = next_line(&shared, &id, at).await?;
        Some((frame(&line), (shared, id, at + 1)))
    });
    let all = stream::iter(first).chain(rest).map(Ok::<_, std::io::Error>);
    Response::new(Body::from_stream(all))
}

/// The next line of a log; `None` when the container has ended.
async fn next_line(shared: &Shared, id: &str, at: usize) -> Option<(String, String)> {
    loop {
        {
            let mut world = shared.world.lock().unwrap();
            let one = world.find(id)?;
            match one.log.get(at) {
                Some(line) => return Some(line.clone()),
                None if one.status != "running" => return None,
                None => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
