//! A measurement in the query parameters of earlier eras.

use super::super::extract::Query;
use crate::base::{Code, Error, Result};
use crate::model::performance::duration;
use crate::model::performance::plan::{Header, Plan, Target};
use crate::wire::mesh;
use crate::wire::rest::performance::profile::{generator, object, pace, set_body};

/// Parameters, for the OpenAPI document.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("name", "name of the test"),
    ("url", "absolute URL; repeatable"),
    ("loadGenerator", "generator"),
    ("c", "connections"),
    ("qps", "requests a second; 0 for as many as may be"),
    ("t", "duration, as a number with its unit in `dur`, or as `1m30s`"),
    ("dur", "unit of `t`: `s`, `m` or `h`"),
    ("mesh", "mesh"),
    ("headers", "header fields as JSON of an object"),
    ("cookies", "cookies as JSON of an object"),
    ("contentType", "`Content-Type`"),
    ("reqBody", "body"),
    ("contexts", "Kubernetes context of what is measured"),
    ("cert", "`true` wants the profile's certificates of an authority, `false` leaves them out"),
    ("uuid", "read and not used"),
];

/// The plan of a query over one that is there.
///
/// # Errors
/// [`Code::RequestInvalid`] for the first value that cannot be read.
pub(super) fn plan(query: &Query, known: Plan) -> Result<Plan> {
    let mut plan = known;
    if let Some(name) = query.get(&["name"]) {
        name.clone_into(&mut plan.name);
    }
    let urls = query.all("url");
    if !urls.is_empty() {
        plan.targets = urls.into_iter().map(|url| Target { url, weight: 1 }).collect();
    }
    if let Some(name) = query.get(&["loadGenerator", "load_generator"]) {
        plan.generator = generator(name)?;
    }
    if let Some(connections) = query.number::<u32>(&["c"])? {
        plan.connections = connections.max(1);
    }
    if let Some(rate) = query.number::<f64>(&["qps"])? {
        pace(&mut plan, rate)?;
    }
    if let Some(mesh) = query.get(&["mesh"]) {
        plan.mesh = mesh::named(mesh);
    }
    length(query, &mut plan)?;
    request(query, &mut plan)?;
    certificates(query, &mut plan)?;
    Ok(plan)
}

fn length(query: &Query, plan: &mut Plan) -> Result<()> {
    let Some(number) = query.get(&["t"]) else { return Ok(()) };
    let unit = query.get(&["dur"]).map_or("s", |unit| unit.get(..1).unwrap_or("s"));
    let text =
        if number.bytes().all(|byte| byte.is_ascii_digit()) { format!("{number}{unit}") } else { number.to_owned() };
    let parsed = duration::parse(&text).map_err(|problem| {
        Error::new(Code::RequestInvalid, format!("`t` and `dur` are `{text}`, not a duration")).because(problem)
    })?;
    plan.duration = Some(parsed);
    Ok(())
}

/// A profile that has certificates uses them; what is asked for and not there is never left out in silence.
fn certificates(query: &Query, plan: &mut Plan) -> Result<()> {
    match query.get(&["cert"]) {
        None => Ok(()),
        Some("true") if plan.tls.ca.is_some() => Ok(()),
        Some("true") => {
            Err(Error::new(Code::RequestInvalid, "`cert` is `true`, and the measurement has no certificates to trust")
                .remedy("Save the profile with `metadata.ca_certificate`, or leave `cert` out."))
        }
        Some("false") => {
            plan.tls.ca = None;
            Ok(())
        }
        Some(other) => Err(Error::new(Code::RequestInvalid, format!("`cert` is `{other}`, not `true` or `false`"))),
    }
}

fn request(query: &Query, plan: &mut Plan) -> Result<()> {
    if let Some(headers) = object("headers", query.get(&["headers"]))? {
        plan.request.headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
    }
    if let Some(cookies) = object("cookies", query.get(&["cookies"]))? {
        plan.request.cookies = cookies;
    }
    if let Some(body) = query.get(&["reqBody"]) {
        set_body(plan, body.as_bytes().to_vec());
    }
    if let Some(media) = query.get(&["contentType"]) {
        plan.request.content_type = Some(media.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Load;
    use std::time::Duration;

    fn read(text: &str) -> Result<Plan> {
        plan(&Query::parse(text), Plan::default())
    }

    #[test]
    fn every_parameter_reaches_the_plan() {
        let plan = read(
            "name=shop&url=http%3A%2F%2Fa%2F%3Fx%3D1%2C2&url=http://b/&c=4&qps=50&t=2&dur=m&mesh=istio\
             &headers=%7B%22a%22%3A%22b%22%7D&cookies=%7B%22k%22%3A1%7D&reqBody=hi&contentType=text/plain&uuid=u",
        )
        .unwrap();
        assert_eq!(plan.targets[0].url, "http://a/?x=1,2", "a comma in a URL separates nothing");
        assert_eq!((plan.targets.len(), plan.connections, plan.duration), (2, 4, Some(Duration::from_mins(2))));
        assert_eq!((plan.load.rate(None), plan.mesh.as_deref()), (Some(50.0), Some("ISTIO")));
        assert_eq!((plan.request.cookies["k"].as_str(), plan.request.method.as_str()), ("1", "POST"));
    }

    #[test]
    fn nothing_is_guessed() {
        assert_eq!(read("qps=0").unwrap().load, Load::Closed);
        assert_eq!(read("t=1m30s").unwrap().duration, Some(Duration::from_secs(90)));
        for wrong in
            ["cert=true", "cert=1", "c=x", "qps=fast", "t=soon", "t=5&dur=y", "loadGenerator=ab", "headers=a%3Ab"]
        {
            assert_eq!(read(wrong).unwrap_err().code(), Code::RequestInvalid, "{wrong}");
        }
    }
}
