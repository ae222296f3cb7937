//! The columns of a table as Parquet has them: attributes become a tree, whose leaves are columns with levels.

use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{Type, TypePtr};

use crate::schema::{Field, Shape};

/// A table.
pub(crate) struct Table {
    pub(crate) root: Object,
    pub(crate) columns: Vec<Column>,
    pub(crate) schema: TypePtr,
}

/// A column.
#[derive(Debug)]
pub(crate) struct Column {
    /// Names from the outermost attribute on, with a dot between.
    pub(crate) path: String,
    pub(crate) kind: Physical,
    /// The levels of an entry that has a value, and of one that goes on with the innermost list.
    pub(crate) definition: u8,
    pub(crate) repetition: u8,
    /// Whether its values are often the same.
    pub(crate) repeats: bool,
}

/// An attribute and what is in it.
pub(crate) enum Node {
    Leaf(Leaf),
    Object(Object),
    List(Box<List>),
}

pub(crate) struct Leaf {
    pub(crate) column: usize,
    pub(crate) shape: Shape,
    /// The definition level of a value.
    pub(crate) definition: u8,
}

pub(crate) struct Object {
    pub(crate) names: Vec<&'static str>,
    pub(crate) members: Vec<Node>,
    pub(crate) columns: Range<usize>,
    /// The definition level of an object that is there.
    pub(crate) definition: u8,
}

pub(crate) struct List {
    pub(crate) item: Node,
    pub(crate) columns: Range<usize>,
    /// The definition level of a list that is there and has no item.
    pub(crate) definition: u8,
    /// The repetition level of every item but the first.
    pub(crate) repetition: u8,
}

impl Table {
    pub(crate) fn new(fields: &[Field]) -> Arc<Table> {
        let mut columns = vec![];
        let mut path = vec![];
        let root = object(fields, &mut path, Level::default(), &mut columns);
        let schema = Type::group_type_builder("schema").with_fields(types(fields));
        Arc::new(Table {
            root,
            columns,
            schema: Arc::new(schema.build().expect("attributes are a schema")),
        })
    }

    /// The column with this path.
    pub(crate) fn column(&self, path: &str) -> usize {
        let place = self.columns.iter().position(|column| column.path == path);
        place.expect("a column of this table")
    }
}

impl Node {
    /// The definition level of what is around it, when that is there and this is not.
    pub(crate) fn outside(&self) -> u8 {
        match self {
            Node::Leaf(leaf) => leaf.definition - 1,
            Node::Object(object) => object.definition - 1,
            Node::List(list) => list.definition - 1,
        }
    }

    pub(crate) fn columns(&self) -> Range<usize> {
        match self {
            Node::Leaf(leaf) => leaf.column..leaf.column + 1,
            Node::Object(object) => object.columns.clone(),
            Node::List(list) => list.columns.clone(),
        }
    }
}

/// How deep an attribute lies.
#[derive(Clone, Copy, Default)]
struct Level {
    definition: u8,
    repetition: u8,
}

impl Level {
    fn optional(self) -> Level {
        Level {
            definition: self.definition + 1,
            ..self
        }
    }

    fn repeated(self) -> Level {
        Level {
            definition: self.definition + 1,
            repetition: self.repetition + 1,
        }
    }
}

fn object(
    fields: &[Field],
    path: &mut Vec<&'static str>,
    level: Level,
    columns: &mut Vec<Column>,
) -> Object {
    let begin = columns.len();
    let mut members = vec![];
    for field in fields {
        path.push(field.name);
        members.push(node(&field.shape, path, level.optional(), columns));
        path.pop();
    }
    Object {
        names: fields.iter().map(|field| field.name).collect(),
        members,
        columns: begin..columns.len(),
        definition: level.definition,
    }
}

fn node(
    shape: &Shape,
    path: &mut Vec<&'static str>,
    level: Level,
    columns: &mut Vec<Column>,
) -> Node {
    match shape {
        Shape::Object(fields) => Node::Object(object(fields, path, level, columns)),
        Shape::List(item) => {
            let begin = columns.len();
            let within = level.repeated();
            path.extend(LIST);
            let item = node(item, path, within.optional(), columns);
            path.truncate(path.len() - LIST.len());
            Node::List(Box::new(List {
                item,
                columns: begin..columns.len(),
                definition: level.definition,
                repetition: within.repetition,
            }))
        }
        leaf => {
            columns.push(Column {
                path: path.join("."),
                kind: physical(leaf),
                definition: level.definition,
                repetition: level.repetition,
                repeats: !matches!(leaf, Shape::Json | Shape::Flag),
            });
            Node::Leaf(Leaf {
                column: columns.len() - 1,
                shape: *leaf,
                definition: level.definition,
            })
        }
    }
}

/// Lists of three levels, named as the format says (Apache Parquet, "Logical types: Lists").
const LIST: [&str; 2] = ["list", "element"];

fn types(fields: &[Field]) -> Vec<TypePtr> {
    let typed = |field: &Field| Arc::new(typed(field.name, &field.shape));
    fields.iter().map(typed).collect()
}

fn typed(name: &str, shape: &Shape) -> Type {
    let group = |name| Type::group_type_builder(name).with_repetition(Repetition::OPTIONAL);
    let built = match shape {
        Shape::Object(fields) => group(name).with_fields(types(fields)).build(),
        Shape::List(item) => {
            let [list, element] = LIST;
            let items = group(list)
                .with_repetition(Repetition::REPEATED)
                .with_fields(vec![Arc::new(typed(element, item))])
                .build();
            group(name)
                .with_fields(vec![Arc::new(items.expect("a list is a group"))])
                .with_logical_type(Some(LogicalType::List))
                .with_converted_type(ConvertedType::LIST)
                .build()
        }
        leaf => {
            let (logical, converted) = meaning(leaf);
            Type::primitive_type_builder(name, physical(leaf))
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .with_converted_type(converted)
                .build()
        }
    };
    built.expect("an attribute is a type")
}

fn physical(shape: &Shape) -> Physical {
    match shape {
        Shape::Text | Shape::Json => Physical::BYTE_ARRAY,
        Shape::Int => Physical::INT32,
        Shape::Flag => Physical::BOOLEAN,
        Shape::Long | Shape::Moment | Shape::When => Physical::INT64,
        Shape::Object(_) | Shape::List(_) => unreachable!("they are groups"),
    }
}

fn meaning(shape: &Shape) -> (Option<LogicalType>, ConvertedType) {
    match shape {
        Shape::Text | Shape::Json => (Some(LogicalType::String), ConvertedType::UTF8),
        Shape::Moment | Shape::When => (
            Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            ConvertedType::TIMESTAMP_MILLIS,
        ),
        _ => (None, ConvertedType::NONE),
    }
}
