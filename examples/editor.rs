//! An editor that has an HTTP client of its own, with the user's proxies and certificates. It lends
//! that one; no second is built in. `cargo run -p evenkeel-examples --bin editor -- "fn main() {"`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a window")]
#![allow(clippy::disallowed_methods, reason = "a transport reads clocks")]

use std::time::SystemTime;

use evenkeel::error::{Delivery, Error, Facts, Phase};
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use evenkeel::{Client, MessageRequest, Patience};
use futures_util::TryStreamExt as _;

/// Stands for what the editor has. It neither follows redirects nor tries again.
struct EditorHttp(reqwest::Client);

impl Transport for EditorHttp {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let limit = request.head_limit;
            let call = self.0.request(request.method, request.uri.to_string());
            let call = call.headers(request.headers).body(request.body).send();
            let head = match tokio::time::timeout(limit, call).await {
                Ok(Ok(head)) => head,
                // Without proof that nothing left, something may have.
                Ok(Err(error)) if error.is_connect() => {
                    return Err(Error::connection(Delivery::NotSent));
                }
                Ok(Err(_)) => return Err(Error::connection(Delivery::Unknown)),
                Err(_) => return Err(Error::timed_out(Phase::Head, limit)),
            };
            let headers = head.headers().clone();
            let facts = Facts::read(head.status().as_u16(), &headers, SystemTime::now());
            let chunks = head.bytes_stream().map_err(|_| Error::interrupted());
            Ok(Response::new(facts, headers, Body::from_stream(chunks)))
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = Client::with_transport(EditorHttp(http.retry(reqwest::retry::never()).build()?));
    let client = client
        .base_url(std::env::var("ANTHROPIC_BASE_URL")?)
        .build()?;
    let code = std::env::args().nth(1).unwrap_or_default();
    let request = MessageRequest::new("claude-sonnet-5-5", 1024).user(format!("Go on: {code}"));
    let calls = client.messages().patience(Patience::Interactive);
    let mut stream = calls.stream(request).await?;
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => print!("{}", event.text().unwrap_or_default()),
            // What stands in the window stays there, marked as unfinished.
            Err(error) => eprintln!("\n[unfinished: {error}]"),
        }
    }
    Ok(())
}
