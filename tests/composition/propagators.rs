//! Headers that are made for each attempt.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::event::{AttemptHead, Event, What};
use evenkeel::{Credential, ErrorKind, Stopped, Token};
use evenkeel_tests::{Reply, Script, client, request};

fn busy() -> Reply {
    Reply::error(529, "overloaded_error", "x")
}

fn numbers(head: &mut AttemptHead) {
    let context = format!("{}-{}", head.call(), head.attempt());
    head.header("traceparent", context);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_carries_what_its_number_and_its_call_make() {
    let script = Script::new([busy(), busy(), Reply::message("a"), Reply::message("b")]);
    let (client, recorder) = client(&script, |builder| {
        builder
            .propagator(numbers)
            .header("traceparent", "of the client")
    });
    client.messages().create(request()).await.unwrap();
    client.messages().create(request()).await.unwrap();
    let sent = script.sent();
    let contexts: Vec<_> = sent.iter().map(|sent| sent.header("traceparent")).collect();
    assert_eq!(contexts, ["1-1", "1-2", "1-3", "2-1"]);
    for sent in &sent {
        assert_eq!(sent.headers.get_all("traceparent").iter().count(), 1);
    }
    let started = recorder.seen();
    let started = started
        .iter()
        .filter(|seen| seen.label == "attempt_started");
    let lines: Vec<_> = started.map(|seen| seen.line.clone()).collect();
    assert_eq!(lines[2], "call 1: attempt 3 started");
    assert_eq!(lines[3], "call 2: attempt 1 started");
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_before_its_attempt_is_announced_and_once_each() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let (asked, heard) = (Arc::clone(&order), Arc::clone(&order));
    let script = Script::new([busy(), Reply::message("a")]);
    let (client, _) = client(&script, |builder| {
        builder
            .propagator(move |head: &mut AttemptHead| {
                asked.lock().unwrap().push(("asked", head.attempt()));
            })
            .observer(move |event: &Event<'_>| {
                if let What::AttemptStarted { attempt, .. } = event.what {
                    heard.lock().unwrap().push(("started", attempt));
                }
            })
    });
    client.messages().create(request()).await.unwrap();
    assert_eq!(
        *order.lock().unwrap(),
        [("asked", 1), ("started", 1), ("asked", 2), ("started", 2)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_adds_to_what_the_client_adds_and_a_renewed_token_asks_again() {
    let credential = Credential::provider(|| async { Ok(Token::bearer("token")) });
    let script = Script::new([
        Reply::message("a"),
        Reply::error(401, "authentication_error", "x"),
        Reply::message("b"),
    ]);
    let (client, _) = client(&script, |builder| {
        builder.credential(credential).propagator(numbers)
    });
    client.messages().create(request()).await.unwrap();
    let calls = client.messages().propagator(|head: &mut AttemptHead| {
        head.header("baggage", "a=1");
        head.header("baggage", "b=2");
    });
    calls.create(request()).await.unwrap();
    let sent = script.sent();
    assert_eq!(sent.len(), 3);
    assert!(sent[0].headers.get("baggage").is_none());
    for (sent, context) in sent[1..].iter().zip(["2-1", "2-2"]) {
        assert_eq!(sent.header("traceparent"), context);
        let baggage: Vec<_> = sent.headers.get_all("baggage").iter().collect();
        assert_eq!(baggage, ["a=1", "b=2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_has_an_owner_ends_the_call_by_its_name_and_nothing_is_sent() {
    for (name, value) in [
        ("X-Api-Key", "planted"),
        ("authorization", "planted"),
        ("host", "planted"),
        ("anthropic-version", "planted"),
        ("Anthropic-Beta", "planted"),
        ("anthropic-workspace-id", "planted"),
        ("anthropic-user-profile-id", "planted"),
        ("x-fine", "planted\r\nx: y"),
        ("no name", "planted"),
    ] {
        let script = Script::new([Reply::message("hello")]);
        let (client, recorder) = client(&script, |builder| {
            builder.propagator(move |head: &mut AttemptHead| head.header(name, value))
        });
        let error = client.messages().create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{name}");
        assert_eq!(error.stopped(), Stopped::NotRecoverable);
        let text = format!("{error} {error:?} {}", error.report());
        assert!(!text.contains("planted"), "{text}");
        if !name.contains(' ') {
            assert!(text.contains(&name.to_ascii_lowercase()), "{text}");
        }
        assert!(script.sent().is_empty() && error.attempts().is_empty());
        assert_eq!(recorder.labels(), ["given_up"]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_in_the_middle_ends_the_call_and_gives_back_what_it_held() {
    let script = Script::new([busy(), Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder);
    let calls = client.messages().propagator(|head: &mut AttemptHead| {
        if head.attempt() == 2 {
            head.header("host", "x");
        }
    });
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!((script.sent().len(), error.attempts().len()), (1, 1));
    assert_eq!(recorder.labels().last(), Some(&"given_up"));
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.meta.elapsed, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_is_the_end_of_its_call_and_of_no_other() {
    let script = Script::new([Reply::message("hello")]);
    let (client, recorder) = client(&script, |builder| builder);
    let calls = client
        .messages()
        .propagator(|_: &mut AttemptHead| panic!("a propagator's own fault"));
    assert!(
        tokio::spawn(calls.create(request()))
            .await
            .unwrap_err()
            .is_panic()
    );
    assert_eq!(recorder.labels(), ["cancelled"]);
    client.messages().create(request()).await.unwrap();
    assert_eq!(script.sent().len(), 1);
}
