//! The graph in the language of Graphviz.

use std::fmt::Write;

use super::{Graph, Node};
use crate::model::pattern::ServiceHealth;

/// The graph as a `digraph`, left to right, one rank a wave. Arrows go from what comes first to what needs it.
pub fn write(graph: &Graph) -> String {
    let mut out = format!(
        "digraph {} {{\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f8fa\", color=\"#57606a\", \
         fontcolor=\"#1f2328\", fontname=\"monospace\"];\n  edge [color=\"#57606a\"];\n",
        quoted(&graph.pattern)
    );
    for node in &graph.services {
        // Writing into a string cannot fail.
        let _ = writeln!(out, "  {} [label={}{}];", quoted(&node.service), label(node), look(node));
    }
    for wave in 1..=graph.waves {
        let members = graph.services.iter().filter(|node| node.wave == wave).map(|node| quoted(&node.service) + "; ");
        let _ = writeln!(out, "  {{ rank=same; {}}}", members.collect::<String>());
    }
    for edge in &graph.edges {
        let style = if edge.why.is_implied() { " [style=dotted]" } else { "" };
        let _ = writeln!(out, "  {} -> {}{style};", quoted(&edge.needs), quoted(&edge.service));
    }
    out + "}\n"
}

fn label(node: &Node) -> String {
    let mut lines = vec![node.service.as_str(), node.kind.as_str()];
    lines.extend(node.namespace.as_deref());
    lines.extend(node.health.map(ServiceHealth::word));
    let escaped: Vec<String> = lines.into_iter().map(escape).collect();
    format!("\"{}\"", escaped.join("\\n"))
}

fn look(node: &Node) -> String {
    let fill = node.health.map(|health| format!(", fillcolor=\"{}\"", fill(health))).unwrap_or_default();
    let dashed = if node.drawing { ", style=\"rounded,filled,dashed\"" } else { "" };
    let tip = node.message.as_deref().map(|message| format!(", tooltip={}", quoted(message))).unwrap_or_default();
    format!("{fill}{dashed}{tip}")
}

/// Fill of a service in that health, on which dark text is legible.
pub(super) fn fill(health: ServiceHealth) -> &'static str {
    match health {
        ServiceHealth::Ready => "#dafbe1",
        ServiceHealth::InProgress | ServiceHealth::Terminating => "#fff8c5",
        ServiceHealth::Failed | ServiceHealth::Missing => "#ffebe9",
        ServiceHealth::NotApplied | ServiceHealth::Unknown => "#eaeef2",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// A backslash begins an escape such as `\N` in DOT, so that each is doubled.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
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

    /// Reads DOT: identifiers and strings, brackets, `->`, `=`, `,` and `;`; gives the tokens.
    fn tokens(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '"' => {
                    let mut token = String::from('"');
                    loop {
                        match rest.next().expect("a string that ends") {
                            '\\' => token.extend(['\\', rest.next().unwrap()]),
                            '"' => break,
                            '\n' => panic!("a line feed inside a string"),
                            c => token.push(c),
                        }
                    }
                    found.push(token);
                }
                '-' => {
                    assert_eq!(rest.next(), Some('>'));
                    found.push("->".into());
                }
                '{' | '}' | '[' | ']' | '=' | ',' | ';' => found.push(c.into()),
                c if c.is_whitespace() => {}
                c if c.is_ascii_alphanumeric() || c == '_' => {
                    let mut token = String::from(c);
                    while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                        token.push(c);
                    }
                    found.push(token);
                }
                c => panic!("{c:?} stands outside a string"),
            }
        }
        found
    }

    #[test]
    fn every_name_is_a_string_that_ends() {
        let hard = "name: 'a\"b\\'\nservices:\n  'x\"; y [': {type: Section}\n  \"new\\nline \\\\N\": {type: Section, dependsOn: ['x\"; y [']}\n";
        let tokens = tokens(&write(&graph(hard)));
        assert_eq!(tokens[..3], ["digraph", "\"a\\\"b\\\\", "{"]);
        assert_eq!(tokens.iter().filter(|token| *token == "{").count(), tokens.iter().filter(|t| *t == "}").count());
        let arrow = tokens.iter().position(|token| token == "->").unwrap();
        assert_eq!(
            (tokens[arrow - 1].as_str(), tokens[arrow + 1].as_str()),
            ("\"x\\\"; y [", "\"new\\nline \\\\N"),
            "{tokens:?}"
        );
    }

    #[test]
    fn the_picture_has_ranks_dashes_and_dots() {
        let text = write(&graph(SHOP));
        tokens(&text);
        assert!(text.contains("{ rank=same; \"shop\"; }"), "{text}");
        assert!(text.contains("\"shop\" -> \"config\" [style=dotted];"), "{text}");
        assert!(text.contains("\"config\" -> \"web\";"), "{text}");
        assert!(text.contains("\"box\" [label=\"box\\nSection\", style=\"rounded,filled,dashed\"];"), "{text}");
    }
}
