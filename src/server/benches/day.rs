//! The day's debits over a portfolio of 1,000,000 loans of which 33,333 fall due: seconds, rows a second, memory.
//! `cargo xtask bench server` runs it on each engine.
//!
//! One loan is bought through every route of a purchase; the others are copies of its rows made in the database, with
//! everything that the job reads and the keys that its tables have. Their journals, which it does not read, are left out.

#[path = "../tests/server/actors.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod actors;
#[path = "../tests/server/database.rs"]
mod database;
#[path = "../tests/server/world.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod world;

use std::time::Instant;

use actors::ADA;
use prequal_core::calendar::Date;
use prequal_server::{
    app::App,
    jobs::due_debits::DUE_DEBITS,
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
/// What one debit writes: the payment, the call to the provider, the debit, and the next due day.
const ROWS_EACH: u64 = 4;

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
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let view = world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200);
    let due = view["installments"][0]["due"].as_str().unwrap().to_owned();
    world.set_date(&due).await;
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

    let began = Instant::now();
    assert_eq!((DUE_DEBITS.run)(app, day.add_days(-1).unwrap()).await.unwrap().changed, 0);
    println!("  a day on which nothing is due: {:.4} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let debited = (DUE_DEBITS.run)(app, day).await.unwrap().changed;
    let seconds = began.elapsed().as_secs_f64();
    let (loans, rows) = (debited as f64 / seconds, (debited * ROWS_EACH) as f64 / seconds);
    println!("  {debited} debits in {seconds:.1} s: {loans:.0} loans and {rows:.0} rows a second, each batch on disk");
    println!("  peak memory of the process: {:.0} MiB", peak_memory());
    assert_eq!(debited, count / DUE_ONE_IN, "each that is due");
    assert_eq!((DUE_DEBITS.run)(app, day).await.unwrap().changed, 0, "and once");
}

/// Copies a loan's rows in the database, and gives each copy a mandate; one in thirty falls due on the day.
async fn copy(app: &App, loan: &str, count: u64, due: &str) {
    let number = |width: u8| match app.db.engine() {
        Engine::Sqlite => format!("printf('%0{width}d', i)"),
        Engine::Postgres => format!("lpad(i::text, {width}, '0')"),
    };
    let (id, hash) = (format!("'00000000-0000-7000-8000-' || {}", number(12)), number(64));
    let numbers = format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let statements = [
        format!(
            "INSERT INTO checkouts (id, merchant, merchant_order, amount, currency, cart, cart_hash, cart_version, status,
                created, expires)
             {numbers} SELECT {id}, merchant, {id}, amount, currency, cart, cart_hash, cart_version, status, created,
                expires FROM n, checkouts WHERE id = (SELECT checkout FROM loans WHERE id = '{loan}')"
        ),
        format!(
            "INSERT INTO applications (id, checkout, person, edge, capability_hash, input_record, input_hash, bundle_hash,
                as_of, status, created)
             {numbers} SELECT {id}, {id}, person, edge, {hash}, input_record, input_hash, bundle_hash, as_of, status,
                created FROM n, applications WHERE id = (SELECT application FROM loans WHERE id = '{loan}')"
        ),
        format!(
            "INSERT INTO loans (id, application, checkout, person, merchant, capability_hash, currency, principal,
                merchant_fee, offer, agreement_text, agreement_hash, signature_record, booked)
             {numbers} SELECT {id}, {id}, {id}, person, merchant, {hash}, currency, principal, merchant_fee, offer, '',
                agreement_hash, signature_record, booked
             FROM n, loans WHERE id = '{loan}'"
        ),
        format!(
            "INSERT INTO loan_standings (loan, currency, status, principal_outstanding)
             {numbers} SELECT {id}, currency, status, principal_outstanding FROM n, loan_standings WHERE loan = '{loan}'"
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
    for statement in statements {
        let mut tx = app.db.begin().await.unwrap();
        if app.db.engine() == Engine::Postgres {
            sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await.unwrap();
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
