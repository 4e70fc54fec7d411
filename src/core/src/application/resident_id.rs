//! Resident identity numbers of the People's Republic of China: GB 11643-1999, whose last character is the check
//! character of ISO 7064 MOD 11-2.
//!
//! Eighteen characters: six digits of the place of registration, the date of birth as eight digits, three digits that
//! tell apart those born there on that day, and the check character, a digit or `X`.

use crate::calendar::{Date, date::days_in_month};

/// Why a text is not a resident identity number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidentIdProblem {
    /// Not seventeen digits and then a digit or a capital X.
    Form,
    /// The first two digits are no province's.
    Place,
    /// Digits 7 to 14 are no date of a person now alive or lately so.
    BirthDate,
    /// The last character does not fit the others.
    CheckCharacter,
}

/// Provinces, municipalities, autonomous and special regions by GB/T 2260; 83 is used for residence permits of people
/// from Taiwan and 91 for those of foreigners.
const PROVINCES: [u8; 36] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 71, 81, 82, 83, 91,
];

/// Nobody born earlier applies for anything.
const BIRTH_YEAR_MIN: i32 = 1800;

/// Checks a number at the business date `today`.
///
/// # Errors
/// [`ResidentIdProblem`], the first that holds in the order of its variants.
pub fn check(number: &str, today: Date) -> Result<(), ResidentIdProblem> {
    let (Some(body), Some(last)) = (number.get(..17), number.get(17..)) else { return Err(ResidentIdProblem::Form) };
    let last_fits = last == "X" || (last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_digit()));
    if !last_fits || !body.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ResidentIdProblem::Form);
    }
    let part = |from: usize, to: usize| body.get(from..to).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or(0);
    if !PROVINCES.iter().any(|province| u16::from(*province) == part(0, 2)) {
        return Err(ResidentIdProblem::Place);
    }
    let birth =
        (i32::from(part(6, 10)), u8::try_from(part(10, 12)).unwrap_or(0), u8::try_from(part(12, 14)).unwrap_or(0));
    if !is_birth_date(birth, today) {
        return Err(ResidentIdProblem::BirthDate);
    }
    if mod_11_2(body).is_none_or(|check| !last.starts_with(check)) {
        return Err(ResidentIdProblem::CheckCharacter);
    }
    Ok(())
}

fn is_birth_date(birth: (i32, u8, u8), today: Date) -> bool {
    let (year, month, day) = birth;
    year >= BIRTH_YEAR_MIN
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && birth <= today.civil()
}

/// The check character of ISO 7064 MOD 11-2 for a body of digits; `None` where something else stands among them.
#[must_use]
pub fn mod_11_2(body: &str) -> Option<char> {
    let mut product = 0;
    for char in body.chars() {
        product = (product + char.to_digit(10)?) * 2 % 11;
    }
    match (12 - product) % 11 {
        10 => Some('X'),
        digit => char::from_digit(digit, 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!("../../../../tests/vectors/identifiers.json");

    fn today() -> Date {
        Date::parse("2026-11-23").unwrap()
    }

    /// Origin: the published numbers of `tests/vectors/identifiers.json`.
    #[test]
    fn published_numbers_are_told_from_wrong_ones() {
        let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
        let valid = vectors["cn_resident_id_valid"].as_array().unwrap();
        assert!(!valid.is_empty());
        for number in valid {
            assert_eq!(check(number.as_str().unwrap(), today()), Ok(()), "{number}");
        }
        for entry in vectors["cn_resident_id_invalid"].as_array().unwrap() {
            let expected = match entry["why"].as_str().unwrap() {
                "letter in body" => ResidentIdProblem::Form,
                "checksum" => ResidentIdProblem::CheckCharacter,
                other => unreachable!("{other}"),
            };
            let number = entry["number"].as_str().unwrap();
            assert_ne!(check(number, today()), Ok(()), "{number}");
            if number.len() == 18 && expected == ResidentIdProblem::Form {
                assert_eq!(check(number, today()), Err(expected));
            }
        }
    }

    /// Origin: ISO 7064 MOD 11-2 examples of `tests/vectors/identifiers.json`.
    #[test]
    fn the_check_character_is_that_of_the_standard() {
        assert_eq!(mod_11_2("0794"), Some('0'));
        assert_eq!(mod_11_2("079"), Some('X'));
        assert_eq!(mod_11_2("07a"), None);
    }

    #[test]
    fn one_changed_digit_or_two_swapped_ones_are_found() {
        let number = "44011320141005001X";
        for at in 0..17 {
            for digit in '0'..='9' {
                let changed: String =
                    number.chars().enumerate().map(|(i, c)| if i == at { digit } else { c }).collect();
                assert_eq!(check(&changed, today()).is_ok(), changed == number, "{changed}");
            }
        }
    }

    #[test]
    fn each_part_is_checked() {
        assert_eq!(check("11010519491231002", today()), Err(ResidentIdProblem::Form));
        assert_eq!(check("11010519491231002x", today()), Err(ResidentIdProblem::Form));
        assert_eq!(check("1101051949123100２", today()), Err(ResidentIdProblem::Form));
        assert_eq!(check("99010519491231002X", today()), Err(ResidentIdProblem::Place));
        assert_eq!(check("11010519490231002X", today()), Err(ResidentIdProblem::BirthDate));
        assert_eq!(check("11010520270101002X", today()), Err(ResidentIdProblem::BirthDate));
        assert_eq!(check("110105194912310021", today()), Err(ResidentIdProblem::CheckCharacter));
    }
}
