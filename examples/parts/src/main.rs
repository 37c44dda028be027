//! Three parts in a program that has the rest: an overload inside of a 200 is seen and tried again.
mod clock;

use std::env::var;
use std::time::{Duration, SystemTime};

use clock::Clock;
use evenkeel_backoff::{RetryPolicy, retry_with};
use evenkeel_error::{Delivery, Error, Facts};
use evenkeel_messages::{Accumulator, Decoder, End, StreamEvent};
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

/// One attempt. A failure is the same whether it came as a status or inside of a stream.
async fn attempt(http: &Client, [url, key]: &[String; 2], body: &Value) -> Result<String, Error> {
    let request = http.post(url).header("x-api-key", key).json(body);
    let request = request.header("anthropic-version", "2026-10-21");
    let head = request.send().await;
    let mut head = head.map_err(|_| Error::connection(Delivery::Unknown))?;
    let facts = Facts::read(head.status().as_u16(), head.headers(), SystemTime::now());
    if !head.status().is_success() {
        let body = head.bytes().await.unwrap_or_default();
        return Err(Error::from_response(&facts, &body)); // its kind, its hint, its request id
    }
    let (mut decoder, mut reply) = (Decoder::new(facts.clone()), Accumulator::new(facts));
    let end = loop {
        match decoder.next_event() {
            Some(Ok(StreamEvent::Error(error)) | Err(error)) => break End::Failed(error),
            Some(Ok(event)) => reply.push(&event),
            None => match head.chunk().await {
                Ok(Some(chunk)) => decoder.feed(chunk),
                Ok(None) => break End::Eof,
                Err(_) => break End::Cut(Error::interrupted()),
            },
        }
    };
    let message = reply.end(end).into_result().map_err(|gap| gap.error)?;
    Ok(message.text())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = var("ANTHROPIC_BASE_URL")? + "/v1/messages";
    let place = [url, var("ANTHROPIC_API_KEY")?];
    let body = json!({ "model": "claude-haiku-5-5", "max_tokens": 64, "stream": true,
        "messages": [{ "role": "user", "content": "Hello" }] });
    // A redirect would take the key along; of a stream that lives, three minutes bring a ping.
    let http = Client::builder().redirect(Policy::none());
    let http = http.read_timeout(Duration::from_secs(180)).build()?;
    let policy = RetryPolicy::exponential(Duration::from_millis(500)).max_attempts(5);
    let call = retry_with(Clock::start(), |_| attempt(&http, &place, &body));
    println!("{}", call.policy(policy).await?);
    Ok(())
}
