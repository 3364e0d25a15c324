//! A route that nobody thought about must not be open, and a row must not promise what is not there.

use std::collections::BTreeSet;
use std::fmt;

use super::{GATEWAY, Row};

/// What the table and the services disagree about.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct PolicyGap {
    /// `POST /api/v1/orders (orders)`: served, without a row.
    pub without_row: Vec<String>,
    /// In the table, served by nobody.
    pub without_route: Vec<String>,
    /// Twice in the table.
    pub twice: Vec<String>,
}

impl fmt::Display for PolicyGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the policy table and the routes differ")?;
        let parts =
            [("without a row", &self.without_row), ("without a route", &self.without_route), ("twice", &self.twice)];
        for (what, routes) in parts.into_iter().filter(|(_, routes)| !routes.is_empty()) {
            write!(f, "; {what}: {}", routes.join(", "))?;
        }
        Ok(())
    }
}

/// A route as a service documents it: method, path, service.
pub type Documented = (String, String, &'static str);

/// Compares the table with what the services document.
///
/// # Errors
/// Every difference.
pub fn compare(table: &[Row], documented: &[Documented]) -> Result<(), PolicyGap> {
    let name = |method: &str, path: &str, service: &str| format!("{method} {path} ({service})");
    let mut rows = BTreeSet::new();
    let mut places = BTreeSet::new();
    let mut gap = PolicyGap::default();
    for row in table {
        let name = name(row.method.as_str(), row.service_path(), row.service);
        if !places.insert((row.method.as_str(), row.path)) {
            gap.twice.push(name.clone());
        }
        if row.service != GATEWAY {
            rows.insert(name);
        }
    }
    let routes: BTreeSet<String> =
        documented.iter().map(|(method, path, service)| name(method, path, service)).collect();
    gap.without_row = routes.difference(&rows).cloned().collect();
    gap.without_route = rows.difference(&routes).cloned().collect();
    if gap == PolicyGap::default() { Ok(()) } else { Err(gap) }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::policy::{Access, Reach, Waits};

    fn a_row(path: &'static str) -> Row {
        let (access, reach, waits) = (Access::SignedIn, Reach::Own, Waits::No);
        Row { method: Method::GET, path, service: "orders", access, reach, waits }
    }

    #[test]
    fn a_route_without_a_row_is_named() {
        let routes = [("GET".to_owned(), "/a".to_owned(), "orders"), ("DELETE".to_owned(), "/a".to_owned(), "orders")];

        let gap = compare(&[a_row("/a")], &routes).unwrap_err();

        assert_eq!(gap.without_row, ["DELETE /a (orders)"]);
        assert!(gap.to_string().contains("without a row: DELETE /a (orders)"));
    }

    #[test]
    fn a_row_without_a_route_and_a_row_twice_are_named() {
        let gap = compare(&[a_row("/a"), a_row("/a")], &[]).unwrap_err();

        assert_eq!(gap.without_route, ["GET /a (orders)"]);
        assert_eq!(gap.twice, ["GET /a (orders)"]);
    }

    #[test]
    fn one_path_of_two_services_is_named() {
        let payments = Row { service: "payments", ..a_row("/a") };
        let routes = ["orders", "payments"].map(|service| ("GET".to_owned(), "/a".to_owned(), service));

        let gap = compare(&[a_row("/a"), payments], &routes).unwrap_err();

        assert_eq!(gap.twice, ["GET /a (payments)"]);
    }
}
