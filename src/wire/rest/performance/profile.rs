//! Profiles in the words of clients of every era, and as plans.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::super::PageInfo;
use super::{lenient_id, metadata};
use crate::base::clock::Timestamp;
use crate::base::{Code, Error, Result};
use crate::model::performance::duration;
use crate::model::performance::plan::{Generator, Header, Load, Overload, Pacing, Plan, Target};
use crate::model::performance::profile::Profile;
use crate::wire::mesh;

/// `POST /api/user/performance/profiles`. `plan` says everything; without it the older keys do, and what they do not
/// speak of stays as the profile has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProfileBody {
    /// The profile to change; a new one without it.
    #[serde(with = "lenient_id", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub id: Option<Uuid>,
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Generators; the first one is used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load_generators: Vec<String>,
    /// Absolute URLs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    /// Mesh, by any of its names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_mesh: Option<String>,
    /// Connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_request: Option<u32>,
    /// Requests a second; 0 for as many as may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qps: Option<f64>,
    /// Duration, such as `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Header fields, as JSON text of an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<String>,
    /// Cookies, as JSON text of an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_cookies: Option<String>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    /// `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// A schedule that is to run this profile.
    #[serde(with = "lenient_id", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub schedule: Option<Uuid>,
    /// Keys of clients, kept as they come. Without `plan`, `additional_options` are those of the generator, and the
    /// certificates in `ca_certificate` those that are trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, Value>>,
    /// The whole plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What a run has to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<String>>,
}

impl ProfileBody {
    /// The plan that the body means, over one that is there.
    ///
    /// # Errors
    /// [`Code::RequestInvalid`] for the first value that cannot be read.
    pub fn plan(&self, known: &Plan) -> Result<Plan> {
        let mut plan = self.plan.clone().unwrap_or_else(|| known.clone());
        if self.plan.is_none() {
            self.older(&mut plan)?;
        }
        if !self.name.is_empty() {
            plan.name.clone_from(&self.name);
        }
        Ok(plan)
    }

    fn older(&self, plan: &mut Plan) -> Result<()> {
        if let Some(name) = self.load_generators.first() {
            plan.generator = generator(name)?;
        }
        if !self.endpoints.is_empty() && self.endpoints != urls(plan) {
            plan.targets = self.endpoints.iter().map(|url| Target { url: url.clone(), weight: 1 }).collect();
        }
        if let Some(mesh) = &self.service_mesh {
            plan.mesh = mesh::named(mesh);
        }
        if let Some(connections) = self.concurrent_request {
            plan.connections = connections.max(1);
        }
        if let Some(qps) = self.qps {
            pace(plan, qps)?;
        }
        if let Some(text) = self.duration.as_deref().filter(|text| !text.is_empty()) {
            plan.duration = Some(duration::parse(text).map_err(|problem| invalid("duration", text, &problem))?);
        }
        if let Some(metadata) = &self.metadata {
            metadata::apply(metadata, plan)?;
        }
        self.request(plan)
    }

    fn request(&self, plan: &mut Plan) -> Result<()> {
        if let Some(headers) = object("request_headers", self.request_headers.as_deref())? {
            plan.request.headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        }
        if let Some(cookies) = object("request_cookies", self.request_cookies.as_deref())? {
            plan.request.cookies = cookies;
        }
        if let Some(body) = &self.request_body {
            set_body(plan, body.clone().into_bytes());
        }
        if let Some(media) = &self.content_type {
            plan.request.content_type = (!media.is_empty()).then(|| media.clone());
        }
        Ok(())
    }
}

/// Gives the requests of a plan a body; one that was to be fetched is sent then, as clients of every era mean it.
pub fn set_body(plan: &mut Plan, body: Vec<u8>) {
    if !body.is_empty() && plan.request.method == "GET" {
        "POST".clone_into(&mut plan.request.method);
    }
    plan.request.body = body;
}

/// Sets the rate; 0 is as many requests as may be. A law that has this rate in the mean, or is told
/// as having it, is kept.
///
/// # Errors
/// [`Code::RequestInvalid`] for a rate below 0: whoever means that does not mean all that goes.
pub fn pace(plan: &mut Plan, rate: f64) -> Result<()> {
    if rate.is_nan() || rate < 0.0 {
        return Err(Error::new(Code::RequestInvalid, format!("`qps` is `{rate}`, which is no rate"))
            .remedy("Send requests a second, or 0 for as many as may be."));
    }
    let is_told = |mean: f64| [mean, told(mean)].iter().any(|known| (known - rate).abs() < 1e-9);
    let kept = plan.load.rate(plan.duration).is_some_and(is_told);
    if rate <= 0.0 {
        plan.load = Load::Closed;
    } else if !kept {
        let overload = match plan.load {
            Load::Open { overload, .. } => overload,
            Load::Closed => Overload::Queue,
        };
        plan.load = Load::Open { pacing: Pacing::Constant { rate }, overload };
    }
    Ok(())
}

/// A generator by its name; an empty one is the default.
///
/// # Errors
/// [`Code::RequestInvalid`] with the names there are: an unknown one is never taken for another.
pub fn generator(name: &str) -> Result<Generator> {
    if name.is_empty() {
        return Ok(Generator::default());
    }
    let known = Generator::ALL.into_iter().find(|generator| generator.name().eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let names: Vec<&str> = Generator::ALL.iter().map(|generator| generator.name()).collect();
        Error::new(Code::RequestInvalid, format!("there is no load generator `{name}`"))
            .remedy(format!("Use one of {}.", names.join(", ")))
    })
}

/// JSON text of an object of texts; none when it is absent or empty.
///
/// # Errors
/// [`Code::RequestInvalid`] when it is no such thing.
pub fn object(key: &str, text: Option<&str>) -> Result<Option<BTreeMap<String, String>>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty() && *text != "null") else { return Ok(None) };
    let values: BTreeMap<String, Value> =
        serde_json::from_str(text).map_err(|problem| invalid(key, text, &problem.to_string()))?;
    let plain = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(Some(values.into_iter().map(|(key, value)| (key, plain(value))).collect()))
}

fn invalid(key: &str, value: &str, problem: &str) -> Error {
    Error::new(Code::RequestInvalid, format!("`{key}` is `{value}`, which cannot be read")).because(problem)
}

fn urls(plan: &Plan) -> Vec<String> {
    plan.targets.iter().map(|target| target.url.clone()).collect()
}

/// A profile as replies have it: with the keys of both eras and the whole plan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProfileView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Generators.
    pub load_generators: Vec<String>,
    /// Addresses.
    pub endpoints: Vec<String>,
    /// Mesh.
    pub service_mesh: String,
    /// Connections.
    pub concurrent_request: u32,
    /// Requests a second, rounded; 0 for as many as may be.
    pub qps: u64,
    /// Duration.
    pub duration: String,
    /// Number of results.
    pub total_results: u64,
    /// Header fields as JSON text.
    pub request_headers: String,
    /// Cookies as JSON text.
    pub request_cookies: String,
    /// Body as text.
    pub request_body: String,
    /// `Content-Type`.
    pub content_type: String,
    /// Its schedule.
    pub schedule: Option<Uuid>,
    /// Its schedule, under the key that commands read.
    pub schedule_id: Option<Uuid>,
    /// When it ran last.
    pub last_run: Option<Timestamp>,
    /// Keys of clients.
    pub metadata: BTreeMap<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// The whole plan.
    pub plan: Plan,
    /// What a run has to hold.
    pub thresholds: Vec<String>,
    /// The keys of 2026.
    #[serde(flatten)]
    camel: Camel,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Camel {
    load_generators: Vec<String>,
    service_mesh: String,
    concurrent_request: u32,
    total_results: u64,
    request_headers: String,
    request_cookies: String,
    request_body: String,
    content_type: String,
    last_run: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        let plan = &profile.plan;
        let headers: BTreeMap<&str, &str> =
            plan.request.headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
        let json = |text: serde_json::Result<String>, empty: bool| {
            if empty { String::new() } else { text.unwrap_or_default() }
        };
        let camel = Camel {
            load_generators: vec![plan.generator.name().to_owned()],
            service_mesh: plan.mesh.clone().unwrap_or_default(),
            concurrent_request: plan.connections,
            total_results: profile.total_results,
            request_headers: json(serde_json::to_string(&headers), headers.is_empty()),
            request_cookies: json(serde_json::to_string(&plan.request.cookies), plan.request.cookies.is_empty()),
            request_body: String::from_utf8_lossy(&plan.request.body).into_owned(),
            content_type: plan.request.content_type.clone().unwrap_or_default(),
            last_run: profile.last_run,
            created_at: profile.created_at,
            updated_at: profile.updated_at,
        };
        Self {
            id: profile.id,
            load_generators: camel.load_generators.clone(),
            endpoints: urls(plan),
            service_mesh: camel.service_mesh.clone(),
            concurrent_request: camel.concurrent_request,
            qps: whole(plan.load.rate(plan.duration).unwrap_or(0.0)),
            duration: plan.duration.map(duration::format).unwrap_or_default(),
            total_results: camel.total_results,
            request_headers: camel.request_headers.clone(),
            request_cookies: camel.request_cookies.clone(),
            request_body: camel.request_body.clone(),
            content_type: camel.content_type.clone(),
            schedule: profile.schedule_id,
            schedule_id: profile.schedule_id,
            last_run: camel.last_run,
            created_at: camel.created_at,
            updated_at: camel.updated_at,
            name: profile.name,
            metadata: profile.metadata,
            thresholds: profile.thresholds,
            plan: profile.plan,
            camel,
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive and far below 2^52")]
fn whole(rate: f64) -> u64 {
    told(rate) as u64
}

/// A rate in whole requests a second, as clients of earlier eras are told it. It is at least 1, since 0 stands for as many
/// as may be.
fn told(rate: f64) -> f64 {
    if rate > 0.0 { rate.round().max(1.0) } else { 0.0 }
}

/// One page of profiles.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProfilePage {
    /// Which page.
    #[serde(flatten)]
    pub page: PageInfo,
    /// The rows.
    pub profiles: Vec<ProfileView>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_words_of_2021_become_a_plan_and_leave_alone_what_they_do_not_speak_of() {
        let known = Plan {
            tls: crate::model::performance::plan::Tls { insecure: true, ..Default::default() },
            ..Plan::default()
        };
        let body: ProfileBody = super::super::read(json!({
            "name": "shop", "load_generators": ["fortio"], "endpoints": ["http://a/"], "service_mesh": "istio",
            "concurrent_request": 8, "qps": 100, "duration": "1m30s", "request_headers": "{\"a\": \"b\"}",
            "request_cookies": "", "request_body": "x", "content_type": "text/plain"
        }))
        .unwrap();
        let plan = body.plan(&known).unwrap();
        assert_eq!((plan.generator, plan.connections, plan.mesh.as_deref()), (Generator::Fortio, 8, Some("ISTIO")));
        assert_eq!(plan.load.rate(None), Some(100.0));
        assert_eq!(plan.duration, Some(std::time::Duration::from_secs(90)));
        assert_eq!((plan.request.method.as_str(), plan.request.headers[0].name.as_str()), ("POST", "a"));
        assert!(plan.tls.insecure);
    }

    #[test]
    fn a_reply_that_comes_back_changed_in_an_older_key_is_that_change() {
        let plan = Plan {
            targets: vec![Target { url: "http://a/".into(), weight: 3 }],
            load: Load::Open { pacing: Pacing::Poisson { rate: 50.0 }, overload: Overload::Drop },
            ..Plan::default()
        };
        let body = ProfileBody {
            endpoints: vec!["http://a/".into()],
            qps: Some(50.0),
            concurrent_request: Some(4),
            ..ProfileBody::default()
        };
        let changed = body.plan(&plan).unwrap();
        assert_eq!(changed, Plan { connections: 4, ..plan.clone() });
        let closed = ProfileBody { qps: Some(0.0), ..ProfileBody::default() }.plan(&plan).unwrap();
        assert_eq!(closed.load, Load::Closed);
    }

    #[test]
    fn a_rate_that_was_told_in_whole_numbers_is_kept_and_another_is_not() {
        let rated = |rate: f64, qps: f64| {
            let plan = Plan {
                load: Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue },
                ..Plan::default()
            };
            let body = ProfileBody { qps: Some(qps), ..ProfileBody::default() };
            body.plan(&plan).unwrap().load.rate(None)
        };
        assert_eq!([whole(0.2), whole(0.0), whole(2.5)], [1, 0, 3]);
        for (known, sent, wanted) in
            [(0.2, 1.0, 0.2), (0.2, 0.6, 0.6), (2.5, 3.0, 2.5), (2.5, 2.4, 2.4), (2.5, 2.5, 2.5), (2.0, 2.3, 2.3)]
        {
            assert_eq!(rated(known, sent), Some(wanted), "{known} {sent}");
        }
    }

    #[test]
    fn unknown_generators_units_and_objects_are_refused() {
        for body in [
            ProfileBody { load_generators: vec!["ab".into()], ..ProfileBody::default() },
            ProfileBody { duration: Some("30".into()), ..ProfileBody::default() },
            ProfileBody { qps: Some(-5.0), ..ProfileBody::default() },
            ProfileBody { request_headers: Some("a: b".into()), ..ProfileBody::default() },
        ] {
            assert_eq!(body.plan(&Plan::default()).unwrap_err().code(), Code::RequestInvalid);
        }
    }
}
