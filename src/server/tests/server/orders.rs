//! Orders that their merchants capture: what is signed is a maximum, what is captured is lent, and nothing else.

use prequal_server::{delivery::Channel, storage::notices};
use serde_json::{Value, json};

use crate::actors::{ADA, Purchase, cart};
use crate::world::{Answer, EDGE, Extra, LENDER, MERCHANT, OTHER_MERCHANT, World, payload};

/// An authorized order.
pub struct Authorized {
    pub purchase: Purchase,
    pub id: String,
    pub capability: String,
}

fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no amount"))
}

impl World {
    pub async fn manual_checkout(&self, amount: i64, days: u16) -> Value {
        let body = json!({ "merchant_order": uuid::Uuid::new_v4().to_string(), "amount": amount, "currency": "USD",
            "cart": cart(amount), "capture": "manual", "capture_days": days });
        self.post("/v1/checkouts", MERCHANT, &body).await.expect(201)
    }

    /// A purchase up to the signature under an order of a merchant that captures later.
    pub async fn authorize(&self, amount: i64, plan: &str, days: u16) -> Authorized {
        let checkout = self.manual_checkout(amount, days).await;
        let purchase = self.apply_for(checkout, &ADA, amount).await;
        let submitted = self.submit(&purchase, &self.offer(&purchase, plan)).await.expect(200);
        assert_eq!(submitted["outcome"], "approved", "{submitted}");
        let signed = self.sign(&purchase, "sign", &self.signing(&submitted, ADA.name)).await.expect(201);
        assert_eq!((&signed["status"], &signed["loan_id"]), (&json!("authorized"), &Value::Null));
        let id = signed["order_id"].as_str().unwrap().to_owned();
        assert_eq!(purchase.checkout["id"], id);
        Authorized { purchase, id, capability: signed["capability"].as_str().unwrap().to_owned() }
    }

    pub async fn capture(&self, order: &str, key: &str, body: &Value) -> Answer {
        self.post_once(&format!("/v1/orders/{order}/captures"), MERCHANT, key, body).await
    }

    pub async fn void(&self, order: &str, key: &str) -> Answer {
        let path = format!("/v1/orders/{order}/void");
        self.call("POST", &path, MERCHANT, &[("idempotency-key", key)], b"").await
    }

    pub async fn order(&self, order: &str, bearer: &str) -> Value {
        self.get(&format!("/v1/orders/{order}"), bearer).await.expect(200)
    }

    async fn told(&self, bearer: &str) -> Vec<(String, Value)> {
        let page = self.get("/v1/order-events", bearer).await.expect(200);
        let events = page["events"].as_array().unwrap();
        events.iter().map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone())).collect()
    }
}

fn dues(loan: &Value) -> Vec<(&str, i64)> {
    let rows = loan["installments"].as_array().unwrap();
    rows.iter().map(|row| (row["due"].as_str().unwrap(), minor(&row["total"]))).collect()
}

/// 1,000.00 at 9.9 % a year by 30/360 in three: 0.825 % a month. By hand, rounded half to even and the last instalment
/// with what is left: 600.00 costs 203.31, 203.31, 203.30; 400.00 costs three times 135.54. Together 1,016.54, which is
/// what 1,000.00 at once would cost (338.85, 338.85, 338.84).
#[tokio::test(flavor = "multi_thread")]
async fn captured_60_per_cent_after_three_days_and_40_per_cent_later() {
    let world = World::new().await;
    world.set_date("2027-01-10").await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    assert_eq!(world.account("1110").await, 0, "nothing is lent");
    assert_eq!(world.account("2010").await, 0, "and nothing is owed to the merchant");
    let view = world.order(&order.id, MERCHANT).await;
    assert_eq!((&view["status"], &view["state"]), (&json!("financed"), &json!("authorized")));
    assert_eq!((&view["capture_until"], minor(&view["left_amount"])), (&json!("2027-02-09"), 100_000));
    assert_eq!((&view["captures"], minor(&view["fee"])), (&json!([]), 0));

    world.set_date("2027-01-13").await;
    let first = world.capture(&order.id, "a", &json!({ "amount": 60_000 })).await.expect(201);
    assert_eq!((&first["state"], minor(&first["left_amount"])), (&json!("partly_captured"), 40_000));
    assert_eq!(minor(&first["fee"]), 1_800, "3 % of it");
    assert_eq!(world.account("1110").await, 60_000);
    world.set_date("2027-02-01").await;
    let second = world.capture(&order.id, "b", &json!({ "amount": 40_000 })).await.expect(201);
    assert_eq!((&second["state"], minor(&second["captured_amount"])), (&json!("captured"), 100_000));
    assert_eq!(world.account("1110").await, 100_000);

    let shopper = world.order(&order.id, &order.capability).await;
    assert_eq!((&shopper["fee"], &shopper["payout"]), (&Value::Null, &Value::Null), "not the shopper's affair");
    let captures = shopper["captures"].as_array().unwrap();
    let mut loans = Vec::new();
    for capture in captures {
        let path = format!("/v1/loans/{}", capture["loan_id"].as_str().unwrap());
        loans.push(world.wait(&path, &order.capability, |loan| loan["status"] == "active").await);
    }
    assert_eq!(dues(&loans[0]), [("2027-02-13", 20_331), ("2027-03-13", 20_331), ("2027-04-13", 20_330)]);
    assert_eq!(dues(&loans[1]), [("2027-03-01", 13_554), ("2027-04-01", 13_554), ("2027-05-01", 13_554)]);
    for loan in &loans {
        let signed = &order.purchase.offers[0].1;
        assert_eq!(loan["offer"]["rate_annual_percent"], signed["rate_annual_percent"]);
        // In a part a rounded cent weighs more: 9.89 and 9.90 % where 9.90 % was signed.
        assert!(["9.89", "9.90"].contains(&loan["offer"]["apr"]["apr_percent"].as_str().unwrap()), "{loan}");
        assert_eq!(loan["offer"]["count"], signed["count"]);
    }
    let view = world.order(&order.id, MERCHANT).await;
    assert_eq!((minor(&view["fee"]), minor(&view["paid_amount"])), (3_000, 97_000), "3 % of the whole in all");
    assert_eq!(view["captures"][1]["captured_on"], "2027-02-01");
    assert_eq!(view["captures"][0]["loan_id"], Value::Null, "not the merchant's affair");
    assert_eq!(world.account("2010").await, 0, "the merchant is paid");

    // The shopper is told of each, with the final payments.
    let mut db = world.app().db.read().await.unwrap();
    let due = notices::due(&mut db, i64::MAX, 10).await.unwrap();
    drop(db);
    let told = due.iter().filter(|notice| notice.kind == "capture");
    let bodies: Vec<&str> = told.map(|notice| notice.body.as_str()).collect();
    assert_eq!(bodies.len(), 2);
    for part in ["Test Shop charged 600.00 USD", "2027-02-13  203.31 USD", "Up to 400.00 USD may still be charged"] {
        assert!(bodies[0].contains(part), "{part} is missing in\n{}", bodies[0]);
    }
    assert!(bodies[1].contains("Nothing more will be charged") && !bodies[1].contains("Ada"));
    let told: Vec<String> = world.told(MERCHANT).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, ["order.authorized", "order.captured", "order.captured"]);
    assert!(world.told(OTHER_MERCHANT).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_says_that_it_is_a_maximum_and_for_how_long() {
    let world = World::new().await;
    let checkout = world.manual_checkout(50_000, 7).await;
    let purchase = world.apply_for(checkout, &ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let text = submitted["agreement"]["text"].as_str().unwrap();
    for part in ["within 7 days after", "All parts together are at most 500.00 USD", "same rate and number of payments"]
    {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(submitted["agreement"]["hash"], prequal_server::secret::sha256_hex(text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_capture_has_one_effect_and_the_same_answer() {
    let world = World::new().await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    let body = json!({ "amount": 60_000 });
    let first = world.capture(&order.id, "a", &body).await;
    first.expect(201);
    let again = world.capture(&order.id, "a", &body).await;
    assert_eq!((again.status, &again.bytes), (201, &first.bytes));
    assert_eq!(world.account("1110").await, 60_000);
    world.capture(&order.id, "a", &json!({ "amount": 1 })).await.problem(422, "idempotency-conflict");
    let refused = world.capture(&order.id, "b", &json!({ "amount": 60_000 })).await;
    assert_eq!(minor(&refused.problem(422, "capture-above-authorized")["left_amount"]), 40_000);
    world.capture(&order.id, "c", &json!({ "amount": 0 })).await.problem(422, "invalid-value");
    assert_eq!(world.account("1110").await, 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_at_the_same_instant_are_never_more_than_what_was_authorized() {
    let world = World::new().await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    let other = crate::process::Process::start(&world, "127.0.0.1:0");
    let mut tasks = Vec::new();
    for number in 0..12 {
        let base = if number % 2 == 0 { world.base.clone() } else { other.base.clone() };
        let path = format!("/v1/orders/{}/captures", order.id);
        let body = json!({ "amount": 30_000 });
        tasks.push(tokio::spawn(async move {
            crate::together::post(&base, &path, MERCHANT, &number.to_string(), &body).await
        }));
    }
    let (mut captured, mut refused) = (0, 0);
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == 201 {
            captured += 1;
        } else {
            answer.problem(422, "capture-above-authorized");
            refused += 1;
        }
    }
    assert_eq!((captured, refused), (3, 9), "three times 300.00 of 1,000.00");
    world.verify().await;
    assert_eq!(minor(&world.order(&order.id, MERCHANT).await["captured_amount"]), 90_000);
    assert_eq!(world.account("1110").await, 90_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_order_is_not_captured_and_a_captured_one_not_voided() {
    let world = World::new().await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    let voided = world.void(&order.id, "v").await;
    assert_eq!(minor(&voided.expect(200)["released_amount"]), 100_000);
    assert_eq!(world.void(&order.id, "v").await.bytes, voided.bytes, "a replay");
    world.void(&order.id, "w").await.problem(409, "order-ended");
    let refused = world.capture(&order.id, "a", &json!({ "amount": 1 })).await;
    assert_eq!(refused.problem(409, "order-ended")["state"], "voided");
    assert_eq!(world.account("1110").await, 0);

    let order = world.authorize(100_000, "monthly-3", 30).await;
    world.capture(&order.id, "a", &json!({ "amount": 60_000 })).await.expect(201);
    let voided = world.void(&order.id, "v").await.expect(200);
    assert_eq!((minor(&voided["captured_amount"]), minor(&voided["released_amount"])), (60_000, 40_000));
    world.capture(&order.id, "b", &json!({ "amount": 1 })).await.problem(409, "order-ended");
    assert_eq!(world.account("1110").await, 60_000, "what was captured stays lent");

    let order = world.authorize(50_000, "monthly-3", 30).await;
    let last = world.capture(&order.id, "a", &json!({ "amount": 10_000, "final": true })).await.expect(201);
    assert_eq!((&last["state"], minor(&last["left_amount"])), (&json!("captured"), 0));
    world.capture(&order.id, "b", &json!({ "amount": 1 })).await.problem(409, "order-ended");
    world.void(&order.id, "v").await.problem(409, "order-ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_holds_on_its_last_day_and_not_on_the_day_after() {
    let world = World::new().await;
    world.set_date("2028-01-31").await;
    // 29 days after 31 January of a leap year is 29 February.
    let kept = world.authorize(100_000, "monthly-3", 29).await;
    let lost = world.authorize(100_000, "monthly-3", 29).await;
    world.set_date("2028-02-29").await;
    assert_eq!(world.order(&kept.id, MERCHANT).await["capture_until"], "2028-02-29");
    world.capture(&kept.id, "a", &json!({ "amount": 30_000 })).await.expect(201);
    // From 29 February: monthly from the 29th.
    let shopper = world.order(&kept.id, &kept.capability).await;
    let path = format!("/v1/loans/{}", shopper["captures"][0]["loan_id"].as_str().unwrap());
    let loan = world.get(&path, &kept.capability).await.expect(200);
    assert_eq!(dues(&loan).iter().map(|due| due.0).collect::<Vec<_>>(), ["2028-03-29", "2028-04-29", "2028-05-29"]);
    assert_eq!(world.run_job("order-expiry", "2028-03-01").await, 0, "not before its day, whatever date is asked for");

    world.set_date("2028-03-01").await;
    assert_eq!(world.order(&lost.id, MERCHANT).await["state"], "expired", "whether or not a job ran");
    for order in [&kept, &lost] {
        let refused = world.capture(&order.id, "z", &json!({ "amount": 1 })).await;
        assert_eq!(refused.problem(410, "capture-window-over")["capture_until"], "2028-02-29");
        world.void(&order.id, "v").await.problem(410, "capture-window-over");
    }
    assert_eq!(world.run_job("order-expiry", "2028-03-01").await, 2);
    assert_eq!(world.run_job("order-expiry", "2028-03-01").await, 0, "once");
    let told = world.told(MERCHANT).await;
    let over: Vec<i64> = told
        .iter()
        .filter(|(kind, _)| kind == "order.expired")
        .map(|(_, data)| minor(&data["captured_amount"]))
        .collect();
    assert_eq!((over.len(), over.iter().sum::<i64>()), (2, 30_000));
    assert_eq!(world.order(&kept.id, MERCHANT).await["state"], "expired");
    world.capture(&kept.id, "y", &json!({ "amount": 1 })).await.problem(410, "capture-window-over");
}

/// Months that lack the day clamp to their last; from 31 January of a common year and of a leap year.
#[tokio::test(flavor = "multi_thread")]
async fn captured_on_31_january_it_falls_due_on_the_last_days_of_the_months() {
    for (day, expected) in [
        ("2027-01-31", ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("2028-01-31", ["2028-02-29", "2028-03-31", "2028-04-30"]),
    ] {
        let world = World::new().await;
        let date = prequal_core::calendar::Date::parse(day).unwrap();
        world.set_date(&date.add_days(-11).unwrap().to_string()).await;
        let order = world.authorize(100_000, "monthly-3", 30).await;
        world.set_date(day).await;
        world.capture(&order.id, "a", &json!({ "amount": 100_000 })).await.expect(201);
        let shopper = world.order(&order.id, &order.capability).await;
        let path = format!("/v1/loans/{}", shopper["captures"][0]["loan_id"].as_str().unwrap());
        let loan = world.get(&path, &order.capability).await.expect(200);
        assert_eq!(dues(&loan).iter().map(|due| due.0).collect::<Vec<_>>(), expected);
    }
}

/// A cent at 0.825 % a month bears no interest that can be rounded to a cent; it falls due with the last instalment.
#[tokio::test(flavor = "multi_thread")]
async fn one_cent_is_captured_and_repaid() {
    let world = World::new().await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    world.capture(&order.id, "a", &json!({ "amount": 99_999 })).await.expect(201);
    let last = world.capture(&order.id, "b", &json!({ "amount": 1 })).await.expect(201);
    assert_eq!((&last["state"], minor(&last["fee"])), (&json!("captured"), 1), "30.00 in all, 29.99 of them before");
    let shopper = world.order(&order.id, &order.capability).await;
    let id = shopper["captures"][1]["loan_id"].as_str().unwrap();
    let loan = world.wait(&format!("/v1/loans/{id}"), &order.capability, |loan| loan["status"] == "active").await;
    assert_eq!((minor(&loan["balance"]["total"]), minor(&loan["offer"]["total"])), (1, 1));
    let paid = world.pay(id, &order.capability, 1).await;
    assert_eq!(paid["status"], "settled");
}

/// Fees of 1 % a month of the original principal, and banks that are closed from 6 to 21 February.
async fn dearer_in_january() -> World {
    let mut policy = serde_json::to_value(payload()).unwrap();
    let closed: Vec<String> = (6..=21).map(|day| format!("2027-02-{day:02}")).collect();
    policy["product"]["convention"] = json!("cn_irr");
    policy["product"]["plans"][0]["repayment"] = json!({ "method": "fee_installment", "count": 3, "every": "P1M",
        "fee_percent_per_period": "1", "business_days": { "adjust": "preceding", "holidays": closed } });
    // Whether the information before the contract was confirmed is another claim's affair.
    let extra = Extra { rest: "[conduct]\nconfirm_disclosure = false\n".to_owned(), ..Extra::default() };
    World::configured(serde_json::from_value(policy).unwrap(), extra, &[]).await
}

/// Fees of 1 % a month of the original principal are dearer the sooner the first falls due. In this calendar the banks
/// are closed from 6 to 21 February, and what would fall due then falls due on the 5th.
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_on_a_day_that_makes_it_dearer_than_signed_needs_a_new_confirmation() {
    let world = dearer_in_january().await;
    world.set_date("2027-01-05").await;
    let order = world.authorize(100_000, "monthly-3", 60).await;
    // Captured on 20 January, the first would fall due after 16 days.
    world.set_date("2027-01-20").await;
    let refused = world.capture(&order.id, "a", &json!({ "amount": 60_000 })).await.problem(409, "capture-dearer");
    assert!(refused["signed_percent"].is_string() && refused["reached_percent"].is_string(), "{refused}");
    assert_eq!(world.account("1110").await, 0);
    assert_eq!(minor(&world.order(&order.id, MERCHANT).await["left_amount"]), 100_000);
    // It is proposed to the shopper, who sees what it costs; the merchant sees that it is waited for.
    let hash = refused["proposal_hash"].as_str().unwrap();
    world.capture(&order.id, "a", &json!({ "amount": 60_000 })).await.problem(409, "capture-dearer");
    let shown = &world.order(&order.id, &order.capability).await["confirmation_needed"];
    assert_eq!(shown.as_array().unwrap().len(), 1, "the same is proposed once: {shown}");
    assert_eq!((&shown[0]["hash"], minor(&shown[0]["amount"])), (&json!(hash), 60_000));
    assert_eq!((&shown[0]["proposed_on"], &shown[0]["expires_on"]), (&json!("2027-01-20"), &json!("2027-01-27")));
    for figure in ["signed_percent", "reached_percent"] {
        assert_eq!(shown[0][figure], refused[figure]);
    }
    assert_eq!(shown[0]["offer"]["installments"][0]["due"], "2027-02-05", "after 16 days");
    let seen = &world.order(&order.id, MERCHANT).await["confirmation_needed"];
    assert_eq!((&seen[0]["hash"], &seen[0]["offer"]), (&json!(hash), &Value::Null));

    // Only the order's shopper confirms, and only what was proposed.
    let path = format!("/v1/orders/{}/confirm", order.id);
    let body = json!({ "hash": hash });
    for bearer in [&order.purchase.capability, "cap_unknown"] {
        world.post_once(&path, bearer, "c", &body).await.problem(404, "not-found");
    }
    let other = json!({ "hash": "0".repeat(64) });
    world.post_once(&path, &order.capability, "d", &other).await.problem(422, "agreement-differs");
    let confirmed = world.post_once(&path, &order.capability, "c", &body).await;
    assert_eq!(confirmed.expect(200)["hash"], hash);
    let again = world.post_once(&path, &order.capability, "c", &body).await;
    assert_eq!((again.status, &again.bytes), (200, &confirmed.bytes));
    let once = world.post_once(&path, &order.capability, "e", &body).await.expect(200);
    assert_eq!(once["confirmed_at"], confirmed.json()["confirmed_at"], "it was confirmed when it was");
    let view = world.order(&order.id, MERCHANT).await;
    assert_eq!((&view["confirmation_needed"], &view["confirmed"][0]["hash"]), (&json!([]), &json!(hash)));

    // That amount may be captured, once, and what was confirmed is kept with it.
    world.capture(&order.id, "f", &json!({ "amount": 59_999 })).await.problem(409, "capture-dearer");
    world.capture(&order.id, "a", &json!({ "amount": 60_000 })).await.expect(201);
    let view = world.order(&order.id, &order.capability).await;
    let kept = &view["captures"][0]["confirmation"];
    assert_eq!((&kept["hash"], &kept["confirmed_at"]), (&json!(hash), &once["confirmed_at"]));
    let loan = view["captures"][0]["loan_id"].as_str().unwrap();
    let loan = world.get(&format!("/v1/loans/{loan}"), &order.capability).await.expect(200);
    assert_eq!(loan["installments"][0]["due"], kept["offer"]["installments"][0]["due"]);
    assert_eq!(loan["offer"]["total"], kept["offer"]["total"]);
    world.capture(&order.id, "g", &json!({ "amount": 40_000 })).await.problem(409, "capture-dearer");
    world.set_date("2027-01-22").await;
    world.capture(&order.id, "g", &json!({ "amount": 40_000 })).await.expect(201);
    assert_eq!(world.order(&order.id, &order.capability).await["captures"][1]["confirmation"], Value::Null);
}

/// Proposed for seven days, where the window is longer. What expired is neither confirmed nor captured, and what was
/// confirmed for one day covers no dearer one.
#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_of_a_dearer_capture_expires() {
    let world = dearer_in_january().await;
    world.set_date("2027-01-05").await;
    let order = world.authorize(100_000, "monthly-3", 60).await;
    let amount = json!({ "amount": 100_000 });
    world.set_date("2027-01-12").await;
    let early = world.capture(&order.id, "a", &amount).await.problem(409, "capture-dearer");
    let confirm = |refused: &Value| json!({ "hash": refused["proposal_hash"] });
    let path = format!("/v1/orders/{}/confirm", order.id);
    // On the 20th it would fall due sooner, and so be dearer than what is confirmed on the 13th.
    world.set_date("2027-01-13").await;
    world.post_once(&path, &order.capability, "a", &confirm(&early)).await.expect(200);
    world.set_date("2027-01-19").await;
    let later = world.capture(&order.id, "b", &amount).await.problem(409, "capture-dearer");
    assert_ne!(later["proposal_hash"], early["proposal_hash"]);
    assert_eq!(later["expires_on"], "2027-01-26");
    world.set_date("2027-01-27").await;
    world.post_once(&path, &order.capability, "b", &confirm(&later)).await.problem(410, "offer-expired");
    assert_eq!(world.order(&order.id, &order.capability).await["confirmation_needed"], json!([]));
    let voided = world.void(&order.id, "v").await;
    assert_eq!(voided.status, 200);
}

/// A confirmation that two servers spend at the same instant makes one capture.
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_spent_once() {
    let world = dearer_in_january().await;
    world.set_date("2027-01-05").await;
    let order = world.authorize(100_000, "monthly-3", 60).await;
    let amount = json!({ "amount": 30_000 });
    world.set_date("2027-01-20").await;
    let refused = world.capture(&order.id, "a", &amount).await.problem(409, "capture-dearer");
    let path = format!("/v1/orders/{}/confirm", order.id);
    let body = json!({ "hash": refused["proposal_hash"] });
    let (one, other) = tokio::join!(
        world.post_once(&path, &order.capability, "a", &body),
        world.post_once(&path, &order.capability, "b", &body)
    );
    assert_eq!(one.expect(200)["confirmed_at"], other.expect(200)["confirmed_at"]);
    let (one, other) = tokio::join!(world.capture(&order.id, "b", &amount), world.capture(&order.id, "c", &amount));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(world.account("1110").await, 30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_its_merchant_s_its_shopper_s_and_the_lender_s() {
    let world = World::new().await;
    let order = world.authorize(50_000, "monthly-3", 30).await;
    let path = format!("/v1/orders/{}", order.id);
    for bearer in [OTHER_MERCHANT, EDGE, &order.purchase.capability, "cap_unknown"] {
        world.get(&path, bearer).await.problem(404, "not-found");
    }
    world.get(&path, LENDER).await.expect(200);
    world.get("/v1/order-events", LENDER).await.problem(403, "forbidden");
    let body = json!({ "amount": 1 });
    for what in ["captures", "void"] {
        let path = format!("{path}/{what}");
        let body = if what == "void" { String::new() } else { body.to_string() };
        let json = ("content-type", "application/json");
        for bearer in [LENDER, EDGE, &order.capability] {
            let headers = [("idempotency-key", "k"), json];
            world.call("POST", &path, bearer, &headers, body.as_bytes()).await.problem(403, "forbidden");
        }
        let headers = [("idempotency-key", "k"), json];
        world.call("POST", &path, OTHER_MERCHANT, &headers, body.as_bytes()).await.problem(404, "not-found");
        world.call("POST", &path, MERCHANT, &[json], body.as_bytes()).await.problem(400, "idempotency-key-missing");
    }
    // A checkout that nobody signed for, and one that was captured when it was signed.
    let open = world.manual_checkout(50_000, 30).await;
    world.capture(open["id"].as_str().unwrap(), "k", &body).await.problem(409, "wrong-state");
    let (purchase, ..) = world.buy(&ADA, 20_000, "monthly-3").await;
    let whole = purchase.checkout["id"].as_str().unwrap();
    world.capture(whole, "k", &body).await.problem(409, "order-ended");
    let view = world.order(whole, MERCHANT).await;
    assert_eq!((&view["state"], &view["capture"]), (&json!("captured"), &json!("automatic")));
    assert_eq!(view["captures"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_sent_again_gives_another_credential_for_the_same_order_and_its_loans() {
    let world = World::new().await;
    let checkout = world.manual_checkout(50_000, 30).await;
    let purchase = world.apply_for(checkout, &ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let signing = world.signing(&submitted, ADA.name);
    let first = world.sign(&purchase, "a", &signing).await;
    assert_eq!(world.sign(&purchase, "a", &signing).await.bytes, first.bytes);
    let (first, second) = (first.expect(201), world.sign(&purchase, "b", &signing).await.expect(201));
    assert_eq!(first["order_id"], second["order_id"]);
    assert_ne!(first["capability"], second["capability"]);
    let id = first["order_id"].as_str().unwrap();
    world.capture(id, "a", &json!({ "amount": 50_000 })).await.expect(201);
    let third = world.sign(&purchase, "c", &signing).await.expect(201);
    assert_eq!(third["status"], "captured");
    let loan = world.order(id, LENDER).await["captures"][0]["loan_id"].as_str().unwrap().to_owned();
    for signed in [&first, &second, &third] {
        world.get(&format!("/v1/loans/{loan}"), signed["capability"].as_str().unwrap()).await.expect(200);
    }
    // Whoever replaces the credential of one loan shuts the others out of it.
    let path = format!("/v1/loans/{loan}/capability");
    let bearer = first["capability"].as_str().unwrap();
    let rotated = world.call("POST", &path, bearer, &[("idempotency-key", "r")], b"").await.expect(201);
    world.get(&format!("/v1/loans/{loan}"), bearer).await.problem(404, "not-found");
    world.get(&format!("/v1/loans/{loan}"), rotated["capability"].as_str().unwrap()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_has_limits_and_belongs_to_orders_that_are_captured_later() {
    let world = World::new().await;
    let body = |capture: &str, days: Value| {
        json!({ "merchant_order": "A-1", "amount": 5_000, "currency": "USD", "cart": cart(5_000), "capture": capture,
            "capture_days": days })
    };
    for (capture, days) in [("manual", json!(0)), ("manual", json!(181)), ("automatic", json!(7))] {
        let refused = world.post("/v1/checkouts", MERCHANT, &body(capture, days)).await;
        assert_eq!(refused.problem(422, "invalid-value")["pointer"], "/capture_days");
    }
    world.post("/v1/checkouts", MERCHANT, &body("later", json!(7))).await.problem(422, "invalid-body");
    for days in [json!(1), json!(180), Value::Null] {
        world.post("/v1/checkouts", MERCHANT, &body("manual", days)).await.expect(201);
    }
}

/// What an order holds is owed as far as ceilings go, until it is voided or its window is over.
#[tokio::test(flavor = "multi_thread")]
async fn what_orders_hold_counts_towards_what_one_person_may_owe() {
    // The ceiling of the test's configuration is 3,000.00.
    let world = World::new().await;
    world.set_date("2027-01-10").await;
    let held = world.authorize(200_000, "monthly-3", 7).await;
    let refused = world.apply(&ADA, 100_001).await;
    let outcome = world.submit(&refused, &world.offer(&refused, "monthly-3")).await.expect(200);
    assert_eq!(outcome["reasons"][0]["code"], "LENDER-EXPOSURE");
    // What is captured of a hold is owed in its place, not beside it.
    world.capture(&held.id, "a", &json!({ "amount": 150_000 })).await.expect(201);
    let second = world.authorize(100_000, "monthly-3", 30).await;
    world.void(&second.id, "v").await.expect(200);
    let third = world.authorize(100_000, "monthly-3", 30).await;
    world.void(&third.id, "v").await.expect(200);
    // Seven days after the tenth is the seventeenth.
    world.set_date("2027-01-18").await;
    world.authorize(150_000, "monthly-3", 30).await;
}

/// A double click makes two checkouts of one order; only one of them is held or financed.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_number_that_is_held_is_not_financed_again_until_it_is_released() {
    let world = World::new().await;
    let number = "A-1";
    let body = json!({ "merchant_order": number, "amount": 20_000, "currency": "USD", "cart": cart(20_000),
        "capture": "manual" });
    let checkout = world.post("/v1/checkouts", MERCHANT, &body).await.expect(201);
    let purchase = world.apply_for(checkout, &ADA, 20_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
    let again = world.checkout_of(number, 20_000).await;
    let again = world.apply_for(again, &ADA, 20_000).await;
    let offer = world.offer(&again, "monthly-3");
    world.submit(&again, &offer).await.problem(409, "checkout-financed");
    world.void(signed["order_id"].as_str().unwrap(), "v").await.expect(200);
    world.submit(&again, &offer).await.expect(200);
}

/// The notice of a capture goes where every notice goes, and the person's data are kept while more may be captured.
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_is_told_to_the_shopper_who_is_not_erased_while_more_may_be_captured() {
    let mut world = World::new().await;
    world.set_date("2027-01-10").await;
    let line = world.grant(200_000).await;
    let (order, signed) = world.hold_under(&line, 50_000, 30).await;
    let capability = signed.expect(201)["capability"].as_str().unwrap().to_owned();
    let view = world.get(&format!("/v1/lines/{}", line.id), LENDER).await.expect(200);
    let person = format!("/v1/persons/{}", view["person_id"].as_str().unwrap());
    let refused = world.call("DELETE", &person, LENDER, &[], b"").await.problem(409, "wrong-state");
    assert_eq!(refused["orders"], json!([order]));
    let folder = world.folder.path().join("notices");
    let from = "Credit <credit@lender.example>".to_owned();
    world.config().notices = Some(Channel::File { folder: folder.clone(), from });
    world.restart().await;
    world.set_date("2027-01-12").await;
    world.capture(&order, "a", &json!({ "amount": 20_000 })).await.expect(201);
    let of_captures = |page: &Value| -> Option<Value> {
        page["notices"].as_array().unwrap().iter().find(|notice| notice["kind"] == "capture").cloned()
    };
    let sent = |page: &Value| of_captures(page).is_some_and(|notice| notice["status"] == "sent");
    let page = world.wait("/v1/notices", LENDER, sent).await;
    let notice = of_captures(&page).unwrap();
    assert_eq!(notice["template"], "capture/us/1");
    let mail = std::fs::read_to_string(folder.join(format!("{}.eml", notice["id"].as_str().unwrap()))).unwrap();
    assert!(mail.contains("To: ada@example.com") && mail.contains("Test Shop charged 200.00 USD"), "{mail}");

    let loan = world.order(&order, LENDER).await["captures"][0]["loan_id"].as_str().unwrap().to_owned();
    let agreement = world.get(&format!("/v1/loans/{loan}/agreement"), &capability).await.expect(200);
    assert!(agreement["signed"].as_str().unwrap().starts_with("2027-01-10"), "signed before it was captured");
    let export = world.get(&person, LENDER).await.expect(200);
    assert_eq!(export["orders"][0]["captured_amount"], 20_000);
    assert_eq!(export["lines"][0]["line_id"], line.id);

    // Voided and repaid, nothing is left for which the data would be needed.
    world.void(&order, "v").await.expect(200);
    world.wait(&format!("/v1/loans/{loan}"), &capability, |loan| loan["status"] == "active").await;
    world.pay(&loan, &capability, 20_000).await;
    world.call("DELETE", &person, LENDER, &[], b"").await.expect(200);
    world.verify().await;
    let body = json!({ "person_id": view["person_id"], "limit": 1 });
    world.post_once("/v1/lines", LENDER, "k", &body).await.problem(422, "invalid-value");
}
