//! `prequal persons` as a lender's people call it, on a database with one person in it.

mod common;

use std::{fs, path::Path};

use prequal_server::{
    app::App,
    config::Config,
    people::{self, Identity},
    secret, serve,
    settings::Settings,
    storage::Database,
};
use serde_json::{Value, json};

/// What a server needs, and a person with one record in its database; gives the folder and the person.
fn lender() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let done = |arguments: &[&str]| {
        let output = common::run(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for (use_, name) in [("bundle", "bundle"), ("checkout", "checkout")] {
        done(&["keygen", "--use", use_, "--out", &path(name)]);
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bundles/cn").display().to_string();
    done(&["bundle", "build", &sources, "--out", &path("unsigned.json")]);
    let key = path("bundle.private.jwk");
    done(&["bundle", "sign", "--key", &key, &path("unsigned.json"), "--out", &path("full.json")]);
    done(&["bundle", "split", &path("full.json"), "--out", &path("part.json")]);
    done(&["bundle", "sign", "--key", &key, &path("part.json"), "--out", &path("public.json")]);
    let text = format!(
        "data_key_file = \"data.key\"\ndatabase = \"sqlite://{}\"\n[lender]\nid = \"l\"\n\
         [bundle]\nfull = \"full.json\"\npublic = \"public.json\"\nkeys = [\"bundle.public.jwk\"]\n\
         [checkout]\nkey = \"checkout.private.jwk\"\n[provider]\nurl = \"http://127.0.0.1:9\"\nkey = \"k\"\n\
         webhook_secret = \"{}\"\n",
        path("prequal.db"),
        prequal_server::webhook::Secret::generate(),
    );
    fs::write(path("prequal.toml"), text).unwrap();
    let person = serve::block_on(async {
        let config = Config::read(path("prequal.toml").as_ref())?;
        let (settings, vault) = Settings::load(&config, true)?;
        let app = App::new(Database::open(&config.database).await?, settings, vault, false).await?;
        let work = |mut tx: prequal_server::storage::group::Part| {
            let vault = &app.vault;
            async move {
                let identity = Identity {
                    name: Some("张伟".to_owned()),
                    email: Some("wei@example.cn".to_owned()),
                    ..Identity::default()
                };
                let (person, key) = people::find_or_make(&mut tx, vault, &identity, "2026-11-23T08:00:00Z").await?;
                let record = json!({ "full_name": "张伟" }).to_string();
                people::keep(&mut tx, &person, &key, "decision_input", record.as_bytes(), "2026-11-23T08:00:00Z")
                    .await?;
                Ok(person)
            }
        };
        let person = app.db.write(work).await.map_err(|problem| problem.to_string())?;
        app.db.close().await;
        Ok(person)
    });
    (folder, person.unwrap())
}

fn call(folder: &tempfile::TempDir, arguments: &[&str], input: &str) -> Result<Value, String> {
    let config = folder.path().join("prequal.toml").display().to_string();
    let all: Vec<&str> = ["persons", "--config", &config].into_iter().chain(arguments.iter().copied()).collect();
    let output = common::run(&all, input);
    match output.status.code() {
        Some(0) => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        Some(1) => Err(String::from_utf8(output.stderr).unwrap()),
        other => panic!("{other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn a_person_is_found_exported_corrected_and_erased() {
    let (folder, person) = lender();
    let id = person.as_str();
    let found = json!({ "persons": [person] });
    assert_eq!(call(&folder, &["find", "email"], " WEI@example.cn\n").unwrap(), found);
    let export = call(&folder, &["export", id], "").unwrap();
    assert_eq!(export["records"][0]["content"]["full_name"], "张伟");
    let corrected = call(&folder, &["correct", id], r#"{"email":"new@example.cn"}"#).unwrap();
    assert_eq!(corrected["person_id"], id);
    assert_eq!(call(&folder, &["find", "email"], "new@example.cn").unwrap(), found);
    assert_eq!(call(&folder, &["find", "email"], "wei@example.cn").unwrap(), json!({ "persons": [] }));
    let kept = call(&folder, &["retain", "--dry-run"], "").unwrap();
    assert_eq!((&kept["purposes"][0]["purpose"], &kept["purposes"][0]["days"]), (&json!("application"), &Value::Null));
    assert_eq!(call(&folder, &["retain"], "").unwrap()["erased"], 0, "for ever, unless the configuration says so");
    let erased = call(&folder, &["erase", id], "").unwrap();
    assert_eq!(call(&folder, &["erase", id], "").unwrap(), erased, "erased once");
    assert_eq!(call(&folder, &["export", id], "").unwrap()["records"], json!([]));
    assert!(call(&folder, &["correct", id], r#"{"name":"A"}"#).unwrap_err().contains("erased"));
}

#[test]
fn what_is_wrong_is_told_in_one_line_that_repeats_nothing_personal() {
    let (folder, person) = lender();
    let nobody = secret::sha256_hex("nobody");
    for (arguments, input, words) in [
        (vec!["find", "name"], "张伟", "found by"),
        (vec!["export", nobody.as_str()], "", "no such resource"),
        (vec!["erase", nobody.as_str()], "", "no such resource"),
        (vec!["correct", person.as_str()], "{}", "nothing is corrected"),
        (vec!["correct", person.as_str()], r#"{"income":"张伟"}"#, "unknown field"),
        (vec!["withdraw", nobody.as_str(), "credit_report"], "", "no such resource"),
    ] {
        let error = call(&folder, &arguments, input).unwrap_err();
        assert!(error.contains(words) && error.lines().count() == 1, "{arguments:?}: {error}");
        assert!(!error.contains("张伟"), "{error}");
    }
    let missing = folder.path().join("other.db").display().to_string();
    let error = call(&folder, &["--database", &format!("sqlite://{missing}"), "export", &person], "").unwrap_err();
    assert!(error.contains("no lending database"), "{error}");
}
