//! HTTP: one file a noun. What belongs to a route and to nothing else is here; what the business does is
//! beside this folder.

pub mod applications;
pub mod auth;
pub mod autopay;
pub mod breaks;
pub mod checkouts;
pub mod confirm;
pub mod counterfactual;
pub mod decisions;
mod describe;
pub mod disclosures;
pub mod duties;
pub mod endpoints;
pub mod etag;
pub mod events;
pub mod extract;
pub mod finance;
pub mod funding;
pub mod gate;
pub mod health;
pub mod jobs;
pub mod ledger;
pub mod lines;
pub mod loans;
pub mod meta;
pub mod notices;
pub mod orders;
pub mod page;
pub mod payments;
pub mod persons;
pub mod plans;
pub mod rate;
pub mod refunds;
pub mod resolutions;
pub mod resume;
pub mod retention;
pub mod reviews;
pub mod sandbox;
pub mod settlements;
pub mod sign;
pub mod signing;
pub mod statements;
mod strict;
pub mod submit;
pub mod trace;
pub mod webhooks;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method},
    middleware,
};
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::{
    Modify, OpenApi, ToResponse, ToSchema,
    openapi::{
        OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    problem::{Kind, Problem},
};

/// The shape of every error (RFC 9457); some have members of their own beside these.
#[derive(Debug, Serialize, ToResponse, ToSchema)]
#[response(description = "What went wrong (RFC 9457)", content_type = "application/problem+json")]
pub struct ProblemDocument {
    /// `urn:prequal:problem:` and a stable name.
    r#type: String,
    /// The same for every occurrence.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is particular to this occurrence.
    detail: String,
    /// RFC 6901, where a place in the body is meant.
    pointer: Option<String>,
    /// Where the same request may fare better later: after how many seconds, as the header `Retry-After` says.
    retry_after_seconds: Option<u64>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Prequal lending server", description = "Checkouts, applications, loans, repayment and the ledger. Amounts are integers in minor units; errors are problem details."),
    components(responses(ProblemDocument)),
    modifiers(&Bearer)
)]
struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// Routes that servers call.
fn of_servers() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(checkouts::create))
        .routes(routes!(checkouts::read))
        .routes(routes!(checkouts::change_cart))
        .routes(routes!(orders::capture))
        .routes(routes!(lines::create))
        .routes(routes!(lines::set_limit))
        .routes(routes!(lines::freeze))
        .routes(routes!(lines::unfreeze))
        .routes(routes!(orders::void))
        .routes(routes!(confirm::confirm))
        .routes(routes!(orders::events))
        .routes(routes!(applications::create))
        .routes(routes!(webhooks::payments))
        .routes(routes!(endpoints::create, endpoints::list))
        .routes(routes!(endpoints::read, endpoints::change, endpoints::delete))
        .routes(routes!(endpoints::rotate))
        .routes(routes!(endpoints::deliveries))
        .routes(routes!(endpoints::replay))
        .routes(routes!(persons::search))
        .routes(routes!(persons::export, persons::erase))
        .routes(routes!(persons::correct))
        .routes(routes!(retention::read, retention::run))
        .routes(routes!(ledger::trial_balance))
        .routes(routes!(ledger::entries))
        .routes(routes!(ledger::suspense))
        .routes(routes!(finance::account))
        .routes(routes!(finance::close, finance::list_closes))
        .routes(routes!(finance::list_days))
        .routes(routes!(finance::export))
        .routes(routes!(refunds::create, refunds::list))
        .routes(routes!(refunds::read))
        .routes(routes!(payments::list))
        .routes(routes!(payments::read))
        .routes(routes!(statements::list))
        .routes(routes!(events::create, events::list))
        .routes(routes!(resolutions::match_suspense))
        .routes(routes!(resolutions::decide_payout))
        .routes(routes!(notices::list))
        .routes(routes!(duties::list))
        .routes(routes!(decisions::list))
        .routes(routes!(settlements::list))
        .routes(routes!(settlements::read))
        .routes(routes!(funding::of_loan))
        .routes(routes!(funding::of_application))
        .routes(routes!(funding::position))
        .routes(routes!(funding::reconciliation, funding::reconcile))
        .routes(routes!(breaks::files))
        .routes(routes!(breaks::list, breaks::explain))
        .routes(routes!(reviews::list))
        .routes(routes!(counterfactual::read))
        .routes(routes!(reviews::decide))
        .routes(routes!(resume::send_link))
        .routes(routes!(meta::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(jobs::list))
        .routes(routes!(meta::read_clock, meta::set_clock))
        .routes(routes!(sandbox::messages))
}

/// Routes that the pages of configured origins call.
fn of_shoppers() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(applications::read))
        .routes(routes!(persons::of_application))
        .routes(routes!(persons::withdraw))
        .routes(routes!(submit::submit))
        .routes(routes!(sign::sign, signing::signing))
        .routes(routes!(orders::read))
        .routes(routes!(lines::read))
        .routes(routes!(lines::statements))
        .routes(routes!(plans::quote, plans::take))
        .routes(routes!(lines::rotate))
        .routes(routes!(signing::send_code))
        .routes(routes!(disclosures::read))
        .routes(routes!(disclosures::confirm))
        .routes(routes!(persons::consents))
        .routes(routes!(resume::resume))
        .routes(routes!(reviews::request))
        .routes(routes!(loans::read))
        .routes(routes!(loans::payoff))
        .routes(routes!(loans::rotate))
        .routes(routes!(loans::statement))
        .routes(routes!(loans::agreement))
        .routes(routes!(payments::create))
        .routes(routes!(autopay::read, autopay::agree, autopay::withdraw))
        .routes(routes!(events::withdraw))
}

/// Routes that any page may call.
fn of_anyone() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(meta::public_bundle)).routes(routes!(meta::jwks))
}

/// Every route of a server.
pub fn router(app: Arc<App>) -> Router {
    let mut document = Api::openapi();
    let mut router = Router::new();
    let any = CorsLayer::new().allow_origin(AllowOrigin::any()).allow_methods([Method::GET]);
    for (routes, cors) in
        [(of_servers(), None), (of_shoppers(), Some(cors(&app.settings.cors_origins))), (of_anyone(), Some(any))]
    {
        let (routes, described) = routes.split_for_parts();
        document.merge(described);
        // Inside the CORS layer, which answers a browser's preflight before a method is missed.
        let routes = routes.method_not_allowed_fallback(|| async {
            Problem::new(Kind::MethodNotAllowed, "see /openapi.json for what is offered")
        });
        router = router.merge(match cors {
            Some(cors) => routes.layer(cors),
            None => routes,
        });
    }
    let document: Arc<str> = describe::complete(&document).into();
    router
        .route("/openapi.json", axum::routing::get(move || meta::openapi(document.clone())))
        .fallback(|| async { Problem::not_found() })
        .layer(middleware::from_fn_with_state(gate::Gate::new(app.clone()), gate::pass))
        .with_state(app)
}

/// What a page may send, and what it may read, beside what every page may.
const HEADERS_ALLOWED: [&str; 6] =
    ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "traceparent"];
const HEADERS_EXPOSED: [&str; 6] =
    ["etag", "ratelimit", "ratelimit-policy", "retry-after", "traceparent", "x-request-id"];

fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(HEADERS_ALLOWED.map(HeaderName::from_static))
        .expose_headers(HEADERS_EXPOSED.map(HeaderName::from_static))
        .max_age(std::time::Duration::from_secs(3600))
}
