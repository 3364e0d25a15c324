//! Everything that is in a database, to see that nothing changed.

use std::collections::BTreeMap;
use std::path::Path;

use testkit::TestDatabase;
use tokio_postgres::NoTls;

/// The rows of each table, as text, sorted.
pub(crate) type Contents = BTreeMap<String, Vec<String>>;

/// Who does which timed work at the moment: not what anybody asked for, and never at rest.
const RESTLESS: &str = "leases";

/// What is in the database of a stage.
pub(crate) fn of(database: &TestDatabase, sqlite_file: &Path) -> Contents {
    if database.is_postgres() { of_postgres(&database.url()) } else { of_sqlite(sqlite_file) }
}

fn of_sqlite(file: &Path) -> Contents {
    let db = rusqlite::Connection::open(file).unwrap();
    let mut names =
        db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows_of = |table: &String| {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let cells = (0..columns).map(|n| format!("{:?}", row.get_ref(n).unwrap()));
            Ok(cells.collect::<Vec<_>>().join(" | "))
        };
        let mut rows: Vec<String> = statement.query_map([], text).unwrap().map(Result::unwrap).collect();
        rows.sort();
        rows
    };
    names.iter().filter(|name| !name.contains(RESTLESS)).map(|name| (name.clone(), rows_of(name))).collect()
}

fn of_postgres(url: &str) -> Contents {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        let mut contents = Contents::new();
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            if table.contains(RESTLESS) {
                continue;
            }
            let rows = client.query(&format!("SELECT t::text FROM {table} AS t ORDER BY 1"), &[]).await.unwrap();
            contents.insert(table, rows.iter().map(|row| row.get(0)).collect());
        }
        drop(client);
        connection.await.unwrap().unwrap();
        contents
    })
}

/// The rows that are there before or after only.
pub(crate) fn difference(before: &Contents, after: &Contents) -> Vec<String> {
    let mut found = Vec::new();
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (none_before, none_after) = (Vec::new(), Vec::new());
        let (old, new) = (before.get(name).unwrap_or(&none_before), after.get(name).unwrap_or(&none_after));
        found.extend(old.iter().filter(|row| !new.contains(row)).map(|row| format!("- {name}: {row}")));
        found.extend(new.iter().filter(|row| !old.contains(row)).map(|row| format!("+ {name}: {row}")));
    }
    found
}
