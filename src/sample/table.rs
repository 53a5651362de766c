//! Tables, as `kubectl get` shows objects.

mod columns;

use serde_json::{Value, json};

use super::kind::Kind;
use super::object::{self, at, text};
use crate::base::clock;

/// A column: its name, its type, and whether it is shown only with `-o wide`.
pub struct Column {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `date`, ...
    pub kind: &'static str,
    /// Whether only `-o wide` shows it.
    pub wide: bool,
    /// The cell of an object.
    pub cell: Cell,
}

/// How a cell comes from an object.
pub enum Cell {
    /// By a function.
    Computed(fn(&Value) -> Value),
    /// By a simple JSON path of a CRD.
    Path(String),
}

/// A table of these objects.
pub fn of(kind: &Kind, values: &[Value], metadata: &Value) -> Value {
    let columns = columns(kind);
    let definitions: Vec<Value> = columns
        .iter()
        .map(|column| {
            let format = if column.name == "Name" { "name" } else { "" };
            json!({"name": column.name, "type": column.kind, "format": format, "description": "",
                "priority": i32::from(column.wide)})
        })
        .collect();
    let rows: Vec<Value> = values
        .iter()
        .map(|value| {
            let cells: Vec<Value> = columns.iter().map(|column| cell(column, value)).collect();
            let about = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": value["metadata"]});
            json!({"cells": cells, "object": about})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions,
        "rows": rows})
}

fn columns(kind: &Kind) -> Vec<Column> {
    let mut all = vec![computed("Name", |value| json!(object::name(value)))];
    let Some(custom) = &kind.custom else {
        all.extend(columns::of(kind));
        return all;
    };
    if custom.columns.is_empty() {
        all.push(age());
    }
    all.extend(custom.columns.iter().map(|column| Column {
        name: text(column, &["name"]).to_owned(),
        kind: match text(column, &["type"]) {
            "integer" => "integer",
            "number" => "number",
            "boolean" => "boolean",
            "date" => "date",
            _ => "string",
        },
        wide: column["priority"].as_i64().unwrap_or_default() > 0,
        cell: Cell::Path(text(column, &["jsonPath"]).to_owned()),
    }));
    all
}

fn computed(name: &str, cell: fn(&Value) -> Value) -> Column {
    Column { name: name.to_owned(), kind: "string", wide: false, cell: Cell::Computed(cell) }
}

fn age() -> Column {
    computed("Age", |value| json!(since(text(value, &["metadata", "creationTimestamp"]))))
}

/// How long ago a moment of the API was.
pub fn since(moment: &str) -> String {
    let Ok(moment) = moment.parse::<clock::Timestamp>() else { return "<unknown>".to_owned() };
    clock::age(moment, clock::now())
}

fn cell(column: &Column, value: &Value) -> Value {
    match &column.cell {
        Cell::Computed(cell) => cell(value),
        Cell::Path(path) => {
            let found = serde_json_path::JsonPath::parse(&format!("${path}"))
                .ok()
                .and_then(|path| path.query(value).first().cloned())
                .unwrap_or_default();
            match (column.kind, &found) {
                ("date", Value::String(moment)) => json!(since(moment)),
                ("string", Value::Null | Value::String(_)) => found,
                ("string", other) => json!(other.to_string()),
                _ => found,
            }
        }
    }
}

/// A number at a path, 0 when absent.
pub fn number(value: &Value, path: &[&str]) -> i64 {
    at(value, path).as_i64().unwrap_or_default()
}
