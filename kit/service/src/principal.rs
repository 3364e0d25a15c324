//! Who is asking: put into the request by the gateway once the token is verified, read by handlers.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use contracts::{SessionId, ShopId, UserId};
use http::request::Parts;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{FORBIDDEN, Problem, UNAUTHENTICATED};

/// What a person may do. Everybody who is signed in is a guest; the others are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A customer.
    Guest,
    /// Makes and hands over orders of a shop.
    Barista,
    /// Brings orders.
    Courier,
    /// Runs a shop: menu, stock, refunds.
    Manager,
    /// Runs promotions and messages.
    Marketer,
    /// Reads reports.
    Analyst,
    /// Runs the installation: users, grants, shops.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] =
        [Self::Guest, Self::Barista, Self::Courier, Self::Manager, Self::Marketer, Self::Analyst, Self::Admin];

    /// The word, as it stands in JSON, SQL and tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Barista => "barista",
            Self::Courier => "courier",
            Self::Manager => "manager",
            Self::Marketer => "marketer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| UnknownRole(text.chars().take(32).collect()))
    }
}

/// The text names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role")]
pub struct UnknownRole(String);

/// A role, in one shop or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "barista", "shop_id": "shp_01h455vb4pex5vsknk084sn02q"}))]
pub struct Grant {
    /// What.
    pub role: Role,
    /// Where; null is every shop.
    pub shop_id: Option<ShopId>,
}

/// The shops that somebody holds a role in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shops {
    /// Every shop.
    All,
    /// These; empty when the role is not held at all.
    Only(Vec<ShopId>),
}

impl Shops {
    /// Whether this shop is among them.
    #[must_use]
    pub fn has(&self, shop: ShopId) -> bool {
        match self {
            Self::All => true,
            Self::Only(shops) => shops.contains(&shop),
        }
    }
}

/// Somebody whose token was verified and not revoked. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person.
    pub user_id: UserId,
    /// The sign-in that the token belongs to.
    pub session_id: SessionId,
    /// What the person may do beyond being a guest.
    pub grants: Arc<[Grant]>,
    /// When the person last showed the password.
    pub auth_time: Timestamp,
}

impl Principal {
    /// Whether the role is held, in whichever shop.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        role == Role::Guest || self.grants.iter().any(|grant| grant.role == role)
    }

    /// Whether the role is held in every shop (an installation-wide right).
    #[must_use]
    pub fn is_everywhere(&self, role: Role) -> bool {
        self.grants.iter().any(|grant| grant.role == role && grant.shop_id.is_none())
    }

    /// Whether the role is held in this shop.
    #[must_use]
    pub fn may(&self, role: Role, shop: ShopId) -> bool {
        self.grants.iter().any(|grant| grant.role == role && grant.shop_id.is_none_or(|granted| granted == shop))
    }

    /// Whether one of the roles is held in this shop.
    #[must_use]
    pub fn may_as(&self, roles: &[Role], shop: ShopId) -> bool {
        roles.iter().any(|role| self.may(*role, shop))
    }

    /// The shops in which one of the roles is held: for the predicate of a query.
    #[must_use]
    pub fn shops(&self, roles: &[Role]) -> Shops {
        let mut shops = Vec::new();
        for grant in self.grants.iter().filter(|grant| roles.contains(&grant.role)) {
            match grant.shop_id {
                None => return Shops::All,
                Some(shop) if !shops.contains(&shop) => shops.push(shop),
                Some(_) => {}
            }
        }
        Shops::Only(shops)
    }

    /// Refuses unless one of the roles is held in this shop.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, roles: &[Role], shop: ShopId) -> Result<(), Problem> {
        if self.may_as(roles, shop) { Ok(()) } else { Err(Problem::new(&FORBIDDEN)) }
    }
}

/// Extractor: the person; 401 when nobody is signed in.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(&UNAUTHENTICATED))
    }
}

/// `Option<Principal>`: the person, if anybody is signed in.
impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
