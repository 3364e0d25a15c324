//! `order-service_orders`: orders as the warehouse reads them. The shape is that of an outside system and exact;
//! fields of our own are added beside it, never instead.

use std::fmt;
use std::str::FromStr;

use kernel::{Event, Money, Timestamp};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{OrderId, ProductId, ShopId, UserId};

/// An order after a change of its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFeed {
    /// The order's number in the feed (decision 41).
    pub object_id: i64,
    /// Always `order`.
    pub object_type: String,
    /// When the message was made.
    pub sent_dttm: FeedTime,
    /// The order.
    pub payload: FeedOrder,
    /// Added: our id of the order.
    pub order_id: OrderId,
    /// Added: the order's version; of two messages of the same second the greater one is later.
    pub version: i64,
}

/// The order inside the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedOrder {
    /// Where.
    pub restaurant: FeedRef<ShopId>,
    /// When its last status began.
    pub date: FeedTime,
    /// Whose.
    pub user: FeedRef<UserId>,
    /// What was ordered.
    pub order_items: Vec<FeedItem>,
    /// What was paid with points.
    pub bonus_payment: MajorUnits,
    /// What it costs before points.
    pub cost: MajorUnits,
    /// What is paid in money.
    pub payment: MajorUnits,
    /// Points earned; zero here, since they are granted after closing and told elsewhere.
    pub bonus_grant: MajorUnits,
    /// Every status it had, the latest first.
    pub statuses: Vec<FeedStatus>,
    /// The latest of them.
    pub final_status: FeedState,
    /// When it began.
    pub update_ts: FeedTime,
}

/// Something named by its id alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct FeedRef<T> {
    /// The id.
    pub id: T,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedItem {
    /// The product.
    pub id: ProductId,
    /// Its name, in Russian.
    pub name: String,
    /// One of it.
    pub price: MajorUnits,
    /// How many.
    pub quantity: i64,
}

/// A status and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// Which.
    pub status: FeedState,
    /// Since when.
    pub dttm: FeedTime,
}

/// The warehouse's words for where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FeedState {
    /// Placed or paid.
    Open,
    /// Preparing or ready.
    Cooking,
    /// With the courier.
    Delivering,
    /// Handed over.
    Closed,
    /// Cancelled or expired.
    Cancelled,
}

impl Event for OrderFeed {
    const TOPIC: &'static str = "order-service_orders";
    const TYPE: &'static str = "samovar.orders.feed.v1";
    const SOURCE: &'static str = "/orders";

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

/// A moment as the feed writes it: `2023-04-08 20:27:36`, UTC, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedTime(Timestamp);

impl From<Timestamp> for FeedTime {
    fn from(moment: Timestamp) -> Self {
        Self(Timestamp::from_micros(moment.as_seconds() * 1_000_000))
    }
}

impl From<FeedTime> for Timestamp {
    fn from(moment: FeedTime) -> Self {
        moment.0
    }
}

impl fmt::Display for FeedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // RFC 3339 of a whole second is the same text with another letter between and a Z behind.
        let text = self.0.to_string();
        f.write_str(&text.trim_end_matches('Z').replacen('T', " ", 1))
    }
}

impl FromStr for FeedTime {
    type Err = kernel::TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment: Timestamp = format!("{}Z", text.replacen(' ', "T", 1)).parse()?;
        Ok(Self::from(moment))
    }
}

impl Serialize for FeedTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FeedTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// An amount as the feed writes it: a JSON number of major units with at most two decimals (`310`, `175.5`). Kept as
/// hundredths; no floating point on the way in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MajorUnits {
    hundredths: i64,
}

impl MajorUnits {
    /// Nothing.
    pub const ZERO: Self = Self { hundredths: 0 };

    /// So many hundredths of a major unit.
    #[must_use]
    pub const fn from_hundredths(hundredths: i64) -> Self {
        Self { hundredths }
    }

    /// Hundredths of a major unit.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.hundredths
    }
}

impl From<Money> for MajorUnits {
    /// Currencies with three decimals are rounded half to even; those with none are whole.
    fn from(money: Money) -> Self {
        let minor_per_major = 10_i64.pow(money.currency().exponent());
        let hundredths = money.scaled(100, minor_per_major).map_or(i64::MAX, Money::amount);
        Self { hundredths }
    }
}

impl fmt::Display for MajorUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.hundredths < 0 { "-" } else { "" };
        let (whole, rest) = (self.hundredths.unsigned_abs() / 100, self.hundredths.unsigned_abs() % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{sign}{whole}"),
            (_, 0) => write!(f, "{sign}{whole}.{}", rest / 10),
            _ => write!(f, "{sign}{whole}.{rest:02}"),
        }
    }
}

impl FromStr for MajorUnits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{:?} is not an amount with at most two decimals", text.get(..32).unwrap_or(text));
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || rest.len() > 2 || !is_number(whole) || !is_number(rest) {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let rest: i64 = format!("{rest:0<2}").parse().map_err(|_| wrong())?;
        let hundredths = whole.checked_mul(100).and_then(|w| w.checked_add(rest)).ok_or_else(wrong)?;
        Ok(Self { hundredths: sign * hundredths })
    }
}

impl Serialize for MajorUnits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MajorUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"{"object_id":1371198,"object_type":"order","sent_dttm":"2023-04-08 20:27:36","payload":{"restaurant":{"id":"shp_01h455vb4pex5vsknk084sn02q"},"date":"2023-04-01 20:45:43","user":{"id":"usr_01h455vb4pex5vsknk084sn02q"},"order_items":[{"id":"prd_01h455vb4pex5vsknk084sn02q","name":"Рис с лимоном","price":175,"quantity":5},{"id":"prd_01h455vb4pex5vsknk084sn02r","name":"Чай","price":99.5,"quantity":1}],"bonus_payment":0,"cost":974.5,"payment":974.5,"bonus_grant":0,"statuses":[{"status":"CLOSED","dttm":"2023-04-01 20:45:43"},{"status":"OPEN","dttm":"2023-04-01 18:55:52"}],"final_status":"CLOSED","update_ts":"2023-04-01 20:45:43"},"order_id":"ord_01h455vb4pex5vsknk084sn02q","version":5}"#;

    #[test]
    fn the_shape_of_the_outside_system_is_read_and_written_byte_for_byte() {
        let message: OrderFeed = serde_json::from_str(EXAMPLE).unwrap();

        assert_eq!(serde_json::to_string(&message).unwrap(), EXAMPLE);
        assert_eq!(message.payload.order_items[1].price.hundredths(), 9_950);
    }

    #[test]
    fn amounts_have_at_most_two_decimals_in_every_currency() {
        let shown = |minor, code: &str| MajorUnits::from(Money::new(minor, code.parse().unwrap()).unwrap()).to_string();

        assert_eq!(shown(17_550, "RUB"), "175.5");
        assert_eq!(shown(-17_505, "RUB"), "-175.05");
        assert_eq!(shown(175, "JPY"), "175");
        assert_eq!(shown(1_235, "KWD"), "1.24");
        assert!("1.234".parse::<MajorUnits>().is_err() && "1e3".parse::<MajorUnits>().is_err());
    }
}
