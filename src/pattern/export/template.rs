//! An object as a Helm template: values where `vars` stood, everything else as it is whatever it holds.
//!
//! While the pattern is compiled every plain value of `vars` is a stand-in word; a string that holds one becomes a
//! template expression, and so does one that Helm would take for a template.

use serde_json::{Map, Value, json};

use crate::base::error::Result;
use crate::base::yaml;

const MARK: &str = "zmeshvarz";
const TOKEN: &str = "MESHERYEXPRESSION";

/// Stand-ins for the values of `vars`, and what each stands for.
#[derive(Debug, Clone, Default)]
pub struct StandIns {
    /// Template expressions, by number of the stand-in.
    expressions: Vec<String>,
}

impl StandIns {
    /// `vars` with a stand-in for each plain value whose path `wanted` takes; the others keep their value.
    pub fn of(vars: &Map<String, Value>, wanted: impl Fn(&str) -> bool) -> (Self, Map<String, Value>) {
        let mut this = Self::default();
        let replaced = vars
            .iter()
            .map(|(key, value)| {
                let value = this.replace(value, key, &mut vec![json!(key)], &wanted);
                (key.clone(), value)
            })
            .collect();
        (this, replaced)
    }

    fn replace(&mut self, value: &Value, path: &str, steps: &mut Vec<Value>, wanted: &dyn Fn(&str) -> bool) -> Value {
        match value {
            Value::Object(map) => {
                let inner = |(key, value): (&String, &Value)| {
                    steps.push(json!(key));
                    let value = self.replace(value, &format!("{path}.{key}"), steps, wanted);
                    steps.pop();
                    (key.clone(), value)
                };
                Value::Object(map.iter().map(inner).collect())
            }
            Value::Array(items) => {
                let inner = |(index, value): (usize, &Value)| {
                    steps.push(json!(index));
                    let value = self.replace(value, &format!("{path}.{index}"), steps, wanted);
                    steps.pop();
                    value
                };
                Value::Array(items.iter().enumerate().map(inner).collect())
            }
            Value::Null => Value::Null,
            // A value that refers to others is what they are; those have stand-ins of their own.
            Value::String(text) if text.contains("$(#") => value.clone(),
            _ if !wanted(path) => value.clone(),
            _ => {
                self.expressions.push(expression(steps));
                Value::String(format!("{MARK}{}x", self.expressions.len() - 1))
            }
        }
    }

    /// Writes an object as a template. `helper` is the name of the helper that turns a value into text.
    pub fn template(&self, body: &Value, helper: &str) -> Result<String> {
        let mut tokens = Vec::new();
        let marked = self.mark(body, helper, &mut tokens);
        let mut text = yaml::write_kubernetes(&marked)?;
        for (index, expression) in tokens.iter().enumerate().rev() {
            text = text.replace(&format!("{TOKEN}{index}Z"), expression);
        }
        Ok(text)
    }

    fn mark(&self, value: &Value, helper: &str, tokens: &mut Vec<String>) -> Value {
        match value {
            Value::String(text) => json!(self.string(text, helper, tokens)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.mark(item, helper, tokens)).collect()),
            Value::Object(map) => {
                let mut out = Map::with_capacity(map.len());
                for (key, value) in map {
                    let key = self.string(key, helper, tokens);
                    let value = self.mark(value, helper, tokens);
                    out.insert(key, value);
                }
                Value::Object(out)
            }
            other => other.clone(),
        }
    }

    fn string(&self, text: &str, helper: &str, tokens: &mut Vec<String>) -> String {
        let parts = self.parts(text);
        let expression = match parts.as_slice() {
            [Part::Value(expression)] => format!("{{{{ {expression} | toJson }}}}"),
            [] | [Part::Text(_)] if !text.contains("{{") && !text.contains(TOKEN) => return text.to_owned(),
            [] | [Part::Text(_)] => format!("{{{{ {} | toJson }}}}", json!(text)),
            parts => {
                let (mut format, mut values) = (String::new(), String::new());
                for part in parts {
                    match part {
                        Part::Text(text) => format.push_str(&text.replace('%', "%%")),
                        Part::Value(expression) => {
                            format.push_str("%s");
                            values.extend([" (include ", &json!(helper).to_string(), " (", expression, "))"]);
                        }
                    }
                }
                format!("{{{{ printf {}{values} | toJson }}}}", json!(format))
            }
        };
        tokens.push(expression);
        format!("{TOKEN}{}Z", tokens.len() - 1)
    }

    fn parts<'a>(&'a self, text: &'a str) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(MARK) {
            let number = &rest[start + MARK.len()..];
            let digits = number.chars().take_while(char::is_ascii_digit).count();
            let found = number[digits..].starts_with('x').then(|| number[..digits].parse::<usize>().ok()).flatten();
            let Some(expression) = found.and_then(|number| self.expressions.get(number)) else { break };
            if start > 0 {
                parts.push(Part::Text(&rest[..start]));
            }
            parts.push(Part::Value(expression));
            rest = &number[digits + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        parts
    }
}

enum Part<'a> {
    Text(&'a str),
    Value(&'a str),
}

/// `.Values.a.b`, or `index .Values "a" 0` where a step is no plain word.
fn expression(steps: &[Value]) -> String {
    let word = |step: &Value| {
        let word = step.as_str()?;
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (plain && word.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| word.to_owned())
    };
    match steps.iter().map(word).collect::<Option<Vec<String>>>() {
        Some(words) => format!(".Values.{}", words.join(".")),
        None => steps.iter().fold("index .Values".to_owned(), |text, step| format!("{text} {step}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars() -> Map<String, Value> {
        let Value::Object(vars) =
            json!({"image": "a:1", "my-port": 80, "deep": {"list": ["x"]}, "same": "$(#ref.vars.image)", "kept": 1})
        else {
            panic!()
        };
        vars
    }

    #[test]
    fn values_are_expressions_and_the_rest_is_literal() {
        let (stand_ins, vars) = StandIns::of(&vars(), |path| path != "kept");
        assert_eq!(vars["kept"], json!(1));
        assert_eq!(vars["same"], json!("$(#ref.vars.image)"));
        let url = format!("http://{}:{}/100%", vars["image"].as_str().unwrap(), vars["my-port"].as_str().unwrap());
        let body = json!({"image": vars["image"], "port": vars["my-port"], "deep": vars["deep"]["list"], "url": url, "plain": "on", "go": "{{ .X }}\n"});
        let text = stand_ins.template(&body, "p.text").unwrap();
        assert_eq!(
            text.trim_end(),
            "image: {{ .Values.image | toJson }}\nport: {{ index .Values \"my-port\" | toJson }}\ndeep:\n- {{ index .Values \"deep\" \"list\" 0 | toJson }}\nurl: {{ printf \"http://%s:%s/100%%\" (include \"p.text\" (.Values.image)) (include \"p.text\" (index .Values \"my-port\")) | toJson }}\nplain: \"on\"\ngo: {{ \"{{ .X }}\\n\" | toJson }}"
        );
    }
}
