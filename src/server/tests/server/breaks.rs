//! The reconciliation of each day with each funder: proved by a job, and its breaks kept until they are explained and gone.

use prequal_server::{funding::breaks::NOTE_BYTES_MAX, secret};
use serde_json::{Value, json};

use crate::{
    actors::ADA,
    funding::{seventy_thirty, world},
    world::{LENDER, MERCHANT, World},
};

const BANK: &str = "fk_bank";
const OTHER_BANK: &str = "fk_other-bank";
const FILE: &str = "/v1/funders/bank/reconciliation";
const BREAKS: &str = "/v1/funders/bank/breaks";

async fn file(world: &World, date: &str) -> String {
    String::from_utf8(world.get(&format!("{FILE}?date={date}"), BANK).await.bytes).unwrap()
}

async fn compare(world: &World, date: &str, file: &str) -> Value {
    world.post(FILE, BANK, &json!({ "date": date, "file": file })).await.expect(200)
}

async fn breaks(world: &World, query: &str) -> Vec<Value> {
    let page = world.get(&format!("{BREAKS}{query}"), BANK).await.expect(200);
    page["breaks"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_each_day_that_is_over_is_proved_once_for_each_funder() {
    let world = world(&seventy_thirty("")).await;
    world.set_date("2027-01-15").await;
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.set_date("2027-01-16").await;
    // The bank, the other bank, and the lender's own books.
    assert_eq!(world.job("funder-reconciliation", "2027-01-16").await, 3);
    assert_eq!(world.job("funder-reconciliation", "2027-01-16").await, 0, "once");
    assert_eq!(world.job("funder-reconciliation", "2027-01-20").await, 0, "no day that is not over");
    let path = "/v1/funders/bank/files";
    let kept = world.get(path, BANK).await.expect(200)["files"][0].clone();
    world.pay(&loan, &who, 10_000).await;
    world.set_date("2027-01-17").await;
    assert_eq!(world.job("funder-reconciliation", "2027-01-17").await, 3);
    let text = file(&world, "2027-01-15").await;
    assert_eq!((&kept["date"], &kept["loans"]), (&json!("2027-01-15"), &json!(1)));
    assert_eq!((&kept["sha256"], &kept["bytes"]), (&json!(secret::sha256_hex(&text)), &json!(text.len())));
    // Page by page, in the order of the days.
    let first = world.get(&format!("{path}?limit=1"), LENDER).await.expect(200);
    assert_eq!(first["files"], json!([kept]));
    let next = format!("{path}?cursor={}", first["next_cursor"].as_str().unwrap());
    let second = world.get(&next, LENDER).await.expect(200)["files"].clone();
    assert_eq!((second.as_array().unwrap().len(), &second[0]["date"]), (1, &json!("2027-01-16")));
    assert_ne!(second[0]["sha256"], kept["sha256"], "money came");
    let other = world.get("/v1/funders/other-bank/files", OTHER_BANK).await.expect(200);
    assert_eq!(other["files"][0]["loans"], 0);
    for key in [OTHER_BANK, MERCHANT] {
        world.get(path, key).await.problem(404, "not-found");
    }
}

/// The bank did not see the repayment: what it says is 150.00 of principal.
#[tokio::test(flavor = "multi_thread")]
async fn a_break_is_open_until_it_is_explained_and_closed_when_it_is_gone() {
    let world = world(&seventy_thirty("")).await;
    world.set_date("2027-01-15").await;
    let (_, loan, who) = world.buy(&ADA, 50_000, "monthly-3").await;
    let stale = file(&world, "2027-01-15").await;
    world.set_date("2027-01-16").await;
    world.pay(&loan, &who, 10_000).await;
    let found = compare(&world, "2027-01-16", &stale).await;
    let open = breaks(&world, "?status=open").await;
    assert_eq!(json!(open.len()), found["breaks_count"]);
    let one = open.iter().find(|one| one["column"] == "principal" && one["loan"] == loan.as_str()).unwrap().clone();
    assert_eq!((&one["date"], &one["theirs"], &one["note"]), (&json!("2027-01-16"), &json!(15_000), &Value::Null));
    compare(&world, "2027-01-16", &stale).await;
    assert_eq!(breaks(&world, "").await, open, "a file that is sent twice is found once");

    let explain = async |key: &str, note: &str, close: bool| {
        world.post(BREAKS, key, &json!({ "break_id": one["id"], "note": note, "close": close })).await
    };
    explain(BANK, "", false).await.problem(422, "invalid-value");
    explain(BANK, &"x".repeat(NOTE_BYTES_MAX + 1), false).await.problem(422, "invalid-value");
    explain(BANK, "ours", true).await.problem(403, "forbidden");
    explain(OTHER_BANK, "not ours", false).await.problem(404, "not-found");
    let nobody = json!({ "break_id": "01926b5e-0000-7000-8000-000000000001", "note": "x" });
    world.post(BREAKS, LENDER, &nobody).await.problem(404, "not-found");
    // A break of one funder is none of another's, whoever asks.
    let of_other = json!({ "break_id": one["id"], "note": "x" });
    world.post("/v1/funders/other-bank/breaks", LENDER, &of_other).await.problem(404, "not-found");

    let note = "the statement of that day was late";
    let said = explain(BANK, note, false).await.expect(200);
    assert_eq!(
        (&said["status"], &said["note"], &said["changed_by"]),
        (&json!("explained"), &json!(note), &json!("funder:bank"))
    );
    assert_eq!(explain(BANK, note, false).await.expect(200), said, "said twice is said once");
    assert_eq!(breaks(&world, "?status=open").await.len(), open.len() - 1);
    compare(&world, "2027-01-16", &stale).await;
    assert_eq!(breaks(&world, "?status=explained").await.len(), 1, "what is explained stays so while it is the same");
    for (name, bytes) in world.stored() {
        assert!(!bytes.windows(note.len()).any(|window| window == note.as_bytes()), "{name}: a note is sealed");
    }
    // Found with another amount, it is open again, and what was said of it stays.
    let other = stale.replace("15000,", "14999,");
    compare(&world, "2027-01-16", &other).await;
    let again = breaks(&world, "?status=open").await.into_iter().find(|row| row["id"] == one["id"]).unwrap();
    assert_eq!((&again["theirs"], &again["note"]), (&json!(14_999), &json!(note)));

    // The bank's next file is right: all of it is closed, and stays so for whoever says more.
    compare(&world, "2027-01-16", &file(&world, "2027-01-16").await).await;
    let closed = breaks(&world, "").await;
    assert!(closed.iter().all(|row| row["status"] == "closed" && row["changed_by"] == "comparison"), "{closed:?}");
    explain(LENDER, "too late", true).await.problem(409, "wrong-state");
    // Found once more, it is open once more, and the lender may give it up.
    compare(&world, "2027-01-16", &stale).await;
    let given_up = explain(LENDER, "written off", true).await.expect(200);
    assert_eq!((&given_up["status"], &given_up["changed_by"]), (&json!("closed"), &json!("lender:operations")));
    world.get(&format!("{BREAKS}?status=gone"), BANK).await.problem(400, "bad-request");
    world.verify().await;
}
