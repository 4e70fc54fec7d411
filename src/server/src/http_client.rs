//! Calls to other services over HTTP and HTTPS: one small client with limits on everything. Redirects are not followed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, Uri, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::transport::Connector;

/// How long one call may take in all.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// The largest answer read.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A checked base address without a path.
#[derive(Debug, Clone)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads `http://host:port` or `https://host:port`.
    ///
    /// # Errors
    /// One readable line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_end_matches('/');
        let uri: Uri = trimmed.parse().map_err(|error| format!("`{text}` is not an address: {error}"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.authority().is_none()
            || !matches!(uri.path(), "" | "/")
        {
            return Err(format!("`{text}` is not of the form `http://host:port` or `https://host:port`"));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// The address of a path that begins with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// What carries a call in a network's place: method, URL, headers and body, to status and body.
pub trait Carrier: Send + Sync {
    /// Makes the call.
    fn carry(&self, method: Method, url: &str, headers: &[(&str, &str)], body: Bytes) -> Carried;
}

/// The answer of a [`Carrier`], once it is there.
pub type Carried = std::pin::Pin<Box<dyn Future<Output = Result<(u16, Bytes), String>> + Send>>;

/// A client that keeps its connections.
#[derive(Clone)]
pub struct HttpClient(Way);

#[derive(Clone)]
enum Way {
    Network(Client<Connector, Full<Bytes>>),
    Carrier(std::sync::Arc<dyn Carrier>),
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("HttpClient")
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self(Way::Network(Client::builder(TokioExecutor::new()).build(Connector::anywhere())))
    }
}

impl HttpClient {
    /// A client whose connections a connector makes, a new one each time.
    #[cfg(test)]
    pub(crate) fn by(connector: Connector) -> Self {
        Self(Way::Network(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)))
    }

    /// A client whose calls go nowhere but to a carrier.
    #[must_use]
    pub fn through(carrier: std::sync::Arc<dyn Carrier>) -> Self {
        Self(Way::Carrier(carrier))
    }

    /// A client that calls addresses of the public Internet only, on a new connection each time.
    #[must_use]
    pub fn public_only() -> Self {
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(Connector::public_only());
        Self(Way::Network(client))
    }

    /// Posts JSON with further headers and gives the status; whatever else is answered is not read.
    ///
    /// # Errors
    /// One readable clause: no connection, or no answer in `time_max`.
    pub async fn tell(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
        time_max: Duration,
    ) -> Result<u16, String> {
        let mut request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).map_err(|error| error.to_string())?;
        let network = match &self.0 {
            Way::Network(network) => network,
            Way::Carrier(carrier) => {
                let body = Bytes::from(body.to_owned());
                return carrier.carry(Method::POST, url, headers, body).await.map(|(status, _)| status);
            }
        };
        match tokio::time::timeout(time_max, network.request(request)).await {
            Ok(Ok(response)) => Ok(response.status().as_u16()),
            Ok(Err(error)) => Err(chain(&error)),
            Err(_) => Err(format!("no answer in {} seconds", time_max.as_secs())),
        }
    }

    /// Posts JSON with further headers; gives the status and the bytes of the answer.
    ///
    /// # Errors
    /// One readable clause: no connection, no answer in [`CALL_TIME_MAX`], an answer too large.
    pub async fn post(&self, url: &str, headers: &[(&str, &str)], body: &str) -> Result<(u16, Bytes), String> {
        self.call(Method::POST, url, headers, body.to_owned().into()).await
    }

    /// Makes a call with a JSON body, or with none where it is empty.
    ///
    /// # Errors
    /// As [`HttpClient::post`].
    pub async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<(u16, Bytes), String> {
        let network = match &self.0 {
            Way::Network(network) => network,
            Way::Carrier(carrier) => {
                let call = carrier.carry(method, url, headers, body);
                return tokio::time::timeout(CALL_TIME_MAX, call).await.unwrap_or_else(|_| Err(too_late()));
            }
        };
        let mut request = Request::builder().method(method).uri(url);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).map_err(|error| error.to_string())?;
        let call = async {
            let response = network.request(request).await.map_err(|error| chain(&error))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
        };
        tokio::time::timeout(CALL_TIME_MAX, call).await.unwrap_or_else(|_| Err(too_late()))
    }
}

fn too_late() -> String {
    format!("no answer in {} seconds", CALL_TIME_MAX.as_secs())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
