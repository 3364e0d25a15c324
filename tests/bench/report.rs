//! The rows that are printed and kept.

use serde_json::{Value, json};

use crate::load::Measured;
use crate::machine;

/// All rows of one run.
pub(crate) struct Report {
    rows: Vec<Value>,
}

impl Report {
    pub(crate) fn new() -> Self {
        println!("{}", machine::describe());
        Self { rows: Vec::new() }
    }

    /// Keeps and prints one row; `more` are its further figures.
    pub(crate) fn row(&mut self, name: &str, engine: &str, more: Value) {
        let Value::Object(mut row) = more else { panic!("{name}: figures have names") };
        let figures: Vec<String> = row.iter().map(|(key, value)| format!("{key} {value}")).collect();
        row.insert("name".to_owned(), json!(name));
        row.insert("engine".to_owned(), json!(engine));
        println!("{name:<24} {engine:<9} {}", figures.join("  "));
        self.rows.push(Value::Object(row));
    }

    /// The row of a load.
    pub(crate) fn load(&mut self, name: &str, engine: &str, measured: &Measured, more: Value) {
        let mut figures = measured.figures();
        if let (Value::Object(figures), Value::Object(more)) = (&mut figures, more) {
            figures.extend(more);
        }
        self.row(name, engine, figures);
    }

    /// Writes `target/bench/results.json`.
    pub(crate) fn write(self) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        std::fs::create_dir_all(&folder).unwrap();
        let all = json!({"machine": machine::facts(), "commit": machine::commit(), "rows": self.rows});
        std::fs::write(folder.join("results.json"), format!("{all:#}\n")).unwrap();
        println!("written to target/bench/results.json");
    }
}
