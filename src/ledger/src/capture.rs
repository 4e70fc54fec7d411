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

/// By how much of a percentage point the annual rate of a capture may exceed the signed one where nothing is charged but
/// interest by actual days. Each day then costs what was signed, whenever the capture is; that the disclosed rate differs
/// comes of months of different numbers of days, which a disclosure may disregard (12 CFR 1026.17(c)(3)), within the
/// eighth in which it counts as accurate (12 CFR 1026.22(a)(2)).
///
/// Of every other contract the rate may exceed the signed one by no more than rounding can: as if each signed instalment
/// were dearer by one minor unit.
pub const CALENDAR_TOLERANCE_PERCENT: &str = "0.125";

/// Why there is no such schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureRefusal {
    /// On this day the terms would cost more than what was signed.
    DearerThanSigned {
        /// The annual rate that was signed, in per cent.
        signed_percent: String,
        /// The annual rate of the whole on this day.
        reached_percent: String,
        /// The same with six decimals: what a person confirms.
        reached_percent_exact: String,
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
            Self::DearerThanSigned { signed_percent, reached_percent, .. } => {
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

/// A capture that was made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// How much, in minor units of principal.
    pub amount: Amount,
    /// How many captures the order had when the payout of this one failed, where it did.
    pub failed_after: Option<u32>,
}

/// A piece of what was signed, from a place in it up to another, in minor units of principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    from: Amount,
    until: Amount,
}

/// The part of what was signed that a capture is. Each capture takes the first places that no other has, and one that
/// came to nothing gives its places back; so what captures in force have of an amount is never more than the amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    places: Vec<Place>,
    amount: Amount,
    whole: Amount,
}

impl Share {
    /// The share of a new capture of a whole, after others in their order.
    ///
    /// # Errors
    /// [`CaptureRefusal::NotAPart`] where it is nothing, or more than what is left.
    pub fn new(before: &[Made], amount: Amount, whole: Amount) -> Result<Self, CaptureRefusal> {
        let mut taken: Vec<(Option<u32>, Vec<Place>)> = Vec::with_capacity(before.len());
        for (made, number) in before.iter().zip(0_u32..) {
            // What failed while there were fewer captures than now was free by then.
            taken.retain(|(failed_after, _)| failed_after.is_none_or(|after| after > number));
            taken.push((made.failed_after, first_free(&taken, made.amount, whole)?));
        }
        taken.retain(|(failed_after, _)| failed_after.is_none());
        Ok(Self { places: first_free(&taken, amount, whole)?, amount, whole })
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Share::new`].
    pub fn all(whole: Amount) -> Result<Self, CaptureRefusal> {
        Self::new(&[], whole, whole)
    }

    /// What is captured.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// The share of an amount that was signed for the whole: rounded down up to the end of each of its places, less what
    /// is before the place. The shares of captures that are the whole are the whole amount.
    ///
    /// # Errors
    /// [`CaptureRefusal::NotAPart`] beyond the range of amounts.
    pub fn of(&self, total: Amount) -> Result<Amount, CaptureRefusal> {
        let part = |of: Amount| {
            let product = u128::from(total.unsigned()) * u128::from(of.unsigned());
            let share = product.checked_div(u128::from(self.whole.unsigned())).ok_or(CaptureRefusal::NotAPart)?;
            Amount::try_from(share).map_err(|_| CaptureRefusal::NotAPart)
        };
        let mut sum = Amount::ZERO;
        for place in &self.places {
            let share = part(place.until)?.saturating_sub(part(place.from)?);
            sum = sum.checked_add(share).map_err(|_| CaptureRefusal::NotAPart)?;
        }
        Ok(sum)
    }
}

/// The first places of a whole that nobody has, for an amount.
fn first_free(
    taken: &[(Option<u32>, Vec<Place>)],
    amount: Amount,
    whole: Amount,
) -> Result<Vec<Place>, CaptureRefusal> {
    let mut others: Vec<Place> = taken.iter().flat_map(|(_, places)| places).copied().collect();
    others.sort_by_key(|place| place.from);
    others.push(Place { from: whole, until: whole });
    let (mut free, mut left, mut from) = (Vec::new(), amount, Amount::ZERO);
    for other in others {
        let size = other.from.saturating_sub(from).min(left);
        if !size.is_zero() {
            let until = from.checked_add(size).map_err(|_| CaptureRefusal::NotAPart)?;
            free.push(Place { from, until });
            left = left.saturating_sub(size);
        }
        from = other.until;
    }
    if left.is_zero() && !amount.is_zero() { Ok(free) } else { Err(CaptureRefusal::NotAPart) }
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
    capture_offer_up_to(signed, share, day, law, &signed.apr.apr_percent_exact)
}

/// The contract of a capture on a day, where the person confirmed that the whole may cost so much a year, in per cent with
/// six decimals. What the law does not allow nobody can confirm.
///
/// # Errors
/// As [`capture_offer`].
pub fn capture_offer_up_to(
    signed: &Offer,
    share: &Share,
    day: Date,
    law: Law<'_>,
    confirmed_percent_exact: &str,
) -> Result<Offer, CaptureRefusal> {
    if share.whole != signed.principal {
        return Err(CaptureRefusal::NotAPart);
    }
    check_rate(signed, day, confirmed_percent_exact)?;
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
fn check_rate(signed: &Offer, day: Date, most_percent_exact: &str) -> Result<(), CaptureRefusal> {
    if day == signed.terms.start {
        return Ok(());
    }
    let whole = offer_of(signed, &Share::all(signed.principal)?, day)?;
    let most = millionths(most_percent_exact)?.saturating_add(tolerance(signed)?);
    if millionths(&whole.apr.apr_percent_exact)? <= most {
        return Ok(());
    }
    Err(CaptureRefusal::DearerThanSigned {
        signed_percent: signed.apr.apr_percent.clone(),
        reached_percent: whole.apr.apr_percent,
        reached_percent_exact: whole.apr.apr_percent_exact,
    })
}

/// A rate in millionths of a percentage point.
fn millionths(percent: &str) -> Result<i128, CaptureRefusal> {
    let percent = Decimal::parse(percent).map_err(|_| CaptureRefusal::NotAPart)?;
    Ok(i128::from(percent.mantissa()) * 1_000_000 / i128::from(percent.denominator().max(1)))
}

/// By how much the rate may exceed what was signed without being dearer, in millionths of a percentage point.
fn tolerance(signed: &Offer) -> Result<i128, CaptureRefusal> {
    let terms = &signed.terms;
    let by_actual_days = terms.rate.is_some_and(|rate| rate.day_count.is_none_or(|days| !days.is_thirty()));
    if by_actual_days && terms.fees.is_empty() {
        return millionths(CALENDAR_TOLERANCE_PERCENT);
    }
    let unit = Amount::new(1).map_err(CreditError::from)?;
    let mut rows = signed.installments.clone();
    for row in &mut rows {
        row.interest = row.interest.checked_add(unit).map_err(CreditError::from)?;
        row.total = row.total.checked_add(unit).map_err(CreditError::from)?;
    }
    let (convention, every) = (signed.apr.convention, terms.repayment.every);
    // So little that with a unit more it has no rate: then nothing of it is rounding.
    let Ok(dearer) = apr_of_plan(convention, every, terms.start, signed.principal, Amount::ZERO, &rows) else {
        return Ok(0);
    };
    Ok(millionths(&dearer.apr_percent_exact)?.saturating_sub(millionths(&signed.apr.apr_percent_exact)?))
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
