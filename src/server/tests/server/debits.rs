//! What a mandate lets the lender debit: each instalment once, and nothing that is disputed or withdrawn from.

use std::time::Duration;

use prequal_core::calendar::Date;
use prequal_server::jobs::due_debits;
use serde_json::json;

use crate::{
    actors::ADA,
    jobs::another_server,
    process::Process,
    world::{LENDER, World},
};

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// 50,000 free of interest in three months: 16,666 each, and the stray two cents with the last.
#[tokio::test(flavor = "multi_thread")]
async fn a_due_instalment_is_debited_once_however_often_the_job_runs() {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let autopay = format!("{path}/autopay");
    let agreed = json!({ "text_hash": prequal_server::secret::sha256_hex("Debit me on the due day.") });
    assert_eq!(world.get(&autopay, &capability).await.expect(200)["on"], false);
    world.call("PUT", &autopay, LENDER, &[], agreed.to_string().as_bytes()).await.problem(403, "forbidden");
    world.call("PUT", &autopay, &capability, &[], br#"{"text_hash":"yes"}"#).await.problem(422, "invalid-value");
    world.call("PUT", &autopay, "cap_of-somebody", &[], agreed.to_string().as_bytes()).await.problem(404, "not-found");
    let on = world.call("PUT", &autopay, &capability, &[], agreed.to_string().as_bytes()).await.expect(200);
    let view = world.get(&path, &capability).await.expect(200);
    let due = |number: usize| view["installments"][number]["due"].as_str().unwrap().to_owned();
    assert_eq!((&on["on"], on["next_due"].as_str().unwrap()), (&json!(true), &*due(0)));

    let other = another_server(&mut world).await;
    let first = date(&due(0));
    let run = due_debits::DUE_DEBITS.run;
    assert_eq!(run(world.app(), first.add_days(-1).unwrap()).await.unwrap().changed, 0, "not before its day");
    world.set_date(&due(0)).await;
    let (here, there) = tokio::join!(run(world.app(), first), run(&other, first));
    assert_eq!(here.unwrap().changed + there.unwrap().changed, 1, "two servers order it once");
    assert_eq!(run(world.app(), first).await.unwrap().changed, 0);
    let installment =
        |value: &serde_json::Value, number: usize| value["installments"][number]["total"].as_i64().unwrap();
    let cleared = world
        .wait(&path, &capability, |loan| {
            loan["payments"].as_array().unwrap().iter().any(|one| one["status"] == "cleared")
        })
        .await;
    assert_eq!(cleared["payments"].as_array().unwrap().len(), 1);
    assert_eq!(cleared["payments"][0]["amount"].as_i64().unwrap(), installment(&view, 0));
    assert_eq!(world.get(&autopay, &capability).await.expect(200)["next_due"], due(1));

    // Paid by hand before its day, nothing is debited on it; what is left later is.
    world.set_date(&date(&due(1)).add_days(-3).unwrap().to_string()).await;
    world.pay(&loan, &capability, installment(&view, 1)).await;
    world.set_date(&due(1)).await;
    assert_eq!(run(world.app(), date(&due(1))).await.unwrap().changed, 0);
    // A day late, as after a pause: the debit is of what is overdue.
    let late = date(&due(2)).add_days(1).unwrap();
    world.set_date(&late.to_string()).await;
    assert_eq!(run(world.app(), late).await.unwrap().changed, 1);
    world.wait(&path, &capability, |loan| loan["status"] == "settled").await;
    assert_eq!(world.get(&autopay, &capability).await.expect(200)["next_due"], serde_json::Value::Null);
    other.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_withdraws_is_not_debited_and_nor_is_what_was_instructed_already() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let autopay = format!("{path}/autopay");
    let agreed = json!({ "text_hash": prequal_server::secret::sha256_hex("Debit me.") }).to_string();
    let on = world.call("PUT", &autopay, &capability, &[], agreed.as_bytes()).await.expect(200);
    let due = on["next_due"].as_str().unwrap().to_owned();
    assert_eq!(world.call("DELETE", &autopay, &capability, &[], b"").await.expect(200)["on"], false);
    world.set_date(&due).await;
    let run = due_debits::DUE_DEBITS.run;
    assert_eq!(run(world.app(), date(&due)).await.unwrap().changed, 0);
    world.call("PUT", &autopay, &capability, &[], agreed.as_bytes()).await.expect(200);
    // The provider is slow, so the shopper's own instruction is still under way: 16,666 of it is what is due.
    world.provider("POST", "/v1/switches", &json!({ "delay_ms": 60_000 })).await;
    let body = json!({ "amount": 20_000 });
    world.post_once(&format!("{path}/payments"), &capability, "by-hand", &body).await.expect(202);
    assert_eq!(run(world.app(), date(&due)).await.unwrap().changed, 0);
}

/// What is disputed is not collected; what is not, is; and all of it once the dispute is over.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_disputed_is_not_debited_until_the_dispute_is_over() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 60_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let agreed = json!({ "text_hash": prequal_server::secret::sha256_hex("Debit me.") }).to_string();
    let autopay = format!("{path}/autopay");
    world.call("PUT", &autopay, &capability, &[], agreed.as_bytes()).await.expect(200);
    let view = world.get(&path, &capability).await.expect(200);
    let due = |number: usize| view["installments"][number]["due"].as_str().unwrap().to_owned();
    let start = world.app().today().unwrap().to_string();
    let dispute = |amount: i64| json!({ "type": "disputed", "amount": amount, "value_date": start });
    let whole = world.tell(&loan, dispute(60_000)).await["event"]["dispute"].clone();
    let run = due_debits::DUE_DEBITS.run;
    let paid = async |count: usize| {
        let cleared = |loan: &serde_json::Value| {
            let payments = loan["payments"].as_array().unwrap();
            payments.len() == count && payments.iter().all(|one| one["status"] == "cleared")
        };
        world.wait(&path, &capability, cleared).await["payments"][count - 1]["amount"].as_i64().unwrap()
    };
    world.set_date(&due(0)).await;
    assert_eq!(run(world.app(), date(&due(0))).await.unwrap().changed, 0, "all of it is disputed");
    assert_eq!(world.get(&autopay, &capability).await.expect(200)["next_due"], due(1));
    // The dispute of the whole ends, and one of 50.00 began before the job runs again: all but these are collected.
    let first = view["installments"][0]["total"].as_i64().unwrap();
    let part = world.tell(&loan, dispute(5_000)).await["event"]["dispute"].clone();
    let over = |dispute: &serde_json::Value, day: &str| json!({ "type": "dispute_resolved", "dispute": dispute, "value_date": day });
    world.tell(&loan, over(&whole, &due(0))).await;
    assert_eq!(world.get(&autopay, &capability).await.expect(200)["next_due"], due(0), "it is dated anew");
    assert_eq!(run(world.app(), date(&due(0))).await.unwrap().changed, 1);
    assert_eq!(paid(1).await, first - 5_000);
    let next = date(&due(0)).add_days(1).unwrap();
    world.set_date(&next.to_string()).await;
    assert_eq!(run(world.app(), next).await.unwrap().changed, 0, "the rest is disputed");
    world.tell(&loan, over(&part, &next.to_string())).await;
    assert_eq!(run(world.app(), next).await.unwrap().changed, 1);
    assert_eq!(paid(2).await, 5_000);
    // A dispute that is reversed is over as well.
    let undone = world.tell(&loan, dispute(60_000)).await["number"].clone();
    world.set_date(&due(1)).await;
    assert_eq!(run(world.app(), date(&due(1))).await.unwrap().changed, 0);
    world.tell(&loan, json!({ "type": "reversed", "number": undone })).await;
    let second = world.get(&path, &capability).await.expect(200)["installments"][1]["total"].as_i64().unwrap();
    assert_eq!(run(world.app(), date(&due(1))).await.unwrap().changed, 1);
    assert_eq!(paid(3).await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_the_day_s_debits_leaves_the_rest_to_the_next() {
    let mut world = World::new().await;
    world.verifying = false;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let agreed = json!({ "text_hash": prequal_server::secret::sha256_hex("Debit me.") }).to_string();
    let on = world.call("PUT", &format!("{path}/autopay"), &capability, &[], agreed.as_bytes()).await.expect(200);
    let due = on["next_due"].as_str().unwrap().to_owned();
    world.set_date(&due).await;
    world.stop().await;
    for kill in 0..6 {
        let mut process = Process::start(&world, world.address());
        tokio::time::sleep(Duration::from_millis(40 * kill)).await;
        process.kill();
    }
    world.start().await;
    let run = due_debits::DUE_DEBITS.run;
    run(world.app(), date(&due)).await.unwrap();
    let view = world
        .wait(&path, &capability, |loan| {
            loan["payments"].as_array().unwrap().iter().all(|one| one["status"] == "cleared")
        })
        .await;
    assert_eq!(view["payments"].as_array().unwrap().len(), 1, "{view}");
    world.verify().await;
}
