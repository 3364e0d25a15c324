//! Every row of auth: the SQL in [`sql`], rows to model and back beside it.
//!
//! Lock order: a user's row first, then whatever hangs on it. Every change of a session, a credential or a grant
//! locks the user, so two sign-ins, two refreshes or a refresh and a revocation of one person never run at once.

pub(crate) mod keys;
pub(crate) mod sessions;
pub(crate) mod sql;
pub(crate) mod users;

/// The scope of a grant that holds in every shop.
const EVERY_SHOP: &str = "*";
