//! One loan financed by several funders: found, signed, kept in books of their own, remitted and reconciled to the cent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::post};
use prequal_core::{bundle::Payload, money::Amount};
use prequal_ledger::Event;
use prequal_server::{
    booking, secret,
    storage::{group::Part, loans},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    actors::ADA,
    world::{Extra, LENDER, MERCHANT, World, payload},
};

const BANK: &str = "fk_bank";
const OTHER_BANK: &str = "fk_other-bank";

pub(crate) const NOBODY: &str =
    "[funding]\nnobody = { outcome = \"referred\", code = \"NO-FUNDS\", text = \"Nobody has the money now\" }\n";

pub(crate) fn funder(id: &str, kind: &str, more: &str) -> String {
    let key = secret::sha256_hex(format!("fk_{id}"));
    format!("[[funders]]\nid = \"{id}\"\nname = \"The {id}\"\nkind = \"{kind}\"\nkey_sha256 = \"{key}\"\n{more}\n")
}

pub(crate) fn programme(id: &str, shares: &[(&str, &str)], stray: &str, more: &str) -> String {
    let shares: Vec<String> =
        shares.iter().map(|(id, percent)| format!("{{ funder = \"{id}\", percent = \"{percent}\" }}")).collect();
    format!(
        "[[funding.programmes]]\nid = \"{id}\"\nshares = [{}]\nstray_cent_to = \"{stray}\"\n{more}\n",
        shares.join(", ")
    )
}

/// A bank finances 30 per cent and gives 10 per cent of its interest to the servicer; the lender the rest.
pub(crate) fn seventy_thirty(more_of_funding: &str) -> String {
    [
        funder("bank", "partner", "servicing_fee_percent = \"10\""),
        funder("other-bank", "partner", ""),
        funder("own", "own", ""),
        NOBODY.to_owned(),
        more_of_funding.to_owned(),
        programme("joint", &[("bank", "30"), ("own", "70")], "own", ""),
    ]
    .concat()
}

pub(crate) async fn world(extra: &str) -> World {
    World::configured(payload(), Extra { rest: extra.to_owned(), ..Extra::default() }, &[]).await
}

pub(crate) async fn funding(world: &World, loan: &str, key: &str) -> Value {
    world.get(&format!("/v1/loans/{loan}/funding"), key).await.expect(200)
}

/// A balance of each funder's books of a loan, in their order.
async fn books(world: &World, loan: &str, account: &str) -> Vec<i64> {
    let funding = funding(world, loan, LENDER).await;
    let funders = funding["funders"].as_array().unwrap();
    funders.iter().map(|one| one["balances"][account].as_i64().unwrap_or(0)).collect()
}

pub(crate) fn tried(routes: &Value) -> Vec<(String, String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let tried = routes.as_array().unwrap().last().unwrap()["tried"].as_array().unwrap();
    tried
        .iter()
        .map(|one| (text(&one["programme"]), text(&one["funder"]), text(&one["ended"]), text(&one["reason"])))
        .collect()
}

pub(crate) fn attempts(expected: &[(&str, &str, &str, &str)]) -> Vec<(String, String, String, String)> {
    let owned = |text: &str| text.to_owned();
    expected.iter().map(|(a, b, c, d)| (owned(a), owned(b), owned(c), owned(d))).collect()
}

/// Records an event that no route makes yet.
async fn record(world: &World, loan: &str, event: Event) {
    let app = world.app().clone();
    let (server, event) = (&*app, &event);
    let work = |mut tx: Part| async move {
        let row = loans::find(&mut tx, loan).await?.unwrap();
        let mut folded = booking::load(&mut tx, &row).await?;
        let (today, now) = (server.today()?, server.now()?.to_string());
        booking::record(&mut tx, loan, &mut folded, event.clone(), today, &now).await
    };
    server.db.write(work).await.unwrap();
    world.verify().await;
}

/// 30 % of 500.01 is 150.003: the bank lends 150.00, the lender 350.01, the stray cent with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_joint_loan_is_in_each_funder_s_own_books_to_the_cent() {
    let world = world(&seventy_thirty("")).await;
    let purchase = world.apply(&ADA, 50_001).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let text = submitted["agreement"]["text"].as_str().unwrap();
    for part in ["Credit given by: The bank, 30 % (150.00 USD)", "Credit given by: The own, 70 % (350.01 USD)"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(submitted["agreement"]["hash"], secret::sha256_hex(text));
    let shares = &submitted["agreement"]["funding"]["funders"];
    assert_eq!(shares[0], json!({ "name": "The bank", "share_percent": "30", "amount": 15_000 }));
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    world.wait(&format!("/v1/loans/{loan}"), capability, |loan| loan["status"] == "active").await;
    assert_eq!(books(&world, loan, "1110").await, [15_000, 35_001]);
    assert_eq!(world.account("1110").await, 50_001, "the servicer's own balance counts the loan once");

    let due = submitted["agreement"]["offer"]["installments"][0].clone();
    world.set_date(due["due"].as_str().unwrap()).await;
    world.pay(loan, capability, due["total"].as_i64().unwrap()).await;
    // What is left of each part is the whole's: nothing is split twice.
    let left = 50_001 - due["principal"].as_i64().unwrap();
    assert_eq!(books(&world, loan, "1110").await.iter().sum::<i64>(), left);
    let interest = due["interest"].as_i64().unwrap();
    let income: Vec<i64> = books(&world, loan, "4010").await.iter().map(|net| -net).collect();
    assert_eq!(income, [interest * 30 / 100, interest - interest * 30 / 100]);
    let total =
        world.get(&format!("/v1/loans/{loan}"), capability).await.expect(200)["balance"]["total"].as_i64().unwrap();
    world.pay(loan, capability, total).await;
    assert_eq!(books(&world, loan, "1110").await, [0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_of_a_cent_over_three_funders_is_somebody_s() {
    let mut policy = payload();
    policy.product.amount_min = Amount::new(1).unwrap();
    let extra = [
        funder("bank", "partner", ""),
        funder("other-bank", "partner", ""),
        funder("own", "own", ""),
        NOBODY.to_owned(),
        programme("joint", &[("bank", "33.3"), ("other-bank", "33.3"), ("own", "33.4")], "other-bank", ""),
    ]
    .concat();
    let world = World::configured(policy, Extra { rest: extra, ..Extra::default() }, &[]).await;
    let (_, loan, capability) = world.buy(&ADA, 1, "monthly-3").await;
    assert_eq!(books(&world, &loan, "1110").await, [0, 1, 0]);
    assert!(world.run_job("funder-remittance", &world.app().today().unwrap().to_string()).await > 0);
    world.pay(&loan, &capability, 1).await;
    assert_eq!(books(&world, &loan, "1110").await, [0, 0, 0]);
}

/// 80 and 20: of a refund of 100.01 the partner's 20 % is 20.002.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_split_by_the_shares() {
    let extra = seventy_thirty("").replace("\"30\"", "\"20\"").replace("\"70\"", "\"80\"");
    let world = world(&extra).await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    assert_eq!(books(&world, &loan, "1110").await, [10_000, 40_000]);
    let today = world.app().today().unwrap();
    let refund = Event::Refunded {
        amount: Amount::new(10_001).unwrap(),
        refund: "r".to_owned(),
        value_date: today,
        order: None,
    };
    record(&world, &loan, refund).await;
    // 20 % of 100.01 rounded down is 20.00; the lender, who takes the stray cent, the rest.
    assert_eq!(books(&world, &loan, "1110").await, [10_000 - 2_000, 40_000 - 8_001]);
}

/// A decision endpoint of a funder's that answers as a test says: 0 accepts, 1 refuses, 2 is silent, 3 babbles.
async fn endpoint(mood: Arc<AtomicU32>, seen: Arc<std::sync::Mutex<Vec<Value>>>) -> String {
    type Shared = (Arc<AtomicU32>, Arc<std::sync::Mutex<Vec<Value>>>);
    async fn answer(State((mood, seen)): State<Shared>, body: axum::Json<Value>) -> axum::Json<Value> {
        seen.lock().unwrap().push(body.0);
        match mood.load(Ordering::SeqCst) {
            0 => axum::Json(json!({ "decision": "accept" })),
            1 => axum::Json(json!({ "decision": "refuse", "reason": "C-17" })),
            2 => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                axum::Json(json!({ "decision": "accept" }))
            }
            _ => axum::Json(json!({ "verdict": "yes" })),
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/decide", listener.local_addr().unwrap());
    let router = Router::new().route("/decide", post(answer)).with_state((mood, seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A bundle that declines everybody.
fn strict() -> Payload {
    let mut value = serde_json::to_value(payload()).unwrap();
    value["outcome"]["rows"] =
        json!([{ "when": ["-"], "then": { "band": "C", "outcome": "decline", "reason": "R02" } }]);
    value["id"] = json!("strict");
    serde_json::from_value(value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_is_asked_where_one_refuses_is_silent_or_babbles() {
    let (mood, seen) = (Arc::new(AtomicU32::new(1)), Arc::default());
    let url = endpoint(mood.clone(), Arc::clone(&seen)).await;
    let asks = format!("decide_url = \"{url}\"\nconsent = \"credit_report\"\ntime_limit_ms = 300");
    let extra = [
        funder("strict", "partner", "bundle = \"strict.json\""),
        funder("remote", "partner", &asks),
        funder("shy", "partner", &asks.replace("credit_report", "never_asked")),
        funder("own", "own", ""),
        NOBODY.to_owned(),
        programme("by-bundle", &[("strict", "50"), ("own", "50")], "own", ""),
        programme("without-consent", &[("shy", "50"), ("own", "50")], "own", ""),
        programme("by-call", &[("remote", "50"), ("own", "50")], "own", ""),
        programme("again", &[("remote", "60"), ("own", "40")], "own", ""),
        programme("alone", &[("own", "100")], "own", "plans = [\"monthly-3\"]"),
    ]
    .concat();
    let world =
        World::configured(payload(), Extra { rest: extra, ..Extra::default() }, &[("strict.json", strict())]).await;
    let first = [("by-bundle", "strict", "refused", "R02"), ("without-consent", "shy", "excluded", "consent_missing")];
    for (number, last, reason) in
        [(1, "refused", "C-17"), (2, "timed_out", "no_answer_in_time"), (3, "failed", "unreadable_answer")]
    {
        mood.store(number, Ordering::SeqCst);
        let begun = Instant::now();
        let (_, loan, _) = world.buy(&ADA, 2_000, "monthly-3").await;
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits for whoever is silent");
        let funding = funding(&world, &loan, LENDER).await;
        let rest = [("by-call", "remote", last, reason), ("again", "remote", "excluded", "said_no_before")];
        assert_eq!(tried(&funding["routes"]), attempts(&[first.as_slice(), &rest].concat()));
        assert_eq!(funding["funders"][0]["programme"], "alone");
    }
    // Where no programme is left, the application is referred with the configured reason, and what was tried is kept.
    let purchase = world.apply(&ADA, 2_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.expect(200);
    assert_eq!(submitted["outcome"], "referred");
    assert_eq!(submitted["reasons"], json!([{ "code": "NO-FUNDS", "text": "Nobody has the money now" }]));
    let routes = world.get(&format!("/v1/applications/{}/funding", purchase.application), LENDER).await.expect(200);
    assert_eq!((&routes[0]["programme"], routes[0]["tried"].as_array().unwrap().len()), (&Value::Null, 4));

    mood.store(0, Ordering::SeqCst);
    let (purchase, loan, _) = world.buy(&ADA, 2_000, "monthly-6").await;
    assert_eq!(books(&world, &loan, "1110").await, [1_000, 1_000]);
    let asked = seen.lock().unwrap().last().cloned().unwrap();
    assert_eq!((&asked["funder"], &asked["input"]), (&json!("remote"), &purchase.input));
}

/// Nothing in the record of a search is of the applicant.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_for_funders_leaves_no_personal_data() {
    let mood = Arc::new(AtomicU32::new(1));
    let url = endpoint(mood, Arc::default()).await;
    let asks = format!("decide_url = \"{url}\"\nconsent = \"credit_report\"");
    let extra = [
        funder("remote", "partner", &asks),
        NOBODY.replace("referred", "declined"),
        programme("by-call", &[("remote", "100")], "remote", ""),
    ]
    .concat();
    let world = world(&extra).await;
    let purchase = world.apply(&ADA, 2_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    assert_eq!(submitted["outcome"], "declined");
    for (name, bytes) in world.stored() {
        for canary in [ADA.email, "Ada Byron", ADA.phone] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} is in {name}");
        }
    }
}

/// The bank pays in its 150.00 of the loan and gets 30 % of what came, less a tenth of its interest, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_funder_pays_in_its_share_and_is_sent_what_came_for_it_once() {
    let world = world(&seventy_thirty("")).await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}/funding");
    let today = world.app().today().unwrap().to_string();
    assert_eq!(funding(&world, &loan, LENDER).await["funders"][0]["to_remit"], -15_000);
    assert_eq!(world.run_job("funder-remittance", &today).await, 1);
    assert_eq!(world.run_job("funder-remittance", &today).await, 0, "a day's is done once");
    world.wait(&path, LENDER, |value| value["funders"][0]["to_remit"] == 0).await;

    let due = purchase.decision["offers"][0]["installments"][0].clone();
    let (date, total) = (due["due"].as_str().unwrap(), due["total"].as_i64().unwrap());
    world.set_date(date).await;
    world.pay(&loan, &capability, total).await;
    let part = |name: &str| due[name].as_i64().unwrap() * 30 / 100;
    let interest = part("interest");
    // A tenth of 1.23 is 0.123, rounded half to even.
    let fee = (interest * 10 + 50) / 100;
    let owed = part("principal") + interest - fee;
    assert_eq!(funding(&world, &loan, LENDER).await["funders"][0]["to_remit"], owed);
    // Money of the funder's that nobody asked for is booked all the same, and waits.
    let remittance = world.get("/v1/funders/bank/position", BANK).await.expect(200)["remittances"][0]["id"].clone();
    let notice = json!({ "type": "payment.cleared", "data": { "id": "again", "reference": remittance, "amount": 15_001,
        "currency": "USD", "value_date": date } });
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let secret = world.webhook_secret.clone();
    assert_eq!(world.notify("m", i64::try_from(now).unwrap(), &secret, &notice).await.expect(200)["status"], "booked");
    assert_eq!(world.account("2910").await, 15_001);
    // The provider fails: nothing is lost, and the next day's remittance takes it up.
    world.provider("POST", "/v1/switches", &json!({ "fail_next": 1, "repeat_next": 0, "delay_ms": 0 })).await;
    assert_eq!(world.run_job("funder-remittance", date).await, 1);
    let position = "/v1/funders/bank/position";
    world.wait(position, LENDER, |value| value["remittances"][0]["status"] == "failed").await;
    assert_eq!(funding(&world, &loan, LENDER).await["funders"][0]["to_remit"], owed);
    let next = prequal_core::calendar::Date::parse(date).unwrap().add_days(1).unwrap().to_string();
    world.set_date(&next).await;
    assert_eq!(world.run_job("funder-remittance", &next).await, 1);
    let after = world.wait(position, BANK, |value| value["remittances"][0]["status"] == "settled").await;
    assert_eq!(after["remittances"][0]["amount"], owed);
    assert_eq!(after["balances"]["USD"]["1010"], owed - 15_000, "what it got less what it paid in");
    assert_eq!(after["balances"]["USD"]["1210"], 0);
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let sent = transfers["transfers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["amount"] == owed && one["kind"] == "payout");
    assert_eq!(sent.map(|one| one["status"].as_str().unwrap()).filter(|status| *status == "succeeded").count(), 1);
}

/// The lender's own books are what it services less what its partners have: its own share of everything, what it owes
/// them, and its servicing fee.
#[tokio::test(flavor = "multi_thread")]
async fn the_lender_s_own_books_are_its_shares() {
    let world = world(&seventy_thirty("")).await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let due = purchase.decision["offers"][0]["installments"][0].clone();
    world.set_date(due["due"].as_str().unwrap()).await;
    world.pay(&loan, &capability, due["total"].as_i64().unwrap()).await;
    let own = world.get("/v1/ledger/trial-balance?books=own", LENDER).await.expect(200);
    assert_eq!(own["balanced"], true);
    let net = |code: &str| {
        let accounts = own["accounts"].as_array().unwrap();
        let row = accounts.iter().find(|row| row["account"] == code).unwrap_or(&Value::Null).clone();
        row["debit"].as_i64().unwrap_or(0) - row["credit"].as_i64().unwrap_or(0)
    };
    let share = async |account: &str| books(&world, &loan, account).await;
    for account in ["1110", "1120", "4010"] {
        assert_eq!(net(account), share(account).await[1], "{account}");
    }
    let partner = [share("1210").await[0], share("5050").await[0]];
    assert_eq!([net("1210"), net("5050")], [-partner[0], -partner[1]]);
    world.get("/v1/ledger/trial-balance?books=theirs", LENDER).await.problem(400, "bad-request");
}

/// More loans than one step takes, and two servers that remit at once: each loan is in one remittance, paid once.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_remit_at_once_pay_once() {
    let mut world = world(&seventy_thirty("")).await;
    world.verifying = false;
    let loans = usize::try_from(prequal_server::funding::remittance::LOANS_OF_STEP).unwrap() + 5;
    let mut last = (String::new(), String::new());
    for _ in 0..loans {
        let purchase = world.apply(&ADA, 1_000).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        let signed = world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
        last = (signed["loan_id"].as_str().unwrap().to_owned(), signed["capability"].as_str().unwrap().to_owned());
    }
    world.wait(&format!("/v1/loans/{}", last.0), &last.1, |loan| loan["status"] == "active").await;
    let (one, other) = (world.another_server().await, world.another_server().await);
    let job = prequal_server::jobs::find("funder-remittance").unwrap();
    let today = world.app().today().unwrap();
    let (here, there) = tokio::join!((job.run)(&one, today), (job.run)(&other, today));
    here.unwrap();
    there.unwrap();
    let paid_in = i64::try_from(loans).unwrap() * 300;
    let position = "/v1/funders/bank/position";
    world.wait(position, BANK, |value| value["remittances"][0]["status"] == "settled").await;
    // The notice brought the first step into the books, the job brings the rest.
    assert_eq!(world.run_job("funder-remittance", &today.to_string()).await, 5);
    let after = world.get(position, BANK).await.expect(200);
    assert_eq!(
        (&after["remittances"][0]["amount"], after["remittances"].as_array().unwrap().len()),
        (&json!(-paid_in), 1)
    );
    assert_eq!((&after["balances"]["USD"]["1010"], &after["balances"]["USD"]["1210"]), (&json!(-paid_in), &json!(0)));
    let transfers = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let debits = transfers["transfers"].as_array().unwrap().iter().filter(|one| one["kind"] == "debit").count();
    assert_eq!(debits, 1);
    one.db.close().await;
    other.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cheapest_money_is_asked_first_where_it_is_so_configured() {
    let extra = [
        funder("dear", "partner", "price_percent = \"8\""),
        funder("cheap", "partner", "price_percent = \"4.5\""),
        funder("own", "own", "price_percent = \"5\""),
        NOBODY.to_owned(),
        "order = \"price\"\n".to_owned(),
        programme("alone", &[("own", "100")], "own", ""),
        programme("dear", &[("dear", "50"), ("own", "50")], "own", ""),
        programme("cheap", &[("cheap", "50"), ("own", "50")], "own", ""),
    ]
    .concat();
    let world = world(&extra).await;
    let (_, loan, _) = world.buy(&ADA, 1_000, "monthly-3").await;
    assert_eq!(funding(&world, &loan, LENDER).await["funders"][0]["programme"], "cheap");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_funder_s_key_opens_its_own_books_and_nothing_else() {
    let world = world(&seventy_thirty("")).await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let path = format!("/v1/loans/{loan}/funding");
    let own = world.get(&path, BANK).await.expect(200);
    assert_eq!((own["funders"].as_array().unwrap().len(), &own["funders"][0]["funder"]), (1, &json!("bank")));
    assert!(own.get("routes").is_none());
    for key in [OTHER_BANK, MERCHANT, capability.as_str()] {
        world.get(&path, key).await.problem(404, "not-found");
        world.get("/v1/funders/bank/position", key).await.problem(404, "not-found");
        world.get("/v1/funders/bank/reconciliation", key).await.problem(404, "not-found");
    }
    world.get("/v1/funders/bank/position", BANK).await.expect(200);
    // The lender reads each chain of the journal by its name.
    for (chain, entries) in [(loan.clone(), 2), (format!("{loan}/bank"), 1), (format!("{loan}/other-bank"), 0)] {
        let page = world.get(&format!("/v1/ledger/entries?loan={chain}"), LENDER).await.expect(200);
        assert_eq!(page["entries"].as_array().unwrap().len(), entries, "{chain}");
    }
    world.get(&format!("/v1/ledger/entries?loan={loan}/a%20b"), LENDER).await.problem(400, "bad-request");
    world.get("/v1/funders/nobody/position", LENDER).await.problem(404, "not-found");
    for closed in [format!("/v1/loans/{loan}"), format!("/v1/loans/{loan}/statement")] {
        world.get(&closed, BANK).await.problem(404, "not-found");
    }
    world.get("/v1/ledger/trial-balance", BANK).await.problem(403, "forbidden");
    world.get("/v1/funders/bank/position", "fk_stranger").await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_funder_s_own_file_is_checked_and_breaks_are_told_by_loan_and_amount() {
    let world = world(&seventy_thirty("")).await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.buy(&ADA, 20_000, "monthly-6").await;
    let today = world.app().today().unwrap();
    let tomorrow = today.add_days(1).unwrap().to_string();
    let today = today.to_string();
    world.set_date(&tomorrow).await;
    world.pay(&loan, &capability, 10_000).await;
    let path = "/v1/funders/bank/reconciliation";
    let file = async |date: &str| {
        let answer = world.get(&format!("{path}?date={date}"), BANK).await;
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.bytes).unwrap()
    };
    // The file of a day says what was booked up to it, whenever it is asked for: 30 % of 500.00 and of 200.00.
    let before = file(&today).await;
    assert!(before.lines().last().unwrap().starts_with("TOTAL,USD,21000,0,0,0,-21000,0,"), "{before}");
    let ours = file(&tomorrow).await;
    assert_ne!(before, ours);
    let check = async |date: &str, file: &str| world.post(path, BANK, &json!({ "date": date, "file": file })).await;
    let same = check(&tomorrow, &ours).await.expect(200);
    assert_eq!(same, json!({ "loans": 2, "breaks_count": 0, "breaks": [] }));
    // A funder that missed the repayment of 100.00 finds the loan and the amounts.
    let stale = check(&tomorrow, &before).await.expect(200);
    let principal = stale["breaks"].as_array().unwrap().iter().find(|one| one["column"] == "principal").unwrap();
    assert_eq!(principal["loan"], loan.as_str());
    assert!(principal["ours"].as_i64().unwrap() < 15_000 && principal["theirs"] == 15_000);
    check(&tomorrow, "loan\n").await.problem(422, "invalid-value");
    world.get(&format!("{path}?date=2099-01-01"), BANK).await.problem(400, "bad-request");
    world.get(&format!("{path}?date=yesterday"), BANK).await.problem(400, "bad-request");
}

/// What leaves the house is proved without it: each funder's books are its share of what the loan's events come to.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_proves_each_funder_s_books_and_a_changed_share_does_not() {
    let world = world(&seventy_thirty("")).await;
    let (_, loan, capability) = world.buy(&ADA, 50_001, "monthly-3").await;
    world.pay(&loan, &capability, 10_000).await;
    let answer = world.call("GET", "/v1/ledger/export", LENDER, &[], b"").await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.bytes).unwrap();
    let replay = |text: &str| {
        let mut replay = prequal_ledger::export::Replay::default();
        text.lines().try_for_each(|line| replay.take(line)).and_then(|()| replay.finish())
    };
    let verified = replay(&text).unwrap();
    // The loan's chain and one for each of its two funders.
    assert_eq!((verified.loans.len(), verified.chains), (1, 3));
    let stolen = text.replace("\"share_percent\":\"30\"", "\"share_percent\":\"31\"");
    let stolen = stolen.replace("\"share_percent\":\"70\"", "\"share_percent\":\"69\"");
    assert!(stolen != text && replay(&stolen).is_err());
}

/// A bundle's own text of the agreement says where the funders stand; they are named once.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_s_own_agreement_places_the_funders_where_it_wants() {
    let mut value = serde_json::to_value(payload()).unwrap();
    let text = "{lender} {application} {principal} {apr} {total}\n{funding}\n{schedule}\n{label}";
    value["texts"]["en"][prequal_core::bundle::payload::AGREEMENT_TEXT] = json!(text);
    let extra = Extra { rest: seventy_thirty(""), ..Extra::default() };
    let world = World::configured(serde_json::from_value(value).unwrap(), extra, &[]).await;
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let text = submitted["agreement"]["text"].as_str().unwrap();
    let funders = "Credit given by: The bank, 30 % (150.00 USD)\nCredit given by: The own, 70 % (350.00 USD)\n\n  1. ";
    assert!(text.contains(funders), "{text}");
    assert_eq!(text.matches("The bank").count(), 1);
}

/// Whoever changes a funder's books, or their projections, is found out.
#[tokio::test(flavor = "multi_thread")]
async fn tampered_books_of_a_funder_do_not_verify() {
    let world = world(&seventy_thirty("")).await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    assert_eq!(world.run_job("funding-totals", "2026-01-01").await, 2, "a change of each funder's");
    world.pay(&loan, &capability, 10_000).await;
    for statement in [
        "UPDATE loan_funders SET to_remit = to_remit + 1 WHERE funder = 'bank'",
        "UPDATE loan_funders SET principal_outstanding = 1 WHERE funder = 'own'",
        "UPDATE loan_funders SET remitted = 1 WHERE funder = 'bank'",
        "UPDATE funding_totals SET amount = amount - 1 WHERE funder = 'bank'",
        "DELETE FROM funding_moves WHERE funder = 'bank'",
        "UPDATE loan_funders SET share_percent = '31' WHERE funder = 'bank'",
        "DELETE FROM loan_funders WHERE funder = 'bank'",
    ] {
        let mut tx = world.app().db.begin().await.unwrap();
        let changed = sqlx::query(statement).execute(&mut *tx).await.unwrap();
        assert_eq!(changed.rows_affected(), 1, "{statement}");
        assert!(prequal_server::audit::run_on(&mut tx).await.is_err(), "{statement} is not found out");
        tx.rollback().await.unwrap();
    }
    let report = prequal_server::audit::run(world.app()).await.unwrap();
    assert_eq!((report.loans, report.funders), (1, 2));
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let refused = |extra: &str, why: &str| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let world = std::panic::catch_unwind(|| runtime.block_on(world(extra)));
        let Err(error) = world else { panic!("{why}: it was taken") };
        let text = error.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(text.contains(why), "{why}: {text}");
    };
    let joint = seventy_thirty("");
    refused(
        &seventy_thirty("[funding.ratios]\npartner_share_min_percent = \"30.01\"\n"),
        "less than the 30.01 per cent",
    );
    refused(&joint.replace("\"70\"", "\"69\""), "shares must add up to 100 per cent");
    refused(&joint.replace("funder = \"bank\"", "funder = \"tank\""), "no funder `tank`");
    refused(&joint.replace("\"referred\"", "\"eligible\""), "`referred` or `declined`");
    refused(&joint.replace("servicing_fee_percent = \"10\"", "time_limit_ms = 10001"), "`time_limit_ms` is 1 to 10000");
    refused(&joint.replace("servicing_fee_percent = \"10\"", "decide_url = \"http://a/b\""), "needs `consent`");
    refused(
        &joint.replace("servicing_fee_percent = \"10\"", "decide_url = \"ftp://a/b\"\nconsent = \"x\""),
        "is not of the form",
    );
    refused(&joint.replace("id = \"other-bank\"", "id = \"bank\"").replace("fk_x", ""), "stands twice");
}
