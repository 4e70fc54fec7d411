//! Lines of credit: each the fold of its events, which stand in the transaction of what they follow from.
//!
//! A purchase under a line holds when its order is authorized and draws when it is captured; what is captured at signing
//! does both at once. Principal comes back to the line when the money is final, and goes again when the money does. The
//! line limits; what is owed is the loans'.

use prequal_core::{
    calendar::Date,
    canonical,
    credit::{Line as Conventions, Terms},
    money::Amount,
};
use prequal_ledger::{LedgerError, Line, LineEvent, Loan, bill};

use crate::{
    problem::{Kind, Problem},
    storage::{Connection, lines},
};

/// The most events of a line on which something new may be held.
pub const EVENTS_MAX: usize = 65_536;
/// The most lines of one person.
pub const LINES_OF_PERSON_MAX: i64 = 16;

/// A line, and how many events it is the fold of.
#[derive(Debug, Default)]
pub struct Folded {
    /// The line.
    pub line: Line,
    /// How many events.
    pub events: usize,
}

impl Folded {
    /// Whether an event may be added that could as well not be: what follows from money always may.
    ///
    /// # Errors
    /// 429 where there are too many.
    pub fn check_room(&self) -> Result<(), Problem> {
        if self.events >= EVENTS_MAX {
            return Err(Problem::new(Kind::TooMany, format!("a line has at most {EVENTS_MAX} events")));
        }
        Ok(())
    }
}

/// A line, folded from its events.
///
/// # Errors
/// 500 where the stored events are no such fold.
pub async fn load(db: &mut Connection, id: &str) -> Result<Folded, Problem> {
    let rows = lines::events(db, id).await?;
    let mut line = Line::default();
    for row in &rows {
        let event: LineEvent = serde_json::from_str(&row.event).map_err(Problem::internal)?;
        let booked = Date::parse(&row.booked).map_err(Problem::internal)?;
        line.record(&event, booked).map_err(Problem::internal)?;
    }
    Ok(Folded { line, events: rows.len() })
}

/// Adds an event to a line.
///
/// # Errors
/// 409 where the line does not allow it; 500 when the database fails.
pub async fn record(
    db: &mut Connection,
    id: &str,
    folded: &mut Folded,
    event: &LineEvent,
    today: Date,
) -> Result<(), Problem> {
    match folded.line.record(event, today) {
        Ok(()) => {}
        Err(LedgerError::Line(why)) => {
            let available = folded.line.available(today).map_err(Problem::internal)?;
            return Err(Problem::new(Kind::LineRefused, why).with("available", available.minor()));
        }
        Err(error) => return Err(Problem::internal(error)),
    }
    folded.events += 1;
    let row = lines::EventRow {
        number: i64::try_from(folded.events).map_err(Problem::internal)?,
        booked: today.to_string(),
        event: canonical::to_string(event).map_err(Problem::internal)?,
    };
    Ok(lines::add_event(db, id, &row).await?)
}

/// Holds for an order on a person's own line in a currency, up to and with a last day.
///
/// # Errors
/// 422 where it is no line of this person and currency, or other terms of it were read; 409 where the line does not allow it.
pub async fn hold(
    db: &mut Connection,
    (id, person, currency): (&str, &str, &str),
    (order, amount): (&str, Amount),
    terms: Option<&str>,
    (today, expires): (Date, Date),
) -> Result<(), Problem> {
    let row = lines::find(db, id).await?.filter(|row| row.person == person && row.currency == currency);
    let Some(row) = row else {
        let detail = "the applicant has no such line in this currency";
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/line"));
    };
    if terms_hash(&row).as_deref() != terms {
        let detail = "not the hash of the line's terms";
        return Err(Problem::new(Kind::AgreementDiffers, detail).with("pointer", "/line_terms"));
    }
    let mut folded = load(db, id).await?;
    folded.check_room()?;
    record(db, id, &mut folded, &LineEvent::Held { hold: order.to_owned(), amount, expires }, today).await
}

/// Draws for an order's loan what was held; with `last`, the rest of the hold is released.
///
/// # Errors
/// 500 where the line holds less, or the database fails.
pub async fn draw(
    db: &mut Connection,
    id: &str,
    (order, loan): (&str, &str),
    terms: &Terms,
    last: bool,
    today: Date,
) -> Result<(), Problem> {
    let row = lines::find(db, id).await?.ok_or_else(|| Problem::internal("an order under no line"))?;
    let mut folded = load(db, id).await?;
    let event = LineEvent::Captured { hold: order.to_owned(), amount: terms.principal, last };
    record(db, id, &mut folded, &event, today).await?;
    let revolves = conventions(&row)?.is_some_and(|conventions| bill::revolves(&conventions, terms));
    Ok(lines::draw(db, id, loan, revolves).await?)
}

/// The conventions of a revolving line.
///
/// # Errors
/// 500 where they cannot be read.
pub fn conventions(row: &lines::Row) -> Result<Option<Conventions>, Problem> {
    row.conventions.as_deref().map(serde_json::from_str).transpose().map_err(Problem::internal)
}

/// The hash of a revolving line's conventions, which a signature under it names.
#[must_use]
pub fn terms_hash(row: &lines::Row) -> Option<String> {
    row.conventions.as_deref().map(|text| canonical::sha256_hex(text.as_bytes()))
}

/// Holds again, up to and with a last day, what was drawn for an order and came back because it was never paid out.
///
/// # Errors
/// 500 when the database fails.
pub async fn hold_again(
    db: &mut Connection,
    id: &str,
    (order, amount): (&str, Amount),
    (today, expires): (Date, Date),
) -> Result<(), Problem> {
    let mut folded = load(db, id).await?;
    record(db, id, &mut folded, &LineEvent::HeldAgain { hold: order.to_owned(), amount, expires }, today).await
}

/// Releases what an order still holds on a line, if anything.
///
/// # Errors
/// 500 when the database fails.
pub async fn release(db: &mut Connection, id: &str, order: &str, today: Date) -> Result<(), Problem> {
    let mut folded = load(db, id).await?;
    if folded.line.hold(order).is_none() {
        return Ok(());
    }
    record(db, id, &mut folded, &LineEvent::Released { hold: order.to_owned() }, today).await
}

/// Gives back to a loan's line what came back of the loan, or takes it again, after an event of the loan.
///
/// # Errors
/// 500 when the database fails.
pub async fn follow(db: &mut Connection, loan: &str, state: &Loan, today: Date) -> Result<(), Problem> {
    match lines::drawn(db, loan).await? {
        Some(drawn) => follow_drawn(db, &drawn, state, today).await,
        None => Ok(()),
    }
}

/// As [`follow`], where it is known what had come back of the loan.
///
/// # Errors
/// 500 when the database fails.
pub async fn follow_drawn(db: &mut Connection, drawn: &lines::Drawn, state: &Loan, today: Date) -> Result<(), Problem> {
    let (before, now) = (Amount::new(drawn.restored).map_err(Problem::internal)?, state.principal_restored());
    let event = if now > before {
        LineEvent::Restored { amount: now.saturating_sub(before) }
    } else if before > now {
        LineEvent::Returned { amount: before.saturating_sub(now) }
    } else {
        return Ok(());
    };
    let mut folded = load(db, &drawn.line).await?;
    record(db, &drawn.line, &mut folded, &event, today).await?;
    Ok(lines::restored(db, &drawn.loan, now.minor()).await?)
}

/// Checks every line against the loans drawn on it and the orders that hold on it.
///
/// # Errors
/// 500 with the first line that is another sum.
pub async fn verify(db: &mut Connection) -> Result<(), Problem> {
    let mut after: Option<String> = None;
    loop {
        let page = lines::page(db, after.as_deref(), VERIFIED_AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id.clone());
        for row in &page {
            verify_one(db, &row.id).await?;
        }
    }
}

/// How many lines are read at once to be checked.
const VERIFIED_AT_ONCE: i64 = 500;

async fn verify_one(db: &mut Connection, id: &str) -> Result<(), Problem> {
    let line = load(db, id).await?.line;
    let wrong = |what: &str| Err(Problem::internal(format!("line {id}: {what}")));
    if line.drawn().minor() != lines::drawn_by_loans(db, id).await? {
        return wrong("what is drawn is not the sum of its loans");
    }
    let orders = lines::held_by_orders(db, id).await?;
    if line.holds().any(|(order, _)| !orders.iter().any(|(id, ..)| id == order)) {
        return wrong("an order that has ended holds something");
    }
    // A hold that is over with its day may be forgotten before its order is marked.
    let differs = |(order, amount, until): &(String, i64, String)| {
        line.hold(order).is_some_and(|hold| hold.amount.minor() != *amount || hold.expires.to_string() != *until)
    };
    if orders.iter().any(differs) { wrong("an order holds something else") } else { Ok(()) }
}
