//! A database of every earlier schema is brought up to date with what is in it.

use prequal_server::{
    secret,
    storage::{Database, capabilities, schema::LENDING},
};

use crate::database;

/// What of the signed offer the schemas look into.
const OFFER: &str =
    r#"{"installments":[{"due":"2024-02-29","number":1,"total":50},{"due":"2024-03-31","number":2,"total":50}]}"#;

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
                let empty = if old.engine() == prequal_server::storage::Engine::Sqlite { "x''" } else { "''" };
                let statement = statement.replace("$hash", &format!("'{hash}'")).replace("$empty", empty);
                sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
            }
            let loan = format!(
                "INSERT INTO loans VALUES ('l', 'a', 'c', 'p', 'shop', '{hash}', 'USD', 100, 3, '{OFFER}', '', '{hash}', 'r',
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
        }
        new.close().await;
        // And a program that knows less refuses.
        if steps < LENDING.len() {
            let error = Database::open_with(&url, &LENDING[..steps]).await.unwrap_err();
            assert!(error.contains("missing"), "{error}");
        }
    }
}
