//! A server process that is killed in the middle of its work has lost and doubled nothing that it acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{actors::ADA, process::Process, world::World};

/// How often it is killed; `cargo xtask verify server` does it 200 times.
const KILLS: &str = "PREQUAL_KILLS";
const KILLS_SHORT: u64 = 4;
/// How many kills one set of loans goes through, each of which has room for so many payments only.
const KILLS_OF_LOANS_MAX: u64 = 8;
/// On how many loans the clients work at the same time.
const LOANS: usize = 4;
const CLIENTS: usize = 8;
const AMOUNT: i64 = 7;
/// How long a server may take to acknowledge the first request after a restart.
const FIRST_MAX: Duration = Duration::from_secs(60);

/// A loan and the shopper's credential for it.
type Lent = (String, String);

/// One client: instructs payments until the server is gone. Gives what was acknowledged, by key, and the key
/// of which nobody knows what became.
async fn instruct(
    world: &World,
    (loan, capability): &Lent,
    open: Option<String>,
    count: &AtomicUsize,
) -> (Vec<(String, Value)>, String) {
    let path = format!("/v1/loans/{loan}/payments");
    let body = json!({ "amount": AMOUNT });
    let mut acknowledged = Vec::new();
    let mut key = open.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    loop {
        match world.try_post_once(&path, capability, &key, &body).await {
            Some(answer) => {
                acknowledged.push((key, answer.expect(202)["payment_id"].clone()));
                count.fetch_add(1, Ordering::SeqCst);
                key = uuid::Uuid::new_v4().to_string();
            }
            None => return (acknowledged, key),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_exactly_once_after_every_kill() {
    let kills: u64 = std::env::var(KILLS).map_or(KILLS_SHORT, |text| text.parse().unwrap());
    let mut acknowledged = 0;
    for first in (0..kills).step_by(usize::try_from(KILLS_OF_LOANS_MAX).unwrap()) {
        acknowledged += kill_and_compare(first..kills.min(first + KILLS_OF_LOANS_MAX)).await;
    }
    println!(
        "{kills} kills, {acknowledged} acknowledged requests, each there once; chains and sums verified after each"
    );
}

/// After a restart: every chain and sum, and of each acknowledged request one payment. What nobody was told of may be
/// there as well, at most one for each client.
async fn verify_what_is_there(world: &World, loans: &[Lent], acknowledged: &BTreeMap<String, Value>) {
    world.verify().await;
    let mut there = BTreeSet::new();
    let mut count = 0;
    let mut db = world.app().db.read().await.unwrap();
    for (loan, _) in loans {
        let ids: Vec<String> =
            sqlx::query_scalar("SELECT id FROM payments WHERE loan = $1").bind(loan).fetch_all(&mut *db).await.unwrap();
        count += ids.len();
        there.extend(ids);
    }
    let told: BTreeSet<String> = acknowledged.values().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(told.len(), acknowledged.len(), "each request has a payment of its own");
    assert!(told.is_subset(&there), "lost: {:?}", told.difference(&there).collect::<Vec<_>>());
    assert!(count <= told.len() + CLIENTS, "{count} payments of {} acknowledged requests", told.len());
}

/// Kills a server under load so many times; gives how many requests were acknowledged.
async fn kill_and_compare(kills: Range<u64>) -> usize {
    let mut world = World::new().await;
    let mut loans: Vec<Lent> = Vec::new();
    for _ in 0..LOANS {
        let (_, loan, capability) = world.buy(&ADA, 60_000, "monthly-6").await;
        loans.push((loan, capability));
    }
    world.stop().await;
    let mut world = Arc::new(world);
    let mut acknowledged: BTreeMap<String, Value> = BTreeMap::new();
    let mut open: Vec<Option<String>> = vec![None; CLIENTS];
    for kill in kills {
        let mut process = Process::start(&world, world.address());
        let count = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = std::mem::take(&mut open)
            .into_iter()
            .enumerate()
            .map(|(client, open)| {
                let (world, count, lent) = (world.clone(), count.clone(), loans[client % LOANS].clone());
                tokio::spawn(async move { instruct(&world, &lent, open, &count).await })
            })
            .collect();
        // It works before it is killed: more than what was open before is acknowledged.
        let began = Instant::now();
        while count.load(Ordering::SeqCst) <= CLIENTS {
            assert!(began.elapsed() < FIRST_MAX, "nothing is acknowledged after restart {kill}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(97 * kill % 400)).await;
        process.kill();
        for client in clients {
            let (done, key) = client.await.unwrap();
            for (key, payment) in done {
                assert_eq!(acknowledged.insert(key, payment), None);
            }
            open.push(Some(key));
        }
        let world = Arc::get_mut(&mut world).unwrap();
        world.start().await;
        verify_what_is_there(world, &loans, &acknowledged).await;
        world.stop().await;
    }
    Arc::get_mut(&mut world).unwrap().start().await;
    replay_and_settle(&world, &loans, acknowledged, open).await
}

/// Every acknowledged request is answered as it was, and every open one now; what was debited is what was paid.
async fn replay_and_settle(
    world: &World,
    loans: &[Lent],
    mut acknowledged: BTreeMap<String, Value>,
    open: Vec<Option<String>>,
) -> usize {
    let body = json!({ "amount": AMOUNT });
    let mut owners: BTreeMap<String, &Lent> = BTreeMap::new();
    for lent in loans {
        let view = world.get(&format!("/v1/loans/{}", lent.0), &lent.1).await.expect(200);
        for payment in view["payments"].as_array().unwrap() {
            owners.insert(payment["id"].as_str().unwrap().to_owned(), lent);
        }
    }
    for (key, payment) in &acknowledged {
        let (loan, capability) = owners[payment.as_str().unwrap()];
        let path = format!("/v1/loans/{loan}/payments");
        let replay = world.try_post_once(&path, capability, key, &body).await.unwrap();
        assert_eq!(replay.expect(202)["payment_id"], *payment);
    }
    for (client, key) in open.into_iter().enumerate() {
        let (Some(key), (loan, capability)) = (key, &loans[client % LOANS]) else { continue };
        let late = world.try_post_once(&format!("/v1/loans/{loan}/payments"), capability, &key, &body).await.unwrap();
        acknowledged.insert(key, late.expect(202)["payment_id"].clone());
    }
    let mut payments = 0;
    for (loan, capability) in loans {
        let view = world
            .wait(&format!("/v1/loans/{loan}"), capability, |loan| {
                loan["payments"].as_array().unwrap().iter().all(|payment| payment["status"] == "cleared")
            })
            .await;
        let count = view["payments"].as_array().unwrap().len();
        assert_eq!(view["balance"]["principal"], 60_000 - AMOUNT * i64::try_from(count).unwrap());
        payments += count;
    }
    assert_eq!(payments, acknowledged.len(), "each request has one payment, and no payment is anybody else's");
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let debits = transfers["transfers"].as_array().unwrap().iter().filter(|row| row["kind"] == "debit").count();
    assert_eq!(debits, payments, "each was debited once");
    payments
}
