//! From the approval to the signature: what is told before, how it is signed, what is kept of it.

use prequal_server::{
    codes::{self, ATTEMPTS_MAX, CODE_SECONDS, CODES_OF_APPLICATION_MAX, RESEND_SECONDS},
    conduct::{Jurisdiction, Signing},
    disclosure,
    problem::Kind,
    secret,
    settings::Settings,
    storage::{applications, group::Part},
};
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Purchase, Shopper},
    world::{CONSENT, LENDER, MERCHANT, World},
};

const ANY: Shopper =
    Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };

async fn approved(world: &World, plan: &str) -> (Purchase, Value) {
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, plan)).await.expect(200);
    (purchase, submitted)
}

fn path(purchase: &Purchase, what: &str) -> String {
    format!("/v1/applications/{}/{what}", purchase.application)
}

/// Past the wait for another code.
async fn wait_for_another(world: &World) {
    let now = world.get("/v1/sandbox/clock", LENDER).await.expect(200)["now"].as_str().unwrap().to_owned();
    set_clock(world, &now, RESEND_SECONDS.into()).await;
}

async fn set_clock(world: &World, to: &str, seconds: i64) {
    let at = prequal_core::calendar::Instant::parse(to).unwrap().seconds() + seconds;
    let now = prequal_core::calendar::Instant::from_seconds(at).unwrap().to_string();
    let body = json!({ "now": now }).to_string();
    world.call("PUT", "/v1/sandbox/clock", LENDER, &[], body.as_bytes()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_box_of_the_united_states_is_made_of_the_quote_and_bound_into_the_agreement() {
    let world = World::new().await;
    let (purchase, submitted) = approved(&world, "monthly-3").await;
    let seen = world.get(&path(&purchase, "disclosure"), LENDER).await.expect(200);
    assert_eq!((&seen["presented"], &seen["form"]), (&Value::Null, &json!("us_closed_end/1")), "the lender is not it");
    let shown = world.get(&path(&purchase, "disclosure"), &purchase.capability).await.expect(200);
    let offer = &purchase.offers.iter().find(|(_, offer)| offer["plan"] == "monthly-3").unwrap().1;
    let amounts = &shown["document"]["amounts"];
    assert_eq!(amounts["apr_percent"], offer["apr"]["apr_percent"]);
    assert_eq!((&amounts["amount_financed"], &amounts["total_of_payments"]), (&offer["principal"], &offer["total"]));
    let charge = offer["total_interest"].as_i64().unwrap() + offer["total_fee"].as_i64().unwrap();
    assert_eq!(amounts["finance_charge"], charge);
    assert_eq!(shown["document"]["terms_hash"], offer["terms_hash"]);
    let text = shown["text"].as_str().unwrap();
    for words in ["ANNUAL PERCENTAGE RATE", "FINANCE CHARGE", "Amount Financed", "Total of Payments", "Test Lender"] {
        assert!(text.contains(words), "{text}");
    }
    let hash = disclosure::hash_of(&shown["document"].to_string(), text).unwrap();
    assert_eq!((&shown["hash"], &submitted["disclosure_hash"]), (&json!(hash), &json!(hash)));
    assert!(submitted["agreement"]["text"].as_str().unwrap().contains(&hash), "the agreement's hash covers it");
    assert_ne!(shown["presented"], Value::Null);
    assert_eq!(world.get(&path(&purchase, "disclosure"), &purchase.capability).await.expect(200), shown, "seen once");
    let other = world.apply(&ANY, 50_000).await;
    for stranger in [MERCHANT, &other.capability] {
        world.get(&path(&purchase, "disclosure"), stranger).await.problem(404, "not-found");
    }
    world.get(&path(&other, "disclosure"), &other.capability).await.problem(404, "not-found");
    // Nobody asked for a confirmation here, so the name signs.
    world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chinese_table_is_read_for_its_time_and_confirmed_before_anything_is_signed() {
    let mut world = World::new().await;
    world.config().conduct.jurisdiction = Some(Jurisdiction::Cn);
    world.restart().await;
    let (purchase, submitted) = approved(&world, "monthly-3").await;
    let (read, confirm) = (path(&purchase, "disclosure"), path(&purchase, "disclosure/confirm"));
    let body = json!({ "hash": submitted["disclosure_hash"] });
    let signing = world.signing(&submitted, ADA.name);
    let who = purchase.capability.as_str();
    let refused = world.sign(&purchase, "a", &signing).await.problem(409, "disclosure-unconfirmed");
    assert_eq!(refused["hash"], submitted["disclosure_hash"]);
    world.post(&confirm, who, &body).await.problem(409, "reading-time");
    let shown = world.get(&read, who).await.expect(200);
    assert_eq!((&shown["reading_seconds"], &shown["confirmation_required"]), (&json!(10), &json!(true)));
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("综合融资成本") && text.contains("除上述明示项目外，不收取任何其他息费"), "{text}");
    let presented = shown["presented"].as_str().unwrap();
    set_clock(&world, presented, 8).await;
    let early = world.post(&confirm, who, &body).await.problem(409, "reading-time");
    assert!((1..=2).contains(&early["seconds_left"].as_i64().unwrap()), "{early}");
    set_clock(&world, presented, 10).await;
    let wrong = json!({ "hash": secret::sha256_hex("another") });
    world.post(&confirm, who, &wrong).await.problem(422, "agreement-differs");
    world.post(&confirm, LENDER, &body).await.problem(403, "forbidden");
    world.sign(&purchase, "b", &signing).await.problem(409, "disclosure-unconfirmed");
    let confirmed = world.post(&confirm, who, &body).await.expect(200);
    assert_ne!(confirmed["confirmed"], Value::Null);
    assert_eq!(world.post(&confirm, who, &body).await.expect(200), confirmed, "confirmed once");
    // Another plan is another table.
    let other = world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.expect(200);
    assert_ne!(other["disclosure_hash"], submitted["disclosure_hash"]);
    let other = world.sign(&purchase, "c", &world.signing(&other, ADA.name)).await;
    other.problem(409, "disclosure-unconfirmed");
    assert_eq!(world.account("1110").await, 0, "nothing was booked");
    let back = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let shown = world.get(&read, who).await.expect(200);
    set_clock(&world, shown["presented"].as_str().unwrap(), 10).await;
    world.post(&confirm, who, &json!({ "hash": back["disclosure_hash"] })).await.expect(200);
    world.sign(&purchase, "d", &world.signing(&back, ADA.name)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_european_form_says_for_how_long_one_may_withdraw() {
    let mut world = World::new().await;
    world.config().conduct.jurisdiction = Some(Jurisdiction::Eu);
    world.restart().await;
    let (purchase, _) = approved(&world, "monthly-6").await;
    let shown = world.get(&path(&purchase, "disclosure"), &purchase.capability).await.expect(200);
    assert_eq!((&shown["form"], &shown["jurisdiction"]), (&json!("eu_standard_information/1"), &json!("eu")));
    assert_eq!(shown["document"]["withdrawal_days"], 14);
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("Right of withdrawal: yes, within 14 calendar days"), "{text}");
    assert!(text.contains("Annual percentage rate of charge"), "{text}");
}

/// What form and agreement promise, the loan is served by: on the last of the days, and not after it.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_promised_a_withdrawal_may_withdraw() {
    let mut world = World::new().await;
    world.config().conduct.jurisdiction = Some(Jurisdiction::Eu);
    world.restart().await;
    world.set_date("2027-01-31").await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-6").await;
    let shown = world.get(&path(&purchase, "disclosure"), LENDER).await.expect(200);
    let days = i32::try_from(shown["document"]["withdrawal_days"].as_i64().unwrap()).unwrap();
    let agreement = world.get(&format!("/v1/loans/{loan}/agreement"), &capability).await.expect(200);
    let text = agreement["text"].as_str().unwrap();
    assert!(text.contains("You may withdraw from this agreement within 14 calendar days of signing it"), "{text}");
    let (_, later, capability_of_later) = world.buy(&ANY, 50_000, "monthly-6").await;
    let start = world.app().today().unwrap();
    world.set_date(&start.add_days(days).unwrap().to_string()).await;
    let withdrawal = |loan: &str| format!("/v1/loans/{loan}/withdrawal");
    let key = [("idempotency-key", "w")];
    let withdrawn = world.call("POST", &withdrawal(&loan), &capability, &key, b"").await.expect(201);
    assert_eq!(
        (&withdrawn["state"]["balance"]["principal"], &withdrawn["state"]["balance"]["fee"]),
        (&json!(50_000), &json!(0))
    );
    world.set_date(&start.add_days(days + 1).unwrap().to_string()).await;
    world.call("POST", &withdrawal(&later), &capability_of_later, &key, b"").await.problem(422, "event-refused");
}

/// Of 100.00 prepaid on the first day, 98.04 are principal and 2 % of them, 1.96, the fee: a cent more would not fit.
#[tokio::test(flavor = "multi_thread")]
async fn a_fee_for_paying_early_is_told_before_it_is_charged() {
    let mut world = World::new().await;
    let told = async |world: &World| {
        let (purchase, loan, _) = world.buy(&ANY, 50_000, "monthly-3").await;
        let shown = world.get(&path(&purchase, "disclosure"), LENDER).await.expect(200);
        (shown["text"].as_str().unwrap().to_owned(), shown["document"]["amounts"]["prepayment_fee"].clone(), loan)
    };
    let (text, may, _) = told(&world).await;
    assert!(text.contains("you will not have to pay a penalty"), "{text}");
    assert_eq!(may, false);
    world.config().servicing.prepayment.fee_percent = Some("2".parse().unwrap());
    world.restart().await;
    let (text, may, loan) = told(&world).await;
    assert!(text.contains("you may have to pay a penalty"), "{text}");
    assert_eq!(may, true);
    let today = world.app().today().unwrap().to_string();
    let event = json!({ "type": "prepaid", "amount": 10_000, "value_date": today });
    let body = json!({ "expected_events": 2, "event": event });
    let booked = world.post_once(&format!("/v1/loans/{loan}/events"), LENDER, "e", &body).await.expect(201);
    assert_eq!(booked["state"]["balance"]["principal"], 50_000 - 9_804);
    assert_eq!(world.account("4020").await, 196, "the fee is income");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promised_withdrawal_and_a_served_one_are_the_same() {
    let mut world = World::new().await;
    let mut load = |promised: Option<u16>, served: Option<u16>, law: Jurisdiction| {
        let config = world.config();
        (config.conduct.withdrawal_days, config.servicing.withdrawal_days) = (promised, served);
        config.conduct.jurisdiction = Some(law);
        Settings::load(config, true)
            .map(|(settings, _)| (settings.conduct.withdrawal_days, settings.serving.withdrawal_days))
    };
    for (promised, served, law, both) in [
        (None, None, Jurisdiction::Us, None),
        (None, None, Jurisdiction::Eu, Some(14)),
        (Some(30), None, Jurisdiction::Us, Some(30)),
        (None, Some(30), Jurisdiction::Eu, Some(30)),
        (Some(10), Some(10), Jurisdiction::Cn, Some(10)),
    ] {
        assert_eq!(load(promised, served, law).unwrap(), (both, both));
    }
    let error = load(Some(14), Some(30), Jurisdiction::Eu).unwrap_err();
    assert!(error.contains("conduct.withdrawal_days is 14 and servicing.withdrawal_days is 30"), "{error}");
    assert!(load(None, Some(0), Jurisdiction::Us).unwrap_err().contains("withdrawal_days must be 1 to"));
}

fn code_of(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("is your code to sign")).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

fn coded(submitted: &Value, code: &str) -> Value {
    json!({ "decision_id": submitted["decision_id"], "agreement_hash": submitted["agreement"]["hash"],
        "signature": { "method": "one_time_code", "code": code } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_sent_signs_once_and_stands_in_no_table() {
    let mut world = World::new().await;
    world.config().conduct.signing = Some(Signing::OneTimeCode);
    let folder = world.send_notices().await;
    let (purchase, submitted) = approved(&world, "monthly-3").await;
    let send = path(&purchase, "sign/code");
    world.sign(&purchase, "a", &world.signing(&submitted, ADA.name)).await.problem(422, "signing-code");
    world.sign(&purchase, "b", &coded(&submitted, "123456")).await.problem(422, "signing-code");
    world.post_once(&send, MERCHANT, "c", &json!({})).await.problem(403, "forbidden");
    let first = world.post_once(&send, &purchase.capability, "c", &json!({})).await;
    assert_eq!(world.post_once(&send, &purchase.capability, "c", &json!({})).await.bytes, first.bytes, "sent once");
    let (notice, text) = world.sent(&folder, "signing_code").await;
    let code = code_of(&text);
    assert!(code.len() == 6 && text.contains("To: ada@example.com"), "{text}");
    assert_eq!(notice["proof"], "taken", "a hash over six digits would tell them");
    let body = world.text("SELECT body FROM notices WHERE id = $1", notice["id"].as_str().unwrap()).await;
    assert!(body.contains("{code}") && !body.contains(&code), "{body}");

    // A second code takes the first one's place.
    wait_for_another(&world).await;
    world.post_once(&send, &purchase.capability, "d", &json!({})).await.expect(202);
    let id = world.text("SELECT max(id) FROM signing_codes WHERE application = $1", &purchase.application).await;
    let newer = world.app().vault.signing_code(&id);
    assert_ne!(code, newer);
    let refused = world.sign(&purchase, "e", &coded(&submitted, &code)).await.problem(422, "signing-code");
    assert_eq!((&refused["attempts_left"], &refused["pointer"]), (&json!(ATTEMPTS_MAX - 1), &json!("/signature/code")));
    let signed = world.sign(&purchase, "f", &coded(&submitted, &newer)).await;
    let loan = signed.expect(201)["loan_id"].as_str().unwrap().to_owned();
    assert_eq!(world.sign(&purchase, "f", &coded(&submitted, &newer)).await.bytes, signed.bytes, "signed once");

    // What proves it is with the person, and the agreement went out.
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    let evidence = &export["records"][1]["content"];
    assert_eq!(
        (&evidence["signature"]["method"], &evidence["evidence"]["code_id"]),
        (&json!("one_time_code"), &json!(id))
    );
    assert_eq!(evidence["disclosure"]["hash"], submitted["disclosure_hash"]);
    let (notice, text) = world.sent(&folder, "agreement").await;
    assert_eq!(notice["loan_id"], loan.as_str());
    assert!(text.contains(submitted["agreement"]["hash"].as_str().unwrap()) && text.contains("Credit agreement"));
    assert!(!notice["proof"].as_str().unwrap().contains("ada"));
}

/// The reply was lost, and with it the key: the code is used up, and the order is there.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_signed_by_a_code_is_given_again_under_another_key() {
    let world = World::new().await;
    let checkout = world.manual_checkout(50_000, 30).await;
    let purchase = world.apply_for(checkout, &ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    world.post_once(&path(&purchase, "sign/code"), &purchase.capability, "c", &json!({})).await.expect(202);
    let newest = "SELECT max(id) FROM signing_codes WHERE application = $1";
    let code = world.app().vault.signing_code(&world.text(newest, &purchase.application).await);
    let first = world.sign(&purchase, "a", &coded(&submitted, &code)).await.expect(201);
    let again = world.sign(&purchase, "b", &coded(&submitted, &code)).await.expect(201);
    assert_eq!((&again["order_id"], &again["status"]), (&first["order_id"], &json!("authorized")));
    for signed in [&first, &again] {
        let order = format!("/v1/orders/{}", first["order_id"].as_str().unwrap());
        world.get(&order, signed["capability"].as_str().unwrap()).await.expect(200);
    }
    // Of another agreement it is nothing.
    let mut other = coded(&submitted, &code);
    other["agreement_hash"] = json!("0".repeat(64));
    world.sign(&purchase, "d", &other).await.problem(422, "agreement-differs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_ends_with_its_time_its_attempts_and_its_agreement() {
    let world = World::new().await;
    let (purchase, submitted) = approved(&world, "monthly-3").await;
    let (send, who) = (path(&purchase, "sign/code"), purchase.capability.as_str());
    let newest = "SELECT max(id) FROM signing_codes WHERE application = $1";
    let sent = world.post_once(&send, who, "a", &json!({})).await.expect(202);
    let code = world.app().vault.signing_code(&world.text(newest, &purchase.application).await);
    let expires = sent["expires"].as_str().unwrap();
    set_clock(&world, expires, 0).await;
    let late = world.sign(&purchase, "b", &coded(&submitted, &code)).await.problem(422, "signing-code");
    assert!(late["detail"].as_str().unwrap().contains("expired"), "{late}");
    set_clock(&world, expires, -i64::from(CODE_SECONDS)).await;

    // Mistyped too often, the right one does not help; and what was counted stays counted though signing failed.
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for attempt in 0..ATTEMPTS_MAX {
        let refused = world.sign(&purchase, &format!("w{attempt}"), &coded(&submitted, wrong)).await;
        assert_eq!(refused.problem(422, "signing-code")["attempts_left"], ATTEMPTS_MAX - attempt - 1);
    }
    world.sign(&purchase, "x", &coded(&submitted, &code)).await.problem(429, "too-many");

    // A code for one agreement signs no other.
    wait_for_another(&world).await;
    world.post_once(&send, who, "c", &json!({})).await.expect(202);
    let code = world.app().vault.signing_code(&world.text(newest, &purchase.application).await);
    let other = world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.expect(200);
    let refused = world.sign(&purchase, "y", &coded(&other, &code)).await.problem(422, "signing-code");
    assert!(refused["detail"].as_str().unwrap().contains("another agreement"), "{refused}");

    for number in 2..CODES_OF_APPLICATION_MAX {
        wait_for_another(&world).await;
        world.post_once(&send, who, &format!("n{number}"), &json!({})).await.expect(202);
    }
    wait_for_another(&world).await;
    assert_eq!(world.get(&path(&purchase, "sign"), who).await.expect(200)["codes_left"], 0);
    world.post_once(&send, who, "last", &json!({})).await.problem(429, "too-many");
    // Nobody is left to send a code to after an erasure.
    let (gone, _) = approved(&world, "monthly-3").await;
    let person = world.text("SELECT person FROM applications WHERE id = $1", &gone.application).await;
    world.call("DELETE", &format!("/v1/persons/{person}"), LENDER, &[], b"").await.expect(200);
    let send = path(&gone, "sign/code");
    world.post_once(&send, &gone.capability, "e", &json!({})).await.problem(409, "wrong-state");
    for body in
        [json!({ "method": "one_time_code", "name": "Ada Byron" }), json!({ "method": "typed_name", "code": "1" })]
    {
        let signing = json!({ "decision_id": "d", "agreement_hash": "h", "signature": body });
        world.sign(&purchase, "z", &signing).await.problem(422, "invalid-body");
    }
}

/// What a page needs to ask for the signature, also after it was reloaded in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn how_to_sign_is_told_with_a_masked_address_and_where_the_newest_code_stands() {
    let mut world = World::new().await;
    world.config().conduct.signing = Some(Signing::OneTimeCode);
    world.restart().await;
    let (purchase, submitted) = approved(&world, "monthly-3").await;
    let (ask, send, who) = (path(&purchase, "sign"), path(&purchase, "sign/code"), purchase.capability.as_str());
    let first = world.get(&ask, who).await.expect(200);
    let expected = json!({ "decision_id": submitted["decision_id"], "agreement_hash": submitted["agreement"]["hash"],
        "methods": ["one_time_code"], "sent_to": "a•••@example.com", "code": null,
        "codes_left": CODES_OF_APPLICATION_MAX, "wait_seconds": 0 });
    assert_eq!(first, expected);
    let none = world.sign(&purchase, "none", &coded(&submitted, "123456")).await.problem(422, "signing-code");
    assert_eq!(none["reason"], "none");
    let sent = world.post_once(&send, who, "a", &json!({})).await.expect(202);
    // A second press asks for nothing new before the first message can have come.
    let early = world.post_once(&send, who, "b", &json!({})).await.problem(409, "code-wait");
    assert!((1..=i64::from(RESEND_SECONDS)).contains(&early["seconds_left"].as_i64().unwrap()), "{early}");
    let told = world.get(&ask, who).await.expect(200);
    assert_eq!((&told["code"]["code_id"], &told["code"]["expires"]), (&sent["code_id"], &sent["expires"]));
    assert_eq!((&told["code"]["attempts_left"], &told["code"]["sent"]), (&json!(ATTEMPTS_MAX), &Value::Null));
    assert_eq!(told["codes_left"], CODES_OF_APPLICATION_MAX - 1);
    let code = world.app().vault.signing_code(sent["code_id"].as_str().unwrap());
    assert!(!told.to_string().contains(&code) && !told.to_string().contains("ada@"), "{told}");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = world.sign(&purchase, "c", &coded(&submitted, wrong)).await.problem(422, "signing-code");
    assert_eq!((&refused["reason"], &refused["attempts_left"]), (&json!("wrong"), &json!(ATTEMPTS_MAX - 1)));
    assert_eq!(world.get(&ask, who).await.expect(200)["code"]["attempts_left"], ATTEMPTS_MAX - 1);
    set_clock(&world, sent["expires"].as_str().unwrap(), 0).await;
    assert_eq!(world.get(&ask, who).await.expect(200)["code"]["seconds_left"], 0);
    let late = world.sign(&purchase, "d", &coded(&submitted, &code)).await.problem(422, "signing-code");
    assert_eq!(late["reason"], "expired");
    let other = world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.expect(200);
    assert_eq!(world.get(&ask, who).await.expect(200)["code"], Value::Null, "it was for another agreement");
    let sent = world.post_once(&send, who, "e", &json!({})).await.expect(202);
    let code = world.app().vault.signing_code(sent["code_id"].as_str().unwrap());
    world.sign(&purchase, "f", &coded(&other, &code)).await.expect(201);
    world.get(&ask, who).await.problem(409, "wrong-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_changes_where_codes_go() {
    let world = World::new().await;
    let (purchase, _) = approved(&world, "monthly-3").await;
    let person = world.text("SELECT person FROM applications WHERE id = $1", &purchase.application).await;
    let correction = json!({ "email": "byron@example.com" });
    world.post_once(&format!("/v1/persons/{person}/corrections"), LENDER, "c", &correction).await.expect(201);
    let told = world.get(&path(&purchase, "sign"), &purchase.capability).await.expect(200);
    assert_eq!(told["sent_to"], "b•••@example.com");
    // This world's lender takes a name as well, and says why with every signature of that kind.
    assert_eq!(told["methods"], json!(["one_time_code", "typed_name"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_name_signs_only_with_the_reason_that_stands_in_its_evidence() {
    let world = World::new().await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    let evidence = &export["records"][1]["content"];
    assert_eq!(evidence["signature"]["method"], "typed_name");
    assert_eq!(evidence["evidence"]["typed_name_reason"], "most tests are about something else");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_shows_its_messages_to_the_lender_as_they_were_sent() {
    let mut world = World::new().await;
    let folder = world.send_notices().await;
    let (purchase, submitted) = approved(&world, "monthly-3").await;
    world.post_once(&path(&purchase, "sign/code"), &purchase.capability, "a", &json!({})).await.expect(202);
    let (notice, text) = world.sent(&folder, "signing_code").await;
    let inbox = format!("/v1/sandbox/messages?application={}", purchase.application);
    let shown = world.get(&inbox, LENDER).await.expect(200);
    let message = &shown["messages"][0];
    assert_eq!((&message["id"], &message["kind"]), (&notice["id"], &json!("signing_code")));
    assert_eq!((&message["to"], &message["sent"]), (&json!("ada@example.com"), &notice["sent"]));
    let code = code_of(message["text"].as_str().unwrap());
    assert_eq!(code, code_of(&text), "the very message");
    world.sign(&purchase, "b", &coded(&submitted, &code)).await.expect(201);
    let other = world.apply(&ANY, 50_000).await;
    let of_other = format!("/v1/sandbox/messages?application={}", other.application);
    assert_eq!(world.get(&of_other, LENDER).await.expect(200)["messages"], json!([]));
    world.get("/v1/sandbox/messages?application=%00", LENDER).await.problem(400, "bad-request");
    // A lender in earnest without a channel sends no code that nobody could get.
    let (waiting, _) = approved(&world, "monthly-6").await;
    world.config().notices = None;
    let real = world.another_server_in_earnest().await;
    let (real, id) = (&*real, waiting.application.as_str());
    let work = |mut tx: Part| async move {
        let row = applications::find(&mut tx, id).await?.unwrap();
        codes::make(real, &mut tx, &row, real.now()?).await
    };
    let refused = real.db.write(work).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NoChannel, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_consent_has_a_receipt_with_its_sentence_its_version_and_its_recipient() {
    let mut world = World::new().await;
    world.config().conduct.consent_receipts = true;
    world.config().conduct.consent_recipients.insert("credit_report".to_owned(), "The Sandbox Bureau".to_owned());
    let folder = world.send_notices().await;
    let purchase = world.apply(&ADA, 50_000).await;
    let receipts = world.get(&path(&purchase, "consents"), &purchase.capability).await.expect(200);
    let receipt = &receipts["consents"][0];
    assert_eq!((&receipt["purpose"], &receipt["recipient"]), (&json!("credit_report"), &json!("The Sandbox Bureau")));
    assert_eq!((&receipt["text"], &receipt["version"]), (&json!(CONSENT), &json!("1")));
    assert_eq!(receipt["text_hash"], secret::sha256_hex(CONSENT));
    assert_eq!((&receipt["bundle_hash"], &receipt["withdrawn"]), (&purchase.decision["bundle_hash"], &Value::Null));
    let (_, text) = world.sent(&folder, "consent_receipt").await;
    assert!(text.contains("The Sandbox Bureau") && text.contains(CONSENT), "{text}");
    let withdrawn = world.post(&path(&purchase, "withdrawals"), LENDER, &json!({ "purpose": "credit_report" })).await;
    let receipts = world.get(&path(&purchase, "consents"), LENDER).await.expect(200);
    assert_eq!(receipts["consents"][0], withdrawn.expect(200));
    world.get(&path(&purchase, "consents"), MERCHANT).await.problem(404, "not-found");
}

/// An erasure that asked first and erased afterwards let a signing through in between.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_and_a_signing_at_the_same_instant_do_not_both_happen() {
    let mut world = World::new().await;
    world.config().limits.exposure_max = 1_000_000_000;
    world.restart().await;
    for round in 0..8 {
        let (purchase, submitted) = approved(&world, "monthly-3").await;
        let person = world.text("SELECT person FROM applications WHERE id = $1", &purchase.application).await;
        let path = format!("/v1/persons/{person}");
        let (signing, key) = (world.signing(&submitted, ADA.name), format!("k{round}"));
        let (erased, signed) =
            tokio::join!(world.call("DELETE", &path, LENDER, &[], b""), world.sign(&purchase, &key, &signing));
        match (erased.status, signed.status) {
            (200, 409) | (409, 201) => {}
            other => panic!("{other:?}"),
        }
        if signed.status == 201 {
            let loan = signed.json()["loan_id"].as_str().unwrap().to_owned();
            let who = signed.json()["capability"].as_str().unwrap().to_owned();
            world.wait(&format!("/v1/loans/{loan}"), &who, |loan| loan["status"] == "active").await;
            world.pay(&loan, &who, 50_000).await;
        }
    }
}
