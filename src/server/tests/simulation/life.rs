//! One run: loans are bought while all is well, then clients pay, sign, withdraw and retry while everything fails, then
//! all is well again, and a model that shares no code with the server says what must be there.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use axum::http::Method;
use prequal_core::{calendar::Instant, decide};
use prequal_server::{
    audit, jws, secret,
    storage::{self, payments},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    faults::{self, step},
    world::{Answer, Call, EDGE, Ground, LENDER, MERCHANT, World},
};

const PRINCIPAL: i64 = 50_000;
const CONSENT: &str = "You may ask a bureau about me for this application.";
/// How long, by a clock that does not leap, everything may take to come to rest once all is well.
const REST: Duration = Duration::from_secs(4 * 3_600);

/// The interest of two months at 9.9 %, 412.50 each: what money that came after the due day may have gone to instead of
/// the principal. Before it no interest has accrued, and every cent goes there.
const INTEREST_MAX: i64 = 825;

/// A loan and its credential.
#[derive(Debug, Clone)]
struct Borrowed {
    id: String,
    capability: String,
}

/// A purchase that only has to be signed.
#[derive(Debug, Clone)]
struct Signing {
    application: String,
    capability: String,
    body: Value,
}

/// What became of a request that must take effect once.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// It was acknowledged with these bytes.
    Acknowledged(Vec<u8>),
    /// It was refused: nothing was done.
    Refused(u16),
    /// The client gave up: nobody knows.
    Open,
}

/// What the clients know.
#[derive(Default)]
struct Model {
    /// By loan and key.
    payments: BTreeMap<(String, String), (i64, Known)>,
    /// By application.
    signings: BTreeMap<String, Known>,
}

type Shared = Rc<RefCell<Model>>;

/// Runs a seed to its end.
pub async fn run(world: Rc<World>) {
    let delivering = tokio::task::spawn_local(world.clone().deliver());
    let mut loans = Vec::new();
    for number in 0..2 {
        let signing = purchase(&world, number).await;
        let signed = world.must(&sign(&signing), 201).await;
        let text = |name: &str| signed[name].as_str().unwrap().to_owned();
        loans.push(Borrowed { id: text("loan_id"), capability: text("capability") });
    }
    let signings = vec![purchase(&world, 2).await, purchase(&world, 3).await];
    rest(&world).await;
    let autopay = json!({ "text_hash": secret::sha256_hex("Debit me.") });
    let path = format!("/v1/loans/{}/autopay", loans[0].id);
    let agreed = world.must(&Call::new(Method::PUT, path, &loans[0].capability, &autopay), 200).await;
    let due = agreed["next_due"].as_str().unwrap().to_owned();

    step("the weather turns");
    faults::be_calm(false);
    let model = Shared::default();
    let mut clients: Vec<JoinHandle<()>> = Vec::new();
    for number in 0..4 + faults::below(6) {
        let loan = loans[usize::try_from(faults::below(2)).unwrap()].clone();
        clients.push(tokio::task::spawn_local(pay(world.clone(), model.clone(), loan, number)));
    }
    for signing in signings.clone() {
        clients.push(tokio::task::spawn_local(sign_once(world.clone(), model.clone(), signing)));
    }
    clients.push(tokio::task::spawn_local(send_money(world.clone(), loans.clone())));
    let trouble = tokio::task::spawn_local(trouble(world.clone(), due));
    for client in clients {
        client.await.unwrap();
    }
    trouble.await.unwrap();
    faults::be_calm(true);
    step("all is well");
    for number in 0..world.servers() {
        world.crash(number).await;
    }
    rest(&world).await;
    let model = model.take();
    compare(&world, &model, &loans, &signings).await;
    delivering.abort();
    let _ = delivering.await;
    world.end().await;
}

fn sign(signing: &Signing) -> Call {
    let path = format!("/v1/applications/{}/sign", signing.application);
    Call::new(Method::POST, path, &signing.capability, &signing.body).key("sign")
}

/// A purchase up to the agreement.
async fn purchase(world: &World, number: usize) -> Signing {
    let Ground { bundle, offer_key, .. } = world.ground();
    let cart = json!([{ "sku": "camera", "name": "A camera", "quantity": 1, "unit_amount": PRINCIPAL }]);
    let order =
        json!({ "merchant_order": format!("A-{number}"), "amount": PRINCIPAL, "currency": "USD", "cart": cart });
    let checkout = world.must(&Call::new(Method::POST, "/v1/checkouts", MERCHANT, &order), 201).await;
    let now = world.must(&Call::new(Method::GET, "/healthz", "", &Value::Null), 200).await["now"].clone();
    let name = "Ada Byron";
    let input = json!({
        "application": { "order": { "amount": PRINCIPAL, "currency": "USD" },
            "fields": { "full_name": name, "date_of_birth": "1990-02-28", "email": format!("ada{number}@example.com"),
                "phone": format!("+1212555{number:04}"), "income_monthly": 420_000, "agree_report": true } },
        "evidence": { "standing": { "value": "good", "assurance": "third_party", "source": "sandbox-bureau" } },
        "salt": secret::hex(&secret::random::<16>()), "as_of": now, "today": world.app().today().unwrap().to_string(),
    });
    let decision: Value = serde_json::from_str(&decide::decide_json(bundle, &input.to_string()).unwrap()).unwrap();
    let offer = decision["offers"].as_array().unwrap().iter().find(|offer| offer["plan"] == "monthly-3").unwrap();
    let offers: Vec<Value> = decision["offers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|offer| {
            json!({ "offer_id": prequal_server::app::new_id(), "plan": offer["plan"], "terms_hash": offer["terms_hash"] })
        })
        .collect();
    let offered = offers.iter().find(|one| one["plan"] == "monthly-3").unwrap();
    let body = json!({ "checkout_token": checkout["token"], "input": input, "decision": decision, "offers": offers,
        "consents": [{ "purpose": "credit_report", "text_hash": secret::sha256_hex(CONSENT), "given_at": now }] });
    let taken = world.must(&Call::new(Method::POST, "/v1/applications", EDGE, &body), 201).await;
    let text = |name: &str| taken[name].as_str().unwrap().to_owned();
    let (application, capability) = (text("application_id"), text("capability"));
    let at = |text: &Value| Instant::parse(text.as_str().unwrap()).unwrap().seconds();
    let claims = json!({
        "iss": "edge", "aud": "test-lender", "jti": offered["offer_id"], "checkout": checkout["id"],
        "cart_hash": checkout["cart_hash"], "application": application, "as_of": now,
        "bundle_hash": decision["bundle_hash"], "input_hash": decision["input_hash"], "iat": at(&now),
        "exp": at(&decision["expires"]), "offer": offer,
    });
    let token = jws::sign(offer_key, jws::OFFER_TYPE, &claims).unwrap();
    let path = format!("/v1/applications/{application}/submit");
    let submitted = world.must(&Call::new(Method::POST, path, &capability, &json!({ "offer": token })), 200).await;
    let body = json!({ "decision_id": submitted["decision_id"], "agreement_hash": submitted["agreement"]["hash"],
        "signature": { "method": "typed_name", "name": name } });
    Signing { application, capability, body }
}

fn some_server(world: &World) -> usize {
    usize::try_from(faults::below(world.servers() as u64)).unwrap()
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(faults::below(ms))).await;
}

/// Sends until it is answered by more than "not now", or gives up.
async fn insist(world: &World, call: &Call) -> Known {
    loop {
        match world.call(some_server(world), call).await {
            Some(Answer { status: 409 | 500.., .. }) | None => {}
            Some(Answer { status: 200..=299, body }) => return Known::Acknowledged(body.to_vec()),
            Some(answer) => return Known::Refused(answer.status),
        }
        if faults::permille(100) {
            return Known::Open;
        }
        pause(400).await;
    }
}

/// A request of one key, sometimes twice at the same time; both are answered alike.
async fn once(world: &Rc<World>, call: Call) -> Known {
    if !faults::permille(faults::weather().twice) {
        return insist(world, &call).await;
    }
    let (other, again) = (world.clone(), call.clone());
    let other = tokio::task::spawn_local(async move { insist(&other, &again).await });
    let (one, two) = (insist(world, &call).await, other.await.unwrap());
    match (one, two) {
        (Known::Acknowledged(one), Known::Acknowledged(two)) => {
            assert_eq!(one, two, "one key, two answers");
            Known::Acknowledged(one)
        }
        (known @ Known::Acknowledged(_), _) | (_, known @ Known::Acknowledged(_)) => known,
        (Known::Refused(one), Known::Refused(_)) => Known::Refused(one),
        _ => Known::Open,
    }
}

async fn pay(world: Rc<World>, model: Shared, loan: Borrowed, client: u64) {
    for number in 0..2 + faults::below(5) {
        pause(2_000).await;
        let amount = i64::try_from(1 + faults::below(3_000)).unwrap();
        let key = format!("{client}-{number}");
        let path = format!("/v1/loans/{}/payments", loan.id);
        let call = Call::new(Method::POST, path, &loan.capability, &json!({ "amount": amount })).key(&key);
        let known = once(&world, call).await;
        step(format!("client {client} knows of {key}: {}", shown(&known)));
        model.borrow_mut().payments.insert((loan.id.clone(), key), (amount, known));
    }
}

fn shown(known: &Known) -> String {
    match known {
        Known::Acknowledged(body) => format!("acknowledged, {} bytes", body.len()),
        Known::Refused(status) => format!("refused by {status}"),
        Known::Open => "nothing".to_owned(),
    }
}

async fn sign_once(world: Rc<World>, model: Shared, signing: Signing) {
    pause(3_000).await;
    let known = once(&world, sign(&signing)).await;
    step(format!("the signing of {} is {}", signing.application, shown(&known)));
    model.borrow_mut().signings.insert(signing.application, known);
}

/// Money that nobody asked for: for a loan, and for nobody.
async fn send_money(world: Rc<World>, loans: Vec<Borrowed>) {
    for _ in 0..1 + faults::below(4) {
        pause(3_000).await;
        let reference = if faults::permille(500) { loans[1].id.clone() } else { "whoever you are".to_owned() };
        let amount = i64::try_from(1 + faults::below(2_000)).unwrap();
        let today = world.provider_date();
        world.provider.move_money("incoming", reference, amount, &json!(today), true);
    }
}

/// Processes are killed, clocks leap, and the due day comes.
async fn trouble(world: Rc<World>, due: String) {
    for _ in 0..1 + faults::below(5) {
        pause(4_000).await;
        match faults::below(4) {
            0 => {
                // The sandbox's clock is each process's own.
                for number in 0..world.servers() {
                    let body = json!({ "now": format!("{due}T17:00:00Z") });
                    let call = Call::new(Method::PUT, "/v1/sandbox/clock", LENDER, &body);
                    let answer = world.call(number, &call).await.map(|answer| answer.status);
                    step(format!("it is {due} at server {number}: {answer:?}"));
                }
            }
            1 => {
                let leap = i64::try_from(faults::below(120_000)).unwrap();
                faults::jump(leap - 60_000);
            }
            _ => world.crash(some_server(&world)).await,
        }
    }
}

/// Waits until nothing is under way.
async fn rest(world: &World) {
    let begun = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let app = world.app();
        let mut db = app.db.read().await.unwrap();
        let (waiting, dead) = storage::outbox::counts(&mut db).await.unwrap();
        let failed = storage::jobs::failed(&mut db).await.unwrap();
        drop(db);
        assert_eq!(dead, 0, "no call was given up");
        if waiting == 0 && failed == 0 && world.provider.is_quiet() {
            step("everything is at rest");
            return;
        }
        if begun.elapsed() > REST {
            panic!("not at rest: {waiting} calls, {failed} jobs, {:?}", world.provider.waiting());
        }
    }
}

/// What must be there, is there once; what was refused is not; what nobody knows of is there once or not at all.
async fn compare(world: &World, model: &Model, loans: &[Borrowed], signings: &[Signing]) {
    let app = world.app();
    let report = audit::run(&app).await.unwrap();
    step(format!("{report}"));
    // Signings: each application has its one loan or none.
    let mut all: Vec<String> = loans.iter().map(|loan| loan.id.clone()).collect();
    for signing in signings {
        let mut db = app.db.read().await.unwrap();
        let booked: Vec<String> = sqlx::query_scalar("SELECT id FROM loans WHERE application = $1")
            .bind(&signing.application)
            .fetch_all(&mut *db)
            .await
            .unwrap();
        drop(db);
        match &model.signings[&signing.application] {
            Known::Acknowledged(bytes) => {
                let reply: Value = serde_json::from_slice(bytes).unwrap();
                assert_eq!(booked, [reply["loan_id"].as_str().unwrap()]);
                let again = world.call(0, &sign(signing)).await.unwrap();
                assert_eq!((again.status, &again.body[..]), (201, &bytes[..]), "the same answer for ever");
            }
            Known::Refused(status) => assert!(booked.is_empty(), "refused by {status} and booked"),
            Known::Open => assert!(booked.len() <= 1),
        }
        all.extend(booked);
    }
    let mut db = app.db.read().await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM loans").fetch_one(&mut *db).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), all.len(), "no loan but these");
    let mut rows: Vec<payments::Row> = Vec::new();
    for loan in &all {
        rows.extend(payments::of_loan(&mut db, loan).await.unwrap());
    }
    let debited: Vec<(String, String, String)> =
        sqlx::query_as("SELECT loan, due, payment FROM due_debits").fetch_all(&mut *db).await.unwrap();
    let suspense: Vec<(String, i64)> =
        sqlx::query_as("SELECT transfer, amount FROM suspense_receipts").fetch_all(&mut *db).await.unwrap();
    drop(db);
    let by_itself: BTreeSet<&str> = debited.iter().map(|(_, _, payment)| payment.as_str()).collect();

    // Acknowledged payments are there, each its own, and answered as before.
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for ((loan, key), (amount, known)) in &model.payments {
        match known {
            Known::Acknowledged(bytes) => {
                let reply: Value = serde_json::from_slice(bytes).unwrap();
                let id = reply["payment_id"].as_str().unwrap().to_owned();
                let row = rows.iter().find(|row| row.id == id).expect("an acknowledged payment is there");
                assert_eq!((&row.loan, row.amount), (loan, *amount));
                assert!(acknowledged.insert(id), "one payment for two keys");
                let capability = &loans.iter().find(|one| one.id == *loan).unwrap().capability;
                let path = format!("/v1/loans/{loan}/payments");
                let call = Call::new(Method::POST, path, capability, &json!({ "amount": amount })).key(key);
                let again = world.call(0, &call).await.unwrap();
                assert_eq!((again.status, &again.body[..]), (202, &bytes[..]), "the same answer for ever");
            }
            Known::Open => *open.entry(loan).or_default() += 1,
            Known::Refused(_) => {}
        }
    }
    money(world, &rows, &suspense, &all).await;
    for loan in &all {
        let unknown = rows
            .iter()
            .filter(|row| row.loan == *loan && !acknowledged.contains(&row.id) && !by_itself.contains(row.id.as_str()));
        let transfers = world.provider.transfers();
        let instructed = unknown.filter(|row| transfers.iter().any(|one| one.reference == row.id)).count();
        let most = open.get(loan.as_str()).copied().unwrap_or(0);
        assert!(instructed <= most, "loan {loan}: {instructed} payments that nobody may have asked for, of {most}");
    }
    let days: BTreeSet<(&str, &str)> = debited.iter().map(|(loan, due, _)| (loan.as_str(), due.as_str())).collect();
    assert_eq!(days.len(), debited.len());
    assert!(debited.len() <= 1, "one due day came: {debited:?}");
}

/// What the provider moved is in the books, once each, and nothing else.
async fn money(world: &World, rows: &[payments::Row], suspense: &[(String, i64)], loans: &[String]) {
    let app = world.app();
    let transfers = world.provider.transfers();
    let (mut received, mut paid_out) = (0, 0);
    let mut cleared: BTreeMap<&str, i64> = BTreeMap::new();
    for transfer in &transfers {
        let of_it: Vec<&payments::Row> =
            rows.iter().filter(|row| row.transfer.as_deref() == Some(transfer.id.as_str())).collect();
        match transfer.kind {
            "payout" => {
                let mut db = app.db.read().await.unwrap();
                let payout = payments::find_payout(&mut db, &transfer.reference).await.unwrap().unwrap();
                assert_eq!((payout.status.as_str(), payout.amount), ("settled", transfer.amount));
                assert_eq!(payout.transfer.as_deref(), Some(transfer.id.as_str()), "paid out once");
                paid_out += transfer.amount;
                continue;
            }
            "incoming" if !loans.contains(&transfer.reference) => {
                let kept: Vec<_> = suspense.iter().filter(|(id, _)| *id == transfer.id).collect();
                assert_eq!(kept, [&(transfer.id.clone(), transfer.amount)], "money of nobody is kept once");
            }
            _ => {
                let [row] = of_it[..] else {
                    let asked: Vec<_> = rows.iter().filter(|row| row.id == transfer.reference).collect();
                    panic!(
                        "{transfer:?} is in the books as {of_it:?}; what was asked: {asked:?}; of nobody: {suspense:?}"
                    )
                };
                let status = if transfer.succeeded { "cleared" } else { "failed" };
                assert_eq!((row.status.as_str(), row.amount), (status, transfer.amount));
                assert!(transfer.kind == "incoming" || row.id == transfer.reference);
                if transfer.succeeded {
                    *cleared.entry(row.loan.as_str()).or_default() += transfer.amount;
                }
            }
        }
        received += if transfer.succeeded { transfer.amount } else { 0 };
    }
    for row in rows {
        let told = transfers.iter().filter(|one| row.transfer.as_deref() == Some(one.id.as_str())).count();
        assert_eq!(told, 1, "{row:?} is of one transfer");
        let asked = transfers.iter().filter(|one| one.reference == row.id && one.kind == "debit").count();
        assert!(asked <= 1, "{row:?} was debited once");
    }
    assert_eq!(paid_out, i64::try_from(loans.len()).unwrap() * 48_500, "3 % of 50,000 less, once for each loan");
    for loan in loans {
        let view = world.must(&Call::new(Method::GET, format!("/v1/loans/{loan}"), LENDER, &Value::Null), 200).await;
        let paid = cleared.get(loan.as_str()).copied().unwrap_or(0);
        let left = view["balance"]["principal"].as_i64().unwrap();
        let interest = left - (PRINCIPAL - paid).max(0);
        let due_day_came = view["today"].as_str().unwrap() > world.provider_date().as_str();
        let most = if due_day_came { INTEREST_MAX } else { 0 };
        assert!((0..=most).contains(&interest), "{left} is left of {PRINCIPAL} after {paid}: {view}");
    }
    let trial = world.must(&Call::new(Method::GET, "/v1/ledger/trial-balance", LENDER, &Value::Null), 200).await;
    assert_eq!(trial["balanced"], true);
    let cash = trial["accounts"].as_array().unwrap().iter().find(|row| row["account"] == CASH).unwrap();
    assert_eq!(cash["balance"].as_i64().unwrap(), received - paid_out, "every cent that moved, and no other");
    step(format!("received {received}, paid out {paid_out}"));
}

/// The account of cash.
const CASH: &str = "1010";
