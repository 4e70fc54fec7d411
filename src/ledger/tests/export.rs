//! Claims about a ledger that somebody else holds: it verifies from its export alone, and no change goes unseen.

mod common;

use common::*;
use prequal_core::canonical;
use prequal_ledger::{
    Account, DayHead, Event, Funding, Head, LedgerError, Moved, chain,
    export::{CHAIN_BYTES_MAX, LINE_BYTES_MAX, Line, Replay, Verified},
};

const TERMS: &str = r#"{"currency":"USD","principal":10001,"start":"2026-01-01",
    "rate":{"annual_percent":"36.5","day_count":"actual/365"},
    "repayment":{"method":"equal_installment","count":3,"every":"P1M","first_due":"2026-02-01"},"rounding":"half_even"}"#;

/// An export of one loan of two funders over two days, line by line.
fn export() -> Vec<String> {
    let mut books = Books::of(TERMS, "{}");
    books.record(collected(4_000, "d1", "2026-02-01"), "2026-02-01");
    books.record(Event::Returned { payment: "d1".into() }, "2026-02-03");
    books.record(received(3_000, "2026-02-03"), "2026-02-03");
    let contract = books.loan.contract();
    let mut lines = vec![
        Line::Ledger { version: 1 },
        Line::Loan {
            chain: "l1".into(),
            terms: Box::new(contract.terms().clone()),
            rules: Box::new(contract.rules().clone()),
            merchant_fee: contract.merchant_fee(),
            servicing: Box::default(),
        },
    ];
    for (number, record) in (1..).zip(books.loan.records()) {
        let event = record.event.clone();
        lines.push(Line::Event { chain: "l1".into(), number, booked: record.booked, event });
    }
    let events = lines.len() as u64 - 2;
    let mut heads = Vec::new();
    let mut entries = 0;
    let mut seal = |name: &str, posted: &[prequal_ledger::Entry], lines: &mut Vec<Line>| {
        let mut head = Head::default();
        for entry in posted {
            let sealed = chain::seal(name, &head, entry.clone()).unwrap();
            head = Head { number: sealed.number, hash: sealed.hash.clone() };
            let (number, previous, hash) = (sealed.number, sealed.previous, sealed.hash);
            lines.push(Line::Entry { chain: name.to_owned(), number, previous, hash, entry: sealed.entry });
            entries += 1;
        }
        heads.push((name.to_owned(), head));
    };
    seal("l1", &books.entries, &mut lines);
    let funding: Funding = serde_json::from_str(
        r#"{"funders":[{"id":"a","share_percent":"70","servicing_fee_percent":"10"},{"id":"b","share_percent":"30"}],
            "stray_cent":"b"}"#,
    )
    .unwrap();
    let moved = [Moved { funded: amount(7_000), remitted: amount(0) }, Moved::default()];
    for (funder, position) in funding
        .funders()
        .iter()
        .zip(funding.positions(books.loan.contract().terms(), books.loan.position(), &moved).unwrap())
    {
        let none = prequal_ledger::FunderPosition::default();
        let entry = position.entry_from(&none, date("2026-02-03"), contract.currency(), "share").unwrap();
        seal(&format!("l1/{}", funder.id), &[entry.unwrap()], &mut lines);
    }
    lines.push(Line::Funding { chain: "l1".into(), funding });
    // On 2 February the loan's chain had its third entry; on 3 February all had their last.
    let third = lines
        .iter()
        .filter_map(|line| match line {
            Line::Entry { chain, number, hash, entry, .. } if chain == "l1" && entry.date() < date("2026-02-03") => {
                Some(Head { number: *number, hash: hash.clone() })
            }
            _ => None,
        })
        .next_back()
        .unwrap();
    let first = DayHead::new(date("2026-02-02"), [("l1", &third)], None).unwrap();
    let all = heads.iter().map(|(name, head)| (name.as_str(), head));
    let second = DayHead::new(date("2026-02-03"), all, Some(&first)).unwrap();
    lines.push(Line::Day { head: first, signature: None });
    lines.push(Line::Day { head: second, signature: None });
    lines.push(Line::End { loans: 1, events, fundings: 1, entries, days: 2 });
    lines.iter().map(|line| canonical::to_string(line).unwrap()).collect()
}

fn replay(lines: &[String]) -> Result<Verified, LedgerError> {
    let mut replay = Replay::default();
    for line in lines {
        replay.take(line)?;
    }
    replay.finish()
}

#[test]
fn a_ledger_verifies_from_its_export_alone() {
    let lines = export();
    let verified = replay(&lines).unwrap();
    assert_eq!((verified.events, verified.chains, verified.days.len()), (5, 3, 2));
    assert_eq!((verified.loans[0].status, verified.loans[0].credit_balance), ("active", 0));
    let sides = verified
        .trial
        .iter()
        .fold((0, 0), |sums, (_, _, sides)| (sums.0 + sides.debit.minor(), sums.1 + sides.credit.minor()));
    assert_eq!(sides.0, sides.1);
    assert!(verified.trial.iter().any(|(_, account, _)| account == Account::ServicerReceivable));
}

#[test]
fn no_line_can_be_left_out_doubled_or_moved_behind_the_end() {
    let lines = export();
    for place in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(place);
        assert!(replay(&fewer).is_err(), "without line {place}");
        let mut doubled = lines.clone();
        doubled.insert(place, lines[place].clone());
        assert!(replay(&doubled).is_err(), "line {place} twice");
    }
    let mut behind = lines;
    let last = behind.len() - 1;
    behind.swap(last, last - 1);
    assert!(replay(&behind).is_err());
}

/// Every digit of every line changed, one at a time: an amount, a date, a hash, a number, a share, a rate.
#[test]
fn no_digit_can_be_changed() {
    let lines = export();
    let mut changed = 0;
    for (place, line) in lines.iter().enumerate() {
        // A due date or rate moved may come to the same cents; what was signed is held by the agreement's own hash.
        if line.contains(r#""type":"loan""#) {
            continue;
        }
        for (at, byte) in line.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
            let other = if byte == b'9' { '0' } else { char::from(byte + 1) };
            let mut tampered = lines.clone();
            tampered[place].replace_range(at..=at, &other.to_string());
            // The name of a payment is nobody's money, where all that speak of it still agree.
            if line.contains(r#""payment":"d1""#) && replay(&tampered).is_ok() {
                continue;
            }
            // Nothing follows the last day and tells when it was: that is what its signature is for.
            if place == lines.len() - 2 && line[..at].contains(r#""date":""#) && !line[..at].contains("previous") {
                let day = |line: &String| match serde_json::from_str(line) {
                    Ok(Line::Day { head, .. }) => head.bytes().unwrap(),
                    _ => Vec::new(),
                };
                assert_ne!(day(&tampered[place]), day(&lines[place]), "what is signed is another");
                continue;
            }
            assert!(replay(&tampered).is_err(), "line {place}: {}", tampered[place]);
            changed += 1;
        }
    }
    assert!(changed > 1_000, "{changed}");
}

/// Entries that balance, follow each other and are counted right, and are still not what the events come to.
#[test]
fn entries_sealed_anew_by_somebody_else_do_not_agree_with_the_events() {
    let lines = export();
    let mut forged = Vec::new();
    let mut head = Head::default();
    for line in &lines {
        let mut line: Line = serde_json::from_str(line).unwrap();
        if let Line::Entry { chain: name, number, previous, hash, entry } = &mut line
            && name == "l1"
        {
            let less = serde_json::to_string(&*entry).unwrap().replace(":10001,", ":10000,");
            *entry = serde_json::from_str(&less).unwrap();
            let sealed = chain::seal("l1", &head, entry.clone()).unwrap();
            head = Head { number: sealed.number, hash: sealed.hash.clone() };
            (*number, *previous, *hash) = (sealed.number, sealed.previous, sealed.hash);
        }
        forged.push(canonical::to_string(&line).unwrap());
    }
    let error = replay(&forged).unwrap_err().to_string();
    assert!(error.contains("loan `l1`: account 1010 holds"), "{error}");
}

#[test]
fn what_is_no_export_is_refused_with_its_line() {
    let said = |lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        replay(&lines).unwrap_err().to_string()
    };
    let first = r#"{"type":"ledger","version":1}"#;
    assert_eq!(said(&[]), "line 0: the export ends before its end");
    assert_eq!(said(&[first]), "line 1: the export ends before its end");
    assert_eq!(said(&[first, first]), "line 2: an export begins with one line of type `ledger`");
    assert_eq!(said(&[r#"{"type":"ledger","version":2}"#]), "line 1: version 2 is not known; this is 1");
    assert!(said(&["", first]).starts_with("line 1: EOF"), "{}", said(&[""]));
    assert!(said(&[r#"{"type":"ledger","version":1,"more":1}"#]).contains("unknown field `more`"));
    assert!(said(&[first, r#"{"type":"gossip"}"#]).contains("unknown variant `gossip`"));
    let event = r#"{"type":"event","chain":"x","number":1,"booked":"2026-01-01","event":{"type":"booked"}}"#;
    assert_eq!(said(&[first, event]), "line 2: no loan `x` before it");
    assert!(said(&[&" ".repeat(LINE_BYTES_MAX + 1)]).starts_with("line 1: longer than"));
    let entry = |name: &str| {
        format!(
            r#"{{"type":"entry","chain":"{name}","number":1,"previous":"","hash":"","entry":{{"currency":"USD",
            "date":"2026-01-01","event":"x","transfers":[{{"amount":1,"credit":"2910","debit":"1010"}}]}}}}"#
        )
    };
    assert_eq!(said(&[first, &entry("suspense")]), "line 2: chain `suspense` is broken at entry 1");
    for name in [String::new(), "x".repeat(CHAIN_BYTES_MAX + 1), "\\u001b[31m".to_owned()] {
        assert_eq!(said(&[first, &entry(&name)]), "line 2: a chain's name is 1 to 160 bytes of text");
    }
    assert_eq!(
        said(&[first, r#"{"type":"end","loans":0,"events":0,"fundings":0,"entries":1,"days":0}"#]),
        "line 2: not as many loans, events, fundings, entries or days as were written"
    );
    let end = r#"{"type":"end","loans":0,"events":0,"fundings":0,"entries":0,"days":0}"#;
    let nothing = [first.to_owned(), end.to_owned()];
    assert!(replay(&nothing).is_ok(), "a ledger of nothing");
    assert_eq!(said(&[first, end, end]), "line 3: nothing may follow the end");
}
