//! Requests that share a commit: each stands or falls by itself, and nobody waits for one that went away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use prequal_server::{
    problem::{Kind, Problem},
    storage::{Connection, group, replies},
};

use crate::world::World;

async fn keep(db: &mut Connection, number: usize) -> Result<(), Problem> {
    let hash = format!("{number:064}");
    let stored = replies::Stored {
        scope: "test".to_owned(),
        key_hash: hash.clone(),
        fingerprint: hash,
        status: 200,
        sealed: vec![1],
    };
    Ok(replies::insert(db, &stored, "2026-01-01T00:00:00Z").await?)
}

async fn kept(world: &World) -> i64 {
    let mut db = world.app().db.read().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM idempotency WHERE scope = 'test'").fetch_one(&mut *db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_undoes_its_own_part_only() {
    let world = Arc::new(World::new().await);
    let tasks: Vec<_> = (0..4 * group::GROUP_MAX)
        .map(|number| {
            let app = world.app().clone();
            tokio::spawn(async move {
                let work = |mut tx: group::Part| async move {
                    keep(&mut tx, number).await?;
                    if number % 3 == 0 { Err(Problem::new(Kind::WrongState, "every third")) } else { Ok(number) }
                };
                app.db.write(work).await
            })
        })
        .collect();
    let mut done = 0;
    for (number, task) in tasks.into_iter().enumerate() {
        match task.await.unwrap() {
            Ok(given) => {
                assert_eq!(given, number);
                done += 1;
            }
            Err(problem) => assert_eq!((problem.kind(), number % 3), (Kind::WrongState, 0)),
        }
    }
    assert_eq!(kept(&world).await, done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_caller_goes_away_in_the_middle_leaves_nothing_and_blocks_nobody() {
    let world = Arc::new(World::new().await);
    for round in 0..20 {
        let gone = world.app().clone();
        let gone = tokio::spawn(async move {
            let work = |mut tx: group::Part| async move {
                keep(&mut tx, 1_000).await?;
                tokio::time::sleep(Duration::from_secs(600)).await;
                Ok(())
            };
            gone.db.write(work).await
        });
        tokio::time::sleep(Duration::from_millis(round)).await;
        let behind = world.app().clone();
        let behind = tokio::spawn(async move {
            let number = usize::try_from(round).unwrap();
            behind.db.write(|mut tx| async move { keep(&mut tx, number).await }).await
        });
        tokio::time::sleep(Duration::from_millis(round % 3)).await;
        gone.abort();
        tokio::time::timeout(Duration::from_secs(20), behind).await.unwrap().unwrap().unwrap();
    }
    assert_eq!(kept(&world).await, 20, "none of those that went away");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_always_meets_another_is_given_up() {
    let world = World::new().await;
    let begun = AtomicU32::new(0);
    let begun_ref = &begun;
    let work = |_: group::Part| async move {
        begun_ref.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(Problem::contention())
    };
    assert_eq!(world.app().db.write(work).await.unwrap_err().kind(), Kind::Contention);
    assert_eq!(begun.load(Ordering::SeqCst), group::ATTEMPTS_MAX);
}
