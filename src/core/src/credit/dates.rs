//! Due dates and which periods between them are regular.

use crate::{
    calendar::{Billing, BusinessDays, Date, HOLIDAYS_MAX, MonthEnd, Period, period::Series},
    credit::{CreditError, Repayment},
};

/// Makes the due dates one by one, without keeping them.
#[derive(Debug)]
pub(crate) struct DueDates<'a> {
    source: Source<'a>,
    /// The due date before, or the start.
    last: Date,
    /// Months of a regular period, 0 where periods are not whole months.
    months: u16,
    /// Whether the period to the first due date is regular.
    first_is_regular: bool,
    index: u16,
    business_days: Option<&'a BusinessDays>,
}

#[derive(Debug)]
enum Source<'a> {
    Listed(core::slice::Iter<'a, Date>),
    Billed { billing: Billing, start: Date },
    Counted(Series),
}

/// A due date with the period that ends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub from: Date,
    pub date: Date,
    /// Months of the period where it is regular, else 0.
    pub regular_months: u16,
}

impl<'a> DueDates<'a> {
    pub(crate) fn new(start: Date, repayment: &'a Repayment) -> Result<Self, CreditError> {
        let business_days = repayment.business_days.as_ref();
        if business_days
            .is_some_and(|days| days.holidays.len() > HOLIDAYS_MAX || days.working_days.len() > HOLIDAYS_MAX)
        {
            return Err(CreditError::TooMany { what: "holidays", max: HOLIDAYS_MAX });
        }
        let given = [
            ("due_dates", repayment.due_dates.is_some()),
            ("every", repayment.every.is_some()),
            ("first_due", repayment.first_due.is_some()),
            ("month_end", repayment.month_end.is_some()),
        ];
        if let Some(billing) = repayment.billing {
            if let Some((field, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(CreditError::Conflict("billing", field));
            }
            if !billing.is_valid() {
                let why = "its days are days of a month, 1 to 31";
                return Err(CreditError::NotApplicable { field: "billing", why });
            }
            let source = Source::Billed { billing, start };
            return Ok(Self { source, last: start, months: 1, first_is_regular: false, index: 0, business_days });
        }
        if let Some(dates) = &repayment.due_dates {
            if let Some((field, _)) = given.into_iter().skip(1).find(|(_, given)| *given) {
                return Err(CreditError::Conflict("due_dates", field));
            }
            if dates.len() != usize::from(repayment.count) {
                return Err(CreditError::DueDatesCount { listed: dates.len(), count: repayment.count });
            }
            let source = Source::Listed(dates.iter());
            return Ok(Self { source, last: start, months: 0, first_is_regular: false, index: 0, business_days });
        }
        let (anchor, period, month_end) = match (repayment.every, repayment.first_due) {
            (Some(period), first_due) => (first_due, period, repayment.month_end.unwrap_or_default()),
            // One payment on a stated day needs no step.
            (None, Some(first_due)) if repayment.count == 1 => {
                (Some(first_due), Period::Days(1), repayment.month_end.unwrap_or_default())
            }
            (None, _) => return Err(CreditError::MissingField("every")),
        };
        if matches!(period, Period::Days(_)) && !matches!(month_end, MonthEnd::Clamp) {
            let why = "steps of days or weeks meet no end of a month";
            return Err(CreditError::NotApplicable { field: "month_end", why });
        }
        let months = match (repayment.every, period) {
            (Some(_), Period::Months(months)) => months,
            _ => 0,
        };
        let mut from_start = Series::new(start, period, month_end);
        from_start.next_date()?;
        let (series, first_is_regular) = match anchor {
            None => (from_start, true),
            // Only month periods can be regular, so only they are compared.
            Some(first) => {
                let regular = months > 0 && from_start.next_date() == Ok(first);
                (Series::new(first, period, month_end), regular)
            }
        };
        Ok(Self { source: Source::Counted(series), last: start, months, first_is_regular, index: 0, business_days })
    }

    /// The next due date; `None` after the last of a list.
    #[inline]
    pub(crate) fn next_due(&mut self) -> Result<Option<Due>, CreditError> {
        let date = match &mut self.source {
            Source::Listed(dates) => match dates.next() {
                Some(date) => *date,
                None => return Ok(None),
            },
            Source::Billed { billing, start } => billing.due(*start, i32::from(self.index))?,
            Source::Counted(series) => series.next_date()?,
        };
        let date = self.business_days.map_or(Ok(date), |days| days.adjusted(date))?;
        // The first may fall on the day of the advance: paying a part at once is common.
        if date < self.last || (date == self.last && self.index > 0) {
            return Err(CreditError::DueDatesOutOfOrder(date));
        }
        let regular = self.index > 0 || self.first_is_regular;
        let due = Due { from: self.last, date, regular_months: if regular { self.months } else { 0 } };
        (self.last, self.index) = (date, self.index.saturating_add(1));
        Ok(Some(due))
    }
}
