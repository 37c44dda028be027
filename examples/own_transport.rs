//! A transport around another: it keeps what each attempt came to, for a support case, and changes
//! nothing. `cargo run -p evenkeel-examples --bin own-transport -- attempts.jsonl`
#![allow(clippy::print_stdout, reason = "it shows the answer")]

use std::{env, fs::File, io::Write as _, process::ExitCode, sync::Mutex};

use evenkeel::error::Error;
use evenkeel::transport::{BaseUrl, BoxFuture, ClaudeApi, Cleartext, ReqwestTransport};
use evenkeel::transport::{Request, Response, StreamBodies, Transport};
use evenkeel::{Client, MessageRequest};
use evenkeel_examples::exit;
use serde_json::json;

struct Recorded<T> {
    inner: T,
    log: Mutex<File>,
}

impl<T: Transport> Transport for Recorded<T> {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let path = request.uri.path().to_owned();
        Box::pin(async move {
            let outcome = self.inner.send(request).await;
            let line = match &outcome {
                Ok(head) => {
                    let (status, id) = (head.facts.status(), head.facts.request_id());
                    json!({ "path": path, "status": status, "request_id": id })
                }
                Err(error) => json!({ "path": path, "error": error.to_string() }),
            };
            // A full disk must not fail a call.
            let _ = self.log.lock().map(|mut log| writeln!(log, "{line}"));
            outcome
        })
    }

    fn stream_bodies(&self) -> StreamBodies {
        self.inner.stream_bodies()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit::code(hello().await)
}

async fn hello() -> Result<(), Box<dyn std::error::Error>> {
    let base = env::var("ANTHROPIC_BASE_URL").unwrap_or(ClaudeApi::URL.into());
    let url = BaseUrl::parse(&base, Cleartext::LoopbackOnly)?;
    let inner = ReqwestTransport::builder().build_for(&url)?;
    let path = env::args().nth(1).unwrap_or("attempts.jsonl".into());
    let log = Mutex::new(File::options().create(true).append(true).open(path)?);
    let client = Client::with_transport(Recorded { inner, log }).base_url(base);
    let key = env::var("ANTHROPIC_API_KEY").unwrap_or_default(); // none is refused by `build`
    let calls = client.api_key(key).build()?.messages();
    let request = MessageRequest::new("claude-haiku-5-5", 256).user("Hello");
    println!("{}", calls.create(request).await?.text());
    Ok(())
}
