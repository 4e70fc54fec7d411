//! How much may be lent with whom: capacities, ratios, and the price of a guarantor, at the limit and a cent beyond.

use std::sync::Arc;

use hyper::Method;
use prequal_server::http_client::HttpClient;
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Purchase},
    funding::{NOBODY, attempts, funder, funding, programme, seventy_thirty, tried, world},
    process::Process,
    world::{Answer, Extra, LENDER, World, payload},
};

/// What is added up, changes since, and what is promised: the capacity is the same, whenever the job runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_capacity_is_kept_over_sums_and_changes_since() {
    let world = world(&seventy_thirty("").replace("servicing_fee_percent = \"10\"", "capacity = 30000")).await;
    let apply = async |amount: i64| {
        let purchase = world.apply(&ADA, amount).await;
        world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200)["outcome"].clone()
    };
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    assert_eq!(apply(50_004).await, "referred");
    assert_eq!(world.run_job("funding-totals", "2026-01-01").await, 2);
    assert_eq!(world.run_job("funding-totals", "2026-01-01").await, 0);
    assert_eq!(apply(50_004).await, "referred", "30 % of 500.04 is 150.01");
    world.buy(&ADA, 50_003, "monthly-3").await;
    assert_eq!(apply(1_000).await, "referred");
    world.pay(&loan, &capability, 50_000).await;
    // Other servers add up at the same time: nothing is added twice.
    let (one, other) = (world.another_server().await, world.another_server().await);
    let job = prequal_server::jobs::find("funding-totals").unwrap();
    let today = world.app().today().unwrap();
    let (here, there) = tokio::join!((job.run)(&one, today), (job.run)(&other, today));
    assert_eq!(here.unwrap().changed + there.unwrap().changed, 4);
    world.verify().await;
    assert_eq!(apply(50_000).await, "approved");
    one.db.close().await;
    other.db.close().await;
}

/// Half of all loans may be joint: beside 600.00 of the lender's own, 600.00 pass and 600.01 do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_ratio_holds_at_equality_and_not_a_cent_beyond() {
    let ratios = "[funding.ratios]\njoint_max_percent = \"50\"\ncounts = \"whole\"\n";
    let extra = [
        seventy_thirty(ratios)
            .replace("stray_cent_to = \"own\"\n", "stray_cent_to = \"own\"\nplans = [\"monthly-3\"]\n"),
        programme("alone", &[("own", "100")], "own", "plans = [\"monthly-6\"]"),
    ]
    .concat();
    let world = world(&extra).await;
    world.buy(&ADA, 60_000, "monthly-6").await;
    let purchase = world.apply(&ADA, 60_001).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    assert_eq!(submitted["outcome"], "referred");
    let routes = world.get(&format!("/v1/applications/{}/funding", purchase.application), LENDER).await.expect(200);
    assert_eq!(tried(&routes), attempts(&[("joint", "bank", "excluded", "joint_max")]));
    world.buy(&ADA, 60_000, "monthly-3").await;
}

/// A quarter of a capital of 1,000.00 is 250.00: of 357.15 the lender's 70 % is 250.005, so 250.00 with the stray cent
/// at the bank; of 357.16 it is 250.01.
#[tokio::test(flavor = "multi_thread")]
async fn one_partner_s_loans_are_limited_by_the_lender_s_capital() {
    let ratios = "[funding.ratios]\none_partner_max_percent = \"25\"\nnet_tier1_capital = 100000\n";
    let extra = seventy_thirty(ratios).replace("stray_cent_to = \"own\"", "stray_cent_to = \"bank\"");
    let world = world(&extra).await;
    let purchase = world.apply(&ADA, 35_716).await;
    assert_eq!(world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200)["outcome"], "referred");
    world.buy(&ADA, 35_715, "monthly-3").await;
    let purchase = world.apply(&ADA, 1_000).await;
    assert_eq!(world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200)["outcome"], "referred");
}

async fn post_to(base: &str, path: &str, bearer: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {bearer}");
    let headers = [("authorization", authorization.as_str()), ("idempotency-key", "once")];
    let url = format!("{base}{path}");
    let (status, bytes) =
        HttpClient::default().call(Method::POST, &url, &headers, body.to_string().into()).await.unwrap();
    Answer { status, bytes: bytes.to_vec() }
}

/// The lender's part of each is 350.00, a quarter of the capital is 1,400.00: four of twelve.
#[tokio::test(flavor = "multi_thread")]
async fn signings_at_once_on_two_servers_do_not_pass_a_ratio() {
    let ratios = "[funding.ratios]\none_partner_max_percent = \"25\"\nnet_tier1_capital = 560000\n";
    let world = Arc::new(world(&seventy_thirty(ratios)).await);
    let other = Process::start(&world, "127.0.0.1:0");
    let mut ready: Vec<(Purchase, Value)> = Vec::new();
    for _ in 0..12 {
        let purchase = world.apply(&ADA, 50_000).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        assert_eq!(submitted["outcome"], "approved");
        let signing = world.signing(&submitted, ADA.name);
        ready.push((purchase, signing));
    }
    let tasks: Vec<_> = (0..)
        .zip(&ready)
        .map(|(number, (purchase, signing))| {
            let base = if number % 2 == 0 { world.base.clone() } else { other.base.clone() };
            let (purchase, signing) = (purchase.clone(), signing.clone());
            tokio::spawn(async move {
                let path = format!("/v1/applications/{}/sign", purchase.application);
                post_to(&base, &path, &purchase.capability, &signing).await
            })
        })
        .collect();
    let (mut booked, mut refused) = (0, Vec::new());
    for (task, (purchase, _)) in tasks.into_iter().zip(&ready) {
        let answer = task.await.unwrap();
        if answer.status == 201 {
            booked += 1;
        } else {
            assert_eq!(answer.problem(409, "funding-unavailable")["reason"], "one_partner_max");
            refused.push(purchase.clone());
        }
    }
    assert_eq!((booked, refused.len()), (4, 8));
    world.verify().await;
    // Whoever was refused may submit the same offer again: funders are looked for anew, and here there are none.
    let again = &refused[0];
    assert_eq!(world.submit(again, &world.offer(again, "monthly-3")).await.expect(200)["outcome"], "referred");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_funder_lends_up_to_its_capacity_and_then_the_next_does() {
    let extra = [
        seventy_thirty("").replace("servicing_fee_percent = \"10\"", "capacity = 15000"),
        programme("second", &[("other-bank", "30"), ("own", "70")], "own", ""),
    ]
    .concat();
    let world = world(&extra).await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let (_, next, _) = world.buy(&ADA, 1_000, "monthly-3").await;
    assert_eq!(funding(&world, &next, LENDER).await["funders"][0]["funder"], "other-bank");
    world.pay(&loan, &capability, 50_000).await;
    let (_, third, _) = world.buy(&ADA, 1_000, "monthly-3").await;
    assert_eq!(
        funding(&world, &third, LENDER).await["funders"][0]["funder"],
        "bank",
        "what is repaid can be lent again"
    );
}

/// A plan with a guarantor's fee of 1 % that is in its terms, one with a fee that is not, and one whose fee would break
/// the law's 36 %.
#[tokio::test(flavor = "multi_thread")]
async fn a_guarantor_s_fee_is_part_of_the_price_or_the_guarantor_is_not_taken() {
    let mut value = serde_json::to_value(payload()).unwrap();
    value["product"]["plans"][1]["fees"] =
        json!([{ "code": "guarantee", "payee": "The guard", "percent": "1", "when": "spread" }]);
    let guard = |id: &str, percent: &str| {
        funder(
            id,
            "guarantor",
            &format!("fee = {{ code = \"guarantee\", percent = \"{percent}\", when = \"spread\" }}"),
        )
    };
    let extra = [
        funder("own", "own", ""),
        guard("dear", "30"),
        guard("other", "2"),
        guard("guard", "1"),
        NOBODY.to_owned(),
        programme("dear", &[("own", "100")], "own", "guarantor = \"dear\""),
        programme("unquoted", &[("own", "100")], "own", "guarantor = \"other\""),
        programme("guarded", &[("own", "100")], "own", "guarantor = \"guard\""),
    ]
    .concat();
    let world =
        World::configured(serde_json::from_value(value).unwrap(), Extra { rest: extra, ..Extra::default() }, &[]).await;
    let (purchase, loan, _) = world.buy(&ADA, 60_000, "monthly-6").await;
    let funding = funding(&world, &loan, LENDER).await;
    let expected = [("dear", "dear", "excluded", "cap_mla"), ("unquoted", "other", "excluded", "fee_not_quoted")];
    assert_eq!(tried(&funding["routes"]), attempts(&expected));
    assert_eq!(
        (&funding["funders"][1]["kind"], &funding["funders"][1]["principal_outstanding"]),
        (&json!("guarantor"), &json!(60_000))
    );
    let agreement = world.get(&format!("/v1/loans/{loan}/agreement"), LENDER).await;
    let text =
        if agreement.status == 200 { agreement.json()["text"].as_str().unwrap().to_owned() } else { String::new() };
    assert!(text.contains("Guarantor: The guard, whose fee of 6.00 USD is part of"), "{text}");
    // The same loan without the fee is cheaper: the fee counts in the rate that is shown.
    let exact = |offer: &Value| offer["apr"]["apr_percent_exact"].as_str().unwrap().parse::<f64>().unwrap();
    let offer = purchase.offers.iter().find(|(_, offer)| offer["plan"] == "monthly-6").unwrap().1.clone();
    let plain = World::new().await.apply(&ADA, 60_000).await;
    let plain = plain.offers.iter().find(|(_, offer)| offer["plan"] == "monthly-6").unwrap().1.clone();
    assert!(exact(&offer) > exact(&plain) + 1.0, "{} against {}", exact(&offer), exact(&plain));
}

/// A guarantor that is at its capacity guarantees nothing, so nobody pays its fee: a programme without it does not take
/// the plan over, and takes the one that has no such fee.
#[tokio::test(flavor = "multi_thread")]
async fn a_guarantor_s_fee_is_not_charged_where_nobody_guarantees() {
    let mut value = serde_json::to_value(payload()).unwrap();
    value["product"]["plans"][1]["fees"] =
        json!([{ "code": "guarantee", "payee": "The guard", "percent": "1", "when": "spread" }]);
    let fee = "capacity = 10000\nfee = { code = \"guarantee\", percent = \"1\", when = \"spread\" }";
    let extra = [
        funder("own", "own", ""),
        funder("guard", "guarantor", fee),
        NOBODY.to_owned(),
        programme("guarded", &[("own", "100")], "own", "guarantor = \"guard\"\nplans = [\"monthly-6\"]"),
        programme("alone", &[("own", "100")], "own", ""),
    ]
    .concat();
    let world =
        World::configured(serde_json::from_value(value).unwrap(), Extra { rest: extra, ..Extra::default() }, &[]).await;
    let purchase = world.apply(&ADA, 10_001).await;
    assert_eq!(world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.expect(200)["outcome"], "referred");
    let routes = world.get(&format!("/v1/applications/{}/funding", purchase.application), LENDER).await.expect(200);
    let expected =
        [("guarded", "guard", "excluded", "capacity"), ("alone", "guard", "excluded", "fee_without_guarantor")];
    assert_eq!(tried(&routes), attempts(&expected));
    world.buy(&ADA, 10_001, "monthly-3").await;
    world.buy(&ADA, 10_000, "monthly-6").await;
}

/// 30 % of 500.00 are the bank's 150.00, its ceiling for one person: of the next purchase another bank takes its part, and
/// what an order holds counts like what is lent.
#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_of_a_funder_s_money_what_its_ceiling_lets_them() {
    let extra = [
        seventy_thirty(""),
        programme("second", &[("other-bank", "30"), ("own", "70")], "own", ""),
        "[[limits.ceilings]]\nname = \"of-the-bank\"\namount = 15000\nfunder = \"bank\"\n".to_owned(),
    ]
    .concat();
    let world = world(&extra).await;
    let held = world.authorize(20_000, "monthly-3", 30).await;
    // 60.00 are held of the bank's money; 90.00 more are 30 % of 300.00, and of 300.04 they are 90.01.
    let of = async |amount: i64| {
        let (_, loan, _) = world.buy(&ADA, amount, "monthly-3").await;
        let shown = funding(&world, &loan, LENDER).await;
        (shown["funders"][0]["funder"].clone(), tried(&shown["routes"]))
    };
    let (funder, excluded) = of(30_004).await;
    assert_eq!((funder, excluded), (json!("other-bank"), attempts(&[("joint", "bank", "excluded", "ceiling")])));
    assert_eq!(of(30_000).await.0, "bank");
    assert_eq!(of(1_000).await.0, "other-bank");
    world.void(&held.id, "v").await.expect(200);
    assert_eq!(of(20_000).await.0, "bank", "what is not held any more may be lent again");
}
