//! Three parts in a program that has the rest: an overload inside of a 200 is seen and tried again.
use std::time::{Duration, Instant, SystemTime};

use evenkeel_backoff::{Moment, RetryPolicy, Sleeper, retry_with};
use evenkeel_error::{Delivery, Error, Facts};
use evenkeel_messages::{Accumulator, Decoder, End, StreamEvent};
use serde_json::{Value, json};

/// Its runtime, as far as a retry needs one.
struct Clock(Instant);

impl Sleeper for Clock {
    type Sleep = tokio::time::Sleep;
    fn now(&self) -> Moment {
        Moment::ORIGIN + self.0.elapsed()
    }
    fn sleep(&self, wait: Duration) -> Self::Sleep {
        tokio::time::sleep(wait)
    }
}

/// One attempt. A failure is the same whether it came as a status or inside of a stream.
async fn attempt(http: &reqwest::Client, url: &str, body: &Value) -> Result<String, Error> {
    let request = http.post(url).header("anthropic-version", "2026-10-21");
    let head = request.json(body).send().await;
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
    let url = std::env::var("ANTHROPIC_BASE_URL")? + "/v1/messages";
    let messages = json!([{ "role": "user", "content": "Hello" }]);
    let body = json!({ "model": "claude-haiku-5-5", "max_tokens": 64,
        "stream": true, "messages": messages });
    let http = reqwest::Client::new();
    let policy = RetryPolicy::exponential(Duration::from_millis(500)).max_attempts(5);
    let call = retry_with(Clock(Instant::now()), |_| attempt(&http, &url, &body));
    println!("{}", call.policy(policy).await?);
    Ok(())
}
