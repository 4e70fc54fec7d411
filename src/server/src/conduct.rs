//! How an application is led to a loan, and what is told, asked and kept on the way: what differs from one
//! jurisdiction and one lender to another, as data.

use std::collections::BTreeMap;

use prequal_core::credit::Convention;
use serde::{Deserialize, Serialize};

/// The longest reading time, an hour.
pub const READING_SECONDS_MAX: u32 = 3_600;
/// The longest period of withdrawal, in days: a year and 14 days is the longest that a law knows.
pub const WITHDRAWAL_DAYS_MAX: u16 = 379;
/// The longest period for a notice, a review, a link or an answer, in days.
pub const DAYS_MAX: u16 = 366;
/// The most days past due that may be let pass: a hundred years, which is all.
pub const DAYS_PAST_DUE_MAX: u32 = 36_525;
/// The most rules of reminders.
pub const REMINDERS_MAX: usize = 16;
/// How far from the due day a reminder may lie, in days.
pub const REMINDER_DAYS_MAX: i32 = 60;
/// The longest retention, in days: a hundred years.
pub const RETENTION_DAYS_MAX: u32 = 36_525;
/// The longest name, address or link here, in bytes.
pub const TEXT_BYTES_MAX: usize = 300;
/// The longest sentences of reminders here, in bytes.
pub const SENTENCES_BYTES_MAX: usize = 2_000;

/// Whose law an application is made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jurisdiction {
    /// The United States: Regulation Z, Regulation B, the Fair Credit Reporting Act.
    Us,
    /// The European Union: Directive (EU) 2023/2225.
    Eu,
    /// The People's Republic of China.
    Cn,
}

impl Jurisdiction {
    /// `us`, `eu` or `cn`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Cn => "cn",
        }
    }

    /// The one whose law asks for a convention of the annual percentage rate.
    #[must_use]
    pub const fn of(convention: Convention) -> Option<Self> {
        match convention {
            Convention::UsRegZ => Some(Self::Us),
            Convention::EuAprc => Some(Self::Eu),
            Convention::CnIrr => Some(Self::Cn),
            Convention::Uk | Convention::IfrsEir => None,
        }
    }
}

/// What a signature must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// A one-time code.
    #[default]
    OneTimeCode,
    /// The typed name or a one-time code, as the person likes. A reason must be stated.
    Any,
}

/// Why the typed name alone signs in a sandbox.
pub const SANDBOX_REASON: &str = "a sandbox: nothing is lent";

/// The section `conduct` of the configuration. What is left out follows from the jurisdiction.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conduct {
    /// Whose law; where it is left out, that of the bundle's annual percentage rate.
    pub jurisdiction: Option<Jurisdiction>,
    /// Whether the information before the contract must be confirmed; in China it must unless this says otherwise.
    pub confirm_disclosure: Option<bool>,
    /// For how long it must have been shown before that; 10 in China, else 0.
    pub reading_seconds: Option<u32>,
    /// Within how many days the contract can be withdrawn from; 14 in the European Union, else none.
    pub withdrawal_days: Option<u16>,
    /// How an agreement must be signed: by a one-time code where nothing is said, and in a sandbox as one likes.
    pub signing: Option<Signing>,
    /// Why the typed name alone signs, where it does; kept with every signature of that kind.
    pub typed_name_reason: String,
    /// The lender's address, as notices name it.
    pub creditor_address: String,
    /// The agency that a notice of the United States names (12 CFR 1002, Appendix A).
    pub agency: String,
    /// Bureaus by the source of their evidence.
    pub bureaus: BTreeMap<String, Bureau>,
    /// Who gets what is consented to, by purpose; the lender where a purpose is left out.
    pub consent_recipients: BTreeMap<String, String>,
    /// Whether a receipt of the consents is sent; it can be read in any case.
    pub consent_receipts: bool,
    /// Within how many days of an application its applicant must know the decision (12 CFR 1002.9(a)(1)).
    pub decision_days: u16,
    /// How many days before its day a duty to an applicant is called out to the lender's systems.
    pub duty_warning_days: u16,
    /// After how many days an applicant is told what an incomplete application lacks.
    pub incomplete_after_days: u16,
    /// How long the applicant then has to complete it, in days.
    pub response_days: u16,
    /// Where a link that resumes an application leads; the token is put after it.
    pub resume_url: String,
    /// For how many days such a link, and the cart behind it, hold.
    pub resume_days: u16,
    /// Reviews by people.
    pub review: Review,
    /// Which debts forbid that more is lent.
    pub standing: Standing,
    /// Reminders of instalments.
    pub reminders: Vec<Reminder>,
    /// How one pays, as reminders and statements say; the agreement's way where it is empty.
    pub how_to_pay: String,
    /// Whom to speak with who cannot pay, as reminders say; where one applied where it is empty.
    pub hardship_contact: String,
    /// What follows where nothing is paid, as reminders after the due day say; the agreement's where it is empty.
    pub late_consequences: String,
    /// When nobody is reminded, by the bundle's time zone.
    pub quiet_hours: Option<QuietHours>,
    /// How long personal data is kept.
    pub retention: Retention,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            jurisdiction: None,
            confirm_disclosure: None,
            reading_seconds: None,
            withdrawal_days: None,
            signing: None,
            typed_name_reason: String::new(),
            creditor_address: String::new(),
            agency: "Federal Trade Commission, Equal Credit Opportunity, Washington, DC 20580".to_owned(),
            bureaus: BTreeMap::new(),
            consent_recipients: BTreeMap::new(),
            consent_receipts: false,
            decision_days: 30,
            duty_warning_days: 3,
            incomplete_after_days: 1,
            response_days: 30,
            resume_url: String::new(),
            resume_days: 14,
            review: Review::default(),
            standing: Standing::default(),
            reminders: Vec::new(),
            how_to_pay: String::new(),
            hardship_contact: String::new(),
            late_consequences: String::new(),
            quiet_hours: None,
            retention: Retention::default(),
        }
    }
}

/// A bureau, as notices name it (15 USC 1681m(a)).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bureau {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its telephone number, toll-free where it serves a whole nation.
    pub phone: String,
    /// The evidence that is its credit score, where it gives one.
    #[serde(default)]
    pub score: Option<Score>,
}

/// A bureau's credit score.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The key of the evidence.
    pub evidence: String,
    /// The lowest that there is.
    pub min: i64,
    /// The highest.
    pub max: i64,
}

/// Reviews by people.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Review {
    /// From which amount on, in minor units, two people must approve; 0: always.
    pub two_persons_from: i64,
}

/// What something known of an applicant means for more credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing more is lent.
    Decline,
    /// It is not asked.
    Ignore,
}

/// How an applicant must stand with the lender, when an offer is submitted and when it is signed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Standing {
    /// A loan that is more days past due than this, by its own rules, declines.
    pub days_past_due_max: u32,
    /// A loan that was charged off and has not come back since.
    pub charged_off: Verdict,
    /// A frozen line of credit in the currency that is asked for, whether or not it is the one to be drawn on.
    pub frozen_line: Verdict,
}

impl Default for Standing {
    fn default() -> Self {
        Self { days_past_due_max: 30, charged_off: Verdict::Decline, frozen_line: Verdict::Decline }
    }
}

/// One rule of reminders.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reminder {
    /// Its name, which each instalment meets once.
    pub id: String,
    /// Days from the due day, negative before it.
    pub days: i32,
}

/// Hours of the day, by the clock of the bundle's time zone.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The first quiet hour, 0 to 23.
    pub from: u8,
    /// The first that is not, 0 to 23.
    pub until: u8,
}

/// How many days personal data is kept, by what it is kept for; for ever where a purpose is left out.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Applications that came to no loan, from the day they were made (12 CFR 1002.12(b): at least 25 months).
    pub application_days: Option<u32>,
    /// Applications and signatures of loans, from the day the loan was over.
    pub contract_days: Option<u32>,
    /// What payers wrote whose money belongs to no loan that is known, from the day the money came.
    pub suspense_days: Option<u32>,
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(field: &str, value: T, min: T, max: T) -> Result<(), String> {
    if value < min || value > max {
        return Err(format!("conduct.{field} must be {min} to {max}"));
    }
    Ok(())
}

impl Conduct {
    /// Checks what can be checked without a bundle.
    ///
    /// # Errors
    /// One readable line naming the field.
    pub fn check(&self) -> Result<(), String> {
        within("reading_seconds", self.reading_seconds.unwrap_or(0), 0, READING_SECONDS_MAX)?;
        within("withdrawal_days", self.withdrawal_days.unwrap_or(1), 1, WITHDRAWAL_DAYS_MAX)?;
        for (field, days) in [
            ("decision_days", self.decision_days),
            ("incomplete_after_days", self.incomplete_after_days),
            ("response_days", self.response_days),
            ("resume_days", self.resume_days),
        ] {
            within(field, days, 1, DAYS_MAX)?;
        }
        within("standing.days_past_due_max", self.standing.days_past_due_max, 0, DAYS_PAST_DUE_MAX)?;
        within("duty_warning_days", self.duty_warning_days, 0, DAYS_MAX)?;
        within("review.two_persons_from", self.review.two_persons_from, 0, i64::MAX)?;
        let kept = self.retention;
        for days in [kept.application_days, kept.contract_days, kept.suspense_days] {
            within("retention", days.unwrap_or(1), 1, RETENTION_DAYS_MAX)?;
        }
        if let Some(quiet) = self.quiet_hours {
            within("quiet_hours.from", quiet.from, 0, 23)?;
            within("quiet_hours.until", quiet.until, 0, 23)?;
        }
        self.check_reminders()?;
        let texts = [&self.creditor_address, &self.agency, &self.resume_url, &self.typed_name_reason];
        let bureaus = self.bureaus.values().flat_map(|bureau| [&bureau.name, &bureau.address, &bureau.phone]);
        let long = |text: &&String| text.len() > TEXT_BYTES_MAX || text.contains(['{', '}']);
        match texts.into_iter().chain(bureaus).chain(self.consent_recipients.values()).find(long) {
            Some(text) => Err(format!("conduct: `{text}` is longer than {TEXT_BYTES_MAX} bytes or has braces")),
            None => self.check_sentences(),
        }
    }

    fn check_sentences(&self) -> Result<(), String> {
        for (field, text) in [
            ("how_to_pay", &self.how_to_pay),
            ("hardship_contact", &self.hardship_contact),
            ("late_consequences", &self.late_consequences),
        ] {
            if text.len() > SENTENCES_BYTES_MAX || text.contains(['{', '}']) {
                return Err(format!("conduct.{field} is longer than {SENTENCES_BYTES_MAX} bytes or has braces"));
            }
        }
        Ok(())
    }

    /// How an agreement is signed.
    #[must_use]
    pub fn signing(&self) -> Signing {
        self.signing.unwrap_or_default()
    }

    /// Says how agreements are signed where that depends on whether anything is lent: in a sandbox nothing is, so that
    /// the typed name signs unless the configuration says otherwise.
    ///
    /// # Errors
    /// One readable line, where the typed name alone shall sign and no reason is stated.
    pub fn signed(mut self, sandbox: bool) -> Result<Self, String> {
        if sandbox {
            self.signing = self.signing.or(Some(Signing::Any));
        }
        if self.signing() != Signing::Any || !self.typed_name_reason.trim().is_empty() {
            return Ok(self);
        }
        if !sandbox {
            return Err(
                "conduct.signing = \"any\" lets the typed name alone sign: say why in conduct.typed_name_reason"
                    .to_owned(),
            );
        }
        SANDBOX_REASON.clone_into(&mut self.typed_name_reason);
        Ok(self)
    }

    fn check_reminders(&self) -> Result<(), String> {
        if self.reminders.len() > REMINDERS_MAX {
            return Err(format!("conduct.reminders has more than {REMINDERS_MAX} rules"));
        }
        for (index, rule) in self.reminders.iter().enumerate() {
            within("reminders.days", rule.days, -REMINDER_DAYS_MAX, REMINDER_DAYS_MAX)?;
            let plain = rule.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if rule.id.is_empty() || rule.id.len() > 64 || !plain {
                return Err(format!("conduct.reminders.id `{}` is not letters, digits, `-`, `_` or `.`", rule.id));
            }
            if self.reminders.iter().take(index).any(|other| other.id == rule.id) {
                return Err(format!("conduct.reminders.id `{}` stands twice", rule.id));
            }
        }
        Ok(())
    }

    /// With everything named that follows from the jurisdiction.
    ///
    /// # Errors
    /// Where the jurisdiction is not named and does not follow from the convention.
    pub fn resolved(mut self, convention: Convention) -> Result<Self, String> {
        let jurisdiction = self.jurisdiction.or(Jurisdiction::of(convention)).ok_or(
            "conduct.jurisdiction is missing, and the bundle's annual percentage rate is that of none of `us`, `eu`, `cn`",
        )?;
        self.jurisdiction = Some(jurisdiction);
        if jurisdiction == Jurisdiction::Cn {
            self.confirm_disclosure.get_or_insert(true);
            self.reading_seconds.get_or_insert(10);
        }
        if jurisdiction == Jurisdiction::Eu {
            self.withdrawal_days.get_or_insert(14);
        }
        Ok(self)
    }

    /// Whose law it is, after [`Conduct::resolved`].
    #[must_use]
    pub fn law(&self) -> Jurisdiction {
        self.jurisdiction.unwrap_or(Jurisdiction::Us)
    }

    /// Who gets what is consented to.
    #[must_use]
    pub fn recipient<'a>(&'a self, purpose: &str, lender: &'a str) -> &'a str {
        self.consent_recipients.get(purpose).map_or(lender, String::as_str)
    }

    /// For how many seconds from a local time of day nobody is reminded.
    #[must_use]
    pub fn quiet_seconds(&self, second_of_day: u32) -> u32 {
        const DAY: u32 = 24 * 3600;
        let Some(QuietHours { from, until }) = self.quiet_hours else { return 0 };
        let (from, until) = (u32::from(from) * 3600, u32::from(until) * 3600);
        let quiet = if from <= until {
            (from..until).contains(&second_of_day)
        } else {
            second_of_day >= from || second_of_day < until
        };
        if quiet { (until + DAY - second_of_day) % DAY } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Conduct, String> {
        let conduct: Conduct = toml::from_str(text).map_err(|error| error.to_string())?;
        conduct.check().map(|()| conduct)
    }

    #[test]
    fn what_is_left_out_follows_from_the_law_of_the_rate() {
        let of = |convention| Conduct::default().resolved(convention).unwrap();
        let (us, eu, cn) = (of(Convention::UsRegZ), of(Convention::EuAprc), of(Convention::CnIrr));
        assert_eq!((us.law(), us.withdrawal_days, us.confirm_disclosure), (Jurisdiction::Us, None, None));
        // Directive (EU) 2023/2225, article 26(1): 14 calendar days.
        assert_eq!((eu.law(), eu.withdrawal_days), (Jurisdiction::Eu, Some(14)));
        assert_eq!((cn.law(), cn.confirm_disclosure, cn.reading_seconds), (Jurisdiction::Cn, Some(true), Some(10)));
        assert!(Conduct::default().resolved(Convention::Uk).unwrap_err().contains("conduct.jurisdiction"));
        let chosen = Conduct { jurisdiction: Some(Jurisdiction::Eu), ..Conduct::default() };
        assert_eq!(chosen.resolved(Convention::Uk).unwrap().law(), Jurisdiction::Eu);
    }

    #[test]
    fn the_example_says_what_holds_where_nothing_is_said() {
        let config: crate::config::Config = toml::from_str(crate::config::EXAMPLE).unwrap();
        assert_eq!(config.conduct.check(), Ok(()));
        assert_eq!(format!("{:?}", config.conduct), format!("{:?}", Conduct::default()));
    }

    #[test]
    fn what_is_beyond_its_limit_is_refused_by_name() {
        assert!(read("").is_ok());
        for (text, name) in [
            ("reading_seconds = 3601", "reading_seconds"),
            ("withdrawal_days = 0", "withdrawal_days"),
            ("withdrawal_days = 380", "withdrawal_days"),
            ("decision_days = 367", "decision_days"),
            ("duty_warning_days = 367", "duty_warning_days"),
            ("resume_days = 0", "resume_days"),
            ("quiet_hours = { from = 24, until = 8 }", "quiet_hours.from"),
            ("retention = { contract_days = 36526 }", "retention"),
            ("review = { two_persons_from = -1 }", "review.two_persons_from"),
            ("standing = { days_past_due_max = 36526 }", "standing.days_past_due_max"),
            ("standing = { charged_off = \"perhaps\" }", "perhaps"),
            ("reminders = [{ id = \"a\", days = 61 }]", "reminders.days"),
            ("reminders = [{ id = \"a b\", days = 1 }]", "reminders.id"),
            ("reminders = [{ id = \"a\", days = 1 }, { id = \"a\", days = 2 }]", "twice"),
            ("agency = \"{code}\"", "braces"),
            ("hardship_contact = \"{code}\"", "conduct.hardship_contact"),
            (&format!("how_to_pay = \"{}\"", "x".repeat(SENTENCES_BYTES_MAX + 1)), "conduct.how_to_pay"),
            ("jurisdiction = \"uk\"", "uk"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(name), "{text}: {error}");
        }
    }

    #[test]
    fn a_code_signs_unless_a_reason_is_stated_for_the_name_alone() {
        let signed = |text: &str, sandbox| {
            read(text).unwrap().signed(sandbox).map(|conduct| (conduct.signing(), conduct.typed_name_reason))
        };
        let (nothing, any, code) = ("", "signing = \"any\"", "signing = \"one_time_code\"");
        let reasoned = "signing = \"any\"\ntyped_name_reason = \"because\"";
        assert_eq!(signed(nothing, false), Ok((Signing::OneTimeCode, String::new())));
        assert_eq!(signed(reasoned, false), Ok((Signing::Any, "because".to_owned())));
        for text in [any, "signing = \"any\"\ntyped_name_reason = \" \""] {
            assert!(signed(text, false).unwrap_err().contains("typed_name_reason"));
        }
        // A sandbox lends nothing.
        for text in [nothing, any] {
            assert_eq!(signed(text, true), Ok((Signing::Any, SANDBOX_REASON.to_owned())));
        }
        assert_eq!(signed(reasoned, true), Ok((Signing::Any, "because".to_owned())));
        assert_eq!(signed(code, true), Ok((Signing::OneTimeCode, String::new())));
    }

    #[test]
    fn quiet_hours_may_pass_midnight_and_end_to_the_second() {
        let conduct = read("quiet_hours = { from = 21, until = 8 }").unwrap();
        let at = |hour: u32, second: u32| conduct.quiet_seconds(hour * 3600 + second);
        assert_eq!((at(20, 3599), at(21, 0), at(23, 3599)), (0, 11 * 3600, 8 * 3600 + 1));
        assert_eq!((at(0, 0), at(7, 3599), at(8, 0)), (8 * 3600, 1, 0));
        let noon = read("quiet_hours = { from = 12, until = 13 }").unwrap();
        assert_eq!((noon.quiet_seconds(12 * 3600), noon.quiet_seconds(13 * 3600)), (3600, 0));
        assert_eq!(Conduct::default().quiet_seconds(0), 0);
    }
}
