//! The agreement: rendered from the very offer that is signed and from the bundle's texts.
//!
//! It names the application by its random id and no person, so that its hash reveals nobody; who signed is
//! kept with the signature in the personal store.

use std::fmt::Write;

use prequal_core::{canonical, credit::Convention, currency::Currency, decimal::Decimal, money::Amount, wire::Offer};
use serde::Serialize;

/// Used where the bundle has no template of its own.
const TEMPLATE: &str = "\
Credit agreement

Lender: {lender}
Merchant: {merchant}, order {order}
Borrower: the person who made application {application}
{funding}
Price of the purchase: {price}
Down payment: {down_payment}
Amount financed: {principal}
Annual percentage rate: {apr} % ({convention})
Contract rate: {rate} % a year
Finance charge: {cost}
Total of payments: {total}

Payments
{schedule}

Interest runs on the principal outstanding, from the day the credit is granted. You may pay early, in part or \
in full, at any time; you then pay interest only for the time that has passed. Payments go first to what is \
past due, then to what is due, then to what comes next, and within each to interest before principal.
{withdrawal}
Information before the contract: SHA-256 {disclosure}

{label}
";

/// What a template may name in braces.
pub const PLACES: [&str; 17] = [
    "lender",
    "merchant",
    "order",
    "application",
    "label",
    "price",
    "down_payment",
    "principal",
    "apr",
    "convention",
    "rate",
    "cost",
    "total",
    "schedule",
    "funding",
    "disclosure",
    "withdrawal",
];

/// Checks that a template names nothing but [`PLACES`], and of them what no agreement may lack.
///
/// # Errors
/// One readable clause with the first place that is unknown or missing.
pub fn check_template(template: &str) -> Result<(), String> {
    if let Some(name) = places(template)?.iter().find(|name| !PLACES.contains(name)) {
        return Err(format!("`{{{name}}}` is not known"));
    }
    let needed = ["lender", "application", "principal", "apr", "total", "schedule", "label"];
    match needed.iter().find(|name| !template.contains(&format!("{{{name}}}"))) {
        Some(missing) => Err(format!("`{{{missing}}}` is missing")),
        None => Ok(()),
    }
}

/// The places that a template names.
///
/// # Errors
/// Where a brace is not closed.
pub(crate) fn places(template: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').ok_or("a brace is not closed")?;
        found.push(name);
        rest = tail;
    }
    Ok(found)
}

/// Who gives a part of the credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunderShare {
    /// The funder's name.
    pub name: String,
    /// Its share, in per cent.
    pub share_percent: Decimal,
    /// Its share of the principal, in minor units.
    pub principal: Amount,
}

impl FunderShare {
    /// Its name and its share, in per cent and in money.
    pub(crate) fn named(&self, currency: Currency) -> String {
        format!("{}, {} % ({})", self.name, self.share_percent, format_money(self.principal, currency))
    }
}

/// Who answers for the debt, and what that costs the borrower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guarantor {
    /// The guarantor's name.
    pub name: String,
    /// Over the term, in minor units: a part of the instalments, so that it counts in every rate.
    pub fee: Amount,
}

/// What an agreement is about, beside the offer.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    pub lender: &'a str,
    pub merchant: &'a str,
    pub order: &'a str,
    pub application: &'a str,
    pub label: &'a str,
    /// Who gives the credit, where it is not the lender alone.
    pub funders: &'a [FunderShare],
    /// Who answers for it, where somebody does.
    pub guarantor: Option<&'a Guarantor>,
    /// SHA-256 of the information before the contract.
    pub disclosure: &'a str,
    /// Within how many days of signing one may withdraw; none where one may not.
    pub withdrawal_days: Option<u16>,
}

/// An agreement's text and its SHA-256, lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub text: String,
    pub hash: String,
}

impl Agreement {
    /// A text with its hash.
    #[must_use]
    pub fn of(text: String) -> Self {
        let hash = canonical::sha256_hex(text.as_bytes());
        Self { text, hash }
    }
}

/// Renders the agreement.
#[must_use]
pub fn render(template: Option<&str>, parties: &Parties<'_>, offer: &Offer) -> Agreement {
    let money = |amount: Amount| format_money(amount, offer.currency);
    let cost = offer.total_interest.minor() + offer.total_fee.minor();
    let values = [
        ("lender", parties.lender.to_owned()),
        ("merchant", parties.merchant.to_owned()),
        ("order", parties.order.to_owned()),
        ("application", parties.application.to_owned()),
        ("label", parties.label.to_owned()),
        ("price", money(offer.price)),
        ("down_payment", money(offer.down_payment)),
        ("principal", money(offer.principal)),
        ("apr", offer.apr.apr_percent.clone()),
        ("convention", convention(offer.apr.convention).to_owned()),
        ("rate", offer.rate_annual_percent.clone()),
        ("cost", format_minor(cost, offer.currency)),
        ("total", money(offer.total)),
        ("schedule", schedule(offer)),
        ("funding", funding(parties, offer)),
        ("disclosure", parties.disclosure.to_owned()),
        ("withdrawal", withdrawal(parties.withdrawal_days)),
    ];
    let template = template.unwrap_or(TEMPLATE);
    let mut text = fill(template, &values);
    // What no agreement may leave out, where the lender's own template does.
    if !template.contains("{funding}") {
        text.push_str(&funding(parties, offer));
    }
    if !template.contains("{withdrawal}") {
        text.push_str(&withdrawal(parties.withdrawal_days));
    }
    if !template.contains("{disclosure}") {
        let _ = write!(text, "\nInformation before the contract: SHA-256 {}\n", parties.disclosure);
    }
    Agreement::of(text)
}

/// Stands under the agreement of an order that its merchant captures later.
const CAPTURE_CLAUSE: &str = "
Charging in parts

{merchant} charges this purchase later, whole or in parts, within {days} days after the day on which you sign. Until \
then nothing is lent and you owe nothing for it. All parts together are at most {principal}. Each part becomes a loan \
of its own by the terms above: the same rate and number of payments, counted from the day on which it is charged, with \
every fixed amount in proportion. You are told its final payments when it is charged. What is not charged in this \
time you do not owe. Anything dearer needs your agreement anew.
";

/// The agreement of an order that its merchant captures within so many days after the signature.
#[must_use]
pub fn for_captures(agreement: &Agreement, merchant: &str, days: i64, offer: &Offer) -> Agreement {
    let values = [
        ("merchant", merchant.to_owned()),
        ("days", days.to_string()),
        ("principal", format_money(offer.principal, offer.currency)),
    ];
    Agreement::of(format!("{}{}", agreement.text, fill(CAPTURE_CLAUSE, &values)))
}

/// Funders with their shares, and the guarantor, a line each; nothing where the lender is alone.
fn funding(parties: &Parties<'_>, offer: &Offer) -> String {
    let mut text = String::new();
    for funder in parties.funders {
        let _ = writeln!(text, "Credit given by: {}", funder.named(offer.currency));
    }
    if let Some(guarantor) = parties.guarantor {
        let fee = format_money(guarantor.fee, offer.currency);
        let _ = match guarantor.fee.is_zero() {
            true => writeln!(text, "Guarantor: {}, free of charge to you", guarantor.name),
            false => writeln!(
                text,
                "Guarantor: {}, whose fee of {fee} is part of the payments and of the annual percentage rate",
                guarantor.name
            ),
        };
    }
    text
}

/// The right of withdrawal; nothing where there is none.
fn withdrawal(days: Option<u16>) -> String {
    days.map_or_else(String::new, |days| {
        format!(
            "\nYou may withdraw from this agreement within {days} calendar days of signing it, without a reason. You then \
             owe what was lent, with the interest of the days for which it was, and no fee.\n"
        )
    })
}

/// How the annual percentage rate is calculated, in words.
const fn convention(convention: Convention) -> &'static str {
    match convention {
        Convention::UsRegZ => "actuarial method of Regulation Z, Appendix J",
        Convention::EuAprc => "Directive (EU) 2023/2225, Annex III",
        Convention::Uk => "FCA CONC App 1.2",
        Convention::CnIrr => "internal rate of return by the month, times twelve",
        Convention::IfrsEir => "effective interest rate of IFRS 9",
    }
}

/// Fills `{name}` once, left to right, so that a value which looks like a name stays what it is.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after
            .split_once('}')
            .and_then(|(name, tail)| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, tail)));
        match known {
            Some((value, tail)) => {
                text.push_str(value);
                rest = tail;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// The payments, a line each.
#[must_use]
pub fn schedule(offer: &Offer) -> String {
    let mut text = String::new();
    for installment in &offer.installments {
        let _ = writeln!(
            text,
            "{:>3}. {}  {}  (principal {}, interest {}, fee {})",
            installment.number,
            installment.due,
            format_money(installment.total, offer.currency),
            format_money(installment.principal, offer.currency),
            format_money(installment.interest, offer.currency),
            format_money(installment.fee, offer.currency),
        );
    }
    text.trim_end().to_owned()
}

/// `1,299.00 USD`.
#[must_use]
pub fn format_money(amount: Amount, currency: Currency) -> String {
    format_minor(amount.minor(), currency)
}

fn format_minor(minor: i64, currency: Currency) -> String {
    let places = usize::from(currency.exponent());
    let digits = format!("{minor:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if places == 0 { "" } else { "." };
    format!("{grouped}{point}{fraction} {}", currency.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_with_the_currency_s_own_places() {
        let money = |minor, code| format_money(Amount::new(minor).unwrap(), Currency::parse(code).unwrap());
        assert_eq!(money(129_900, "USD"), "1,299.00 USD");
        assert_eq!(money(5, "USD"), "0.05 USD");
        assert_eq!(money(1_234_567, "JPY"), "1,234,567 JPY");
        assert_eq!(money(1_234, "KWD"), "1.234 KWD");
    }

    #[test]
    fn a_template_with_an_unknown_or_a_missing_place_is_refused() {
        assert_eq!(check_template(TEMPLATE), Ok(()));
        assert_eq!(check_template("{lender} {name}"), Err("`{name}` is not known".to_owned()));
        assert_eq!(check_template("{lender"), Err("a brace is not closed".to_owned()));
        assert_eq!(check_template(&TEMPLATE.replace("{apr}", "low")), Err("`{apr}` is missing".to_owned()));
    }

    #[test]
    fn a_value_that_looks_like_a_place_is_not_filled_again() {
        let values = [("a", "{b}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("{a} {b} {c} {", &values), "{b} x {c} {");
    }
}
