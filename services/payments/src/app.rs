//! What the parts of payments share: the database, the providers and the configuration.

use std::sync::Arc;
use std::time::Duration;

use contracts::orders::PaymentMethod;
use kernel::{Clock, Rng, Timestamp};
use service::{Deps, Stop};
use store::Db;

use crate::model::payment::ProviderName;
use crate::model::return_url::{Hosts, ReturnAddresses};
use crate::provider::{Capture, Counter, Provider, Sandbox, SandboxConfig};
use crate::settings;
use crate::waiters::Waiters;

/// The state of the service. Everything that lasts is in the database.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) bank: Sandbox,
    /// Places for those who wait for news of a payment.
    pub(crate) waiters: Waiters,
    /// Asked when nobody may wait any longer.
    pub(crate) closing: Stop,
    pub(crate) rules: Rules,
}

/// What may be configured about the rules.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) ask_after: Duration,
    pub(crate) ask_max: Duration,
    pub(crate) attempts_max: i64,
    pub(crate) return_hosts: ReturnAddresses,
    pub(crate) public_url: String,
}

impl App {
    pub(crate) fn new(deps: &Deps) -> Self {
        let settings = &deps.settings;
        let public_url = settings.text(settings::PUBLIC_URL).to_owned();
        let bank_url = settings.text(settings::BANK_URL).to_owned();
        let bank = SandboxConfig {
            callback_url: format!("{public_url}/api/v1/payments/callbacks/sandbox"),
            secret: settings.secret(settings::BANK_SECRET).to_owned(),
            page_hosts: Hosts::new(settings.list(settings::PAGE_HOSTS), &bank_url),
            capture: match settings.text(settings::CAPTURE) {
                "manual" => Capture::Manual,
                _ => Capture::Automatic,
            },
            timeout_ms: u32::try_from(settings.duration(settings::BANK_TIMEOUT).as_millis()).unwrap_or(u32::MAX),
            bank_url,
        };
        let rules = Rules {
            ask_after: settings.duration(settings::ASK_AFTER),
            ask_max: settings.duration(settings::ASK_MAX),
            attempts_max: settings.int(settings::ATTEMPTS_MAX),
            return_hosts: ReturnAddresses::new(settings.list(settings::RETURN_HOSTS), &public_url),
            public_url,
        };
        Self {
            db: deps.db.clone(),
            clock: Arc::clone(&deps.clock),
            rng: Arc::clone(&deps.rng),
            bank: Sandbox::new(Arc::clone(&deps.outbound), bank),
            waiters: Waiters::new(usize::try_from(settings.int(settings::WAITERS_MAX)).unwrap_or(0)),
            closing: deps.closing.clone(),
            rules,
        }
    }

    pub(crate) fn provider(&self, name: ProviderName) -> &dyn Provider {
        match name {
            ProviderName::Sandbox => &self.bank,
            ProviderName::Counter => &Counter,
        }
    }

    /// Whether orders can be paid like this here.
    pub(crate) fn offers(&self, method: PaymentMethod) -> bool {
        match method {
            PaymentMethod::Online => self.bank.is_configured(),
            PaymentMethod::Counter => true,
        }
    }

    /// When a provider that says nothing is asked for the first time.
    pub(crate) fn first_ask_at(&self, now: Timestamp) -> Timestamp {
        now.plus(self.rules.ask_after)
    }

    /// When it is asked again after so many questions: each pause twice as long, up to a limit.
    pub(crate) fn next_ask_at(&self, now: Timestamp, asks: i64) -> Timestamp {
        let doublings = u32::try_from(asks.clamp(0, 16)).unwrap_or(16);
        now.plus(self.rules.ask_after.saturating_mul(2_u32.saturating_pow(doublings)).min(self.rules.ask_max))
    }
}

/// Who takes the money of orders that are paid so.
pub(crate) const fn provider_of(method: PaymentMethod) -> ProviderName {
    match method {
        PaymentMethod::Online => ProviderName::Sandbox,
        PaymentMethod::Counter => ProviderName::Counter,
    }
}

/// How orders are paid that this provider takes the money of.
pub(crate) const fn method_of(provider: ProviderName) -> PaymentMethod {
    match provider {
        ProviderName::Sandbox => PaymentMethod::Online,
        ProviderName::Counter => PaymentMethod::Counter,
    }
}
