//! One ledger of several currencies: each loan is carried to its last unit in its own, and no two are ever added.

use prequal_core::{
    bundle::{Bundle, Payload, split},
    canonical,
};
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    world::{Extra, LENDER, MERCHANT, World, payload},
};

const GRACE: Shopper =
    Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
const MARY: Shopper =
    Shopper { name: "Mary Shelley", email: "mary@example.com", phone: "+12125550177", standing: "good" };

fn policy(currency: &str) -> Payload {
    let mut value = serde_json::to_value(payload()).unwrap();
    value["currency"] = json!(currency);
    value["id"] = json!(format!("server-tests-{}", currency.to_lowercase()));
    serde_json::from_value(value).unwrap()
}

impl World {
    /// From now on the lender lends by the bundle of a currency; what was lent before goes on.
    async fn lend_in(&mut self, currency: &str) {
        let folder = self.folder.path().to_owned();
        self.bundle = Bundle::from_payload(canonical::to_string(&policy(currency)).unwrap().as_bytes()).unwrap();
        let bundle = &mut self.config().bundle;
        bundle.full = folder.join(format!("{currency}.json"));
        bundle.public = folder.join(format!("{currency}.public.json"));
        self.restart().await;
    }

    /// What the trial balance of a currency holds in an account, on the side where it grows.
    async fn holds(&self, currency: &str, account: &str) -> i64 {
        let balance = self.get("/v1/ledger/trial-balance", LENDER).await.expect(200);
        let mut rows = balance["accounts"].as_array().unwrap().iter();
        let row = rows.find(|row| row["currency"] == currency && row["account"] == account);
        row.map_or(0, |row| row["balance"].as_i64().unwrap())
    }

    async fn pay_instalment(&self, loan: &str, capability: &str, place: usize) {
        let path = format!("/v1/loans/{loan}");
        let view = self.get(&path, capability).await.expect(200);
        self.set_date(view["installments"][place]["due"].as_str().unwrap()).await;
        self.pay(loan, capability, view["installments"][place]["total"].as_i64().unwrap()).await;
    }
}

fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// 500.00 dollars, 400.00 euros and 30,000 yen, which have no smaller unit, each in three instalments and each begun while
/// the one before was owed. The merchant's fee is 3 %: 15.00 dollars, 12.00 euros and 900 yen.
#[tokio::test(flavor = "multi_thread")]
async fn loans_of_three_currencies_are_carried_to_the_last_unit_in_one_ledger() {
    let (euros, yen) = (policy("EUR"), policy("JPY"));
    let others = [
        ("EUR.json", euros.clone()),
        ("EUR.public.json", split(&euros)),
        ("JPY.json", yen.clone()),
        ("JPY.public.json", split(&yen)),
    ];
    let mut world = World::configured(payload(), Extra::default(), &others).await;
    let mut loans: Vec<(&str, String, String, i64)> = Vec::new();
    for (currency, shopper, amount, fee) in
        [("USD", &ADA, 50_000, 1_500), ("EUR", &GRACE, 40_000, 1_200), ("JPY", &MARY, 30_000, 900)]
    {
        if currency != "USD" {
            world.lend_in(currency).await;
        }
        let (purchase, loan, capability) = world.buy(shopper, amount, "monthly-3").await;
        assert_eq!(world.holds(currency, "1110").await, amount);
        assert_eq!(world.holds(currency, "1010").await, fee - amount, "what the merchant got");
        let order = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
        assert_eq!(minor(&world.get(&order, MERCHANT).await.expect(200)["fee"]), fee);
        world.pay_instalment(&loan, &capability, 0).await;
        // Earlier loans go on under the bundle of another currency.
        for (_, earlier, theirs, ..) in &loans {
            let view = world.get(&format!("/v1/loans/{earlier}"), theirs).await.expect(200);
            assert!(minor(&view["balance"]["total"]) > 0);
        }
        loans.push((currency, loan, capability, fee));
    }
    // Money of another currency than the loan's is no payment of it.
    let today = world.app().today().unwrap().to_string();
    let stray = json!({ "reference": loans[0].1, "amount": 700, "currency": "JPY", "value_date": today });
    world.provider("POST", "/v1/incoming", &stray).await;
    world.wait("/v1/ledger/suspense", LENDER, |page| page["receipts"].as_array().unwrap().len() == 1).await;
    assert_eq!((world.holds("JPY", "2910").await, world.holds("USD", "2910").await), (700, 0));
    for (currency, loan, capability, fee) in &loans {
        let path = format!("/v1/loans/{loan}");
        // What fell due meanwhile is paid late, and the rest with it.
        let owed = minor(&world.get(&path, capability).await.expect(200)["balance"]["total"]);
        world.pay(loan, capability, owed).await;
        let view = world.wait(&path, capability, |loan| loan["status"] == "settled").await;
        assert_eq!((&view["currency"], &view["balance"]["total"]), (&json!(currency), &json!(0)));
        let statement = world.get(&format!("{path}/statement"), capability).await.expect(200);
        let paid: i64 = statement["events"].as_array().unwrap().iter().map(|event| minor(&event["interest"])).sum();
        let earned = world.holds(currency, "4010").await;
        assert!(earned > 0 && earned == paid, "{currency}: {earned} earned, {paid} paid");
        let stray = if *currency == "JPY" { 700 } else { 0 };
        let accounts = ["1010", "1110", "1120", "2010", "2110", "2910", "4030"];
        let mut held = Vec::new();
        for account in accounts {
            held.push(world.holds(currency, account).await);
        }
        assert_eq!(held, [earned + fee + stray, 0, 0, 0, 0, stray, *fee], "{currency}: {accounts:?}");
    }
}
