//! The ledger as the lender's people read it.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use prequal_ledger::{Account, Transfer};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{auth::OnlyLender, extract::Query};
use crate::{
    app::App,
    problem::{Kind, Problem},
    reply::Reply,
    storage::{journal, suspense},
};

/// The most entries on one page.
pub const PAGE_MAX: i64 = 100;

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

/// The trial balance.
#[utoipa::path(get, path = "/v1/ledger/trial-balance", tag = "ledger", security(("bearer" = [])),
    responses((status = 200, body = TrialBalance), (status = "4XX", response = super::ProblemDocument)))]
pub async fn trial_balance(State(app): State<Arc<App>>, _: OnlyLender) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
    let mut accounts = Vec::new();
    for row in journal::balances(&mut db).await? {
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
    /// Of this loan only, or of `suspense`.
    loan: Option<String>,
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
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
    _: OnlyLender,
    Query(query): Query<EntriesQuery>,
) -> Result<Reply, Problem> {
    for (name, text) in [("loan", &query.loan), ("cursor", &query.cursor)] {
        if text.as_ref().is_some_and(|text| text != journal::SUSPENSE_CHAIN && uuid::Uuid::try_parse(text).is_err()) {
            return Err(Problem::new(Kind::BadRequest, format!("`{name}` is not an id")));
        }
    }
    let mut db = app.db.read().await?;
    let mut page = journal::page(&mut db, query.loan.as_deref(), query.cursor.as_deref(), PAGE_MAX + 1).await?;
    let more = page.len() > usize::try_from(PAGE_MAX).unwrap_or(usize::MAX);
    page.truncate(usize::try_from(PAGE_MAX).unwrap_or(usize::MAX));
    let next_cursor = page.last().filter(|_| more).map(|last| last.id.clone());
    let entries = page.into_iter().map(entry_view).collect();
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
    /// What the payer wrote, as much of it as is kept.
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
    if query.cursor.as_ref().is_some_and(|text| uuid::Uuid::try_parse(text).is_err()) {
        return Err(Problem::new(Kind::BadRequest, "`cursor` is not an id"));
    }
    let mut db = app.db.read().await?;
    let mut page = suspense::page(&mut db, query.cursor.as_deref(), PAGE_MAX + 1).await?;
    let limit = usize::try_from(PAGE_MAX).unwrap_or(usize::MAX);
    let more = page.len() > limit;
    page.truncate(limit);
    let next_cursor = page.last().filter(|_| more).map(|last| last.entry.clone());
    let receipts: Result<Vec<_>, Problem> = page.into_iter().map(|row| suspense_view(&app, row)).collect();
    Reply::ok(&SuspensePage { receipts: receipts?, next_cursor })
}

fn suspense_view(app: &App, row: suspense::Row) -> Result<SuspenseView, Problem> {
    let reference = app.vault.open_reference(&row.entry, &row.reference_sealed).map_err(Problem::internal)?;
    Ok(SuspenseView {
        entry_id: row.entry,
        transfer_id: row.transfer,
        reference: String::from_utf8(reference).map_err(Problem::internal)?,
        amount: row.amount,
        currency: row.currency,
        value_date: row.value_date,
        received: row.received,
        status: row.outcome.unwrap_or_else(|| "waiting".to_owned()),
        loan_id: row.loan,
    })
}
