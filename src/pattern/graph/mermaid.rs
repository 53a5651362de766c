//! The graph as a Mermaid flowchart, which Git hosts draw inside Markdown.

use std::fmt::Write;

use super::dot::fill;
use super::{Graph, Node};
use crate::model::pattern::ServiceHealth;

const ALL: &[ServiceHealth] = &[
    ServiceHealth::Ready,
    ServiceHealth::InProgress,
    ServiceHealth::Terminating,
    ServiceHealth::Missing,
    ServiceHealth::Failed,
    ServiceHealth::NotApplied,
    ServiceHealth::Unknown,
];

/// The graph as a `flowchart`, left to right, one subgraph a wave. Arrows go from what comes first to what needs it.
pub fn write(graph: &Graph) -> String {
    let title = serde_json::Value::from(graph.pattern.as_str());
    let mut out = format!("---\ntitle: {title}\n---\nflowchart LR\n");
    for wave in 1..=graph.waves {
        let _ = writeln!(out, "  subgraph wave{wave} [\"wave {wave}\"]");
        for (at, node) in graph.services.iter().enumerate().filter(|(_, node)| node.wave == wave) {
            let _ = writeln!(out, "    n{at}[\"{}\"]{}", label(node), class(node));
        }
        out.push_str("  end\n");
    }
    for (first, then, why) in graph.pairs() {
        let arrow = if why.is_implied() { "-.->" } else { "-->" };
        let _ = writeln!(out, "  n{first} {arrow} n{then}");
    }
    if graph.services.iter().any(|node| node.drawing) {
        out.push_str("  classDef drawing stroke-dasharray:4 3\n");
    }
    for health in ALL.iter().filter(|health| graph.services.iter().any(|node| node.health == Some(**health))) {
        let _ = writeln!(out, "  classDef {} fill:{},color:#1f2328", health.word(), fill(*health));
    }
    out
}

fn class(node: &Node) -> String {
    match (node.drawing, node.health) {
        (true, _) => ":::drawing".to_owned(),
        (false, Some(health)) => format!(":::{}", health.word()),
        (false, None) => String::new(),
    }
}

fn label(node: &Node) -> String {
    let mut lines = vec![node.service.as_str(), node.kind.as_str()];
    lines.extend(node.namespace.as_deref());
    lines.extend(node.health.map(ServiceHealth::word));
    lines.into_iter().map(escape).collect::<Vec<_>>().join("<br/>")
}

/// Mermaid knows entities written with `#`, and nothing else inside quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | ';' | '{' | '}' | '[' | ']' | '(' | ')' | '|' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SHOP, graph};
    use super::*;

    /// Checks every line against the part of the grammar that is used here.
    fn check(text: &str) {
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("---"));
        let title = lines.next().unwrap().strip_prefix("title: ").unwrap();
        serde_json::from_str::<String>(title).unwrap();
        assert_eq!((lines.next(), lines.next()), (Some("---"), Some("flowchart LR")));
        let grammar = regex::Regex::new(
            r##"^  (subgraph wave\d+ \["wave \d+"\]|end|n\d+ (-->|-\.->) n\d+|  n\d+\["([^"#<>&`\\;{}\[\]()|]|#\d+;|<br/>)*"\](:::[a-z-]+)?|classDef [a-z-]+ [a-z#0-9:,. -]+)$"##,
        )
        .unwrap();
        for line in lines {
            assert!(grammar.is_match(line), "{line:?}");
        }
    }

    #[test]
    fn names_of_every_kind_are_legal_labels() {
        let hard = "name: 'a\"b: #c'\nservices:\n  'x\"] --> end': {type: Section}\n  \"a`b\\nc;\": {type: Section, dependsOn: ['x\"] --> end']}\n";
        let text = write(&graph(hard));
        check(&text);
        assert!(text.contains("n0[\"x#34;#93; --#62; end<br/>Section\"]:::drawing"), "{text}");
        assert!(text.contains("  n0 --> n1\n"), "{text}");
    }

    #[test]
    fn waves_are_subgraphs_and_what_is_implied_is_dotted() {
        let text = write(&graph(SHOP));
        check(&text);
        assert!(text.contains("  n0 -.-> n1\n") && text.contains("  n3 --> n4\n"), "{text}");
    }
}
