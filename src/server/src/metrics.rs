//! What is counted while the server runs, in the text format of Prometheus (0.0.4). No name or label holds anything
//! that a caller wrote: routes are templates, jobs and statuses come from tables.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    app::App,
    problem::Problem,
    storage::{self, Connection},
};

/// Upper ends of the histogram's buckets, in microseconds: 1 ms to 10 s.
const BUCKETS_US: [u64; 12] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000];

/// How long requests of one route, method and status took.
#[derive(Debug, Default, Clone, Copy)]
struct Histogram {
    buckets: [u64; BUCKETS_US.len()],
    count: u64,
    sum_us: u64,
}

/// Counters of one running server.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, String, u16), Histogram>>,
    jobs: Mutex<BTreeMap<(&'static str, String), u64>>,
}

impl Metrics {
    /// Counts a request that was answered. `route` is a template such as `/v1/loans/{id}`.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = requests.entry((route.to_owned(), method.to_owned(), status)).or_default();
        histogram.count += 1;
        histogram.sum_us = histogram.sum_us.saturating_add(took);
        for (bucket, end) in histogram.buckets.iter_mut().zip(BUCKETS_US) {
            *bucket += u64::from(took <= end);
        }
    }

    /// Counts an attempt of a job that ended `done` or `failed`.
    pub fn job(&self, name: &'static str, status: &str) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        *jobs.entry((name, status.to_owned())).or_default() += 1;
    }

    fn write_requests(&self, page: &mut Page) {
        page.head("prequal_http_request_seconds", "histogram", "Seconds until a request was answered.");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, method, status), histogram) in requests.iter() {
            let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
            for (bucket, end) in histogram.buckets.iter().zip(BUCKETS_US) {
                let end = seconds(end);
                page.line("prequal_http_request_seconds_bucket", &format!("{labels},le=\"{end}\""), bucket);
            }
            page.line("prequal_http_request_seconds_bucket", &format!("{labels},le=\"+Inf\""), &histogram.count);
            page.line("prequal_http_request_seconds_sum", &labels, &seconds(histogram.sum_us));
            page.line("prequal_http_request_seconds_count", &labels, &histogram.count);
        }
    }

    fn write_jobs(&self, page: &mut Page) {
        page.head("prequal_job_attempts_total", "counter", "Attempts of jobs that ended, by how.");
        for ((name, status), count) in self.jobs.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            page.line("prequal_job_attempts_total", &format!("job=\"{name}\",status=\"{status}\""), count);
        }
    }
}

/// Microseconds as decimal seconds, exactly.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A page being written.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: &dyn std::fmt::Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: &dyn std::fmt::Display) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }
}

/// Who reads the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Whoever can reach the address for metrics: counts and states, nothing of the business.
    Anybody,
    /// The lender: sums of the ledger too.
    Lender,
}

/// Sums of the ledger by currency. Those of loans and of money that waits are read from an index that holds no others.
async fn write_sums(db: &mut Connection, page: &mut Page) -> Result<(), Problem> {
    let sums = [
        (
            "prequal_principal_outstanding_minor",
            "prequal_loans_owed",
            "loans of which principal is owed",
            storage::loans::outstanding(db).await?,
        ),
        (
            "prequal_credit_balances_minor",
            "prequal_loans_with_credit",
            "loans with a balance owed to the borrower",
            storage::loans::credit_balances(db).await?,
        ),
        (
            "prequal_suspense_minor",
            "prequal_suspense_receipts",
            "receipts of unknown payers that nobody has matched",
            storage::suspense::waiting(db).await?,
        ),
    ];
    for (sum, count, of, rows) in sums {
        page.head(sum, "gauge", &format!("Minor units of {of}, by currency."));
        for row in &rows {
            page.line(sum, &format!("currency=\"{}\"", row.currency), &row.amount);
        }
        page.head(count, "gauge", &format!("How many {of}, by currency."));
        for row in &rows {
            page.line(count, &format!("currency=\"{}\"", row.currency), &row.count);
        }
    }
    Ok(())
}

/// Everything as one page: what was counted, and what the database says of work that waits. Nothing in it costs more
/// than what waits, and what is owed.
///
/// # Errors
/// 500 when the database fails.
pub async fn page(app: &App, reader: Reader) -> Result<String, Problem> {
    let mut db = app.db.read().await?;
    let (waiting, dead) = storage::outbox::counts(&mut db).await?;
    let failed = storage::jobs::failed(&mut db).await?;
    let late = storage::duties::overdue(&mut db, &app.today()?.to_string()).await?;
    let mut page = Page(String::new());
    if reader == Reader::Lender {
        write_sums(&mut db, &mut page).await?;
    }
    drop(db);
    app.metrics.write_requests(&mut page);
    let writes = app.db.writes();
    let counted = [
        ("prequal_commits_total", "Transactions that were committed.", writes.commits),
        ("prequal_writes_total", "Requests' writes in them: writes by commits is how many shared one.", writes.parts),
        ("prequal_contention_retries_total", "Writes begun again because another was in the way.", writes.retries),
    ];
    for (name, help, value) in counted {
        page.one(name, "counter", help, &value);
    }
    page.head("prequal_outbox_calls", "gauge", "Calls to the payment provider that wait or were given up.");
    page.line("prequal_outbox_calls", "status=\"waiting\"", &waiting);
    page.line("prequal_outbox_calls", "status=\"dead\"", &dead);
    app.metrics.write_jobs(&mut page);
    page.one("prequal_jobs_failed", "gauge", "Runs of jobs that wait for another attempt.", &failed);
    page.one("prequal_duties_overdue", "gauge", "Duties to applicants that should be met by now.", &late);
    page.head("prequal_database_connections", "gauge", "Connections to the database, by what they do.");
    for (pool, open, idle) in app.db.connections() {
        page.line("prequal_database_connections", &format!("pool=\"{pool}\",state=\"idle\""), &idle);
        page.line(
            "prequal_database_connections",
            &format!("pool=\"{pool}\",state=\"busy\""),
            &open.saturating_sub(idle),
        );
    }
    page.one("prequal_draining", "gauge", "1 once the server was told to stop.", &i32::from(*app.stopping.borrow()));
    Ok(page.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_in_every_bucket_that_it_fits_in() {
        let metrics = Metrics::default();
        metrics.request("/v1/loans/{id}", "GET", 200, Duration::from_micros(2_500));
        metrics.request("/v1/loans/{id}", "GET", 200, Duration::from_secs(11));
        metrics.job("outbox-cleanup", "done");
        let mut page = Page(String::new());
        metrics.write_requests(&mut page);
        metrics.write_jobs(&mut page);
        let labels = "route=\"/v1/loans/{id}\",method=\"GET\",status=\"200\"";
        for line in [
            format!("prequal_http_request_seconds_bucket{{{labels},le=\"0.001\"}} 0"),
            format!("prequal_http_request_seconds_bucket{{{labels},le=\"0.0025\"}} 1"),
            format!("prequal_http_request_seconds_bucket{{{labels},le=\"10\"}} 1"),
            format!("prequal_http_request_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
            format!("prequal_http_request_seconds_sum{{{labels}}} 11.0025"),
            "prequal_job_attempts_total{job=\"outbox-cleanup\",status=\"done\"} 1".to_owned(),
        ] {
            assert!(page.0.lines().any(|have| have == line), "{line} is not in\n{}", page.0);
        }
    }
}
