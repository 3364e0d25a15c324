//! Who may call what: the one matrix of route × role × shop. Checks, generated tests and `docs/routes.md` come from it.

mod docs;
mod gap;
mod table;

use http::Method;
use service::codes::{FORBIDDEN, UNAUTHENTICATED};
use service::{Principal, Problem, Role};

pub use self::docs::routes_table;
pub use self::gap::{Documented, PolicyGap, compare};
pub use self::table::TABLE;

/// The gateway's own pages.
pub const GATEWAY: &str = "gateway";

/// What stands before every path of the API; services know their paths without it.
pub const BASE_PATH: &str = "/api/v1";

/// As much of a callback as payments reads: from anybody, before its signature is seen.
const CALLBACK_MAX_BYTES: usize = 64 * 1024;

/// Who may come in. Whose thing it is, the service decides in the predicate of its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody; a token that is not good is as none.
    Public,
    /// Whoever is signed in, for what is theirs.
    SignedIn,
    /// Who holds one of these roles, as far as [`Row::reach`] says.
    Roles(&'static [Role]),
}

/// How far the right of a row reaches; enforced by the service, listed here because the tests are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// There is nothing to own.
    Anything,
    /// The caller's own; staff see those of the shops that they were granted.
    OwnOrGrantedShop,
    /// The caller's own.
    Own,
    /// Those of the shops that the role was granted for.
    GrantedShop,
    /// The whole chain, by whoever holds the role somewhere.
    Chain,
}

/// Whether a request waits on something that says nothing about the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// It is answered as fast as the machine can.
    No,
    /// A password hash, a long poll, a stream.
    OnSomethingElse,
}

/// One row of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The method.
    pub method: Method,
    /// The template, `/api/v1/orders/{id}`.
    pub path: &'static str,
    /// Who serves it.
    pub service: &'static str,
    /// Who may come in.
    pub access: Access,
    /// How far that reaches.
    pub reach: Reach,
    /// Whether it waits.
    pub waits: Waits,
}

impl From<Access> for service::Access {
    fn from(access: Access) -> Self {
        match access {
            Access::Public => Self::Public,
            Access::SignedIn => Self::SignedIn,
            Access::Roles(roles) => Self::Roles(roles.to_vec()),
        }
    }
}

impl Access {
    /// Refuses who may not come in.
    ///
    /// # Errors
    /// 401 when nobody is signed in, 403 when the role is not held.
    pub(crate) fn admit(self, principal: Option<&Principal>) -> Result<(), Problem> {
        match (self, principal) {
            (Self::Public, _) | (Self::SignedIn, Some(_)) => Ok(()),
            (Self::SignedIn | Self::Roles(_), None) => Err(Problem::new(&UNAUTHENTICATED)),
            (Self::Roles(roles), Some(principal)) if roles.iter().any(|role| principal.is(*role)) => Ok(()),
            (Self::Roles(_), Some(_)) => Err(Problem::new(&FORBIDDEN)),
        }
    }
}

impl Row {
    /// Whether the row is closed to this person while nobody knows which sessions were revoked: to staff whatever is not
    /// public, since the right to it may be gone, and to everybody what changes something. What a guest only reads goes
    /// on (decision 26).
    #[must_use]
    pub fn needs_fresh_revocations(&self, principal: &Principal) -> bool {
        match self.access {
            Access::Public => false,
            Access::SignedIn => self.method != Method::GET || !principal.grants.is_empty(),
            Access::Roles(_) => true,
        }
    }

    /// The path as the service documents it.
    #[must_use]
    pub fn service_path(&self) -> &'static str {
        self.path.strip_prefix(BASE_PATH).unwrap_or(self.path)
    }

    /// Whether a file is taken in here.
    pub(crate) fn is_import(&self) -> bool {
        self.path == "/api/v1/catalog/import"
    }

    /// How much of a body is taken.
    pub(crate) fn body_max_bytes(&self) -> usize {
        match self.path {
            _ if self.is_import() => service::CSV_MAX_BYTES,
            _ if self.is_provider_callback() => CALLBACK_MAX_BYTES,
            _ => service::BODY_MAX_BYTES,
        }
    }

    /// Whether payment providers call here: nobody is signed in, and one address speaks for all guests at once.
    pub(crate) fn is_provider_callback(&self) -> bool {
        self.path == "/api/v1/payments/callbacks/{provider}"
    }

    /// Whether the gateway adds the payment to the answer.
    pub(crate) fn is_order_page(&self) -> bool {
        self.method == Method::GET && self.path == "/api/v1/orders/{id}"
    }
}
