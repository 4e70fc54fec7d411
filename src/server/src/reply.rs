//! A successful answer, kept as the bytes that go out.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{http::etag, problem::Problem, secret};

/// A status and the bytes of a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    etag: Option<String>,
}

impl Reply {
    /// 200.
    ///
    /// # Errors
    /// 500 where the value cannot be written as JSON.
    pub fn ok(value: &impl Serialize) -> Result<Self, Problem> {
        Self::new(StatusCode::OK, value)
    }

    /// 201.
    ///
    /// # Errors
    /// As [`Reply::ok`].
    pub fn created(value: &impl Serialize) -> Result<Self, Problem> {
        Self::new(StatusCode::CREATED, value)
    }

    /// 202.
    ///
    /// # Errors
    /// As [`Reply::ok`].
    pub fn accepted(value: &impl Serialize) -> Result<Self, Problem> {
        Self::new(StatusCode::ACCEPTED, value)
    }

    fn new(status: StatusCode, value: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { status, body: serde_json::to_vec(value).map_err(Problem::internal)?, etag: None })
    }

    /// A reply as it was stored.
    ///
    /// # Errors
    /// 500 where the status is none.
    pub fn stored(status: u16, body: Vec<u8>) -> Result<Self, Problem> {
        Ok(Self { status: StatusCode::from_u16(status).map_err(Problem::internal)?, body, etag: None })
    }

    /// With the tag of the state that it shows.
    #[must_use]
    pub fn tagged(mut self, tag: String) -> Self {
        self.etag = Some(tag);
        self
    }

    /// With a tag of its own bytes: whoever asks again for the same is told that nothing changed.
    #[must_use]
    pub fn tagged_by_content(self) -> Self {
        let hash = secret::sha256_hex(&self.body);
        self.tagged(etag::of(&[&hash]))
    }

    /// The tag, where there is one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let tag = self.etag.and_then(|tag| HeaderValue::from_str(&tag).ok());
        let mut response = (self.status, self.body).into_response();
        if let Some(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
