//! One of everything that a path can name, each somebody's and so foreign to everybody else.

use std::time::{SystemTime, UNIX_EPOCH};

use prequal_server::secret;
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{Extra, LENDER, MERCHANT, World, payload},
};

pub const GRACE: Shopper =
    Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
const WEAK: Shopper = Shopper { name: "Bob Smith", email: "bob@example.com", phone: "+12125550177", standing: "weak" };

/// Who finances three tenths of each loan.
pub const BANK: &str = "fk_bank";
/// Who finances nothing.
pub const OTHER_BANK: &str = "fk_other-bank";

pub struct Stage {
    /// The shop's, not financed.
    pub open_checkout: String,
    /// The shop's, financed by the loan.
    pub checkout: String,
    /// ADA's.
    pub application: String,
    /// ADA's.
    pub loan: String,
    /// ADA.
    pub person: String,
    /// The shop's.
    pub endpoint: String,
    /// ADA's, which revolves.
    pub line: String,
    /// The shop's, of GRACE's purchase.
    pub refund: String,
    /// ADA's, of the loan.
    pub payment: String,
    /// The shop's.
    pub settlement: String,
    /// Of somebody who was referred.
    pub review: String,
    /// Money of which nobody knows whose it is.
    pub receipt: String,
    /// What the bank's file differs in.
    pub difference: String,
    /// Credentials of ADA and of GRACE, for their applications, loans and lines.
    pub of_applications: [String; 2],
    pub of_loans: [String; 2],
    pub of_lines: [String; 2],
}

fn id(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no id")).to_owned()
}

fn funder(id: &str, kind: &str) -> String {
    let key = secret::sha256_hex(format!("fk_{id}"));
    format!("[[funders]]\nid = \"{id}\"\nname = \"The {id}\"\nkind = \"{kind}\"\nkey_sha256 = \"{key}\"\n")
}

impl Stage {
    /// A lender with two partners, of which one finances.
    pub async fn world() -> World {
        let rest = [
            funder("bank", "partner"),
            funder("other-bank", "partner"),
            funder("own", "own"),
            "[funding]\nnobody = { outcome = \"referred\", code = \"NO-FUNDS\", text = \"Nobody has the money now\" }\n\
             [[funding.programmes]]\nid = \"joint\"\nstray_cent_to = \"own\"\n\
             shares = [{ funder = \"bank\", percent = \"30\" }, { funder = \"own\", percent = \"70\" }]\n"
                .to_owned(),
        ];
        World::configured(payload(), Extra { rest: rest.concat(), ..Extra::default() }, &[]).await
    }

    pub async fn set(world: &mut World) -> Self {
        // First, because a day passes before the shop is paid for it.
        let settlement = settlement(world).await;
        let (mine, loan, loan_capability) = world.buy(&ADA, 50_000, "monthly-3").await;
        let (theirs, _, their_capability) = world.buy(&GRACE, 40_000, "monthly-3").await;
        let found = world.post("/v1/persons/search", LENDER, &json!({ "kind": "email", "value": ADA.email })).await;
        let endpoint = world.post("/v1/webhooks", MERCHANT, &json!({ "url": "https://shop.example/" })).await;
        let refund = json!({ "order": theirs.checkout["id"], "amount": 1_000, "reference": "R-1" });
        let refund = world.post_once("/v1/refunds", MERCHANT, "stage", &refund).await.expect(201);
        world.apply(&WEAK, 30_000).await;
        let reviews = world.get("/v1/reviews", LENDER).await.expect(200);
        let (line, line_capability) = line(world, &mine.application).await;
        let (_, their_line_capability) = self::line(world, &theirs.application).await;
        // The bank's file of what nobody has paid yet.
        let difference = difference(world).await;
        let pay = format!("/v1/loans/{loan}/payments");
        let payment = world.post_once(&pay, &loan_capability, "stage", &json!({ "amount": 100 })).await.expect(202);
        Self {
            endpoint: id(&endpoint.expect(201)["id"]),
            open_checkout: id(&world.checkout(1_000).await["id"]),
            checkout: id(&mine.checkout["id"]),
            application: mine.application,
            loan,
            person: id(&found.expect(200)["persons"][0]),
            line,
            refund: id(&refund["id"]),
            payment: id(&payment["payment_id"]),
            settlement,
            review: id(&reviews["reviews"][0]["id"]),
            receipt: receipt(world).await,
            difference,
            of_applications: [mine.capability, theirs.capability],
            of_loans: [loan_capability, their_capability],
            of_lines: [line_capability, their_line_capability],
        }
    }
}

async fn settlement(world: &mut World) -> String {
    let before = world.config().merchants[0].settlement.clone();
    world.config().merchants[0].settlement = toml::from_str("cycle = \"daily\"").unwrap();
    world.restart().await;
    let purchase = world.apply(&GRACE, 20_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    world.sign(&purchase, "k", &world.signing(&submitted, GRACE.name)).await.expect(201);
    let tomorrow = world.app().today().unwrap().add_days(1).unwrap().to_string();
    world.set_date(&tomorrow).await;
    assert!(world.run_job("merchant-settlement", &tomorrow).await > 0);
    let list = "/v1/merchants/shop/settlements";
    let paid = world.wait(list, MERCHANT, |list| list["settlements"][0]["status"] == "settled").await;
    world.config().merchants[0].settlement = before;
    world.restart().await;
    id(&paid["settlements"][0]["id"])
}

async fn line(world: &World, application: &str) -> (String, String) {
    let revolving = json!({ "billing": { "billing_day": 1, "due_day": 10 },
        "rate": { "annual_percent": "18", "day_count": "actual/365" }, "interest_from": "day_after_due",
        "minimum": { "percent": "10", "floor": 5_000 } });
    let body = json!({ "application_id": application, "limit": 100_000, "revolving": revolving });
    let granted = world.post_once("/v1/lines", LENDER, application, &body).await.expect(201);
    (id(&granted["line_id"]), id(&granted["capability"]))
}

async fn receipt(world: &World) -> String {
    let today = world.app().today().unwrap().to_string();
    let body = json!({ "type": "payment.cleared", "data": { "id": "t-unknown", "reference": "from whom?", "amount": 777,
        "currency": "USD", "value_date": today } });
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap();
    world.notify("msg_unknown", seconds, &world.webhook_secret, &body).await.expect(200);
    id(&world.get("/v1/ledger/suspense", LENDER).await.expect(200)["receipts"][0]["entry_id"])
}

async fn difference(world: &World) -> String {
    let path = "/v1/funders/bank/reconciliation";
    let today = world.app().today().unwrap().to_string();
    let ours = String::from_utf8(world.get(&format!("{path}?date={today}"), BANK).await.bytes).unwrap();
    // Three tenths of 500.00 are 150.00.
    let theirs = ours.replacen(",15000,", ",14999,", 1);
    assert_ne!(ours, theirs, "{ours}");
    world.post(path, BANK, &json!({ "date": today, "file": theirs })).await.expect(200);
    id(&world.get("/v1/funders/bank/breaks", BANK).await.expect(200)["breaks"][0]["id"])
}
