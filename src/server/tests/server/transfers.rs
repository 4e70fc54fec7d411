//! Money on its way: debits that are collected, clear or come back; payouts that fail or are returned; money that goes
//! back to whoever paid.

use prequal_server::pay_backs::FAILURES_MAX;
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{LENDER, MERCHANT, World},
};

pub const GRACE: Shopper =
    Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };

impl World {
    pub async fn switch(&self, switches: Value) {
        self.provider("POST", "/v1/switches", &switches).await;
    }

    /// The newest transfer of a kind at the provider.
    pub async fn newest(&self, kind: &str) -> String {
        let all = self.provider("GET", "/v1/transfers", &Value::Null).await;
        let mut of_kind = all["transfers"].as_array().unwrap().iter().filter(|row| row["kind"] == kind);
        of_kind.next_back().unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub async fn later(&self, transfer: &str, what: &str) {
        self.provider("POST", &format!("/v1/transfers/{transfer}/{what}"), &Value::Null).await;
    }

    /// Instructs a debit that is only collected, and waits until it is.
    pub async fn collect(&self, loan: &str, capability: &str, amount: i64) -> String {
        self.switch(json!({ "collect_next": 1 })).await;
        let path = format!("/v1/loans/{loan}");
        let key = uuid::Uuid::new_v4().to_string();
        let body = json!({ "amount": amount });
        let id = self.post_once(&format!("{path}/payments"), capability, &key, &body).await.expect(202)["payment_id"]
            .clone();
        self.wait(&path, capability, |loan| status_of(loan, &id) == "received").await;
        id.as_str().unwrap().to_owned()
    }
}

fn status_of(loan: &Value, payment: &Value) -> String {
    let payments = loan["payments"].as_array().unwrap();
    payments
        .iter()
        .find(|one| one["id"] == *payment)
        .map_or_else(String::new, |one| one["status"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_is_collected_pays_at_once_and_closes_nothing_until_it_clears() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let payment = json!(world.collect(&loan, &capability, 50_000).await);
    let view = world.get(&path, &capability).await.expect(200);
    assert_eq!((&view["balance"]["total"], &view["status"]), (&json!(0), &json!("active")));
    assert_eq!((world.account("1020").await, world.account("1110").await), (50_000, 0));
    let collected = view["payments"][0].clone();
    let transfer = world.newest("debit").await;
    world.later(&transfer, "clear").await;
    let view = world.wait(&path, &capability, |loan| loan["status"] == "settled").await;
    assert_eq!(status_of(&view, &payment), "cleared");
    assert_eq!(view["payments"][0]["value_date"], collected["value_date"], "it counts since it was collected");
    assert_eq!(world.account("1020").await, 0);
    assert_eq!(view["payments"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_comes_back_leaves_the_loan_as_if_it_had_never_been() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let (_, never, other) = world.buy(&GRACE, 50_000, "monthly-3").await;
    let start = world.app().today().unwrap();
    let path = format!("/v1/loans/{loan}");
    let payment = json!(world.collect(&loan, &capability, 20_000).await);
    let transfer = world.newest("debit").await;
    world.set_date(&start.add_days(9).unwrap().to_string()).await;
    world.later(&transfer, "return").await;
    world.wait(&path, &capability, |loan| status_of(loan, &payment) == "returned").await;
    // Told again, under another id of a notice: nothing more happens.
    world.later(&transfer, "return").await;
    world.set_date(&start.add_days(70).unwrap().to_string()).await;
    let view = world.get(&path, &capability).await.expect(200);
    let untouched = world.get(&format!("/v1/loans/{never}"), &other).await.expect(200);
    for part in ["balance", "overdue", "installments", "next_due", "credit_balance"] {
        assert_eq!(view[part], untouched[part], "{part}");
    }
    assert_eq!(world.account("1020").await, 0);
}

/// A debit charged back after it settled the loan.
#[tokio::test(flavor = "multi_thread")]
async fn final_money_that_is_taken_back_makes_a_settled_loan_owed_again() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    world.pay(&loan, &capability, 50_000).await;
    assert_eq!(world.get(&path, &capability).await.expect(200)["status"], "settled");
    let transfer = world.newest("debit").await;
    world.later(&transfer, "charge-back").await;
    let view = world.wait(&path, &capability, |loan| loan["payments"][0]["status"] == "charged_back").await;
    assert_eq!((&view["status"], &view["balance"]["principal"]), (&json!("active"), &json!(50_000)));
    // It can be paid anew.
    world.pay(&loan, &capability, 50_000).await;
    world.wait(&path, &capability, |loan| loan["status"] == "settled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_was_returned_costs_no_interest_and_is_sent_again() {
    let world = World::new().await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let order = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
    let start = world.app().today().unwrap();
    let path = format!("/v1/loans/{loan}");
    let decide = format!("{path}/payout");
    let resend = json!({ "decision": "resend" });
    world.post_once(&decide, LENDER, "a", &resend).await.problem(409, "wrong-state");
    world.set_date(&start.add_days(20).unwrap().to_string()).await;
    let transfer = world.newest("payout").await;
    world.later(&transfer, "return").await;
    let view = world.wait(&path, &capability, |loan| loan["status"] == "disbursing").await;
    assert_eq!(view["balance"]["interest"], 0, "nobody has the money");
    assert_eq!(world.get(&order, MERCHANT).await.expect(200)["payout"]["status"], "returned");
    world.post_once(&decide, &capability, "b", &resend).await.problem(403, "forbidden");
    world.post_once(&decide, LENDER, "b", &resend).await.expect(201);
    world.wait(&path, &capability, |loan| loan["status"] == "active").await;
    world.post_once(&decide, LENDER, "c", &resend).await.problem(409, "wrong-state");
    // Interest runs from the second value date: on the first due date there is less of it than was agreed.
    let first = purchase.offers[0].1["installments"][0].clone();
    world.set_date(first["due"].as_str().unwrap()).await;
    let interest = world.get(&path, &capability).await.expect(200)["balance"]["interest"].as_i64().unwrap();
    assert!(interest > 0 && interest < first["interest"].as_i64().unwrap() / 2, "{interest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_is_given_up_undoes_the_refund_of_what_was_never_paid() {
    let world = World::new().await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let refund = json!({ "loan": loan, "reference": "R", "amount": 20_000 });
    world.refund("a", &refund).await.expect(201);
    let transfer = world.newest("payout").await;
    world.later(&transfer, "return").await;
    world.wait(&path, &capability, |loan| loan["status"] == "disbursing").await;
    world.post_once(&format!("{path}/payout"), LENDER, "b", &json!({ "decision": "give_up" })).await.expect(201);
    let view = world.get(&path, &capability).await.expect(200);
    assert_eq!((&view["status"], &view["balance"]["total"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(view["credit_balance"], 0, "nobody paid what could be owed back");
    assert_eq!(world.get("/v1/refunds", MERCHANT).await.expect(200)["refunds"][0]["status"], "reversed");
    for account in ["1010", "1110", "2010", "2110", "4030"] {
        assert_eq!(world.account(account).await, 0, "account {account}");
    }
    let another = json!({ "order": purchase.checkout["id"], "reference": "R-2", "amount": 1 });
    world.refund("c", &another).await.problem(409, "wrong-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_balance_is_paid_back_by_itself_and_one_that_fails_is_tried_again() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    assert_eq!(world.run_job_today("credit-balances").await, 0, "nothing is owed back");
    world.pay(&loan, &capability, 50_000).await;
    world.refund("a", &json!({ "loan": loan, "reference": "R", "amount": 20_000 })).await.expect(201);
    world.switch(json!({ "fail_next": 1 })).await;
    assert_eq!(world.run_job_today("credit-balances").await, 1);
    world.wait(&path, &capability, |loan| loan["credit_balance"] == 20_000).await;
    let cash = world.account("1010").await;
    assert_eq!(world.run_job_today("credit-balances").await, 1);
    let settled = |transfers: &Value| {
        let transfers = transfers["transfers"].as_array().unwrap();
        transfers
            .iter()
            .filter(|row| row["kind"] == "payout" && row["amount"] == 20_000 && row["status"] == "succeeded")
            .count()
    };
    world.wait(&path, &capability, |loan| loan["credit_balance"] == 0).await;
    for _ in 0..3 {
        assert_eq!(world.run_job_today("credit-balances").await, 0, "once");
    }
    assert_eq!((world.account("2110").await, world.account("1010").await), (0, cash - 20_000));
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(settled(&world.provider("GET", "/v1/transfers", &Value::Null).await), 1);
    // The shopper's bank gives it back after all: it is owed again.
    let transfer = world.newest("payout").await;
    world.later(&transfer, "return").await;
    world.wait(&path, &capability, |loan| loan["credit_balance"] == 20_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_debit_that_is_not_final_brought_is_not_paid_back_and_failures_end() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    world.collect(&loan, &capability, 50_000).await;
    world.refund("a", &json!({ "loan": loan, "reference": "R", "amount": 20_000 })).await.expect(201);
    assert_eq!(world.get(&path, &capability).await.expect(200)["credit_balance"], 20_000);
    assert_eq!(world.run_job_today("credit-balances").await, 0, "the debit may still come back");
    let transfer = world.newest("debit").await;
    world.later(&transfer, "clear").await;
    world.wait(&path, &capability, |loan| loan["status"] == "settled").await;
    world.switch(json!({ "fail_next": 100 })).await;
    for _ in 0..FAILURES_MAX {
        assert_eq!(world.run_job_today("credit-balances").await, 1);
        world.wait(&path, &capability, |loan| loan["credit_balance"] == 0 || loan["credit_balance"] == 20_000).await;
        world.wait(&path, &capability, |loan| loan["credit_balance"] == 20_000).await;
    }
    assert_eq!(world.run_job_today("credit-balances").await, 0, "a person must look at it");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_of_an_unknown_payer_is_matched_or_returned_once() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    for (reference, amount) in [("my camera", 700), ("my camera, too", 800), ("mine", 900)] {
        let body = json!({ "reference": reference, "amount": amount, "currency": "USD", "value_date": today });
        world.provider("POST", "/v1/incoming", &body).await;
    }
    let page = world.wait("/v1/ledger/suspense", LENDER, |page| page["receipts"].as_array().unwrap().len() == 3).await;
    let receipt = |amount: i64| {
        let rows = page["receipts"].as_array().unwrap();
        rows.iter().find(|row| row["amount"] == amount).unwrap()["entry_id"].as_str().unwrap().to_owned()
    };
    let path = |entry: &str| format!("/v1/ledger/suspense/{entry}/match");
    let (first, second, third) = (path(&receipt(700)), path(&receipt(800)), path(&receipt(900)));
    let body = json!({ "loan": loan });
    world.post_once(&first, &capability, "a", &body).await.problem(403, "forbidden");
    world.post_once(&first, LENDER, "a", &json!({})).await.problem(422, "invalid-value");
    world.post_once(&first, LENDER, "a", &json!({ "loan": loan, "return": true })).await.problem(422, "invalid-value");
    world.post_once(&first, LENDER, "a", &json!({ "loan": "nobody" })).await.problem(422, "invalid-value");
    let unknown = path(&uuid::Uuid::now_v7().to_string());
    world.post_once(&unknown, LENDER, "a", &body).await.problem(404, "not-found");
    let matched = world.post_once(&first, LENDER, "a", &body).await;
    matched.expect(201);
    assert_eq!(world.post_once(&first, LENDER, "a", &body).await.bytes, matched.bytes);
    world.post_once(&first, LENDER, "b", &body).await.problem(409, "suspense-matched");
    world.post_once(&first, LENDER, "b", &json!({ "return": true })).await.problem(409, "suspense-matched");
    assert_eq!((world.owed(&loan).await, world.account("2910").await), (49_300, 1_700));

    // The first return fails: the money waits again, and may be returned again.
    world.switch(json!({ "fail_next": 1 })).await;
    world.post_once(&second, LENDER, "a", &json!({ "return": true })).await.expect(201);
    let waiting =
        |page: &Value| page["receipts"].as_array().unwrap().iter().filter(|row| row["status"] == "waiting").count();
    let tried = world.wait("/v1/ledger/suspense", LENDER, |page| waiting(page) == 2).await;
    assert_eq!(tried["receipts"].as_array().unwrap().len(), 3);
    world.post_once(&second, LENDER, "b", &json!({ "return": true })).await.expect(201);
    assert_eq!(world.account("2910").await, 900);
    // The third is taken back by the payer's bank, and so is the one that was matched.
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let transfer = |amount: i64| {
        let rows = transfers["transfers"].as_array().unwrap();
        rows.iter().find(|row| row["kind"] == "incoming" && row["amount"] == amount).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    world.later(&transfer(900), "charge-back").await;
    world.wait("/v1/ledger/suspense", LENDER, |page| waiting(page) == 0).await;
    world.post_once(&third, LENDER, "a", &body).await.problem(409, "suspense-matched");
    world.later(&transfer(700), "charge-back").await;
    world.wait(&format!("/v1/loans/{loan}"), &capability, |loan| loan["balance"]["total"] == 50_000).await;
    assert_eq!(world.account("2910").await, 0);
}

/// Until the merchant has the money there is nothing to be lost or sold: a payout that came back may be sent again, and
/// fail then.
#[tokio::test(flavor = "multi_thread")]
async fn a_loan_is_charged_off_or_sold_only_while_it_is_paid_out_and_owed() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let today = world.app().today().unwrap().to_string();
    let lost = json!({ "type": "charged_off", "value_date": today });
    let sold = json!({ "type": "transferred", "value_date": today, "owner": "fund-2", "price": 1 });
    let transfer = world.newest("payout").await;
    world.later(&transfer, "return").await;
    world.wait(&path, &capability, |loan| loan["status"] == "disbursing").await;
    for event in [&lost, &sold] {
        world.try_tell(&loan, event).await.problem(409, "wrong-state");
    }
    // Sent again, the payout fails: the provider's notice is taken.
    world.switch(json!({ "fail_next": 1 })).await;
    world.post_once(&format!("{path}/payout"), LENDER, "a", &json!({ "decision": "resend" })).await.expect(201);
    world.wait(&path, &capability, |loan| loan["status"] == "cancelled").await;
    for event in [&lost, &sold] {
        world.try_tell(&loan, event).await.problem(409, "wrong-state");
    }
    // A loan that is paid owes nothing that could be lost.
    let (_, paid, capability) = world.buy(&GRACE, 50_000, "monthly-3").await;
    world.pay(&paid, &capability, 50_000).await;
    world.wait(&format!("/v1/loans/{paid}"), &capability, |loan| loan["status"] == "settled").await;
    for event in [&lost, &sold] {
        world.try_tell(&paid, event).await.problem(409, "wrong-state");
    }
}

/// The number of a loan's newest event.
async fn newest_event(world: &World, loan: &str) -> Value {
    world.get(&format!("/v1/loans/{loan}/events"), LENDER).await.expect(200)["count"].clone()
}

async fn undo(world: &World, loan: &str, number: &Value) -> crate::world::Answer {
    world.try_tell(loan, &json!({ "type": "reversed", "number": number })).await
}

/// What the payer's bank took is gone, whatever the lender decides of the event that says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_took_back_is_not_brought_back_by_a_reversal() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    world.pay(&loan, &capability, 10_000).await;
    world.later(&world.newest("debit").await, "charge-back").await;
    world.wait(&path, &capability, |loan| loan["payments"][0]["status"] == "charged_back").await;
    let (cash, number) = (world.account("1010").await, newest_event(&world, &loan).await);
    undo(&world, &loan, &number).await.problem(422, "event-refused");
    // Collected, cleared and returned are the provider's to say as well.
    let payment = json!(world.collect(&loan, &capability, 5_000).await);
    let number = newest_event(&world, &loan).await;
    undo(&world, &loan, &number).await.problem(422, "event-refused");
    world.later(&world.newest("debit").await, "return").await;
    world.wait(&path, &capability, |loan| status_of(loan, &payment) == "returned").await;
    let number = newest_event(&world, &loan).await;
    undo(&world, &loan, &number).await.problem(422, "event-refused");
    assert_eq!((world.account("1010").await, world.owed(&loan).await), (cash, 50_000));
}

/// Money booked to the wrong loan: it is still the lender's to keep for somebody, so it waits in suspense and goes to the
/// right loan from its own day; and where its bank takes it back, it is taken from where it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_is_reversed_waits_in_suspense_and_goes_to_another_loan() {
    let world = World::new().await;
    let (_, wrong, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let (_, right, other) = world.buy(&GRACE, 50_000, "monthly-3").await;
    let start = world.app().today().unwrap();
    let cash = world.account("1010").await;
    world.pay(&wrong, &capability, 10_000).await;
    world.set_date(&start.add_days(3).unwrap().to_string()).await;
    let number = newest_event(&world, &wrong).await;
    undo(&world, &wrong, &number).await.expect(201);
    let books = async || (world.account("1010").await - cash, world.account("2910").await);
    assert_eq!((books().await, world.owed(&wrong).await >= 50_000), ((10_000, 10_000), true));
    let view = world.get(&format!("/v1/loans/{wrong}"), &capability).await.expect(200);
    assert_eq!(view["payments"][0]["status"], "reversed");
    // It cannot count twice.
    let reversal = newest_event(&world, &wrong).await;
    undo(&world, &wrong, &reversal).await.problem(422, "event-refused");
    let page = world.get("/v1/ledger/suspense", LENDER).await.expect(200);
    let receipt = page["receipts"][0].clone();
    assert_eq!((&receipt["amount"], &receipt["status"]), (&json!(10_000), &json!("waiting")));
    let matching = format!("/v1/ledger/suspense/{}/match", receipt["entry_id"].as_str().unwrap());
    world.post_once(&matching, LENDER, "a", &json!({ "loan": right })).await.expect(201);
    let view = world.get(&format!("/v1/loans/{right}"), &other).await.expect(200);
    assert_eq!(view["payments"][0]["value_date"], start.to_string(), "from the day on which it came");
    assert_eq!(books().await, (10_000, 0));
    undo(&world, &wrong, &reversal).await.problem(422, "event-refused");
    // Reversed there too, it waits again under the same receipt.
    let number = newest_event(&world, &right).await;
    undo(&world, &right, &number).await.expect(201);
    assert_eq!(books().await, (10_000, 10_000));
    let page = world.get("/v1/ledger/suspense", LENDER).await.expect(200);
    assert_eq!(page["receipts"].as_array().unwrap().len(), 1);
    world.post_once(&matching, LENDER, "b", &json!({ "loan": right })).await.expect(201);
    // The bank of the first loan's shopper takes its debit back: from the second loan, which has the money.
    world.later(&world.newest("debit").await, "charge-back").await;
    let charged_back =
        |loan: &Value| loan["payments"].as_array().unwrap().iter().any(|one| one["status"] == "charged_back");
    world.wait(&format!("/v1/loans/{right}"), &other, charged_back).await;
    assert_eq!(books().await, (0, 0));
}

/// Taken back while it waits, it is gone: reversing the reversal brings nothing back.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_was_reversed_and_taken_back_never_counts_again() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let cash = world.account("1010").await;
    world.pay(&loan, &capability, 10_000).await;
    let number = newest_event(&world, &loan).await;
    undo(&world, &loan, &number).await.expect(201);
    world.later(&world.newest("debit").await, "charge-back").await;
    let path = format!("/v1/loans/{loan}");
    world.wait(&path, &capability, |loan| loan["payments"][0]["status"] == "charged_back").await;
    assert_eq!((world.account("1010").await, world.account("2910").await), (cash, 0));
    let reversal = newest_event(&world, &loan).await;
    undo(&world, &loan, &reversal).await.problem(422, "event-refused");
    assert_eq!((world.account("1010").await, world.owed(&loan).await), (cash, 50_000));
}
