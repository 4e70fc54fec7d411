//! The ledger as the lender's people read it.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use prequal_ledger::{Account, Transfer};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{OnlyLender, OnlyReader},
    extract::Query,
    page::Page,
};
use crate::{
    app::App,
    funding::books,
    pay_backs,
    problem::{Kind, Problem},
    reply::Reply,
    settlement,
    storage::{journal, suspense},
};

/// What every account was debited and credited.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    /// Accounts in order.
    accounts: Vec<AccountBalance>,
    /// Sums by currency.
    totals: BTreeMap<String, Totals>,
    /// Whether debits equal credits in every currency.
    balanced: bool,
}

/// One account in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBalance {
    /// Its code.
    account: String,
    /// Its name.
    name: &'static str,
    /// ISO 4217.
    currency: String,
    /// All debits.
    debit: i64,
    /// All credits.
    credit: i64,
    /// What stands on the side where the account grows: debits less credits for an asset, else the reverse.
    balance: i64,
}

/// The two sides of a currency.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Totals {
    /// All debits.
    debit: i64,
    /// All credits.
    credit: i64,
}

/// Whose books.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhoseBooks {
    /// All that is serviced, joint loans whole.
    #[default]
    Serviced,
    /// The lender's own: all that is serviced less what is in the books of partners. What they have to pay in is debited
    /// to `1210`, what they are owed is credited there, and servicing fees are credited to `5050`.
    Own,
}

/// Whose trial balance.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BooksQuery {
    /// `serviced`, or `own`; `serviced` where it is left out.
    #[param(inline)]
    books: Option<WhoseBooks>,
}

/// The trial balance.
#[utoipa::path(get, path = "/v1/ledger/trial-balance", tag = "ledger", security(("bearer" = [])),
    params(BooksQuery), responses((status = 200, body = TrialBalance), (status = "4XX", response = super::ProblemDocument)))]
pub async fn trial_balance(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<BooksQuery>,
) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
    let mut accounts = Vec::new();
    let rows = match query.books.unwrap_or_default() {
        WhoseBooks::Serviced => journal::balances(&mut db).await?,
        WhoseBooks::Own => journal::own_balances(&mut db).await?,
    };
    for row in rows {
        let account = Account::from_code(&row.account).ok_or_else(|| Problem::internal("an unknown account"))?;
        let total = totals.entry(row.currency.clone()).or_default();
        total.debit += row.debit;
        total.credit += row.credit;
        let net = row.debit - row.credit;
        accounts.push(AccountBalance {
            account: row.account,
            name: account.name(),
            currency: row.currency,
            debit: row.debit,
            credit: row.credit,
            balance: if account.kind().grows_by_debit() { net } else { -net },
        });
    }
    let balanced = totals.values().all(|total| total.debit == total.credit);
    Reply::ok(&TrialBalance { accounts, totals, balanced })
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntriesQuery {
    /// Of one chain only: a loan, `LOAN/FUNDER`, `merchant:MERCHANT`, or `suspense`.
    loan: Option<String>,
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entries {
    /// In the order in which they were made.
    entries: Vec<EntryView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Its id.
    id: String,
    /// The loan, or `suspense`.
    loan: String,
    /// Its number in the loan's chain.
    number: u64,
    /// The booking date.
    date: String,
    /// ISO 4217.
    currency: String,
    /// What happened.
    event: String,
    /// What was debited and credited, by the same amount.
    postings: Vec<PostingView>,
    /// The hash of the entry before it.
    previous: String,
    /// Its own hash.
    hash: String,
}

/// One amount, debited and credited.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostingView {
    /// The account debited.
    debit: &'static str,
    /// The account credited.
    credit: &'static str,
    /// In minor units.
    amount: i64,
}

/// Whether a text can be the name of a chain.
fn is_chain(text: &str) -> bool {
    let is_id = |text: &str| uuid::Uuid::try_parse(text).is_ok();
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if let Some((loan, funder)) = books::of_chain(text) {
        return is_id(loan) && is_name(funder);
    }
    let refund = text.strip_prefix("refund:").is_some_and(is_id);
    text == journal::SUSPENSE_CHAIN || is_id(text) || refund || settlement::of_chain(text).is_some_and(is_name)
}

impl PostingView {
    pub(super) const fn of(transfer: &Transfer) -> Self {
        Self { debit: transfer.debit().code(), credit: transfer.credit().code(), amount: transfer.amount().minor() }
    }
}

/// The journal, page by page.
#[utoipa::path(get, path = "/v1/ledger/entries", tag = "ledger", security(("bearer" = [])), params(EntriesQuery),
    responses((status = 200, body = Entries), (status = "4XX", response = super::ProblemDocument)))]
pub async fn entries(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<EntriesQuery>,
) -> Result<Reply, Problem> {
    let loan = query.loan.as_deref();
    if loan.is_some_and(|text| !is_chain(text)) {
        return Err(Problem::new(Kind::BadRequest, "`loan` is not an id"));
    }
    let page = Page::asked("entries", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = journal::page(&mut db, loan, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    let entries = rows.into_iter().map(entry_view).collect();
    Reply::ok(&Entries { entries, next_cursor })
}

fn entry_view(stored: journal::Stored) -> EntryView {
    let entry = &stored.sealed.entry;
    EntryView {
        id: stored.id,
        loan: stored.chain,
        number: stored.sealed.number,
        date: entry.date().to_string(),
        currency: entry.currency().code().to_owned(),
        event: entry.event().to_owned(),
        postings: entry.transfers().iter().map(PostingView::of).collect(),
        previous: stored.sealed.previous,
        hash: stored.sealed.hash,
    }
}

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuspenseQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of money from unknown payers.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspensePage {
    /// In the order in which it came.
    receipts: Vec<SuspenseView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// Money that came for no loan that is known, with what it can be matched or returned by.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspenseView {
    /// Its entry in the journal.
    entry_id: String,
    /// The payment provider's id of the transfer.
    transfer_id: String,
    /// What the payer wrote, as much of it as is kept; empty once it was erased.
    reference: String,
    /// In minor units.
    amount: i64,
    /// ISO 4217.
    currency: String,
    /// The value date as the provider gave it.
    value_date: String,
    /// When the notice came, RFC 3339.
    received: String,
    /// `waiting`, `matched` to a loan, `returned` to the payer, or `taken_back` by the payer's bank.
    status: String,
    /// The loan it was matched to.
    loan_id: Option<String>,
}

/// Money that came for no loan that is known.
#[utoipa::path(get, path = "/v1/ledger/suspense", tag = "ledger", security(("bearer" = [])), params(SuspenseQuery),
    responses((status = 200, body = SuspensePage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn suspense(
    State(app): State<Arc<App>>,
    _: OnlyLender,
    Query(query): Query<SuspenseQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("suspense", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = suspense::page(&mut db, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.entry);
    let mut receipts = Vec::with_capacity(rows.len());
    for row in rows {
        let reference = pay_backs::reference(&app, &mut db, &row).await?;
        receipts.push(suspense_view(row, reference));
    }
    Reply::ok(&SuspensePage { receipts, next_cursor })
}

fn suspense_view(row: suspense::Row, reference: String) -> SuspenseView {
    SuspenseView {
        entry_id: row.entry,
        transfer_id: row.transfer,
        reference,
        amount: row.amount,
        currency: row.currency,
        value_date: row.value_date,
        received: row.received,
        status: row.outcome.unwrap_or_else(|| "waiting".to_owned()),
        loan_id: row.loan,
    }
}
