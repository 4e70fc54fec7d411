//! What funders are owed, day by day: one remittance a funder and day, the loans' amounts set off against each other. Where
//! that comes to less than nothing, the funder has to pay in, for what was lent with its money.
//!
//! A remittance collects its lines in small transactions, is then requested from the payment provider once, through the
//! outbox, and stands in the funders' books when the provider says that the money moved. One that failed lets its lines
//! go: the next day's takes them up.

use prequal_core::{calendar::Date, money::Amount};
use serde::Serialize;

use super::books;
use crate::{
    app::{App, new_id},
    booking::{self, Instruction},
    jobs::{Done, Running},
    outbox,
    problem::{Kind, Problem},
    storage::{
        Connection,
        group::Part,
        loans, outbox as calls,
        remittances::{self as store, Row},
    },
};

/// How many loans one transaction takes.
pub const LOANS_OF_STEP: i64 = 20;

/// The job `funder-remittance`.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(work(app, date))
}

async fn work(app: &App, date: Date) -> Result<Done, Problem> {
    let mut changed = settle_open(app).await?;
    let (day, now) = (date.to_string(), app.now()?.to_string());
    let (day, now) = (day.as_str(), now.as_str());
    let owed = store::owed(&mut *app.db.read().await?).await?;
    for (funder, currency) in owed {
        let (funder, currency) = (funder.as_str(), currency.as_str());
        let id = new_id();
        let id = id.as_str();
        let open = |mut tx: Part| async move { Ok(store::open(&mut tx, id, funder, currency, day, now).await?) };
        app.db.write(open).await?;
    }
    let collecting = store::collecting(&mut *app.db.read().await?, day).await?;
    for row in &collecting {
        loop {
            let taken = app
                .db
                .write(|mut tx: Part| async move { Ok(store::collect(&mut tx, row, LOANS_OF_STEP).await?) })
                .await?;
            if taken == 0 {
                break;
            }
        }
        changed += u64::from(app.db.write(|mut tx: Part| async move { request(&mut tx, row, date, now).await }).await?);
    }
    app.outbox.notify_one();
    // What came to nothing in sum moves no money and is in the books at once.
    changed += settle_open(app).await?;
    Ok(Done { changed })
}

/// Asks the provider, once all is collected. `false` where another server did.
async fn request(db: &mut Connection, row: &Row, date: Date, now: &str) -> Result<bool, Problem> {
    let Some(amount) = store::sum_while_collecting(db, &row.id).await? else { return Ok(false) };
    if amount == 0 {
        let end = store::End { status: "settled", value_date: Some(&date.to_string()), transfer: None };
        store::request(db, &row.id, 0).await?;
        return Ok(store::end(db, &row.id, end).await?);
    }
    store::request(db, &row.id, amount).await?;
    let instruction = Instruction {
        reference: &row.id,
        amount: amount.saturating_abs(),
        currency: &row.currency,
        value_date: date.to_string(),
    };
    let path = if amount > 0 { "/v1/payouts" } else { outbox::DEBITS };
    outbox::add(db, path, &row.id, &instruction, now).await?;
    Ok(true)
}

/// Brings into the books what was settled, and lets go what failed, as far as that is not done yet.
async fn settle_open(app: &App) -> Result<u64, Problem> {
    let mut changed = 0;
    let given_up = {
        let mut db = app.db.read().await?;
        let mut dead = Vec::new();
        for row in store::requested(&mut db).await? {
            if calls::given_up(&mut db, &row.id).await? {
                dead.push(row.id);
            }
        }
        dead
    };
    for id in &given_up {
        let end = store::End { status: "failed", value_date: None, transfer: None };
        changed +=
            u64::from(app.db.write(|mut tx: Part| async move { Ok(store::end(&mut tx, id, end).await?) }).await?);
    }
    let open = store::with_open_lines(&mut *app.db.read().await?).await?;
    for row in &open {
        loop {
            let done = app.db.write(|mut tx: Part| async move { book(app, &mut tx, row).await }).await?;
            changed += done;
            if done == 0 {
                break;
            }
        }
    }
    Ok(changed)
}

/// Does what is left of a remittance that has ended, for some loans; gives for how many.
async fn book(app: &App, db: &mut Connection, row: &Row) -> Result<u64, Problem> {
    let (today, now) = (app.today()?, app.now()?.to_string());
    let lines = store::open_lines(db, &row.id, LOANS_OF_STEP).await?;
    for (id, amount) in &lines {
        if row.status == "settled" {
            let loan = loans::find(db, id).await?.ok_or_else(|| Problem::internal("a remittance of no loan"))?;
            let loan = booking::load(db, &loan).await?;
            let mut books = books::of_loan(db, id)
                .await?
                .ok_or_else(|| Problem::internal("a remittance of a loan without funders"))?;
            if let Some((chain, entry)) = books.pay(&row.funder, *amount, &loan, today)? {
                booking::post(db, &chain, entry, &now).await?;
            }
            books.write(db).await?;
        }
        store::line_done(db, &row.id, id, &row.funder).await?;
    }
    Ok(lines.len() as u64)
}

/// How the provider says that a remittance ended.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Told<'a> {
    /// Its id.
    pub reference: &'a str,
    /// How much, in minor units.
    pub amount: Amount,
    /// ISO 4217.
    pub currency: &'a str,
    /// From which day.
    pub value_date: Date,
    /// The provider's id of the transfer.
    pub transfer: &'a str,
}

/// Takes the end of a remittance; none where it is not about one.
///
/// # Errors
/// 422 where it contradicts what was asked for or told before.
pub async fn ended(
    app: &App,
    db: &mut Connection,
    told: Told<'_>,
    (to_funder, settled): (bool, bool),
) -> Result<Option<bool>, Problem> {
    let Some(row) = store::find(db, told.reference).await? else { return Ok(None) };
    let wrong = |pointer: &str, detail: &str| Err(Problem::new(Kind::InvalidValue, detail).with("pointer", pointer));
    let asked = row.amount.unwrap_or_default();
    let same = asked.saturating_abs() == told.amount.minor() && row.currency == told.currency;
    // Money that came is always booked: what is not what was asked for waits in suspense.
    if !to_funder && settled && (asked >= 0 || !same || row.status != "requested") {
        return Ok(None);
    }
    if (asked > 0) != to_funder {
        return wrong("/type", "not what was asked for");
    }
    if !same {
        return wrong("/data/amount", "not the amount of the remittance");
    }
    let status = if settled { "settled" } else { "failed" };
    if row.status != "requested" {
        return if row.status == status {
            Ok(Some(false))
        } else {
            wrong("/type", "the remittance has ended otherwise")
        };
    }
    let value_date = told.value_date.min(app.today()?).to_string();
    let end = store::End { status, value_date: Some(&value_date), transfer: Some(told.transfer) };
    store::end(db, &row.id, end).await?;
    // The job does what is more than one step.
    book(app, db, &Row { status: status.to_owned(), ..row }).await?;
    Ok(Some(true))
}
