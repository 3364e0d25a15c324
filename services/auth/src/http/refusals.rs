//! Which operation is refused with which codes.

use service::refusals;

use crate::error::{EMAIL_TAKEN, LAST_ADMIN};

refusals! {
    /// Why nobody is known by this e-mail now.
    pub(super) EmailRefused { EMAIL_TAKEN }

    /// Why a person keeps the role.
    pub(super) AdminRefused { LAST_ADMIN }
}
