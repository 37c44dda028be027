//! The same call, by each of them.

use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use evenkeel_transport::{Backend as _, BaseUrl, Body, ClaudeApi, Cleartext, Transport as _};
use http::{HeaderValue, Method};
use http_body_util::{BodyExt as _, Full};
use serde::{Deserialize, Serialize};

/// One whole call.
pub type Call = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = usize>>>>;

pub const MODEL: &str = "claude-sonnet-5-5";
pub const PROMPT: &str = "What keeps a boat upright?";
pub const KEY: &str = "sk-ant-api03-bench";

#[derive(Serialize)]
struct Asked {
    model: &'static str,
    max_tokens: u32,
    messages: [Said; 1],
}

#[derive(Serialize)]
struct Said {
    role: &'static str,
    content: &'static str,
}

/// What a program that wants the text would write down.
#[derive(Deserialize)]
struct Answer {
    content: Vec<Block>,
    #[expect(dead_code, reason = "read, as a user would")]
    stop_reason: Option<String>,
    #[expect(dead_code, reason = "read, as a user would")]
    usage: Usage,
}

#[derive(Deserialize)]
struct Block {
    text: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, as a user would")]
struct Usage {
    input_tokens: u32,
    output_tokens: u32,
}

/// What a program that keeps the message writes down: every field that is sent, and whatever a later server adds.
mod whole {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "kept, as a user would")]
    pub struct Answer {
        id: String,
        r#type: String,
        role: String,
        model: String,
        pub content: Vec<Block>,
        stop_reason: Option<String>,
        stop_sequence: Option<String>,
        usage: Usage,
        #[serde(flatten)]
        more: BTreeMap<String, serde_json::Value>,
    }

    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    pub enum Block {
        Text { text: String },
        #[serde(other)]
        Other,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "kept, as a user would")]
    pub struct Usage {
        input_tokens: u64,
        output_tokens: u64,
        cache_creation_input_tokens: Option<u64>,
        cache_read_input_tokens: Option<u64>,
        service_tier: Option<String>,
    }
}

fn whole_text(body: &[u8]) -> usize {
    let answer: whole::Answer = serde_json::from_slice(body).expect("the server's JSON");
    let texts = answer.content.iter().filter_map(|block| match block {
        whole::Block::Text { text } => Some(text.as_str()),
        whole::Block::Other => None,
    });
    texts.collect::<String>().len()
}

fn asked() -> Vec<u8> {
    let messages = [Said {
        role: "user",
        content: PROMPT,
    }];
    serde_json::to_vec(&Asked {
        model: MODEL,
        max_tokens: 1024,
        messages,
    })
    .expect("it is JSON")
}

fn text(body: &[u8]) -> usize {
    let answer: Answer = serde_json::from_slice(body).expect("the server's JSON");
    answer.content[0].text.len()
}

pub fn hyper(server: SocketAddr) -> Call {
    let sender = std::rc::Rc::new(tokio::sync::Mutex::new(None));
    Box::new(move || {
        let sender = std::rc::Rc::clone(&sender);
        Box::pin(async move {
            let mut sender = sender.lock().await;
            if sender.is_none() {
                let stream = tokio::net::TcpStream::connect(server).await.expect("it listens");
                stream.set_nodelay(true).expect("a socket of ours");
                let io = hyper_util::rt::TokioIo::new(stream);
                let (fresh, connection) = hyper::client::conn::http1::handshake(io)
                    .await
                    .expect("it speaks HTTP");
                tokio::spawn(connection);
                *sender = Some(fresh);
            }
            let sender = sender.as_mut().expect("just made");
            let request = hyper::Request::post("/v1/messages")
                .header("host", "127.0.0.1")
                .header("x-api-key", KEY)
                .header("anthropic-version", "2026-10-21")
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(asked())))
                .expect("a legal request");
            sender.ready().await.expect("the connection is kept");
            let response = sender.send_request(request).await.expect("a reply");
            let body = response.into_body().collect().await.expect("all of it");
            body.to_bytes().len()
        })
    })
}

fn post(client: &reqwest::Client, url: &str) -> reqwest::RequestBuilder {
    client
        .post(url)
        .header("x-api-key", KEY)
        .header("anthropic-version", "2026-10-21")
        .header("content-type", "application/json")
        .body(asked())
}

pub fn reqwest_only(server: SocketAddr) -> Call {
    let (client, url) = (reqwest::Client::new(), format!("http://{server}/v1/messages"));
    Box::new(move || {
        let sent = post(&client, &url).send();
        Box::pin(async move { sent.await.expect("a reply").bytes().await.expect("all").len() })
    })
}

pub fn reqwest_and_serde(server: SocketAddr) -> Call {
    let (client, url) = (reqwest::Client::new(), format!("http://{server}/v1/messages"));
    Box::new(move || {
        let sent = post(&client, &url).send();
        Box::pin(async move { text(&sent.await.expect("a reply").bytes().await.expect("all")) })
    })
}

/// The base, doing the like: the whole message is kept, and its text joined.
pub fn reqwest_and_whole_message(server: SocketAddr) -> Call {
    let (client, url) = (reqwest::Client::new(), format!("http://{server}/v1/messages"));
    Box::new(move || {
        let sent = post(&client, &url).send();
        Box::pin(async move { whole_text(&sent.await.expect("a reply").bytes().await.expect("all")) })
    })
}

async fn collected(mut body: Body) -> Bytes {
    let mut bytes = bytes::BytesMut::new();
    body.fill(&mut bytes, Body::REPLY_LIMIT).await;
    bytes.freeze()
}

pub fn api(url: &str) -> ClaudeApi {
    ClaudeApi::new(BaseUrl::parse(url, Cleartext::LoopbackOnly).expect("a URL"))
}

fn transport(server: SocketAddr) -> (std::sync::Arc<evenkeel_transport::ReqwestTransport>, ClaudeApi) {
    let api = api(&format!("http://{server}"));
    let transport = evenkeel_transport::ReqwestTransport::builder().build_for(api.base_url());
    (std::sync::Arc::new(transport.expect("the defaults")), api)
}

pub fn composed(api: &ClaudeApi, body: Bytes) -> evenkeel_transport::Request {
    let mut operation = evenkeel_transport::Operation::new(Method::POST, "/v1/messages");
    operation.body = body;
    let mut request = api.request(operation).expect("a request");
    let mut key = HeaderValue::from_static(KEY);
    key.set_sensitive(true);
    request.headers.insert("x-api-key", key);
    request
}

pub fn ours_transport(server: SocketAddr) -> Call {
    let (transport, api) = transport(server);
    Box::new(move || {
        let (transport, request) = (transport.clone(), composed(&api, asked().into()));
        Box::pin(async move {
            let response = transport.send(request).await.expect("a reply");
            text(&collected(response.body).await)
        })
    })
}

pub fn ours_transport_and_messages(server: SocketAddr) -> Call {
    let (transport, api) = transport(server);
    Box::new(move || {
        let asked = evenkeel::MessageRequest::new(MODEL, 1024).user(PROMPT);
        let body = asked.to_body(evenkeel_messages::Streaming::Off).expect("it is JSON");
        let (transport, request) = (transport.clone(), composed(&api, body));
        Box::pin(async move {
            let response = transport.send(request).await.expect("a reply");
            let body = collected(response.body).await;
            let message = evenkeel_messages::Message::from_json(&body, &response.facts);
            message.expect("a message").text().len()
        })
    })
}

pub fn ours(server: SocketAddr) -> Call {
    let client = client(server);
    Box::new(move || {
        let asked = evenkeel::MessageRequest::new(MODEL, 1024).user(PROMPT);
        let call = client.messages().fetch(evenkeel::Fetch::Plain).create(asked);
        Box::pin(async move { call.await.expect("a reply").text().len() })
    })
}

pub fn client(server: SocketAddr) -> evenkeel::Client {
    evenkeel::Client::builder()
        .base_url(format!("http://{server}"))
        .api_key(KEY)
        .build()
        .expect("the defaults")
}

pub fn claude_api(server: SocketAddr) -> Call {
    use claude_api::messages::CreateMessageRequest;

    let client = claude_api::Client::builder()
        .api_key(KEY)
        .base_url(format!("http://{server}"))
        .build()
        .expect("its defaults");
    Box::new(move || {
        let client = client.clone();
        Box::pin(async move {
            let request = CreateMessageRequest::builder()
                .model(MODEL)
                .max_tokens(1024)
                .user(PROMPT)
                .build()
                .expect("a request");
            client.messages().create(request).await.expect("a reply").content.len()
        })
    })
}

pub fn crimson_crab(server: SocketAddr) -> Call {
    use crimson_crab::prelude::{MessageParam, MessagesRequest};

    let client = crimson_crab::Client::builder()
        .api_key(KEY)
        .base_url(format!("http://{server}"))
        .build()
        .expect("its defaults");
    Box::new(move || {
        let client = client.clone();
        Box::pin(async move {
            let request = MessagesRequest::builder()
                .model(MODEL)
                .max_tokens(1024)
                .messages(vec![MessageParam::user(PROMPT)])
                .build()
                .expect("a request");
            client.messages().create(&request).await.expect("a reply").text().len()
        })
    })
}

pub fn genai(server: SocketAddr) -> Call {
    use genai::adapter::AdapterKind;
    use genai::chat::{ChatMessage, ChatOptions, ChatRequest};
    use genai::resolver::{AuthData, Endpoint, ServiceTargetResolver};
    use genai::{ModelIden, ServiceTarget};

    let resolver = ServiceTargetResolver::from_resolver_fn(
        move |target: ServiceTarget| -> Result<ServiceTarget, genai::resolver::Error> {
            Ok(ServiceTarget {
                endpoint: Endpoint::from_owned(format!("http://{server}/v1/")),
                auth: AuthData::from_single(KEY),
                model: ModelIden::new(AdapterKind::Anthropic, target.model.model_name),
            })
        },
    );
    let client = genai::Client::builder()
        .with_service_target_resolver(resolver)
        .build()
        .expect("its defaults");
    Box::new(move || {
        let client = client.clone();
        Box::pin(async move {
            let request = ChatRequest::new(vec![ChatMessage::user(PROMPT)]);
            let options = ChatOptions::default().with_max_tokens(1024);
            let reply = client.exec_chat(MODEL, request, Some(&options)).await;
            reply.expect("a reply").first_text().map_or(0, str::len)
        })
    })
}
