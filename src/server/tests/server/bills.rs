//! Revolving lines: a bill on the billing day, a minimum by the due day, and interest on the rest from the day after.

use serde_json::{Value, json};

use crate::actors::ADA;
use crate::lines::Granted;
use crate::world::{LENDER, MERCHANT, World, payload};

/// Bills on the 1st, due on the 10th; a tenth at least, and not less than 50.00; 18 % a year on the rest.
fn conventions() -> Value {
    json!({ "billing": { "billing_day": 1, "due_day": 10 }, "rate": { "annual_percent": "18", "day_count": "actual/365" },
        "interest_from": "day_after_due", "minimum": { "percent": "10", "floor": 5_000 } })
}

/// A lender whose first plan is to pay with the next bill, at no cost, and whose second is six bills.
pub async fn world() -> World {
    let mut policy = serde_json::to_value(payload()).unwrap();
    let billing = json!({ "billing_day": 1, "due_day": 10 });
    policy["product"]["plans"][0]["repayment"] =
        json!({ "method": "equal_installment", "count": 1, "billing": billing });
    policy["product"]["plans"][1]["repayment"] =
        json!({ "method": "equal_installment", "count": 6, "billing": billing });
    policy["price"]["rows"][0]["then"]["rate_percent"] = json!("0");
    let world = World::with(serde_json::from_value(policy).unwrap()).await;
    world.set_date("2027-01-01").await;
    world
}

pub async fn grant(world: &World) -> (Granted, String) {
    grant_by(world, conventions()).await
}

async fn grant_by(world: &World, conventions: Value) -> (Granted, String) {
    let known = world.apply(&ADA, 10_000).await;
    let body = json!({ "application_id": known.application, "limit": 250_000, "revolving": conventions });
    let granted = world.post_once("/v1/lines", LENDER, "grant", &body).await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = Granted { id: text(&granted["line_id"]), capability: text(&granted["capability"]) };
    let view = world.get(&format!("/v1/lines/{}", line.id), &line.capability).await.expect(200);
    assert_eq!(view["revolving"]["billing"]["due_day"], 10, "{view}");
    (line, text(&view["terms_hash"]))
}

/// A purchase under the line: its loan, and the loan's credential.
pub async fn buy(world: &World, line: &Granted, terms: &str, amount: i64, plan: &str) -> (String, String) {
    let purchase = world.apply(&ADA, amount).await;
    let submitted = world.submit_under(&purchase, &world.offer(&purchase, plan), &line.id).await.expect(200);
    let mut signing = world.signing(&submitted, ADA.name);
    (signing["line"], signing["line_terms"]) = (json!(line.id), json!(terms));
    let signed = world.sign(&purchase, "k", &signing).await.expect(201);
    let text = |name: &str| signed[name].as_str().unwrap().to_owned();
    let (loan, capability) = (text("loan_id"), text("capability"));
    world.wait(&format!("/v1/loans/{loan}"), &capability, |loan| loan["status"] == "active").await;
    (loan, capability)
}

pub async fn statements(world: &World, line: &Granted) -> Vec<Value> {
    let page = world.get(&format!("/v1/lines/{}/statements", line.id), &line.capability).await.expect(200);
    assert_eq!(page["next_cursor"], Value::Null);
    page["statements"].as_array().unwrap().clone()
}

fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no amount"))
}

/// On the day, and again, as a second server or a second run would.
async fn bill(world: &World, date: &str, changed: u64) {
    world.set_date(date).await;
    assert_eq!(world.run_job("line-statements", date).await, changed, "{date}");
    assert_eq!(world.run_job("line-statements", date).await, 0, "{date}, again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_the_minimum_carries_the_rest_over_with_interest_from_the_day_after_the_due_day() {
    let world = world().await;
    let (line, terms) = grant(&world).await;
    // Granted on a billing day: a bill of nothing, which needs no payment.
    bill(&world, "2027-01-01", 1).await;
    world.set_date("2027-01-02").await;
    let (once, once_capability) = buy(&world, &line, &terms, 100_000, "monthly-3").await;
    let (six, six_capability) = buy(&world, &line, &terms, 60_000, "monthly-6").await;
    bill(&world, "2027-01-31", 1).await;
    assert_eq!(statements(&world, &line).await[0]["outcome"], "paid", "nothing was asked on the first day");

    bill(&world, "2027-02-01", 1).await;
    let part = world.get(&format!("/v1/loans/{six}"), &six_capability).await.expect(200)["installments"][0].clone();
    let statement = statements(&world, &line).await[0].clone();
    assert_eq!((&statement["date"], &statement["due"]), (&json!("2027-02-01"), &json!("2027-02-10")));
    assert_eq!((minor(&statement["principal"]), &statement["installments"]), (100_000, &part["principal"]));
    // A tenth of 1,000.00, and the instalment in full.
    assert_eq!(minor(&statement["minimum"]), 10_000 + minor(&part["total"]));
    assert_eq!(minor(&statement["total"]), 100_000 + minor(&part["total"]));
    assert_eq!((&statement["paid"], &statement["outcome"]), (&Value::Null, &Value::Null));
    let of_the_day = world.get("/v1/statements", LENDER).await.expect(200);
    assert_eq!(of_the_day["statements"], json!([{ "line_id": line.id, "statement": statement }]));
    let none = world.get("/v1/statements?date=2027-02-02", LENDER).await.expect(200);
    assert_eq!(none["statements"], json!([]));

    world.set_date("2027-02-08").await;
    world.pay(&once, &once_capability, 20_000).await;
    world.pay(&six, &six_capability, minor(&part["total"])).await;
    bill(&world, "2027-02-10", 0).await;
    bill(&world, "2027-02-11", 1).await;
    let statement = statements(&world, &line).await[0].clone();
    assert_eq!((minor(&statement["paid"]), &statement["outcome"]), (20_000 + minor(&part["total"]), &json!("carried")));
    // 800.00 at 18 % for 28 days: 80,000 × 0.18 × 28 / 365 = 1,104.66.
    let path = format!("/v1/loans/{once}");
    let view = world.get(&path, &once_capability).await.expect(200);
    assert_eq!(view["overdue"]["total"], 0);
    assert_eq!(view["next_due"], json!({ "due": "2027-03-10", "amount": 81_105 }));
    assert_eq!(view["balance"]["interest"], 39, "one day: 39.45");

    // The next bill asks for it again. Nothing is paid: what is late is late by the purchase's own terms.
    bill(&world, "2027-03-01", 1).await;
    let statement = statements(&world, &line).await[0].clone();
    let view = world.get(&format!("/v1/loans/{six}"), &six_capability).await.expect(200);
    let part = view["installments"][1].clone();
    assert_eq!((minor(&statement["principal"]), &statement["installments"]), (80_000, &part["principal"]));
    assert_eq!(minor(&statement["interest"]), 1_105 + minor(&part["interest"]));
    assert_eq!(minor(&statement["minimum"]), 8_000 + 1_105 + minor(&part["total"]));
    bill(&world, "2027-03-11", 1).await;
    let statement = statements(&world, &line).await[0].clone();
    assert_eq!((minor(&statement["paid"]), &statement["outcome"]), (0, &json!("late")));
    let view = world.get(&path, &once_capability).await.expect(200);
    assert_eq!(view["overdue"]["total"], 81_105);

    // What was late is asked in full.
    bill(&world, "2027-04-01", 1).await;
    let statement = statements(&world, &line).await[0].clone();
    assert_eq!(minor(&statement["principal"]), 0);
    assert_eq!(statement["minimum"], statement["total"]);
    assert!(minor(&statement["total"]) > 81_105 + 2 * minor(&part["total"]) - 2);
}

/// The grace: who pays all of it by the due day pays no interest. And a job that did not run for a month makes up for it.
#[tokio::test(flavor = "multi_thread")]
async fn who_pays_the_bill_pays_no_interest() {
    let world = world().await;
    let (line, terms) = grant(&world).await;
    world.set_date("2027-01-31").await;
    let (loan, capability) = buy(&world, &line, &terms, 100_000, "monthly-3").await;
    world.set_date("2027-02-10").await;
    let settled = world.pay(&loan, &capability, 100_000).await;
    assert_eq!(settled["status"], "settled");
    assert_eq!(world.standing(&line).await, [0, 0, 250_000, 0]);
    // Bills of 1 January, 1 February and 1 March, and the outcomes of the first two.
    bill(&world, "2027-03-01", 5).await;
    let all = statements(&world, &line).await;
    let outcomes: Vec<(&str, &Value)> =
        all.iter().map(|row| (row["date"].as_str().unwrap(), &row["outcome"])).collect();
    let paid = json!("paid");
    assert_eq!(outcomes, [("2027-03-01", &Value::Null), ("2027-02-01", &paid), ("2027-01-01", &paid)]);
    assert_eq!(world.account("4010").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_under_a_revolving_line_names_its_terms_and_the_law_bounds_them() {
    let world = world().await;
    let (line, terms) = grant(&world).await;
    let purchase = world.apply(&ADA, 20_000).await;
    let offer = world.offer(&purchase, "monthly-3");
    let submitted = world.submit_under(&purchase, &offer, &line.id).await.expect(200);
    let mut signing = world.signing(&submitted, ADA.name);
    signing["line"] = json!(line.id);
    let refused = world.sign(&purchase, "a", &signing).await.problem(422, "agreement-differs");
    assert_eq!(refused["pointer"], "/line_terms");
    signing["line_terms"] = json!("0".repeat(64));
    world.sign(&purchase, "b", &signing).await.problem(422, "agreement-differs");
    signing["line_terms"] = json!(terms);
    world.sign(&purchase, "c", &signing).await.expect(201);

    let person = world.get(&format!("/v1/lines/{}", line.id), LENDER).await.expect(200)["person_id"].clone();
    let ask = async |change: &dyn Fn(&mut Value)| {
        let mut revolving = conventions();
        change(&mut revolving);
        let body = json!({ "person_id": person, "limit": 1_000, "revolving": revolving });
        world.post_once("/v1/lines", LENDER, "w", &body).await
    };
    let refused = ask(&|line| line["rate"]["annual_percent"] = json!("36.5")).await.problem(422, "invalid-value");
    assert!(refused["detail"].as_str().unwrap().contains("`mla`"), "{refused}");
    for change in [
        (&|line: &mut Value| line["interest_from"] = json!("payment")) as &dyn Fn(&mut Value),
        &|line| line["billing"]["due_day"] = json!(32),
        &|line| line["billing"]["billing_day"] = json!(0),
        &|line| line["minimum"]["percent"] = json!("100.1"),
        &|line| line["rate"]["annual_percent"] = json!("-1"),
    ] {
        let answer = ask(change).await;
        assert_eq!(answer.status, 422, "{}", String::from_utf8_lossy(&answer.bytes));
    }
    ask(&|line| line["rate"]["annual_percent"] = json!("0")).await.expect(201);
    let path = format!("/v1/lines/{}/statements", line.id);
    world.get(&path, MERCHANT).await.problem(404, "not-found");
    world.get(&format!("{path}?cursor=soon"), LENDER).await.problem(400, "bad-request");
    world.get(&path, LENDER).await.expect(200);
    world.get("/v1/statements?date=2027-02-30", LENDER).await.problem(400, "bad-request");
}

/// 18 % a year in twelve monthly payments is an annual percentage rate of 18 % but for the months' lengths; the purchase by
/// itself, one payment with the next bill, is one of 0 %.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_purchase_costs_on_a_revolving_line_is_told_and_signed() {
    let world = world().await;
    let (line, terms) = grant(&world).await;
    let purchase = world.apply(&ADA, 100_000).await;
    let (offer, who) = (world.offer(&purchase, "monthly-3"), purchase.capability.as_str());
    let path = format!("/v1/applications/{}/disclosure", purchase.application);
    // Without the line: what was read is not what would be owed.
    let plain = world.submit(&purchase, &offer).await.expect(200);
    assert_eq!(world.get(&path, who).await.expect(200)["document"]["amounts"]["apr_percent"], "0.00");
    let mut signing = world.signing(&plain, ADA.name);
    (signing["line"], signing["line_terms"]) = (json!(line.id), json!(terms));
    let refused = world.sign(&purchase, "a", &signing).await.problem(422, "agreement-differs");
    assert_eq!(refused["pointer"], "/line");
    let other = uuid::Uuid::new_v4().to_string();
    let refused = world.submit_under(&purchase, &offer, &other).await.problem(422, "invalid-value");
    assert_eq!(refused["pointer"], "/line");

    let submitted = world.submit_under(&purchase, &offer, &line.id).await.expect(200);
    let again = world.submit_under(&purchase, &offer, &line.id).await.expect(200);
    assert_eq!(again["decision_id"], submitted["decision_id"], "the same submission is answered as it was");
    assert_ne!(submitted["agreement"]["hash"], plain["agreement"]["hash"]);
    let shown = world.get(&path, who).await.expect(200);
    let (text, amounts) = (shown["text"].as_str().unwrap(), &shown["document"]["amounts"]);
    let apr: f64 = amounts["apr_percent"].as_str().unwrap().parse().unwrap();
    assert!((17.8..18.2).contains(&apr), "{apr}");
    // 1,000.00 in twelve payments at 1.5 % a month: 91.68 each, 100.16 in all, give or take the days of the months.
    let charge = amounts["finance_charge"].as_i64().unwrap();
    assert!((9_900..10_150).contains(&charge), "{charge}");
    assert_eq!(shown["document"]["line"]["terms_hash"], json!(terms));
    let agreement = submitted["agreement"]["text"].as_str().unwrap();
    for words in [
        "Rate on what you carry over: 18 % a year, from the day after the due day",
        "Statement: on day 1 of each month; due on day 10 after it",
        "Minimum payment: 10 % of what may be carried over, at least 50.00 USD",
        &terms,
    ] {
        assert!(text.contains(words) && agreement.contains(words), "{words}: {text}\n{agreement}");
    }
    assert!(agreement.contains("Contract rate: 18 % a year"), "{agreement}");
    assert!(!agreement.contains("Annual percentage rate: 0.00 %"), "{agreement}");
    let without = world.signing(&submitted, ADA.name);
    assert_eq!(world.sign(&purchase, "b", &without).await.problem(422, "agreement-differs")["pointer"], "/line");
    let mut signing = without.clone();
    (signing["line"], signing["line_terms"]) = (json!(line.id), json!(terms));
    world.sign(&purchase, "c", &signing).await.expect(201);

    // An instalment purchase on the same line bears its own terms, and they are what is told.
    let six = world.apply(&ADA, 60_000).await;
    let submitted = world.submit_under(&six, &world.offer(&six, "monthly-6"), &line.id).await.expect(200);
    assert!(!submitted["agreement"]["text"].as_str().unwrap().contains("carry over"), "{submitted}");
}

/// 900.00 at 18 % from 5 February in three: 5 days to the 10th, then months of 28 and 31 days, on actual days over 365.
/// The interest of the first instalment by hand: 90,000 × 0.18 × 5 / 365 = 221.92.
#[tokio::test(flavor = "multi_thread")]
async fn a_bill_or_one_purchase_of_it_is_paid_in_instalments_as_they_were_shown() {
    let world = world().await;
    let (line, terms) = grant(&world).await;
    world.set_date("2027-01-20").await;
    let (spread, spread_capability) = buy(&world, &line, &terms, 90_000, "monthly-3").await;
    let (whole, whole_capability) = buy(&world, &line, &terms, 50_000, "monthly-3").await;
    let path = format!("/v1/lines/{}/plans", line.id);
    let early = world.get(&format!("{path}?count=3"), &line.capability).await;
    early.problem(409, "wrong-state");
    bill(&world, "2027-02-01", 3).await;
    world.set_date("2027-02-05").await;
    world.pay(&whole, &whole_capability, 10_000).await;
    let quoted = world.get(&format!("{path}?count=3&loan_id={spread}"), &line.capability).await.expect(200);
    let rows = quoted["purchases"][0]["installments"].as_array().unwrap();
    let dues: Vec<&str> = rows.iter().map(|row| row["due"].as_str().unwrap()).collect();
    assert_eq!((dues, &rows[0]["interest"]), (vec!["2027-02-10", "2027-03-10", "2027-04-10"], &json!(222)));
    assert_eq!(rows.iter().map(|row| minor(&row["principal"])).sum::<i64>(), 90_000);
    let loan = world.get(&format!("/v1/loans/{spread}"), &spread_capability).await.expect(200);
    assert_eq!(loan["installments"].as_array().unwrap().len(), 1, "a quote does nothing");

    // What is taken is agreed to: by the hash of its words, which are kept with the loan and sent.
    let hash = quoted["hash"].as_str().unwrap();
    let document = quoted["document"].as_str().unwrap();
    assert_eq!(prequal_server::secret::sha256_hex(document), hash);
    for words in ["Rate: 18 % a year", "2027-03-10", &spread, "Finance charge: "] {
        assert!(document.contains(words), "{document}");
    }
    for accept in [Value::Null, json!("0".repeat(64))] {
        let body = json!({ "count": 3, "loan_id": spread, "total": quoted["total"], "accept": accept });
        let refused = world.post_once(&path, &line.capability, "n", &body).await.problem(422, "agreement-differs");
        assert_eq!((&refused["pointer"], &refused["hash"]), (&json!("/accept"), &json!(hash)));
    }
    let agreement = format!("/v1/loans/{spread}/agreement");
    assert_eq!(world.get(&agreement, &spread_capability).await.expect(200)["amendments"], json!([]));
    let take = |total: i64| json!({ "count": 3, "loan_id": spread, "total": total, "accept": hash });
    let total = minor(&quoted["total"]);
    let refused = world.post_once(&path, &line.capability, "a", &take(total - 1)).await;
    assert_eq!(refused.problem(422, "quote-differs")["computed"], total);
    for count in [0, 1, 25] {
        let refused = world.get(&format!("{path}?count={count}"), &line.capability).await;
        refused.problem(422, "invalid-value");
    }
    world.post_once(&path, LENDER, "a", &take(total)).await.problem(403, "forbidden");
    let taken = world.post_once(&path, &line.capability, "b", &take(total)).await;
    assert_eq!(taken.expect(201), quoted, "what was shown is what is booked");
    assert_eq!(world.post_once(&path, &line.capability, "b", &take(total)).await.bytes, taken.bytes);
    world.post_once(&path, &line.capability, "c", &take(total)).await.problem(409, "wrong-state");
    let kept = world.get(&agreement, &spread_capability).await.expect(200)["amendments"].clone();
    assert_eq!((kept.as_array().unwrap().len(), &kept[0]["hash"]), (1, &json!(hash)));
    assert_eq!(kept[0]["text"], quoted["document"]);
    let sent = "SELECT body FROM notices WHERE loan = $1 AND once LIKE 'plan:%'";
    assert!(world.text(sent, &spread).await.contains(document));
    let loan = world.get(&format!("/v1/loans/{spread}"), &spread_capability).await.expect(200);
    assert_eq!(loan["next_due"], json!({ "due": "2027-02-10", "amount": rows[0]["total"] }));

    // The bill asks for the instalment in full, and a tenth of the other purchase, of which 100.00 are paid.
    let statement = statements(&world, &line).await[0].clone();
    assert_eq!((minor(&statement["principal"]), &statement["installments"]), (50_000, &rows[0]["principal"]));
    assert_eq!(minor(&statement["minimum"]), 5_000 + minor(&rows[0]["total"]));
    world.pay(&spread, &spread_capability, minor(&rows[0]["total"])).await;
    bill(&world, "2027-02-11", 1).await;
    let statement = statements(&world, &line).await[0].clone();
    assert_eq!(
        (minor(&statement["paid"]), &statement["outcome"]),
        (10_000 + minor(&rows[0]["total"]), &json!("carried"))
    );

    // The next bill as a whole: 400.00 carried over, in two.
    bill(&world, "2027-03-01", 1).await;
    let quoted = world.get(&format!("{path}?count=2"), &line.capability).await.expect(200);
    assert_eq!(quoted["purchases"].as_array().unwrap().len(), 1);
    assert_eq!(quoted["purchases"][0]["loan_id"], json!(whole));
    let body = json!({ "count": 2, "total": quoted["total"], "accept": quoted["hash"] });
    world.post_once(&path, &line.capability, "d", &body).await.expect(201);
    assert_eq!(minor(&statements(&world, &line).await[0]["principal"]), 0, "nothing of it may be carried over");
}

/// 1,000.00 are bought on 2 January and 200.00 paid on 8 February, within the grace. Carried over from the due day, 10
/// February, the rest begins with interest at 18 %: from the purchase, 37 days of 1,000.00 and 2 of 800.00, 3,860,000
/// cent-days × 18 % ÷ 365 = 19.04 (19.036); from the statement, 7 days and 2, 860,000 cent-days = 4.24 (4.241). To both come
/// 28 days of 800.00 until the next due day, 11.05.
#[tokio::test(flavor = "multi_thread")]
async fn a_grace_that_is_lost_costs_interest_from_the_statement_or_the_purchase() {
    for (from, lost) in [("statement", 424), ("purchase", 1_904)] {
        let world = world().await;
        let mut revolving = conventions();
        revolving["interest_from"] = json!(from);
        let (line, terms) = grant_by(&world, revolving).await;
        bill(&world, "2027-01-01", 1).await;
        world.set_date("2027-01-02").await;
        let (carried, carried_capability) = buy(&world, &line, &terms, 100_000, "monthly-3").await;
        // The bill of nothing of the first day is judged with it.
        bill(&world, "2027-02-01", 2).await;
        assert_eq!(minor(&statements(&world, &line).await[0]["interest"]), 0, "within the grace nothing is asked");
        world.set_date("2027-02-08").await;
        world.pay(&carried, &carried_capability, 20_000).await;
        bill(&world, "2027-02-11", 1).await;
        let path = format!("/v1/loans/{carried}");
        let view = world.get(&path, &carried_capability).await.expect(200);
        assert_eq!(view["next_due"], json!({ "due": "2027-03-10", "amount": 80_000 + lost + 1_105 }), "{from}");
        assert_eq!(view["overdue"]["total"], 0);
        bill(&world, "2027-03-01", 1).await;
        let statement = statements(&world, &line).await[0].clone();
        assert_eq!((minor(&statement["principal"]), minor(&statement["interest"])), (80_000, lost + 1_105));
        assert_eq!(world.standing(&line).await[0], 80_000, "interest is not drawn");
        // Paid in full, nothing is left, and the next purchase has its grace again.
        world.set_date("2027-03-10").await;
        world.pay(&carried, &carried_capability, 80_000 + lost + 1_105).await;
        bill(&world, "2027-03-11", 1).await;
        assert_eq!(statements(&world, &line).await[0]["outcome"], "paid");
        let (free, free_capability) = buy(&world, &line, &terms, 10_000, "monthly-3").await;
        bill(&world, "2027-04-01", 1).await;
        world.set_date("2027-04-10").await;
        assert_eq!(world.pay(&free, &free_capability, 10_000).await["status"], "settled");

        // Nothing at all is paid: 1,000.00 of 10 April are late, with the interest since then or since 1 May.
        let (late, late_capability) = buy(&world, &line, &terms, 100_000, "monthly-3").await;
        world.set_date("2027-05-11").await;
        world.run_job("line-statements", "2027-05-11").await;
        let statement = statements(&world, &line).await[0].clone();
        assert_eq!((&statement["due"], &statement["outcome"]), (&json!("2027-05-10"), &json!("late")));
        // 9 days of 1,000.00 from 1 May are 4.44 (4.438); 30 from 10 April, 14.79 (14.795).
        let interest = if from == "statement" { 444 } else { 1_479 };
        let view = world.get(&format!("/v1/loans/{late}"), &late_capability).await.expect(200);
        assert_eq!(view["overdue"]["interest"], interest, "{from}: {view}");
    }
}

/// The first of two lines has events that are no fold: the second gets its statements, and the job says that it failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_folded_keeps_no_other_from_its_statement() {
    let mut world = world().await;
    world.verifying = false;
    let (first, terms) = grant(&world).await;
    let known = world.apply(&ADA, 10_000).await;
    let body = json!({ "application_id": known.application, "limit": 1_000, "revolving": conventions() });
    let second = world.post_once("/v1/lines", LENDER, "second", &body).await.expect(201);
    let second = Granted {
        id: second["line_id"].as_str().unwrap().to_owned(),
        capability: second["capability"].as_str().unwrap().to_owned(),
    };
    assert!(first.id < second.id, "ids are ordered by time");
    let (loan, _) = buy(&world, &first, &terms, 1_000, "monthly-3").await;
    let mut tx = world.app().db.begin().await.unwrap();
    let broken = "UPDATE loans SET offer = '{}' WHERE id = $1";
    sqlx::query(broken).bind(&loan).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    world.set_date("2027-02-01").await;
    let job = prequal_server::jobs::find("line-statements").unwrap();
    let date = world.app().today().unwrap();
    (job.run)(world.app(), date).await.unwrap_err();
    assert_eq!(statements(&world, &second).await.len(), 2, "of 1 January and of 1 February");
    assert_eq!(statements(&world, &first).await.len(), 0);
}
