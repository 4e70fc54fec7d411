//! The shapes that cross a boundary: what comes in as JSON and what goes out.
//!
//! Everything here is plain data. Unknown fields, duplicate keys and numbers with a fraction are refused while
//! reading. Outgoing types declare their fields in key order, so that their canonical form needs no sorting.

mod decision;
mod form;
mod input;
mod installments;
mod journey;
mod journey_event;
mod limits;
mod map;
mod problem;
mod scalar;

pub use decision::{
    AprDisclosure, Decision, Need, NeedKind, Offer, Outcome, Prequalification, Quote, Reason, Standing,
};
pub use form::{FieldError, Form, FormChoice, FormField, FormLender, FormStep, Validation};
pub use input::{Application, Input, Order, QuoteInput, Salt, ValidateInput};
pub use journey::{Action, Advance, Consent, Event, OfferReference, SNAPSHOT_VERSION, Snapshot, State};
pub use limits::{
    EVIDENCE_ITEMS_MAX, FIELDS_MAX, ID_BYTES_MAX, INPUT_BYTES_MAX, SALT_BYTES_MAX, SALT_BYTES_MIN, TEXT_BYTES_MAX,
};
pub use map::Map;
pub use problem::{WireError, parse};
pub use scalar::Scalar;
