//! What a person may ask for of their data, and whom else it is shown to: nobody.

use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{EDGE, LENDER, MERCHANT, OTHER_MERCHANT, World},
};

async fn person_of(world: &World, email: &str) -> Vec<String> {
    let body = json!({ "kind": "email", "value": email });
    let found = world.post("/v1/persons/search", LENDER, &body).await.expect(200);
    found["persons"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lender_exports_corrects_and_erases_a_person() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let found = person_of(&world, "  ADA@example.com ").await;
    let [person] = found.as_slice() else { panic!("{found:?}") };
    let path = format!("/v1/persons/{person}");
    let export = world.get(&path, LENDER).await.expect(200);
    let kinds: Vec<&str> = export["records"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["decision_input", "signature"]);
    assert_eq!(export["records"][0]["content"]["application"]["fields"]["full_name"], "Ada Byron");
    assert_eq!(export["records"][1]["content"]["signature"]["name"], "Ada Byron");
    assert_eq!(export["loans"][0]["loan_id"], loan.as_str());
    assert_eq!(export["applications"][0]["consents"][0]["purpose"], "credit_report");

    // A correction stands beside what was decided upon; the person is found by what is right.
    let corrections = format!("{path}/corrections");
    for (body, pointer) in
        [(json!({}), ""), (json!({ "email": " " }), "/email"), (json!({ "name": "x".repeat(201) }), "/name")]
    {
        assert_eq!(
            world.post_once(&corrections, LENDER, "c", &body).await.problem(422, "invalid-value")["pointer"],
            pointer
        );
    }
    world.post_once(&corrections, LENDER, "c", &json!({ "income": 1 })).await.problem(422, "invalid-body");
    let right = json!({ "email": "countess@example.com" });
    world.post(&corrections, LENDER, &right).await.problem(400, "idempotency-key-missing");
    let corrected = world.post_once(&corrections, LENDER, "right", &right).await;
    corrected.expect(201);
    assert_eq!(world.post_once(&corrections, LENDER, "right", &right).await.bytes, corrected.bytes, "corrected once");
    let other = json!({ "email": "else@example.com" });
    world.post_once(&corrections, LENDER, "right", &other).await.problem(422, "idempotency-conflict");
    assert_eq!(person_of(&world, "ada@example.com").await, Vec::<String>::new());
    assert_eq!(person_of(&world, "countess@example.com").await, found);
    let export = world.get(&path, LENDER).await.expect(200);
    assert_eq!(export["records"][2]["content"], json!({ "email": "countess@example.com" }));

    // The contract is performed first.
    let refused = world.call("DELETE", &path, LENDER, &[], b"").await.problem(409, "wrong-state");
    assert_eq!(refused["loans"], json!([loan]));
    world.pay(&loan, &capability, 50_000).await;
    let erased = world.call("DELETE", &path, LENDER, &[], b"").await.expect(200);
    assert_eq!(world.call("DELETE", &path, LENDER, &[], b"").await.expect(200), erased, "erased once");
    let export = world.get(&path, LENDER).await.expect(200);
    assert_eq!((&export["records"], &export["erased"]), (&json!([]), &erased["erased"]));
    assert_eq!(person_of(&world, "countess@example.com").await, Vec::<String>::new());
    world.post_once(&corrections, LENDER, "late", &json!({ "name": "A" })).await.problem(409, "wrong-state");
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_sees_also_what_was_decided_told_and_paid() {
    let world = World::new().await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 1_000).await;
    let agreed = json!({ "text_hash": prequal_server::secret::sha256_hex("Debit me.") }).to_string();
    world.call("PUT", &format!("/v1/loans/{loan}/autopay"), &capability, &[], agreed.as_bytes()).await.expect(200);
    let declined = world.apply(&Shopper { standing: "bad", ..ADA }, 50_000).await;
    let request = format!("/v1/applications/{}/review-request", declined.application);
    world.post(&request, &declined.capability, &json!({})).await.expect(202);
    let person = person_of(&world, ADA.email).await.remove(0);
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    let of = |list: &str, field: &str, value: &str| -> Vec<Value> {
        let all = export[list].as_array().unwrap();
        all.iter().filter(|one| one[field] == value).cloned().collect()
    };
    let decisions = of("decisions", "application_id", &declined.application);
    let refused = decisions.iter().find(|one| one["outcome"] == "declined").unwrap();
    assert!(refused["reasons"].as_str().unwrap().contains("R02"), "{refused}");
    assert!(!of("decisions", "application_id", &purchase.application).is_empty());
    let told = &of("disclosures", "application_id", &purchase.application)[0];
    assert!(told["text"].as_str().unwrap().contains("508.27 USD"), "{told}");
    let notice = &of("notices", "application_id", &declined.application)[0];
    assert!(notice["text"].as_str().unwrap().contains("R02"), "{notice}");
    assert_eq!(of("reviews", "application_id", &declined.application)[0]["kind"], "human_review");
    let paid = &of("payments", "loan_id", &loan)[0];
    assert_eq!((&paid["amount"], &paid["status"]), (&json!(1_000), &json!("cleared")));
    assert_eq!(of("mandates", "loan_id", &loan)[0]["withdrawn"], Value::Null);
    // And nothing of anybody else.
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    world.apply(&grace, 50_000).await;
    assert_eq!(world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200)["decisions"], export["decisions"]);
}

/// Money comes whose payer is not known, with what the payer wrote.
async fn stray(world: &World, amount: i64) -> String {
    let today = world.app().today().unwrap().to_string();
    let body = json!({ "reference": "rent for Ada Byron", "amount": amount, "currency": "USD", "value_date": today });
    world.provider("POST", "/v1/incoming", &body).await;
    let of = |page: &Value| {
        let receipts = page["receipts"].as_array().unwrap();
        receipts.iter().find(|one| one["amount"] == amount).map(|one| one["entry_id"].as_str().unwrap().to_owned())
    };
    of(&world.wait("/v1/ledger/suspense", LENDER, |page| of(page).is_some()).await).unwrap()
}

async fn reference(world: &World, entry: &str) -> Value {
    let page = world.get("/v1/ledger/suspense", LENDER).await.expect(200);
    let receipts = page["receipts"].as_array().unwrap();
    receipts.iter().find(|one| one["entry_id"] == entry).unwrap()["reference"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_payer_wrote_goes_to_whoever_it_was_and_is_erased_with_them() {
    let mut world = World::new().await;
    world.config().conduct.retention.suspense_days = Some(30);
    world.config().conduct.retention.contract_days = Some(60);
    world.restart().await;
    world.set_date("2024-01-31").await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let person = person_of(&world, ADA.email).await.remove(0);
    let (matched, returned, waiting) = (stray(&world, 101).await, stray(&world, 102).await, stray(&world, 103).await);
    for entry in [&matched, &returned, &waiting] {
        assert_eq!(reference(&world, entry).await, "rent for Ada Byron");
    }
    let resolve = async |entry: &str, body: &Value| {
        world.post_once(&format!("/v1/ledger/suspense/{entry}/match"), LENDER, entry, body).await.expect(201)
    };
    resolve(&matched, &json!({ "loan": loan })).await;
    assert_eq!(reference(&world, &matched).await, "rent for Ada Byron");
    let kept = "SELECT CAST(length(sealed) AS TEXT) FROM payer_references WHERE entry = $1";
    assert_eq!(world.text(kept, &matched).await, "0", "no longer under the server's key");
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    let record = export["records"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&record["kind"], &record["content"]["reference"]),
        (&json!("payer_reference"), &json!("rent for Ada Byron"))
    );
    // What went back is not needed from then on.
    resolve(&returned, &json!({ "return": true })).await;
    for _ in 0..200 {
        if reference(&world, &returned).await == "" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(reference(&world, &returned).await, "");
    // What waits is kept for 30 days: 31 January and 30 days is 1 March of a leap year.
    assert_eq!(world.job("retention", "2024-03-01").await, 0);
    assert_eq!(world.job("retention", "2024-03-02").await, 1);
    assert_eq!((reference(&world, &waiting).await, world.job("retention", "2024-03-02").await), (json!(""), 0));
    // And with the contract goes what was written for it: 60 days from 31 January are 31 March.
    world.pay(&loan, &capability, 49_899).await;
    assert_eq!(world.job("retention", "2024-03-31").await, 0);
    assert_eq!(world.job("retention", "2024-04-01").await, 3, "the application, the signature, the reference");
    assert_eq!(reference(&world, &matched).await, "");
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    assert!(export["erased"].is_string(), "nothing was left of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_lender_and_the_applicant_reads_personal_data() {
    let world = World::new().await;
    let (purchase, _, loan_capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let person = person_of(&world, ADA.email).await.remove(0);
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let other = world.apply(&grace, 50_000).await;
    let search = json!({ "kind": "email", "value": ADA.email });
    let export = format!("/v1/persons/{person}");
    let data = format!("/v1/applications/{}/data", purchase.application);
    for stranger in [MERCHANT, OTHER_MERCHANT, EDGE, &purchase.capability, &loan_capability, &other.capability, ""] {
        let status = if stranger.is_empty() { 401 } else { 403 };
        assert_eq!(world.get(&export, stranger).await.status, status);
        assert_eq!(world.post("/v1/persons/search", stranger, &search).await.status, status);
        assert_eq!(world.call("DELETE", &export, stranger, &[], b"").await.status, status);
        let body = json!({ "email": "thief@example.com" });
        assert_eq!(world.post_once(&format!("{export}/corrections"), stranger, "c", &body).await.status, status);
        assert_eq!(world.get("/v1/notices", stranger).await.status, status);
        if stranger != purchase.capability {
            let status = if stranger.is_empty() { 401 } else { 404 };
            assert_eq!(world.get(&data, stranger).await.status, status);
            let withdrawal = json!({ "purpose": "credit_report" });
            let path = format!("/v1/applications/{}/withdrawals", purchase.application);
            assert_eq!(world.post(&path, stranger, &withdrawal).await.status, status);
        }
    }
    for who in [&purchase.capability, LENDER] {
        let kept = world.get(&data, who).await.expect(200);
        assert_eq!(kept["input"], purchase.input);
    }
    world.get("/v1/persons/00000000-0000-7000-8000-000000000000", LENDER).await.problem(404, "not-found");
    let wrong = json!({ "kind": "name", "value": "Ada" });
    world.post("/v1/persons/search", LENDER, &wrong).await.problem(422, "invalid-value");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_consent_that_is_withdrawn_stops_what_is_not_signed_yet() {
    let world = World::new().await;
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let path = format!("/v1/applications/{}/withdrawals", purchase.application);
    world.post(&path, &purchase.capability, &json!({ "purpose": "marketing" })).await.problem(404, "not-found");
    let body = json!({ "purpose": "credit_report" });
    let first = world.post(&path, &purchase.capability, &body).await.expect(200);
    assert_ne!(first["withdrawn"], Value::Null);
    assert_eq!(world.post(&path, LENDER, &body).await.expect(200), first, "withdrawn once");
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, "Ada Byron")).await;
    assert_eq!(signed.problem(422, "consent-missing")["purpose"], "credit_report");
    assert_eq!(world.account("1110").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_s_credential_is_random_and_the_newest_may_replace_all_others() {
    let world = World::new().await;
    let (_, loan, first) = world.buy(&ADA, 50_000, "monthly-3").await;
    let (path, rotate) = (format!("/v1/loans/{loan}"), format!("/v1/loans/{loan}/capability"));
    let reply = world.post_once(&rotate, &first, "r", &json!({})).await;
    let second = reply.expect(201)["capability"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    world.get(&path, &first).await.problem(404, "not-found");
    world.get(&path, &second).await.expect(200);
    // Whoever lost the reply asks again with what they have.
    assert_eq!(world.post_once(&rotate, &first, "r", &json!({})).await.bytes, reply.bytes);
    world.post_once(&rotate, &first, "s", &json!({})).await.problem(404, "not-found");
    // The lender helps whoever lost it altogether; strangers do not.
    world.post_once(&rotate, MERCHANT, "t", &json!({})).await.problem(404, "not-found");
    let third = world.post_once(&rotate, LENDER, "t", &json!({})).await.expect(201);
    world.get(&path, &second).await.problem(404, "not-found");
    world.get(&path, third["capability"].as_str().unwrap()).await.expect(200);
    for (name, bytes) in world.stored() {
        for capability in [&first, &second] {
            assert!(!bytes.windows(capability.len()).any(|window| window == capability.as_bytes()), "{name}");
        }
    }
}
