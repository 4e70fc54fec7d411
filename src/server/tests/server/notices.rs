//! What a signed notice may say: money that came is booked whatever date it bears, and stays identified.

use std::time::{SystemTime, UNIX_EPOCH};

use prequal_server::{repayments::VALUE_DATE_DAYS_BACK_MAX, transfers::REFERENCE_BYTES_MAX};
use serde_json::{Value, json};

use crate::actors::{ADA, Shopper};
use crate::world::{Answer, LENDER, MERCHANT, World};

fn notice(kind: &str, id: &str, reference: &str, amount: i64, value_date: &str) -> Value {
    json!({ "type": kind, "data": { "id": id, "reference": reference, "amount": amount,
        "currency": "USD", "value_date": value_date } })
}

async fn tell(world: &World, message: &str, body: &Value) -> Answer {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap();
    world.notify(message, seconds, &world.webhook_secret, body).await
}

/// A cent of the year 2029 once made today's payoff exceed all interest ever agreed.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_date_in_the_future_counts_as_today() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-6").await;
    let path = format!("/v1/loans/{loan}");
    let today = world.app().today().unwrap().to_string();
    let cent = notice("payment.cleared", "t-1", &loan, 1, "2999-12-31");
    assert_eq!(tell(&world, "msg_1", &cent).await.expect(200)["status"], "booked");
    let view = world.get(&path, &capability).await.expect(200);
    assert_eq!(view["payments"][0]["value_date"], today);
    assert_eq!(view["balance"]["total"], 49_999, "no interest on the first day");
    let statement = world.get(&format!("{path}/statement"), &capability).await.expect(200);
    let received = statement["events"].as_array().unwrap().iter().find(|line| line["type"] == "received").unwrap();
    assert_eq!((&received["value_date"], &received["booked"]), (&json!(today), &json!(today)));
}

/// A payment of the year 1900 once wiped out the interest of months.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_date_long_ago_counts_as_the_earliest_allowed_and_never_before_the_loan() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-6").await;
    let path = format!("/v1/loans/{loan}");
    let start = world.app().today().unwrap();
    let old = |id: &str| notice("payment.cleared", id, &loan, 1_000, "1900-01-01");
    tell(&world, "msg_1", &old("t-1")).await.expect(200);
    world.set_date(&start.add_days(100).unwrap().to_string()).await;
    let before = world.get(&path, &capability).await.expect(200);
    tell(&world, "msg_2", &old("t-2")).await.expect(200);
    let view = world.get(&path, &capability).await.expect(200);
    let earliest = start.add_days(100 - VALUE_DATE_DAYS_BACK_MAX).unwrap();
    assert_eq!(view["payments"][0]["value_date"], start.to_string());
    assert_eq!(view["payments"][1]["value_date"], earliest.to_string());
    let owed = |view: &Value| view["balance"]["total"].as_i64().unwrap();
    let saved = owed(&before) - owed(&view);
    assert!((1_000..=1_050).contains(&saved), "the payment and at most a month of interest on it: {saved}");

    // All of it at once, as if it had been there from the start: the interest of the first 69 days stays earned.
    tell(&world, "msg_3", &notice("payment.cleared", "t-3", &loan, 100_000, "1900-01-01")).await.expect(200);
    let view = world.get(&path, &capability).await.expect(200);
    let credit = view["credit_balance"].as_i64().unwrap();
    assert_eq!(view["status"], "settled");
    assert!((50_000..51_900).contains(&credit), "of 102000 more than the principal is kept: {credit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_in_suspense_can_be_matched_or_returned() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let written = format!("Grace Hopper, {}", "ö".repeat(REFERENCE_BYTES_MAX));
    tell(&world, "msg_1", &notice("payment.cleared", "t-1", &written, 777, "2026-01-02")).await.expect(200);
    tell(&world, "msg_2", &notice("payment.cleared", "t-2", "loan?", 5, "2999-12-31")).await.expect(200);
    let page = world.get("/v1/ledger/suspense", LENDER).await.expect(200);
    let receipts = page["receipts"].as_array().unwrap();
    let entries = world.get("/v1/ledger/entries?loan=suspense", LENDER).await.expect(200);
    assert_eq!((receipts.len(), &page["next_cursor"]), (2, &Value::Null));
    let first = &receipts[0];
    assert_eq!((&first["transfer_id"], &first["amount"]), (&json!("t-1"), &json!(777)));
    assert_eq!((&first["currency"], &first["value_date"]), (&json!("USD"), &json!("2026-01-02")));
    assert_eq!(first["entry_id"], entries["entries"][0]["id"]);
    let kept = first["reference"].as_str().unwrap();
    assert!(kept.starts_with("Grace Hopper, ö") && kept.len() <= REFERENCE_BYTES_MAX, "{kept}");
    assert_eq!((&receipts[1]["reference"], &receipts[1]["transfer_id"]), (&json!("loan?"), &json!("t-2")));
    let one = world.get("/v1/ledger/suspense?limit=1", LENDER).await.expect(200);
    assert_eq!(one["receipts"], json!([first]));
    let after = format!("/v1/ledger/suspense?cursor={}", one["next_cursor"].as_str().unwrap());
    assert_eq!(world.get(&after, LENDER).await.expect(200)["receipts"].as_array().unwrap().len(), 1);
    for stranger in [MERCHANT, &capability] {
        assert_ne!(world.get("/v1/ledger/suspense", stranger).await.status, 200);
    }
    // On the disk nothing of what the payer wrote can be read.
    assert!(world.app().db.checkpoint().await.unwrap());
    for (name, bytes) in world.stored() {
        assert!(!bytes.windows(6).any(|window| window == b"Hopper"), "{name}");
    }

    // What is booked to a loan keeps the provider's id as well.
    tell(&world, "msg_3", &notice("payment.cleared", "t-3", &loan, 9, "2026-11-01")).await.expect(200);
    world.pay(&loan, &capability, 100).await;
    let mut db = world.app().db.read().await.unwrap();
    for table in ["payments", "payouts"] {
        let statement = format!("SELECT count(*) FROM {table} WHERE transfer IS NULL");
        let missing: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&mut *db).await.unwrap();
        assert_eq!(missing, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_told_otherwise_is_refused() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    tell(&world, "msg_1", &notice("payment.cleared", "t-1", &loan, 1_000, &today)).await.expect(200);
    for (number, other) in [
        notice("payment.cleared", "t-1", &loan, 100_000, &today),
        notice("payment.cleared", "t-1", "somebody else", 1_000, &today),
        notice("payment.cleared", "t-1", &loan, 1_000, "2026-01-01"),
    ]
    .iter()
    .enumerate()
    {
        // Twice: a refusal is not remembered as if it had been taken.
        for _ in 0..2 {
            tell(&world, &format!("other_{number}"), other).await.problem(409, "transfer-differs");
        }
    }
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!((view["payments"].as_array().unwrap().len(), &view["balance"]["total"]), (1, &json!(49_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_no_payment_is_not_called_booked() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let today = world.app().today().unwrap().to_string();
    for reference in ["nobody knows", loan.as_str()] {
        let unknown = notice("payment.failed", "t-1", reference, 1_000, &today);
        let problem = tell(&world, "msg_1", &unknown).await.problem(422, "invalid-value");
        assert_eq!(problem["pointer"], "/data/reference");
    }
    let paid = world.pay(&loan, &capability, 1_000).await;
    let payment = paid["payments"][0]["id"].as_str().unwrap();
    let late = notice("payment.failed", "t-2", payment, 1_000, &today);
    assert_eq!(tell(&world, "msg_2", &late).await.problem(422, "invalid-value")["pointer"], "/type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_no_array() {
    let world = World::new().await;
    let today = world.app().today().unwrap().to_string();
    for body in [
        json!(["payment.cleared", { "id": "t", "reference": "r", "amount": 1, "currency": "USD", "value_date": today }]),
        json!({ "type": "payment.cleared", "data": ["t", "r", 1, "USD", today] }),
    ] {
        tell(&world, "msg_1", &body).await.problem(422, "invalid-body");
    }
    assert_eq!(world.account("2910").await, 0);
}

/// The outbox leaves a call to a person after a day; whoever asks for the loan or the order must see it.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_was_given_up_shows() {
    let mut world = World::new().await;
    // A port of the loopback on which nobody listens.
    world.config().provider.url = "http://127.0.0.1:9".to_owned();
    world.restart().await;
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, "Ada Byron")).await.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    let order = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
    assert_eq!(world.get(&order, MERCHANT).await.expect(200)["payout"]["status"], "requested");
    let mut tx = world.app().db.begin().await.unwrap();
    let attempts = prequal_server::outbox::ATTEMPTS_MAX - 1;
    sqlx::query("UPDATE outbox SET attempts = $1, next_attempt_ms = 0").bind(attempts).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    world.wait(&format!("/v1/loans/{loan}"), capability, |loan| loan["status"] == "payout_given_up").await;
    let order = world.get(&order, MERCHANT).await.expect(200);
    assert_eq!((&order["payout"]["status"], &order["paid_amount"]), (&json!("given_up"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_makes_no_database_and_reads_the_address() {
    use prequal_server::{serve, storage::Database};
    let mut world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = world.config().clone();
    let its_own = std::mem::replace(&mut config.database, crate::database::fresh(folder.path()));
    let summary = serve::check(&config, true).await.unwrap();
    let database = &summary.iter().find(|(name, _)| *name == "database").unwrap().1;
    assert!(database.contains("does not exist yet"), "{database}");
    assert!(!Database::exists(&config.database).await.unwrap());
    for listen in ["", "8080", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:http"] {
        config.listen = listen.to_owned();
        let error = serve::check(&config, true).await.unwrap_err();
        assert!(error.contains("cannot listen"), "{listen}: {error}");
    }
    config.listen = "127.0.0.1:0".to_owned();
    config.database = its_own;
    let summary = serve::check(&config, true).await.unwrap();
    assert!(summary.iter().any(|(name, _)| *name == "ledger"));
}

/// A notice of 45 days that was held up costs the shopper nothing: the money counts from its day. The same instalment paid
/// in time and told of in time comes to the same cent.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_took_45_days_counts_from_its_day() {
    let world = World::new().await;
    let start = world.app().today().unwrap();
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-6").await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (_, in_time, _) = world.buy(&grace, 50_000, "monthly-6").await;
    let day = start.add_days(15).unwrap().to_string();
    world.set_date(&day).await;
    tell(&world, "msg_1", &notice("payment.cleared", "t-1", &in_time, 20_000, &day)).await.expect(200);
    world.set_date(&start.add_days(60).unwrap().to_string()).await;
    tell(&world, "msg_2", &notice("payment.cleared", "t-2", &loan, 20_000, &day)).await.expect(200);
    let view = |loan: &str| format!("/v1/loans/{loan}");
    let late = world.get(&view(&loan), LENDER).await.expect(200);
    let known = world.get(&view(&in_time), LENDER).await.expect(200);
    assert_eq!(late["payments"][0]["value_date"], day);
    for part in ["balance", "overdue", "installments"] {
        assert_eq!(late[part], known[part], "{part}");
    }
}
