//! A hundred tasks on one key with fifty requests a minute.

use std::sync::Mutex;
use std::time::Duration;

use evenkeel_tests::{Reply, Server, client, request};

use crate::MINUTE;

/// A bucket of fifty that refills evenly, as the API's do, and says how long to wait.
fn fifty_a_minute() -> Server {
    let per_second = 50.0 / 60.0;
    let bucket = Mutex::new((Duration::ZERO, 50.0_f64));
    Server::new(move |sent| {
        let mut bucket = bucket.lock().unwrap();
        let (last, tokens) = *bucket;
        let grown = sent.at.saturating_sub(last).as_secs_f64() * per_second;
        let tokens = (tokens + grown).min(50.0);
        let (reply, left) = if tokens >= 1.0 {
            (Reply::message("hello"), tokens - 1.0)
        } else {
            let wait = ((1.0 - tokens) / per_second).ceil();
            let reply = Reply::error(429, "rate_limit_error", "x");
            (reply.header("retry-after", format!("{wait:.0}")), tokens)
        };
        *bucket = (sent.at, left);
        reply
            .header("anthropic-ratelimit-requests-limit", "50")
            .header(
                "anthropic-ratelimit-requests-remaining",
                format!("{:.0}", left.floor()),
            )
    })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_tasks_all_finish_in_at_most_two_hundred_and_fifty_requests() {
    let mut most = 0;
    let mut longest = Duration::ZERO;
    for seed in 0..20 {
        let server = fifty_a_minute();
        let (client, _) = client(&server, |builder| builder.seed(seed));
        let calls: Vec<_> = (0..100)
            .map(|_| tokio::spawn(client.messages().create(request())))
            .collect();
        for call in calls {
            let reply = call.await.unwrap().unwrap();
            longest = longest.max(reply.meta.elapsed);
        }
        most = most.max(server.sent().len());
    }
    println!("a hundred tasks: at most {most} requests, the last done after {longest:?}");
    assert!(most <= 250, "{most}");
    assert!(longest <= 5 * MINUTE, "{longest:?}");
}
