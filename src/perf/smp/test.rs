//! Test files, in both of their dialects: bare, and as `test:` beside `mesh:`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::client::{self, Client};
use super::fields::{File, snake_case};
use super::{MESH_ANNOTATION, MESH_LABEL, MESH_VERSION, SmpTest, mesh_name};
use crate::base::error::{Code, Error, Place, Result};
use crate::base::yaml::{self, Located};
use crate::model::performance::duration;

const TEST_KEYS: [&str; 6] = ["smp_version", "id", "name", "labels", "clients", "duration"];
/// Keys of documents that tell what came of a test.
const RESULT_KEYS: [&str; 4] = ["latencies_ms", "start_time", "metrics", "actual_qps"];

/// Reads a test file: YAML or JSON, bare or with `test:` and `mesh:`. `file_name` is what errors call it.
///
/// A client without `rps` sends as fast as its connections go (closed model); one with it sends at equal distances by the
/// clock (open model), and what is due while every connection is busy waits. Version, labels and annotations of the mesh,
/// and that a client is internal, become labels of the plans.
///
/// # Errors
/// [`Code::SmpInvalid`] with line and column: it is no YAML, no test, or a value cannot be carried out.
pub fn read(text: &str, file_name: &str) -> Result<SmpTest> {
    let fault = |message: &str| {
        Error::new(Code::SmpInvalid, message).at(Place { file: file_name.to_owned(), line: None, column: None })
    };
    let mut documents = yaml::read_located(text).map_err(|fault| fault.into_error(Code::SmpInvalid, file_name))?;
    if documents.len() > 1 {
        return Err(fault("a test file holds one document, this one holds several"));
    }
    let document = documents.pop().ok_or_else(|| fault("the file is empty"))?;
    let mut file = File::new(file_name);
    let mut draft = Draft::default();
    draft.document(&mut file, &document)?;
    draft.finish(file, &document)
}

/// A test as far as it is read.
#[derive(Default)]
struct Draft {
    test: SmpTest,
    clients: Vec<Client>,
    duration: Option<Duration>,
    /// What the file says of the mesh besides its type, as labels of a plan.
    mesh_fields: BTreeMap<String, String>,
}

impl Draft {
    fn document(&mut self, file: &mut File<'_>, document: &Located) -> Result<()> {
        let entries = file.entries(document, "the file")?;
        let is_wrapped = entries.iter().any(|(key, _)| key == "test");
        if !is_wrapped {
            return self.test_entries(file, entries, true);
        }
        for (key, value) in entries {
            match key.as_str() {
                "test" => self.test_entries(file, file.entries(value, "test")?, false)?,
                "mesh" => self.mesh(file, value)?,
                _ => file.unknown(key, value.spot, &["test", "mesh"])?,
            }
        }
        Ok(())
    }

    /// A bare test may name its mesh as well, though the specification has no place for it.
    fn test_entries(&mut self, file: &mut File<'_>, entries: &[(String, Located)], is_bare: bool) -> Result<()> {
        for (key, value) in entries {
            match snake_case(key).as_str() {
                "smp_version" => self.test.smp_version = file.word(value, key)?,
                "id" => self.test.id = file.word(value, key)?,
                "name" => self.test.name = file.word(value, key)?.unwrap_or_default(),
                "labels" => self.test.labels = file.pairs(value, key)?.into_iter().collect(),
                "clients" => {
                    self.clients =
                        file.items(value, key)?.iter().map(|item| client::read(file, item)).collect::<Result<_>>()?;
                }
                "duration" => self.duration = length(file, value)?,
                "mesh" if is_bare => self.mesh(file, value)?,
                other if is_bare && RESULT_KEYS.contains(&other) => {
                    return Err(file
                        .fault(value.spot, format!("`{key}` stands in results; the file tells what came of a test"))
                        .remedy("Read results with `mesheryctl perf convert`, and give a test file here."));
                }
                _ => file.unknown(key, value.spot, &TEST_KEYS)?,
            }
        }
        Ok(())
    }

    fn mesh(&mut self, file: &mut File<'_>, value: &Located) -> Result<()> {
        for (key, value) in file.entries(value, "mesh")? {
            let mut keep = |begin: &str| -> Result<()> {
                let pairs = file.pairs(value, &format!("mesh.{key}"))?.into_iter();
                self.mesh_fields.extend(pairs.map(|(name, value)| (format!("{begin}{name}"), value)));
                Ok(())
            };
            match key.as_str() {
                "type" => self.test.mesh = mesh_type(file, value)?,
                "version" => {
                    let version = file.word(value, "mesh.version")?;
                    self.mesh_fields.extend(version.map(|version| (MESH_VERSION.to_owned(), version)));
                }
                "labels" => keep(MESH_LABEL)?,
                "annotations" => keep(MESH_ANNOTATION)?,
                _ => file.unknown(key, value.spot, &["type", "version", "labels", "annotations"])?,
            }
        }
        Ok(())
    }

    /// The keys around the clients that say something.
    fn given(&self) -> Vec<&'static str> {
        let Self { test, clients, duration, mesh_fields } = self;
        let has_name = !test.name.is_empty() || clients.len() > 1;
        let around = [
            ("duration", duration.is_some()),
            ("mesh", test.mesh.is_some() || !mesh_fields.is_empty()),
            ("name", has_name),
            ("labels", !test.labels.is_empty()),
        ];
        around.into_iter().filter_map(|(key, is_given)| is_given.then_some(key)).collect()
    }

    fn finish(self, mut file: File<'_>, document: &Located) -> Result<SmpTest> {
        let around = self.given();
        let Self { mut test, clients, duration, mesh_fields } = self;
        if clients.is_empty() {
            return Err(file.fault(document.spot, "the test has no `clients`, so that there is nothing to send"));
        }
        let length = duration.unwrap_or_else(|| {
            file.warn(document.spot, "the test has no `duration`: where nothing else says one, it lasts 30s");
            Duration::from_secs(30)
        });
        let many = clients.len() > 1;
        for (index, client) in clients.into_iter().enumerate() {
            test.given.push(client.given().iter().copied().chain(around.iter().copied()).collect());
            let mut plan = client.plan(&mut file)?;
            plan.name =
                if many { format!("{} client {}", test.name, index + 1).trim().to_owned() } else { test.name.clone() };
            plan.labels.extend(test.labels.clone());
            plan.labels.extend(mesh_fields.clone());
            plan.mesh.clone_from(&test.mesh);
            plan.duration = Some(length);
            test.plans.push(plan);
        }
        test.warnings = file.into_warnings();
        Ok(test)
    }
}

fn mesh_type(file: &File<'_>, value: &Located) -> Result<Option<String>> {
    let Some(word) = file.word(value, "mesh.type")? else { return Ok(None) };
    if matches!(word.to_uppercase().as_str(), "0" | "INVALID_MESH" | "NONE") {
        return Ok(None);
    }
    let name = mesh_name(&word).ok_or_else(|| {
        file.fault(value.spot, format!("`{word}` is no mesh of the specification"))
            .remedy("Write its number, 1 to 12, or its name, such as ISTIO, LINKERD or CONSUL.")
    })?;
    Ok(Some(name.to_owned()))
}

fn length(file: &File<'_>, value: &Located) -> Result<Option<Duration>> {
    let Some(word) = file.word(value, "duration")? else { return Ok(None) };
    let length = duration::parse(&word)
        .map_err(|problem| file.fault(value.spot, format!("`{word}` is no duration")).because(problem))?;
    if length.is_zero() {
        return Err(file.fault(value.spot, "a test of no length measures nothing"));
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "figures of tests are small and exact"
    )]

    use proptest::prelude::*;

    use super::*;
    use crate::model::performance::plan::{Generator, Load, Overload, Pacing, Protocol};

    const WRAPPED: &str = "\
test:
  smp_version: v0.0.1
  id: 7
  name: load test
  labels: {team: shop}
  clients:
  - internal: true
    load_generator: fortio
    protocol: 1
    connections: 2
    rps: 10
    headers: {x-a: b, X-N: 1}
    cookies: {session: s1}
    body: '{\"a\":1}'
    content_type: application/json
    endpoint_urls:
    - http://localhost:2323/productpage
    - https://localhost/cart
    ssl_certificate: ca.pem
    additional_options: '-qps 5'
  duration: 1m30s
mesh:
  type: 3
";

    #[test]
    fn every_field_of_a_wrapped_file_is_honoured() {
        let test = read(WRAPPED, "t.yaml").unwrap();
        assert_eq!(test.warnings, [] as [&str; 0]);
        assert_eq!(
            (test.name.as_str(), test.id.as_deref(), test.mesh.as_deref()),
            ("load test", Some("7"), Some("ISTIO"))
        );
        assert_eq!(test.smp_version.as_deref(), Some("v0.0.1"));
        let [plan] = test.plans.as_slice() else { panic!("{:?}", test.plans) };
        assert_eq!(test.given[0].len(), 16, "{:?}", test.given);
        assert_eq!(plan.generator, Generator::Fortio);
        assert_eq!(plan.protocol, Protocol::Http1);
        assert_eq!(plan.connections, 2);
        assert_eq!(plan.load, Load::Open { pacing: Pacing::Constant { rate: 10.0 }, overload: Overload::Queue });
        let urls: Vec<&str> = plan.targets.iter().map(|target| target.url.as_str()).collect();
        assert_eq!(urls, ["http://localhost:2323/productpage", "https://localhost/cart"]);
        let headers: Vec<(&str, &str)> =
            plan.request.headers.iter().map(|h| (h.name.as_str(), h.value.as_str())).collect();
        assert_eq!(headers, [("x-a", "b"), ("X-N", "1")]);
        assert_eq!(plan.request.cookies["session"], "s1");
        assert_eq!((plan.request.method.as_str(), plan.request.body.as_slice()), ("POST", b"{\"a\":1}".as_slice()));
        assert_eq!(plan.request.content_type.as_deref(), Some("application/json"));
        assert_eq!((plan.tls.ca.as_deref(), plan.generator_options.as_deref()), (Some("ca.pem"), Some("-qps 5")));
        assert_eq!(plan.duration, Some(Duration::from_secs(90)));
        assert_eq!(plan.labels["team"], "shop");
        assert_eq!(plan.mesh.as_deref(), Some("ISTIO"));
    }

    #[test]
    fn a_bare_file_in_the_spelling_of_protobuf_json_means_the_same() {
        let text = r#"{"smpVersion": "v0.0.1", "name": "n", "duration": "60s",
            "clients": [{"loadGenerator": "wrk2", "protocol": "PROTOCOL_HTTP", "connections": 3, "rps": "100",
                         "endpointUrls": ["http://a/"], "contentType": ""}, {"endpoint_urls": ["http://b/"]}]}"#;
        let test = read(text, "t.json").unwrap();
        assert_eq!(test.warnings, [] as [&str; 0]);
        let [first, second] = test.plans.as_slice() else { panic!("{:?}", test.plans) };
        assert_eq!(
            (first.name.as_str(), first.generator, first.load.rate(None)),
            ("n client 1", Generator::Wrk2, Some(100.0))
        );
        assert_eq!((second.name.as_str(), &second.load), ("n client 2", &Load::Closed));
        assert_eq!(
            (second.generator, second.connections, second.request.method.as_str()),
            (Generator::Native, 1, "GET")
        );
        assert_eq!(test.given[1], ["endpoint_urls", "duration", "name"]);
    }

    #[test]
    fn what_the_file_says_of_the_mesh_becomes_labels() {
        let mesh = "  type: 3\n  version: 1.30.2\n  labels: {profile: ambient}\n  annotations: {owner: shop}\n";
        let test = read(&WRAPPED.replace("  type: 3\n", mesh), "t.yaml").unwrap();
        let labels = &test.plans[0].labels;
        let kept = ["smp.mesh.version", "smp.mesh.label.profile", "smp.mesh.annotation.owner"]
            .map(|name| labels[name].as_str());
        assert_eq!(kept, ["1.30.2", "ambient", "shop"]);
        assert_eq!((labels["smp.client.internal"].as_str(), labels["team"].as_str()), ("true", "shop"));
        assert!(test.given[0].contains(&"mesh") && test.warnings.is_empty(), "{:?}", test.warnings);
    }

    #[test]
    fn what_is_empty_is_not_given() {
        let text = "name: n\nduration: 1s\nclients:\n- {endpoint_urls: ['http://a/'], headers: {}, cookies: {}, body: '', content_type: '', load_generator: '', rps: 0}\n";
        let test = read(text, "t").unwrap();
        assert_eq!(test.given[0], ["endpoint_urls", "rps", "duration", "name"]);
    }

    #[test]
    fn a_protocol_that_is_none_is_told() {
        let test = read(&WRAPPED.replace("protocol: 1", "protocol: 0"), "t").unwrap();
        assert_eq!(test.warnings, ["t:9:5: the protocol `0` stands for none: the scheme of the URLs decides"]);
        assert_eq!(test.plans[0].protocol, Protocol::Http1);
    }

    #[test]
    fn the_published_action_file_is_read() {
        let text = "test:\n  smp_version: v0.0.1\n  name: Load Test\n  labels: {}\n  clients:\n  - internal: false\n    load_generator: fortio\n    protocol: 1\n    connections: 2\n    rps: 10\n    headers: {}\n    cookies: {}\n    body: ''\n    content_type: ''\n    endpoint_urls:\n    - 'http://localhost:2323/productpage'\n  duration: '60s'\nmesh:\n  type: 3\n";
        let test = read(text, "load-test.yaml").unwrap();
        assert_eq!((test.warnings.len(), test.plans.len()), (0, 1));
        assert!(test.plans[0].request.body.is_empty() && test.plans[0].request.content_type.is_none());
    }

    #[test]
    fn unknown_keys_are_told_with_their_place_and_the_nearest_known_one() {
        let text =
            "test:\n  name: n\n  duration: 1s\n  clients:\n  - method: GET\n    endpoint_urls: [http://a/]\nmast: 1\n";
        let test = read(text, "t.yaml").unwrap();
        assert_eq!(
            test.warnings,
            [
                "t.yaml:5:5: `method` is not known and counts for nothing",
                "t.yaml:7:1: `mast` is not known and counts for nothing; did you mean mesh, test?",
            ]
        );
    }

    #[test]
    fn a_mistyped_key_is_refused_with_the_one_that_was_meant() {
        for (from, to, place, meant) in [
            ("    rps: 10", "    rsp: 10", "t.yaml:11:5", "rps"),
            ("    endpoint_urls", "    endpointUrl", "t.yaml:16:5", "endpoint_urls"),
            ("  duration", "  duratoin", "t.yaml:21:3", "duration"),
            ("mesh:", "mess:", "t.yaml:22:1", "mesh"),
            ("  type: 3", "  typ: 3", "t.yaml:23:3", "type"),
        ] {
            let error = read(&WRAPPED.replace(from, to), "t.yaml").unwrap_err();
            let shown = error.to_string();
            assert!(shown.starts_with(place) && shown.contains(meant), "{to}: {shown}");
            assert_eq!(error.code(), Code::SmpInvalid);
        }
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_with_its_place() {
        let file = |client: &str, duration: &str| format!("clients:\n- {client}\nduration: {duration}\nname: n\n");
        for (text, place, said) in [
            (file("endpoint_urls: [http://a/]", "0s"), "t:3:1", "no length"),
            (file("endpoint_urls: [http://a/]", "30"), "t:3:1", "unit is missing"),
            (file("endpoint_urls: [http://a/]", "5 parsecs"), "t:3:1", "not a unit"),
            (file("{endpoint_urls: [http://a/], rps: -1}", "1s"), "t:2:32", "negative"),
            (file("{endpoint_urls: [http://a/], rps: many}", "1s"), "t:2:32", "number"),
            (file("{endpoint_urls: [http://a/], connections: 0}", "1s"), "t:2:32", "at least one"),
            (file("{endpoint_urls: [http://a/], connections: 1.5}", "1s"), "t:2:32", "whole number"),
            (file("{endpoint_urls: [http://a/], protocol: 9}", "1s"), "t:2:32", "protocol"),
            (file("{endpoint_urls: [http://a/], load_generator: fortoi}", "1s"), "t:2:32", "fortio"),
            (file("endpoint_urls: [a/b]", "1s"), "t:2:19", "scheme"),
            (file("endpoint_urls: ['ftp://a/']", "1s"), "t:2:19", "ftp"),
            (file("endpoint_urls: []", "1s"), "t:2:3", "endpoint_urls"),
            ("name: n\nduration: 1s\n".to_owned(), "t:1:1", "clients"),
            ("clients: 5\n".to_owned(), "t:1:1", "list"),
            ("- 1\n".to_owned(), "t:1:1", "mapping"),
            (String::new(), "t", "empty"),
            ("a: [".to_owned(), "t:", ""),
            ("latencies_ms: {min: 1}\n".to_owned(), "t:1:1", "results"),
            ("test: {}\nmesh: {type: 99}\n".to_owned(), "t:2:8", "no mesh"),
        ] {
            let error = read(&text, "t").unwrap_err();
            let shown = format!("{error} {:?}", error.report().details);
            assert!(shown.contains(said) && shown.starts_with(place), "{text:?}: {shown}");
            assert_eq!(error.code(), Code::SmpInvalid);
        }
    }

    #[test]
    fn other_protocols_get_their_scheme() {
        let text = "name: n\nduration: 1s\nclients:\n- {protocol: PROTOCOL_TCP, endpoint_urls: ['a:1']}\n- {protocol: 3, endpoint_urls: ['udp://a:1']}\n- {protocol: grpc, endpoint_urls: ['a:1', 'grpcs://b:1/']}\n- {protocol: 4, endpoint_urls: ['a:1/shop.Cart/Get']}\n- {endpoint_urls: ['tcp://a:1']}\n";
        let test = read(text, "t").unwrap();
        let seen: Vec<(Protocol, &str)> =
            test.plans.iter().map(|plan| (plan.protocol, plan.targets[0].url.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Protocol::Tcp, "tcp://a:1"),
                (Protocol::Udp, "udp://a:1"),
                (Protocol::GrpcHealth, "grpc://a:1"),
                (Protocol::Grpc, "grpc://a:1/shop.Cart/Get"),
                (Protocol::Tcp, "tcp://a:1"),
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = read(&text, "t");
        }

        #[test]
        fn nor_does_a_file_with_one_value_replaced(value in "[-a-z0-9.:/'\\[{}\\]\" \n]{0,20}", line in 0usize..22) {
            let lines: Vec<&str> = WRAPPED.lines().collect();
            let changed = lines[line].split_once(':').map_or(value.clone(), |(key, _)| format!("{key}: {value}"));
            let text: Vec<&str> = lines.iter().enumerate().map(|(at, text)| if at == line { changed.as_str() } else { text }).collect();
            let _ = read(&text.join("\n"), "t");
        }
    }
}
