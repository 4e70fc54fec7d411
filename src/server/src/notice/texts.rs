//! The words of notices: the bundle's own, or these.

use super::{
    super::conduct::Jurisdiction,
    due::{self, Moment},
};
use crate::{agreement::places, policy::Policy, secret};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $subject:literal, needs [$($need:literal),*], may [$($may:literal),*];)*) => {
        /// What a notice tells.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The name under which it is stored.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// What stands above it.
            #[must_use]
            pub const fn subject(self) -> &'static str {
                match self { $(Self::$kind => $subject,)* }
            }

            /// The places that no text of it may lack, and those that it may have.
            const fn places(self) -> (&'static [&'static str], &'static [&'static str]) {
                match self { $(Self::$kind => (&[$($need),*], &[$($may),*]),)* }
            }
        }
    };
}

kinds! {
    /// Credit is declined.
    AdverseAction = "adverse_action", "Our decision about your application for credit",
        needs ["application", "reasons", "decision"], may ["amount", "agency", "bureau"];
    /// Less or otherwise than was asked for.
    CounterOffer = "counter_offer", "Our offer in place of the credit you asked for",
        needs ["application", "reasons", "decision", "plans", "link", "until"], may ["amount", "agency", "bureau"];
    /// A person approved.
    Approved = "approved", "Your application for credit was approved",
        needs ["application", "plans", "link", "until"], may ["decision"];
    /// Something is missing.
    Incomplete = "incomplete", "Your application for credit is incomplete",
        needs ["application", "missing", "until"], may [];
    /// A code that signs.
    SigningCode = "signing_code", "Your code to sign the credit agreement",
        needs ["application", "code", "until"], may ["agreement_hash"];
    /// The agreement that was signed.
    Agreement = "agreement", "Your credit agreement",
        needs ["loan", "agreement", "agreement_hash"], may ["application", "signed", "disclosure"];
    /// A merchant captured an order or a part of it.
    Capture = "capture", "Your purchase was charged: the final payment plan",
        needs ["merchant", "amount", "captured", "apr", "total", "schedule", "rest"], may ["application", "order", "loan"];
    /// A capture could not be paid out to the merchant.
    CaptureFailed = "capture_failed", "Your purchase was not charged after all",
        needs ["merchant", "amount"], may ["application", "order", "loan"];
    /// What was agreed to.
    ConsentReceipt = "consent_receipt", "What you agreed to",
        needs ["application", "consents"], may [];
    /// An instalment falls or fell due.
    Reminder = "reminder", "Your instalment",
        needs ["loan", "due", "amount"],
        may ["application", "number", "when", "days_past_due", "penalty", "total", "autopay", "how_to_pay",
            "consequences", "hardship"];
    /// The statement of a revolving line was made.
    Statement = "statement", "Your statement",
        needs ["line", "due", "total", "minimum"], may ["application", "date", "principal", "installments", "interest", "fee", "how_to_pay"];
    /// The bill of a revolving line falls or fell due.
    BillReminder = "bill_reminder", "Your bill",
        needs ["line", "due", "total", "minimum"],
        may ["application", "date", "when", "days_past_due", "penalty", "how_to_pay", "consequences", "hardship"];
    /// The contract was withdrawn from.
    Withdrawal = "withdrawal", "Your withdrawal from the credit agreement",
        needs ["loan", "owed", "pay_by"], may ["application"];
}

impl Kind {
    /// The kind of a stored name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// The form of 12 CFR 1002, Appendix C, C-1, with the parts of 15 USC 1681m(a).
const ADVERSE_US: &str = "\
Notice of action taken and statement of reasons

Creditor: {lender}
{address}
Application: {application}
Credit requested: {amount}
Action taken: we are unable to offer you credit for this purchase.

The principal reasons are:
{reasons}
{bureau}
The decision is recorded as {decision}. You may ask for a person to look at it again.

The federal Equal Credit Opportunity Act prohibits creditors from discriminating against credit applicants on the \
basis of race, color, religion, national origin, sex, marital status, age (provided the applicant has the capacity to \
enter into a binding contract); because all or part of the applicant's income derives from any public assistance \
program; or because the applicant has in good faith exercised any right under the Consumer Credit Protection Act. The \
federal agency that administers compliance with this law concerning this creditor is {agency}.
";

/// Directive (EU) 2023/2225, articles 18(8), 18(9) and 19(6).
const ADVERSE_EU: &str = "\
{lender} cannot offer you credit for the purchase of application {application}.

The decision rests in part on automated processing of data. The principal reasons are:
{reasons}
{bureau}
The decision is recorded as {decision}. You have the right to have a person look at it, to have it and how it came \
about explained to you, to say what you think of it, and to contest it. Ask for that where you applied.
If debts weigh on you, free advice is given by the debt advisory services of your country.
";

const ADVERSE_CN: &str = "\
{lender}无法为申请 {application} 提供贷款。主要原因：
{reasons}
{bureau}
决定编号：{decision}。您可以要求人工复核。
";

const COUNTER_US: &str = "\
Notice of action taken, counteroffer and statement of reasons

Creditor: {lender}
{address}
Application: {application}
Credit requested: {amount}

We are unable to offer you credit on the terms you requested. The principal reasons are:
{reasons}
{bureau}
We can offer you credit on these terms:
{plans}
If this is what you want, accept it by {until}: {link}

The decision is recorded as {decision}.

The federal Equal Credit Opportunity Act prohibits creditors from discriminating against credit applicants on the \
basis of race, color, religion, national origin, sex, marital status, age (provided the applicant has the capacity to \
enter into a binding contract); because all or part of the applicant's income derives from any public assistance \
program; or because the applicant has in good faith exercised any right under the Consumer Credit Protection Act. The \
federal agency that administers compliance with this law concerning this creditor is {agency}.
";

const COUNTER: &str = "\
{lender} cannot offer the credit that application {application} asked for. The principal reasons are:
{reasons}
{bureau}
In its place we offer:
{plans}
Accept it by {until}: {link}

The decision is recorded as {decision}. You may ask for a person to explain it.
";

const APPROVED: &str = "\
A person has looked at application {application}, and {lender} can offer you credit:
{plans}
Your cart is kept. Go on by {until}: {link}
The link opens once. Whoever has it can go on in your name, so keep it to yourself.
";

/// 12 CFR 1002.9(c)(2): what is needed, by when, and what happens otherwise.
const INCOMPLETE: &str = "\
To decide about application {application}, {lender} needs:
{missing}
Please complete it by {until}. If we do not have it by then, we give the application no further consideration.
";

const SIGNING_CODE: &str = "\
{code} is your code to sign the agreement of application {application} with {lender}. It holds until {until}.
Nobody of {lender} will ever ask you for it. If you did not ask for a code, do nothing.
";

const AGREEMENT: &str = "\
Here is the agreement of loan {loan} with {lender}, as it was signed on {signed}. Keep it.

{agreement}

SHA-256 of the agreement: {agreement_hash}
SHA-256 of the information before the contract: {disclosure}
";

const CAPTURE: &str = "\
{merchant} charged {amount} of order {order} on {captured}, by the agreement of application {application} that you signed.

Amount financed: {amount}
Annual percentage rate: {apr} %
Total of payments: {total}

Payments
{schedule}

{rest}
";

const CAPTURE_FAILED: &str = "\
We could not pay {amount} of order {order} to {merchant}, by the agreement of application {application}. Nothing was \
lent to you by it: loan {loan} is cancelled, and you owe nothing for it.
If you were told to make payments for it, do not. What you paid already is paid back to you.
";

const CONSENT_RECEIPT: &str = "\
With application {application} at {lender} you agreed to:
{consents}
You may withdraw each of them where you applied; what was done before that stays lawful.
";

/// Directive (EU) 2023/2225, article 26(5): principal and interest, at most 30 days after the notice of withdrawal.
const WITHDRAWAL: &str = "\
{lender} has received your withdrawal from the agreement of loan {loan}. You owe no reason and no charge for it.
To be paid back by {pay_by}: {owed}, the credit and the interest from the day it was drawn to the day you pay it back.
";

/// The built-in text and its version.
const fn built_in(law: Jurisdiction, kind: Kind, moment: Moment) -> (&'static str, u32) {
    match (kind, law) {
        (Kind::AdverseAction, Jurisdiction::Us) => (ADVERSE_US, 2),
        (Kind::AdverseAction, Jurisdiction::Eu) => (ADVERSE_EU, 1),
        (Kind::AdverseAction, Jurisdiction::Cn) => (ADVERSE_CN, 1),
        (Kind::CounterOffer, Jurisdiction::Us) => (COUNTER_US, 1),
        (Kind::CounterOffer, _) => (COUNTER, 1),
        (Kind::Approved, _) => (APPROVED, 1),
        (Kind::Incomplete, _) => (INCOMPLETE, 1),
        (Kind::SigningCode, _) => (SIGNING_CODE, 1),
        (Kind::Agreement, _) => (AGREEMENT, 1),
        (Kind::Capture, _) => (CAPTURE, 1),
        (Kind::CaptureFailed, _) => (CAPTURE_FAILED, 1),
        (Kind::ConsentReceipt, _) => (CONSENT_RECEIPT, 1),
        (Kind::Statement, _) => (due::STATEMENT, 1),
        (Kind::Reminder | Kind::BillReminder, _) => due::built_in(kind, moment),
        (Kind::Withdrawal, _) => (WITHDRAWAL, 1),
    }
}

/// What a notice is made of.
#[derive(Debug, Clone, Copy)]
pub struct Wording<'a> {
    /// What it tells.
    pub kind: Kind,
    /// Of a reminder, the rule it is made by, which may have a text of its own.
    pub rule: Option<&'a str>,
    /// Of a reminder, where the day on which it goes out lies.
    pub moment: Moment,
}

impl From<Kind> for Wording<'_> {
    fn from(kind: Kind) -> Self {
        Self { kind, rule: None, moment: Moment::Before }
    }
}

/// A text, as it is found for a notice.
#[derive(Debug)]
pub(super) struct Template<'a> {
    /// Its name and version.
    pub name: String,
    /// SHA-256 of the whole of it.
    pub hash: String,
    /// What stands above, with places.
    pub subject: &'a str,
    /// The text, with places.
    pub body: &'a str,
}

/// The text of a notice: the bundle's own for the rule or else for the kind, or the built-in one.
pub(super) fn template<'a>(policy: &'a Policy, law: Jurisdiction, wording: &Wording<'_>) -> Template<'a> {
    let kind = wording.kind.name();
    let of_rule = wording.rule.map(|rule| format!("{kind}{RULE_MARK}{rule}"));
    let own = |name: String| policy.notice_template(&name).map(|text| (name, text));
    let (name, text) = match of_rule.and_then(own).or_else(|| own(kind.to_owned())) {
        Some((name, text)) => (format!("{name}/{}/bundle-{}", law.name(), policy.version()), text),
        None => {
            let (text, version) = built_in(law, wording.kind, wording.moment);
            let is_reminder = matches!(wording.kind, Kind::Reminder | Kind::BillReminder);
            let moment = if is_reminder { format!("{RULE_MARK}{}", wording.moment.name()) } else { String::new() };
            (format!("{kind}{moment}/{}/{version}", law.name()), text)
        }
    };
    let (subject, body) = parts(text);
    Template { name, hash: secret::sha256_hex(text), subject: subject.unwrap_or(wording.kind.subject()), body }
}

/// What parts the name of a kind and that of a rule in the name of a bundle's text.
const RULE_MARK: char = '.';
/// What a text begins with that says what stands above it.
const SUBJECT_MARK: &str = "Subject: ";
/// The longest subject, in bytes.
pub const SUBJECT_BYTES_MAX: usize = 200;
/// Places that are filled when a notice is sent: what is secret or personal stands above none.
const LATE: [&str; 3] = ["code", "link", "score"];

/// The subject, where the first line is one, and the rest.
fn parts(text: &str) -> (Option<&str>, &str) {
    match text.strip_prefix(SUBJECT_MARK) {
        Some(rest) => {
            let (subject, body) = rest.split_once('\n').unwrap_or((rest, ""));
            (Some(subject.trim()), body.trim_start_matches(['\n', '\r']))
        }
        None => (None, text),
    }
}

/// A subject as it goes out: one line, and not too long.
pub(super) fn one_line(subject: &str) -> String {
    let line: String = subject.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    line.get(..line.floor_char_boundary(SUBJECT_BYTES_MAX)).unwrap_or_default().to_owned()
}

/// Checks a bundle's own text of a kind, or of a rule of reminders (`reminder.RULE`): it names nothing that is not known,
/// and lacks nothing that it needs.
///
/// # Errors
/// One readable clause.
pub fn check_template(name: &str, text: &str) -> Result<(), String> {
    let (kind, rule) = name.split_once(RULE_MARK).map_or((name, None), |(kind, rule)| (kind, Some(rule)));
    let kind = Kind::of(kind).ok_or_else(|| format!("there is no notice `{kind}`"))?;
    if rule.is_some() && !matches!(kind, Kind::Reminder | Kind::BillReminder) {
        return Err(format!("`{name}`: only reminders have rules"));
    }
    let (needs, may) = kind.places();
    let (subject, body) = parts(text);
    let subject = subject.unwrap_or(kind.subject());
    if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
        return Err(format!("the subject is empty or longer than {SUBJECT_BYTES_MAX} bytes"));
    }
    let (above, found) = (places(subject)?, places(body)?);
    if let Some(late) = above.iter().find(|name| LATE.contains(name)) {
        return Err(format!("`{{{late}}}` is filled in when the notice is sent, and cannot stand in the subject"));
    }
    let known = |name: &str| ["lender", "address"].contains(&name) || needs.contains(&name) || may.contains(&name);
    if let Some(unknown) = above.iter().chain(&found).find(|name| !known(name)) {
        return Err(format!("`{{{unknown}}}` is not known"));
    }
    match needs.iter().find(|name| !found.contains(name)) {
        Some(missing) => Err(format!("`{{{missing}}}` is missing")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_text_is_one_that_a_bundle_might_have() {
        for law in [Jurisdiction::Us, Jurisdiction::Eu, Jurisdiction::Cn] {
            for kind in Kind::ALL {
                for moment in [Moment::Before, Moment::On, Moment::After] {
                    let text = built_in(law, *kind, moment).0;
                    assert_eq!(check_template(kind.name(), text), Ok(()), "{} {kind:?} {moment:?}", law.name());
                }
                assert_eq!(Kind::of(kind.name()), Some(*kind));
            }
        }
    }

    #[test]
    fn a_text_that_lacks_the_reasons_or_names_what_is_not_known_is_refused() {
        assert_eq!(check_template("decline", "no"), Err("there is no notice `decline`".to_owned()));
        let text = "{application} {decision} no";
        assert_eq!(check_template("adverse_action", text), Err("`{reasons}` is missing".to_owned()));
        let text = "{application} {decision} {reasons} {code}";
        assert_eq!(check_template("adverse_action", text), Err("`{code}` is not known".to_owned()));
    }

    #[test]
    fn a_rule_of_reminders_may_have_its_own_words_and_subject() {
        let text = "Subject: {due} is near\n\n{loan} {due} {amount} {how_to_pay}";
        assert_eq!(parts(text), (Some("{due} is near"), "{loan} {due} {amount} {how_to_pay}"));
        assert_eq!(check_template("reminder.soon-2.b", text), Ok(()));
        assert_eq!(check_template("approved.soon", text), Err("`approved.soon`: only reminders have rules".to_owned()));
        // What a text needs must stand in it, not above it.
        let above = "Subject: {amount}\n{loan} {due}";
        assert_eq!(check_template("reminder", above), Err("`{amount}` is missing".to_owned()));
        let code = "Subject: {code}\n{application} {code} {until}";
        assert!(check_template("signing_code", code).unwrap_err().contains("cannot stand in the subject"));
        let subject = |bytes: usize| format!("Subject: {}\n{{loan}} {{due}} {{amount}}", "x".repeat(bytes));
        assert_eq!(check_template("reminder", &subject(SUBJECT_BYTES_MAX)), Ok(()));
        for bytes in [0, SUBJECT_BYTES_MAX + 1] {
            assert!(check_template("reminder", &subject(bytes)).unwrap_err().contains("the subject is"));
        }
        assert_eq!(one_line("a\r\nBcc: b"), "a  Bcc: b");
        assert_eq!(one_line(&"ö".repeat(SUBJECT_BYTES_MAX)).len(), SUBJECT_BYTES_MAX);
    }
}
