//! The whole path, from a merchant's checkout to a loan at zero.

use serde_json::{Value, json};

use crate::actors::{ADA, Shopper};
use crate::world::{EDGE, LENDER, MERCHANT, OTHER_MERCHANT, World};

fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no amount"))
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_click_to_a_repaid_loan() {
    let world = World::new().await;
    let purchase = world.apply(&ADA, 129_900).await;
    assert_eq!(purchase.decision["outcome"], "eligible");
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-6")).await.expect(200);
    assert_eq!(submitted["outcome"], "approved");
    let offer = &submitted["agreement"]["offer"];
    assert_eq!(*offer, purchase.offers[1].1, "what was offered is what is to be signed");
    let text = submitted["agreement"]["text"].as_str().unwrap();
    for part in ["1,299.00 USD", "Test Lender", "Test Shop", "test data, not for lending"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(text.contains(offer["apr"]["apr_percent"].as_str().unwrap()));

    let signed = world.sign(&purchase, "k", &world.signing(&submitted, "Ada Byron")).await.expect(201);
    assert_eq!(signed["status"], "disbursing");
    let (id, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    assert_eq!(world.account("1110").await, 129_900, "the receivable rises to the principal");
    let path = format!("/v1/loans/{id}");
    let loan = world.wait(&path, capability, |loan| loan["status"] == "active").await;
    assert_eq!(loan["balance"]["total"], 129_900);

    // The merchant's fee is 3 % of 1,299.00: 38.97.
    let order = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
    let order = world.get(&order, MERCHANT).await.expect(200);
    assert_eq!((minor(&order["fee"]), minor(&order["paid_amount"])), (3_897, 129_900 - 3_897));
    assert_eq!(order["payout"]["status"], "settled");

    for (index, installment) in offer["installments"].as_array().unwrap().iter().enumerate() {
        let due = installment["due"].as_str().unwrap();
        world.set_date(due).await;
        let today = world.get(&path, capability).await.expect(200);
        assert_eq!(today["installments"][index]["status"], "due");
        assert_eq!(today["next_due"], json!({ "due": due, "amount": installment["total"] }));
        let paid = world.pay(id, capability, minor(&installment["total"])).await;
        assert_eq!(paid["installments"][index]["status"], "paid");
        assert_eq!(world.account("1110").await, minor(&installment["balance"]));
    }
    let loan = world.get(&path, capability).await.expect(200);
    assert_eq!((loan["status"].as_str(), minor(&loan["balance"]["total"])), (Some("settled"), 0));
    assert_eq!(loan["next_due"], Value::Null);
    assert_eq!(world.account("1110").await, 0, "and falls to zero");
    assert_eq!(world.account("4010").await, minor(&offer["total_interest"]), "interest income is the quote's");
    assert_eq!(world.account("4030").await, 3_897);
    assert_eq!(world.account("1010").await, minor(&offer["total_interest"]) + 3_897);
    assert_eq!(world.account("2010").await, 0);

    let statement = world.get(&format!("{path}/statement"), capability).await.expect(200);
    let events = statement["events"].as_array().unwrap();
    assert_eq!(events.len(), 1 + 6, "lent and six payments; what the merchant got is not the shopper's affair");
    let whole = world.get(&format!("{path}/statement"), LENDER).await.expect(200);
    assert_eq!(whole["events"].as_array().unwrap().len(), 2 + 6, "the lender sees the payout too");
    let interest: i64 = events.iter().map(|event| minor(&event["interest"])).sum();
    assert_eq!(interest, minor(&offer["total_interest"]));
    assert_eq!(events.last().unwrap()["principal_balance"], 0);
    let agreement = world.get(&format!("{path}/agreement"), capability).await.expect(200);
    assert_eq!(agreement["hash"], submitted["agreement"]["hash"]);
    assert_eq!(agreement["text"], submitted["agreement"]["text"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_is_paid_off_early_to_the_day() {
    let world = World::new().await;
    let (_, id, capability) = world.buy(&ADA, 60_000, "monthly-6").await;
    let payoff = world.get(&format!("/v1/loans/{id}/payoff"), &capability).await.expect(200);
    assert_eq!((minor(&payoff["principal"]), minor(&payoff["interest"])), (60_000, 0));
    let loan = world.pay(&id, &capability, 60_000).await;
    assert_eq!(loan["status"], "settled");
    assert_eq!(world.account("4010").await, 0, "nothing is earned on a loan of no day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lender_s_own_template_makes_the_agreement() {
    let mut policy = crate::world::payload();
    let template = "{lender} lends {principal} to {application} at {apr} %: {total}\n{schedule}\n{label}";
    let texts = [("agreement".to_owned(), template.to_owned())].into();
    policy.texts = [("en".to_owned(), texts)].into();
    let world = World::with(policy).await;
    let purchase = world.apply(&ADA, 30_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let (text, offer) = (submitted["agreement"]["text"].as_str().unwrap(), &submitted["agreement"]["offer"]);
    let apr = offer["apr"]["apr_percent"].as_str().unwrap();
    let first = format!("Test Lender lends 300.00 USD to {} at {apr} %: ", purchase.application);
    assert!(text.starts_with(&first), "{text}");
    assert_eq!(text.lines().count(), 6, "the sentence, three instalments, the label, the hash of what was told before");
    assert_eq!(submitted["agreement"]["hash"], prequal_server::secret::sha256_hex(text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_is_recorded_with_its_evidence_and_a_notice() {
    let world = World::new().await;
    let shopper = Shopper { standing: "bad", ..ADA };
    let purchase = world.apply(&shopper, 50_000).await;
    assert_eq!(purchase.decision["outcome"], "declined");
    let path = format!("/v1/applications/{}", purchase.application);
    let application = world.get(&path, &purchase.capability).await.expect(200);
    assert_eq!(application["status"], "declined");
    assert_eq!(application["reasons"][0]["code"], "R02");

    let mut db = world.app().db.read().await.unwrap();
    let row: (String, String, String) = sqlx::query_as(
        "SELECT d.output, a.input_record, n.body FROM applications a
         JOIN decisions d ON d.id = a.decision JOIN notices n ON n.decision = d.id WHERE a.id = $1",
    )
    .bind(&purchase.application)
    .fetch_one(&mut *db)
    .await
    .unwrap();
    assert_eq!(serde_json::from_str::<Value>(&row.0).unwrap(), purchase.decision);
    let input = prequal_server::people::open(&mut db, &world.app().vault, &row.1).await.unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&input).unwrap(), purchase.input, "with the evidence it was made on");
    assert!(row.2.contains("Credit with other lenders was not paid back as agreed"), "{}", row.2);
    assert!(!row.2.contains("Ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_is_kept_and_cannot_be_submitted() {
    let world = World::new().await;
    let purchase = world.apply(&Shopper { standing: "weak", ..ADA }, 50_000).await;
    let path = format!("/v1/applications/{}", purchase.application);
    assert_eq!(world.get(&path, &purchase.capability).await.expect(200)["status"], "referred");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_person_owes_in_all_is_bounded() {
    // The ceiling of the test's configuration is 3,000.00.
    let world = World::new().await;
    world.buy(&ADA, 200_000, "monthly-3").await;
    // Another name with the same telephone is the same person as far as exposure goes.
    let again = Shopper { name: "Augusta King", email: "augusta@example.com", ..ADA };
    let purchase = world.apply(&again, 150_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    assert_eq!(submitted["outcome"], "declined");
    assert_eq!(submitted["reasons"][0]["code"], "LENDER-EXPOSURE");
    let smaller = world.apply(&again, 100_000).await;
    let submitted = world.submit(&smaller, &world.offer(&smaller, "monthly-3")).await.expect(200);
    assert_eq!(submitted["outcome"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvals_signed_one_after_the_other_cannot_pass_the_ceiling() {
    let world = World::new().await;
    let mut approved = Vec::new();
    for _ in 0..2 {
        let purchase = world.apply(&ADA, 200_000).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        assert_eq!(submitted["outcome"], "approved");
        approved.push((purchase, submitted));
    }
    world.sign(&approved[0].0, "a", &world.signing(&approved[0].1, "Ada Byron")).await.expect(201);
    let refused = world.sign(&approved[1].0, "b", &world.signing(&approved[1].1, "Ada Byron")).await;
    assert_eq!(refused.problem(409, "wrong-state")["reason"], "LENDER-EXPOSURE");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_what_belongs_to_another() {
    let world = World::new().await;
    let (first, loan, capability) = world.buy(&ADA, 20_000, "monthly-3").await;
    let other = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (second, other_loan, other_capability) = world.buy(&other, 30_000, "monthly-3").await;
    for path in ["", "/payoff", "/statement", "/agreement"] {
        world.get(&format!("/v1/loans/{loan}{path}"), &other_capability).await.problem(404, "not-found");
        world.get(&format!("/v1/loans/{other_loan}{path}"), &capability).await.problem(404, "not-found");
        world.get(&format!("/v1/loans/{loan}{path}"), MERCHANT).await.problem(404, "not-found");
        world.get(&format!("/v1/loans/{loan}{path}"), "").await.problem(401, "unauthorized");
        world.get(&format!("/v1/loans/{loan}{path}"), LENDER).await.expect(200);
    }
    // An application's capability is not its loan's.
    world.get(&format!("/v1/loans/{loan}"), &first.capability).await.problem(404, "not-found");
    world.get(&format!("/v1/applications/{}", first.application), &second.capability).await.problem(404, "not-found");
    let pay = format!("/v1/loans/{loan}/payments");
    world.post_once(&pay, &other_capability, "k", &json!({ "amount": 1 })).await.problem(404, "not-found");
    world.post_once(&pay, LENDER, "k", &json!({ "amount": 1 })).await.problem(403, "forbidden");
    for path in ["/v1/orders", "/v1/checkouts"] {
        let path = format!("{path}/{}", first.checkout["id"].as_str().unwrap());
        world.get(&path, OTHER_MERCHANT).await.problem(404, "not-found");
    }
    world.get("/v1/sandbox/clock", MERCHANT).await.problem(404, "not-found");
    world.get("/v1/sandbox/clock", EDGE).await.expect(200);
    let body = json!({ "now": "2030-01-01T00:00:00Z" }).to_string();
    world.call("PUT", "/v1/sandbox/clock", EDGE, &[], body.as_bytes()).await.problem(403, "forbidden");
    for path in ["/v1/ledger/trial-balance", "/v1/ledger/entries"] {
        world.get(path, MERCHANT).await.problem(403, "forbidden");
        world.get(path, &capability).await.problem(403, "forbidden");
        world.get(path, "lk_unknown").await.problem(401, "unauthorized");
    }
}
