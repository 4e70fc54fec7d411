//! The day's jobs, each of them, over a portfolio of 1,000,000 loans of which 33,333 fall due: seconds, rows a second,
//! memory. `cargo xtask bench server` runs it on each engine.
//!
//! One loan is bought through every route of a purchase; the others are copies of its rows made in the database, each
//! with a person, an application, a mandate, events and a journal of its own, and the keys that the tables have. Their
//! hashes are numbers: a chain of copies is not verified, which no job does.

#[path = "../tests/server/actors.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod actors;
#[path = "../tests/server/database.rs"]
mod database;
#[path = "../tests/server/world.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod world;

use std::time::{Duration, Instant};

use actors::ADA;
use prequal_bundle::jwk::{self, Use};
use prequal_core::calendar::Date;
use prequal_server::{
    app::App,
    conduct::Reminder,
    config::Ledger as LedgerConfig,
    jobs::{Done, JOBS, Job},
    serve,
    settings::Settings,
    storage::{Database, Engine},
};
use sqlx::AssertSqlSafe;
use world::World;

/// As the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many loans there are.
const LOANS: &str = "PREQUAL_BENCH_PORTFOLIO";
const LOANS_DEFAULT: u64 = 1_000_000;
/// One loan in so many falls due on the day: a month of due days.
const DUE_ONE_IN: u64 = 30;
/// What one change of a job writes, where that is the same each time. A debit: the payment, the call to the provider,
/// the debit, and the next due day.
const ROWS_EACH: [(&str, u64); 1] = [("due-debits", 4)];
/// How often it is said that a job still works.
const PROGRESS: Duration = Duration::from_secs(30);

fn main() {
    // `cargo test --all-targets` runs this too, for nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    serve::block_on(async {
        measure().await;
        Ok(())
    })
    .unwrap();
}

/// The most memory that this process had since it was last asked, in MiB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0;
    // 5: the peak begins anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak
}

async fn measure() {
    let count: u64 = std::env::var(LOANS).map_or(LOANS_DEFAULT, |text| text.parse().expect("a whole number"));
    let mut world = World::new().await;
    world.verifying = false;
    // Days are signed only where there is a key to sign them with.
    let (_, private) = jwk::generate(Use::Ledger).unwrap();
    let key = world.folder.path().join("ledger.private.jwk");
    std::fs::write(&key, private.text()).unwrap();
    world.config().ledger = Some(LedgerConfig { key });
    world.config().conduct.retention.application_days = Some(760);
    world.config().conduct.retention.contract_days = Some(1_826);
    world.config().conduct.reminders = vec![Reminder { id: "today".to_owned(), days: 0 }];
    world.restart().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    let due = view["installments"][0]["due"].as_str().unwrap().to_owned();
    world.set_date(&due).await;
    // Copies are as the loan is between two days: served as of the day before.
    let day_before = Date::parse(&due).unwrap().add_days(-1).unwrap().to_string();
    world.job("servicing", &day_before).await;
    let app = world.app().clone();
    let began = Instant::now();
    copy(&app, &loan, count, &due).await;
    println!("  {count} loans were copied in {:.1} s", began.elapsed().as_secs_f64());
    world.stop().await;
    // A server of which only the job works: no calls are made meanwhile, and no notices come.
    let config = world.config().clone();
    let (settings, vault) = Settings::load(&config, true).unwrap();
    let app = &App::new(Database::open(&config.database).await.unwrap(), settings, vault, true).await.unwrap();
    let day = Date::parse(&due).unwrap();
    peak_memory();

    let mut all = Duration::ZERO;
    for job in JOBS {
        let began = Instant::now();
        let done = timed(app, job, day).await;
        all += began.elapsed();
        let seconds = began.elapsed().as_secs_f64();
        let rows = ROWS_EACH.iter().find(|(name, _)| *name == job.name).map_or(1, |(_, rows)| *rows) * done.changed;
        println!(
            "  {:<20} {seconds:>9.3} s  {:>8} changes  {:>8.0} rows/s  peak memory {:>6.0} MiB",
            job.name,
            done.changed,
            rows as f64 / seconds,
            peak_memory()
        );
        if job.name == "due-debits" {
            assert_eq!(done.changed, count / DUE_ONE_IN, "each that is due");
            assert_eq!((job.run)(app, day).await.unwrap().changed, 0, "and once");
        }
    }
    println!(
        "  the day in all: {:.1} s over {count} loans, {} due; each batch is on disk",
        all.as_secs_f64(),
        count / DUE_ONE_IN
    );
}

/// Runs a job, and says now and then that it still works.
async fn timed(app: &App, job: &Job, day: Date) -> Done {
    let mut running = (job.run)(app, day);
    let began = Instant::now();
    loop {
        tokio::select! {
            done = &mut running => return done.unwrap_or_else(|problem| panic!("{}: {problem:?}", job.name)),
            () = tokio::time::sleep(PROGRESS) => eprintln!("  {} works since {} s", job.name, began.elapsed().as_secs()),
        }
    }
}

/// How many entries a loan's journal has.
async fn entries(app: &App, loan: &str) -> i64 {
    let mut db = app.db.read().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM journal_entries WHERE chain = $1")
        .bind(loan)
        .fetch_one(&mut *db)
        .await
        .unwrap()
}

/// Copies a loan's rows in the database, and gives each copy a mandate; one in thirty falls due on the day.
async fn copy(app: &App, loan: &str, count: u64, due: &str) {
    let number = |width: u8| match app.db.engine() {
        Engine::Sqlite => format!("printf('%0{width}d', i)"),
        Engine::Postgres => format!("lpad(i::text, {width}, '0')"),
    };
    let (id, hash) = (format!("'00000000-0000-7000-8000-' || {}", number(12)), number(64));
    let numbers = format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let record = |mark: char| format!("'00000000-0000-7000-{mark}000-' || {}", number(12));
    let (input, signature) = (record('9'), record('a'));
    let mut statements = vec![
        format!(
            "INSERT INTO persons (id, wrapped_key, created)
             {numbers} SELECT {id}, wrapped_key, created FROM n, persons
                WHERE id = (SELECT person FROM loans WHERE id = '{loan}')"
        ),
        format!(
            "INSERT INTO personal_records (id, person, kind, sealed, created)
             {numbers} SELECT CASE WHEN kind = 'signature' THEN {signature} ELSE {input} END, {id}, kind, sealed, created
                FROM n, personal_records WHERE person = (SELECT person FROM loans WHERE id = '{loan}')"
        ),
        format!(
            "INSERT INTO checkouts (id, merchant, merchant_order, amount, currency, cart, cart_hash, cart_version, status,
                created, expires)
             {numbers} SELECT {id}, merchant, {id}, amount, currency, cart, cart_hash, cart_version, status, created,
                expires FROM n, checkouts WHERE id = (SELECT checkout FROM loans WHERE id = '{loan}')"
        ),
        format!(
            "INSERT INTO applications (id, checkout, person, edge, capability_hash, input_record, input_hash, bundle_hash,
                as_of, status, created)
             {numbers} SELECT {id}, {id}, {id}, edge, {hash}, {input}, input_hash, bundle_hash, as_of, status,
                created FROM n, applications WHERE id = (SELECT application FROM loans WHERE id = '{loan}')"
        ),
        format!(
            "INSERT INTO loans (id, application, checkout, person, merchant, capability_hash, currency, principal,
                merchant_fee, offer, agreement_text, agreement_hash, signature_record, booked)
             {numbers} SELECT {id}, {id}, {id}, {id}, merchant, {hash}, currency, principal, merchant_fee, offer, '',
                agreement_hash, {signature}, booked
             FROM n, loans WHERE id = '{loan}'"
        ),
        format!(
            "INSERT INTO loan_standings (loan, currency, status, principal_outstanding, service_due)
             {numbers} SELECT {id}, currency, status, principal_outstanding,
                CASE WHEN i % {DUE_ONE_IN} = 0 THEN '{due}' ELSE '9999-12-31' END FROM n, loan_standings WHERE loan = '{loan}'"
        ),
        format!(
            "INSERT INTO installment_dues (loan, number, due)
             {numbers} SELECT {id}, number, CASE WHEN number = 1 THEN '{due}' ELSE due END
                FROM n, installment_dues WHERE loan = '{loan}' AND i % {DUE_ONE_IN} = 0"
        ),
        format!(
            "INSERT INTO loan_events (loan, number, booked, event)
             {numbers} SELECT {id}, number, booked, event FROM n, loan_events WHERE loan = '{loan}'"
        ),
        format!(
            "INSERT INTO mandates (loan, text_hash, given, next_due)
             {numbers} SELECT {id}, {hash}, '2026-01-01T00:00:00Z',
                CASE WHEN i % {DUE_ONE_IN} = 0 THEN '{due}' ELSE '9999-12-31' END FROM n"
        ),
    ];
    // Entry by entry: each must find the one before it.
    for entry in 1..=entries(app, loan).await {
        let (of, before) = (|entry: i64| format!("{hash} || '{entry:02}'"), entry - 1);
        let cut = |text: String| format!("substr({text}, 3, 64)");
        let previous = if entry == 1 { "previous".to_owned() } else { cut(of(before)) };
        let this = format!("'00000000-0000-7000-b{entry:03}-' || {}", number(12));
        let source = format!("e.chain = '{loan}' AND e.number = {entry}");
        statements.push(format!(
            "INSERT INTO journal_entries (id, chain, number, date, currency, event, previous, hash, recorded,
                lines)
             {numbers} SELECT {this}, {id}, number, date, currency, event, {previous}, {}, recorded,
                lines FROM n, journal_entries e WHERE {source}",
            cut(of(entry))
        ));
        statements.push(format!(
            "INSERT INTO journal_transfers (entry, line, debit, credit, amount)
             {numbers} SELECT {this}, line, debit, credit, t.amount
                FROM n, journal_transfers t JOIN journal_entries e ON e.id = t.entry WHERE {source}"
        ));
    }
    for statement in statements {
        let mut tx = app.db.begin().await.unwrap();
        if app.db.engine() == Engine::Postgres {
            // A million rows are more than a serializable transaction can watch; nobody else writes yet.
            let alone = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0";
            sqlx::raw_sql(alone).execute(&mut *tx).await.unwrap();
        }
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    if app.db.engine() == Engine::Postgres {
        let mut tx = app.db.begin().await.unwrap();
        sqlx::raw_sql("SET LOCAL statement_timeout = 0; ANALYZE").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}
