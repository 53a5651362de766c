//! One client of a test file, and the plan it becomes.

use url::Url;

use super::INTERNAL;
use super::fields::{File, snake_case};
use crate::base::error::Result;
use crate::base::text;
use crate::base::yaml::{Located, Spot};
use crate::model::performance::plan::{
    Generator, Header, Load, Overload, Pacing, Plan, Protocol, Request, Target, Tls,
};
use crate::wire::smp::performance_test_config::client::Protocol as Wire;

const KEYS: [&str; 12] = [
    "internal",
    "load_generator",
    "protocol",
    "connections",
    "rps",
    "headers",
    "cookies",
    "body",
    "content_type",
    "endpoint_urls",
    "ssl_certificate",
    "additional_options",
];

/// A client as it is written.
pub struct Client {
    spot: Spot,
    internal: bool,
    generator: Generator,
    protocol: Option<Wire>,
    connections: u32,
    rate: Option<f64>,
    request: Request,
    urls: Vec<(String, Spot)>,
    certificate: Option<String>,
    options: Option<String>,
    given: Vec<&'static str>,
}

/// Reads a client.
pub fn read(file: &mut File<'_>, value: &Located) -> Result<Client> {
    let mut client = Client {
        spot: value.spot,
        internal: false,
        generator: Generator::Native,
        protocol: None,
        connections: 1,
        rate: None,
        request: Request::default(),
        urls: Vec::new(),
        certificate: None,
        options: None,
        given: Vec::new(),
    };
    for (key, value) in file.entries(value, "clients")? {
        client.entry(file, key, value)?;
    }
    Ok(client)
}

impl Client {
    /// The keys that say something.
    pub fn given(&self) -> &[&'static str] {
        &self.given
    }

    fn entry(&mut self, file: &mut File<'_>, key: &str, value: &Located) -> Result<()> {
        let snake = snake_case(key);
        self.given.extend(KEYS.iter().find(|known| **known == snake && File::says(value)));
        match snake.as_str() {
            "internal" => self.internal = file.flag(value, key)?,
            "load_generator" => self.generator = generator(file, value)?,
            "protocol" => self.protocol = protocol(file, value)?,
            "connections" => self.connections = connections(file, value)?,
            "rps" => self.rate = rate(file, value)?,
            "endpoint_urls" => {
                for item in file.items(value, key)? {
                    self.urls.extend(file.word(item, key)?.map(|url| (url, item.spot)));
                }
            }
            "ssl_certificate" => self.certificate = file.word(value, key)?,
            "additional_options" => self.options = file.word(value, key)?,
            other => return self.request_entry(file, (key, other), value),
        }
        Ok(())
    }

    fn request_entry(&mut self, file: &mut File<'_>, (key, snake): (&str, &str), value: &Located) -> Result<()> {
        match snake {
            "headers" => {
                let pairs = file.pairs(value, key)?.into_iter();
                self.request.headers = pairs.map(|(name, value)| Header { name, value }).collect();
            }
            "cookies" => self.request.cookies = file.pairs(value, key)?.into_iter().collect(),
            "body" => self.request.body = file.text(value, key)?.unwrap_or_default().into_bytes(),
            "content_type" => self.request.content_type = file.word(value, key)?,
            _ => file.unknown(key, value.spot, &KEYS)?,
        }
        Ok(())
    }

    /// The plan, without what stands in the test around the client.
    pub fn plan(self, file: &mut File<'_>) -> Result<Plan> {
        let (protocol, targets) = self.targets(file)?;
        let mut request = self.request;
        // The specification has no method; the generators that its files were written for post what has a body.
        if !request.body.is_empty() {
            "POST".clone_into(&mut request.method);
        }
        let mut plan = Plan {
            generator: self.generator,
            generator_options: self.options,
            protocol,
            targets,
            request,
            load: load(self.rate),
            connections: self.connections,
            tls: Tls { ca: self.certificate, ..Tls::default() },
            ..Plan::default()
        };
        if self.internal {
            plan.labels.insert(INTERNAL.to_owned(), "true".to_owned());
        }
        Ok(plan)
    }

    fn targets(&self, file: &File<'_>) -> Result<(Protocol, Vec<Target>)> {
        let mut found = Vec::new();
        for (text, spot) in &self.urls {
            found.push(target(file, self.protocol, text, *spot)?);
        }
        let Some((protocol, _)) = found.first() else {
            return Err(file.fault(self.spot, "the client has no `endpoint_urls`, so that there is nowhere to send"));
        };
        let protocol = *protocol;
        if let Some(at) = found.iter().position(|(other, _)| *other != protocol) {
            let (text, spot) = &self.urls[at];
            let message = format!("`{text}` wants another protocol than the client's first endpoint");
            return Err(file.fault(*spot, message).remedy("Give each protocol a client of its own."));
        }
        Ok((protocol, found.into_iter().map(|(_, target)| target).collect()))
    }
}

fn load(rate: Option<f64>) -> Load {
    match rate {
        Some(rate) => Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue },
        None => Load::Closed,
    }
}

fn generator(file: &File<'_>, value: &Located) -> Result<Generator> {
    let Some(word) = file.word(value, "load_generator")? else { return Ok(Generator::Native) };
    let lower = word.to_lowercase();
    let names = Generator::ALL.map(Generator::name);
    let found = Generator::ALL.into_iter().find(|generator| generator.name() == lower);
    found.ok_or_else(|| {
        let error = file
            .fault(value.spot, format!("`{word}` is no load generator"))
            .detail(format!("known are {}", names.join(", ")));
        match text::did_you_mean(&lower, names) {
            Some(near) => error.detail(near),
            None => error,
        }
    })
}

/// By number, by the specification's name, or by the last word of that.
fn protocol(file: &mut File<'_>, value: &Located) -> Result<Option<Wire>> {
    let Some(word) = file.word(value, "protocol")? else { return Ok(None) };
    let upper = word.to_uppercase();
    let found = match word.parse::<i32>() {
        Ok(number) => Wire::try_from(number).ok(),
        Err(_) => Wire::from_str_name(&upper).or_else(|| Wire::from_str_name(&format!("PROTOCOL_{upper}"))),
    };
    match found {
        Some(Wire::Invalid) => {
            file.warn(value.spot, &format!("the protocol `{word}` stands for none: the scheme of the URLs decides"));
            Ok(None)
        }
        Some(protocol) => Ok(Some(protocol)),
        None => Err(file
            .fault(value.spot, format!("`{word}` is no protocol of the specification"))
            .remedy("Write 1 or HTTP, 2 or TCP, 3 or UDP, 4 or GRPC.")),
    }
}

fn connections(file: &File<'_>, value: &Located) -> Result<u32> {
    let Some(number) = file.number(value, "connections")? else { return Ok(1) };
    if number.fract() != 0.0 || number > f64::from(i32::MAX) {
        return Err(file.fault(value.spot, format!("`connections` has to be a whole number, not {number}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number is whole and in range")]
    if number >= 1.0 {
        Ok(number as u32)
    } else {
        Err(file.fault(value.spot, format!("`connections` has to be at least one, not {number}")))
    }
}

/// 0 is the specification's way to ask for as much as can be.
fn rate(file: &File<'_>, value: &Located) -> Result<Option<f64>> {
    let Some(number) = file.number(value, "rps")? else { return Ok(None) };
    if number < 0.0 {
        return Err(file.fault(value.spot, format!("`rps` cannot be negative, it is {number}")));
    }
    Ok((number > 0.0).then_some(number))
}

/// The endpoint as a target, with the scheme that its protocol wants.
fn target(file: &File<'_>, protocol: Option<Wire>, text: &str, spot: Spot) -> Result<(Protocol, Target)> {
    let text = text.trim();
    let url = match (text.contains("://"), protocol) {
        (true, _) => text.to_owned(),
        (false, Some(Wire::Tcp)) => format!("tcp://{text}"),
        (false, Some(Wire::Udp)) => format!("udp://{text}"),
        (false, Some(Wire::Grpc)) => format!("grpc://{text}"),
        (false, _) => {
            return Err(file
                .fault(spot, format!("`{text}` has no scheme"))
                .remedy(format!("Write http://{text} or https://{text}.")));
        }
    };
    let parsed =
        Url::parse(&url).map_err(|problem| file.fault(spot, format!("`{text}` is no URL")).because(problem))?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(file.fault(spot, format!("`{text}` names no host")));
    }
    let spoken = spoken(protocol, &parsed).ok_or_else(|| {
        let asked = protocol.map_or("any protocol", |protocol| protocol.as_str_name());
        file.fault(spot, format!("the scheme `{}` of `{text}` does not go with {asked}", parsed.scheme()))
    })?;
    Ok((spoken, Target { url, weight: 1 }))
}

fn spoken(protocol: Option<Wire>, url: &Url) -> Option<Protocol> {
    let by_scheme = match url.scheme() {
        "http" | "https" => Wire::Http,
        "tcp" | "tls" => Wire::Tcp,
        "udp" => Wire::Udp,
        "grpc" | "grpcs" => Wire::Grpc,
        _ => return None,
    };
    // A gRPC service is reached over HTTP, and older files write it so.
    let fits = protocol.is_none_or(|asked| asked == by_scheme || (asked == Wire::Grpc && by_scheme == Wire::Http));
    if !fits {
        return None;
    }
    Some(match protocol.unwrap_or(by_scheme) {
        Wire::Tcp => Protocol::Tcp,
        Wire::Udp => Protocol::Udp,
        Wire::Grpc if url.path().trim_matches('/').contains('/') => Protocol::Grpc,
        Wire::Grpc => Protocol::GrpcHealth,
        Wire::Http | Wire::Invalid => Protocol::Http1,
    })
}
