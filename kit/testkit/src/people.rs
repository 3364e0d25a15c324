//! People who ask, as types: what each may do is in its name.

use std::sync::Arc;
use std::time::Duration;

use contracts::{SessionId, ShopId, UserId};
use kernel::Timestamp;
use service::{Grant, Principal, Role};

/// Somebody who asks.
pub trait Person {
    /// What the gateway would say of them, at this moment: signed in a minute ago.
    fn principal(&self, now: Timestamp) -> Principal;
}

impl Person for Principal {
    fn principal(&self, _: Timestamp) -> Principal {
        self.clone()
    }
}

/// A guest; different numbers are different people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest(pub u32);

/// Makes and hands over the orders of a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barista(pub ShopId);

/// Runs a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manager(pub ShopId);

/// Brings orders of a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Courier(pub ShopId);

/// Runs promotions everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marketer;

/// Reads reports of every shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Analyst;

/// Runs the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admin;

impl Guest {
    /// Whose orders they are.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        user(Role::Guest, self.0.into())
    }
}

impl Person for Guest {
    fn principal(&self, now: Timestamp) -> Principal {
        signed_in(self.user_id(), Vec::new(), now)
    }
}

impl Person for Barista {
    fn principal(&self, now: Timestamp) -> Principal {
        of_shop(Role::Barista, self.0, now)
    }
}

impl Person for Manager {
    fn principal(&self, now: Timestamp) -> Principal {
        of_shop(Role::Manager, self.0, now)
    }
}

impl Person for Courier {
    fn principal(&self, now: Timestamp) -> Principal {
        of_shop(Role::Courier, self.0, now)
    }
}

impl Person for Marketer {
    fn principal(&self, now: Timestamp) -> Principal {
        everywhere(Role::Marketer, now)
    }
}

impl Person for Analyst {
    fn principal(&self, now: Timestamp) -> Principal {
        everywhere(Role::Analyst, now)
    }
}

impl Person for Admin {
    fn principal(&self, now: Timestamp) -> Principal {
        everywhere(Role::Admin, now)
    }
}

/// The staff of a shop have the low bits of its id in theirs: those of another shop are other people.
fn of_shop(role: Role, shop: ShopId, now: Timestamp) -> Principal {
    signed_in(user(role, shop.bits() & u128::from(u64::MAX)), vec![Grant { role, shop_id: Some(shop) }], now)
}

fn everywhere(role: Role, now: Timestamp) -> Principal {
    signed_in(user(role, 0), vec![Grant { role, shop_id: None }], now)
}

fn signed_in(user_id: UserId, grants: Vec<Grant>, now: Timestamp) -> Principal {
    let auth_time = now.minus(Duration::from_secs(60));
    Principal { user_id, session_id: SessionId::from_bits(user_id.bits()), grants: Arc::from(grants), auth_time }
}

fn user(role: Role, number: u128) -> UserId {
    let role = Role::ALL.iter().position(|known| *known == role).unwrap_or(Role::ALL.len());
    UserId::from_bits((role as u128 + 1) << 96 | number)
}
