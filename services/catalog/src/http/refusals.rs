//! Which operation is refused with which codes.

use service::codes::REQUEST_IN_PROGRESS;
use service::refusals;

use crate::error::codes::{NOT_ENOUGH, TAKEN, UNTRACKED};
use crate::error::members::{LeftInStock, TakenField};

refusals! {
    /// Why nothing new comes on the menu.
    pub(super) CreationRefused { TAKEN => TakenField, REQUEST_IN_PROGRESS }

    /// Why a thing of the menu stays as it is.
    pub(super) ChangeRefused { TAKEN => TakenField }

    /// Why stock is not moved.
    pub(super) MovementRefused { NOT_ENOUGH => LeftInStock, UNTRACKED, REQUEST_IN_PROGRESS }
}
