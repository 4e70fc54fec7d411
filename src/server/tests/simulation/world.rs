//! The machines of a run: server processes over one database file, the payment provider, and a network between them
//! that loses, repeats, delays and reorders.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use prequal_bundle::{
    envelope,
    jwk::{self, PrivateKey, Use},
};
use prequal_core::{
    bundle::{Bundle, split},
    canonical,
};
use prequal_server::{
    app::App,
    config::Config,
    http,
    http_client::{Carried, Carrier, HttpClient},
    jobs::scheduler,
    outbox, secret,
    settings::Settings,
    storage::Database,
    webhook,
};
use serde_json::Value;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::{
    faults::{self, step},
    provider::Provider,
};

pub const MERCHANT: &str = "mk_simulated";
pub const EDGE: &str = "ek_simulated";
pub const LENDER: &str = "lk_simulated";
/// How long a client waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// What does not change from run to run: keys and policy.
pub struct Ground {
    folder: tempfile::TempDir,
    pub bundle: Bundle,
    pub offer_key: PrivateKey,
    pub webhook_secret: String,
}

impl Ground {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let write = |name: &str, text: &str| std::fs::write(path.join(name), text).unwrap();
        let key = |use_: Use, name: &str| {
            let (key, private) = jwk::generate(use_).unwrap();
            write(&format!("{name}.private.jwk"), &private.text());
            write(&format!("{name}.public.jwk"), &key.public.jwk.text());
            key
        };
        let bundle_key = key(Use::Bundle, "bundle");
        key(Use::Checkout, "checkout");
        let offer_key = key(Use::Offer, "offer");
        let policy = serde_json::from_str(include_str!("../server/policy.json")).unwrap();
        let full = canonical::to_string(&policy).unwrap();
        write("full.json", &envelope::sign(full.as_bytes(), &bundle_key));
        let public = canonical::to_string(&split(&policy)).unwrap();
        write("public.json", &envelope::sign(public.as_bytes(), &bundle_key));
        let webhook_secret = webhook::Secret::generate();
        let hash = |key: &str| secret::sha256_hex(key);
        let config = format!(
            r#"
data_key_file = "data.key"
# The due day comes weeks later by the sandbox's clock, and what was acknowledged is asked for again after it.
[retention]
idempotency_days = 3660
[lender]
id = "test-lender"
[bundle]
full = "full.json"
public = "public.json"
keys = ["bundle.public.jwk"]
[checkout]
key = "checkout.private.jwk"
[[merchants]]
id = "shop"
name = "Test Shop"
key_sha256 = "{}"
fee_percent = "3"
[[edges]]
id = "edge"
key_sha256 = "{}"
offer_keys = ["offer.public.jwk"]
[[lender_keys]]
id = "operations"
key_sha256 = "{}"
[provider]
url = "http://provider"
key = "pk_simulated"
webhook_secret = "{webhook_secret}"
[limits]
exposure_max = 300000
[conduct]
signing = "any"
typed_name_reason = "the simulation is about faults"
"#,
            hash(MERCHANT),
            hash(EDGE),
            hash(LENDER),
        );
        write("prequal.toml", &config);
        let bundle = Bundle::from_payload(full.as_bytes()).unwrap();
        let ground = Self { folder, bundle, offer_key, webhook_secret };
        // The first server that starts makes the data key: here, so that the first run is as every other.
        Settings::load(&ground.config(), true).unwrap();
        ground
    }

    fn config(&self) -> Config {
        Config::read_with(&self.folder.path().join("prequal.toml"), |_| None).unwrap()
    }
}

/// One server process.
struct Process {
    app: Arc<App>,
    router: Router,
    tasks: Vec<JoinHandle<()>>,
    /// Requests that it works on: they end with it.
    requests: Rc<RefCell<Vec<tokio::task::AbortHandle>>>,
}

/// Everything that runs.
pub struct World {
    ground: Rc<Ground>,
    file: String,
    processes: RefCell<Vec<Option<Process>>>,
    pub provider: Arc<Provider>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Call {
    pub fn new(method: Method, path: impl Into<String>, bearer: &str, body: &Value) -> Self {
        let headers =
            vec![("authorization", format!("Bearer {bearer}")), ("content-type", "application/json".to_owned())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Self { method, path: path.into(), headers, body }
    }

    pub fn key(mut self, key: &str) -> Self {
        self.headers.push(("idempotency-key", key.to_owned()));
        self
    }
}

/// The provider, as the server reaches it.
struct ToProvider(Arc<Provider>);

impl Carrier for ToProvider {
    fn carry(&self, _: Method, url: &str, headers: &[(&str, &str)], body: Bytes) -> Carried {
        let key = headers.iter().find(|(name, _)| *name == "idempotency-key").unwrap().1.to_owned();
        let (provider, kind) = (self.0.clone(), if url.ends_with("payouts") { "payout" } else { "debit" });
        Box::pin(async move { provider.instruct(kind, &key, &body).await })
    }
}

impl World {
    /// Several servers over one new file.
    pub async fn new(ground: Rc<Ground>, file: String, servers: usize) -> Rc<Self> {
        let provider = Arc::new(Provider::default());
        let processes = RefCell::new((0..servers).map(|_| None).collect());
        let world = Rc::new(Self { ground, file, processes, provider });
        for number in 0..servers {
            world.start(number).await;
        }
        world
    }

    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    pub fn servers(&self) -> usize {
        self.processes.borrow().len()
    }

    pub fn app(&self) -> Arc<App> {
        self.processes.borrow()[0].as_ref().unwrap().app.clone()
    }

    /// Starts a process; tried until the database can be opened.
    async fn start(&self, number: usize) {
        let config = self.ground.config();
        let calm = faults::is_calm();
        // A process that cannot open its database ends, and is started again: what is of interest comes afterwards.
        faults::be_calm(true);
        let (settings, vault) = Settings::load(&config, true).unwrap();
        let db = loop {
            match Database::open(&format!("sqlite://{}", self.file)).await {
                Ok(db) => break db,
                Err(error) => {
                    step(format!("server {number} cannot open: {}", error.replace(&self.file, "")));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        let client = HttpClient::through(Arc::new(ToProvider(self.provider.clone())));
        let app = App::with_client(db, settings, vault, true, client).await.unwrap();
        faults::be_calm(calm);
        let tasks = vec![tokio::spawn(outbox::run(app.clone())), tokio::spawn(scheduler::run(app.clone()))];
        let router = http::router(app.clone());
        let process = Process { app, router, tasks, requests: Rc::default() };
        self.processes.borrow_mut()[number] = Some(process);
        step(format!("server {number} listens"));
    }

    /// SIGKILL, and a new process after a while.
    pub async fn crash(&self, number: usize) {
        let Some(process) = self.processes.borrow_mut()[number].take() else { return };
        step(format!("server {number} is killed"));
        for task in process.requests.borrow_mut().drain(..) {
            task.abort();
        }
        for task in process.tasks {
            task.abort();
            let _ = task.await;
        }
        // Every task that it had sees its end, and what was not committed is rolled back.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let calm = faults::is_calm();
        faults::be_calm(true);
        process.app.db.close().await;
        faults::be_calm(calm);
        drop(process.router);
        faults::new_process();
        tokio::time::sleep(Duration::from_millis(faults::below(2_000))).await;
        self.start(number).await;
    }

    /// Ends every process.
    pub async fn end(&self) {
        for number in 0..self.servers() {
            let Some(process) = self.processes.borrow_mut()[number].take() else { continue };
            for task in process.tasks {
                task.abort();
                let _ = task.await;
            }
            process.app.db.close().await;
        }
    }

    /// A call over the network to one of the servers; nothing where it is lost, or not answered in time.
    pub async fn call(&self, number: usize, call: &Call) -> Option<Answer> {
        if faults::loses_message() {
            step(format!("{} {} is lost", call.method, call.path));
            tokio::time::sleep(PATIENCE).await;
            return None;
        }
        let (router, requests) = {
            let processes = self.processes.borrow();
            let process = processes[number].as_ref()?;
            (process.router.clone(), process.requests.clone())
        };
        let mut request = Request::builder().method(call.method.clone()).uri(&call.path);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(call.body.clone())).unwrap();
        // A task of the server's: it goes on when the client goes away, unless it is told of that, and ends with it.
        let task = tokio::spawn(async move {
            let response = router.oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            Answer { status, body: response.into_body().collect().await.unwrap().to_bytes() }
        });
        requests.borrow_mut().push(task.abort_handle());
        let abort = task.abort_handle();
        let lost = faults::loses_message();
        // A connection that breaks in the middle: the server drops the request.
        let patience = if lost && faults::permille(500) { Duration::from_millis(faults::below(40)) } else { PATIENCE };
        let answer = tokio::time::timeout(patience, task).await;
        match answer {
            Ok(Ok(answer)) if !lost => Some(answer),
            Ok(_) => {
                step(format!("the answer to {} {} is lost", call.method, call.path));
                None
            }
            Err(_) => {
                abort.abort();
                step(format!("{} {} is broken off", call.method, call.path));
                None
            }
        }
    }

    /// The business date, as the provider knows it.
    pub fn provider_date(&self) -> String {
        let seconds = faults::now_ms().div_euclid(1_000);
        prequal_core::calendar::Instant::from_seconds(seconds).unwrap().utc_date().to_string()
    }

    /// A call that must succeed, while all is well.
    pub async fn must(&self, call: &Call, status: u16) -> Value {
        self.call(0, call).await.expect("all is well").expect(status)
    }

    /// Brings the provider's notices to the servers, each until it is taken.
    pub async fn deliver(self: Rc<Self>) {
        loop {
            for notice in self.provider.due() {
                let secret = webhook::Secret::parse(&self.ground.webhook_secret).unwrap();
                let at = faults::now_ms().div_euclid(1_000);
                let headers = vec![
                    ("content-type", "application/json".to_owned()),
                    ("webhook-id", notice.id.clone()),
                    ("webhook-timestamp", at.to_string()),
                    ("webhook-signature", secret.sign(&notice.id, at, notice.body.as_bytes())),
                ];
                let path = "/v1/webhooks/payments".to_owned();
                let call = Call { method: Method::POST, path, headers, body: notice.body.clone() };
                let number = usize::try_from(faults::below(self.servers() as u64)).unwrap();
                let world = self.clone();
                tokio::task::spawn_local(async move {
                    let answer = world.call(number, &call).await;
                    let status = answer.as_ref().map(|answer| answer.status);
                    step(format!("notice {} of {} is answered {status:?}", notice.kind, notice.transfer));
                    world.provider.answered(&notice.id, status);
                });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
