//! Every attribute of every event has a column, so that no row says less than its event.

use casbah_ocsf::Profile;
use casbah_ocsf::class::Class;
use casbah_tables::{Field, Shape, fields};
use serde_json::Value;

use casbah_corpus::mapped;

use crate::records::all_records;

#[test]
fn every_attribute_of_every_event_has_a_column_that_takes_it() {
    let mut missing = vec![];
    for profile in Profile::ALL {
        let records = all_records().into_iter();
        let events = records.map(|(app, raw)| mapped(app, &raw, profile).expect("an event"));
        for event in events
            .chain(crate::actions::events(profile))
            .chain(crate::findings::events(profile))
        {
            let event: Value = serde_json::from_slice(&event).expect("valid JSON");
            let class = event["class_uid"].as_u64().expect("a class") as u32;
            let class = Class::of(class).expect("a class that has a table");
            within(&fields(class), &event, class.name(), &mut missing);
        }
    }
    missing.sort();
    missing.dedup();
    assert_eq!(missing, Vec::<String>::new());
}

fn within(fields: &[Field], object: &Value, path: &str, missing: &mut Vec<String>) {
    for (name, value) in object.as_object().expect("an object") {
        let path = format!("{path}.{name}");
        match fields.iter().find(|field| field.name == name) {
            Some(field) => fits(&field.shape, value, &path, missing),
            None => missing.push(path),
        }
    }
}

fn fits(shape: &Shape, value: &Value, path: &str, missing: &mut Vec<String>) {
    let is_fit = match shape {
        Shape::Json => true,
        Shape::Text => value.is_string(),
        Shape::Int => value
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        Shape::Long => value.is_i64(),
        Shape::Flag => value.is_boolean(),
        Shape::Moment | Shape::When => false,
        Shape::Object(fields) => {
            within(fields, value, path, missing);
            true
        }
        Shape::List(item) => {
            let items = value.as_array().expect("a list");
            for value in items {
                fits(item, value, path, missing);
            }
            true
        }
    };
    if !is_fit {
        missing.push(format!("{path} takes no {value}"));
    }
}
