//! What is done by the business date: each job is idempotent and resumable, so that it may be run again for a date,
//! by two servers at once, or after it was stopped in the middle.
//!
//! A job works in small transactions of its own and finds what is left to do by asking the database, never by
//! remembering. It lives beside the business it belongs to; here is only the table of them, and who runs them.

pub mod due_debits;
pub mod expiry;
pub mod scheduler;

use std::{future::Future, pin::Pin};

use prequal_core::calendar::Date;

use crate::{app::App, problem::Problem};

/// What a job did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// How many things were changed: 0 where all was done before.
    pub changed: u64,
}

/// What a job gives while it runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Done, Problem>> + Send + 'a>>;

/// One job.
#[derive(Clone, Copy)]
pub struct Job {
    /// Its name on the command line, in the field's own words, with `-` between them.
    pub name: &'static str,
    /// What it does, one line.
    pub about: &'static str,
    /// Does it for a business date.
    pub run: for<'a> fn(&'a App, Date) -> Running<'a>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}

/// Every job, in the order in which a day's are run.
pub const JOBS: &[Job] = &[
    Job {
        name: "line-statements",
        about: "makes and judges the statements of revolving lines",
        run: crate::bills::run,
    },
    Job { name: "order-expiry", about: "ends orders whose capture window is over", run: crate::orders::expire },
    due_debits::DUE_DEBITS,
    Job {
        name: "servicing",
        about: "posts income, allowances and charge-offs as each loan's rules say",
        run: crate::servicing::run,
    },
    Job { name: "credit-balances", about: "pays back what was received above a debt", run: crate::pay_backs::run },
    Job {
        name: "merchant-settlement",
        about: "settles with merchants by their cycles",
        run: crate::settlement::job::run,
    },
    Job {
        name: "funder-remittance",
        about: "sends funders what came in for them",
        run: crate::funding::remittance::run,
    },
    Job {
        name: "funder-reconciliation",
        about: "keeps what proves each funder's reconciliation file of the day before",
        run: crate::funding::breaks::run,
    },
    Job { name: "funding-totals", about: "adds up what is lent with each funder", run: crate::funding::totals::run },
    Job { name: "ledger-day", about: "seals and signs the ledger's days that are over", run: crate::ledger_day::run },
    Job {
        name: "notice-deadlines",
        about: "tells what incomplete applications lack, and calls out duties whose day is near or over",
        run: crate::notice::deadlines::run,
    },
    Job {
        name: "reminders",
        about: "reminds of instalments before and after their due day",
        run: crate::reminders::run,
    },
    Job { name: "notice-sending", about: "sends the notices that are due", run: crate::delivery::deliver },
    Job { name: "webhook-delivery", about: "delivers the webhooks that are due", run: crate::webhook_sender::deliver },
    Job {
        name: "retention",
        about: "erases personal data that is past what it was kept for",
        run: crate::retention::run,
    },
    expiry::IDEMPOTENCY_EXPIRY,
    expiry::OUTBOX_CLEANUP,
];

/// Jobs that reach beyond the database, so that no copy of it keeps them from taking effect.
pub const OUTWARD: &[&str] = &["notice-sending", "webhook-delivery"];

/// The job of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Job> {
    JOBS.iter().find(|job| job.name == name)
}
