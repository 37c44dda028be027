//! What a call says of itself afterwards: records, reasons, events, billing.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use evenkeel::error::{Error, Facts};
use evenkeel::messages::StreamEvent;
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use evenkeel::{Billing, ErrorKind, Patience, ReplyEvent, Stopped};
use evenkeel_tests::{Ending, Reply, Script, client, events, request, request_to};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_attempt_that_a_limit_ended_keeps_the_status_and_id_of_its_head() {
    let quiet = Reply::stream()
        .body(&events::start())
        .ending(Ending::Silence);
    let stalled = Script::new([quiet.clone(), Reply::message("hello")]);
    let (stalling, _) = client(&stalled, |builder| builder);
    let reply = stalling.messages().create(request()).await.unwrap();
    let script = Script::new([quiet]);
    let (hasty, _) = client(&script, |builder| builder);
    let error = hasty
        .messages()
        .deadline(5 * SECOND)
        .create(request())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(200));
    for attempt in [&reply.meta.attempts[0], &error.attempts()[0]] {
        assert_eq!(
            (attempt.status, attempt.request_id.as_deref()),
            (Some(200), Some("req_test"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_produced_may_have_been_billed() {
    let cut = Reply::stream().body(&events::start()).ending(Ending::Cut);
    let page = Reply::status(502)
        .header("content-type", "text/html")
        .body("<html>");
    let junk = Reply::status(200)
        .header("content-type", "application/json")
        .body("{\"type\":\"mess");
    let busy = events::error("overloaded_error", "x");
    let busy_at_once = Reply::stream().body(&(events::start() + &busy));
    let busy_in_the_middle =
        Reply::stream().body(&(events::start() + &events::text("hel") + &busy));
    for (first, billing) in [
        (Reply::error(529, "overloaded_error", "x"), Billing::Once),
        (Reply::lost(evenkeel::Delivery::NotSent), Billing::Once),
        (
            Reply::lost(evenkeel::Delivery::Unknown),
            Billing::PossiblyBilled,
        ),
        (page, Billing::PossiblyBilled),
        (cut, Billing::PossiblyBilled),
        (junk, Billing::PossiblyBilled),
        (busy_at_once, Billing::Once),
        (busy_in_the_middle, Billing::PossiblyBilled),
        (Reply::error(500, "api_error", "x"), Billing::Once),
    ] {
        let what = format!("{first:?}");
        let script = Script::new([first, Reply::message("hello")]);
        let (client, _) = client(&script, |builder| builder);
        let reply = client.messages().create(request()).await.unwrap();
        assert_eq!(reply.meta.billing, billing, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_no_retry_helps_is_not_said_to_be_unsafe_to_repeat() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
    ] {
        let script = Script::new([Reply::error(status, kind, "x")]);
        let (client, _) = client(&script, |builder| builder);
        let with_mcp = request().extra("mcp_servers", vec!["https://mcp.example"]);
        let error = client.messages().create(with_mcp).await.unwrap_err();
        assert_eq!(error.stopped(), Stopped::NotRecoverable);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_to_be_dropped_for_a_replay_that_is_not_made() {
    let body =
        events::start() + &events::text("half") + &events::error("invalid_request_error", "x");
    let script = Script::new([Reply::stream().body(&body)]);
    let (client, recorder) = client(&script, |builder| builder);
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::NotRecoverable);
    assert_eq!(recorder.count("attempt_discarded"), 0);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_whole_but_for_its_last_event_is_complete_at_once() {
    let body =
        events::start() + &events::text("all") + &events::block_stop() + &events::stop_reason();
    for deadline in [SECOND / 2, 60 * SECOND] {
        let script = Script::new([Reply::stream().body(&body).ending(Ending::Silence)]);
        let (client, _) = client(&script, |builder| builder);
        let reply = client
            .messages()
            .deadline(deadline)
            .create(request())
            .await
            .unwrap();
        assert_eq!(reply.text(), "all");
        assert!(reply.meta.elapsed <= SECOND, "{:?}", reply.meta.elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn who_stops_reading_at_the_end_of_the_message_has_not_cancelled_it() {
    let script = Script::new([Reply::message("hello").ending(Ending::Silence)]);
    let (client, recorder) = client(&script, |builder| builder);
    let mut stream = client.messages().stream(request()).await.unwrap();
    while let Some(event) = stream.next().await {
        if matches!(
            event.unwrap(),
            ReplyEvent::Event(StreamEvent::MessageStop { .. })
        ) {
            break;
        }
    }
    drop(stream);
    assert_eq!(
        recorder.labels(),
        ["attempt_started", "first_content", "succeeded"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_leaves_an_interactive_call_half_of_the_rest_for_the_first_event() {
    let slow = Reply::stream()
        .pause_before_head(14 * SECOND)
        .ending(Ending::Silence);
    let script = Script::new([slow, Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.patience(Patience::Interactive));
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.meta.attempts[0].elapsed, 22 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_slow_first_token_after_one_refused_connection_is_waited_for() {
    let slow = Reply::stream()
        .body(&events::start())
        .pause(30 * SECOND)
        .body(&(events::text("worth it") + &events::block_stop()))
        .body(&(events::stop_reason() + &events::stop()));
    let script = Script::new([Reply::lost(evenkeel::Delivery::NotSent), slow]);
    let (client, _) = client(&script, |builder| builder);
    assert_eq!(
        client.messages().create(request()).await.unwrap().text(),
        "worth it"
    );
}

#[tokio::test]
async fn a_body_that_never_ends_and_is_always_ready_cannot_outlive_the_end_of_the_message() {
    let (client, _) = client(&Flood, |builder| builder);
    let reply = client
        .messages()
        .deadline(SECOND)
        .create(request())
        .await
        .unwrap();
    assert_eq!(reply.text(), "hello");
}

#[tokio::test]
async fn a_body_of_pings_that_is_always_ready_ends_at_the_deadline() {
    let (client, _) = client(&Flood, |builder| builder);
    let calls = client.messages().deadline(SECOND / 5);
    let error = calls.create(request_to("only-pings")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.status(), Some(200));
}

/// Answers with a message, or none, and then with pings for as long as anybody listens.
#[derive(Clone)]
struct Flood;

struct Pings(Option<String>);

impl futures_core::Stream for Pings {
    type Item = Result<bytes::Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = self.0.take().unwrap_or_else(events::ping);
        Poll::Ready(Some(Ok(chunk.into())))
    }
}

impl Transport for Flood {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let only_pings = String::from_utf8_lossy(&request.body).contains("only-pings");
        let first = if only_pings {
            events::start()
        } else {
            events::whole("hello")
        };
        let mut headers = http::HeaderMap::new();
        headers.insert(
            "content-type",
            http::HeaderValue::from_static("text/event-stream"),
        );
        let facts = Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
        let body = Body::from_stream(Pings(Some(first)));
        Box::pin(std::future::ready(Ok(Response::new(facts, headers, body))))
    }
}

#[tokio::test(start_paused = true)]
async fn the_ledger_has_what_each_attempt_reported_and_says_what_was_not() {
    let begun = Reply::stream().body(&events::start()).ending(Ending::Cut);
    let half = Reply::stream().body(&(events::start() + &events::text("half")));
    let lost = Reply::lost(evenkeel::Delivery::Unknown);
    let script = Script::new([
        lost,
        Reply::error(529, "overloaded_error", "x"),
        begun,
        half,
        Reply::message("whole"),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let reply = client.messages().create(request()).await.unwrap();
    let reported: Vec<_> = reply
        .meta
        .attempts
        .iter()
        .map(|attempt| attempt.usage.as_ref().and_then(|usage| usage.output_tokens))
        .collect();
    assert_eq!(reported, [None, None, Some(1), Some(1), Some(5)]);
    let ledger = reply.meta.ledger();
    assert_eq!(ledger.input_tokens, Some(30));
    assert_eq!(ledger.output_tokens, Some(7));
    assert_eq!(ledger.cache_read_input_tokens, None, "absent is not zero");
    assert_eq!(
        ledger.unreported, 1,
        "the lost answer may have cost as much again"
    );
}
