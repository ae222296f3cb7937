//! `infra/lake.yaml`: a table per class with the columns that the code writes, where it writes them.

use std::collections::{BTreeMap, BTreeSet};

use casbah_lake::layout;
use casbah_model::collection::Collection;
use casbah_ocsf::class::Class;
use casbah_tables::{Field, Shape, collection_fields, fields};
use serde_json::Value;

use super::document::{document, resources, section, text, words};

fn lake() -> Value {
    document("infra/lake.yaml")
}

/// `User Access Management` is `user_access_management`.
fn table_name(class: Class) -> String {
    class.name().to_lowercase().replace(' ', "_")
}

/// What tables of inventories are called.
fn list_name(collection: Collection, part: &str) -> String {
    format!("{}_{part}", collection.name().replace('-', "_"))
}

/// Every table, with the attributes that the code writes.
fn written() -> BTreeMap<String, Vec<Field>> {
    let classes = Class::ALL.map(|class| (table_name(class), fields(class)));
    let lists = Collection::ALL.into_iter().flat_map(|collection| {
        ["current", "ended"]
            .map(|part| (list_name(collection, part), collection_fields(collection)))
    });
    classes.into_iter().chain(lists).collect()
}

/// A type as Glue has it.
fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Text | Shape::Json => "string".into(),
        Shape::Int => "int".into(),
        Shape::Long => "bigint".into(),
        Shape::Flag => "boolean".into(),
        Shape::Moment | Shape::When => "timestamp".into(),
        Shape::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|Field { name, shape }| format!("{name}:{}", kind(shape)))
                .collect();
            format!("struct<{}>", fields.join(","))
        }
        Shape::List(item) => format!("array<{}>", kind(item)),
    }
}

#[test]
fn tables_have_the_columns_that_the_code_writes() {
    let lake = lake();
    let tables: BTreeMap<&str, &Value> = resources(&lake, "AWS::Glue::Table")
        .into_iter()
        .map(|(_, table)| {
            let name = table["TableInput"]["Name"].as_str().expect("a name");
            (name, &table["TableInput"])
        })
        .collect();
    let written = written();
    let names: BTreeSet<&str> = tables.keys().copied().collect();
    assert_eq!(names, written.keys().map(String::as_str).collect());
    let mut wrong = String::new();
    for (name, written) in written {
        let columns = &tables[name.as_str()]["StorageDescriptor"]["Columns"];
        let found = columns.as_array().expect("columns").iter().map(|column| {
            let text = |part: &str| column[part].as_str().expect("text").to_string();
            (text("Name"), text("Type"))
        });
        let written = written
            .iter()
            .map(|field| (field.name.to_string(), kind(&field.shape)));
        if !found.eq(written.clone()) {
            wrong += &format!("\n{name}:\n          Columns:");
            for (name, kind) in written {
                let quote = if kind.contains('<') { "\"" } else { "" };
                wrong += &format!("\n            - {{Name: {name}, Type: {quote}{kind}{quote}}}");
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "infra/lake.yaml should have these columns:{wrong}"
    );
}

#[test]
fn tables_are_looked_for_where_they_are_written() {
    let lake = lake();
    for (_, table) in resources(&lake, "AWS::Glue::Table") {
        let table = &table["TableInput"];
        let place = words(&table["Parameters"]["storage.location.template"]);
        let begin = words(&table["StorageDescriptor"]["Location"]);
        assert!(place.starts_with(begin), "{begin}");
        let keys = table["PartitionKeys"].as_array().expect("keys").iter();
        let keys: Vec<&str> = keys
            .map(|key| key["Name"].as_str().expect("a name"))
            .collect();
        let class = Class::ALL
            .into_iter()
            .find(|class| table["Name"] == table_name(*class));
        let Some(class) = class else {
            assert_list_place(table, place, &keys);
            continue;
        };
        let prefix = layout::table_prefix(class.uid(), "${AWS::Region}", "${!connection}");
        assert_eq!(
            place,
            format!("s3://${{Bucket}}/{prefix}eventDay=${{!eventday}}/")
        );
        let is_named = |uid: u32| {
            table["Description"]
                .as_str()
                .unwrap_or("")
                .contains(&uid.to_string())
        };
        assert!(is_named(class.uid()), "{place}");
        assert_eq!(keys, ["connection", "eventday"]);
    }
}

fn assert_list_place(table: &Value, place: &str, keys: &[&str]) {
    let of = |part| {
        let mut all = Collection::ALL.into_iter();
        all.find(|collection| table["Name"] == list_name(*collection, part))
    };
    let (prefix, expected) = match (of("current"), of("ended")) {
        (Some(list), None) => (
            layout::edition_prefix(list, "${!connection}"),
            vec!["connection"],
        ),
        (None, Some(list)) => (
            layout::ended_prefix(list, "${!connection}") + "day=${!day}/",
            vec!["connection", "day"],
        ),
        _ => panic!("{}: a table of what?", table["Name"]),
    };
    assert_eq!(place, format!("s3://${{Bucket}}/{prefix}"));
    assert_eq!(keys, expected);
}

#[test]
fn the_page_tells_of_every_parameter_output_and_view() {
    let page = text("docs/lake.md");
    for name in ["infra/lake.yaml", "infra/security-lake.yaml"] {
        let template = document(name);
        let parameters = section(&template, "Parameters");
        for (parameter, found) in &parameters {
            let is_bounded = !found["AllowedPattern"].is_null() || !found["MaxValue"].is_null();
            assert!(is_bounded, "{name}: {parameter} takes anything");
        }
        for (word, _) in parameters.iter().chain(&section(&template, "Outputs")) {
            assert!(page.contains(&format!("`{word}`")), "{name}: {word}");
        }
        for (_, view) in resources(&template, "AWS::Athena::NamedQuery") {
            let view_name = view["Name"].as_str().expect("a name");
            assert!(page.contains(&format!("`{view_name}`")), "{view_name}");
            let begin = format!("CREATE OR REPLACE VIEW {view_name} AS\n");
            let query = view["QueryString"].as_str().expect("SQL");
            assert!(query.starts_with(&begin), "{view_name}");
        }
    }
}
