//! To whom nothing more is lent: who is too late, and whose loan was given up.

use prequal_ledger::Event;
use serde_json::{Value, json};

use crate::{
    actors::ADA,
    world::{Extra, LENDER, World, payload},
};

/// Bought on 10 January: the first instalment falls due on 10 February, and 30 days past due is 12 March.
const BOUGHT: &str = "2027-01-10";

async fn clock(world: &World, now: &str) {
    let body = json!({ "now": now }).to_string();
    world.call("PUT", "/v1/sandbox/clock", LENDER, &[], body.as_bytes()).await.expect(200);
}

async fn submitted(world: &World) -> Value {
    let purchase = world.apply(&ADA, 1_000).await;
    world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_more_days_past_due_than_the_rule_is_declined_and_told_why() {
    let mut world = World::new().await;
    let folder = world.send_notices().await;
    world.set_date(BOUGHT).await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    // Five minutes before midnight in New York, and five after it.
    clock(&world, "2027-03-13T04:55:00Z").await;
    let view = world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200);
    assert_eq!(view["servicing"]["days_past_due"], 30, "{view}");
    // Approved on the thirtieth day, and signed on the thirty-first: standing is asked again.
    let purchase = world.apply(&ADA, 1_000).await;
    let approved = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    assert_eq!(approved["outcome"], "approved");
    clock(&world, "2027-03-13T05:05:00Z").await;
    let refused = world.sign(&purchase, "a", &world.signing(&approved, ADA.name)).await;
    assert_eq!(refused.problem(409, "wrong-state")["reason"], "LENDER-STANDING");
    let declined = submitted(&world).await;
    assert_eq!(
        (&declined["outcome"], &declined["reasons"][0]["code"]),
        (&json!("declined"), &json!("LENDER-STANDING"))
    );
    let (_, text) = world.sent(&folder, "adverse_action").await;
    assert!(text.contains("too long past due"), "{text}");
    // What was late is paid: nothing speaks against it any more.
    let due =
        world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200)["overdue"]["total"].as_i64().unwrap();
    world.pay(&loan, &capability, due).await;
    assert_eq!(submitted(&world).await["outcome"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_loan_was_charged_off_is_declined_until_it_is_recovered() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let value_date = world.app().today().unwrap();
    let before = world.apply(&ADA, 1_000).await;
    let approved = world.submit(&before, &world.offer(&before, "monthly-3")).await.expect(200);
    world.event(&loan, Event::ChargedOff { value_date }).await;
    let refused = world.sign(&before, "a", &world.signing(&approved, ADA.name)).await;
    assert_eq!(refused.problem(409, "wrong-state")["reason"], "LENDER-STANDING");
    assert_eq!(submitted(&world).await["reasons"][0]["code"], "LENDER-STANDING");
    world.pay(&loan, &capability, 49_999).await;
    assert_eq!(submitted(&world).await["outcome"], "declined", "a cent of it is left");
    world.pay(&loan, &capability, 1).await;
    assert_eq!(submitted(&world).await["outcome"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lender_may_say_that_standing_does_not_count() {
    let rest = "[conduct]\nstanding = { days_past_due_max = 36525, charged_off = \"ignore\" }\n".to_owned();
    let world = World::configured(payload(), Extra { rest, ..Extra::default() }, &[]).await;
    world.set_date(BOUGHT).await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.set_date("2027-06-01").await;
    assert_eq!(submitted(&world).await["outcome"], "approved");
    let value_date = world.app().today().unwrap();
    world.event(&loan, Event::ChargedOff { value_date }).await;
    assert_eq!(submitted(&world).await["outcome"], "approved");
}
