//! MON-8: the bank's list of payments against ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use service::Finding;
use store::StoreError;

use crate::app::App;
use crate::model::judge::{Seen, SeenRefundState, SeenState};
use crate::model::payment::{Payment, is_open};
use crate::store as rows;

/// How many of our payments are compared at once.
const CHUNK: u32 = 500;

/// Every difference between the two lists. The bank's is taken first: what is opened meanwhile is only in ours.
pub(super) fn compare(app: &Arc<App>) -> Result<Vec<Finding>, String> {
    let mut theirs = bank_list(app)?;
    let mut findings = Vec::new();
    let mut after = String::new();
    loop {
        let from = after.clone();
        let ours: Result<Vec<(Payment, i64)>, StoreError> =
            app.db.read_blocking(move |snapshot| rows::opened_at_bank(snapshot, &from, CHUNK));
        let ours = ours.map_err(|error| error.to_string())?;
        let Some((last, _)) = ours.last() else { break };
        after = last.id.to_string();
        for (payment, by_hand_minor) in &ours {
            let seen = payment.provider_ref.as_ref().and_then(|reference| theirs.remove(reference));
            findings.extend(difference(payment, *by_hand_minor, seen.as_ref()).map(|message| {
                Finding::new(format!("payment {}", payment.id), message).of_key(payment.order_id.to_string())
            }));
        }
    }
    findings.extend(theirs.values().filter_map(stranger));
    Ok(findings)
}

fn bank_list(app: &App) -> Result<BTreeMap<String, Seen>, String> {
    let mut all = BTreeMap::new();
    let mut cursor: Option<String> = None;
    loop {
        let (items, next) = app.bank.list(cursor.as_deref()).map_err(|error| error.to_string())?;
        all.extend(items.into_iter().map(|seen| (seen.provider_ref.clone(), seen)));
        match next {
            // Its list goes by growing ids. One that goes in a circle would be read for ever.
            Some(next) if cursor.as_ref().is_some_and(|before| next <= *before) => {
                return Err(format!("the bank's list does not go on after {next}"));
            }
            Some(next) => cursor = Some(next),
            None => return Ok(all),
        }
    }
}

/// What the two say differently of one payment. What staff handed over from the till never passed through the bank.
fn difference(payment: &Payment, by_hand_minor: i64, seen: Option<&Seen>) -> Option<String> {
    let Some(seen) = seen else { return Some("is not known to the bank".to_owned()) };
    let given_back: i64 = seen
        .refunds
        .iter()
        .filter(|refund| refund.state == SeenRefundState::Succeeded)
        .map(|refund| refund.amount.amount())
        .sum();
    let theirs = (seen.captured.amount(), given_back, seen.captured.currency());
    let ours = (payment.captured.amount(), payment.refunded.amount() - by_hand_minor, payment.captured.currency());
    if theirs != ours {
        return Some(format!(
            "has taken {} and given back {} {}; the bank says {} and {} {}",
            ours.0, ours.1, ours.2, theirs.0, theirs.1, theirs.2
        ));
    }
    let is_open_there = matches!(seen.state, SeenState::Pending | SeenState::Authorized);
    let is_open_here = is_open(payment.state);
    (is_open_here != is_open_there).then(|| format!("is {}; the bank says {}", payment.state, seen.state.as_str()))
}

/// Money at the bank in our name that we know nothing of. A stranger's page without money is nobody's business.
fn stranger(seen: &Seen) -> Option<Finding> {
    let given_back = seen.refunds.iter().filter(|refund| refund.state == SeenRefundState::Succeeded);
    let left = seen.captured.amount() - given_back.map(|refund| refund.amount.amount()).sum::<i64>();
    (left > 0).then(|| {
        let message = format!("holds {} for {}, and no payment of ours knows it", seen.captured, seen.order_id);
        Finding::new(format!("bank payment {}", seen.provider_ref), message)
    })
}
