//! The payment provider of a run: it takes each instruction once, and tells of it late, twice, or in another order.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use prequal_server::app::new_id;
use serde_json::{Value, json};

use crate::faults::{self, step};

/// What it moved, or did not.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub id: String,
    /// `payout`, `debit` or `incoming`.
    pub kind: &'static str,
    pub reference: String,
    pub amount: i64,
    pub succeeded: bool,
}

/// A notice that waits.
#[derive(Debug, Clone)]
pub struct Notice {
    pub id: String,
    pub transfer: String,
    pub kind: &'static str,
    pub body: String,
    due_ms: i64,
    attempts: u32,
    under_way: bool,
}

#[derive(Debug, Default)]
struct State {
    by_key: BTreeMap<String, (String, usize)>,
    transfers: Vec<Transfer>,
    notices: Vec<Notice>,
}

/// The provider.
#[derive(Default)]
pub struct Provider(Mutex<State>);

impl Provider {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an instruction, once for each key.
    pub async fn instruct(&self, kind: &'static str, key: &str, body: &Bytes) -> Result<(u16, Bytes), String> {
        if faults::loses_message() {
            return Err("no connection".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(faults::below(30))).await;
        let body: Value = serde_json::from_slice(body).unwrap();
        let reference = body["reference"].as_str().unwrap().to_owned();
        let known = self.state().by_key.get(key).cloned();
        match known {
            Some((earlier, _)) => assert_eq!(earlier, body.to_string(), "one key, two instructions"),
            None => {
                let fails = kind == "debit" && !faults::is_calm() && faults::permille(80);
                let place =
                    self.move_money(kind, reference, body["amount"].as_i64().unwrap(), &body["value_date"], !fails);
                self.state().by_key.insert(key.to_owned(), (body.to_string(), place));
            }
        }
        if faults::loses_message() {
            return Err("the connection is broken off".to_owned());
        }
        Ok((202, Bytes::from_static(b"{}")))
    }

    /// Moves money and tells of it.
    pub fn move_money(
        &self,
        kind: &'static str,
        reference: String,
        amount: i64,
        value_date: &Value,
        succeeded: bool,
    ) -> usize {
        let transfer = Transfer { id: new_id(), kind, reference, amount, succeeded };
        step(format!("the provider moves {amount} as {kind} for {}: {succeeded}", transfer.reference));
        let name = match (kind, succeeded) {
            ("payout", true) => "payout.settled",
            ("payout", false) => "payout.failed",
            (_, true) => "payment.cleared",
            (_, false) => "payment.failed",
        };
        let body = json!({ "type": name, "data": { "id": transfer.id, "reference": transfer.reference, "amount": amount,
            "currency": "USD", "value_date": value_date } });
        let count = if faults::permille(faults::weather().twice) { 2 } else { 1 };
        for _ in 0..count {
            // Some at once, some long after those that come later.
            let wait = if faults::is_calm() { 10 } else { faults::below(5_000) };
            let notice = Notice {
                id: format!("msg_{}", new_id()),
                transfer: transfer.id.clone(),
                kind: name,
                body: body.to_string(),
                due_ms: real_ms() + i64::try_from(wait).unwrap(),
                attempts: 0,
                under_way: false,
            };
            self.state().notices.push(notice);
        }
        let mut state = self.state();
        state.transfers.push(transfer);
        state.transfers.len() - 1
    }

    /// Notices whose time has come.
    pub fn due(&self) -> Vec<Notice> {
        let now = real_ms();
        let mut state = self.state();
        let due = state.notices.iter_mut().filter(|notice| notice.due_ms <= now && !notice.under_way);
        due.map(|notice| {
            notice.under_way = true;
            notice.clone()
        })
        .collect()
    }

    /// A notice was answered, or not: it comes again until it is taken.
    pub fn answered(&self, id: &str, status: Option<u16>) {
        let now = real_ms();
        let mut state = self.state();
        if status == Some(200) {
            state.notices.retain(|notice| notice.id != id);
            return;
        }
        if let Some(notice) = state.notices.iter_mut().find(|notice| notice.id == id) {
            notice.under_way = false;
            notice.attempts += 1;
            notice.due_ms = now + 200 * i64::from(notice.attempts.min(20));
        }
    }

    /// Whether everything was told.
    pub fn is_quiet(&self) -> bool {
        self.state().notices.is_empty()
    }

    /// What is not taken yet.
    pub fn waiting(&self) -> Vec<Notice> {
        self.state().notices.clone()
    }

    /// Everything that was moved.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.state().transfers.clone()
    }
}

/// The provider's own clock, which does not leap.
fn real_ms() -> i64 {
    faults::steady_ms()
}
