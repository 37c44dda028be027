//! A handler of a web service. Somebody waits for the answer, so it gives up early and says when to
//! come back. `cargo run -p evenkeel-examples --bin axum-handler`, then POST `{"question":"…"}`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a log")]
#![allow(clippy::disallowed_methods, reason = "a header counts from now")]

use std::time::{Duration, SystemTime};

use axum::http::{HeaderName, StatusCode, header::RETRY_AFTER};
use axum::{Json, Router, extract::State, routing::post};
use evenkeel::{Category, Client, Error, MessageRequest, Patience};
use serde_json::{Value, json};

type Refusal = (StatusCode, [(HeaderName, String); 1], &'static str);

async fn ask(
    State(client): State<Client>,
    Json(asked): Json<Value>,
) -> Result<Json<Value>, Refusal> {
    let question = asked
        .get("question")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let request = MessageRequest::new("claude-sonnet-5-5", 1024).user(question);
    let calls = client.messages().patience(Patience::Interactive);
    // When the browser hangs up, axum drops this future, and the call with it.
    let reply = calls.deadline(Duration::from_mins(1)).create(request).await;
    Ok(Json(json!({ "answer": reply.map_err(refusal)?.text() })))
}

#[allow(clippy::needless_pass_by_value, reason = "a function for `map_err`")]
fn refusal(error: Error) -> Refusal {
    eprintln!("{}", error.report());
    let (status, words) = match error.category() {
        Category::RateLimit | Category::Server => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        Category::InvalidRequest => (StatusCode::UNPROCESSABLE_ENTITY, "not answerable"),
        // What one of us must mend is no business of the person who asks.
        Category::Authentication | Category::Local => {
            (StatusCode::INTERNAL_SERVER_ERROR, "out of order")
        }
    };
    let wait = error.retry_at();
    let wait = wait.and_then(|at| at.duration_since(SystemTime::now()).ok());
    let seconds = wait.map_or(60, |wait| wait.as_secs() + 1);
    (status, [(RETRY_AFTER, seconds.to_string())], words)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One client for all requests: they share connections, breakers and what the server said.
    let client = Client::from_env()?;
    let routes = Router::new().route("/ask", post(ask)).with_state(client);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/ask", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}
