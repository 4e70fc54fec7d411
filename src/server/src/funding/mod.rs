//! Who finances a loan: funders and programmes as data, the search for those who take a loan, what may be signed with
//! them, their books, what they are sent, and the file by which they check it.
//!
//! Where nothing is configured the lender finances alone, and nothing here leaves a trace. Read [`config`], then
//! [`route`] (asking), [`reserve`] (signing), [`books`] (every event afterwards), [`remittance`] and
//! [`reconciliation`].

pub mod books;
pub mod breaks;
pub mod config;

pub mod reconciliation;
pub mod remittance;
pub mod reserve;
pub mod route;
pub mod totals;

use prequal_core::{
    credit::{Terms, schedule},
    decimal::Decimal,
    money::Amount,
    wire::Offer,
};
use prequal_ledger::{Funder as Share, Funding};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::config::{Kind, Programme};
use crate::{
    agreement::{self, FunderShare},
    problem::Problem,
};

/// Who finances a loan, as it was approved and is signed. It stands in the record of the decision, so that a later
/// configuration changes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The programme.
    pub programme: String,
    /// Whether a partner has a share.
    pub joint: bool,
    /// Who has a share, in their order.
    pub funders: Vec<Member>,
    /// Who takes what rounding leaves over.
    pub stray_cent: String,
    /// Who answers for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarantor: Option<Guarantor>,
}

/// Who has a share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// The name a borrower reads.
    pub name: String,
    /// A partner, or the lender itself.
    pub kind: Kind,
    /// In per cent of the loan.
    pub share_percent: Decimal,
    /// What is kept of the interest collected for it, in per cent.
    pub servicing_fee_percent: Decimal,
}

/// Who answers for a loan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guarantor {
    /// Its id.
    pub id: String,
    /// The name a borrower reads.
    pub name: String,
    /// What the borrower pays it over the term, in minor units; part of the instalments and of the annual rate.
    pub fee: Amount,
}

/// Who finances a loan, as its borrower reads it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FundingView {
    /// Who has a share.
    funders: Vec<ShareView>,
    /// Who answers for the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    guarantor: Option<GuarantorView>,
}

/// A share, as a borrower reads it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareView {
    /// Whose it is.
    name: String,
    /// In per cent of the loan, a decimal string.
    share_percent: String,
    /// In minor units.
    amount: i64,
}

/// A guarantor, as a borrower reads it.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuarantorView {
    /// Its name.
    name: String,
    /// Its fee over the term, in minor units; it is part of the instalments and of the annual percentage rate.
    fee: i64,
}

impl Chosen {
    /// A programme as it would be signed.
    ///
    /// # Errors
    /// 500 where the terms give no schedule.
    pub fn of(programme: &Programme, offer: &Offer) -> Result<Self, Problem> {
        let members = programme.funding.funders().iter().zip(&programme.funders).map(|(share, funder)| Member {
            id: share.id.clone(),
            name: funder.config.name.clone(),
            kind: funder.config.kind,
            share_percent: share.share_percent,
            servicing_fee_percent: share.servicing_fee_percent,
        });
        let guarantor = match &programme.guarantor {
            Some(one) => Some(Guarantor {
                id: one.config.id.clone(),
                name: one.config.name.clone(),
                fee: collected_for(&one.config.name, &offer.terms)?,
            }),
            None => None,
        };
        let stray_cent = programme.funding.stray_cent().to_owned();
        Ok(Self {
            programme: programme.id.clone(),
            joint: programme.joint,
            funders: members.collect(),
            stray_cent,
            guarantor,
        })
    }

    /// The shares.
    ///
    /// # Errors
    /// 500 where they are none.
    pub fn funding(&self) -> Result<Funding, Problem> {
        let share = |member: &Member| Share {
            id: member.id.clone(),
            share_percent: member.share_percent,
            servicing_fee_percent: member.servicing_fee_percent,
        };
        Funding::new(self.funders.iter().map(share).collect(), self.stray_cent.clone()).map_err(Problem::internal)
    }

    /// The shares of a principal in their order.
    ///
    /// # Errors
    /// 500 as [`Chosen::funding`].
    pub fn parts(&self, principal: Amount) -> Result<Vec<Amount>, Problem> {
        self.funding()?.split(principal).map_err(Problem::internal)
    }

    /// As the borrower reads it.
    ///
    /// # Errors
    /// 500 as [`Chosen::funding`].
    pub fn view(&self, principal: Amount) -> Result<FundingView, Problem> {
        let parts = self.parts(principal)?;
        let share = |(member, part): (&Member, &Amount)| ShareView {
            name: member.name.clone(),
            share_percent: member.share_percent.to_string(),
            amount: part.minor(),
        };
        let guarantor = self.guarantor.as_ref();
        Ok(FundingView {
            funders: self.funders.iter().zip(&parts).map(share).collect(),
            guarantor: guarantor.map(|one| GuarantorView { name: one.name.clone(), fee: one.fee.minor() }),
        })
    }

    /// Who gives which part of the principal, and who answers for it, as agreement and disclosure name them.
    ///
    /// # Errors
    /// 500 as [`Chosen::funding`].
    pub fn named(&self, principal: Amount) -> Result<(Vec<FunderShare>, Option<agreement::Guarantor>), Problem> {
        let share = |(member, principal): (&Member, Amount)| FunderShare {
            name: member.name.clone(),
            share_percent: member.share_percent,
            principal,
        };
        let shares = self.funders.iter().zip(self.parts(principal)?).map(share).collect();
        let guarantor = self.guarantor.as_ref();
        Ok((shares, guarantor.map(|one| agreement::Guarantor { name: one.name.clone(), fee: one.fee })))
    }
}

/// What the terms collect for a payee over the whole term.
fn collected_for(payee: &str, terms: &Terms) -> Result<Amount, Problem> {
    if !terms.fees.iter().any(|fee| fee.payee == payee) {
        return Ok(Amount::ZERO);
    }
    let made = schedule(terms).map_err(Problem::internal)?;
    let count = made.installments.len();
    let lines = made.fee_lines.iter().filter(|line| line.payee == payee);
    Amount::sum(lines.flat_map(|line| (0..count).map(|index| line.amount(index, count)))).map_err(Problem::internal)
}
