//! Every route, by everybody: what each caller is answered, about what is theirs and what is not, in one table.
//!
//! A new route gets one line here; without it the claim fails.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    actors::cart,
    stage::{BANK, OTHER_BANK, Stage},
    world::{AUDITOR, EDGE, LENDER, LENDER_OF_BOOKS, LENDER_OF_OLD, MERCHANT, OTHER_MERCHANT, World},
};

/// What the identifier in a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Nothing,
    /// The shop's, not financed.
    OpenCheckout,
    /// The shop's, financed by the loan.
    Checkout,
    /// The shopper's.
    Application,
    /// The shopper's.
    Loan,
    /// The shopper.
    Person,
    /// An account of the chart, with its currency.
    Account,
    /// The shop.
    Merchant,
    /// The shop's.
    Endpoint,
    /// The shopper's.
    Line,
    /// Of the shopper's line; the query says how many instalments.
    Plan,
    /// The shop's.
    Refund,
    /// Of the shopper's loan.
    Payment,
    /// The shop's.
    Settlement,
    /// Of somebody who was referred.
    Review,
    /// Of money that nobody knows.
    Receipt,
    /// The funder.
    Funder,
}

/// Who calls, in the order of the columns.
const COLUMNS: [&str; 10] = [
    "nobody",
    "the shopper",
    "another shopper",
    "the shop",
    "another shop",
    "an edge",
    "the lender",
    "an auditor",
    "a funder",
    "another funder",
];

struct Row {
    method: &'static str,
    path: &'static str,
    of: Of,
    body: Value,
    statuses: [u16; 10],
}

fn row(method: &'static str, path: &'static str, of: Of, body: Value, statuses: [u16; 10]) -> Row {
    Row { method, path, of, body, statuses }
}

/// Read it across: nobody, the shopper, another shopper, the shop, another shop, an edge, the lender, an auditor,
/// a funder, another funder.
#[rustfmt::skip]
fn table() -> Vec<Row> {
    use Of::{Account, Application, Checkout, Endpoint, Funder, Line, Loan, Nothing, OpenCheckout, Person, Plan, Merchant, Payment, Receipt, Refund, Review, Settlement};
    let new_checkout = json!({ "merchant_order": "M-1", "amount": 1_000, "currency": "USD", "cart": cart(1_000) });
    let new_cart = json!({ "amount": 900, "cart": cart(900) });
    let signing = json!({ "decision_id": "x", "agreement_hash": "x", "signature": { "method": "typed_name", "name": "Ada Byron" } });
    let none = || Value::Null;
    vec![
        row("GET",    "/healthz",                           Nothing,      none(),                           [200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
        row("GET",    "/.well-known/jwks.json",             Nothing,      none(),                           [200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
        row("GET",    "/v1/bundle/public",                  Nothing,      none(),                           [200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
        row("POST",   "/v1/checkouts",                      Nothing,      new_checkout,                     [401, 403, 403, 201, 201, 403, 403, 403, 403, 403]),
        row("GET",    "/v1/checkouts/{id}",                 Checkout,     none(),                           [401, 404, 404, 200, 404, 404, 200, 404, 404, 404]),
        row("PUT",    "/v1/checkouts/{id}/cart",            OpenCheckout, new_cart,                         [401, 403, 403, 200, 404, 403, 403, 403, 403, 403]),
        row("GET",    "/v1/orders/{checkout_id}",           Checkout,     none(),                           [401, 404, 404, 200, 404, 404, 200, 404, 404, 404]),
        row("POST",   "/v1/applications",                   Nothing,      json!({}),                        [401, 403, 403, 403, 403, 422, 403, 403, 403, 403]),
        row("GET",    "/v1/applications/{id}",              Application,  none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/applications/{id}/data",         Application,  none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("POST",   "/v1/applications/{id}/submit",       Application,  json!({ "offer": "x" }),          [401, 422, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("POST",   "/v1/applications/{id}/sign",         Application,  signing,                          [401, 422, 404, 403, 403, 403, 403, 403, 403, 403]),
        // It is signed already.
        row("GET",    "/v1/applications/{id}/sign",         Application,  none(),                           [401, 409, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("POST",   "/v1/applications/{id}/withdrawals",  Application,  json!({ "purpose": "credit_report" }), [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/loans/{id}",                     Loan,         none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/loans/{id}/payoff",              Loan,         none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/loans/{id}/statement",           Loan,         none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/loans/{id}/agreement",           Loan,         none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("POST",   "/v1/loans/{id}/payments",            Loan,         json!({ "amount": 1 }),           [401, 202, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("POST",   "/v1/webhooks/payments",              Nothing,      json!({}),                        [400, 400, 400, 400, 400, 400, 400, 400, 400, 400]),
        row("POST",   "/v1/persons/search",                 Nothing,      json!({ "kind": "email", "value": "a" }), [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",    "/v1/persons/{id}",                   Person,       none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("POST",   "/v1/persons/{id}/corrections",       Person,       json!({ "name": "Ada Byron" }),   [401, 403, 403, 403, 403, 403, 201, 403, 403, 403]),
        // The loan is open, so that nothing is erased yet.
        row("DELETE", "/v1/persons/{id}",                   Person,       none(),                           [401, 403, 403, 403, 403, 403, 409, 403, 403, 403]),
        row("GET",    "/v1/ledger/trial-balance",           Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/ledger/entries",                 Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        // What a payer wrote may be personal.
        row("GET",    "/v1/ledger/suspense",                Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",    "/v1/notices",                        Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/duties",                         Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/decisions",                      Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/sandbox/clock",                  Nothing,      none(),                           [401, 404, 404, 404, 404, 200, 200, 404, 404, 404]),
        // Before the clock is set to a day on which nothing was bought yet.
        row("POST",   "/v1/refunds",                        Checkout,     json!({ "order": "{checkout}", "amount": 1, "reference": "R-2" }), [401, 403, 403, 201, 404, 403, 403, 403, 403, 403]),
        row("PUT",    "/v1/sandbox/clock",                  Nothing,      json!({ "now": "2026-11-01T12:00:00Z" }), [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",    "/v1/sandbox/messages",               Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",    "/v1/webhooks",                       Nothing,      none(),                           [401, 403, 403, 200, 200, 403, 200, 403, 403, 403]),
        row("POST",   "/v1/webhooks",                       Nothing,      json!({ "url": "https://shop.example/" }), [401, 403, 403, 201, 201, 403, 201, 403, 403, 403]),
        row("GET",    "/v1/webhooks/{id}",                  Endpoint,     none(),                           [401, 403, 403, 200, 404, 403, 404, 403, 403, 403]),
        row("PUT",    "/v1/webhooks/{id}",                  Endpoint,     json!({ "url": "https://shop.example/", "enabled": true }), [401, 403, 403, 200, 404, 403, 404, 403, 403, 403]),
        row("POST",   "/v1/webhooks/{id}/secret",           Endpoint,     none(),                           [401, 403, 403, 201, 404, 403, 404, 403, 403, 403]),
        row("GET",    "/v1/webhooks/{id}/deliveries",       Endpoint,     none(),                           [401, 403, 403, 200, 404, 403, 404, 403, 403, 403]),
        row("POST",   "/v1/webhooks/{id}/replays",          Endpoint,     json!({ "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z" }), [401, 403, 403, 202, 404, 403, 404, 403, 403, 403]),
        row("DELETE", "/v1/webhooks/{id}",                  Endpoint,     none(),                           [401, 403, 403, 200, 404, 403, 404, 403, 403, 403]),
        row("GET",    "/livez",                             Nothing,      none(),                           [200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
        row("GET",    "/readyz",                            Nothing,      none(),                           [200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
        row("GET",    "/metrics",                           Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("POST",   "/v1/applications/resume",            Nothing,      json!({ "token": "res_x" }),      [404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
        row("GET",    "/v1/applications/{id}/consents",     Application,  none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/applications/{id}/disclosure",   Application,  none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("POST",   "/v1/applications/{id}/disclosure/confirm", Application, json!({ "hash": "x" }),      [401, 422, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("GET",    "/v1/applications/{id}/counterfactual", Application, none(),                          [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",    "/v1/applications/{id}/funding",      Application,  none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("POST",   "/v1/applications/{id}/resume-link",  Application,  none(),                           [401, 403, 403, 403, 403, 403, 409, 403, 403, 403]),
        row("POST",   "/v1/applications/{id}/review-request", Application, none(),                          [401, 409, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("POST",   "/v1/applications/{id}/sign/code",    Application,  none(),                           [401, 409, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("GET",   "/v1/funders/{id}/position",          Funder,       none(),                           [401, 404, 404, 404, 404, 404, 200, 404, 200, 404]),
        row("GET",   "/v1/funders/{id}/reconciliation",    Funder,       none(),                           [401, 404, 404, 404, 404, 404, 200, 404, 200, 404]),
        row("POST",  "/v1/funders/{id}/reconciliation",    Funder,       json!({ "date": "2020-01-31", "file": "x" }),[401, 404, 404, 404, 404, 404, 422, 404, 422, 404]),
        row("GET",    "/v1/jobs",                           Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",    "/v1/ledger/accounts/{code}",         Account,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/ledger/closes",                  Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("POST",   "/v1/ledger/closes",                  Nothing,      json!({ "through": "2020-01-31" }), [401, 403, 403, 403, 403, 403, 201, 403, 403, 403]),
        row("GET",    "/v1/ledger/days",                    Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/ledger/export",                  Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("POST",  "/v1/ledger/suspense/{id}/match",     Receipt,      json!({ "return": true }),        [401, 403, 403, 403, 403, 403, 201, 403, 403, 403]),
        row("POST",   "/v1/lines",                          Nothing,      json!({ "limit": 1 }),            [401, 403, 403, 403, 403, 403, 422, 403, 403, 403]),
        row("GET",   "/v1/lines/{id}",                     Line,         none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("POST",  "/v1/lines/{id}/freeze",              Line,         none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("POST",  "/v1/lines/{id}/limit",               Line,         json!({ "limit": 1 }),            [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        // There is no bill yet.
        row("GET",   "/v1/lines/{id}/plans",               Plan,         none(),                           [401, 409, 404, 404, 404, 404, 409, 404, 404, 404]),
        row("POST",  "/v1/lines/{id}/plans",               Line,         json!({ "count": 3, "total": 1 }),[401, 409, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("GET",   "/v1/lines/{id}/statements",          Line,         none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("POST",  "/v1/lines/{id}/unfreeze",            Line,         none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",    "/v1/loans/{id}/autopay",             Loan,         none(),                           [401, 200, 404, 404, 404, 404, 200, 404, 404, 404]),
        row("PUT",    "/v1/loans/{id}/autopay",             Loan,         json!({ "text_hash": "0".repeat(64) }),      [401, 200, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("DELETE", "/v1/loans/{id}/autopay",             Loan,         none(),                           [401, 200, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("GET",    "/v1/loans/{id}/events",              Loan,         none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("POST",   "/v1/loans/{id}/events",              Loan,         json!({}),                        [401, 403, 403, 403, 403, 403, 422, 403, 403, 403]),
        row("GET",    "/v1/loans/{id}/funding",             Loan,         none(),                           [401, 404, 404, 404, 404, 404, 200, 404, 200, 404]),
        row("POST",   "/v1/loans/{id}/payout",              Loan,         json!({ "decision": "resend" }),  [401, 403, 403, 403, 403, 403, 409, 403, 403, 403]),
        row("POST",   "/v1/loans/{id}/withdrawal",          Loan,         json!({}),                        [401, 422, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("GET",    "/v1/merchants/{id}/settlements",     Merchant,     none(),                           [401, 404, 404, 200, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/order-events",                   Nothing,      none(),                           [401, 403, 403, 200, 200, 403, 403, 403, 403, 403]),
        row("POST",   "/v1/orders/{checkout_id}/captures",  Checkout,     json!({ "amount": 1 }),           [401, 403, 403, 409, 404, 403, 403, 403, 403, 403]),
        row("POST",   "/v1/orders/{checkout_id}/void",      Checkout,     none(),                           [401, 403, 403, 409, 404, 403, 403, 403, 403, 403]),
        row("POST",   "/v1/orders/{checkout_id}/confirm",   Checkout,     json!({ "hash": "0".repeat(64) }), [401, 404, 404, 403, 403, 403, 403, 403, 403, 403]),
        row("GET",    "/v1/refunds",                        Nothing,      none(),                           [401, 403, 403, 200, 200, 403, 200, 403, 403, 403]),
        row("POST",   "/v1/refunds",                        Nothing,      json!({ "order": "x", "amount": 1, "reference": "R" }), [401, 403, 403, 404, 404, 403, 403, 403, 403, 403]),
        row("GET",    "/v1/payments",                       Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/payments/{id}",                  Payment,      none(),                           [401, 200, 404, 404, 404, 404, 200, 200, 404, 404]),
        row("GET",    "/v1/statements",                     Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("GET",    "/v1/retention",                      Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 200, 403, 403]),
        row("POST",   "/v1/retention",                      Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",   "/v1/refunds/{id}",                   Refund,       none(),                           [401, 404, 404, 200, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/reviews",                        Nothing,      none(),                           [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("POST",  "/v1/reviews/{id}/decisions",         Review,       json!({ "verdict": "approve" }),  [401, 403, 403, 403, 403, 403, 200, 403, 403, 403]),
        row("GET",   "/v1/settlements/{id}",               Settlement,   none(),                           [401, 404, 404, 200, 404, 404, 200, 404, 404, 404]),
        row("GET",    "/v1/funders/{id}/files",             Funder,       none(),                           [401, 404, 404, 404, 404, 404, 200, 404, 200, 404]),
        row("GET",    "/v1/funders/{id}/breaks",            Funder,       none(),                           [401, 404, 404, 404, 404, 404, 200, 404, 200, 404]),
        row("POST",   "/v1/funders/{id}/breaks",            Funder,       json!({ "break_id": "{difference}", "note": "x" }), [401, 404, 404, 404, 404, 404, 200, 404, 200, 404]),
        // Last, because they revoke what the shopper had.
        row("POST",   "/v1/lines/{id}/capability",          Line,         none(),                           [401, 201, 404, 404, 404, 404, 201, 404, 404, 404]),
        row("POST",   "/v1/loans/{id}/capability",          Loan,         none(),                           [401, 201, 404, 404, 404, 404, 201, 404, 404, 404]),
    ]
}

impl Stage {
    fn path(&self, row: &Row) -> String {
        let id = match row.of {
            Of::Nothing => return row.path.to_owned(),
            Of::OpenCheckout => &self.open_checkout,
            Of::Checkout => &self.checkout,
            Of::Application => &self.application,
            Of::Loan => &self.loan,
            Of::Person => &self.person,
            Of::Account => return row.path.replace("{code}", "1110?currency=USD"),
            Of::Merchant => "shop",
            Of::Line => &self.line,
            Of::Plan => return row.path.replace("{id}", &self.line) + "?count=3",
            Of::Refund => &self.refund,
            Of::Payment => &self.payment,
            Of::Settlement => &self.settlement,
            Of::Review => &self.review,
            Of::Receipt => &self.receipt,
            Of::Funder => "bank",
            Of::Endpoint => &self.endpoint,
        };
        row.path.replace("{id}", id).replace("{checkout_id}", id)
    }

    fn credentials(&self, row: &Row) -> [&str; 10] {
        let [mine, theirs] = match row.of {
            Of::Loan | Of::Payment => &self.of_loans,
            Of::Line | Of::Plan => &self.of_lines,
            _ => &self.of_applications,
        };
        ["", mine, theirs, MERCHANT, OTHER_MERCHANT, EDGE, LENDER, AUDITOR, BANK, OTHER_BANK]
    }
}

async fn ask(world: &World, stage: &Stage, row: &Row, bearer: &str) -> (u16, Value) {
    let key = uuid::Uuid::new_v4().to_string();
    let mut headers = vec![("idempotency-key", key.as_str())];
    let body = if row.body.is_null() { String::new() } else { row.body.to_string() };
    let body = body.replace("{checkout}", &stage.checkout).replace("{difference}", &stage.difference);
    if !body.is_empty() {
        headers.push(("content-type", "application/json"));
    }
    let answer = world.call(row.method, &stage.path(row), bearer, &headers, body.as_bytes()).await;
    (answer.status, serde_json::from_slice(&answer.bytes).unwrap_or_default())
}

/// Method, path, and whether a credential is asked for: everything that the document describes.
fn described(document: &Value) -> BTreeSet<(String, String, bool)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| -> Vec<_> {
        let operations = item.as_object().unwrap().iter().filter(|(_, operation)| operation["responses"].is_object());
        operations
            .map(|(method, operation)| (method.to_uppercase(), path.clone(), !operation["security"].is_null()))
            .collect()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_answered_at_every_route_as_the_table_says() {
    let mut world = Stage::world().await;
    let stage = Stage::set(&mut world).await;
    world.verifying = false;
    let described = described(&world.get("/openapi.json", "").await.expect(200));
    let listed: BTreeSet<_> =
        table().iter().map(|row| (row.method.to_owned(), row.path.to_owned(), row.statuses[0] == 401)).collect();
    assert_eq!(listed, described, "the table has a line for each route of the document, and no other");
    let mut wrong = Vec::new();
    for row in table() {
        for ((who, bearer), expected) in COLUMNS.iter().zip(stage.credentials(&row)).zip(row.statuses) {
            let (status, answer) = ask(&world, &stage, &row, bearer).await;
            if status != expected {
                wrong.push(format!("{} {} by {who}: {status}, not {expected}: {answer}", row.method, row.path));
            }
        }
        // A key for the books only, and one whose time is over, before anything of the role is asked.
        let open = row.statuses[0] != 401;
        let reads_books = row.method == "GET" && row.path.starts_with("/v1/ledger/");
        let (narrow, answer) = ask(&world, &stage, &row, LENDER_OF_BOOKS).await;
        let (old, _) = ask(&world, &stage, &row, LENDER_OF_OLD).await;
        // What is not of the interface has no noun, and so no scope.
        let scoped = row.path.starts_with("/v1/");
        let expected = match (open, reads_books || !scoped) {
            (true, _) => (row.statuses[0], row.statuses[0]),
            (false, true) => (row.statuses[6], 401),
            (false, false) => (403, 401),
        };
        if (narrow, old) != expected {
            wrong.push(format!("{} {}: {narrow} and {old}, not {expected:?}: {answer}", row.method, row.path));
        }
        let scope = answer["scope"].as_str().unwrap_or("");
        if expected.0 == 403 && !(scope.ends_with(":read") || scope.ends_with(":write")) {
            wrong.push(format!("{} {}: no scope is named: {answer}", row.method, row.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.verify().await;
}

/// Requests that move no money and so need no `Idempotency-Key`, and what becomes of one that is sent twice.
const WITHOUT_A_KEY: [(&str, &str); 17] = [
    ("/v1/applications/resume", "a link opens once"),
    ("/v1/reviews/{id}/decisions", "each reviewer says one thing"),
    ("/v1/funders/{id}/reconciliation", "the same breaks stand"),
    ("/v1/funders/{id}/breaks", "said twice is said once"),
    ("/v1/applications/{id}/disclosure/confirm", "confirmed once, and when is kept"),
    ("/v1/applications/{id}/review-request", "the same review is open"),
    ("/v1/applications/{id}/resume-link", "another link, each opens once"),
    ("/v1/checkouts", "two checkouts, of which an order is financed once"),
    ("/v1/applications", "the offers' ids are taken, so the second is refused"),
    ("/v1/applications/{id}/submit", "the same offer is answered as before"),
    ("/v1/applications/{id}/withdrawals", "withdrawn once"),
    ("/v1/persons/search", "it reads"),
    ("/v1/persons/{id}/corrections", "the same correction stands twice"),
    ("/v1/webhooks", "two endpoints, both told"),
    ("/v1/webhooks/{id}/secret", "two secrets, both sign"),
    ("/v1/webhooks/{id}/replays", "sent again, under the id by which it is known"),
    ("/v1/webhooks/payments", "known again by its `webhook-id` and its transfer"),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_moves_money_needs_an_idempotency_key() {
    let world = World::new().await;
    let document = world.get("/openapi.json", "").await.expect(200);
    let id = uuid::Uuid::new_v4().to_string();
    for (method, path, _) in described(&document) {
        if method != "POST" || WITHOUT_A_KEY.iter().any(|(without, _)| *without == path) {
            continue;
        }
        let operation = &document["paths"][&path]["post"];
        let parameters = operation["parameters"].as_array().unwrap_or_else(|| panic!("{path} takes no parameters"));
        let key = parameters.iter().find(|parameter| parameter["name"] == "Idempotency-Key");
        let key = key.unwrap_or_else(|| panic!("{path} takes no Idempotency-Key"));
        assert_eq!((&key["required"], &key["schema"]["maxLength"]), (&json!(true), &json!(255)), "{path}");
        let row = table().into_iter().find(|row| row.path == path && row.method == "POST").unwrap();
        let body = row.body.to_string();
        let at = path.replace("{id}", &id).replace("{checkout_id}", &id);
        let mut asked = 0;
        for bearer in ["cap_x", MERCHANT, EDGE, LENDER] {
            let answer =
                world.call("POST", &at, bearer, &[("content-type", "application/json")], body.as_bytes()).await;
            if answer.status != 403 {
                answer.problem(400, "idempotency-key-missing");
                asked += 1;
            }
        }
        assert!(asked > 0, "{path} is for nobody");
    }
    for (path, _) in WITHOUT_A_KEY {
        assert!(document["paths"][path]["post"].is_object(), "{path} is no route any more");
    }
}
