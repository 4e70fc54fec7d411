//! A request that goes away at any moment, as when a client hangs up, takes nothing of another along.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use prequal_server::storage::{Database, payments};
use tokio::sync::watch;

use crate::database;

/// So often at most is a write polled until it ends: far more than it ever is.
const POLLS_MAX: usize = 200;

/// Lets a future be polled so often and no more; what it gave by then.
async fn for_so_many_polls<T>(work: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Writes two rows, one after the other.
async fn note(db: &Database, id: &str) -> Result<(), prequal_server::problem::Problem> {
    db.write(|mut tx| async move {
        for part in ["a", "b"] {
            payments::note_webhooks(&mut tx, &[(format!("{id}{part}"), "0".repeat(64))], "t").await?;
        }
        Ok(())
    })
    .await
}

/// How many of the two rows are there.
async fn rows(db: &Database, id: &str) -> usize {
    let mut read = db.read().await.unwrap();
    payments::webhooks_of(&mut read, &[&format!("{id}a"), &format!("{id}b")]).await.unwrap().len()
}

/// The first of a shared transaction waits for the last to commit it. Once, the last went away while it was being
/// committed, it was undone, and the first was told of the commit of the next.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_away_at_any_moment_takes_nothing_of_another_along() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(&database::fresh(folder.path())).await.unwrap();
    for polls in 1..POLLS_MAX {
        let name = |who: &str| format!("{who}-{polls}");
        let (go, gate) = watch::channel(false);
        let (begun, begins) = watch::channel(false);
        let first = tokio::spawn({
            let (db, id) = (db.clone(), name("first"));
            async move {
                db.write(|mut tx| {
                    let (id, mut gate, begun) = (id.clone(), gate.clone(), begun.clone());
                    async move {
                        payments::note_webhooks(&mut tx, &[(format!("{id}a"), "0".repeat(64))], "t").await?;
                        begun.send_replace(true);
                        gate.wait_for(|open| *open).await.unwrap();
                        Ok(())
                    }
                })
                .await
            }
        });
        begins.clone().wait_for(|begun| *begun).await.unwrap();
        let last = name("last");
        let ended = for_so_many_polls(
            async {
                // It is in the queue before the first goes on, which then leaves the commit to it.
                let mut write = pin!(note(&db, &last));
                let waits = poll_fn(|context| Poll::Ready(write.as_mut().poll(context).is_pending())).await;
                assert!(waits, "the first has the transaction");
                go.send_replace(true);
                write.await
            },
            polls,
        )
        .await;
        go.send_replace(true);
        // A third whose commit must not be taken for that of the first.
        note(&db, &name("third")).await.unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(rows(&db, &name("first")).await, 1, "acknowledged and not there, after {polls} polls");
        assert_eq!(rows(&db, &name("third")).await, 2);
        assert_ne!(rows(&db, &last).await, 1, "half of a work, after {polls} polls");
        if let Some(ended) = ended {
            ended.unwrap();
            assert_eq!(rows(&db, &last).await, 2);
            assert!(polls > 1, "it was never let go");
            return;
        }
    }
    panic!("a write of one row is polled {POLLS_MAX} times");
}
