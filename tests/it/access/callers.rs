//! Everybody who may try: nobody, guests, every role in each reach, and those who were let out.

use http::Method;
use serde_json::{Value, json};
use service::Role;

use crate::business::{Asked, Business, Member};

/// Whom the gateway takes somebody for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Not signed in, or not any more.
    Nobody,
    /// The guest whose things are asked for.
    Anna,
    /// Somebody else.
    Another,
}

/// Where a role is held, seen from the shop whose things are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Here,
    Elsewhere,
    Everywhere,
}

/// Somebody who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) who: Who,
    pub(super) member: Option<Member>,
    grants: Vec<(Role, Scope)>,
}

impl Caller {
    /// Whether one of the roles is held somewhere.
    pub(super) fn holds(&self, roles: &[Role]) -> bool {
        roles.contains(&Role::Guest) || self.grants.iter().any(|(role, _)| roles.contains(role))
    }

    /// Whether one of the roles is held in the shop whose things are asked for.
    pub(super) fn holds_here(&self, roles: &[Role]) -> bool {
        self.grants.iter().any(|(role, scope)| roles.contains(role) && *scope != Scope::Elsewhere)
    }

    pub(super) fn asks(&self, asked: &Asked) -> Asked {
        match &self.member {
            Some(member) => asked.clone().by(&member.token),
            None => asked.clone(),
        }
    }
}

/// The two shops: that of the things which are asked for, and another.
pub(super) struct Shops<'s> {
    pub(super) here: &'s str,
    pub(super) elsewhere: &'s str,
}

/// Everybody, signed in.
pub(super) fn all(business: &Business, admin: &Member, shops: &Shops<'_>) -> Vec<Caller> {
    let mut callers = with_grants(business, admin, shops, &everything_to_hold());
    callers.extend(let_out(business, admin, shops));
    callers
}

/// Guests, and the staff who have most to do with orders: each password is a hash, and most tests need no more.
pub(super) fn some(business: &Business, admin: &Member, shops: &Shops<'_>) -> Vec<Caller> {
    let grants = [
        (Role::Barista, Scope::Here),
        (Role::Barista, Scope::Elsewhere),
        (Role::Manager, Scope::Here),
        (Role::Manager, Scope::Elsewhere),
        (Role::Admin, Scope::Everywhere),
    ];
    with_grants(business, admin, shops, &grants.map(|grant| vec![grant]))
}

fn with_grants(business: &Business, admin: &Member, shops: &Shops<'_>, all: &[Vec<(Role, Scope)>]) -> Vec<Caller> {
    let mut callers = vec![
        Caller { name: "nobody".to_owned(), who: Who::Nobody, member: None, grants: Vec::new() },
        guest(business, "anna", Who::Anna),
        guest(business, "eve", Who::Another),
    ];
    callers.extend(all.iter().map(|grants| staff(business, admin, shops, grants)));
    callers
}

/// Each role in each reach, and roles that two shops gave for different things: one must not lend its reach to the other.
fn everything_to_hold() -> Vec<Vec<(Role, Scope)>> {
    let mut all = Vec::new();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Guest) {
        for scope in [Scope::Here, Scope::Elsewhere, Scope::Everywhere] {
            // An administrator of one shop is refused when granted.
            if role != Role::Admin || scope == Scope::Everywhere {
                all.push(vec![(role, scope)]);
            }
        }
    }
    all.push(vec![(Role::Barista, Scope::Here), (Role::Manager, Scope::Elsewhere)]);
    all.push(vec![(Role::Manager, Scope::Here), (Role::Barista, Scope::Elsewhere)]);
    all.push(vec![(Role::Courier, Scope::Here), (Role::Barista, Scope::Elsewhere)]);
    all
}

fn guest(business: &Business, name: &str, who: Who) -> Caller {
    Caller { name: name.to_owned(), who, member: Some(business.guest(name)), grants: Vec::new() }
}

fn staff(business: &Business, admin: &Member, shops: &Shops<'_>, grants: &[(Role, Scope)]) -> Caller {
    let words: Vec<String> = grants.iter().map(|(role, scope)| format!("{role}-{scope:?}").to_lowercase()).collect();
    let name = words.join("-");
    let member = business.staff(admin, &name, &granted(shops, grants));
    Caller { name, who: Who::Another, member: Some(member), grants: grants.to_vec() }
}

fn granted(shops: &Shops<'_>, grants: &[(Role, Scope)]) -> Value {
    let one = |(role, scope): &(Role, Scope)| {
        let shop_id = match scope {
            Scope::Here => Some(shops.here),
            Scope::Elsewhere => Some(shops.elsewhere),
            Scope::Everywhere => None,
        };
        json!({"role": role.as_str(), "shop_id": shop_id})
    };
    grants.iter().map(one).collect()
}

/// Those who held everything and hold it no more: their tokens look as good as ever.
fn let_out(business: &Business, admin: &Member, shops: &Shops<'_>) -> Vec<Caller> {
    let everything: Vec<_> =
        Role::ALL.into_iter().filter(|role| *role != Role::Guest).map(|role| (role, Scope::Everywhere)).collect();
    let out = |name: &str| business.staff(admin, name, &granted(shops, &everything));
    let (disabled, logged_out, stripped) = (out("disabled"), out("logged-out"), out("stripped"));

    let change = |path: &str, method: Method, body: &Value| {
        let user = format!("/api/v1/users/{}", path.split('/').next().unwrap_or_default());
        let tag = business.ask(&Asked::get(user).by(&admin.token)).header("etag").to_owned();
        let change = Asked::new(method, format!("/api/v1/users/{path}")).json(body).header("if-match", tag);
        business.ask(&change.by(&admin.token)).expect(200);
    };
    change(&disabled.id, Method::PATCH, &json!({"disabled": true}));
    change(&format!("{}/grants", stripped.id), Method::PUT, &json!({"grants": []}));
    business.ask(&Asked::new(Method::POST, "/api/v1/auth/logout").by(&logged_out.token)).expect(204);

    let members = [("disabled", disabled), ("logged out", logged_out), ("without the grants of the token", stripped)];
    let nobody = |(name, member): (&str, Member)| Caller {
        name: name.to_owned(),
        who: Who::Nobody,
        member: Some(member),
        grants: Vec::new(),
    };
    members.into_iter().map(nobody).collect()
}
