//! Where whoever writes sits: one thread that does nothing else.
//!
//! A batch of repayments goes to the database and back a dozen times while it holds the only transaction. Among the
//! tasks of all requests it would stand in their queue each time, which takes longer than the database does.

use std::{future::Future, sync::Arc};

use tokio::{runtime::Runtime, task::JoinHandle};

use crate::machine;

/// One thread with its own watch over what the database answers. Without it, as in a simulation, work is done among
/// everything else.
#[derive(Debug, Clone)]
pub struct Desk(Option<Arc<Thread>>);

#[derive(Debug)]
struct Thread(Option<Runtime>);

impl Drop for Thread {
    fn drop(&mut self) {
        // Whoever drops the last of it may be a task, which must not wait; what was accepted was waited for before.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Desk {
    /// A desk of one's own, unless the machine is simulated.
    ///
    /// # Errors
    /// One readable line, where the operating system gives no thread.
    pub fn new() -> Result<Self, String> {
        if machine::is_simulated() {
            return Ok(Self(None));
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("writer").enable_all().build();
        Ok(Self(Some(Arc::new(Thread(Some(runtime.map_err(|error| format!("no thread for the writer: {error}"))?))))))
    }

    /// Does work at the desk.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        match self.0.as_deref().and_then(|thread| thread.0.as_ref()) {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }
}
