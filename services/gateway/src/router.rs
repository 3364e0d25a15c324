//! Finds the row of a request.

use http::{HeaderValue, Method};
use service::{Metrics, RouteMetrics};

use crate::policy::Row;

/// Who looks at the query of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryOf {
    /// What answers: it documents parameters, or is a page that takes whatever others append to its address.
    Reader,
    /// The gateway: nothing is documented, so every parameter is unknown.
    Nobody,
}

/// A row with its counters.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) row: Row,
    pub(crate) query: QueryOf,
    pub(crate) metrics: RouteMetrics,
}

/// The rows of one path.
#[derive(Debug)]
struct Path {
    routes: Vec<Route>,
    allowed: HeaderValue,
}

/// All rows by path.
#[derive(Debug)]
pub(crate) struct Router {
    paths: matchit::Router<Path>,
    unmatched: RouteMetrics,
}

/// The method and the route of requests without a row in the metrics: addresses that somebody tries, counted as one.
const UNMATCHED: &str = "unmatched";

/// What was found.
#[derive(Debug)]
pub(crate) enum Found<'r> {
    /// The row.
    Route(&'r Route),
    /// The path exists, the method does not; what would.
    OtherMethods(&'r HeaderValue),
    /// No such path.
    Nothing,
}

impl Router {
    /// The router of a table, told of each row who reads its query.
    pub(crate) fn new(table: &[Row], metrics: &Metrics, query: impl Fn(&Row) -> QueryOf) -> Self {
        let mut router = matchit::Router::new();
        let mut paths: Vec<&'static str> = table.iter().map(|row| row.path).collect();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            let rows = table.iter().filter(|row| row.path == path);
            let route = |row: &Row| {
                let metrics = metrics.route(row.method.as_str(), path);
                Route { row: row.clone(), query: query(row), metrics }
            };
            let routes: Vec<Route> = rows.map(route).collect();
            let methods: Vec<&str> = routes.iter().flat_map(|route| with_head(&route.row.method)).collect();
            let allowed = HeaderValue::from_str(&methods.join(", ")).expect("methods are visible ASCII");
            router.insert(path, Path { routes, allowed }).expect("the paths of the table do not contradict each other");
        }
        Self { paths: router, unmatched: metrics.route(UNMATCHED, UNMATCHED) }
    }

    /// The row of a method and a path; `HEAD` is asked of `GET`.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        match found.value.routes.iter().find(|route| route.row.method == *wanted) {
            Some(route) => Found::Route(route),
            None => Found::OtherMethods(&found.value.allowed),
        }
    }

    /// Where requests are counted that have no row.
    pub(crate) fn unmatched(&self) -> &RouteMetrics {
        &self.unmatched
    }
}

fn with_head(method: &Method) -> Vec<&str> {
    if *method == Method::GET { vec!["GET", "HEAD"] } else { vec![method.as_str()] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::TABLE;

    fn row_of(method: &Method, path: &str) -> Option<&'static str> {
        let metrics = Metrics::new();
        let router = Router::new(TABLE, &metrics, |_| QueryOf::Reader);
        match router.find(method, path) {
            Found::Route(route) => Some(route.row.path),
            Found::OtherMethods(_) | Found::Nothing => None,
        }
    }

    #[test]
    fn a_fixed_word_goes_before_an_id() {
        assert_eq!(row_of(&Method::POST, "/api/v1/orders/quote"), Some("/api/v1/orders/quote"));
        assert_eq!(row_of(&Method::GET, "/api/v1/orders/ord_1"), Some("/api/v1/orders/{id}"));
    }

    #[test]
    fn other_spellings_of_a_path_are_other_paths() {
        for path in [
            "/api/v1/orders/",
            "/API/v1/orders",
            "//api/v1/orders",
            "/api/v1/orders;a=b",
            "/api/v1/./orders",
            "/api%2fv1/orders",
        ] {
            assert_eq!(row_of(&Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let metrics = Metrics::new();
        let router = Router::new(TABLE, &metrics, |_| QueryOf::Reader);

        let Found::OtherMethods(allowed) = router.find(&Method::DELETE, "/api/v1/orders") else { panic!("not found") };

        assert_eq!(allowed, "GET, HEAD, POST");
    }

    #[test]
    fn every_row_finds_itself() {
        for row in TABLE {
            let path = row
                .path
                .replace("{id}", "x_1")
                .replace("{item_id}", "y_1")
                .replace("{provider}", "sandbox")
                .replace("{*page}", "index.html");
            assert_eq!(row_of(&row.method, &path), Some(row.path));
        }
    }
}
