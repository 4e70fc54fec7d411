//! Calls to real TLS servers, whose certificates an authority of the test's own has issued.

use std::{net::IpAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
        version,
    },
};

use super::{Connector, trusting};
use crate::http_client::HttpClient;

struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn params(names: &[&str]) -> CertificateParams {
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    /// A server that answers one request after another, with a certificate of these parameters; its port.
    async fn serve(&self, params: &CertificateParams, only_tls12: bool) -> (u16, JoinHandle<()>) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let versions: &[_] = if only_tls12 { &[&version::TLS12] } else { &[&version::TLS13] };
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever does not like the certificate ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut asked = vec![0_u8; 4096];
                let read = stream.read(&mut asked).await.unwrap_or_default();
                let body = String::from_utf8_lossy(&asked[..read]).contains("{\"money\":1}");
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.to_string().len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        (port, serving)
    }

    /// A client that trusts this authority alone.
    fn client(&self) -> HttpClient {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        HttpClient::by(Connector { tls: trusting(roots), public_only: false })
    }
}

async fn call(client: &HttpClient, host: &str, port: u16) -> Result<(u16, String), String> {
    let url = format!("https://{host}:{port}/hook");
    let (status, body) = client.post(&url, &[], "{\"money\":1}").await?;
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

#[tokio::test]
async fn a_certificate_of_the_right_name_and_authority_is_accepted() {
    let authority = Authority::new("known");
    for only_tls12 in [false, true] {
        let (port, serving) = authority.serve(&Authority::params(&["localhost", "127.0.0.1"]), only_tls12).await;
        for host in ["localhost", "127.0.0.1"] {
            let answer = call(&authority.client(), host, port).await;
            assert_eq!(answer, Ok((200, "true".to_owned())), "{host}, TLS 1.2 only: {only_tls12}");
        }
        // What is told of an event goes the same way.
        let url = format!("https://localhost:{port}/hook");
        let told = authority.client().tell(&url, &[], "{\"money\":1}", super::CONNECT_TIME_MAX).await;
        assert_eq!(told, Ok(200));
        serving.abort();
    }
}

#[tokio::test]
async fn another_name_authority_or_time_is_refused_and_the_error_says_which() {
    let (authority, stranger) = (Authority::new("known"), Authority::new("stranger"));
    let localhost = Authority::params(&["localhost"]);
    let mut over = localhost.clone();
    (over.not_before, over.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 12, 31));
    let mut later = localhost.clone();
    later.not_before = date_time_ymd(4000, 1, 1);
    for (issuer, params, why) in [
        (&authority, Authority::params(&["shop.example"]), "not valid for name"),
        (&authority, Authority::params(&["localhost.shop.example"]), "not valid for name"),
        (&stranger, localhost, "UnknownIssuer"),
        (&authority, over, "expired"),
        (&authority, later, "not valid yet"),
    ] {
        let (port, serving) = issuer.serve(&params, false).await;
        let error = call(&authority.client(), "localhost", port).await.unwrap_err();
        assert!(error.contains("invalid peer certificate") && error.contains(why), "{why}: {error}");
        serving.abort();
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_no_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        }
    });
    let error = call(&Authority::new("known").client(), "localhost", port).await.unwrap_err();
    assert!(error.contains("corrupt message") || error.contains("InvalidContentType"), "{error}");
    serving.abort();
}
