//! Tables of events: rows of data under the columns that templates show.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A row of a [`Table`], with the columns in which tables of such rows are shown.
pub trait Row {
    /// The columns, from left to right.
    const COLUMNS: &'static [StandardColumn];
}

/// A column of a kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardColumn {
    /// The heading.
    pub label: &'static str,
    /// The key of the cell in a row.
    pub id: &'static str,
    /// How a cell is shown, as `human-bytes`; as it is when there is none.
    pub renderer: Option<&'static str>,
}

impl StandardColumn {
    /// A column whose cells are shown as they are.
    pub(crate) const fn plain(label: &'static str, id: &'static str) -> Self {
        StandardColumn {
            label,
            id,
            renderer: None,
        }
    }

    /// A column whose cells go through a renderer of the templates.
    pub(crate) const fn rendered(
        label: &'static str,
        id: &'static str,
        renderer: &'static str,
    ) -> Self {
        StandardColumn {
            label,
            id,
            renderer: Some(renderer),
        }
    }
}

/// The columns that a table is shown in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableSchema {
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// The heading.
    pub label: String,
    /// The key of the cell in a row.
    pub id: String,
    /// How a cell is shown: `human-bytes`, `duration` or `timestamp`; as it is when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renderer: Option<String>,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Rows, and the columns that they are shown in.
///
/// It is read from a list of rows, or from `{"schema": …, "data": [rows]}`,
/// where `schema` may be missing; it is written as the latter, always with its
/// schema: so templates want it.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// The columns, where they are others than those of [`Row::COLUMNS`].
    pub schema: Option<TableSchema>,
}

impl<R> Table<R> {
    /// These rows, shown in the columns of their kind.
    pub fn of(rows: impl IntoIterator<Item = R>) -> Self {
        Table {
            rows: rows.into_iter().collect(),
            schema: None,
        }
    }
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Table::of([])
    }
}

impl<R> Deref for Table<R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        &self.rows
    }
}

fn standard(columns: &[StandardColumn]) -> TableSchema {
    let column = |column: &StandardColumn| Column {
        label: column.label.to_owned(),
        id: column.id.to_owned(),
        renderer: column.renderer.map(str::to_owned),
        other: Map::new(),
    };
    TableSchema {
        columns: columns.iter().map(column).collect(),
        other: Map::new(),
    }
}

impl<R: Row + Serialize> Serialize for Table<R> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a, R> {
            schema: Cow<'a, TableSchema>,
            data: &'a [R],
        }
        let schema = match &self.schema {
            Some(schema) => Cow::Borrowed(schema),
            None => Cow::Owned(standard(R::COLUMNS)),
        };
        let data = &self.rows;
        Written { schema, data }.serialize(to)
    }
}

impl<'de, R: Row + Deserialize<'de>> Deserialize<'de> for Table<R> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Read<R> {
            Rows(Vec<R>),
            Whole {
                schema: Option<TableSchema>,
                data: Vec<R>,
            },
        }
        Ok(match Read::deserialize(from)? {
            Read::Rows(rows) => Table::of(rows),
            Read::Whole { schema, data } => Table {
                rows: data,
                // Equal to the standard is not another.
                schema: schema.filter(|schema| *schema != standard(R::COLUMNS)),
            },
        })
    }
}

impl<R: JsonSchema> JsonSchema for Table<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("TableOf{}", R::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{}::TableOf<{}>", module_path!(), R::schema_id()).into()
    }

    /// A list of rows, or an object with the columns and the rows: a keyword
    /// for lists says nothing of objects, so one schema holds both.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let row = generator.subschema_for::<R>();
        let mut columns = generator.subschema_for::<Option<TableSchema>>();
        let doc = "The columns; those of the kind when it is missing.";
        columns.insert("description".to_owned(), doc.into());
        json_schema!({
            "description": "A list of rows, or the rows in `data` beside the columns in `schema`.",
            "type": ["array", "object"],
            "items": row,
            "properties": {
                "schema": columns,
                "data": {"description": "The rows.", "type": "array", "items": row},
            },
            "required": ["data"],
        })
    }
}
