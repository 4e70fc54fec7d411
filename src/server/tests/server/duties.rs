//! What must be done about applications by a day: listed, counted, and called out before it and after it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    told::Receiver,
    world::{AUDITOR, LENDER, World},
};

const WEAK: Shopper =
    Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "weak" };
const BAD: Shopper = Shopper { name: "Bob Smith", email: "bob@example.com", standing: "bad", ..WEAK };

async fn duties(world: &World, query: &str) -> Value {
    world.get(&format!("/v1/duties{query}"), AUDITOR).await.expect(200)
}

fn kinds(page: &Value) -> Vec<&str> {
    page["duties"].as_array().unwrap().iter().map(|duty| duty["kind"].as_str().unwrap()).collect()
}

async fn gauge(world: &World) -> String {
    let answer = world.get("/metrics", LENDER).await;
    let text = String::from_utf8(answer.bytes).unwrap();
    text.lines().find_map(|line| line.strip_prefix("prequal_duties_overdue ")).unwrap().to_owned()
}

/// Asked for on 31 January 2024, a person's look at a decline is due 30 days later: on 1 March of a leap year.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_s_look_at_a_decline_is_a_duty_that_is_called_out_before_its_day_and_after_it() {
    let world = World::new().await;
    let lender = Receiver::start().await;
    world.listen(LENDER, &lender, &["duty.due_soon", "duty.overdue"]).await;
    world.set_date("2024-01-31").await;
    let declined = world.apply(&BAD, 50_000).await;
    let path = format!("/v1/applications/{}/review-request", declined.application);
    let asked = world.post(&path, &declined.capability, &Value::Null).await.expect(202);
    let page = duties(&world, "").await;
    assert_eq!((kinds(&page), &page["overdue_count"]), (vec!["human_review"], &json!(0)));
    let duty = &page["duties"][0];
    assert_eq!((&duty["review_id"], &duty["due_by"]), (&asked["review_id"], &json!("2024-03-01")));
    assert_eq!((&duty["application_id"], &duty["overdue"]), (&json!(declined.application), &json!(false)));

    world.set_date("2024-02-26").await;
    assert_eq!(world.job("notice-deadlines", "2024-02-26").await, 0, "four days before");
    world.set_date("2024-02-27").await;
    assert_eq!(world.job("notice-deadlines", "2024-02-27").await, 1, "three days before");
    assert_eq!(world.job("notice-deadlines", "2024-02-27").await, 0, "once");
    world.set_date("2024-03-01").await;
    assert_eq!(world.job("notice-deadlines", "2024-03-01").await, 0, "it may still be met");
    assert_eq!(gauge(&world).await, "0");
    world.set_date("2024-03-02").await;
    assert_eq!(world.job("notice-deadlines", "2024-03-02").await, 1);
    assert_eq!(world.job("notice-deadlines", "2024-03-03").await, 0, "once");
    assert_eq!(gauge(&world).await, "1");
    let page = duties(&world, "?due_before=2024-03-01").await;
    assert_eq!((&page["duties"][0]["overdue"], &page["overdue_count"]), (&json!(true), &json!(1)));
    let told = lender.wait(2).await;
    let types: Vec<Value> = told.iter().map(|message| message.json()["type"].clone()).collect();
    assert_eq!(
        types.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(),
        ["duty.due_soon", "duty.overdue"].into()
    );
    let data = &told[0].json()["data"];
    assert_eq!((&data["review_id"], &data["kind"]), (&asked["review_id"], &json!("human_review")));

    // Met, it is a duty no more.
    let decide = format!("/v1/reviews/{}/decisions", asked["review_id"].as_str().unwrap());
    world.post(&decide, LENDER, &json!({ "verdict": "decline", "reasons": ["R02"] })).await.expect(200);
    assert_eq!((kinds(&duties(&world, "").await).len(), gauge(&world).await), (0, "0".to_owned()));
}

/// A referral is two: to decide, and to tell the decision.
#[tokio::test(flavor = "multi_thread")]
async fn duties_are_listed_by_their_day_page_by_page_and_those_of_the_erased_are_none() {
    let world = World::new().await;
    for date in ["2024-02-02", "2024-02-01"] {
        world.set_date(date).await;
        world.apply(&WEAK, 50_000).await;
    }
    world.apply(&ADA, 50_000).await;
    let all = duties(&world, "").await;
    let days: Vec<&str> =
        all["duties"].as_array().unwrap().iter().map(|duty| duty["due_by"].as_str().unwrap()).collect();
    // Thirty days from 1 and 2 February of a leap year.
    assert_eq!(days, ["2024-03-02", "2024-03-02", "2024-03-03", "2024-03-03"]);
    assert_eq!(kinds(&all).into_iter().collect::<BTreeSet<_>>(), ["decision", "referral"].into());
    let (mut walked, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = duties(&world, &query).await;
        walked.extend(page["duties"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=1&cursor={next}");
    }
    assert_eq!(json!(walked), all["duties"]);
    assert_eq!(kinds(&duties(&world, "?due_before=2024-03-02").await).len(), 2);
    for wrong in ["?due_before=soon", "?limit=0", "?cursor=soon", "?overdue=1"] {
        world.get(&format!("/v1/duties{wrong}"), LENDER).await.problem(400, "bad-request");
    }
    // Days that nobody ran the job for are made up for by how things stand: overdue, and not also near.
    world.set_date("2024-03-10").await;
    assert_eq!(world.job("notice-deadlines", "2024-03-01").await, 4);
    assert_eq!(world.job("notice-deadlines", "2024-03-10").await, 0);
    let application = all["duties"][0]["application_id"].as_str().unwrap();
    let person = world.text("SELECT person FROM applications WHERE id = $1", application).await;
    assert!(prequal_server::people::erase(world.app(), &person).await.unwrap());
    assert_eq!(duties(&world, "").await["overdue_count"], 0, "both were one person's");
}
