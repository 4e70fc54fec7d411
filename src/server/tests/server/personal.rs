//! Personal data is in one place, under a key per person, and nowhere else.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use prequal_server::{audit, conduct::Reminder, people};
use serde_json::json;

use crate::actors::{Purchase, Shopper};
use crate::world::{EDGE, LENDER, World};

const CANARIES: [&str; 9] = [
    "Zephyrine",
    "Quuxworth",
    "zephyrine.quux@canary.example",
    "+12125550177",
    // A date of birth and an income that stand nowhere else.
    "1911-11-13",
    "98765432",
    // What is corrected later.
    "Wilhelmina",
    "wilhelmina@canary.example",
    "+12125550188",
];
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

    let mut world = World::new().await;
    let conduct = &mut world.config().conduct;
    conduct.reminders = vec![Reminder { id: "late".to_owned(), days: 1 }];
    conduct.consent_receipts = true;
    conduct.review.two_persons_from = i64::MAX;
    world.send_notices().await;
    let (_, loan, capability) = world.buy(&CANARY, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 10_000).await;
    let secrets = led_by_people(&world).await;
    world.apply(&Shopper { standing: "bad", ..CANARY }, 50_000).await;
    // What a person may put where it does not belong.
    let key = CANARY.email;
    let pay = format!("/v1/loans/{loan}/payments");
    world.post_once(&pay, &capability, key, &json!({ "amount": 1 })).await.expect(202);
    world.get("/v1/loans/Zephyrine-Quuxworth?name=zephyrine.quux@canary.example", &capability).await;
    world.post("/v1/applications", "ek_+12125550177", &json!({ "full_name": "Zephyrine" })).await;
    world.call("ZEPHYRINE", "/v1/checkouts", &capability, &[], b"").await;
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
    // Nor is a reply that is kept, nor what a hash was made of, which anybody could try.
    let replies: Vec<(String, String, Vec<u8>)> =
        sqlx::query_as("SELECT scope, key_hash, reply_sealed FROM idempotency")
            .fetch_all(&mut *world.app().db.read().await.unwrap())
            .await
            .unwrap();
    assert!(replies.len() >= 5, "{}", replies.len());
    for (scope, key_hash, sealed) in &replies {
        let place = prequal_server::idempotency::place(scope, key_hash);
        let reply = world.app().vault.open_reply(&place, sealed).unwrap();
        assert!(holds(&reply, "\""), "it is opened");
        for canary in CANARIES {
            assert!(!holds(&reply, canary), "`{canary}` stands in a reply of {scope}");
        }
    }
    let receipt = world.get("/v1/ledger/suspense", LENDER).await.expect(200)["receipts"][0].clone();
    let mut told = body.clone();
    told["id"] = receipt["transfer_id"].clone();
    let of_notice = json!({ "type": "payment.cleared", "data": told });
    let mut guesses: Vec<String> = CANARIES.iter().flat_map(|text| [(*text).to_owned(), text.to_lowercase()]).collect();
    guesses.extend([
        CANARY.name.to_owned(),
        CANARY.name.to_lowercase(),
        body["reference"].as_str().unwrap().to_owned(),
    ]);
    let canonical = |value: &serde_json::Value| prequal_core::canonical::to_string(value).unwrap();
    for value in [&told, &of_notice, &corrected()] {
        guesses.extend([value.to_string(), canonical(value)]);
    }
    let texts: Vec<_> = files.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    for guess in guesses {
        let hash = prequal_server::secret::sha256_hex(&guess);
        assert!(texts.iter().all(|text| !text.contains(&hash)), "the plain hash of `{guess}` is kept");
    }
    let log = lines.0.lock().unwrap().clone();
    assert!(holds(&log, "/v1/loans/{id}"), "the log was written");
    for canary in CANARIES {
        assert!(!holds(&log, canary), "`{canary}` stands in the log");
    }
    // Credentials neither, nor codes and links.
    let credentials = [&capability, LENDER, crate::world::MERCHANT, EDGE];
    for secret in credentials.into_iter().chain(secrets.iter().map(String::as_str)) {
        assert!(!holds(&log, secret));
        assert!(files.iter().all(|(_, bytes)| !holds(bytes, secret)));
    }
}

/// What is put right.
fn corrected() -> serde_json::Value {
    json!({ "name": "Wilhelmina", "email": "wilhelmina@canary.example", "phone": "+12125550188" })
}

/// An application with every field filled in by what stands nowhere else.
async fn apply(world: &World, standing: &'static str) -> Purchase {
    let checkout = world.checkout(50_000).await;
    let mut input = world.input(&Shopper { standing, ..CANARY }, 50_000).await;
    input["application"]["fields"]["date_of_birth"] = json!("1911-11-13");
    input["application"]["fields"]["income_monthly"] = json!(98_765_432);
    let (body, decision) = world.application_body(&checkout, &input);
    let taken = world.post("/v1/applications", EDGE, &body).await.expect(201);
    let text = |name: &str| taken[name].as_str().unwrap().to_owned();
    let (application, capability) = (text("application_id"), text("capability"));
    Purchase { checkout, input, decision, offers: Vec::new(), application, capability }
}

/// A referral that people approve, resumed by its link, signed by a code, corrected, reminded of; a decline that is
/// looked at again; and what is personal put where it does not belong. Gives the secrets on the way.
async fn led_by_people(world: &World) -> Vec<String> {
    let purchase = apply(world, "weak").await;
    let newest = |table: &str| format!("SELECT max(id) FROM {table} WHERE application = $1");
    let review = world.text("SELECT id FROM reviews WHERE application = $1", &purchase.application).await;
    let decide = format!("/v1/reviews/{review}/decisions");
    let misplaced = json!({ "verdict": "decline", "reasons": [CANARY.name] });
    world.post(&decide, LENDER, &misplaced).await.problem(422, "invalid-value");
    world.post(&decide, LENDER, &json!({ "verdict": "approve" })).await.expect(200);
    let link = world.text_of(&newest("resume_links"), &purchase.application).await;
    let token = world.app().vault.resume_token(&link);
    world.post("/v1/applications/resume", "", &json!({ "token": CANARY.email })).await.problem(404, "not-found");
    let resumed = world.post("/v1/applications/resume", "", &json!({ "token": token })).await.expect(200);
    let who = resumed["capability"].as_str().unwrap().to_owned();
    let path = format!("/v1/applications/{}", purchase.application);
    let submitted = world.post(&format!("{path}/submit"), &who, &json!({ "plan": "monthly-3" })).await.expect(200);
    world.get(&format!("{path}/disclosure"), &who).await.expect(200);
    let confirmation = json!({ "hash": submitted["disclosure_hash"] });
    world.post(&format!("{path}/disclosure/confirm"), &who, &confirmation).await.expect(200);
    world.post_once(&format!("{path}/sign/code"), &who, CANARY.name, &json!({})).await.expect(202);
    let code = world.text_of(&newest("signing_codes"), &purchase.application).await;
    let code = world.app().vault.signing_code(&code);
    let signing = |code: &str| {
        json!({ "decision_id": submitted["decision_id"], "agreement_hash": submitted["agreement"]["hash"],
            "signature": { "method": "one_time_code", "code": code } })
    };
    let sign = format!("{path}/sign");
    let told = world.get(&sign, &who).await.expect(200);
    assert!(told["sent_to"].is_string() && !told.to_string().contains(CANARY.email), "masked: {told}");
    let inbox = format!("/v1/sandbox/messages?application={}", purchase.application);
    assert_eq!(world.get(&inbox, LENDER).await.expect(200)["messages"][0]["to"], CANARY.email);
    world.post_once(&sign, &who, "wrong", &signing(CANARY.phone)).await.problem(422, "signing-code");
    let signed = world.post_once(&sign, &who, "right", &signing(&code)).await.expect(201);
    let (loan, owner) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    world.wait(&format!("/v1/loans/{loan}"), owner, |loan| loan["status"] == "active").await;

    let person = world.text("SELECT person FROM loans WHERE id = $1", loan).await;
    let right = corrected();
    let corrections = format!("/v1/persons/{person}/corrections");
    world.post_once(&corrections, LENDER, "wilhelmina@canary.example", &right).await.expect(201);
    let view = world.get(&format!("/v1/loans/{loan}"), owner).await.expect(200);
    let due = prequal_core::calendar::Date::parse(view["installments"][0]["due"].as_str().unwrap()).unwrap();
    assert!(world.job("reminders", &due.add_days(1).unwrap().to_string()).await >= 1);
    let declined = apply(world, "bad").await;
    let request = format!("/v1/applications/{}/review-request", declined.application);
    world.post(&request, &declined.capability, &json!({ "why": CANARY.name })).await.expect(202);
    world
        .wait("/v1/notices", LENDER, |page| {
            let notices = page["notices"].as_array().unwrap();
            let kinds: std::collections::BTreeSet<&str> = notices.iter().map(|n| n["kind"].as_str().unwrap()).collect();
            kinds.len() == 6 && notices.iter().all(|notice| notice["status"] == "sent")
        })
        .await;
    vec![token, who, owner.to_owned()]
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
