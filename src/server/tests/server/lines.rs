//! Lines of credit: what is available counts holds, and principal comes back with money that is final.

use prequal_core::money::Amount;
use prequal_ledger::Event;
use prequal_server::{booking, settings::Settings, storage::group::Part, storage::loans};
use serde_json::{Value, json};

use crate::actors::{ADA, Purchase, Shopper};
use crate::world::{Answer, EDGE, LENDER, MERCHANT, World};

/// A line, and the credential of its holder.
pub struct Granted {
    pub id: String,
    pub capability: String,
}

fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

impl World {
    /// A line of ADA's, who is known by an application that came to nothing.
    pub async fn grant(&self, limit: i64) -> Granted {
        let known = self.apply(&ADA, 10_000).await;
        let body = json!({ "application_id": known.application, "limit": limit });
        let key = uuid::Uuid::new_v4().to_string();
        let granted = self.post_once("/v1/lines", LENDER, &key, &body).await.expect(201);
        let text = |name: &str| granted[name].as_str().unwrap().to_owned();
        Granted { id: text("line_id"), capability: text("capability") }
    }

    /// What a line's holder sees of it: drawn, held, available, above the limit.
    pub async fn standing(&self, line: &Granted) -> [i64; 4] {
        let view = self.get(&format!("/v1/lines/{}", line.id), &line.capability).await.expect(200);
        ["drawn", "held", "available", "above_limit"].map(|name| view[name].as_i64().unwrap())
    }

    /// An approved purchase, ready to be signed under a line.
    pub async fn ready(&self, checkout: Value, amount: i64, line: &str) -> (Purchase, Value) {
        let purchase = self.apply_for(checkout, &ADA, amount).await;
        let submitted = self.submit(&purchase, &self.offer(&purchase, "monthly-3")).await.expect(200);
        assert_eq!(submitted["outcome"], "approved", "{submitted}");
        let mut signing = self.signing(&submitted, ADA.name);
        signing["line"] = json!(line);
        (purchase, signing)
    }

    pub async fn buy_under(&self, line: &Granted, amount: i64) -> (Purchase, Answer) {
        let checkout = self.checkout(amount).await;
        let (purchase, signing) = self.ready(checkout, amount, &line.id).await;
        let answer = self.sign(&purchase, "sign", &signing).await;
        (purchase, answer)
    }

    pub async fn hold_under(&self, line: &Granted, amount: i64, days: u16) -> (String, Answer) {
        let checkout = self.manual_checkout(amount, days).await;
        let id = checkout["id"].as_str().unwrap().to_owned();
        let (purchase, signing) = self.ready(checkout, amount, &line.id).await;
        (id, self.sign(&purchase, "sign", &signing).await)
    }

    async fn change_line(&self, line: &Granted, what: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (path, key) = (format!("/v1/lines/{}/{what}", line.id), uuid::Uuid::new_v4().to_string());
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        self.call("POST", &path, LENDER, &headers, body.as_bytes()).await
    }

    /// Books an event of a loan, as the notices of a bank that debits would.
    pub async fn event(&self, loan: &str, event: Event) {
        let (app, event) = (self.app(), &event);
        let (now, today) = (app.now().unwrap().to_string(), app.today().unwrap());
        let now = now.as_str();
        let work = |mut tx: Part| async move {
            let row = loans::find(&mut tx, loan).await?.unwrap();
            let mut state = booking::load(&mut tx, &row).await?;
            booking::record(&mut tx, loan, &mut state, event.clone(), today, now).await
        };
        app.db.write(work).await.unwrap();
        self.verify().await;
    }
}

/// blnk #181: holds ignored in balance checks.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_available_counts_what_orders_hold() {
    let world = World::new().await;
    world.set_date("2027-01-10").await;
    let line = world.grant(100_000).await;
    assert_eq!(world.standing(&line).await, [0, 0, 100_000, 0]);
    let (first, signed) = world.hold_under(&line, 70_000, 7).await;
    signed.expect(201);
    assert_eq!(world.standing(&line).await, [0, 70_000, 30_000, 0]);
    let (_, refused) = world.hold_under(&line, 30_001, 7).await;
    assert_eq!(refused.problem(409, "line-refused")["available"], 30_000);
    let (_, refused) = world.buy_under(&line, 30_001).await;
    assert_eq!(refused.problem(409, "line-refused")["available"], 30_000);
    // Captured 60 % after three days: drawn in the place of held. The rest is held until it is captured or voided.
    world.set_date("2027-01-13").await;
    world.capture(&first, "a", &json!({ "amount": 42_000 })).await.expect(201);
    assert_eq!(world.standing(&line).await, [42_000, 28_000, 30_000, 0]);
    let (second, signed) = world.hold_under(&line, 30_000, 7).await;
    signed.expect(201);
    assert_eq!(world.standing(&line).await, [42_000, 58_000, 0, 0]);
    world.void(&second, "v").await.expect(200);
    assert_eq!(world.standing(&line).await, [42_000, 28_000, 30_000, 0]);
    // The window ends with the seventeenth, whether or not a job has run.
    world.set_date("2027-01-18").await;
    assert_eq!(world.standing(&line).await, [42_000, 0, 58_000, 0]);
    world.capture(&first, "b", &json!({ "amount": 28_000 })).await.problem(410, "capture-window-over");
    world.run_job("order-expiry", "2027-01-18").await;
    assert_eq!(world.standing(&line).await, [42_000, 0, 58_000, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn principal_repaid_comes_back_to_the_line_and_interest_does_not() {
    let world = World::new().await;
    world.set_date("2027-01-10").await;
    let line = world.grant(100_000).await;
    let (_, signed) = world.buy_under(&line, 60_000).await;
    let signed = signed.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    assert_eq!(world.standing(&line).await, [60_000, 0, 40_000, 0]);
    world.wait(&format!("/v1/loans/{loan}"), capability, |loan| loan["status"] == "active").await;
    // The first of three: 203.31, of which 4.95 interest (600.00 at 0.825 %).
    world.set_date("2027-02-10").await;
    world.pay(loan, capability, 20_331).await;
    assert_eq!(world.standing(&line).await, [60_000 - 19_836, 0, 40_000 + 19_836, 0]);
    let view = world.get(&format!("/v1/lines/{}", line.id), LENDER).await.expect(200);
    assert_eq!(view["loans"], json!([{ "loan_id": loan, "restored": 19_836 }]));
    let payoff =
        world.get(&format!("/v1/loans/{loan}/payoff"), capability).await.expect(200)["total"].as_i64().unwrap();
    world.pay(loan, capability, payoff).await;
    assert_eq!(world.standing(&line).await, [0, 0, 100_000, 0]);
}

/// A debit is final only when it has cleared; one that goes back after the line was used again leaves the line above its
/// limit, and nothing is available until it is repaid.
#[tokio::test(flavor = "multi_thread")]
async fn a_debit_returned_after_the_line_was_used_again() {
    let world = World::new().await;
    let line = world.grant(100_000).await;
    let (_, signed) = world.buy_under(&line, 100_000).await;
    let signed = signed.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    world.wait(&format!("/v1/loans/{loan}"), capability, |loan| loan["status"] == "active").await;
    let value_date = world.app().today().unwrap();
    let collected =
        |payment: &str, minor| Event::Collected { amount: amount(minor), payment: payment.into(), value_date };
    world.event(loan, collected("p-1", 60_000)).await;
    assert_eq!(world.standing(&line).await, [100_000, 0, 0, 0], "not before it has cleared");
    world.event(loan, Event::Returned { payment: "p-1".into() }).await;
    assert_eq!(world.standing(&line).await, [100_000, 0, 0, 0]);
    world.event(loan, collected("p-2", 60_000)).await;
    world.event(loan, Event::Cleared { payment: "p-2".into() }).await;
    assert_eq!(world.standing(&line).await, [40_000, 0, 60_000, 0]);
    let (order, signed) = world.hold_under(&line, 50_000, 30).await;
    signed.expect(201);
    assert_eq!(world.standing(&line).await, [40_000, 50_000, 10_000, 0]);
    // The bank takes the final money back.
    world.event(loan, Event::ChargedBack { payment: "p-2".into() }).await;
    assert_eq!(world.standing(&line).await, [100_000, 50_000, 0, 50_000]);
    let (_, refused) = world.buy_under(&line, 1_000).await;
    assert_eq!(refused.problem(409, "line-refused")["available"], 0);
    // The merchant was promised what is held.
    world.capture(&order, "a", &json!({ "amount": 50_000 })).await.expect(201);
    assert_eq!(world.standing(&line).await, [150_000, 0, 0, 50_000]);
    // Undone, the return is as if it had never been.
    let numbers: Vec<i64> = {
        let mut db = world.app().db.read().await.unwrap();
        loans::events(&mut db, loan).await.unwrap().into_iter().map(|row| row.number).collect()
    };
    let number = u32::try_from(*numbers.last().unwrap()).unwrap();
    world.event(loan, Event::Reversed { number }).await;
    assert_eq!(world.standing(&line).await, [90_000, 0, 10_000, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_fails_gives_the_line_back_and_a_charge_off_does_not() {
    let world = World::new().await;
    let line = world.grant(100_000).await;
    let (_, signed) = world.buy_under(&line, 60_000).await;
    let signed = signed.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    // The sandbox pays at once, so the merchant's bank gives it back, and then it is given up.
    world.wait(&format!("/v1/loans/{loan}"), capability, |loan| loan["status"] == "active").await;
    let value_date = world.app().today().unwrap();
    world.event(loan, Event::PayoutReturned { value_date }).await;
    assert_eq!(world.standing(&line).await, [60_000, 0, 40_000, 0], "it may be paid out again");
    world.event(loan, Event::PayoutFailed { value_date }).await;
    assert_eq!(world.standing(&line).await, [0, 0, 100_000, 0]);
    let (_, signed) = world.buy_under(&line, 60_000).await;
    let signed = signed.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    world.wait(&format!("/v1/loans/{loan}"), capability, |loan| loan["status"] == "active").await;
    world.pay(loan, capability, 10_000).await;
    assert_eq!(world.standing(&line).await, [50_000, 0, 50_000, 0]);
    world.event(loan, Event::ChargedOff { value_date }).await;
    assert_eq!(world.standing(&line).await, [50_000, 0, 50_000, 0], "what was given up has not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_or_lowered_line_holds_nothing_new_and_keeps_what_is_held() {
    let world = World::new().await;
    let line = world.grant(100_000).await;
    let (order, signed) = world.hold_under(&line, 60_000, 30).await;
    signed.expect(201);
    let checkout = world.checkout(1_000).await;
    let (approved, signing) = world.ready(checkout, 1_000, &line.id).await;
    let frozen = world.change_line(&line, "freeze", &Value::Null).await.expect(200);
    assert_eq!((&frozen["frozen"], &frozen["available"]), (&json!(true), &json!(0)));
    world.sign(&approved, "a", &signing).await.problem(409, "line-refused");
    // The line is the applicant's to name, and leaving it out is no way round a freeze.
    let mut without = signing.clone();
    without.as_object_mut().unwrap().remove("line");
    let refused = world.sign(&approved, "b", &without).await.problem(409, "line-refused");
    assert_eq!(refused["reason"], "LENDER-LINE-FROZEN");
    let another = world.apply(&ADA, 1_000).await;
    let declined = world.submit(&another, &world.offer(&another, "monthly-3")).await.expect(200);
    assert_eq!(declined["reasons"][0]["code"], "LENDER-LINE-FROZEN");
    world.capture(&order, "a", &json!({ "amount": 20_000 })).await.expect(201);
    let again = world.change_line(&line, "unfreeze", &Value::Null).await.expect(200);
    assert_eq!((&again["frozen"], &again["available"]), (&json!(false), &json!(40_000)));
    let lowered = world.change_line(&line, "limit", &json!({ "limit": 50_000 })).await.expect(200);
    assert_eq!((&lowered["available"], &lowered["above_limit"]), (&json!(0), &json!(10_000)));
    world.capture(&order, "b", &json!({ "amount": 40_000 })).await.expect(201);
    assert_eq!(world.standing(&line).await, [60_000, 0, 0, 10_000]);
    let raised = world.change_line(&line, "limit", &json!({ "limit": 61_000 })).await.expect(200);
    assert_eq!(raised["available"], 1_000);
    for wrong in
        [json!({ "limit": -1 }), json!({ "limit": 1.5 }), json!({}), json!({ "limit": 9_007_199_254_740_992_i64 })]
    {
        world.change_line(&line, "limit", &wrong).await.problem(422, "invalid-body");
    }
}

/// A product may be lent under a line only, so that its limit, its holds and a freeze count for every purchase.
#[tokio::test(flavor = "multi_thread")]
async fn a_product_of_lines_is_not_signed_without_one() {
    let mut world = World::new().await;
    world.config().limits.line_products = vec!["mortgage".to_owned()];
    let error = Settings::load(world.config(), true).unwrap_err();
    assert!(error.contains("`mortgage` is no product"), "{error}");
    world.config().limits.line_products = vec!["instalments".to_owned()];
    world.restart().await;
    let line = world.grant(1_000).await;
    let checkout = world.checkout(1_000).await;
    let (purchase, signing) = world.ready(checkout, 1_000, &line.id).await;
    let mut without = signing.clone();
    without.as_object_mut().unwrap().remove("line");
    let refused = world.sign(&purchase, "a", &without).await.problem(422, "line-required");
    assert_eq!(refused["pointer"], "/line");
    world.sign(&purchase, "b", &signing).await.expect(201);
    assert_eq!(world.standing(&line).await, [1_000, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_its_holder_s_and_granted_by_the_lender() {
    let world = World::new().await;
    let line = world.grant(100_000).await;
    let path = format!("/v1/lines/{}", line.id);
    for bearer in [MERCHANT, EDGE, "cap_unknown"] {
        world.get(&path, bearer).await.problem(404, "not-found");
    }
    world.get("/v1/lines/nothing", LENDER).await.problem(404, "not-found");
    let seen = world.get(&path, &line.capability).await.expect(200);
    assert_eq!(seen["person_id"], Value::Null);
    let person = world.get(&path, LENDER).await.expect(200)["person_id"].as_str().unwrap().to_owned();
    let body = json!({ "person_id": person, "limit": 5_000 });
    for bearer in [MERCHANT, EDGE, &line.capability] {
        world.post_once("/v1/lines", bearer, "k", &body).await.problem(403, "forbidden");
    }
    let first = world.post_once("/v1/lines", LENDER, "k", &body).await;
    first.expect(201);
    assert_eq!(world.post_once("/v1/lines", LENDER, "k", &body).await.bytes, first.bytes, "granted once");
    let nobody = uuid::Uuid::new_v4().to_string();
    for (wrong, pointer) in [
        (json!({ "limit": 1 }), "/person_id"),
        (json!({ "limit": 1, "person_id": person, "application_id": nobody }), "/person_id"),
        (json!({ "limit": 1, "person_id": nobody }), "/person_id"),
        (json!({ "limit": 1, "application_id": nobody }), "/application_id"),
        (json!({ "limit": 0, "person_id": person }), "/limit"),
    ] {
        let refused = world.post_once("/v1/lines", LENDER, "w", &wrong).await;
        assert_eq!(refused.problem(422, "invalid-value")["pointer"], pointer);
    }
    let key = [("idempotency-key", "r")];
    let rotated = world.call("POST", &format!("{path}/capability"), &line.capability, &key, b"").await;
    let again = world.call("POST", &format!("{path}/capability"), &line.capability, &key, b"").await;
    assert_eq!(rotated.bytes, again.bytes, "whoever lost the reply asks again");
    world.get(&path, &line.capability).await.problem(404, "not-found");
    world.get(&path, rotated.expect(201)["capability"].as_str().unwrap()).await.expect(200);

    // Somebody else's line, and one that is none.
    let other = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let purchase = world.apply(&other, 10_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    for id in [line.id.as_str(), "nothing", ""] {
        let mut signing = world.signing(&submitted, other.name);
        signing["line"] = json!(id);
        let refused = world.sign(&purchase, &format!("k{id}"), &signing).await;
        assert_eq!(refused.problem(422, "invalid-value")["pointer"], "/line");
    }
    assert_eq!(world.account("1110").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_so_many_lines_and_no_more() {
    let world = World::new().await;
    let line = world.grant(1_000).await;
    let view = world.get(&format!("/v1/lines/{}", line.id), LENDER).await.expect(200);
    let body = json!({ "person_id": view["person_id"], "limit": 1_000 });
    for number in 1..prequal_server::lines::LINES_OF_PERSON_MAX {
        world.post_once("/v1/lines", LENDER, &number.to_string(), &body).await.expect(201);
    }
    world.post_once("/v1/lines", LENDER, "more", &body).await.problem(429, "too-many");
}

/// Twenty purchases of 100.00 at the same instant, on two servers, under a line of 450.00: four of them.
#[tokio::test(flavor = "multi_thread")]
async fn purchases_at_the_same_instant_do_not_pass_the_limit_of_their_line() {
    let world = World::new().await;
    let line = world.grant(45_000).await;
    let other = crate::process::Process::start(&world, "127.0.0.1:0");
    let mut tasks = Vec::new();
    for number in 0..20 {
        let checkout =
            if number % 3 == 0 { world.checkout(10_000).await } else { world.manual_checkout(10_000, 9).await };
        let (purchase, signing) = world.ready(checkout, 10_000, &line.id).await;
        let base = if number % 2 == 0 { world.base.clone() } else { other.base.clone() };
        tasks.push((base, purchase, signing));
    }
    let tasks: Vec<_> = tasks
        .into_iter()
        .map(|(base, purchase, signing)| {
            tokio::spawn(async move {
                let path = format!("/v1/applications/{}/sign", purchase.application);
                crate::together::post(&base, &path, &purchase.capability, "once", &signing).await
            })
        })
        .collect();
    let mut signed = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status {
            201 => signed += 1,
            _ => drop(answer.problem(409, "line-refused")),
        }
    }
    assert_eq!(signed, 4);
    world.verify().await;
    let [drawn, held, available, above] = world.standing(&line).await;
    assert_eq!((drawn + held, available, above), (40_000, 5_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn line_events_and_captures_are_append_only() {
    let world = World::new().await;
    let line = world.grant(100_000).await;
    let (order, signed) = world.hold_under(&line, 60_000, 30).await;
    signed.expect(201);
    world.capture(&order, "a", &json!({ "amount": 20_000 })).await.expect(201);
    for statement in [
        "UPDATE line_events SET event = '{}'",
        "DELETE FROM line_events",
        "UPDATE order_captures SET amount = 1",
        "DELETE FROM order_captures",
    ] {
        let mut tx = world.app().db.begin().await.unwrap();
        let error = sqlx::query(statement).execute(&mut *tx).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{statement}: {error}");
    }
}
