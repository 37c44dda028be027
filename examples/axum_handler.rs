//! A handler of a web service. Somebody waits for the answer, so it gives up early and says when to
//! come back. `cargo run -p evenkeel-examples --bin axum-handler`, then POST `{"question":"…"}`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a log")]
#![allow(clippy::disallowed_methods, reason = "a header counts from now")]

use std::time::{Duration, SystemTime};

use axum::http::{HeaderName, StatusCode, header::RETRY_AFTER};
use axum::{Json, Router, extract::State, routing::post};
use evenkeel::{Category, Client, Error, MessageRequest, Patience};
use evenkeel_examples::exit;
use serde_json::{Value, json};

type Refusal = (StatusCode, Option<[(HeaderName, String); 1]>, &'static str);

async fn ask(client: State<Client>, asked: Json<Value>) -> Result<Json<Value>, Refusal> {
    let question = asked.get("question").and_then(Value::as_str);
    let Some(question) = question.filter(|text| !text.trim().is_empty()) else {
        return Err((StatusCode::BAD_REQUEST, None, r#"send {"question":"…"}"#));
    };
    let request = MessageRequest::new("claude-sonnet-5-5", 1024).user(question);
    let calls = client.messages().patience(Patience::Interactive);
    // When the browser hangs up, axum drops this future, and the call with it.
    let reply = calls.deadline(Duration::from_mins(1)).create(request).await;
    let reply = reply.map_err(|error| refusal(&error))?;
    let answer = json!({ "answer": reply.text(), "stop": reply.stop_reason }); // cut, refused?
    Ok(Json(answer))
}

fn refusal(error: &Error) -> Refusal {
    eprintln!("{error}: {}", error.advice()); // `report` would quote the question
    let (status, words) = match error.category() {
        Category::RateLimit | Category::Server => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        Category::InvalidRequest => (StatusCode::UNPROCESSABLE_ENTITY, "not answerable"),
        // What one of us must mend is no business of the person who asks.
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "out of order"),
    };
    // A certificate that has run out is the server's fault, too, and does not pass by itself.
    let passes = error.recovery().is_retryable() && status == StatusCode::SERVICE_UNAVAILABLE;
    let wait = error.retry_at();
    let wait = wait.map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
    let seconds = wait.map_or(60, |wait| wait.as_secs() + 1);
    let header = passes.then(|| [(RETRY_AFTER, seconds.to_string())]);
    (status, header, words)
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    exit::code(serve().await)
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    // One client for all requests: they share connections, breakers and what the server said.
    let client = Client::from_env()?;
    let routes = Router::new().route("/ask", post(ask)).with_state(client);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/ask", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}
