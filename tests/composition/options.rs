//! What one call sets for itself.

use std::time::Duration;

use evenkeel::{Credential, ErrorKind, Patience, Stopped};
use evenkeel_tests::{PLANTED_KEY, Recorder, Reply, Script, client, request};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn credential_headers_betas_query_and_fields_of_a_call_are_sent_with_it_alone() {
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| {
        builder
            .header("x-team", "client")
            .header("anthropic-beta", "first")
    });
    let calls = client
        .messages()
        .credential(Credential::bearer("callers-token"))
        .header("x-team", "call")
        .beta("second")
        .query("a", "b c")
        .field("service_tier", "standard_only");
    calls.create(request()).await.unwrap();
    client.messages().create(request()).await.unwrap();
    let sent = script.sent();
    let [first, second] = &sent[..] else {
        panic!("two requests");
    };
    assert_eq!(first.path, "/v1/messages?a=b%20c");
    assert_eq!(first.header("authorization"), "Bearer callers-token");
    assert_eq!(first.header("x-api-key"), "");
    assert_eq!(first.header("x-team"), "call");
    assert_eq!(first.header("anthropic-beta"), "first,second");
    assert!(first.body.contains(r#""service_tier":"standard_only""#));
    assert_eq!(second.path, "/v1/messages");
    assert_eq!(second.header("x-api-key"), PLANTED_KEY);
    assert_eq!(second.header("x-team"), "client");
    assert_eq!(second.header("anthropic-beta"), "first");
    assert!(!second.body.contains("service_tier"));
}

#[tokio::test(start_paused = true)]
async fn an_option_that_cannot_be_is_named_and_nothing_is_sent() {
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder);
    let calls = || client.messages();
    for (calls, field) in [
        (calls().attempts(0), "attempts "),
        (calls().deadline(Duration::ZERO), "deadline "),
        (calls().header("host", "x"), "header host "),
        (calls().credential(Credential::api_key("a b")), "api_key "),
        (calls().field("model", "x"), "field "),
        (
            calls().field("number", f64::NAN).field("stream", true),
            "field ",
        ),
    ] {
        let error = calls.create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        let message = error.failure().message().unwrap().to_owned();
        assert!(message.starts_with(field), "{message}");
        assert!(calls.stream(request()).await.is_err());
    }
    assert!(script.sent().is_empty() && recorder.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_number_of_attempts_holds_for_its_call_whatever_the_patience() {
    for attempts in [1, 2, 6] {
        for patience in [Patience::Interactive, Patience::Background] {
            let script = Script::new([Reply::error(500, "api_error", "x")]);
            let (client, _) = client(&script, |builder| {
                let policy = evenkeel::breaker::BreakerConfig::builder()
                    .mode(evenkeel::breaker::Mode::ForcedClosed);
                builder.breaker(policy.build().unwrap())
            });
            let calls = client.messages().patience(patience).attempts(attempts);
            let error = calls.create(request()).await.unwrap_err();
            assert_eq!(error.stopped(), Stopped::Attempts);
            assert_eq!(script.sent().len(), attempts as usize);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_of_a_call_hears_of_that_call_and_after_the_clients() {
    let quiet = Reply::message("hello").pause_before_head(SECOND);
    let script = Script::new([quiet]);
    let (client, of_client) = client(&script, |builder| builder);
    let of_call = Recorder::default();
    let calls = client.messages().observer(of_call.clone());
    calls.create(request()).await.unwrap();
    client.messages().create(request()).await.unwrap();
    assert_eq!(
        of_call.labels(),
        ["attempt_started", "first_content", "succeeded"]
    );
    assert_eq!(of_client.labels().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_stall_warning_reaches_the_observer_of_the_call() {
    let slow = Reply::stream()
        .body(&(evenkeel_tests::events::start() + &evenkeel_tests::events::text("a")))
        .pause(60 * SECOND)
        .body(&(evenkeel_tests::events::block_stop() + &evenkeel_tests::events::stop_reason()))
        .body(&evenkeel_tests::events::stop());
    let script = Script::new([slow]);
    let (client, _) = client(&script, |builder| builder);
    let of_call = Recorder::default();
    let calls = client.messages().observer(of_call.clone());
    calls.create(request()).await.unwrap();
    assert_eq!(of_call.count("quiet"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_size_are_the_callers_to_set() {
    let long = Reply::message(&"x".repeat(2_000));
    for (size, expected) in [(100_000, None), (1_000, Some(ErrorKind::Protocol))] {
        let script = Script::new([long.clone()]);
        let (by_event, _) = client(&script, |builder| builder.event_size(size));
        let found = by_event.messages().create(request()).await;
        assert_eq!(found.err().map(|error| error.kind()), expected);
        let (by_reply, _) = client(&script, |builder| builder.reply_size(size));
        let found = by_reply.messages().create(request()).await;
        assert_eq!(found.err().map(|error| error.kind()), expected);
    }
}
