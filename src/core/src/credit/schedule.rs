//! Terms → instalments.

use prequal_derive::Canonical;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    calendar::Date,
    canonical::{Canonical, Text},
    credit::{
        CreditError, Method, Terms,
        plan::{Plan, Shares, checked_fees, down_payment, fee_shares},
    },
    money::{Amount, MoneyError},
};

/// One payment of a schedule; amounts in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Installment {
    /// 1, 2, 3 …
    pub number: u16,
    /// The day on which it falls due.
    pub due: Date,
    /// Principal repaid.
    pub principal: Amount,
    /// Interest of the period that ends on the due date.
    pub interest: Amount,
    /// All fees.
    pub fee: Amount,
    /// Principal, interest and fee.
    pub total: Amount,
    /// Principal still owed afterwards.
    pub balance: Amount,
}

/// A further charge, spread over the instalments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeLine {
    /// What the charge is called.
    pub code: String,
    /// Who receives it.
    pub payee: String,
    shares: Shares,
}

impl FeeLine {
    /// What falls on instalment `index`, counted from 0, of `count`.
    #[must_use]
    pub fn amount(&self, index: usize, count: usize) -> Amount {
        // The sum was checked when the schedule was made.
        self.shares.at(index, count).unwrap_or_default()
    }
}

/// A whole schedule; the output of `prequal schedule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The payments in order of their due dates.
    pub installments: Vec<Installment>,
    /// The further charges of the terms, in their order.
    pub fee_lines: Vec<FeeLine>,
    /// What is paid at once, beside the instalments.
    pub down_payment: Amount,
    /// What is lent.
    pub total_principal: Amount,
    /// All interest.
    pub total_interest: Amount,
    /// All fees.
    pub total_fee: Amount,
    /// All that is paid.
    pub total: Amount,
}

/// Makes the schedule of the terms.
///
/// Only what the terms name is rounded; all between is exact.
///
/// # Errors
/// Every [`CreditError`] that names a field of the terms, and `amount_out_of_range`.
pub fn schedule(terms: &Terms) -> Result<Schedule, CreditError> {
    let plan = Plan::new(terms)?;
    let mut installments = blank(&plan);
    amortise(&plan, &mut installments)?;
    let fee_lines = charge_fees(&plan, &mut installments)?;
    total_up(installments, fee_lines, down_payment(terms)?)
}

fn blank(plan: &Plan<'_>) -> Vec<Installment> {
    (1_u16..)
        .zip(&plan.dues)
        .map(|(number, due)| Installment {
            number,
            due: *due,
            principal: Amount::ZERO,
            interest: Amount::ZERO,
            fee: Amount::ZERO,
            total: Amount::ZERO,
            balance: Amount::ZERO,
        })
        .collect()
}

/// Principal, interest and balance of every instalment.
fn amortise(plan: &Plan<'_>, installments: &mut [Installment]) -> Result<(), CreditError> {
    let principal = plan.lent;
    let count = installments.len();
    let method = plan.terms.repayment.method;
    let holiday = usize::from(plan.holiday());
    let repaid = principal.checked_sub(plan.balloon)?;
    let shares = Shares::spread(repaid, plan.count() - plan.holiday(), plan.remainder());
    let level = if method == Method::EqualInstallment { plan.level()? } else { Amount::ZERO };
    let mut balance = principal;
    for (index, installment) in installments.iter_mut().enumerate() {
        let interest = plan.interest(index, balance)?;
        let repaid = if index + 1 == count {
            balance
        } else if index < holiday {
            Amount::ZERO
        } else {
            match method {
                Method::EqualInstallment => level.saturating_sub(interest).min(balance),
                Method::EqualPrincipal | Method::FeeInstallment | Method::Free => {
                    shares.at(index - holiday, count - holiday)?
                }
                Method::InterestOnly | Method::Single => Amount::ZERO,
            }
        };
        balance = balance.checked_sub(repaid)?;
        installment.principal = repaid;
        installment.interest = interest;
        installment.balance = balance;
    }
    Ok(())
}

/// The method's own fee and the further charges.
fn charge_fees(plan: &Plan<'_>, installments: &mut [Installment]) -> Result<Vec<FeeLine>, CreditError> {
    let count = installments.len();
    let mut lines = Vec::new();
    for fee in checked_fees(plan.terms)? {
        let shares = fee_shares(plan.terms, plan.lent, fee)?;
        lines.push(FeeLine { code: fee.code.clone(), payee: fee.payee.clone(), shares });
    }
    let own_lines = (plan.own_fee != Shares::default()).then_some(&plan.own_fee);
    for shares in own_lines.into_iter().chain(lines.iter().map(|line| &line.shares)) {
        for (index, installment) in installments.iter_mut().enumerate() {
            installment.fee = installment.fee.checked_add(shares.at(index, count)?)?;
        }
    }
    Ok(lines)
}

fn total_up(
    mut installments: Vec<Installment>,
    fee_lines: Vec<FeeLine>,
    down_payment: Amount,
) -> Result<Schedule, CreditError> {
    let (mut principal, mut interest, mut fee) = (Amount::ZERO, Amount::ZERO, Amount::ZERO);
    for installment in &mut installments {
        installment.total = sum3(installment.principal, installment.interest, installment.fee)?;
        principal = principal.checked_add(installment.principal)?;
        interest = interest.checked_add(installment.interest)?;
        fee = fee.checked_add(installment.fee)?;
    }
    let total = sum3(principal, interest, fee)?;
    Ok(Schedule {
        installments,
        fee_lines,
        down_payment,
        total_principal: principal,
        total_interest: interest,
        total_fee: fee,
        total,
    })
}

fn sum3(one: Amount, two: Amount, three: Amount) -> Result<Amount, MoneyError> {
    one.checked_add(two)?.checked_add(three)
}

/// One instalment together with the fees it carries.
#[derive(Serialize, Canonical)]
struct Row<'a> {
    number: u16,
    due: Date,
    principal: Amount,
    interest: Amount,
    fee: Amount,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fees: Vec<RowFee<'a>>,
    total: Amount,
    balance: Amount,
}

#[derive(Serialize, Canonical)]
struct RowFee<'a> {
    code: &'a str,
    payee: &'a str,
    amount: Amount,
}

/// A schedule as it is written.
#[derive(Serialize, Canonical)]
struct Form<'a> {
    installments: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Amount::is_zero_ref")]
    down_payment: Amount,
    total_principal: Amount,
    total_interest: Amount,
    total_fee: Amount,
    total: Amount,
}

impl Schedule {
    fn row<'a>(&'a self, (index, row): (usize, &Installment)) -> Row<'a> {
        let Installment { number, due, principal, interest, fee, total, balance } = *row;
        let amount = |line: &'a FeeLine| RowFee {
            code: &line.code,
            payee: &line.payee,
            amount: line.amount(index, self.installments.len()),
        };
        let fees = self.fee_lines.iter().map(amount).collect();
        Row { number, due, principal, interest, fee, fees, total, balance }
    }

    fn form(&self) -> Form<'_> {
        Form {
            installments: self.installments.iter().enumerate().map(|row| self.row(row)).collect(),
            down_payment: self.down_payment,
            total_principal: self.total_principal,
            total_interest: self.total_interest,
            total_fee: self.total_fee,
            total: self.total,
        }
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.form().serialize(serializer)
    }
}

impl Canonical for Schedule {
    fn write_to(&self, text: &mut Text) {
        self.form().write_to(text);
    }
}
