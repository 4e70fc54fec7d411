//! What the applicant reads where something is wrong with a field. A bundle may say it in its own words and languages,
//! under `texts`, by the same codes; `{min}`, `{max}` and `{label}` are filled in.

/// A validation code and its English text.
#[derive(Debug)]
pub(crate) struct Message {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub text: &'static str,
}

macro_rules! messages {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        $(pub(crate) const $name: Message = Message { code: $code, text: $text };)*
        /// Every code that validation and decisions give, so that a bundle's override of another one is refused.
        pub const CODES: &[&str] = &[$($code),*];
    };
}

messages! {
    REQUIRED = "required", "fill this in";
    CHOICE_REQUIRED = "choice_required", "choose one of the answers";
    CONSENT_REQUIRED = "consent_required", "agree to this to go on, or leave without applying";
    WRONG_TYPE = "wrong_type", "this answer came in a form that cannot be read; enter it again";
    UNKNOWN_FIELD = "unknown_field", "this form has no such field";
    INVALID_NAME = "invalid_name", "enter your name in letters, as it stands in your identity document";
    NAME_TOO_LONG = "name_too_long", "enter a name of at most {max} characters";
    INVALID_DATE = "invalid_date", "enter the date as year-month-day, for example 1990-02-28";
    DATE_IN_FUTURE = "date_in_future", "enter a date that is not after today";
    DATE_TOO_EARLY = "date_too_early", "enter a date that is not before {min}";
    DATE_TOO_LATE = "date_too_late", "enter a date that is not after {max}";
    INVALID_EMAIL = "invalid_email", "enter an e-mail address such as name@example.com";
    INVALID_PHONE = "invalid_phone", "enter the number with a plus sign and the country code, for example +12125550123";
    INVALID_AMOUNT = "invalid_amount", "enter an amount of money in figures";
    AMOUNT_TOO_SMALL = "amount_too_small", "enter an amount of at least {min}";
    AMOUNT_TOO_LARGE = "amount_too_large", "enter an amount of at most {max}";
    INVALID_CHOICE = "invalid_choice", "choose one of the answers listed";
    INVALID_TEXT = "invalid_text", "enter this without line breaks or control characters";
    TEXT_TOO_LONG = "text_too_long", "enter at most {max} characters";
    INVALID_RESIDENT_ID = "invalid_resident_id", "enter all 18 characters of the resident identity number, a final X as a capital";
    RESIDENT_ID_PLACE = "resident_id_place", "check the first two digits of the number; no province has them";
    RESIDENT_ID_DATE = "resident_id_date", "check digits 7 to 14 of the number; they are not a possible date of birth";
    RESIDENT_ID_CHECK = "resident_id_check", "check the number; its last character does not fit the others";
    CURRENCY_MISMATCH = "currency_mismatch", "this lender lends in {max} only";
    NEED_NOT_ASKED = "not_asked", "we still have to ask for this: {label}";
    NEED_ASSURANCE = "assurance_too_low", "we need this confirmed by somebody other than you: {label}";
    NOTICE = "quote_notice", "Example at the highest rate. Your own rate depends on our decision. Borrowing costs money.";
}
