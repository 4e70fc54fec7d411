//! The terms of a revolving line, as they are told and agreed to with a purchase that is drawn on it.
//!
//! A purchase that may be carried over costs nothing if it is paid with its bill and bears the line's rate if it is not, so
//! that its own schedule tells half of it. What is told before the contract is the whole: rates and costs as if it were
//! paid back in twelve equal monthly payments, which is what the law supposes where nobody can know (Directive (EU)
//! 2023/2225, Annex III, part II; 12 CFR 1026, Appendix F knows no closer one), and beside them the terms in words.

use std::fmt::Write;

use prequal_core::{
    calendar::{Date, Period},
    credit::{
        InterestFrom, Line as Conventions, Method, Repayment, Terms, apr_of_plan, disclosure::DisclosureInput, schedule,
    },
    currency::Currency,
    money::Amount,
    wire::Offer,
};

use crate::{
    agreement::{Agreement, format_money},
    conduct::Jurisdiction,
    lines,
    problem::{Kind, Problem},
    storage::{Connection, lines as stored},
};

/// In how many monthly payments a purchase is supposed to be paid back.
const PAYMENTS_SUPPOSED: u16 = 12;

/// The line that a purchase is to be drawn on.
#[derive(Debug, Clone)]
pub struct Named {
    /// The line.
    pub id: String,
    /// Of a revolving line, the hash of its terms.
    pub terms_hash: Option<String>,
    conventions: Option<Conventions>,
}

impl Named {
    /// A person's own line in a currency.
    ///
    /// # Errors
    /// 422 where it is none; 500 when the database fails.
    pub async fn find(db: &mut Connection, id: &str, person: &str, currency: &str) -> Result<Self, Problem> {
        let row = stored::find(db, id).await?.filter(|row| row.person == person && row.currency == currency);
        let Some(row) = row else {
            let detail = "the applicant has no such line in this currency";
            return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/line"));
        };
        let terms_hash = lines::terms_hash(&row);
        Ok(Self { conventions: lines::conventions(&row)?, id: row.id, terms_hash })
    }

    /// Its terms, where a purchase may be carried over.
    #[must_use]
    pub fn terms(&self, offer: &Offer) -> Option<LineTerms<'_>> {
        let conventions = self.conventions.as_ref()?;
        let hash = self.terms_hash.as_deref()?;
        prequal_ledger::bill::revolves(conventions, &offer.terms).then_some(LineTerms { conventions, hash })
    }
}

/// The terms of a revolving line.
#[derive(Debug, Clone, Copy)]
pub struct LineTerms<'a> {
    /// As they are kept.
    pub conventions: &'a Conventions,
    /// Their hash.
    pub hash: &'a str,
}

/// What a principal comes to at a line's rate in so many equal monthly payments.
#[must_use]
pub fn supposed(conventions: &Conventions, currency: Currency, principal: Amount, start: Date, count: u16) -> Terms {
    let mut terms = Terms {
        currency,
        principal,
        start,
        rate: Some(conventions.rate),
        repayment: Repayment::regular(Method::EqualInstallment, count, Period::Months(1)),
        rounding: conventions.rounding,
        level_rounding: None,
        remainder: None,
        adjust_installment: false,
        fees: Vec::new(),
        after_maturity: None,
    };
    if conventions.rate.percent.mantissa() == 0 {
        terms.rate = None;
        terms.repayment.method = Method::Free;
    }
    terms
}

impl LineTerms<'_> {
    /// A purchase as it is supposed to be paid back: at once after a month where it is too small for more.
    fn supposed(&self, offer: &Offer) -> Terms {
        let of = |count| supposed(self.conventions, offer.currency, offer.principal, offer.terms.start, count);
        let terms = of(PAYMENTS_SUPPOSED);
        if schedule(&terms).is_ok() { terms } else { of(1) }
    }

    /// What is told of a purchase, told of one that is carried over.
    pub fn carry(&self, contract: &mut DisclosureInput, offer: &Offer) {
        contract.terms = self.supposed(offer);
    }

    /// The offer as the agreement names its rates: those of the line.
    ///
    /// # Errors
    /// 500 where there is no annual rate.
    pub fn priced(&self, offer: &Offer) -> Result<Offer, Problem> {
        let terms = self.supposed(offer);
        let made = schedule(&terms).map_err(Problem::internal)?;
        let (every, convention) = (Some(Period::Months(1)), offer.apr.convention);
        let (start, advance) = (terms.start, terms.principal);
        let answer = apr_of_plan(convention, every, start, advance, Amount::ZERO, &made.installments);
        let answer = answer.map_err(Problem::internal)?;
        let mut offer = offer.clone();
        (offer.apr.apr_percent, offer.apr.apr_percent_exact) = (answer.apr_percent, answer.apr_percent_exact);
        if !self.conventions.rate.daily {
            offer.rate_annual_percent = self.conventions.rate.percent.to_string();
        }
        Ok(offer)
    }

    /// The terms in words.
    #[must_use]
    pub fn words(&self, law: Jurisdiction, currency: Currency) -> String {
        if law == Jurisdiction::Cn { self.in_chinese(currency) } else { self.in_english(currency) }
    }

    fn in_english(&self, currency: Currency) -> String {
        let Conventions { billing, rate, interest_from, minimum, .. } = self.conventions;
        let per = if rate.daily { "day" } else { "year" };
        let mut least = format!("{} % of what may be carried over", minimum.percent);
        if !minimum.floor.is_zero() {
            let _ = write!(least, ", at least {}", format_money(minimum.floor, currency));
        }
        if let Some(cap) = minimum.cap {
            let _ = write!(least, ", at most {}", format_money(cap, currency));
        }
        let from = match interest_from {
            InterestFrom::DayAfterDue => "from the day after the due day",
            InterestFrom::Statement => {
                "from the day of the statement, so that the days without interest since then are lost"
            }
            InterestFrom::Purchase => "from the day of the purchase, so that all days without interest are lost",
        };
        format!(
            "This purchase is drawn on your line of credit\n\
             Statement: on day {} of each month; due on day {} after it\n\
             No interest: if you pay all that a statement asks for by its due day\n\
             Rate on what you carry over: {} % a {per}, {from}\n\
             Minimum payment: {least}; and instalments, interest and fees in full\n\
             Rates and costs named here suppose that you carry it over and pay it back in {PAYMENTS_SUPPOSED} equal \
             monthly payments.\n\
             Terms of the line: SHA-256 {}\n",
            billing.billing_day, billing.due_day, rate.percent, self.hash,
        )
    }

    fn in_chinese(&self, currency: Currency) -> String {
        let Conventions { billing, rate, interest_from, minimum, .. } = self.conventions;
        let per = if rate.daily { "日" } else { "年" };
        let mut least = format!("可结转本金的 {}%", minimum.percent);
        if !minimum.floor.is_zero() {
            let _ = write!(least, "，不低于 {}", format_money(minimum.floor, currency));
        }
        if let Some(cap) = minimum.cap {
            let _ = write!(least, "，不高于 {}", format_money(cap, currency));
        }
        let from = match interest_from {
            InterestFrom::DayAfterDue => "自到期还款日次日起计息",
            InterestFrom::Statement => "自账单日起计息，其后的免息期不再享有",
            InterestFrom::Purchase => "自消费日起计息，免息期不再享有",
        };
        format!(
            "本次消费使用循环额度\n账单日：每月 {} 日；到期还款日：其后的 {} 日\n到期还款日前全额还款：免息\n\
             未全额还款部分：费率 {}%/{per}，{from}\n最低还款额：{least}，另加分期、利息及费用全额\n\
             本表费率及费用按全部结转、分 {PAYMENTS_SUPPOSED} 个月等额偿还测算\n额度条款：SHA-256 {}\n",
            billing.billing_day, billing.due_day, rate.percent, self.hash,
        )
    }

    /// The agreement, with the terms of the line under it.
    #[must_use]
    pub fn under(&self, agreement: &Agreement, law: Jurisdiction, currency: Currency) -> Agreement {
        Agreement::of(format!("{}\n{}", agreement.text, self.words(law, currency)))
    }
}
