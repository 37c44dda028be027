//! Failures after content had arrived: nothing cut is ever a message, nothing shown is said twice.

use evenkeel::{ErrorKind, Outcome, Stopped};
use evenkeel_tests::{Ending, Reply, Script, client, events, request, sse};

fn cut_after(text: &str, ending: Ending) -> Reply {
    Reply::stream()
        .body(&(events::start() + &events::text(text)))
        .ending(ending)
}

#[tokio::test(start_paused = true)]
async fn a_collected_call_is_replayed_once_after_a_cut() {
    for ending in [Ending::Clean, Ending::Cut] {
        let script = Script::new([cut_after("half", ending), Reply::message("whole")]);
        let (client, recorder) = client(&script, |builder| builder);
        let reply = client.messages().create(request()).await.unwrap();
        assert_eq!(reply.text(), "whole", "and not half of it twice");
        assert_eq!(
            reply.meta.attempts[0].outcome,
            Outcome::Failed(ErrorKind::Interrupted)
        );
        assert_eq!(reply.meta.billing, evenkeel::Billing::PossiblyBilled);
        assert_eq!(recorder.count("attempt_discarded"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_cut_ends_the_call_with_what_the_last_attempt_brought() {
    let script = Script::new([
        cut_after("first", Ending::Clean),
        cut_after("second", Ending::Clean),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Interrupted, Stopped::Attempts)
    );
    assert_eq!(error.partial().unwrap().text(), "second");
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cut_after_the_stop_reason_is_a_success() {
    let body =
        events::start() + &events::text("all") + &events::block_stop() + &events::stop_reason();
    let script = Script::new([Reply::stream().body(&body).ending(Ending::Cut)]);
    let (client, _) = client(&script, |builder| builder);
    assert_eq!(
        client.messages().create(request()).await.unwrap().text(),
        "all"
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_event_after_content_is_typed_and_keeps_the_partial() {
    let body = events::start() + &events::text("half") + &events::error("overloaded_error", "x");
    let script = Script::new([Reply::stream().body(&body)]);
    let (client, _) = client(&script, |builder| builder);
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.status(), Some(200));
    assert_eq!(error.partial().unwrap().text(), "half");
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reply_with_a_server_tool_is_not_replayed() {
    let block = r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#;
    let body = events::start() + &sse("content_block_start", block);
    let script = Script::new([Reply::stream().body(&body).ending(Ending::Cut)]);
    let (client, _) = client(&script, |builder| builder);
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::UnsafeToRepeat);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_shown_is_not_replayed_and_ends_with_an_error_once() {
    let script = Script::new([cut_after("half", Ending::Clean), Reply::message("whole")]);
    let (client, _) = client(&script, |builder| builder);
    let mut stream = client.messages().stream(request()).await.unwrap();
    let mut text = String::new();
    let error = loop {
        match stream
            .next()
            .await
            .expect("a cut stream does not end as if it were whole")
        {
            Ok(event) => text.push_str(event.text().unwrap_or_default()),
            Err(error) => break error,
        }
    };
    assert_eq!(text, "half");
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Interrupted, Stopped::Released)
    );
    assert!(stream.next().await.is_none(), "fused");
    assert!(stream.finish().await.is_err());
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fault_before_content_is_not_seen_by_who_reads_the_stream() {
    let first = Reply::stream()
        .body(&(events::start() + &events::ping()))
        .ending(Ending::Cut);
    let script = Script::new([first, Reply::message("whole")]);
    let (client, _) = client(&script, |builder| builder);
    let mut stream = client.messages().stream(request()).await.unwrap();
    let mut names = Vec::new();
    while let Some(event) = stream.next().await {
        names.push(event.unwrap().name().to_owned());
    }
    assert_eq!(
        names.iter().filter(|name| *name == "message_start").count(),
        1,
        "{names:?}"
    );
    assert_eq!(stream.finish().await.unwrap().text(), "whole");
}

#[tokio::test(start_paused = true)]
async fn nothing_that_was_shown_is_shown_twice() {
    let delta = |text: &str| {
        let data = format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
        );
        sse("content_block_delta", &data)
    };
    let three = events::start() + &events::text("one ") + &delta("two ") + &delta("three");
    let tool = [
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"buy","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"n\":1}"}}"#,
    ];
    let tool = events::start()
        + &sse("content_block_start", tool[0])
        + &sse("content_block_delta", tool[1])
        + &events::block_stop();
    for (body, shown) in [(three, "one two three"), (tool, "")] {
        let script = Script::new([
            Reply::stream().body(&body).ending(Ending::Cut),
            Reply::message("again"),
        ]);
        let (client, recorder) = client(&script, |builder| builder);
        let mut stream = client.messages().stream(request()).await.unwrap();
        let mut text = String::new();
        let mut errors = 0;
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => text.push_str(event.text().unwrap_or_default()),
                Err(error) => {
                    errors += 1;
                    assert_eq!(error.stopped(), Stopped::Released);
                }
            }
        }
        assert_eq!((text.as_str(), errors, script.sent().len()), (shown, 1, 1));
        assert_eq!(recorder.count("attempt_discarded"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_made_up_to_a_ceiling_of_tokens_that_would_be_paid_for_again() {
    for (ceiling, seen, requests) in [
        (None, 8_192, 2),
        (None, 8_193, 1),
        (Some(5), 5, 2),
        (Some(5), 6, 1),
    ] {
        let count = format!(
            r#"{{"type":"message_delta","delta":{{}},"usage":{{"output_tokens":{seen}}}}}"#
        );
        let body = events::start() + &events::text("half") + &sse("message_delta", &count);
        let cut = Reply::stream().body(&body).ending(Ending::Cut);
        let script = Script::new([cut, Reply::message("whole")]);
        let (client, _) = client(&script, |builder| match ceiling {
            None => builder,
            Some(tokens) => builder.replay_tokens(tokens),
        });
        let outcome = client.messages().create(request()).await;
        assert_eq!(script.sent().len(), requests, "{seen} of {ceiling:?}");
        match outcome {
            Ok(reply) => assert_eq!((reply.text().as_str(), requests), ("whole", 2)),
            Err(error) => {
                assert_eq!(error.stopped(), Stopped::UnsafeToRepeat);
                assert_eq!(error.partial().unwrap().text(), "half");
            }
        }
    }
}
