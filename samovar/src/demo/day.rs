//! The shape of a day in a coffee chain: who orders what, when and where, and how it ends. Pure: the same seed makes the
//! same day.

use std::time::Duration;

use kernel::{Rng, Timestamp};

/// How an order goes on after it was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Course {
    /// Paid on the bank's page, made, handed over.
    Online,
    /// Paid on the bank's page with a code from the bank.
    OnlineWithCode,
    /// Paid to the barista.
    Counter,
    /// The first card is declined, the second pays.
    SecondCard,
    /// The card is declined and the guest walks away; the order expires.
    Declined,
    /// The guest never pays; the order expires.
    Abandoned,
    /// The guest calls it off before paying.
    CancelledUnpaid,
    /// The guest pays and calls it off; the money goes back.
    CancelledPaid,
    /// The shop calls it off; the money goes back.
    CancelledByShop,
}

/// Out of a hundred orders, how many go which way.
const COURSES: &[(Course, u32)] = &[
    (Course::Online, 58),
    (Course::OnlineWithCode, 7),
    (Course::Counter, 19),
    (Course::SecondCard, 5),
    (Course::Declined, 2),
    (Course::Abandoned, 3),
    (Course::CancelledUnpaid, 2),
    (Course::CancelledPaid, 3),
    (Course::CancelledByShop, 1),
];

/// Orders by the shop's own hour: a morning peak, lunch, and the way home.
const HOURS: &[(i64, u32)] = &[
    (8, 11),
    (9, 13),
    (10, 7),
    (11, 5),
    (12, 8),
    (13, 9),
    (14, 3),
    (15, 5),
    (16, 6),
    (17, 9),
    (18, 10),
    (19, 6),
    (20, 3),
];

/// Lines of a basket.
const BASKETS: &[(u32, u32)] = &[(1, 38), (2, 30), (3, 16), (4, 9), (5, 4), (6, 3)];

/// How the three shops share the trade.
const SHOPS: &[(usize, u32)] = &[(0, 45), (1, 33), (2, 22)];

/// What people want, by category, in the morning, at noon and in the evening.
const MORNING: &[(&str, u32)] =
    &[("coffee", 55), ("breakfast", 14), ("bakery", 19), ("tea", 7), ("cold", 3), ("sandwiches", 2)];
const NOON: &[(&str, u32)] =
    &[("coffee", 36), ("sandwiches", 24), ("desserts", 11), ("bakery", 11), ("tea", 9), ("cold", 9)];
const EVENING: &[(&str, u32)] =
    &[("coffee", 30), ("desserts", 27), ("tea", 16), ("cold", 12), ("bakery", 11), ("beans", 4)];

/// One wish: a category, and a number that picks the product in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The slug of the category.
    pub(crate) category: &'static str,
    /// Picks product, variant and modifiers.
    pub(crate) pick: u64,
    /// How many.
    pub(crate) quantity: i64,
}

/// One order of the day as it is meant to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedOrder {
    /// When.
    pub(crate) at: Timestamp,
    /// Which of the shops.
    pub(crate) shop: usize,
    /// Which of the guests.
    pub(crate) guest: usize,
    /// What.
    pub(crate) wishes: Vec<Wish>,
    /// How it goes on.
    pub(crate) course: Course,
}

/// What a day is made of.
#[derive(Clone, Debug)]
pub(crate) struct DayShape<'s> {
    /// The moment at which the shop's own day begins, for each shop.
    pub(crate) midnights: &'s [Timestamp],
    /// How many orders.
    pub(crate) orders: u32,
    /// How many guests there are; the first are regulars.
    pub(crate) guests: usize,
}

/// A day that is planned.
#[derive(Debug)]
pub(crate) struct Day<'s> {
    /// Its orders, in order of time.
    pub(crate) orders: Vec<PlannedOrder>,
    shape: DayShape<'s>,
    rng: &'s dyn Rng,
}

impl<'s> Day<'s> {
    /// Plans a day.
    pub(crate) fn plan(shape: DayShape<'s>, rng: &'s dyn Rng) -> Self {
        let mut orders: Vec<PlannedOrder> = (0..shape.orders).map(|_| plan_order(&shape, rng)).collect();
        orders.sort_by_key(|order| order.at);
        Self { orders, shape, rng }
    }

    /// The order of somebody else, at this moment: for who found nothing that they wanted.
    pub(crate) fn another(&self, at: Timestamp) -> PlannedOrder {
        PlannedOrder { at, ..plan_order(&self.shape, self.rng) }
    }
}

fn plan_order(shape: &DayShape<'_>, rng: &dyn Rng) -> PlannedOrder {
    let shop = pick(SHOPS, rng) % shape.midnights.len();
    let hour = pick(HOURS, rng);
    let second = hour.unsigned_abs() * 3600 + below(3600, rng);
    let wanted = match hour {
        ..=11 => MORNING,
        12..=15 => NOON,
        _ => EVENING,
    };
    let wishes = (0..pick(BASKETS, rng)).map(|_| wish(wanted, rng)).collect();
    PlannedOrder {
        at: shape.midnights[shop].plus(Duration::from_secs(second)),
        shop,
        guest: guest(shape.guests, rng),
        wishes,
        course: pick(COURSES, rng),
    }
}

fn wish(wanted: &'static [(&'static str, u32)], rng: &dyn Rng) -> Wish {
    let quantity = if below(10, rng) == 0 { 2 } else { 1 };
    Wish { category: pick(wanted, rng), pick: rng.next_u64(), quantity }
}

/// Half of the orders come from the fifth of the guests who come every day.
fn guest(guests: usize, rng: &dyn Rng) -> usize {
    let regulars = (guests / 5).max(1);
    let among = if below(2, rng) == 0 { regulars } else { guests };
    usize::try_from(below(among as u64, rng)).unwrap_or(0)
}

/// A number below `bound`.
pub(crate) fn below(bound: u64, rng: &dyn Rng) -> u64 {
    rng.next_u64() % bound.max(1)
}

/// One of the values, by its weight.
fn pick<T: Copy>(weighted: &[(T, u32)], rng: &dyn Rng) -> T {
    let total: u64 = weighted.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut rest = below(total, rng);
    for (value, weight) in weighted {
        if rest < u64::from(*weight) {
            return *value;
        }
        rest -= u64::from(*weight);
    }
    weighted[0].0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use testkit::SeededRng;

    use super::*;

    fn a_day(seed: u64) -> Vec<PlannedOrder> {
        let midnights =
            ["2026-11-19T21:00:00Z", "2026-11-19T21:00:00Z", "2026-11-19T19:00:00Z"].map(|t| t.parse().unwrap());
        Day::plan(DayShape { midnights: &midnights, orders: 600, guests: 60 }, &SeededRng::new(seed)).orders
    }

    #[test]
    fn the_same_seed_makes_the_same_day() {
        assert_eq!(a_day(7), a_day(7));
        assert_ne!(a_day(7), a_day(8));
    }

    #[test]
    fn a_day_has_every_course_every_shop_and_baskets_of_one_to_six() {
        let day = a_day(1);

        let courses: HashSet<_> = day.iter().map(|o| o.course).collect();
        let shops: HashSet<_> = day.iter().map(|o| o.shop).collect();
        let baskets: HashSet<_> = day.iter().map(|o| o.wishes.len()).collect();
        assert_eq!(courses.len(), COURSES.len());
        assert_eq!(shops.len(), 3);
        assert_eq!(baskets, HashSet::from([1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn the_morning_is_busier_than_the_early_afternoon() {
        let moscow: Vec<_> = a_day(1).into_iter().filter(|o| o.shop < 2).collect();
        let in_hour = |hour: i64| {
            let from = "2026-11-19T21:00:00Z".parse::<Timestamp>().unwrap().as_micros() + hour * 3_600_000_000;
            moscow.iter().filter(|o| (from..from + 3_600_000_000).contains(&o.at.as_micros())).count()
        };

        assert!(in_hour(9) > 2 * in_hour(14));
        assert!(in_hour(18) > 2 * in_hour(14));
    }
}
