//! The graph for a terminal: wave after wave, each service with what it comes after.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use super::{Edge, Graph, Node};
use crate::model::pattern::ServiceHealth;

/// A piece of text and what it says, so that whoever shows it may colour it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Plain,
    /// A heading.
    Heading,
    /// Of less weight.
    Faint,
    /// The health of a service.
    Health(ServiceHealth),
}

/// Draws it with box characters, or in ASCII.
pub fn write(graph: &Graph, unicode: bool, paint: &dyn Fn(Part, &str) -> String) -> String {
    let mut out = format!("{}{}\n", paint(Part::Heading, &graph.pattern), paint(Part::Faint, &head(graph)));
    let needs = needs(graph);
    let widths = Widths::of(graph);
    for wave in 1..=graph.waves {
        let members: Vec<&Node> = graph.services.iter().filter(|node| node.wave == wave).collect();
        for (at, node) in members.iter().enumerate() {
            let lead = lead((wave, graph.waves), (at, members.len()), unicode);
            out.push_str(&paint(Part::Faint, &format!("{lead} ")));
            out.push_str(&row(node, &widths, needs.get(node.service.as_str()).map_or(&[], Vec::as_slice), paint));
            out.push('\n');
        }
    }
    if graph.edges.iter().any(|edge| edge.why.is_implied()) {
        out.push_str(&paint(Part::Faint, "* Kubernetes wants it first: the namespace, or the CRD of the kind\n"));
    }
    out
}

fn head(graph: &Graph) -> String {
    let drawings = graph.services.iter().filter(|node| node.drawing).count();
    let drawn = if drawings == 0 { String::new() } else { format!(", {drawings} only drawn") };
    let counts = crate::base::text::count(graph.services.len(), "service");
    format!(": {counts} in {}{drawn}", crate::base::text::count(graph.waves, "wave"))
}

/// The number of the wave beside its first service, and the line that binds the services of a wave together.
fn lead((wave, waves): (usize, usize), (at, of): (usize, usize), unicode: bool) -> String {
    let width = waves.to_string().len();
    let number = if at == 0 { format!("{wave:>width$}") } else { " ".repeat(width) };
    let sign = match (of, at, unicode) {
        (1, _, true) => "──",
        (1, _, false) => "--",
        (_, 0, true) => "┬─",
        (_, 0, false) => "+-",
        (_, last, true) if last + 1 == of => "└─",
        (_, last, false) if last + 1 == of => "`-",
        (_, _, true) => "├─",
        (_, _, false) => "|-",
    };
    format!("{number} {sign}")
}

struct Widths {
    service: usize,
    kind: usize,
    namespace: usize,
    health: usize,
}

impl Widths {
    fn of(graph: &Graph) -> Self {
        let widest = |cell: &dyn Fn(&Node) -> usize| graph.services.iter().map(cell).max().unwrap_or_default();
        Self {
            service: widest(&|node| shown(node).width()),
            kind: widest(&|node| node.kind.width()),
            namespace: widest(&|node| node.namespace.as_deref().unwrap_or_default().width()),
            health: widest(&|node| node.health.map_or(0, |health| health.word().len())),
        }
    }
}

/// A drawing stands in brackets, because dashes are no letters.
fn shown(node: &Node) -> String {
    let clean: String = node.service.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if node.drawing { format!("({clean})") } else { clean }
}

fn row(node: &Node, widths: &Widths, needs: &[&Edge], paint: &dyn Fn(Part, &str) -> String) -> String {
    let mut line = paint(Part::Plain, &padded(&shown(node), widths.service));
    line.push_str(&padded(&node.kind, widths.kind));
    if widths.namespace > 0 {
        line.push_str(&padded(node.namespace.as_deref().unwrap_or_default(), widths.namespace));
    }
    if widths.health > 0 {
        let word = node.health.map_or("", ServiceHealth::word);
        let cell = padded(word, widths.health);
        line.push_str(&node.health.map_or(cell.clone(), |health| paint(Part::Health(health), &cell)));
    }
    if !needs.is_empty() {
        let names = needs.iter().map(|edge| format!("{}{}", edge.needs, if edge.why.is_implied() { "*" } else { "" }));
        line.push_str(&paint(Part::Faint, &format!("after {}", names.collect::<Vec<_>>().join(", "))));
    }
    if let Some(message) = &node.message {
        line = format!("{}  {message}", line.trim_end());
    }
    line.trim_end().to_owned()
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width()) + 2))
}

fn needs(graph: &Graph) -> HashMap<&str, Vec<&Edge>> {
    let mut needs: HashMap<&str, Vec<&Edge>> = HashMap::new();
    for edge in &graph.edges {
        needs.entry(&edge.service).or_default().push(edge);
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SHOP, graph};
    use super::*;

    fn plain(_: Part, text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn waves_stand_below_each_other_with_what_each_comes_after() {
        insta::assert_snapshot!(write(&graph(SHOP), true, &plain), @r"
        shop: 6 services in 6 waves, 1 only drawn
        1 ── shop    Namespace
        2 ── config  ConfigMap             shop  after shop*
        3 ── db      Service               shop  after shop*
        4 ── (box)   Section                     after db
        5 ── web     Deployment            shop  after config, box
        6 ── route   VirtualService.Istio  shop  after web
        * Kubernetes wants it first: the namespace, or the CRD of the kind
        ");
    }

    #[test]
    fn a_wave_of_several_is_bound_together_also_in_ascii() {
        let text = "name: p\nservices:\n  a: {type: ConfigMap}\n  b: {type: ConfigMap}\n  c: {type: ConfigMap}\n  日本: {type: Section, dependsOn: [a]}\n";
        let drawn = write(&graph(text), false, &plain);
        insta::assert_snapshot!(drawn, @r"
        p: 4 services in 2 waves, 1 only drawn
        1 +- a       ConfigMap  default
          |- b       ConfigMap  default
          `- c       ConfigMap  default
        2 -- (日本)  Section             after a
        ");
        assert!(write(&graph(text), true, &plain).contains("├─ b"));
    }
}
