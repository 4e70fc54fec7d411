//! The few requests the demo makes itself: is a service up, and what do the lender's books say.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const ANSWER_SECONDS_MAX: u64 = 10;
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The wanted port of this machine, or another that is free.
pub fn free_port(wanted: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// Status and body of a GET to a service of this machine.
pub fn get(port: u16, path: &str, bearer: Option<&str>) -> Result<(u16, String)> {
    let timeout = Duration::from_secs(ANSWER_SECONDS_MAX);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    let credentials = bearer.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
    // In HTTP/1.0 the body is not in chunks and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{credentials}Connection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).context("no HTTP status")?;
    Ok((status, body.to_owned()))
}

/// The JSON of a GET that must succeed.
pub fn get_json(port: u16, path: &str, bearer: Option<&str>) -> Result<Value> {
    let (status, body) = get(port, path, bearer)?;
    if status != 200 {
        bail!("{path} answered {status}: {}", body.chars().take(300).collect::<String>());
    }
    serde_json::from_str(&body).with_context(|| format!("{path} did not answer JSON"))
}
