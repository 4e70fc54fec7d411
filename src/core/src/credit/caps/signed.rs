//! What the law of the day of signature makes of a contract's rules: the same caps that judged the plan judge every
//! charge when it would be posted.

use super::{
    ChargeCap, ChargeKind, Measure, PlanCap, PlanFacts,
    default::{Year, beside, compounded, own_rate},
    ratio::Ratio,
};
use crate::{
    credit::{CreditError, Penalty, Rules, Terms},
    decimal::Decimal,
    money::Amount,
};

/// Places of a ceiling that is not written as a decimal; rounded down.
const PLACES: u8 = 6;
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
            Measure::DefaultRate => lower_penalty(penalty, terms, ceiling, Year::Stated(cap.year_days), facts)?,
            Measure::DailyCost => {
                let year = Year::Lived;
                let a_year = ceiling.times(Ratio::new(u128::from(year.days()), 1))?;
                lower_penalty(penalty, terms, a_year, year, facts)?;
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
    year: Year,
    facts: &PlanFacts<'_>,
) -> Result<(), CreditError> {
    let Some(penalty) = penalty else { return Ok(()) };
    let Some(own) = own_rate(penalty, terms)? else { return Ok(()) };
    let beside = beside(penalty, terms).map_or(Ok(Ratio::ZERO), |rate| rate.a_year(year))?;
    let mut room = ceiling.less(beside)?;
    if penalty.compounding {
        room = before_compounding(room, year, facts);
    }
    // Its own ceiling is a rate of the year that the penalty counts.
    let most = own.as_ceiling(room, year)?.steps(PLACES).and_then(|steps| Decimal::new(steps, PLACES).ok());
    if most.is_some() && penalty.ceiling_annual_percent.is_none_or(|ceiling| most < Some(ceiling)) {
        penalty.ceiling_annual_percent = most;
    }
    Ok(())
}

/// The highest rate that compounding takes no further than this one.
fn before_compounding(room: Ratio, year: Year, facts: &PlanFacts<'_>) -> Ratio {
    let rate = |steps: i64| Ratio::new(u128::from(steps.unsigned_abs()), 10_u128.pow(u32::from(PLACES)));
    // INVARIANT: compounded, `low` stays within the room and `high` does not.
    let (mut low, mut high) = (0, room.steps(PLACES).unwrap_or(i64::MAX - 1) + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if compounded(rate(middle), year.days(), facts.installments).is_ok_and(|reached| reached <= room) {
            low = middle;
        } else {
            high = middle;
        }
    }
    rate(low)
}
