//! Who calls: a merchant, an edge, the lender, an auditor, or a shopper with a capability for one thing.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{HeaderMap, header, request::Parts},
};

use crate::{
    app::App,
    clock::{Clock, SystemClock},
    funding::config::Funder,
    keys::{self, Holder, Key},
    problem::{Kind, Problem},
    secret,
    settings::{Edge, Merchant, Settings},
};

/// The longest bearer token read.
const TOKEN_BYTES_MAX: usize = 256;

/// What a request shows, looked up once before it is routed.
#[derive(Debug, Clone)]
pub enum Credential {
    /// No bearer token, or one that is too long.
    Missing,
    /// A token that is nobody's.
    Unknown,
    /// A key whose time is over.
    Expired,
    /// A configured key.
    Key(Arc<Key>),
    /// A shopper's capability, by its hash. Whether it fits is for the thing that is asked for to say.
    Capability(String),
}

impl Credential {
    /// Reads the `Authorization` header.
    #[must_use]
    pub fn shown(headers: &HeaderMap, settings: &Settings) -> Self {
        let Some(token) = bearer(headers) else { return Self::Missing };
        let hash = secret::sha256_hex(token);
        let prefix = token.split_once('_').map(|(prefix, _)| prefix);
        if prefix == Some("cap") {
            return Self::Capability(hash);
        }
        match settings.keys.find(&hash) {
            // A key of one role under the prefix of another was put into the wrong place.
            Some(key) if prefix != Some(key.holder.prefix()) => Self::Unknown,
            Some(key) if key.is_expired(SystemClock.now_seconds()) => Self::Expired,
            Some(key) => Self::Key(key.clone()),
            None => Self::Unknown,
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX).then_some(token)
}

/// The bearer of a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A shop.
    Merchant(Arc<Merchant>),
    /// An edge worker.
    Edge(Arc<Edge>),
    /// One of the lender's people or programs, by id.
    Lender(String),
    /// An auditor, by id.
    Auditor(String),
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
            Self::Auditor(id) => format!("auditor:{id}"),
            Self::Funder(funder) => format!("funder:{}", funder.config.id),
            Self::Capability(hash) => format!("capability:{hash}"),
        }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let shown = parts.extensions.get::<Credential>().cloned();
        let refused = |detail| Err(Problem::new(Kind::Unauthorized, detail));
        let key = match shown.unwrap_or_else(|| Credential::shown(&parts.headers, &app.settings)) {
            Credential::Missing => return refused("send `Authorization: Bearer …`"),
            Credential::Unknown => return refused("this credential is not known"),
            Credential::Expired => return refused("this credential has expired"),
            Credential::Capability(hash) => return Ok(Self::Capability(hash)),
            Credential::Key(key) => key,
        };
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        if let Some(scope) = keys::scope_of(&parts.method, route)
            && !key.allows(&scope)
        {
            let detail = format!("this key does not have the scope `{scope}`");
            return Err(Problem::new(Kind::Forbidden, detail).with("scope", scope));
        }
        Ok(match &key.holder {
            Holder::Merchant(merchant) => Self::Merchant(merchant.clone()),
            Holder::Edge(edge) => Self::Edge(edge.clone()),
            Holder::Funder(funder) => Self::Funder(funder.clone()),
            Holder::Lender(id) => Self::Lender(id.clone()),
            Holder::Auditor(id) => Self::Auditor(id.clone()),
        })
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident($inner:ty) = $($variant:ident)|+, $words:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub $inner);

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
                match Caller::from_request_parts(parts, app).await? {
                    $(Caller::$variant(inner))|+ => Ok(Self(inner)),
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
    /// A lender's or an auditor's key is required: for what is read and holds nothing personal.
    OnlyReader(String) = Lender | Auditor, "a lender's or an auditor's key"
);
role!(
    /// A shopper's capability is required; its hash.
    OnlyCapability(String) = Capability, "a shopper's capability"
);
