//! What the day came to: orders by their end, revenue by shop, the slowest steps, and what the audit says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use kernel::{Currency, Money};
use serde::Serialize;
use serde_json::Value;

use super::chain::{Chain, all_pages};
use super::client::StepTimes;
use super::play::Played;

/// The summary, as text or as JSON.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    /// Orders that were asked for.
    pub(crate) orders_asked: u32,
    /// Orders by the state that they ended in.
    pub(crate) ends: BTreeMap<String, usize>,
    /// Shops with what they took and kept.
    pub(crate) shops: Vec<ShopDay>,
    /// Guests who found nothing that they wanted.
    pub(crate) walked_away: usize,
    /// Steps, slowest first.
    pub(crate) steps: Vec<StepTimes>,
    /// Breaches that the audit found.
    pub(crate) audit_findings: usize,
    /// Real seconds that the day took.
    pub(crate) took_s: f64,
}

/// One shop's day.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ShopDay {
    /// Its name.
    pub(crate) name: String,
    /// Orders handed over.
    pub(crate) closed: usize,
    /// Their totals.
    pub(crate) revenue: Money,
}

/// Reads the orders of all shops as their managers see them.
pub(crate) fn of_the_day(chain: &Chain, played: &Played) -> Result<Summary> {
    let mut ends = BTreeMap::new();
    let mut shops = Vec::new();
    for branch in &chain.shops {
        let manager = branch.manager.client()?;
        let orders = all_pages(&manager, "list orders", &format!("/orders?shop_id={}&limit=100", branch.id))?;
        let mut day = ShopDay { name: branch.name.clone(), closed: 0, revenue: Money::zero(Currency::RUB) };
        for order in &orders {
            let state = order["state"].as_str().unwrap_or("unknown");
            *ends.entry(state.to_owned()).or_insert(0) += 1;
            if state == "closed" {
                day.closed += 1;
                day.revenue = day.revenue.plus(money(&order["total"])?)?;
            }
        }
        shops.push(day);
    }
    let steps = chain.admin.client()?.steps().slowest_first();
    Ok(Summary { orders_asked: 0, ends, shops, walked_away: played.walked_away, steps, audit_findings: 0, took_s: 0.0 })
}

fn money(value: &Value) -> Result<Money> {
    Ok(serde_json::from_value(value.clone())?)
}

impl Summary {
    /// How many orders there were.
    pub(crate) fn orders(&self) -> usize {
        self.ends.values().sum()
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("\nA day of {} orders, played in {:.1} s\n\n", self.orders(), self.took_s);
        if self.orders() < self.orders_asked as usize {
            let _ = writeln!(text, "  {} were asked for: the shops took no more that day\n", self.orders_asked);
        }
        for (state, count) in &self.ends {
            let _ = writeln!(text, "  {state:<12}{count:>6}");
        }
        let _ = writeln!(text, "  {:<12}{:>6}   (found nothing that they wanted)\n", "walked away", self.walked_away);
        for shop in &self.shops {
            let _ = writeln!(text, "  {:<28}{:>5} handed over{:>20}", shop.name, shop.closed, shop.revenue.to_string());
        }
        let _ = writeln!(text, "\n  slowest steps                count    p50 ms    p99 ms");
        for step in self.steps.iter().take(8) {
            let _ = writeln!(text, "  {:<28}{:>6}{:>10.1}{:>10.1}", step.step, step.count, step.p50_ms, step.p99_ms);
        }
        let verdict = match self.audit_findings {
            0 => "clean".to_owned(),
            count => format!("{count} findings: run `samovar audit`"),
        };
        let _ = writeln!(text, "\n  audit                       {verdict}");
        text
    }
}
