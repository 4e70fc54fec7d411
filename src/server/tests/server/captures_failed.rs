//! Captures whose payout fails: nothing was lent by them, they cost nothing, and what they took is there again.

use prequal_server::storage::notices;
use serde_json::{Value, json};

use crate::{
    funding::{seventy_thirty, world},
    orders::Authorized,
    world::{LENDER, MERCHANT, World},
};

fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no amount"))
}

impl World {
    pub async fn fail_next_payouts(&self, count: u32) {
        self.provider("POST", "/v1/switches", &json!({ "fail_next": count })).await;
    }

    /// Captures, and waits until the loan is what is awaited; gives the loan's id and the answer.
    async fn captured(&self, order: &str, body: Value, status: &str) -> (String, Value) {
        let key = uuid::Uuid::new_v4().to_string();
        let answer = self.capture(order, &key, &body).await.expect(201);
        let view = self.order(order, LENDER).await;
        let loan = view["captures"].as_array().unwrap().last().unwrap()["loan_id"].as_str().unwrap().to_owned();
        self.wait(&format!("/v1/loans/{loan}"), LENDER, |view| view["status"] == status).await;
        (loan, answer)
    }

    /// The payout of a loan, which was paid out, comes back and is given up.
    async fn give_up(&self, loan: &str) {
        let all = self.provider("GET", "/v1/transfers", &Value::Null).await;
        let mut payouts = all["transfers"].as_array().unwrap().iter().filter(|row| row["kind"] == "payout");
        let transfer = payouts.next_back().unwrap()["id"].as_str().unwrap().to_owned();
        self.provider("POST", &format!("/v1/transfers/{transfer}/return"), &Value::Null).await;
        self.wait(&format!("/v1/loans/{loan}"), LENDER, |view| view["status"] == "disbursing").await;
        let path = format!("/v1/loans/{loan}/payout");
        self.post_once(&path, LENDER, loan, &json!({ "decision": "give_up" })).await.expect(201);
    }

    async fn order_events(&self) -> Vec<(String, Value)> {
        let page = self.get("/v1/order-events", MERCHANT).await.expect(200);
        let events = page["events"].as_array().unwrap();
        events.iter().map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone())).collect()
    }
}

/// 60 % are captured, and the merchant's bank does not take the money. Nothing is lent, and interest runs for nothing
/// for nobody; the merchant captures the same part again twenty days later, and the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_whose_payout_fails_costs_nothing_and_may_be_made_again() {
    let world = World::new().await;
    world.set_date("2027-01-10").await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    world.fail_next_payouts(1).await;
    let (lost, _) = world.captured(&order.id, json!({ "amount": 60_000 }), "cancelled").await;
    for day in ["2027-01-10", "2027-01-30"] {
        world.set_date(day).await;
        let loan = world.get(&format!("/v1/loans/{lost}"), &order.capability).await.expect(200);
        assert_eq!((&loan["balance"]["total"], &loan["installments"]), (&json!(0), &json!([])), "it costs nothing");
        let view = world.order(&order.id, MERCHANT).await;
        assert_eq!((&view["state"], minor(&view["captured_amount"])), (&json!("authorized"), 0));
        assert_eq!((minor(&view["left_amount"]), minor(&view["fee"]), minor(&view["paid_amount"])), (100_000, 0, 0));
        assert_eq!(
            (&view["captures"][0]["state"], &view["captures"][0]["payout"]["status"]),
            (&json!("failed"), &json!("failed"))
        );
    }
    for account in ["1110", "1120", "2010", "4010", "4030"] {
        assert_eq!(world.account(account).await, 0, "account {account}");
    }
    let told = world.order_events().await;
    let (kind, data) = told.last().unwrap();
    assert_eq!(
        (kind.as_str(), &data["capture"], &data["failed_amount"]),
        ("order.capture_failed", &json!(1), &json!(60_000))
    );
    assert_eq!((&data["captured_amount"], &data["state"]), (&json!(0), &json!("authorized")));

    let (again, first) = world.captured(&order.id, json!({ "amount": 60_000 }), "active").await;
    assert_eq!((minor(&first["number"]), minor(&first["fee"]), minor(&first["left_amount"])), (2, 1_800, 40_000));
    world.captured(&order.id, json!({ "amount": 40_000 }), "active").await;
    let view = world.order(&order.id, MERCHANT).await;
    assert_eq!(
        (&view["state"], minor(&view["captured_amount"]), minor(&view["fee"])),
        (&json!("captured"), 100_000, 3_000)
    );
    let loan = world.get(&format!("/v1/loans/{again}"), &order.capability).await.expect(200);
    assert_eq!(loan["installments"][0]["due"], "2027-02-28", "a month after 30 January");
    assert_eq!(world.account("1110").await, 100_000);

    // The shopper was told of each capture, and that the first came to nothing.
    let mut db = world.app().db.read().await.unwrap();
    let due = notices::due(&mut db, i64::MAX, 10).await.unwrap();
    drop(db);
    let of = |kind: &str| {
        due.iter().filter(|notice| notice.kind == kind).map(|notice| notice.body.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("capture").len(), 3);
    let failed = of("capture_failed");
    assert!(
        failed.len() == 1 && failed[0].contains("could not pay 600.00 USD") && failed[0].contains("you owe nothing")
    );
}

/// The whole was captured in two parts under a line, and the second is not paid out: it is held again, as it was, also of
/// a line that was frozen and lowered in the meantime; and what the person may owe in all is what it was.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_capture_drew_on_a_line_is_held_again() {
    let world = World::new().await;
    world.set_date("2027-01-10").await;
    let line = world.grant(150_000).await;
    let (order, signed) = world.hold_under(&line, 100_000, 30).await;
    signed.expect(201);
    world.captured(&order, json!({ "amount": 60_000 }), "active").await;
    let (second, whole) = world.captured(&order, json!({ "amount": 40_000 }), "active").await;
    assert_eq!(whole["state"], "captured");
    assert_eq!(world.standing(&line).await, [100_000, 0, 50_000, 0]);
    let (path, lowered) = (format!("/v1/lines/{}", line.id), json!({ "limit": 70_000 }));
    world.post_once(&format!("{path}/limit"), LENDER, "l", &lowered).await.expect(200);
    world.call("POST", &format!("{path}/freeze"), LENDER, &[("idempotency-key", "f")], b"").await.expect(200);

    world.give_up(&second).await;
    assert_eq!(world.standing(&line).await, [60_000, 40_000, 0, 30_000], "above the lower limit as before");
    let view = world.order(&order, MERCHANT).await;
    assert_eq!((&view["state"], minor(&view["left_amount"])), (&json!("partly_captured"), 40_000));
    // What was promised is captured also of a frozen line.
    let (_, again) = world.captured(&order, json!({ "amount": 40_000 }), "active").await;
    assert_eq!(again["state"], "captured");
    assert_eq!(world.standing(&line).await, [100_000, 0, 0, 30_000]);
}

/// A payout given up after the window: nothing may be captured any more, so nothing is held, whether or not the day's
/// job had marked the order.
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_fails_after_the_window_lets_go_of_everything() {
    for marked in [false, true] {
        let world = World::new().await;
        world.set_date("2027-01-10").await;
        let line = world.grant(150_000).await;
        let (order, signed) = world.hold_under(&line, 100_000, 7).await;
        signed.expect(201);
        let (loan, _) = world.captured(&order, json!({ "amount": 60_000 }), "active").await;
        world.set_date("2027-01-18").await;
        if marked {
            assert_eq!(world.run_job("order-expiry", "2027-01-18").await, 1);
        }
        world.give_up(&loan).await;
        assert_eq!(world.standing(&line).await, [0, 0, 150_000, 0]);
        let view = world.order(&order, MERCHANT).await;
        assert_eq!((&view["state"], minor(&view["captured_amount"])), (&json!("expired"), 0));
        world.capture(&order, "z", &json!({ "amount": 1 })).await.problem(410, "capture-window-over");
        assert_eq!(world.run_job("order-expiry", "2027-01-18").await, 0, "the failure marked it");
        let expired = world.order_events().await.into_iter().filter(|(kind, _)| kind == "order.expired").count();
        assert_eq!(expired, 1, "and told of it once");
        // It may be lent anew: to the ceiling of 3,000.00, nothing of it is owed.
        world.authorize(300_000, "monthly-3", 7).await;
    }
}

/// Where the merchant said that no more will be captured, or released the rest, what fails may be captured again: the
/// goods left the shop. The 400.00 that were given up may not.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_capture_that_fails_may_be_made_again_and_what_was_given_up_may_not() {
    let world = World::new().await;
    let line = world.grant(300_000).await;
    for (index, void) in [false, true].into_iter().enumerate() {
        let lent = 60_000 * i64::try_from(index).unwrap();
        let (order, signed) = world.hold_under(&line, 100_000, 30).await;
        signed.expect(201);
        let (loan, _) = world.captured(&order, json!({ "amount": 60_000, "final": !void }), "active").await;
        if void {
            world.void(&order, "v").await.expect(200);
        }
        world.give_up(&loan).await;
        assert_eq!(world.standing(&line).await, [lent, 60_000, 240_000 - lent, 0]);
        let view = world.order(&order, MERCHANT).await;
        assert_eq!(
            (&view["state"], minor(&view["captured_amount"]), minor(&view["left_amount"])),
            (&json!("authorized"), 0, 60_000)
        );
        let above = world.capture(&order, "y", &json!({ "amount": 60_001 })).await;
        assert_eq!(above.problem(422, "capture-above-authorized")["left_amount"], json!(60_000));
        let (_, again) = world.captured(&order, json!({ "amount": 60_000 }), "active").await;
        assert_eq!(again["state"], json!("captured"));
        assert_eq!(world.standing(&line).await, [lent + 60_000, 0, 240_000 - lent, 0]);
        world.capture(&order, "z", &json!({ "amount": 1 })).await.problem(409, "order-ended");
    }
    world.verify().await;
}

/// The merchant's fee of 30.00 is for 1,000.00: 999.99 have 29.99 of it and the last cent has 0.01. What is captured in
/// the place of the failed 999.99 has 29.99 again, and no cent of the fee is charged twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_captured_in_the_place_of_a_failed_capture_has_its_share_of_the_fee() {
    let world = World::new().await;
    let order: Authorized = world.authorize(100_000, "monthly-3", 30).await;
    let (first, part) = world.captured(&order.id, json!({ "amount": 99_999 }), "active").await;
    assert_eq!(minor(&part["fee"]), 2_999);
    world.give_up(&first).await;
    let (_, cent) = world.captured(&order.id, json!({ "amount": 1 }), "active").await;
    assert_eq!(minor(&cent["fee"]), 0, "the first cent of the whole has no cent of 30.00");
    let (_, part) = world.captured(&order.id, json!({ "amount": 99_999 }), "active").await;
    assert_eq!((minor(&part["fee"]), &part["state"]), (3_000, &json!("captured")));
    assert_eq!(world.account("4030").await, 3_000);
}

/// The provider tells of each failure twice; the order hears of it once.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_told_twice_fails_once() {
    let world = World::new().await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    world.provider("POST", "/v1/switches", &json!({ "fail_next": 2, "repeat_next": 2 })).await;
    world.captured(&order.id, json!({ "amount": 30_000 }), "cancelled").await;
    let (loan, _) = world.captured(&order.id, json!({ "amount": 30_000 }), "cancelled").await;
    // Told again, under another id of a notice: nothing more happens.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let failed = world.order_events().await.into_iter().filter(|(kind, _)| kind == "order.capture_failed").count();
    assert_eq!(failed, 2, "two captures, told of once each");
    let refused = json!({ "decision": "give_up" });
    world.post_once(&format!("/v1/loans/{loan}/payout"), LENDER, "k", &refused).await.problem(409, "wrong-state");
    assert_eq!(minor(&world.order(&order.id, MERCHANT).await["left_amount"]), 100_000);
}

/// What funders promised for an order is lent at its capture; what failed is promised again, and released with the order.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_capture_keeps_its_funders_promise_while_it_may_be_made_again() {
    let reserved = "SELECT CAST(coalesce(sum(amount), 0) AS TEXT) FROM funding_reservations WHERE application = $1";
    let world = world(&seventy_thirty("")).await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    let application = order.purchase.application.clone();
    assert_eq!(world.text(reserved, &application).await, "100000");
    world.captured(&order.id, json!({ "amount": 60_000 }), "active").await;
    assert_eq!(world.text(reserved, &application).await, "40000");
    world.fail_next_payouts(1).await;
    world.captured(&order.id, json!({ "amount": 40_000 }), "cancelled").await;
    assert_eq!(world.text(reserved, &application).await, "40000");
    world.void(&order.id, "v").await.expect(200);
    assert_eq!(world.text(reserved, &application).await, "0");
}

/// A purchase that was captured when it was signed shows the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_whose_payout_fails_says_so() {
    let world = World::new().await;
    world.fail_next_payouts(1).await;
    let purchase = world.apply(&crate::actors::ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    world.sign(&purchase, "k", &world.signing(&submitted, crate::actors::ADA.name)).await.expect(201);
    let path = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
    let view = world.wait(&path, MERCHANT, |view| view["payout"]["status"] == "failed").await;
    assert_eq!((&view["state"], minor(&view["captured_amount"]), minor(&view["fee"])), (&json!("failed"), 0, 0));
}
