//! What an order costs, and that its parts add up (MON-6).

use kernel::{Currency, Money, MoneyError};

use super::Line;

/// The sums of an order. `items − discount − points + delivery = total`, and no part is below zero: there is no way
/// to make one that breaks this, and the database checks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    items: Money,
    discount: Money,
    points: Money,
    delivery: Money,
    total: Money,
}

/// Why there are no totals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TotalsError {
    /// A line's total is not its unit price times its quantity, or another currency.
    #[error("the line {0} does not add up")]
    Line(usize),
    /// A part is below zero, or what is taken off exceeds what is bought.
    #[error("a part of the sum is below zero")]
    BelowZero,
    /// Sums that do not fit, or two currencies.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Totals {
    /// The sums over the lines, with nothing taken off and nothing brought.
    ///
    /// # Errors
    /// [`TotalsError`]: the lines do not add up, or the sum is out of range.
    pub fn of(lines: &[Line], currency: Currency) -> Result<Self, TotalsError> {
        let mut items = Money::zero(currency);
        let mut discount = Money::zero(currency);
        for (index, line) in lines.iter().enumerate() {
            if line.unit_price.amount() < 0 || line.unit_price.times(line.quantity)? != line.total {
                return Err(TotalsError::Line(index));
            }
            items = items.plus(line.total)?;
            discount = discount.plus(line.discount)?;
        }
        Self::new(items, discount, Money::zero(currency), Money::zero(currency))
    }

    /// The sums from their parts.
    ///
    /// # Errors
    /// [`TotalsError`]: a part or the total is below zero, or currencies differ.
    pub fn new(items: Money, discount: Money, points: Money, delivery: Money) -> Result<Self, TotalsError> {
        let total = items.minus(discount)?.minus(points)?.plus(delivery)?;
        let is_below_zero = [items, discount, points, delivery, total].iter().any(|part| part.amount() < 0);
        if is_below_zero { Err(TotalsError::BelowZero) } else { Ok(Self { items, discount, points, delivery, total }) }
    }

    /// The sum of the lines.
    #[must_use]
    pub const fn items(&self) -> Money {
        self.items
    }

    /// What promotions take off.
    #[must_use]
    pub const fn discount(&self) -> Money {
        self.discount
    }

    /// What points take off.
    #[must_use]
    pub const fn points(&self) -> Money {
        self.points
    }

    /// What bringing it costs.
    #[must_use]
    pub const fn delivery(&self) -> Money {
        self.delivery
    }

    /// What is to be paid.
    #[must_use]
    pub const fn total(&self) -> Money {
        self.total
    }

    /// What all of it is in.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.total.currency()
    }
}
