//! One event, one line. What is logged while a request is answered names the request.

use std::fmt;
use std::sync::Arc;

use kernel::Clock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::RequestContext;

/// How a line is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// `{"time":…,"level":…,"part":…,"message":…,…}`, the fields beside these four.
    Json,
    /// `time LEVEL part: message field=value …`.
    Text,
}

/// The writer of lines.
#[derive(Debug)]
pub(super) struct Line {
    form: Form,
    clock: Arc<dyn Clock>,
}

impl Line {
    pub(super) fn new(form: Form, clock: Arc<dyn Clock>) -> Self {
        Self { form, clock }
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(request) = RequestContext::current() {
            fields.others.push(("request.id".to_owned(), request.id.text().as_str().into()));
        }
        let head = event.metadata();
        let time = self.clock.now();
        match self.form {
            Form::Json => {
                let mut line = Map::new();
                line.insert("time".to_owned(), time.to_string().into());
                line.insert("level".to_owned(), head.level().as_str().into());
                line.insert("part".to_owned(), head.target().into());
                line.insert("message".to_owned(), fields.message.into());
                for (name, value) in fields.others {
                    line.entry(name).or_insert(value);
                }
                writeln!(writer, "{}", Value::Object(line))
            }
            Form::Text => {
                write!(writer, "{time} {:5} {}: {}", head.level().as_str(), head.target(), Plain(&fields.message))?;
                for (name, value) in &fields.others {
                    match value {
                        Value::String(text) => write!(writer, " {name}={}", Plain(text))?,
                        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                            write!(writer, " {name}={value}")?;
                        }
                    }
                }
                writeln!(writer)
            }
        }
    }
}

/// Text that stays on its line: control characters (line breaks, escapes of terminals) are written as `\u{…}`.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, tail) = rest.split_at(at);
            let mut characters = tail.chars();
            let control = characters.next().expect("found at this position");
            write!(f, "{plain}{}", control.escape_default())?;
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(String, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => self.others.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
