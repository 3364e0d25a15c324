//! Placing an order (decisions 17 and 31): claim the key, ask whether it can be paid so, price, compare, hold the stock,
//! insert.
//!
//! Every step carries the order id that was made with the claim. A rejection undoes what was done and lets go of the
//! key at once. A crash between any two steps is mended from two sides: the same request sent again takes the claim
//! over, with the same order id, and the hold is there already; and catalog asks [`super::tell_lives`] what has become
//! of an order whose hold it still keeps, which declares it dead if nobody has placed it, and then no late insert can.

mod birth;
mod draft;

use std::sync::Arc;
use std::time::Duration;

use contracts::catalog::{Priced, PricedLine, Release, ReleaseRequest, Reserve, ReserveRequest, ShopTerms};
use contracts::orders::PaymentMethod;
use contracts::payments::{Payable, PayableRequest};
use contracts::{OrderId, UserId};
use kernel::{Language, Money, Text};
use service::{Answer, Begun, CallError, Fault, Intent, Problem, begin, release};
use store::idempotency::Held;
use store::{StoreError, in_steps};

use self::birth::{Search, give_birth};
use self::draft::Draft;
use super::quote_order::{Basket, FreeTimes, lines_of, of_catalog, price, quote_of};
use crate::app::App;
use crate::error::Error;
use crate::model::{Opening, Order, Schedule, Totals, WantedTime, days_after};
use crate::store::unpaid_of;

/// A request to place an order.
#[derive(Clone, Debug)]
pub(crate) struct PlaceOrder {
    /// Its idempotency key and what it says.
    pub(crate) intent: Intent,
    /// Who orders.
    pub(crate) guest_id: UserId,
    /// The language of the answer.
    pub(crate) language: Language,
    /// What, where and when.
    pub(crate) basket: Basket,
    /// What the guest was told that it costs.
    pub(crate) expected_total: Money,
    /// How it is to be paid.
    pub(crate) payment_method: PaymentMethod,
    /// Where the bank's page sends the guest afterwards; not used at the counter.
    pub(crate) return_url: Option<String>,
    /// What the guest wrote.
    pub(crate) comment: Option<String>,
    /// How the placed order is answered; part of its last transaction.
    pub(crate) answer: fn(&Order, Language) -> Result<Answer, Problem>,
}

/// When catalog may ask about a hold: later than a claim's lease, so that a request that is still at it, or a retry that
/// takes over at once, is not declared dead.
const HOLD_ASK_AFTER: Duration = Duration::from_secs(60);

/// A claim that was lost on the way, or whose order was declared dead, is claimed anew this often.
const CLAIMS_MAX: usize = 3;

/// How often the free slots are looked up again when all that were tried were taken meanwhile.
const SLOT_ROUNDS_MAX: usize = 20;

const WRONG_CURRENCY: Text = Text {
    en: "the shop sells in another currency", ru: "заведение продаёт в другой валюте"
};
const NOT_SENT_THERE_RU: &str = "должен быть адресом http или https на разрешённом узле";
const NOTHING_TO_PAY: Text = Text {
    en: "an order of nothing cannot be paid",
    ru: "заказ с нулевой суммой нельзя оплатить",
};

/// Places an order, once per key; the answer of this request or, word for word, of an earlier one. Of its transactions
/// only the last waits for the disk, in one process at least: nobody hears of the others.
pub(crate) async fn place_order(app: &Arc<App>, command: Arc<PlaceOrder>) -> Result<Answer, Error> {
    in_steps(place_once(app, command)).await
}

async fn place_once(app: &Arc<App>, command: Arc<PlaceOrder>) -> Result<Answer, Error> {
    let mut claims = 0;
    loop {
        let order_id = OrderId::new(app.clock.now(), app.rng.as_ref()).to_string();
        let (held, is_taken_over) = match begin(&app.db, command.intent.clone(), order_id).await.map_err(Error::Edge)? {
            Begun::Fresh(held) => (held, false),
            Begun::TakenOver(held) => (held, true),
            Begun::Replay(answer) => return Ok(answer),
        };
        let order_id = held.resource.parse().map_err(|error| Error::Store(corrupt_claim(&error)))?;
        let (app, command) = (Arc::clone(app), Arc::clone(&command));
        let placement = Placement { app, command, held, order_id, is_taken_over };
        claims += 1;
        match placement.run().await {
            Err(Error::Entombed | Error::Store(StoreError::LeaseLost { .. })) if claims < CLAIMS_MAX => {}
            ended => return ended,
        }
    }
}

fn corrupt_claim(error: &kernel::IdError) -> StoreError {
    StoreError::Corrupt { column: "idempotency_keys.resource_id".to_owned(), reason: error.to_string() }
}

/// One try, under one claim.
struct Placement {
    app: Arc<App>,
    command: Arc<PlaceOrder>,
    held: Held,
    order_id: OrderId,
    is_taken_over: bool,
}

/// What was agreed before anything is held.
struct Offer {
    terms: ShopTerms,
    schedule: Schedule,
    items_total: Money,
    openings: Vec<Opening>,
}

/// A try that failed, and whether stock may be held for it.
struct Failed {
    error: Error,
    may_hold: bool,
}

impl Failed {
    fn before_holding(error: Error) -> Self {
        Self { error, may_hold: false }
    }

    fn while_holding(error: Error) -> Self {
        Self { error, may_hold: true }
    }
}

impl Placement {
    async fn run(&self) -> Result<Answer, Error> {
        match self.attempt().await {
            Ok(answer) => Ok(answer),
            Err(Failed { error, may_hold }) => {
                if matches!(error, Error::TooManyUnpaid { .. }) {
                    self.app.at_cap.remember(self.command.guest_id, self.command.payment_method);
                }
                self.let_go(&error, may_hold || self.is_taken_over).await;
                Err(error)
            }
        }
    }

    async fn attempt(&self) -> Result<Answer, Failed> {
        self.refuse_at_cap().await.map_err(Failed::before_holding)?;
        self.refuse_unpayable().await.map_err(Failed::before_holding)?;
        let offer = self.offer().await.map_err(Failed::before_holding)?;
        let lines = self.reserve(&offer).await?;
        self.insert(offer, lines).await.map_err(Failed::while_holding)
    }

    /// A guest who had too many unpaid orders the last time is asked about it before anything is taken.
    async fn refuse_at_cap(&self) -> Result<(), Error> {
        let (app, guest, method) = (&self.app, self.command.guest_id, self.command.payment_method);
        if !app.at_cap.knows(guest, method) {
            return Ok(());
        }
        let unpaid: Result<i64, StoreError> = app.db.read(move |snapshot| unpaid_of(snapshot, guest, method)).await;
        let unpaid_max = app.rules.unpaid_max(method);
        if unpaid? >= unpaid_max {
            return Err(Error::TooManyUnpaid { unpaid_max });
        }
        app.at_cap.forget(guest, method);
        Ok(())
    }

    /// Asks payments whether the order could be paid so, and the guest be sent back there. Whoever pays at the counter
    /// always can.
    async fn refuse_unpayable(&self) -> Result<(), Error> {
        let (method, return_url) = (self.command.payment_method, self.command.return_url.clone());
        if method == PaymentMethod::Counter {
            return Ok(());
        }
        let payable = self.app.calls.call::<Payable>(PayableRequest { method, return_url }).await;
        let payable = payable.map_err(of_payments)?;
        match payable.return_url_fault {
            None => Ok(()),
            Some(why) => {
                let fault = Fault::worded("/payment/return_url", "return-url", why, NOT_SENT_THERE_RU);
                Err(Error::Invalid(vec![fault]))
            }
        }
    }

    /// Prices all, and refuses what costs something else than the guest was told or cannot be had at that time.
    async fn offer(&self) -> Result<Offer, Error> {
        let (app, command) = (&self.app, &self.command);
        let priced = price(app, &command.basket).await?;
        let now = app.clock.now();
        let schedule = Schedule::of(&priced.shop)?;
        let nothing = Money::zero(priced.shop.currency);
        let totals = Totals::new(priced.items_total, nothing, nothing, nothing)?;
        if command.expected_total.currency() != totals.currency() {
            return Err(wrong("/expected_total/currency", "currency", WRONG_CURRENCY));
        }
        if command.expected_total != totals.total() {
            return Err(self.price_changed(priced).await);
        }
        if totals.total().is_zero() {
            return Err(wrong("/lines", "nothing-to-pay", NOTHING_TO_PAY));
        }
        let last_day = days_after(schedule.day_of(now), app.rules.slot_days_max);
        let openings = schedule.openings(command.basket.wanted, now, last_day)?;
        Ok(Offer { terms: priced.shop, schedule, items_total: totals.items(), openings })
    }

    async fn price_changed(&self, priced: Priced) -> Error {
        match quote_of(&self.app, &self.command.basket, priced).await {
            Ok(quote) => Error::PriceChanged { quote: Box::new(quote), language: self.command.language },
            Err(error) => error,
        }
    }

    /// Takes the stock at the prices that were compared; the lines as they are held.
    async fn reserve(&self, offer: &Offer) -> Result<Vec<PricedLine>, Failed> {
        let basket = &self.command.basket;
        let request = ReserveRequest {
            order_id: self.order_id,
            shop_id: basket.shop_id,
            lines: basket.lines.clone(),
            expected_items_total: Some(offer.items_total),
            ask_at: self.app.clock.now().plus(HOLD_ASK_AFTER),
        };
        match self.app.calls.call::<Reserve>(request).await {
            Ok(priced) => Ok(priced.lines),
            Err(error) if error.is("catalog.price-changed") => Err(Failed::before_holding(self.price_again().await)),
            Err(error) => Err(Failed { may_hold: !error.is_rejection(), error: of_catalog(error) }),
        }
    }

    /// The price changed between asking and holding.
    async fn price_again(&self) -> Error {
        match price(&self.app, &self.command.basket).await {
            Ok(priced) => self.price_changed(priced).await,
            Err(error) => error,
        }
    }

    /// The last transaction: the order with its slot, its number, its event and its answer.
    async fn insert(&self, offer: Offer, lines: Vec<PricedLine>) -> Result<Answer, Error> {
        let Offer { terms, schedule, mut openings, .. } = offer;
        let draft = Arc::new(self.draft(&terms, &schedule, &openings, lines).await?);
        let mut search = Search::Known;
        for _ in 0..SLOT_ROUNDS_MAX {
            let tried = give_birth(&self.app, &draft, openings.clone(), search).await;
            let Err(Error::SlotFull { .. }) = tried else { return tried };
            if self.command.basket.wanted == WantedTime::Asap {
                openings = FreeTimes { app: &self.app, terms: &terms }.of(&openings).await?;
            } else if search == Search::Counted {
                break;
            }
            if openings.is_empty() {
                break;
            }
            search = Search::Counted;
        }
        self.slot_full(&terms, &schedule).await
    }

    async fn draft(
        &self,
        terms: &ShopTerms,
        schedule: &Schedule,
        openings: &[Opening],
        lines: Vec<PricedLine>,
    ) -> Result<Draft, Error> {
        let (app, now) = (&self.app, self.app.clock.now());
        let first = openings.first().ok_or(Error::SlotFull { earliest_at: None })?;
        let day = schedule.day_of(first.due_at);
        let number = app.numbers.pickup(&app.db, terms.shop_id, day, schedule.day_of(now)).await?;
        let feed_id = app.numbers.feed(&app.db).await?;
        let lines = lines_of(app, now, lines);
        let totals = Totals::of(&lines, terms.currency)?;
        if totals.total() != self.command.expected_total {
            return Err(Error::Catalog(format!("{} is held at another price than was asked for", self.order_id)));
        }
        let command = Arc::clone(&self.command);
        Ok(Draft {
            command,
            held: self.held.clone(),
            order_id: self.order_id,
            rules: app.rules,
            terms: terms.clone(),
            day,
            number,
            feed_id,
            lines,
            totals,
            placed_at: now,
        })
    }

    /// No place at the wanted time: the first slot that has one.
    async fn slot_full(&self, terms: &ShopTerms, schedule: &Schedule) -> Result<Answer, Error> {
        let slot = FreeTimes { app: &self.app, terms }.first_slot(schedule, self.app.clock.now()).await?;
        Err(Error::SlotFull { earliest_at: slot.map(|slot| slot.from) })
    }

    /// Undoes what was done. Nothing is undone when the outcome is unknown, for the order may stand; nor when another
    /// try has taken the claim over, for the hold is that try's now. What is left then is mended by the next try or by
    /// catalog's question.
    async fn let_go(&self, error: &Error, may_hold: bool) {
        if matches!(error, Error::Store(StoreError::OutcomeUnknown { .. })) {
            return;
        }
        let was_ours = release(&self.app.db, self.held.clone()).await;
        if !matches!(was_ours, Ok(true)) || !may_hold {
            return;
        }
        let released: Result<_, CallError> =
            self.app.calls.call::<Release>(ReleaseRequest { order_id: self.order_id }).await;
        if let Err(error) = released {
            tracing::info!(order.id = %self.order_id, error = %error, "a hold is left for catalog to ask about");
        }
    }
}

fn wrong(pointer: &'static str, code: &'static str, text: Text) -> Error {
    Error::Invalid(vec![Fault::new(pointer, code, text)])
}

/// What payments refuses, in the words of orders.
fn of_payments(error: CallError) -> Error {
    if error.is("payments.online-unavailable") { Error::OnlineUnavailable } else { Error::Call(error) }
}
