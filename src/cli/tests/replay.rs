//! `prequal replay` as an auditor calls it.

mod common;

use std::path::Path;

use common::run;
use prequal_bundle::jwk::{self, Use};
use prequal_ledger::{
    Contract, DayHead, Event, Head, Loan, chain,
    export::{Line, Signature},
};
use serde_json::{Value, json};

const TERMS: &str = r#"{"currency":"USD","principal":10000,"start":"2026-01-01",
    "repayment":{"method":"free","count":4,"every":"P1M","first_due":"2026-02-01"},"rounding":"half_even"}"#;

/// A ledger of one loan, half of it paid, with one day's head signed by a key.
fn export(key: &jwk::PrivateKey) -> String {
    let contract = Contract::new(
        serde_json::from_str(TERMS).unwrap(),
        prequal_core::credit::Rules::default(),
        serde_json::from_value(json!(300)).unwrap(),
    )
    .unwrap();
    let mut lines = vec![
        json!({ "type": "ledger", "version": 1 }),
        json!({ "type": "loan", "chain": "l1", "terms": contract.terms(), "rules": contract.rules(), "merchant_fee": 300 }),
    ];
    let mut loan = Loan::new(contract);
    let mut head = Head::default();
    let mut entries = Vec::new();
    let events = [
        json!({ "type": "booked" }),
        json!({ "type": "payout_settled", "value_date": "2026-01-01" }),
        json!({ "type": "received", "amount": 5000, "payment": "p1", "value_date": "2026-01-01" }),
    ];
    let day = serde_json::from_value(json!("2026-01-01")).unwrap();
    for (number, event) in (1..).zip(events) {
        lines.push(json!({ "type": "event", "chain": "l1", "number": number, "booked": day, "event": event }));
        let event: Event = serde_json::from_value(event).unwrap();
        let sealed = chain::seal("l1", &head, loan.record(event, day).unwrap().unwrap()).unwrap();
        head = Head { number: sealed.number, hash: sealed.hash.clone() };
        let (number, previous, hash) = (sealed.number, sealed.previous, sealed.hash);
        let entry = Line::Entry { chain: "l1".into(), number, previous, hash, entry: sealed.entry };
        entries.push(serde_json::to_value(entry).unwrap());
    }
    lines.append(&mut entries);
    let day_head = DayHead::new(day, [("l1", &head)], None).unwrap();
    let signature = Signature { kid: key.public.kid.clone(), value: key.sign_bytes(&day_head.bytes().unwrap()) };
    lines.push(serde_json::to_value(Line::Day { head: day_head, signature: Some(signature) }).unwrap());
    lines.push(json!({ "type": "end", "loans": 1, "events": 3, "fundings": 0, "entries": 3, "days": 1 }));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A key pair as `prequal keygen` writes it.
fn keys(folder: &Path, name: &str, purpose: &str) -> String {
    let prefix = folder.join(name).display().to_string();
    assert!(run(&["keygen", "--use", purpose, "--out", &prefix], "").status.success());
    prefix
}

/// The one line that a failing command says.
fn refused(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn an_export_verifies_and_its_days_by_the_ledger_s_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ours = keys(folder.path(), "ours", "ledger");
    let private = jwk::read_private(Path::new(&format!("{ours}.private.jwk")), Use::Ledger).unwrap();
    let text = export(&private);
    let output = run(&["replay"], &text);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["signatures"], "not checked");
    let public = format!("{ours}.public.jwk");
    let file = folder.path().join("export.jsonl").display().to_string();
    std::fs::write(&file, &text).unwrap();
    let output = run(&["replay", "--input", &file, "--key", &public, "--states"], "");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["verified"], &summary["loans"], &summary["events"], &summary["signatures"]),
        (&json!(true), &json!(1), &json!(3), &json!("verified"))
    );
    // Lent 100.00, fee 3.00, paid out 97.00, repaid 50.00.
    assert_eq!(summary["totals"], json!([{ "currency": "USD", "debit": 25_000, "credit": 25_000 }]));
    assert_eq!(
        (&summary["states"][0]["principal"], &summary["states"][0]["status"]),
        (&json!(5_000), &json!("active"))
    );

    let other = keys(folder.path(), "other", "ledger");
    let said = refused(&["replay", "--key", &format!("{other}.public.jwk")], &text);
    assert!(said.contains("the head of `2026-01-01` is signed by another key than"), "{said}");
    let bundle = keys(folder.path(), "bundle", "bundle");
    let said = refused(&["replay", "--key", &format!("{bundle}.public.jwk")], &text);
    assert!(said.contains("made for `bundle`, and `ledger` is asked for"), "{said}");
    // The name of the right key before a signature of another.
    let forger = jwk::read_private(Path::new(&format!("{other}.private.jwk")), Use::Ledger).unwrap();
    let forged = export(&forger).replace(&forger.public.kid, &private.public.kid);
    let said = refused(&["replay", "--key", &public], &forged);
    assert!(said.contains("the signature of the head of `2026-01-01` does not verify"), "{said}");
    let start = text.find(r#","signature":"#).unwrap();
    let end = start + text[start..].find("},\"type\":\"day\"").unwrap() + 1;
    let unsigned = [&text[..start], &text[end..]].concat();
    let said = refused(&["replay", "--key", &public], &unsigned);
    assert!(said.contains("the head of `2026-01-01` is not signed"), "{said}");
}

#[test]
fn what_does_not_verify_is_one_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let ours = keys(folder.path(), "ours", "ledger");
    let private = jwk::read_private(Path::new(&format!("{ours}.private.jwk")), Use::Ledger).unwrap();
    let text = export(&private);
    let said = refused(&["replay"], &text.replacen("\"amount\":9700", "\"amount\":9600", 1));
    assert_eq!(said, "prequal: line 7: chain `l1` is broken at entry 2\n");
    let said = refused(&["replay"], &text.replacen("\"amount\":5000,\"payment\"", "\"amount\":5001,\"payment\"", 1));
    assert_eq!(said, "prequal: line 10: loan `l1`: account 1010 holds -4700, the events come to -4699\n");
    let cut = &text[..text.len() - 5];
    assert!(refused(&["replay"], cut).starts_with("prequal: line 10: EOF"), "cut off in its last line");
    let lines: Vec<&str> = text.lines().collect();
    let said = refused(&["replay"], &lines[..9].join("\n"));
    assert_eq!(said, "prequal: line 9: the export ends before its end\n");
    assert_eq!(refused(&["replay"], ""), "prequal: line 0: the export ends before its end\n");
    let said = refused(&["replay"], &"x".repeat(3 * 1024 * 1024));
    assert_eq!(said, "prequal: line 1: longer than 1048576 bytes\n");
    assert!(refused(&["replay", "--input", "/no/such/file"], "").contains("cannot open `/no/such/file`"));
    assert_eq!(run(&["replay", "--no-such-option"], "").status.code(), Some(2));
}
