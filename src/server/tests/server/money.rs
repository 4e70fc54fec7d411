//! Payments, notices and idempotency: money is booked once, whoever repeats what.

use std::time::{SystemTime, UNIX_EPOCH};

use prequal_server::{storage::Engine, webhook};
use serde_json::{Value, json};

use crate::actors::{ADA, Shopper};
use crate::world::{LENDER, MERCHANT, World};

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn cleared(id: &str, reference: &str, amount: i64, value_date: &str) -> Value {
    json!({ "type": "payment.cleared", "data": { "id": id, "reference": reference, "amount": amount,
        "currency": "USD", "value_date": value_date } })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instruction_above_the_payoff_is_refused_and_money_above_it_is_booked() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let pay = format!("/v1/loans/{loan}/payments");
    let refused = world.post_once(&pay, &capability, "a", &json!({ "amount": 50_001 })).await;
    let problem = refused.problem(422, "payment-above-payoff");
    assert_eq!((&problem["pointer"], &problem["payoff"]), (&json!("/amount"), &json!(50_000)));
    world.post_once(&pay, &capability, "b", &json!({ "amount": 0 })).await.problem(422, "invalid-value");

    // A payer sends more than is owed without being asked: everything is booked, the excess is owed back.
    let today = world.app().today().unwrap().to_string();
    let body = json!({ "reference": loan, "amount": 51_234, "currency": "USD", "value_date": today });
    world.provider("POST", "/v1/incoming", &body).await;
    let path = format!("/v1/loans/{loan}");
    let view = world.wait(&path, &capability, |loan| loan["status"] == "settled").await;
    assert_eq!(view["credit_balance"], 1_234);
    assert_eq!((world.account("2110").await, world.account("1110").await), (1_234, 0));
    world.post_once(&pay, &capability, "c", &json!({ "amount": 1 })).await.problem(422, "payment-above-payoff");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_counts_against_the_payoff() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.provider("POST", "/v1/switches", &json!({ "delay_ms": 1_500 })).await;
    let pay = format!("/v1/loans/{loan}/payments");
    world.post_once(&pay, &capability, "a", &json!({ "amount": 30_000 })).await.expect(202);
    let problem = world.post_once(&pay, &capability, "b", &json!({ "amount": 20_001 })).await;
    assert_eq!(problem.problem(422, "payment-above-payoff")["under_way"], 30_000);
    world.post_once(&pay, &capability, "c", &json!({ "amount": 20_000 })).await.expect(202);
    world.wait(&format!("/v1/loans/{loan}"), &capability, |loan| loan["status"] == "settled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_debit_changes_nothing_and_may_be_tried_again() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.provider("POST", "/v1/switches", &json!({ "fail_next": 1 })).await;
    let path = format!("/v1/loans/{loan}");
    world.post_once(&format!("{path}/payments"), &capability, "a", &json!({ "amount": 10_000 })).await.expect(202);
    let view = world.wait(&path, &capability, |loan| loan["payments"][0]["status"] == "failed").await;
    assert_eq!(view["balance"]["total"], 50_000);
    assert_eq!(world.pay(&loan, &capability, 10_000).await["balance"]["principal"], 40_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payout_cancels_the_loan_without_cost() {
    let world = World::new().await;
    world.provider("POST", "/v1/switches", &json!({ "fail_next": 1 })).await;
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, "Ada Byron")).await.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    let view = world.wait(&format!("/v1/loans/{loan}"), capability, |loan| loan["status"] == "cancelled").await;
    assert_eq!(view["balance"]["total"], 0);
    world.set_date("2030-01-02").await;
    assert_eq!(world.get(&format!("/v1/loans/{loan}"), capability).await.expect(200)["balance"]["total"], 0);
    for account in ["1010", "1110", "1120", "2010", "4010", "4030"] {
        assert_eq!(world.account(account).await, 0, "account {account}");
    }
    let order = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
    let order = world.get(&order, MERCHANT).await.expect(200);
    assert_eq!((order["payout"]["status"].as_str(), &order["paid_amount"]), (Some("failed"), &json!(0)));
}

/// "Double webhooks" (formance stack #1464): the same notice, and another notice of the same transfer.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_booked_once_however_often_it_comes() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let body = cleared("transfer-1", &loan, 1_000, &today);
    let secret = world.webhook_secret.clone();
    assert_eq!(world.notify("msg_1", seconds(), &secret, &body).await.expect(200)["status"], "booked");
    assert_eq!(world.notify("msg_1", seconds(), &secret, &body).await.expect(200)["status"], "known");
    assert_eq!(world.notify("msg_2", seconds(), &secret, &body).await.expect(200)["status"], "known");
    let other = cleared("transfer-1", &loan, 2_000, &today);
    world.notify("msg_1", seconds(), &secret, &other).await.problem(422, "idempotency-conflict");
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!((view["payments"].as_array().unwrap().len(), &view["balance"]["principal"]), (1, &json!(49_000)));
    // The provider's own repetition, under two ids.
    world.provider("POST", "/v1/switches", &json!({ "repeat_next": 1 })).await;
    let view = world.pay(&loan, &capability, 4_000).await;
    assert_eq!(view["balance"]["principal"], 45_000);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!(view["balance"]["principal"], 45_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_old_notices_are_refused() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let body = cleared("transfer-1", &loan, 1_000, &today);
    let secret = world.webhook_secret.clone();
    let stranger = webhook::Secret::generate();
    world.notify("msg_1", seconds(), &stranger, &body).await.problem(400, "webhook-signature");
    world.notify("msg_1", seconds() - 301, &secret, &body).await.problem(400, "webhook-signature");
    world.notify("msg_1", seconds() + 302, &secret, &body).await.problem(400, "webhook-signature");
    world.notify("", seconds(), &secret, &body).await.problem(400, "webhook-signature");
    world.post("/v1/webhooks/payments", LENDER, &body).await.problem(400, "webhook-signature");
    for (pointer, value) in [
        ("/type", json!("payment.invented")),
        ("/data/amount", json!(-1)),
        ("/data/amount", json!(9_007_199_254_740_992_i64)),
        ("/data/currency", json!("XXX")),
        ("/data/value_date", json!("2026-02-30")),
    ] {
        let mut changed = body.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        world.notify("msg_2", seconds(), &secret, &changed).await.problem(422, "invalid-body");
    }
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!(view["balance"]["total"], 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_of_an_unknown_payer_or_in_another_currency_waits_in_suspense() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let secret = world.webhook_secret.clone();
    let unknown = cleared("t-1", "my camera, thank you", 777, &today);
    world.notify("msg_1", seconds(), &secret, &unknown).await.expect(200);
    assert_eq!(world.account("2910").await, 777);
    let mut euro = cleared("t-2", &loan, 500, &today);
    euro["data"]["currency"] = json!("EUR");
    world.notify("msg_2", seconds(), &secret, &euro).await.expect(200);
    let balance = world.get("/v1/ledger/trial-balance", LENDER).await.expect(200);
    assert_eq!(balance["totals"]["EUR"], json!({ "debit": 500, "credit": 500 }));
    let entries = world.get("/v1/ledger/entries?loan=suspense", LENDER).await.expect(200);
    assert_eq!(entries["entries"].as_array().unwrap().len(), 2);
    assert!(!entries.to_string().contains("camera"), "what a payer writes may be personal");
}

/// The reply is lost, the credential is replaced, and the shopper tries again.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_sent_again_under_a_newer_credential_is_the_same_payment() {
    let world = World::new().await;
    let (_, loan, first) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}");
    let (pay, body) = (format!("{path}/payments"), json!({ "amount": 7 }));
    let answer = world.post_once(&pay, &first, "k", &body).await;
    answer.expect(202);
    let rotated = world.post_once(&format!("{path}/capability"), &first, "r", &json!({})).await.expect(201);
    let second = rotated["capability"].as_str().unwrap();
    assert_eq!(world.post_once(&pay, second, "k", &body).await.bytes, answer.bytes, "debited once");
    world.post_once(&pay, second, "k", &json!({ "amount": 8 })).await.problem(422, "idempotency-conflict");
    // The one that was replaced opens nothing, not even what was answered to it.
    world.post_once(&pay, &first, "k", &body).await.problem(404, "not-found");
    // Nor does another loan's.
    let (_, _, other) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.post_once(&pay, &other, "k", &body).await.problem(404, "not-found");
    // What an earlier program kept under the credential itself is known as well.
    let kept: String = sqlx::query_scalar("SELECT key_hash FROM idempotency WHERE scope = $1")
        .bind(format!("shopper loans/{loan}/payments"))
        .fetch_one(&mut *world.app().db.read().await.unwrap())
        .await
        .unwrap();
    let scope = format!("capability:{} loans/{loan}/payments", prequal_server::secret::sha256_hex(second));
    let sealed = world.app().vault.seal_reply(&prequal_server::idempotency::place(&scope, &kept), &answer.bytes);
    let mut tx = world.app().db.begin().await.unwrap();
    let update = "UPDATE idempotency SET scope = $2, reply_sealed = $3 WHERE key_hash = $1";
    sqlx::query(update).bind(&kept).bind(scope).bind(sealed).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.post_once(&pay, second, "k", &body).await.bytes, answer.bytes);
    let view = world.get(&path, second).await.expect(200);
    assert_eq!(view["payments"].as_array().unwrap().len(), 1);
}

/// A key and a body that were kept by an earlier program, by plain hashes.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_an_earlier_program_kept_is_given_again() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}/payments");
    let body = json!({ "amount": 7 });
    let first = world.post_once(&path, &capability, "ada@example.com", &body).await;
    first.expect(202);
    let plain = |text: &str| prequal_server::secret::sha256_hex(text);
    let (scope, kept): (String, String) =
        sqlx::query_as("SELECT scope, key_hash FROM idempotency ORDER BY created DESC, reply_status DESC LIMIT 1")
            .fetch_one(&mut *world.app().db.read().await.unwrap())
            .await
            .unwrap();
    let earlier = plain("ada@example.com");
    assert!(scope.ends_with("/payments") && kept != earlier, "{scope}: an address is not guessed from what is kept");
    let vault = &world.app().vault;
    let sealed = vault.seal_reply(&format!("{scope} {earlier}"), &first.bytes);
    let mut tx = world.app().db.begin().await.unwrap();
    let update = "UPDATE idempotency SET key_hash = $2, fingerprint = $3, reply_sealed = $4 WHERE key_hash = $1";
    let done = sqlx::query(update).bind(&kept).bind(&earlier).bind(plain(&body.to_string())).bind(sealed);
    assert_eq!(done.execute(&mut *tx).await.unwrap().rows_affected(), 1);
    tx.commit().await.unwrap();
    assert_eq!(world.post_once(&path, &capability, "ada@example.com", &body).await.bytes, first.bytes);
    let other = world.post_once(&path, &capability, "ada@example.com", &json!({ "amount": 8 })).await;
    other.problem(422, "idempotency-conflict");
}

/// A plain hash of "from NAME NUMBER" is found by trying names and numbers.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_unknown_payer_wrote_is_known_again_but_not_guessed() {
    let world = World::new().await;
    let today = world.app().today().unwrap().to_string();
    let secret = world.webhook_secret.clone();
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let notices = [
        ("msg_1", cleared("t-1", "from Ada Byron +12125550177", 777, &today)),
        ("msg_2", cleared("t-2", &loan, 7, &today)),
    ];
    for (id, body) in &notices {
        assert_eq!(world.notify(id, seconds(), &secret, body).await.expect(200)["status"], "booked");
        assert_eq!(world.notify(id, seconds(), &secret, body).await.expect(200)["status"], "known");
        let plain = |text: &str| prequal_server::secret::sha256_hex(text);
        let of_body = plain(&body.to_string());
        let of_content = plain(&prequal_core::canonical::to_string(&body["data"]).unwrap());
        let count = "SELECT CAST(count(*) AS TEXT) FROM webhooks_received WHERE fingerprint = $1";
        for hash in [&of_body, &of_content] {
            assert_eq!(world.text(count, hash).await, "0", "{id}: the plain hash is not kept");
        }
        // Kept by an earlier program, which hashed plainly: known all the same, and nothing else is.
        let kind = "PaymentCleared";
        let rows = [
            (plain(&format!("delivery {id}")), of_body),
            (plain(&format!("transfer {kind} {}", body["data"]["id"].as_str().unwrap())), of_content),
        ];
        let mut tx = world.app().db.begin().await.unwrap();
        for (row, hash) in &rows {
            let update = "UPDATE webhooks_received SET fingerprint = $2 WHERE id = $1";
            let done = sqlx::query(update).bind(row).bind(hash).execute(&mut *tx).await.unwrap();
            assert_eq!(done.rows_affected(), 1);
        }
        tx.commit().await.unwrap();
        assert_eq!(world.notify(id, seconds(), &secret, body).await.expect(200)["status"], "known");
        let again = format!("{id}-again");
        assert_eq!(world.notify(&again, seconds(), &secret, body).await.expect(200)["status"], "known");
        let mut other = body.clone();
        other["data"]["amount"] = json!(778);
        world.notify(id, seconds(), &secret, &other).await.problem(422, "idempotency-conflict");
        world.notify("msg_other", seconds(), &secret, &other).await.problem(409, "transfer-differs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_comes_late_counts_from_its_value_date() {
    let world = World::new().await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let offer = &purchase.offers[0].1;
    let due = offer["installments"][0]["due"].as_str().unwrap();
    let next = offer["installments"][1]["due"].as_str().unwrap();
    let first = offer["installments"][0]["total"].as_i64().unwrap();
    world.set_date(next).await;
    let late = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!(late["installments"][0]["status"], "overdue");
    assert_eq!(late["overdue"]["total"], first);
    let secret = world.webhook_secret.clone();
    world.notify("msg_1", seconds(), &secret, &cleared("t-1", &loan, first, due)).await.expect(200);
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!(view["installments"][0]["status"], "paid");
    assert_eq!(view["next_due"], json!({ "due": next, "amount": offer["installments"][1]["total"] }));
}

/// A test that Fineract accepts as right is wrong here: the same key on another loan is another request.
#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_belongs_to_its_loan_and_its_body() {
    let world = World::new().await;
    let (_, first, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (_, second, other) = world.buy(&grace, 50_000, "monthly-3").await;
    let pay = |loan: &str| format!("/v1/loans/{loan}/payments");
    let body = json!({ "amount": 1_000 });
    let once = world.post_once(&pay(&first), &capability, "same", &body).await;
    let replay = world.post_once(&pay(&first), &capability, "same", &body).await;
    once.expect(202);
    assert_eq!((once.status, &once.bytes), (replay.status, &replay.bytes), "a replay is the same bytes");
    let elsewhere = world.post_once(&pay(&second), &other, "same", &body).await.expect(202);
    assert_ne!(once.json()["payment_id"], elsewhere["payment_id"]);
    let conflict = world.post_once(&pay(&first), &capability, "same", &json!({ "amount": 1_001 })).await;
    conflict.problem(422, "idempotency-conflict");
    let long = "k".repeat(256);
    world.post_once(&pay(&first), &capability, &long, &body).await.problem(400, "bad-request");
    for (loan, capability) in [(&first, &capability), (&second, &other)] {
        let path = format!("/v1/loans/{loan}");
        let view = world.wait(&path, capability, |loan| loan["payments"][0]["status"] == "cleared").await;
        assert_eq!(view["payments"].as_array().unwrap().len(), 1);
        assert_eq!(view["balance"]["principal"], 49_000);
    }
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let debits = transfers["transfers"].as_array().unwrap().iter().filter(|row| row["kind"] == "debit").count();
    assert_eq!(debits, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_read_page_by_page_and_cannot_be_changed() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let secret = world.webhook_secret.clone();
    for index in 0..101 {
        let body = cleared(&format!("t-{index}"), &loan, 10, &today);
        world.notify(&format!("msg_{index}"), seconds(), &secret, &body).await.expect(200);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/v1/ledger/entries?loan={loan}{cursor}"), LENDER).await.expect(200);
        seen.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["number"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=103).collect::<Vec<_>>());

    // The second line of defence: the database itself. SQLite finds a row that points nowhere by the commit.
    let postgres = world.app().db.engine() == Engine::Postgres;
    let nowhere = if postgres { "belongs to an entry" } else { "foreign key" };
    for (statement, message) in [
        ("UPDATE journal_entries SET date = '2020-01-01'", "append-only"),
        ("DELETE FROM journal_entries", "append-only"),
        ("UPDATE journal_transfers SET amount = 1", "append-only"),
        ("DELETE FROM journal_transfers", "append-only"),
        ("UPDATE loan_events SET event = ''", "append-only"),
        ("DELETE FROM offer_uses", "offer"),
        ("DELETE FROM decisions", "append-only"),
        (
            "INSERT INTO journal_transfers VALUES ('fresh', 1, '1010', '1010', 1)",
            "check constraint",
        ),
        (
            "INSERT INTO journal_transfers VALUES ('fresh', 1, '1010', '2110', 0)",
            "check constraint",
        ),
        ("INSERT INTO journal_transfers VALUES ('fresh', 1, '1010', '9999', 1)", nowhere),
        ("INSERT INTO journal_transfers VALUES ('fresh', 1, '9999', '1010', 1)", nowhere),
        ("INSERT INTO journal_transfers VALUES ('nobody', 1, '1010', '2110', 1)", "a transfer belongs to an entry"),
        (
            "INSERT INTO journal_transfers SELECT id, lines + 1, '1010', '2110', 1 FROM journal_entries LIMIT 1",
            "a transfer belongs to an entry",
        ),
        ("DELETE FROM accounts WHERE code = '1010'", "stays in the chart"),
        ("UPDATE accounts SET code = '9999' WHERE code = '1010'", "stays in the chart"),
        (
            "INSERT INTO journal_entries SELECT 'x', chain, 200, date, currency, event, previous, previous, recorded, 1
             FROM journal_entries LIMIT 1",
            "does not follow",
        ),
        (
            "INSERT INTO journal_entries SELECT 'x', chain, number + 1, date, 'EUR', event, hash, replace(hash, '0', '1'),
                recorded, 1
             FROM journal_entries WHERE number = 103",
            "does not follow",
        ),
        (
            "INSERT INTO journal_entries SELECT 'x', 'x', 1, date, currency, event, previous, replace(hash, '0', '1'),
                recorded, 0 FROM journal_entries WHERE number = 103",
            "check constraint",
        ),
        ("INSERT INTO offer_uses SELECT offer, loan, used FROM offer_uses", "unique"),
    ] {
        let mut tx = world.app().db.begin().await.unwrap();
        // An entry of two lines that has none yet.
        let fresh = "INSERT INTO journal_entries SELECT 'fresh', 'fresh', 1, date, currency, event, previous, previous,
            recorded, 2 FROM journal_entries WHERE number = 1 LIMIT 1";
        sqlx::query(fresh).execute(&mut *tx).await.unwrap();
        let error = sqlx::query(statement).execute(&mut *tx).await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains(message), "{statement}: {error}");
    }
}

/// "One hot account throttles all writes" (formance ledger).
///
/// No posting writes a row that another loan's posting also writes. PostgreSQL writes even where it locks a row: as a
/// foreign key does the one that it points to. A row that nobody touched since it was made has no `xmax`.
#[tokio::test(flavor = "multi_thread")]
async fn postings_of_several_loans_write_no_row_of_the_chart() {
    let world = World::new().await;
    for _ in 0..2 {
        let (_, loan, capability) = world.buy(&ADA, 20_000, "monthly-3").await;
        world.pay(&loan, &capability, 5_000).await;
    }
    let mut tx = world.app().db.begin().await.unwrap();
    let posted: i64 = sqlx::query_scalar("SELECT count(*) FROM journal_transfers").fetch_one(&mut *tx).await.unwrap();
    assert!(posted >= 4, "{posted}");
    if world.app().db.engine() == Engine::Postgres {
        let touched: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts WHERE CAST(xmax AS TEXT) <> '0'")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(touched, 0);
    }
}

/// Whoever gets at the file and past its triggers is found out by the hash chains, the folds or the sums.
#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_journal_does_not_verify() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 10_000).await;
    let tampered = async |statement: &'static str| {
        let mut tx = world.app().db.begin().await.unwrap();
        for table in ["journal_entries", "journal_transfers", "loan_events"] {
            let on = if world.app().db.engine() == Engine::Postgres { format!("ON {table}") } else { String::new() };
            let drop = format!("DROP TRIGGER {table}_no_update {on}");
            sqlx::query(sqlx::AssertSqlSafe(drop)).execute(&mut *tx).await.unwrap();
        }
        let changed = sqlx::query(statement).execute(&mut *tx).await.unwrap();
        assert_eq!(changed.rows_affected(), 1, "{statement}");
        let found = prequal_server::audit::run_on(&mut tx).await.is_err();
        tx.rollback().await.unwrap();
        found
    };
    for statement in [
        "UPDATE journal_transfers SET amount = amount + 1 WHERE debit = '1010'",
        "UPDATE journal_transfers SET credit = '2110' WHERE debit = '1010'",
        "UPDATE journal_entries SET date = '2020-01-01' WHERE number = 2",
        "UPDATE journal_entries SET event = 'refund' WHERE number = 3",
        "UPDATE loan_events SET event = replace(event, '10000', '20000') WHERE number = 3",
        "UPDATE loan_standings SET principal_outstanding = 0",
        "UPDATE loans SET merchant_fee = 0",
    ] {
        assert!(tampered(statement).await, "{statement} is not found out");
    }
    world.verify().await;
}

/// A debit that the provider could not be asked for in a day once held its part of the debt for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_was_given_up_failed_and_may_be_paid_otherwise() {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.config().provider.url = "http://127.0.0.1:9".to_owned();
    world.restart().await;
    let (path, pay) = (format!("/v1/loans/{loan}"), format!("/v1/loans/{loan}/payments"));
    let instructed = world.post_once(&pay, &capability, "a", &json!({ "amount": 50_000 })).await.expect(202);
    world.post_once(&pay, &capability, "b", &json!({ "amount": 1 })).await.problem(422, "payment-above-payoff");
    let mut tx = world.app().db.begin().await.unwrap();
    let attempts = prequal_server::outbox::ATTEMPTS_MAX - 1;
    let statement = "UPDATE outbox SET attempts = $1, next_attempt_ms = 0 WHERE status = 'waiting'";
    sqlx::query(statement).bind(attempts).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    world.wait(&path, &capability, |loan| loan["payments"][0]["status"] == "failed").await;
    world.post_once(&pay, &capability, "c", &json!({ "amount": 1 })).await.expect(202);
    // Had the provider heard of it after all, its money is booked.
    let today = world.app().today().unwrap().to_string();
    let late = cleared("t-1", instructed["payment_id"].as_str().unwrap(), 50_000, &today);
    let secret = world.webhook_secret.clone();
    assert_eq!(world.notify("msg_1", seconds(), &secret, &late).await.expect(200)["status"], "booked");
    assert_eq!(world.get(&path, &capability).await.expect(200)["status"], "settled");
}

/// Limits refuse decisions: whatever somebody disputed before, what a bank takes back is booked.
#[tokio::test(flavor = "multi_thread")]
async fn no_number_of_disputes_keeps_a_chargeback_from_the_books() {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    world.pay(&loan, &capability, 1_000).await;
    world.verifying = false;
    let dispute = json!({ "type": "disputed", "amount": 1, "value_date": today });
    for _ in 0..prequal_ledger::PAUSES_MAX {
        world.tell(&loan, dispute.clone()).await;
    }
    world.verifying = true;
    world.try_tell(&loan, &dispute).await.problem(422, "event-refused");
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    let notice = json!({ "type": "payment.charged_back", "data": { "id": "t-1", "reference": view["payments"][0]["id"],
        "amount": 1_000, "currency": "USD", "value_date": today } });
    let secret = world.webhook_secret.clone();
    world.notify("msg_1", seconds(), &secret, &notice).await.expect(200);
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!((&view["payments"][0]["status"], &view["balance"]["total"]), (&json!("charged_back"), &json!(50_000)));
}

/// A loan that has all the events it can have takes no decision and no further receipt: the money waits in suspense.
#[tokio::test(flavor = "multi_thread")]
async fn money_for_a_loan_without_room_waits_in_suspense() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let mut tx = world.app().db.begin().await.unwrap();
    let most = i64::try_from(prequal_ledger::loan::EVENTS_MAX_WITH_RECEIPTS).unwrap();
    for number in 3..=most {
        let sql = "INSERT INTO loan_events (loan, number, booked, event) VALUES ($1, $2, $3, $4)";
        let insert = sqlx::query(sql).bind(&loan).bind(number).bind(&today).bind(r#"{"type":"recognized"}"#);
        insert.execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let secret = world.webhook_secret.clone();
    let notice = cleared("t-1", &loan, 1_000, &today);
    assert_eq!(world.notify("msg_1", seconds(), &secret, &notice).await.expect(200)["status"], "booked");
    assert_eq!(world.notify("msg_1", seconds(), &secret, &notice).await.expect(200)["status"], "known");
    assert_eq!((world.account("2910").await, world.owed(&loan).await), (1_000, 50_000));
    let event = json!({ "type": "goodwill_credited", "amount": 1, "value_date": today });
    world.try_tell(&loan, &event).await.problem(422, "event-refused");
}

/// The largest amount that every runtime holds exactly, twice: what no account can hold is refused with its reason.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_an_account_can_hold_is_refused_by_name() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let secret = world.webhook_secret.clone();
    let most = 9_007_199_254_740_991;
    world.notify("msg_1", seconds(), &secret, &cleared("t-1", &loan, most, &today)).await.expect(200);
    let refused = world.notify("msg_2", seconds(), &secret, &cleared("t-2", &loan, most, &today)).await;
    assert_eq!(refused.problem(422, "invalid-value")["pointer"], "/data/amount");
    let view = world.get(&format!("/v1/loans/{loan}"), LENDER).await.expect(200);
    assert_eq!((&view["status"], &view["credit_balance"]), (&json!("settled"), &json!(most - 50_000_i64)));
    assert_eq!(view["payments"].as_array().unwrap().len(), 1);
}

/// A bank takes 4.00 of 10.00 back, then 1.00, then the rest; more than is left is refused, and what is told twice is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_chargeback_of_a_part_takes_a_part() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    let path = format!("/v1/loans/{loan}");
    let secret = world.webhook_secret.clone();
    let cash = world.account("1010").await;
    world.notify("msg_0", seconds(), &secret, &cleared("t-1", &loan, 1_000, &today)).await.expect(200);
    let payment = world.get(&path, &capability).await.expect(200)["payments"][0]["id"].clone();
    let taken = |id: &str, reference: &Value, amount: i64| {
        json!({ "type": "payment.charged_back", "data": { "id": id, "reference": reference, "amount": amount,
            "currency": "USD", "value_date": today } })
    };
    let tell = async |message: &str, body: Value| world.notify(message, seconds(), &secret, &body).await;
    assert_eq!(tell("msg_1", taken("c-1", &payment, 400)).await.expect(200)["status"], "booked");
    assert_eq!(tell("msg_2", taken("c-1", &payment, 400)).await.expect(200)["status"], "known");
    assert_eq!((world.owed(&loan).await, world.account("1010").await), (49_400, cash + 600));
    // Named by the transfer, as where nobody instructed the payment.
    tell("msg_3", taken("c-2", &json!("t-1"), 100)).await.expect(200);
    assert_eq!((world.owed(&loan).await, world.account("1010").await), (49_500, cash + 500));
    for wrong in [0, 501, 1_000] {
        let refused = tell(&format!("wrong_{wrong}"), taken(&format!("w-{wrong}"), &payment, wrong)).await;
        assert_eq!(refused.problem(422, "invalid-value")["pointer"], "/data/amount", "{wrong}");
    }
    let number = world.get(&format!("{path}/events"), LENDER).await.expect(200)["count"].clone();
    world.try_tell(&loan, &json!({ "type": "reversed", "number": number })).await.problem(422, "event-refused");
    tell("msg_4", taken("c-3", &payment, 500)).await.expect(200);
    let view = world.get(&path, &capability).await.expect(200);
    assert_eq!((&view["payments"][0]["status"], &view["balance"]["total"]), (&json!("charged_back"), &json!(50_000)));
    assert_eq!(world.account("1010").await, cash);
}
