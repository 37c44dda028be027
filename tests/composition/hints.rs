//! A moment that the server named to one call: it holds for all of them, and for no longer.

use std::time::Duration;

use evenkeel::{Category, Delivery, ErrorKind, Outcome, Patience, Stopped};
use evenkeel_tests::{Reply, Script, client, pause, request, request_to};

const SECOND: Duration = Duration::from_secs(1);

fn limited(seconds: u32) -> Reply {
    Reply::error(429, "rate_limit_error", "slow down").header("retry-after", seconds.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_busy_client_is_back_at_full_speed_once_a_limit_has_lifted() {
    let script = Script::new([limited(1), Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.patience(Patience::Interactive));
    let mut calls = Vec::new();
    for _ in 0..300 {
        let call = client.messages().create(request());
        calls.push(tokio::spawn(call));
        pause(SECOND / 10).await;
    }
    for (index, call) in calls.into_iter().enumerate() {
        let reply = call.await.unwrap().unwrap();
        if index > 20 {
            assert!(
                reply.meta.elapsed.is_zero(),
                "call {index}: {:?}",
                reply.meta.elapsed
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_meets_a_hint_of_another_and_cannot_wait_is_rate_limited_and_sends_nothing() {
    for deadline in [None, Some(60 * SECOND)] {
        let script = Script::new([limited(10_800), Reply::message("hello")]);
        let (client, _) = client(&script, |builder| builder);
        client.messages().create(request()).await.unwrap_err();
        let calls = client.messages();
        let calls = deadline.map_or(calls.clone(), |deadline| calls.deadline(deadline));
        let error = calls.create(request()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.category()),
            (ErrorKind::RateLimited, Category::RateLimit)
        );
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(error.retry_at().is_some());
        assert!(error.attempts().is_empty());
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_cannot_wait_do_not_lock_out_those_that_can() {
    let script = Script::new([limited(20), Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    let first = tokio::spawn(client.messages().create(request()));
    tokio::task::yield_now().await;
    for _ in 0..1_000 {
        let hasty = client.messages().deadline(SECOND).create(request()).await;
        assert_eq!(hasty.unwrap_err().stopped(), Stopped::Deadline);
    }
    let patient = client.messages().create(request()).await.unwrap();
    assert!(
        patient.meta.elapsed <= 21 * SECOND,
        "{:?}",
        patient.meta.elapsed
    );
    first.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hint_uses_no_attempt_and_no_token() {
    let limits = std::iter::repeat_with(|| limited(1)).take(6);
    let script = Script::new(limits.chain([Reply::message("hello")]));
    let (client, recorder) = client(&script, |builder| {
        builder.patience(Patience::Interactive).seed(1)
    });
    let reply = client.messages().create(request()).await;
    match reply {
        Ok(reply) => assert_eq!(reply.meta.attempts.len(), 7),
        // The curve's ceiling grows under the hints, so that the patience may end first.
        Err(error) => assert_eq!(error.stopped(), Stopped::Patience),
    }
    assert!(
        script.sent().len() > 4,
        "more than the four attempts that count"
    );
    assert_eq!(recorder.count("budget_empty"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_parked_at_the_breaker_still_obeys_a_hint() {
    let overloaded = || Reply::error(529, "overloaded_error", "x");
    for seed in 0..6 {
        // Trouble opens the breaker; the probe meets a limit of a hundred seconds.
        let replies = std::iter::repeat_with(overloaded)
            .take(8)
            .chain([limited(100)]);
        let script = Script::new(replies.chain([Reply::message("hello")]));
        let (client, _) = client(&script, |builder| builder.seed(seed));
        let calls: Vec<_> = (0..8)
            .map(|_| tokio::spawn(client.messages().create(request())))
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        let times = script.times();
        let hint = times[8];
        for time in &times[9..] {
            assert!(
                *time >= hint + 100 * SECOND,
                "seed {seed}: {hint:?} {times:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_model_is_not_the_limit_of_another() {
    let script = Script::new([limited(20), Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    let first = tokio::spawn(client.messages().create(request_to("one")));
    tokio::task::yield_now().await;
    let other = client.messages().create(request_to("other")).await.unwrap();
    assert!(other.meta.elapsed.is_zero());
    assert_eq!(
        first.await.unwrap().unwrap().meta.attempts[1].outcome,
        Outcome::Complete
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_remembered_however_many_models_are_asked() {
    let script = Script::new([limited(100), Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    client
        .messages()
        .deadline(SECOND)
        .create(request_to("busy"))
        .await
        .unwrap_err();
    for model in 0..1_100 {
        client
            .messages()
            .create(request_to(&format!("model-{model}")))
            .await
            .unwrap();
    }
    let reply = client.messages().create(request_to("busy")).await.unwrap();
    assert!(
        reply.meta.elapsed >= 99 * SECOND,
        "{:?}",
        reply.meta.elapsed
    );
}
