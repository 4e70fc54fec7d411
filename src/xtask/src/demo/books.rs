//! An independent audit of one purchase: what the ledger's journal, the loan and the payment provider say must agree
//! to the cent. It reads the lender's routes only and knows nothing of how the server computes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::http::get_json;
use super::settings::{MERCHANT_FEE_PERCENT, Ports, Secrets};

/// Accounts of the ledger's chart.
const CASH: &str = "1010";
const PRINCIPAL_RECEIVABLE: &str = "1110";
const INTEREST_RECEIVABLE: &str = "1120";
const MERCHANT_PAYABLE: &str = "2010";
const INTEREST_INCOME: &str = "4010";
const MERCHANT_FEE_INCOME: &str = "4030";

/// Where a merchant's payable goes without a refund: the payout in cash, and the merchant's fee.
const BESIDE_REFUNDS: [&str; 2] = [CASH, MERCHANT_FEE_INCOME];

/// The most pages of the journal that are read.
const PAGES_MAX: usize = 100;

/// One amount moved from an account to another.
#[derive(Debug)]
struct Posting {
    debit: String,
    credit: String,
    amount: i64,
}

/// The postings of one loan in the order in which they were made.
#[derive(Default)]
struct Chain(Vec<Posting>);

impl Chain {
    /// Debits less credits of an account, and the most they came to on the way.
    fn net_and_peak(&self, account: &str) -> (i64, i64) {
        self.0.iter().fold((0, 0), |(mut net, peak), posting| {
            net += if posting.debit == account { posting.amount } else { 0 };
            net -= if posting.credit == account { posting.amount } else { 0 };
            (net, peak.max(net))
        })
    }

    /// What the merchant gave back for returned goods: what its payable was debited for anything but its payout.
    fn refunded(&self) -> i64 {
        let given =
            |posting: &&Posting| posting.debit == MERCHANT_PAYABLE && !BESIDE_REFUNDS.contains(&&*posting.credit);
        self.0.iter().filter(given).map(|posting| posting.amount).sum()
    }

    fn credited(&self, account: &str) -> i64 {
        self.0.iter().filter(|posting| posting.credit == account).map(|posting| posting.amount).sum()
    }
}

/// Check the whole of the lender's books after purchases that were repaid on schedule, or sooner after a return.
pub fn check(ports: Ports, secrets: &Secrets) -> Result<()> {
    let lender = Some(secrets.lender.as_str());
    trial_balance(&get_json(ports.server, "/v1/ledger/trial-balance", lender)?)?;
    let chains = journal(ports.server, lender)?;
    ensure!(!chains.is_empty(), "the journal has no loan");
    let transfers = get_json(ports.provider, "/v1/transfers", Some(&secrets.provider))?;
    // The merchant's own account and what is given back of its fee are chains of no loan.
    for (id, chain) in chains.iter().filter(|(id, _)| !id.contains([':', '/'])) {
        let loan = get_json(ports.server, &format!("/v1/loans/{id}"), lender)?;
        one_loan(&loan, chain, &transfers).with_context(|| format!("loan {id}"))?;
    }
    Ok(())
}

/// Debits equal credits in every currency, and there are some.
fn trial_balance(balance: &Value) -> Result<()> {
    ensure!(balance["balanced"] == true, "the trial balance does not balance: {balance}");
    let totals = balance["totals"].as_object().context("the trial balance has no totals")?;
    ensure!(!totals.is_empty(), "nothing was booked");
    for (currency, total) in totals {
        let (debit, credit) = (integer(total, "debit")?, integer(total, "credit")?);
        ensure!(debit == credit && debit > 0, "{currency}: debits {debit}, credits {credit}");
        println!("  books: trial balance {currency}: debits {debit} less credits {credit} is 0");
    }
    Ok(())
}

/// Every entry of every loan.
fn journal(server: u16, lender: Option<&str>) -> Result<BTreeMap<String, Chain>> {
    let mut chains: BTreeMap<String, Chain> = BTreeMap::new();
    let mut query = String::new();
    for _ in 0..PAGES_MAX {
        let page = get_json(server, &format!("/v1/ledger/entries{query}"), lender)?;
        for entry in page["entries"].as_array().context("a page without entries")? {
            let chain = chains.entry(text(entry, "loan")?).or_default();
            for posting in entry["postings"].as_array().context("an entry without postings")? {
                let (debit, credit) = (text(posting, "debit")?, text(posting, "credit")?);
                chain.0.push(Posting { debit, credit, amount: integer(posting, "amount")? });
            }
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?cursor={cursor}"),
            None => return Ok(chains),
        }
    }
    bail!("the journal has more than {PAGES_MAX} pages")
}

fn one_loan(loan: &Value, chain: &Chain, transfers: &Value) -> Result<()> {
    let offer = &loan["offer"];
    let (price, principal) = (integer(offer, "price")?, integer(offer, "principal")?);

    let (left, peak) = chain.net_and_peak(PRINCIPAL_RECEIVABLE);
    ensure!(peak == principal, "the receivable rose to {peak} and the principal is {principal}");
    ensure!(left == 0, "the receivable ends at {left}");
    ensure!(chain.net_and_peak(INTEREST_RECEIVABLE).0 == 0, "interest is still owed");
    ensure!(integer(&loan["balance"], "total")? == 0, "the loan says that something is owed");
    println!("  books: the receivable rose to {principal}, the principal, and fell to 0");

    let interest = -chain.net_and_peak(INTEREST_INCOME).0;
    let quoted = integer(offer, "total_interest")?;
    let refunded = chain.refunded();
    if refunded == 0 {
        ensure!(interest == quoted, "interest income is {interest} and the quote said {quoted}");
        println!("  books: interest income {interest} equals the quote's total interest");
    } else {
        ensure!(0 < interest && interest < quoted, "interest income is {interest} and the quote said {quoted}");
        println!(
            "  books: half went back and the rest was paid early: interest income {interest}, less than {quoted} quoted"
        );
    }

    let fee = -chain.net_and_peak(MERCHANT_FEE_INCOME).0;
    let stated = price * MERCHANT_FEE_PERCENT;
    ensure!(
        (fee * 100 - stated).abs() <= 50,
        "the merchant's fee is {fee} of {price}, stated {MERCHANT_FEE_PERCENT} %"
    );
    let claim = chain.net_and_peak(MERCHANT_PAYABLE).0;
    ensure!(claim == refunded, "the merchant owes {claim} for goods of {refunded} that were returned");
    let owed = chain.credited(MERCHANT_PAYABLE);
    let paid: Vec<i64> = transfers["transfers"]
        .as_array()
        .context("the provider lists no transfers")?
        .iter()
        .filter(|transfer| transfer["kind"] == "payout" && transfer["status"] == "succeeded")
        .filter_map(|transfer| transfer["amount"].as_i64())
        .collect();
    let due = price - fee;
    ensure!(paid.contains(&due), "the merchant was to be paid {due}; the provider paid {paid:?}");
    ensure!(owed == due || owed == price, "the ledger owed the merchant {owed}, not {due}");
    println!("  books: the merchant was paid {due}, the price {price} less the stated fee {fee}");
    Ok(())
}

fn integer(value: &Value, name: &str) -> Result<i64> {
    value[name].as_i64().with_context(|| format!("`{name}` is missing in {value}"))
}

fn text(value: &Value, name: &str) -> Result<String> {
    value[name].as_str().map(str::to_owned).with_context(|| format!("`{name}` is missing in {value}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Chain, Posting, one_loan, trial_balance};

    /// A purchase of 1,000.00 at a fee of 3 %, repaid in two parts with 10.00 of interest.
    fn postings() -> Vec<(&'static str, &'static str, i64)> {
        vec![
            ("1110", "2010", 97_000),
            ("1110", "4030", 3_000),
            ("2010", "1010", 97_000),
            ("1120", "4010", 600),
            ("1010", "1120", 600),
            ("1010", "1110", 50_000),
            ("1120", "4010", 400),
            ("1010", "1120", 400),
            ("1010", "1110", 50_000),
        ]
    }

    fn chain(list: Vec<(&str, &str, i64)>) -> Chain {
        let posting = |(debit, credit, amount): (&str, &str, i64)| Posting {
            debit: debit.to_owned(),
            credit: credit.to_owned(),
            amount,
        };
        Chain(list.into_iter().map(posting).collect())
    }

    fn audit(list: Vec<(&str, &str, i64)>, paid: i64) -> Result<(), String> {
        let loan = json!({"balance": {"total": 0},
            "offer": {"price": 100_000, "principal": 100_000, "total_interest": 1_000}});
        let transfers = json!({"transfers": [{"kind": "payout", "status": "succeeded", "amount": paid}]});
        one_loan(&loan, &chain(list), &transfers).map_err(|error| error.to_string())
    }

    #[test]
    fn a_purchase_repaid_to_the_cent_passes() {
        assert_eq!(audit(postings(), 97_000), Ok(()));
    }

    #[test]
    fn a_cent_that_is_missing_anywhere_is_found() {
        assert!(audit(postings(), 96_999).is_err_and(|error| error.contains("to be paid 97000")));
        for place in 0..postings().len() {
            let mut list = postings();
            list[place].2 -= 1;
            assert!(audit(list, 97_000).is_err(), "a cent less in posting {place}");
        }
        let mut unpaid = postings();
        unpaid.pop();
        assert!(audit(unpaid, 97_000).is_err_and(|error| error.contains("ends at 50000")));
    }

    /// Of 1,000.00, half goes back after the payout; the rest is paid early with 4.00 of the 10.00 of interest.
    #[test]
    fn a_purchase_of_which_half_went_back_leaves_the_merchant_owing_just_that() {
        let mut list = postings()[..3].to_vec();
        list.extend([("2010", "1110", 50_000), ("1120", "4010", 400), ("1010", "1120", 400), ("1010", "1110", 50_000)]);
        assert_eq!(audit(list.clone(), 97_000), Ok(()));
        for place in 0..list.len() {
            let mut less = list.clone();
            less[place].2 -= 1;
            assert!(audit(less, 97_000).is_err(), "a cent less in posting {place}");
        }
        let mut dear = list;
        dear[4].2 = 1_000;
        dear[5].2 = 1_000;
        assert!(audit(dear, 97_000).is_err_and(|error| error.contains("interest income is 1000")));
    }

    #[test]
    fn a_trial_balance_of_nothing_or_out_of_balance_is_refused() {
        assert!(trial_balance(&json!({"balanced": true, "totals": {}})).is_err());
        assert!(trial_balance(&json!({"balanced": true, "totals": {"USD": {"debit": 2, "credit": 1}}})).is_err());
        assert!(trial_balance(&json!({"balanced": true, "totals": {"USD": {"debit": 2, "credit": 2}}})).is_ok());
    }
}
