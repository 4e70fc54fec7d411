//! Taking connections: each has a limit on how long it may take to say what it wants, and all are let finish what was
//! accepted when the server stops.
//!
//! A client that sends its headers a byte at a time (Slowloris), or keeps a connection and says nothing, is cut off. How
//! long a request may take once it is understood is the gate's affair.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tower_service::Service;

/// How long the headers of a request may take, from the first byte that is awaited on, unless less is configured.
pub const HEADERS_TIME_MAX: Duration = Duration::from_secs(10);
/// How long no connection is taken after the machine had nothing left for one, such as a file descriptor.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves a router until `stop` is done, then finishes what was accepted.
pub async fn serve(listener: TcpListener, router: Router, headers_time_max: Duration, stop: impl Future<Output = ()>) {
    let (stopping, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            taken = listener.accept() => match taken {
                Ok((stream, peer)) => {
                    connections.spawn(one(stream, peer, router.clone(), headers_time_max, stopping.subscribe()));
                }
                // Whoever went away before being taken is no trouble; a machine at its limits is given time.
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while connections.join_next().await.is_some() {}
}

fn is_of_the_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

async fn one(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    headers_time_max: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    // An answer in several writes does not wait for the acknowledgement of the first.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request.map(Body::new))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(headers_time_max);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended before its time");
    }
}
