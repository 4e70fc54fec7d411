//! Information before the contract, made of the very quote: the closed-end box of the United States, the European
//! standard form, the Chinese cost table. The amounts are the core's; here are the words, and one hash over both.

use std::fmt::Write;

use prequal_core::{
    canonical,
    credit::{
        PrepaymentRule,
        caps::CostOfDefault,
        disclosure::{
            CnCostTable, CnCosts, DisclosureInput, EuInformation, PaymentRun, UsBox, cn_cost_table, eu_information,
            us_box,
        },
    },
    currency::Currency,
    money::Amount,
    wire::Offer,
};
use serde_json::{Value, json};

use crate::{
    agreement::{Parties, format_money},
    conduct::{Conduct, Jurisdiction},
    line_terms::LineTerms,
    problem::Problem,
};

/// What the person is told before the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The form and its version.
    pub form: &'static str,
    /// The figures, canonical JSON.
    pub document: String,
    /// The same in words.
    pub text: String,
    /// SHA-256 of the canonical `{"document":…,"text":…}`, lower-case hex.
    pub hash: String,
}

/// Makes the information for an offer under a jurisdiction, of a loan that is prepaid by a rule. `parties.disclosure` is not looked at.
///
/// # Errors
/// 500 where the rate of that jurisdiction cannot be found.
pub fn make(
    conduct: &Conduct,
    prepayment: &PrepaymentRule,
    parties: &Parties<'_>,
    offer: &Offer,
    line: Option<LineTerms<'_>>,
) -> Result<Disclosure, Problem> {
    let mut contract = DisclosureInput {
        terms: offer.terms.clone(),
        penalty: offer.penalty.clone(),
        late_fee: offer.late_fee.clone(),
        prepayment: prepayment.clone(),
        withdrawal_days: conduct.withdrawal_days,
        // What a guarantor is paid is a part of the instalments, in the terms.
        prepaid: Vec::new(),
        not_finance_charges: Vec::new(),
        lender: parties.lender.to_owned(),
    };
    if let Some(line) = line {
        line.carry(&mut contract, offer);
    }
    let words = Words { parties, currency: offer.currency, withdrawal_days: conduct.withdrawal_days };
    let (form, amounts, mut text) = match conduct.law() {
        Jurisdiction::Us => {
            let amounts = us_box(&contract).map_err(Problem::internal)?;
            ("us_closed_end/1", json!(amounts), words.us(&amounts))
        }
        Jurisdiction::Eu => {
            let amounts = eu_information(&contract).map_err(Problem::internal)?;
            ("eu_standard_information/1", json!(amounts), words.eu(&amounts))
        }
        Jurisdiction::Cn => {
            let amounts = cn_cost_table(&contract).map_err(Problem::internal)?;
            ("cn_cost_table/1", json!(amounts), words.cn(&amounts))
        }
    };
    if let Some(line) = line {
        text = format!("{}\n{text}", line.words(conduct.law(), offer.currency));
    }
    let mut document = json!({
        "amounts": amounts,
        "application": parties.application,
        "currency": offer.currency.code(),
        "form": form,
        "funders": parties.funders,
        "guarantor": parties.guarantor,
        "label": parties.label,
        "lender": parties.lender,
        "merchant": parties.merchant,
        "order": parties.order,
        "terms_hash": offer.terms_hash,
        "withdrawal_days": conduct.withdrawal_days,
    });
    if let (Some(line), Some(members)) = (line, document.as_object_mut()) {
        let terms = json!({ "terms": line.conventions, "terms_hash": line.hash });
        members.insert("line".to_owned(), terms);
    }
    let whole = canonical::to_string(&json!({ "document": document, "text": text })).map_err(Problem::internal)?;
    Ok(Disclosure {
        form,
        document: canonical::to_string(&document).map_err(Problem::internal)?,
        text,
        hash: canonical::sha256_hex(whole.as_bytes()),
    })
}

/// What a stored document and text hash to.
///
/// # Errors
/// 500 where the document is not JSON.
pub fn hash_of(document: &str, text: &str) -> Result<String, Problem> {
    let document: Value = serde_json::from_str(document).map_err(Problem::internal)?;
    let whole = canonical::to_string(&json!({ "document": document, "text": text })).map_err(Problem::internal)?;
    Ok(canonical::sha256_hex(whole.as_bytes()))
}

/// Who says it, and of what money.
struct Words<'a> {
    parties: &'a Parties<'a>,
    currency: Currency,
    withdrawal_days: Option<u16>,
}

impl Words<'_> {
    fn money(&self, amount: Amount) -> String {
        format_money(amount, self.currency)
    }

    fn payments(&self, runs: &[PaymentRun]) -> String {
        let mut text = String::new();
        for run in runs {
            let amount = self.money(run.amount);
            let _ = match run.count {
                1 => writeln!(text, "  1 payment of {amount}, due {}", run.first_due),
                count => writeln!(text, "  {count} payments of {amount}, due {} to {}", run.first_due, run.last_due),
            };
        }
        text
    }

    fn funders(&self, text: &mut String, by: &str, guaranteed: &str) {
        for funder in self.parties.funders {
            let _ = writeln!(text, "{by}: {}", funder.named(self.currency));
        }
        if let Some(guarantor) = self.parties.guarantor {
            let _ = writeln!(text, "{guaranteed}: {}, {}", guarantor.name, self.money(guarantor.fee));
        }
    }

    /// 12 CFR 1026.17 and 1026.18; the names of the figures are the law's own.
    fn us(&self, amounts: &UsBox) -> String {
        let Parties { lender, application, .. } = self.parties;
        let mut text = format!(
            "Truth in Lending disclosures\nCreditor: {lender}\nApplication: {application}\n\n\
             ANNUAL PERCENTAGE RATE: {} %. The cost of your credit as a yearly rate.\n\
             FINANCE CHARGE: {}. The dollar amount the credit will cost you.\n\
             Amount Financed: {}. The amount of credit provided to you or on your behalf.\n\
             Total of Payments: {}. The amount you will have paid after you have made all payments as scheduled.\n\
             Total Sale Price: {}. The total cost of your purchase on credit, including your down payment of {}.\n\n\
             Payment schedule:\n{}\n",
            amounts.apr_percent,
            self.money(amounts.finance_charge),
            self.money(amounts.amount_financed),
            self.money(amounts.total_of_payments),
            self.money(amounts.total_sale_price),
            self.money(amounts.down_payment),
            self.payments(&amounts.payments),
        );
        let items = &amounts.itemization;
        let _ = writeln!(text, "Itemization of the amount financed: {} to the purchase", self.money(items.to_purchase));
        for other in &items.to_others {
            let _ = writeln!(text, "  {} to {} ({})", self.money(other.amount), other.payee, other.code);
        }
        let _ = writeln!(text, "  Prepaid finance charge: {}", self.money(items.prepaid_finance_charge));
        let _ = writeln!(text, "Late charge: {}", self.late(&amounts.late_payment));
        let (may, rebate) = (amounts.prepayment_fee, amounts.prepayment_rebate);
        let _ = writeln!(
            text,
            "Prepayment: if you pay off early, you {} have to pay a penalty and {} be entitled to a refund of part of \
             the finance charge.",
            if may { "may" } else { "will not" },
            if rebate { "may" } else { "will not" },
        );
        self.funders(&mut text, "Credit given by", "Guarantor, with a fee that is part of the finance charge");
        if let Some(days) = self.withdrawal_days {
            let _ = writeln!(text, "Right to cancel: within {days} days.");
        }
        text.push_str(
            "See your agreement for further information about nonpayment, default, any required repayment in full \
             before the scheduled date, and prepayment refunds and penalties.\n",
        );
        text
    }

    fn late(&self, cost: &CostOfDefault) -> String {
        let mut parts = Vec::new();
        if !cost.late_fees_most.is_zero() {
            parts.push(format!("late fees of {} at most", self.money(cost.late_fees_most)));
        }
        if let Some(penalty) = &cost.penalty {
            let per = if penalty.daily { "day" } else { "year" };
            let after = match penalty.grace_days {
                0 => String::new(),
                days => format!(" after {days} days"),
            };
            parts.push(format!("{} % a {per} on what is late{after}", penalty.percent));
        }
        if parts.is_empty() { "none".to_owned() } else { parts.join("; ") }
    }

    /// Directive (EU) 2023/2225, Annex I, in the order of its parts.
    fn eu(&self, amounts: &EuInformation) -> String {
        let Parties { lender, application, merchant, order, .. } = self.parties;
        let rate = amounts.borrowing_rate_percent.map_or_else(
            || "none".to_owned(),
            |percent| format!("{percent} % a {}, fixed", if amounts.borrowing_rate_daily { "day" } else { "year" }),
        );
        let mut text = format!(
            "Standard European Consumer Credit Information\nApplication: {application}\n\n\
             1. Creditor: {lender}\n\
             2. Main features\n\
             Type of credit: credit linked to the purchase of order {order} from {merchant}, cash price {}\n\
             Total amount of credit: {}\n\
             Duration: {} days, to {}\n\
             Instalments:\n{}\
             Total amount payable: {}\n\
             3. Costs\n\
             Borrowing rate: {rate}\n\
             Annual percentage rate of charge: {} %\n\
             Total cost of the credit: {}\n",
            self.money(amounts.cash_price),
            self.money(amounts.total_amount_of_credit),
            amounts.duration_days,
            amounts.last_due,
            self.payments(&amounts.installments),
            self.money(amounts.total_payable),
            amounts.aprc_percent,
            self.money(amounts.total_cost_of_credit),
        );
        for charge in &amounts.charges {
            let _ = writeln!(text, "Related cost: {} to {} ({})", self.money(charge.amount), charge.payee, charge.code);
        }
        let _ = writeln!(text, "Costs of late payment: {}", self.late(&amounts.cost_of_default));
        text.push_str("Missing payments could have severe consequences for you and make obtaining credit harder.\n");
        let withdrawal = match amounts.withdrawal_days {
            Some(days) => format!("yes, within {days} calendar days of signing, without a reason"),
            None => "no".to_owned(),
        };
        let early = match amounts.early_repayment_percent {
            Some(percent) => format!("at any time, in full or in part; compensation of {percent} % at most"),
            None => "at any time, in full or in part, without compensation".to_owned(),
        };
        let _ = writeln!(text, "4. Other important legal aspects\nRight of withdrawal: {withdrawal}");
        let _ = writeln!(text, "Early repayment: {early}");
        text.push_str(
            "Consultation of a database: you are told at once and free of charge if your application is rejected on the \
             basis of one.\nYou have the right to a copy of the draft agreement, free of charge.\n",
        );
        self.funders(&mut text, "Credit given by", "Guarantor, with a fee that is part of the total cost");
        text
    }

    /// The table: what it does not list is not charged.
    fn cn(&self, amounts: &CnCostTable) -> String {
        let Parties { lender, application, .. } = self.parties;
        let mut text = format!(
            "个人贷款综合融资成本明示表\n贷款人：{lender}\n申请编号：{application}\n贷款本金：{}\n\n息费项目\n",
            self.money(amounts.principal)
        );
        for fee in &amounts.fees {
            let method = match fee.method {
                CnCosts::OnOutstanding => "按剩余本金分期收取",
                CnCosts::First => "首期收取",
                CnCosts::Each => "每期收取",
                CnCosts::Spread => "分期平均收取",
                CnCosts::AtOnce => "一次性收取",
            };
            let rate = match (fee.rate_percent, fee.rate_per) {
                (Some(percent), Some(per)) => {
                    let per = match per {
                        "year" => "年",
                        "day" => "日",
                        "period" => "期",
                        _ => "全部期限",
                    };
                    format!("，费率 {percent}%/{per}")
                }
                _ => String::new(),
            };
            let name = if fee.code == "interest" { "利息" } else { &fee.code };
            let _ = writeln!(text, "- {name}：{}，{method}{rate}，收取方：{}", self.money(fee.amount), fee.payee);
        }
        let _ = writeln!(text, "息费合计：{}", self.money(amounts.total_cost));
        let _ = writeln!(text, "正常履约年化综合融资成本（单利）：{}%", amounts.annualised_percent);
        let default = &amounts.cost_of_default;
        let _ = match (&default.penalty, default.late_fees_most.is_zero()) {
            (None, true) => writeln!(text, "违约情形下的成本：无"),
            (penalty, _) => {
                let interest = penalty.as_ref().map_or(String::new(), |penalty| {
                    format!("罚息 {}%/{}", penalty.percent, if penalty.daily { "日" } else { "年" })
                });
                let fees = self.money(default.late_fees_most);
                writeln!(text, "违约情形下的成本：{interest}，违约金最高 {fees}")
            }
        };
        self.funders(&mut text, "出资方", "增信服务方及费用");
        text.push_str("除上述明示项目外，不收取任何其他息费。\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use prequal_core::{
        bundle::Bundle,
        calendar::Date,
        credit::{Fee, FeeSize, FeeWhen},
        decide,
        decimal::Decimal,
        wire::QuoteInput,
    };

    use super::*;
    use crate::agreement::{self, FunderShare, Guarantor};

    fn offer() -> Offer {
        let bundle = Bundle::from_payload(include_bytes!("../tests/server/policy.json")).unwrap();
        let amount = Amount::new(120_000).unwrap();
        let today = Date::parse("2026-01-31").unwrap();
        let quote = decide::quote(&bundle, &QuoteInput { amount, currency: bundle.currency(), today }).unwrap();
        quote.plans.into_iter().find(|offer| offer.plan == "monthly-6").unwrap()
    }

    #[test]
    fn funders_and_guarantor_are_named_and_the_guarantor_s_fee_counts_in_every_rate() {
        let offer = offer();
        let share = |name: &str, percent: &str, minor| FunderShare {
            name: name.to_owned(),
            share_percent: Decimal::parse(percent).unwrap(),
            principal: Amount::new(minor).unwrap(),
        };
        let funders = [share("First Bank", "70", 84_000), share("Second Bank", "30", 36_000)];
        let guarantor = Guarantor { name: "Sure Ltd".to_owned(), fee: Amount::new(1_200).unwrap() };
        let alone = Parties {
            lender: "Lender",
            merchant: "Shop",
            order: "A-1",
            application: "a",
            label: "test",
            funders: &[],
            guarantor: None,
            disclosure: "",
            withdrawal_days: None,
        };
        let together = Parties { funders: &funders, guarantor: Some(&guarantor), ..alone };
        let mut dear = offer.clone();
        let (code, payee) = ("guarantee_fee".to_owned(), "sure".to_owned());
        dear.terms.fees.push(Fee { code, payee, size: FeeSize::Amount(guarantor.fee), when: FeeWhen::Spread });
        for law in [Jurisdiction::Us, Jurisdiction::Eu, Jurisdiction::Cn] {
            let conduct = Conduct { jurisdiction: Some(law), ..Conduct::default() };
            let told = |parties: &Parties<'_>, offer: &Offer| {
                make(&conduct, &PrepaymentRule::default(), parties, offer, None).unwrap()
            };
            let (plain, full) = (told(&alone, &offer), told(&together, &dear));
            assert_ne!(plain.hash, full.hash);
            assert_eq!(hash_of(&full.document, &full.text).unwrap(), full.hash);
            for name in ["First Bank", "840.00 USD", "Second Bank", "Sure Ltd", "12.00 USD"] {
                assert!(full.text.contains(name) && !plain.text.contains("Bank"), "{}: {}", law.name(), full.text);
            }
            let rate = |disclosure: &Disclosure| {
                let document: Value = serde_json::from_str(&disclosure.document).unwrap();
                let member = ["apr_percent", "aprc_percent", "annualised_percent"];
                let text = member.iter().find_map(|name| document["amounts"][name].as_str()).unwrap().to_owned();
                text.parse::<f64>().unwrap()
            };
            // 1 %, a sixth with each payment, on money lent for three and a half months on average: 3 to 4.5 % a year.
            let dearer = rate(&full) - rate(&plain);
            assert!((3.0..4.5).contains(&dearer), "{}: {dearer}", law.name());
        }
        let text = agreement::render(None, &together, &offer).text;
        assert!(
            text.contains("Credit given by: First Bank, 70 % (840.00 USD)\nCredit given by: Second Bank"),
            "{text}"
        );
        assert!(text.contains("Guarantor: Sure Ltd, whose fee of 12.00 USD is part of the payments"), "{text}");
        let own = agreement::render(Some("{lender} {application}"), &together, &offer).text;
        assert!(own.contains("First Bank") && own.contains("Sure Ltd"), "not left out by a template without them");
    }
}
