//! Notices of arrived money that come at the same time are written together, and each still has its own effect.

use std::{collections::BTreeMap, sync::Arc};

use prequal_server::{
    clock::{Clock, SystemClock},
    repayments::BATCH_MAX,
};
use serde_json::{Value, json};

use crate::{
    actors::Shopper,
    world::{Answer, LENDER, World},
};

const LOANS: usize = 3;
const AMOUNT: i64 = 11;
/// The account of money from unknown payers.
const SUSPENSE: &str = "2910";

fn arrived(transfer: &str, reference: &str, amount: i64, date: &str) -> Value {
    json!({ "type": "payment.cleared", "data": { "id": transfer, "reference": reference, "amount": amount,
        "currency": "USD", "value_date": date } })
}

/// Sends all at once; gives the answers in the order given.
async fn at_once(world: &Arc<World>, notices: Vec<(String, Value)>) -> Vec<Answer> {
    let sending: Vec<_> = notices
        .into_iter()
        .map(|(id, body)| {
            let world = world.clone();
            tokio::spawn(
                async move { world.notify(&id, SystemClock.now_seconds(), &world.webhook_secret, &body).await },
            )
        })
        .collect();
    let mut answers = Vec::new();
    for task in sending {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn world_with_loans() -> (Arc<World>, Vec<String>, String) {
    let mut world = World::new().await;
    let mut loans = Vec::new();
    for number in 0..LOANS {
        let email: &'static str = format!("shopper{number}@example.com").leak();
        let phone: &'static str = format!("+1212555{number:04}").leak();
        let shopper = Shopper { name: "Ada Byron", email, phone, standing: "good" };
        loans.push(world.buy(&shopper, 50_000, "monthly-3").await.1);
    }
    // The whole is verified once, at the end.
    world.verifying = false;
    let today = world.app().today().unwrap().to_string();
    (Arc::new(world), loans, today)
}

#[tokio::test(flavor = "multi_thread")]
async fn more_notices_at_once_than_a_batch_holds_are_each_booked_once() {
    let (world, loans, today) = world_with_loans().await;
    let count = 2 * BATCH_MAX + 44;
    let mut notices = Vec::new();
    for number in 0..count {
        let body = arrived(&format!("tr_{number}"), &loans[number % LOANS], AMOUNT, &today);
        // Every transfer is told of twice, under two ids, at the same time.
        notices.push((format!("first-{number}"), body.clone()));
        notices.push((format!("second-{number}"), body));
    }
    let answers = at_once(&world, notices).await;
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    for pair in answers.chunks(2) {
        let both: Vec<String> =
            pair.iter().map(|answer| answer.expect(200)["status"].as_str().unwrap().to_owned()).collect();
        assert!(both.contains(&"booked".to_owned()) && both.contains(&"known".to_owned()), "{both:?}");
        for status in both {
            *statuses.entry(status).or_default() += 1;
        }
    }
    assert_eq!(statuses, BTreeMap::from([("booked".to_owned(), count), ("known".to_owned(), count)]));
    for (place, loan) in loans.iter().enumerate() {
        let mine = (place..count).step_by(LOANS).count();
        let view = world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200);
        assert_eq!(view["payments"].as_array().unwrap().len(), mine);
        assert_eq!(view["balance"]["principal"], 50_000 - AMOUNT * i64::try_from(mine).unwrap());
    }
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_refused_takes_no_other_with_it() {
    let (world, loans, today) = world_with_loans().await;
    let first = arrived("tr_known", &loans[0], AMOUNT, &today);
    world.notify("known", SystemClock.now_seconds(), &world.webhook_secret, &first).await.expect(200);
    let mut notices = Vec::new();
    for number in 0..40 {
        notices
            .push((format!("good-{number}"), arrived(&format!("tr_{number}"), &loans[number % LOANS], AMOUNT, &today)));
        // It contradicts what was told of the transfer, comes again with another body, or belongs to no loan.
        notices.push((format!("other-{number}"), arrived("tr_known", &loans[0], AMOUNT + 1, &today)));
        notices.push(("known".to_owned(), arrived("tr_known", &loans[1], AMOUNT, &today)));
        notices.push((format!("lost-{number}"), arrived(&format!("tr_lost_{number}"), "nobody's", AMOUNT, &today)));
    }
    let answers = at_once(&world, notices).await;
    for four in answers.chunks(4) {
        assert_eq!(four[0].expect(200)["status"], "booked");
        four[1].problem(409, "transfer-differs");
        four[2].problem(422, "idempotency-conflict");
        assert_eq!(four[3].expect(200)["status"], "booked");
    }
    assert_eq!(world.account(SUSPENSE).await, 40 * AMOUNT);
    let mut principal = 0;
    for loan in &loans {
        let view = world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200);
        principal += view["balance"]["principal"].as_i64().unwrap();
    }
    assert_eq!(principal, 150_000 - 41 * AMOUNT);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_that_cannot_be_read_stops_its_own_repayments_only() {
    let (world, loans, today) = world_with_loans().await;
    let mut tx = world.app().db.begin().await.unwrap();
    sqlx::query("INSERT INTO loan_events (loan, number, booked, event) VALUES ($1, 99, $2, 'damaged')")
        .bind(&loans[0])
        .bind(&today)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let notices = (0..30).map(|number| {
        (format!("notice-{number}"), arrived(&format!("tr_{number}"), &loans[number % LOANS], AMOUNT, &today))
    });
    let answers = at_once(&world, notices.collect()).await;
    for (number, answer) in answers.iter().enumerate() {
        if number % LOANS == 0 {
            answer.problem(500, "internal");
        } else {
            assert_eq!(answer.expect(200)["status"], "booked");
        }
    }
    let view = world.get(&format!("/v1/loans/{}", loans[1]), LENDER).await.expect(200);
    assert_eq!(view["balance"]["principal"], 50_000 - 10 * AMOUNT);
}
