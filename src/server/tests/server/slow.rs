//! Clients that take their time: what they begin is cut off, and holds up nobody.

use std::time::{Duration, Instant};

use prequal_server::{connections, http};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::world::{LENDER, MERCHANT, World};

/// A server of a world's on an address of its own, which takes headers for so long, and what stops it.
async fn served(
    world: &World,
    headers_time_max: Duration,
) -> (String, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = http::router(world.app().clone());
    let serving = tokio::spawn(connections::serve(listener, router, headers_time_max, async move {
        let _ = stopped.await;
    }));
    (address, stop, serving)
}

/// What comes until the other side closes, and how long that took.
async fn until_closed(stream: &mut TcpStream) -> (String, Duration) {
    let begun = Instant::now();
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(reading.is_ok(), "the server never closed it");
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_a_byte_at_a_time_are_cut_off_and_hold_up_nobody() {
    let world = World::new().await;
    let (address, stop, serving) = served(&world, Duration::from_millis(400)).await;
    let mut slow = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n").await.unwrap();
        slow.push(tokio::spawn(async move {
            let begun = Instant::now();
            // A byte a tenth of a second would take days.
            loop {
                if stream.write_all(b"x").await.is_err() {
                    break;
                }
                let mut byte = [0_u8; 64];
                let answer = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut byte)).await;
                if let Ok(Ok(0) | Err(_)) = answer {
                    break;
                }
                assert!(begun.elapsed() < Duration::from_secs(20), "it was let go on");
            }
        }));
    }
    // Whoever says nothing at all, and whoever kept a connection after a request.
    let mut silent = TcpStream::connect(&address).await.unwrap();
    assert_eq!(until_closed(&mut silent).await.0, "");
    let mut kept = TcpStream::connect(&address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let (answer, took) = until_closed(&mut kept).await;
    assert!(answer.starts_with("HTTP/1.1 200") && took >= Duration::from_millis(300), "{answer} after {took:?}");
    for task in slow {
        task.await.unwrap();
    }
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
    assert!(TcpStream::connect(&address).await.is_err(), "it listens no more");
}

/// What was accepted is finished when the server stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_begun_is_answered_when_the_server_stops() {
    let world = World::new().await;
    let (address, stop, serving) = served(&world, Duration::from_secs(5)).await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/checkouts HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {MERCHANT}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!serving.is_finished());
    stream.write_all(b"}").await.unwrap();
    let (answer, _) = until_closed(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 422") && answer.contains("invalid-body"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_awaited_for_ever() {
    let mut world = World::new().await;
    world.config().timeouts.request_ms = 500;
    world.restart().await;
    let (address, stop, serving) = served(&world, Duration::from_secs(5)).await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/checkouts HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {MERCHANT}\r\n\
         content-type: application/json\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (answer, took) = until_closed(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("timed-out"), "{answer}");
    assert!(answer.contains("more than 0.5 seconds"), "{answer}");
    assert!(took >= Duration::from_millis(400) && took < Duration::from_secs(10), "{took:?}");
    // Others are served meanwhile and afterwards, and nothing of it was kept.
    world.get("/v1/ledger/trial-balance", LENDER).await.expect(200);
    let body =
        json!({ "merchant_order": "A-1", "amount": 5_000, "currency": "USD", "cart": crate::actors::cart(5_000) });
    world.post("/v1/checkouts", MERCHANT, &body).await.expect(201);
    drop(stop);
    serving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn timeouts_have_bounds() {
    let world = World::new().await;
    let read = |text: &str| {
        let path = world.folder.path().join("bounds.toml");
        let whole = world.config_for_a_process("127.0.0.1:0");
        std::fs::write(&path, format!("{whole}\n[timeouts]\n{text}\n")).unwrap();
        prequal_server::config::Config::read(&path).map(|config| config.timeouts)
    };
    let most = read("").unwrap();
    assert_eq!((most.headers_ms, most.request_ms), (10_000, 60_000));
    assert_eq!(read("headers_ms = 1\nrequest_ms = 1").unwrap().headers_ms, 1);
    for (wrong, why) in [
        ("headers_ms = 0", "timeouts.headers_ms must be 1 to 10000"),
        ("headers_ms = 10001", "timeouts.headers_ms must be 1 to 10000"),
        ("request_ms = 60001", "timeouts.request_ms must be 1 to 60000"),
        ("body_ms = 1", "unknown field"),
    ] {
        assert!(read(wrong).unwrap_err().contains(why), "{wrong}: {:?}", read(wrong));
    }
}
