//! Many clients that repeat what they send, some of it at the same time, and do not wait for every reply: each
//! request has exactly one effect, and whoever asks again is given the same bytes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hyper::Method;
use prequal_server::http_client::HttpClient;
use serde_json::{Value, json};

use crate::{
    actors::Shopper,
    world::{Answer, LENDER, World},
};

const CLIENTS: usize = 64;
/// How many requests are sent; `cargo xtask verify server` sends 100,000.
const REQUESTS: &str = "PREQUAL_STORM_REQUESTS";
const REQUESTS_SHORT: usize = 640;
/// How many different requests one loan gets.
const ON_ONE_LOAN_MAX: usize = 500;

/// A loan that is paid off cent by cent.
#[derive(Clone)]
struct Target {
    path: String,
    capability: String,
}

/// The same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX generator; its high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// One different request: where to, under which key, and how much.
#[derive(Clone)]
struct Request {
    target: usize,
    key: String,
    amount: i64,
}

async fn send(client: &HttpClient, base: &str, target: &Target, request: &Request) -> Option<Answer> {
    let bearer = format!("Bearer {}", target.capability);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", request.key.as_str())];
    let body = json!({ "amount": request.amount }).to_string();
    let url = format!("{base}{}/payments", target.path);
    let (status, bytes) = client.call(Method::POST, &url, &headers, body.into()).await.ok()?;
    Some(Answer { status, bytes: bytes.to_vec() })
}

/// Sends until it is answered by more than "in flight".
async fn insist(client: &HttpClient, base: &str, target: &Target, request: &Request) -> Answer {
    for _ in 0..2_000 {
        match send(client, base, target, request).await {
            Some(answer) if answer.status != 409 && answer.status != 503 => return answer,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    panic!("`{}` is never answered", request.key)
}

/// One client: a third of what it sends was sent before, by it or at this moment by itself; gives every answer.
async fn client(number: usize, count: usize, base: String, targets: Arc<Vec<Target>>) -> Vec<(Request, Vec<u8>)> {
    let http = HttpClient::default();
    let mut chance = Chance(number as u64 + 1);
    let mut sent: Vec<Request> = Vec::new();
    let mut answers = Vec::new();
    while answers.len() < count {
        let again = !sent.is_empty() && chance.below(3) == 0;
        let request = if again {
            sent[usize::try_from(chance.below(sent.len() as u64)).unwrap()].clone()
        } else {
            let place = number + CLIENTS * sent.len();
            let amount = 1 + i64::try_from(chance.below(3)).unwrap();
            Request { target: place % targets.len(), key: format!("{number}-{}", sent.len()), amount }
        };
        let target = &targets[request.target];
        match chance.below(4) {
            // The reply is not waited for: the connection is closed while the server works, or before.
            0 => {
                let impatient = Duration::from_micros(chance.below(4_000));
                let dropped = HttpClient::default();
                let _ = tokio::time::timeout(impatient, send(&dropped, &base, target, &request)).await;
            }
            // Twice at the same time.
            1 => {
                let (one, other) =
                    tokio::join!(insist(&http, &base, target, &request), insist(&http, &base, target, &request));
                assert_eq!(one.bytes, other.bytes, "two at once are answered alike");
            }
            _ => {}
        }
        let answer = insist(&http, &base, target, &request).await;
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.bytes));
        answers.push((request.clone(), answer.bytes));
        if !again {
            sent.push(request);
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_of_a_storm_has_one_effect_and_one_answer() {
    let requests: usize = std::env::var(REQUESTS).map_or(REQUESTS_SHORT, |text| text.parse().unwrap());
    let world = World::new().await;
    let mut targets = Vec::new();
    for number in 0..requests.div_ceil(ON_ONE_LOAN_MAX).max(4) {
        let email: &'static str = format!("shopper{number}@example.com").leak();
        let phone: &'static str = format!("+1212555{number:04}").leak();
        let shopper = Shopper { name: "Ada Byron", email, phone, standing: "good" };
        let (_, loan, capability) = world.buy(&shopper, 50_000, "monthly-3").await;
        targets.push(Target { path: format!("/v1/loans/{loan}"), capability });
    }
    let targets = Arc::new(targets);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(client(number, requests.div_ceil(CLIENTS), world.base.clone(), targets.clone())))
        .collect();
    // What each loan must have got, and what each key was answered.
    let mut expected: Vec<BTreeMap<String, i64>> = vec![BTreeMap::new(); targets.len()];
    let mut answered: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut count = 0;
    for task in clients {
        for (request, bytes) in task.await.unwrap() {
            count += 1;
            let first = answered.entry(request.key).or_insert_with(|| bytes.clone());
            assert_eq!(*first, bytes, "a replay is the same bytes");
            let payment: Value = serde_json::from_slice(&bytes).unwrap();
            let id = payment["payment_id"].as_str().unwrap().to_owned();
            expected[request.target].insert(id, request.amount);
        }
    }
    assert!(count >= requests);
    assert_eq!(expected.iter().map(BTreeMap::len).sum::<usize>(), answered.len(), "every key is a payment of its own");
    for (target, expected) in targets.iter().zip(&expected) {
        let view = settle(&world, target, expected.len()).await;
        let found: BTreeMap<String, i64> = view["payments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|payment| (payment["id"].as_str().unwrap().to_owned(), payment["amount"].as_i64().unwrap()))
            .collect();
        assert_eq!(&found, expected, "each is there once, with its amount, and nothing else is");
        assert_eq!(view["balance"]["principal"], 50_000 - expected.values().sum::<i64>());
    }
    world.verify().await;
    println!("{count} requests, {} different ones, on {} loans", answered.len(), targets.len());
}

/// Waits until the provider has told of every payment of a loan, however long that takes as long as it goes on.
async fn settle(world: &World, target: &Target, count: usize) -> Value {
    let (mut last, mut idle) = (usize::MAX, 0);
    loop {
        let view = world.get(&target.path, LENDER).await.expect(200);
        let payments = view["payments"].as_array().unwrap();
        let open = payments.iter().filter(|payment| payment["status"] != "cleared").count();
        if open == 0 && payments.len() == count {
            return view;
        }
        idle = if open == last { idle + 1 } else { 0 };
        assert!(idle < 600, "{open} of {} payments stay open", payments.len());
        last = open;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
