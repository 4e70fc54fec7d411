//! `prequal reconcile` on files as a funder would have them.

use std::process::Command;

use serde_json::{Value, json};

const HEAD: &str = "loan,currency,principal,interest,fees,penalties,due_from_servicer,cash,interest_income,\
fee_and_penalty_income,recoveries,losses,servicing_fees\n";

fn run(ours: &str, theirs: &str) -> (bool, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (ours, theirs) = (write("ours.csv", ours), write("theirs.csv", theirs));
    let output = Command::new(env!("CARGO_BIN_EXE_prequal"))
        .arg("reconcile")
        .args(["--ours".as_ref(), ours.as_os_str(), "--theirs".as_ref(), theirs.as_os_str()])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn breaks_are_printed_by_loan_and_amount_and_a_wrong_file_is_named() {
    let ours = format!("{HEAD}a,USD,100,0,0,0,-100,0,0,0,0,0,0\nTOTAL,USD,100,0,0,0,-100,0,0,0,0,0,0\n");
    let (done, out, _) = run(&ours, &ours.replace("a,USD,100,", "a,USD,90,"));
    assert!(done);
    let found: Value = serde_json::from_str(&out).unwrap();
    let expected = json!({ "loans": 1, "breaks_count": 2, "breaks": [
        { "loan": "a", "column": "principal", "ours": 100, "theirs": 90 },
        { "loan": "TOTAL", "column": "principal", "ours": 90, "theirs": 100 },
    ] });
    assert_eq!(found, expected);
    let (done, out, error) = run(&ours, "loan,amount\na,90\n");
    assert!(!done && out.is_empty());
    assert!(error.starts_with("prequal: the funder's file: its columns must be loan,currency,"), "{error}");
}
