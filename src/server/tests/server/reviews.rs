//! People look at what was referred, or at a decline whose applicant asks for a person; four eyes, and a link back.

use std::sync::Arc;

use hyper::Method;
use prequal_server::http_client::HttpClient;
use serde_json::{Value, json};

use crate::{
    actors::{Purchase, Shopper},
    process::Process,
    world::{Answer, EDGE, LENDER, MERCHANT, SECOND_LENDER, World, newest, payload},
};

const WEAK: Shopper = Shopper { name: "Ada Byron", email: "ada@example.com", phone: "+12125550123", standing: "weak" };
const BAD: Shopper = Shopper { standing: "bad", ..WEAK };

async fn queue(world: &World) -> Vec<Value> {
    world.get("/v1/reviews", LENDER).await.expect(200)["reviews"].as_array().unwrap().clone()
}

async fn say(world: &World, review: &Value, who: &str, body: &Value) -> Answer {
    world.post(&format!("/v1/reviews/{}/decisions", review["id"].as_str().unwrap()), who, body).await
}

/// As [`say`], to another server.
async fn say_at(base: &str, review: &Value, who: &str, body: &Value) -> Answer {
    let url = format!("{base}/v1/reviews/{}/decisions", review["id"].as_str().unwrap());
    let bearer = format!("Bearer {who}");
    let headers = [("authorization", bearer.as_str())];
    let (status, bytes) =
        HttpClient::default().call(Method::POST, &url, &headers, body.to_string().into()).await.unwrap();
    Answer { status, bytes: bytes.to_vec() }
}

fn approve() -> Value {
    json!({ "verdict": "approve" })
}

async fn referred(world: &World) -> (Purchase, Value) {
    let purchase = world.apply(&WEAK, 50_000).await;
    let reviews = queue(world).await;
    let review = reviews.iter().find(|review| review["application_id"] == purchase.application).unwrap();
    (purchase, review.clone())
}

/// The token of the newest link of an application, as the notice carries it.
async fn token(world: &World, purchase: &Purchase) -> String {
    let id = world.text("SELECT max(id) FROM resume_links WHERE application = $1", &purchase.application).await;
    world.app().vault.resume_token(&id)
}

async fn status(world: &World, purchase: &Purchase) -> Value {
    world.get(&format!("/v1/applications/{}", purchase.application), LENDER).await.expect(200)
}

/// The test policy refers whoever stands weakly with the bureau and lends to whoever stands well: that is the change.
#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_a_referral_is_told_the_smallest_change_and_the_applicant_only_what_is_safe() {
    for (mark, person) in [("either to=good", "none"), ("either safe to=good", "found")] {
        let mut policy = payload();
        policy.features[0].change = mark.to_owned();
        let world = World::with(policy).await;
        let (purchase, _) = referred(&world).await;
        let path = format!("/v1/applications/{}/counterfactual", purchase.application);
        let found = world.get(&path, LENDER).await.expect(200);
        assert_eq!((&found["outcome"], &found["staff"]["answer"]), (&json!("referred"), &json!("found")));
        let change = &found["staff"]["changes"][0];
        assert_eq!(
            (&change["feature"], &change["from"], &change["to"]),
            (&json!("standing"), &json!("weak"), &json!("good"))
        );
        assert_eq!(found["staff"]["outcome"], "eligible");
        assert_eq!(found["person"]["answer"], person);
        world.get(&path, &purchase.capability).await.problem(403, "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_needs_two_people_and_goes_on_by_a_link_that_opens_once() {
    let mut world = World::new().await;
    world.config().conduct.resume_url = "https://shop.example/resume?token=".to_owned();
    let folder = world.send_notices().await;
    let (purchase, review) = referred(&world).await;
    assert_eq!((&review["kind"], &review["persons"]), (&json!("referral"), &json!(2)));
    for stranger in [MERCHANT, EDGE, &purchase.capability] {
        world.get("/v1/reviews", stranger).await.problem(403, "forbidden");
        say(&world, &review, stranger, &approve()).await.problem(403, "forbidden");
    }
    let first = say(&world, &review, LENDER, &approve()).await.expect(200);
    assert_eq!((&first["status"], first["votes"].as_array().unwrap().len()), (&json!("open"), 1));
    say(&world, &review, LENDER, &approve()).await.problem(409, "same-reviewer");
    assert_eq!(status(&world, &purchase).await["status"], "referred");
    let conditional = json!({ "verdict": "approve", "conditions": { "plans": ["monthly-3"] }, "reasons": ["R03"] });
    say(&world, &review, SECOND_LENDER, &conditional).await.problem(409, "wrong-state");
    let second = say(&world, &review, SECOND_LENDER, &approve()).await.expect(200);
    assert_eq!((&second["status"], &second["votes"][0]["reviewer"]), (&json!("approved"), &json!("operations")));
    say(&world, &review, SECOND_LENDER, &approve()).await.problem(409, "wrong-state");
    assert!(queue(&world).await.is_empty());

    let (notice, text) = world.sent(&folder, "approved").await;
    let token = token(&world, &purchase).await;
    assert!(text.contains(&format!("https://shop.example/resume?token={token}")), "{text}");
    let body = world.text("SELECT body FROM notices WHERE id = $1", notice["id"].as_str().unwrap()).await;
    assert!(body.contains("{link}") && !body.contains(&token));
    // Days later, the checkout's own time is long over: the cart was kept.
    let today = world.app().today().unwrap();
    world.set_date(&today.add_days(13).unwrap().to_string()).await;
    let resume = json!({ "token": token });
    world.post("/v1/applications/resume", "", &json!({ "token": "res_nothing" })).await.problem(404, "not-found");
    world.post("/v1/applications/resume", "", &resume).await.expect(200);
    world.post("/v1/applications/resume", "", &resume).await.problem(410, "resume-link");
    // The reply was lost? The lender sends another link, which ends the credential of the one before.
    let another = format!("/v1/applications/{}/resume-link", purchase.application);
    world.post_once(&another, &purchase.capability, "l", &json!({})).await.problem(403, "forbidden");
    world.post_once(&another, LENDER, "l", &json!({})).await.expect(202);
    let again = json!({ "token": self::token(&world, &purchase).await });
    assert_ne!(again, resume);
    let resumed = world.post("/v1/applications/resume", "", &again).await.expect(200);
    assert_eq!((&resumed["application_id"], &resumed["amount"]), (&json!(purchase.application), &json!(50_000)));
    assert_eq!(resumed["cart"][0]["sku"], "camera");
    let who = resumed["capability"].as_str().unwrap();
    let path = format!("/v1/applications/{}", purchase.application);
    world.get(&path, &purchase.capability).await.problem(404, "not-found");
    let view = world.get(&path, who).await.expect(200);
    assert_eq!(view["offers"].as_array().unwrap().len(), 2, "{view}");
    // An approval by people is priced by the table as any other: 9.9 for three months, 14.9 for six.
    let rates = [&view["offers"][0]["rate_annual_percent"], &view["offers"][1]["rate_annual_percent"]];
    assert_eq!(rates, ["9.9", "14.9"]);
    let submit = format!("{path}/submit");
    world.post(&submit, who, &json!({ "plan": "monthly-99" })).await.problem(422, "invalid-value");
    world.post(&submit, who, &json!({})).await.problem(422, "invalid-body");
    let submitted = world.post(&submit, who, &json!({ "plan": "monthly-3" })).await.expect(200);
    assert_eq!(
        world.post(&submit, who, &json!({ "plan": "monthly-3" })).await.expect(200),
        submitted,
        "answered again"
    );
    assert_eq!(submitted["agreement"]["offer"], view["offers"][0]);
    let signing = world.signing(&submitted, WEAK.name);
    let signed = world.post_once(&format!("{path}/sign"), who, "s", &signing).await.expect(201);
    assert!(signed["loan_id"].is_string());
    world.post_once(&another, LENDER, "m", &json!({})).await.problem(409, "wrong-state");
    for (name, bytes) in world.stored() {
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "the token stands in {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_plans_than_there_are_is_a_counter_offer_with_reasons() {
    let mut world = World::new().await;
    world.config().conduct.review.two_persons_from = 50_001;
    let folder = world.send_notices().await;
    let (purchase, review) = referred(&world).await;
    assert_eq!(review["persons"], 1, "below the amount from which two must approve");
    let body = |plans: Value, reasons: Value| json!({ "verdict": "approve", "conditions": { "plans": plans }, "reasons": reasons });
    for (plans, reasons, pointer) in [
        (json!(["monthly-3"]), json!([]), "/reasons"),
        (json!(["yearly"]), json!(["R01"]), "/conditions/plans/0"),
        (json!(["monthly-3"]), json!(["R01", "R99"]), "/reasons/1"),
        (json!(["monthly-3"]), json!(["R01", "R01"]), "/reasons/1"),
        (json!(["monthly-3"]), json!(["R01", "R02", "R03", "R01", "R02"]), "/reasons/4"),
    ] {
        let refused = say(&world, &review, LENDER, &body(plans, reasons)).await.problem(422, "invalid-value");
        assert_eq!(refused["pointer"], pointer);
    }
    say(&world, &review, LENDER, &body(json!(["monthly-3"]), json!(["R01"]))).await.expect(200);
    let (_, text) = world.sent(&folder, "counter_offer").await;
    let flat = text.replace('\n', " ");
    for words in
        ["counteroffer", "Your credit history is short (R01)", "plan monthly-3", "Equal Credit Opportunity Act"]
    {
        assert!(flat.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("monthly-6"));
    let resumed = world
        .post("/v1/applications/resume", "", &json!({ "token": token(&world, &purchase).await }))
        .await
        .expect(200);
    let submit = format!("/v1/applications/{}/submit", purchase.application);
    let who = resumed["capability"].as_str().unwrap();
    world.post(&submit, who, &json!({ "plan": "monthly-6" })).await.problem(422, "invalid-value");
    world.post(&submit, who, &json!({ "plan": "monthly-3" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_declined_may_ask_for_a_person_and_is_told_what_came_of_it() {
    let mut world = World::new().await;
    let folder = world.send_notices().await;
    let purchase = world.apply(&BAD, 50_000).await;
    let request = format!("/v1/applications/{}/review-request", purchase.application);
    world.post(&request, LENDER, &json!({})).await.problem(403, "forbidden");
    let asked = world.post(&request, &purchase.capability, &json!({})).await.expect(202);
    assert_eq!(world.post(&request, &purchase.capability, &json!({})).await.expect(202), asked, "asked once");
    let review = queue(&world).await.remove(0);
    assert_eq!((&review["kind"], &review["id"]), (&json!("human_review"), &asked["review_id"]));
    let unfounded = json!({ "verdict": "decline" });
    assert_eq!(say(&world, &review, LENDER, &unfounded).await.problem(422, "invalid-value")["pointer"], "/reasons");
    let upheld = json!({ "verdict": "decline", "reasons": ["R01", "R02"] });
    let decided = say(&world, &review, LENDER, &upheld).await.expect(200);
    assert_eq!(decided["status"], "declined");
    let view = status(&world, &purchase).await;
    assert_eq!((&view["status"], &view["decision_id"]), (&json!("declined"), &decided["outcome_decision_id"]));
    assert_eq!(view["reasons"][1]["code"], "R02");
    let page = world
        .wait("/v1/notices", LENDER, |page| page["notices"].as_array().unwrap().iter().all(|n| n["status"] == "sent"))
        .await;
    let kinds = page["notices"].as_array().unwrap().iter().map(|n| n["kind"].as_str().unwrap());
    assert_eq!(kinds.collect::<Vec<_>>(), ["adverse_action", "adverse_action"], "one for each decision");
    let (_, text) = world.sent(&folder, "adverse_action").await;
    assert!(text.contains(decided["outcome_decision_id"].as_str().unwrap()), "{text}");
    // What came of it may be looked at once more; what is not declined may not.
    let eligible = world.apply(&Shopper { standing: "good", ..WEAK }, 50_000).await;
    let path = format!("/v1/applications/{}/review-request", eligible.application);
    world.post(&path, &eligible.capability, &json!({})).await.problem(409, "wrong-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reviewers_at_once_are_both_heard_and_conclude_once() {
    let mut world = World::new().await;
    // The amount itself is one from which two must approve.
    world.config().conduct.review.two_persons_from = 50_000;
    world.restart().await;
    let world = Arc::new(world);
    let other = Process::start(&world, "127.0.0.1:0");
    for _ in 0..4 {
        let (purchase, review) = referred(&world).await;
        let body = approve();
        let (one, two) =
            tokio::join!(say(&world, &review, LENDER, &body), say_at(&other.base, &review, SECOND_LENDER, &body));
        let mut statuses = [one.expect(200)["status"].clone(), two.expect(200)["status"].clone()];
        statuses.sort_by_key(Value::to_string);
        assert_eq!(statuses, [json!("approved"), json!("open")]);
        assert_eq!(status(&world, &purchase).await["status"], "received");
        // The same key twice at once is one reviewer.
        let (purchase, review) = referred(&world).await;
        let (one, two) = tokio::join!(say(&world, &review, LENDER, &body), say_at(&other.base, &review, LENDER, &body));
        let mut codes = [one.status, two.status];
        codes.sort_unstable();
        assert_eq!((codes, &status(&world, &purchase).await["status"]), ([200, 409], &json!("referred")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_once_even_at_two_servers_at_the_same_instant() {
    let mut world = World::new().await;
    world.config().conduct.review.two_persons_from = i64::MAX;
    world.restart().await;
    let world = Arc::new(world);
    let other = Process::start(&world, "127.0.0.1:0");
    for _ in 0..4 {
        let (purchase, review) = referred(&world).await;
        say(&world, &review, LENDER, &approve()).await.expect(200);
        let body = json!({ "token": token(&world, &purchase).await }).to_string();
        let open = |base: String| {
            let body = body.clone();
            async move {
                let url = format!("{base}/v1/applications/resume");
                HttpClient::default().call(Method::POST, &url, &[], body.into()).await.unwrap().0
            }
        };
        let (here, there) = tokio::join!(open(world.base.clone()), open(other.base.clone()));
        let mut codes = [here, there];
        codes.sort_unstable();
        assert_eq!(codes, [200, 410]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_neither_reviewed_nor_resumed_and_a_link_has_an_end() {
    let mut world = World::new().await;
    world.config().conduct.review.two_persons_from = i64::MAX;
    world.restart().await;
    let (late, review) = referred(&world).await;
    say(&world, &review, LENDER, &approve()).await.expect(200);
    let late_token = token(&world, &late).await;
    let person = "SELECT person FROM applications WHERE id = $1";
    let (gone, review) = referred(&world).await;
    let declined = world.apply(&BAD, 50_000).await;
    let path = format!("/v1/persons/{}", world.text(person, &gone.application).await);
    world.call("DELETE", &path, LENDER, &[], b"").await.expect(200);
    say(&world, &review, LENDER, &approve()).await.problem(409, "wrong-state");
    let request = format!("/v1/applications/{}/review-request", declined.application);
    world.post(&request, &declined.capability, &json!({})).await.problem(409, "wrong-state");
    world.post("/v1/applications/resume", "", &json!({ "token": late_token })).await.problem(409, "wrong-state");
    let link = format!("/v1/applications/{}/resume-link", late.application);
    world.post_once(&link, LENDER, "l", &json!({})).await.problem(409, "wrong-state");
    assert!(queue(&world).await.is_empty(), "nobody is left to be told what people would say");
    let duties = world.get("/v1/notices?due_before=2199-01-01", LENDER).await.expect(200);
    assert_eq!(duties["duties"], Value::Null);

    let (purchase, review) = referred(&world).await;
    say(&world, &review, LENDER, &approve()).await.expect(200);
    let body = json!({ "token": token(&world, &purchase).await });
    // In its last second it is over.
    let end = world.text("SELECT max(expires) FROM resume_links WHERE application = $1", &purchase.application).await;
    let clock = json!({ "now": end }).to_string();
    world.call("PUT", "/v1/sandbox/clock", LENDER, &[], clock.as_bytes()).await.expect(200);
    world.post("/v1/applications/resume", "", &body).await.problem(410, "resume-link");
    assert_eq!(newest(&world.get("/v1/notices", LENDER).await.expect(200), "approved")["status"], "queued");
}

/// Prices by grade: 9.9 % for A, 19.9 % for B, whom the decision refers, and 24.9 % for whoever is worse.
fn priced_by_grade() -> prequal_core::bundle::Payload {
    let mut policy = serde_json::to_value(payload()).unwrap();
    let features = policy["features"].as_array_mut().unwrap();
    features.push(json!({ "id": "grade", "type": "category", "from": { "engine": "score_band" }, "uses": ["price"] }));
    policy["price"] = json!({ "id": "price", "hit": "first", "columns": ["grade"], "rows": [
        { "when": ["A"], "then": { "rate_percent": "9.9" } },
        { "when": ["B"], "then": { "rate_percent": "19.9" } },
        { "when": ["-"], "then": { "rate_percent": "24.9" } },
    ] });
    policy["representative"]["rate_percent"] = json!("24.9");
    serde_json::from_value(policy).unwrap()
}

async fn offered(world: &World, purchase: &Purchase) -> Vec<Value> {
    let body = json!({ "token": token(world, purchase).await });
    let resumed = world.post("/v1/applications/resume", "", &body).await.expect(200);
    let path = format!("/v1/applications/{}", purchase.application);
    let view = world.get(&path, resumed["capability"].as_str().unwrap()).await.expect(200);
    let offers = view["offers"].as_array().unwrap();
    offers.iter().map(|offer| offer["rate_annual_percent"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_approved_by_people_pays_the_price_of_the_grade_that_was_decided() {
    let mut world = World::with(priced_by_grade()).await;
    world.config().conduct.review.two_persons_from = i64::MAX;
    world.restart().await;
    let (purchase, review) = referred(&world).await;
    say(&world, &review, LENDER, &approve()).await.expect(200);
    // Days later it is the price that was decided, on that day's dates.
    let today = world.app().today().unwrap();
    world.set_date(&today.add_days(3).unwrap().to_string()).await;
    assert_eq!(offered(&world, &purchase).await, ["19.9", "19.9"]);
    // Whoever was declined, and asked for a person, is of the grade that was declined.
    let declined = world.apply(&BAD, 50_000).await;
    let request = format!("/v1/applications/{}/review-request", declined.application);
    world.post(&request, &declined.capability, &json!({})).await.expect(202);
    let review = queue(&world).await.remove(0);
    say(&world, &review, LENDER, &approve()).await.expect(200);
    assert_eq!(offered(&world, &declined).await, ["24.9", "24.9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reviewers_may_choose_a_price_within_the_table_and_a_dearer_one_is_a_counter_offer() {
    let mut world = World::with(priced_by_grade()).await;
    world.config().conduct.review.two_persons_from = i64::MAX;
    let folder = world.send_notices().await;
    let body = |rate: &str, reasons: Value| json!({ "verdict": "approve", "conditions": { "rate_percent": rate }, "reasons": reasons });
    let (purchase, review) = referred(&world).await;
    assert_eq!(review["persons"], 1);
    for outside in ["9.89", "24.91", "-1"] {
        let refused = say(&world, &review, LENDER, &body(outside, json!([]))).await.problem(422, "invalid-value");
        assert_eq!(refused["pointer"], "/conditions/rate_percent");
    }
    // Cheaper than the grade's 19.9: four eyes, whatever the amount, and no reasons are owed.
    let first = say(&world, &review, LENDER, &body("12.5", json!([]))).await.expect(200);
    assert_eq!(first["status"], "open");
    say(&world, &review, LENDER, &body("12.5", json!([]))).await.problem(409, "same-reviewer");
    say(&world, &review, SECOND_LENDER, &body("12.6", json!([]))).await.problem(409, "wrong-state");
    say(&world, &review, SECOND_LENDER, &approve()).await.problem(409, "wrong-state");
    let second = say(&world, &review, SECOND_LENDER, &body("12.5", json!([]))).await.expect(200);
    assert_eq!(
        (&second["status"], &second["votes"][1]["conditions"]["rate_percent"]),
        (&json!("approved"), &json!("12.5"))
    );
    assert_eq!(offered(&world, &purchase).await, ["12.5", "12.5"]);

    let (purchase, review) = referred(&world).await;
    let refused = say(&world, &review, LENDER, &body("24.9", json!([]))).await.problem(422, "invalid-value");
    assert_eq!(refused["pointer"], "/reasons", "dearer than the grade's price is adverse");
    for who in [LENDER, SECOND_LENDER] {
        say(&world, &review, who, &body("24.9", json!(["R01"]))).await.expect(200);
    }
    world.sent(&folder, "counter_offer").await;
    assert_eq!(offered(&world, &purchase).await, ["24.9", "24.9"]);
}
