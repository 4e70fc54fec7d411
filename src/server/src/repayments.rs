//! Repayments: what the provider's notices of arrived money do, many at once.
//!
//! Notices that come while others are being written wait for each other and are then taken together. A batch reads
//! what it needs in a few statements, folds every loan in memory, in the order of arrival, and writes in a few
//! statements; each notice still has its own effect and its own answer, and none is answered before the commit.

mod arrival;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prequal_core::{calendar::Date, credit::CreditError, money::Amount};
use prequal_ledger::{Event, Head, LedgerError, Loan, Status, chain};
use tokio::{
    sync::{Notify, oneshot},
    time::{Duration, Instant, timeout},
};

use crate::{
    app::{App, new_id},
    booking,
    funding::books as funders,
    merchant_webhooks::{self, EventType, Happened},
    problem::{Kind, Problem},
    storage::{Connection, funding, group::Part, journal, lines, loans, payments},
    transfers,
};

pub use arrival::{Arrival, Mark, Taken, VALUE_DATE_DAYS_BACK_MAX, another_body, counted_from, differs, paid_out_from};

/// How many notices are taken together at most.
pub const BATCH_MAX: usize = 128;
/// How long a batch waits at most for those who were answered just now to come again.
pub const PATIENCE_MAX: Duration = Duration::from_millis(2);
/// Which part of the last batch's time it waits at most.
const PATIENCE_SHARE: u32 = 4;
/// How many loans are kept folded between batches.
pub const LOANS_KEPT_MAX: usize = 4_096;

type Answer = Result<Taken, Problem>;

/// Where notices wait for each other, and the loans of those before them.
#[derive(Debug, Default)]
pub struct Intake {
    queue: Mutex<Queue>,
    /// Told of each notice that comes.
    came: Notify,
    kept: Mutex<BTreeMap<String, Account>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(Arrival, oneshot::Sender<Answer>)>,
    working: bool,
}

impl Intake {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Account>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps loans as a commit left them. Where there is no room the oldest loans make it: ids are time-ordered.
    fn keep(&self, accounts: BTreeMap<String, Account>) {
        let mut kept = self.kept();
        kept.extend(accounts.into_iter().map(|(id, account)| (id, Account { touched: false, ..account })));
        while kept.len() > LOANS_KEPT_MAX {
            kept.pop_first();
        }
    }

    /// The loan as it was kept, unless something happened to it since: events are appended only, so their number and
    /// the end of the chain say so, whichever server wrote them.
    fn still(&self, end: &loans::End) -> Option<Account> {
        let account = self.kept().remove(&end.id)?;
        let events = i64::try_from(account.loan.records().len()).ok()?;
        (end.events == Some(events) && head(end.head_number, end.head_hash.as_deref()) == account.head)
            .then_some(account)
    }

    /// Waits for company. While a batch is written its senders wait and others gather; taken at once, the others would
    /// make a batch of half of all, and so on in turns, each with a wait for the disk of its own. Whoever comes alone
    /// is not held up.
    async fn company(&self, last: &Last) {
        let here = self.queue().waiting.len();
        if here == 0 || last.notices == 0 {
            return;
        }
        let all = (here + last.notices).min(BATCH_MAX);
        let gathered = async {
            while self.queue().waiting.len() < all {
                self.came.notified().await;
            }
        };
        // Whether they came or not, there is work.
        let _ = timeout((last.took / PATIENCE_SHARE).min(PATIENCE_MAX), gathered).await;
    }

    /// The next batch; with none left, whoever worked is done.
    fn next(&self) -> Option<(Vec<Arrival>, Vec<oneshot::Sender<Answer>>)> {
        let mut queue = self.queue();
        let count = queue.waiting.len().min(BATCH_MAX);
        if count == 0 {
            queue.working = false;
            return None;
        }
        Some(queue.waiting.drain(..count).unzip())
    }
}

/// Should the work end in a panic, whoever waits is told and the next one begins anew.
struct Shift<'a> {
    intake: &'a Intake,
    /// Nothing was left to do: `working` belongs to whoever came afterwards.
    over: bool,
}

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut queue = self.intake.queue();
        queue.working = false;
        queue.waiting.clear();
    }
}

/// Takes a notice, unless it or another of the same transfer was taken before; answers when that is on disk.
///
/// # Errors
/// 409 and 422 where it contradicts an earlier one, 503 where other writers were in the way, 500 where the database
/// fails.
pub async fn take(app: &Arc<App>, arrival: Arrival) -> Answer {
    let (tell, told) = oneshot::channel();
    let idle = {
        let mut queue = app.intake.queue();
        queue.waiting.push_back((arrival, tell));
        !std::mem::replace(&mut queue.working, true)
    };
    app.intake.came.notify_one();
    if idle {
        // A task of its own: whoever came first may go away, and others wait.
        app.db.spawn(work(app.clone()));
    }
    told.await.unwrap_or_else(|_| Err(Problem::internal("a batch of repayments came to no end")))
}

/// What the last batch was like.
#[derive(Default)]
struct Last {
    notices: usize,
    took: Duration,
}

async fn work(app: Arc<App>) {
    let mut shift = Shift { intake: &app.intake, over: false };
    let mut last = Last::default();
    loop {
        shift.intake.company(&last).await;
        let Some((arrivals, waiting)) = shift.intake.next() else { break };
        let began = Instant::now();
        for (answer, tell) in answer_all(&app, &arrivals).await.into_iter().zip(waiting) {
            // Who went away is answered when the notice comes again.
            let _ = tell.send(answer);
        }
        last = Last { notices: arrivals.len(), took: began.elapsed() };
    }
    shift.over = true;
}

/// An answer for each. Where a batch fails as a whole, each is taken by itself, so that none fails for another.
async fn answer_all(app: &App, arrivals: &[Arrival]) -> Vec<Answer> {
    let failure = match batch(app, arrivals).await {
        Ok(answers) => return answers,
        Err(problem) => problem,
    };
    if arrivals.len() == 1 || failure.kind() == Kind::Contention {
        return vec![Err(failure); arrivals.len()];
    }
    let mut answers = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        answers.push(match batch(app, std::slice::from_ref(arrival)).await {
            Ok(mut one) => one.pop().unwrap_or_else(|| Err(failure.clone())),
            Err(problem) => Err(problem),
        });
    }
    answers
}

async fn batch(app: &App, arrivals: &[Arrival]) -> Result<Vec<Answer>, Problem> {
    let work = |mut tx: Part| async move {
        let now = app.now()?;
        let mut books = Books::open(&mut tx, &app.intake, arrivals, app.date_of(now)?, now.to_string()).await?;
        let answers = arrivals.iter().map(|arrival| books.take(arrival)).collect::<Result<_, _>>()?;
        let accounts = books.write(&mut tx).await?;
        Ok((answers, accounts))
    };
    let (answers, accounts) = app.db.write(work).await?;
    app.intake.keep(accounts);
    Ok(answers)
}

/// A loan being worked on.
#[derive(Debug)]
struct Account {
    currency: String,
    merchant: String,
    loan: Loan,
    head: Head,
    touched: bool,
}

impl payments::Row {
    /// Whether an arrival is the clearing of this debit, which was collected before: of what is left of it.
    fn clears(&self, arrival: &Arrival, loan: &Loan) -> bool {
        self.status == payments::RECEIVED
            && self.amount.saturating_sub(transfers::taken_in_parts(loan, &self.id)) == arrival.amount.minor()
            && self.transfer.as_deref() == Some(&*arrival.id)
    }
}

/// What a batch knows, and what it will write.
struct Books {
    today: Date,
    now: String,
    came: BTreeMap<String, String>,
    payments: BTreeMap<String, payments::Row>,
    accounts: BTreeMap<String, Account>,
    funders: BTreeMap<String, funders::Books>,
    /// The ends of the chains of funders' books.
    heads: BTreeMap<String, Head>,
    /// Loans that are drawn on lines of credit.
    drawn: Vec<lines::Drawn>,
    notes: Vec<(String, String)>,
    ended: Vec<payments::Row>,
    unasked: Vec<payments::Row>,
    events: Vec<(String, loans::EventRow)>,
    entries: Vec<journal::New>,
    happened: Vec<Happened>,
}

impl Books {
    async fn open(
        db: &mut Connection,
        intake: &Intake,
        arrivals: &[Arrival],
        today: Date,
        now: String,
    ) -> Result<Self, Problem> {
        let ids: Vec<&str> = arrivals.iter().flat_map(|one| [&*one.delivery, &*one.transfer]).collect();
        let came = payments::webhooks_of(db, &ids).await?.into_iter().collect();
        let references: BTreeSet<&str> = arrivals.iter().map(|one| &*one.reference).collect();
        let references: Vec<&str> = references.into_iter().collect();
        let known = payments::find_all(db, &references).await?;
        let payments: BTreeMap<String, payments::Row> = known.into_iter().map(|row| (row.id.clone(), row)).collect();
        let loan =
            |reference: &'_ &str| payments.get(*reference).map_or(*reference, |payment| &*payment.loan).to_owned();
        let ids: BTreeSet<String> = references.iter().map(loan).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let ends = loans::ends_of(db, &ids).await?;
        let of = |has: fn(&loans::End) -> bool| -> Vec<&str> {
            ends.iter().filter(|end| has(end)).map(|end| &*end.id).collect()
        };
        let funders = funders::of_loans(db, &of(|end| end.funders > 0)).await?;
        let drawn = lines::drawn_all(db, &of(|end| end.lines > 0)).await?;
        let accounts = accounts(db, intake, ends).await?;
        let chains: Vec<String> =
            funders.values().flat_map(|books| books.rows()).map(|row| funders::chain(&row.loan, &row.funder)).collect();
        let heads = funding::heads(db, &chains.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let heads =
            heads.into_iter().map(|(chain, number, hash)| (chain, Head { number: number.unsigned_abs(), hash }));
        Ok(Self {
            today,
            now,
            came,
            payments,
            accounts,
            funders,
            heads: heads.collect(),
            drawn,
            notes: Vec::new(),
            ended: Vec::new(),
            unasked: Vec::new(),
            events: Vec::new(),
            entries: Vec::new(),
            happened: Vec::new(),
        })
    }

    /// Takes one notice in memory. The outer error undoes the whole batch, the inner one is this notice's refusal.
    fn take(&mut self, arrival: &Arrival) -> Result<Answer, Problem> {
        if let Some(earlier) = self.came.get(&arrival.delivery) {
            let same = arrival.fingerprint.is(earlier);
            return Ok(if same { Ok(Taken::Known) } else { Err(another_body()) });
        }
        if let Some(earlier) = self.came.get(&arrival.transfer) {
            let same = arrival.content.is(earlier);
            if same {
                self.note(&arrival.delivery, arrival.fingerprint.kept());
            }
            return Ok(if same { Ok(Taken::Known) } else { Err(differs(&arrival.id)) });
        }
        let payment = self.payments.get(&arrival.reference).cloned();
        let id = payment.as_ref().map_or(&arrival.reference, |payment| &payment.loan).clone();
        let currency = arrival.currency.code();
        let Some(account) = self.accounts.get_mut(&id).filter(|account| account.currency == currency) else {
            return Ok(Ok(Taken::Unknown));
        };
        account.touched = true;
        let value_date = counted_from(&arrival.id, arrival.value_date, &account.loan, self.today)?;
        let counted = value_date.to_string();
        // What was collected becomes final; it counts since it was collected.
        if let Some(payment) = payment.as_ref().filter(|payment| payment.clears(arrival, &account.loan)) {
            let cleared = self.record(&id, Event::Cleared { payment: payment.id.clone() })?;
            cleared.map_err(Problem::internal)?;
            self.end(payment.clone(), payments::CLEARED, payment.value_date.clone(), &arrival.id);
            return Ok(self.booked(&id, &payment.id, arrival));
        }
        let instructed = payment.filter(|payment| payment.status == payments::INITIATED);
        let fits = instructed.as_ref().filter(|payment| payment.amount == arrival.amount.minor());
        let payment = fits.map_or_else(new_id, |payment| payment.id.clone());
        let event = Event::Received { amount: arrival.amount, payment: payment.clone(), value_date };
        if let Err(error) = self.record(&id, event)? {
            return Ok(self.not_here(&id, arrival, instructed, &error));
        }
        match instructed {
            Some(instructed) if instructed.id == payment => {
                self.end(instructed, payments::CLEARED, Some(counted), &arrival.id);
            }
            // Another amount than instructed, or a second arrival: the instruction ends, the money is its own payment.
            Some(instructed) => {
                self.end(instructed, "failed", None, &arrival.id);
                self.unasked((&id, &payment), arrival, counted);
            }
            None => self.unasked((&id, &payment), arrival, counted),
        }
        Ok(self.booked(&id, &payment, arrival))
    }

    /// What comes of money that a loan's books cannot take. More than they can count is refused; all else waits in
    /// suspense.
    fn not_here(
        &mut self,
        loan: &str,
        arrival: &Arrival,
        instructed: Option<payments::Row>,
        error: &LedgerError,
    ) -> Answer {
        tracing::error!(loan, transfer = ?arrival.id, %error, "a loan's books cannot take money that arrived");
        if matches!(error, LedgerError::Money(_) | LedgerError::Credit(CreditError::Money(_))) {
            let detail = format!("with it the loan's books would hold more than {} minor units", Amount::MAX.minor());
            return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/data/amount"));
        }
        if let Some(instructed) = instructed {
            self.end(instructed, "failed", None, &arrival.id);
        }
        Ok(Taken::Unknown)
    }

    fn booked(&mut self, id: &str, payment: &str, arrival: &Arrival) -> Answer {
        self.tell(id, payment, arrival);
        self.note(&arrival.delivery, arrival.fingerprint.kept());
        self.note(&arrival.transfer, arrival.content.kept());
        Ok(Taken::Booked)
    }

    /// The lender alone is told of a repayment; the merchant was paid.
    fn tell(&mut self, loan: &str, payment: &str, arrival: &Arrival) {
        let data = serde_json::json!({ "loan_id": loan, "payment_id": payment, "amount": arrival.amount.minor(),
            "currency": arrival.currency.code(), "value_date": arrival.value_date.to_string() });
        self.happened.push(Happened { merchant: None, event: EventType::RepaymentCleared, data });
    }

    fn note(&mut self, id: &str, fingerprint: &str) {
        self.came.insert(id.to_owned(), fingerprint.to_owned());
        self.notes.push((id.to_owned(), fingerprint.to_owned()));
    }

    /// Ends an instruction.
    fn end(&mut self, mut payment: payments::Row, status: &str, value_date: Option<String>, transfer: &str) {
        payment.status = status.to_owned();
        payment.value_date = value_date;
        payment.transfer = Some(transfer.to_owned());
        payment.booked = Some(self.today.to_string());
        self.payments.insert(payment.id.clone(), payment.clone());
        self.ended.push(payment);
    }

    /// A payment of a loan that nobody instructed.
    fn unasked(&mut self, (loan, id): (&str, &str), arrival: &Arrival, value_date: String) {
        let payment = payments::Row {
            id: id.to_owned(),
            loan: loan.to_owned(),
            amount: arrival.amount.minor(),
            currency: arrival.currency.code().to_owned(),
            status: payments::CLEARED.to_owned(),
            value_date: Some(value_date),
            transfer: Some(arrival.id.clone()),
            created: self.now.clone(),
            booked: Some(self.today.to_string()),
        };
        self.unasked.push(payment);
    }

    /// Folds an event in, unless the loan's ledger refuses it.
    fn record(&mut self, id: &str, event: Event) -> Result<Result<(), LedgerError>, Problem> {
        let account = self.accounts.get_mut(id).ok_or_else(|| Problem::internal("a loan that was not read"))?;
        let (before, name) = (*account.loan.position(), event.name());
        let settled = account.loan.status() == Status::Settled;
        let (row, entry) = match booking::advance_if(&mut account.loan, event, self.today)? {
            Ok(done) => done,
            Err(error) => return Ok(Err(error)),
        };
        if !settled && account.loan.status() == Status::Settled {
            let (merchant, data) = (Some(account.merchant.clone()), serde_json::json!({ "loan_id": id }));
            self.happened.push(Happened { merchant, event: EventType::LoanSettled, data });
        }
        self.events.push((id.to_owned(), row));
        if let Some(entry) = entry {
            let sealed = chain::seal(id, &account.head, entry).map_err(Problem::internal)?;
            account.head = Head { number: sealed.number, hash: sealed.hash.clone() };
            self.entries.push(journal::New { id: new_id(), chain: id.to_owned(), sealed });
        }
        let Some(funders) = self.funders.get_mut(id) else { return Ok(Ok(())) };
        for (chain, entry) in funders.advance(&before, &account.loan, name)? {
            let head = self.heads.entry(chain.clone()).or_default();
            let sealed = chain::seal(&chain, head, entry).map_err(Problem::internal)?;
            *head = Head { number: sealed.number, hash: sealed.hash.clone() };
            self.entries.push(journal::New { id: new_id(), chain, sealed });
        }
        Ok(Ok(()))
    }

    /// Writes everything; gives the loans as they then are.
    async fn write(self, db: &mut Connection) -> Result<BTreeMap<String, Account>, Problem> {
        payments::note_webhooks(db, &self.notes, &self.now).await?;
        payments::end_all(db, &self.ended).await?;
        payments::insert_all(db, &self.unasked).await?;
        loans::add_events(db, &self.events).await?;
        for drawn in &self.drawn {
            if let Some(account) = self.accounts.get(&drawn.loan).filter(|account| account.touched) {
                crate::lines::follow_drawn(db, drawn, &account.loan, self.today).await?;
            }
        }
        let touched = self.accounts.iter().filter(|(_, account)| account.touched);
        let projections: Vec<_> = touched.map(|(id, account)| booking::projection(id, &account.loan)).collect();
        loans::project(db, &projections).await?;
        for books in self.funders.values() {
            books.write(db).await?;
        }
        merchant_webhooks::emit_all(db, &self.happened, &self.now).await?;
        journal::append_all(db, &self.entries, &self.now).await?;
        Ok(self.accounts)
    }
}

fn head(number: Option<i64>, hash: Option<&str>) -> Head {
    match (number, hash) {
        (Some(number), Some(hash)) => Head { number: number.unsigned_abs(), hash: hash.to_owned() },
        _ => Head::default(),
    }
}

/// Loans, folded, each with the end of its chain: those that were kept and are as they were, and the others from their
/// events.
async fn accounts(
    db: &mut Connection,
    intake: &Intake,
    ends: Vec<loans::End>,
) -> Result<BTreeMap<String, Account>, Problem> {
    let mut accounts = BTreeMap::new();
    let mut unknown = Vec::new();
    for end in ends {
        match intake.still(&end) {
            Some(account) => {
                accounts.insert(end.id, account);
            }
            None => unknown.push(end.id),
        }
    }
    let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
    for row in loans::books_of(db, &unknown).await? {
        let events = row.events.as_deref().unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
        let head = head(row.head_number, row.head_hash.as_deref());
        let loan = booking::restore(&row.signed(), events)?;
        accounts.insert(row.id, Account { currency: row.currency, merchant: row.merchant, loan, head, touched: false });
    }
    Ok(accounts)
}
