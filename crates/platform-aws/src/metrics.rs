//! Figures as lines of the log in the embedded metric format, which CloudWatch turns into metrics.
//!
//! No call and no right is needed for it (CloudWatch user guide, "Specification: Embedded metric format").

use std::io::Write;
use std::sync::Arc;

use casbah_model::ports::{Clock, Metrics, Unit};
use serde_json::{Map, Value, json};

/// Dimension sets have up to 30 members (the specification, "DimensionSet").
const DIMENSIONS_MAX: usize = 30;
/// Values of dimensions have up to 1024 characters (CloudWatch API reference, `Dimension`).
const VALUE_MAX: usize = 1024;

pub struct EmbeddedMetrics {
    namespace: String,
    clock: Arc<dyn Clock>,
}

impl EmbeddedMetrics {
    pub fn new(namespace: &str, clock: Arc<dyn Clock>) -> EmbeddedMetrics {
        EmbeddedMetrics {
            namespace: namespace.into(),
            clock,
        }
    }

    fn line(
        &self,
        name: &str,
        unit: Unit,
        value: f64,
        dimensions: &[(&'static str, &str)],
    ) -> String {
        let dimensions = &dimensions[..dimensions.len().min(DIMENSIONS_MAX)];
        let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
        let unit = match unit {
            Unit::Count => "Count",
            Unit::Seconds => "Seconds",
            Unit::Bytes => "Bytes",
        };
        let mut line = Map::new();
        for (name, value) in dimensions {
            let value: String = value.chars().take(VALUE_MAX).collect();
            line.insert((*name).into(), value.into());
        }
        line.insert(name.into(), value.into());
        let directive = json!({
            "Namespace": self.namespace,
            "Dimensions": [names],
            "Metrics": [{ "Name": name, "Unit": unit }],
        });
        let time = self.clock.now().as_millisecond();
        line.insert(
            "_aws".into(),
            json!({ "Timestamp": time, "CloudWatchMetrics": [directive] }),
        );
        Value::Object(line).to_string()
    }
}

impl Metrics for EmbeddedMetrics {
    fn record(
        &self,
        name: &'static str,
        unit: Unit,
        value: f64,
        dimensions: &[(&'static str, &str)],
    ) {
        // CloudWatch takes no other numbers.
        if !value.is_finite() {
            return;
        }
        let line = self.line(name, unit, value, dimensions);
        // A function whose log is closed has nobody left to tell.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_figure_is_one_line_that_names_its_dimensions() {
        let metrics = EmbeddedMetrics::new("Casbah", Arc::new(SystemClock));
        let line = metrics.line(
            "LagSeconds",
            Unit::Seconds,
            2.5,
            &[("connection", "con\ntoso")],
        );
        assert!(!line.contains('\n'), "{line}");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line["LagSeconds"], 2.5);
        assert_eq!(line["connection"], "con\ntoso");
        assert!(line["_aws"]["Timestamp"].is_i64());
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"],
            json!([{
                "Namespace": "Casbah",
                "Dimensions": [["connection"]],
                "Metrics": [{ "Name": "LagSeconds", "Unit": "Seconds" }],
            }])
        );
    }

    #[test]
    fn a_figure_without_dimensions_has_one_empty_set() {
        let metrics = EmbeddedMetrics::new("Casbah", Arc::new(SystemClock));
        let line = metrics.line("DeadLetters", Unit::Count, 1.0, &[]);
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([[]])
        );
    }
}
