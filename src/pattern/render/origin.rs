//! Where a value of a rendered pattern or object comes from.

use std::fmt::Write;

use crate::base::Place;
use crate::model::pattern::Service;
use crate::pattern::locate::{Source, Step};
use crate::pattern::object::{ANNOTATION_PATTERN, ANNOTATION_SERVICE, LABEL_SERVICE};
use crate::pattern::parse::Document;
use crate::pattern::reference::syntax::{self, Part};
use crate::pattern::tree::{Kind, Node};

/// How many references are followed to the place a value was written at.
const MAX_HOPS: usize = 8;

/// Tells origins in one document.
pub(super) struct Origins<'a> {
    source: &'a Source,
}

/// What a path of the pattern leads to.
struct Reached<'a> {
    place: Place,
    /// The string with references that stands there, or on the way there.
    text: Option<&'a str>,
}

impl<'a> Origins<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { source: &document.source }
    }

    /// The origin of the value at a path of the pattern.
    pub(super) fn of_path(&self, path: &[Step]) -> Option<String> {
        self.reach(path).map(|reached| self.told(&reached, MAX_HOPS))
    }

    /// The origin of the value at `path` of an object that `service` stands for.
    pub(super) fn of_object(&self, service: &Service, path: &[Step]) -> String {
        let made = match path {
            [Step::Key(metadata), Step::Key(_), Step::Key(key)] if metadata == "metadata" => {
                [LABEL_SERVICE, ANNOTATION_PATTERN, ANNOTATION_SERVICE].contains(&key.as_str())
            }
            _ => false,
        };
        if made {
            return "made by mesheryctl".to_owned();
        }
        let base = [Step::from("services"), service.key.as_str().into()];
        let found = candidates(path).into_iter().find_map(|way| {
            let whole: Vec<Step> = if way.first() == Some(&Step::from("^")) {
                way[1..].to_vec()
            } else {
                base.iter().cloned().chain(way).collect()
            };
            self.of_path(&whole)
        });
        found.unwrap_or_else(|| match path {
            [Step::Key(first), Step::Key(second)] if first == "metadata" && second == "namespace" => {
                "default namespace".to_owned()
            }
            _ => format!("follows from {}", self.source.place(&base)),
        })
    }

    fn reach(&self, path: &[Step]) -> Option<Reached<'a>> {
        let mut here = self.source.tree();
        for step in path {
            match child(here, step) {
                Some(next) => here = next,
                // Below a reference everything comes from where that leads.
                None => {
                    return here
                        .text()
                        .filter(|text| syntax::whole(text).is_some())
                        .map(|text| self.reached(here, text));
                }
            }
        }
        Some(self.reached(here, here.text().unwrap_or_default()))
    }

    fn reached(&self, node: &Node, text: &'a str) -> Reached<'a> {
        Reached { place: self.source.sources().place(node.mark), text: syntax::is_touched(text).then_some(text) }
    }

    fn told(&self, reached: &Reached<'_>, hops: usize) -> String {
        let mut told = reached.place.to_string();
        let parts = reached.text.and_then(|text| syntax::parts(text).ok()).unwrap_or_default();
        for part in parts {
            let Part::Reference(path) = part else { continue };
            let from = match self.find(path) {
                Some(next) if hops > 0 => self.told(&next, hops - 1),
                _ => continue,
            };
            let _ = write!(told, ", $(#ref.{path}) from {from}");
        }
        told
    }

    /// Where a reference leads.
    fn find(&self, path: &str) -> Option<Reached<'a>> {
        let mut here = self.source.tree();
        let mut rest = path;
        while !rest.is_empty() {
            let map = match &here.value {
                Kind::List(items) => {
                    let (head, tail) = syntax::split_key(rest, |_| true);
                    here = items.get(head.parse::<usize>().ok()?)?;
                    rest = tail.strip_prefix('.').unwrap_or(tail);
                    continue;
                }
                Kind::Map(map) => map,
                Kind::Scalar(_) => break,
            };
            let (key, tail) = syntax::split_key(rest, |key| map.contains_key(key));
            // A name or an id that nobody wrote stands for its service.
            let Some(next) = map.get(key) else { break };
            here = next;
            rest = tail.strip_prefix('.').unwrap_or(tail);
        }
        Some(self.reached(here, here.text().unwrap_or_default()))
    }
}

/// One step down, where a readable key (`role Ref`) stands for the plain one.
fn child<'n>(node: &'n Node, step: &Step) -> Option<&'n Node> {
    node.step(step).or_else(|| {
        let Step::Key(wanted) = step else { return None };
        node.map()?.iter().find(|(key, _)| key.contains(' ') && key.replace(' ', "") == *wanted).map(|(_, node)| node)
    })
}

/// Paths below the service (or, behind `^`, below the pattern) that a field of its object may come from, best first.
fn candidates(path: &[Step]) -> Vec<Vec<Step>> {
    let settings = |steps: &[&str], rest: &[Step]| -> Vec<Step> {
        std::iter::once("settings").chain(steps.iter().copied()).map(Step::from).chain(rest.iter().cloned()).collect()
    };
    let Some(Step::Key(first)) = path.first() else { return Vec::new() };
    let rest = &path[1..];
    match (first.as_str(), rest.first()) {
        ("apiVersion", _) => vec![vec!["apiVersion".into()], vec!["type".into()]],
        ("kind", _) => vec![vec!["type".into()]],
        ("metadata", Some(Step::Key(field))) => {
            let mut ways = vec![rest.to_vec(), settings(&["metadata"], rest), settings(&[], rest)];
            match field.as_str() {
                "labels" => {
                    ways.push(settings(&["advanced"], rest));
                    ways.push([&["^".into()], rest].concat());
                }
                "annotations" => ways.push([&["^".into()], rest].concat()),
                "name" => ways.push(Vec::new()),
                _ => {}
            }
            ways
        }
        ("spec", _) => {
            let mut ways = vec![settings(&["spec"], rest), settings(&[], rest)];
            ways.extend(of_application(rest, &settings));
            ways
        }
        _ => vec![settings(&[], path)],
    }
}

/// Where the Deployment of an Application has its containers and labels from.
fn of_application(rest: &[Step], settings: &impl Fn(&[&str], &[Step]) -> Vec<Step>) -> Vec<Vec<Step>> {
    let key = |at: usize| match rest.get(at) {
        Some(Step::Key(key)) => key.as_str(),
        _ => "",
    };
    match (key(0), key(1), key(2)) {
        ("template", "spec", "containers") => vec![settings(&[], &rest[2..])],
        ("template", "metadata", "labels") => {
            vec![settings(&["advanced"], &rest[2..]), settings(&[], &rest[2..]), rest[2..].to_vec()]
        }
        _ => Vec::new(),
    }
}
