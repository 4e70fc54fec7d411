//! Checkouts: what a merchant asks to be financed, and the token that says so.

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{
    calendar::Instant,
    canonical,
    currency::Currency,
    money::{AMOUNT_MAX, Amount},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Caller, OnlyMerchant},
    etag::{self, IfMatch},
    extract::{Id, Json},
};
use crate::{
    app::{App, new_id},
    config::CAPTURE_DAYS_MAX,
    jws,
    problem::{Kind, Problem},
    reply::Reply,
    settings::Merchant,
    storage::{checkouts, group::Part},
};

/// The most lines of one cart.
pub const CART_LINES_MAX: usize = 100;
/// The longest name or number in a cart, in bytes.
pub const CART_TEXT_BYTES_MAX: usize = 200;
/// The longest number of an order, in bytes.
pub const MERCHANT_ORDER_BYTES_MAX: usize = 64;
/// What may stand in the number of an order beside ASCII letters and digits: enough for a number, too little for
/// an address or a name with its spaces, because orders are neither sealed nor erased.
pub const MERCHANT_ORDER_SIGNS: &[u8] = b"-_.#/";
/// `aud` of a checkout token.
pub const TOKEN_AUDIENCE: &str = "prequal-edge";

/// One line of a cart.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartLine {
    /// What it is called.
    pub name: String,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: u32,
    /// The merchant's number of it.
    pub sku: String,
    /// The price of one, in minor units.
    #[schema(value_type = i64, minimum = 0)]
    pub unit_amount: Amount,
}

/// What a merchant sends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckout {
    /// The price in all, in minor units: the sum of the cart.
    #[schema(value_type = i64, minimum = 1)]
    amount: Amount,
    /// What is bought.
    cart: Vec<CartLine>,
    /// ISO 4217.
    #[schema(value_type = String)]
    currency: Currency,
    /// The merchant's number of the order.
    merchant_order: String,
    /// When it is captured: whole when it is signed, or by the merchant, days later and in parts.
    #[serde(default)]
    capture: CaptureMode,
    /// For how many days after its signature it may be captured, with `manual` only; the configuration's where absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 180)]
    capture_days: Option<u16>,
}

/// When an order is captured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMode {
    /// Whole, when it is signed.
    #[default]
    Automatic,
    /// By the merchant, whole or in parts.
    Manual,
}

/// How the checkout is captured: the mode's name, and the days of its window.
fn check_capture(mode: CaptureMode, days: Option<u16>, default: u16) -> Result<(&'static str, Option<i64>), Problem> {
    let invalid = |detail: String| Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/capture_days"));
    match (mode, days) {
        (CaptureMode::Automatic, None) => Ok(("automatic", None)),
        (CaptureMode::Automatic, Some(_)) => invalid("what is captured when it is signed has no window".to_owned()),
        (CaptureMode::Manual, Some(days)) if days == 0 || days > CAPTURE_DAYS_MAX => {
            invalid(format!("an order may be captured for 1 to {CAPTURE_DAYS_MAX} days"))
        }
        (CaptureMode::Manual, days) => Ok(("manual", Some(i64::from(days.unwrap_or(default))))),
    }
}

/// A changed cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCart {
    /// The price in all, in minor units: the sum of the cart.
    #[schema(value_type = i64, minimum = 1)]
    amount: Amount,
    /// What is bought now.
    cart: Vec<CartLine>,
}

/// A checkout.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checkout {
    /// Its id.
    id: String,
    /// Signed for the edge: `typ` `prequal-checkout+jwt`. Only where it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The price in minor units.
    amount: i64,
    /// ISO 4217.
    currency: String,
    /// SHA-256 of the canonical cart.
    cart_hash: String,
    /// Until when it is open, RFC 3339.
    expires: String,
    /// `open`, `financed` or `expired`.
    status: String,
    /// `automatic` or `manual`.
    capture: String,
    /// For how many days after its signature its merchant may capture it, where it is `manual`.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_days: Option<i64>,
}

/// The claims of a checkout token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenClaims {
    /// The lender.
    pub iss: String,
    /// [`TOKEN_AUDIENCE`].
    pub aud: String,
    /// The checkout.
    pub jti: String,
    /// The merchant's id.
    pub merchant: String,
    /// The merchant's name.
    pub merchant_name: String,
    /// The merchant's number of the order.
    pub order: String,
    /// The price in minor units.
    pub amount: Amount,
    /// ISO 4217.
    pub currency: Currency,
    /// SHA-256 of the canonical cart.
    pub cart_hash: String,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Expires, in seconds.
    pub exp: i64,
}

/// Checks a cart against its sum; gives its canonical form and hash.
fn check_cart(cart: &[CartLine], amount: Amount) -> Result<(String, String), Problem> {
    let invalid =
        |pointer: String, detail: &str| Err(Problem::new(Kind::InvalidValue, detail).with("pointer", pointer));
    if cart.is_empty() || cart.len() > CART_LINES_MAX {
        return invalid("/cart".to_owned(), &format!("a cart has 1 to {CART_LINES_MAX} lines"));
    }
    let mut sum: i128 = 0;
    for (index, line) in cart.iter().enumerate() {
        for (name, text) in [("name", &line.name), ("sku", &line.sku)] {
            if text.is_empty() || text.len() > CART_TEXT_BYTES_MAX {
                let detail = format!("a text here has 1 to {CART_TEXT_BYTES_MAX} bytes");
                return invalid(format!("/cart/{index}/{name}"), &detail);
            }
        }
        if line.quantity == 0 || line.quantity > 1_000_000 {
            return invalid(format!("/cart/{index}/quantity"), "a quantity is 1 to 1000000");
        }
        sum += i128::from(line.unit_amount.minor()) * i128::from(line.quantity);
    }
    if sum > i128::from(AMOUNT_MAX) {
        return invalid("/cart".to_owned(), &format!("amount_out_of_range: the cart is above {AMOUNT_MAX}"));
    }
    if amount.is_zero() || sum != i128::from(amount.minor()) {
        return invalid("/amount".to_owned(), &format!("the amount `{amount}` is not the sum of the cart, `{sum}`"));
    }
    let text = canonical::to_string(cart).map_err(Problem::internal)?;
    let hash = canonical::sha256_hex(text.as_bytes());
    Ok((text, hash))
}

fn token(app: &App, row: &checkouts::Row, merchant: &Merchant, now: Instant) -> Result<String, Problem> {
    let claims = TokenClaims {
        iss: app.settings.lender_id.clone(),
        aud: TOKEN_AUDIENCE.to_owned(),
        jti: row.id.clone(),
        merchant: merchant.id.clone(),
        merchant_name: merchant.name.clone(),
        order: row.merchant_order.clone(),
        amount: Amount::new(row.amount).map_err(Problem::internal)?,
        currency: Currency::parse(&row.currency).map_err(Problem::internal)?,
        cart_hash: row.cart_hash.clone(),
        iat: now.seconds(),
        exp: Instant::parse(&row.expires).map_err(Problem::internal)?.seconds(),
    };
    jws::sign(&app.settings.checkout_key, jws::CHECKOUT_TYPE, &claims).map_err(Problem::internal)
}

/// The state of a checkout that a merchant changes.
fn tag(row: &checkouts::Row) -> String {
    etag::of(&[&row.id, &row.cart_version.to_string(), &row.status])
}

fn view(row: checkouts::Row, token: Option<String>, now: Instant) -> Result<Checkout, Problem> {
    let expires = Instant::parse(&row.expires).map_err(Problem::internal)?;
    let status = if row.status == "open" && expires <= now { "expired".to_owned() } else { row.status };
    Ok(Checkout {
        id: row.id,
        token,
        amount: row.amount,
        currency: row.currency,
        cart_hash: row.cart_hash,
        expires: row.expires,
        status,
        capture: row.capture,
        capture_days: row.capture_days,
    })
}

/// Makes a checkout.
#[utoipa::path(post, path = "/v1/checkouts", tag = "checkouts", security(("bearer" = [])),
    request_body = NewCheckout, responses((status = 201, body = Checkout), (status = "4XX", response = super::ProblemDocument)))]
pub async fn create(
    State(app): State<Arc<App>>,
    OnlyMerchant(merchant): OnlyMerchant,
    Json { value: new, .. }: Json<NewCheckout>,
) -> Result<Reply, Problem> {
    if new.currency != app.settings.currency() {
        let detail = format!("`{}` is not lent here; `{}` is", new.currency.code(), app.settings.currency().code());
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/currency"));
    }
    let order = new.merchant_order.as_bytes();
    let plain = order.iter().all(|byte| byte.is_ascii_alphanumeric() || MERCHANT_ORDER_SIGNS.contains(byte));
    if order.is_empty() || order.len() > MERCHANT_ORDER_BYTES_MAX || !plain {
        let detail = format!(
            "an order's number has 1 to {MERCHANT_ORDER_BYTES_MAX} ASCII letters, digits and `{}`",
            MERCHANT_ORDER_SIGNS.escape_ascii()
        );
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/merchant_order"));
    }
    let (cart, cart_hash) = check_cart(&new.cart, new.amount)?;
    let (capture, capture_days) = check_capture(new.capture, new.capture_days, app.settings.capture_days)?;
    let now = app.now()?;
    let row = checkouts::Row {
        id: new_id(),
        merchant: merchant.id.clone(),
        merchant_order: new.merchant_order,
        amount: new.amount.minor(),
        currency: new.currency.code().to_owned(),
        cart,
        cart_hash,
        cart_version: 1,
        status: "open".to_owned(),
        created: now.to_string(),
        expires: now.plus_seconds(app.settings.checkout_seconds).map_err(Problem::internal)?.to_string(),
        capture: capture.to_owned(),
        capture_days,
    };
    let token = token(&app, &row, &merchant, now)?;
    let new = &row;
    app.db.write(|mut tx| async move { Ok(checkouts::insert(&mut tx, new).await?) }).await?;
    let tag = tag(&row);
    Ok(Reply::created(&view(row, Some(token), now)?)?.tagged(tag))
}

/// A merchant's own checkout.
#[utoipa::path(get, path = "/v1/checkouts/{id}", tag = "checkouts", security(("bearer" = [])),
    params(("id" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = Checkout), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = checkouts::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?;
    match caller {
        Caller::Merchant(merchant) if merchant.id == row.merchant => {}
        Caller::Lender(_) => {}
        _ => return Err(Problem::not_found()),
    }
    let (tag, view) = (tag(&row), view(row, None, app.now()?)?);
    // What has expired meanwhile is shown otherwise, though nobody changed it.
    let tag = if view.status == "expired" { etag::of(&[&tag, "expired"]) } else { tag };
    Ok(Reply::ok(&view)?.tagged(tag))
}

/// Changes the cart of an open checkout. Offers made for the cart before cannot be accepted any more.
#[utoipa::path(put, path = "/v1/checkouts/{id}/cart", tag = "checkouts", security(("bearer" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = NewCart,
    responses((status = 200, body = Checkout), (status = "4XX", response = super::ProblemDocument)))]
pub async fn change_cart(
    State(app): State<Arc<App>>,
    OnlyMerchant(merchant): OnlyMerchant,
    Id(id): Id,
    if_match: IfMatch,
    Json { value: new, .. }: Json<NewCart>,
) -> Result<Reply, Problem> {
    let (cart, cart_hash) = check_cart(&new.cart, new.amount)?;
    let now = app.now()?;
    let expires = now.plus_seconds(app.settings.checkout_seconds).map_err(Problem::internal)?.to_string();
    let (id, owner, cart, cart_hash, expires) = (&*id, &*merchant.id, &*cart, &*cart_hash, &*expires);
    let if_match = &if_match;
    let work = |mut tx: Part| async move {
        let row = checkouts::find(&mut tx, id).await?.filter(|row| row.merchant == owner);
        let mut row = row.ok_or_else(Problem::not_found)?;
        require_open(&row, now)?;
        if_match.check(&tag(&row))?;
        row.amount = new.amount.minor();
        row.cart_version += 1;
        row.cart = cart.to_owned();
        row.cart_hash = cart_hash.to_owned();
        row.expires = expires.to_owned();
        checkouts::update_cart(&mut tx, &row).await?;
        Ok(row)
    };
    let row = app.db.write(work).await?;
    let token = token(&app, &row, &merchant, now)?;
    let tag = tag(&row);
    Ok(Reply::ok(&view(row, Some(token), now)?)?.tagged(tag))
}

/// A checkout must be open to be changed, applied for or financed.
///
/// # Errors
/// 409 where it is financed, 410 where its time is over.
pub fn require_open(row: &checkouts::Row, now: Instant) -> Result<(), Problem> {
    if row.status != "open" {
        return Err(Problem::new(Kind::CheckoutFinanced, "make a new checkout for another purchase"));
    }
    if Instant::parse(&row.expires).map_err(Problem::internal)? <= now {
        return Err(Problem::new(Kind::CheckoutExpired, format!("it was open until {}", row.expires)));
    }
    Ok(())
}
