//! `prequal keygen`, `bundle` and `decide` as a lender's scripts call them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bundles/cn")
}

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_prequal")).args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    /// The JSON that a command prints.
    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The one line on standard error of a command that fails with exit code 1.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    }

    /// Keys, and a signed bundle in both parts.
    fn signed() -> Self {
        let desk = Self::new();
        let folder = sources().display().to_string();
        desk.done(&["keygen", "--use", "bundle", "--out", "k"]);
        desk.done(&["bundle", "build", &folder, "--out", "unsigned.json"]);
        desk.done(&["bundle", "sign", "--key", "k.private.jwk", "unsigned.json", "--out", "full.json"]);
        desk.done(&["bundle", "split", "full.json", "--out", "part.json"]);
        desk.done(&["bundle", "sign", "--key", "k.private.jwk", "part.json", "--out", "public.json"]);
        desk
    }
}

fn input() -> Value {
    json!({
        "application": {
            "fields": {
                "full_name": "张伟", "resident_id": "360426199101010071", "phone": "+8613800138000",
                "income_monthly": 800_000,
            },
            "order": {"amount": 300_000, "currency": "CNY"},
        },
        "as_of": "2026-11-23T08:00:00Z",
        "evidence": {"credit_grade": {"value": "B", "assurance": "third_party"}},
        "salt": "00".repeat(16),
        "today": "2026-11-23",
    })
}

#[test]
fn a_bundle_goes_from_sources_to_a_decision() {
    let desk = Desk::signed();
    let full = desk.done(&["bundle", "verify", "--key", "k.public.jwk", "full.json"]);
    let public = desk.done(&["bundle", "verify", "--key", "k.public.jwk", "public.json"]);
    assert_eq!((&full["part"], &public["part"]), (&json!("full"), &json!("public")));
    assert_ne!(full["bundle_hash"], public["bundle_hash"]);
    let inspected = desk.done(&["bundle", "inspect", "full.json"]);
    assert_eq!(
        inspected["plans"],
        json!(["equal-principal-5", "equal-instalment-6", "equal-instalment-12", "down-payment-3"])
    );
    assert_eq!(inspected["kid"], full["kid"]);

    fs::write(desk.path("input.json"), input().to_string()).unwrap();
    let decide = ["decide", "--bundle", "full.json", "--key", "k.public.jwk", "--input", "input.json"];
    let output = desk.run(&decide);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let decision: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(decision["outcome"], "eligible");
    assert_eq!(decision["bundle_hash"], full["bundle_hash"]);
    assert_eq!(output.stdout, desk.run(&decide).stdout, "the same input gives the same bytes");

    let refusal =
        desk.refused(&["decide", "--bundle", "public.json", "--key", "k.public.jwk", "--input", "input.json"]);
    assert!(refusal.contains("can only prequalify") && refusal.contains("`--prequalify`"), "{refusal}");
    let estimate = desk.done(&["decide", "--bundle", "public.json", "--prequalify", "--input", "input.json"]);
    assert_eq!(estimate["outcome"], "continue", "at the dearest price no plan is within the law");
}

/// The fixture with its price marked: bands B to D lend up to 20,000.00, and this order is 21,500.00.
#[test]
fn a_counterfactual_is_a_document_beside_a_decision_that_stays_as_it_is() {
    let desk = Desk::new();
    let folder = desk.path("sources");
    fs::create_dir_all(Path::new(&folder).join("tables")).unwrap();
    for part in ["", "tables"] {
        for entry in fs::read_dir(sources().join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, Path::new(&folder).join(part).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let features = Path::new(&folder).join("features.toml");
    let order = "from = { engine = \"order_amount\" }\n";
    let text = fs::read_to_string(&features).unwrap();
    let mark = format!("{order}change = {{ direction = \"down\", step = 20000, safe = true }}\n");
    fs::write(&features, text.replacen(order, &mark, 1)).unwrap();
    desk.done(&["bundle", "build", &Path::new(&folder).display().to_string(), "--out", "full.json"]);
    let mut large = input();
    large["application"]["order"]["amount"] = json!(2_150_000);
    fs::write(desk.path("input.json"), large.to_string()).unwrap();
    let decide = ["decide", "--bundle", "full.json", "--input", "input.json"];
    let decision = desk.run(&decide).stdout;
    let decided = desk.run(&[&decide[..], &["--counterfactual", "change.json"]].concat());
    assert_eq!(decided.stdout, decision);
    let found: Value = serde_json::from_str(&fs::read_to_string(desk.path("change.json")).unwrap()).unwrap();
    let decision: Value = serde_json::from_slice(&decision).unwrap();
    assert_eq!((&decision["outcome"], &found["outcome"]), (&json!("declined"), &json!("declined")));
    assert_eq!((&found["bundle_hash"], &found["input_hash"]), (&decision["bundle_hash"], &decision["input_hash"]));
    // 21,500.00 less eight times 200.00 is the first of the grid that is at most 20,000.00.
    let change = json!([{"bins": 1, "feature": "order_amount", "from": 2_150_000, "label": "", "to": 1_990_000}]);
    for view in ["staff", "person"] {
        assert_eq!(found[view]["answer"], "found");
        assert_eq!((&found[view]["changes"], &found[view]["outcome"]), (&change, &json!("eligible")));
    }
    let output = desk.run(&[&decide[..], &["--goal", "other"]].concat());
    assert_eq!(output.status.code(), Some(2), "a goal without a counterfactual is wrong usage");
}

#[test]
fn an_unsigned_bundle_decides_with_a_warning_and_not_where_a_key_is_asked_for() {
    let desk = Desk::signed();
    fs::write(desk.path("input.json"), input().to_string()).unwrap();
    let output = desk.run(&["decide", "--bundle", "unsigned.json", "--input", "input.json"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("warning: bundle `unsigned.json`: it is not signed"));
    let output = desk.run(&["decide", "--bundle", "full.json", "--input", "input.json"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("was not verified"));
    let refusal =
        desk.refused(&["decide", "--bundle", "unsigned.json", "--key", "k.public.jwk", "--input", "input.json"]);
    assert!(refusal.contains("`unsigned.json` is refused: the bundle is not signed"), "{refusal}");
}

#[test]
fn a_changed_bundle_another_key_and_a_key_for_another_use_are_refused() {
    let desk = Desk::signed();
    let text = fs::read_to_string(desk.path("full.json")).unwrap();
    let at = text.find("\"payload\":\"").unwrap() + 400;
    let mut bytes = text.into_bytes();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    fs::write(desk.path("changed.json"), bytes).unwrap();
    let refusal = desk.refused(&["bundle", "verify", "--key", "k.public.jwk", "changed.json"]);
    assert!(refusal.contains("signature does not fit its content"), "{refusal}");

    desk.done(&["keygen", "--use", "bundle", "--out", "other"]);
    let refusal = desk.refused(&["bundle", "verify", "--key", "other.public.jwk", "full.json"]);
    assert!(refusal.contains("not among the trusted ones"), "{refusal}");
    desk.done(&["keygen", "--use", "offer", "--out", "offer"]);
    let refusal = desk.refused(&["bundle", "sign", "--key", "offer.private.jwk", "unsigned.json", "--out", "x.json"]);
    assert!(refusal.contains("made for `offer`, and `bundle` is asked for"), "{refusal}");
    let refusal = desk.refused(&["bundle", "sign", "--key", "k.public.jwk", "unsigned.json", "--out", "x.json"]);
    assert!(refusal.contains("no private key"), "{refusal}");
    let refusal = desk.refused(&["keygen", "--use", "bundle", "--out", "k"]);
    assert!(refusal.contains("cannot create `k.private.jwk`"), "a key is never overwritten: {refusal}");
}

#[test]
fn what_is_wrong_with_sources_or_input_is_one_line() {
    let desk = Desk::signed();
    let refusal = desk.refused(&["bundle", "build", "nowhere", "--out", "x.json"]);
    assert!(refusal.contains("bundle.toml: cannot be read"), "{refusal}");
    assert!(!Path::new(&desk.path("x.json")).exists());
    let refusal = desk.refused(&["bundle", "split", "public.json", "--out", "x.json"]);
    assert!(refusal.contains("is a public part already"), "{refusal}");
    let mut wrong = input();
    wrong["application"]["order"]["currency"] = json!("USD");
    fs::write(desk.path("wrong.json"), wrong.to_string()).unwrap();
    let refusal = desk.refused(&["decide", "--bundle", "full.json", "--key", "k.public.jwk", "--input", "wrong.json"]);
    assert_eq!(refusal.trim_end(), "prequal: currency_mismatch: the order is in `USD` and the bundle lends in `CNY`");
    assert_eq!(desk.run(&["bundle", "verify", "full.json"]).status.code(), Some(2), "wrong usage");
}

#[cfg(unix)]
#[test]
fn a_private_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let made = desk.done(&["keygen", "--use", "ledger", "--out", "k"]);
    assert_eq!(made["use"], "ledger");
    let mode = fs::metadata(desk.path("k.private.jwk")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let public = fs::read_to_string(desk.path("k.public.jwk")).unwrap();
    assert!(!public.contains("\"d\""));
}
