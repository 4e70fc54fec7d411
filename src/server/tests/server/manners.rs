//! What holds for every route: traces, limits, conditional requests, pages, and a document that says so.

use std::{collections::BTreeSet, net::SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use prequal_server::{
    config::Rate,
    http::{
        gate::{HEADERS_BYTES_MAX, URI_BYTES_MAX},
        page::PAGE_MAX,
    },
    keys::NOUNS,
    problem::Kind,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    actors::{ADA, Shopper, cart},
    world::{LENDER, MERCHANT, SECOND_LENDER, World},
};

/// An answer with its headers.
async fn exchange(
    world: &World,
    method: &str,
    path: &str,
    bearer: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Response<Bytes> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder().method(method).uri(format!("{}{path}", world.base));
    if !bearer.is_empty() {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let response = client.request(request.body(Full::new(body)).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn slug(response: &Response<Bytes>) -> String {
    let problem: Value = serde_json::from_slice(response.body()).unwrap();
    problem["type"].as_str().unwrap().trim_start_matches("urn:prequal:problem:").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_trace_and_goes_on_with_the_caller_s() {
    let world = World::new().await;
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for path in ["/healthz", "/v1/nothing", "/v1/ledger/entries"] {
        let answer = exchange(&world, "GET", path, "", &[("traceparent", theirs)], &Value::Null).await;
        assert_eq!(header(&answer, "x-request-id"), "4bf92f3577b34da6a3ce929d0e0e4736", "{path}");
        assert!(header(&answer, "traceparent").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert_ne!(header(&answer, "traceparent"), theirs, "the span is the server's own");
    }
    let wrong = exchange(&world, "GET", "/healthz", "", &[("traceparent", "ada@example.com")], &Value::Null).await;
    assert_eq!(header(&wrong, "x-request-id").len(), 32);
    let other = exchange(&world, "GET", "/healthz", "", &[], &Value::Null).await;
    assert_ne!(header(&wrong, "x-request-id"), header(&other, "x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_that_somebody_else_changed_is_not_changed_over_theirs() {
    let world = World::new().await;
    let path = format!("/v1/checkouts/{}", world.checkout(1_000).await["id"].as_str().unwrap());
    let read = exchange(&world, "GET", &path, MERCHANT, &[], &Value::Null).await;
    let first = header(&read, "etag").to_owned();
    assert!(first.starts_with('"') && first.ends_with('"'), "{first}");
    let change = async |tag: &str, amount: i64| {
        let body = json!({ "amount": amount, "cart": cart(amount) });
        exchange(&world, "PUT", &format!("{path}/cart"), MERCHANT, &[("if-match", tag)], &body).await
    };
    let changed = change(&first, 900).await;
    assert_eq!(changed.status(), 200);
    let second = header(&changed, "etag").to_owned();
    let lost = change(&first, 800).await;
    assert_eq!((lost.status().as_u16(), slug(&lost).as_str()), (412, "precondition-failed"));
    let now = exchange(&world, "GET", &path, MERCHANT, &[], &Value::Null).await;
    assert_eq!(header(&now, "etag"), second, "what a change answers is what is read afterwards");
    assert!(String::from_utf8_lossy(now.body()).contains("\"amount\":900"));
    let same = exchange(&world, "GET", &path, MERCHANT, &[("if-none-match", &second)], &Value::Null).await;
    assert_eq!((same.status().as_u16(), same.body().len()), (304, 0));
    let stale = exchange(&world, "GET", &path, MERCHANT, &[("if-none-match", &first)], &Value::Null).await;
    assert_eq!(stale.status(), 200);
    assert_eq!(change("*", 700).await.status(), 200);
    assert_eq!(change(&format!("\"x\", {second}"), 600).await.status(), 412);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_limits_that_two_lenders_set_on_what_they_read_the_second_is_refused() {
    let world = World::new().await;
    let line = world.grant(100_000).await;
    let path = format!("/v1/lines/{}", line.id);
    let read = exchange(&world, "GET", &path, LENDER, &[], &Value::Null).await;
    let first = header(&read, "etag").to_owned();
    let change = async |who: &str, what: &str, tag: &str, body: &Value| {
        let key = uuid::Uuid::new_v4().to_string();
        let headers = [("if-match", tag), ("idempotency-key", &*key)];
        exchange(&world, "POST", &format!("{path}/{what}"), who, &headers, body).await
    };
    let lowered = change(LENDER, "limit", &first, &json!({ "limit": 50_000 })).await;
    assert_eq!(lowered.status(), 200);
    let second = header(&lowered, "etag").to_owned();
    let lost = change(SECOND_LENDER, "limit", &first, &json!({ "limit": 200_000 })).await;
    assert_eq!((lost.status().as_u16(), slug(&lost).as_str()), (412, "precondition-failed"));
    assert_eq!(change(SECOND_LENDER, "freeze", &first, &Value::Null).await.status(), 412);
    let now = exchange(&world, "GET", &path, LENDER, &[], &Value::Null).await;
    assert_eq!(header(&now, "etag"), second, "what a change answers is what is read afterwards");
    let view: Value = serde_json::from_slice(now.body()).unwrap();
    assert_eq!((&view["limit"], &view["frozen"]), (&json!(50_000), &json!(false)));
    let frozen = change(SECOND_LENDER, "freeze", &second, &Value::Null).await;
    assert_eq!(frozen.status(), 200);
    assert_eq!(change(LENDER, "unfreeze", &second, &Value::Null).await.status(), 412);
    // A purchase that holds on the line changes it as well.
    let third = header(&frozen, "etag").to_owned();
    assert_eq!(change(LENDER, "unfreeze", &third, &Value::Null).await.status(), 200);
    let fourth = header(&exchange(&world, "GET", &path, LENDER, &[], &Value::Null).await, "etag").to_owned();
    world.buy_under(&line, 10_000).await.1.expect(201);
    assert_eq!(change(LENDER, "limit", &fourth, &json!({ "limit": 1 })).await.status(), 412);
    let same = exchange(&world, "GET", &path, LENDER, &[("if-none-match", &fourth)], &Value::Null).await;
    assert_eq!(same.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_captured_and_a_review_decided_as_they_were_read_or_not_at_all() {
    let world = World::new().await;
    let checkout = world.manual_checkout(50_000, 7).await;
    let purchase = world.apply_for(checkout, &ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
    let path = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
    let tag = header(&exchange(&world, "GET", &path, MERCHANT, &[], &Value::Null).await, "etag").to_owned();
    let change = async |what: &str, tag: &str, body: &Value| {
        let key = uuid::Uuid::new_v4().to_string();
        let headers = [("if-match", tag), ("idempotency-key", &*key)];
        exchange(&world, "POST", &format!("{path}/{what}"), MERCHANT, &headers, body).await
    };
    assert_eq!(change("captures", &tag, &json!({ "amount": 20_000 })).await.status(), 201);
    // Whoever read it before the first capture neither captures the same goods again nor voids what is left.
    let lost = change("captures", &tag, &json!({ "amount": 20_000 })).await;
    assert_eq!((lost.status().as_u16(), slug(&lost).as_str()), (412, "precondition-failed"));
    assert_eq!(change("void", &tag, &Value::Null).await.status(), 412);
    let foreign = exchange(
        &world,
        "POST",
        &format!("{path}/void"),
        crate::world::OTHER_MERCHANT,
        &[("if-match", &tag), ("idempotency-key", "f")],
        &Value::Null,
    )
    .await;
    assert_eq!(foreign.status(), 404, "and nobody else is told its tag");

    let weak = Shopper { standing: "weak", email: "bob@example.com", phone: "+12125550177", name: "Bob Smith" };
    world.apply(&weak, 50_000).await;
    let review = world.get("/v1/reviews", LENDER).await.expect(200)["reviews"][0].clone();
    let path = format!("/v1/reviews/{}/decisions", review["id"].as_str().unwrap());
    let decide = async |who: &str, tag: &str, verdict: &Value| {
        exchange(&world, "POST", &path, who, &[("if-match", tag)], verdict).await
    };
    let read = review["etag"].as_str().unwrap();
    let approved = decide(LENDER, read, &json!({ "verdict": "approve" })).await;
    assert_eq!(approved.status(), 200);
    let decline = json!({ "verdict": "decline", "reasons": ["R01"] });
    assert_eq!(decide(SECOND_LENDER, read, &decline).await.status(), 412, "who has not seen the approval");
    let now = header(&approved, "etag").to_owned();
    assert_eq!(decide(SECOND_LENDER, &now, &decline).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_corrections_of_what_was_read_the_second_is_refused() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let found = world.post("/v1/persons/search", LENDER, &json!({ "kind": "email", "value": ADA.email })).await;
    let path = format!("/v1/persons/{}", found.expect(200)["persons"][0].as_str().unwrap());
    let tag = header(&exchange(&world, "GET", &path, LENDER, &[], &Value::Null).await, "etag").to_owned();
    let correct = async |tag: &str, name: &str| {
        let body = json!({ "name": name });
        let key = uuid::Uuid::new_v4().to_string();
        let headers = [("if-match", tag), ("idempotency-key", &*key)];
        exchange(&world, "POST", &format!("{path}/corrections"), LENDER, &headers, &body).await
    };
    let done = correct(&tag, "Ada King").await;
    assert_eq!(done.status(), 201);
    assert_eq!(correct(&tag, "Ada Lovelace").await.status(), 412);
    let next = header(&done, "etag").to_owned();
    assert_eq!(correct(&next, "Ada Lovelace").await.status(), 201);
    // A loan that stands as it stood is not sent again; one that was paid on is.
    let path = format!("/v1/loans/{loan}");
    let tag = header(&exchange(&world, "GET", &path, &capability, &[], &Value::Null).await, "etag").to_owned();
    let again = exchange(&world, "GET", &path, &capability, &[("if-none-match", &tag)], &Value::Null).await;
    assert_eq!(again.status(), 304);
    world.pay(&loan, &capability, 100).await;
    let again = exchange(&world, "GET", &path, &capability, &[("if-none-match", &tag)], &Value::Null).await;
    assert_eq!(again.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_where_they_ended_and_refuse_what_is_no_cursor_of_theirs() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    for _ in 0..3 {
        world.pay(&loan, &capability, 100).await;
    }
    let whole = world.get("/v1/ledger/entries", LENDER).await.expect(200);
    let whole = whole["entries"].as_array().unwrap().clone();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/v1/ledger/entries?limit=2{cursor}"), LENDER).await.expect(200);
        let entries = page["entries"].as_array().unwrap();
        assert!((1..=2).contains(&entries.len()));
        seen.extend(entries.iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        assert!(!whole.iter().any(|entry| next.contains(entry["id"].as_str().unwrap())), "opaque");
        let other = world.get(&format!("/v1/decisions?cursor={next}"), LENDER).await;
        other.problem(400, "bad-request");
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, whole, "everything once and in order");
    for list in ["/v1/ledger/entries", "/v1/ledger/suspense", "/v1/notices", "/v1/decisions"] {
        for wrong in ["cursor=x", "cursor=", "limit=0", &format!("limit={}", PAGE_MAX + 1), "limit=-1", "page=2"] {
            world.get(&format!("{list}?{wrong}"), LENDER).await.problem(400, "bad-request");
        }
        world.get(&format!("{list}?limit={PAGE_MAX}"), LENDER).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_is_told_when_to_come_again() {
    let mut world = World::new().await;
    let slow = Rate { per_second: 1, burst: 3 };
    world.config().rate_limits.key = slow;
    world.config().rate_limits.address = Rate { per_second: 1, burst: 5 };
    world.restart().await;
    let ask = async |bearer: &str| exchange(&world, "GET", "/v1/nothing", bearer, &[], &Value::Null).await;
    let mut left = Vec::new();
    for _ in 0..3 {
        let answer = ask(MERCHANT).await;
        assert_eq!(answer.status(), 404);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"key\";q=3;w=3");
        left.push(header(&answer, "ratelimit").to_owned());
    }
    assert!(left[0].starts_with("\"key\";r=2;") && left[2].starts_with("\"key\";r=0;"), "{left:?}");
    let refused = ask(MERCHANT).await;
    assert_eq!((refused.status().as_u16(), slug(&refused).as_str()), (429, "rate-limited"));
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert_eq!(wait, 1);
    // Another key is another bucket, and so is the address of whoever has none.
    assert_eq!(ask(LENDER).await.status(), 404);
    let unknown: Vec<u16> = [ask("mk_guess-1").await, ask("mk_guess-2").await, ask("").await, ask("cap_1").await]
        .iter()
        .map(|answer| answer.status().as_u16())
        .collect();
    assert_eq!(unknown, [404, 404, 404, 404]);
    assert_eq!(ask("mk_guess-3").await.status(), 404);
    let guess = ask("mk_guess-4").await;
    assert_eq!(guess.status(), 429, "guessing keys is limited by address");
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    assert_eq!(ask(MERCHANT).await.status(), 404);
    // The provider's notices are signed, and money is always taken.
    for _ in 0..8 {
        let answer = exchange(&world, "POST", "/v1/webhooks/payments", "", &[], &json!({})).await;
        assert_eq!(answer.status(), 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_headers_have_a_longest_length() {
    let world = World::new().await;
    let at = |length: usize| format!("/{}", "x".repeat(length - 1));
    let fits = exchange(&world, "GET", &at(URI_BYTES_MAX), "", &[], &Value::Null).await;
    assert_eq!(fits.status(), 404);
    let long = exchange(&world, "GET", &at(URI_BYTES_MAX + 1), "", &[], &Value::Null).await;
    assert_eq!((long.status().as_u16(), slug(&long).as_str()), (414, "uri-too-long"));
    let large = "x".repeat(HEADERS_BYTES_MAX);
    let answer = exchange(&world, "GET", "/healthz", "", &[("x-note", &large)], &Value::Null).await;
    assert_eq!((answer.status().as_u16(), slug(&answer).as_str()), (431, "headers-too-large"));
    // What is no HTTP at all ends the connection and nothing else.
    let address: SocketAddr = world.address().parse().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x00\xff not http\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    world.get("/healthz", "").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_every_operation_once_and_every_problem() {
    let world = World::new().await;
    let document = world.get("/openapi.json", "").await.expect(200);
    let problem = &document["components"]["responses"]["ProblemDocument"]["content"]["application/problem+json"];
    let types = &problem["schema"]["properties"]["type"]["enum"];
    assert_eq!(types.as_array().unwrap().len(), Kind::ALL.len());
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if let Some(noun) = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next()) {
            assert!(NOUNS.contains(&noun), "`{noun}` is no noun of scopes");
        }
        for (method, operation) in item.as_object().unwrap() {
            let Some(responses) = operation["responses"].as_object() else { continue };
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "`{name}` stands twice");
            let exact = responses.keys().all(|status| status.parse::<u16>().is_ok());
            assert!(exact && responses.contains_key("429") && responses.contains_key("503"), "{method} {path}");
            let body = operation["requestBody"].is_object();
            assert_eq!(responses.contains_key("413"), body, "{method} {path}");
            assert_eq!(responses.contains_key("415"), body, "{method} {path}");
        }
    }
    let cart = &document["paths"]["/v1/checkouts/{id}/cart"]["put"]["responses"];
    assert!(cart["412"].is_object() && cart["200"]["headers"]["ETag"].is_object());
    assert!(document["paths"]["/v1/loans/{id}"]["get"]["responses"]["304"].is_object());
}
