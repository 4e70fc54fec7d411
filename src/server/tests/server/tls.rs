//! Messages to systems that speak TLS: told to whoever shows a certificate that the machine trusts, and to nobody else.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{
    actors::ADA,
    process::Process,
    world::{MERCHANT, World},
};

/// A shop's system with a certificate for `localhost` of an authority of its own; its port, and the authority's
/// certificate.
async fn shop() -> (u16, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "the shop's own authority");
    let key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut asked = vec![0_u8; 64 * 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    let lines = STANDARD.encode(root.der());
    (port, format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"))
}

impl World {
    async fn wait_for_delivery(&self, endpoint: &Value, what: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/v1/webhooks/{}/deliveries", endpoint["id"].as_str().unwrap());
        for _ in 0..400 {
            let page = self.get(&path, MERCHANT).await.expect(200);
            if let Some(found) = page["deliveries"].as_array().unwrap().iter().find(|one| what(one)) {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it never came to that: {}", self.get(&path, MERCHANT).await.json());
    }
}

fn failed_with(why: &str) -> impl Fn(&Value) -> bool {
    let why = why.to_owned();
    move |delivery| delivery["last_error"].as_str().is_some_and(|error| error.contains(&why))
}

/// A server whose machine does not know the authority refuses it and says so; one that is started with the authority's
/// certificate in `SSL_CERT_FILE` delivers what waited, but not to the address that the certificate does not name.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_goes_to_a_certificate_that_is_trusted_for_its_name_and_to_no_other() {
    let mut world = World::new().await;
    world.verifying = false;
    world.config().webhooks.retry_seconds = vec![1];
    world.restart().await;
    let (port, root) = shop().await;
    let listen = async |host: &str| {
        let body = json!({ "url": format!("https://{host}:{port}/"), "events": ["loan.booked"] });
        world.post("/v1/webhooks", MERCHANT, &body).await.expect(201)
    };
    let (named, unnamed) = (listen("localhost").await, listen("127.0.0.1").await);
    world.buy(&ADA, 30_000, "monthly-3").await;
    for endpoint in [&named, &unnamed] {
        let dead = world.wait_for_delivery(endpoint, |delivery| delivery["status"] == "dead").await;
        assert!(failed_with("invalid peer certificate: UnknownIssuer")(&dead), "{dead}");
    }
    world.stop().await;
    let file = world.folder.path().join("authority.pem");
    std::fs::write(&file, root).unwrap();
    let _trusting = Process::start_trusting(&world, world.address(), &file);
    for endpoint in [&named, &unnamed] {
        let path = format!("/v1/webhooks/{}/replays", endpoint["id"].as_str().unwrap());
        let all = json!({ "from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z" });
        assert_eq!(world.post(&path, MERCHANT, &all).await.expect(202)["replayed"], 1);
    }
    world.wait_for_delivery(&named, |delivery| delivery["status"] == "delivered").await;
    let refused = world.wait_for_delivery(&unnamed, failed_with("not valid for name")).await;
    assert_ne!(refused["status"], "delivered");
}
