//! What is asked for: closed types, one per action.

use std::time::Duration;

use contracts::OrderId;
use contracts::ShopId;
use contracts::orders::PaymentMethod;
use contracts::payments::PaymentState;
use kernel::{Money, Timestamp};
use serde::Deserialize;
use service::{Fault, Validate};
use utoipa::{IntoParams, ToSchema};

use crate::model::payment::{ProviderName, ReceivedHow};
use crate::model::refund::{RefundHow, RefundLine};

/// The longest that a read may wait for news.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(25);

const TEXT_MAX: usize = 500;
const REFERENCE_MAX: usize = 64;
const LINES_MAX: usize = 100;

/// What a reader waits for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitQuery {
    /// How long to wait for news at most: `5s`, `500ms`; at most 25 s.
    #[param(pattern = "^[0-9]{1,5}(ms|s)$", example = "5s")]
    wait: Option<String>,
    /// The state that the reader knows; another one is news. Without it, a payment page is.
    pub(super) since: Option<PaymentState>,
}

impl WaitQuery {
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait.as_deref().and_then(duration)
    }
}

impl Validate for WaitQuery {
    fn faults(&self) -> Vec<Fault> {
        match self.wait.as_deref() {
            Some(text) if duration(text).is_none() => vec![Fault::worded(
                "/wait",
                "duration",
                "must be a duration up to 25s, like 5s or 500ms",
                "должно быть длительностью до 25s, например 5s или 500ms",
            )],
            Some(_) | None => Vec::new(),
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (digits, unit_ms) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s')?, 1_000),
    };
    let is_number = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(Duration::from_millis(number * unit_ms)).filter(|wait| *wait <= WAIT_MAX)
}

/// Another attempt to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PayAgainRequest {
    /// How to pay now.
    pub(super) method: PaymentMethod,
    /// Where the bank's page sends the guest afterwards; a page of this installation when it is not said. Nothing in it
    /// may look like a card number. Not looked at at the counter.
    #[schema(max_length = 2000, example = "http://localhost:8080/returned")]
    pub(super) return_url: Option<String>,
}

impl Validate for PayAgainRequest {}

/// Money was received at the counter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiveRequest {
    /// How.
    pub(super) how: ReceivedHow,
    /// The receipt number of the terminal; never a card number.
    #[schema(max_length = 64, example = "128735120934")]
    pub(super) reference: Option<String>,
}

impl Validate for ReceiveRequest {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let reference = self.reference.as_deref().unwrap_or_default();
        if self.how == ReceivedHow::Terminal && reference.trim().is_empty() {
            faults.push(
                Fault::worded(
                    "/reference",
                    "required",
                    "is required for a terminal: the number on its receipt",
                    "обязателен для терминала: номер на чеке",
                )
                .beside("/how"),
            );
        }
        if reference.chars().count() > REFERENCE_MAX {
            faults.push(too_long("/reference", REFERENCE_MAX));
        }
        faults
    }
}

/// Money is to be given back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundRequest {
    /// How much.
    pub(super) amount: Money,
    /// How it goes back: `provider` the way that it came, `cash` from the till of the shop, which hands it over now. Cash is
    /// what is left where the bank refuses, and may be chosen where it does not.
    #[serde(default)]
    #[schema(default = "provider", example = "provider")]
    pub(super) how: RefundHow,
    /// For which lines; null when it is for none in particular.
    #[schema(max_items = 100)]
    pub(super) lines: Option<Vec<RefundLine>>,
    /// Whether the goods go back on the shelf. `true` is refused until a refund can do that: book a stock movement.
    #[serde(default)]
    #[schema(default = false, example = false)]
    restock: bool,
    /// Why.
    #[schema(min_length = 1, max_length = 500, example = "the milk was sour")]
    pub(super) reason: String,
}

impl Validate for RefundRequest {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.amount.amount() <= 0 {
            faults.push(Fault::worded("/amount/amount", "range", "must be above zero", "должно быть больше нуля"));
        }
        if self.reason.trim().is_empty() {
            faults.push(Fault::worded("/reason", "required", "must say why", "нужно указать причину"));
        }
        if self.reason.chars().count() > TEXT_MAX {
            faults.push(too_long("/reason", TEXT_MAX));
        }
        if self.restock {
            faults.push(Fault::worded(
                "/restock",
                "unavailable",
                "a refund does not put goods back yet: send false and book a stock movement",
                "возврат денег пока не возвращает товар: укажите false и проведите складское движение",
            ));
        }
        let lines = self.lines.as_deref().unwrap_or_default();
        if lines.len() > LINES_MAX {
            faults.push(Fault::worded("/lines", "range", "must be at most 100 lines", "не больше 100 строк"));
        }
        let wrong = lines.iter().enumerate().filter(|(_, line)| !(1..=999).contains(&line.quantity));
        faults.extend(wrong.map(|(place, _)| {
            let pointer = format!("/lines/{place}/quantity");
            Fault::worded(pointer, "range", "must be from 1 to 999", "должно быть от 1 до 999")
        }));
        faults
    }
}

fn too_long(pointer: &'static str, max: usize) -> Fault {
    let en = format!("must have at most {max} characters");
    Fault::worded(pointer, "length", en, format!("не больше {max} символов"))
}

/// Which payments.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PaymentsQuery {
    /// Of this shop.
    pub(super) shop_id: Option<ShopId>,
    /// Of this order.
    pub(super) order_id: Option<OrderId>,
    /// In this state.
    pub(super) state: Option<PaymentState>,
    /// Of this provider.
    pub(super) provider: Option<ProviderName>,
    /// Made at or after this time.
    pub(super) from: Option<Timestamp>,
    /// Made before this time.
    pub(super) to: Option<Timestamp>,
    /// Only those that a person should look at.
    #[param(default = false)]
    pub(super) alarmed: Option<bool>,
}

impl Validate for PaymentsQuery {
    fn faults(&self) -> Vec<Fault> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => {
                vec![Fault::worded("/to", "range", "must be after from", "должно быть позже from")]
            }
            (_, _) => Vec::new(),
        }
    }
}

/// Which transactions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LedgerQuery {
    /// Of this order.
    pub(super) order_id: Option<OrderId>,
}

impl Validate for LedgerQuery {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn a_wait_is_a_short_duration() {
        assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        for bad in ["", "s", "5", "-5s", "26s", "5m", "5 s", "999999s", "+5s", "1.5s"] {
            assert_eq!(duration(bad), None, "{bad:?}");
        }
    }
}
