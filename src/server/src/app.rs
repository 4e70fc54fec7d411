//! What every handler has: the database, the settings, the clock.

use std::sync::Arc;

use prequal_core::calendar::{Date, Instant};
use tokio::sync::{Notify, watch};

use crate::{
    clock::{Clock, SandboxClock, SystemClock},
    http_client::HttpClient,
    idempotency::InFlight,
    metrics::Metrics,
    problem::Problem,
    repayments::Intake,
    settings::Settings,
    storage::Database,
    vault::Vault,
};

/// One running server.
#[derive(Debug)]
pub struct App {
    /// Where everything is kept.
    pub db: Database,
    /// What does not change while it runs.
    pub settings: Settings,
    /// The keys over personal data.
    pub vault: Vault,
    /// What time it is for the business.
    pub clock: Arc<dyn Clock>,
    /// The same clock where it may be set.
    pub sandbox_clock: Option<Arc<SandboxClock>>,
    /// Requests being served that must take effect once.
    pub in_flight: InFlight,
    /// Where notices of arrived money wait for each other.
    pub intake: Intake,
    /// Calls to others.
    pub client: HttpClient,
    /// Wakes the delivery of waiting calls.
    pub outbox: Notify,
    /// Wakes the scheduler of jobs.
    pub jobs: Notify,
    /// A random name of this running server.
    pub instance: String,
    /// Whether it was told to stop.
    pub stopping: watch::Sender<bool>,
    /// What is counted while it runs.
    pub metrics: Metrics,
}

impl App {
    /// A server over an open database. With `sandbox`, its clock may be set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(db: Database, settings: Settings, vault: Vault, sandbox: bool) -> Result<Arc<Self>, String> {
        Self::with_client(db, settings, vault, sandbox, HttpClient::default()).await
    }

    /// A server that calls others through a client of one's own.
    ///
    /// # Errors
    /// As [`App::new`].
    pub async fn with_client(
        db: Database,
        settings: Settings,
        vault: Vault,
        sandbox: bool,
        client: HttpClient,
    ) -> Result<Arc<Self>, String> {
        let sandbox_clock = if sandbox {
            let mut read = db.read().await.map_err(|error| error.to_string())?;
            let offset = crate::storage::clock::offset(&mut read).await.map_err(|error| error.to_string())?;
            Some(Arc::new(SandboxClock::at_offset(offset)))
        } else {
            None
        };
        let clock: Arc<dyn Clock> = match &sandbox_clock {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock),
        };
        Ok(Arc::new(Self {
            db,
            settings,
            vault,
            clock,
            sandbox_clock,
            in_flight: InFlight::default(),
            intake: Intake::default(),
            client,
            outbox: Notify::new(),
            jobs: Notify::new(),
            instance: new_id(),
            stopping: watch::Sender::new(false),
            metrics: Metrics::default(),
        }))
    }

    /// Now, to the second.
    ///
    /// # Errors
    /// 500 where the clock shows a year that no calendar here holds.
    pub fn now(&self) -> Result<Instant, Problem> {
        Instant::from_seconds(self.clock.now_seconds()).map_err(Problem::internal)
    }

    /// The business date of a moment: its date in the active bundle's time zone.
    ///
    /// # Errors
    /// 500 as [`App::now`].
    pub fn date_of(&self, moment: Instant) -> Result<Date, Problem> {
        self.settings.policies.active().date_of(moment).map_err(Problem::internal)
    }

    /// The business date now.
    ///
    /// # Errors
    /// 500 as [`App::now`].
    pub fn today(&self) -> Result<Date, Problem> {
        self.date_of(self.now()?)
    }
}

pub use crate::machine::new_id;
