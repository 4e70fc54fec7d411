//! What reminders and statements say: before the due day, on it and after it, each in its own words, and none that is
//! stale.

use prequal_server::{conduct::Reminder, secret};
use serde_json::{Value, json};

use crate::{
    actors::ADA,
    bills,
    world::{LENDER, World, payload},
};

fn rules(days: &[(&str, i32)]) -> Vec<Reminder> {
    days.iter().map(|(id, days)| Reminder { id: (*id).to_owned(), days: *days }).collect()
}

/// Notices of a kind, the oldest first, each with its text.
async fn told(world: &World, kind: &str) -> Vec<(Value, String)> {
    let page = world.get("/v1/notices", LENDER).await.expect(200);
    let mut told = Vec::new();
    for notice in page["notices"].as_array().unwrap().iter().filter(|notice| notice["kind"] == kind) {
        let body = world.text("SELECT body FROM notices WHERE id = $1", notice["id"].as_str().unwrap()).await;
        told.push((notice.clone(), body));
    }
    told
}

/// On the day, and again, as a second server or a second run would.
async fn remind(world: &World, date: &str, count: u64) {
    world.set_date(date).await;
    assert_eq!(world.job("reminders", date).await, count, "{date}");
    assert_eq!(world.job("reminders", date).await, 0, "{date}, again");
}

fn usd(minor: i64) -> String {
    format!("{}.{:02} USD", minor / 100, minor % 100)
}

/// A late fee of 7.00 after five days, and a tenth of a per cent a day of the principal past due.
fn costly() -> prequal_core::bundle::payload::Payload {
    let mut policy = serde_json::to_value(payload()).unwrap();
    policy["product"]["late_fee"] = json!({ "tiers": [{ "after_days": 5, "amount": 700 }] });
    policy["product"]["penalty"] = json!({ "rate": { "annual_percent": "36.5", "day_count": "actual/365" },
        "mode": "in_addition", "base": "overdue_principal" });
    serde_json::from_value(policy).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_of_the_due_day_has_its_own_words_and_late_is_told_what_it_costs_and_whom_to_ask() {
    let mut world = World::with(costly()).await;
    let conduct = &mut world.config().conduct;
    conduct.reminders = rules(&[("soon", -3), ("day", 0), ("late", 7)]);
    conduct.how_to_pay = "Pay at https://lender.example/pay.".to_owned();
    conduct.hardship_contact = "call +1 800 555 0111".to_owned();
    conduct.late_consequences = "After 60 days we tell the bureaus.".to_owned();
    let folder = world.send_notices().await;
    world.set_date("2027-01-15").await;
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    let view = world.get(&format!("/v1/loans/{loan}"), &who).await.expect(200);
    let first = view["installments"][0].clone();
    let (total, principal) = (first["total"].as_i64().unwrap(), first["principal"].as_i64().unwrap());
    remind(&world, "2027-02-12", 1).await;
    remind(&world, "2027-02-15", 1).await;
    remind(&world, "2027-02-22", 1).await;
    let [soon, day, late] = <[(Value, String); 3]>::try_from(told(&world, "reminder").await).unwrap();
    for ((notice, body), name, subject, words) in [
        (&soon, "reminder.before/us/2", "Your instalment falls due on 2027-02-15", "falls due on 2027-02-15"),
        (&day, "reminder.on/us/2", "Your instalment falls due today, 2027-02-15", "falls due today, 2027-02-15"),
        (
            &late,
            "reminder.after/us/2",
            "Your instalment of 2027-02-15 is past due",
            "fell due on 2027-02-15, 7 days ago",
        ),
    ] {
        assert_eq!((&notice["template"], &notice["subject"]), (&json!(name), &json!(subject)));
        assert_eq!(notice["template_hash"].as_str().unwrap().len(), 64);
        for said in [words, "https://lender.example/pay", "+1 800 555 0111", &usd(total)] {
            assert!(body.contains(said), "{said}: {body}");
        }
    }
    assert_eq!(soon.1.contains("60 days"), late.1.contains("falls due"), "{}", soon.1);
    // Seven days at a tenth of a per cent of the principal, rounded half to even; the fee since the sixth day.
    let penalty = (principal * 7 + 500) / 1_000;
    for said in [
        format!("Late fees and penalty of the loan so far: {}", usd(700 + penalty)),
        usd(total + 700 + penalty),
        "After 60 days we tell the bureaus.".to_owned(),
    ] {
        assert!(late.1.contains(&said), "{said}: {}", late.1);
    }
    let (notice, text) = world.sent(&folder, "reminder").await;
    assert_eq!(notice["id"], late.0["id"]);
    assert!(text.contains("Subject: Your instalment of 2027-02-15 is past due\n"), "{text}");
    assert!(notice["proof"].as_str().unwrap().starts_with("sha256 "), "{notice}");
}

/// The server stood still from before the due day until a week after it.
#[tokio::test(flavor = "multi_thread")]
async fn who_makes_up_for_days_sends_nobody_what_is_not_so_any_more() {
    let mut world = World::new().await;
    world.config().conduct.reminders = rules(&[("soon", -3), ("day", 0), ("late", 5), ("later", 10)]);
    world.restart().await;
    world.set_date("2027-01-15").await;
    let (_, loan, _) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.set_date("2027-02-22").await;
    let mut count = 0;
    for day in 12..=22 {
        count += world.job("reminders", &format!("2027-02-{day}")).await;
    }
    let all = told(&world, "reminder").await;
    assert_eq!((count, all.len()), (1, 1), "{all:?}");
    assert!(all[0].1.contains("fell due on 2027-02-15, 7 days ago"), "{}", all[0].1);
    let once = world.text("SELECT once FROM notices WHERE id = $1", all[0].0["id"].as_str().unwrap()).await;
    assert_eq!(once, format!("reminder:{loan}:1:late"));
    // The later rule, made up for as well, is the only one on the eleventh day.
    world.set_date("2027-02-26").await;
    assert_eq!(world.job("reminders", "2027-02-20").await, 0, "a day's work is not done twice");
    assert_eq!(world.job("reminders", "2027-02-25").await, 1);
    assert!(told(&world, "reminder").await[1].1.contains("11 days ago"));
    // A reminder that comes a day late, and before the due day, is still true.
    world.set_date("2027-03-13").await;
    assert_eq!(world.job("reminders", "2027-03-12").await, 1);
    assert!(told(&world, "reminder").await[2].1.contains("falls due on 2027-03-15"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_debited_need_do_nothing_until_the_debit_failed() {
    let mut world = World::new().await;
    world.config().conduct.reminders = rules(&[("soon", -3), ("late", 5)]);
    world.config().conduct.how_to_pay = "Pay by hand.".to_owned();
    world.restart().await;
    world.set_date("2027-01-15").await;
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    let agreed = json!({ "text_hash": secret::sha256_hex("Debit my account on each due day.") }).to_string();
    world.call("PUT", &format!("/v1/loans/{loan}/autopay"), &who, &[], agreed.as_bytes()).await.expect(200);
    remind(&world, "2027-02-12", 1).await;
    // Nobody debits here: it is as if the debit had come back.
    remind(&world, "2027-02-20", 1).await;
    let all = told(&world, "reminder").await;
    assert!(all[0].1.contains("It is debited on that day") && !all[0].1.contains("by hand"), "{}", all[0].1);
    assert!(all[1].1.contains("by hand") && !all[1].1.contains("It is debited"), "{}", all[1].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_has_the_bundle_s_words_for_it_or_else_for_reminders() {
    let mut policy = payload();
    let soon = "Subject: {lender}: {due}\n\nSoon: {loan}, {due}, {amount}.";
    let any = "Any: {loan} {when} {due}, {amount}.";
    let texts = [("notice_reminder.soon", soon), ("notice_reminder", any)];
    let texts = texts.map(|(code, text)| (code.to_owned(), text.to_owned())).into();
    policy.texts = [("en".to_owned(), texts)].into();
    let mut world = World::with(policy).await;
    world.config().conduct.reminders = rules(&[("soon", -3), ("late", 5)]);
    world.restart().await;
    world.set_date("2027-01-15").await;
    world.buy(&ADA, 50_000, "monthly-3").await;
    remind(&world, "2027-02-12", 1).await;
    remind(&world, "2027-02-20", 1).await;
    let all = told(&world, "reminder").await;
    let named = |place: usize| (all[place].0["template"].clone(), all[place].0["template_hash"].clone());
    assert_eq!(named(0), (json!("reminder.soon/us/bundle-1"), json!(secret::sha256_hex(soon))));
    assert_eq!(named(1), (json!("reminder/us/bundle-1"), json!(secret::sha256_hex(any))));
    assert_eq!(
        (&all[0].0["subject"], &all[1].0["subject"]),
        (&json!("Test Lender: 2027-02-15"), &json!("Your instalment"))
    );
    assert!(all[0].1.starts_with("Soon: ") && all[1].1.contains("fell due on 2027-02-15"), "{all:?}");
}

/// Two purchases of a line stand in one bill of 1,500.00, of which a tenth is the least: 150.00.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_told_of_its_statement_and_reminded_of_its_bill_once_for_all_purchases() {
    let mut world = bills::world().await;
    world.config().conduct.reminders = rules(&[("soon", -3), ("late", 2)]);
    world.restart().await;
    let (line, terms) = bills::grant(&world).await;
    world.set_date("2027-01-02").await;
    let (first, who) = bills::buy(&world, &line, &terms, 100_000, "monthly-3").await;
    bills::buy(&world, &line, &terms, 50_000, "monthly-3").await;
    world.set_date("2027-02-01").await;
    world.job("line-statements", "2027-02-01").await;
    world.job("line-statements", "2027-02-01").await;
    let all = told(&world, "statement").await;
    assert_eq!(all.len(), 1, "told once, and nothing of a bill of nothing: {all:?}");
    for said in [line.id.as_str(), "In all: 1,500.00 USD", "must be paid: 150.00 USD", "Due day: 2027-02-10"] {
        assert!(all[0].1.contains(said), "{said}: {}", all[0].1);
    }
    assert_eq!(all[0].0["subject"], "Your statement of 2027-02-01: due on 2027-02-10");

    // 50.00 are paid: 1,450.00 are left, and 100.00 of the least.
    world.set_date("2027-02-05").await;
    world.pay(&first, &who, 5_000).await;
    remind(&world, "2027-02-07", 1).await;
    let all = told(&world, "bill_reminder").await;
    for said in ["falls due on 2027-02-10", "Still to be paid: 1,450.00 USD", "Of this at least: 100.00 USD"] {
        assert!(all[0].1.contains(said), "{said}: {}", all[0].1);
    }
    // Not even the least is paid: two days later all of it is past due.
    world.set_date("2027-02-12").await;
    world.job("line-statements", "2027-02-12").await;
    remind(&world, "2027-02-12", 1).await;
    let all = told(&world, "bill_reminder").await;
    assert_eq!(all[1].0["template"], "bill_reminder.after/us/1");
    for said in ["fell due on 2027-02-10, 2 days ago", "150.00 USD, was paid", "in all: 1,450.00 USD"] {
        assert!(all[1].1.contains(said), "{said}: {}", all[1].1);
    }

    // Of the next bill the least is paid before anybody is reminded.
    world.set_date("2027-03-01").await;
    world.job("line-statements", "2027-03-01").await;
    assert_eq!(told(&world, "statement").await.len(), 2);
    world.set_date("2027-03-06").await;
    world.pay(&first, &who, 95_000).await;
    let open = bills::statements(&world, &line).await[0].clone();
    let (total, minimum) = (open["total"].as_i64().unwrap(), open["minimum"].as_i64().unwrap());
    assert_eq!(total, minimum, "what was late is asked in full");
    remind(&world, "2027-03-07", 1).await;
    assert_eq!(told(&world, "reminder").await.len(), 0, "no purchase is reminded of by itself");
    // Nobody is left to remind.
    let person = world.text("SELECT person FROM lines WHERE id = $1", &line.id).await;
    assert!(prequal_server::people::erase(world.app(), &person).await.unwrap());
    world.set_date("2027-03-12").await;
    assert_eq!(world.job("reminders", "2027-03-12").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_paid_the_least_of_a_bill_is_reminded_of_nothing() {
    let mut world = bills::world().await;
    world.config().conduct.reminders = rules(&[("soon", -3), ("day", 0), ("late", 2)]);
    world.restart().await;
    let (line, terms) = bills::grant(&world).await;
    world.set_date("2027-01-02").await;
    let (loan, who) = bills::buy(&world, &line, &terms, 100_000, "monthly-3").await;
    world.set_date("2027-02-01").await;
    world.job("line-statements", "2027-02-01").await;
    world.pay(&loan, &who, 10_000).await;
    for date in ["2027-02-07", "2027-02-10", "2027-02-12"] {
        world.set_date(date).await;
        world.job("line-statements", date).await;
        assert_eq!(world.job("reminders", date).await, 0, "{date}");
    }
    assert_eq!(bills::statements(&world, &line).await[0]["outcome"], "carried");
}
