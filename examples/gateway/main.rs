//! A gateway of a firm: it forwards with the key, version and betas of whoever calls, and everybody
//! has the retries, the breakers and the latch. `cargo run -p evenkeel-examples --bin gateway`
#![allow(clippy::print_stdout, reason = "it says where it listens")]

mod callers;
mod refusal;

use std::process::ExitCode;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header::CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, extract::DefaultBodyLimit, extract::State, routing::post};
use callers::Callers;
use evenkeel::{Error, MessageRequest, messages::RawJson};
use evenkeel_examples::exit;
use futures_util::TryStreamExt as _;
use refusal::refusal;

async fn forward(callers: State<Arc<Callers>>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = answer(&callers, &headers, &body).await;
    answer.unwrap_or_else(|error| refusal(&error))
}

async fn answer(callers: &Callers, headers: &HeaderMap, body: &[u8]) -> Result<Response, Error> {
    let request = MessageRequest::from_json(body)?;
    let mut calls = callers.client(headers)?.messages();
    for betas in headers.get_all("anthropic-beta") {
        calls = calls.header("anthropic-beta", betas.to_str().unwrap_or_default());
    }
    if request.parameter("stream").map(RawJson::get) != Some("true") {
        let reply = calls.create(request).await?;
        let id = reply.meta.facts.request_id();
        let id = id.map(|id| [("request-id", id.to_owned())]);
        return Ok((id, Json(&*reply)).into_response());
    }
    let events = calls.stream(request).await?;
    // A fault before the first content never reaches the caller; one after it breaks off.
    let frames = events.map_ok(|event| event.into_event().map(|event| event.to_frame()));
    let body = Body::from_stream(frames.map_ok(Option::unwrap_or_default));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

#[tokio::main]
async fn main() -> ExitCode {
    exit::code(serve().await)
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let callers = Arc::new(Callers::from_env()?);
    let routes = Router::new().route("/v1/messages", post(forward));
    let routes = routes.layer(DefaultBodyLimit::max(32 << 20)); // as the API's own
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, routes.with_state(callers)).await?)
}
