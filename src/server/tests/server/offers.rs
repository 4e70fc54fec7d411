//! Offers that must not become loans.

use prequal_bundle::jwk::{Use, generate};
use prequal_server::jws;
use serde_json::{Value, json};

use crate::actors::{ADA, Purchase, cart};
use crate::world::{EDGE, MERCHANT, World};

fn signed(world: &World, claims: &Value) -> String {
    jws::sign(&world.offer_key, jws::OFFER_TYPE, claims).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_differs_by_a_cent_is_named_by_its_field() {
    let world = World::new().await;
    let purchase = world.apply(&ADA, 129_900).await;
    let honest = world.claims(&purchase, "monthly-6");
    let cases: [(&str, &[&str]); 4] = [
        ("/offer/total", &["total"]),
        ("/offer/installments/2/interest", &["installments/2/interest"]),
        ("/offer/terms/principal", &["terms/principal"]),
        ("/offer/price", &["price"]),
    ];
    for (pointer, [field, ..]) in cases.map(|(pointer, fields)| (pointer, [fields[0]])) {
        let mut claims = honest.clone();
        let value = claims.pointer_mut(pointer).unwrap();
        let before = value.as_i64().unwrap();
        *value = json!(before - 1);
        let problem = world.submit(&purchase, &signed(&world, &claims)).await.problem(422, "quote-differs");
        assert_eq!(problem["field"], field);
        assert_eq!((&problem["offered"], &problem["computed"]), (&json!(before - 1), &json!(before)));
    }
    let mut claims = honest.clone();
    claims["offer"]["terms_hash"] = json!("0".repeat(64));
    let problem = world.submit(&purchase, &signed(&world, &claims)).await.problem(422, "quote-differs");
    assert_eq!(problem["field"], "terms_hash");
    let mut claims = honest;
    claims["offer"]["apr"]["apr_percent"] = json!("0.00");
    let problem = world.submit(&purchase, &signed(&world, &claims)).await.problem(422, "quote-differs");
    assert_eq!(problem["field"], "apr/apr_percent");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_foreign_offers_are_refused() {
    let world = World::new().await;
    let purchase = world.apply(&ADA, 50_000).await;
    let claims = world.claims(&purchase, "monthly-3");
    let refused = async |token: String| world.submit(&purchase, &token).await.problem(422, "offer-signature");

    let (stranger, _) = generate(Use::Offer).unwrap();
    refused(jws::sign(&stranger, jws::OFFER_TYPE, &claims).unwrap()).await;
    refused(jws::sign(&world.offer_key, jws::CHECKOUT_TYPE, &claims).unwrap()).await;
    let token = world.offer(&purchase, "monthly-3");
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |value: Value| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let kid = &world.offer_key.public.kid;
    for header in [
        json!({ "alg": "none", "typ": jws::OFFER_TYPE, "kid": kid }),
        json!({ "alg": "HS256", "typ": jws::OFFER_TYPE, "kid": kid }),
        json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid }),
        json!({ "alg": "EdDSA", "typ": jws::OFFER_TYPE, "kid": stranger.public.kid }),
        json!({ "alg": "EdDSA", "typ": jws::OFFER_TYPE, "kid": kid, "jwk": stranger.public.jwk }),
        json!({ "alg": "EdDSA", "typ": jws::OFFER_TYPE, "kid": kid, "crit": [] }),
    ] {
        refused(format!("{}.{}.{}", encode(header.clone()), parts[1], parts[2])).await;
        refused(format!("{}.{}.", encode(header), parts[1])).await;
    }
    for (name, value) in [
        ("iss", json!("another-edge")),
        ("aud", json!("another-lender")),
        ("jti", json!(uuid::Uuid::new_v4().to_string())),
        ("checkout", json!(uuid::Uuid::new_v4().to_string())),
        ("application", json!(uuid::Uuid::new_v4().to_string())),
        ("bundle_hash", json!("0".repeat(64))),
        ("input_hash", json!("0".repeat(64))),
        ("as_of", json!("2026-01-01T00:00:00Z")),
        ("extra", json!(1)),
    ] {
        let mut changed = claims.clone();
        changed[name] = value;
        refused(signed(&world, &changed)).await;
    }
    // Another application's offer, rightly signed, is not this one's.
    let other = world.apply(&ADA, 50_000).await;
    refused(world.offer(&other, "monthly-3")).await;
    assert_eq!(world.submit(&purchase, &token).await.expect(200)["outcome"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_offer_is_refused_and_so_is_an_expired_approval() {
    let world = World::new().await;
    let purchase = world.apply(&ADA, 50_000).await;
    let mut claims = world.claims(&purchase, "monthly-3");
    claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 1);
    world.submit(&purchase, &signed(&world, &claims)).await.problem(410, "offer-expired");

    let mut claims = world.claims(&purchase, "monthly-3");
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 1);
    let longer = world.submit(&purchase, &signed(&world, &claims)).await.problem(422, "offer-signature");
    assert!(longer["detail"].as_str().unwrap().contains("`exp`"));

    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    // The test's bundle lets an offer stand for 900 seconds.
    let later = claims["iat"].as_i64().unwrap() + 901;
    let later = prequal_core::calendar::Instant::from_seconds(later).unwrap().to_string();
    let body = json!({ "now": later }).to_string();
    world.call("PUT", "/v1/sandbox/clock", crate::world::LENDER, &[], body.as_bytes()).await.expect(200);
    let signing = world.signing(&submitted, "Ada Byron");
    world.sign(&purchase, "k", &signing).await.problem(410, "offer-expired");
    world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.problem(410, "offer-expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_cart_voids_what_was_offered_for_it() {
    let world = World::new().await;
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let path = format!("/v1/checkouts/{}/cart", purchase.checkout["id"].as_str().unwrap());
    // The same price for other things is another cart.
    let body = json!({ "amount": 50_000, "cart": [{ "sku": "x", "name": "X", "quantity": 2, "unit_amount": 25_000 }] });
    let changed = world.call("PUT", &path, MERCHANT, &[], body.to_string().as_bytes()).await.expect(200);
    assert_ne!(changed["cart_hash"], purchase.checkout["cart_hash"]);
    world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.problem(409, "cart-changed");
    world.sign(&purchase, "k", &world.signing(&submitted, "Ada Byron")).await.problem(409, "cart-changed");
    // Nor can the old token be applied with; the new one can.
    let input = world.input(&ADA, 50_000).await;
    let (body, _) = world.application_body(&purchase.checkout, &input);
    world.post("/v1/applications", EDGE, &body).await.problem(409, "cart-changed");
    let again = world.apply_for(changed, &ADA, 50_000).await;
    assert_eq!(world.submit(&again, &world.offer(&again, "monthly-3")).await.expect(200)["outcome"], "approved");
    let body = json!({ "amount": 1, "cart": cart(1) });
    let other = crate::world::OTHER_MERCHANT;
    world.call("PUT", &path, other, &[], body.to_string().as_bytes()).await.problem(404, "not-found");
}

async fn approved(world: &World) -> (Purchase, Value) {
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    (purchase, submitted)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_used_once() {
    let world = World::new().await;
    let (purchase, submitted) = approved(&world).await;
    let signing = world.signing(&submitted, "Ada Byron");
    let first = world.sign(&purchase, "a", &signing).await.expect(201);
    // A retry by the same application, even under another key, is the same loan; its credential opens it as well.
    let second = world.sign(&purchase, "b", &signing).await.expect(201);
    assert_eq!(first["loan_id"], second["loan_id"]);
    assert_ne!(first["capability"], second["capability"]);
    let path = format!("/v1/loans/{}", first["loan_id"].as_str().unwrap());
    for signed in [&first, &second] {
        world.get(&path, signed["capability"].as_str().unwrap()).await.expect(200);
    }
    world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.problem(409, "offer-used");
    world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.problem(409, "offer-used");
    assert_eq!(world.account("1110").await, 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_signatures_at_the_same_moment_make_one_loan() {
    let world = World::new().await;
    let (purchase, submitted) = approved(&world).await;
    let signing = world.signing(&submitted, "Ada Byron").to_string();
    let path = format!("/v1/applications/{}/sign", purchase.application);
    let world = std::sync::Arc::new(world);
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..20 {
        let (world, path, signing, capability) =
            (world.clone(), path.clone(), signing.clone(), purchase.capability.clone());
        tasks.spawn(async move {
            // Half of them share a key.
            let key = format!("key-{}", index.min(10));
            world.call("POST", &path, &capability, &[("idempotency-key", &key)], signing.as_bytes()).await
        });
    }
    let mut loans = std::collections::BTreeSet::new();
    while let Some(answer) = tasks.join_next().await {
        let answer = answer.unwrap();
        match answer.status {
            201 => {
                loans.insert(answer.json()["loan_id"].to_string());
            }
            409 => {
                answer.problem(409, "idempotency-in-flight");
            }
            other => panic!("{other}: {}", answer.json()),
        }
    }
    assert_eq!(loans.len(), 1);
    assert_eq!(world.account("1110").await, 50_000);
    assert_eq!(world.account("4030").await, 1_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_financed_once_whoever_applies() {
    let world = World::new().await;
    let checkout = world.checkout(50_000).await;
    let mut ready = Vec::new();
    for _ in 0..2 {
        let purchase = world.apply_for(checkout.clone(), &ADA, 50_000).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        ready.push((purchase, submitted));
    }
    world.sign(&ready[0].0, "a", &world.signing(&ready[0].1, "Ada Byron")).await.expect(201);
    let refused = world.sign(&ready[1].0, "b", &world.signing(&ready[1].1, "Ada Byron")).await;
    refused.problem(409, "checkout-financed");
}

/// A double click makes two checkouts of one order.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_financed_once_however_many_checkouts_it_has() {
    let world = World::new().await;
    let mut ready = Vec::new();
    for _ in 0..2 {
        let checkout = world.checkout_of("A-1", 50_000).await;
        let purchase = world.apply_for(checkout, &ADA, 50_000).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        ready.push((purchase, submitted));
    }
    world.sign(&ready[0].0, "a", &world.signing(&ready[0].1, "Ada Byron")).await.expect(201);
    let (purchase, submitted) = &ready[1];
    world.sign(purchase, "b", &world.signing(submitted, "Ada Byron")).await.problem(409, "checkout-financed");
    world.submit(purchase, &world.offer(purchase, "monthly-6")).await.problem(409, "checkout-financed");
    assert_eq!(world.account("1110").await, 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_agreement_that_was_read_can_be_signed_and_only_by_its_applicant() {
    let world = World::new().await;
    let (purchase, submitted) = approved(&world).await;
    let honest = world.signing(&submitted, "  ada   BYRON ");
    let with = |pointer: &str, value: Value| {
        let mut changed = honest.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let other_hash = with("/agreement_hash", json!("0".repeat(64)));
    world.sign(&purchase, "a", &other_hash).await.problem(422, "agreement-differs");
    let other_decision = with("/decision_id", json!(uuid::Uuid::new_v4().to_string()));
    world.sign(&purchase, "b", &other_decision).await.problem(422, "agreement-differs");
    world.sign(&purchase, "c", &with("/signature/name", json!("Charles Babbage"))).await.problem(422, "signature-name");
    let method = with("/signature/method", json!("thumb"));
    assert_eq!(world.sign(&purchase, "d", &method).await.status, 422);
    let path = format!("/v1/applications/{}/sign", purchase.application);
    world.post(&path, &purchase.capability, &honest).await.problem(400, "idempotency-key-missing");
    // A refusal is not kept: the same key may be tried again.
    world.sign(&purchase, "a", &honest).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_edge_records_must_be_what_the_server_decides() {
    let world = World::new().await;
    let checkout = world.checkout(50_000).await;
    let input = world.input(&ADA, 50_000).await;
    let (body, decision) = world.application_body(&checkout, &input);
    let post = async |body: &Value| world.post("/v1/applications", EDGE, body).await;

    let mut changed = body.clone();
    changed["decision"]["offers"][0]["total"] = json!(decision["offers"][0]["total"].as_i64().unwrap() - 1);
    let problem = post(&changed).await.problem(409, "decision-mismatch");
    assert_eq!(problem["pointer"], "/decision/offers/0/total");
    // Better evidence than was decided upon.
    let mut changed = body.clone();
    changed["input"]["evidence"]["standing"]["value"] = json!("weak");
    post(&changed).await.problem(409, "decision-mismatch");
    let mut changed = body.clone();
    changed["input"]["application"]["order"]["amount"] = json!(40_000);
    assert_eq!(post(&changed).await.problem(422, "invalid-value")["pointer"], "/input/application/order");
    let mut changed = body.clone();
    changed["input"]["today"] = json!("2026-01-01");
    assert_eq!(post(&changed).await.problem(422, "invalid-value")["pointer"], "/input/today");
    let mut changed = body.clone();
    changed["decision"]["bundle_hash"] = json!("0".repeat(64));
    post(&changed).await.problem(409, "bundle-unknown");
    let mut changed = body.clone();
    changed["offers"][0]["terms_hash"] = json!("0".repeat(64));
    assert_eq!(post(&changed).await.problem(422, "invalid-value")["pointer"], "/offers/0/terms_hash");
    let mut changed = body.clone();
    changed["consents"] = json!([]);
    assert_eq!(post(&changed).await.problem(422, "consent-missing")["purpose"], "credit_report");
    let mut changed = body.clone();
    changed["consents"][0]["text_hash"] = json!("0".repeat(64));
    post(&changed).await.problem(422, "invalid-value");
    let mut changed = body.clone();
    let token = checkout["token"].as_str().unwrap();
    changed["checkout_token"] = json!(format!("{}x", &token[..token.len() - 2]));
    post(&changed).await.problem(422, "checkout-token");
    world.post("/v1/applications", MERCHANT, &body).await.problem(403, "forbidden");

    post(&body).await.expect(201);
    // An offer's id that another application has.
    post(&body).await.problem(409, "offer-used");
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_an_earlier_bundle_hold_until_it_is_revoked() {
    let mut world = World::new().await;
    let (purchase, _) = approved(&world).await;
    let hash = world.bundle.hash().to_owned();
    // A new bundle comes into force; the old one is still known.
    let folder = world.folder.path().to_owned();
    std::fs::copy(folder.join("full.json"), folder.join("old.json")).unwrap();
    let mut next = crate::world::payload();
    next.version = "2".to_owned();
    let key = prequal_bundle::jwk::read_private(&folder.join("bundle.private.jwk"), Use::Bundle).unwrap();
    for (name, payload) in [("full.json", next.clone()), ("public.json", prequal_core::bundle::split(&next))] {
        let text = prequal_core::canonical::to_string(&payload).unwrap();
        std::fs::write(folder.join(name), prequal_bundle::envelope::sign(text.as_bytes(), &key)).unwrap();
    }
    world.restart().await;
    world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.problem(409, "bundle-unknown");
    world.config().bundle.previous = vec![folder.join("old.json")];
    world.restart().await;
    assert_eq!(world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.expect(200)["outcome"], "approved");
    world.config().bundle.revoked = [hash].into();
    world.restart().await;
    world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.problem(409, "bundle-revoked");
}
