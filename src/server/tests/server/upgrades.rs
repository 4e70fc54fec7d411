//! A database of every earlier schema is brought up to date with what is in it.

use prequal_server::{
    operation, secret, serve,
    storage::{Connection, Database, Engine, capabilities, schema::LENDING},
};
use serde_json::Value;

use crate::{
    database,
    world::{LENDER, World},
};

/// What of the signed offer the schemas look into.
const OFFER: &str =
    r#"{"installments":[{"due":"2024-02-29","number":1,"total":50},{"due":"2024-03-31","number":2,"total":50}]}"#;

/// One purchase as the first schema knew it, with everything that refers to its loan.
const OF_THE_FIRST: [&str; 13] = [
    "INSERT INTO checkouts (id, merchant, merchant_order, amount, currency, cart, cart_hash, cart_version, status,
        created, expires) VALUES ('c', 'shop', 'A-1', 100, 'USD', '[]', $hash, 1, 'financed', 't', 't')",
    "INSERT INTO persons (id, wrapped_key, created, erased) VALUES ('p', NULL, 't', 't')",
    "INSERT INTO personal_records (id, person, kind, sealed, created) VALUES ('r', 'p', 'decision_input', $empty, 't')",
    "INSERT INTO applications (id, checkout, person, edge, capability_hash, input_record, input_hash, bundle_hash, as_of,
        status, loan, created) VALUES ('a', 'c', 'p', 'edge', $hash, 'r', $hash, $hash, 't', 'signed', 'l', 't')",
    "INSERT INTO consents (application, purpose, text_hash, given) VALUES ('a', 'credit_report', $hash, 't')",
    "INSERT INTO decisions (id, application, taken_by, outcome, reasons, bundle_hash, input_hash, output, decided)
        VALUES ('d', 'a', 'edge', 'declined', '[]', $hash, $hash, '{}', 't')",
    "INSERT INTO notices (id, application, decision, kind, body, status, created)
        VALUES ('n', 'a', 'd', 'adverse_action', 'no', 'queued', 't')",
    "INSERT INTO loans (id, application, checkout, person, merchant, capability_hash, currency, principal, merchant_fee,
        offer, agreement_text, agreement_hash, signature_record, status, principal_outstanding, booked)
        VALUES ('l', 'a', 'c', 'p', 'shop', $hash, 'USD', 100, 3, '$offer', 'text', $hash, 'r', 'active', 100, 't')",
    "INSERT INTO offers (id, application, plan, terms_hash) VALUES ('o', 'a', 'monthly-3', $hash)",
    "INSERT INTO offer_uses (offer, loan, used) VALUES ('o', 'l', 't')",
    "INSERT INTO loan_events (loan, number, booked, event) VALUES ('l', 1, '2026-01-01', '{\"type\":\"booked\"}')",
    "INSERT INTO payouts (id, loan, amount, currency, status, created) VALUES ('po', 'l', 97, 'USD', 'requested', 't')",
    "INSERT INTO payments (id, loan, amount, currency, status, created) VALUES ('pa', 'l', 7, 'USD', 'initiated', 't')",
];

/// What a later schema brought, with the version that brought it, and how it is read today: each gives 1.
const OF_THE_LATER: [(i64, &str, &str); 15] = [
    (
        4,
        "INSERT INTO checkouts (id, merchant, merchant_order, amount, currency, cart, cart_hash, cart_version, status,
            created, expires, capture, capture_days)
         VALUES ('c2', 'shop', 'A-2', 200, 'USD', '[]', $hash, 1, 'financed', 't', 't', 'manual', 30)",
        "SELECT count(*) FROM checkouts WHERE id = 'c2' AND capture = 'manual' AND capture_days = 30",
    ),
    (
        4,
        "INSERT INTO applications (id, checkout, person, edge, capability_hash, input_record, input_hash, bundle_hash,
            as_of, status, created) VALUES ('a2', 'c2', 'p', 'edge', $other, 'r', $hash, $hash, 't', 'signed', 't')",
        "SELECT count(*) FROM applications WHERE id = 'a2' AND loan IS NULL",
    ),
    (
        4,
        "INSERT INTO offers (id, application, plan, terms_hash) VALUES ('o2', 'a2', 'monthly-3', $hash)",
        "SELECT count(*) FROM offers WHERE id = 'o2'",
    ),
    (
        4,
        "INSERT INTO lines (id, person, currency, capability_hash, created) VALUES ('li', 'p', 'USD', $other, 't')",
        "SELECT count(*) FROM lines WHERE id = 'li' AND conventions IS NULL",
    ),
    (
        4,
        "INSERT INTO line_events (line, number, booked, event)
         VALUES ('li', 1, '2026-01-01', '{\"limit\":500,\"type\":\"limit_set\"}')",
        "SELECT count(*) FROM line_events WHERE line = 'li' AND number = 1",
    ),
    (
        4,
        "INSERT INTO orders (checkout, application, offer, person, merchant, currency, line, terms, merchant_fee,
            agreement_text, agreement_hash, signature_record, authorized, captured, captures, capture_until, ended, signed)
         VALUES ('c2', 'a2', 'o2', 'p', 'shop', 'USD', 'li', '$offer', 3, 'text', $hash, 'r', 200, 0, 0, '2026-02-01',
            'voided', 't')",
        "SELECT count(*) FROM orders WHERE checkout = 'c2' AND line = 'li' AND authorized = 200 AND ended = 'voided'",
    ),
    (
        4,
        "INSERT INTO merchant_events (id, merchant, type, body, created) VALUES ('me', 'shop', 'order.voided', '{}', 't')",
        "SELECT count(*) FROM merchant_events WHERE id = 'me'",
    ),
    (
        5,
        "INSERT INTO refunds (id, merchant, loan, reference, amount, currency, value_date, created)
         VALUES ('rf', 'shop', 'l', 'R-1', 10, 'USD', '2026-01-02', 't')",
        "SELECT count(*) FROM refunds WHERE id = 'rf' AND instalments IS NULL",
    ),
    (
        5,
        "INSERT INTO pay_backs (id, loan, amount, currency, event, status, created)
         VALUES ('pb', 'l', 5, 'USD', 1, 'requested', 't')",
        "SELECT count(*) FROM pay_backs WHERE id = 'pb' AND receipt IS NULL",
    ),
    (
        6,
        "INSERT INTO loan_funders (loan, place, funder, name, kind, programme, joint, currency, share_percent,
            servicing_fee_percent, stray_cent)
         VALUES ('l', 1, 'bank', 'The Bank', 'partner', 'joint', 1, 'USD', '70', '1', 1)",
        "SELECT count(*) FROM loan_funders WHERE loan = 'l' AND share_percent = '70' AND fee_books = 0",
    ),
    (
        7,
        "INSERT INTO disclosures (id, application, decision, jurisdiction, form, document, text, hash, confirmation,
            reading_seconds, created, presented, confirmed)
         VALUES ('di', 'a', 'd', 'us', 'us_closed_end/1', '{}', 'text', $hash, 1, 0, 't', 't', 't')",
        "SELECT count(*) FROM disclosures WHERE id = 'di' AND confirmed = 't'",
    ),
    (
        7,
        "INSERT INTO reviews (id, application, decision, kind, persons, status, due_by, opened)
         VALUES ('v', 'a', 'd', 'human_review', 2, 'open', '2026-02-01', 't')",
        "SELECT count(*) FROM reviews WHERE id = 'v' AND persons = 2 AND outcome IS NULL",
    ),
    (
        8,
        "INSERT INTO webhook_endpoints (id, owner, url, events, status, version, created)
         VALUES ('we', 'merchant:shop', 'https://shop.example/', '*', 'enabled', 1, 't')",
        "SELECT count(*) FROM webhook_endpoints WHERE id = 'we' AND deleted IS NULL",
    ),
    (
        8,
        "INSERT INTO webhook_messages (id, type, body, created) VALUES ('wm', 'order.voided', '{}', 't')",
        "SELECT count(*) FROM webhook_messages WHERE id = 'wm'",
    ),
    (
        8,
        "INSERT INTO webhook_deliveries (id, endpoint, message, status, attempts, next_attempt_ms, created)
         VALUES ('wd', 'we', 'wm', 'waiting', 2, 7, 't')",
        "SELECT count(*) FROM webhook_deliveries WHERE id = 'wd' AND attempts = 2 AND next_attempt_ms = 7",
    ),
];

/// Everything that a database of a version may hold, as that version wrote it.
fn rows_of(version: i64) -> Vec<String> {
    let mut rows: Vec<String> = OF_THE_FIRST.iter().map(|row| (*row).to_owned()).collect();
    if version >= 7 {
        rows[6] = "INSERT INTO notices (id, application, decision, once, kind, template, body, status, created)
            VALUES ('n', 'a', 'd', 'decision:d', 'adverse_action', 'adverse_action/1', 'no', 'queued', 't')"
            .to_owned();
        for (number, due) in [(1, "2024-02-29"), (2, "2024-03-31")] {
            rows.push(format!("INSERT INTO installment_dues (loan, number, due) VALUES ('l', {number}, '{due}')"));
        }
    }
    if version >= 9 {
        rows[7] = of_today();
        rows.push(
            "INSERT INTO loan_standings (loan, currency, status, principal_outstanding) VALUES ('l', 'USD', 'active', 100)"
                .to_owned(),
        );
    }
    // Money of an unknown payer, and what they wrote.
    let (column, value) = if version < 11 { ("", "") } else { (", lines", ", 1") };
    rows.push("INSERT INTO accounts (code, name, kind) VALUES ('1010', 'cash', 'asset')".to_owned());
    rows.push("INSERT INTO accounts (code, name, kind) VALUES ('2110', 'suspense', 'liability')".to_owned());
    rows.push(format!(
        "INSERT INTO journal_entries (id, chain, number, date, currency, event, previous, hash, recorded{column})
         VALUES ('e', 'suspense', 1, '2026-01-01', 'USD', 'received_unknown', $hash, $hash, 't'{value})"
    ));
    rows.push("INSERT INTO journal_transfers VALUES ('e', 1, '1010', '2110', 5)".to_owned());
    let (column, value) = if version < 15 { (", reference_sealed", ", $byte") } else { ("", "") };
    rows.push(format!(
        "INSERT INTO suspense_receipts (entry, transfer{column}, amount, currency, value_date, received)
         VALUES ('e', 't-1'{value}, 5, 'USD', '2026-01-01', 't')"
    ));
    if version >= 15 {
        rows.push("INSERT INTO payer_references (entry, sealed, received) VALUES ('e', $byte, 't')".to_owned());
    }
    rows.extend(OF_THE_LATER.iter().filter(|(since, ..)| *since <= version).map(|(_, row, _)| (*row).to_owned()));
    rows
}

/// A loan's row as today's schema knows it.
fn of_today() -> String {
    OF_THE_FIRST[7].replace(" status, principal_outstanding,", "").replace(" 'active', 100,", "")
}

async fn execute(db: &mut Connection, engine: Engine, hash: &str, statement: &str) -> sqlx::Result<()> {
    let empty = if engine == Engine::Sqlite { "x''" } else { "''" };
    let byte = if engine == Engine::Sqlite { "x'07'" } else { "'\\x07'" };
    let other = secret::sha256_hex(format!("other {hash}"));
    let statement = statement.replace("$hash", &format!("'{hash}'")).replace("$empty", empty).replace("$offer", OFFER);
    let statement = statement.replace("$byte", byte).replace("$other", &format!("'{other}'"));
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(db).await.map(drop)
}

async fn count(db: &mut Connection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_earlier_schema_is_brought_up_to_date() {
    for steps in 1..=LENDING.len() {
        let version = LENDING[steps - 1].version;
        let folder = tempfile::tempdir().unwrap();
        let url = database::fresh(folder.path());
        let hash = secret::sha256_hex("cap_old");
        let old = Database::open_with(&url, &LENDING[..steps]).await.unwrap();
        let mut tx = old.begin().await.unwrap();
        for statement in rows_of(version) {
            execute(&mut tx, old.engine(), &hash, &statement).await.unwrap();
        }
        if version >= 2 {
            capabilities::insert(&mut tx, "l", &hash, "t").await.unwrap();
        }
        tx.commit().await.unwrap();
        old.close().await;
        let new = Database::open(&url).await.unwrap();
        let mut db = new.read().await.unwrap();
        assert!(capabilities::opens(&mut db, "l", &hash).await.unwrap(), "the old credential opens the loan");
        let queued = "SELECT count(*) FROM notices WHERE decision = 'd' AND attempts = 0 AND given_up IS NULL";
        assert_eq!(count(&mut db, queued).await, 1);
        // What the notice was made for is known, and the loan's due days are found.
        let once: String =
            sqlx::query_scalar("SELECT once FROM notices WHERE id = 'n'").fetch_one(&mut *db).await.unwrap();
        assert_eq!(once, "decision:d");
        let dues: Vec<(i64, String)> =
            sqlx::query_as("SELECT number, due FROM installment_dues WHERE loan = 'l' ORDER BY number")
                .fetch_all(&mut *db)
                .await
                .unwrap();
        assert_eq!(dues, [(1, "2024-02-29".to_owned()), (2, "2024-03-31".to_owned())]);
        for (since, _, reads) in OF_THE_LATER {
            assert_eq!(count(&mut db, reads).await, i64::from(since <= version), "of {version}: {reads}");
        }
        // What was voided before that was noted is what its merchant gave up.
        let released = "SELECT count(*) FROM orders WHERE checkout = 'c2' AND released = 200";
        assert_eq!(count(&mut db, released).await, i64::from((4..11).contains(&version)));
        let kept: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM payer_references WHERE entry = 'e'")
            .fetch_one(&mut *db)
            .await
            .unwrap();
        assert_eq!(kept, [7], "what the payer wrote can be erased now");
        drop(db);
        one_order_may_have_more_loans_and_everything_else_is_guarded_as_before(&new, &hash).await;
        new.close().await;
        // And a program that knows less refuses.
        if steps < LENDING.len() {
            let error = Database::open_with(&url, &LENDING[..steps]).await.unwrap_err();
            assert!(error.contains("missing"), "{error}");
        }
    }
}

/// Two loans as the first schema's server wrote them: one of 50,000 repaid by 10,000 and 40,000, one of 30,000 of which
/// 10,000 was repaid. A row a line; bytes are `{"hex": …}`. What was written then stays as it is.
const BOOKED_BY_THE_FIRST: &str = include_str!("schema_1.jsonl");
/// The credential of the first loan.
const CREDENTIAL: &str = "cap_apYoq8jnxTOma4FpzOGQxN1n1HsQ2m3LKiKnjaPWGm0";

fn literal(value: &Value, engine: Engine) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Object(bytes) => {
            let hex = bytes["hex"].as_str().unwrap();
            if engine == Engine::Sqlite { format!("x'{hex}'") } else { format!("decode('{hex}', 'hex')") }
        }
        other => panic!("no column holds {other}"),
    }
}

async fn load(db: &Database) {
    let mut tx = db.begin().await.unwrap();
    for line in BOOKED_BY_THE_FIRST.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let row = line["row"].as_object().unwrap();
        let columns: Vec<&str> = row.keys().map(String::as_str).collect();
        let values: Vec<String> = row.values().map(|value| literal(value, db.engine())).collect();
        let table = line["table"].as_str().unwrap();
        let insert = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), values.join(", "));
        sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn loans_booked_and_repaid_under_the_first_schema_go_on_under_every_later_one() {
    let mut world = World::new().await;
    world.stop().await;
    for between in 1..LENDING.len() {
        let folder = tempfile::tempdir().unwrap();
        let url = database::fresh(folder.path());
        let first = Database::open_with(&url, &LENDING[..1]).await.unwrap();
        load(&first).await;
        first.close().await;
        // Some servers were brought up to date at every release, some skip all but this one.
        Database::open_with(&url, &LENDING[..between]).await.unwrap().close().await;
        world.config().database = url;
        world.start().await;
        world.verify().await;
        let trial = world.get("/v1/ledger/trial-balance", LENDER).await.expect(200);
        assert_eq!(trial["balanced"], true);
        let mut db = world.app().db.read().await.unwrap();
        let loans: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT loan, status, principal_outstanding FROM loan_standings ORDER BY loan")
                .fetch_all(&mut *db)
                .await
                .unwrap();
        drop(db);
        let [settled, active] = &loans[..] else { panic!("{loans:?}") };
        assert_eq!((settled.1.as_str(), settled.2), ("settled", 0));
        assert_eq!((active.1.as_str(), active.2), ("active", 20_000));
        let view = world.get(&format!("/v1/loans/{}", settled.0), CREDENTIAL).await.expect(200);
        assert_eq!((&view["status"], view["payments"].as_array().unwrap().len()), (&Value::from("settled"), 2));
        // And its life goes on: the rest arrives.
        let today = world.app().today().unwrap().to_string();
        let rest = serde_json::json!({ "type": "payment.cleared", "data": {
            "id": "tr_rest", "reference": active.0, "amount": 20_000, "currency": "USD", "value_date": today } });
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let secret = world.webhook_secret.clone();
        let taken = world.notify("rest", i64::try_from(now).unwrap(), &secret, &rest).await.expect(200);
        assert_eq!(taken["status"], "booked");
        let view = world.get(&format!("/v1/loans/{}", active.0), LENDER).await.expect(200);
        assert_eq!(view["balance"]["principal"], 0, "{view}");
        world.stop().await;
    }
}

/// The table of loans is made anew under whatever refers to it: rows, references, checks and triggers must be there.
async fn one_order_may_have_more_loans_and_everything_else_is_guarded_as_before(new: &Database, hash: &str) {
    let engine = new.engine();
    let mut db = new.begin().await.unwrap();
    let whole = "SELECT count(*) FROM loans l JOIN loan_standings s ON s.loan = l.id
        JOIN loan_events e ON e.loan = l.id JOIN payouts o ON o.loan = l.id
        JOIN payments p ON p.loan = l.id JOIN offer_uses u ON u.loan = l.id JOIN checkouts c ON c.id = l.checkout
        WHERE l.id = 'l' AND l.principal = 100 AND l.merchant_fee = 3 AND l.agreement_text = 'text'
            AND s.status = 'active' AND s.principal_outstanding = 100 AND c.capture = 'automatic'";
    assert_eq!(count(&mut db, whole).await, 1, "every row with its references");
    if engine == Engine::Sqlite {
        assert_eq!(count(&mut db, "SELECT count(*) FROM pragma_foreign_key_check").await, 0);
    }
    // As this schema knows a loan.
    let of_today = of_today();
    let second = of_today.replace("'l',", "'l2',");
    let other = secret::sha256_hex("cap_other");
    execute(&mut db, engine, &other, &second).await.unwrap();
    capabilities::insert(&mut db, "l2", hash, "t").await.unwrap();
    assert!(capabilities::opens(&mut db, "l2", hash).await.unwrap(), "one credential for both");
    db.commit().await.unwrap();
    for (refused, why) in [
        (of_today.replace("'l',", "'l3',"), "the credential of another loan"),
        (of_today.replace("'l',", "'l3',").replace("'a', 'c'", "'b', 'c'"), "no such application"),
        (OF_THE_FIRST[10].replace("'l',", "'l9',"), "no such loan"),
        (OF_THE_FIRST[11].replace("'po', 'l'", "'po2', 'l9'"), "no such loan"),
        ("DELETE FROM loans WHERE id = 'l'".to_owned(), "its events refer to it"),
        ("UPDATE loan_events SET number = 2".to_owned(), "append-only"),
        ("DELETE FROM offer_uses".to_owned(), "stays used"),
        ("UPDATE loan_standings SET status = 'unheard_of'".to_owned(), "no such status"),
    ] {
        let mut db = new.begin().await.unwrap();
        let hash = if why.contains("credential") { hash } else { "0".repeat(64).leak() };
        assert!(execute(&mut db, engine, hash, &refused).await.is_err(), "{why}: {refused}");
    }
}

/// Claims of refunds that were undone once stood as captures of which the loan was to hear a second time. What a loan was
/// captured by stays to be told; what gives a refund back does not.
#[tokio::test(flavor = "multi_thread")]
async fn what_gave_an_undone_refund_back_is_told_to_no_loan() {
    const ENTRIES: [(&str, usize, &str, i64); 5] = [
        ("e1", 0, "capture", 500),
        ("e2", 0, "merchant_fee", -15),
        ("e3", 0, "refund", -200),
        ("e4", 0, "capture", 200),
        ("e5", 1, "capture", 300),
    ];
    let folder = tempfile::tempdir().unwrap();
    let url = database::fresh(folder.path());
    let first = Database::open_with(&url, &LENDING[..1]).await.unwrap();
    load(&first).await;
    first.close().await;
    let before = LENDING.iter().position(|step| step.version == 12).unwrap();
    let old = Database::open_with(&url, &LENDING[..before]).await.unwrap();
    let mut tx = old.begin().await.unwrap();
    let loans: Vec<String> = sqlx::query_scalar("SELECT id FROM loans ORDER BY id").fetch_all(&mut *tx).await.unwrap();
    for (id, loan, kind, amount) in ENTRIES {
        let sql = "INSERT INTO merchant_entries (id, merchant, currency, kind, loan, amount, date, created)
            VALUES ($1, 'shop', 'USD', $2, $3, $4, '2026-01-01', 't')";
        sqlx::query(sql).bind(id).bind(kind).bind(&loans[loan]).bind(amount).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    old.close().await;
    let new = Database::open(&url).await.unwrap();
    let sql = "SELECT id, paid_out, undone FROM merchant_entries ORDER BY id";
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(sql).fetch_all(&mut *new.read().await.unwrap()).await.unwrap();
    let rows: Vec<(&str, i64, i64)> = rows.iter().map(|(id, paid_out, undone)| (&**id, *paid_out, *undone)).collect();
    assert_eq!(rows, [("e1", 0, 0), ("e2", 0, 0), ("e3", 0, 0), ("e4", 1, 1), ("e5", 0, 0)]);
    new.close().await;
}

/// What is asked of a program before it is put in place must not put it in place.
#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_at_an_earlier_schema_leaves_it_as_it_is() {
    let mut world = World::new().await;
    world.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let url = database::fresh(folder.path());
    let before = &LENDING[..LENDING.len() - 1];
    let (step, newest) = (before.last().unwrap().version, LENDING.last().unwrap().version);
    Database::open_with(&url, before).await.unwrap().close().await;
    world.config().database.clone_from(&url);
    let found = serve::check(world.config(), true).await.unwrap();
    let line = &found.iter().find(|(name, _)| *name == "database").unwrap().1;
    assert!(line.ends_with(&format!("schema {step}, this program brings {newest}")), "{line}");
    let config = world.config().clone();
    let status = operation::job_status(&config, true, 1).await.unwrap_err();
    assert!(status.contains(&format!("step {step}, and this program brings {newest}")), "{status}");
    let day = prequal_core::calendar::Date::parse("2026-01-01").unwrap();
    let job = operation::run_job(&mut config.clone(), true, "ledger-day", day, false).await.unwrap_err();
    assert!(job.contains("prequal serve"), "{job}");
    assert_eq!(Database::schema(&url).await, Ok((step, newest)), "as it was");
    // And the earlier program still starts.
    Database::open_with(&url, before).await.unwrap().close().await;
}
