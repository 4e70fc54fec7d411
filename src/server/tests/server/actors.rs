//! What merchant, edge and shopper do in a purchase.

use prequal_core::decide;
use prequal_server::{jws, secret, webhook};
use serde_json::{Value, json};

use crate::world::{Answer, CONSENT, EDGE, MERCHANT, World};

/// A purchase in progress, as merchant, edge and shopper see it.
#[derive(Debug, Clone)]
pub struct Purchase {
    pub checkout: Value,
    pub input: Value,
    pub decision: Value,
    pub offers: Vec<(String, Value)>,
    pub application: String,
    pub capability: String,
}

/// Who buys, and what the bureau says of them.
#[derive(Debug, Clone)]
pub struct Shopper {
    pub name: &'static str,
    pub email: &'static str,
    pub phone: &'static str,
    pub standing: &'static str,
}

pub const ADA: Shopper =
    Shopper { name: "Ada Byron", email: "ada@example.com", phone: "+12125550123", standing: "good" };

pub fn cart(amount: i64) -> Value {
    json!([{ "sku": "camera", "name": "A camera", "quantity": 1, "unit_amount": amount }])
}

impl World {
    pub async fn checkout(&self, amount: i64) -> Value {
        self.checkout_of(&uuid::Uuid::new_v4().to_string(), amount).await
    }

    pub async fn checkout_of(&self, order: &str, amount: i64) -> Value {
        let currency = self.bundle.currency();
        let body =
            json!({ "merchant_order": order, "amount": amount, "currency": currency.code(), "cart": cart(amount) });
        self.post("/v1/checkouts", MERCHANT, &body).await.expect(201)
    }

    pub async fn input(&self, shopper: &Shopper, amount: i64) -> Value {
        let now = self.now().await;
        let today = self.app().today().unwrap().to_string();
        json!({
            "application": {
                "order": { "amount": amount, "currency": self.bundle.currency().code() },
                "fields": { "full_name": shopper.name, "date_of_birth": "1990-02-28", "email": shopper.email,
                    "phone": shopper.phone, "income_monthly": 420_000, "agree_report": true } },
            "evidence": { "standing": {
                "value": shopper.standing, "assurance": "third_party", "source": "sandbox-bureau" } },
            "salt": secret::hex(&secret::random::<16>()),
            "as_of": now, "today": today,
        })
    }

    /// What an edge posts, ready to be changed by a test.
    pub fn application_body(&self, checkout: &Value, input: &Value) -> (Value, Value) {
        let decision: Value =
            serde_json::from_str(&decide::decide_json(&self.bundle, &input.to_string()).unwrap()).unwrap();
        let offers: Vec<Value> = decision["offers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|offer| {
                json!({ "offer_id": uuid::Uuid::new_v4().to_string(), "plan": offer["plan"],
                    "terms_hash": offer["terms_hash"] })
            })
            .collect();
        let body = json!({
            "checkout_token": checkout["token"], "input": input, "decision": decision, "offers": offers,
            "consents": [{ "purpose": "credit_report", "text_hash": secret::sha256_hex(CONSENT),
                "given_at": input["as_of"] }],
        });
        (body, decision)
    }

    pub async fn apply(&self, shopper: &Shopper, amount: i64) -> Purchase {
        let checkout = self.checkout(amount).await;
        self.apply_for(checkout, shopper, amount).await
    }

    pub async fn apply_for(&self, checkout: Value, shopper: &Shopper, amount: i64) -> Purchase {
        let input = self.input(shopper, amount).await;
        let (body, decision) = self.application_body(&checkout, &input);
        let taken = self.post("/v1/applications", EDGE, &body).await.expect(201);
        assert_eq!(taken["outcome"], decision["outcome"]);
        let offers = body["offers"].as_array().unwrap().iter().zip(decision["offers"].as_array().unwrap());
        Purchase {
            offers: offers.map(|(id, offer)| (id["offer_id"].as_str().unwrap().to_owned(), offer.clone())).collect(),
            checkout,
            input,
            decision,
            application: taken["application_id"].as_str().unwrap().to_owned(),
            capability: taken["capability"].as_str().unwrap().to_owned(),
        }
    }

    /// The claims of an offer as an honest edge makes them.
    pub fn claims(&self, purchase: &Purchase, plan: &str) -> Value {
        let (id, offer) = purchase.offers.iter().find(|(_, offer)| offer["plan"] == plan).unwrap();
        let at = |text: &Value| prequal_core::calendar::Instant::parse(text.as_str().unwrap()).unwrap().seconds();
        json!({
            "iss": "edge", "aud": "test-lender", "jti": id, "checkout": purchase.checkout["id"],
            "cart_hash": purchase.checkout["cart_hash"], "application": purchase.application,
            "as_of": purchase.input["as_of"], "bundle_hash": purchase.decision["bundle_hash"],
            "input_hash": purchase.decision["input_hash"], "iat": at(&purchase.input["as_of"]),
            "exp": at(&purchase.decision["expires"]), "offer": offer,
        })
    }

    pub fn offer(&self, purchase: &Purchase, plan: &str) -> String {
        jws::sign(&self.offer_key, jws::OFFER_TYPE, &self.claims(purchase, plan)).unwrap()
    }

    pub async fn submit(&self, purchase: &Purchase, offer: &str) -> Answer {
        let path = format!("/v1/applications/{}/submit", purchase.application);
        self.post(&path, &purchase.capability, &json!({ "offer": offer })).await
    }

    /// As [`World::submit`], to be drawn on a line.
    pub async fn submit_under(&self, purchase: &Purchase, offer: &str, line: &str) -> Answer {
        let path = format!("/v1/applications/{}/submit", purchase.application);
        self.post(&path, &purchase.capability, &json!({ "offer": offer, "line": line })).await
    }

    pub fn signing(&self, submitted: &Value, name: &str) -> Value {
        json!({ "decision_id": submitted["decision_id"], "agreement_hash": submitted["agreement"]["hash"],
            "signature": { "method": "typed_name", "name": name } })
    }

    pub async fn sign(&self, purchase: &Purchase, key: &str, body: &Value) -> Answer {
        let path = format!("/v1/applications/{}/sign", purchase.application);
        self.post_once(&path, &purchase.capability, key, body).await
    }

    /// A purchase up to the paid-out loan: its id and its capability.
    pub async fn buy(&self, shopper: &Shopper, amount: i64, plan: &str) -> (Purchase, String, String) {
        let purchase = self.apply(shopper, amount).await;
        let submitted = self.submit(&purchase, &self.offer(&purchase, plan)).await.expect(200);
        let signed = self.sign(&purchase, "sign", &self.signing(&submitted, shopper.name)).await.expect(201);
        let (loan, capability) =
            (signed["loan_id"].as_str().unwrap().to_owned(), signed["capability"].as_str().unwrap().to_owned());
        self.wait(&format!("/v1/loans/{loan}"), &capability, |loan| loan["status"] == "active").await;
        (purchase, loan, capability)
    }

    /// Instructs a payment and waits for the provider's notice of it.
    pub async fn pay(&self, loan: &str, capability: &str, amount: i64) -> Value {
        let path = format!("/v1/loans/{loan}");
        let key = uuid::Uuid::new_v4().to_string();
        let body = json!({ "amount": amount });
        let instructed = self.post_once(&format!("{path}/payments"), capability, &key, &body).await.expect(202);
        let id = instructed["payment_id"].clone();
        self.wait(&path, capability, |loan| {
            let payments = loan["payments"].as_array().unwrap();
            payments.iter().any(|payment| payment["id"] == id && payment["status"] == "cleared")
        })
        .await
    }

    /// A notice signed by whoever holds the secret.
    pub async fn notify(&self, id: &str, at: i64, secret: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let signature = webhook::Secret::parse(secret).unwrap().sign(id, at, body.as_bytes());
        let at = at.to_string();
        let headers = [("webhook-id", id), ("webhook-timestamp", at.as_str()), ("webhook-signature", &signature)];
        self.call("POST", "/v1/webhooks/payments", "", &headers, body.as_bytes()).await
    }
}
