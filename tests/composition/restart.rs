//! Streams that break off after content, with leave to be asked for again: whoever wipes when told to
//! has never shown anything twice, and nothing that may have run is asked for again.

use std::time::Duration;

use evenkeel::{ErrorKind, MessageStream, Outcome, ReplyEvent, Restart, Stopped};
use evenkeel_tests::{Ending, Reply, Script, client, events, pause, request, sse, within};

const ONCE: Restart = Restart::AtMost(1);

/// Somebody who shows a reply, and takes back what was void.
#[derive(Debug, Default)]
struct Reader {
    shown: String,
    names: Vec<String>,
    discarded: Vec<(u32, ErrorKind)>,
    error: Option<evenkeel::Error>,
}

impl Reader {
    async fn read(mut self, stream: &mut MessageStream) -> Self {
        while let Some(event) = stream.next().await {
            match event {
                Ok(ReplyEvent::AttemptDiscarded { attempt, kind, .. }) => {
                    self.shown.clear();
                    self.names.clear();
                    self.discarded.push((attempt, kind));
                    assert!(stream.message_so_far().is_none(), "nothing of the next yet");
                }
                Ok(ReplyEvent::Event(event)) => {
                    self.shown.push_str(event.text().unwrap_or_default());
                    self.names.push(event.name().to_owned());
                    // What is there is of this attempt alone.
                    let so_far = stream.message_so_far().unwrap().text();
                    assert!(so_far.is_empty() || so_far == self.shown, "{so_far}");
                }
                Err(error) => self.error = Some(error),
            }
        }
        self
    }
}

fn delta(text: &str) -> String {
    let data = format!(
        r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
    );
    sse("content_block_delta", &data)
}

fn three_deltas() -> String {
    events::start() + &events::text("one ") + &delta("two ") + &delta("three")
}

/// A call to a tool, to its last byte of input.
fn call(kind: &str, id: &str) -> String {
    let start = format!(
        r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"{kind}","id":"{id}","name":"buy","input":{{}}}}}}"#
    );
    let input = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"n\":1}"}}"#;
    events::start() + &sse("content_block_start", &start) + &sse("content_block_delta", input)
}

fn cut(body: &str) -> Reply {
    Reply::stream().body(body).ending(Ending::Cut)
}

#[tokio::test(start_paused = true)]
async fn a_reset_after_three_deltas_is_announced_and_the_reply_said_over() {
    let script = Script::new([cut(&three_deltas()), Reply::message("again")]);
    let (client, recorder) = client(&script, |builder| builder);
    let calls = client.messages().restart(ONCE);
    let mut stream = calls.stream(request()).await.unwrap();
    let reader = Reader::default().read(&mut stream).await;
    assert_eq!(reader.discarded, [(1, ErrorKind::Interrupted)]);
    assert_eq!(reader.shown, "again");
    assert_eq!(reader.names.first().unwrap(), "message_start");
    assert!(reader.error.is_none());
    let reply = stream.finish().await.unwrap();
    assert_eq!(reply.text(), "again");
    assert_eq!(script.sent().len(), 2);
    let outcomes: Vec<_> = reply.meta.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Failed(ErrorKind::Interrupted), Outcome::Complete]
    );
    assert_eq!(reply.meta.billing, evenkeel::Billing::PossiblyBilled);
    assert_eq!(
        recorder.labels(),
        [
            "attempt_started",
            "first_content",
            "attempt_failed",
            "attempt_discarded",
            "waiting",
            "attempt_started",
            "first_content",
            "succeeded"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_the_text_or_the_reply_gets_one_attempt_of_it() {
    let script = Script::new([
        cut(&three_deltas()),
        Reply::message("again"),
        cut(&three_deltas()),
        Reply::message("and again"),
    ]);
    let (client, _) = client(&script, |builder| builder.restart(ONCE));
    let stream = client.messages().stream(request()).await.unwrap();
    assert_eq!(stream.text().await.unwrap(), "again");
    let stream = client.messages().stream(request()).await.unwrap();
    assert_eq!(stream.finish().await.unwrap().text(), "and again");
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn wherever_a_stream_is_cut_its_reader_ends_with_the_whole_reply_once() {
    let whole = three_deltas() + &events::block_stop() + &events::stop_reason() + &events::stop();
    let ends = whole.match_indices("\n\n").map(|(at, end)| at + end.len());
    let heads: Vec<_> = ends.map(|end| whole.split_at(end).0).collect();
    for first in &heads {
        for second in &heads {
            let script = Script::new([cut(first), cut(second), Reply::stream().body(&whole)]);
            let (client, _) = client(&script, |builder| builder.restart(Restart::AtMost(2)));
            let mut stream = client.messages().stream(request()).await.unwrap();
            let reader = Reader::default().read(&mut stream).await;
            assert!(
                reader.error.is_none(),
                "{} {}: {reader:?}",
                first.len(),
                second.len()
            );
            assert_eq!(reader.shown, "one two three");
            assert_eq!(stream.finish().await.unwrap().text(), "one two three");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_after_a_finished_tool_call_is_the_end_whatever_the_caller_allows() {
    let body = call("tool_use", "toolu_1") + &events::block_stop();
    for restart in [Restart::Never, ONCE, Restart::AtMost(u32::MAX)] {
        let script = Script::new([cut(&body), Reply::message("again")]);
        let (client, recorder) = client(&script, |builder| builder);
        let calls = client.messages().restart(restart);
        let mut stream = calls.stream(request()).await.unwrap();
        let reader = Reader::default().read(&mut stream).await;
        let error = reader.error.unwrap();
        assert_eq!(error.stopped(), Stopped::Released, "{restart:?}");
        assert_eq!(error.partial().unwrap().content().len(), 1);
        assert!(reader.discarded.is_empty());
        assert_eq!(recorder.count("attempt_discarded"), 0);
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_call_that_was_cut_cannot_have_run_and_is_asked_for_again() {
    let script = Script::new([cut(&call("tool_use", "toolu_1")), Reply::message("again")]);
    let (client, _) = client(&script, |builder| builder.restart(ONCE));
    let mut stream = client.messages().stream(request()).await.unwrap();
    let reader = Reader::default().read(&mut stream).await;
    assert_eq!((reader.discarded.len(), script.sent().len()), (1, 2));
    assert_eq!(reader.shown, "again");
}

#[tokio::test(start_paused = true)]
async fn what_would_be_done_twice_at_the_server_or_elsewhere_is_not_restarted() {
    let at_server = cut(&call("server_tool_use", "srvtoolu_1"));
    let with_mcp = request().extra("mcp_servers", vec!["https://mcp.example"]);
    for (first, request) in [(at_server, request()), (cut(&three_deltas()), with_mcp)] {
        let script = Script::new([first, Reply::message("again")]);
        let (client, _) = client(&script, |builder| builder.restart(ONCE));
        let mut stream = client.messages().stream(request).await.unwrap();
        let reader = Reader::default().read(&mut stream).await;
        assert_eq!(reader.error.unwrap().stopped(), Stopped::UnsafeToRepeat);
        assert!(reader.discarded.is_empty());
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_each_time_is_restarted_as_often_as_allowed() {
    for allowed in [1, 3] {
        let script = Script::new([cut(&three_deltas())]);
        let (client, recorder) = client(&script, |builder| builder);
        let calls = client.messages().restart(Restart::AtMost(allowed));
        let mut stream = calls.stream(request()).await.unwrap();
        let reader = Reader::default().read(&mut stream).await;
        let error = reader.error.unwrap();
        assert_eq!(
            (error.kind(), error.stopped()),
            (ErrorKind::Interrupted, Stopped::Attempts)
        );
        assert_eq!(error.partial().unwrap().text(), "one two three");
        assert_eq!(reader.discarded.len(), allowed as usize);
        assert_eq!(recorder.count("attempt_discarded"), allowed as usize);
        assert_eq!(script.sent().len(), 1 + allowed as usize);
        assert!(stream.finish().await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_call_says_holds_over_what_the_client_says() {
    for (of_client, of_call, sent) in [
        (ONCE, Restart::Never, 1),
        (ONCE, Restart::AtMost(0), 1),
        (Restart::Never, ONCE, 2),
    ] {
        let script = Script::new([cut(&three_deltas()), Reply::message("again")]);
        let (client, _) = client(&script, |builder| builder.restart(of_client));
        let calls = client.messages().restart(of_call);
        let mut stream = calls.stream(request()).await.unwrap();
        let reader = Reader::default().read(&mut stream).await;
        assert_eq!(script.sent().len(), sent);
        assert_eq!(reader.error.is_some(), sent == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_no_attempt_helps_ends_a_stream_that_may_be_restarted() {
    let body = three_deltas() + &events::error("invalid_request_error", "x");
    let script = Script::new([Reply::stream().body(&body), Reply::message("again")]);
    let (client, _) = client(&script, |builder| builder.restart(ONCE));
    let mut stream = client.messages().stream(request()).await.unwrap();
    let reader = Reader::default().read(&mut stream).await;
    assert_eq!(reader.error.unwrap().stopped(), Stopped::NotRecoverable);
    assert!(reader.discarded.is_empty());
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_the_content_of_the_next_attempt_is_not_seen() {
    let script = Script::new([
        cut(&three_deltas()),
        Reply::error(529, "overloaded_error", "x"),
        cut(&events::start()),
        Reply::message("again"),
    ]);
    let (client, _) = client(&script, |builder| builder.restart(ONCE));
    let mut stream = client.messages().stream(request()).await.unwrap();
    let reader = Reader::default().read(&mut stream).await;
    assert_eq!(
        (reader.discarded.len(), reader.shown.as_str()),
        (1, "again")
    );
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_fails_ends_with_its_failure_and_what_was_discarded() {
    let script = Script::new([
        cut(&three_deltas()),
        Reply::error(400, "invalid_request_error", "x"),
    ]);
    let (client, recorder) = client(&script, |builder| builder.restart(ONCE));
    let mut stream = client.messages().stream(request()).await.unwrap();
    let reader = Reader::default().read(&mut stream).await;
    let error = reader.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.partial().unwrap().text(), "one two three");
    assert!(stream.next().await.is_none(), "fused");
    assert!(stream.message_so_far().is_none());
    assert_eq!(recorder.count("given_up"), 1);
    drop(stream);
    assert_eq!(recorder.count("cancelled"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_stream_between_two_attempts() {
    let second = Duration::from_secs(1);
    let busy = Reply::error(529, "overloaded_error", "x").header("retry-after", "5");
    let script = Script::new([cut(&three_deltas()), busy]);
    let (client, _) = client(&script, |builder| builder.restart(ONCE));
    let calls = client.messages().deadline(3 * second);
    let mut stream = calls.stream(request()).await.unwrap();
    let reader = Reader::default().read(&mut stream).await;
    let error = reader.error.unwrap();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Overloaded, Stopped::Deadline)
    );
    assert!(error.elapsed() <= 3 * second);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_between_two_attempts_is_cancelled_and_sends_nothing_more() {
    // Before the next attempt is asked for, in its wait, and while it waits for a head.
    for (waited, sent) in [(None, 1), (Some(0), 1), (Some(60), 2)] {
        let script = Script::new([cut(&three_deltas()), Reply::never()]);
        let (client, recorder) = client(&script, |builder| builder.restart(ONCE));
        let mut stream = client.messages().stream(request()).await.unwrap();
        while let Some(event) = stream.next().await {
            if matches!(event.unwrap(), ReplyEvent::AttemptDiscarded { .. }) {
                break;
            }
        }
        if let Some(seconds) = waited {
            let next = within(Duration::from_secs(seconds), stream.next()).await;
            assert!(next.is_none());
        }
        drop(stream);
        pause(Duration::from_mins(10)).await;
        assert_eq!(recorder.labels().last(), Some(&"cancelled"));
        assert_eq!(recorder.count("cancelled"), 1);
        assert_eq!(script.sent().len(), sent, "{waited:?}");
    }
}
