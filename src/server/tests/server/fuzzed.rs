//! A published fuzzer over the described interface: schemathesis, from PyPI, asks as each role about things that are
//! there, and finds no 5xx and no answer that the document does not describe.

#[path = "actors.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod actors;
#[path = "database.rs"]
mod database;
#[path = "world.rs"]
#[expect(dead_code, reason = "as above")]
mod world;

use std::process::{Command, Stdio};

use actors::ADA;
use serde_json::{Value, json};
use world::{AUDITOR, EDGE, LENDER, MERCHANT, World};

/// The program `st`, which the tasks install.
const PROGRAM: &str = "PREQUAL_SCHEMATHESIS";
/// How many examples it makes for each operation.
const EXAMPLES: &str = "PREQUAL_SCHEMATHESIS_EXAMPLES";
const EXAMPLES_DEFAULT: &str = "25";
/// How long one role's run may take, in seconds.
const SECONDS_MAX: &str = "PREQUAL_SCHEMATHESIS_SECONDS";
const SECONDS_MAX_DEFAULT: &str = "60";
/// What must hold. Whether what a schema lets through is also accepted is not asked: most of what is refused is
/// refused for what it means.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,missing_required_header,\
    unsupported_method";

/// What refuses a request, and which thing the identifier of a path names. By itself the program does not take an address
/// or headers that are too long (414, 431) or a body that is (413) for a refusal, nor what is no more (410).
fn configuration(ids: &[(&str, &str)]) -> String {
    let refused = "400 401 403 404 405 406 409 410 413 414 415 422 428 429 431";
    let statuses: Vec<String> = refused.split(' ').map(|status| format!("\"{status}\"")).collect();
    let mut text = format!("[checks]\nnegative_data_rejection.expected-statuses = [{}]\n\n", statuses.join(", "));
    for (path, id) in ids {
        text.push_str(&format!(
            "[[operations]]\ninclude-path-regex = \"^{path}\"\nparameters = {{ \"path.id\" = \"{id}\", \
             \"path.checkout_id\" = \"{id}\" }}\n\n"
        ));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_fuzzer_finds_nothing_that_the_document_does_not_say() {
    let asked = |variable: &str, otherwise: &str| std::env::var(variable).unwrap_or_else(|_| otherwise.to_owned());
    let program =
        std::env::var(PROGRAM).expect("where schemathesis is: `cargo xtask test --stage interface` installs it");
    let (examples, seconds) = (asked(EXAMPLES, EXAMPLES_DEFAULT), asked(SECONDS_MAX, SECONDS_MAX_DEFAULT));
    let mut world = World::new().await;
    let (purchase, loan, capability) = world.buy(&ADA, 50_000, "monthly-3").await;
    let open = world.checkout(1_000).await;
    let found = world.post("/v1/persons/search", LENDER, &json!({ "kind": "email", "value": ADA.email })).await;
    world.verifying = false;
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let endpoint = world.post("/v1/webhooks", MERCHANT, &json!({ "url": "https://shop.example/" })).await;
    let endpoint = id(&endpoint.expect(201)["id"]);
    let (open, person) = (id(&open["id"]), id(&found.expect(200)["persons"][0]));
    let file = world.folder.path().join("schemathesis.toml");
    let ids = [
        ("/v1/checkouts/", open.as_str()),
        ("/v1/orders/", open.as_str()),
        ("/v1/applications/", purchase.application.as_str()),
        ("/v1/loans/", loan.as_str()),
        ("/v1/persons/", person.as_str()),
        ("/v1/webhooks/", endpoint.as_str()),
    ];
    std::fs::write(&file, configuration(&ids)).unwrap();
    let mut failed = Vec::new();
    for (role, bearer) in [
        ("lender", LENDER),
        ("merchant", MERCHANT),
        ("edge", EDGE),
        ("auditor", AUDITOR),
        ("shopper by loan", &capability),
        ("shopper by application", &purchase.capability),
    ] {
        let mut run = Command::new(&program);
        run.args(["--config-file".as_ref(), file.as_os_str()])
            .args(["run", &format!("{}/openapi.json", world.base)])
            .args(["--header", &format!("Authorization: Bearer {bearer}")])
            .args(["--checks", CHECKS, "--max-examples", &examples, "--seed", "1", "--no-color"])
            .args(["--phases", "examples,coverage,fuzzing", "--max-time", &seconds])
            .args(["--suppress-health-check", "all", "--continue-on-failure"])
            // Stopping the clock of everything else is the lender's to do, and nothing that is fuzzed.
            .args(["--exclude-path", "/v1/sandbox/clock"])
            .current_dir(world.folder.path())
            .stdin(Stdio::null());
        let run = tokio::task::spawn_blocking(move || run.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        println!(
            "as {role}: {}",
            said.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        );
        if !run.status.success() {
            failed.push(format!("as {role}:\n{said}\n{}", String::from_utf8_lossy(&run.stderr)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    world.verify().await;
}
