//! A provider calls back. That is a hint and nothing more: it is verified, stored once, and looked into later.

use std::time::Duration;

use eventlog::{Delivered, Failure, Record};
use http::HeaderMap;
use kernel::Timestamp;
use serde::Deserialize;
use store::Tx;

use super::record::record;
use crate::app::App;
use crate::error::Error;
use crate::events::CallbackStored;
use crate::model::payment::{Alarm, ProviderName};
use crate::provider::{BANK, Provider as _, ProviderError, is_plain_id};
use crate::store::{self as rows, Callback};

/// How long a callback is kept after it came: as long as events are.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Callbacks per transaction.
const STEP: u32 = 500;

/// What is read of a callback; everything else in it decides nothing.
#[derive(Deserialize)]
struct Hint {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    payment_id: String,
}

/// Checks the raw bytes and reads the hint.
pub(crate) fn read_callback(app: &App, provider: &str, headers: &HeaderMap, body: &[u8]) -> Result<Callback, Error> {
    let provider = match provider.parse() {
        Ok(ProviderName::Sandbox) => ProviderName::Sandbox,
        Ok(ProviderName::Counter) | Err(_) => return Err(Error::UnknownProvider),
    };
    let now = app.clock.now();
    app.bank.verify(headers, body, now).map_err(|reason| {
        tracing::warn!(provider = provider.as_str(), reason = %reason, "a callback was refused");
        Error::CallbackRefused
    })?;
    let text = std::str::from_utf8(body).map_err(|e| Error::CallbackMalformed(e.to_string()))?;
    let hint: Hint = serde_json::from_str(text).map_err(|e| Error::CallbackMalformed(e.to_string()))?;
    let is_kind = hint.kind.len() <= 100 && !hint.kind.contains(char::is_control);
    if !is_plain_id(&hint.id) || !is_plain_id(&hint.payment_id) || !is_kind {
        return Err(Error::CallbackMalformed("an id or the type is not one".to_owned()));
    }
    Ok(Callback {
        provider,
        event_id: hint.id,
        provider_ref: hint.payment_id,
        kind: hint.kind,
        body: text.to_owned(),
        received_at: now,
    })
}

/// Keeps a callback; one that came before is not looked into again.
pub(crate) fn store_callback(tx: &mut Tx<'_>, callback: &Callback) -> Result<(), Error> {
    if rows::callback_stored(tx, callback)? {
        tx.publish(&CallbackStored {
            provider: callback.provider.as_str().to_owned(),
            provider_ref: callback.provider_ref.clone(),
            event_id: callback.event_id.clone(),
        })?;
    }
    Ok(())
}

/// Looks into a callback: fetches the payment from the bank and records what is seen there. A payment that is not
/// known (yet) leaves the callback unmatched; opening it looks again.
pub(crate) fn look_into(app: &std::sync::Arc<App>, event: &Delivered) -> Result<Record, Failure> {
    let stored: CallbackStored = event.decode()?;
    let unknown = |error: contracts::UnknownWord| Failure::GiveUp(error.to_string());
    let provider: ProviderName = stored.provider.parse().map_err(unknown)?;
    let provider_ref = stored.provider_ref;
    let wanted = provider_ref.clone();
    let known = app.db.read_blocking(move |snapshot| rows::payment_of_reference(snapshot, provider, &wanted))?;
    let Some(payment) = known else {
        tracing::info!(provider.payment = provider_ref, "a callback speaks of a payment that is not known yet");
        return Ok(eventlog::nothing());
    };
    let seen = match app.bank.fetch(&payment) {
        Ok(seen) => Ok(seen),
        Err(ProviderError::Forgotten) => Err(Alarm::Forgotten),
        Err(error) => return Err(unread(error)),
    };
    let app = std::sync::Arc::clone(app);
    Ok(Box::new(move |tx| {
        rows::match_callbacks(tx, provider, &provider_ref)?;
        match &seen {
            Ok(seen) => record(tx, &app, payment.id, seen).map(drop)?,
            Err(alarm) => super::record::raise_alarm(tx, payment.id, *alarm)?,
        }
        Ok(())
    }))
}

/// Forgets some of the callbacks that were looked into long ago; whether there may be more. An event that the bank signs
/// anew after that is taken as a new one, and looked into: nothing comes of it.
///
/// # Errors
/// The database fails.
pub(crate) fn forget_callbacks(app: &App, now: Timestamp) -> Result<bool, Error> {
    let forgotten = app.db.write_blocking(move |tx| rows::prune_callbacks(tx, now.minus(KEPT), STEP))?;
    Ok(forgotten == u64::from(STEP))
}

/// Looking is safe to repeat: while the bank is silent it is waited for, and nonsense is tried again.
fn unread(error: ProviderError) -> Failure {
    match error {
        ProviderError::Away(reason) | ProviderError::Silent(reason) => {
            Failure::Unavailable { destination: BANK, reason }
        }
        ProviderError::Unclear(reason) | ProviderError::Refused(reason) | ProviderError::Conflict(reason) => {
            Failure::Retry(reason)
        }
        ProviderError::Forgotten => Failure::Retry("the bank does not know the payment".to_owned()),
    }
}
