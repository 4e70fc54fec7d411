//! The sandbox bureau: one row of the German credit data is one person's file.
//!
//! Row N (counted from 0) belongs to `row-N@example.com`. Whoever else asks has no record; the file of
//! `slow@example.com` takes longer than anyone waits. Age and `foreign_worker` are not given out: they must
//! not be used for lending.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sandbox, authorize};
use crate::{
    http::extract::Json,
    problem::{Kind, Problem},
};

/// Columns that are no evidence: what is to be foretold, and what must not be used.
const WITHHELD: [&str; 3] = ["creditability", "age_in_years", "foreign_worker"];
/// Columns that a report leaves out unless they are asked for: what the row's own credit was.
const UNASKED: [&str; 2] = ["credit_amount", "duration_in_month"];
/// How long the slow file takes.
const SLOW: Duration = Duration::from_secs(30);
/// The most features of one report.
const FEATURES_MAX: usize = 256;
/// The most rows that are read.
const ROWS_MAX: usize = 100_000;

/// The bureau's files.
#[derive(Debug)]
pub struct Bureau {
    features: Vec<String>,
    rows: Vec<BTreeMap<String, Value>>,
}

impl Bureau {
    /// Reads the files: a CSV with a header.
    ///
    /// # Errors
    /// One readable line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |error: csv::Error| format!("bureau data `{}`: {error}", path.display());
        let mut reader = csv::Reader::from_path(path).map_err(named)?;
        let header = reader.headers().map_err(named)?.clone();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(named)?;
            let cells = header.iter().zip(record.iter()).filter(|(name, _)| !WITHHELD.contains(name));
            let mut row: BTreeMap<String, Value> = cells.map(|(name, cell)| (name.to_owned(), value(cell))).collect();
            if let Some(income) = monthly_income(&row) {
                row.insert("monthly_income".to_owned(), income.into());
            }
            rows.push(row);
            if rows.len() > ROWS_MAX {
                return Err(format!("bureau data `{}` has more than {ROWS_MAX} rows", path.display()));
            }
        }
        let names = rows.iter().take(1).flat_map(BTreeMap::keys);
        let features = names.filter(|name| !UNASKED.contains(&name.as_str())).cloned().collect();
        Ok(Self { features, rows })
    }

    /// The row of an e-mail address.
    fn row(&self, email: &str) -> Option<&BTreeMap<String, Value>> {
        let email = email.trim().to_lowercase();
        let number: usize = email.strip_prefix("row-")?.strip_suffix("@example.com")?.parse().ok()?;
        self.rows.get(number)
    }

    /// Evidence on the features asked for, or on all.
    #[must_use]
    pub fn evidence(&self, email: &str, features: Option<&[String]>) -> BTreeMap<String, Value> {
        let row = self.row(email);
        let item = |feature: &String| match row.and_then(|row| row.get(feature)) {
            Some(value) => json!({ "value": value, "assurance": "third_party", "source": "sandbox-bureau" }),
            None => json!({ "missing": "no_record", "source": "sandbox-bureau" }),
        };
        features.unwrap_or(&self.features).iter().map(|feature| (feature.clone(), item(feature))).collect()
    }
}

/// Whole numbers are integers, everything else is a category.
fn value(cell: &str) -> Value {
    cell.parse::<i64>().map_or_else(|_| cell.into(), Value::from)
}

/// The income a month in cents that a row implies: the instalment of its own credit over the share of income that its
/// coded rate stands for (1: 35 % and more, 2: 25 to 35 %, 3: 20 to 25 %, 4: below 20 %; the middle of each, in
/// permille), between 600 and 25,000 dollars. The data has no income of its own.
fn monthly_income(row: &BTreeMap<String, Value>) -> Option<i64> {
    let number = |column: &str| row.get(column).and_then(Value::as_i64);
    let share_permille = match number("installment_rate_in_percentage_of_disposable_income")? {
        1 => 400,
        2 => 300,
        3 => 225,
        _ => 150,
    };
    let months = number("duration_in_month").filter(|months| *months > 0)?;
    let cents = number("credit_amount")?.checked_mul(100 * 1000)?;
    Some((cents / (months * share_permille)).clamp(60_000, 2_500_000))
}

/// What an edge asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    email: String,
    #[serde(default)]
    features: Option<Vec<String>>,
}

/// `POST /bureau/v1/reports`.
///
/// # Errors
/// A problem.
pub async fn report(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Json { value: request, .. }: Json<Request>,
) -> Result<Response, Problem> {
    authorize(&headers, &sandbox.config.bureau.key_sha256)?;
    if request.features.as_ref().is_some_and(|features| features.len() > FEATURES_MAX) {
        return Err(Problem::new(Kind::InvalidValue, format!("a report has at most {FEATURES_MAX} features")));
    }
    if request.email.trim().eq_ignore_ascii_case("slow@example.com") {
        tokio::time::sleep(SLOW).await;
    }
    let evidence = sandbox.bureau.evidence(&request.email, request.features.as_deref());
    Ok(axum::Json(json!({ "evidence": evidence })).into_response())
}
