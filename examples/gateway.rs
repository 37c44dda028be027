//! A gateway of a firm: it forwards with the key of whoever calls, and everybody has the retries,
//! the breakers and the latch. `cargo run -p evenkeel-examples --bin gateway`
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, extract::DefaultBodyLimit, extract::State, routing::post};
use evenkeel::{Category, Client, Credential, Error, MessageRequest, Patience};
use futures_util::TryStreamExt as _;
use serde_json::json;

async fn forward(client: State<Client>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = answer(&client, &headers, &body).await;
    answer.unwrap_or_else(|error| refusal(&error))
}

async fn answer(client: &Client, headers: &HeaderMap, body: &[u8]) -> Result<Response, Error> {
    let request = MessageRequest::from_json(body)?;
    let key = headers.get("x-api-key").and_then(|key| key.to_str().ok());
    let key = Credential::api_key(key.unwrap_or_default());
    let calls = client.messages().credential(key);
    if request
        .parameter("stream")
        .is_none_or(|on| on.get() != "true")
    {
        return Ok(Json(&*calls.create(request).await?).into_response());
    }
    let events = calls.stream(request).await?;
    // A fault before the first content never reaches the caller; one after it breaks off.
    let frames = events.map_ok(|event| event.into_event().map(|event| event.to_frame()));
    let body = Body::from_stream(frames.map_ok(Option::unwrap_or_default));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

fn refusal(error: &Error) -> Response {
    let status = match error.category() {
        Category::InvalidRequest | Category::Local => StatusCode::BAD_REQUEST,
        Category::Authentication => StatusCode::UNAUTHORIZED,
        Category::RateLimit => StatusCode::TOO_MANY_REQUESTS,
        Category::Server => StatusCode::BAD_GATEWAY,
    };
    let error = json!({ "type": error.label(), "message": error.to_string() });
    let body = Json(json!({ "type": "error", "error": error }));
    // Who calls us must not try again what has been tried again.
    (status, [("x-should-retry", "false")], body).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = std::env::var("ANTHROPIC_BASE_URL").unwrap_or("https://api.anthropic.com".into());
    let client = Client::builder().patience(Patience::Interactive);
    let client = client.base_url(base).build()?;
    let routes = Router::new().route("/v1/messages", post(forward));
    let routes = routes.layer(DefaultBodyLimit::max(32 << 20)); // as the API's own
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, routes.with_state(client)).await?)
}
