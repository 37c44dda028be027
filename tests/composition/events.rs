//! What observers hear: every decision, once, in order, by the numbers of its call and its attempt.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::event::{Event, What};
use evenkeel::{Credential, Fallback, Patience, Restart, Token, Trigger};
use evenkeel_tests::{
    Ending, Recorder, Reply, Script, Server, client, events, pause, request, request_to, sse,
};

mod grammar;

const SECOND: Duration = Duration::from_secs(1);

fn busy() -> Reply {
    Reply::error(529, "overloaded_error", "x")
}

fn refusal() -> Reply {
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"output_tokens":1}}"#;
    Reply::stream().body(&(events::start() + &sse("message_delta", end) + &events::stop()))
}

fn half() -> Reply {
    Reply::stream().body(&(events::start() + &events::text("half")))
}

/// The lines of a recorder from the `from`th on.
fn lines(recorder: &Recorder, from: usize) -> Vec<String> {
    let seen = recorder.seen();
    seen[from..].iter().map(|seen| seen.line.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_tells_of_its_attempts_its_waits_with_what_is_left_and_its_one_end() {
    let told = busy().header("retry-after", "2");
    let script = Script::new([told, Reply::message("hello")]);
    let left = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&left);
    let (client, recorder) = client(&script, |builder| builder);
    let calls = client
        .messages()
        .deadline(60 * SECOND)
        .observer(move |event: &Event<'_>| {
            if let What::Waiting { wait, left, .. } = event.what {
                kept.lock().unwrap().push((wait, left));
            }
        });
    calls.create(request()).await.unwrap();
    assert_eq!(
        recorder.labels(),
        [
            "attempt_started",
            "attempt_failed",
            "waiting",
            "attempt_started",
            "first_content",
            "succeeded"
        ]
    );
    for line in lines(&recorder, 0) {
        assert!(line.starts_with("call 1: "), "{line}");
    }
    let left = left.lock().unwrap();
    let (wait, left) = left[0];
    assert!(wait >= 2 * SECOND);
    assert_eq!(
        left,
        Some((60 * SECOND).saturating_sub(wait)),
        "of the deadline, after it"
    );
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_call_is_told_once_whether_it_failed_or_was_dropped() {
    let script = Script::new([Reply::error(400, "invalid_request_error", "x")]);
    let (client, recorder) = client(&script, |builder| builder);
    client.messages().create(request()).await.unwrap_err();
    assert_eq!(
        recorder.labels(),
        ["attempt_started", "attempt_failed", "given_up"]
    );
    let script = Script::new([half().ending(Ending::Silence)]);
    let (client, recorder) = evenkeel_tests::client(&script, |builder| builder);
    let mut stream = client.messages().stream(request()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    pause(SECOND).await;
    drop(stream);
    assert_eq!(
        recorder.labels(),
        ["attempt_started", "first_content", "cancelled"]
    );
    assert_eq!(
        lines(&recorder, 2),
        ["call 1: cancelled after 1 attempt, 1.0s"]
    );
    // What was never asked for has nothing to end.
    drop(client.messages().create(request()));
    assert_eq!(recorder.labels().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_quiet_is_told_of_before_anything_is_done_about_it() {
    let slow = half()
        .pause(25 * SECOND)
        .body(&(events::block_stop() + &events::stop_reason() + &events::stop()));
    let script = Script::new([slow]);
    let (client, recorder) = client(&script, |builder| builder);
    client.messages().create(request()).await.unwrap();
    let seen = recorder.seen();
    assert_eq!(
        recorder.labels(),
        ["attempt_started", "first_content", "quiet", "succeeded"]
    );
    assert_eq!(seen[2].at.abs_diff(seen[1].at).as_secs(), 20);
    assert_eq!(seen[2].line, "call 1: attempt 1 has been quiet for 20.0s");
}

#[tokio::test(start_paused = true)]
async fn each_turn_of_a_circuit_is_told_once_by_the_call_that_caused_it() {
    let down = Arc::new(AtomicU64::new(1));
    let state = Arc::clone(&down);
    let server = Server::new(move |_| {
        if state.load(Ordering::SeqCst) == 1 {
            Reply::error(500, "api_error", "x")
        } else {
            Reply::message("hello")
        }
    });
    let (client, recorder) = client(&server, |builder| builder);
    let calls = client.messages().patience(Patience::Interactive);
    let turns = || -> Vec<String> {
        let seen = recorder.seen();
        let turns = seen.iter().filter(|seen| seen.label == "circuit_changed");
        turns
            .map(|seen| seen.line.split_once(": ").unwrap().1.to_owned())
            .collect()
    };
    for _ in 0..12 {
        let _ = calls.create(request()).await;
        pause(SECOND / 4).await;
        if !turns().is_empty() {
            break;
        }
    }
    assert_eq!(turns(), ["circuit of the model is now open"]);
    // Who is refused meanwhile changes nothing.
    let _ = calls.create(request()).await;
    assert_eq!(turns().len(), 1);
    down.store(0, Ordering::SeqCst);
    for _ in 0..80 {
        pause(SECOND).await;
        let _ = calls.create(request()).await;
    }
    assert_eq!(
        turns(),
        [
            "circuit of the model is now open",
            "circuit of the model is now half_open",
            "circuit of the model is now recovering",
            "circuit of the model is now closed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_is_told_of_by_the_call_that_finds_it_so() {
    let script = Script::new([busy()]);
    let (client, recorder) = client(&script, |builder| {
        let open = evenkeel::breaker::BreakerConfig::builder();
        let open = open.mode(evenkeel::breaker::Mode::ForcedClosed);
        builder
            .retry_budget(evenkeel::backoff::RetryBudget::builder().cap(1))
            .breaker(open.build().unwrap())
    });
    let calls = client.messages().patience(Patience::Interactive);
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), evenkeel::Stopped::Budget);
    assert_eq!(
        recorder.labels(),
        [
            "attempt_started",
            "attempt_failed",
            "waiting",
            "attempt_started",
            "attempt_failed",
            "budget_empty",
            "given_up"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_latch_is_told_of_when_it_is_set_and_when_it_is_cleared() {
    let server = Server::new(|sent| {
        if sent.at < SECOND {
            Reply::error(401, "authentication_error", "x")
        } else {
            Reply::message("hello")
        }
    });
    let (client, recorder) = client(&server, |builder| builder);
    client.messages().create(request()).await.unwrap_err();
    client.messages().create(request()).await.unwrap_err();
    pause(100 * SECOND).await;
    client.messages().create(request()).await.unwrap();
    assert_eq!(
        recorder.labels(),
        [
            "attempt_started",
            "attempt_failed",
            "latch_set",
            "given_up",
            "given_up",
            "attempt_started",
            "first_content",
            "latch_cleared",
            "succeeded"
        ]
    );
    assert_eq!(
        lines(&recorder, 7)[0],
        "call 3: the credential is accepted again after 100.0s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_told_of_by_the_call_that_made_it_and_before_its_attempt() {
    let tries = AtomicU64::new(0);
    let credential = Credential::provider(move || {
        let number = tries.fetch_add(1, Ordering::SeqCst);
        async move {
            pause(SECOND).await;
            if number == 0 {
                return Err(evenkeel::error::Error::connection(
                    evenkeel::Delivery::NotSent,
                ));
            }
            Ok(Token::bearer("token"))
        }
    });
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder.credential(credential));
    client.messages().create(request()).await.unwrap();
    client.messages().create(request()).await.unwrap();
    assert_eq!(
        recorder.labels(),
        [
            "credential_refresh_failed",
            "waiting",
            "credential_refreshed",
            "attempt_started",
            "first_content",
            "succeeded",
            "attempt_started",
            "first_content",
            "succeeded"
        ]
    );
    assert_eq!(lines(&recorder, 2)[0], "call 1: credential renewed in 1.0s");
}

#[tokio::test(start_paused = true)]
async fn a_fallback_is_told_of_between_the_attempts_that_it_lies_between() {
    let server = Server::new(|sent| {
        if sent.body.contains("small") {
            Reply::message("hello")
        } else {
            busy()
        }
    });
    let (client, recorder) = client(&server, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("small"));
    let reply = calls.create(request()).await.unwrap();
    assert_eq!(reply.meta.fallbacks[0].trigger, Trigger::Overloaded);
    assert_eq!(
        recorder.labels(),
        [
            "attempt_started",
            "attempt_failed",
            "waiting",
            "attempt_started",
            "attempt_failed",
            "fell_back",
            "attempt_started",
            "first_content",
            "succeeded"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_end_of_its_attempt_before_the_fallback_and_the_reply_if_none_is_better() {
    let better = Reply::message("hello");
    let worse = Reply::error(404, "not_found_error", "x");
    for (second, then, last) in [
        (
            better,
            "first_content",
            "call 1: complete after 0.0ns, with attempt 2",
        ),
        (
            worse,
            "attempt_failed",
            "call 1: complete after 0.0ns, with attempt 1",
        ),
    ] {
        let script = Script::new([refusal(), second]);
        let (client, recorder) = client(&script, |builder| builder);
        let calls = client.messages().fallback(Fallback::to("small"));
        calls.create(request()).await.unwrap();
        assert_eq!(
            recorder.labels(),
            [
                "attempt_started",
                "first_content",
                "attempt_refused",
                "fell_back",
                "attempt_started",
                then,
                "succeeded"
            ]
        );
        assert_eq!(
            lines(&recorder, 2)[0],
            "call 1: the model refused attempt 1 after 0.0ns"
        );
        assert_eq!(lines(&recorder, 6), [last]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_observer_is_the_end_of_its_call_and_not_of_the_process() {
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    let calls = client
        .messages()
        .observer(|_: &Event<'_>| panic!("an observer's own fault"));
    let call = tokio::spawn(calls.create(request()));
    assert!(call.await.unwrap_err().is_panic());
    client.messages().create(request()).await.unwrap();
}
