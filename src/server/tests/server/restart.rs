//! A server that stops at any moment loses nothing that it acknowledged.

use serde_json::json;

use crate::actors::ADA;
use crate::world::{MERCHANT, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_any_two_steps_loses_nothing() {
    let mut world = World::new().await;
    let checkout = world.checkout(50_000).await;
    world.restart().await;
    let purchase = world.apply_for(checkout, &ADA, 50_000).await;
    world.restart().await;
    let status = format!("/v1/applications/{}", purchase.application);
    assert_eq!(world.get(&status, &purchase.capability).await.expect(200)["status"], "received");
    let offer = world.offer(&purchase, "monthly-3");
    let submitted = world.submit(&purchase, &offer).await;
    world.restart().await;
    // The same submission again is answered as before.
    let again = world.submit(&purchase, &offer).await;
    assert_eq!(submitted.expect(200), again.expect(200));
    let resumed = world.get(&status, &purchase.capability).await.expect(200);
    assert_eq!(resumed["agreement"], submitted.json()["agreement"], "a page that was closed can go on");

    let signing = world.signing(&submitted.json(), "Ada Byron");
    let signed = world.sign(&purchase, "k", &signing).await;
    world.restart().await;
    let replay = world.sign(&purchase, "k", &signing).await;
    assert_eq!((signed.status, &signed.bytes), (201, &replay.bytes), "the reply that was lost is given again");
    let signed = signed.json();
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    let path = format!("/v1/loans/{loan}");
    world.wait(&path, capability, |loan| loan["status"] == "active").await;
    let order = format!("/v1/orders/{}", purchase.checkout["id"].as_str().unwrap());
    assert_eq!(world.get(&order, MERCHANT).await.expect(200)["paid_amount"], 48_500);

    let body = json!({ "amount": 50_000 });
    let instructed = world.post_once(&format!("{path}/payments"), capability, "p", &body).await.expect(202);
    world.restart().await;
    let replay = world.post_once(&format!("{path}/payments"), capability, "p", &body).await.expect(202);
    assert_eq!(instructed, replay);
    let settled = world.wait(&path, capability, |loan| loan["status"] == "settled").await;
    assert_eq!(settled["payments"].as_array().unwrap().len(), 1);
    world.restart().await;
    assert_eq!(world.get(&path, capability).await.expect(200), settled);
    world.verify().await;
}

/// The provider cannot be reached while the loan is signed; the payout waits in the outbox over a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_could_not_be_requested_is_requested_later() {
    let mut world = World::new().await;
    let reachable = world.config().provider.url.clone();
    // A port of the loopback on which nobody listens.
    world.config().provider.url = "http://127.0.0.1:9".to_owned();
    world.restart().await;
    let purchase = world.apply(&ADA, 50_000).await;
    let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
    let signed = world.sign(&purchase, "k", &world.signing(&submitted, "Ada Byron")).await.expect(201);
    let (loan, capability) = (signed["loan_id"].as_str().unwrap(), signed["capability"].as_str().unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    let path = format!("/v1/loans/{loan}");
    assert_eq!(world.get(&path, capability).await.expect(200)["status"], "disbursing");
    world.config().provider.url = reachable;
    world.restart().await;
    world.wait(&path, capability, |loan| loan["status"] == "active").await;
    let transfers = world.provider("GET", "/v1/transfers", &serde_json::Value::Null).await;
    assert_eq!(transfers["transfers"].as_array().unwrap().len(), 1, "paid out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_s_clock_survives_a_restart() {
    let mut world = World::new().await;
    world.set_date("2031-05-06").await;
    world.restart().await;
    assert!(world.now().await.starts_with("2031-05-06T17:0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_bundle_or_a_leaked_data_key_keeps_the_server_from_starting() {
    use prequal_server::settings::Settings;
    let mut world = World::new().await;
    let folder = world.folder.path().to_owned();
    let text = std::fs::read_to_string(folder.join("full.json")).unwrap();
    // One bit of the payload, in the middle.
    let mut bytes = text.clone().into_bytes();
    let middle = text.find("\"payload\":\"").unwrap() + 400;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    std::fs::write(folder.join("full.json"), &bytes).unwrap();
    let error = Settings::load(world.config(), true).unwrap_err();
    assert!(error.contains("signature"), "{error}");
    std::fs::write(folder.join("full.json"), text).unwrap();
    Settings::load(world.config(), true).unwrap();

    // The parts in each other's place.
    std::fs::rename(folder.join("public.json"), folder.join("kept.json")).unwrap();
    std::fs::copy(folder.join("full.json"), folder.join("public.json")).unwrap();
    let error = Settings::load(world.config(), true).unwrap_err();
    assert!(error.contains("must not be given to browsers"), "{error}");
    std::fs::rename(folder.join("kept.json"), folder.join("public.json")).unwrap();

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = folder.join("data.key");
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Settings::load(world.config(), true).unwrap_err();
        assert!(error.contains("0600"), "{error}");
    }
}
