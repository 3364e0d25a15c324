//! What somebody may do: roles, each in one shop or in all.

use service::{Grant, Role};

/// One person has at most so many grants.
pub(crate) const GRANTS_MAX: usize = 200;

/// What is wrong with a wanted grant, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantFault {
    /// It stands in the list twice.
    Repeated,
    /// An administrator of one shop: an administrator is one everywhere.
    AdminOfOneShop,
    /// Everybody is a guest without being granted it.
    GuestIsEverybody,
}

/// Every fault of a wanted list.
#[must_use]
pub(crate) fn faults(grants: &[Grant]) -> Vec<(usize, GrantFault)> {
    let mut faults = Vec::new();
    for (place, grant) in grants.iter().enumerate() {
        if grants[..place].contains(grant) {
            faults.push((place, GrantFault::Repeated));
        }
        if grant.role == Role::Admin && grant.shop_id.is_some() {
            faults.push((place, GrantFault::AdminOfOneShop));
        }
        if grant.role == Role::Guest {
            faults.push((place, GrantFault::GuestIsEverybody));
        }
    }
    faults
}

/// How one list of grants became another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Both hold the same.
    None,
    /// Something was added and nothing taken away: a token of before says too little, which harms nobody.
    OnlyMore,
    /// Something was taken away: a token of before says too much.
    SomeLess,
}

/// What changes from `before` to `after`.
#[must_use]
pub(crate) fn difference(before: &[Grant], after: &[Grant]) -> Difference {
    if before.iter().any(|grant| !after.contains(grant)) {
        Difference::SomeLess
    } else if after.iter().any(|grant| !before.contains(grant)) {
        Difference::OnlyMore
    } else {
        Difference::None
    }
}

/// Whether these grants make an administrator.
#[must_use]
pub(crate) fn is_admin(grants: &[Grant]) -> bool {
    grants.iter().any(|grant| grant.role == Role::Admin)
}

#[cfg(test)]
mod tests {
    use contracts::ShopId;
    use service::{Grant, Role};

    use super::{Difference, GrantFault, difference, faults};

    fn grant(role: Role, shop: Option<u128>) -> Grant {
        Grant { role, shop_id: shop.map(ShopId::from_bits) }
    }

    #[test]
    fn taking_one_away_counts_more_than_adding_another() {
        let before = [grant(Role::Barista, Some(1))];
        let moved = [grant(Role::Barista, Some(2))];
        let more = [grant(Role::Manager, None), grant(Role::Barista, Some(1))];

        assert_eq!(difference(&before, &moved), Difference::SomeLess);
        assert_eq!(difference(&before, &[]), Difference::SomeLess);
        assert_eq!(difference(&before, &more), Difference::OnlyMore);
        assert_eq!(difference(&before, &before), Difference::None);
        assert_eq!(difference(&[grant(Role::Barista, None)], &before), Difference::SomeLess, "all shops became one");
    }

    #[test]
    fn every_fault_is_named_by_its_place() {
        let wanted = [grant(Role::Barista, Some(1)), grant(Role::Admin, Some(1)), grant(Role::Barista, Some(1))];

        assert_eq!(faults(&wanted), [(1, GrantFault::AdminOfOneShop), (2, GrantFault::Repeated)]);
        assert_eq!(faults(&[grant(Role::Guest, None)]), [(0, GrantFault::GuestIsEverybody)]);
        assert_eq!(faults(&[grant(Role::Admin, None)]), []);
    }
}
