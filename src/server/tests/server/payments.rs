//! Payments of all loans, for whom they concern.

use serde_json::json;

use crate::{
    actors::ADA,
    world::{AUDITOR, LENDER, MERCHANT, World},
};

/// Whoever serves loans sees the payments of all of them, by state and page by page; a shopper sees their own.
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_all_loans_are_listed_by_state_and_read_by_whom_they_concern() {
    let world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 20_000, "monthly-3").await;
    let (_, _, another) = world.buy(&ADA, 20_000, "monthly-3").await;
    for amount in [1_000, 2_000, 3_000] {
        world.pay(&loan, &capability, amount).await;
    }
    let mut amounts = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/v1/payments?status=cleared&limit=2{cursor}"), LENDER).await.expect(200);
        let payments = page["payments"].as_array().unwrap();
        assert!(payments.iter().all(|payment| payment["loan_id"] == *loan && payment["status"] == "cleared"));
        amounts.extend(payments.iter().map(|payment| payment["amount"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(amounts, [1_000, 2_000, 3_000]);
    let none = world.get("/v1/payments?status=charged_back", AUDITOR).await.expect(200);
    assert_eq!(none["payments"], json!([]));
    world.get("/v1/payments?status=paid", LENDER).await.problem(400, "bad-request");
    world.get("/v1/payments?loan=x", LENDER).await.problem(400, "bad-request");

    let all = world.get("/v1/payments?limit=1", LENDER).await.expect(200);
    let path = format!("/v1/payments/{}", all["payments"][0]["id"].as_str().unwrap());
    for reader in [LENDER, AUDITOR, &*capability] {
        assert_eq!(world.get(&path, reader).await.expect(200)["amount"], 1_000);
    }
    for stranger in [MERCHANT, &*another] {
        world.get(&path, stranger).await.problem(404, "not-found");
    }
}
