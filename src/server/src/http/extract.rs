//! Reading requests: bodies within a limit and of the contract's shape only, queries and headers likewise.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::strict::Strict;
use crate::{
    problem::{Kind, Problem},
    secret,
};

/// The largest body read.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// How much of a body that is too large is still read and thrown away, so that a client which is
/// still sending sees the answer and not a broken connection.
const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
const READ_TIME_MAX: Duration = Duration::from_secs(30);

/// A JSON body, and the fingerprint of its bytes.
#[derive(Debug)]
pub struct Json<T> {
    /// What was read.
    pub value: T,
    /// SHA-256 of the bytes, lower-case hex.
    pub fingerprint: String,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers())?;
        let bytes = read_bytes(request.into_body()).await?;
        let fingerprint = secret::sha256_hex(&bytes);
        Ok(Self { value: parse(&bytes)?, fingerprint })
    }
}

/// The bytes of a body as they came, for what is signed over them.
#[derive(Debug)]
pub struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers())?;
        Ok(Self(read_bytes(request.into_body()).await?))
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(Kind::UnsupportedMediaType, "send `Content-Type: application/json`"))
}

async fn read_bytes(mut body: Body) -> Result<Bytes, Problem> {
    let read = Limited::new(&mut body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(READ_TIME_MAX, read).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let _ = tokio::time::timeout(DRAIN_TIME_MAX, drain(body)).await;
            let detail = format!("a body has at most {BODY_BYTES_MAX} bytes");
            Err(Problem::new(Kind::BodyTooLarge, detail).with("limit_bytes", BODY_BYTES_MAX))
        }
        Ok(Err(_)) => Err(Problem::new(Kind::BadRequest, "the body ended before it was complete")),
        Err(_) => Err(Problem::new(Kind::BadRequest, "the body did not arrive in time")),
    }
}

async fn drain(mut body: Body) {
    let mut drained = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        drained = drained.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if drained > DRAIN_BYTES_MAX {
            return;
        }
    }
}

/// Parses JSON of the contract's shape.
///
/// # Errors
/// 400 where it is not JSON; 422 with a JSON pointer where it has another shape.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let _: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| refused(&error))?;
    reader.end().map_err(|error| Problem::new(Kind::MalformedJson, error.to_string()))?;
    // The first reading finds names that stand twice and says where the text is wrong; the second refuses arrays
    // in the place of objects.
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Problem::new(Kind::MalformedJson, error.to_string()))?;
    serde_path_to_error::deserialize(Strict(&value)).map_err(|error| refused(&error))
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    match inner.classify() {
        serde_json::error::Category::Data => {
            let pointer = pointer(error.path());
            Problem::new(Kind::InvalidBody, without_type_names(&inner.to_string())).with("pointer", pointer)
        }
        _ => Problem::new(Kind::MalformedJson, inner.to_string()),
    }
}

/// A reader of an API need not know what `u64` is.
fn without_type_names(message: &str) -> String {
    let plain = [
        (", expected i64", ", expected a whole number"),
        (", expected u64", ", expected a whole number"),
        (", expected u32", ", expected a whole number"),
        (", expected u16", ", expected a whole number"),
        (", expected struct ", ", expected an object "),
    ];
    plain.iter().fold(message.to_owned(), |text, (from, to)| match text.split_once(from) {
        Some((before, after)) if from.ends_with(' ') => {
            let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
            format!("{before}{} {rest}", to.trim_end())
        }
        Some((before, after)) => format!("{before}{to}{after}"),
        None => text,
    })
}

/// RFC 6901.
fn pointer(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        text.push('/');
        match segment {
            Segment::Seq { index } => text.push_str(&index.to_string()),
            Segment::Map { key } => text.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => text.push_str(variant),
            Segment::Unknown => text.push('?'),
        }
    }
    text
}

/// Query parameters, unknown ones refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|error| Problem::new(Kind::BadRequest, format!("the query: {}", error.body_text())))
    }
}

/// An identifier in a path. Whatever is not one is simply not found.
#[derive(Debug)]
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| Problem::not_found())?.0;
        let id = uuid::Uuid::try_parse(&text).map_err(|_| Problem::not_found())?;
        Ok(Self(id.to_string()))
    }
}

/// The name of something configured, in a path. Whatever cannot be one is not found.
#[derive(Debug)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| Problem::not_found())?.0;
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if text.is_empty() || text.len() > 64 || !plain { Err(Problem::not_found()) } else { Ok(Self(text)) }
    }
}

/// The `Idempotency-Key` header, required.
#[derive(Debug)]
pub struct IdempotencyKey(pub String);

/// The longest idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Err(Problem::new(Kind::IdempotencyKeyMissing, "send a new random `Idempotency-Key` with it"));
        };
        match value.to_str() {
            Ok(key) if !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX => Ok(Self(key.to_owned())),
            _ => Err(Problem::new(
                Kind::BadRequest,
                format!("an `Idempotency-Key` has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is tested")]
    struct Outer {
        cart: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is tested")]
    struct Line {
        quantity: u32,
    }

    fn refused(text: &str) -> (Kind, String) {
        let problem = parse::<Outer>(text.as_bytes()).unwrap_err();
        (problem.kind(), format!("{problem:?}"))
    }

    #[test]
    fn a_wrong_shape_is_told_with_a_pointer_to_it() {
        let (kind, text) = refused(r#"{"cart":[{"quantity":1},{"quantity":1,"colour":"red"}]}"#);
        assert_eq!(kind, Kind::InvalidBody);
        assert!(text.contains("/cart/1/colour") && text.contains("`colour`"), "{text}");
        let (_, text) = refused(r#"{"cart":[{"quantity":"two"}]}"#);
        assert!(text.contains("/cart/0/quantity") && text.contains("a whole number"), "{text}");
        let (_, text) = refused(r#"{"cart":[{"quantity":1,"quantity":2}]}"#);
        assert!(text.contains("duplicate field"), "{text}");
        for array in [r#"[[{"quantity":1}]]"#, r#"{"cart":[[1]]}"#] {
            let (kind, text) = refused(array);
            assert!(kind == Kind::InvalidBody && text.contains("sequence") && !text.contains("Line"), "{text}");
        }
        let (_, text) = refused(r#"{"cart":[7]}"#);
        assert!(!text.contains("Line"), "{text}");
        assert_eq!(refused(r#"{"cart":"#).0, Kind::MalformedJson);
        assert_eq!(refused(r#"{"cart":[]} x"#).0, Kind::MalformedJson);
    }
}
