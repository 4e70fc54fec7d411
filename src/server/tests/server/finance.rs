//! The ledger's outside: accounts by period, closes, signed days, and an export that verifies alone.

use std::time::{SystemTime, UNIX_EPOCH};

use prequal_bundle::jwk::{self, PublicKey, Use};
use prequal_ledger::export::Replay;
use prequal_server::export;
use serde_json::{Value, json};

use crate::{
    actors::ADA,
    world::{LENDER, MERCHANT, World},
};

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn cleared(id: &str, loan: &str, amount: i64, value_date: &str) -> Value {
    json!({ "type": "payment.cleared",
        "data": { "id": id, "reference": loan, "amount": amount, "currency": "USD", "value_date": value_date } })
}

/// A server that signs the ledger's days; and the public key.
async fn signing() -> (World, PublicKey) {
    let mut world = World::new().await;
    let folder = world.folder.path().to_owned();
    let (key, private) = jwk::generate(Use::Ledger).unwrap();
    std::fs::write(folder.join("ledger.private.jwk"), private.text()).unwrap();
    world.config().ledger = Some(prequal_server::config::Ledger { key: folder.join("ledger.private.jwk") });
    world.restart().await;
    (world, key.public.clone())
}

fn replay(text: &str) -> prequal_ledger::export::Verified {
    let mut replay = Replay::default();
    for line in text.lines() {
        replay.take(line).unwrap();
    }
    replay.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_over_a_period_opens_where_the_one_before_closed_and_pages_add_up() {
    let mut world = World::new().await;
    world.set_date("2026-03-01").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let secret = world.webhook_secret.clone();
    world.verifying = false;
    for index in 0..130 {
        let body = cleared(&format!("t-{index}"), &loan, 10, "2026-03-01");
        world.notify(&format!("msg_{index}"), seconds(), &secret, &body).await.expect(200);
    }
    world.set_date("2026-03-05").await;
    let body = cleared("later", &loan, 5_000, "2026-03-05");
    world.notify("later", seconds(), &secret, &body).await.expect(200);
    let account = async |query: &str| world.get(&format!("/v1/ledger/accounts/1110{query}"), LENDER).await.expect(200);
    let march = account("?from=2026-03-01&to=2026-03-04").await;
    assert_eq!((&march["opening"], &march["closing"]), (&json!(0), &json!(48_700)));
    let (mut seen, mut cursor, mut balance) = (0, String::new(), 0);
    loop {
        let page = account(&format!("?to=2026-03-04{cursor}")).await;
        for line in page["lines"].as_array().unwrap() {
            balance += line["amount"].as_i64().unwrap();
            assert_eq!(line["balance"], balance);
            seen += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen, balance), (131, 48_700), "the booking and 130 payments");
    let later = account("?from=2026-03-05").await;
    assert_eq!((&later["opening"], later["lines"].as_array().unwrap().len()), (&json!(48_700), 1));
    assert_eq!(later["lines"][0]["other"], "1010");
    assert_eq!(later["closing"], world.account("1110").await);
    assert_eq!(account("?currency=EUR").await["lines"], json!([]));
    world.get("/v1/ledger/accounts/9999", LENDER).await.problem(404, "not-found");
    world.get("/v1/ledger/accounts/1110?from=2026-02-30", LENDER).await.problem(400, "bad-request");
    world.get("/v1/ledger/accounts/1110?cursor=x", LENDER).await.problem(400, "bad-request");
    world.get("/v1/ledger/accounts/1110", MERCHANT).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_period_takes_no_decision_and_no_posting_but_money_that_came_before() {
    let world = World::new().await;
    world.set_date("2026-03-20").await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let waived = json!({ "type": "goodwill_credited", "amount": 1, "value_date": "2026-03-20" });
    let in_period = world.tell(&loan, waived.clone()).await["number"].clone();
    let other = world.tell(&loan, waived).await["number"].clone();
    let undone = world.tell(&loan, json!({ "type": "reversed", "number": other })).await["number"].clone();
    world.set_date("2026-04-02").await;
    let path = "/v1/ledger/closes";
    let through = |date: &str| json!({ "through": date });
    world.post_once(path, &capability, "a", &through("2026-03-31")).await.problem(403, "forbidden");
    world.post_once(path, LENDER, "a", &through("2026-04-02")).await.problem(422, "invalid-value");
    let closed = world.post_once(path, LENDER, "a", &through("2026-03-31")).await;
    assert_eq!(closed.expect(201)["closed_by"], "operations");
    assert_eq!(world.post_once(path, LENDER, "a", &through("2026-03-31")).await.bytes, closed.bytes);
    for earlier in ["2026-03-31", "2026-02-28"] {
        world.post_once(path, LENDER, earlier, &through(earlier)).await.problem(409, "period-closed");
    }
    assert_eq!(world.get(path, LENDER).await.expect(200)["closes"], json!([closed.json()]));

    let event = |date: &str| json!({ "type": "goodwill_credited", "amount": 100, "value_date": date });
    // What was decided in the period is not undone after it, nor brought back; what is open is.
    world.try_tell(&loan, &json!({ "type": "reversed", "number": in_period })).await.problem(409, "period-closed");
    world.try_tell(&loan, &json!({ "type": "reversed", "number": undone })).await.problem(409, "period-closed");
    let open = world.tell(&loan, event("2026-04-01")).await["number"].clone();
    world.tell(&loan, json!({ "type": "reversed", "number": open })).await;
    world.try_tell(&loan, &event("2026-03-31")).await.problem(409, "period-closed");
    world.tell(&loan, event("2026-04-01")).await;
    // Money is booked whenever it came; the difference is posted today.
    let secret = world.webhook_secret.clone();
    let body = cleared("t-1", &loan, 1_000, "2026-03-25");
    assert_eq!(world.notify("msg_1", seconds(), &secret, &body).await.expect(200)["status"], "booked");
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!(view["payments"][0]["value_date"], "2026-03-25");
    assert_eq!(view["payments"][0]["booking_date"], "2026-04-02");
    let entries = world.get(&format!("/v1/ledger/entries?loan={loan}"), LENDER).await.expect(200);
    assert_eq!(entries["entries"].as_array().unwrap().last().unwrap()["date"], "2026-04-02");

    // The second line of defence: the database itself.
    for (statement, message) in [
        (
            "INSERT INTO journal_entries SELECT 'x', 'y', 1, '2026-03-31', currency, event, previous, 'hash', recorded, 1
             FROM journal_entries WHERE number = 1 LIMIT 1",
            "closed",
        ),
        (
            "INSERT INTO loan_events SELECT loan, 99, '2026-03-01', event FROM loan_events WHERE number = 1 LIMIT 1",
            "closed",
        ),
        ("DELETE FROM ledger_closes", ""),
        ("UPDATE ledger_closes SET through = '2020-01-01'", ""),
    ] {
        let mut tx = world.app().db.begin().await.unwrap();
        let error = sqlx::query(statement).execute(&mut *tx).await.unwrap_err().to_string();
        assert!(error.contains(message), "{statement}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_day_that_is_over_is_sealed_signed_and_linked_to_the_one_before() {
    let (world, key) = signing().await;
    world.set_date("2026-03-01").await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    assert_eq!(world.run_job_today("ledger-day").await, 0, "the ledger begins with what is posted first");
    world.set_date("2026-03-02").await;
    world.pay(&loan, &capability, 1_000).await;
    world.set_date("2026-03-05").await;
    world.pay(&loan, &capability, 1_000).await;
    assert_eq!(world.run_job_today("ledger-day").await, 3, "1 and 2 March, and the day that ended last");
    assert_eq!(world.run_job_today("ledger-day").await, 0);
    let days = world.get("/v1/ledger/days", LENDER).await.expect(200);
    let days = days["days"].as_array().unwrap();
    let dates: Vec<_> = days.iter().map(|day| day["date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2026-03-01", "2026-03-02", "2026-03-04"]);
    for pair in days.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["hash"]);
    }
    assert_ne!(days[0]["root"], days[1]["root"]);
    assert_eq!(days[1]["root"], days[2]["root"], "nothing was posted in between");
    let keys = world.get("/.well-known/jwks.json", "").await.expect(200);
    assert!(keys["keys"].as_array().unwrap().iter().any(|known| known["kid"] == key.kid.as_str()));
    world.get("/v1/ledger/days", MERCHANT).await.problem(403, "forbidden");

    // Nothing is posted on a sealed day any more.
    let mut tx = world.app().db.begin().await.unwrap();
    let statement = "INSERT INTO journal_entries SELECT 'x', 'y', 1, '2026-03-04', currency, event, previous, 'hash',
        recorded, 1 FROM journal_entries WHERE number = 1 LIMIT 1";
    assert!(sqlx::query(statement).execute(&mut *tx).await.is_err());
    drop(tx);

    // What is exported verifies alone, signatures included.
    let text = String::from_utf8(world.get("/v1/ledger/export", LENDER).await.bytes).unwrap();
    let verified = replay(&text);
    assert_eq!((verified.loans.len(), verified.days.len()), (1, 3));
    assert_eq!(verified.loans[0].principal, world.account("1110").await);
    for (head, signature) in &verified.days {
        let signature = signature.as_ref().unwrap();
        assert!(signature.kid == key.kid && key.verifies_bytes(&head.bytes().unwrap(), &signature.value));
    }
    // A line less, and it does not.
    let short: Vec<&str> = text.lines().collect();
    let mut cut = Replay::default();
    let broken =
        short.iter().take(short.len() - 2).try_for_each(|line| cut.take(line)).is_err() || cut.finish().is_err();
    assert!(broken);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_every_kind_of_event_and_no_personal_data() {
    let (mut world, _) = signing().await;
    world.config().merchants[0].refund_fee = prequal_server::settings::RefundFee::Returned;
    world.serve_by("withdrawal_days = 14\n[rules]\ntechnical_grace_days = 2\nallowance = [{ from_days = 0, percent = \"1.5\" }]").await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    world.pay(&loan, &capability, 10_000).await;
    world
        .refund("a", &json!({ "loan": loan, "reference": "R-1", "amount": 20_000, "rule": "first_first" }))
        .await
        .expect(201);
    let secret = world.webhook_secret.clone();
    world.notify("msg_1", seconds(), &secret, &cleared("t-1", "Ada Byron's camera", 700, &today)).await.expect(200);
    world.tell(&loan, json!({ "type": "prepaid", "amount": 1_000, "value_date": today })).await;
    let number = world.get(&format!("/v1/loans/{loan}/events"), LENDER).await.expect(200)["count"].clone();
    world.tell(&loan, json!({ "type": "reversed", "number": number })).await;
    world.tell(&loan, json!({ "type": "transferred", "value_date": today, "owner": "fund-2", "price": 20_000 })).await;
    let text = String::from_utf8(world.get("/v1/ledger/export", LENDER).await.bytes).unwrap();
    let verified = replay(&text);
    assert_eq!(
        (verified.loans[0].status, verified.chains),
        ("transferred", 3),
        "the loan, suspense and the refund's fee"
    );
    for person in ["Ada", "Byron", "ada@example.com", "2125550123", "camera"] {
        assert!(!text.contains(person), "{person}");
    }
    world.get("/v1/ledger/export", MERCHANT).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_can_always_be_computed_anew() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 10_000).await;
    assert_eq!(export::projections(&world.app().db, false).await.unwrap(), (1, Vec::new()));
    let mut tx = world.app().db.begin().await.unwrap();
    let statement = "UPDATE loan_standings SET status = 'settled', principal_outstanding = 1, credit_balance = 7,
        exposed = 2";
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let (count, differences) = export::projections(&world.app().db, false).await.unwrap();
    assert_eq!((count, differences[0].folded.clone()), (1, ("active".to_owned(), 40_000, 0, Some(40_000))));
    assert_eq!(differences[0].stored, ("settled".to_owned(), 1, 7, Some(2)));
    assert_eq!(export::projections(&world.app().db, true).await.unwrap().1.len(), 1);
    assert_eq!(export::projections(&world.app().db, true).await.unwrap(), (1, Vec::new()));
    world.verify().await;
}
