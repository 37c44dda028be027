//! What a refusal and the fallbacks after it cost the budgets of their models.

use evenkeel::backoff::RetryBudget;
use evenkeel::breaker::{BreakerConfig, Mode};

use super::*;

/// A client whose budgets have one token each, and which waits for none.
fn poor(script: &Script) -> Client {
    let (client, _) = client(script, |builder| {
        let forced = BreakerConfig::builder().mode(Mode::ForcedClosed);
        builder
            .retry_budget(RetryBudget::builder().cap(1))
            .breaker(forced.build().unwrap())
            .patience(Patience::Interactive)
    });
    client
}

fn broken() -> Reply {
    Reply::error(500, "api_error", "x")
}

fn missing() -> Reply {
    Reply::error(404, "not_found_error", "x")
}

#[tokio::test(start_paused = true)]
async fn the_retry_of_a_hop_that_failed_stays_paid_when_the_refusal_is_returned() {
    let script = Script::new([refusal(), broken(), missing(), broken()]);
    let client = poor(&script);
    let calls = client.messages().fallback(Fallback::to("small"));
    let reply = calls.create(request()).await.unwrap();
    assert_eq!(reply.meta.attempts.len(), 3);
    let next = client.messages().create(request_to("small"));
    assert_eq!(next.await.unwrap_err().stopped(), Stopped::Budget);
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_brought_a_refusal_is_refunded_like_any_that_succeeds() {
    let script = Script::new([
        broken(),
        refusal(),
        missing(),
        broken(),
        Reply::message("first"),
    ]);
    let client = poor(&script);
    let calls = client.messages().fallback(Fallback::to("small"));
    let reply = calls.create(request()).await.unwrap();
    assert_eq!(reply.meta.attempts.len(), 3);
    let next = client.messages().create(request()).await.unwrap();
    assert_eq!(next.text(), "first");
}
