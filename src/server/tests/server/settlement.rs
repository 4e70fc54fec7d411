//! Settling with merchants by cycle: what is paid, kept, held, carried and claimed, and what it means for the loans.

use prequal_core::{bundle::Payload, calendar::Date};
use prequal_server::{jobs, settlement};
use serde_json::{Value, json};

use crate::{
    actors::ADA,
    world::{Extra, LENDER, MERCHANT, OTHER_MERCHANT, World, payload},
};

const JOB: &str = "merchant-settlement";
const LIST: &str = "/v1/merchants/shop/settlements";

async fn world(settlement: &str) -> World {
    of(payload(), settlement).await
}

async fn of(policy: Payload, settlement: &str) -> World {
    let of_shop = format!("[merchants.settlement]\n{settlement}\n");
    World::configured(policy, Extra { of_shop, ..Extra::default() }, &[]).await
}

/// A signed loan, whose merchant waits for its settlement.
async fn sell(world: &World, amount: i64, plan: &str) -> (String, String) {
    let purchase = world.apply(&ADA, amount).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, plan)).await.expect(200);
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
    assert_eq!(signed["status"], "disbursing");
    let text = |name: &str| signed[name].as_str().unwrap().to_owned();
    (text("loan_id"), text("capability"))
}

/// The merchant gives back so much of a loan's price.
async fn give_back(world: &World, loan: &str, amount: i64, number: &str) {
    world.refund(number, &json!({ "loan": loan, "amount": amount, "reference": number })).await.expect(201);
}

async fn last(world: &World) -> Value {
    world.get(LIST, MERCHANT).await.expect(200)["settlements"][0].clone()
}

/// Runs the job and waits until the provider has paid.
async fn settle(world: &World, date: &str) -> Value {
    world.set_date(date).await;
    assert!(world.run_job(JOB, date).await > 0);
    let paid = world.wait(LIST, MERCHANT, |list| list["settlements"][0]["status"] == "settled").await;
    paid["settlements"][0].clone()
}

async fn payouts(world: &World) -> Vec<i64> {
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let payouts = transfers["transfers"].as_array().unwrap().iter().filter(|one| one["kind"] == "payout");
    let mut amounts: Vec<i64> = payouts.map(|one| one["amount"].as_i64().unwrap()).collect();
    amounts.sort_unstable();
    amounts
}

/// 600.00 and 400.00 at 3 %: 30.00 of fees, one payout of 970.00; interest runs from its value date.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_s_sales_are_paid_in_one_payout_net_of_fees() {
    let world = world("cycle = \"daily\"").await;
    world.set_date("2027-03-01").await;
    let (first, capability) = sell(&world, 60_000, "monthly-3").await;
    let (second, _) = sell(&world, 40_000, "monthly-6").await;
    assert_eq!(world.run_job(JOB, "2027-03-01").await, 0, "the day is not over");
    assert_eq!(world.get(LIST, MERCHANT).await.expect(200)["unsettled"]["USD"], 97_000);
    let settlement = settle(&world, "2027-03-02").await;
    let expected = ["captures", "fees", "refunds", "payout"].map(|name| settlement[name].as_i64().unwrap());
    assert_eq!(expected, [100_000, 3_000, 0, 97_000]);
    assert_eq!(payouts(&world).await, [97_000]);
    assert_eq!(world.run_job(JOB, "2027-03-02").await, 0, "a day's is done once");

    let statement = world.get(&format!("/v1/loans/{first}/statement"), LENDER).await.expect(200);
    let paid_out = statement["events"].as_array().unwrap().iter().find(|line| line["type"] == "paid_out").unwrap();
    assert_eq!(paid_out["value_date"], "2027-03-02");
    assert_eq!(world.get(&format!("/v1/loans/{first}"), &capability).await.expect(200)["status"], "active");
    assert_eq!((world.account("2010").await, world.account("1010").await), (0, -97_000));

    let path = format!("/v1/settlements/{}", settlement["id"].as_str().unwrap());
    let lines = world.get(&path, MERCHANT).await.expect(200)["lines"].clone();
    let lines: Vec<(&str, &str, i64)> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (line["kind"].as_str().unwrap(), line["loan_id"].as_str().unwrap(), line["amount"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("capture", first.as_str(), 60_000),
            ("merchant_fee", first.as_str(), -1_800),
            ("capture", second.as_str(), 40_000),
            ("merchant_fee", second.as_str(), -1_200),
        ]
    );
    for key in [OTHER_MERCHANT, capability.as_str()] {
        world.get(&path, key).await.problem(404, "not-found");
        world.get(LIST, key).await.problem(404, "not-found");
    }
    world.get(&path, LENDER).await.expect(200);
    world.get("/v1/merchants/nobody/settlements", LENDER).await.problem(404, "not-found");
    world.get(&format!("{LIST}?cursor=x"), MERCHANT).await.problem(400, "bad-request");
}

/// 2027-01-31 is a Sunday: the week's sales before and after the end of the month are settled on Monday, Monday's a week
/// later.
#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_settled_over_the_end_of_a_month() {
    let world = world("cycle = \"weekly\"\nlast_day = \"sunday\"").await;
    for date in ["2027-01-29", "2027-01-31", "2027-02-01"] {
        world.set_date(date).await;
        sell(&world, 10_000, "monthly-3").await;
    }
    let settlement = settle(&world, "2027-02-01").await;
    assert_eq!((&settlement["until"], &settlement["captures"]), (&json!("2027-01-31"), &json!(20_000)));
    for date in ["2027-02-02", "2027-02-07"] {
        assert_eq!(world.run_job(JOB, date).await, 0, "{date}");
    }
    // A job that missed its day does what is left.
    let settlement = settle(&world, "2027-02-10").await;
    assert_eq!((&settlement["until"], &settlement["captures"]), (&json!("2027-02-07"), &json!(10_000)));
}

/// The tests' clock shows noon: a cut-off at noon is past, one a minute later is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_the_cut_off_belongs_to_the_next_day() {
    for (cut_off, date) in [("12:00", "2027-01-13"), ("12:01", "2027-01-12")] {
        let world = world(&format!("cycle = \"daily\"\ncut_off = \"{cut_off}\"")).await;
        world.set_date("2027-01-12").await;
        sell(&world, 10_000, "monthly-3").await;
        world.set_date("2027-01-14").await;
        world.run_job(JOB, "2027-01-14").await;
        let id = last(&world).await["id"].as_str().unwrap().to_owned();
        let lines = world.get(&format!("/v1/settlements/{id}"), MERCHANT).await.expect(200);
        assert_eq!(lines["lines"][0]["date"], date, "{cut_off}");
    }
}

/// Refunds of 500.00 against sales of 97.00 net: the merchant owes, its sales are set off, and after two settlements what
/// it still owes is a claim, which its next sales pay first.
#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_that_goes_negative_is_set_off_then_claimed_from() {
    let world = world("cycle = \"daily\"\nclaim_after = 2").await;
    world.set_date("2027-03-01").await;
    let (loan, _) = sell(&world, 50_000, "monthly-3").await;
    assert_eq!(settle(&world, "2027-03-02").await["payout"], 48_500);
    give_back(&world, &loan, 50_000, "r").await;
    sell(&world, 10_000, "monthly-3").await;
    let settlement = settle(&world, "2027-03-03").await;
    assert_eq!((&settlement["payout"], &settlement["carried_out"]), (&json!(0), &json!(50_000 - 9_700)));
    // What is set off is paid all the same: the loan of the sale is active.
    assert_eq!(world.account("2010").await, -(50_000 - 9_700), "the merchant owes");
    // A day without sales or refunds counts as well.
    let settlement = settle(&world, "2027-03-04").await;
    assert_eq!((&settlement["claimed"], &settlement["carried_out"]), (&json!(40_300), &json!(0)));
    assert_eq!((world.account("1220").await, world.account("2010").await), (40_300, 0));
    assert_eq!(world.run_job(JOB, "2027-03-05").await, 0, "nothing is left to settle");
    world.set_date("2027-03-08").await;
    sell(&world, 50_000, "monthly-3").await;
    let settlement = settle(&world, "2027-03-09").await;
    assert_eq!((&settlement["claim_recovered"], &settlement["payout"]), (&json!(40_300), &json!(48_500 - 40_300)));
    assert_eq!(payouts(&world).await, [8_200, 48_500]);
    assert_eq!(world.account("1220").await, 0);
    // 3 % of 500.00, 100.00 and 500.00 were earned; 500.00 of the 1,100.00 sold came back.
    assert_eq!(world.account("1010").await, -(48_500 + 8_200));
    assert_eq!(world.account("4030").await, 1_500 + 300 + 1_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_is_held_and_covers_refunds_before_anything_is_owed() {
    let world = world("cycle = \"daily\"\nreserve_percent = \"10\"\nreserve_amount = 6000").await;
    world.set_date("2027-03-01").await;
    let (loan, _) = sell(&world, 50_000, "monthly-3").await;
    let settlement = settle(&world, "2027-03-02").await;
    assert_eq!((&settlement["reserve_held"], &settlement["payout"]), (&json!(5_000), &json!(43_500)));
    assert_eq!(world.account("2020").await, 5_000);
    give_back(&world, &loan, 4_000, "r").await;
    let settlement = settle(&world, "2027-03-03").await;
    assert_eq!((&settlement["reserve_used"], &settlement["reserve"]), (&json!(4_000), &json!(1_000)));
    assert_eq!((world.account("2020").await, world.account("2010").await), (1_000, 0));
}

/// A payout that fails is tried again on the next business day; the borrowers pay no interest for the days between.
#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_whose_payout_fails_costs_the_borrowers_nothing() {
    let world = world("cycle = \"daily\"").await;
    world.set_date("2027-03-01").await;
    let (loan, capability) = sell(&world, 60_000, "monthly-3").await;
    world.provider("POST", "/v1/switches", &json!({ "fail_next": 1, "repeat_next": 0, "delay_ms": 0 })).await;
    world.set_date("2027-03-02").await;
    world.run_job(JOB, "2027-03-02").await;
    world.wait(LIST, MERCHANT, |list| list["settlements"][0]["status"] == "failed").await;
    assert_eq!(world.run_job(JOB, "2027-03-02").await, 0, "once a business day");
    let path = format!("/v1/loans/{loan}");
    let waiting = world.get(&path, &capability).await.expect(200);
    assert_eq!((&waiting["status"], &waiting["balance"]["interest"]), (&json!("disbursing"), &json!(0)));
    let settlement = settle(&world, "2027-03-12").await;
    assert_eq!((&settlement["value_date"], &settlement["number"]), (&json!("2027-03-12"), &json!(1)));
    assert_eq!(world.get(&path, &capability).await.expect(200)["balance"]["total"], 60_000, "ten days cost nothing");
    let statement =
        world.get(&format!("/v1/settlements/{}", settlement["id"].as_str().unwrap()), MERCHANT).await.expect(200);
    let tries: Vec<&str> =
        statement["payouts"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(tries, ["failed", "settled"]);
    assert_eq!(world.account("1010").await, -58_200);
}

/// A plan without cost for the buyer costs the seller 1.8 %; one that the buyer pays for costs the seller nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn the_instalment_fee_is_the_buyer_s_or_the_seller_s_and_never_both() {
    let mut value = serde_json::to_value(payload()).unwrap();
    value["product"]["plans"][0]["repayment"] = json!({ "method": "free", "count": 3, "every": "P1M" });
    let fees = "plan_fees = [{ plan = \"monthly-3\", percent = \"1.8\" }, { plan = \"monthly-6\", percent = \"4.5\" }]";
    let world = of(serde_json::from_value(value).unwrap(), &format!("cycle = \"daily\"\n{fees}")).await;
    world.set_date("2027-03-01").await;
    // 3 % of 1,111.11 is 33.3333, 1.8 % is 19.99998.
    sell(&world, 111_111, "monthly-3").await;
    let settlement = settle(&world, "2027-03-02").await;
    assert_eq!(settlement["fees"], 3_333 + 2_000);
    sell(&world, 100_000, "monthly-6").await;
    assert_eq!(settle(&world, "2027-03-03").await["fees"], 3_000);
}

/// 1,000.00 in parts of 600.00 and 400.00: of 3 % and of 1.8 %, 18.00 and 10.80, then 12.00 and 7.20.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_captured_in_parts_bears_each_fee_in_its_own_line() {
    let mut value = serde_json::to_value(payload()).unwrap();
    value["product"]["plans"][0]["repayment"] = json!({ "method": "free", "count": 3, "every": "P1M" });
    let fees = "plan_fees = [{ plan = \"monthly-3\", percent = \"1.8\" }]";
    let world = of(serde_json::from_value(value).unwrap(), &format!("cycle = \"daily\"\n{fees}")).await;
    world.set_date("2027-03-01").await;
    let order = world.authorize(100_000, "monthly-3", 30).await;
    for (key, amount, day, expected) in
        [("a", 60_000, "2027-03-02", [60_000, -1_800, -1_080]), ("b", 40_000, "2027-03-03", [40_000, -1_200, -720])]
    {
        let captured = world.capture(&order.id, key, &json!({ "amount": amount })).await.expect(201);
        assert_eq!(captured["fee"], -(expected[1] + expected[2]));
        let settlement = settle(&world, day).await;
        assert_eq!(settlement["payout"], expected.iter().sum::<i64>());
        let path = format!("/v1/settlements/{}", settlement["id"].as_str().unwrap());
        let lines = world.get(&path, MERCHANT).await.expect(200)["lines"].clone();
        let of = |kind: &str| {
            let mut found = lines.as_array().unwrap().iter().filter(|line| line["kind"] == kind);
            found.next().unwrap_or_else(|| panic!("no {kind}: {lines}"))["amount"].as_i64().unwrap()
        };
        assert_eq!([of("capture"), of("merchant_fee"), of("installment_fee")], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_settle_at_once_pay_once() {
    let world = world("cycle = \"daily\"").await;
    world.set_date("2027-03-01").await;
    for _ in 0..3 {
        sell(&world, 10_000, "monthly-3").await;
    }
    world.set_date("2027-03-02").await;
    let (one, other) = (world.another_server().await, world.another_server().await);
    let job = jobs::find(JOB).unwrap();
    let date = Date::parse("2027-03-02").unwrap();
    let (here, there, again) =
        tokio::join!((job.run)(&one, date), (job.run)(&other, date), (job.run)(world.app(), date));
    here.unwrap();
    there.unwrap();
    again.unwrap();
    world.wait(LIST, MERCHANT, |list| list["settlements"][0]["status"] == "settled").await;
    assert_eq!(payouts(&world).await, [29_100]);
    assert_eq!(world.get(LIST, MERCHANT).await.expect(200)["settlements"].as_array().unwrap().len(), 1);
    one.db.close().await;
    other.db.close().await;
}

/// A merchant that is paid at once keeps what it got when goods come back: what it owes is claimed in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_that_is_paid_at_once_is_claimed_from_for_refunds() {
    let world = world("claim_after = 2").await;
    world.set_date("2027-03-01").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    give_back(&world, &loan, 10_000, "r").await;
    let listen = json!({ "url": "http://127.0.0.1:9", "events": ["merchant.claimed"] });
    world.post("/v1/webhooks", MERCHANT, &listen).await.expect(201);
    let told = "SELECT coalesce(max(body), '') FROM webhook_messages WHERE type = $1";
    assert_eq!(settle(&world, "2027-03-02").await["carried_out"], 10_000);
    assert_eq!(world.text(told, "merchant.claimed").await, "");
    let settlement = settle(&world, "2027-03-03").await;
    assert_eq!(settlement["claimed"], 10_000);
    // A claim is told, so that somebody can make it.
    let told: Value = serde_json::from_str(&world.text(told, "merchant.claimed").await).unwrap();
    assert_eq!((&told["data"]["claimed"], &told["data"]["settlement_id"]), (&json!(10_000), &settlement["id"]));
    assert_eq!((world.account("1220").await, world.account("2010").await), (10_000, 0));
    assert_eq!(payouts(&world).await, [48_500], "nothing but the loan's own payout");
}

/// More loans than one step pays out, and more lines than a page has.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_settlement_is_told_to_all_its_loans_and_read_page_by_page() {
    let mut world = world("cycle = \"daily\"").await;
    world.verifying = false;
    world.set_date("2027-03-01").await;
    let count = usize::try_from(settlement::job::LOANS_OF_STEP).unwrap() + 5;
    for _ in 0..count {
        sell(&world, 1_000, "monthly-3").await;
    }
    let settlement = settle(&world, "2027-03-02").await;
    let total = i64::try_from(count).unwrap();
    assert_eq!((&settlement["captures"], &settlement["payout"]), (&json!(total * 1_000), &json!(total * 970)));
    // The notice told the first step's loans, the job tells the rest.
    assert_eq!(world.account("2010").await, 5 * 970);
    assert_eq!(world.run_job(JOB, "2027-03-02").await, 5);
    assert_eq!((world.account("2010").await, world.account("1010").await), (0, -total * 970));
    let path = format!("/v1/settlements/{}", settlement["id"].as_str().unwrap());
    let (mut sum, mut lines, mut cursor) = (0, 0, String::new());
    loop {
        let page = world.get(&format!("{path}{cursor}"), MERCHANT).await.expect(200);
        for line in page["lines"].as_array().unwrap() {
            sum += line["amount"].as_i64().unwrap();
            lines += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("?cursor={next}"),
            None => break,
        }
    }
    assert_eq!((sum, lines), (total * 970, 2 * count));
}

/// A notice of another amount, or told otherwise afterwards, is refused and changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_contradicts_a_settlement_is_refused() {
    let world = world("cycle = \"daily\"").await;
    world.set_date("2027-03-01").await;
    sell(&world, 10_000, "monthly-3").await;
    settle(&world, "2027-03-02").await;
    let id = last(&world).await["id"].as_str().unwrap().to_owned();
    let payout = world.get(&format!("/v1/settlements/{id}"), MERCHANT).await.expect(200)["payouts"][0]["id"].clone();
    let notice = |kind: &str, amount: i64, transfer: &str| {
        json!({ "type": kind, "data": { "id": transfer, "reference": payout, "amount": amount, "currency": "USD",
            "value_date": "2027-03-02" } })
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let secret = world.webhook_secret.clone();
    let tell = async |id: &str, body: Value| world.notify(id, now, &secret, &body).await;
    tell("a", notice("payout.failed", 9_700, "x")).await.problem(422, "invalid-value");
    tell("b", notice("payout.settled", 9_701, "y")).await.problem(422, "invalid-value");
    assert_eq!(tell("c", notice("payout.settled", 9_700, "z")).await.expect(200)["status"], "known");
    assert_eq!(last(&world).await["status"], "settled");
}

/// Undoes the newest event of a loan.
async fn undo_newest(world: &World, loan: &str) {
    let count = world.get(&format!("/v1/loans/{loan}/events"), LENDER).await.expect(200)["count"].clone();
    world.tell(loan, json!({ "type": "reversed", "number": count })).await;
}

/// 40.00 given back are set off against the sales of the day; undone, they are paid with the next settlement, and the
/// loan, which was told of its payout, is not told again.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_undone_is_paid_to_the_merchant_and_stops_no_settlement() {
    let world = world("cycle = \"daily\"").await;
    world.set_date("2027-03-01").await;
    let (loan, _) = sell(&world, 60_000, "monthly-3").await;
    settle(&world, "2027-03-02").await;
    give_back(&world, &loan, 4_000, "r").await;
    sell(&world, 10_000, "monthly-3").await;
    assert_eq!(settle(&world, "2027-03-03").await["payout"], 9_700 - 4_000);
    undo_newest(&world, &loan).await;
    assert_eq!(settle(&world, "2027-03-04").await["payout"], 4_000);
    assert_eq!(world.run_job(JOB, "2027-03-04").await, 0, "nothing is left, and nothing fails");
    assert_eq!((world.account("2010").await, world.account("1010").await), (0, -(58_200 + 9_700)));
    // Given back and undone within one settlement, before the loan was told: it is told once.
    let (later, capability) = sell(&world, 20_000, "monthly-3").await;
    give_back(&world, &later, 5_000, "s").await;
    undo_newest(&world, &later).await;
    assert_eq!(settle(&world, "2027-03-05").await["payout"], 19_400);
    assert_eq!(world.get(&format!("/v1/loans/{later}"), &capability).await.expect(200)["status"], "active");
    assert_eq!((world.account("2010").await, world.account("1010").await), (0, -(58_200 + 9_700 + 19_400)));
}

/// A merchant that is paid at once owes what it gave back, until that is undone.
#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_that_is_paid_at_once_owes_nothing_for_a_refund_that_is_undone() {
    let world = world("claim_after = 9").await;
    world.set_date("2027-03-01").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    give_back(&world, &loan, 10_000, "r").await;
    assert_eq!(settle(&world, "2027-03-02").await["carried_out"], 10_000);
    undo_newest(&world, &loan).await;
    let settlement = settle(&world, "2027-03-03").await;
    assert_eq!((&settlement["carried_out"], &settlement["payout"]), (&json!(0), &json!(0)));
    assert_eq!((world.account("2010").await, world.account("1010").await), (0, -48_500));
    assert_eq!(payouts(&world).await, [48_500]);
}

/// The payout comes back and is given up: its refund is undone with it, and the merchant owes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_given_up_with_a_refund_leaves_nothing_to_settle() {
    let world = world("claim_after = 9").await;
    world.set_date("2027-03-01").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    give_back(&world, &loan, 20_000, "r").await;
    assert_eq!(settle(&world, "2027-03-02").await["carried_out"], 20_000);
    let path = format!("/v1/loans/{loan}");
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let payout = transfers["transfers"].as_array().unwrap().iter().find(|one| one["kind"] == "payout").unwrap().clone();
    let id = payout["id"].as_str().unwrap();
    world.provider("POST", &format!("/v1/transfers/{id}/return"), &Value::Null).await;
    world.wait(&path, LENDER, |loan| loan["status"] == "disbursing").await;
    world.post_once(&format!("{path}/payout"), LENDER, "k", &json!({ "decision": "give_up" })).await.expect(201);
    assert_eq!(settle(&world, "2027-03-03").await["carried_out"], 0);
    assert_eq!((world.account("2010").await, world.account("1010").await), (0, 0));
    assert_eq!(world.get(&path, LENDER).await.expect(200)["status"], "cancelled");
}

/// What stops one loan stops no other, nor the merchants after it; the job says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_loan_that_cannot_be_told_stops_no_other() {
    let mut world = world("cycle = \"daily\"").await;
    world.set_date("2027-03-01").await;
    let (stuck, _) = sell(&world, 10_000, "monthly-3").await;
    let (fine, capability) = sell(&world, 20_000, "monthly-3").await;
    // As if its books said that it was never paid out.
    world.verifying = false;
    let failed = r#"{"type":"payout_failed","value_date":"2027-03-01"}"#;
    let mut tx = world.app().db.begin().await.unwrap();
    let sql = "INSERT INTO loan_events (loan, number, booked, event) VALUES ($1, 2, '2027-03-01', $2)";
    sqlx::query(sql).bind(&stuck).bind(failed).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    world.set_date("2027-03-02").await;
    let date = Date::parse("2027-03-02").unwrap();
    (jobs::find(JOB).unwrap().run)(world.app(), date).await.unwrap();
    let mut paid = Value::Null;
    for _ in 0..400 {
        paid = last(&world).await["status"].clone();
        if paid == "settled" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(paid, "settled", "the notice of the payout is taken");
    assert_eq!(world.get(&format!("/v1/loans/{fine}"), &capability).await.expect(200)["status"], "active");
    let said = (jobs::find(JOB).unwrap().run)(world.app(), date).await.unwrap_err();
    assert!(said.detail().contains("1 failed"), "{said:?}");
    // Told by the job as by the notice: a second sale is settled and told while the first still cannot be.
    let (next, capability) = sell(&world, 30_000, "monthly-3").await;
    let date = Date::parse("2027-03-03").unwrap();
    world.set_date("2027-03-03").await;
    (jobs::find(JOB).unwrap().run)(world.app(), date).await.unwrap_err();
    let path = format!("/v1/loans/{next}");
    for _ in 0..400 {
        if world.get(&path, &capability).await.expect(200)["status"] == "active" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the outbox was never woken, or the loan never told");
}
