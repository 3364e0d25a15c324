//! The names of broken unique constraints.
//!
//! SQLite says which columns clash (`orders.shop_id, orders.number`), PostgreSQL says the constraint's name, and
//! code wants one of them. So the name is looked up: an index by its own name, a table constraint by the
//! `CONSTRAINT` clause in the stored text of the table, an unnamed one as PostgreSQL would have called it.

use rusqlite::Connection;

/// The name of the unique constraint of these columns, as SQLite lists them in its message.
pub(crate) fn unique(connection: &Connection, clash: &str) -> String {
    // An index over expressions is named by SQLite itself.
    if let Some(index) = clash.strip_prefix("index '") {
        return index.trim_end_matches('\'').to_owned();
    }
    let (table, columns) = table_and_columns(clash);
    let named = index_name(connection, table, &columns).or_else(|| clause_name(connection, table, &columns, "UNIQUE"));
    named.unwrap_or_else(|| format!("{table}_{}_key", columns.join("_")))
}

/// The name of the primary key of these columns.
pub(crate) fn primary_key(connection: &Connection, clash: &str) -> String {
    let (table, columns) = table_and_columns(clash);
    clause_name(connection, table, &columns, "PRIMARY").unwrap_or_else(|| format!("{table}_pkey"))
}

/// `orders.shop_id, orders.number` → `orders`, `[shop_id, number]`
fn table_and_columns(clash: &str) -> (&str, Vec<&str>) {
    let table = clash.split('.').next().unwrap_or(clash);
    let columns = clash.split(", ").map(|column| column.split_once('.').map_or(column, |(_, name)| name)).collect();
    (table, columns)
}

/// The name of a `CREATE UNIQUE INDEX` over exactly these columns.
fn index_name(connection: &Connection, table: &str, columns: &[&str]) -> Option<String> {
    let sql = "SELECT list.name, (SELECT group_concat(name, ',') FROM (SELECT info.name FROM \
               pragma_index_info(list.name) AS info ORDER BY info.seqno)) FROM pragma_index_list(?1) AS list \
               WHERE list.\"unique\" = 1 AND list.origin = 'c'";
    let mut statement = connection.prepare(sql).ok()?;
    let mut rows = statement.query([table]).ok()?;
    let wanted = columns.join(",");
    while let Some(row) = rows.next().ok()? {
        if row.get::<_, Option<String>>(1).ok()?.as_deref() == Some(wanted.as_str()) {
            return row.get(0).ok();
        }
    }
    None
}

/// The name in `CONSTRAINT name UNIQUE (columns)` of the table's stored text.
fn clause_name(connection: &Connection, table: &str, columns: &[&str], kind: &str) -> Option<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let text: String = connection.query_row(sql, [table], |row| row.get(0)).ok()?;
    named_clause(&tokens(&text), columns, kind)
}

fn named_clause(tokens: &[&str], columns: &[&str], kind: &str) -> Option<String> {
    let mut column = "";
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate() {
        match *token {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        // A column's own constraint stands behind its name, which follows the opening or a comma of the list.
        if depth == 1 && matches!(*token, "(" | ",") {
            column = tokens.get(place + 1).copied().unwrap_or_default();
        }
        if !token.eq_ignore_ascii_case("CONSTRAINT") || !tokens.get(place + 2)?.eq_ignore_ascii_case(kind) {
            continue;
        }
        let listed = listed_columns(&tokens[place + 3..]);
        let covers = if listed.is_empty() { columns == [column] } else { columns == listed };
        if covers {
            return tokens.get(place + 1).map(|name| (*name).to_owned());
        }
    }
    None
}

/// The columns in the parentheses that follow `UNIQUE` or `PRIMARY KEY`; none for a column's own constraint.
fn listed_columns<'t>(tokens: &[&'t str]) -> Vec<&'t str> {
    let after_key = tokens.iter().skip(usize::from(tokens.first().is_some_and(|t| t.eq_ignore_ascii_case("KEY"))));
    let mut tokens = after_key.copied();
    if tokens.next() != Some("(") {
        return Vec::new();
    }
    tokens.take_while(|token| *token != ")").filter(|token| *token != ",").collect()
}

/// Words and punctuation of SQL text; quotes and comments are left out.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            quoted.find('\'').map_or(rest.len(), |end| end + 2)
        } else if is_word(first) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push(&rest[..length]);
            length
        } else {
            if matches!(first, '(' | ')' | ',') {
                tokens.push(&rest[..1]);
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE orders (
                 id TEXT CONSTRAINT orders_id PRIMARY KEY, -- CONSTRAINT no UNIQUE (id)
                 number BIGINT NOT NULL CHECK (number IN (1, 2)) CONSTRAINT orders_number_unique UNIQUE,
                 shop TEXT DEFAULT 'CONSTRAINT x UNIQUE (shop)', day TEXT, slot TEXT UNIQUE,
                 CONSTRAINT orders_shop_day UNIQUE (shop, day), UNIQUE (day, slot));
             CREATE UNIQUE INDEX orders_by_slot ON orders (shop, slot);
             CREATE TABLE plain (a TEXT, b TEXT, PRIMARY KEY (a, b));";
        connection.execute_batch(tables).unwrap();
        connection
    }

    #[test]
    fn named_constraints_and_indexes_are_found_by_their_columns() {
        let connection = database();

        assert_eq!(unique(&connection, "orders.number"), "orders_number_unique");
        assert_eq!(unique(&connection, "orders.shop, orders.day"), "orders_shop_day");
        assert_eq!(unique(&connection, "orders.shop, orders.slot"), "orders_by_slot");
        assert_eq!(unique(&connection, "index 'orders_folded'"), "orders_folded");
        assert_eq!(primary_key(&connection, "orders.id"), "orders_id");
    }

    #[test]
    fn unnamed_ones_are_called_as_postgresql_calls_them() {
        let connection = database();

        assert_eq!(unique(&connection, "orders.slot"), "orders_slot_key");
        assert_eq!(unique(&connection, "orders.day, orders.slot"), "orders_day_slot_key");
        assert_eq!(primary_key(&connection, "plain.a, plain.b"), "plain_pkey");
    }
}
