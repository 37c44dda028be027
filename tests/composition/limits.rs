//! Deadlines, patience and timers: nothing ends late, nothing healthy ends early.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use evenkeel::error::{Error, Facts};
use evenkeel::transport::{Body, BoxFuture, Request, Response, Transport};
use evenkeel::{Delivery, ErrorKind, Patience, Stopped};
use evenkeel_tests::{Ending, Reply, Script, client, events, request};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_silence_a_dripping_body_and_a_hint() {
    let drip = (0..600).fold(
        Reply::stream().body(&(events::start() + &events::text("a"))),
        |reply, _| reply.pause(SECOND / 10).body(&events::ping()),
    );
    let hint = Reply::error(429, "rate_limit_error", "x").header("retry-after", "10");
    for (reply, kind) in [
        (Reply::never(), ErrorKind::DeadlineExceeded),
        (drip, ErrorKind::DeadlineExceeded),
        (hint, ErrorKind::RateLimited),
    ] {
        let script = Script::new([reply]);
        let (client, _) = client(&script, |builder| builder);
        let error = client
            .messages()
            .deadline(SECOND)
            .create(request())
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.stopped()), (kind, Stopped::Deadline));
        assert!(
            error.elapsed() <= SECOND + SECOND / 20,
            "{kind}: {:?}",
            error.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_ends_a_replay_leaves_the_cut_as_the_failure() {
    let cut = Reply::stream().body(&(events::start() + &events::text("half")));
    let script = Script::new([cut, Reply::never()]);
    let (client, _) = client(&script, |builder| builder);
    let error = client
        .messages()
        .deadline(20 * SECOND)
        .create(request())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Interrupted, Stopped::Deadline)
    );
    assert_eq!(error.partial().unwrap().text(), "half");
    assert_eq!(
        error.attempts().len(),
        2,
        "the attempt that the deadline ended was sent, too"
    );
}

#[tokio::test(start_paused = true)]
async fn a_healthy_twenty_minute_stream_ends_well_under_every_patience() {
    let slow = (0..20)
        .fold(Reply::stream().body(&(events::start() + &events::text("a"))), |reply, _| {
            reply.pause(MINUTE).body(&events::ping()).body(&evenkeel_tests::sse(
                "content_block_delta",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#,
            ))
        })
        .body(&(events::block_stop() + &events::stop_reason() + &events::stop()));
    for patience in [
        Patience::Interactive,
        Patience::Background,
        Patience::Unattended,
    ] {
        let script = Script::new([slow.clone()]);
        let (client, _) = client(&script, |builder| builder.patience(patience));
        let reply = client.messages().create(request()).await.unwrap();
        assert_eq!(reply.text().len(), 21);
        assert!(reply.meta.elapsed >= 20 * MINUTE);
    }
    let script = Script::new([slow]);
    let (client, _) = client(&script, |builder| builder);
    let error = client
        .messages()
        .deadline(MINUTE)
        .create(request())
        .await
        .unwrap_err();
    assert_eq!(error.stopped(), Stopped::Deadline);
    assert_eq!(error.elapsed(), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_byte_is_given_up_after_three_minutes() {
    let silent = Reply::stream()
        .body(&(events::start() + &events::text("half")))
        .ending(Ending::Silence);
    let script = Script::new([silent, Reply::message("whole")]);
    let (client, recorder) = client(&script, |builder| builder);
    let reply = client.messages().create(request()).await.unwrap();
    let first = &reply.meta.attempts[0];
    assert_eq!(first.outcome.label(), "timed_out");
    assert_eq!(first.elapsed, 3 * MINUTE);
    assert_eq!(recorder.count("quiet"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_leaves_an_interactive_call_room_for_a_second_try() {
    let script = Script::new([Reply::never(), Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder.patience(Patience::Interactive));
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.meta.attempts[0].elapsed, 15 * SECOND);
    assert!(reply.meta.elapsed <= 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_error_body_that_never_ends_costs_seconds_and_none_of_what_the_head_said() {
    let stuck = Reply::error(529, "overloaded_error", "x").ending(Ending::Silence);
    let script = Script::new([stuck, Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    let reply = client.messages().create(request()).await.unwrap();
    assert_eq!(reply.meta.attempts[0].outcome.label(), "overloaded");
    assert_eq!(reply.meta.attempts[0].elapsed, 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_zero_is_refused_before_anything_is_sent() {
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| builder);
    let error = client
        .messages()
        .deadline(Duration::ZERO)
        .create(request())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(script.sent().is_empty());
}

/// What does at every poll all that tokio lets it, once `time` has passed.
#[expect(clippy::panic, reason = "a suite that does not end fails")]
async fn busy(time: Duration) {
    tokio::time::advance(time).await;
    for _ in 0..100_000 {
        tokio::task::coop::consume_budget().await;
    }
    panic!("nothing ends it");
}

/// A transport that leaves its task nothing to do anything else with, in its head or in its body.
#[derive(Clone, Copy, Debug)]
enum Busy {
    Head,
    Plain,
    Stream,
    Download,
}

struct BusyBody(Option<String>, BoxFuture<'static, ()>);

impl futures_core::Stream for BusyBody {
    type Item = Result<bytes::Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.take() {
            Some(first) => Poll::Ready(Some(Ok(first.into()))),
            None => self.1.as_mut().poll(cx).map(|()| None),
        }
    }
}

impl Transport for Busy {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let (first, content_type) = match self {
            Self::Head | Self::Plain => ("{".to_owned(), "application/json"),
            Self::Stream => (events::start() + &events::text("half"), "text/event-stream"),
            Self::Download => ("half".to_owned(), "application/octet-stream"),
        };
        Box::pin(async move {
            if matches!(self, Self::Head) {
                busy(2 * SECOND).await;
            }
            let content_type = http::HeaderValue::from_static(content_type);
            let headers = http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type)]);
            let facts = Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
            let body = Body::from_stream(BusyBody(Some(first), Box::pin(busy(2 * SECOND))));
            Ok(Response::new(facts, headers, body))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_what_uses_up_all_that_a_task_may_do_at_each_poll() {
    for transport in [Busy::Head, Busy::Plain, Busy::Stream, Busy::Download] {
        let (client, _) = client(&transport, |builder| builder);
        let error = match transport {
            Busy::Head | Busy::Plain | Busy::Stream => {
                let calls = client.messages().deadline(SECOND);
                calls.create(request()).await.unwrap_err()
            }
            Busy::Download => {
                let files = client.files().deadline(SECOND);
                let download = files.download("file_1").await.unwrap();
                download.collect().await.unwrap_err()
            }
        };
        assert_eq!(error.stopped(), Stopped::Deadline, "{transport:?}");
    }
}
