//! Connections to others: where they may lead, and TLS.
//!
//! An address is checked when it is connected to, not when a name is configured: a name may be given another address
//! in between (DNS rebinding). TLS trusts the machine's certificates, or those of `SSL_CERT_FILE`.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use hyper::{
    Uri,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};
use tower_service::Service;

/// How long one address may take to be connected to, TLS included.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How many addresses of a name are tried.
const ADDRESSES_MAX: usize = 4;

/// Makes connections.
#[derive(Clone)]
pub struct Connector {
    tls: Option<TlsConnector>,
    public_only: bool,
}

impl Connector {
    /// One that connects to wherever the configuration says.
    #[must_use]
    pub fn anywhere() -> Self {
        Self { tls: by_the_machine(), public_only: false }
    }

    /// One that connects to addresses of the public Internet only: for what others have named.
    #[must_use]
    pub fn public_only() -> Self {
        Self { tls: by_the_machine(), public_only: true }
    }
}

fn by_the_machine() -> Option<TlsConnector> {
    static TLS: OnceLock<Option<TlsConnector>> = OnceLock::new();
    let make = || {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        trusting(roots)
    };
    TLS.get_or_init(make).clone()
}

fn trusting(roots: RootCertStore) -> Option<TlsConnector> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    Some(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}

/// Whether an address belongs to the public Internet. Everything is refused that IANA's registries of special
/// purpose addresses (RFC 6890) keep for something else, and what carries such an address inside.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            // Only 2000::/3 is given out; of it 2001::/23 and 3fff::/20 are special, 2001:db8::/32 is for examples.
            let given_out = a & 0xe000 == 0x2000;
            let special = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || (a == 0x3fff && b < 0x1000);
            let [high, low] = [b, c].map(u16::to_be_bytes);
            // 6to4 carries an IPv4 address.
            let inside = a != 0x2002 || is_public_v4(Ipv4Addr::new(high[0], high[1], low[0], low[1]));
            // ISATAP does so behind any prefix, with a mark of its own.
            let isatap = matches!(address.segments(), [.., 0 | 0x200, 0x5efe, _, _]);
            given_out && !special && inside && !isatap && (a, b, c, d) != (0x2000, 0, 0, 0)
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn other(text: impl Into<String>) -> io::Error {
    io::Error::other(text.into())
}

impl Connector {
    async fn connect(self, uri: Uri) -> io::Result<Stream> {
        let host = uri.host().ok_or_else(|| other("an address without a host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let tls = match uri.scheme_str() {
            Some("https") => Some(self.tls.clone().ok_or_else(|| other("TLS is not available"))?),
            _ => None,
        };
        let port = uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let looked_up = tokio::time::timeout(CONNECT_TIME_MAX, tokio::net::lookup_host((host, port))).await;
        let found: Vec<SocketAddr> = looked_up.map_err(|_| other("the name was not looked up in time"))??.collect();
        let allowed = |address: &SocketAddr| !self.public_only || is_public(address.ip());
        let mut last = other("the name leads to no address that may be called");
        for address in found.into_iter().filter(allowed).take(ADDRESSES_MAX) {
            match tokio::time::timeout(CONNECT_TIME_MAX, open(address, host, tls.clone())).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = other("no connection in time"),
            }
        }
        Err(last)
    }
}

async fn open(address: SocketAddr, host: &str, tls: Option<TlsConnector>) -> io::Result<Stream> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Stream(TokioIo::new(Box::new(tcp)))) };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| other(error.to_string()))?;
    Ok(Stream(TokioIo::new(Box::new(tls.connect(name, tcp).await?))))
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection, with or without TLS.
pub struct Stream(TokioIo<Box<dyn Io>>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Stream")
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Connector {{ public_only: {} }}", self.public_only)
    }
}

#[cfg(test)]
mod tls;

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks of IANA's registries, each by its first and last address or one inside.
    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "2a00::5efe:7f00:1",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2002:101:101::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn what_leads_to_this_machine_is_not_connected_to_by_whatever_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"] {
            let uri: Uri = format!("http://{host}:{port}/").parse().unwrap();
            let error = Connector::public_only().connect(uri).await.unwrap_err().to_string();
            assert!(!error.contains("refused"), "{host}: {error}");
        }
        let open: Uri = format!("http://127.0.0.1:{port}/").parse().unwrap();
        assert!(Connector::anywhere().connect(open).await.is_ok());
    }
}
