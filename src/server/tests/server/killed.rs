//! A server process that is killed in the middle of its work has lost and doubled nothing that it acknowledged.

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{actors::ADA, process::Process, world::World};

/// How often it is killed; `cargo xtask verify server` does it 200 times.
const KILLS: &str = "PREQUAL_KILLS";
const KILLS_SHORT: u64 = 4;
/// How many kills one loan goes through, which has room for so many payments only.
const KILLS_OF_LOAN_MAX: u64 = 8;
const CLIENTS: usize = 8;
const AMOUNT: i64 = 7;

/// One client: instructs payments until the server is gone. Gives what was acknowledged, by key, and the key
/// of which nobody knows what became.
async fn instruct(world: &World, loan: &str, capability: &str, open: Option<String>) -> (Vec<(String, Value)>, String) {
    let path = format!("/v1/loans/{loan}/payments");
    let body = json!({ "amount": AMOUNT });
    let mut acknowledged = Vec::new();
    let mut key = open.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    loop {
        match world.try_post_once(&path, capability, &key, &body).await {
            // The loan has as many payments as it may have.
            Some(answer) if answer.status == 429 => tokio::time::sleep(Duration::from_millis(10)).await,
            Some(answer) => {
                acknowledged.push((key, answer.expect(202)["payment_id"].clone()));
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
    for first in (0..kills).step_by(usize::try_from(KILLS_OF_LOAN_MAX).unwrap()) {
        acknowledged += kill_and_compare(first..kills.min(first + KILLS_OF_LOAN_MAX)).await;
    }
    println!("{kills} kills, {acknowledged} acknowledged requests, each there once");
}

/// Kills a server under load so many times; gives how many requests were acknowledged.
async fn kill_and_compare(kills: Range<u64>) -> usize {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 250_000, "monthly-6").await;
    world.stop().await;
    let mut world = Arc::new(world);
    let mut acknowledged: BTreeMap<String, Value> = BTreeMap::new();
    let mut open: Vec<Option<String>> = vec![None; CLIENTS];
    for kill in kills {
        let mut process = Process::start(&world, world.address());
        let clients: Vec<_> = std::mem::take(&mut open)
            .into_iter()
            .map(|open| {
                let (world, loan, capability) = (world.clone(), loan.clone(), capability.clone());
                tokio::spawn(async move { instruct(&world, &loan, &capability, open).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50 + 97 * kill % 400)).await;
        process.kill();
        for client in clients {
            let (done, key) = client.await.unwrap();
            for (key, payment) in done {
                assert_eq!(acknowledged.insert(key, payment), None);
            }
            open.push(Some(key));
        }
    }
    assert!(acknowledged.len() > CLIENTS, "the server worked before it was killed: {}", acknowledged.len());

    let world_mut = Arc::get_mut(&mut world).unwrap();
    world_mut.start().await;
    let world = world;
    world.verify().await;
    // Every acknowledged request is answered as it was, and every open one now.
    let path = format!("/v1/loans/{loan}");
    let body = json!({ "amount": AMOUNT });
    for (key, payment) in &acknowledged {
        let replay = world.try_post_once(&format!("{path}/payments"), &capability, key, &body).await.unwrap();
        assert_eq!(replay.expect(202)["payment_id"], *payment);
    }
    for key in open.into_iter().flatten() {
        let late = world.try_post_once(&format!("{path}/payments"), &capability, &key, &body).await.unwrap();
        if late.status == 429 {
            continue;
        }
        acknowledged.insert(key, late.expect(202)["payment_id"].clone());
    }
    let count = acknowledged.len();
    let view = world
        .wait(&path, &capability, |loan| {
            let payments = loan["payments"].as_array().unwrap();
            payments.len() == count && payments.iter().all(|payment| payment["status"] == "cleared")
        })
        .await;
    let paid = AMOUNT * i64::try_from(count).unwrap();
    assert_eq!(view["balance"]["principal"], 250_000 - paid);
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let debits = transfers["transfers"].as_array().unwrap().iter().filter(|row| row["kind"] == "debit").count();
    assert_eq!(debits, count, "each was debited once");
    count
}
