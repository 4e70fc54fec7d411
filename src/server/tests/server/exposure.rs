//! What one person may owe, hold and have signed in all, whatever the kind of purchase, the merchant and the server.

use std::sync::Arc;

use prequal_core::money::Amount;
use prequal_ledger::Event;
use prequal_server::{
    config::{CEILINGS_MAX, CeilingConfig, Config, EXAMPLE},
    exposure, secret,
    settings::Settings,
    webhook,
};
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper, cart},
    process::Process,
    together::post,
    transfers::GRACE,
    world::{Answer, LENDER, MERCHANT, OTHER_MERCHANT, World},
};

/// How many signings come at the same instant.
const SIGNINGS: usize = 50;
const PRICE: i64 = 50_000;
/// The test configuration's ceiling over what is owed for purchases from the other shop.
const OTHER_SHOP_MAX: i64 = 150_000;

async fn checkout(world: &World, merchant: &str, capture: &str) -> Value {
    let order = uuid::Uuid::new_v4().to_string();
    let body =
        json!({ "merchant_order": order, "amount": PRICE, "currency": "USD", "cart": cart(PRICE), "capture": capture });
    world.post("/v1/checkouts", merchant, &body).await.expect(201)
}

/// What one person owes, holds and has signed: in all, and for the other shop.
async fn owed(world: &World, person: &str) -> (i64, i64) {
    let mut db = world.app().db.read().await.unwrap();
    let claims = exposure::claims(world.app(), &mut db, &[person.to_owned()], "USD").await.unwrap();
    let of = |merchant: &str| {
        claims
            .iter()
            .filter(|claim| merchant.is_empty() || claim.merchant == merchant)
            .map(|claim| claim.amount.minor())
            .sum()
    };
    (of(""), of("other"))
}

/// Purchases captured when they are signed and later, under a line and not, from two merchants, on two servers, while
/// what was authorized before is captured in parts: 1,000.00 are held already, and 2,000.00 are left for four of them.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_mixed_signings_at_once_on_two_servers_do_not_pass_a_ceiling() {
    let world = Arc::new(World::new().await);
    let other = Process::start(&world, "127.0.0.1:0");
    let ceiling = world.app().settings.exposure_max.minor();
    let line = world.grant(1_000_000).await;
    let view = world.get(&format!("/v1/lines/{}", line.id), LENDER).await.expect(200);
    let person = view["person_id"].as_str().unwrap().to_owned();
    let held = world.authorize(2 * PRICE, "monthly-3", 30).await;
    let mut ready = Vec::new();
    for number in 0..SIGNINGS {
        let merchant = if number % 2 == 0 { MERCHANT } else { OTHER_MERCHANT };
        let capture = if number % 3 == 0 { "automatic" } else { "manual" };
        let checkout = checkout(&world, merchant, capture).await;
        let (purchase, mut signing) = world.ready(checkout, PRICE, &line.id).await;
        if number % 5 < 3 {
            signing.as_object_mut().unwrap().remove("line");
        }
        ready.push((format!("/v1/applications/{}/sign", purchase.application), purchase.capability, signing));
    }
    for _ in 0..2 {
        let path = format!("/v1/orders/{}/captures", held.id);
        ready.insert(ready.len() / 2, (path, MERCHANT.to_owned(), json!({ "amount": PRICE })));
    }
    let tasks: Vec<_> = ready
        .into_iter()
        .enumerate()
        .map(|(number, (path, bearer, body))| {
            let base = if number % 4 < 2 { world.base.clone() } else { other.base.clone() };
            tokio::spawn(async move {
                let answer = post(&base, &path, &bearer, &format!("once-{number}"), &body).await;
                (path.ends_with("/sign"), answer)
            })
        })
        .collect();
    let (mut signed, mut captured) = (0, 0);
    for task in tasks {
        let (is_signing, answer): (bool, Answer) = task.await.unwrap();
        match (is_signing, answer.status) {
            (true, 201) => signed += 1,
            (false, 201) => captured += 1,
            _ => {
                let refused = answer.problem(409, "wrong-state");
                assert_eq!(refused["reason"], "LENDER-EXPOSURE");
                assert!(["exposure_max", "other-shop"].contains(&refused["ceiling"].as_str().unwrap()), "{refused}");
            }
        }
    }
    assert_eq!((signed, captured), ((ceiling - 2 * PRICE) / PRICE, 2));
    world.verify().await;
    let (all, of_other) = owed(&world, &person).await;
    assert_eq!(all, ceiling, "as much as is allowed, and not a cent more");
    assert!(of_other <= OTHER_SHOP_MAX, "{of_other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_may_be_of_one_merchant() {
    let world = World::new().await;
    let buy = async |merchant: &str, capture: &str| {
        let checkout = checkout(&world, merchant, capture).await;
        let purchase = world.apply_for(checkout, &ADA, PRICE).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        if submitted["outcome"] == "declined" {
            assert_eq!(submitted["reasons"][0]["code"], "LENDER-EXPOSURE");
            return false;
        }
        world.sign(&purchase, "k", &world.signing(&submitted, ADA.name)).await.expect(201);
        true
    };
    for capture in ["automatic", "manual", "automatic"] {
        assert!(buy(OTHER_MERCHANT, capture).await);
    }
    assert!(!buy(OTHER_MERCHANT, "manual").await, "1,500.00 are owed there");
    assert!(buy(MERCHANT, "manual").await, "and 3,000.00 may be in all");
}

/// A charge-off and a sale take a debt off the lender's books, and not from the person.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_charged_off_or_sold_is_owed_until_it_is_paid() {
    let world = World::new().await;
    let value_date = world.app().today().unwrap();
    let sold = || {
        let owner = uuid::Uuid::now_v7().to_string();
        Event::Transferred { value_date, owner, price: Amount::new(1_000).unwrap() }
    };
    // 3,000.00 is the test configuration's ceiling.
    let (_, loan, capability) = world.buy(&ADA, 300_000, "monthly-3").await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    world.event(&loan, Event::ChargedOff { value_date }).await;
    assert_eq!(owed(&world, &person).await.0, 300_000);
    let purchase = world.apply(&ADA, 1_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    assert_eq!(
        (&submitted["outcome"], &submitted["reasons"][0]["code"]),
        (&json!("declined"), &json!("LENDER-EXPOSURE"))
    );
    world.pay(&loan, &capability, 100_000).await;
    assert_eq!(owed(&world, &person).await.0, 200_000, "what was recovered is paid");
    world.event(&loan, sold()).await;
    assert_eq!(owed(&world, &person).await.0, 200_000, "it is owed to somebody else");
    world.pay(&loan, &capability, 50_000).await;
    assert_eq!(owed(&world, &person).await.0, 150_000);
    // A loan whose projection is older than this column is folded.
    let mut tx = world.app().db.begin().await.unwrap();
    sqlx::query("UPDATE loan_standings SET exposed = NULL").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(owed(&world, &person).await.0, 150_000);

    let (_, loan, capability) = world.buy(&GRACE, 300_000, "monthly-3").await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    world.event(&loan, sold()).await;
    world.pay(&loan, &capability, 100_000).await;
    assert_eq!(owed(&world, &person).await.0, 200_000);
    let purchase = world.apply(&GRACE, 100_001).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    assert_eq!(submitted["reasons"][0]["code"], "LENDER-EXPOSURE");
}

/// A ceiling is not passed with money that may come back: what a debit that is only collected paid is still a claim.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_debit_brought_frees_nothing_until_it_has_cleared() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 300_000, "monthly-3").await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    let (path, value_date) = (format!("/v1/loans/{loan}"), world.app().today().unwrap());
    let outcome = async |minor: i64| {
        let purchase = world.apply(&ADA, minor).await;
        world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200)["outcome"].clone()
    };
    // It comes back: what was owed before is owed again, and nothing was lent beside it.
    world.collect(&loan, &capability, 300_000).await;
    assert_eq!(world.get(&path, &capability).await.expect(200)["balance"]["total"], 0);
    assert_eq!((owed(&world, &person).await.0, outcome(1_000).await), (300_000, json!("declined")));
    let transfer = world.newest("debit").await;
    world.later(&transfer, "return").await;
    world.wait(&path, &capability, |loan| loan["balance"]["principal"] == 300_000).await;
    assert_eq!(owed(&world, &person).await.0, 300_000);
    // It clears: what was approved meanwhile by nobody is approved now, and signed.
    world.collect(&loan, &capability, 200_000).await;
    assert_eq!((owed(&world, &person).await.0, outcome(1_000).await), (300_000, json!("declined")));
    let transfer = world.newest("debit").await;
    world.later(&transfer, "clear").await;
    world.wait(&path, &capability, |loan| loan["payments"].to_string().contains("cleared")).await;
    assert_eq!(owed(&world, &person).await.0, 100_000);
    world.buy(&ADA, 200_000, "monthly-3").await;

    // And so after a charge-off: 1,000.00 are given up, and 400.00 of them collected.
    world.event(&loan, Event::ChargedOff { value_date }).await;
    world.collect(&loan, &capability, 40_000).await;
    assert_eq!(owed(&world, &person).await.0, 300_000);
    let transfer = world.newest("debit").await;
    world.later(&transfer, "clear").await;
    world.wait(&path, &capability, |loan| !loan["payments"].to_string().contains("received")).await;
    assert_eq!(owed(&world, &person).await.0, 260_000);
}

#[test]
fn ceilings_and_windows_of_the_configuration_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prequal.toml");
    let example = EXAMPLE.replace("key = \"\" ", "key = \"pk\" ");
    let example =
        example.replace("webhook_secret = \"\"", &format!("webhook_secret = \"{}\"", webhook::Secret::generate()));
    let example = example.replace(&format!("{:064}", 1), &secret::sha256_hex("mk_x"));
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Config::read(&file)
    };
    let one = |name: &str, amount: i64, more: &str| {
        format!("[[limits.ceilings]]\nname = \"{name}\"\namount = {amount}\n{more}\n")
    };
    let of = |ceilings: &str| read(&format!("{}\n{ceilings}", example));
    assert!(read(&example).is_ok());
    let config = of(&one("a", 1, "merchant = \"shop\"")).unwrap();
    assert_eq!((config.limits.ceilings[0].name.as_str(), config.checkout.capture_days), ("a", 30));
    for (wrong, why) in [
        (one("a", 1, "") + &one("a", 2, ""), "twice"),
        (one("exposure_max", 1, ""), "twice"),
        (one("", 1, ""), "no name"),
        (one("a", -1, ""), "negative"),
        (one("a", 1, "merchant = \"nobody\""), "no merchant"),
        (one("a", 1, "colour = \"red\""), "colour"),
        (one("a", 1, "funder = \"nobody\""), "no funder"),
        (one("a", 1, "from = \"2027-02-30\""), "2027-02-30"),
        (one("a", 1, "from = \"2027-02-02\"\nuntil = \"2027-02-01\""), "ends before it begins"),
        ((0..=CEILINGS_MAX).map(|number| one(&number.to_string(), 1, "")).collect::<String>(), "at most"),
    ] {
        let error = of(&wrong).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    for days in ["0", "181"] {
        let error = read(&example.replace("capture_days = 30", &format!("capture_days = {days}"))).unwrap_err();
        assert!(error.contains("checkout.capture_days must be 1 to 180"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_of_a_product_that_no_bundle_has_is_refused_and_of_one_that_it_has_counts() {
    let mut world = World::new().await;
    let ceiling = |product: &str| CeilingConfig {
        name: "legal".to_owned(),
        amount: PRICE,
        product: Some(product.to_owned()),
        merchant: None,
        funder: None,
        from: None,
        until: None,
    };
    world.config().limits.ceilings = vec![ceiling("mortgage")];
    let error = Settings::load(world.config(), true).unwrap_err();
    assert!(error.contains("`mortgage` is no product"), "{error}");
    world.config().limits.ceilings = vec![ceiling("instalments")];
    world.restart().await;
    world.buy(&ADA, PRICE, "monthly-3").await;
    let purchase = world.apply(&ADA, 1_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    assert_eq!(submitted["outcome"], "declined");
}

/// A correction says how a person is reached, and not that whoever applies with what was there before is another.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_address_is_no_second_ceiling() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 300_000, "monthly-3").await;
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    let body = json!({ "email": "countess@example.com", "phone": "+12125550177" });
    world.post_once(&format!("/v1/persons/{person}/corrections"), LENDER, "c", &body).await.expect(201);
    // By the old address and telephone under another name, so that it is another person's record.
    let before = Shopper { name: "Augusta King", ..ADA };
    let after = Shopper { name: "A. King", email: "countess@example.com", phone: "+12125550178", ..ADA };
    for shopper in [&before, &after] {
        let purchase = world.apply(shopper, 1_000).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        assert_eq!(submitted["reasons"][0]["code"], "LENDER-EXPOSURE", "{shopper:?}");
    }
    // After an erasure nothing tells any more that they were one.
    world.pay(&loan, &capability, 300_000).await;
    world.call("DELETE", &format!("/v1/persons/{person}"), LENDER, &[], b"").await.expect(200);
    let left = "SELECT CAST(count(*) AS TEXT) FROM person_former_lookups WHERE person = $1";
    assert_eq!(world.text(left, &person).await, "0");
}

/// A law's ceiling holds from a day to a day.
#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_holds_on_its_days() {
    let mut world = World::new().await;
    let day = |text: &str| Some(prequal_core::calendar::Date::parse(text).unwrap());
    world.config().limits.ceilings = vec![CeilingConfig {
        name: "legal".to_owned(),
        amount: 999,
        product: None,
        merchant: None,
        funder: None,
        from: day("2027-02-01"),
        until: day("2027-02-28"),
    }];
    world.restart().await;
    for (today, outcome) in
        [("2027-01-31", "approved"), ("2027-02-01", "declined"), ("2027-02-28", "declined"), ("2027-03-01", "approved")]
    {
        world.set_date(today).await;
        let purchase = world.apply(&ADA, 1_000).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        assert_eq!(submitted["outcome"], outcome, "{today}");
    }
}
