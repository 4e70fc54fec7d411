//! Notices go out through a channel, with proof, to the address that is right when they do.

use std::sync::Arc;

use prequal_server::{
    delivery::{self, Channel},
    secret,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

use crate::{
    actors::Shopper,
    world::{LENDER, World},
};

const POOR: Shopper =
    Shopper { name: "Zephyrine Quux", email: "zephyrine@example.com", phone: "+12125550177", standing: "bad" };

async fn first_notice(world: &World, what: impl Fn(&Value) -> bool) -> Value {
    world.wait("/v1/notices", LENDER, |page| what(&page["notices"][0])).await["notices"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_is_told_by_file_to_the_corrected_address() {
    let mut world = World::new().await;
    world.apply(&POOR, 50_000).await;
    let waiting = first_notice(&world, |_| true).await;
    assert_eq!((&waiting["status"], &waiting["attempts"]), (&json!("queued"), &json!(0)), "no channel yet");
    let search = json!({ "kind": "email", "value": POOR.email });
    let found = world.post("/v1/persons/search", LENDER, &search).await.expect(200);
    let corrections = format!("/v1/persons/{}/corrections", found["persons"][0].as_str().unwrap());
    world.post_once(&corrections, LENDER, "c", &json!({ "email": "right@example.com" })).await.expect(201);

    let folder = world.folder.path().join("notices");
    world.config().notices =
        Some(Channel::File { folder: folder.clone(), from: "Credit <credit@lender.example>".to_owned() });
    world.restart().await;
    let sent = first_notice(&world, |notice| notice["status"] == "sent").await;
    let bytes = std::fs::read(folder.join(format!("{}.eml", sent["id"].as_str().unwrap()))).unwrap();
    assert_eq!((&sent["channel"], &sent["template"]), (&json!("file"), &json!("adverse_action/us/2")));
    assert!(sent["proof"].as_str().unwrap().contains(&secret::sha256_hex(&bytes)), "{sent}");
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("To: right@example.com") && !text.contains(POOR.email), "{text}");
    assert!(text.contains("principal reasons"), "{text}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    assert!(!sent.to_string().contains("example.com"), "the proof names nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_to_somebody_who_was_erased_is_given_up() {
    let mut world = World::new().await;
    world.apply(&POOR, 50_000).await;
    let search = json!({ "kind": "email", "value": POOR.email });
    let found = world.post("/v1/persons/search", LENDER, &search).await.expect(200);
    let person = format!("/v1/persons/{}", found["persons"][0].as_str().unwrap());
    world.call("DELETE", &person, LENDER, &[], b"").await.expect(200);
    let folder = world.folder.path().join("notices");
    world.config().notices = Some(Channel::File { folder: folder.clone(), from: "credit@lender.example".to_owned() });
    world.restart().await;
    let notice = first_notice(&world, |notice| notice["status"] == "given_up").await;
    assert_eq!(notice["proof"], "no address is known");
    assert!(!folder.exists());
}

/// Two servers, or one whose loop overtakes itself, look at the same notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_two_try_to_send_at_once_goes_out_once() {
    let world = World::new().await;
    for _ in 0..3 {
        world.apply(&POOR, 50_000).await;
    }
    let folder = world.folder.path().join("notices");
    let channel = Channel::File { folder: folder.clone(), from: "credit@lender.example".to_owned() };
    let (app, channel) = (world.app(), &channel);
    let (one, two, three) = tokio::join!(
        delivery::send_due(app, channel),
        delivery::send_due(app, channel),
        delivery::send_due(app, channel)
    );
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 3);
    let page = world.get("/v1/notices", LENDER).await.expect(200);
    let notices = page["notices"].as_array().unwrap();
    assert!(notices.len() == 3 && notices.iter().all(|notice| notice["attempts"] == 1), "{page}");
}

/// A relay that refuses the first message for now and takes the second.
async fn relay(listener: TcpListener, taken: mpsc::UnboundedSender<String>) {
    for attempt in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 relay.example\r\n").await.unwrap();
        let (mut message, mut in_message) = (String::new(), false);
        while let Ok(Some(line)) = lines.next_line().await {
            let answer: &[u8] = if in_message && line == "." {
                in_message = false;
                let _ = taken.send(std::mem::take(&mut message));
                b"250 2.0.0 Ok: queued as 4711\r\n"
            } else if in_message {
                message.push_str(&line);
                message.push('\n');
                continue;
            } else if line.starts_with("DATA") {
                in_message = true;
                b"354 go on\r\n"
            } else if line.starts_with("MAIL") && attempt == 0 {
                b"451 4.3.0 not now\r\n"
            } else if line.starts_with("QUIT") {
                b"221 bye\r\n"
            } else {
                b"250 ok\r\n"
            };
            if write.write_all(answer).await.is_err() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_for_now_is_asked_again_and_its_answer_is_the_proof() {
    let mut world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, mut messages) = mpsc::unbounded_channel();
    let relay = tokio::spawn(relay(listener, taken));
    world.config().notices =
        Some(Channel::Smtp { relay: "127.0.0.1".to_owned(), port, from: "credit@lender.example".to_owned() });
    world.restart().await;
    world.apply(&POOR, 50_000).await;
    let world = Arc::new(world);
    let sent = first_notice(&world, |notice| notice["status"] == "sent").await;
    assert_eq!((&sent["attempts"], &sent["channel"]), (&json!(2), &json!("smtp")));
    assert!(sent["proof"].as_str().unwrap().ends_with("queued as 4711"), "{sent}");
    let message = messages.recv().await.unwrap();
    let id = format!("Message-ID: <{}@test-lender>", sent["id"].as_str().unwrap());
    assert!(message.contains(&id) && message.contains("To: zephyrine@example.com"), "{message}");
    assert!(messages.try_recv().is_err(), "once");
    relay.abort();
}
