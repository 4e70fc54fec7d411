//! The guarantor's fee: collected with the instalments, payable to the guarantor, remitted and reconciled like a funder's
//! money; and a joint loan that is lost and in part recovered.

use prequal_core::{bundle::Payload, calendar::Date};
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Purchase},
    funding::{NOBODY, funder, funding, programme},
    world::{Extra, LENDER, World, payload},
};

const GUARD: &str = "fk_guard";
const BANK: &str = "fk_bank";

/// Plans with a guarantee of 1 % spread over the instalments, beside a set-up fee of the lender's with the first.
fn guaranteed() -> Payload {
    let mut value = serde_json::to_value(payload()).unwrap();
    value["product"]["plans"][0]["fees"] = json!([
        { "code": "set-up", "payee": "lender", "amount": 300, "when": "first" },
        { "code": "guarantee", "payee": "The guard", "percent": "1", "when": "spread" },
    ]);
    serde_json::from_value(value).unwrap()
}

/// A bank finances 30 per cent, the lender the rest, and the guard answers for the whole for 1 per cent.
async fn world() -> World {
    let fee = "fee = { code = \"guarantee\", percent = \"1\", when = \"spread\" }";
    let extra = [
        funder("bank", "partner", "servicing_fee_percent = \"10\""),
        funder("own", "own", ""),
        funder("guard", "guarantor", fee),
        NOBODY.to_owned(),
        programme("joint", &[("bank", "30"), ("own", "70")], "own", "guarantor = \"guard\""),
    ]
    .concat();
    World::configured(guaranteed(), Extra { rest: extra, ..Extra::default() }, &[]).await
}

async fn to_remit(world: &World, loan: &str) -> Vec<i64> {
    let view = funding(world, loan, LENDER).await;
    view["funders"].as_array().unwrap().iter().map(|one| one["to_remit"].as_i64().unwrap()).collect()
}

async fn net(world: &World, loan: &str, account: &str) -> Vec<i64> {
    let view = funding(world, loan, LENDER).await;
    let of = |one: &Value| one["balances"][account].as_i64().unwrap_or(0);
    view["funders"].as_array().unwrap().iter().map(of).collect()
}

fn instalments(purchase: &Purchase, plan: &str) -> Vec<Value> {
    let (_, offer) = purchase.offers.iter().find(|(_, offer)| offer["plan"] == plan).unwrap();
    offer["installments"].as_array().unwrap().clone()
}

/// Remits what is owed, and waits until nothing is.
async fn remit(world: &World, loan: &str, date: &str) {
    assert!(world.run_job("funder-remittance", date).await > 0);
    let path = format!("/v1/loans/{loan}/funding");
    let done = |view: &Value| view["funders"].as_array().unwrap().iter().all(|one| one["to_remit"] == 0);
    world.wait(&path, LENDER, done).await;
}

/// 600.00 in three: the guard's 6.00 are 2.00 in each instalment, and the lender's set-up of 3.00 is in the first. The
/// funders' income has the 3.00 only, 0.90 of it the bank's; the guard is sent 2.00 with each instalment that is paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_guarantor_is_sent_its_fee_as_it_is_collected_and_the_funders_have_none_of_it() {
    let world = world().await;
    let (purchase, loan, capability) = world.buy(&ADA, 60_000, "monthly-3").await;
    let rows = instalments(&purchase, "monthly-3");
    assert_eq!(rows.iter().map(|row| row["fee"].as_i64().unwrap()).collect::<Vec<_>>(), [500, 200, 200]);
    remit(&world, &loan, &world.app().today().unwrap().to_string()).await;
    for (place, row) in rows.iter().enumerate() {
        let (date, total) = (row["due"].as_str().unwrap(), row["total"].as_i64().unwrap());
        world.set_date(date).await;
        world.pay(&loan, &capability, total).await;
        assert_eq!(to_remit(&world, &loan).await[2], 200, "instalment {}", place + 1);
        remit(&world, &loan, date).await;
        let paid = 200 * i64::try_from(place + 1).unwrap();
        assert_eq!(net(&world, &loan, "4020").await, [-90, -210, -600], "fees are earned with the contract");
        assert_eq!(net(&world, &loan, "1130").await, [0, 0, 600 - paid]);
        assert_eq!(net(&world, &loan, "1010").await[2], paid, "what the guard has in cash");
    }
    // The lender's own books have neither the bank's nor the guard's part, and owe neither of them anything.
    let own = world.get("/v1/ledger/trial-balance?books=own", LENDER).await.expect(200);
    let of = |code: &str| {
        let accounts = own["accounts"].as_array().unwrap();
        let row = accounts.iter().find(|row| row["account"] == code).unwrap_or(&Value::Null).clone();
        row["credit"].as_i64().unwrap_or(0) - row["debit"].as_i64().unwrap_or(0)
    };
    assert_eq!((own["balanced"].clone(), of("4020"), of("1210")), (json!(true), 210, 0));
    // The guard's statement, its file, and nobody else's business.
    let position = world.get("/v1/funders/guard/position", GUARD).await.expect(200);
    assert_eq!(
        (&position["balances"]["USD"]["4020"], &position["balances"]["USD"]["1010"]),
        (&json!(-600), &json!(600))
    );
    let sent: Vec<i64> =
        position["remittances"].as_array().unwrap().iter().map(|row| row["amount"].as_i64().unwrap()).collect();
    assert_eq!(sent, [200, 200, 200]);
    let today = world.app().today().unwrap().to_string();
    let file = world.call("GET", &format!("/v1/funders/guard/reconciliation?date={today}"), GUARD, &[], b"").await;
    let file = String::from_utf8(file.bytes).unwrap();
    // principal, interest, fees, penalties, due from the servicer, cash, interest income, fee income, …
    assert!(file.lines().last().unwrap().starts_with("TOTAL,USD,0,0,0,0,0,600,0,600,"), "{file}");
    world.get("/v1/funders/guard/position", BANK).await.problem(404, "not-found");
    // What is exported proves it.
    let answer = world.call("GET", "/v1/ledger/export", LENDER, &[], b"").await;
    let text = String::from_utf8(answer.bytes).unwrap();
    let replay = |text: &str| {
        let mut replay = prequal_ledger::export::Replay::default();
        text.lines().try_for_each(|line| replay.take(line)).and_then(|()| replay.finish())
    };
    assert_eq!(replay(&text).unwrap().chains, 4, "the loan's, and one for each of three");
    let without = text.replace("\"guarantor\":{\"id\":\"guard\",\"payee\":\"The guard\"},", "");
    assert!(without != text && replay(&without).is_err(), "who has the fee cannot be changed");
}

/// A payment that is taken back takes the fee back: the guard, who was sent it, has to give it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_goes_back_to_its_payer_is_asked_back_from_the_guarantor() {
    let world = world().await;
    let (purchase, loan, capability) = world.buy(&ADA, 60_000, "monthly-3").await;
    let first = instalments(&purchase, "monthly-3")[0].clone();
    let date = first["due"].as_str().unwrap();
    world.set_date(date).await;
    world.pay(&loan, &capability, first["total"].as_i64().unwrap()).await;
    remit(&world, &loan, date).await;
    let all = world.provider("GET", "/v1/transfers", &Value::Null).await;
    let rows = all["transfers"].as_array().unwrap();
    let total = first["total"].as_i64().unwrap();
    let debit = rows.iter().rfind(|row| row["kind"] == "debit" && row["amount"] == total).unwrap();
    let path = format!("/v1/transfers/{}/charge-back", debit["id"].as_str().unwrap());
    world.provider("POST", &path, &Value::Null).await;
    world.wait(&format!("/v1/loans/{loan}"), &capability, |view| view["payments"][0]["status"] == "charged_back").await;
    assert_eq!(to_remit(&world, &loan).await[2], -200);
    let next = Date::parse(date).unwrap().add_days(1).unwrap().to_string();
    world.set_date(&next).await;
    remit(&world, &loan, &next).await;
    let position = world.get("/v1/funders/guard/position", GUARD).await.expect(200);
    assert_eq!(position["balances"]["USD"]["1010"], 0);
    assert_eq!(position["remittances"][0]["amount"], -200);
}

/// A payout that fails leaves the guard with nothing, and a purchase of a cent with a fee of no cent.
#[tokio::test(flavor = "multi_thread")]
async fn a_guarantor_has_nothing_of_what_was_never_lent() {
    let world = world().await;
    world.fail_next_payouts(1).await;
    let purchase = world.apply(&ADA, 60_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
    let loan = signed["loan_id"].as_str().unwrap();
    world.wait(&format!("/v1/loans/{loan}"), LENDER, |view| view["status"] == "cancelled").await;
    assert_eq!(to_remit(&world, loan).await, [0, 0, 0]);
    assert_eq!(net(&world, loan, "4020").await, [0, 0, 0]);
}

/// 500.01 lent by three: 33.3 % is 166.50 (166.503) each for two, and the third, who takes the stray cent, has 167.01.
/// Nothing is paid; after the charge-off each has lost its own. Of 100.01 recovered 33.3 % is 33.30 (33.303): 33.30,
/// 33.30 and 33.41 are remitted.
#[tokio::test(flavor = "multi_thread")]
async fn a_joint_loan_that_is_lost_costs_each_funder_its_own_and_what_is_recovered_is_remitted_by_shares() {
    let extra = [
        funder("bank", "partner", ""),
        funder("other-bank", "partner", ""),
        funder("third", "partner", ""),
        NOBODY.to_owned(),
        programme("joint", &[("bank", "33.3"), ("other-bank", "33.3"), ("third", "33.4")], "third", ""),
    ]
    .concat();
    let world = World::configured(payload(), Extra { rest: extra, ..Extra::default() }, &[]).await;
    let (_, loan, _) = world.buy(&ADA, 50_001, "monthly-3").await;
    let start = world.app().today().unwrap();
    remit(&world, &loan, &start.to_string()).await;
    let paid_in = [-16_650, -16_650, -16_701];
    assert_eq!(net(&world, &loan, "1010").await, paid_in);
    let path = format!("/v1/loans/{loan}/events");
    let today = start.add_days(10).unwrap().to_string();
    world.set_date(&today).await;
    world.tell(&loan, json!({ "type": "charged_off", "value_date": today })).await;
    let lost = net(&world, &loan, "5010").await;
    let whole = world.account("5010").await;
    assert_eq!(lost.iter().sum::<i64>(), whole, "what all lose is what is lost");
    // Principal is each funder's own, and of ten days' interest each has its share.
    let interest = whole - 50_001;
    assert!(interest > 0);
    let third = interest * 333 / 1_000;
    assert_eq!(lost, [16_650 + third, 16_650 + third, 16_701 + interest - 2 * third]);
    assert_eq!(net(&world, &loan, "1110").await, [0, 0, 0]);
    assert_eq!(to_remit(&world, &loan).await, [0, 0, 0]);

    world.tell(&loan, json!({ "type": "received", "amount": 10_001, "value_date": today })).await;
    let shares = [3_330, 3_330, 3_341];
    assert_eq!(to_remit(&world, &loan).await, shares);
    assert_eq!(net(&world, &loan, "4050").await, shares.map(|share: i64| -share));
    remit(&world, &loan, &today).await;
    let cash: Vec<i64> = net(&world, &loan, "1010").await;
    assert_eq!(cash, [paid_in[0] + 3_330, paid_in[1] + 3_330, paid_in[2] + 3_341]);
    // The recovery is undone: what was remitted is asked back, to the cent.
    let events = world.get(&path, LENDER).await.expect(200);
    let number = events["count"].clone();
    world.tell(&loan, json!({ "type": "reversed", "number": number })).await;
    assert_eq!(to_remit(&world, &loan).await, shares.map(|share: i64| -share));
    let next = start.add_days(11).unwrap().to_string();
    world.set_date(&next).await;
    remit(&world, &loan, &next).await;
    assert_eq!(net(&world, &loan, "1010").await, paid_in);
    for (id, paid) in [("bank", -16_650), ("other-bank", -16_650), ("third", -16_701)] {
        let position = world.get(&format!("/v1/funders/{id}/position"), LENDER).await.expect(200);
        assert_eq!(position["balances"]["USD"]["1010"], paid, "{id}");
    }
}
