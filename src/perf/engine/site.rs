//! Where requests go and what they are, made ready once before the first is sent.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use url::{Host, Url};

use super::exchange::{self, Message};
use super::tls;
use crate::base::error::{Code, Error, Result};
use crate::base::http::guarded;
use crate::model::performance::plan::{Plan, Protocol, Reuse, Target};
use crate::perf::redact;

/// Places that redirects must not lead to, as far as they are remembered. Beyond that none is looked up any more.
const REFUSED: usize = 1_000;

/// Whether TLS is spoken, host and port.
pub type Key = (bool, String, u16);

/// One host and port: connections to it serve all of its targets.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Tells origins apart.
    pub key: Key,
    /// Its addresses; none where its name has none.
    pub addresses: Vec<SocketAddr>,
    /// The name that TLS asks for and checks; none without TLS.
    pub secure: Option<ServerName<'static>>,
}

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Number of its origin.
    pub origin: usize,
    /// Its URL, which redirects are relative to.
    pub url: Url,
    /// Its method.
    pub method: String,
    /// Its bytes on the wire: the whole message of HTTP/1.1, the header block of HTTP/2, nothing for TCP and UDP.
    pub head: Vec<u8>,
    /// The header block of HTTP/2 where it follows the same request on the same connection.
    pub again: Vec<u8>,
    /// The body, where it is not part of the message.
    pub body: Arc<[u8]>,
}

/// Everything that requests can be drawn from.
#[derive(Debug, Clone)]
pub struct Site {
    /// Hosts and ports.
    pub origins: Vec<Origin>,
    /// Requests.
    pub targets: Vec<Prepared>,
    /// Ends of the targets' shares: a number below the last one falls into the share of the first that lies above it.
    shares: Vec<u64>,
    seed: u64,
    /// How many of the origins the plan names; the others were found by redirects.
    named: usize,
    /// Where redirects must not lead, from which origin: a name is not looked up again for each response.
    refused: HashSet<(usize, Key)>,
    /// The plan as hosts may know it that only redirects lead to; made when the first one does.
    for_strangers: Option<Arc<Plan>>,
    /// TLS of all origins.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Site {
    /// Resolves names and writes requests.
    ///
    /// # Errors
    /// The plan's TLS cannot be used. A name without address is no error: its requests will fail.
    pub fn new(plan: &Plan) -> Result<Self> {
        let mut site = Self {
            origins: Vec::new(),
            targets: Vec::new(),
            shares: Vec::new(),
            seed: plan.seed,
            named: usize::MAX,
            refused: HashSet::new(),
            for_strangers: None,
            tls: None,
        };
        let mut end = 0;
        for Target { url, weight } in plan.targets.iter().filter(|target| target.weight > 0) {
            let url = Url::parse(url).map_err(|problem| Error::new(Code::PerfPlan, format!("`{url}`: {problem}")))?;
            site.add(plan, url, &plan.request.method, plan.request.body.as_slice())?;
            end += u64::from(*weight);
            site.shares.push(end);
        }
        site.named = site.origins.len();
        Ok(site)
    }

    /// Adds the request of a redirect that the target `from` answered with. An origin that the plan does not name gets
    /// nothing that authorises, and is not asked at all where a redirect must not lead: to a link-local address, or from a
    /// public one into a private network.
    ///
    /// # Errors
    /// The redirect leads nowhere.
    pub fn follow(&mut self, plan: &Plan, from: u32, url: Url, (method, body): (&str, &[u8])) -> Result<u32> {
        let place = (self.targets[from as usize].origin, key(&url));
        let plan_for_strangers = Arc::clone(self.for_strangers.get_or_insert_with(|| Arc::new(for_strangers(plan))));
        match self.known(&place.1) {
            Some(origin) if origin < self.named => return self.add(plan, url, method, body),
            Some(_) => return self.add(&plan_for_strangers, url, method, body),
            None => {}
        }
        if self.refused.contains(&place) || self.refused.len() >= REFUSED {
            return Err(guarded::refused(url.as_str(), "it was refused before".to_owned()));
        }
        let added = self.add_stranger(&plan_for_strangers, place.0, url, (method, body));
        if added.is_err() {
            self.refused.insert(place);
        }
        added
    }

    /// Adds the request of a redirect to an origin that is not known yet.
    fn add_stranger(&mut self, plan: &Plan, from: usize, url: Url, (method, body): (&str, &[u8])) -> Result<u32> {
        let target = self.add(plan, url, method, body)?;
        let origin = self.targets[target as usize].origin;
        let Some(reason) = objection(&self.origins[from], &self.origins[origin]) else { return Ok(target) };
        // it was added last
        self.origins.pop();
        let url = self.targets.pop().map(|target| target.url.to_string()).unwrap_or_default();
        Err(guarded::refused(&url, reason.to_owned()))
    }

    /// Adds a request, and its origin where that is new; returns the request's number.
    ///
    /// # Errors
    /// The plan's TLS cannot be used.
    fn add(&mut self, plan: &Plan, url: Url, method: &str, body: &[u8]) -> Result<u32> {
        let origin = self.origin(plan, &url)?;
        let Message { head, again, body } = exchange::prepare(plan, &url, method, body);
        self.targets.push(Prepared { origin, url, method: method.to_owned(), head, again, body });
        Ok(u32::try_from(self.targets.len() - 1).unwrap_or(u32::MAX))
    }

    fn origin(&mut self, plan: &Plan, url: &Url) -> Result<usize> {
        let key = key(url);
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let (is_secure, _, port) = key;
        if is_secure && self.tls.is_none() {
            self.tls = Some(tls::configuration(&plan.tls, plan.protocol)?);
        }
        let secure = if is_secure { Some(server_name(plan, url)?) } else { None };
        self.origins.push(Origin { addresses: addresses(url, port), key, secure });
        Ok(self.origins.len() - 1)
    }

    fn known(&self, key: &Key) -> Option<usize> {
        self.origins.iter().position(|origin| origin.key == *key)
    }

    /// The target of the request `number` of the run, drawn by the weights: the same one for the same seed.
    pub fn draw(&self, number: u64) -> u32 {
        if self.shares.len() == 1 {
            return 0;
        }
        let whole = self.shares.last().copied().unwrap_or(1);
        let drawn = mix(self.seed ^ mix(number)) % whole;
        u32::try_from(self.shares.partition_point(|end| *end <= drawn)).unwrap_or(0)
    }

    /// The weight of an origin: the sum of its targets' weights.
    pub fn weight(&self, origin: usize) -> u64 {
        let mut before = 0;
        let mut sum = 0;
        for (target, end) in self.targets.iter().zip(&self.shares) {
            if target.origin == origin {
                sum += end - before;
            }
            before = *end;
        }
        sum
    }
}

fn key(url: &Url) -> Key {
    let is_secure = matches!(url.scheme(), "https" | "grpcs" | "tls");
    (is_secure, url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or_default())
}

/// A plan as a host may know it to which only a redirect leads: without what authorises, and without what is said of the
/// plan's own host.
fn for_strangers(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.request
        .headers
        .retain(|header| !redact::authorises(&header.name) && !header.name.eq_ignore_ascii_case("host"));
    plan.request.cookies.clear();
    // each request brings its own
    plan.request.body = Vec::new();
    plan.tls.server_name = None;
    plan
}

/// Why a redirect from one origin does not lead to the other. Who measures inside a private network is led about in it.
fn objection(from: &Origin, to: &Origin) -> Option<&'static str> {
    let private = from.addresses.iter().any(|address| guarded::objection(address.ip(), false).is_some());
    to.addresses.iter().find_map(|address| guarded::objection(address.ip(), private))
}

/// SplitMix64's finisher: numbers that lie side by side come out without a pattern.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn addresses(url: &Url, port: u16) -> Vec<SocketAddr> {
    let resolved = match url.host() {
        Some(Host::Ipv4(address)) => return vec![(IpAddr::V4(address), port).into()],
        Some(Host::Ipv6(address)) => return vec![(IpAddr::V6(address), port).into()],
        // schemes that the URL standard does not know keep addresses as names
        Some(Host::Domain(name)) => (name, port).to_socket_addrs(),
        None => return Vec::new(),
    };
    resolved.map(Iterator::collect).unwrap_or_default()
}

fn server_name(plan: &Plan, url: &Url) -> Result<ServerName<'static>> {
    let host = url.host_str().unwrap_or_default();
    let name = plan.tls.server_name.clone().unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned());
    ServerName::try_from(name.clone())
        .map_err(|problem| Error::new(Code::PerfPlan, format!("TLS cannot ask for the name `{name}`")).because(problem))
}

/// Header fields of a plan's requests in order, `Host` apart. Names are as the plan writes them.
pub struct Fields {
    /// `Host`, or `:authority`.
    pub authority: String,
    /// All others.
    pub others: Vec<(String, String)>,
}

/// The fields of a request: the plan's own come first and replace those that would be added.
pub fn fields(plan: &Plan, url: &Url, has_body: bool) -> Fields {
    let mut authority = authority(url);
    let mut others = Vec::new();
    for header in &plan.request.headers {
        if header.name.eq_ignore_ascii_case("host") {
            authority.clone_from(&header.value);
        } else {
            others.push((header.name.clone(), header.value.clone()));
        }
    }
    let mut add = |name: &str, value: String| {
        if !others.iter().any(|(known, _): &(String, String)| known.eq_ignore_ascii_case(name)) {
            others.push((name.to_owned(), value));
        }
    };
    add("User-Agent", concat!("mesheryctl/", env!("CARGO_PKG_VERSION")).to_owned());
    if !plan.request.cookies.is_empty() {
        let pairs: Vec<String> = plan.request.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        add("Cookie", pairs.join("; "));
    }
    if let (Some(kind), true) = (&plan.request.content_type, has_body) {
        add("Content-Type", kind.clone());
    }
    if !url.username().is_empty() || url.password().is_some() {
        let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
        add("Authorization", format!("Basic {}", STANDARD.encode(pair)));
    }
    if plan.protocol == Protocol::Http1 && plan.reuse == Reuse::PerRequest {
        add("Connection", "close".to_owned());
    }
    Fields { authority, others }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// User and password stand percent-encoded in URLs.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Header;

    fn plan(targets: &[(&str, u32)]) -> Plan {
        let targets = targets.iter().map(|(url, weight)| Target { url: (*url).into(), weight: *weight }).collect();
        Plan { targets, ..Plan::default() }
    }

    #[test]
    fn targets_of_one_host_share_an_origin() {
        let site = Site::new(&plan(&[("http://127.0.0.1/a", 1), ("http://127.0.0.1:80/b", 2), ("http://[::1]/", 5)]));
        let site = site.unwrap();
        assert_eq!(site.origins.len(), 2);
        assert_eq!(site.origins[0].addresses, ["127.0.0.1:80".parse().unwrap()]);
        assert_eq!((site.weight(0), site.weight(1)), (3, 5));
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn targets_are_drawn_by_their_weights() {
        let site = Site::new(&plan(&[("http://127.0.0.1/a", 1), ("http://127.0.0.1/b", 0), ("http://127.0.0.1/c", 3)]));
        let site = site.unwrap();
        let drawn: Vec<u32> = (0..40_000).map(|number| site.draw(number)).collect();
        let first = drawn.iter().filter(|target| **target == 0).count() as f64 / 40_000.0;
        assert!((first - 0.25).abs() < 0.01, "{first}");
        assert_eq!(drawn.iter().max(), Some(&1));
    }

    #[test]
    fn secrets_stay_with_the_hosts_that_the_plan_names() {
        let header = |name: &str| Header { name: name.into(), value: "hunter2".into() };
        let mut plan = plan(&[("http://127.0.0.1:1/", 1), ("http://127.0.0.1:2/", 1)]);
        let names = ["Authorization", "Proxy-Authorization", "Host", "X-Api-Key"];
        plan.request.headers = names.iter().map(|name| header(name)).collect();
        plan.request.headers.push(Header { name: "X-Trace".into(), value: "on".into() });
        plan.request.cookies.insert("session".into(), "hunter2".into());
        let mut site = Site::new(&plan).unwrap();
        let mut sent = |url: &str| {
            let target = site.follow(&plan, 0, Url::parse(url).unwrap(), ("GET", &[])).unwrap();
            String::from_utf8(site.targets[target as usize].head.clone()).unwrap()
        };
        for own in ["http://127.0.0.1:1/next", "http://127.0.0.1:2/"] {
            assert_eq!(sent(own).matches("hunter2").count(), 5, "{own}");
        }
        for (other, path) in [("127.0.0.1:3", ""), ("127.0.0.1:3", "again"), ("localhost:1", "")] {
            let text = sent(&format!("http://{other}/{path}"));
            assert!(!text.contains("hunter2") && text.contains("X-Trace: on"), "{text}");
            assert!(text.contains(&format!("Host: {other}\r\n")), "{text}");
        }
    }

    #[test]
    fn redirects_lead_neither_to_metadata_services_nor_from_outside_into_private_networks() {
        let plan = plan(&[("http://10.0.0.1/", 1), ("http://93.184.216.34/", 1)]);
        let mut site = Site::new(&plan).unwrap();
        let mut leads = |from, url: &str| site.follow(&plan, from, Url::parse(url).unwrap(), ("GET", &[])).is_ok();
        for from in [0, 1] {
            assert!(!leads(from, "http://169.254.169.254/latest/meta-data/"));
            assert!(!leads(from, "http://[fe80::1]/"));
            assert!(leads(from, "http://93.184.216.35/"), "a public address");
        }
        assert!(!leads(1, "http://10.0.0.2/"));
        assert!(leads(0, "http://10.0.0.2/"));
        assert_eq!((site.origins.len(), site.targets.len()), (4, 5));
    }

    #[test]
    fn where_a_redirect_must_not_lead_is_looked_up_once_and_is_forgotten_by_nobody() {
        let mut plan = plan(&[("http://10.0.0.1/", 1)]);
        plan.request.body = vec![b'x'; 1_000];
        let mut site = Site::new(&plan).unwrap();
        let mut refuses = |host: usize, path: &str| {
            let url = format!("http://169.254.{}.{}/{path}", host / 256, host % 256);
            let error = site.follow(&plan, 0, Url::parse(&url).unwrap(), ("GET", &[])).unwrap_err();
            (site.refused.len(), error.report().probable_cause.unwrap())
        };
        let (kept, first) = refuses(0, "");
        let (still, again) = refuses(0, "other");
        assert!(kept == 1 && still == 1 && first != again && again.contains("before"), "{first}; {again}");
        for host in 0..2 * REFUSED {
            refuses(host, "");
        }
        assert_eq!(site.refused.len(), REFUSED);
        assert!(
            site.follow(&plan, 0, Url::parse("http://10.0.0.2/").unwrap(), ("GET", &[])).is_err(),
            "no further ones"
        );
        assert!(
            site.follow(&plan, 0, Url::parse("http://10.0.0.1/a").unwrap(), ("GET", &[])).is_ok(),
            "but known ones"
        );
        assert!(site.for_strangers.unwrap().request.body.is_empty(), "bodies are not copied");
    }

    #[test]
    fn users_in_urls_become_a_header() {
        let url = Url::parse("http://us%40er:pw@h/").unwrap();
        let fields = fields(&plan(&[]), &url, false);
        let expected = ("Authorization".to_owned(), format!("Basic {}", STANDARD.encode("us@er:pw")));
        assert!(fields.others.contains(&expected));
        assert_eq!(fields.authority, "h");
    }
}
