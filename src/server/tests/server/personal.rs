//! Personal data is in one place, under a key per person, and nowhere else.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use prequal_server::{audit, people};
use serde_json::json;

use crate::actors::Shopper;
use crate::world::{LENDER, World};

const CANARIES: [&str; 4] = ["Zephyrine", "Quuxworth", "zephyrine.quux@canary.example", "+12125550177"];
const CANARY: Shopper = Shopper {
    name: "Zephyrine Quuxworth",
    email: "zephyrine.quux@canary.example",
    phone: "+12125550177",
    standing: "good",
};

fn holds(bytes: &[u8], text: &str) -> bool {
    let lower: Vec<u8> = bytes.to_ascii_lowercase();
    lower.windows(text.len()).any(|window| window == text.to_ascii_lowercase().as_bytes())
}

/// Where the test's log lines go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_address_or_number_is_readable_in_the_database_or_the_log() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logging = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .try_init();
    assert!(logging.is_ok(), "only this test listens to the log");

    let world = World::new().await;
    let (_, loan, capability) = world.buy(&CANARY, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 10_000).await;
    world.apply(&Shopper { standing: "bad", ..CANARY }, 50_000).await;
    // What a person may put where it does not belong.
    let key = CANARY.email;
    let pay = format!("/v1/loans/{loan}/payments");
    world.post_once(&pay, &capability, key, &json!({ "amount": 1 })).await.expect(202);
    world.get("/v1/loans/Zephyrine-Quuxworth?name=zephyrine.quux@canary.example", &capability).await;
    world.post("/v1/applications", "ek_+12125550177", &json!({ "full_name": "Zephyrine" })).await;
    let today = world.app().today().unwrap().to_string();
    let body = json!({ "reference": "from Zephyrine Quuxworth +12125550177", "amount": 5, "currency": "USD",
        "value_date": today });
    world.provider("POST", "/v1/incoming", &body).await;
    for _ in 0..100 {
        if world.account("2910").await == 5 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(world.account("2910").await, 5);

    let files = world.stored();
    assert!(files.len() >= 2, "the rows and their log are looked into: {}", files.len());
    for (name, bytes) in &files {
        for canary in CANARIES {
            assert!(!holds(bytes, canary), "`{canary}` stands in {name}");
        }
    }
    let log = lines.0.lock().unwrap().clone();
    assert!(holds(&log, "/v1/loans/{id}"), "the log was written");
    for canary in CANARIES {
        assert!(!holds(&log, canary), "`{canary}` stands in the log");
    }
    // Credentials neither.
    for secret in [&capability, LENDER, crate::world::MERCHANT, crate::world::EDGE] {
        assert!(!holds(&log, secret));
        assert!(files.iter().all(|(_, bytes)| !holds(bytes, secret)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_and_the_ledger_still_verifies() {
    let world = World::new().await;
    let (purchase, loan, capability) = world.buy(&CANARY, 50_000, "monthly-3").await;
    let before = audit::run(world.app()).await.unwrap();
    let mut db = world.app().db.read().await.unwrap();
    let (person, record, key): (String, String, Vec<u8>) = sqlx::query_as(
        "SELECT a.person, a.input_record, p.wrapped_key FROM applications a JOIN persons p ON p.id = a.person WHERE a.id = $1",
    )
    .bind(&purchase.application)
    .fetch_one(&mut *db)
    .await
    .unwrap();
    let vault = &world.app().vault;
    assert!(people::open(&mut db, vault, &record).await.unwrap().is_some());
    drop(db);

    assert!(people::erase(world.app(), &person).await.unwrap());
    assert!(!people::erase(world.app(), &person).await.unwrap(), "erased once");

    let mut db = world.app().db.read().await.unwrap();
    assert_eq!(people::open(&mut db, vault, &record).await.unwrap(), None);
    drop(db);
    // Not even the wrapped key is left in the file, in its free pages or in its log.
    for (name, bytes) in world.stored() {
        assert!(!bytes.windows(key.len()).any(|window| window == key), "the key stands in {name}");
    }
    assert_eq!(audit::run(world.app()).await.unwrap(), before);
    // What is owed is owed, and the loan can be paid.
    world.pay(&loan, &capability, 50_000).await;
    assert_eq!(world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200)["status"], "settled");
    // Whoever comes again comes as somebody new.
    world.buy(&CANARY, 20_000, "monthly-3").await;
}
