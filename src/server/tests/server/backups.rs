//! A backup made under load restores to a ledger that verifies, with everything that was acknowledged before it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prequal_server::{backup, storage::Engine};
use serde_json::{Value, json};

use crate::{
    actors::{ADA, Shopper},
    database,
    process::Process,
    world::{LENDER, World},
};

const CLIENTS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_has_every_request_that_was_acknowledged_before_it() {
    let mut world = World::new().await;
    world.verifying = false;
    let (_, loan, capability) = world.buy(&ADA, 250_000, "monthly-6").await;
    let url = world.config().database.clone();
    let world = Arc::new(world);
    let over = Arc::new(AtomicBool::new(false));
    let acknowledged: Arc<std::sync::Mutex<Vec<(String, Value)>>> = Arc::default();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (world, over, acknowledged) = (world.clone(), over.clone(), acknowledged.clone());
            let (path, capability) = (format!("/v1/loans/{loan}/payments"), capability.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    if over.load(Ordering::SeqCst) || number >= 100 {
                        break;
                    }
                    let key = format!("{client}-{number}");
                    let answer = world.post_once(&path, &capability, &key, &json!({ "amount": 7 })).await.expect(202);
                    acknowledged.lock().unwrap().push((key, answer));
                }
            })
        })
        .collect();
    while acknowledged.lock().unwrap().len() < 3 * CLIENTS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = acknowledged.lock().unwrap().clone();
    let out = world.folder.path().join("backup.file");
    let verified = backup::backup(&url, &out).await.unwrap();
    assert!(verified.contains("verify"), "{verified}");
    over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    assert!(backup::backup(&url, &out).await.unwrap_err().contains("is there already"), "a backup replaces nothing");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o077, 0, "nobody else reads it");
    }

    // Under a running server: never. It would go on acknowledging what the new database does not have.
    let mut world = Arc::into_inner(world).unwrap();
    let running = backup::restore(&url, &out, true).await.unwrap_err();
    assert!(running.contains("is in use") && running.contains("stop"), "{running}");
    let late =
        world.post_once(&format!("/v1/loans/{loan}/payments"), &capability, "late", &json!({ "amount": 7 })).await;
    late.expect(202);
    let text = std::fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(text.into_iter().all(|name| !name.to_string_lossy().contains("replaced-")), "nothing was put aside");

    // Into a database that holds something: only when told.
    world.stop().await;
    let refused = backup::restore(&url, &out, false).await.unwrap_err();
    assert!(refused.contains("--replace"), "{refused}");
    let restored = backup::restore(&url, &out, true).await.unwrap();
    assert!(restored.contains("verify"), "{restored}");
    world.start().await;
    world.verify().await;
    let path = format!("/v1/loans/{loan}/payments");
    let there =
        world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200)["payments"].as_array().unwrap().len();
    assert!(there >= before.len(), "{there} of {}", before.len());
    for (key, answer) in &before {
        let again = world.post_once(&path, &capability, key, &json!({ "amount": 7 })).await.expect(202);
        assert_eq!(again, *answer, "it is known after the restore");
    }
}

/// As above, with the server in a process of its own, which is what happens.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_under_another_process_changes_nothing_and_that_process_serves_on() {
    let mut world = World::new().await;
    world.verifying = false;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let url = world.config().database.clone();
    let out = world.folder.path().join("backup.file");
    backup::backup(&url, &out).await.unwrap();
    world.stop().await;
    let mut process = Process::start(&world, world.address());
    let running = backup::restore(&url, &out, true).await.unwrap_err();
    assert!(running.contains("is in use"), "{running}");
    let path = format!("/v1/loans/{loan}");
    let body = json!({ "amount": 7 });
    let late = world.post_once(&format!("{path}/payments"), &capability, "late", &body).await.expect(202);
    process.kill();
    world.start().await;
    let view = world.get(&path, &capability).await.expect(200);
    assert_eq!(view["payments"][0]["id"], late["payment_id"], "what was acknowledged is there");
    world.stop().await;
    backup::restore(&url, &out, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_erased_after_the_backup_does_not_come_back_with_it() {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    world.pay(&loan, &capability, 50_000).await;
    let grace = Shopper { name: "Grace Hopper", email: "grace@example.com", phone: "+12125550199", standing: "good" };
    let stays = world.apply(&grace, 50_000).await;
    let url = world.config().database.clone();
    let out = world.folder.path().join("backup.file");
    backup::backup(&url, &out).await.unwrap();
    let person = world.text("SELECT person FROM loans WHERE id = $1", &loan).await;
    let path = format!("/v1/persons/{person}");
    let erased = world.call("DELETE", &path, LENDER, &[], b"").await.expect(200)["erased"].clone();
    world.stop().await;
    let report = backup::restore(&url, &out, true).await.unwrap();
    assert!(report.ends_with("1 erased after the backup, and erased again"), "{report}");
    world.start().await;
    let export = world.get(&path, LENDER).await.expect(200);
    assert_eq!((&export["erased"], &export["records"]), (&erased, &json!([])));
    let key = "SELECT CAST(count(*) AS TEXT) FROM persons WHERE id = $1 AND wrapped_key IS NOT NULL";
    assert_eq!(world.text(key, &person).await, "0", "the key is destroyed again");
    let search = json!({ "kind": "email", "value": ADA.email });
    assert_eq!(world.post("/v1/persons/search", LENDER, &search).await.expect(200)["persons"], json!([]));
    // Nobody else is touched.
    let data = world.get(&format!("/v1/applications/{}/data", stays.application), LENDER).await.expect(200);
    assert!(data["input"].is_object());
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_into_an_empty_database() {
    let mut world = World::new().await;
    let (_, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let out = world.folder.path().join("backup.file");
    backup::backup(&world.config().database.clone(), &out).await.unwrap();
    world.stop().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let empty = database::fresh(elsewhere.path());
    backup::restore(&empty, &out, false).await.unwrap();
    world.config().database = empty;
    world.start().await;
    assert_eq!(world.get(&format!("/v1/loans/{loan}"), &capability).await.expect(200)["status"], "active");
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_backup_restores_nothing() {
    let mut world = World::new().await;
    let url = world.config().database.clone();
    world.stop().await;
    let folder = world.folder.path().to_owned();
    let cut = folder.join("cut");
    let missing = backup::restore(&url, &folder.join("missing"), true).await.unwrap_err();
    assert!(missing.contains("is no file"), "{missing}");
    std::fs::write(&cut, b"SQLite format 3\0 and not much more").unwrap();
    backup::restore(&url, &cut, true).await.unwrap_err();
    // What was there is there.
    world.start().await;
    world.verify().await;
    let nowhere = match database::engine() {
        Engine::Sqlite => format!("sqlite://{}", folder.join("none.db").display()),
        Engine::Postgres => database::cluster().new_database(),
    };
    let refused = backup::backup(&nowhere, &folder.join("out")).await.unwrap_err();
    assert!(refused.contains("does not exist"), "{refused}");
    assert!(!folder.join("out").exists() && !folder.join("none.db").exists());
}
