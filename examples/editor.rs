//! An editor that has an HTTP client of its own, with the user's proxies and certificates. It lends
//! that one; no second is built in. `cargo run -p evenkeel-examples --bin editor -- "fn main() {"`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a window")]
#![allow(clippy::disallowed_methods, reason = "a transport reads clocks")]

use std::{env, io, io::Write as _, process::ExitCode, time::SystemTime};

use evenkeel::error::{Delivery::NotSent, Delivery::Unknown, Error, Facts, Phase};
use evenkeel::transport::{Body, BoxFuture, ClaudeApi, Request, Response, Transport};
use evenkeel::{Client, MessageRequest, Patience};
use evenkeel_examples::exit;
use futures_util::TryStreamExt as _;

/// Stands for what the editor has. It neither follows redirects nor tries again.
struct EditorHttp(reqwest::Client);

impl Transport for EditorHttp {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let limit = request.head_limit;
            let call = self.0.request(request.method, request.uri.to_string());
            let call = call.headers(request.headers).body(request.body).send();
            let head = tokio::time::timeout(limit, call).await;
            let head = head.map_err(|_elapsed| Error::timed_out(Phase::Head, limit))?;
            // Without proof that nothing left, something may have.
            let lost = |e: reqwest::Error| if e.is_connect() { NotSent } else { Unknown };
            let head = head.map_err(|error| Error::connection(lost(error)))?;
            let headers = head.headers().clone();
            let facts = Facts::read(head.status().as_u16(), &headers, SystemTime::now());
            let chunks = head.bytes_stream().map_err(|_| Error::interrupted());
            Ok(Response::new(facts, headers, Body::from_stream(chunks)))
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit::code(complete().await)
}

async fn complete() -> Result<(), Box<dyn std::error::Error>> {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = Client::with_transport(EditorHttp(http.retry(reqwest::retry::never()).build()?));
    // From the user's settings, as the rest; an empty key is refused by `build`.
    let base = env::var("ANTHROPIC_BASE_URL").unwrap_or(ClaudeApi::URL.into());
    let key = env::var("ANTHROPIC_API_KEY").unwrap_or_default();
    let client = client.base_url(base).api_key(key).build()?;
    let code = env::args().nth(1).unwrap_or_default();
    let request = MessageRequest::new("claude-sonnet-5-5", 1024).user(format!("Go on: {code}"));
    let calls = client.messages().patience(Patience::Interactive);
    let mut stream = calls.stream(request).await?;
    while let Some(event) = stream.next().await {
        // What stands in the window stays there, marked as unfinished.
        let event = event.inspect_err(|_| eprintln!("\n[unfinished]"))?;
        print!("{}", event.text().unwrap_or_default());
        io::stdout().flush()?;
    }
    Ok(())
}
