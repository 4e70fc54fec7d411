//! Who calls: a merchant, an edge, the lender, or a shopper with a capability for one thing.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use crate::{
    app::App,
    funding::config::Funder,
    problem::{Kind, Problem},
    secret,
    settings::{Edge, Merchant},
};

/// The longest bearer token read.
const TOKEN_BYTES_MAX: usize = 256;

/// The bearer of a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A shop.
    Merchant(Arc<Merchant>),
    /// An edge worker.
    Edge(Arc<Edge>),
    /// One of the lender's people or programs, by id.
    Lender(String),
    /// One of those who finance loans.
    Funder(Arc<Funder>),
    /// A shopper, by the hash of the capability.
    Capability(String),
}

impl Caller {
    /// A name for the scope of idempotency keys, never the credential itself.
    #[must_use]
    pub fn scope(&self) -> String {
        match self {
            Self::Merchant(merchant) => format!("merchant:{}", merchant.id),
            Self::Edge(edge) => format!("edge:{}", edge.id),
            Self::Lender(id) => format!("lender:{id}"),
            Self::Funder(funder) => format!("funder:{}", funder.config.id),
            Self::Capability(hash) => format!("capability:{hash}"),
        }
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX).then_some(token)
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let refused = |detail| Err(Problem::new(Kind::Unauthorized, detail));
        let Some(token) = bearer(parts) else {
            return refused("send `Authorization: Bearer …`");
        };
        let hash = secret::sha256_hex(token);
        let settings = &app.settings;
        let found = match token.split_once('_').map(|(prefix, _)| prefix) {
            Some("mk") => settings.merchant_by_key(&hash).map(Self::Merchant),
            Some("ek") => settings.edge_by_key(&hash).map(Self::Edge),
            Some("fk") => settings.funder_by_key(&hash).map(Self::Funder),
            Some("lk") => settings.lender_by_key(&hash).map(Self::Lender),
            // Whether it fits is for the thing that is asked for to say.
            Some("cap") => Some(Self::Capability(hash)),
            _ => None,
        };
        match found {
            Some(caller) => Ok(caller),
            None => refused("this credential is not known"),
        }
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident($inner:ty) = $variant:ident, $words:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub $inner);

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
                match Caller::from_request_parts(parts, app).await? {
                    Caller::$variant(inner) => Ok(Self(inner)),
                    _ => Err(Problem::new(Kind::Forbidden, concat!("this route is for ", $words))),
                }
            }
        }
    };
}

role!(
    /// A merchant's key is required.
    OnlyMerchant(Arc<Merchant>) = Merchant, "a merchant's key"
);
role!(
    /// An edge's key is required.
    OnlyEdge(Arc<Edge>) = Edge, "an edge's key"
);
role!(
    /// A lender's key is required.
    OnlyLender(String) = Lender, "a lender's key"
);
role!(
    /// A shopper's capability is required; its hash.
    OnlyCapability(String) = Capability, "a shopper's capability"
);
