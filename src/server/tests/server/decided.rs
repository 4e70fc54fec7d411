//! What the lender's people and the shopper decide of a loan, through the events' routes.

use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{LENDER, MERCHANT, World},
};

async fn view(world: &World, loan: &str) -> Value {
    world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200)
}

/// formance ledger #1601: a conflict is answered as a defect of the server's. Here it has its own status and name.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_names_the_state_it_was_decided_on() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let path = format!("/v1/loans/{loan}/events");
    let event = json!({ "type": "goodwill_credited", "amount": 500, "value_date": today });
    let stale = json!({ "expected_events": 1, "event": event });
    let problem = world.post_once(&path, LENDER, "a", &stale).await.problem(409, "events-changed");
    assert_eq!(problem["events"], 2, "booked and paid out");
    let body = json!({ "expected_events": 2, "event": event });
    // Tried first: the answer is what would be, and nothing is.
    let tried = world.post_once(&format!("{path}?dry_run=true"), LENDER, "a", &body).await.expect(200);
    assert_eq!((&tried["dry_run"], &tried["state"]["balance"]["total"]), (&json!(true), &json!(49_500)));
    assert_eq!(tried["entry"]["postings"], json!([{ "debit": "5040", "credit": "1110", "amount": 500 }]));
    assert_eq!(world.owed(&loan).await, 50_000);
    let done = world.post_once(&path, LENDER, "a", &body).await;
    assert_eq!(done.expect(201)["entry"], tried["entry"]);
    // The same request again is the same answer; another that was decided on the same state is late.
    assert_eq!(world.post_once(&path, LENDER, "a", &body).await.bytes, done.bytes);
    world.post_once(&path, LENDER, "b", &body).await.problem(409, "events-changed");
    assert_eq!(world.owed(&loan).await, 49_500);
    let events = world.get(&path, LENDER).await.expect(200);
    assert_eq!((&events["count"], &events["events"][2]["event"]["type"]), (&json!(3), &json!("goodwill_credited")));
    for bearer in [&*capability, MERCHANT] {
        world.post_once(&path, bearer, "c", &body).await.problem(403, "forbidden");
        world.get(&path, bearer).await.problem(403, "forbidden");
    }
}

/// Fineract accepts as right that a key of one loan answers for another: here each loan's event is its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_of_an_event_belongs_to_its_loan() {
    let world = World::new().await;
    let (_, first, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (_, second, _) = world.buy(&grace, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let event = json!({ "type": "goodwill_credited", "amount": 500, "value_date": today });
    let body = json!({ "expected_events": 2, "event": event });
    for loan in [&first, &second] {
        let path = format!("/v1/loans/{loan}/events");
        assert_eq!(world.post_once(&path, LENDER, "same", &body).await.expect(201)["loan_id"], loan.as_str());
        assert_eq!(world.owed(loan).await, 49_500);
    }
    // Two people decide at the same instant: one of them has to look again.
    let body = json!({ "expected_events": 3, "event": event });
    let path = format!("/v1/loans/{first}/events");
    let (one, other) =
        tokio::join!(world.post_once(&path, LENDER, "a", &body), world.post_once(&path, LENDER, "b", &body));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(world.owed(&first).await, 49_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_the_lender_s_people_changes_the_books_and_its_reversal_restores_them() {
    let mut world = World::new().await;
    world.serve_by("[rules]\nre_ageings_max = 1").await;
    let (_, loan, _) = world.buy(&ADA, 60_000, "monthly-6").await;
    let start = world.app().today().unwrap();
    let day = |days: i32| start.add_days(days).unwrap().to_string();
    world.set_date(&day(10)).await;
    let before = view(&world, &loan).await;
    let events = [
        json!({ "type": "received", "amount": 1_000, "value_date": day(5) }),
        json!({ "type": "prepaid", "amount": 2_000, "value_date": day(10), "effect": "lower_installment" }),
        json!({ "type": "goodwill_credited", "amount": 300, "value_date": day(10) }),
        json!({ "type": "waived", "part": "interest", "amount": 1, "value_date": day(10) }),
        json!({ "type": "disputed", "amount": 10_000, "value_date": day(10) }),
        json!({ "type": "rescheduled", "value_date": day(10), "first_due": day(70), "count": 9 }),
        json!({ "type": "rate_changed", "value_date": day(10), "annual_percent": "0" }),
        json!({ "type": "charged_off", "value_date": day(10) }),
        json!({ "type": "transferred", "value_date": day(10), "owner": "fund-2", "price": 50_000 }),
    ];
    for event in events {
        let told = world.tell(&loan, event.clone()).await;
        let changed = view(&world, &loan).await;
        world.tell(&loan, json!({ "type": "reversed", "number": told["number"] })).await;
        let restored = view(&world, &loan).await;
        for part in ["balance", "overdue", "installments", "status", "credit_balance"] {
            assert_eq!(restored[part], before[part], "{event}: {part}");
        }
        if event["type"] != "disputed" {
            assert_ne!(
                (&changed["installments"], &changed["status"]),
                (&before["installments"], &before["status"]),
                "{event}"
            );
        }
        if let Some(payment) = told["event"]["payment"].as_str() {
            let of = |view: &Value| {
                let payments = view["payments"].as_array().unwrap().clone();
                payments.iter().find(|one| one["id"] == payment).unwrap()["status"].clone()
            };
            assert_eq!((of(&changed), of(&restored)), (json!("cleared"), json!("reversed")));
        }
    }
    // A dispute is ended by its name, and once.
    let dispute = world.tell(&loan, json!({ "type": "disputed", "amount": 1, "value_date": day(10) })).await;
    let resolved = json!({ "type": "dispute_resolved", "dispute": dispute["event"]["dispute"], "value_date": day(10) });
    world.tell(&loan, resolved.clone()).await;
    world.try_tell(&loan, &resolved).await.problem(422, "event-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap();
    let (tomorrow, today) = (today.add_days(1).unwrap().to_string(), today.to_string());
    for (event, slug) in [
        (json!({ "type": "received", "amount": 0, "value_date": today }), "invalid-value"),
        (json!({ "type": "received", "amount": 1, "value_date": tomorrow }), "invalid-value"),
        (json!({ "type": "charged_off", "value_date": tomorrow }), "invalid-value"),
        (json!({ "type": "transferred", "value_date": today, "owner": "Ada Byron", "price": 1 }), "invalid-value"),
        (json!({ "type": "waived", "part": "penalty", "amount": 1, "value_date": today }), "event-refused"),
        (json!({ "type": "re_aged", "value_date": today, "first_due": tomorrow, "count": 3 }), "event-refused"),
        (json!({ "type": "rescheduled", "value_date": today, "first_due": today, "count": 3 }), "event-refused"),
        (json!({ "type": "rescheduled", "value_date": today, "first_due": tomorrow, "count": 0 }), "event-refused"),
        (json!({ "type": "dispute_resolved", "dispute": "x", "value_date": today }), "event-refused"),
        (json!({ "type": "remitted", "amount": 1 }), "event-refused"),
        (json!({ "type": "closed" }), "event-refused"),
        (json!({ "type": "reversed", "number": 1 }), "event-refused"),
        (json!({ "type": "reversed", "number": 2 }), "event-refused"),
        (json!({ "type": "reversed", "number": 99 }), "event-refused"),
        (json!({ "type": "reversed", "number": 0 }), "event-refused"),
        (json!({ "type": "booked" }), "invalid-body"),
        (json!({ "type": "payout_settled", "value_date": today }), "invalid-body"),
        (json!({ "type": "goodwill_credited", "amount": -1, "value_date": today }), "invalid-body"),
        (json!({ "type": "goodwill_credited", "amount": 1, "value_date": "2026-02-30" }), "invalid-body"),
        (json!({ "type": "goodwill_credited", "amount": 1, "value_date": today, "why": "ada" }), "invalid-body"),
    ] {
        let answer = world.try_tell(&loan, &event).await;
        assert_eq!((answer.status, &answer.problem(422, slug)["status"]), (422, &json!(422)), "{event}");
    }
    assert_eq!(world.get(&format!("/v1/loans/{loan}/events"), LENDER).await.expect(200)["count"], 2);
    assert_eq!(world.owed(&loan).await, 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_in_arrears_is_re_aged_as_often_as_its_rules_allow_and_keeps_its_age() {
    let mut world = World::new().await;
    world.serve_by("[rules]\nre_ageings_max = 1").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let day = |days: i32| world.app().today().unwrap().add_days(days).unwrap().to_string();
    let (late, first_due, again, later) = (day(45), day(75), day(120), day(150));
    world.set_date(&late).await;
    let schedule = json!({ "value_date": late, "first_due": first_due, "count": 6 });
    let event = |kind: &str, schedule: &Value| {
        let mut event = schedule.clone();
        event["type"] = json!(kind);
        event
    };
    world.try_tell(&loan, &event("rescheduled", &schedule)).await.problem(422, "event-refused");
    world.tell(&loan, event("re_aged", &schedule)).await;
    assert_eq!(view(&world, &loan).await["overdue"]["total"], 0);
    world.set_date(&again).await;
    let schedule = json!({ "value_date": again, "first_due": later, "count": 6 });
    world.try_tell(&loan, &event("re_aged", &schedule)).await.problem(422, "event-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_withdraws_within_the_legal_period_and_owes_principal_and_the_interest_of_the_days_used() {
    let mut world = World::new().await;
    let (_, without, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let refused = world
        .call("POST", &format!("/v1/loans/{without}/withdrawal"), &capability, &[("idempotency-key", "a")], b"")
        .await;
    refused.problem(422, "event-refused");
    world.serve_by("withdrawal_days = 14").await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (_, loan, capability) = world.buy(&grace, 50_000, "monthly-3").await;
    let start = world.app().today().unwrap();
    let path = format!("/v1/loans/{loan}/withdrawal");
    world.set_date(&start.add_days(15).unwrap().to_string()).await;
    world.call("POST", &path, &capability, &[("idempotency-key", "a")], b"").await.problem(422, "event-refused");
    world.set_date(&start.add_days(14).unwrap().to_string()).await;
    let done = world.call("POST", &path, &capability, &[("idempotency-key", "b")], b"").await;
    let outcome = done.expect(201);
    // 30/360: a period of a month earns 412.5 cents; 14 of its 28 to 31 days earn 186 to 206, rounded.
    let interest = outcome["state"]["balance"]["interest"].as_i64().unwrap();
    assert!((186..=207).contains(&interest), "{outcome}");
    assert_eq!(outcome["state"]["balance"]["total"], 50_000 + interest);
    assert_eq!(world.call("POST", &path, &capability, &[("idempotency-key", "b")], b"").await.bytes, done.bytes);
    world.call("POST", &path, &capability, &[("idempotency-key", "c")], b"").await.problem(409, "wrong-state");
    world.call("POST", &path, LENDER, &[("idempotency-key", "c")], b"").await.problem(403, "forbidden");
    world.pay(&loan, &capability, 50_000 + interest).await;
    assert_eq!(view(&world, &loan).await["status"], "settled");
    world.tell(&loan, json!({ "type": "closed" })).await;
    assert_eq!(view(&world, &loan).await["status"], "closed");
}

/// frappe lending #1224: a second prepayment on the same day was refused or counted twice.
#[tokio::test(flavor = "multi_thread")]
async fn frappe_lending_1224_two_prepayments_on_one_day_are_two_prepayments() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 60_000, "monthly-6").await;
    let today = world.app().today().unwrap().to_string();
    let event = json!({ "type": "prepaid", "amount": 10_000, "value_date": today });
    let first = world.tell(&loan, event.clone()).await;
    let second = world.tell(&loan, event).await;
    assert_ne!(first["event"]["payment"], second["event"]["payment"]);
    assert_eq!(second["state"]["balance"]["principal"], 40_000);
    assert_eq!(view(&world, &loan).await["payments"].as_array().unwrap().len(), 2);
}

/// fineract #5472: stored schedules went stale and stopped the day's close. Here a schedule is computed when asked.
#[tokio::test(flavor = "multi_thread")]
async fn fineract_5472_a_back_dated_event_leaves_no_stale_schedule() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 60_000, "monthly-6").await;
    let start = world.app().today().unwrap();
    let day = |days: i32| start.add_days(days).unwrap().to_string();
    world.set_date(&day(100)).await;
    let late = view(&world, &loan).await;
    assert_eq!(late["installments"][0]["status"], "overdue");
    // Money that was there on the first day is told of a hundred days later.
    world.tell(&loan, json!({ "type": "received", "amount": 32_000, "value_date": day(1) })).await;
    let told = view(&world, &loan).await;
    assert_eq!((&told["installments"][0]["status"], &told["overdue"]["total"]), (&json!("paid"), &json!(0)));
}

/// A letter of the 13th day that is read on the 15th is in time. A withdrawal that was
/// booked by mistake is reversed, and the shopper may withdraw.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_counts_from_the_day_on_which_it_was_declared() {
    let mut world = World::new().await;
    world.serve_by("withdrawal_days = 14").await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let start = world.app().today().unwrap();
    let day = |days: i32| start.add_days(days).unwrap().to_string();
    let declared = |days: i32| json!({ "type": "withdrawn", "value_date": day(days) });
    world.set_date(&day(13)).await;
    let path = format!("/v1/loans/{loan}/withdrawal");
    let click = async |key: &str| world.call("POST", &path, &capability, &[("idempotency-key", key)], b"").await;
    let by_click = click("a").await.expect(201);
    world.set_date(&day(15)).await;
    let clicked = view(&world, &loan).await;
    world.tell(&loan, json!({ "type": "reversed", "number": by_click["number"] })).await;
    world.try_tell(&loan, &declared(15)).await.problem(422, "event-refused");
    world.try_tell(&loan, &declared(16)).await.problem(422, "invalid-value");
    world.try_tell(&loan, &declared(-1)).await.problem(422, "invalid-value");
    let by_letter = world.tell(&loan, declared(13)).await;
    assert_eq!(view(&world, &loan).await["balance"], clicked["balance"], "as if it had been declared in the shop");
    world.try_tell(&loan, &declared(13)).await.problem(409, "wrong-state");
    click("b").await.problem(409, "wrong-state");
    world.tell(&loan, json!({ "type": "reversed", "number": by_letter["number"] })).await;
    world.set_date(&day(14)).await;
    click("c").await.expect(201);
}

/// 9.9 % was signed, and 36 % is the ceiling of the bundle's law (10 USC 987(b)).
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_above_the_signed_one_needs_the_shopper_s_confirmation_and_the_law_s_leave() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let rate = |percent: &str| json!({ "type": "rate_changed", "value_date": today, "annual_percent": percent });
    let confirmed = |percent: &str, reference: &str, at: &str| {
        let mut event = rate(percent);
        event["confirmation"] = json!({ "method": "one_time_code", "at": at, "reference": reference });
        event
    };
    let now = world.now().await;
    for percent in ["9.9001", "12", "35.9"] {
        let refused = world.try_tell(&loan, &rate(percent)).await.problem(422, "rate-unconfirmed");
        assert_eq!(refused["pointer"], "/event/confirmation", "{percent}");
    }
    // A million per cent is past what a rate can be computed for.
    for (percent, cap) in [("36.5", json!("mla")), ("99", json!("mla")), ("1000000", Value::Null)] {
        for event in [rate(percent), confirmed(percent, "call-7", &now)] {
            let refused = world.try_tell(&loan, &event).await.problem(422, "rate-above-cap");
            assert_eq!((&refused["cap"], &refused["pointer"]), (&cap, &json!("/event/annual_percent")), "{percent}");
        }
    }
    for (event, pointer) in [
        (confirmed("12", "Ada Byron", &now), "/event/confirmation/reference"),
        (confirmed("12", "", &now), "/event/confirmation/reference"),
        (confirmed("12", &"x".repeat(65), &now), "/event/confirmation/reference"),
        (confirmed("12", "call-7", "2999-01-01T00:00:00Z"), "/event/confirmation/at"),
    ] {
        let refused = world.try_tell(&loan, &event).await.problem(422, "invalid-value");
        assert_eq!(refused["pointer"], pointer, "{event}");
    }
    let events = format!("/v1/loans/{loan}/events");
    let tried = json!({ "expected_events": 2, "event": rate("12") });
    world.post_once(&format!("{events}?dry_run=true"), LENDER, "d", &tried).await.problem(422, "rate-unconfirmed");
    assert_eq!(world.get(&events, LENDER).await.expect(200)["count"], 2, "nothing of it was taken");
    // No dearer than signed needs nobody's leave; dearer is taken with the evidence, which is kept with it.
    world.tell(&loan, rate("9.9")).await;
    world.tell(&loan, rate("0")).await;
    world.tell(&loan, rate("9.8999")).await;
    let told = world.tell(&loan, confirmed("35.9", "call-7", &now)).await;
    let kept = json!({ "method": "one_time_code", "at": now, "reference": "call-7" });
    assert_eq!(told["event"]["confirmation"], kept);
    assert_eq!(world.get(&events, LENDER).await.expect(200)["events"][5]["event"]["confirmation"], kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_schedule_begins_within_a_year_and_ends_within_ten() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap();
    let day = |days: i32| today.add_days(days).unwrap().to_string();
    let schedule = |first_due: &str, count: u16| json!({ "type": "rescheduled", "value_date": day(0), "first_due": first_due, "count": count });
    for (first_due, count) in [("2999-01-01", 3), (&*day(367), 3), (&*day(30), 121)] {
        world.try_tell(&loan, &schedule(first_due, count)).await.problem(422, "event-refused");
    }
    world.tell(&loan, schedule(&day(366), 3)).await;
}
