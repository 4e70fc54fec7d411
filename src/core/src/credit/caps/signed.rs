//! What the law of the day of signature makes of a contract's rules: the same caps that judged the plan judge every
//! charge when it would be posted.

use super::{ChargeCap, ChargeKind, Measure, PlanCap, PlanFacts, default::rate_beside, ratio::Ratio};
use crate::{
    calendar::DayCount,
    credit::{CreditError, Penalty, Rules, Terms},
    decimal::Decimal,
    money::Amount,
};

/// Places of a ceiling that is not written as a decimal; rounded down.
const PLACES: u8 = 6;
/// Days by which a ceiling on the cost of a day becomes one on a rate a year.
const YEAR_DAYS: u128 = 365;
/// All that a ceiling on the total cost counts.
const ALL_KINDS: [ChargeKind; 5] =
    [ChargeKind::Interest, ChargeKind::Fee, ChargeKind::Penalty, ChargeKind::LateFee, ChargeKind::PrepaymentFee];

/// What the caps that bind a lender on the day of signature make of what being late costs.
///
/// A cap on `late_fees` or `total_cost` becomes a ceiling on the charges of the loan's life; these are answered. A cap on
/// `default_rate` or `daily_cost` bounds the rate of the penalty, less the contract's own where that goes on beside it:
/// it bites when a penalty that is a multiple rises with the contract's rate. A cap on the annual rate has done its work
/// at signature: late charges are no part of that rate (12 CFR 1026.4(c)(2), 32 CFR 232.4(c)).
///
/// # Errors
/// `amount_out_of_range`.
pub fn bind_late_charges(
    penalty: &mut Option<Penalty>,
    caps: &[PlanCap],
    terms: &Terms,
    facts: &PlanFacts<'_>,
) -> Result<Vec<ChargeCap>, CreditError> {
    let mut on_life = Vec::new();
    for cap in caps.iter().filter(|cap| cap.binds(facts.lender, facts.signed)) {
        let Some(ceiling) = cap.ceiling(facts)? else { continue };
        match cap.measure {
            Measure::AnnualRate => {}
            Measure::LateFees => {
                let most = ceiling.part_of(facts.price)?;
                on_life.push(charge_cap(cap, facts, vec![ChargeKind::LateFee], None, Some(most)));
            }
            Measure::TotalCost => {
                let excluded = cap.excluded_in_all(facts)?;
                let percent = ceiling.steps(PLACES).and_then(|steps| Decimal::new(steps, PLACES).ok());
                // What is drawn later raises the ceiling with it, but where some charges stand apart.
                let plain = excluded.is_zero() && facts.upfront.is_zero() && percent.is_some();
                let most = ceiling.part_of(facts.lent)?.checked_add(excluded)?.saturating_sub(facts.upfront);
                let (percent, most) = if plain { (percent, None) } else { (None, Some(most)) };
                on_life.push(charge_cap(cap, facts, ALL_KINDS.to_vec(), percent, most));
            }
            Measure::DefaultRate => lower_penalty(penalty, terms, ceiling, u128::from(cap.year_days))?,
            Measure::DailyCost => {
                lower_penalty(penalty, terms, ceiling.times(Ratio::new(YEAR_DAYS, 1))?, YEAR_DAYS)?;
            }
        }
    }
    Ok(on_life)
}

/// The rules of a contract under the caps that bind its lender on the day of signature, as [`bind_late_charges`] reads
/// them.
///
/// # Errors
/// `amount_out_of_range`; more ceilings than a contract may have.
pub fn rules_under(
    rules: &Rules,
    caps: &[PlanCap],
    terms: &Terms,
    facts: &PlanFacts<'_>,
) -> Result<Rules, CreditError> {
    let mut bound = rules.clone();
    bound.caps.extend(bind_late_charges(&mut bound.penalty, caps, terms, facts)?);
    bound.check()?;
    Ok(bound)
}

fn charge_cap(
    cap: &PlanCap,
    facts: &PlanFacts<'_>,
    counts: Vec<ChargeKind>,
    percent_of_principal: Option<Decimal>,
    amount: Option<Amount>,
) -> ChargeCap {
    ChargeCap {
        id: cap.id.clone(),
        from: facts.signed,
        until: None,
        counts,
        percent_of_principal,
        amount,
        amount_each: None,
    }
}

/// Bounds the rate of the penalty, so that with contract interest beside it it stays under a ceiling a year.
fn lower_penalty(
    penalty: &mut Option<Penalty>,
    terms: &Terms,
    ceiling: Ratio,
    year_days: u128,
) -> Result<(), CreditError> {
    let Some(penalty) = penalty else { return Ok(()) };
    let beside = rate_beside(penalty, terms, year_days)?;
    // A penalty counts days of its own rate, or of the contract's of which it is a multiple; its own ceiling is a rate
    // of that year.
    let own = penalty.rate.as_ref().or(terms.rate.as_ref());
    let daily = own.is_some_and(|rate| rate.daily);
    let count = own.and_then(|rate| rate.day_count).unwrap_or(DayCount::Actual365);
    // Actual/actual cuts a year into parts of days; a day of it is taken as one of 365.
    let days = u128::from(count.units_per_year()).min(YEAR_DAYS);
    let room = ceiling.less(beside)?;
    let room = if daily { room.times(Ratio::new(days, year_days))? } else { room };
    let most = room.steps(PLACES).and_then(|steps| Decimal::new(steps, PLACES).ok());
    if most.is_some() && penalty.ceiling_annual_percent.is_none_or(|ceiling| most < Some(ceiling)) {
        penalty.ceiling_annual_percent = most;
    }
    Ok(())
}
