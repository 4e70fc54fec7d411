//! Problem details (RFC 9457): every error the server answers with, in one table.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{codes, storage};

/// The `type` of every problem is this and the slug.
pub const TYPE_PREFIX: &str = "urn:prequal:problem:";

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        /// What went wrong, each with its status and its stable slug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The last part of the problem's `type`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// A short sentence, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

kinds! {
    /// The body is not JSON.
    MalformedJson = BAD_REQUEST, "malformed-json", "the body is not JSON";
    /// A query parameter or a header cannot be read.
    BadRequest = BAD_REQUEST, "bad-request", "the request cannot be read";
    /// A webhook whose signature or time does not hold.
    WebhookSignature = BAD_REQUEST, "webhook-signature", "the webhook's signature does not hold";
    /// No credential, or one that is not known.
    Unauthorized = UNAUTHORIZED, "unauthorized", "a valid credential is required";
    /// A credential of another role.
    Forbidden = FORBIDDEN, "forbidden", "this credential may not do this";
    /// No such thing, or not for this caller.
    NotFound = NOT_FOUND, "not-found", "nothing is here";
    /// A known path with another method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "this method is not offered here";
    /// The recorded decision is not what the server decides.
    DecisionMismatch = CONFLICT, "decision-mismatch", "the server decides otherwise";
    /// The application's bundle is not the active one.
    BundleUnknown = CONFLICT, "bundle-unknown", "this bundle is not in force";
    /// The application's bundle was withdrawn.
    BundleRevoked = CONFLICT, "bundle-revoked", "this bundle was revoked";
    /// The cart is no longer the one the offer was made for.
    CartChanged = CONFLICT, "cart-changed", "the cart has changed since";
    /// The offer was consumed by another loan.
    OfferUsed = CONFLICT, "offer-used", "this offer was used before";
    /// The checkout was financed by another loan.
    CheckoutFinanced = CONFLICT, "checkout-financed", "this checkout is financed already";
    /// The application is not in the state this needs.
    WrongState = CONFLICT, "wrong-state", "this cannot be done now";
    /// Who was to finance the loan cannot any more; the offer may be submitted again.
    FundingUnavailable = CONFLICT, "funding-unavailable", "the loan is not financed any more";
    /// The information before the contract was not confirmed.
    DisclosureUnconfirmed = CONFLICT, "disclosure-unconfirmed", "the information before the contract is not confirmed";
    /// It was not shown for long enough to be read.
    ReadingTime = CONFLICT, "reading-time", "the information was not shown for long enough";
    /// One person said what two must say.
    SameReviewer = CONFLICT, "same-reviewer", "another person must approve as well";
    /// The provider said something else of this transfer before.
    TransferDiffers = CONFLICT, "transfer-differs", "this transfer was told otherwise before";
    /// The loan has other events than those on which the request was decided.
    EventsChanged = CONFLICT, "events-changed", "something else happened to this loan";
    /// A day in a period that is closed.
    PeriodClosed = CONFLICT, "period-closed", "the period is closed";
    /// A refund of this reference was made otherwise.
    RefundDiffers = CONFLICT, "refund-differs", "this refund was told otherwise before";
    /// The money was matched or returned before.
    SuspenseMatched = CONFLICT, "suspense-matched", "this money was matched before";
    /// A request with the same idempotency key is still being served.
    IdempotencyInFlight = CONFLICT, "idempotency-in-flight", "a request with this key is in flight";
    /// The order was captured for the last time or voided before.
    OrderEnded = CONFLICT, "order-ended", "this order has ended";
    /// A capture would be dearer than what was signed, or than the law allows.
    CaptureDearer = CONFLICT, "capture-dearer", "this capture needs a new confirmation";
    /// The line of credit does not allow it.
    LineRefused = CONFLICT, "line-refused", "the line of credit does not allow this";
    /// The capture window is over.
    CaptureWindowOver = GONE, "capture-window-over", "the capture window is over";
    /// The offer is past its time.
    OfferExpired = GONE, "offer-expired", "this offer has expired";
    /// A link that resumes was used or is past its time.
    ResumeLink = GONE, "resume-link", "this link does not open any more";
    /// The checkout is past its time.
    CheckoutExpired = GONE, "checkout-expired", "this checkout has expired";
    /// More bytes than the limit.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large", "the body is too large";
    /// The body is not `application/json`.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "the body must be application/json";
    /// JSON of another shape than the contract's.
    InvalidBody = UNPROCESSABLE_ENTITY, "invalid-body", "the body does not have the required shape";
    /// JSON of the right shape that cannot be accepted.
    InvalidValue = UNPROCESSABLE_ENTITY, "invalid-value", "a value cannot be accepted";
    /// The checkout token does not hold.
    CheckoutToken = UNPROCESSABLE_ENTITY, "checkout-token", "the checkout token does not hold";
    /// The offer's signature or claims do not hold.
    OfferSignature = UNPROCESSABLE_ENTITY, "offer-signature", "the offer's signature does not hold";
    /// A figure of the offer is not what the contract gives.
    QuoteDiffers = UNPROCESSABLE_ENTITY, "quote-differs", "the quote differs from the contract";
    /// A consent that the bundle requires is missing.
    ConsentMissing = UNPROCESSABLE_ENTITY, "consent-missing", "a consent is missing";
    /// The hash of the agreement is not the one to be signed.
    AgreementDiffers = UNPROCESSABLE_ENTITY, "agreement-differs", "this is not the agreement to be signed";
    /// What is lent under a line of credit only was to be signed without one.
    LineRequired = UNPROCESSABLE_ENTITY, "line-required", "this is lent under a line of credit only";
    /// The name typed is not the applicant's.
    SignatureName = UNPROCESSABLE_ENTITY, "signature-name", "the signature is not the applicant's name";
    /// The one-time code does not sign.
    SigningCode = UNPROCESSABLE_ENTITY, "signing-code", "the one-time code does not sign";
    /// A code was sent a moment ago, and may be on its way.
    CodeWait = CONFLICT, "code-wait", "the last code was sent a moment ago";
    /// A code cannot reach the applicant: no channel is configured, or no address is known.
    NoChannel = SERVICE_UNAVAILABLE, "no-channel", "there is no way to send a code";
    /// The ledger does not allow it of this loan.
    EventRefused = UNPROCESSABLE_ENTITY, "event-refused", "the loan does not allow this";
    /// A rate above the one that was signed, without the shopper's confirmation.
    RateUnconfirmed = UNPROCESSABLE_ENTITY, "rate-unconfirmed", "a dearer rate needs the shopper's confirmation";
    /// A rate above what the law allows.
    RateAboveCap = UNPROCESSABLE_ENTITY, "rate-above-cap", "the law does not allow this rate";
    /// More than was bought.
    RefundAboveBought = UNPROCESSABLE_ENTITY, "refund-above-bought", "the refunds are more than what was bought";
    /// More than what is owed.
    PaymentAbovePayoff = UNPROCESSABLE_ENTITY, "payment-above-payoff", "the payment is more than what is owed";
    /// More than what is left of what was authorized.
    CaptureAboveAuthorized = UNPROCESSABLE_ENTITY, "capture-above-authorized", "the capture is more than what is authorized";
    /// The same idempotency key came with another body.
    IdempotencyConflict = UNPROCESSABLE_ENTITY, "idempotency-conflict", "this key was used with another body";
    /// No idempotency key on a request that needs one.
    IdempotencyKeyMissing = BAD_REQUEST, "idempotency-key-missing", "an Idempotency-Key header is required";
    /// The thing was changed since it was read.
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "it was changed since it was read";
    /// An address with more bytes than the limit.
    UriTooLong = URI_TOO_LONG, "uri-too-long", "the address is too long";
    /// Headers with more bytes than the limit.
    HeadersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "the headers are too large";
    /// Too many requests in a short time.
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "too many requests";
    /// The request was not answered in time.
    TimedOut = SERVICE_UNAVAILABLE, "timed-out", "the server did not come to it in time";
    /// More than the server takes.
    TooMany = TOO_MANY_REQUESTS, "too-many", "a limit was reached";
    /// Other writers were in the way too often; the same request may be sent again.
    Contention = SERVICE_UNAVAILABLE, "contention", "too many write the same at once";
    /// The server starts, stops, or cannot reach what it needs; another may be asked.
    NotReady = SERVICE_UNAVAILABLE, "not-ready", "the server is not ready";
    /// A defect or a failing disk; details are in the log only.
    Internal = INTERNAL_SERVER_ERROR, "internal", "the server could not do this";
}

impl Kind {
    /// After how many seconds the same request may fare better, where time alone is in the way.
    #[must_use]
    pub const fn retry_after_seconds(self) -> Option<u64> {
        match self {
            Self::Contention | Self::TimedOut | Self::IdempotencyInFlight | Self::RateLimited => Some(1),
            Self::NotReady => Some(5),
            Self::CodeWait => Some(codes::RESEND_SECONDS as u64),
            _ => None,
        }
    }
}

/// One error answer.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: String,
    extra: Map<String, Value>,
    /// What a defect says of itself: for the log and for whoever stands at the machine, never for a caller.
    cause: Option<String>,
}

impl Problem {
    /// A problem with what is particular to this occurrence. `detail` must name no person.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), extra: Map::new(), cause: None }
    }

    /// Adds a member of its own.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// What kind of problem this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What is particular to this occurrence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Nothing here, or nothing for this caller: the two are told apart to nobody.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "no such resource for this credential")
    }

    /// A defect or a failing machine. The cause goes to the log, never to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "internal problem");
        let cause = Some(cause.to_string());
        Self { cause, ..Self::new(Kind::Internal, "the cause is in the server's log") }
    }

    /// What is particular to this occurrence, for whoever stands at the machine: of a defect, its cause.
    #[must_use]
    pub fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.detail)
    }

    /// Another transaction was in the way.
    #[must_use]
    pub fn contention() -> Self {
        Self::new(Kind::Contention, "nothing was done; send it again in a moment, with the same key")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.kind.title(), self.detail)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if storage::is_contention(&error) { Self::contention() } else { Self::internal(error) }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        const MEMBER: &str = "retry_after_seconds";
        let known = self.extra.get(MEMBER).and_then(Value::as_u64);
        let retry = known.or(self.kind.retry_after_seconds());
        if let Some(seconds) = retry {
            self.extra.insert(MEMBER.to_owned(), seconds.into());
        }
        let document = Document {
            r#type: format!("{TYPE_PREFIX}{}", self.kind.slug()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            extra: &self.extra,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.kind.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_in_the_way_of_time_alone_is_told_when_to_come_again() {
        for (problem, seconds) in [
            (Problem::contention(), Some("1")),
            (Problem::new(Kind::NotReady, "it starts"), Some("5")),
            (Problem::new(Kind::TimedOut, "it took too long"), Some("1")),
            (Problem::new(Kind::IdempotencyInFlight, "it is served"), Some("1")),
            (Problem::new(Kind::CodeWait, "sent").with("retry_after_seconds", 7), Some("7")),
            (Problem::new(Kind::RateLimited, "slower").with("retry_after_seconds", 3), Some("3")),
            (Problem::new(Kind::WrongState, "never"), None),
            (Problem::internal("a defect"), None),
        ] {
            let kind = problem.kind();
            let response = problem.into_response();
            let header = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(header, seconds, "{kind:?}");
        }
    }

    #[test]
    fn slugs_are_unique() {
        let mut slugs: Vec<_> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
    }
}
