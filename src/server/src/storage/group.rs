//! Group commit: requests that write at the same time share one transaction, and so one wait for the disk.
//!
//! One transaction is open at a time. Whoever writes waits for a turn in it, works inside a savepoint of its own,
//! and is answered when the whole is committed: a refused request undoes its own part only. The last in the queue
//! commits, so that nobody waits for company that does not come. Where the transaction meets one of another
//! process, all of it is undone and every request does its work again, a bounded number of times.

use std::{
    future::Future,
    ops::{Deref, DerefMut},
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::AnyPool;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::{Connection, Tx};
use crate::problem::{Kind, Problem};

/// How many requests share a commit at most. PostgreSQL keeps 64 parts of a transaction at hand.
pub const GROUP_MAX: usize = 60;
/// How often the work of one request is begun before it is given up.
pub const ATTEMPTS_MAX: u32 = 12;
/// The first wait before the work is done again; doubled each time, and spread by chance.
const RETRY_FIRST: Duration = Duration::from_millis(2);
/// The longest such wait.
const RETRY_MAX: Duration = Duration::from_millis(200);

/// The one place where a process writes.
#[derive(Debug)]
pub struct Writer {
    pool: AnyPool,
    begin: &'static str,
    open: Arc<Mutex<Open>>,
    waiting: AtomicUsize,
    commits: AtomicU64,
    parts: AtomicU64,
    retries: AtomicU64,
}

/// What a writer did since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writes {
    /// Transactions that were committed.
    pub commits: u64,
    /// Parts of them, which is how many requests' work they held.
    pub parts: u64,
    /// Works that were begun again, because another transaction was in the way.
    pub retries: u64,
}

/// The transaction that is open, and who waits for its end.
#[derive(Debug, Default)]
struct Open {
    tx: Option<Tx>,
    members: Vec<oneshot::Sender<Result<(), Problem>>>,
    /// Set while somebody works. Who finds it set knows that whoever worked went away in the middle.
    working: bool,
}

/// One request's part of the transaction, to be worked with as with a connection.
#[derive(Debug)]
pub struct Part {
    open: Option<OwnedMutexGuard<Open>>,
    back: Slot,
}

/// Where a part goes when the work is done with it.
type Slot = Arc<std::sync::Mutex<Option<OwnedMutexGuard<Open>>>>;

#[expect(
    clippy::expect_used,
    reason = "a part is made of an open transaction, and gives it back only when it is dropped"
)]
impl Deref for Part {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.open.as_ref().and_then(|open| open.tx.as_deref()).expect("an open transaction")
    }
}

#[expect(clippy::expect_used, reason = "as above")]
impl DerefMut for Part {
    fn deref_mut(&mut self) -> &mut Connection {
        self.open.as_mut().and_then(|open| open.tx.as_deref_mut()).expect("an open transaction")
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        *self.back.lock().unwrap_or_else(PoisonError::into_inner) = self.open.take();
    }
}

/// A place in the queue, given up when its request ends or goes away.
struct Place {
    writer: Arc<Writer>,
    left: bool,
}

impl Place {
    fn take(writer: &Arc<Writer>) -> Self {
        writer.waiting.fetch_add(1, Ordering::SeqCst);
        Self { writer: writer.clone(), left: false }
    }

    /// Leaves; `true` where nobody waits behind.
    fn leave(&mut self) -> bool {
        self.left = true;
        self.writer.waiting.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.left || !self.leave() {
            return;
        }
        // Somebody before may have relied on this request to commit.
        let writer = self.writer.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let mut open = writer.open.lock().await;
                open.recover();
                writer.commit(&mut open).await;
            });
        }
    }
}

impl Open {
    /// Undoes everything where whoever worked went away in the middle: nobody knows what was left behind.
    fn recover(&mut self) {
        if std::mem::take(&mut self.working) {
            self.give_up();
        }
    }

    /// Undoes the transaction; everybody in it begins again.
    fn give_up(&mut self) {
        // Dropped, it is rolled back.
        self.tx = None;
        for member in self.members.drain(..) {
            let _ = member.send(Err(Problem::contention()));
        }
    }

    async fn statement(&mut self, statement: &'static str) -> Result<(), Problem> {
        let Some(tx) = &mut self.tx else { return Err(Problem::contention()) };
        Ok(sqlx::raw_sql(statement).execute(&mut **tx).await.map(drop)?)
    }

    /// Whether anything was committed. Its members are those of this transaction and no other: should it come to no
    /// end, nobody may find them waiting and tell them of the next one's.
    async fn commit(&mut self) -> bool {
        let members = std::mem::take(&mut self.members);
        let ended = match self.tx.take() {
            Some(tx) => tx.commit().await.map_err(Problem::from),
            None => Err(Problem::contention()),
        };
        for member in members {
            let _ = member.send(ended.clone());
        }
        ended.is_ok()
    }
}

impl Writer {
    /// A writer over a pool of one connection.
    #[must_use]
    pub fn new(pool: AnyPool, begin: &'static str) -> Arc<Self> {
        let (commits, parts, retries) = Default::default();
        Arc::new(Self { pool, begin, open: Arc::default(), waiting: AtomicUsize::new(0), commits, parts, retries })
    }

    /// What was written so far.
    #[must_use]
    pub fn writes(&self) -> Writes {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Writes { commits: of(&self.commits), parts: of(&self.parts), retries: of(&self.retries) }
    }

    async fn commit(&self, open: &mut Open) {
        let parts = open.members.len() as u64;
        if open.commit().await {
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.parts.fetch_add(parts, Ordering::Relaxed);
        }
    }

    /// Does work in a transaction and answers when it is committed. The work may be done several times: it must
    /// change nothing but the database.
    ///
    /// # Errors
    /// What the work gives; 503 where other writers were in the way [`ATTEMPTS_MAX`] times; 500 when the database
    /// fails.
    pub async fn write<T, F: Future<Output = Result<T, Problem>>>(
        self: &Arc<Self>,
        work: impl Fn(Part) -> F,
    ) -> Result<T, Problem> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.once(&work).await {
                Err(problem) if problem.kind() == Kind::Contention && attempt < ATTEMPTS_MAX => {
                    self.retries.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(wait(attempt)).await;
                }
                ended => return ended,
            }
        }
    }

    async fn once<T, F: Future<Output = Result<T, Problem>>>(
        self: &Arc<Self>,
        work: &impl Fn(Part) -> F,
    ) -> Result<T, Problem> {
        let mut place = Place::take(self);
        let mut open = self.open.clone().lock_owned().await;
        open.recover();
        // Whoever begins the transaction needs no savepoint: what it would go back to is the beginning.
        let first = open.tx.is_none();
        if first {
            open.tx = Some(self.pool.begin_with(self.begin).await?);
        }
        open.working = true;
        if !first {
            open.statement("SAVEPOINT part").await?;
        }
        let back = Slot::default();
        let done = work(Part { open: Some(open), back: back.clone() }).await;
        let given_back = back.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut open = given_back.ok_or_else(|| Problem::internal("a part of a transaction was kept"))?;
        if done.is_err() {
            if first {
                // Nothing else is in it. What it was refused for was committed before.
                if let Some(tx) = open.tx.take() {
                    let _ = tx.rollback().await;
                }
                open.working = false;
                return done;
            }
            open.statement("ROLLBACK TO SAVEPOINT part").await?;
        }
        let last = place.leave() || open.members.len() + 1 >= GROUP_MAX;
        // A commit releases what is open.
        if !first && !last {
            open.statement("RELEASE SAVEPOINT part").await?;
        }
        open.working = false;
        // A refusal waits as well: what it was refused for may have been written by a part of the same whole.
        let (told, end) = oneshot::channel();
        open.members.push(told);
        if last {
            // Whoever comes last may go away while it is written, and others wait for it: a task of its own.
            let writer = self.clone();
            tokio::spawn(async move { writer.commit(&mut open).await });
        } else {
            drop(open);
        }
        end.await.unwrap_or_else(|_| Err(Problem::contention()))?;
        done
    }
}

/// How long to wait before an attempt: two processes that met must not meet again for ever.
fn wait(attempt: u32) -> Duration {
    let longest = RETRY_FIRST.saturating_mul(1 << attempt.min(10)).min(RETRY_MAX);
    let [chance] = crate::secret::random::<1>();
    longest.mul_f64(0.5 + f64::from(chance) / 512.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_have_an_end() {
        assert!(wait(1) <= RETRY_FIRST * 2);
        assert!((1..100).all(|attempt| wait(attempt) <= RETRY_MAX));
        assert!(wait(ATTEMPTS_MAX) >= RETRY_MAX / 2);
    }
}
