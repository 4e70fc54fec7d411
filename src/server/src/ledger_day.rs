//! The ledger's days: each is sealed when it is over, and its head signed. Nothing is posted on a sealed day any more,
//! so that what was signed stays what is there.

use prequal_core::calendar::Date;
use prequal_ledger::{DayHead, Head};

use crate::{
    app::{App, new_id},
    jobs::{Done, Running},
    problem::Problem,
    storage::{Connection, closes, days, group::Part},
};

/// How many chains are read at once.
const PAGE: i64 = 1_000;

/// Job `ledger-day`: seals and signs every day with entries that is over, and the day before the date. Without a key
/// in the configuration nothing is done.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        if app.settings.ledger_key.is_none() {
            return Ok(done);
        }
        // A day is over when the business date has passed it, whatever date was asked for.
        let last = date.min(app.today()?).add_days(-1).map_err(Problem::internal)?;
        loop {
            let mut db = app.db.read().await?;
            let before = days::last(&mut db).await?;
            let signed = before.as_ref().map(|before| before.date.to_string());
            let next = days::next_with_entries(&mut db, signed.as_deref(), &last.to_string()).await?;
            drop(db);
            let day = match next {
                Some(text) => Date::parse(&text).map_err(Problem::internal)?,
                None if before.as_ref().is_some_and(|before| before.date < last) => last,
                None => return Ok(done),
            };
            seal(app, day).await?;
            done.changed += u64::from(sign(app, day, before).await?);
        }
    })
}

/// Closes a day: a transaction that would post on it afterwards is refused by the database.
async fn seal(app: &App, day: Date) -> Result<(), Problem> {
    let day = &day.to_string();
    let work = |mut tx: Part| async move {
        if closes::is_closed(&mut tx, closes::DAY, day).await? {
            return Ok(());
        }
        let row = closes::Row {
            id: new_id(),
            kind: closes::DAY.to_owned(),
            through: day.clone(),
            closed_by: "ledger-day".to_owned(),
            closed: app.now()?.to_string(),
        };
        Ok(closes::insert(&mut tx, &row).await?)
    };
    app.db.write(work).await
}

/// Signs the head of a sealed day; `false` where another server did.
///
/// The chains are read outside of the transaction that writes, which then makes sure that it read all there is: a
/// transaction that was posting while the day was being sealed either failed or is counted.
async fn sign(app: &App, day: Date, before: Option<DayHead>) -> Result<bool, Problem> {
    let Some(key) = &app.settings.ledger_key else { return Ok(false) };
    let text = day.to_string();
    let from = before.as_ref().map(|before| before.date.to_string());
    let mut db = app.db.read().await?;
    let count = days::entries_between(&mut db, from.as_deref(), &text).await?;
    let heads = heads(&mut db, &text).await?;
    drop(db);
    let named = heads.iter().map(|(chain, head)| (chain.as_str(), head));
    let head = DayHead::new(day, named, before.as_ref()).map_err(Problem::internal)?;
    let signature = key.sign_bytes(&head.bytes().map_err(Problem::internal)?);
    let (head, from, text, kid) = (&head, from.as_deref(), text.as_str(), key.public.kid.as_str());
    let signature = signature.as_str();
    let work = |mut tx: Part| async move {
        let last = days::last(&mut tx).await?;
        if last.is_some_and(|last| last.date >= head.date) {
            return Ok(false);
        }
        if days::entries_between(&mut tx, from, text).await? != count {
            return Err(Problem::contention());
        }
        days::insert(&mut tx, head, kid, signature, &app.now()?.to_string()).await?;
        Ok(true)
    };
    app.db.write(work).await
}

/// The last entry of every chain up to a day, by rising names.
async fn heads(db: &mut Connection, day: &str) -> Result<Vec<(String, Head)>, Problem> {
    let mut heads: Vec<(String, Head)> = Vec::new();
    let mut after = String::new();
    loop {
        let page = days::heads(db, day, &after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        heads.extend(page);
    }
    // By bytes, whatever the database's collation.
    heads.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(heads)
}
