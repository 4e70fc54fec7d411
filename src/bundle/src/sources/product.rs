//! `product.toml`: amounts, conventions, plans, what being late costs, legal caps.

use prequal_core::{
    bundle::{
        payload::Texts,
        products::{Plan, Product, RateBasis},
    },
    credit::{Convention, Fee, FeeSize, FeeWhen, caps::PlanCap},
    currency::Currency,
    decimal::Decimal,
    rounding::Rounding,
};
use serde::Deserialize;

use super::money::{self, optional};

/// The product and the caps as the payload holds them.
#[derive(Debug)]
pub(super) struct SourceProduct {
    pub product: Product,
    pub caps: Vec<PlanCap>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductFile {
    product: ProductEntry,
    plan: Vec<PlanEntry>,
    #[serde(default)]
    cap: Vec<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductEntry {
    id: String,
    label: Texts,
    amount_min: String,
    amount_max: String,
    convention: Convention,
    rate: RateBasis,
    rounding: Rounding,
    #[serde(default)]
    level_rounding: Option<Rounding>,
    #[serde(default)]
    adjust_installment: bool,
    #[serde(default)]
    penalty: Option<toml::Value>,
    #[serde(default)]
    late_fee: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEntry {
    id: String,
    label: Texts,
    repayment: toml::Value,
    #[serde(default)]
    amount_min: Option<String>,
    #[serde(default)]
    amount_max: Option<String>,
    #[serde(default)]
    fees: Vec<FeeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeEntry {
    code: String,
    payee: String,
    when: FeeWhen,
    #[serde(default)]
    amount: Option<String>,
    #[serde(default)]
    percent: Option<Decimal>,
}

impl ProductFile {
    pub(super) fn into_payload(self, currency: Currency) -> Result<SourceProduct, String> {
        let entry = self.product;
        let mut plans = Vec::with_capacity(self.plan.len());
        for plan in self.plan {
            let mut fees = Vec::with_capacity(plan.fees.len());
            for fee in plan.fees {
                let size = match (&fee.amount, fee.percent) {
                    (Some(amount), None) => FeeSize::Amount(money::amount(amount, currency)?),
                    (None, Some(percent)) => FeeSize::Percent(percent),
                    _ => {
                        return Err(format!(
                            "fee `{}` of plan `{}` has either `amount` or `percent`",
                            fee.code, plan.id
                        ));
                    }
                };
                fees.push(Fee { code: fee.code, payee: fee.payee, size, when: fee.when });
            }
            plans.push(Plan {
                amount_max: optional(plan.amount_max.as_ref(), currency)?,
                amount_min: optional(plan.amount_min.as_ref(), currency)?,
                fees,
                id: plan.id,
                label: plan.label,
                repayment: money::in_minor_units(plan.repayment, currency, "repayment")?,
            });
        }
        let product = Product {
            adjust_installment: entry.adjust_installment,
            amount_max: money::amount(&entry.amount_max, currency)?,
            amount_min: money::amount(&entry.amount_min, currency)?,
            convention: entry.convention,
            id: entry.id,
            label: entry.label,
            level_rounding: entry.level_rounding,
            plans,
            rate: entry.rate,
            rounding: entry.rounding,
            penalty: entry.penalty.map(|rule| money::in_minor_units(rule, currency, "penalty")).transpose()?,
            late_fee: entry.late_fee.map(|rule| money::in_minor_units(rule, currency, "late_fee")).transpose()?,
        };
        let caps = self.cap.into_iter().map(|cap| money::in_minor_units(cap, currency, "cap"));
        Ok(SourceProduct { product, caps: caps.collect::<Result<_, _>>()? })
    }
}
