//! What flags make of a plan.

use std::time::Duration;

use super::super::args::{Model, PlanArgs};
use super::super::law::{self, Law};
use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::model::performance::duration;
use crate::model::performance::plan::{Generator, Load, Overload, Plan, Protocol};
use crate::wire::rest::performance::profile::set_body;

impl PlanArgs {
    /// The flag that decides how much is sent when.
    pub(super) fn rate_flag(&self) -> Option<&'static str> {
        if self.rate.is_some() { Some("--rate") } else { self.qps.map(|_| "--qps") }
    }

    /// Flags that were given: the value's name and the flag.
    pub(super) fn given(&self) -> Vec<(&'static str, &'static str)> {
        [
            (self.name.is_some(), "name", "--name"),
            (!self.url.is_empty(), "targets", "--url"),
            (self.protocol.is_some(), "protocol", "--protocol"),
            (self.load_generator.is_some(), "generator", "--load-generator"),
            (self.options.is_some(), "options", "--options"),
            (self.model.is_some(), "model", "--model"),
            (self.rate.is_some(), "rate", "--rate"),
            (self.qps.is_some(), "rate", "--qps"),
            (self.overload.is_some(), "overload", "--overload"),
            (self.connections.is_some(), "connections", "--connections"),
            (self.concurrent_requests.is_some(), "connections", "--concurrent-requests"),
            (self.streams.is_some(), "streams", "--streams"),
            (self.reuse.is_some(), "reuse", "--reuse"),
            (self.threads.is_some(), "threads", "--threads"),
            (self.pin, "pinned", "--pin"),
            (self.no_busy, "busy", "--no-busy"),
            (self.busy, "busy", "--busy"),
            (self.law_length().is_some(), "duration", "--rate"),
            (self.duration.is_some(), "duration", "--duration"),
            (self.requests.is_some(), "requests", "--requests"),
            (self.warm_up.is_some(), "warm-up", "--warm-up"),
            (self.request_timeout.is_some(), "timeout", "--request-timeout"),
            (self.method.is_some(), "method", "--method"),
            (!self.header.is_empty(), "headers", "--header"),
            (!self.cookie.is_empty(), "cookies", "--cookie"),
            (self.body.is_some(), "body", "--body"),
            (self.redirects.is_some(), "redirects", "--redirects"),
            (self.mesh.is_some(), "mesh", "--mesh"),
            (!self.label.is_empty(), "labels", "--label"),
            (self.seed.is_some(), "seed", "--seed"),
            (self.insecure, "tls", "--insecure"),
            (self.sni.is_some(), "tls", "--sni"),
            (self.cert.is_some(), "tls", "--cert"),
            (self.ca.is_some(), "tls", "--ca"),
            (self.cert_path.is_some(), "tls", "--cert-path"),
        ]
        .into_iter()
        .filter_map(|(given, name, flag)| given.then_some((name, flag)))
        .collect()
    }

    pub(super) fn target_flags(&self, plan: &mut Plan) -> Result<()> {
        if let Some(name) = &self.name {
            plan.name.clone_from(name);
        }
        if let Some(mesh) = &self.mesh {
            plan.mesh = law::mesh(mesh)?;
        }
        for label in &self.label {
            let (name, value) = law::pair("--label", label)?;
            plan.labels.insert(name, value);
        }
        if !self.url.is_empty() {
            plan.targets = self.url.iter().map(|text| law::target(text)).collect::<Result<_>>()?;
        }
        plan.protocol = match self.protocol {
            Some(protocol) => protocol.into(),
            None if !self.url.is_empty() => of_scheme(&plan.targets[0].url).unwrap_or(plan.protocol),
            None => plan.protocol,
        };
        if let Some(name) = &self.load_generator {
            plan.generator = generator(name)?;
        }
        if let Some(options) = &self.options {
            plan.generator_options = Some(String::from_utf8_lossy(&text_or_file("--options", options)?).into_owned());
        }
        Ok(())
    }

    pub(super) fn load_flags(&self, plan: &mut Plan) -> Result<()> {
        let law = match (&self.rate, self.qps) {
            (Some(text), _) => Some(law::rate(text)?),
            (None, Some(0.0)) => Some(Law::Max),
            (None, Some(_)) => Some(law::rate(&self.qps.unwrap_or_default().to_string())?),
            (None, None) => None,
        };
        let overload = self.overload.as_deref().map(law::overload).transpose()?;
        plan.load = load(plan.load.clone(), law, self.model, overload)?;
        Ok(())
    }

    /// How long the law of `--rate` is, where it has an end.
    fn law_length(&self) -> Option<Duration> {
        match law::rate(self.rate.as_deref()?) {
            Ok(Law::By(pacing)) => pacing.length(),
            _ => None,
        }
    }

    pub(super) fn limit_flags(&self, plan: &mut Plan) -> Result<()> {
        plan.connections = self.connections.or(self.concurrent_requests).unwrap_or(plan.connections);
        if let Some(streams) = self.streams {
            plan.streams = streams;
        }
        if let Some(text) = &self.reuse {
            plan.reuse = law::reuse(text)?;
        }
        if let Some(threads) = self.threads {
            plan.threads = threads;
        }
        match (&self.duration, self.law_length()) {
            (Some(text), _) => plan.duration = Some(time("--duration", text)?),
            (None, Some(length)) => plan.duration = Some(length),
            (None, None) => {}
        }
        if let Some(number) = self.requests {
            plan.requests = Some(number);
            // A count alone ends the measurement; the duration of a profile or of the defaults is not what was meant.
            if self.duration.is_none() {
                plan.duration = None;
            }
        }
        if let Some(text) = &self.warm_up {
            plan.warm_up = time("--warm-up", text)?;
        }
        if let Some(text) = &self.request_timeout {
            plan.timeout = time("--request-timeout", text)?;
        }
        plan.pin |= self.pin;
        plan.busy = (plan.busy || self.busy) && !self.no_busy;
        plan.seed = self.seed.unwrap_or(plan.seed);
        Ok(())
    }

    pub(super) fn request_flags(&self, plan: &mut Plan) -> Result<()> {
        for text in &self.header {
            for line in lines_or_file(text)? {
                plan.request.headers.push(law::header(&line)?);
            }
        }
        for text in &self.cookie {
            let (name, value) = law::pair("--cookie", text)?;
            plan.request.cookies.insert(name, value);
        }
        if let Some(body) = &self.body {
            set_body(plan, text_or_file("--body", body)?);
        }
        if let Some(media) = &self.content_type {
            plan.request.content_type = Some(media.clone());
        }
        if let Some(method) = &self.method {
            plan.request.method = method.to_uppercase();
        }
        plan.redirects = self.redirects.unwrap_or(plan.redirects);
        Ok(())
    }

    pub(super) fn tls_flags(&self, plan: &mut Plan) {
        let tls = &mut plan.tls;
        if self.disable_cert {
            tls.ca = None;
        }
        let ca = self.ca.as_ref().or(self.cert_path.as_ref());
        let files = [(ca, &mut tls.ca), (self.cert.as_ref(), &mut tls.cert), (self.key.as_ref(), &mut tls.key)];
        for (given, value) in files {
            if let Some(path) = given {
                // The generator may run in another folder than this command.
                *value = Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string());
            }
        }
        if let Some(name) = &self.sni {
            tls.server_name = Some(name.clone());
        }
        tls.insecure |= self.insecure;
    }
}

/// The load that rate, model and overload come to, over the one that is there.
fn load(known: Load, law: Option<Law>, model: Option<Model>, overload: Option<Overload>) -> Result<Load> {
    let conflict = |message: &str, remedy: &str| Error::new(Code::UsageError, message).remedy(remedy);
    let was = match &known {
        Load::Open { overload, .. } => *overload,
        Load::Closed => Overload::Queue,
    };
    let settled = match (law, model) {
        (Some(Law::Max), Some(Model::Open)) => {
            return Err(conflict(
                "`max` and the open model exclude each other",
                "The open model sends by the clock: give a rate, as --rate 500, or leave --model away.",
            ));
        }
        (Some(Law::By(_)), Some(Model::Closed)) => {
            return Err(conflict(
                "a rate and the closed model exclude each other",
                "In the closed model answers set the rate: leave --rate away, or --model.",
            ));
        }
        (Some(Law::By(pacing)), _) => Load::Open { pacing, overload: was },
        (Some(Law::Max), _) | (None, Some(Model::Closed)) => Load::Closed,
        (None, Some(Model::Open)) if known == Load::Closed => {
            return Err(conflict("the open model wants a rate", "Give one, such as --rate 500."));
        }
        (None, _) => known,
    };
    match (settled, overload) {
        (Load::Closed, Some(_)) => Err(conflict(
            "--overload says nothing in the closed model, which sends only when there is a free connection",
            "Give a rate, such as --rate 500, or leave --overload away.",
        )),
        (Load::Open { pacing, .. }, Some(overload)) => Ok(Load::Open { pacing, overload }),
        (settled, None) => Ok(settled),
    }
}

/// The protocol that the scheme of a URL leaves no doubt about.
fn of_scheme(url: &str) -> Option<Protocol> {
    let (scheme, rest) = url.split_once("://")?;
    let has_path = rest.split_once('/').is_some_and(|(_, path)| path.contains('/'));
    match scheme {
        "grpc" | "grpcs" if has_path => Some(Protocol::Grpc),
        "grpc" | "grpcs" => Some(Protocol::GrpcHealth),
        "tcp" | "tls" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        _ => None,
    }
}

fn generator(name: &str) -> Result<Generator> {
    let known = Generator::ALL.into_iter().find(|generator| generator.name().eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let names: Vec<&str> = Generator::ALL.iter().map(|generator| generator.name()).collect();
        Error::new(Code::UsageError, format!("there is no load generator `{name}`"))
            .remedy(format!("Use one of {}.", names.join(", ")))
    })
}

fn time(flag: &str, text: &str) -> Result<Duration> {
    duration::parse_single(text).map_err(|problem| {
        Error::new(Code::UsageError, format!("`{text}` is no value for {flag}"))
            .because(problem)
            .remedy("Write a number and a unit, such as 500ms, 30s or 2h.")
    })
}

/// What a flag gives: the file it names with `@` in front or plainly, standard input for `@-`, else its own text.
/// Text that looks like a path is one: a body that cannot be read must not be sent as its own name.
fn text_or_file(flag: &str, text: &str) -> Result<Vec<u8>> {
    if text == "@-" {
        let mut content = Vec::new();
        let read = std::io::Read::read_to_end(&mut std::io::stdin(), &mut content);
        read.map_err(|error| Error::new(Code::FileUnreadable, "standard input cannot be read").because(error))?;
        return Ok(content);
    }
    let path = std::path::Path::new(text.strip_prefix('@').unwrap_or(text));
    if !is_path(text) && (text.len() > 4_096 || !path.is_file()) {
        return Ok(text.as_bytes().to_vec());
    }
    std::fs::read(path).map_err(|error| {
        dirs::read_error(path, &error)
            .detail(format!("it was named by {flag}"))
            .remedy(format!("Check the path. Text that looks like one is given on standard input, with {flag} @-."))
    })
}

/// Whether text can only be meant as a path, whether there is such a file or not: it begins as one, or is a word with the
/// ending of a file.
fn is_path(text: &str) -> bool {
    let begins = ["/", "./", "../", "~/", "@"].iter().any(|begin| text.starts_with(begin));
    let is_word = text.chars().all(|c| c.is_alphanumeric() || "._-/".contains(c));
    let ends = text.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending));
    begins && !text.contains(char::is_whitespace) || is_word && ends
}

/// Endings of files that hold bodies.
const ENDINGS: [&str; 8] = ["json", "xml", "txt", "yaml", "yml", "csv", "html", "bin"];

/// The lines of a file named with `@` in front, else the text itself.
fn lines_or_file(text: &str) -> Result<Vec<String>> {
    let Some(path) = text.strip_prefix('@') else { return Ok(vec![text.to_owned()]) };
    let path = std::path::Path::new(path);
    let content = std::fs::read_to_string(path).map_err(|error| dirs::read_error(path, &error))?;
    Ok(content.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Pacing;

    #[test]
    fn values_that_exclude_each_other_are_named() {
        let by = || Some(Law::By(Pacing::Constant { rate: 1.0 }));
        let open = Load::Open { pacing: Pacing::Constant { rate: 5.0 }, overload: Overload::Drop };
        let message = |outcome: Result<Load>| outcome.unwrap_err().message().to_owned();
        assert!(message(load(Load::Closed, Some(Law::Max), Some(Model::Open), None)).contains("`max`"));
        assert!(message(load(Load::Closed, by(), Some(Model::Closed), None)).contains("closed model"));
        assert!(message(load(Load::Closed, None, Some(Model::Open), None)).contains("wants a rate"));
        assert!(message(load(Load::Closed, None, None, Some(Overload::Drop))).contains("--overload"));
        assert_eq!(load(open.clone(), None, Some(Model::Closed), None).unwrap(), Load::Closed);
        assert_eq!(load(open.clone(), None, Some(Model::Open), None).unwrap(), open);
        let Load::Open { overload, .. } = load(open, by(), None, None).unwrap() else { panic!("closed") };
        assert_eq!(overload, Overload::Drop, "the profile's policy stands");
    }

    #[test]
    fn bodies_come_from_files_and_unreadable_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("body.json");
        std::fs::write(&path, "{}").unwrap();
        for text in [path.display().to_string(), format!("@{}", path.display()), "{}".to_owned()] {
            assert_eq!(text_or_file("--body", &text).unwrap(), b"{}");
        }
        for text in ["@/no/such/file", "/no/such/file", "./no", "../no", "~/no", "ordr.json", "bodies/a.xml"] {
            let error = text_or_file("--body", text).unwrap_err();
            assert_eq!(error.code(), Code::FileNotFound, "{text}");
            assert!(error.report().suggested_remediation.is_some_and(|remedy| remedy.contains("--body @-")), "{text}");
        }
        for text in ["/a and b", "/\n", "no/such/file", "<a/>", "-qps 5", "{\"a\":\"b.json\"}", "see a.txt"] {
            assert_eq!(text_or_file("--body", text).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn the_scheme_decides_the_protocol_where_it_can() {
        assert_eq!(of_scheme("grpc://a:1/s/m"), Some(Protocol::Grpc));
        assert_eq!(of_scheme("grpc://a:1"), Some(Protocol::GrpcHealth));
        assert_eq!((of_scheme("udp://a:1"), of_scheme("https://a")), (Some(Protocol::Udp), None));
    }
}
