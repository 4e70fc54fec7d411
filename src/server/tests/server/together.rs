//! Two servers on one database, one of them a process of its own: neither passes a limit nor books twice what the
//! other does at the same instant.

use std::sync::Arc;

use hyper::Method;
use prequal_server::http_client::HttpClient;
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Purchase},
    process::Process,
    world::{Answer, LENDER, World},
};

/// How many signings come at the same instant.
const SIGNINGS: usize = 50;
const PRICE: i64 = 50_000;

pub async fn post(base: &str, path: &str, bearer: &str, key: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {bearer}");
    let headers = [("authorization", authorization.as_str()), ("idempotency-key", key)];
    let url = format!("{base}{path}");
    let (status, bytes) =
        HttpClient::default().call(Method::POST, &url, &headers, body.to_string().into()).await.unwrap();
    Answer { status, bytes: bytes.to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_signings_at_once_on_two_servers_do_not_pass_the_ceiling() {
    let world = Arc::new(World::new().await);
    let other = Process::start(&world, "127.0.0.1:0");
    let ceiling = world.app().settings.exposure_max.minor();
    let mut ready: Vec<(Purchase, Value)> = Vec::new();
    for _ in 0..SIGNINGS {
        let purchase = world.apply(&ADA, PRICE).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        assert_eq!(submitted["outcome"], "approved");
        let signing = world.signing(&submitted, ADA.name);
        ready.push((purchase, signing));
    }
    let mut tasks = Vec::new();
    for (number, (purchase, signing)) in ready.into_iter().enumerate() {
        let base = if number % 2 == 0 { world.base.clone() } else { other.base.clone() };
        tasks.push(tokio::spawn(async move {
            let path = format!("/v1/applications/{}/sign", purchase.application);
            post(&base, &path, &purchase.capability, "once", &signing).await
        }));
    }
    let (mut booked, mut refused) = (0, 0);
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status {
            201 => booked += 1,
            409 => refused += 1,
            _ => panic!("{}", String::from_utf8_lossy(&answer.bytes)),
        }
    }
    assert_eq!((booked, refused), (ceiling / PRICE, i64::try_from(SIGNINGS).unwrap() - ceiling / PRICE));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_at_two_servers_at_once_has_one_effect_and_one_answer() {
    let world = Arc::new(World::new().await);
    let other = Process::start(&world, "127.0.0.1:0");
    let (_, loan, capability) = world.buy(&ADA, PRICE, "monthly-3").await;
    let path = format!("/v1/loans/{loan}/payments");
    let body = json!({ "amount": 7 });
    for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let (here, there) = tokio::join!(
            post(&world.base, &path, &capability, key, &body),
            post(&other.base, &path, &capability, key, &body),
        );
        here.expect(202);
        assert_eq!(here.bytes, there.bytes, "the same bytes from both");
    }
    let view = world
        .wait(&format!("/v1/loans/{loan}"), &capability, |loan| {
            let payments = loan["payments"].as_array().unwrap();
            payments.len() == 8 && payments.iter().all(|payment| payment["status"] == "cleared")
        })
        .await;
    assert_eq!(view["balance"]["principal"], PRICE - 8 * 7);
    let url = format!("{}/v1/ledger/trial-balance", other.base);
    let bearer = format!("Bearer {LENDER}");
    let headers = [("authorization", bearer.as_str())];
    let (status, bytes) = HttpClient::default().call(Method::GET, &url, &headers, Vec::new().into()).await.unwrap();
    assert_eq!(Answer { status, bytes: bytes.to_vec() }.expect(200)["balanced"], true);
}
