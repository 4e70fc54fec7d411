//! What happens to a loan. Stored as canonical JSON; a field that is not known is refused.

use prequal_core::{
    calendar::{Date, Instant},
    credit::{Effect, Rate, RefundOrder},
    money::Amount,
};
use serde::{Deserialize, Serialize};

/// The longest id of a payment, refund, dispute or funder, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// The latest first due date of a new schedule, in days after the day from which it counts: a year. A payment holiday is
/// no longer.
pub const FIRST_DUE_DAYS_MAX: i32 = 366;
/// The latest last due date of a new schedule, in days after the day from which it counts: ten years.
pub const SCHEDULE_DAYS_MAX: i32 = 3_653;

/// A part of a debt that can be waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaivedPart {
    /// Penalties and late fees.
    Penalty,
    /// Fees.
    Fee,
    /// Interest.
    Interest,
    /// Principal.
    Principal,
}

/// The schedule that takes the place of the one in force: what is left, spread anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// The first due date. A later one than before is a payment holiday, another day of the month a new due day.
    pub first_due: Date,
    /// How many instalments.
    pub count: u16,
    /// Interest of before that is charged with the change, in minor units: that of a grace that is lost.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub interest: Amount,
}

impl NewSchedule {
    /// A schedule of which nothing is charged.
    #[must_use]
    pub const fn new(first_due: Date, count: u16) -> Self {
        Self { first_due, count, interest: Amount::ZERO }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
const fn is_nothing(amount: &Amount) -> bool {
    amount.is_zero()
}

/// How a borrower confirmed what is worse than what they signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationMethod {
    /// A document with a signature by hand.
    SignedDocument,
    /// A signature in electronic form.
    ElectronicSignature,
    /// A code sent to the borrower and told back.
    OneTimeCode,
    /// A call that was recorded.
    RecordedCall,
}

/// The evidence that a borrower confirmed what is worse than what they signed. It holds nothing of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// How.
    pub method: ConfirmationMethod,
    /// When.
    pub at: Instant,
    /// Under which random id the evidence is kept.
    pub reference: String,
}

/// What happened to a loan. Amounts are minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The agreement was signed: the principal is lent and owed to the merchant.
    Booked,
    /// The merchant has the money.
    PayoutSettled {
        /// From which day.
        value_date: Date,
    },
    /// The merchant could not be paid and will not be: nothing was lent, no interest is owed.
    PayoutFailed {
        /// From which day.
        value_date: Date,
    },
    /// The merchant's bank gave the money back: as if it had not been paid out, until it is settled or given up.
    PayoutReturned {
        /// From which day.
        value_date: Date,
    },
    /// Good money arrived.
    Received {
        /// In minor units.
        amount: Amount,
        /// The random id of the payment.
        payment: String,
        /// From which day it counts.
        value_date: Date,
    },
    /// A debit was ordered. No money has moved.
    Initiated {
        /// In minor units.
        amount: Amount,
        /// The random id of the payment.
        payment: String,
    },
    /// A debit was collected; the payer's bank may still take it back.
    Collected {
        /// In minor units.
        amount: Amount,
        /// The random id of the payment.
        payment: String,
        /// From which day it counts.
        value_date: Date,
    },
    /// A debit collected is final.
    Cleared {
        /// The payment.
        payment: String,
    },
    /// A debit came to nothing, or was taken back: the loan is as if it had never been paid, but the days in which
    /// it seemed paid cost no penalty.
    Returned {
        /// The payment.
        payment: String,
    },
    /// The payer's bank took final money back: what is left of it. As [`Event::Returned`].
    ChargedBack {
        /// The payment.
        payment: String,
    },
    /// The payer's bank took a part of a payment back, before or after it was final; the rest stands.
    PartlyTakenBack {
        /// In minor units, less than is left of the payment.
        amount: Amount,
        /// The payment.
        payment: String,
    },
    /// Good money arrived, to repay principal before its time.
    Prepaid {
        /// In minor units, the fee for it included.
        amount: Amount,
        /// The random id of the payment.
        payment: String,
        /// From which day it counts.
        value_date: Date,
        /// What becomes of the instalments; the contract's rule where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<Effect>,
    },
    /// The merchant gave back the price or a part of it.
    Refunded {
        /// In minor units.
        amount: Amount,
        /// The random id of the refund; the same twice is refused.
        refund: String,
        /// From which day it counts.
        value_date: Date,
        /// Which instalments it reduces; the contract's rule where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<RefundOrder>,
    },
    /// More was lent.
    Drawn {
        /// In minor units.
        amount: Amount,
        /// From which day it bears interest.
        value_date: Date,
    },
    /// The lender pays for the borrower; applied as money is.
    GoodwillCredited {
        /// In minor units.
        amount: Amount,
        /// From which day it counts.
        value_date: Date,
    },
    /// The lender gives up a part of what is owed.
    Waived {
        /// Which part.
        part: WaivedPart,
        /// In minor units.
        amount: Amount,
        /// From which day.
        value_date: Date,
    },
    /// A part of the debt is disputed: until it is resolved it costs no penalty and is not collected.
    Disputed {
        /// The random id of the dispute.
        dispute: String,
        /// In minor units.
        amount: Amount,
        /// From which day.
        value_date: Date,
    },
    /// A dispute is over. What was found is an event of its own: a refund, a waiver, or nothing.
    DisputeResolved {
        /// The dispute.
        dispute: String,
        /// From which day.
        value_date: Date,
    },
    /// A loan of which nothing is past due has another schedule from now on.
    Rescheduled {
        /// From which day.
        value_date: Date,
        /// The schedule.
        schedule: NewSchedule,
    },
    /// A loan in arrears has another schedule: nothing is past due any more, but its original age is kept.
    ReAged {
        /// From which day.
        value_date: Date,
        /// The schedule.
        schedule: NewSchedule,
    },
    /// Interest runs at another rate from the next day on.
    RateChanged {
        /// The day.
        value_date: Date,
        /// The rate.
        rate: Rate,
        /// Whether the level instalment stays.
        #[serde(default)]
        keep_installment: bool,
        /// The borrower's, of a rate above the one that was signed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirmation: Option<Confirmation>,
    },
    /// The borrower withdrew within the legal period: principal and interest for the days used are owed.
    Withdrawn {
        /// The day.
        value_date: Date,
    },
    /// The loan is given up: what is owed is a loss, what still comes is a recovery.
    ChargedOff {
        /// The day.
        value_date: Date,
    },
    /// The loan was sold: what still comes belongs to the new owner.
    Transferred {
        /// The day.
        value_date: Date,
        /// The random id of the new owner.
        owner: String,
        /// What the new owner paid.
        price: Amount,
    },
    /// Money collected for the new owner was sent there.
    Remitted {
        /// In minor units.
        amount: Amount,
    },
    /// A credit balance was paid back.
    PaidBack {
        /// In minor units.
        amount: Amount,
        /// The random id of the payment.
        payment: String,
    },
    /// The loan is paid and cleared, and its file is closed.
    Closed,
    /// Interest and fees are recognized up to the booking date, and nothing else happens.
    Recognized,
    /// An earlier event is undone as if it had never been.
    Reversed {
        /// Its place among the loan's events, 1 for the first.
        number: u32,
    },
}

impl Event {
    /// The name under which it is stored and posted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::PayoutSettled { .. } => "payout_settled",
            Self::PayoutFailed { .. } => "payout_failed",
            Self::PayoutReturned { .. } => "payout_returned",
            Self::Received { .. } => "received",
            Self::Initiated { .. } => "initiated",
            Self::Collected { .. } => "collected",
            Self::Cleared { .. } => "cleared",
            Self::Returned { .. } => "returned",
            Self::ChargedBack { .. } => "charged_back",
            Self::PartlyTakenBack { .. } => "partly_taken_back",
            Self::Prepaid { .. } => "prepaid",
            Self::Refunded { .. } => "refunded",
            Self::Drawn { .. } => "drawn",
            Self::GoodwillCredited { .. } => "goodwill_credited",
            Self::Waived { .. } => "waived",
            Self::Disputed { .. } => "disputed",
            Self::DisputeResolved { .. } => "dispute_resolved",
            Self::Rescheduled { .. } => "rescheduled",
            Self::ReAged { .. } => "re_aged",
            Self::RateChanged { .. } => "rate_changed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::ChargedOff { .. } => "charged_off",
            Self::Transferred { .. } => "transferred",
            Self::Remitted { .. } => "remitted",
            Self::PaidBack { .. } => "paid_back",
            Self::Closed => "closed",
            Self::Recognized => "recognized",
            Self::Reversed { .. } => "reversed",
        }
    }

    /// The day from which it counts; none where only its booking matters.
    #[must_use]
    pub const fn value_date(&self) -> Option<Date> {
        match self {
            Self::PayoutSettled { value_date }
            | Self::PayoutFailed { value_date }
            | Self::PayoutReturned { value_date }
            | Self::Received { value_date, .. }
            | Self::Collected { value_date, .. }
            | Self::Prepaid { value_date, .. }
            | Self::Refunded { value_date, .. }
            | Self::Drawn { value_date, .. }
            | Self::GoodwillCredited { value_date, .. }
            | Self::Waived { value_date, .. }
            | Self::Disputed { value_date, .. }
            | Self::DisputeResolved { value_date, .. }
            | Self::Rescheduled { value_date, .. }
            | Self::ReAged { value_date, .. }
            | Self::RateChanged { value_date, .. }
            | Self::Withdrawn { value_date }
            | Self::ChargedOff { value_date }
            | Self::Transferred { value_date, .. } => Some(*value_date),
            Self::Booked
            | Self::Initiated { .. }
            | Self::Cleared { .. }
            | Self::Returned { .. }
            | Self::ChargedBack { .. }
            | Self::PartlyTakenBack { .. }
            | Self::Remitted { .. }
            | Self::PaidBack { .. }
            | Self::Closed
            | Self::Recognized
            | Self::Reversed { .. } => None,
        }
    }

    /// The ids in it.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Received { payment, .. }
            | Self::Initiated { payment, .. }
            | Self::Collected { payment, .. }
            | Self::Cleared { payment }
            | Self::Returned { payment }
            | Self::ChargedBack { payment }
            | Self::PartlyTakenBack { payment, .. }
            | Self::Prepaid { payment, .. }
            | Self::PaidBack { payment, .. } => Some(payment),
            Self::Refunded { refund, .. } => Some(refund),
            Self::Disputed { dispute, .. } | Self::DisputeResolved { dispute, .. } => Some(dispute),
            Self::Transferred { owner, .. } => Some(owner),
            Self::RateChanged { confirmation: Some(confirmation), .. } => Some(&confirmation.reference),
            _ => None,
        }
    }
}

/// An event with the business date on which it was booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The booking date.
    pub booked: Date,
    /// What happened.
    pub event: Event,
}
