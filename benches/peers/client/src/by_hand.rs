//! What a program without a client of the API writes down: reqwest, serde and the fields that it wants.

use std::net::SocketAddr;

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

use crate::{Call, KEY, MODEL, PROMPT};

#[derive(Serialize)]
struct Asked {
    model: &'static str,
    max_tokens: u32,
    messages: [Said; 1],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Said {
    role: &'static str,
    content: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    content: Vec<Text>,
    #[expect(dead_code, reason = "read, as a user would")]
    stop_reason: Option<String>,
    #[expect(dead_code, reason = "read, as a user would")]
    usage: Usage,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, as a user would")]
struct Usage {
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart { message: Head },
    ContentBlockStart { content_block: Text },
    ContentBlockDelta { delta: Text },
    ContentBlockStop,
    MessageDelta { delta: Conclusion, usage: Usage },
    MessageStop,
    Ping,
}

#[derive(Deserialize)]
struct Head {
    #[expect(dead_code, reason = "read, as a user would")]
    id: String,
    #[expect(dead_code, reason = "read, as a user would")]
    model: String,
    usage: Usage,
}

#[derive(Deserialize)]
struct Conclusion {
    stop_reason: Option<String>,
}

/// What its streamed events come to.
#[derive(Default)]
struct Collected {
    text: String,
    stop_reason: Option<String>,
    usage: Option<Usage>,
    whole: bool,
}

impl Collected {
    fn event(&mut self, data: &str) {
        match serde_json::from_str(data).expect("the server's JSON") {
            Event::MessageStart { message } => self.usage = Some(message.usage),
            Event::ContentBlockStart {
                content_block: piece,
            }
            | Event::ContentBlockDelta { delta: piece } => {
                self.text.push_str(&piece.text);
            }
            Event::MessageDelta { delta, usage } => {
                self.stop_reason = delta.stop_reason;
                self.usage = Some(usage);
            }
            Event::MessageStop => self.whole = true,
            Event::ContentBlockStop | Event::Ping => {}
        }
    }

    fn text(self) -> usize {
        assert!(self.whole && self.stop_reason.is_some() && self.usage.is_some());
        self.text.len()
    }
}

fn post(client: &reqwest::Client, url: &str, stream: bool) -> reqwest::RequestBuilder {
    let (role, content) = ("user", PROMPT);
    let asked = Asked {
        model: MODEL,
        max_tokens: 1024,
        messages: [Said { role, content }],
        stream,
    };
    client
        .post(url)
        .header("x-api-key", KEY)
        .header("anthropic-version", "2026-10-21")
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&asked).expect("it is JSON"))
}

fn client(server: SocketAddr) -> (reqwest::Client, String) {
    (
        reqwest::Client::new(),
        format!("http://{server}/v1/messages"),
    )
}

pub fn plain(server: SocketAddr) -> Call {
    let (client, url) = client(server);
    Box::new(move || {
        let sent = post(&client, &url, false).send();
        Box::pin(async move {
            let body = sent
                .await
                .expect("a reply")
                .bytes()
                .await
                .expect("all of it");
            let answer: Answer = serde_json::from_slice(&body).expect("the server's JSON");
            answer.content[0].text.len()
        })
    })
}

/// Events end with an empty line and their data is one line: no more of the format than this server needs.
pub fn streamed(server: SocketAddr) -> Call {
    let (client, url) = client(server);
    Box::new(move || {
        let sent = post(&client, &url, true).send();
        Box::pin(async move {
            let mut response = sent.await.expect("a reply");
            let (mut collected, mut unread) = (Collected::default(), Vec::new());
            while let Some(chunk) = response.chunk().await.expect("the rest of it") {
                unread.extend_from_slice(&chunk);
                let mut read = 0;
                while let Some(end) = unread[read..].windows(2).position(|two| two == b"\n\n") {
                    let event = str::from_utf8(&unread[read..read + end]).expect("UTF-8");
                    let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                    collected.event(data.expect("data"));
                    read += end + 2;
                }
                unread.drain(..read);
            }
            collected.text()
        })
    })
}

pub fn streamed_by_a_crate(server: SocketAddr) -> Call {
    let (client, url) = client(server);
    Box::new(move || {
        let sent = post(&client, &url, true).send();
        Box::pin(async move {
            let mut frames = sent.await.expect("a reply").bytes_stream().eventsource();
            let mut collected = Collected::default();
            while let Some(frame) = frames.next().await {
                collected.event(&frame.expect("the rest of it").data);
            }
            collected.text()
        })
    })
}
