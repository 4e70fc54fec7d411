//! What an operator sees and does: health, metrics, settings, a stop that finishes what was accepted.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use prequal_server::{config::Config, serve};
use serde_json::{Value, json};

use crate::{
    actors::ADA,
    process::Process,
    world::{LENDER, MERCHANT, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_ready_until_it_is_told_to_stop() {
    let world = World::new().await;
    assert_eq!(world.get("/livez", "").await.expect(200)["status"], "alive");
    let ready = world.get("/readyz", "").await.expect(200);
    let newest = prequal_server::storage::schema::LENDING.last().unwrap().version;
    assert_eq!((&ready["status"], &ready["schema"]), (&json!("ready"), &json!(newest)));
    world.app().stopping.send_replace(true);
    world.get("/readyz", "").await.problem(503, "not-ready");
    assert_eq!(world.get("/livez", "").await.expect(200)["status"], "alive");
    world.get("/healthz", "").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_bundle_is_over_or_whose_database_is_gone_is_not_ready() {
    let world = World::new().await;
    world.set_date("2199-12-31").await;
    let problem = world.get("/readyz", "").await.problem(503, "not-ready");
    assert!(problem["detail"].as_str().unwrap().contains("the bundle is valid"), "{problem}");
    world.set_date("2026-07-01").await;
    world.get("/readyz", "").await.expect(200);
    world.app().db.close().await;
    let problem = world.get("/readyz", "").await.problem(503, "not-ready");
    assert!(problem["detail"].as_str().unwrap().contains("database"), "{problem}");
}

/// The value of a line of the page, by its name and labels.
fn value(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{page}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happened_and_name_nobody() {
    let mut world = World::new().await;
    world.verifying = false;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 7).await;
    world.get(&format!("/v1/loans/{loan}"), "cap_nobody").await.problem(404, "not-found");
    world.get("/metrics", "").await.problem(401, "unauthorized");
    world.get("/metrics", MERCHANT).await.problem(403, "forbidden");
    let answer = world.get("/metrics", LENDER).await;
    assert_eq!(answer.status, 200);
    let page = String::from_utf8(answer.bytes).unwrap();
    let requests =
        "prequal_http_request_seconds_count{route=\"/v1/loans/{id}/payments\",method=\"POST\",status=\"202\"}";
    assert_eq!(value(&page, requests) as i64, 1);
    let refused = "prequal_http_request_seconds_count{route=\"/v1/loans/{id}\",method=\"GET\",status=\"404\"}";
    assert_eq!(value(&page, refused) as i64, 1);
    assert!(value(&page, "prequal_writes_total") >= value(&page, "prequal_commits_total"));
    assert_eq!(value(&page, "prequal_outbox_calls{status=\"dead\"}") as i64, 0);
    assert_eq!(value(&page, "prequal_draining") as i64, 0);
    // Sums of the ledger, as the trial balance has them.
    let owed = value(&page, "prequal_principal_outstanding_minor{currency=\"USD\"}") as i64;
    assert_eq!((owed, value(&page, "prequal_loans_owed{currency=\"USD\"}") as i64), (world.account("1110").await, 1));
    assert!(!page.contains("prequal_suspense_minor{"), "nothing waits");
    let stray = json!({ "reference": "who knows", "amount": 1_234, "currency": "USD", "value_date": "2026-01-01" });
    world.provider("POST", "/v1/incoming", &stray).await;
    let receipts = |page: &Value| page["receipts"].as_array().unwrap().len() == 1;
    world.wait("/v1/ledger/suspense", LENDER, receipts).await;
    world.pay(&loan, &capability, 49_993).await;
    world.refund("r", &json!({ "loan": loan, "reference": "R", "amount": 500 })).await.expect(201);
    let later = String::from_utf8(world.get("/metrics", LENDER).await.bytes).unwrap();
    assert_eq!(value(&later, "prequal_suspense_minor{currency=\"USD\"}") as i64, world.account("2910").await);
    assert_eq!(value(&later, "prequal_suspense_receipts{currency=\"USD\"}") as i64, 1);
    assert_eq!(value(&later, "prequal_credit_balances_minor{currency=\"USD\"}") as i64, world.account("2110").await);
    assert!(!later.contains("prequal_loans_owed{"), "nothing is owed any more");
    for name in [&loan, &capability, "Ada", "example.com"] {
        assert!(!page.contains(name), "{name} is in the metrics");
    }
    // Every sample has its type, and every line is a comment or a sample.
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(page.contains(&format!("# TYPE {family} ")), "{line}");
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    }
}

/// One connection that stays open, and its answers.
struct Connection(TcpStream);

impl Connection {
    fn open(base: &str) -> Self {
        let stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if Some(body.len()) == length {
                    return text;
                }
            }
            let count = self.0.read(&mut piece).unwrap();
            assert_ne!(count, 0, "closed after: {text}");
            bytes.extend_from_slice(&piece[..count]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_before_the_signal_is_answered_and_the_others_are_sent_elsewhere() {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.stop().await;
    let process = Process::start_with(&world, "127.0.0.1:0", "drain_seconds = 2\n");
    let base = process.base.clone();
    // A request whose body comes slowly: it is accepted before the signal and finished after it.
    let body = json!({ "amount": 7 }).to_string();
    let mut slow = Connection::open(&base);
    slow.send(&format!(
        "POST /v1/loans/{loan}/payments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {capability}\r\nidempotency-key: slow\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    let mut asking = Connection::open(&base);
    let ready = "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n";
    asking.send(ready);
    assert!(asking.answer().starts_with("HTTP/1.1 200"));
    let told = Instant::now();
    process.terminate();
    std::thread::sleep(Duration::from_millis(300));
    asking.send(ready);
    assert!(asking.answer().starts_with("HTTP/1.1 503"), "who balances the load sees it");
    // Still taken, for two seconds.
    asking.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(asking.answer().starts_with("HTTP/1.1 200"));
    std::thread::sleep(Duration::from_millis(2_500));
    slow.send(&body);
    let answer = slow.answer();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    process.wait_for_its_end(Duration::from_secs(15));
    assert!(told.elapsed() >= Duration::from_secs(2));
    // It is there, once, and the next server makes the call to the provider.
    world.start().await;
    let again =
        world.post_once(&format!("/v1/loans/{loan}/payments"), &capability, "slow", &json!({ "amount": 7 })).await;
    assert_eq!(again.expect(202), serde_json::from_str::<Value>(answer.split_once("\r\n\r\n").unwrap().1).unwrap());
    let view =
        world.wait(&format!("/v1/loans/{loan}"), &capability, |loan| loan["payments"][0]["status"] == "cleared").await;
    assert_eq!(view["payments"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_may_stand_in_the_environment_where_it_goes_before_the_file() {
    let mut world = World::new().await;
    let file = world.folder.path().join("prequal.toml");
    let lookup = |name: &str| match name {
        "PREQUAL_LISTEN" => Some("127.0.0.1:7777".to_owned()),
        "PREQUAL_CHECKOUT_SECONDS" => Some("60".to_owned()),
        "PREQUAL_LIMITS_EXPOSURE_MAX" => Some("5".to_owned()),
        "PREQUAL_RETENTION_OUTBOX_DAYS" => Some("7".to_owned()),
        "PREQUAL_METRICS_LISTEN" => Some("127.0.0.1:9999".to_owned()),
        _ => None,
    };
    let mut config = Config::read_with(&file, lookup).unwrap();
    assert_eq!(
        (config.listen.as_str(), config.checkout.seconds, config.limits.exposure_max),
        ("127.0.0.1:7777", 60, 5)
    );
    assert_eq!((config.retention.outbox_days, config.retention.idempotency_days), (7, 30));
    assert_eq!(config.metrics_listen.as_deref(), Some("127.0.0.1:9999"));
    let refused = |name: &'static str, text: &'static str| {
        Config::read_with(&file, move |asked| (asked == name).then(|| text.to_owned())).unwrap_err()
    };
    assert!(refused("PREQUAL_CHECKOUT_SECONDS", "soon").contains("PREQUAL_CHECKOUT_SECONDS is not a whole number"));
    assert!(refused("PREQUAL_CHECKOUT_SECONDS", "0").contains("checkout.seconds must be 1 to"));
    assert!(refused("PREQUAL_DRAIN_SECONDS", "301").contains("drain_seconds must be 0 to 300"));
    assert!(
        refused("PREQUAL_RETENTION_IDEMPOTENCY_DAYS", "0").contains("retention.idempotency_days must be 1 to 3660")
    );
    // And the check says all of them, but no secret.
    config.database.clone_from(&world.config().database);
    config.listen = "127.0.0.1:0".to_owned();
    let found = serve::check(&config, true).await.unwrap();
    let text: String = found.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
    assert!(text.contains("setting checkout.seconds = 60  (from PREQUAL_CHECKOUT_SECONDS)"), "{text}");
    assert!(text.contains("setting provider.key = set, not shown") && !text.contains(&world.webhook_secret), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_an_address_of_their_own_where_one_is_given() {
    let world = World::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let process = Process::start_with(&world, "127.0.0.1:0", &format!("metrics_listen = \"{address}\"\n"));
    let mut open = Connection::open(&format!("http://{address}"));
    open.send("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    let page = open.answer();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("prequal_commits_total"), "{page}");
    assert!(!page.contains("_minor"), "no money without a key");
    // Nothing else is there.
    open.send("GET /v1/jobs HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(open.answer().starts_with("HTTP/1.1 404"));
    drop(process);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_lines_of_json_where_that_is_asked_for() {
    let mut world = World::new().await;
    world.stop().await;
    let log = world.folder.path().join("log.jsonl");
    let process = Process::start_logging(&world, "127.0.0.1:0", &log);
    let mut asking = Connection::open(&process.base);
    asking.send("GET /v1/loans/Ada-Byron HTTP/1.1\r\nhost: x\r\n\r\n");
    asking.answer();
    process.terminate();
    process.wait_for_its_end(Duration::from_secs(15));
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let request = lines.iter().find(|line| line["message"] == "request").unwrap();
    assert_eq!(
        (&request["route"], &request["status"], &request["level"]),
        (&json!("/v1/loans/{id}"), &json!(401), &json!("INFO"))
    );
    assert!(request["timestamp"].is_string() && request["ms"].is_u64(), "{request}");
    assert!(!text.contains("Ada"), "a path may hold what a person typed");
}

/// The longest request that is let in ends before the server does.
#[test]
fn a_stop_waits_for_longer_than_any_request_may_take() {
    assert!(serve::DRAIN_TIME_MAX > prequal_server::http::gate::REQUEST_TIME_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_says_whether_the_address_is_free() {
    let mut world = World::new().await;
    let of = |found: &[(&'static str, String)]| {
        found.iter().find(|(name, _)| *name == "listen").map(|(_, value)| value.clone()).unwrap()
    };
    world.config().listen = world.address().to_owned();
    let config = world.config().clone();
    let found = serve::check(&config, true).await.unwrap();
    assert!(of(&found).ends_with("a server listens there now"), "{}", of(&found));
    // Something else has it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let config = Config { listen: taken.clone(), ..config };
    let refused = serve::check(&config, true).await.unwrap_err();
    assert!(refused.contains(&format!("cannot listen on `{taken}`")), "{refused}");
    let config = Config { listen: "127.0.0.1:0".to_owned(), ..config };
    assert!(of(&serve::check(&config, true).await.unwrap()).ends_with("is free"));
}
