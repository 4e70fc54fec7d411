//! A published fuzzer over the described interface: schemathesis, from PyPI, asks as each role about things that are
//! there, and finds no 5xx and no answer that the document does not describe.

#[path = "actors.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod actors;
#[path = "database.rs"]
mod database;
#[path = "stage.rs"]
#[expect(dead_code, reason = "as above")]
mod stage;
#[path = "world.rs"]
#[expect(dead_code, reason = "as above")]
mod world;

use std::process::{Command, Stdio};

use stage::{BANK, Stage};
use world::{AUDITOR, EDGE, LENDER, MERCHANT};

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
/// or headers that are too long (414, 431) or a body that is (413) for a refusal, nor what is no more (410), nor a tag
/// that is not the thing's, which is looked at before the body (412).
fn configuration(ids: &[(&str, &str)]) -> String {
    let refused = "400 401 403 404 405 406 409 410 412 413 414 415 422 428 429 431";
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
    let mut world = Stage::world().await;
    let stage = Stage::set(&mut world).await;
    world.verifying = false;
    let file = world.folder.path().join("schemathesis.toml");
    let ids = [
        ("/v1/checkouts/", stage.open_checkout.as_str()),
        ("/v1/orders/", stage.checkout.as_str()),
        ("/v1/applications/", stage.application.as_str()),
        ("/v1/loans/", stage.loan.as_str()),
        ("/v1/persons/", stage.person.as_str()),
        ("/v1/webhooks/", stage.endpoint.as_str()),
        ("/v1/lines/", stage.line.as_str()),
        ("/v1/refunds/", stage.refund.as_str()),
        ("/v1/settlements/", stage.settlement.as_str()),
        ("/v1/reviews/", stage.review.as_str()),
        ("/v1/ledger/suspense/", stage.receipt.as_str()),
        ("/v1/merchants/", "shop"),
        ("/v1/funders/", "bank"),
    ];
    std::fs::write(&file, configuration(&ids)).unwrap();
    let mut failed = Vec::new();
    // Who may replace a shopper's credential comes after the shoppers.
    for (role, bearer) in [
        ("shopper by loan", stage.of_loans[0].as_str()),
        ("shopper by application", stage.of_applications[0].as_str()),
        ("shopper by line", stage.of_lines[0].as_str()),
        ("edge", EDGE),
        ("auditor", AUDITOR),
        ("funder", BANK),
        ("merchant", MERCHANT),
        ("lender", LENDER),
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
            // A shopper that replaces the own credential is known no more for the rest of the run.
            .args(if role.starts_with("shopper") { &["--exclude-path-regex", "/capability$"][..] } else { &[] })
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
