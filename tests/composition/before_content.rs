//! Failures before anything was shown: they are retried, or not, unseen.

use std::time::Duration;

use evenkeel::{Category, Delivery, ErrorKind, Outcome, Patience, Stopped};
use evenkeel_tests::{Ending, Reply, Script, client, events, request, sse};

const SECOND: Duration = Duration::from_secs(1);

fn overloaded() -> Reply {
    Reply::error(529, "overloaded_error", "Overloaded")
}

async fn ask(replies: Vec<Reply>) -> (Result<evenkeel::Reply, evenkeel::Error>, Script) {
    let script = Script::new(replies);
    let (client, _) = client(&script, |builder| builder);
    (client.messages().create(request()).await, script)
}

#[tokio::test(start_paused = true)]
async fn a_healthy_call_is_one_request_and_says_so() {
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder);
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.text(), "hello");
    assert_eq!(reply.meta.facts.request_id(), Some("req_test"));
    assert_eq!(script.sent().len(), 1);
    assert_eq!(
        recorder.labels(),
        ["attempt_started", "first_content", "succeeded"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_overload_is_waited_out_on_the_long_tier() {
    let (reply, script) = ask(vec![overloaded(), overloaded(), Reply::message("hello")]).await;
    let reply = reply.unwrap();
    let outcomes: Vec<_> = reply.meta.attempts.iter().map(|a| a.outcome).collect();
    let failed = Outcome::Failed(ErrorKind::Overloaded);
    assert_eq!(outcomes, [failed, failed, Outcome::Complete]);
    let waits: Vec<_> = reply.meta.attempts.iter().map(|a| a.waited).collect();
    assert!(
        waits[0].is_zero() && waits[1] <= 2 * SECOND && waits[2] <= 4 * SECOND,
        "{waits:?}"
    );
    assert!(
        waits[1] > SECOND / 2 || waits[2] > SECOND,
        "longer than the short tier: {waits:?}"
    );
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_overload_inside_a_200_is_the_same_failure_and_is_retried_too() {
    let inside = |before: String| {
        Reply::stream().body(&(before + &events::error("overloaded_error", "Overloaded")))
    };
    let replies = vec![
        inside(String::new()),
        inside(events::start() + &events::ping()),
        Reply::message("hi"),
    ];
    let (reply, script) = ask(replies).await;
    let reply = reply.unwrap();
    assert_eq!(reply.text(), "hi");
    for attempt in &reply.meta.attempts[..2] {
        assert_eq!(attempt.outcome, Outcome::Failed(ErrorKind::Overloaded));
        assert_eq!(attempt.status, Some(200));
    }
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_with_a_hint_is_waited_out_whole_and_is_free() {
    let limited = Reply::error(429, "rate_limit_error", "slow down").header("retry-after", "20");
    let (reply, script) = ask(vec![limited, Reply::message("hello")]).await;
    assert!(reply.is_ok());
    let times = script.times();
    assert!(
        times[1] >= 20 * SECOND && times[1] <= 25 * SECOND,
        "{times:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_does_not_fit_fails_at_once_and_names_the_moment() {
    let limited = Reply::error(429, "rate_limit_error", "slow down").header("retry-after", "10800");
    let (reply, script) = ask(vec![limited]).await;
    let error = reply.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::RateLimited, Stopped::Patience)
    );
    assert_eq!(error.elapsed(), Duration::ZERO);
    assert_eq!(error.category(), Category::RateLimit);
    let at = error.retry_at().unwrap();
    assert_eq!(at, std::time::SystemTime::UNIX_EPOCH + 10_800 * SECOND);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_must_mend_is_sent_once() {
    let cases = [
        (
            Reply::error(400, "invalid_request_error", "no"),
            ErrorKind::InvalidRequest,
        ),
        (
            Reply::error(401, "authentication_error", "no"),
            ErrorKind::Authentication,
        ),
        (
            Reply::error(403, "permission_error", "no"),
            ErrorKind::PermissionDenied,
        ),
        (
            Reply::error(404, "not_found_error", "no"),
            ErrorKind::NotFound,
        ),
        (
            Reply::error(
                400,
                "invalid_request_error",
                "Your credit balance is too low to",
            ),
            ErrorKind::Billing,
        ),
    ];
    for (reply, kind) in cases {
        let (reply, script) = ask(vec![reply]).await;
        let error = reply.unwrap_err();
        assert_eq!(
            (error.kind(), error.stopped()),
            (kind, Stopped::NotRecoverable)
        );
        assert_eq!(script.sent().len(), 1, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn server_faults_and_lost_connections_are_retried_on_the_short_tier() {
    let cases = [
        Reply::error(500, "api_error", "oops"),
        Reply::status(502)
            .header("content-type", "text/html")
            .body("<html>bad gateway</html>"),
        Reply::lost(Delivery::NotSent),
        Reply::lost(Delivery::Unknown),
        Reply::stream().body(&events::start()).ending(Ending::Cut),
        Reply::stream().body(&events::start()),
        Reply::stream(),
    ];
    for first in cases {
        let what = format!("{first:?}");
        let (reply, script) = ask(vec![first, Reply::message("hello")]).await;
        assert!(reply.is_ok(), "{what}: {reply:?}");
        let times = script.times();
        assert!(
            times.len() == 2 && times[1] <= SECOND / 2,
            "{what}: {times:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn junk_on_a_200_is_tried_once_more_and_no_oftener() {
    let html = Reply::status(200)
        .header("content-type", "text/html")
        .body("<html>");
    let (reply, script) = ask(vec![html]).await;
    let error = reply.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Protocol, Stopped::NotRecoverable)
    );
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_never_followed_nor_retried() {
    let redirect = Reply::status(307).header("location", "https://evil.example/v1/messages");
    let (reply, script) = ask(vec![redirect]).await;
    let error = reply.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_whole_message_where_a_stream_was_asked_is_accepted() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let whole = Reply::status(200)
        .header("content-type", "application/json")
        .body(body);
    let (reply, _) = ask(vec![whole]).await;
    assert_eq!(reply.unwrap().text(), "hello");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_is_given_up_after_fifteen_seconds() {
    let (reply, script) = ask(vec![Reply::lost(Delivery::NotSent)]).await;
    let error = reply.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Connection, Stopped::Patience)
    );
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(error.elapsed() <= 15 * SECOND, "{:?}", error.elapsed());
    assert!(script.sent().len() >= 4, "{:?}", script.times());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_acts_elsewhere_is_not_repeated_unless_it_was_refused() {
    let with_mcp = || request().extra("mcp_servers", vec!["https://mcp.example"]);
    for (reply, sent) in [
        (Reply::lost(Delivery::Unknown), 1),
        (Reply::lost(Delivery::NotSent), 2),
        (overloaded(), 2),
        (Reply::error(500, "api_error", "oops"), 1),
    ] {
        let what = format!("{reply:?}");
        let script = Script::new([reply, Reply::message("hello")]);
        let (client, _) = client(&script, |builder| builder);
        let outcome = client.messages().create(with_mcp()).await;
        assert_eq!(script.sent().len(), sent, "{what}");
        match outcome {
            Ok(_) => assert_eq!(sent, 2),
            Err(error) => assert_eq!(error.stopped(), Stopped::UnsafeToRepeat, "{what}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interactive_call_gives_up_within_its_patience_and_says_why() {
    let script = Script::new([overloaded()]);
    let (client, recorder) = client(&script, |builder| builder.patience(Patience::Interactive));
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Overloaded, Stopped::Attempts)
    );
    assert_eq!(error.attempts().len(), 4);
    assert!(error.elapsed() <= 30 * SECOND);
    assert_eq!(recorder.labels().last(), Some(&"given_up"));
    assert!(error.to_string().contains("after 4 attempts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_does_not_prolong_the_wait_for_an_endpoint_that_never_answers() {
    for seed in 0..50 {
        let script = Script::new([Reply::lost(Delivery::NotSent)]);
        let (client, _) = client(&script, |builder| builder.seed(seed));
        let error = client.messages().create(request()).await.unwrap_err();
        assert!(
            error.elapsed() <= 15 * SECOND,
            "seed {seed}: {:?}",
            error.elapsed()
        );
        assert!(!error.attempts().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_here_knows_reaches_the_reader_also_from_before_the_content() {
    for (given, expected) in [(1, 1), (1_000, 63)] {
        let early = sse("early_news", r#"{"type":"early_news","x":1.50}"#).repeat(given);
        let whole = events::whole("hello");
        let rest = whole.strip_prefix(&events::start()).unwrap();
        let body = events::start() + &early + rest;
        let script = Script::new([Reply::stream().body(&body)]);
        let (client, _) = client(&script, |builder| builder);
        let mut stream = client.messages().stream(request()).await.unwrap();
        let mut names = Vec::new();
        while let Some(event) = stream.next().await {
            names.push(event.unwrap().name().to_owned());
        }
        assert_eq!(names[0], "message_start");
        let news = names.iter().filter(|name| *name == "early_news");
        assert_eq!(news.count(), expected, "of {given}");
        assert_eq!(names[expected + 1], "content_block_start");
    }
}
