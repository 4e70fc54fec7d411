//! When each row was: what is fitted to, and what is kept for later.

use prequal_core::calendar::{Date, MonthEnd};

use crate::{error::TrainError, frame::parse_number, options::Card};

/// The moments of all rows.
#[derive(Clone, Debug)]
pub struct Times {
    /// The column.
    pub column: String,
    /// For each row its moment as the file writes it.
    pub labels: Vec<String>,
    /// For each row the rank of its moment among the distinct ones, from 0.
    pub ranks: Vec<u32>,
}

impl Times {
    /// Reads a column: numbers where every cell is one, else text that sorts by time.
    ///
    /// # Errors
    /// [`TrainError::Data`] for a row without a moment.
    pub fn read(column: &str, cells: &[&str]) -> Result<Self, TrainError> {
        if let Some(row) = cells.iter().position(|cell| cell.trim().is_empty()) {
            return Err(TrainError::Data(format!("has no time in row {}: `{column}` is empty", row + 1)));
        }
        let numbers: Option<Vec<f64>> = cells.iter().map(|cell| parse_number(cell)).collect();
        let mut order: Vec<usize> = (0..cells.len()).collect();
        let compare = |a: usize, b: usize| match &numbers {
            Some(numbers) => numbers[a].total_cmp(&numbers[b]),
            None => cells[a].cmp(cells[b]),
        };
        order.sort_by(|a, b| compare(*a, *b));
        let mut ranks = vec![0; cells.len()];
        let mut rank = 0;
        for (at, row) in order.iter().enumerate() {
            if at > 0 && compare(order[at - 1], *row).is_ne() {
                rank += 1;
            }
            ranks[*row] = rank;
        }
        Ok(Self { column: column.to_owned(), labels: cells.iter().map(|cell| (*cell).to_owned()).collect(), ranks })
    }

    /// The moment from which on rows are out of time: the earliest that keeps at least `share` of the rows for later.
    /// `None` where nothing is to be kept.
    ///
    /// # Errors
    /// [`TrainError::Option`] where that would leave nothing to fit to.
    pub fn out_of_time_from(&self, share: f64) -> Result<Option<u32>, TrainError> {
        let count = (share * self.ranks.len() as f64).ceil() as usize;
        if count == 0 {
            return Ok(None);
        }
        let mut sorted = self.ranks.clone();
        sorted.sort_unstable();
        match sorted.get(sorted.len().saturating_sub(count)).copied() {
            Some(0) | None => Err(TrainError::Option(format!(
                "the latest {share} of the rows leave nothing to fit to: `{}` has too few moments",
                self.column
            ))),
            first => Ok(first),
        }
    }

    /// The moment as it is written, of a rank.
    #[must_use]
    pub fn label(&self, rank: u32) -> &str {
        let row = self.ranks.iter().position(|other| *other == rank);
        row.and_then(|row| self.labels.get(row)).map_or("", String::as_str)
    }

    /// The period that a row lies in: the month of a date, else the moment itself.
    #[must_use]
    pub fn period(&self, row: usize) -> &str {
        let label = &self.labels[row];
        match Date::parse(label.get(..10).unwrap_or(label)) {
            Ok(_) => label.get(..7).unwrap_or(label),
            Err(_) => label,
        }
    }

    /// For each row whether its performance window had ended on the last day of the data.
    ///
    /// # Errors
    /// [`TrainError::Option`] where `as_of` or a cell is no date of ISO 8601.
    pub fn matured(&self, card: Card, as_of: &str) -> Result<Vec<bool>, TrainError> {
        let wrong = |text: &str, what: &str| {
            TrainError::Option(format!("{what} `{text}` is no date (YYYY-MM-DD), which a performance window needs"))
        };
        let end = Date::parse(as_of).map_err(|_| wrong(as_of, "the last day of the data"))?;
        let months = card.performance_months() as i32;
        let matured = |label: &String| {
            let date = Date::parse(label.get(..10).unwrap_or(label));
            let ends = date.and_then(|date| date.add_months(months, MonthEnd::Clamp));
            Ok(ends.map_err(|_| wrong(label, &format!("`{}` holds", self.column)))? <= end)
        };
        self.labels.iter().map(matured).collect()
    }
}

/// A card with its windows, in words.
#[must_use]
pub fn windows(card: Card) -> String {
    let (observation, performance) = (card.observation_months(), card.performance_months());
    let looked = match observation {
        0 => "by what is known at the moment".to_owned(),
        months => format!("by the {months} months before"),
    };
    format!("{}: {looked}, good or bad within {performance} months after", card.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_rows_are_kept_and_a_moment_is_never_parted() {
        let times = Times::read("when", &["9", "10", "10", "11", "8"]).unwrap();
        assert_eq!(times.ranks, [1, 2, 2, 3, 0], "numbers sort as numbers");
        assert_eq!(times.out_of_time_from(0.2).unwrap(), Some(3));
        // Two of five rows are 40 %; the second lies in a moment of two.
        assert_eq!(times.out_of_time_from(0.4).unwrap(), Some(2));
        assert_eq!(times.out_of_time_from(0.0).unwrap(), None);
        assert!(times.out_of_time_from(0.9).unwrap_err().to_string().contains("too few moments"));
        assert_eq!(times.label(2), "10");
    }

    #[test]
    fn months_are_periods_and_windows_end_by_the_calendar() {
        let cells = ["2024-01-31", "2024-02-28", "2024-03-01"];
        let times = Times::read("opened", &cells).unwrap();
        assert_eq!(times.period(1), "2024-02");
        // Three months after 31 January is 30 April (clamped); after 28 February 28 May.
        assert_eq!(times.matured(Card::Collection, "2024-04-30").unwrap(), [true, false, false]);
        assert_eq!(times.matured(Card::Application, "2025-02-28").unwrap(), [true, true, false]);
        assert!(times.matured(Card::Application, "soon").unwrap_err().to_string().contains("`soon` is no date"));
    }
}
