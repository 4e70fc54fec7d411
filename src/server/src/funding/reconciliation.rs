//! The file by which a funder checks the servicer, and the servicer a funder: a line a loan, a column a balance, as of
//! the end of a business day, with a line of totals. Amounts are whole minor units.

use std::collections::BTreeMap;

use prequal_core::calendar::Date;
use prequal_ledger::Account;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    problem::Problem,
    storage::{Connection, funding},
};

/// The columns, each with the account of the funder's books that it shows and whether that grows by debits.
const COLUMNS: [(&str, Account); 11] = [
    ("principal", Account::PrincipalReceivable),
    ("interest", Account::InterestReceivable),
    ("fees", Account::FeeReceivable),
    ("penalties", Account::PenaltyReceivable),
    ("due_from_servicer", Account::ServicerReceivable),
    ("cash", Account::Cash),
    ("interest_income", Account::InterestIncome),
    ("fee_and_penalty_income", Account::FeeIncome),
    ("recoveries", Account::RecoveryIncome),
    ("losses", Account::LoanLoss),
    ("servicing_fees", Account::ServicingFee),
];
/// The name in the place of a loan's in the line of totals.
const TOTAL: &str = "TOTAL";
/// How many loans are read at once.
const PAGE: i64 = 500;
/// Differences that are told, at most; how many there are is told beside them.
pub const BREAKS_MAX: usize = 1_000;

/// A line: the loan's currency and its balances in the order of the columns.
type Line = (String, [i64; COLUMNS.len()]);

/// The file of a funder as of a day.
///
/// # Errors
/// 500 when the database fails.
pub async fn file(db: &mut Connection, funder: &str, date: Date) -> Result<String, Problem> {
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let loans = funding::of_funder(db, funder, &after, PAGE).await?;
        let Some(last) = loans.last() else { break };
        let until = last.loan.clone();
        for row in funding::balances_until(db, funder, (&after, &until), &date.to_string()).await? {
            let line = lines.entry(row.loan).or_insert_with(|| (row.currency, [0; COLUMNS.len()]));
            let Some(account) = Account::from_code(&row.account) else { continue };
            // Penalties earned stand with fees: a funder's statement has one column for both.
            let shown = if account == Account::PenaltyIncome { Account::FeeIncome } else { account };
            let net = if account.kind().grows_by_debit() { row.debit - row.credit } else { row.credit - row.debit };
            for ((_, of), cell) in COLUMNS.iter().zip(&mut line.1) {
                if *of == shown {
                    *cell += net;
                }
            }
        }
        after = until;
    }
    write(&lines)
}

/// How many loans stand in a file of this form.
#[must_use]
pub fn count_loans(file: &str) -> usize {
    let total = format!("{TOTAL},");
    file.lines().skip(1).filter(|line| !line.starts_with(&total)).count()
}

fn write(lines: &BTreeMap<String, Line>) -> Result<String, Problem> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = ["loan", "currency"].into_iter().chain(COLUMNS.iter().map(|(name, _)| *name));
    out.write_record(head).map_err(Problem::internal)?;
    let mut totals: BTreeMap<&str, [i64; COLUMNS.len()]> = BTreeMap::new();
    for (loan, (currency, cells)) in lines {
        let texts = [loan.clone(), currency.clone()].into_iter().chain(cells.iter().map(i64::to_string));
        out.write_record(texts).map_err(Problem::internal)?;
        let sums = totals.entry(currency).or_insert([0; COLUMNS.len()]);
        sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
    }
    for (currency, sums) in totals {
        let texts = [TOTAL.to_owned(), currency.to_owned()].into_iter().chain(sums.iter().map(i64::to_string));
        out.write_record(texts).map_err(Problem::internal)?;
    }
    let bytes = out.into_inner().map_err(Problem::internal)?;
    String::from_utf8(bytes).map_err(Problem::internal)
}

/// A difference between the two files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Break {
    /// The loan; `TOTAL` where a file's own totals are not its sums.
    pub loan: String,
    /// The column; `loan` where one file does not have it at all.
    pub column: String,
    /// What the servicer's file says; none where the loan is not in it.
    pub ours: Option<i64>,
    /// What the funder's file says; none where the loan is not in it.
    pub theirs: Option<i64>,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comparison {
    /// Loans in both.
    pub loans: usize,
    /// How many differences there are.
    pub breaks_count: usize,
    /// The first [`BREAKS_MAX`] of them, by loan.
    pub breaks: Vec<Break>,
}

/// Compares the funder's file with the servicer's.
///
/// # Errors
/// One readable line, where a file is not of the form.
pub fn compare(ours: &str, theirs: &str) -> Result<Comparison, String> {
    let (ours, _) = read(ours).map_err(|error| format!("the servicer's file: {error}"))?;
    let (theirs, totals) = read(theirs).map_err(|error| format!("the funder's file: {error}"))?;
    let mut found = Vec::new();
    let mut both = 0;
    let loans: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for loan in loans {
        match (ours.get(loan), theirs.get(loan)) {
            (Some((our_currency, our)), Some((their_currency, their))) if our_currency == their_currency => {
                both += 1;
                let cells = COLUMNS.iter().zip(our.iter().zip(their)).filter(|(_, (our, their))| our != their);
                found.extend(cells.map(|((column, _), (our, their))| Break {
                    loan: loan.clone(),
                    column: (*column).to_owned(),
                    ours: Some(*our),
                    theirs: Some(*their),
                }));
            }
            // Missing on one side, or of another currency: what is compared is what is owed of principal.
            (our, their) => found.push(Break {
                loan: loan.clone(),
                column: "loan".to_owned(),
                ours: our.map(|(_, cells)| cells.first().copied().unwrap_or_default()),
                theirs: their.map(|(_, cells)| cells.first().copied().unwrap_or_default()),
            }),
        }
    }
    for (currency, told) in &totals {
        let of_it = theirs.values().filter(|(of, _)| of == currency);
        let mut sums = [0_i64; COLUMNS.len()];
        of_it
            .for_each(|(_, cells)| sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum = sum.saturating_add(*cell)));
        let wrong = COLUMNS.iter().zip(sums.iter().zip(told)).filter(|(_, (sum, told))| sum != told);
        found.extend(wrong.map(|((column, _), (sum, told))| Break {
            loan: TOTAL.to_owned(),
            column: (*column).to_owned(),
            ours: Some(*sum),
            theirs: Some(*told),
        }));
    }
    let breaks_count = found.len();
    found.truncate(BREAKS_MAX);
    Ok(Comparison { loans: both, breaks_count, breaks: found })
}

type Lines = BTreeMap<String, Line>;
type Totals = BTreeMap<String, [i64; COLUMNS.len()]>;

fn read(text: &str) -> Result<(Lines, Totals), String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head: Vec<String> =
        reader.headers().map_err(|error| error.to_string())?.iter().map(|name| name.trim().to_owned()).collect();
    let expected: Vec<&str> = ["loan", "currency"].into_iter().chain(COLUMNS.iter().map(|(name, _)| *name)).collect();
    if head != expected {
        return Err(format!("its columns must be {}", expected.join(",")));
    }
    let (mut lines, mut totals) = (Lines::new(), Totals::new());
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let at = record.position().map_or(0, csv::Position::line);
        let mut fields = record.iter().map(str::trim);
        let loan = fields.next().unwrap_or_default().to_owned();
        let currency = fields.next().unwrap_or_default().to_owned();
        let mut cells = [0_i64; COLUMNS.len()];
        for ((cell, field), (column, _)) in cells.iter_mut().zip(fields).zip(COLUMNS) {
            *cell = field.parse().map_err(|_| format!("line {at}: `{column}` is `{field}`, not whole minor units"))?;
        }
        if loan == TOTAL {
            if totals.insert(currency.clone(), cells).is_some() {
                return Err(format!("line {at}: a second total of `{currency}`"));
            }
        } else if lines.insert(loan.clone(), (currency, cells)).is_some() {
            return Err(format!("line {at}: loan `{loan}` stands twice"));
        }
    }
    Ok((lines, totals))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[(&str, i64, i64)]) -> String {
        let lines = lines.iter().map(|(loan, principal, interest)| {
            let mut cells = [0; COLUMNS.len()];
            (cells[0], cells[1]) = (*principal, *interest);
            ((*loan).to_owned(), ("USD".to_owned(), cells))
        });
        write(&lines.collect()).unwrap()
    }

    fn difference(loan: &str, column: &str, ours: Option<i64>, theirs: Option<i64>) -> Break {
        Break { loan: loan.to_owned(), column: column.to_owned(), ours, theirs }
    }

    #[test]
    fn breaks_are_listed_by_loan_and_amount() {
        let ours = text(&[("a", 100, 1), ("b", 200, 2), ("c", 300, 3)]);
        assert_eq!((count_loans(&ours), count_loans(&text(&[]))), (3, 0));
        assert_eq!(compare(&ours, &ours).unwrap(), Comparison { loans: 3, breaks_count: 0, breaks: vec![] });
        let theirs = text(&[("a", 100, 1), ("b", 199, 2), ("d", 5, 0)]);
        let found = compare(&ours, &theirs).unwrap();
        assert_eq!(
            found.breaks,
            [
                difference("b", "principal", Some(200), Some(199)),
                difference("c", "loan", Some(300), None),
                difference("d", "loan", None, Some(5)),
            ]
        );
        assert_eq!((found.loans, found.breaks_count), (2, 3));
    }

    #[test]
    fn a_file_whose_totals_are_not_its_sums_is_found_out() {
        let ours = text(&[("a", 100, 1)]);
        let theirs = ours.replace("TOTAL,USD,100", "TOTAL,USD,99");
        assert_eq!(compare(&ours, &theirs).unwrap().breaks, [difference("TOTAL", "principal", Some(100), Some(99))]);
    }

    #[test]
    fn a_file_of_another_form_is_refused_by_its_line() {
        let ours = text(&[("a", 100, 1)]);
        let refused = |theirs: &str, why: &str| {
            let error = compare(&ours, theirs).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        refused("loan,principal\na,1\n", "its columns must be");
        refused(&ours.replace("a,USD,100", "a,USD,1.00"), "line 2: `principal` is `1.00`");
        refused(&ours.replace("TOTAL", "a"), "line 3: loan `a` stands twice");
        refused(&ours.replace("a,USD,100,", "a,USD,"), "line");
        refused("", "its columns must be");
    }
}
