//! What merchants' and the lender's own systems are told (Standard Webhooks 1.0.0): by whom it was said, once more
//! when it was missed, and to nobody else.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    actors::{ADA, Shopper},
    world::{EDGE, LENDER, MERCHANT, OTHER_MERCHANT, World},
};

/// A message as it came in.
#[derive(Debug, Clone)]
pub struct Message {
    id: String,
    timestamp: String,
    signatures: String,
    body: String,
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The specification's signature scheme in other words than the server's: `{id}.{timestamp}.{payload}`; `v1` is
    /// HMAC-SHA256 under what `whsec_` encodes, `v1a` is Ed25519 under what `whpk_` encodes; gives which schemes hold.
    fn schemes(&self, keys: &Value) -> Vec<&'static str> {
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let bytes = |name: &str, prefix: &str| {
            STANDARD.decode(keys[name].as_str().unwrap().strip_prefix(prefix).unwrap()).unwrap()
        };
        let (secret, public) = (bytes("secret", "whsec_"), bytes("public_key", "whpk_"));
        let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
        let mut holding = Vec::new();
        for one in self.signatures.split(' ') {
            let (scheme, signature) = one.split_once(',').unwrap();
            let signature = STANDARD.decode(signature).unwrap();
            match scheme {
                "v1" => {
                    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
                    mac.update(signed.as_bytes());
                    holding.extend(mac.verify_slice(&signature).is_ok().then_some("v1"));
                }
                "v1a" => {
                    let signature = Signature::from_slice(&signature).unwrap();
                    holding.extend(public.verify(signed.as_bytes(), &signature).is_ok().then_some("v1a"));
                }
                other => panic!("an unknown scheme `{other}`"),
            }
        }
        holding
    }
}

/// Somebody's system that is told.
#[derive(Clone)]
pub struct Receiver {
    url: String,
    came: Arc<Mutex<Vec<Message>>>,
    answer: Arc<Mutex<u16>>,
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    receiver.came.lock().unwrap().push(Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let status = StatusCode::from_u16(*receiver.answer.lock().unwrap()).unwrap();
    (status, [(header::LOCATION, format!("{}/elsewhere", receiver.url))]).into_response()
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { url, came: Arc::default(), answer: Arc::new(Mutex::new(204)) };
        let router = Router::new().route("/", post(take)).route("/elsewhere", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn answer(&self, status: u16) {
        *self.answer.lock().unwrap() = status;
    }

    fn came(&self) -> Vec<Message> {
        self.came.lock().unwrap().clone()
    }

    /// Waits until so many messages came.
    pub async fn wait(&self, count: usize) -> Vec<Message> {
        for _ in 0..400 {
            if self.came().len() >= count {
                return self.came();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{count} messages never came: {:?}", self.came());
    }

    fn types(&self) -> BTreeSet<String> {
        self.came().iter().map(|message| message.json()["type"].as_str().unwrap().to_owned()).collect()
    }
}

impl World {
    pub async fn listen(&self, bearer: &str, receiver: &Receiver, events: &[&str]) -> Value {
        let mut body = json!({ "url": receiver.url });
        if !events.is_empty() {
            body["events"] = json!(events);
        }
        self.post("/v1/webhooks", bearer, &body).await.expect(201)
    }

    async fn deliveries(&self, endpoint: &Value, status: &str) -> Vec<Value> {
        let path = format!("/v1/webhooks/{}/deliveries?status={status}", endpoint["id"].as_str().unwrap());
        self.get(&path, MERCHANT).await.expect(200)["deliveries"].as_array().unwrap().clone()
    }

    async fn wait_for_deliveries(&self, endpoint: &Value, status: &str, count: usize) -> Vec<Value> {
        for _ in 0..400 {
            let found = self.deliveries(endpoint, status).await;
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{count} are never {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_is_told_of_its_own_sales_and_the_lender_of_everything_signed_by_both_schemes() {
    let world = World::new().await;
    let (shop, other, lender) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let keys = world.listen(MERCHANT, &shop, &["loan.booked", "payout.settled"]).await;
    world.listen(OTHER_MERCHANT, &other, &[]).await;
    let lender_keys = world.listen(LENDER, &lender, &[]).await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 50_000).await;
    let came = shop.wait(2).await;
    for message in &came {
        assert_eq!(message.schemes(&keys), ["v1", "v1a"]);
        assert!(message.schemes(&lender_keys).is_empty(), "every endpoint has keys of its own");
        let said = message.json();
        assert_eq!(
            (&said["data"]["loan_id"], said["data"]["checkout_id"].clone()),
            (&json!(loan), purchase.checkout["id"].clone())
        );
        let at: i64 = message.timestamp.parse().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!((now as i64 - at).abs() < 60 && !message.id.contains('.'));
        let mut changed = message.clone();
        changed.body = changed.body.replace("50000", "50001");
        changed.timestamp.push('0');
        assert!(changed.schemes(&keys).is_empty());
    }
    let lender_s = lender.wait(4).await;
    let expected = ["loan.booked", "loan.settled", "payout.settled", "repayment.cleared"];
    assert_eq!(lender.types(), expected.map(str::to_owned).into());
    let ids: BTreeSet<&str> = lender_s.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids.len(), lender_s.len(), "each was sent once");
    assert_eq!(shop.types(), ["loan.booked", "payout.settled"].map(str::to_owned).into());
    assert!(other.came().is_empty());
    // A decline is told without its reasons.
    let bad = Shopper { name: "Bob Smith", email: "bob@example.com", phone: "+12125550777", standing: "bad" };
    let everything = Receiver::start().await;
    world.listen(MERCHANT, &everything, &["decision.declined", "decision.referred"]).await;
    let declined = world.apply(&bad, 50_000).await;
    assert_eq!(declined.decision["outcome"], "declined");
    let told = everything.wait(1).await[0].json();
    let members: Vec<&str> = told["data"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((told["type"].clone(), members), (json!("decision.declined"), vec!["application_id", "checkout_id"]));
    for message in shop.came().iter().chain(&lender.came()).chain(&everything.came()) {
        for canary in ["Ada", "ada@", "5550123", "Bob", "bob@"] {
            assert!(!message.body.contains(canary), "{}", message.body);
        }
    }
    // Neither secret nor private key can be read from the disk.
    let secret = STANDARD.decode(keys["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
    for (name, bytes) in world.stored() {
        assert!(!bytes.windows(32).any(|window| window == secret), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_secret_signs_beside_the_new_one_for_its_time_and_then_no_more() {
    let mut world = World::new().await;
    world.config().webhooks.rotation_seconds = 3;
    world.restart().await;
    let shop = Receiver::start().await;
    let old = world.listen(MERCHANT, &shop, &["loan.booked"]).await;
    let path = format!("/v1/webhooks/{}/secret", old["id"].as_str().unwrap());
    let new = world.call("POST", &path, MERCHANT, &[], b"").await.expect(201);
    let rotated = std::time::Instant::now();
    assert_ne!((&old["secret"], &old["public_key"]), (&new["secret"], &new["public_key"]));
    world.buy(&ADA, 40_000, "monthly-3").await;
    let message = shop.wait(1).await[0].clone();
    assert!(rotated.elapsed() < Duration::from_secs(3), "the machine is too slow for this claim");
    assert_eq!((message.schemes(&old), message.schemes(&new)), (vec!["v1", "v1a"], vec!["v1", "v1a"]));
    for _ in 0..2 {
        world.call("POST", &path, MERCHANT, &[], b"").await.expect(201);
    }
    world.call("POST", &path, MERCHANT, &[], b"").await.problem(429, "too-many");
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    let delivered = world.wait_for_deliveries(&old, "delivered", 1).await;
    let replays = format!("/v1/webhooks/{}/replays", old["id"].as_str().unwrap());
    world.post(&replays, MERCHANT, &json!({ "delivery_id": delivered[0]["id"] })).await.expect(202);
    let again = shop.wait(2).await[1].clone();
    assert_eq!(again.id, message.id, "the receiver knows it again");
    assert!(again.schemes(&old).is_empty() && again.schemes(&new).is_empty());
    assert_eq!(again.signatures.split(' ').count(), 2, "one pair of keys is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_tried_again_given_up_and_sent_again_when_asked() {
    let mut world = World::new().await;
    world.config().webhooks.retry_seconds = vec![1, 1];
    world.restart().await;
    let shop = Receiver::start().await;
    shop.answer(307);
    let endpoint = world.listen(MERCHANT, &shop, &["loan.booked", "payout.settled"]).await;
    world.buy(&ADA, 50_000, "monthly-3").await;
    let dead = world.wait_for_deliveries(&endpoint, "dead", 2).await;
    assert_eq!((&dead[0]["attempts"], &dead[0]["last_error"]), (&json!(3), &json!("status 307")));
    // Three attempts of each, and none where the redirect led to.
    let came = shop.came();
    assert_eq!(came.len(), 6, "{came:?}");
    let replays = format!("/v1/webhooks/{}/replays", endpoint["id"].as_str().unwrap());
    shop.answer(204);
    world.post(&replays, MERCHANT, &json!({ "delivery_id": dead[0]["id"] })).await.expect(202);
    shop.wait(7).await;
    let range = json!({ "from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z" });
    world.wait_for_deliveries(&endpoint, "delivered", 1).await;
    assert_eq!(world.post(&replays, MERCHANT, &range).await.expect(202)["replayed"], 2);
    shop.wait(9).await;
    world.wait_for_deliveries(&endpoint, "delivered", 2).await;
    assert!(world.deliveries(&endpoint, "dead").await.is_empty());
    let none = json!({ "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z" });
    assert_eq!(world.post(&replays, MERCHANT, &none).await.expect(202)["replayed"], 0);
    for wrong in [json!({}), json!({ "from": "2020-01-01T00:00:00Z" }), json!({ "delivery_id": "x" })] {
        world.post(&replays, MERCHANT, &wrong).await.problem(422, "invalid-value");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_too_long_or_is_gone_is_disabled_and_misses_nothing_for_good() {
    let mut world = World::new().await;
    world.config().webhooks.retry_seconds = vec![1; 10];
    world.config().webhooks.disable_after_seconds = 1;
    world.restart().await;
    let (failing, gone) = (Receiver::start().await, Receiver::start().await);
    failing.answer(500);
    gone.answer(410);
    let endpoint = world.listen(MERCHANT, &failing, &["loan.booked"]).await;
    let other = world.listen(MERCHANT, &gone, &["loan.booked"]).await;
    world.buy(&ADA, 30_000, "monthly-3").await;
    for endpoint in [&endpoint, &other] {
        world.wait_for_deliveries(endpoint, "dead", 1).await;
        let path = format!("/v1/webhooks/{}", endpoint["id"].as_str().unwrap());
        assert_eq!(world.get(&path, MERCHANT).await.expect(200)["status"], "disabled");
    }
    assert_eq!(gone.came().len(), 1, "what is gone is not asked twice");
    let grace = Shopper { name: "Grace Hopper", email: "g@example.com", phone: "+12125550199", standing: "good" };
    world.buy(&grace, 30_000, "monthly-3").await;
    assert_eq!(world.deliveries(&endpoint, "dead").await.len(), 2, "what it missed can be sent again");
    let path = format!("/v1/webhooks/{}", endpoint["id"].as_str().unwrap());
    let range = json!({ "from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z" });
    world.post(&format!("{path}/replays"), MERCHANT, &range).await.problem(409, "wrong-state");
    failing.answer(200);
    let before = failing.came().len();
    let enabled = json!({ "url": failing.url, "events": ["loan.booked"], "enabled": true }).to_string();
    world
        .call("PUT", &path, MERCHANT, &[("if-match", "\"old\"")], enabled.as_bytes())
        .await
        .problem(412, "precondition-failed");
    assert_eq!(world.call("PUT", &path, MERCHANT, &[], enabled.as_bytes()).await.expect(200)["status"], "enabled");
    assert_eq!(world.post(&format!("{path}/replays"), MERCHANT, &range).await.expect(202)["replayed"], 2);
    failing.wait(before + 2).await;
    world.call("DELETE", &path, MERCHANT, &[], b"").await.expect(200);
    world.get(&path, MERCHANT).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_private_addresses_unless_that_is_configured() {
    let mut world = World::new().await;
    let shop = Receiver::start().await;
    world.listen(MERCHANT, &shop, &["loan.booked"]).await;
    world.config().webhooks.private_addresses = false;
    world.config().webhooks.retry_seconds = vec![];
    world.restart().await;
    for url in [
        "http://shop.example/",
        "ftp://shop.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://localhost/",
        "https://a.localhost./",
        "https://user@shop.example/",
        "shop.example",
        "",
        &format!("https://shop.example/{}", "x".repeat(2_048)),
    ] {
        let answer = world.post("/v1/webhooks", MERCHANT, &json!({ "url": url })).await;
        assert_eq!(answer.problem(422, "invalid-value")["pointer"], "/url", "{url}");
    }
    for events in [json!([]), json!(["loan.eaten"]), json!(["loan.booked", "loan.booked"])] {
        let body = json!({ "url": "https://shop.example/", "events": events });
        world.post("/v1/webhooks", MERCHANT, &body).await.problem(422, "invalid-value");
    }
    world.post("/v1/webhooks", EDGE, &json!({ "url": "https://shop.example/" })).await.problem(403, "forbidden");
    // One made while it was allowed is not called any more either.
    world.buy(&ADA, 30_000, "monthly-3").await;
    let endpoints = world.get("/v1/webhooks", MERCHANT).await.expect(200)["endpoints"].clone();
    let dead = world.wait_for_deliveries(&endpoints[0], "dead", 1).await;
    assert!(dead[0]["last_error"].as_str().unwrap().contains("no address that may be called"), "{dead:?}");
    assert!(shop.came().is_empty());
    for _ in 1..20 {
        world.post("/v1/webhooks", MERCHANT, &json!({ "url": "https://shop.example/" })).await.expect(201);
    }
    let answer = world.post("/v1/webhooks", MERCHANT, &json!({ "url": "https://shop.example/" })).await;
    answer.problem(429, "too-many");
}
