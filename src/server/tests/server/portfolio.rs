//! Serving a portfolio: days past due, what the books make of them, and results that others published, through the
//! server's own ledger.

use prequal_core::calendar::Date;
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{LENDER, World, payload},
};

const RULES: &str = r#"
    [rules]
    technical_grace_days = 3
    non_accrual_from_days = 30
    charge_off_from_days = 90
    buckets = [{ code = "1-29", from_days = 1 }, { code = "30-89", from_days = 30 }, { code = "90+", from_days = 90 }]
    allowance = [{ from_days = 0, percent = "1" }, { from_days = 30, percent = "60" }]
"#;

async fn lender_s(world: &World, loan: &str) -> Value {
    world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200)
}

fn first_due(view: &Value) -> Date {
    Date::parse(view["installments"][0]["due"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_that_nobody_pays_goes_from_current_to_charged_off_by_its_own_rules() {
    let mut world = World::new().await;
    world.serve_by(RULES).await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let view = lender_s(&world, &loan).await;
    let due = first_due(&view);
    let day = |count: i32| due.add_days(count).unwrap().to_string();
    assert!(world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200).get("servicing").is_none());

    // Within the technical grace nothing is late; a day later everything since the due date is.
    world.set_date(&day(3)).await;
    assert_eq!(lender_s(&world, &loan).await["servicing"]["days_past_due"], 0);
    world.set_date(&day(4)).await;
    let late = lender_s(&world, &loan).await["servicing"].clone();
    assert_eq!((&late["days_past_due"], &late["bucket"]), (&json!(4), &json!("1-29")));
    assert_eq!(
        (&late["overdue"], &late["collectable"]),
        (&view["installments"][0]["total"], &view["installments"][0]["total"])
    );

    world.set_date(&day(30)).await;
    let before = lender_s(&world, &loan).await;
    assert_eq!((&before["servicing"]["non_accrual"], &before["servicing"]["bucket"]), (&json!(true), &json!("30-89")));
    assert_eq!(world.run_job_today("servicing").await, 1);
    let after = lender_s(&world, &loan).await;
    assert_eq!(after["balance"], before["balance"], "a balance needs no job");
    // Unpaid interest is no income, and 60 % of the rest is set aside: 30,000 of 50,000.
    let interest = after["balance"]["interest"].as_i64().unwrap();
    assert!(interest > 0);
    assert_eq!((world.account("2310").await, world.account("4010").await), (interest, 0));
    assert_eq!((&after["servicing"]["allowance"], world.account("5020").await), (&json!(30_000), 30_000));
    assert_eq!(world.account("1910").await, -30_000, "it reduces the receivable");
    assert_eq!(world.run_job_today("servicing").await, 0, "done is done");

    world.set_date(&day(89)).await;
    world.run_job_today("servicing").await;
    assert_eq!(lender_s(&world, &loan).await["status"], "active");
    world.set_date(&day(90)).await;
    assert_eq!(lender_s(&world, &loan).await["servicing"]["charge_off_due"], true);
    assert_eq!(world.run_job_today("servicing").await, 1);
    let lost = lender_s(&world, &loan).await;
    assert_eq!((&lost["status"], world.account("5010").await), (&json!("charged_off"), 50_000));
    assert_eq!((world.account("1110").await, world.account("1910").await, world.account("2310").await), (0, 0, 0));
    // What still comes is a recovery.
    let today = day(90);
    world.tell(&loan, json!({ "type": "received", "amount": 5_000, "value_date": today })).await;
    assert_eq!(world.account("4050").await, 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_brings_a_loan_back_and_a_disputed_part_is_not_collected() {
    let mut world = World::new().await;
    world.serve_by(RULES).await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let view = lender_s(&world, &loan).await;
    let due = first_due(&view);
    let first = view["installments"][0]["total"].as_i64().unwrap();
    let date = due.add_days(20).unwrap().to_string();
    world.set_date(&date).await;
    world.run_job_today("servicing").await;
    let dispute = world.tell(&loan, json!({ "type": "disputed", "amount": first, "value_date": date })).await;
    let servicing = lender_s(&world, &loan).await["servicing"].clone();
    assert_eq!((&servicing["collectable"], &servicing["days_past_due"]), (&json!(0), &json!(0)));
    assert_eq!(servicing["overdue"], first);
    let resolved = json!({ "type": "dispute_resolved", "dispute": dispute["event"]["dispute"], "value_date": date });
    world.tell(&loan, resolved).await;
    assert_eq!(lender_s(&world, &loan).await["servicing"]["days_past_due"], 20);
    world.tell(&loan, json!({ "type": "received", "amount": first, "value_date": date })).await;
    let servicing = lender_s(&world, &loan).await["servicing"].clone();
    assert_eq!(
        (&servicing["days_past_due"], &servicing["overdue"], &servicing["bucket"]),
        (&json!(0), &json!(0), &Value::Null)
    );
}

/// fineract #5472: one loan that cannot be served stopped the day's close for all. Income of a quiet loan is posted at
/// the month's end, by nobody's request, and once.
#[tokio::test(flavor = "multi_thread")]
async fn fineract_5472_income_is_posted_at_the_month_s_end_for_every_loan_that_can_be_served() {
    let world = World::new().await;
    world.set_date("2026-01-10").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (_, other, _) = world.buy(&grace, 50_000, "monthly-3").await;
    assert_eq!(world.run_job_today("servicing").await, 0);
    world.set_date("2026-01-30").await;
    assert_eq!(world.run_job_today("servicing").await, 0, "the month is not over");
    world.set_date("2026-01-31").await;
    assert_eq!(world.run_job_today("servicing").await, 2);
    // 30/360: 21 of the period's 31 days of 412.5 cents: 279.4, rounded, for each loan.
    assert_eq!(world.account("4010").await, 2 * 279);
    assert_eq!(world.run_job_today("servicing").await, 0);
    // An event of one loan that cannot be read any more stops no other.
    let mut tx = world.app().db.begin().await.unwrap();
    let statement = "UPDATE loans SET offer = '{}' WHERE id = $1";
    sqlx::query(statement).bind(&loan).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    world.call_unverified_date("2026-02-28").await;
    let today = world.app().today().unwrap();
    let done = (prequal_server::jobs::find("servicing").unwrap().run)(world.app(), today).await.unwrap();
    assert_eq!(done.changed, 1);
    let events = world.get(&format!("/v1/loans/{other}/events"), LENDER).await.expect(200);
    assert_eq!(events["events"].as_array().unwrap().last().unwrap()["event"]["type"], "recognized");
}

impl World {
    /// Sets the date where the ledger is broken on purpose.
    async fn call_unverified_date(&self, date: &str) {
        let body = json!({ "now": format!("{date}T17:00:00Z") });
        let authorization = format!("Bearer {LENDER}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let client = prequal_server::http_client::HttpClient::default();
        let url = format!("{}/v1/sandbox/clock", self.base);
        let (status, _) = client.call(hyper::Method::PUT, &url, &headers, body.to_string().into()).await.unwrap();
        assert_eq!(status, 200);
    }
}

/// The test policy, with what Apache Fineract's example wants of it: 7 % a year over six months.
fn fineract() -> prequal_core::bundle::Payload {
    let mut policy = serde_json::to_value(payload()).unwrap();
    policy["price"]["rows"][1]["then"]["rate_percent"] = json!("7");
    policy["representative"]["rate_percent"] = policy["price"]["rows"][0]["then"]["rate_percent"].clone();
    serde_json::from_value(policy).unwrap()
}

/// Apache Fineract: payoff of 100 at 7 % over six months on 15 February is 83.81 to the day and 84.06 to the next due
/// date; here the amount of the next due date is what is asked for that day.
#[tokio::test(flavor = "multi_thread")]
async fn fineract_an_early_payoff_through_the_server_s_ledger() {
    let world = World::with(fineract()).await;
    world.set_date("2024-01-01").await;
    let (_, loan, capability) = world.buy(&ADA, 10_000, "monthly-6").await;
    world.set_date("2024-02-01").await;
    world.pay(&loan, &capability, 1_701).await;
    world.set_date("2024-02-15").await;
    let path = format!("/v1/loans/{loan}");
    assert_eq!(world.get(&format!("{path}/payoff"), &capability).await.expect(200)["total"], 8_381);
    let next = world.get(&format!("{path}/payoff?date=2024-03-01"), &capability).await.expect(200);
    assert_eq!(next["total"], 8_406);
    world.pay(&loan, &capability, 8_381).await;
    let view = world.get(&path, &capability).await.expect(200);
    assert_eq!((&view["status"], world.account("4010").await), (&json!("settled"), 58 + 24));
}

/// Apache Fineract: nothing paid by 15 July; interest stays 0.58 a month and the last due is 18.43.
#[tokio::test(flavor = "multi_thread")]
async fn fineract_nothing_paid_through_the_server_s_ledger() {
    let world = World::with(fineract()).await;
    world.set_date("2024-01-01").await;
    let (_, loan, capability) = world.buy(&ADA, 10_000, "monthly-6").await;
    world.set_date("2024-07-15").await;
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    let rows = view["installments"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["interest"] == 58), "{view}");
    assert_eq!(rows.last().unwrap()["total"], 1_843);
    world.run_job_today("servicing").await;
    assert_eq!(world.account("4010").await, 6 * 58);
}
