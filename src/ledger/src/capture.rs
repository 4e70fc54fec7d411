//! The final schedule of a capture: the rules that were signed, applied to a part of what was signed and to another day.
//!
//! Rate, count and conventions are those of the signed offer; the amount is the capture and the start its day. What the
//! offer names as an amount (a fixed fee, a ceiling on charges) was signed for the whole, so a capture has its share of
//! it: all captures together never have more than was signed. Interest is rounded in each capture by the signed rule, so
//! the interest of two captures may differ from that of one by a minor unit for each instalment.

use core::fmt;

use prequal_core::{
    calendar::Date,
    canonical,
    credit::{
        CreditError, FeeSize, LateFee, LateRules, Schedule, Terms, apr_of_plan,
        caps::{ChargeCap, DefaultCost, PlanCap, PlanFacts, broken_cap},
        schedule,
    },
    decimal::Decimal,
    money::Amount,
    wire::{AprDisclosure, Offer},
};

/// By how much of a percentage point the annual rate of a capture may exceed the signed one: an eighth, within which a
/// disclosed rate counts as accurate (12 CFR 1026.22(a)(2)).
pub const RATE_TOLERANCE_PERCENT: &str = "0.125";

/// Why there is no such schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureRefusal {
    /// On this day the terms would cost more than what was signed.
    DearerThanSigned {
        /// The annual rate that was signed, in per cent.
        signed_percent: String,
        /// The annual rate of the whole on this day.
        reached_percent: String,
    },
    /// The capture would cost more than the law allows.
    AboveCap {
        /// The cap's id.
        cap: String,
    },
    /// The terms give no schedule for this amount or this day.
    Credit(CreditError),
    /// The capture is not a part of what was signed.
    NotAPart,
}

impl fmt::Display for CaptureRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DearerThanSigned { signed_percent, reached_percent } => {
                write!(
                    out,
                    "captured on this day it would cost {reached_percent} % a year, and {signed_percent} % was signed"
                )
            }
            Self::AboveCap { cap } => write!(out, "a capture of this amount would cost more than `{cap}` allows"),
            Self::Credit(error) => write!(out, "the signed terms give no schedule for it: {error}"),
            Self::NotAPart => out.write_str("it is not a part of what was signed"),
        }
    }
}

impl From<CreditError> for CaptureRefusal {
    fn from(error: CreditError) -> Self {
        Self::Credit(error)
    }
}

/// The part of what was signed that a capture is, in minor units of principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// What was captured before.
    pub before: Amount,
    /// The capture.
    pub amount: Amount,
    /// What was signed.
    pub whole: Amount,
}

impl Share {
    /// The share of an amount that was signed for the whole: rounded down over all captures so far, less what those
    /// before had. The shares of all captures of the whole are the whole.
    ///
    /// # Errors
    /// [`CaptureRefusal::NotAPart`].
    pub fn of(&self, total: Amount) -> Result<Amount, CaptureRefusal> {
        let through = self.before.checked_add(self.amount).map_err(|_| CaptureRefusal::NotAPart)?;
        if through > self.whole || self.amount.is_zero() {
            return Err(CaptureRefusal::NotAPart);
        }
        let part = |of: Amount| {
            let product = u128::from(total.unsigned()) * u128::from(of.unsigned());
            let share = product.checked_div(u128::from(self.whole.unsigned())).ok_or(CaptureRefusal::NotAPart)?;
            Amount::try_from(share).map_err(|_| CaptureRefusal::NotAPart)
        };
        Ok(part(through)?.saturating_sub(part(self.before)?))
    }
}

/// The law by which a capture is judged, as it was on the day of signature.
#[derive(Debug, Clone, Copy)]
pub struct Law<'a> {
    /// The ceilings.
    pub caps: &'a [PlanCap],
    /// The type of the lender, as caps name it.
    pub lender: &'a str,
}

/// The contract of a capture on a day.
///
/// # Errors
/// [`CaptureRefusal`]: anything worse than signed needs a new confirmation.
pub fn capture_offer(signed: &Offer, share: &Share, day: Date, law: Law<'_>) -> Result<Offer, CaptureRefusal> {
    // Refused first, whatever the terms would say of it.
    share.of(Amount::ZERO)?;
    if share.whole != signed.principal {
        return Err(CaptureRefusal::NotAPart);
    }
    check_rate(signed, day)?;
    let offer = offer_of(signed, share, day)?;
    let made = schedule(&offer.terms)?;
    let late = LateRules { penalty: offer.penalty.as_ref(), late_fee: offer.late_fee.as_ref() };
    let default_cost = (!late.is_free()).then(|| DefaultCost::of(&offer.terms, &made, late)).transpose()?;
    let facts = PlanFacts {
        signed: signed.terms.start,
        price: offer.price,
        default_cost: default_cost.as_ref(),
        ..PlanFacts::of(&offer.terms, &made, law.lender)
    };
    match broken_cap(law.caps, &facts)? {
        Some(finding) => Err(CaptureRefusal::AboveCap { cap: finding.cap }),
        None => Ok(offer),
    }
}

/// The annual rate of the whole on the day of a capture is compared, because in a small part a rounded cent weighs more
/// than the terms do.
fn check_rate(signed: &Offer, day: Date) -> Result<(), CaptureRefusal> {
    if day == signed.terms.start {
        return Ok(());
    }
    let share = Share { before: Amount::ZERO, amount: signed.principal, whole: signed.principal };
    let whole = offer_of(signed, &share, day)?;
    let percent = |text: &str| Decimal::parse(text).map_err(|_| CaptureRefusal::NotAPart);
    let (before, now) = (percent(&signed.apr.apr_percent_exact)?, percent(&whole.apr.apr_percent_exact)?);
    // Both have six places.
    let exact =
        |percent: Decimal| i128::from(percent.mantissa()) * 1_000_000 / i128::from(percent.denominator().max(1));
    if exact(now) - exact(before) <= exact(percent(RATE_TOLERANCE_PERCENT)?) {
        return Ok(());
    }
    Err(CaptureRefusal::DearerThanSigned {
        signed_percent: signed.apr.apr_percent.clone(),
        reached_percent: whole.apr.apr_percent,
    })
}

fn offer_of(signed: &Offer, share: &Share, day: Date) -> Result<Offer, CaptureRefusal> {
    let terms = terms_of(&signed.terms, share, day)?;
    let made = schedule(&terms)?;
    let down_payment = share.of(signed.down_payment)?;
    let late_fee = signed.late_fee.as_ref().map(|fee| late_fee_of(fee, share)).transpose()?;
    let late = LateRules { penalty: signed.penalty.as_ref(), late_fee: late_fee.as_ref() };
    let cost = (!late.is_free()).then(|| DefaultCost::of(&terms, &made, late)).transpose()?;
    let apr = disclosure(signed, &terms, &made)?;
    let Schedule { installments, total, total_fee, total_interest, .. } = made;
    let mut offer = Offer {
        apr,
        charge_caps: charge_caps_of(&signed.charge_caps, share)?,
        cost_of_default: cost.map(|cost| cost.quoted),
        count: terms.repayment.count,
        currency: signed.currency,
        down_payment,
        first_due: installments.first().map_or(day, |first| first.due),
        last_due: installments.last().map_or(day, |last| last.due),
        installments,
        late_fee,
        penalty: signed.penalty.clone(),
        plan: signed.plan.clone(),
        price: share.amount.checked_add(down_payment).map_err(CreditError::from)?,
        principal: share.amount,
        product: signed.product.clone(),
        rate_annual_percent: signed.rate_annual_percent.clone(),
        terms,
        terms_hash: String::new(),
        total,
        total_fee,
        total_interest,
    };
    let text = canonical::to_string(&offer).map_err(|_| CaptureRefusal::NotAPart)?;
    offer.terms_hash = canonical::sha256_hex(text.as_bytes());
    Ok(offer)
}

fn terms_of(signed: &Terms, share: &Share, day: Date) -> Result<Terms, CaptureRefusal> {
    let mut terms = signed.clone();
    (terms.principal, terms.start) = (share.amount, day);
    for fee in &mut terms.fees {
        if let FeeSize::Amount(amount) = &mut fee.size {
            *amount = share.of(*amount)?;
        }
    }
    terms.fees.retain(|fee| !matches!(fee.size, FeeSize::Amount(amount) if amount.is_zero()));
    if let Some(FeeSize::Amount(amount)) = terms.repayment.balloon {
        let amount = share.of(amount)?;
        terms.repayment.balloon = (!amount.is_zero()).then_some(FeeSize::Amount(amount));
    }
    Ok(terms)
}

fn late_fee_of(signed: &LateFee, share: &Share) -> Result<LateFee, CaptureRefusal> {
    let mut fee = signed.clone();
    for tier in &mut fee.tiers {
        tier.amount = tier.amount.map(|amount| share.of(amount)).transpose()?;
    }
    fee.cap_amount = fee.cap_amount.map(|amount| share.of(amount)).transpose()?;
    Ok(fee)
}

fn charge_caps_of(signed: &[ChargeCap], share: &Share) -> Result<Vec<ChargeCap>, CaptureRefusal> {
    let of = |cap: &ChargeCap| {
        let amount = cap.amount.map(|amount| share.of(amount)).transpose()?;
        Ok(ChargeCap { amount, ..cap.clone() })
    };
    signed.iter().map(of).collect()
}

fn disclosure(signed: &Offer, terms: &Terms, made: &Schedule) -> Result<AprDisclosure, CaptureRefusal> {
    let convention = signed.apr.convention;
    let every = terms.repayment.every;
    let apr = apr_of_plan(convention, every, terms.start, made.total_principal, Amount::ZERO, &made.installments)?;
    Ok(AprDisclosure {
        apr_percent: apr.apr_percent,
        apr_percent_exact: apr.apr_percent_exact,
        convention,
        effective_percent: apr.effective_percent,
    })
}
