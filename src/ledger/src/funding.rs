//! One loan financed by several funders: shares, each funder's own books, remittance and servicing fee.
//!
//! Every quantity of the loan, counted from its beginning, is split anew: each funder gets its share rounded down, the
//! named funder the rest. Nothing is split from event to event, so no rounding drifts, and the parts are always the
//! whole. What leaves a receivable (paid, waived, lost) is held under what that funder has in it, so that no funder's
//! receivable is ever less than nothing.

use prequal_core::{
    calendar::Date,
    credit::{Terms, schedule},
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};
use serde::{Deserialize, Serialize};

use crate::{
    Account, Entry, LedgerError, Position,
    account::Account as A,
    event::ID_BYTES_MAX,
    posting::{self, Rule, posting_table},
    servicing::percent_of,
};

/// Funders of one loan, at most.
pub const FUNDERS_MAX: usize = 16;

/// A funder of a loan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funder {
    /// Its random id.
    pub id: String,
    /// Its share of the loan in per cent.
    pub share_percent: Decimal,
    /// What the servicer keeps of the interest it collects, in per cent.
    #[serde(default)]
    pub servicing_fee_percent: Decimal,
}

/// Whoever answers for a loan for a fee that the borrower pays in the instalments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuarantorFee {
    /// The guarantor's id.
    pub id: String,
    /// As the terms name the payee of the fee.
    pub payee: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFunding {
    funders: Vec<Funder>,
    stray_cent: String,
    #[serde(default)]
    guarantor: Option<GuarantorFee>,
}

/// Who finances a loan.
///
/// INVARIANT: 1 to [`FUNDERS_MAX`] funders of different ids, whose shares are more than nothing and add up to 100 per
/// cent; the stray cent goes to one of them. The guarantor whose fee is in the terms is none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawFunding")]
pub struct Funding {
    funders: Vec<Funder>,
    stray_cent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    guarantor: Option<GuarantorFee>,
}

impl TryFrom<RawFunding> for Funding {
    type Error = LedgerError;

    fn try_from(raw: RawFunding) -> Result<Self, LedgerError> {
        Self::new(raw.funders, raw.stray_cent)?.guaranteed_by(raw.guarantor)
    }
}

posting_table! {
    /// What a funder's share of a loan has come to, every quantity counted from its beginning, in minor units.
    FunderPosition;
    // event             quantity                          debit                    credit
    "booking",           "share of principal lent",        lent:                    PrincipalReceivable <- ServicerReceivable;
    "time",              "share of interest earned",       interest_earned:         InterestReceivable  <- InterestIncome;
    "due date",          "share of fees fallen due",       fee_earned:              FeeReceivable       <- FeeIncome;
    "late payment",      "share of penalties charged",     penalty_earned:          PenaltyReceivable   <- PenaltyIncome;
    "repayment, refund", "share of principal paid",        principal_paid:          ServicerReceivable  <- PrincipalReceivable;
    "repayment, refund", "share of interest paid",         interest_paid:           ServicerReceivable  <- InterestReceivable;
    "repayment, refund", "share of fees paid",             fee_paid:                ServicerReceivable  <- FeeReceivable;
    "repayment, refund", "share of penalties paid",        penalty_paid:            ServicerReceivable  <- PenaltyReceivable;
    "waiver",            "share of interest waived",       interest_waived:         InterestIncome      <- InterestReceivable;
    "waiver",            "share of fees waived",           fee_waived:              FeeIncome           <- FeeReceivable;
    "waiver",            "share of penalties waived",      penalty_waived:          PenaltyIncome       <- PenaltyReceivable;
    "charge-off",        "share of principal lost",        principal_lost:          LoanLoss            <- PrincipalReceivable;
    "charge-off",        "share of interest lost",         interest_lost:           LoanLoss            <- InterestReceivable;
    "charge-off",        "share of fees lost",             fee_lost:                LoanLoss            <- FeeReceivable;
    "charge-off",        "share of penalties lost",        penalty_lost:            LoanLoss            <- PenaltyReceivable;
    "recovery",          "share of recoveries",            recovered:               ServicerReceivable  <- RecoveryIncome;
    "repayment",         "servicing fee",                  servicing_fee:           ServicingFee        <- ServicerReceivable;
    "funding",           "paid in to the servicer",        funded:                  ServicerReceivable  <- Cash;
    "remittance",        "remitted by the servicer",       remitted:                Cash                <- ServicerReceivable;
}

impl FunderPosition {
    /// Debits less credits that this position comes to in an account, in minor units.
    #[must_use]
    pub fn net(&self, account: Account) -> i64 {
        posting::net_by(RULES, self, account)
    }

    /// What the servicer has for the funder and must remit, in minor units; negative where the funder has still to
    /// pay in.
    #[must_use]
    pub fn to_remit(&self) -> i64 {
        self.net(A::ServicerReceivable)
    }

    /// The entry that leads here from another position; none where nothing moved.
    ///
    /// # Errors
    /// As [`Entry::new`].
    pub fn entry_from(
        &self,
        before: &Self,
        date: Date,
        currency: Currency,
        event: &str,
    ) -> Result<Option<Entry>, LedgerError> {
        let transfers = posting::transfers_by(RULES, before, self)?;
        if transfers.is_empty() { Ok(None) } else { Entry::new(date, currency, event, transfers).map(Some) }
    }
}

/// Money that went between a funder and the servicer for one loan, each counted from the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Paid in by the funder.
    pub funded: Amount,
    /// Remitted to the funder.
    pub remitted: Amount,
}

impl Funding {
    /// Funders and the one among them who takes what rounding leaves over.
    ///
    /// # Errors
    /// [`LedgerError::Funding`].
    pub fn new(funders: Vec<Funder>, stray_cent: String) -> Result<Self, LedgerError> {
        let wrong = |why| Err(LedgerError::Funding(why));
        if funders.is_empty() || funders.len() > FUNDERS_MAX {
            return wrong("a loan has 1 to 16 funders");
        }
        for (place, funder) in funders.iter().enumerate() {
            if funder.id.is_empty() || funder.id.len() > ID_BYTES_MAX {
                return wrong("an id is 1 to 64 bytes");
            }
            if funders.iter().take(place).any(|other| other.id == funder.id) {
                return wrong("two funders have the same id");
            }
            if funder.share_percent.is_negative() || funder.share_percent.is_zero() {
                return wrong("a share is more than nothing");
            }
            if funder.servicing_fee_percent.is_negative() || funder.servicing_fee_percent > Decimal::from(100) {
                return wrong("a servicing fee is 0 to 100 per cent of the interest");
            }
        }
        if !funders.iter().any(|funder| funder.id == stray_cent) {
            return wrong("the stray cent goes to one of the funders");
        }
        let places = funders.iter().map(|funder| funder.share_percent.places()).max().unwrap_or_default();
        let mut sum = 0_u128;
        for funder in &funders {
            let scale = u32::from(places.saturating_sub(funder.share_percent.places()));
            let scaled = u128::from(funder.share_percent.mantissa().unsigned_abs()).checked_mul(10_u128.pow(scale));
            sum = scaled.and_then(|scaled| sum.checked_add(scaled)).ok_or(LedgerError::Funding("shares too long"))?;
        }
        if sum != 100 * 10_u128.pow(u32::from(places)) {
            return wrong("shares must add up to 100 per cent");
        }
        Ok(Self { funders, stray_cent, guarantor: None })
    }

    /// The same, with the guarantor whose fee is in the terms.
    ///
    /// # Errors
    /// [`LedgerError::Funding`] where it is a funder too, or its id is none.
    pub fn guaranteed_by(self, guarantor: Option<GuarantorFee>) -> Result<Self, LedgerError> {
        if let Some(one) = &guarantor {
            if one.id.is_empty() || one.id.len() > ID_BYTES_MAX {
                return Err(LedgerError::Funding("an id is 1 to 64 bytes"));
            }
            if self.funders.iter().any(|funder| funder.id == one.id) {
                return Err(LedgerError::Funding("a guarantor has no share"));
            }
        }
        Ok(Self { guarantor, ..self })
    }

    /// Whoever has books of the loan, by their ids: the funders in their order, then the guarantor whose fee is in the
    /// terms.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        let guarantor = self.guarantor.iter().map(|one| one.id.as_str());
        self.funders.iter().map(|funder| funder.id.as_str()).chain(guarantor)
    }

    /// The funders, in their order.
    #[must_use]
    pub fn funders(&self) -> &[Funder] {
        &self.funders
    }

    /// The funder who takes what rounding leaves over.
    #[must_use]
    pub fn stray_cent(&self) -> &str {
        &self.stray_cent
    }

    /// Splits an amount: every funder its share rounded down, the named funder the rest.
    ///
    /// # Errors
    /// [`LedgerError::Money`].
    pub fn split(&self, whole: Amount) -> Result<Vec<Amount>, LedgerError> {
        self.split_within(whole, &vec![Amount::MAX; self.funders.len()])
    }

    /// As [`Funding::split`], where no funder can take more than so much: what the named funder cannot take goes to
    /// the others in their order.
    fn split_within(&self, whole: Amount, most: &[Amount]) -> Result<Vec<Amount>, LedgerError> {
        let mut parts = Vec::with_capacity(self.funders.len());
        let mut left = whole;
        for (funder, most) in self.funders.iter().zip(most) {
            let part = if funder.id == self.stray_cent {
                Amount::ZERO
            } else {
                percent_of(whole, funder.share_percent, Rounding::Down)?.min(*most)
            };
            left = left.checked_sub(part)?;
            parts.push(part);
        }
        let named_first = |funder: &Funder| funder.id == self.stray_cent;
        for named in [true, false] {
            for ((funder, most), part) in self.funders.iter().zip(most).zip(&mut parts) {
                if named_first(funder) == named {
                    let more = left.min(most.saturating_sub(*part));
                    *part = part.checked_add(more)?;
                    left = left.checked_sub(more)?;
                }
            }
        }
        if left.is_zero() { Ok(parts) } else { Err(LedgerError::PartsDoNotAddUp) }
    }

    /// A receivable's quantities, split so that no funder loses more than it has: first what is lost, then what is
    /// waived; what was paid is the rest. Gives what came in and those three, funder by funder.
    fn split_receivable(&self, whole: Whole) -> Result<Split, LedgerError> {
        let Whole { came, paid, waived, lost } = whole;
        let came = self.split(came)?;
        let gone = self.split_within(Amount::sum([paid, waived, lost])?, &came)?;
        let lost = self.split_within(lost, &gone)?;
        let less = |most: &[Amount], part: &[Amount]| -> Vec<Amount> {
            most.iter().zip(part).map(|(most, part)| most.saturating_sub(*part)).collect()
        };
        let rest = less(&gone, &lost);
        let waived = self.split_within(waived, &rest)?;
        let paid = less(&rest, &waived);
        Ok(Split { came, paid, waived, lost })
    }

    /// The position of whoever has books of a loan of these terms, in the order of [`Funding::members`], with what moved
    /// between it and the servicer. The guarantor has its part of the fees, and the funders have the rest by their shares.
    ///
    /// A goodwill credit is the servicer's own money: to the funders it is paid.
    ///
    /// # Errors
    /// [`LedgerError::Funding`] for a loan that was sold, or where `moved` are not as many as the members;
    /// [`LedgerError::Credit`] where the terms give no schedule.
    pub fn positions(
        &self,
        terms: &Terms,
        loan: &Position,
        moved: &[Moved],
    ) -> Result<Vec<FunderPosition>, LedgerError> {
        if moved.len() != self.members().count() {
            return Err(LedgerError::Funding("what moved must be told for every funder"));
        }
        let sold = [loan.principal_sold, loan.interest_sold, loan.fee_sold, loan.penalty_sold, loan.sale_price];
        if sold.iter().any(|amount| !amount.is_zero()) {
            return Err(LedgerError::Funding("a loan that was sold has no funders any more"));
        }
        let none = Amount::ZERO;
        let principal = self.split_receivable(Whole::of(
            loan.lent.checked_add(loan.drawn)?,
            Gone {
                paid: [loan.principal_paid, loan.principal_refunded, loan.principal_goodwill],
                given_back: none,
                waived: none,
                lost: loan.principal_charged_off,
            },
        )?)?;
        let interest = self.split_receivable(Whole::of(
            loan.interest_earned,
            Gone {
                paid: [loan.interest_paid, loan.interest_refunded, loan.interest_goodwill],
                given_back: loan.interest_given_back,
                waived: loan.interest_waived,
                lost: loan.interest_charged_off,
            },
        )?)?;
        let fees = Whole::of(
            loan.fee_earned,
            Gone {
                paid: [loan.fee_paid, loan.fee_refunded, loan.fee_goodwill],
                given_back: Amount::sum([
                    loan.fee_given_back,
                    loan.fee_refund_given_back,
                    loan.fee_goodwill_given_back,
                ])?,
                waived: loan.fee_waived,
                lost: loan.fee_charged_off,
            },
        )?;
        let guaranteed = match &self.guarantor {
            Some(guarantor) => FeeCurve::of(&guarantor.payee, terms)?.part_of(&fees)?,
            None => Whole::default(),
        };
        let fee = self.split_receivable(fees.less(&guaranteed)?)?;
        let penalty = self.split_receivable(Whole::of(
            loan.penalty_earned,
            Gone {
                paid: [loan.penalty_paid, loan.penalty_refunded, loan.penalty_goodwill],
                given_back: loan.penalty_given_back,
                waived: loan.penalty_waived,
                lost: loan.penalty_charged_off,
            },
        )?)?;
        let recovered = self.split(loan.recovered.checked_add(loan.refund_recovered)?)?;
        let mut positions = Vec::with_capacity(self.funders.len());
        for (place, (funder, moved)) in self.funders.iter().zip(moved).enumerate() {
            let at = |parts: &[Amount]| parts.get(place).copied().unwrap_or_default();
            let interest_paid = at(&interest.paid);
            positions.push(FunderPosition {
                lent: at(&principal.came),
                interest_earned: at(&interest.came),
                fee_earned: at(&fee.came),
                penalty_earned: at(&penalty.came),
                principal_paid: at(&principal.paid),
                interest_paid,
                fee_paid: at(&fee.paid),
                penalty_paid: at(&penalty.paid),
                interest_waived: at(&interest.waived),
                fee_waived: at(&fee.waived),
                penalty_waived: at(&penalty.waived),
                principal_lost: at(&principal.lost),
                interest_lost: at(&interest.lost),
                fee_lost: at(&fee.lost),
                penalty_lost: at(&penalty.lost),
                recovered: at(&recovered),
                servicing_fee: percent_of(interest_paid, funder.servicing_fee_percent, Rounding::HalfEven)?,
                funded: moved.funded,
                remitted: moved.remitted,
            });
        }
        if let (Some(_), Some(moved)) = (&self.guarantor, moved.last()) {
            positions.push(FunderPosition {
                fee_earned: guaranteed.came,
                fee_paid: guaranteed.paid,
                fee_waived: guaranteed.waived,
                fee_lost: guaranteed.lost,
                funded: moved.funded,
                remitted: moved.remitted,
                ..FunderPosition::default()
            });
        }
        Ok(positions)
    }
}

/// What came into a receivable and left it, whoever's it is.
#[derive(Debug, Clone, Copy, Default)]
struct Whole {
    came: Amount,
    paid: Amount,
    waived: Amount,
    lost: Amount,
}

impl Whole {
    fn of(came: Amount, gone: Gone) -> Result<Self, LedgerError> {
        let paid = Amount::sum(gone.paid)?;
        // What was given back beyond what was paid had been waived before.
        let beyond = gone.given_back.saturating_sub(paid);
        let (paid, waived) = (paid.saturating_sub(gone.given_back), gone.waived.checked_sub(beyond)?);
        Ok(Self { came, paid, waived, lost: gone.lost })
    }

    fn less(&self, part: &Self) -> Result<Self, LedgerError> {
        Ok(Self {
            came: self.came.checked_sub(part.came)?,
            paid: self.paid.checked_sub(part.paid)?,
            waived: self.waived.checked_sub(part.waived)?,
            lost: self.lost.checked_sub(part.lost)?,
        })
    }
}

/// What of a loan's fees is one payee's, by how much of them there is: fees fall due, and are paid, instalment by
/// instalment, so that of the first so much of all fees its part is known. Fees beyond the schedule are not the payee's.
#[derive(Debug)]
struct FeeCurve {
    /// All fees of each instalment, and the payee's.
    steps: Vec<(Amount, Amount)>,
}

impl FeeCurve {
    fn of(payee: &str, terms: &Terms) -> Result<Self, LedgerError> {
        let made = schedule(terms)?;
        let count = made.installments.len();
        let mut steps = Vec::with_capacity(count);
        for (place, row) in made.installments.iter().enumerate() {
            let own = made.fee_lines.iter().filter(|line| line.payee == payee).map(|line| line.amount(place, count));
            steps.push((row.fee, Amount::sum(own)?.min(row.fee)));
        }
        Ok(Self { steps })
    }

    /// The payee's part of the first so much of all fees: whole instalments of it, and of the one that is begun its
    /// proportion, rounded down.
    fn at(&self, fees: Amount) -> Result<Amount, LedgerError> {
        let (mut left, mut sum) = (fees, Amount::ZERO);
        for (all, own) in &self.steps {
            let here = left.min(*all);
            if here.is_zero() {
                continue;
            }
            let product = u128::from(own.unsigned()) * u128::from(here.unsigned());
            let part = product.checked_div(u128::from(all.unsigned())).unwrap_or_default();
            sum = sum.checked_add(Amount::try_from(part)?)?;
            left = left.saturating_sub(here);
        }
        Ok(sum)
    }

    /// The payee's part of fees: what is paid are the first of them, then what is waived, then what is lost.
    fn part_of(&self, fees: &Whole) -> Result<Whole, LedgerError> {
        let waived_too = fees.paid.checked_add(fees.waived)?;
        let (paid, with_waived) = (self.at(fees.paid)?, self.at(waived_too)?);
        let all_gone = self.at(waived_too.checked_add(fees.lost)?)?;
        Ok(Whole {
            came: self.at(fees.came)?,
            paid,
            waived: with_waived.saturating_sub(paid),
            lost: all_gone.saturating_sub(with_waived),
        })
    }
}

/// What left a receivable, whoever financed it.
struct Gone {
    /// By the borrower, the merchant and the lender.
    paid: [Amount; 3],
    given_back: Amount,
    waived: Amount,
    lost: Amount,
}

/// A receivable's quantities, funder by funder.
struct Split {
    came: Vec<Amount>,
    paid: Vec<Amount>,
    waived: Vec<Amount>,
    lost: Vec<Amount>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn funding(shares: &[&str], stray: usize) -> Funding {
        let funder = |(place, share): (usize, &&str)| Funder {
            id: format!("f{place}"),
            share_percent: Decimal::parse(share).unwrap(),
            servicing_fee_percent: Decimal::parse("10").unwrap(),
        };
        Funding::new(shares.iter().enumerate().map(funder).collect(), format!("f{stray}")).unwrap()
    }

    /// 100.01 by 70 and 30: 70.007 and 30.003; the stray cent is the named funder's, whichever it is.
    #[test]
    fn the_stray_cent_goes_to_the_named_funder() {
        assert_eq!(funding(&["70", "30"], 0).split(amount(10_001)).unwrap(), [amount(7_001), amount(3_000)]);
        assert_eq!(funding(&["70", "30"], 1).split(amount(10_001)).unwrap(), [amount(7_000), amount(3_001)]);
        assert_eq!(funding(&["100"], 0).split(Amount::MAX).unwrap(), [Amount::MAX]);
    }

    /// Three thirds of three cents, of which two were paid: rounding down gives the others nothing of the payment and
    /// the named funder both cents; it lent one only, so another takes the second.
    #[test]
    fn no_funder_is_paid_more_than_it_lent() {
        let thirds = funding(&["33.3", "33.3", "33.4"], 2);
        for lent in 0..200_i64 {
            for paid in 0..=lent {
                let split = {
                    let none = amount(0);
                    let gone = Gone { paid: [amount(paid), none, none], given_back: none, waived: none, lost: none };
                    thirds.split_receivable(Whole::of(amount(lent), gone).unwrap()).unwrap()
                };
                let sum = |parts: &[Amount]| parts.iter().map(|part| part.minor()).sum::<i64>();
                assert_eq!((sum(&split.came), sum(&split.paid)), (lent, paid));
                assert!(split.came.iter().zip(&split.paid).all(|(came, paid)| paid <= came), "{paid} of {lent}");
            }
        }
    }

    /// 10.00 of set-up in the first of three instalments, and 9.00 of guarantee, 3.00 in each. The first instalment's 13.00
    /// of fees hold 3.00 of the guarantor's: of 6.50 paid, 1.50. The second and third are its own wholly.
    #[test]
    fn a_guarantor_s_part_of_the_fees_follows_the_instalments() {
        let terms: Terms = serde_json::from_str(
            r#"{"currency":"USD","principal":90000,"start":"2026-01-31",
                "fees":[{"code":"set-up","payee":"lender","amount":1000,"when":"first"},
                    {"code":"guarantee","payee":"guard","amount":900,"when":"spread"}],
                "repayment":{"method":"free","count":3,"every":"P1M"}}"#,
        )
        .unwrap();
        let curve = FeeCurve::of("guard", &terms).unwrap();
        let at = |minor| curve.at(amount(minor)).unwrap().minor();
        assert_eq!([0, 1, 650, 1_300, 1_301, 1_600, 1_900, 2_500].map(at), [0, 0, 150, 300, 301, 600, 900, 900]);
        let nobody = FeeCurve::of("nobody", &terms).unwrap();
        assert_eq!(nobody.at(amount(1_900)).unwrap(), amount(0));
        // All three due, the first paid, 2.00 waived, the rest lost.
        let fees = Whole { came: amount(1_900), paid: amount(1_300), waived: amount(200), lost: amount(400) };
        let part = curve.part_of(&fees).unwrap();
        assert_eq!([part.came, part.paid, part.waived, part.lost], [900, 300, 200, 400].map(amount));
        // Whatever the sums, no part is more than its whole, and a cent more never takes anything back.
        for paid in 0..=1_900_i64 {
            let fees = Whole { came: amount(1_900), paid: amount(paid), waived: amount(0), lost: amount(1_900 - paid) };
            assert!(fees.less(&curve.part_of(&fees).unwrap()).is_ok() && at(paid) <= at(paid + 1));
        }
    }

    #[test]
    fn a_guarantor_is_none_of_the_funders() {
        let guarantor = |id: &str| Some(GuarantorFee { id: id.into(), payee: "guard".into() });
        let refused = |why| Err(LedgerError::Funding(why));
        let joint = funding(&["70", "30"], 0);
        assert_eq!(joint.clone().guaranteed_by(guarantor("f1")).map(drop), refused("a guarantor has no share"));
        assert_eq!(joint.clone().guaranteed_by(guarantor("")).map(drop), refused("an id is 1 to 64 bytes"));
        let text = serde_json::to_string(&joint.guaranteed_by(guarantor("g")).unwrap()).unwrap();
        let read: Funding = serde_json::from_str(&text).unwrap();
        assert_eq!(read.members().collect::<Vec<_>>(), ["f0", "f1", "g"]);
        assert!(serde_json::from_str::<Funding>(&text.replace("\"g\"", "\"f0\"")).is_err());
    }

    #[test]
    fn shares_that_are_no_whole_are_refused() {
        let funder = |id: &str, share: &str| Funder {
            id: id.to_owned(),
            share_percent: Decimal::parse(share).unwrap(),
            servicing_fee_percent: Decimal::ZERO,
        };
        let new = |funders: Vec<Funder>, stray: &str| Funding::new(funders, stray.to_owned()).map(drop);
        let refused = |why| Err(LedgerError::Funding(why));
        assert_eq!(new(vec![], "a"), refused("a loan has 1 to 16 funders"));
        let many = (0..=FUNDERS_MAX).map(|place| funder(&place.to_string(), "1")).collect();
        assert_eq!(new(many, "1"), refused("a loan has 1 to 16 funders"));
        assert_eq!(new(vec![funder("a", "99.99")], "a"), refused("shares must add up to 100 per cent"));
        assert_eq!(new(vec![funder("a", "100"), funder("b", "0")], "a"), refused("a share is more than nothing"));
        assert_eq!(new(vec![funder("a", "50"), funder("a", "50")], "a"), refused("two funders have the same id"));
        assert_eq!(new(vec![funder("a", "100")], "b"), refused("the stray cent goes to one of the funders"));
        assert_eq!(new(vec![funder("", "100")], ""), refused("an id is 1 to 64 bytes"));
        // What is read is checked as what is made.
        let text = r#"{"funders":[{"id":"a","share_percent":"60"}],"stray_cent":"a"}"#;
        assert!(serde_json::from_str::<Funding>(text).is_err());
    }

    #[test]
    fn every_quantity_has_one_line() {
        for rule in RULES {
            let mut after = FunderPosition::default();
            *(rule.of_mut)(&mut after) = amount(3);
            assert_eq!((after.net(rule.debit), after.net(rule.credit)), (3, -3), "{}", rule.quantity);
        }
    }
}
