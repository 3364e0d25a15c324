//! Everything that stands in a database, so that a test can say that nothing was changed.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tokio_postgres::SimpleQueryMessage;

use super::{Place, TestDatabase, with_client};

/// Every row of every table, as text, by the table's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents(BTreeMap<String, Vec<String>>);

impl Contents {
    /// Rows of `self` that `later` lacks (`-`) and rows that it has besides (`+`), each with its table.
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let none = Vec::new();
        let mut found = Vec::new();
        for table in self.0.keys().chain(later.0.keys().filter(|table| !self.0.contains_key(*table))) {
            let (before, after) = (self.0.get(table).unwrap_or(&none), later.0.get(table).unwrap_or(&none));
            let gone = before.iter().filter(|row| after.binary_search(row).is_err());
            found.extend(gone.map(|row| format!("- {table}: {row}")));
            let new = after.iter().filter(|row| before.binary_search(row).is_err());
            found.extend(new.map(|row| format!("+ {table}: {row}")));
        }
        found
    }

    /// What stands in a SQLite file that is not a test database's own.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn of_sqlite_file(file: &Path) -> Self {
        Self(of_sqlite(file).expect("a test's own file can be read"))
    }

    /// The rows that hold this text, each with its table.
    #[must_use]
    pub fn rows_with(&self, text: &str) -> Vec<String> {
        let rows = self.0.iter().flat_map(|(table, rows)| rows.iter().map(move |row| (table, row)));
        rows.filter(|(_, row)| row.contains(text)).map(|(table, row)| format!("{table}: {row}")).collect()
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

impl TestDatabase {
    /// What stands in it at this moment, read beside the store and its fence.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn contents(&self) -> Contents {
        let mut tables = match &self.place {
            Place::Sqlite(_) => of_sqlite(Path::new(&self.url())).expect("a test's own file can be read"),
            Place::Postgres { .. } => of_postgres(&self.url()),
        };
        tables.values_mut().for_each(|rows| rows.sort_unstable());
        Contents(tables)
    }
}

fn of_sqlite(file: &Path) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut names =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut tables = BTreeMap::new();
    for name in names {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let value = |place| row.get_ref(place).map(text_of);
            let values: rusqlite::Result<Vec<String>> = (0..columns).map(value).collect();
            Ok(values?.join(", "))
        })?;
        tables.insert(name, rows.collect::<Result<_, _>>()?);
    }
    Ok(tables)
}

/// Bytes are shown as the text that they may be.
fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn of_postgres(url: &str) -> BTreeMap<String, Vec<String>> {
    let names = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    with_client(url, async |client| {
        let names = texts(&client.simple_query(names).await.expect("the catalogue can be read"), 0);
        let rows_of = |name: &String| format!("SELECT '{name}', t::text FROM {name} AS t");
        let all: Vec<String> = names.iter().map(rows_of).collect();
        let rows = client.simple_query(&all.join(" UNION ALL ")).await.expect("a test's own tables can be read");
        let mut tables: BTreeMap<String, Vec<String>> = names.into_iter().map(|name| (name, Vec::new())).collect();
        for (name, row) in texts(&rows, 0).into_iter().zip(texts(&rows, 1)) {
            tables.entry(name).or_default().push(row);
        }
        tables
    })
}

/// One column of an answer.
pub(super) fn texts(messages: &[SimpleQueryMessage], column: usize) -> Vec<String> {
    let text = |message: &SimpleQueryMessage| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        row.get(column).map(str::to_owned)
    };
    messages.iter().filter_map(text).collect()
}
