//! One SQL statement, declared once and used on both databases.
//!
//! The text is written for PostgreSQL. What SQLite wants differently is two things only, done by
//! [`Statement::for_sqlite`] once per statement and connection: `$1` becomes `?1`, and a closing `FOR UPDATE`
//! (decision 3: "this row is loaded in order to change it") is cut off, since the one writer of a SQLite file
//! holds every lock there is.

/// One SQL statement. Made by [`statements!`](crate::statements), always `static`: its address is its name in
/// the caches of prepared statements.
#[derive(Debug)]
pub struct Statement {
    /// The constant's name, for logs and faults.
    pub name: &'static str,
    /// The text with `$1` placeholders.
    pub sql: &'static str,
}

impl Statement {
    /// The text for SQLite, headed by the service's name: rusqlite's cache is keyed by text, and a statement
    /// that one service may prepare must not be found there by another (decision 5).
    pub(crate) fn for_sqlite(&self, service: &str) -> String {
        format!("/* {service} */ {}", placeholders_for_sqlite(without_row_lock(self.sql)))
    }

    /// Whether it holds its rows fast, which no read transaction may: on PostgreSQL the server refuses it.
    pub(crate) fn locks_rows(&self) -> bool {
        without_row_lock(self.sql).len() < self.sql.trim_end().len()
    }

    /// What the caches know it by.
    pub(crate) fn address(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

fn without_row_lock(sql: &str) -> &str {
    let sql = sql.trim_end();
    let sql = sql.strip_suffix("SKIP LOCKED").map_or(sql, str::trim_end);
    sql.strip_suffix("FOR UPDATE").map_or(sql, str::trim_end)
}

/// `$1` → `?1` outside of quoted text (a JSON path may hold a dollar sign).
fn placeholders_for_sqlite(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut quoted = false;
    let mut rest = sql.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '\'' {
            quoted = !quoted;
        }
        let starts_placeholder = character == '$' && rest.peek().is_some_and(char::is_ascii_digit);
        text.push(if starts_placeholder && !quoted { '?' } else { character });
    }
    text
}

/// Declares the statements of a service: a `pub(crate) static` for each, and `STATEMENTS` that lists them all.
///
/// ```ignore
/// store::statements! {
///     /// A new order.
///     INSERT_ORDER = "INSERT INTO orders (id, number) VALUES ($1, $2)";
///     /// Loads an order in order to change it.
///     LOCK_ORDER = "SELECT id, number FROM orders WHERE id = $1 FOR UPDATE";
/// }
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$attribute:meta])* $name:ident = $sql:expr;)+) => {
        $(
            $(#[$attribute])*
            pub(crate) static $name: $crate::Statement = $crate::Statement { name: stringify!($name), sql: $sql };
        )+
        /// Every statement declared here, for the test that prepares them all on both databases.
        pub(crate) static STATEMENTS: &[&$crate::Statement] = &[$(&$name),+];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(sql: &'static str) -> String {
        Statement { name: "S", sql }.for_sqlite("orders")
    }

    #[test]
    fn placeholders_are_rewritten_and_quoted_text_is_left_alone() {
        assert_eq!(
            sqlite("SELECT a, '$1 it''s $2' FROM t WHERE b = $1 AND c = $12"),
            "/* orders */ SELECT a, '$1 it''s $2' FROM t WHERE b = ?1 AND c = ?12"
        );
    }

    #[test]
    fn the_row_lock_is_cut_off_at_the_end_only() {
        assert_eq!(sqlite("SELECT a FROM t WHERE b = $1\n FOR UPDATE\n"), "/* orders */ SELECT a FROM t WHERE b = ?1");
        assert_eq!(sqlite("SELECT a FROM t FOR UPDATE SKIP LOCKED"), "/* orders */ SELECT a FROM t");
        assert_eq!(sqlite("SELECT 'FOR UPDATE' FROM t"), "/* orders */ SELECT 'FOR UPDATE' FROM t");
    }

    #[test]
    fn the_same_text_of_two_services_is_two_statements() {
        let statement = Statement { name: "S", sql: "SELECT 1" };

        assert_ne!(statement.for_sqlite("orders"), statement.for_sqlite("payments"));
    }
}
