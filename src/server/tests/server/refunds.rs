//! Refunds: a merchant gives back the price, in whole or in parts, and each cent goes where it belongs.

use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{Answer, LENDER, MERCHANT, OTHER_MERCHANT, World},
};

impl World {
    /// Serves loans booked from now on by other rules.
    pub async fn serve_by(&mut self, rules: &str) {
        self.config().servicing = toml::from_str(rules).unwrap();
        self.restart().await;
    }

    pub async fn refund(&self, key: &str, body: &Value) -> Answer {
        self.post_once("/v1/refunds", MERCHANT, key, body).await
    }

    /// One of the lender's people decides an event on the loan as it is.
    pub async fn try_tell(&self, loan: &str, event: &Value) -> Answer {
        let path = format!("/v1/loans/{loan}/events");
        let count = self.get(&path, LENDER).await.expect(200)["count"].clone();
        let key = uuid::Uuid::new_v4().to_string();
        self.post_once(&path, LENDER, &key, &json!({ "expected_events": count, "event": event })).await
    }

    pub async fn tell(&self, loan: &str, event: Value) -> Value {
        self.try_tell(loan, &event).await.expect(201)
    }

    /// Cents of a loan's balance.
    pub async fn owed(&self, loan: &str) -> i64 {
        self.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200)["balance"]["total"].as_i64().unwrap()
    }
}

fn of(loan: &str, reference: &str, amount: i64) -> Value {
    json!({ "loan": loan, "reference": reference, "amount": amount })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_half_the_goods_takes_half_the_debt_and_the_merchant_owes_it() {
    let world = World::new().await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let paid_out = world.account("2010").await;
    let body = json!({ "order": purchase.checkout["id"], "reference": "R-1", "amount": 25_000 });
    let refund = world.refund("k", &body).await.expect(201);
    assert_eq!((&refund["applied"]["principal"], &refund["applied"]["excess"]), (&json!(25_000), &json!(0)));
    assert_eq!(world.owed(&loan).await, 25_000);
    // Payable to merchants fell by what the merchant owes now.
    assert_eq!(world.account("2010").await, paid_out - 25_000);
    let id = refund["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/v1/refunds/{id}"), MERCHANT).await.expect(200), refund);
    world.get(&format!("/v1/refunds/{id}"), OTHER_MERCHANT).await.problem(404, "not-found");
    world.get(&format!("/v1/refunds/{id}"), &capability).await.problem(404, "not-found");
    let listed = world.get("/v1/refunds", MERCHANT).await.expect(200);
    assert_eq!((&listed["refunds"][0]["id"], &listed["next_cursor"]), (&refund["id"], &Value::Null));
    assert_eq!(world.get("/v1/refunds", OTHER_MERCHANT).await.expect(200)["refunds"], json!([]));
    world.get("/v1/refunds", &capability).await.problem(403, "forbidden");
    // Only the merchant's own key, and only for its own orders.
    world.post_once("/v1/refunds", LENDER, "k", &body).await.problem(403, "forbidden");
    world.post_once("/v1/refunds", OTHER_MERCHANT, "k", &body).await.problem(404, "not-found");
}

/// blnk #152: refunds repeatable without limit.
#[tokio::test(flavor = "multi_thread")]
async fn blnk_152_refunds_end_at_what_was_bought_and_a_reference_has_one_effect() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let first = world.refund("a", &of(&loan, "R-1", 30_000)).await;
    // The same request, the same refund under another key, another refund under the same name, another body.
    assert_eq!(world.refund("a", &of(&loan, "R-1", 30_000)).await.bytes, first.bytes);
    let again = world.refund("b", &of(&loan, "R-1", 30_000)).await.expect(201);
    assert_eq!(again["id"], first.json()["id"]);
    world.refund("c", &of(&loan, "R-1", 20_000)).await.problem(409, "refund-differs");
    world.refund("a", &of(&loan, "R-1", 20_000)).await.problem(422, "idempotency-conflict");
    assert_eq!(world.owed(&loan).await, 20_000);
    world.refund("d", &of(&loan, "R-2", 20_001)).await.problem(422, "refund-above-bought");
    world.refund("e", &of(&loan, "R-2", 19_999)).await.expect(201);
    world.refund("f", &of(&loan, "R-3", 1)).await.expect(201);
    world.refund("g", &of(&loan, "R-4", 1)).await.problem(422, "refund-above-bought");
    let view = world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200);
    assert_eq!((&view["status"], &view["credit_balance"]), (&json!("settled"), &json!(0)));
    assert_eq!(world.get("/v1/refunds", LENDER).await.expect(200)["refunds"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_cannot_be_is_refused_with_its_place() {
    let world = World::new().await;
    let (purchase, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let unknown = uuid::Uuid::now_v7().to_string();
    world.refund("a", &of(&unknown, "R", 1)).await.problem(404, "not-found");
    for (body, pointer) in [
        (of(&loan, "R", 0), "/amount"),
        (of(&loan, "", 1), "/reference"),
        (of(&loan, &"R".repeat(65), 1), "/reference"),
        (of(&loan, "ada@example.com", 1), "/reference"),
        (json!({ "reference": "R", "amount": 1 }), "/order"),
        (json!({ "order": purchase.checkout["id"], "loan": loan, "reference": "R", "amount": 1 }), "/order"),
    ] {
        assert_eq!(world.refund("a", &body).await.problem(422, "invalid-value")["pointer"], pointer, "{body}");
    }
    for body in [of(&loan, "R", -1), of(&loan, "R", 9_007_199_254_740_992), json!({ "loan": loan, "reference": "R" })] {
        world.refund("a", &body).await.problem(422, "invalid-body");
    }
    let rule = json!({ "loan": loan, "reference": "R", "amount": 1, "rule": "middle_first" });
    world.refund("a", &rule).await.problem(422, "invalid-body");
    world.post("/v1/refunds", MERCHANT, &of(&loan, "R", 1)).await.problem(400, "idempotency-key-missing");
    assert_eq!(world.owed(&loan).await, 50_000);
}

/// A refund of 300 on 500 with nothing paid, by each rule: in thirds of 9.9 % a year, the level is 169.42 and the
/// principals are 165.30, 166.66 and 168.04 (30/360: 412.5, 276.12 and 138.63 cents of interest, each rounded). Of the
/// 200.00 that are left a month costs 1.65.
///
/// - From the last: the level stays, so the first keeps 169.42 - 1.65 = 167.77 and the second the other 32.23.
/// - From the first: 300.00 are 167.77 of the first and 132.23 of the second, whose principal would be 167.77 too; it
///   keeps 35.54, and the last what remains, 164.46.
/// - Pro rata: a new level of 67.77 (67.768) over the three: 66.12 beside 1.65; then 133.88 cost 1.10 (110.45), 66.67;
///   the rest is 67.21.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_300_on_500_with_nothing_paid_by_each_rule() {
    let world = World::new().await;
    let shoppers = [
        Shopper { name: "Ada Byron", email: "ada@example.com", phone: "+12125550123", standing: "good" },
        Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" },
        Shopper { name: "Mary Shelley", email: "mary@example.com", phone: "+12125550177", standing: "good" },
    ];
    let rules =
        [("last_first", [16_777, 3_223, 0]), ("first_first", [0, 3_554, 16_446]), ("pro_rata", [6_612, 6_667, 6_721])];
    for (shopper, (rule, left)) in shoppers.iter().zip(rules) {
        let (_, loan, _) = world.buy(shopper, 50_000, "monthly-3").await;
        assert_eq!(principals(&world, &loan).await, [16_530, 16_666, 16_804]);
        let mut body = of(&loan, "R", 30_000);
        body["rule"] = json!(rule);
        let refund = world.refund(&loan, &body).await.expect(201);
        assert_eq!((&refund["rule"], &refund["applied"]["principal"]), (&json!(rule), &json!(30_000)));
        assert_eq!(principals(&world, &loan).await, left, "{rule}");
    }
}

/// A refund of 300 on 500 in four without interest, with nothing paid, by each rule: the published figures.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_300_on_500_in_four_by_each_rule() {
    let mut policy = serde_json::to_value(crate::world::payload()).unwrap();
    let four = json!({ "id": "pay-4", "label": { "en": "4 payments" },
        "repayment": { "method": "free", "count": 4, "every": "P1M" } });
    policy["product"]["plans"].as_array_mut().unwrap().push(four);
    let world = World::with(serde_json::from_value(policy).unwrap()).await;
    let names = ["ada", "grace", "mary"];
    let emails = ["ada@example.com", "grace@example.com", "mary@example.com"];
    let phones = ["+12125550123", "+12125550199", "+12125550177"];
    for (place, (rule, left)) in
        [("last_first", [12_500, 7_500, 0, 0]), ("first_first", [0, 0, 7_500, 12_500]), ("pro_rata", [5_000; 4])]
            .into_iter()
            .enumerate()
    {
        let shopper = Shopper { name: names[place], email: emails[place], phone: phones[place], standing: "good" };
        let (_, loan, _) = world.buy(&shopper, 50_000, "pay-4").await;
        let body = json!({ "loan": loan, "reference": "R", "amount": 30_000, "rule": rule });
        world.refund(&loan, &body).await.expect(201);
        assert_eq!(principals(&world, &loan).await, left, "{rule}");
    }
}

/// One refund told at the same instant under four keys is one refund.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_told_at_the_same_instant_under_several_keys_is_booked_once() {
    let mut world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.verifying = false;
    let body = of(&loan, "R-1", 10_000);
    let (a, b, c, d) = tokio::join!(
        world.refund("a", &body),
        world.refund("b", &body),
        world.refund("c", &body),
        world.refund("d", &body)
    );
    let ids: Vec<Value> = [a, b, c, d].iter().map(|answer| answer.expect(201)["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.owed(&loan).await, 40_000);
    world.verify().await;
}

async fn principals(world: &World, loan: &str) -> Vec<i64> {
    let view = world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200);
    view["installments"].as_array().unwrap().iter().map(|row| row["principal"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_after_payoff_is_owed_back_to_the_payer() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 50_000).await;
    let refund = world.refund("a", &of(&loan, "R", 20_000)).await.expect(201);
    assert_eq!((&refund["applied"]["principal"], &refund["applied"]["excess"]), (&json!(0), &json!(20_000)));
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!((&view["status"], &view["credit_balance"]), (&json!("settled"), &json!(20_000)));
    assert_eq!(world.account("2110").await, 20_000);
}

/// A shopper who paid nothing is owed nothing: what the lender gave, or gave up, comes back to the lender.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_what_the_lender_gave_is_not_paid_to_the_shopper() {
    let world = World::new().await;
    let today = world.app().today().unwrap().to_string();
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    for (shopper, gift) in [
        (&ADA, json!({ "type": "goodwill_credited", "amount": 50_000, "value_date": today })),
        (&grace, json!({ "type": "waived", "part": "principal", "amount": 50_000, "value_date": today })),
    ] {
        let (_, loan, capability) = world.buy(shopper, 50_000, "monthly-3").await;
        let more = json!({ "type": "goodwill_credited", "amount": 50_001, "value_date": today });
        let refused = world.try_tell(&loan, &more).await.problem(422, "event-refused");
        assert!(refused["detail"].as_str().unwrap().contains("at most what is owed: 50000"), "{refused}");
        world.tell(&loan, gift).await;
        assert_eq!(world.account("5040").await, 50_000);
        let refund = world.refund(&loan, &of(&loan, "R", 50_000)).await.expect(201);
        assert_eq!((&refund["applied"]["principal"], &refund["applied"]["excess"]), (&json!(0), &json!(0)));
        let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
        assert_eq!((&view["status"], &view["credit_balance"]), (&json!("settled"), &json!(0)));
        assert_eq!((world.account("5040").await, world.account("2110").await), (0, 0));
    }
    assert_eq!(world.job("credit-balances", &today).await, 0, "there is nothing to pay back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_after_charge_off_is_a_recovery_and_after_a_transfer_the_new_owner_s() {
    let world = World::new().await;
    let today = world.app().today().unwrap().to_string();
    let (_, lost, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let outcome = world.tell(&lost, json!({ "type": "charged_off", "value_date": today })).await;
    assert_eq!(outcome["state"]["status"], "charged_off");
    world.refund("a", &of(&lost, "R", 20_000)).await.expect(201);
    assert_eq!((world.account("5010").await, world.account("4050").await), (50_000, 20_000));
    assert_eq!(world.owed(&lost).await, 30_000);

    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (_, sold, _) = world.buy(&grace, 40_000, "monthly-3").await;
    let event = json!({ "type": "transferred", "value_date": today, "owner": "fund-2", "price": 39_000 });
    let outcome = world.tell(&sold, event).await;
    assert_eq!(outcome["state"]["status"], "transferred");
    world.refund("b", &of(&sold, "R", 15_000)).await.expect(201);
    assert_eq!(world.account("2210").await, 15_000);
    world.try_tell(&sold, &json!({ "type": "remitted", "amount": 15_001 })).await.problem(422, "event-refused");
    world.tell(&sold, json!({ "type": "remitted", "amount": 15_000 })).await;
    assert_eq!(world.account("2210").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fee_goes_back_with_the_goods_where_the_merchant_s_terms_say_so() {
    let mut world = World::new().await;
    world.config().merchants[0].refund_fee = prequal_server::settings::RefundFee::Returned;
    world.restart().await;
    // 3 % of 333.33 is 10.00 (9.9999 half even).
    let (_, loan, _) = world.buy(&ADA, 33_333, "monthly-3").await;
    assert_eq!(world.account("4030").await, 1_000);
    // A third at a time: 333.33, 333.33 and 333.34 of the sum's fee, rounded over the sum.
    let fees: Vec<i64> = {
        let mut fees = Vec::new();
        for reference in ["R-1", "R-2", "R-3"] {
            let refund = world.refund(reference, &of(&loan, reference, 11_111)).await.expect(201);
            fees.push(refund["fee_returned"].as_i64().unwrap());
        }
        fees
    };
    assert_eq!(fees, [333, 334, 333]);
    assert_eq!(world.account("4030").await, 0, "all of it went back with all of the goods");
    // Undone, the fee is earned again.
    let number = world.get(&format!("/v1/loans/{loan}/events"), LENDER).await.expect(200)["count"].clone();
    world.tell(&loan, json!({ "type": "reversed", "number": number })).await;
    assert_eq!(world.account("4030").await, 333);
    let listed = world.get("/v1/refunds", MERCHANT).await.expect(200);
    assert_eq!(listed["refunds"][2]["status"], "reversed");
    // And a reversal that was a mistake brings both back.
    let number = world.get(&format!("/v1/loans/{loan}/events"), LENDER).await.expect(200)["count"].clone();
    world.tell(&loan, json!({ "type": "reversed", "number": number })).await;
    assert_eq!((world.account("4030").await, world.owed(&loan).await), (0, 0));
}

/// Fineract #5206: small loans of 0.50 misallocated. Here the smallest that is lent is 10.00, refunded cent by cent.
#[tokio::test(flavor = "multi_thread")]
async fn fineract_5206_the_last_cents_go_where_they_belong() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 1_000, "monthly-3").await;
    world.refund("a", &of(&loan, "R-1", 950)).await.expect(201);
    assert_eq!(principals(&world, &loan).await.iter().sum::<i64>(), 50);
    world.pay(&loan, &capability, 49).await;
    assert_eq!(world.owed(&loan).await, 1);
    world.refund("b", &of(&loan, "R-2", 2)).await.expect(201);
    let view = world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200);
    assert_eq!((&view["status"], &view["credit_balance"]), (&json!("settled"), &json!(1)));
}

/// Goods that came back a while ago are told of late: the refund counts from its day, and the interest of the days between
/// is not owed. It cannot count from before the purchase, from tomorrow, or from a period that is closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_counts_from_the_day_on_which_the_goods_came_back() {
    let world = World::new().await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    world.set_date("2026-03-20").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let (_, in_time, _) = world.buy(&grace, 50_000, "monthly-3").await;
    world.set_date("2026-04-01").await;
    world.refund("a", &of(&in_time, "R-1", 20_000)).await.expect(201);
    world.set_date("2026-04-16").await;
    let dated = |reference: &str, date: &str| {
        let mut body = of(&loan, reference, 20_000);
        body["value_date"] = json!(date);
        body
    };
    let close = json!({ "through": "2026-03-31" });
    world.post_once("/v1/ledger/closes", LENDER, "c", &close).await.expect(201);
    for date in ["2026-03-19", "2026-04-17"] {
        assert_eq!(
            world.refund("b", &dated("R-2", date)).await.problem(422, "invalid-value")["pointer"],
            "/value_date"
        );
    }
    world.refund("b", &dated("R-2", "2026-03-31")).await.problem(409, "period-closed");
    world.refund("b", &dated("R-2", "2026-02-30")).await.problem(422, "invalid-body");
    let refund = world.refund("b", &dated("R-2", "2026-04-01")).await.expect(201);
    assert_eq!(refund["value_date"], "2026-04-01");
    assert_eq!(world.owed(&loan).await, world.owed(&in_time).await);
    // Another day under the same name is another refund.
    world.refund("d", &dated("R-2", "2026-04-02")).await.problem(409, "refund-differs");
    assert_eq!(world.refund("e", &of(&loan, "R-2", 20_000)).await.expect(201)["id"], refund["id"]);
}
