//! A lending server on a real database, the sandbox provider beside it, and the part of an edge, all over
//! real HTTP on the loopback. After every write the whole ledger is verified.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper::Method;
use prequal_bundle::{
    envelope,
    jwk::{self, PrivateKey, Use},
};
use prequal_core::{
    bundle::{Bundle, Payload, split},
    canonical,
};
use prequal_server::{
    app::App,
    audit,
    config::Config,
    delivery, http,
    http_client::HttpClient,
    outbox,
    sandbox::{self, Sandbox, provider},
    secret,
    settings::Settings,
    storage::Database,
    webhook, webhook_sender,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::database;

pub const MERCHANT: &str = "mk_test-merchant";
pub const OTHER_MERCHANT: &str = "mk_other-merchant";
pub const EDGE: &str = "ek_test-edge";
pub const LENDER: &str = "lk_test-lender";
pub const AUDITOR: &str = "ak_test-auditor";
/// A lender's key that may read the ledger and nothing else.
pub const LENDER_OF_BOOKS: &str = "lk_test-books";
/// A lender's key whose time is over.
pub const LENDER_OF_OLD: &str = "lk_test-old";
/// Another of the lender's people.
pub const SECOND_LENDER: &str = "lk_second-lender";
pub const PROVIDER: &str = "pk_test-provider";
/// The sentence of the test bundle's one consent.
pub const CONSENT: &str = "You may ask a bureau about me for this application.";

/// One server process's worth of tasks.
struct Running {
    app: Arc<App>,
    stop: oneshot::Sender<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// What stands in a configuration beside what every world has.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// Of the shop, its settlement for one.
    pub of_shop: String,
    /// At the end.
    pub rest: String,
}

/// Most tests are about something else than how one signs.
const CONDUCT: &str = "[conduct]\nsigning = \"any\"\ntyped_name_reason = \"most tests are about something else\"\n";

impl Extra {
    fn added_to(&self, text: &str) -> String {
        let fee = "fee_percent = \"3\"\n";
        let text = text.replace(fee, &format!("{fee}{}", self.of_shop));
        // A section stands once: what a test says of it comes to what every world has.
        if self.rest.contains("[conduct]\n") {
            return format!("{text}{}", self.rest.replace("[conduct]\n", CONDUCT));
        }
        format!("{text}{CONDUCT}{}", self.rest)
    }
}

/// Everything that a test acts on.
pub struct World {
    pub folder: tempfile::TempDir,
    pub base: String,
    pub provider: String,
    pub webhook_secret: String,
    pub offer_key: PrivateKey,
    pub bundle: Bundle,
    /// Whether the whole ledger is verified after every call that may write.
    pub verifying: bool,
    /// What stands in the configuration beside what every world has.
    extra: Extra,
    config: Config,
    address: String,
    client: HttpClient,
    running: Option<Running>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    /// The value of a status that must be.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    /// The problem document that must be.
    #[track_caller]
    pub fn problem(&self, status: u16, slug: &str) -> Value {
        let value = self.expect(status);
        assert_eq!(value["type"], format!("urn:prequal:problem:{slug}"), "{value}");
        assert_eq!(value["status"], status);
        assert!(!value["title"].as_str().unwrap().is_empty() && !value["detail"].as_str().unwrap().is_empty());
        value
    }
}

/// The newest notice of a kind on a page; null where there is none.
pub fn newest<'a>(page: &'a Value, kind: &str) -> &'a Value {
    page["notices"].as_array().unwrap().iter().rev().find(|notice| notice["kind"] == kind).unwrap_or(&Value::Null)
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn key(folder: &Path, use_: Use, name: &str) -> PrivateKey {
    let (key, private) = jwk::generate(use_).unwrap();
    write(folder, &format!("{name}.private.jwk"), &private.text());
    write(folder, &format!("{name}.public.jwk"), &key.public.jwk.text());
    key
}

pub fn payload() -> Payload {
    serde_json::from_str(include_str!("policy.json")).unwrap()
}

fn config_text(provider: &str, webhook_secret: &str) -> String {
    let hash = |key: &str| secret::sha256_hex(key);
    format!(
        r#"
listen = "127.0.0.1:0"
data_key_file = "data.key"
cors_origins = ["http://shop.example"]
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
[[merchants]]
id = "other"
name = "Other Shop"
key_sha256 = "{}"
fee_percent = "2.5"
[[edges]]
id = "edge"
key_sha256 = "{}"
offer_keys = ["offer.public.jwk"]
[[lender_keys]]
id = "operations"
key_sha256 = "{}"
[[lender_keys]]
id = "books"
key_sha256 = "{}"
scopes = ["ledger:read"]
[[lender_keys]]
id = "old"
key_sha256 = "{}"
expires = "2020-01-01T00:00:00Z"
[[auditor_keys]]
id = "auditor"
key_sha256 = "{}"
[rate_limits]
key = {{ per_second = 0, burst = 0 }}
capability = {{ per_second = 0, burst = 0 }}
address = {{ per_second = 0, burst = 0 }}
[webhooks]
private_addresses = true
[[lender_keys]]
id = "risk"
key_sha256 = "{}"
[provider]
url = "{provider}"
key = "{PROVIDER}"
webhook_secret = "{webhook_secret}"
[limits]
exposure_max = 300000
[[limits.ceilings]]
name = "other-shop"
amount = 150000
merchant = "other"
"#,
        hash(MERCHANT),
        hash(OTHER_MERCHANT),
        hash(EDGE),
        hash(LENDER),
        hash(LENDER_OF_BOOKS),
        hash(LENDER_OF_OLD),
        hash(AUDITOR),
        hash(SECOND_LENDER),
    )
}

pub fn german_credit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/german_credit.csv")
}

async fn start_sandbox(folder: &Path, server: &str, webhook_secret: &str, listener: TcpListener) {
    let text = format!(
        "database = \"sqlite://{}\"\n[provider]\nkey_sha256 = \"{}\"\nwebhook_url = \"http://{server}/v1/webhooks/payments\"\n\
         webhook_secret = \"{webhook_secret}\"\n[bureau]\nkey_sha256 = \"{}\"\ndata = \"{}\"\n",
        folder.join("sandbox.db").display(),
        secret::sha256_hex(PROVIDER),
        secret::sha256_hex(EDGE),
        german_credit().display(),
    );
    write(folder, "sandbox.toml", &text);
    let config = sandbox::config::Config::read(&folder.join("sandbox.toml")).unwrap();
    let sandbox = Sandbox::open(config).await.unwrap();
    tokio::spawn(provider::deliver(sandbox.clone()));
    tokio::spawn(async move { axum::serve(listener, sandbox::router(sandbox)).await });
}

impl World {
    pub async fn new() -> Self {
        Self::with(payload()).await
    }

    pub async fn with(policy: Payload) -> Self {
        Self::configured(policy, Extra::default(), &[]).await
    }

    /// With more in the configuration, and with bundles of others by their files' names.
    pub async fn configured(policy: Payload, extra: Extra, others: &[(&str, Payload)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let bundle_key = key(path, Use::Bundle, "bundle");
        key(path, Use::Checkout, "checkout");
        let offer_key = key(path, Use::Offer, "offer");
        let full = canonical::to_string(&policy).unwrap();
        let public = canonical::to_string(&split(&policy)).unwrap();
        write(path, "full.json", &envelope::sign(full.as_bytes(), &bundle_key));
        write(path, "public.json", &envelope::sign(public.as_bytes(), &bundle_key));

        for (name, other) in others {
            let full = canonical::to_string(other).unwrap();
            write(path, name, &envelope::sign(full.as_bytes(), &bundle_key));
        }

        let provider_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = format!("http://{}", provider_listener.local_addr().unwrap());
        let server_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = server_listener.local_addr().unwrap().to_string();
        let webhook_secret = webhook::Secret::generate();
        start_sandbox(path, &address, &webhook_secret, provider_listener).await;

        write(path, "prequal.toml", &extra.added_to(&config_text(&provider, &webhook_secret)));
        let mut config = Config::read(&path.join("prequal.toml")).unwrap();
        config.database = database::fresh(path);
        let mut world = Self {
            base: format!("http://{address}"),
            provider,
            webhook_secret,
            offer_key,
            bundle: Bundle::from_payload(full.as_bytes()).unwrap(),
            verifying: true,
            extra,
            config,
            address,
            client: HttpClient::default(),
            running: None,
            folder,
        };
        world.start_on(server_listener).await;
        world
    }

    async fn start_on(&mut self, listener: TcpListener) {
        let (settings, vault) = Settings::load(&self.config, true).unwrap();
        let db = Database::open(&self.config.database).await.unwrap();
        let app = App::new(db, settings, vault, true).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = http::router(app.clone());
        let serving = tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).with_graceful_shutdown(stop).await.unwrap();
        });
        let calls = tokio::spawn(outbox::run(app.clone()));
        let notices = tokio::spawn(delivery::run(app.clone()));
        let webhooks = tokio::spawn(webhook_sender::run(app.clone()));
        self.running = Some(Running { app, stop, tasks: vec![serving, calls, notices, webhooks] });
    }

    pub fn app(&self) -> &Arc<App> {
        &self.running.as_ref().unwrap().app
    }

    /// Another server on the same database, in this process, that is no sandbox.
    pub async fn another_server_in_earnest(&self) -> Arc<App> {
        let (settings, vault) = Settings::load(&self.config, false).unwrap();
        let db = Database::open(&self.config.database).await.unwrap();
        App::new(db, settings, vault, false).await.unwrap()
    }

    /// Another server on the same database, in this process.
    pub async fn another_server(&self) -> Arc<App> {
        let (settings, vault) = Settings::load(&self.config, true).unwrap();
        let db = Database::open(&self.config.database).await.unwrap();
        App::new(db, settings, vault, true).await.unwrap()
    }

    /// Runs a job for the business date; how many things it changed.
    pub async fn run_job_today(&self, name: &str) -> u64 {
        self.run_job(name, &self.app().today().unwrap().to_string()).await
    }

    /// Runs a job for a date; how many things it changed.
    pub async fn run_job(&self, name: &str, date: &str) -> u64 {
        let date = prequal_core::calendar::Date::parse(date).unwrap();
        let done = (prequal_server::jobs::find(name).unwrap().run)(self.app(), date).await.unwrap();
        self.verify().await;
        done.changed
    }

    pub fn config(&mut self) -> &mut Config {
        &mut self.config
    }

    /// Everything the database holds, as bytes.
    pub fn stored(&self) -> Vec<(String, Vec<u8>)> {
        database::stored(self.folder.path(), &self.config.database)
    }

    /// Stops the server without letting anything finish, and starts another on the same file and address.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub async fn stop(&mut self) {
        let Running { app, stop, tasks } = self.running.take().unwrap();
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        drop(stop);
        self.client = HttpClient::default();
        app.db.close().await;
    }

    /// Lets notices go out as files; gives the folder.
    pub async fn send_notices(&mut self) -> PathBuf {
        let folder = self.folder.path().join("notices");
        let from = "Credit <credit@lender.example>".to_owned();
        self.config.notices = Some(delivery::Channel::File { folder: folder.clone(), from });
        self.restart().await;
        folder
    }

    /// The newest notice of a kind that went out, as it did, with the soft line ends of its encoding undone.
    pub async fn sent(&self, folder: &Path, kind: &str) -> (Value, String) {
        let page = self.wait("/v1/notices", LENDER, |page| newest(page, kind)["status"] == "sent").await;
        let notice = newest(&page, kind).clone();
        let file = folder.join(format!("{}.eml", notice["id"].as_str().unwrap()));
        let text = std::fs::read_to_string(file).unwrap();
        (notice, text.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n"))
    }

    /// Does a job for a date; gives how much it changed.
    pub async fn job(&self, name: &str, date: &str) -> u64 {
        let date = prequal_core::calendar::Date::parse(date).unwrap();
        let job = prequal_server::jobs::find(name).unwrap();
        (job.run)(self.app(), date).await.unwrap().changed
    }

    /// One text of the database.
    pub async fn text(&self, sql: &'static str, of: &str) -> String {
        self.text_of(sql, of).await
    }

    /// As [`World::text`], of a statement that was put together.
    pub async fn text_of(&self, sql: &str, of: &str) -> String {
        let mut db = self.app().db.read().await.unwrap();
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).bind(of).fetch_one(&mut *db).await.unwrap()
    }

    /// What a process of its own needs to serve this world's database at an address.
    pub fn config_for_a_process(&self, address: &str) -> String {
        let text = self.extra.added_to(&config_text(&self.provider, &self.webhook_secret));
        let database = self.config.database.as_str();
        text.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"{address}\"\ndatabase = \"{database}\""))
    }

    /// Where this world's server listens, and after it whoever takes its place.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Calls a server that may be gone; nothing is verified.
    pub async fn try_post_once(&self, path: &str, bearer: &str, key: &str, body: &Value) -> Option<Answer> {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("idempotency-key", key)];
        let url = format!("{}{path}", self.base);
        let answer = self.client.call(Method::POST, &url, &headers, body.to_string().into()).await;
        answer.ok().map(|(status, bytes)| Answer { status, bytes: bytes.to_vec() })
    }

    /// Starts a server in this process again, after [`World::stop`].
    pub async fn start(&mut self) {
        let listener = loop {
            match TcpListener::bind(&self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        self.start_on(listener).await;
    }

    /// Calls the server. After every call that may write, the ledger is verified.
    pub async fn call(&self, method: &str, path: &str, bearer: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let mut all = headers.to_vec();
        if !bearer.is_empty() {
            all.push(("authorization", &authorization));
        }
        let method: Method = method.parse().unwrap();
        let writes = method != Method::GET;
        let url = format!("{}{path}", self.base);
        let (status, bytes) = self.client.call(method, &url, &all, body.to_vec().into()).await.unwrap();
        if writes && self.verifying {
            self.verify().await;
        }
        Answer { status, bytes: bytes.to_vec() }
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.call("GET", path, bearer, &[], b"").await
    }

    pub async fn post(&self, path: &str, bearer: &str, body: &Value) -> Answer {
        self.call("POST", path, bearer, &[], body.to_string().as_bytes()).await
    }

    pub async fn post_once(&self, path: &str, bearer: &str, key: &str, body: &Value) -> Answer {
        self.call("POST", path, bearer, &[("idempotency-key", key)], body.to_string().as_bytes()).await
    }

    /// Calls the payment provider.
    pub async fn provider(&self, method: &str, path: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {PROVIDER}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let url = format!("{}{path}", self.provider);
        let headers = [("authorization", bearer.as_str())];
        let (status, bytes) = self.client.call(method.parse().unwrap(), &url, &headers, body.into()).await.unwrap();
        assert!(status < 300, "{status} {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Every chain, fold and sum; and the trial balance as the lender reads it.
    pub async fn verify(&self) {
        audit::run(self.app()).await.unwrap();
        let balance = self.get_trial_balance().await;
        assert_eq!(balance["balanced"], true, "{balance}");
    }

    async fn get_trial_balance(&self) -> Value {
        let url = format!("{}/v1/ledger/trial-balance", self.base);
        let bearer = format!("Bearer {LENDER}");
        let headers = [("authorization", bearer.as_str())];
        let (status, bytes) = self.client.call(Method::GET, &url, &headers, Vec::new().into()).await.unwrap();
        assert_eq!(status, 200);
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The balance of an account on the side where it grows.
    pub async fn account(&self, code: &str) -> i64 {
        let balance = self.get_trial_balance().await;
        let accounts = balance["accounts"].as_array().unwrap();
        accounts.iter().find(|row| row["account"] == code).map_or(0, |row| row["balance"].as_i64().unwrap())
    }

    pub async fn now(&self) -> String {
        self.get("/healthz", "").await.expect(200)["now"].as_str().unwrap().to_owned()
    }

    /// Sets the business clock to noon in New York of a date.
    pub async fn set_date(&self, date: &str) {
        let body = json!({ "now": format!("{date}T17:00:00Z") });
        self.call("PUT", "/v1/sandbox/clock", LENDER, &[], body.to_string().as_bytes()).await.expect(200);
    }

    /// Waits until a loan shows what is awaited.
    pub async fn wait(&self, path: &str, bearer: &str, what: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..400 {
            let value = self.get(path, bearer).await.expect(200);
            if what(&value) {
                self.verify().await;
                return value;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{path} never came to what was awaited: {}", self.get(path, bearer).await.json());
    }
}
