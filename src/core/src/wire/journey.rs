//! The first half of the lifecycle as it is kept in a page and sent about: snapshots, events, actions.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::{decision::Standing, form::FieldError, input::Order, map::Map, scalar::Scalar};
use crate::calendar::{Date, Instant};

/// The version of snapshots that this program writes.
pub const SNAPSHOT_VERSION: u32 = 1;

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Begun.
    Draft,
    /// Consents are given.
    Consented,
    /// It is known who applies.
    Identified,
    /// The whole form is filled in.
    Described,
    /// An estimate was made.
    Prequalified,
    /// One of the offers is chosen.
    OfferSelected,
    /// The chosen offer is with the server.
    Submitted,
    /// The server approved; only its word makes this state.
    Approved,
    /// The server wants a person to look at it.
    Referred,
    /// The server declined.
    Declined,
    /// The server has the signature.
    Signed,
    /// The offers are past their time.
    Expired,
    /// The applicant left.
    Withdrawn,
}

impl State {
    /// Whether only the server's word makes this state.
    #[must_use]
    pub fn is_servers(self) -> bool {
        matches!(self, Self::Approved | Self::Referred | Self::Declined | Self::Signed)
    }
}

/// An application in progress. It lies in the applicant's own storage and is not trusted when it comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The server's id of the application, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// The bundle whose form this is.
    pub bundle_hash: String,
    /// Consents given.
    #[serde(default)]
    pub consents: Vec<Consent>,
    /// The server's id of its decision, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    /// Until when the offers stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Instant>,
    /// Answers by field.
    #[serde(default)]
    pub fields: Map<Scalar>,
    /// The chosen offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<String>,
    /// The offers at hand.
    #[serde(default)]
    pub offers: Vec<OfferReference>,
    /// What is bought.
    pub order: Order,
    /// What the estimate said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Where it stands.
    pub state: State,
    /// Steps of the form that are complete.
    #[serde(default)]
    pub steps_done: Vec<String>,
    /// [`SNAPSHOT_VERSION`].
    pub version: u32,
}

/// A consent and the text it was given to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// When.
    pub given_at: Instant,
    /// What for.
    pub purpose: String,
    /// SHA-256 of the sentence.
    pub text_hash: String,
}

/// An offer at hand: what is needed to name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields)]
pub struct OfferReference {
    /// Its random id.
    pub offer_id: String,
    /// Its plan.
    pub plan: String,
    /// The hash of its terms.
    pub terms_hash: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An application begins.
    Start {
        /// What is bought.
        order: Order,
    },
    /// A step of the form was filled in.
    Fill {
        /// Its answers.
        fields: Map<Scalar>,
        /// The language in which the form was shown.
        locale: Option<String>,
        /// The moment.
        now: Instant,
        /// The step.
        step: String,
        /// The business date.
        today: Date,
    },
    /// The estimate was made.
    Prequalified {
        /// What it said.
        outcome: Standing,
    },
    /// The edge answered with offers.
    OffersReceived {
        /// The server's id of the application.
        application_id: String,
        /// Until when they stand.
        expires: Instant,
        /// The offers.
        offers: Vec<OfferReference>,
    },
    /// The applicant chose an offer.
    SelectOffer {
        /// Which.
        offer_id: String,
        /// The moment.
        now: Instant,
    },
    /// The applicant asked for the chosen offer.
    Submit {
        /// The moment.
        now: Instant,
    },
    /// The server said where the application stands.
    ServerStatus {
        /// Its id.
        application_id: String,
        /// The id of its decision.
        decision_id: Option<String>,
        /// `submitted`, `approved`, `referred`, `declined`, `signed`, `expired` or `withdrawn`.
        state: State,
    },
    /// The applicant signs what was approved.
    Sign,
    /// The cart changed.
    OrderChanged {
        /// What is bought now.
        order: Order,
    },
    /// Time passed.
    Tick {
        /// The moment.
        now: Instant,
    },
    /// The applicant leaves.
    Withdraw,
    /// The snapshot came from storage.
    Restore {
        /// The moment.
        now: Instant,
        /// The business date.
        today: Date,
    },
}

/// What the shell should do next. The core does nothing itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Canonical)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// Show this step of the form.
    ShowStep {
        /// Which.
        step: String,
    },
    /// Make the estimate.
    Prequalify,
    /// Ask the edge for offers.
    RequestOffers,
    /// Let the applicant choose.
    ShowOffers,
    /// Send the chosen offer to the server.
    Submit {
        /// Which.
        offer_id: String,
    },
    /// Show what is to be signed.
    ShowAgreement,
    /// Send the signature to the server.
    Sign {
        /// The decision it belongs to.
        decision_id: String,
    },
    /// Ask the server where the application stands.
    FetchStatus {
        /// Which.
        application_id: String,
    },
    /// Show how it ended.
    ShowResult,
    /// Keep the snapshot.
    Save,
    /// Throw the snapshot away.
    Discard,
}

/// What came of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Canonical)]
pub struct Advance {
    /// What to do next, in order.
    pub actions: Vec<Action>,
    /// What was wrong with the event; the snapshot is then as before.
    pub errors: Vec<FieldError>,
    /// The application now.
    pub snapshot: Snapshot,
}
