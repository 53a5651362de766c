//! One value, every form.

use serde::Serialize;
use serde_json::Value;

use super::format::{CustomColumn, Format};
use super::jsonpath;
use super::table::{self, Grid, Look};
use crate::base::{Code, Error, Result, yaml};

/// A column of a table: its heading and how a row fills it.
pub struct Column<'a, T> {
    title: &'static str,
    wide: bool,
    cell: Box<dyn Fn(&T) -> String + 'a>,
}

impl<'a, T> Column<'a, T> {
    /// A column that always shows.
    pub fn new(title: &'static str, cell: impl Fn(&T) -> String + 'a) -> Self {
        Self { title, wide: false, cell: Box::new(cell) }
    }

    /// A column that always shows when `always`, else with `-o wide`.
    pub fn wide_unless(always: bool, title: &'static str, cell: impl Fn(&T) -> String + 'a) -> Self {
        Self { title, wide: !always, cell: Box::new(cell) }
    }

    /// A column that shows with `-o wide`.
    pub fn wide(title: &'static str, cell: impl Fn(&T) -> String + 'a) -> Self {
        Self { title, wide: true, cell: Box::new(cell) }
    }
}

/// A value with all its looks.
#[derive(Debug)]
pub struct Rendered {
    value: Value,
    view: View,
    names: Vec<String>,
    records: Option<Vec<Value>>,
    empty: Option<String>,
    yaml: Option<String>,
}

#[derive(Debug)]
enum View {
    Grid { narrow: Grid, wide: Grid },
    Text(String),
}

impl Rendered {
    /// A list. `nouns` is the plural for the note on an empty one.
    pub fn list<T: Serialize>(nouns: &str, rows: &[T], columns: &[Column<'_, T>]) -> Result<Self> {
        let grid = |wide: bool| {
            let shown: Vec<&Column<'_, T>> = columns.iter().filter(|column| wide || !column.wide).collect();
            Grid {
                titles: shown.iter().map(|column| column.title.to_owned()).collect(),
                rows: rows.iter().map(|row| shown.iter().map(|column| (column.cell)(row)).collect()).collect(),
            }
        };
        Ok(Self {
            value: to_value(&rows)?,
            view: View::Grid { narrow: grid(false), wide: grid(true) },
            names: Vec::new(),
            records: None,
            empty: rows.is_empty().then(|| format!("No {nouns} found.")),
            yaml: None,
        })
    }

    /// One value whose table form is text of the verb's own; a final line feed is added where it lacks one.
    pub fn one<T: Serialize>(value: &T, text: impl Into<String>) -> Result<Self> {
        Self::shown(value, View::Text(text.into()))
    }

    /// A value that is shown as a table but is an object in JSON.
    pub fn table<T: Serialize, R>(value: &T, rows: &[R], columns: &[Column<'_, R>]) -> Result<Self> {
        let shown = |wide: bool| Grid {
            titles: columns.iter().filter(|c| wide || !c.wide).map(|c| c.title.to_owned()).collect(),
            rows: rows
                .iter()
                .map(|row| columns.iter().filter(|c| wide || !c.wide).map(|c| (c.cell)(row)).collect())
                .collect(),
        };
        let view = View::Grid { narrow: shown(false), wide: shown(true) };
        Self::shown(value, view)
    }

    fn shown<T: Serialize>(value: &T, view: View) -> Result<Self> {
        Ok(Self { value: to_value(value)?, view, names: Vec::new(), records: None, empty: None, yaml: None })
    }

    /// The records of `-o jsonl` and `-o custom-columns`, where they are not the value itself or its items.
    pub fn records<R: Serialize>(mut self, rows: &[R]) -> Result<Self> {
        self.records = Some(rows.iter().map(to_value).collect::<Result<_>>()?);
        Ok(self)
    }

    /// The names for `-o name`.
    pub fn names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The text of `-o yaml`, where it is not the value as one document.
    pub fn yaml(mut self, text: impl Into<String>) -> Self {
        self.yaml = Some(text.into());
        self
    }

    /// The note for people when there is nothing to show.
    pub(super) fn empty_note(&self) -> Option<&str> {
        self.empty.as_deref()
    }

    pub(super) fn text(&self, format: &Format, look: Look) -> Result<String> {
        Ok(match format {
            Format::Table | Format::Wide => self.table_text(format, look),
            Format::Json => format!("{:#}\n", self.value),
            Format::Yaml => self.yaml.clone().map_or_else(|| yaml::write(&self.value), Ok)?,
            Format::Jsonl => lines(self.rows().iter().map(ToString::to_string)),
            Format::Name => lines(self.names.iter().cloned()),
            Format::JsonPath(template) => with_line_feed(template.render(&self.value)?),
            Format::CustomColumns(columns) => custom(columns, self.rows())?.text(look),
            Format::Picture(_) => return Err(no_picture(format)),
        })
    }

    fn table_text(&self, format: &Format, look: Look) -> String {
        match &self.view {
            View::Text(text) => with_line_feed(text.clone()),
            View::Grid { narrow, .. } if narrow.rows.is_empty() => String::new(),
            View::Grid { wide, .. } if *format == Format::Wide => wide.text(look),
            View::Grid { narrow, .. } => narrow.text(look),
        }
    }

    fn rows(&self) -> &[Value] {
        if let Some(records) = &self.records {
            return records;
        }
        match &self.value {
            Value::Array(items) => items,
            single => std::slice::from_ref(single),
        }
    }
}

fn to_value<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::internal("a value cannot be written as JSON").because(error))
}

/// The error for a verb that does not draw.
pub fn no_picture(format: &Format) -> Error {
    Error::new(Code::UsageError, format!("this command has no -o {}", format.word()))
        .detail(format!("it has {}", super::format::NAMES.join(", ")))
        .remedy("Pictures are drawn by `mesheryctl pattern graph`.")
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.fold(String::new(), |text, item| text + &item + "\n")
}

fn with_line_feed(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A field that some rows lack is `<none>`, as in kubectl; one that every row lacks is a mistake.
fn custom(columns: &[CustomColumn], records: &[Value]) -> Result<Grid> {
    let mut rows = vec![Vec::with_capacity(columns.len()); records.len()];
    for column in columns {
        let mut missing = 0;
        for (row, record) in rows.iter_mut().zip(records) {
            let found = column.path.select(record);
            missing += usize::from(found.is_empty());
            let text: Vec<String> = found.into_iter().map(jsonpath::plain).collect();
            row.push(if text.is_empty() { "<none>".to_owned() } else { text.join(",") });
        }
        if missing > 0 && missing == records.len() {
            return Err(Error::new(Code::FieldNotFound, format!("no row has the field of column {}", column.title))
                .remedy("Look at the fields with -o json, or at the schema with `mesheryctl schema COMMAND`."));
        }
    }
    Ok(table::Grid { titles: columns.iter().map(|column| column.title.clone()).collect(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered() -> Rendered {
        let rows = [json!({"name": "a", "id": 1}), json!({"name": "b"})];
        Rendered::list(
            "things",
            &rows,
            &[
                Column::new("NAME", |row: &Value| jsonpath::plain(&row["name"])),
                Column::wide("ID", |row: &Value| row["id"].as_u64().map(|id| id.to_string()).unwrap_or_default()),
            ],
        )
        .unwrap()
        .names(["a", "b"])
    }

    fn text(rendered: &Rendered, format: &str) -> Result<String> {
        rendered.text(&Format::parse(format).unwrap(), Look::default())
    }

    #[test]
    fn every_form_shows_the_same_value() {
        let list = rendered();
        assert_eq!(text(&list, "table").unwrap(), "NAME\na\nb\n");
        assert_eq!(text(&list, "wide").unwrap(), "NAME  ID\na     1\nb     -\n");
        assert_eq!(text(&list, "jsonl").unwrap(), "{\"name\":\"a\",\"id\":1}\n{\"name\":\"b\"}\n");
        assert_eq!(text(&list, "name").unwrap(), "a\nb\n");
        assert_eq!(text(&list, "jsonpath={[*].name}").unwrap(), "a b\n");
        assert_eq!(text(&list, "custom-columns=N:.name,I:.id").unwrap(), "N  I\na  1\nb  <none>\n");
        assert_eq!(text(&list, "custom-columns=N:.nope").unwrap_err().code(), Code::FieldNotFound);
        let json: Value = serde_json::from_str(&text(&list, "json").unwrap()).unwrap();
        let yaml: Value = yaml::read(&text(&list, "yaml").unwrap()).unwrap();
        assert_eq!(json, yaml);
    }

    #[test]
    fn records_are_what_lines_and_columns_show_but_not_json() {
        let whole = Rendered::one(&json!({"rows": [{"name": "a"}]}), "a").unwrap();
        let whole = whole.records(&[json!({"name": "a"})]).unwrap();
        assert_eq!(text(&whole, "jsonl").unwrap(), "{\"name\":\"a\"}\n");
        assert_eq!(text(&whole, "custom-columns=N:.name").unwrap(), "N\na\n");
        assert!(text(&whole, "json").unwrap().contains("rows"));
    }

    #[test]
    fn an_empty_list_is_definite() {
        let empty = Rendered::list("things", &[] as &[Value], &[]).unwrap();
        assert_eq!(text(&empty, "json").unwrap(), "[]\n");
        assert_eq!(text(&empty, "jsonl").unwrap(), "");
        assert_eq!(text(&empty, "table").unwrap(), "");
        assert_eq!(empty.empty_note(), Some("No things found."));
    }
}
