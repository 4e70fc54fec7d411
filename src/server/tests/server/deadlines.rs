//! What must be told by a day, what is reminded of, and what is not kept any longer.

use std::time::UNIX_EPOCH;

use prequal_core::calendar::Date;
use prequal_ledger::{Event, NewSchedule};
use prequal_server::{
    booking,
    conduct::{Bureau, Jurisdiction, QuietHours, Reminder, Score},
    storage::loans,
};
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{EDGE, LENDER, MERCHANT, World, newest},
};

const WEAK: Shopper =
    Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "weak" };
const BAD: Shopper = Shopper { standing: "bad", ..WEAK };

async fn due(world: &World, date: &str) -> Value {
    world.get(&format!("/v1/notices?due_before={date}"), LENDER).await.expect(200)
}

/// Thirty days counted by hand on a calendar.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_pass_month_ends_and_the_leap_day() {
    let world = World::new().await;
    for (received, last) in [
        ("2024-01-30", "2024-02-29"),
        ("2024-01-31", "2024-03-01"),
        ("2025-01-31", "2025-03-02"),
        ("2025-12-02", "2026-01-01"),
    ] {
        world.set_date(received).await;
        let purchase = world.apply(&WEAK, 50_000).await;
        let day_before = Date::parse(last).unwrap().add_days(-1).unwrap().to_string();
        let of = |page: Value| {
            let duties = page["duties"].as_array().cloned().unwrap_or_default();
            duties.into_iter().find(|duty| duty["application_id"] == purchase.application)
        };
        assert_eq!(of(due(&world, &day_before).await), None, "{received}");
        let duty = of(due(&world, last).await).unwrap();
        assert_eq!((&duty["kind"], &duty["due_by"]), (&json!("decision"), &json!(last)));
        // A decline's notice has the same last day.
        world.apply(&BAD, 50_000).await;
        let page = due(&world, last).await;
        let notice = newest(&page, "adverse_action");
        assert_eq!((&notice["due_by"], &notice["status"]), (&json!(last), &json!("queued")));
    }
    world.get("/v1/notices?due_before=2024-02-30", LENDER).await.problem(400, "bad-request");
    let both = "/v1/notices?due_before=2024-03-01&cursor=00000000-0000-7000-8000-000000000000";
    world.get(both, LENDER).await.problem(400, "bad-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_application_is_told_once_what_it_lacks_and_by_when() {
    let world = World::new().await;
    world.set_date("2024-01-31").await;
    let checkout = world.checkout(50_000).await;
    let mut input = world.input(&ADA, 50_000).await;
    input["application"]["fields"].as_object_mut().unwrap().remove("income_monthly");
    let (body, _) = world.application_body(&checkout, &input);
    let taken = world.post("/v1/applications", EDGE, &body).await.expect(201);
    assert_eq!(taken["outcome"], "needs");
    assert_eq!(due(&world, "2024-03-01").await["duties"][0]["kind"], "incomplete");
    assert_eq!(world.job("notice-deadlines", "2024-01-31").await, 0, "it may still be completed");
    assert_eq!(world.job("notice-deadlines", "2024-02-01").await, 1);
    assert_eq!(world.job("notice-deadlines", "2024-02-01").await, 0, "told once");
    let page = due(&world, "2024-03-01").await;
    assert_eq!(page["duties"], Value::Null);
    let notice = newest(&page, "incomplete");
    assert_eq!((&notice["due_by"], &notice["template"]), (&json!("2024-03-01"), &json!("incomplete/us/1")));
    let text = world.text("SELECT body FROM notices WHERE id = $1", notice["id"].as_str().unwrap()).await;
    // 30 days after 1 February of a leap year.
    assert!(text.contains("Income a month") && text.contains("by 2024-03-02"), "{text}");

    // Whoever completed it meanwhile, by another application for the same cart, is told nothing; nor is the erased.
    let checkout = world.checkout(50_000).await;
    for complete in [false, true] {
        let mut input = world.input(&ADA, 50_000).await;
        if !complete {
            input["application"]["fields"].as_object_mut().unwrap().remove("income_monthly");
        }
        let (body, _) = world.application_body(&checkout, &input);
        world.post("/v1/applications", EDGE, &body).await.expect(201);
    }
    let mut input = world.input(&WEAK, 50_000).await;
    input["application"]["fields"].as_object_mut().unwrap().remove("income_monthly");
    let (body, _) = world.application_body(&world.checkout(50_000).await, &input);
    let taken = world.post("/v1/applications", EDGE, &body).await.expect(201);
    let application = taken["application_id"].as_str().unwrap();
    let person = world.text("SELECT person FROM applications WHERE id = $1", application).await;
    world.call("DELETE", &format!("/v1/persons/{person}"), LENDER, &[], b"").await.expect(200);
    assert_eq!(world.job("notice-deadlines", "2024-02-29").await, 0);
    assert_eq!(due(&world, "2024-03-01").await["duties"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_names_the_bureau_and_the_score_is_filled_in_only_when_it_goes_out() {
    let mut world = World::new().await;
    world.config().conduct.creditor_address = "1 Main Street, New York".to_owned();
    let bureau = Bureau {
        name: "The Sandbox Bureau".to_owned(),
        address: "2 File Road".to_owned(),
        phone: "+1 800 555 0100".to_owned(),
        score: Some(Score { evidence: "standing".to_owned(), min: 300, max: 850 }),
    };
    world.config().conduct.bureaus.insert("sandbox-bureau".to_owned(), bureau);
    let folder = world.send_notices().await;
    world.apply(&BAD, 50_000).await;
    let (notice, text) = world.sent(&folder, "adverse_action").await;
    let flat = text.replace('\n', " ");
    for words in [
        "Creditor: Test Lender",
        "1 Main Street, New York",
        "500.00 USD",
        "Credit with other lenders was not paid back as agreed (R02)",
        "Federal Trade Commission",
        "Equal Credit Opportunity Act",
        "The Sandbox Bureau, 2 File Road, +1 800 555 0100",
        "did not make the decision",
        "free copy",
        "to dispute",
        "used it: bad,",
        "from 300 to 850",
    ] {
        assert!(flat.contains(words), "{words}: {text}");
    }
    let body = world.text("SELECT body FROM notices WHERE id = $1", notice["id"].as_str().unwrap()).await;
    assert!(body.contains("{score}") && !body.contains("bad"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_european_rejection_tells_of_the_right_to_a_person() {
    let mut world = World::new().await;
    world.config().conduct.jurisdiction = Some(Jurisdiction::Eu);
    let folder = world.send_notices().await;
    world.apply(&BAD, 50_000).await;
    let (notice, text) = world.sent(&folder, "adverse_action").await;
    let flat = text.replace('\n', " ");
    assert_eq!(notice["template"], "adverse_action/eu/1");
    for words in ["the right to have a person look at it", "automated processing", "to contest it", "sandbox-bureau"] {
        assert!(flat.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("Equal Credit Opportunity"));
}

async fn reminded(world: &World) -> Vec<Value> {
    let page = world.get("/v1/notices", LENDER).await.expect(200);
    page["notices"].as_array().unwrap().iter().filter(|notice| notice["kind"] == "reminder").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instalment_is_reminded_of_once_a_rule_and_not_when_nothing_is_to_be_paid() {
    let mut world = World::new().await;
    let rule = |id: &str, days| Reminder { id: id.to_owned(), days };
    world.config().conduct.reminders = vec![rule("soon", -3), rule("today", 0), rule("late", 5)];
    world.restart().await;
    world.set_date("2024-01-31").await;
    // First due 2024-02-29, clamped.
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    let view = world.get(&format!("/v1/loans/{loan}"), &who).await.expect(200);
    assert_eq!(view["installments"][0]["due"], "2024-02-29");
    assert_eq!(world.job("reminders", "2024-02-25").await, 0);
    world.set_date("2024-02-26").await;
    assert_eq!(world.job("reminders", "2024-02-26").await, 1, "three days before the leap day");
    assert_eq!(world.job("reminders", "2024-02-26").await, 0, "once");
    let notice = reminded(&world).await.remove(0);
    assert_eq!((&notice["loan_id"], &notice["template"]), (&json!(loan), &json!("reminder.before/us/2")));
    let body = world.text("SELECT body FROM notices WHERE id = $1", notice["id"].as_str().unwrap()).await;
    let total = view["installments"][0]["total"].as_i64().unwrap();
    assert!(body.contains(&format!("{}.{:02} USD", total / 100, total % 100)), "{body}");
    assert!(body.contains("falls due on 2024-02-29"), "{body}");

    world.set_date("2024-02-29").await;
    assert_eq!(world.job("reminders", "2024-02-29").await, 1);
    world.set_date("2024-03-05").await;
    assert_eq!(world.job("reminders", "2024-03-05").await, 1, "five days late, over the month's end");
    // The next instalment is paid before anybody is reminded of it.
    world.pay(&loan, &who, 2 * total).await;
    world.set_date("2024-03-28").await;
    assert_eq!((world.job("reminders", "2024-03-28").await, world.job("reminders", "2024-03-31").await), (0, 0));
    // The last is not, but nobody is left to remind.
    world.set_date("2024-04-27").await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    assert!(prequal_server::people::erase(world.app(), &person).await.unwrap());
    assert_eq!(world.job("reminders", "2024-04-27").await, 0);
    assert_eq!(reminded(&world).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_put_a_reminder_off() {
    let mut world = World::new().await;
    world.config().conduct.reminders = vec![Reminder { id: "today".to_owned(), days: 0 }];
    // The tests' noon in New York is 17:00 UTC in winter.
    world.config().conduct.quiet_hours = Some(QuietHours { from: 11, until: 14 });
    world.restart().await;
    world.set_date("2024-01-15").await;
    world.buy(&ADA, 50_000, "monthly-3").await;
    world.set_date("2024-02-15").await;
    let before = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    assert_eq!(world.job("reminders", "2024-02-15").await, 1);
    let mut db = world.app().db.read().await.unwrap();
    let at: i64 = sqlx::query_scalar("SELECT next_attempt_ms FROM notices WHERE kind = 'reminder'")
        .fetch_one(&mut *db)
        .await
        .unwrap();
    let minutes = (at - before) / 60_000;
    assert!((118..=120).contains(&minutes), "two hours from noon to fourteen: {minutes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_purpose_goes_and_what_an_open_loan_needs_stays() {
    let mut world = World::new().await;
    world.config().conduct.retention.application_days = Some(760);
    world.config().conduct.retention.contract_days = Some(1_826);
    world.restart().await;
    world.set_date("2024-01-31").await;
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    let unused = world.apply(&ADA, 50_000).await;
    let stranger = world.apply(&BAD, 50_000).await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    let other = world.text("SELECT person FROM applications WHERE id = $1", &stranger.application).await;
    // 760 days after 31 January 2024 is 1 March 2026: one is a leap day.
    assert_eq!(world.job("retention", "2026-03-01").await, 0, "kept to the end of the last day");
    assert_eq!(world.job("retention", "2026-03-02").await, 2);
    assert_eq!(world.job("retention", "2026-03-02").await, 0, "erased once");
    let data = world.get(&format!("/v1/applications/{}/data", unused.application), LENDER).await.expect(200);
    assert_eq!(data["input"], Value::Null);
    let export = world.get(&format!("/v1/persons/{other}"), LENDER).await.expect(200);
    assert_ne!(export["erased"], Value::Null, "nothing was left of them");
    // The open loan keeps its borrower's records, however old.
    assert_eq!(world.job("retention", "2099-01-01").await, 0);
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    assert_eq!((export["records"].as_array().unwrap().len(), &export["erased"]), (2, &Value::Null));

    world.pay(&loan, &who, 50_000).await;
    // Settled on 31 January 2024; 1,826 days on is 30 January 2029: 366 + 365 + 365 + 365 + 365.
    assert_eq!(world.job("retention", "2029-01-30").await, 0);
    assert_eq!(world.job("retention", "2029-01-31").await, 2);
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    assert_eq!((&export["records"], export["erased"].is_string()), (&json!([]), true));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_how_long_what_is_kept_is_read_and_what_is_past_it_is_erased_once() {
    let mut world = World::new().await;
    world.config().conduct.retention.application_days = Some(60);
    world.restart().await;
    world.set_date("2024-01-31").await;
    world.apply(&ADA, 50_000).await;
    let read = async |who: &str| world.get("/v1/retention", who).await.expect(200);
    let first = read(LENDER).await;
    let of = |view: &Value, field: &str| -> Vec<Value> {
        view["purposes"].as_array().unwrap().iter().map(|purpose| purpose[field].clone()).collect()
    };
    assert_eq!(of(&first, "purpose"), ["application", "contract", "suspense"]);
    assert_eq!(of(&first, "days"), [json!(60), Value::Null, Value::Null]);
    assert_eq!(of(&first, "due"), [json!(0), json!(0), json!(0)]);
    // 31 March is the last of the 60 days after 31 January of a leap year.
    world.set_date("2024-03-31").await;
    assert_eq!(of(&read(LENDER).await, "due")[0], 0);
    world.set_date("2024-04-01").await;
    assert_eq!(of(&read(crate::world::AUDITOR).await, "due")[0], 1);
    world.post("/v1/retention", LENDER, &json!({})).await.problem(400, "idempotency-key-missing");
    let erased = world.call("POST", "/v1/retention", LENDER, &[("idempotency-key", "r")], b"").await;
    assert_eq!(erased.expect(200), json!({ "today": "2024-04-01", "erased": 1 }));
    assert_eq!(world.call("POST", "/v1/retention", LENDER, &[("idempotency-key", "r")], b"").await.bytes, erased.bytes);
    let again = world.call("POST", "/v1/retention", LENDER, &[("idempotency-key", "s")], b"").await.expect(200);
    assert_eq!(again["erased"], 0);
    assert_eq!(of(&read(LENDER).await, "due")[0], 0);
}

/// How many records of a person hold something.
async fn records(world: &World, person: &str) -> usize {
    let export = world.get(&format!("/v1/persons/{person}"), LENDER).await.expect(200);
    export["records"].as_array().unwrap().len()
}

/// The loans of one order share what was applied with and what was signed.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_order_s_open_loan_needs_stays_whatever_became_of_its_other_loans() {
    let mut world = World::new().await;
    world.config().conduct.retention.application_days = Some(60);
    world.config().conduct.retention.contract_days = Some(60);
    world.restart().await;
    world.set_date("2024-01-31").await;
    let order = world.authorize(100_000, "monthly-3", 90).await;
    let person = world.text("SELECT person FROM orders WHERE checkout = $1", &order.id).await;
    // Its window ends on 30 April, 90 days on: 29 + 31 + 30.
    assert_eq!(world.order(&order.id, MERCHANT).await["capture_until"], "2024-04-30");
    assert_eq!(world.job("retention", "2024-04-02").await, 0, "it may still be captured");
    let mut loans = Vec::new();
    for (key, amount) in [("a", 40_000), ("b", 60_000)] {
        world.capture(&order.id, key, &json!({ "amount": amount })).await.expect(201);
        let view = world.order(&order.id, &order.capability).await;
        loans.push(view["captures"].as_array().unwrap().last().unwrap()["loan_id"].as_str().unwrap().to_owned());
        let path = format!("/v1/loans/{}", loans.last().unwrap());
        world.wait(&path, &order.capability, |loan| loan["status"] == "active").await;
    }
    assert_eq!(world.job("retention", "2026-01-01").await, 0, "both are open");
    world.pay(&loans[0], &order.capability, 40_000).await;
    assert_eq!(world.job("retention", "2026-01-01").await, 0, "one of two is");
    assert_eq!(records(&world, &person).await, 2);
    world.pay(&loans[1], &order.capability, 60_000).await;
    // Both settled on 31 January; 60 days after the window's end on 30 April is 29 June.
    assert_eq!(world.job("retention", "2024-06-29").await, 0);
    assert_eq!(world.job("retention", "2024-06-30").await, 2);
    assert_eq!(world.job("retention", "2024-06-30").await, 0, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loan_that_was_given_up_or_sold_is_over_when_nothing_comes_of_it_any_more() {
    let mut world = World::new().await;
    world.config().conduct.retention.contract_days = Some(60);
    world.restart().await;
    world.set_date("2024-01-31").await;
    let (_, given_up, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let (_, sold, _) = world.buy(&grace, 50_000, "monthly-3").await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &given_up).await;
    let other = world.text("SELECT person FROM loans WHERE id = $1", &sold).await;
    world.set_date("2024-02-01").await;
    let value_date = Date::parse("2024-02-01").unwrap();
    book(&world, &given_up, Event::ChargedOff { value_date }, "2024-02-01").await;
    let price = prequal_core::money::Amount::new(100).unwrap();
    book(&world, &sold, Event::Transferred { value_date, owner: "buyer".to_owned(), price }, "2024-02-01").await;
    // What still comes begins the time anew.
    world.set_date("2024-03-01").await;
    world.pay(&given_up, &who, 1_000).await;
    let erase = async |person: &str| world.call("DELETE", &format!("/v1/persons/{person}"), LENDER, &[], b"").await;
    // 60 days from 1 February are 1 April, and from 1 March 30 April.
    world.set_date("2024-04-01").await;
    erase(&person).await.problem(409, "wrong-state");
    erase(&other).await.problem(409, "wrong-state");
    assert_eq!(world.job("retention", "2024-04-01").await, 0);
    assert_eq!(world.job("retention", "2024-04-02").await, 2, "what was sold");
    let export = world.get(&format!("/v1/persons/{other}"), LENDER).await.expect(200);
    assert!(export["erased"].is_string(), "nothing was left of them");
    world.set_date("2024-04-30").await;
    erase(&person).await.problem(409, "wrong-state");
    world.set_date("2024-05-01").await;
    erase(&person).await.expect(200);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_which_nothing_was_captured_leaves_neither_application_nor_signature() {
    let mut world = World::new().await;
    world.config().conduct.retention.application_days = Some(60);
    world.restart().await;
    world.set_date("2024-01-31").await;
    let order = world.authorize(50_000, "monthly-3", 10).await;
    let person = world.text("SELECT person FROM orders WHERE checkout = $1", &order.id).await;
    world.void(&order.id, "v").await.expect(200);
    assert_eq!(records(&world, &person).await, 2);
    // Until 10 February; 60 days on is 10 April: 19 + 31 + 10.
    assert_eq!(world.job("retention", "2024-04-10").await, 0);
    assert_eq!(world.job("retention", "2024-04-11").await, 2);
    assert_eq!(records(&world, &person).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_behind_a_line_of_credit_stays_while_the_line_has_a_limit() {
    let mut world = World::new().await;
    world.config().conduct.retention.application_days = Some(60);
    world.restart().await;
    world.set_date("2024-01-31").await;
    let purchase = world.apply(&ADA, 50_000).await;
    let person = world.text("SELECT person FROM applications WHERE id = $1", &purchase.application).await;
    let body = json!({ "application_id": purchase.application, "limit": 100_000 });
    let line = world.post_once("/v1/lines", LENDER, "l", &body).await.expect(201);
    assert_eq!(world.job("retention", "2026-01-01").await, 0);
    assert_eq!(records(&world, &person).await, 1);
    let path = format!("/v1/lines/{}/limit", line["line_id"].as_str().unwrap());
    world.post_once(&path, LENDER, "0", &json!({ "limit": 0 })).await.expect(200);
    assert_eq!(world.job("retention", "2026-01-01").await, 1, "nobody can draw on it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lender_s_own_words_are_used_and_named_by_the_bundle_s_version() {
    let mut policy = crate::world::payload();
    let own = "{lender} says no to {application}: {reasons} ({decision})";
    let texts = [("notice_adverse_action".to_owned(), own.to_owned())].into();
    policy.texts = [("en".to_owned(), texts)].into();
    let mut world = World::with(policy).await;
    let folder = world.send_notices().await;
    let purchase = world.apply(&BAD, 50_000).await;
    let (notice, text) = world.sent(&folder, "adverse_action").await;
    assert_eq!(notice["template"], "adverse_action/us/bundle-1");
    let flat = text.replace('\n', " ");
    assert!(flat.contains(&format!("Test Lender says no to {}:", purchase.application)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_is_confirmed_once_with_what_goes_back_and_until_when() {
    use prequal_server::notice::{self, About};
    let world = World::new().await;
    let (purchase, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    let app = world.app();
    let pay_by = Date::parse("2024-03-01").unwrap();
    for expected in [true, false] {
        let (loan, application) = (loan.as_str(), purchase.application.as_str());
        let work = |mut tx: prequal_server::storage::group::Part| async move {
            let about = About { loan: Some(loan), ..About::application(application) };
            notice::withdrawal(app, &mut tx, app.settings.policies.active(), &about, "500.00 USD", pay_by).await
        };
        assert_eq!(app.db.write(work).await.unwrap(), expected);
    }
    let page = world.get("/v1/notices", LENDER).await.expect(200);
    let notice = newest(&page, "withdrawal");
    assert_eq!((&notice["loan_id"], &notice["template"]), (&json!(loan), &json!("withdrawal/us/1")));
    let body = world.text("SELECT body FROM notices WHERE id = $1", notice["id"].as_str().unwrap()).await;
    assert!(body.contains("500.00 USD") && body.contains("2024-03-01"), "{body}");
}

/// Books an event on a day, as a servicing route would.
async fn book(world: &World, id: &str, event: Event, on: &str) {
    let (date, now) = (Date::parse(on).unwrap(), format!("{on}T17:00:00Z"));
    let (event, now) = (&event, now.as_str());
    let work = |mut tx: prequal_server::storage::group::Part| async move {
        let row = loans::find(&mut tx, id).await?.unwrap();
        let mut loan = booking::load(&mut tx, &row).await?;
        booking::record(&mut tx, id, &mut loan, event.clone(), date, now).await
    };
    world.app().db.write(work).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instalment_that_was_moved_is_reminded_of_on_its_new_day() {
    let mut world = World::new().await;
    world.config().conduct.reminders = vec![Reminder { id: "today".to_owned(), days: 0 }];
    world.restart().await;
    world.set_date("2024-01-15").await;
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.set_date("2024-02-01").await;
    let schedule = NewSchedule::new(Date::parse("2024-03-31").unwrap(), 3);
    let value_date = Date::parse("2024-02-01").unwrap();
    book(&world, &loan, Event::Rescheduled { value_date, schedule }, "2024-02-01").await;
    assert_eq!(world.job("reminders", "2024-02-15").await, 0, "the old day");
    world.set_date("2024-03-31").await;
    assert_eq!(world.job("reminders", "2024-03-31").await, 1);
    let view = world.get(&format!("/v1/loans/{loan}"), &who).await.expect(200);
    assert_eq!(view["installments"][0]["due"], "2024-03-31");
    // 31 March and a month is 30 April.
    assert_eq!(world.job("reminders", "2024-04-30").await, 1);
}

/// Somebody disputes what they are asked for: what is disputed is not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_disputed_is_not_reminded_of() {
    let mut world = World::new().await;
    world.config().conduct.reminders =
        ["a", "b", "c"].iter().zip([-3, 1, 2]).map(|(id, days)| Reminder { id: (*id).to_owned(), days }).collect();
    world.restart().await;
    world.set_date("2024-01-15").await;
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    let first = world.get(&format!("/v1/loans/{loan}"), &who).await.expect(200)["installments"][0]["total"].clone();
    world.set_date("2024-02-12").await;
    let value_date = Date::parse("2024-02-12").unwrap();
    let amount = prequal_core::money::Amount::new(first.as_i64().unwrap()).unwrap();
    book(&world, &loan, Event::Disputed { dispute: "d".to_owned(), amount, value_date }, "2024-02-12").await;
    assert_eq!(world.job("reminders", "2024-02-12").await, 0, "all of the instalment is disputed");
    world.set_date("2024-02-16").await;
    assert_eq!(world.job("reminders", "2024-02-16").await, 0);
    let value_date = Date::parse("2024-02-17").unwrap();
    world.set_date("2024-02-17").await;
    book(&world, &loan, Event::DisputeResolved { dispute: "d".to_owned(), value_date }, "2024-02-17").await;
    assert_eq!(world.job("reminders", "2024-02-17").await, 1, "the dispute is over");
}
