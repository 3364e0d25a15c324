//! The matrix as a table for people: `docs/routes.md`.

use std::fmt::Write as _;

use super::{Access, GATEWAY, Reach, Row, TABLE};

/// The table as Markdown, with a heading for each service.
#[must_use]
pub fn routes_table() -> String {
    let mut text = String::from(HEAD);
    let mut heading = "";
    for row in TABLE {
        if row.service != heading {
            heading = row.service;
            write!(text, "\n## {heading}\n\n| method | path | who | what of it |\n|---|---|---|---|\n")
                .expect(INFALLIBLE);
        }
        writeln!(text, "| {} | `{}` | {} | {} |", row.method, row.path, who(row), reach(row)).expect(INFALLIBLE);
    }
    text
}

const INFALLIBLE: &str = "writing to a string does not fail";

const HEAD: &str = "# Routes\n\n\
    Who may call what. Made from the policy table of the gateway, which is also what it enforces; what has no row does\n\
    not exist. The role opens the door; what of it somebody may see or change is in the predicate of the service's query,\n\
    and what is not theirs is not found (404).\n\
    \n\
    Money moves by the hand of who works in the shop: an administrator neither receives nor refunds, unless the role\n\
    was granted to them too. The audit trail then has both, the grant and the deed.\n";

fn who(row: &Row) -> String {
    match row.access {
        Access::Public => "everybody".to_owned(),
        Access::SignedIn => "whoever is signed in".to_owned(),
        Access::Roles(roles) => roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "),
    }
}

fn reach(row: &Row) -> &'static str {
    match row.reach {
        Reach::Anything if row.service == GATEWAY => "",
        Reach::Anything => "everything that is public",
        Reach::OwnOrGrantedShop => "their own; staff, that of the shops they were granted",
        Reach::Own => "their own",
        Reach::GrantedShop => "that of the shops they were granted",
        Reach::Chain => "the whole chain",
    }
}
