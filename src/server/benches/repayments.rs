//! How many repayments a second are on disk when they are acknowledged, and how long the slowest of a hundred waits:
//! `cargo xtask bench server` runs it on each engine.
//!
//! One repayment is the payment provider's signed notice that money arrived: its signature is verified, it is looked
//! for among those that came before, the loan is folded from its events, and event, balanced entry in the loan's
//! hash chain, payment and projections are committed before the answer. The server is a process of its own. After
//! the last answer the whole ledger is verified, and the rows are compared with what was acknowledged.

#[path = "../tests/server/actors.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod actors;
#[path = "../tests/server/database.rs"]
mod database;
#[path = "../tests/server/world.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod world;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use actors::Shopper;
use prequal_server::{audit, config::Config, serve, storage::Engine, webhook::Secret};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use world::World;

/// As the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// With a configuration in it, this program is the server.
const SERVER: &str = "PREQUAL_BENCH_SERVER";
/// How long each number of clients is measured.
const SECONDS: &str = "PREQUAL_BENCH_SECONDS";
const SECONDS_DEFAULT: u64 = 10;
/// How long the clients run before it is counted.
const WARM_UP: Duration = Duration::from_secs(1);
const CLIENTS: [usize; 3] = [1, 16, 64];
/// Loans for each number of clients: no loan comes to have more repayments than a loan has.
const LOANS: &str = "PREQUAL_BENCH_LOANS";
const LOANS_DEFAULT: usize = 1_000;
/// How many purchases are made at once.
const BUYERS: usize = 8;
/// `pgbench` advises a scale of at least the number of clients: with less its clients wait for each other's rows.
const SCALE: &str = "64";

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a whole number"))
}

fn main() {
    if let Ok(file) = std::env::var(SERVER) {
        return serve::block_on(serve::run(&Config::read(file.as_ref()).unwrap(), true)).unwrap();
    }
    serve::block_on(async {
        measure().await;
        Ok(())
    })
    .unwrap();
}

/// The server, killed when this is dropped.
struct Server(Child);

impl Server {
    fn start(world: &World) -> Self {
        let file = world.folder.path().join("bench.toml");
        std::fs::write(&file, world.config_for_a_process(world.address())).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(SERVER, file)
            // One line a request is what an operator has; where it goes costs as much as a file.
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(world.folder.path().join("bench.log")).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("listening on")), "the server does not listen");
        Self(child)
    }

    /// The most memory that it had, in MiB.
    fn peak_memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// Processor time used so far.
    fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // After the program's name and the state, which is a letter: utime and stime are the 12th and 13th of what
        // follows the name, in hundredths of a second. Others may be negative.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        Duration::from_millis([fields[11], fields[12]].map(|field| field.parse::<u64>().unwrap() * 10).iter().sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn measure() {
    let seconds = number(SECONDS, SECONDS_DEFAULT);
    let loans_each = usize::try_from(number(LOANS, LOANS_DEFAULT as u64)).unwrap();
    let mut world = World::new().await;
    world.verifying = false;
    let mut world = Arc::new(world);
    let began = Instant::now();
    let loans = buy(&world, loans_each * CLIENTS.len()).await;
    let today = world.app().today().unwrap().to_string();
    println!("  {} loans were bought in {:.1} s", loans.len(), began.elapsed().as_secs_f64());
    Arc::get_mut(&mut world).unwrap().stop().await;
    let peer = (database::engine() == Engine::Postgres).then(Peer::make);
    let server = Server::start(&world);
    let mut acknowledged = 0;
    println!("  clients  repayments/s   p50 ms   p99 ms  server CPU  pgbench/s       avg ms   ratio");
    for (clients, loans) in CLIENTS.into_iter().zip(loans.chunks(loans_each)) {
        let tpc_b = peer.as_ref().map(|peer| peer.run(clients, seconds));
        let before = server.processor();
        let run = load(&world, loans, clients, Duration::from_secs(seconds), &today).await;
        acknowledged += run.all;
        let busy = (server.processor() - before).as_secs_f64() / (seconds as f64 + WARM_UP.as_secs_f64());
        let rate = run.latencies.len() as f64 / seconds as f64;
        let at = |share: usize| f64::from(run.latencies[run.latencies.len() * share / 100]) / 1000.0;
        let beside =
            tpc_b.map_or_else(String::new, |(tps, average)| format!("{tps:>10.0} {average:>12.2} {:>7.2}", rate / tps));
        println!("  {clients:>7} {rate:>13.0} {:>8.2} {:>8.2} {:>10.0}% {beside}", at(50), at(99), busy * 100.0);
    }
    println!("  peak memory of the server: {:.0} MiB", server.peak_memory());
    drop(server);
    let world_mut = Arc::get_mut(&mut world).unwrap();
    world_mut.start().await;
    let app = world.app();
    let report = audit::run(app).await.unwrap();
    let mut read = app.db.read().await.unwrap();
    let cleared: i64 = sqlx::query_scalar("SELECT count(*) FROM payments WHERE status = 'cleared'")
        .fetch_one(&mut *read)
        .await
        .unwrap();
    assert_eq!(usize::try_from(cleared).unwrap(), acknowledged, "every acknowledged repayment is there once");
    println!("  {acknowledged} acknowledged, each there once; {report}");
}

/// So many loans, each of a person of its own, through every route of a purchase.
async fn buy(world: &Arc<World>, count: usize) -> Vec<String> {
    let next = Arc::new(AtomicUsize::new(0));
    let buyers: Vec<_> = (0..BUYERS)
        .map(|_| {
            let (world, next) = (world.clone(), next.clone());
            tokio::spawn(async move {
                let mut loans = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return loans;
                    }
                    let email: &'static str = format!("shopper{number}@example.com").leak();
                    let phone: &'static str = format!("+1212{number:07}").leak();
                    let shopper = Shopper { name: "Ada Byron", email, phone, standing: "good" };
                    let purchase = world.apply(&shopper, 50_000).await;
                    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
                    let body = world.signing(&submitted, shopper.name);
                    let signed = world.sign(&purchase, "sign", &body).await.expect(201);
                    loans.push(signed["loan_id"].as_str().unwrap().to_owned());
                }
            })
        })
        .collect();
    let mut loans = Vec::new();
    for buyer in buyers {
        loans.extend(buyer.await.unwrap());
    }
    loans
}

/// What the clients of one run were answered.
struct Run {
    /// Microseconds, ascending, of what was answered after the warming up.
    latencies: Vec<u32>,
    /// How many were acknowledged in all.
    all: usize,
}

async fn load(world: &World, loans: &[String], clients: usize, time: Duration, today: &str) -> Run {
    let loans: Arc<[String]> = loans.into();
    let next = Arc::new(AtomicUsize::new(0));
    let count_from = Instant::now() + WARM_UP;
    let until = count_from + time;
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (loans, next) = (loans.clone(), next.clone());
            let today = today.to_owned();
            let (address, secret) = (world.address().to_owned(), Secret::parse(&world.webhook_secret).unwrap());
            tokio::spawn(async move {
                let mut client = Client::connect(&address).await;
                let (mut latencies, mut all) = (Vec::new(), 0);
                while Instant::now() < until {
                    let loan = &loans[next.fetch_add(1, Ordering::Relaxed) % loans.len()];
                    let message = client.notice(&secret, loan, &today);
                    let sent = Instant::now();
                    client.exchange(&message).await;
                    let answered = Instant::now();
                    all += 1;
                    if answered >= count_from && answered < until {
                        latencies.push(u32::try_from((answered - sent).as_micros()).unwrap());
                    }
                }
                (latencies, all)
            })
        })
        .collect();
    let mut run = Run { latencies: Vec::new(), all: 0 };
    for task in tasks {
        let (latencies, all) = task.await.unwrap();
        run.latencies.extend(latencies);
        run.all += all;
    }
    run.latencies.sort_unstable();
    run
}

/// One connection that stays open. HTTP by hand: a general client costs as much as the server.
struct Client {
    address: String,
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { address: address.to_owned(), stream, read: Vec::with_capacity(4096) }
    }

    fn notice(&self, secret: &Secret, loan: &str, today: &str) -> Vec<u8> {
        let id = uuid::Uuid::now_v7().to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let body = format!(
            r#"{{"type":"payment.cleared","data":{{"id":"tr_{id}","reference":"{loan}","amount":7,"currency":"USD","value_date":"{today}"}}}}"#
        );
        let signature = secret.sign(&id, i64::try_from(now).unwrap(), body.as_bytes());
        format!(
            "POST /v1/webhooks/payments HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
             webhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .into_bytes()
    }

    /// Sends, and reads the whole answer, which must say that it was booked.
    async fn exchange(&mut self, message: &[u8]) {
        self.stream.write_all(message).await.unwrap();
        self.read.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.read).await.unwrap(), 0, "the server closed the connection");
            let text = String::from_utf8_lossy(&self.read);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if Some(body.len()) == length {
                assert!(head.starts_with("HTTP/1.1 200") && body.contains("booked"), "{text}");
                return;
            }
        }
    }
}

/// `pgbench` on the same cluster.
struct Peer(String);

impl Peer {
    fn make() -> Self {
        let began = Instant::now();
        let url = database::cluster().new_database();
        database::cluster().run("pgbench", &["-i", "-q", "-s", SCALE, &url]);
        println!("  pgbench was filled at scale {SCALE} in {:.1} s", began.elapsed().as_secs_f64());
        Self(url)
    }

    /// Transactions a second of the built-in script, and their average milliseconds.
    fn run(&self, clients: usize, seconds: u64) -> (f64, f64) {
        let (clients, seconds) = (clients.to_string(), seconds.to_string());
        let threads = if clients == "1" { "1" } else { "2" };
        let arguments = ["-n", "-M", "prepared", "-c", &clients, "-j", threads, "-T", &seconds, &self.0];
        let output = database::cluster().run("pgbench", &arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let figure = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a figure of pgbench");
            line.trim_start_matches(" = ").split_whitespace().next().unwrap().parse().unwrap()
        };
        (figure("tps"), figure("latency average"))
    }
}
