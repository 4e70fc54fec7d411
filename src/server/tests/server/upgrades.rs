//! A database of every earlier schema is brought up to date with what is in it.

use prequal_server::{
    secret,
    storage::{Database, Engine, capabilities, schema::LENDING},
};
use serde_json::Value;

use crate::{
    database,
    world::{LENDER, World},
};

/// One loan as the first schema knew it.
const OF_THE_FIRST: [&str; 7] = [
    "INSERT INTO checkouts VALUES ('c', 'shop', 'A-1', 100, 'USD', '[]', $hash, 1, 'financed', 't', 't')",
    "INSERT INTO persons VALUES ('p', NULL, 't', 't')",
    "INSERT INTO personal_records VALUES ('r', 'p', 'decision_input', $empty, 't')",
    "INSERT INTO applications VALUES ('a', 'c', 'p', 'edge', $hash, 'r', $hash, $hash, 't', 'signed', NULL, NULL, NULL,
        NULL, NULL, 'l', 't')",
    "INSERT INTO consents VALUES ('a', 'credit_report', $hash, 't')",
    "INSERT INTO decisions VALUES ('d', 'a', 'edge', 'declined', '[]', $hash, $hash, '{}', 't')",
    "INSERT INTO notices VALUES ('n', 'a', 'd', 'adverse_action', 'no', 'queued', 't')",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_earlier_schema_is_brought_up_to_date() {
    for steps in 1..=LENDING.len() {
        let folder = tempfile::tempdir().unwrap();
        let url = database::fresh(folder.path());
        let hash = secret::sha256_hex("cap_old");
        let old = Database::open_with(&url, &LENDING[..steps]).await.unwrap();
        if steps == 1 {
            let mut tx = old.begin().await.unwrap();
            for statement in OF_THE_FIRST {
                let empty = if old.engine() == Engine::Sqlite { "x''" } else { "''" };
                let statement = statement.replace("$hash", &format!("'{hash}'")).replace("$empty", empty);
                sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
            }
            let loan = format!(
                "INSERT INTO loans VALUES ('l', 'a', 'c', 'p', 'shop', '{hash}', 'USD', 100, 3, '{{}}', '', '{hash}', 'r',
                    'active', 100, 't')"
            );
            sqlx::query(sqlx::AssertSqlSafe(loan)).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        old.close().await;
        let new = Database::open(&url).await.unwrap();
        if steps == 1 {
            let mut db = new.read().await.unwrap();
            assert!(capabilities::opens(&mut db, "l", &hash).await.unwrap(), "the old credential opens the loan");
            let queued: i64 =
                sqlx::query_scalar("SELECT count(*) FROM notices WHERE attempts = 0 AND given_up IS NULL")
                    .fetch_one(&mut *db)
                    .await
                    .unwrap();
            assert_eq!(queued, 1);
        }
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
            sqlx::query_as("SELECT id, status, principal_outstanding FROM loans ORDER BY id")
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
