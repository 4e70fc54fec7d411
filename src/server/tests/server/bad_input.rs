//! Input that nobody should send: each is a clear problem document, and loses nothing.

use serde_json::{Value, json};

use crate::actors::{ADA, cart};
use crate::world::{EDGE, LENDER, MERCHANT, World};

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_refused_with_an_answer() {
    let world = World::new().await;
    let body = format!("{{\"merchant_order\":\"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let answer = world.call("POST", "/v1/checkouts", MERCHANT, &[], body.as_bytes()).await;
    assert_eq!(answer.problem(413, "body-too-large")["limit_bytes"], 262_144);
    world.checkout(1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_shape_is_told_with_a_pointer() {
    let world = World::new().await;
    let honest = json!({ "merchant_order": "A-1", "amount": 1_000, "currency": "USD", "cart": cart(1_000) });
    for (pointer, value, at) in [
        ("/amount", json!("1000"), "/amount"),
        ("/amount", json!(1000.5), "/amount"),
        ("/amount", json!(-1), "/amount"),
        ("/amount", json!(9_007_199_254_740_992_i64), "/amount"),
        ("/amount", json!(1e300), "/amount"),
        ("/amount", Value::Null, "/amount"),
        ("/currency", json!("usd"), "/currency"),
        ("/currency", json!("XYZ"), "/currency"),
        ("/cart", json!({}), "/cart"),
        ("/cart/0", json!([]), "/cart/0"),
        ("/cart/0", json!(["A camera", 1, "camera", 1_000]), "/cart/0"),
        ("/cart/0/quantity", json!(-1), "/cart/0/quantity"),
        ("/cart/0/quantity", json!(4_294_967_296_i64), "/cart/0/quantity"),
        ("/cart/0/unit_amount", json!(true), "/cart/0/unit_amount"),
        ("/merchant_order", json!(["A"]), "/merchant_order"),
    ] {
        let mut body = honest.clone();
        *body.pointer_mut(pointer).unwrap() = value.clone();
        let problem = world.post("/v1/checkouts", MERCHANT, &body).await.problem(422, "invalid-body");
        assert_eq!(problem["pointer"], at, "{value}");
        let detail = problem["detail"].as_str().unwrap();
        for type_name in ["i64", "u32", "NewCheckout", "CartLine", "struct"] {
            assert!(!detail.contains(type_name), "{detail}");
        }
    }
    let mut body = honest.clone();
    body["cart"][0]["colour"] = json!("red");
    let problem = world.post("/v1/checkouts", MERCHANT, &body).await.problem(422, "invalid-body");
    assert_eq!(problem["pointer"], "/cart/0/colour");
    body = honest.clone();
    body["discount"] = json!(1);
    let problem = world.post("/v1/checkouts", MERCHANT, &body).await.problem(422, "invalid-body");
    assert_eq!(problem["pointer"], "/discount");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_must_be_what_it_says() {
    let world = World::new().await;
    let honest = json!({ "merchant_order": "A-1", "amount": 1_000, "currency": "USD", "cart": cart(1_000) });
    for (pointer, value, at) in [
        ("/amount", json!(999), "/amount"),
        ("/amount", json!(0), "/amount"),
        ("/cart", json!([]), "/cart"),
        ("/cart", json!(vec![cart(10)[0].clone(); 101]), "/cart"),
        ("/cart/0/quantity", json!(0), "/cart/0/quantity"),
        ("/cart/0/name", json!(""), "/cart/0/name"),
        ("/cart/0/sku", json!("s".repeat(201)), "/cart/0/sku"),
        (
            "/cart/0",
            json!({ "sku": "s", "name": "n", "quantity": 1_000_000, "unit_amount": 9_007_199_254_740_991_i64 }),
            "/cart",
        ),
        ("/merchant_order", json!(""), "/merchant_order"),
        // Orders are neither sealed nor erased, so nothing personal fits.
        ("/merchant_order", json!("Ada Byron"), "/merchant_order"),
        ("/merchant_order", json!("ada@example.com"), "/merchant_order"),
        ("/merchant_order", json!("Bestellung-Müller"), "/merchant_order"),
        ("/merchant_order", json!("1".repeat(65)), "/merchant_order"),
        ("/currency", json!("EUR"), "/currency"),
    ] {
        let mut body = honest.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let problem = world.post("/v1/checkouts", MERCHANT, &body).await.problem(422, "invalid-value");
        assert_eq!(problem["pointer"], at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_or_no_route_is_a_problem_document_too() {
    let world = World::new().await;
    for body in ["", "{", "[1,", "\u{feff}{}", "nul"] {
        let answer = world
            .call("POST", "/v1/checkouts", MERCHANT, &[("content-type", "application/json")], body.as_bytes())
            .await;
        answer.problem(400, "malformed-json");
    }
    let deep = "[".repeat(100_000);
    world.call("POST", "/v1/checkouts", MERCHANT, &[], deep.as_bytes()).await.problem(422, "invalid-body");
    let headers = [("content-type", "text/plain")];
    let answer = world.call("POST", "/v1/webhooks/payments", "", &headers, b"").await;
    answer.problem(415, "unsupported-media-type");
    world.get("/v1/nothing", MERCHANT).await.problem(404, "not-found");
    world.get("/v1/loans/../../etc/passwd", MERCHANT).await.problem(404, "not-found");
    world.get("/v1/loans/not-an-id", LENDER).await.problem(404, "not-found");
    world.call("DELETE", "/v1/checkouts", MERCHANT, &[], b"").await.problem(405, "method-not-allowed");
    world.get("/v1/ledger/entries?page=2", LENDER).await.problem(400, "bad-request");
    world.get("/v1/ledger/entries?loan='%20OR%201=1", LENDER).await.problem(400, "bad-request");
    world.post("/v1/checkouts", "", &json!({})).await.problem(401, "unauthorized");
    world.post("/v1/checkouts", &"x".repeat(300), &json!({})).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_unknown_or_wrong_parts_is_refused() {
    let world = World::new().await;
    let checkout = world.checkout(50_000).await;
    let input = world.input(&ADA, 50_000).await;
    let (honest, _) = world.application_body(&checkout, &input);
    for (pointer, name, value) in [
        ("", "note", json!("x")),
        ("/input", "note", json!("x")),
        ("/input/application", "note", json!("x")),
        ("/input/application/order", "discount", json!(1)),
        ("/input/evidence/standing", "note", json!("x")),
        ("/offers/0", "jws", json!("x")),
        ("/consents/0", "note", json!("x")),
    ] {
        let mut body = honest.clone();
        body.pointer_mut(pointer).unwrap()[name] = value;
        world.post("/v1/applications", EDGE, &body).await.problem(422, "invalid-body");
    }
    let mut body = honest.clone();
    body["input"]["application"]["fields"]["shoe_size"] = json!(42);
    let problem = world.post("/v1/applications", EDGE, &body).await.problem(422, "invalid-value");
    assert!(problem["detail"].as_str().unwrap().contains("`shoe_size`"), "{problem}");
    let mut body = honest;
    body["input"]["salt"] = json!("00");
    world.post("/v1/applications", EDGE, &body).await.problem(422, "invalid-body");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_describes_itself() {
    let world = World::new().await;
    let document = world.get("/openapi.json", "").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/v1/checkouts",
        "/v1/checkouts/{id}",
        "/v1/checkouts/{id}/cart",
        "/v1/orders/{checkout_id}",
        "/v1/applications",
        "/v1/applications/{id}",
        "/v1/applications/{id}/submit",
        "/v1/applications/{id}/sign",
        "/v1/loans/{id}",
        "/v1/loans/{id}/payoff",
        "/v1/loans/{id}/statement",
        "/v1/loans/{id}/agreement",
        "/v1/loans/{id}/payments",
        "/v1/webhooks/payments",
        "/v1/ledger/trial-balance",
        "/v1/ledger/entries",
        "/v1/sandbox/clock",
        "/v1/bundle/public",
        "/.well-known/jwks.json",
        "/healthz",
    ] {
        assert!(paths.contains_key(path), "{path} is not described");
    }
    let keys = world.get("/.well-known/jwks.json", "").await.expect(200);
    let kids: Vec<&str> = keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert!(kids.contains(&world.offer_key.public.kid.as_str()));
    assert!(!keys.to_string().contains("\"d\""), "no private half");
    let public = world.get("/v1/bundle/public", "").await;
    assert_eq!(public.bytes, std::fs::read(world.folder.path().join("public.json")).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_configured_origins_may_call_the_routes_of_shoppers_and_no_others() {
    let world = World::new().await;
    let allowed = async |path: &str, origin: &str| {
        use hyper_util::{client::legacy::Client, rt::TokioExecutor};
        let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<bytes::Bytes>>();
        let request = hyper::Request::builder()
            .method("OPTIONS")
            .uri(format!("{}{path}", world.base))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,idempotency-key")
            .body(http_body_util::Empty::new())
            .unwrap();
        let response = client.request(request).await.unwrap();
        response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    let id = uuid::Uuid::new_v4();
    let shop = "http://shop.example";
    assert_eq!(allowed(&format!("/v1/applications/{id}/submit"), shop).await.as_deref(), Some(shop));
    assert_eq!(allowed(&format!("/v1/loans/{id}/payments"), shop).await.as_deref(), Some(shop));
    assert_eq!(allowed(&format!("/v1/loans/{id}/payments"), "http://evil.example").await, None);
    assert_eq!(allowed("/v1/checkouts", shop).await, None);
    assert_eq!(allowed("/v1/bundle/public", "http://any.example").await.as_deref(), Some("*"));
}

/// Serde's derived code takes `[100]` for `{"amount": 100}`.
#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_never_taken_for_an_object() {
    let world = World::new().await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let pay = format!("/v1/loans/{loan}/payments");
    let problem = world.post_once(&pay, &capability, "a", &json!([100])).await.problem(422, "invalid-body");
    assert_eq!(problem["pointer"], "");
    assert!(!problem["detail"].as_str().unwrap().contains("NewPayment"), "{problem}");
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    assert_eq!(view["payments"], json!([]));
    let order = json!(["A-1", 1_000, "USD", cart(1_000)]);
    world.post("/v1/checkouts", MERCHANT, &order).await.problem(422, "invalid-body");
    let sign = format!("/v1/applications/{}/sign", purchase.application);
    let signing = json!({ "decision_id": "x", "agreement_hash": "x", "signature": ["typed_name", "Ada Byron"] });
    let problem = world.post_once(&sign, &purchase.capability, "b", &signing).await.problem(422, "invalid-body");
    assert_eq!(problem["pointer"], "/signature");
    let clock = world.call("PUT", "/v1/sandbox/clock", LENDER, &[], b"[\"2030-01-01T00:00:00Z\"]").await;
    clock.problem(422, "invalid-body");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_s_clock_stays_where_everything_can_be_counted() {
    let world = World::new().await;
    for now in ["2999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "1999-12-31T23:59:59Z"] {
        let body = json!({ "now": now }).to_string();
        let answer = world.call("PUT", "/v1/sandbox/clock", LENDER, &[], body.as_bytes()).await;
        assert_eq!(answer.problem(422, "invalid-value")["pointer"], "/now");
    }
    world.set_date("2199-12-31").await;
    world.checkout(1_000).await;
}
