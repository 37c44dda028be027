//! A call that goes well, through every layer of the client, on a transport that has the reply at hand; and the same by
//! hand, which is what the layers are compared with.

use std::future::ready;
use std::hint::black_box;
use std::time::SystemTime;

use bytes::Bytes;
use evenkeel::transport::{
    Backend, BaseUrl, Body, BoxFuture, ClaudeApi, Cleartext, Operation, Request, Response, Secret,
    Transport,
};
use evenkeel::{Client, Fetch};
use evenkeel_error::{Error, Facts};
use evenkeel_messages::{Message, MessageRequest, Streaming};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use tokio::runtime::{Builder, Runtime};

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "client/floor_of_a_plain_call",
        runs: 200,
        run: by_hand,
    },
    Case {
        name: "client/plain_call",
        runs: 200,
        run: plain,
    },
];

const URL: &str = "http://127.0.0.1:1";
const REPLY: &str = r#"{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[{"type":"text","text":"An even keel is what keeps a boat upright when the weather turns."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":38,"service_tier":"standard"}}"#;

struct Scripted;

impl Transport for Scripted {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let mut headers = HeaderMap::with_capacity(1);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let facts = Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
        let body = Body::from_bytes(Bytes::from_static(REPLY.as_bytes()));
        Box::pin(ready(Ok(Response::new(facts, headers, body))))
    }
}

fn asked() -> MessageRequest {
    MessageRequest::new("claude-sonnet-5-5", 1024).user("What keeps a boat upright?")
}

fn runtime() -> Option<Runtime> {
    Builder::new_current_thread().enable_time().build().ok()
}

fn by_hand(runs: u32) {
    let url = BaseUrl::parse(URL, Cleartext::LoopbackOnly);
    let (Some(runtime), Ok(url)) = (runtime(), url) else {
        return;
    };
    let api = ClaudeApi::new(url);
    for _ in 0..runs {
        let sent = runtime.block_on(async {
            let mut operation = Operation::new(Method::POST, "/v1/messages");
            operation.body = asked().to_body(Streaming::Off)?;
            let mut request = api.request(operation)?;
            let key = Secret::ApiKey("sk-ant-api03-bench");
            api.authorize(&mut request, key, SystemTime::UNIX_EPOCH)?;
            let mut response = Scripted.send(request).await?;
            let body = response.body.chunk().await.transpose()?;
            Message::from_json(&body.unwrap_or_default(), &response.facts)
        });
        black_box(sent).ok();
    }
}

fn plain(runs: u32) {
    let client = Client::with_transport(Scripted).base_url(URL);
    let (Some(runtime), Ok(client)) = (runtime(), client.api_key("sk-ant-api03-bench").build())
    else {
        return;
    };
    for _ in 0..runs {
        let call = client.messages().fetch(Fetch::Plain).create(asked());
        black_box(runtime.block_on(call)).ok();
    }
}
