//! The day's jobs: each is done once for each business date, whatever stops in between and however many servers run.

use std::{sync::Arc, time::Duration};

use prequal_core::calendar::Date;
use prequal_server::{
    app::App,
    config::Config,
    jobs::{
        Done, JOBS, Job, Running,
        scheduler::{self, Attempt},
    },
    operation, outbox,
    problem::{Kind, Problem},
    settings::Settings,
    storage::{self, Database, Engine, group::Part, jobs, replies},
};
use serde_json::json;

use crate::{
    actors::ADA,
    database,
    world::{LENDER, MERCHANT, World},
};

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// Notes that it ran, a row each time: what a job must not rely on.
async fn note(app: &App, name: &str, date: Date) -> Result<Done, Problem> {
    let hash = prequal_server::secret::sha256_hex(uuid::Uuid::new_v4().to_string());
    let (scope, hash) = (&*format!("{name} {date}"), &*hash);
    let (key_hash, fingerprint) = (hash.to_owned(), hash.to_owned());
    let stored = &replies::Stored { scope: scope.to_owned(), key_hash, fingerprint, status: 200, sealed: vec![1] };
    app.db.write(|mut tx: Part| async move { Ok(replies::insert(&mut tx, stored, "2026-01-01").await?) }).await?;
    Ok(Done { changed: 1 })
}

async fn noted(world: &World, name: &str) -> Vec<String> {
    let mut db = world.app().db.read().await.unwrap();
    sqlx::query_scalar("SELECT scope FROM idempotency WHERE scope LIKE $1 ORDER BY scope")
        .bind(format!("{name} %"))
        .fetch_all(&mut *db)
        .await
        .unwrap()
}

const COUNTED: Job = Job {
    name: "counted",
    about: "notes that it ran",
    run: |app, date| -> Running<'_> { Box::pin(note(app, "counted", date)) },
};

const AFTER_HAND: Job = Job {
    name: "after-hand",
    about: "notes that it ran",
    run: |app, date| -> Running<'_> { Box::pin(note(app, "after-hand", date)) },
};

const AFTERWARDS: Job = Job {
    name: "afterwards",
    about: "notes that it ran after the other of the day",
    run: |app, date| -> Running<'_> { Box::pin(after_counted(app, date)) },
};

/// Fails unless the job before it is done for the date and not yet for the day after.
async fn after_counted(app: &App, date: Date) -> Result<Done, Problem> {
    let mut db = app.db.read().await?;
    let newest = jobs::newest(&mut db, "counted").await?;
    drop(db);
    if newest.as_deref() != Some(&*date.to_string()) {
        return Err(Problem::new(Kind::WrongState, format!("out of turn: {newest:?}")));
    }
    note(app, "afterwards", date).await
}

const FAILING: Job = Job {
    name: "failing",
    about: "fails",
    run: |_, _| -> Running<'_> { Box::pin(async { Err(Problem::new(Kind::WrongState, "not today")) }) },
};

const PANICKING: Job = Job {
    name: "panicking",
    about: "panics",
    run: |_, _| -> Running<'_> { Box::pin(async { panic!("a defect of a job") }) },
};

const SLOW: Job = Job {
    name: "slow",
    about: "takes an hour",
    run: |app, date| -> Running<'_> {
        Box::pin(async move {
            note(app, "slow", date).await?;
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            Ok(Done::default())
        })
    },
};

/// Runs everything that is due, in as many turns as it takes.
async fn run_to_the_end(app: &Arc<App>, jobs: &[Job], today: Date) {
    for _ in 0..20 {
        if scheduler::run_due(app, jobs, today).await.unwrap() {
            return;
        }
    }
    panic!("something is left after twenty turns");
}

/// Another server on the same database, in this process.
pub async fn another_server(world: &mut World) -> Arc<App> {
    let config: Config = world.config().clone();
    let (settings, vault) = Settings::load(&config, true).unwrap();
    App::new(Database::open(&config.database).await.unwrap(), settings, vault, true).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once_for_each_date_and_makes_up_for_days_that_were_missed() {
    let world = World::new().await;
    let app = world.app();
    let jobs = [COUNTED];
    assert!(scheduler::run_due(app, &jobs, date("2026-01-30")).await.unwrap());
    assert!(scheduler::run_due(app, &jobs, date("2026-01-30")).await.unwrap());
    assert_eq!(noted(&world, "counted").await, ["counted 2026-01-30"], "a job begins with the day on which it is new");
    // Over the end of the month, after two days on which no server ran.
    assert!(scheduler::run_due(app, &jobs, date("2026-02-02")).await.unwrap());
    let days = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"].map(|day| format!("counted {day}"));
    assert_eq!(noted(&world, "counted").await, days);
    // A clock that is set back asks for nothing.
    assert!(scheduler::run_due(app, &jobs, date("2026-01-15")).await.unwrap());
    assert_eq!(noted(&world, "counted").await, days);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_s_jobs_are_done_in_their_order_before_the_next_day_s() {
    let world = World::new().await;
    let app = world.app();
    let jobs = [COUNTED, AFTERWARDS];
    assert!(scheduler::run_due(app, &jobs, date("2026-02-26")).await.unwrap());
    // More days than one turn takes.
    run_to_the_end(app, &jobs, date("2026-05-01")).await;
    assert_eq!(noted(&world, "afterwards").await.len(), 1 + 64, "26 February to 1 May 2026");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_days_of_a_long_pause_are_made_up_for() {
    let world = World::new().await;
    let app = world.app();
    assert!(scheduler::run_due(app, &[COUNTED], date("2020-02-29")).await.unwrap());
    // Some dates a turn.
    run_to_the_end(app, &[COUNTED], date("2026-02-28")).await;
    let days = noted(&world, "counted").await;
    assert_eq!(days.len(), 1 + usize::try_from(scheduler::CATCH_UP_DAYS_MAX).unwrap());
    assert_eq!((days[1].as_str(), days.last().unwrap().as_str()), ("counted 2025-02-28", "counted 2026-02-28"));
}

/// Two days without a server, and a person who runs the third day's job by hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_run_by_hand_for_a_later_day_leaves_the_days_before_it_to_be_made_up_for() {
    let world = World::new().await;
    let app = world.app();
    assert!(scheduler::run_due(app, &[COUNTED], date("2026-01-30")).await.unwrap());
    assert_eq!(scheduler::attempt(app, &COUNTED, date("2026-02-02"), true).await.unwrap(), Attempt::Done(1));
    // And one of long before any server ran: it is no beginning.
    assert_eq!(scheduler::attempt(app, &COUNTED, date("2025-12-24"), true).await.unwrap(), Attempt::Done(1));
    assert!(scheduler::run_due(app, &[COUNTED], date("2026-02-03")).await.unwrap());
    let days = ["2025-12-24", "2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03"];
    assert_eq!(noted(&world, "counted").await, days.map(|day| format!("counted {day}")), "each once");
    // By hand before the first turn of all.
    assert_eq!(scheduler::attempt(app, &AFTER_HAND, date("2026-02-01"), true).await.unwrap(), Attempt::Done(1));
    assert!(scheduler::run_due(app, &[AFTER_HAND], date("2026-02-03")).await.unwrap());
    assert_eq!(noted(&world, "after-hand").await, ["after-hand 2026-02-01", "after-hand 2026-02-03"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_or_panics_is_noted_waits_and_stops_no_other_job() {
    let world = World::new().await;
    let app = world.app();
    let day = date("2026-03-01");
    assert!(!scheduler::run_due(app, &[FAILING, PANICKING, COUNTED], day).await.unwrap());
    assert_eq!(noted(&world, "counted").await.len(), 1);
    let rows = async |name: &str| jobs::latest(&mut app.db.read().await.unwrap(), name, 5).await.unwrap();
    let failed = &rows("failing").await[0];
    assert_eq!((failed.status.as_str(), failed.attempts), ("failed", 1));
    assert_eq!(failed.error.as_deref(), Some("wrong-state: not today"));
    assert!(failed.next_attempt_ms > 0 && failed.holder.is_none());
    assert_eq!(rows("panicking").await[0].status, "failed");
    // Not again before its time, but at an operator's word.
    assert!(!scheduler::run_due(app, &[FAILING], day).await.unwrap());
    assert_eq!(rows("failing").await[0].attempts, 1);
    assert!(matches!(scheduler::attempt(app, &FAILING, day, true).await.unwrap(), Attempt::Failed(_)));
    assert_eq!(rows("failing").await[0].attempts, 2);
    let page = world.get("/metrics", LENDER).await;
    let text = String::from_utf8(page.bytes).unwrap();
    assert!(text.contains("prequal_job_attempts_total{job=\"failing\",status=\"failed\"} 2"), "{text}");
    assert!(text.contains("prequal_jobs_failed 2"), "{text}");
}

const DEFECT: Job = Job {
    name: "defect",
    about: "meets a defect",
    run: |_, _| -> Running<'_> { Box::pin(async { Err(Problem::internal("the calendar ends here")) }) },
};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_ran_for_a_day_before_the_first_is_refused_or_at_least_not_tried_for_ever() {
    let world = World::new().await;
    let app = world.app();
    // Nothing is in the books, so today is the first day.
    let refused = scheduler::run_by_name(app, "ledger-day", date("1900-01-01")).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::InvalidValue);
    assert!(refused.detail().starts_with("1900-01-01 is before "), "{}", refused.detail());
    world.buy(&ADA, 50_000, "monthly-3").await;
    let today = app.today().unwrap();
    let yesterday = today.add_days(-1).unwrap();
    let refused = scheduler::run_by_name(app, "ledger-day", yesterday).await.unwrap_err();
    assert!(refused.detail().contains(&format!("before {today}")), "{}", refused.detail());
    assert_eq!(scheduler::run_by_name(app, "ledger-day", today).await.unwrap(), 0);
    let rows = jobs::latest(&mut app.db.read().await.unwrap(), "ledger-day", 5).await.unwrap();
    assert_eq!(rows.len(), 1, "what was refused left no run behind");

    // A day of before the first that a server began: the person who ran it is told why it failed, and that is all.
    let day = date("2026-03-01");
    assert!(!scheduler::run_due(app, &[DEFECT], day).await.unwrap());
    let before = date("2026-02-20");
    let failed = scheduler::attempt(app, &DEFECT, before, true).await.unwrap();
    assert_eq!(failed, Attempt::Failed("internal: the calendar ends here".to_owned()));
    let mut tx = app.db.begin().await.unwrap();
    sqlx::query("UPDATE job_runs SET next_attempt_ms = 0").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!scheduler::run_due(app, &[DEFECT], day).await.unwrap());
    let row = async |date: Date| {
        let mut db = app.db.read().await.unwrap();
        jobs::find(&mut db, "defect", &date.to_string()).await.unwrap().unwrap()
    };
    assert_eq!((row(before).await.attempts, row(day).await.attempts), (1, 2));
    // The lender's other people read that there was a defect, not what the machine said of it.
    assert_eq!(row(before).await.error.as_deref(), Some("internal: the cause is in the server's log"));
    assert_eq!(jobs::failed(&mut app.db.read().await.unwrap()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_do_a_job_once_and_one_goes_on_where_the_other_died() {
    let mut world = World::new().await;
    let other = another_server(&mut world).await;
    let app = world.app().clone();
    for day in 1..=9 {
        let day = date(&format!("2026-04-0{day}"));
        let (one, two) = tokio::join!(
            scheduler::attempt(&app, &COUNTED, day, false),
            scheduler::attempt(&other, &COUNTED, day, false),
        );
        let both = [one.unwrap(), two.unwrap()];
        assert!(both.contains(&Attempt::Done(1)) && both.contains(&Attempt::NotNow), "{both:?}");
    }
    assert_eq!(noted(&world, "counted").await.len(), 9);

    // A server that dies in the middle leaves a lease, which runs out.
    let day = date("2026-04-10");
    let dying = other.clone();
    let dying = tokio::spawn(async move { scheduler::attempt(&dying, &SLOW, day, false).await });
    while noted(&world, "slow").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    dying.abort();
    let taken = Job { run: COUNTED.run, ..SLOW };
    assert_eq!(scheduler::attempt(&app, &taken, day, false).await.unwrap(), Attempt::NotNow);
    let mut tx = app.db.begin().await.unwrap();
    sqlx::query("UPDATE job_runs SET lease_until_ms = 1 WHERE job = 'slow'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(scheduler::attempt(&app, &taken, day, false).await.unwrap(), Attempt::Done(1));
    let row = jobs::find(&mut app.db.read().await.unwrap(), "slow", "2026-04-10").await.unwrap().unwrap();
    assert_eq!((row.status.as_str(), row.attempts), ("done", 2));
    other.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_lets_go_of_a_job_that_takes_too_long() {
    let mut world = World::new().await;
    let other = another_server(&mut world).await;
    let day = date("2026-05-01");
    let working = other.clone();
    let working = tokio::spawn(async move { scheduler::attempt(&working, &SLOW, day, false).await });
    while noted(&world, "slow").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    other.stopping.send_replace(true);
    let ended = tokio::time::timeout(scheduler::STOP_TIME_MAX * 2, working).await.unwrap().unwrap();
    assert_eq!(ended.unwrap(), Attempt::Stopped);
    // The scheduler of a server that was told to stop does nothing but let go.
    tokio::time::timeout(Duration::from_secs(10), scheduler::run(other.clone())).await.unwrap();
    let row = jobs::find(&mut world.app().db.read().await.unwrap(), "slow", "2026-05-01").await.unwrap().unwrap();
    assert_eq!((row.holder, row.lease_until_ms, row.status.as_str()), (None, 0, "running"));
    other.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_s_clock_drives_the_jobs_of_a_running_server() {
    let world = World::new().await;
    let app = world.app().clone();
    let running = tokio::spawn(scheduler::run(app.clone()));
    world.set_date("2027-06-30").await;
    let done = async |day: &str| {
        for _ in 0..2_400 {
            let answer = world.get("/v1/jobs", LENDER).await.expect(200);
            let all = answer["jobs"].as_array().unwrap();
            assert_eq!(all.len(), JOBS.len());
            if all.iter().all(|job| job["runs"][0]["date"] == day && job["runs"][0]["status"] == "done") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{}", world.get("/v1/jobs", LENDER).await.json());
    };
    done("2027-06-30").await;
    world.set_date("2027-07-02").await;
    done("2027-07-02").await;
    app.stopping.send_replace(true);
    running.await.unwrap();
    world.get("/v1/jobs", MERCHANT).await.problem(403, "forbidden");
    world.get("/v1/jobs", "").await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_and_delivered_calls_are_forgotten_when_their_days_are_over() {
    let world = World::new().await;
    world.buy(&ADA, 50_000, "monthly-3").await;
    let app = world.app();
    let today = app.today().unwrap();
    let count = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut *app.db.read().await.unwrap()).await.unwrap()
    };
    const REPLIES: &str = "SELECT count(*) FROM idempotency";
    const CALLS: &str = "SELECT count(*) FROM outbox";
    let (replies, calls) = (count(REPLIES).await, count(CALLS).await);
    assert!(replies > 0 && calls > 0);
    let later = |days: u32| today.add_days(i32::try_from(days).unwrap()).unwrap();
    let retention = app.settings.retention;
    let run = async |name: &str, day: Date| (prequal_server::jobs::find(name).unwrap().run)(app, day).await.unwrap();
    // As of the last day of their time: 30 and 90 days later they are a day too young.
    assert_eq!(run("idempotency-expiry", later(retention.idempotency_days - 1)).await.changed, 0);
    assert_eq!(run("outbox-cleanup", later(retention.outbox_days - 1)).await.changed, 0);
    let forgotten = run("idempotency-expiry", later(retention.idempotency_days + 2)).await.changed;
    assert_eq!(i64::try_from(forgotten).unwrap(), replies);
    assert_eq!(run("idempotency-expiry", later(retention.idempotency_days + 2)).await.changed, 0, "once");
    // A call that was given up stays.
    let mut tx = app.db.begin().await.unwrap();
    storage::outbox::insert(&mut tx, "dead", outbox::DEBITS, "nobody", "{}", "2020-01-01T00:00:00Z").await.unwrap();
    storage::outbox::note(&mut tx, "dead", "dead", 0, Some("gone")).await.unwrap();
    tx.commit().await.unwrap();
    let removed = run("outbox-cleanup", later(retention.outbox_days + 2)).await.changed;
    assert_eq!((i64::try_from(removed).unwrap(), count(CALLS).await), (calls, 1));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_replies_than_a_page_are_all_walked_through() {
    let world = World::new().await;
    let app = world.app();
    let mut tx = app.db.begin().await.unwrap();
    let page = prequal_server::jobs::expiry::PAGE_MAX;
    for number in 0..2 * page + 1 {
        let hash = format!("{number:064}");
        let stored = replies::Stored {
            scope: "walk".to_owned(),
            key_hash: hash.clone(),
            fingerprint: hash.clone(),
            status: 200,
            sealed: vec![1],
        };
        // Every second is old.
        let created = if number % 2 == 0 { "2020-01-01T00:00:00Z" } else { "2199-01-01T00:00:00Z" };
        replies::insert(&mut tx, &stored, created).await.unwrap();
    }
    tx.commit().await.unwrap();
    let expiry = prequal_server::jobs::find("idempotency-expiry").unwrap();
    assert_eq!((expiry.run)(app, date("2026-01-01")).await.unwrap().changed, u64::try_from(page).unwrap() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_and_webhooks_that_are_due_are_sent_at_an_operator_s_word() {
    let mut world = World::new().await;
    let folder = world.folder.path().join("notices");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = told.clone();
    let taking = axum::Router::new().fallback(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async { "" }
    });
    tokio::spawn(async move { axum::serve(listener, taking).await });
    // A server of which nothing works by itself: what is due waits.
    let declined = crate::actors::Shopper { standing: "bad", ..ADA };
    world.post("/v1/webhooks", MERCHANT, &json!({ "url": url })).await.expect(201);
    world.config().notices = Some(prequal_server::delivery::Channel::File {
        folder: folder.clone(),
        from: "Credit <c@l.example>".to_owned(),
    });
    let alone = another_server(&mut world).await;
    world.apply(&declined, 50_000).await;
    let job = prequal_server::jobs::find("notice-sending").unwrap();
    let today = alone.today().unwrap();
    assert_eq!((job.run)(&alone, today).await.unwrap().changed, 1, "the decline's notice");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!((job.run)(&alone, today).await.unwrap().changed, 0, "once");

    // Taken from the sender that runs by itself: its message is due again, and the job delivers it.
    let (_, _, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let waiting = "SELECT count(*) FROM webhook_deliveries WHERE status = 'waiting'";
    let all = "SELECT count(*) FROM webhook_deliveries";
    let count = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut *alone.db.read().await.unwrap()).await.unwrap()
    };
    for _ in 0..400 {
        if count(all).await > 0 && count(waiting).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    world.stop().await;
    let before = told.load(std::sync::atomic::Ordering::SeqCst);
    let mut tx = alone.db.begin().await.unwrap();
    sqlx::query("UPDATE webhook_deliveries SET status = 'waiting', next_attempt_ms = 0")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let due = u64::try_from(count(all).await).unwrap();
    assert!(due > 0);
    let job = prequal_server::jobs::find("webhook-delivery").unwrap();
    assert_eq!((job.run)(&alone, today).await.unwrap().changed, due);
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), before + usize::try_from(due).unwrap());
    assert_eq!((job.run)(&alone, today).await.unwrap().changed, 0, "once");
    alone.db.close().await;
    // A copy of the database would not keep anybody from being told.
    let mut config = world.config().clone();
    let dry = operation::run_job(&mut config, true, "webhook-delivery", today, true).await.unwrap_err();
    assert!(dry.contains("really send"), "{dry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_it_would_change_and_changes_nothing() {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}/autopay");
    let agreed = json!({ "text_hash": prequal_server::secret::sha256_hex("Debit me.") }).to_string();
    let on = world.call("PUT", &path, &capability, &[], agreed.as_bytes()).await.expect(200);
    let due = date(on["next_due"].as_str().unwrap());
    world.set_date(&due.to_string()).await;
    let mut config = world.config().clone();
    let dry = operation::run_job(&mut config, true, "due-debits", due, true).await;
    if database::engine() == Engine::Postgres {
        assert!(dry.unwrap_err().contains("SQLite only"));
    } else {
        assert_eq!(dry, Ok(1));
        let names = std::fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("dry-run")), "the copy is gone");
    }
    assert_eq!(world.get(&path, &capability).await.expect(200)["next_due"], due.to_string());
    let mut config = world.config().clone();
    assert_eq!(operation::run_job(&mut config, true, "due-debits", due, false).await, Ok(1));
    // Again, though it is done: nothing is left.
    assert_eq!(operation::run_job(&mut config, true, "due-debits", due, false).await, Ok(0));
    let tomorrow = due.add_days(1).unwrap();
    let early = operation::run_job(&mut config, true, "due-debits", tomorrow, false).await.unwrap_err();
    assert!(early.contains("is after the business date"), "{early}");
    let unknown = operation::run_job(&mut config, true, "due-debts", due, false).await.unwrap_err();
    assert!(unknown.starts_with("no job `due-debts`; there are ") && unknown.contains("due-debits"), "{unknown}");
    let status = operation::job_status(&config, true, 3).await.unwrap();
    let run = &status.iter().find(|one| one.job.name == "due-debits").unwrap().runs[0];
    assert_eq!((run.status.as_str(), run.attempts, run.changed), ("done", 2, 1));
}
