//! The log: one line of JSON per event, with the fields of the spans it happened in.
//!
//! Lambda takes each line of standard output as an event, and reads `timestamp` and `level` from it (Lambda developer
//! guide, "Configuring advanced logging controls"). Fields stand side by side, so that a query names them directly.

use std::fmt::Debug;
use std::io::Write;
use std::sync::Arc;

use casbah_model::ports::Clock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Longer texts are cut; a line of the log has at most 256 KB (Lambda and CloudWatch Logs quotas).
const TEXT_MAX: usize = 4096;

/// Sends events of our own crates from `level` on to standard output, and warnings of everybody else.
///
/// Events of the SDK below a warning would name requests and answers.
pub fn start(level: Level, clock: Arc<dyn Clock>) {
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("casbah", level);
    let lines = Lines {
        clock,
        write: print_line,
    };
    let started = tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init();
    if started.is_err() {
        print_line("{\"level\":\"ERROR\",\"message\":\"the log was started twice\"}");
    }
}

fn print_line(line: &str) {
    // A function whose log is closed has nobody left to tell.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

struct Lines<W> {
    clock: Arc<dyn Clock>,
    write: W,
}

/// The fields of a span, kept with it.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.0.extend(fields.0.clone());
            }
        }
        event.record(&mut line);
        let metadata = event.metadata();
        line.0
            .insert("level".into(), metadata.level().as_str().into());
        line.0.insert("target".into(), metadata.target().into());
        line.0
            .insert("timestamp".into(), self.clock.now().to_string().into());
        (self.write)(&Value::Object(line.0).to_string());
    }
}

impl Fields {
    fn text(&mut self, field: &Field, text: &str) {
        let text: String = text.chars().take(TEXT_MAX).collect();
        self.0.insert(field.name().into(), text.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use std::sync::Mutex;

    #[test]
    fn a_line_has_the_fields_of_its_event_and_of_the_spans_around_it() {
        let written = Arc::new(Mutex::new(Vec::<String>::new()));
        let sink = Arc::clone(&written);
        let lines = Lines {
            clock: Arc::new(SystemClock),
            write: move |line: &str| sink.lock().expect("no panic").push(line.into()),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let outer = tracing::info_span!("invocation", request_id = "r-1", version = 1_u64);
            let _outer = outer.enter();
            let inner = tracing::info_span!("message", connection = "contoso", version = 7_u64);
            let _inner = inner.enter();
            tracing::warn!(records = 3, text = %"x".repeat(9999), "two\nlines");
        });
        let written = written.lock().expect("no panic");
        assert_eq!(written.len(), 1);
        assert!(!written[0].contains('\n'));
        let line: Value = serde_json::from_str(&written[0]).expect("JSON");
        for (name, expected) in [
            ("level", "WARN".into()),
            ("message", "two\nlines".into()),
            ("request_id", "r-1".into()),
            ("connection", "contoso".into()),
            ("version", Value::from(7)),
            ("records", Value::from(3)),
        ] {
            assert_eq!(line[name], expected, "{name}");
        }
        assert_eq!(line["text"].as_str().map(str::len), Some(TEXT_MAX));
        assert!(
            line["timestamp"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
    }
}
