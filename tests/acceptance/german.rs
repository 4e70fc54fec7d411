//! The 1,000 rows of the German credit data, each as a whole application.
//!
//! Row N (from 0) becomes the same input every time. Bureau columns become evidence under their own names; the price is
//! `credit_amount` in dollars; the date of birth makes the applicant as old as the row says on the business date. The
//! income a month is what the row implies: the instalment of the row's own credit (amount ÷ duration) over the middle
//! of the share of income that the coded rate stands for. So that every path is walked, some rows are bent by their
//! index: applicants under age, answers that are missing or wrong, overstated incomes, and evidence that timed out, has
//! no record, was not asked, is invalid, or is only declared.

use prequal_core::canonical;
use serde_json::{Map, Value, json};

const DATA: &str = include_str!("../data/german_credit.csv");

/// The moment and the business date of every application.
pub const AS_OF: &str = "2026-11-23T08:00:00Z";
pub const TODAY: &str = "2026-11-23";
const TODAY_YEAR: i64 = 2026;

/// Columns that are not evidence: the target, what the policy keeps out, and what follows from the order itself.
const NOT_EVIDENCE: [&str; 9] = [
    "creditability",
    "age_in_years",
    "foreign_worker",
    "telephone",
    "job",
    "purpose",
    "installment_rate_in_percentage_of_disposable_income",
    "credit_amount",
    "duration_in_month",
];

/// The canonical text of every input, in row order.
pub fn inputs() -> Vec<String> {
    let mut reader = csv::Reader::from_reader(DATA.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().enumerate();
    rows.map(|(index, record)| {
        let record = record.unwrap();
        let row: Vec<(&str, &str)> = header.iter().zip(record.iter()).collect();
        canonical::to_string(&input(index, &row)).unwrap()
    })
    .collect()
}

fn cell<'r>(row: &[(&str, &'r str)], column: &str) -> &'r str {
    row.iter().find(|(name, _)| *name == column).unwrap().1
}

fn number(row: &[(&str, &str)], column: &str) -> i64 {
    cell(row, column).parse().unwrap()
}

fn input(index: usize, row: &[(&str, &str)]) -> Value {
    json!({
        "application": {
            "fields": fields(index, row),
            "order": { "amount": number(row, "credit_amount") * 100, "currency": "USD" },
        },
        "as_of": AS_OF,
        "evidence": evidence(index, row),
        "salt": canonical::sha256_hex(format!("row {index}").as_bytes()),
        "today": TODAY,
    })
}

/// The income a month in cents: the row's own instalment over the share of income that its coded rate stands for
/// (1: 35 % and more, 2: 25 to 35 %, 3: 20 to 25 %, 4: below 20 %), kept between 600 and 25,000 dollars.
pub fn monthly_income(credit_amount: i64, duration_in_month: i64, coded_rate: i64) -> i64 {
    let share_permille = match coded_rate {
        1 => 400,
        2 => 300,
        3 => 225,
        _ => 150,
    };
    (credit_amount * 100 * 1000 / (duration_in_month * share_permille)).clamp(60_000, 2_500_000)
}

fn row_income(row: &[(&str, &str)]) -> i64 {
    let rate = number(row, "installment_rate_in_percentage_of_disposable_income");
    monthly_income(number(row, "credit_amount"), number(row, "duration_in_month"), rate)
}

fn fields(index: usize, row: &[(&str, &str)]) -> Value {
    const FIRST: [&str; 10] =
        ["Ada", "Emil", "Åsa", "Jean-Luc", "Chloë", "O'Brien", "María José", "Nguyễn", "张伟", "Ömer"];
    const LAST: [&str; 7] = ["Byron", "Curie", "Lovelace", "van der Berg", "Noether", "Müller", "Hopper"];
    let name = format!("{} {}", FIRST[index % FIRST.len()], LAST[index % LAST.len()]);
    let income = row_income(row);
    let mut fields = Map::new();
    fields.insert("full_name".to_owned(), json!(name));
    fields.insert("date_of_birth".to_owned(), json!(birth(index, row)));
    fields.insert("email".to_owned(), json!(format!("row-{index}@example.com")));
    fields.insert("phone".to_owned(), json!(format!("+1212555{index:04}")));
    // Every tenth applicant says twice what the bureau verifies.
    fields.insert("income_monthly".to_owned(), json!(if index % 10 == 6 { income * 2 } else { income }));
    let housing = cell(row, "housing");
    fields.insert("housing".to_owned(), json!(if housing == "for free" { "free" } else { housing }));
    fields.insert("employment".to_owned(), json!(employment(cell(row, "present_employment_since"))));
    match index % 100 {
        13 => fields.insert("email".to_owned(), json!("row-13@example")),
        31 => fields.insert("phone".to_owned(), json!("212 555 0123")),
        42 => fields.insert("full_name".to_owned(), json!("R2-D2")),
        58 => fields.remove("employment"),
        77 => fields.insert("date_of_birth".to_owned(), json!("30.02.1990")),
        91 => fields.insert("income_monthly".to_owned(), json!(-1)),
        _ => None,
    };
    Value::Object(fields)
}

/// A birthday that makes the applicant as old as the row says today; every fortieth is two years short of majority.
fn birth(index: usize, row: &[(&str, &str)]) -> String {
    let age = if index % 40 == 7 { 16 } else { number(row, "age_in_years") };
    let (month, day) = (index % 12 + 1, index % 28 + 1);
    let later_this_year = (month, day) > (11, 23);
    format!("{:04}-{month:02}-{day:02}", TODAY_YEAR - age - i64::from(later_this_year))
}

fn employment(since: &str) -> &'static str {
    match since {
        "unemployed" => "unemployed",
        "... < 1 year" => "under_1_year",
        "1 <= ... < 4 years" => "1_to_4_years",
        "4 <= ... < 7 years" => "4_to_7_years",
        "... >= 7 years" => "7_or_more_years",
        other => panic!("the data has no employment `{other}`"),
    }
}

fn evidence(index: usize, row: &[(&str, &str)]) -> Value {
    let mut evidence = Map::new();
    let columns = row.iter().filter(|(name, _)| !NOT_EVIDENCE.contains(name));
    let items = columns.map(|(name, text)| {
        // Whole numbers are numbers, everything else is a category.
        (*name, text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)))
    });
    let income = ("monthly_income", json!(row_income(row)));
    for (column, (name, value)) in items.chain([income]).enumerate() {
        if let Some(item) = item(index, column, value) {
            evidence.insert(name.to_owned(), item);
        }
    }
    Value::Object(evidence)
}

/// What the bureau gave for one column of one row: mostly the value, now and then something else.
fn item(index: usize, column: usize, value: Value) -> Option<Value> {
    let missing = |why: &str| Some(json!({ "missing": why, "source": "sandbox-bureau" }));
    let at = |step: usize, stride: usize, every: usize| (index * step + column * stride) % every == 1;
    if at(7, 13, 83) {
        return missing("timed_out");
    }
    if at(5, 11, 89) {
        return missing("no_record");
    }
    if at(3, 17, 67) {
        return if index.is_multiple_of(2) { missing("not_asked") } else { None };
    }
    if at(9, 19, 97) {
        // Half say so themselves, half bring a value that is none of the feature's.
        let stranger = json!({ "value": "?", "assurance": "third_party", "source": "sandbox-bureau" });
        return if index.is_multiple_of(2) { missing("invalid") } else { Some(stranger) };
    }
    let assurance = if at(11, 23, 61) { "declared" } else { "third_party" };
    Some(json!({ "value": value, "assurance": assurance, "source": "sandbox-bureau" }))
}
