//! Another model when the first brings nothing: when, how, and what is said about it.

use std::time::Duration;

use evenkeel::{Client, ErrorKind, Fallback, Fetch, Patience, Stopped, Trigger};
use evenkeel_tests::{
    Ending, PLANTED_KEY, Recorder, Reply, Script, Sent, Server, client, events, request,
    request_to, sse,
};

mod elsewhere;
mod refusals;

const SECOND: Duration = Duration::from_secs(1);

fn overloaded() -> Reply {
    Reply::error(529, "overloaded_error", "x")
}

fn refusal() -> Reply {
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"output_tokens":1}}"#;
    Reply::stream().body(&(events::start() + &sse("message_delta", end) + &events::stop()))
}

fn asks(sent: &Sent, model: &str) -> bool {
    sent.body.contains(&format!("\"model\":\"{model}\""))
}

/// A server whose first model answers so, and whose others are well.
fn first_answers(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::new(move |sent| {
        if asks(sent, "claude-sonnet-5-5") {
            reply()
        } else {
            Reply::message("second")
        }
    })
}

#[tokio::test(start_paused = true)]
async fn every_trigger_sends_a_call_to_the_next_model_and_says_so() {
    let silent = || Reply::stream().ending(Ending::Silence);
    for (reply, trigger, requests) in [
        (overloaded(), Trigger::Overloaded, 3),
        (silent(), Trigger::Silence, 2),
        (Reply::never(), Trigger::Silence, 2),
        (refusal(), Trigger::Refusal, 2),
    ] {
        let server = first_answers(move || reply.clone());
        let (client, recorder) = client(&server, |builder| builder);
        let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
        let reply = calls.create(request()).await.unwrap();
        assert_eq!(reply.text(), "second");
        assert_eq!(reply.meta.attempts.len(), requests, "{trigger:?}");
        assert_eq!(server.sent().len(), requests);
        let [hop] = &reply.meta.fallbacks[..] else {
            panic!("one hop");
        };
        assert_eq!(
            (hop.from.as_str(), hop.to.as_str()),
            ("claude-sonnet-5-5", "claude-haiku-5-5")
        );
        assert_eq!(hop.trigger, trigger);
        assert_eq!(recorder.count("fell_back"), 1);
        assert_eq!(recorder.labels().last(), Some(&"succeeded"));
        let mut stream = calls.stream(request()).await.unwrap();
        let mut text = String::new();
        while let Some(event) = stream.next().await {
            text.push_str(event.unwrap().text().unwrap_or_default());
        }
        assert_eq!(text, "second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_of_the_calls_is_the_requests_and_what_a_fallback_changes_is_changed_in_it_too() {
    let server = first_answers(overloaded);
    let (client, _) = client(&server, |builder| builder);
    let thinks = serde_json::json!({"type": "enabled", "budget_tokens": 1_024});
    let calls = client
        .messages()
        .field("speed", "fast")
        .field("thinking", thinks)
        .field("metadata", serde_json::json!({"user_id": "u"}))
        .fallback(Fallback::to("claude-haiku-5-5").with(|request| request.without("thinking")));
    calls.create(request()).await.unwrap();
    let sent = server.sent();
    let (first, last) = (&sent[0].body, &sent.last().unwrap().body);
    for field in ["speed", "thinking"] {
        assert!(first.contains(field) && !last.contains(field), "{last}");
    }
    assert!(first.contains("user_id") && last.contains("user_id"));
}

#[tokio::test(start_paused = true)]
async fn patience_begins_anew_after_content_also_where_some_was_used_up_before_the_fallback() {
    let half = events::start() + &events::text("half");
    let half = Reply::stream().body(&half).ending(Ending::Cut);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::new(move |sent| {
        if asks(sent, "claude-sonnet-5-5") {
            return Reply::never();
        }
        match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => half.clone(),
            _ => overloaded(),
        }
    });
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::Patience);
    // Two minutes without an answer, and then the ten that it is given, less the last wait.
    let elapsed = error.elapsed();
    assert!(
        elapsed > 640 * SECOND && elapsed <= 720 * SECOND,
        "{elapsed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_sends_calls_on_at_once_and_they_return_to_the_first_model_through_it() {
    let server = Server::new(|sent| {
        if asks(sent, "claude-sonnet-5-5") && sent.at < 60 * SECOND {
            overloaded()
        } else if asks(sent, "claude-sonnet-5-5") {
            Reply::message("first")
        } else {
            Reply::message("second")
        }
    });
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
    let mut at_once = 0;
    let mut last = String::new();
    for _ in 0..120 {
        let reply = calls.create(request()).await.unwrap();
        let by_circuit = reply
            .meta
            .fallbacks
            .first()
            .is_some_and(|hop| hop.trigger == Trigger::CircuitOpen);
        if by_circuit && reply.meta.attempts.len() == 1 {
            assert!(reply.meta.elapsed.is_zero(), "{:?}", reply.meta.elapsed);
            at_once += 1;
        }
        last = reply.text();
        evenkeel_tests::pause(SECOND).await;
    }
    assert!(at_once > 10, "{at_once}");
    assert_eq!(
        last, "first",
        "the first model is asked again once it is well"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_every_circuit_open_says_when_to_come_back() {
    let server = Server::new(|sent| {
        if asks(sent, "claude-opus-5-5") {
            Reply::error(404, "not_found_error", "x")
        } else {
            overloaded()
        }
    });
    let (client, _) = client(&server, |builder| builder.patience(Patience::Interactive));
    for _ in 0..14 {
        for model in ["claude-sonnet-5-5", "claude-haiku-5-5"] {
            let call = client.messages().attempts(1).create(request_to(model));
            call.await.unwrap_err();
        }
        evenkeel_tests::pause(SECOND / 2).await;
    }
    // Circuits that are open as well, and a hop that refuses the request.
    for fallback in ["claude-haiku-5-5", "claude-opus-5-5"] {
        let calls = client.messages().fallback(Fallback::to(fallback));
        let error = calls.create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CircuitOpen, "{fallback}");
        assert!(error.retry_at().is_some(), "{fallback}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_sends_a_call_that_is_not_streamed_to_the_fallback_too() {
    let server = first_answers(Reply::never);
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages().fetch(Fetch::Plain);
    let calls = calls.fallback(Fallback::to("claude-haiku-5-5"));
    let reply = calls.create(request()).await.unwrap();
    assert_eq!(reply.meta.fallbacks[0].trigger, Trigger::Silence);
    // Half of the patience.
    assert_eq!(reply.meta.elapsed.as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_request_or_the_account_never_goes_elsewhere() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
    ] {
        let server = first_answers(move || Reply::error(status, kind, "x"));
        let (client, recorder) = client(&server, |builder| builder);
        let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
        let error = calls.create(request()).await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert_eq!(server.sent().len(), 1);
        assert_eq!(recorder.count("fell_back"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_spend_cap_never_sends_a_call_elsewhere_nor_does_the_latch_that_it_sets() {
    let cap = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    for status in [429, 400, 529] {
        let server = first_answers(move || {
            Reply::status(status)
                .header("content-type", "application/json")
                .header("retry-after", "1")
                .body(cap)
        });
        let (client, recorder) = client(&server, |builder| builder);
        let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
        for stopped in [Stopped::NotRecoverable, Stopped::Latched] {
            let error = calls.create(request()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.stopped()),
                (ErrorKind::QuotaExhausted, stopped),
                "{status}"
            );
        }
        assert_eq!(server.sent().len(), 1);
        assert_eq!(recorder.count("fell_back"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_fallbacks_go_out_as_they_are_typed_and_what_they_say_comes_back() {
    use evenkeel::messages::{ContentBlock, Fallback as Model, Fallbacks};
    let blocks = serde_json::json!([
        {"type": "fallback", "from": {"model": "claude-sonnet-5-5"}, "to": {"model": "b"}},
        {"type": "text", "text": "second"},
    ]);
    let reply = Reply::stream().body(&events::turn("end_turn", &blocks));
    let models = Fallbacks::Models(vec![Model::new("b").max_tokens(32)]);
    for (fallbacks, expected) in [
        (Fallbacks::Default, r#""fallbacks":"default""#),
        (models, r#""fallbacks":[{"model":"b","max_tokens":32}]"#),
    ] {
        let script = Script::new([reply.clone(), overloaded(), overloaded(), reply.clone()]);
        let (client, _) = client(&script, |builder| builder);
        let calls = client.messages().beta("server-side-fallback-2026-07-01");
        let calls = calls.fallback(Fallback::to("c"));
        for _ in 0..2 {
            let request = request().fallbacks(&fallbacks);
            let reply = calls.create(request).await.unwrap();
            assert_eq!(reply.text(), "second");
            assert!(matches!(reply.content[0], ContentBlock::Fallback(_)));
        }
        let sent = script.sent();
        for sent in &sent[..3] {
            assert!(sent.body.contains(expected), "{}", sent.body);
            let beta = sent.header("anthropic-beta");
            assert_eq!(beta, "server-side-fallback-2026-07-01");
        }
        // The client's own fallback is another model, whose fallbacks these are not.
        assert!(!sent[3].body.contains("fallbacks"), "{}", sent[3].body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hop_that_refuses_the_request_is_recorded_and_the_original_failure_returned() {
    let server = Server::new(|sent| {
        if asks(sent, "claude-sonnet-5-5") {
            overloaded()
        } else {
            Reply::error(404, "not_found_error", "x")
        }
    });
    let (client, recorder) = client(&server, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("no-such-model"));
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stopped()),
        (ErrorKind::Overloaded, Stopped::Attempts)
    );
    let outcomes: Vec<_> = error.attempts().iter().map(|a| a.outcome.label()).collect();
    assert_eq!(outcomes, ["overloaded", "overloaded", "not_found"]);
    assert_eq!(recorder.count("given_up"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_reply_when_no_hop_brings_a_better_one() {
    let server = Server::new(|sent| {
        if asks(sent, "claude-sonnet-5-5") {
            refusal()
        } else {
            Reply::error(404, "not_found_error", "x")
        }
    });
    let (client, recorder) = client(&server, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("no-such-model"));
    let reply = calls.create(request()).await.unwrap();
    assert_eq!(
        reply
            .stop_reason
            .as_ref()
            .map(evenkeel::messages::StopReason::as_str),
        Some("refusal")
    );
    let outcomes: Vec<_> = reply
        .meta
        .attempts
        .iter()
        .map(|a| a.outcome.label())
        .collect();
    assert_eq!(outcomes, ["complete", "not_found"]);
    assert_eq!(
        (recorder.count("given_up"), recorder.count("succeeded")),
        (0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_elsewhere_once_content_has_come() {
    let server = Server::new(
        |sent| match (asks(sent, "claude-sonnet-5-5"), sent.at.is_zero()) {
            (true, true) => Reply::stream()
                .body(&(events::start() + &events::text("half")))
                .ending(Ending::Cut),
            (true, false) => overloaded(),
            (false, _) => Reply::message("second"),
        },
    );
    let (client, recorder) = client(&server, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
    let calls = calls.patience(Patience::Interactive);
    let error = calls.create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.partial().unwrap().text(), "half");
    assert_eq!(recorder.count("fell_back"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_acts_elsewhere_does_not_go_on_when_it_may_have_been_carried_out() {
    let server = first_answers(Reply::never);
    let (client, _) = client(&server, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
    let acts = request().extra("mcp_servers", vec!["https://mcp.example"]);
    let error = calls.create(acts).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::UnsafeToRepeat);
    assert_eq!(server.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn patience_and_deadline_hold_for_all_hops_together() {
    let script = Script::new([Reply::never()]);
    let (client, _) = client(&script, |builder| builder);
    let calls = client
        .messages()
        .fallback(Fallback::to("second"))
        .fallback(Fallback::to("third"));
    let error = calls
        .clone()
        .patience(Patience::Interactive)
        .create(request())
        .await
        .unwrap_err();
    assert!(error.elapsed() <= 30 * SECOND && error.elapsed() > 25 * SECOND);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let error = calls
        .deadline(7 * SECOND)
        .create(request())
        .await
        .unwrap_err();
    assert_eq!(
        (error.elapsed(), error.stopped()),
        (7 * SECOND, Stopped::Deadline)
    );
}

#[tokio::test(start_paused = true)]
async fn a_hop_is_sent_with_its_changes_and_without_the_thinking_of_another_model() {
    let script = Script::new([overloaded(), overloaded(), Reply::message("second")]);
    let (client, _) = client(&script, |builder| builder);
    let request = evenkeel::MessageRequest::from_json(br#"{"model":"first","max_tokens":64,"thinking":{"type":"adaptive"},"speed":"fast","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"bound","signature":"s"},{"type":"text","text":"b",  "odd" : 1.0}]},{"role":"user","content":"c"}]}"#).unwrap();
    let fallback =
        Fallback::to("second").with(|request| request.with_max_tokens(32).without("thinking"));
    client
        .messages()
        .fallback(fallback)
        .create(request)
        .await
        .unwrap();
    let sent = script.sent();
    assert!(sent[0].body.contains("bound") && sent[0].body.contains("fast"));
    let hop = &sent[2].body;
    assert!(
        hop.starts_with(r#"{"model":"second","max_tokens":32,"#),
        "{hop}"
    );
    assert!(
        !hop.contains("bound") && !hop.contains("fast") && !hop.contains("adaptive"),
        "{hop}"
    );
    assert!(
        hop.contains(r#""odd" : 1.0"#) || hop.contains(r#""odd":1.0"#),
        "{hop}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hop_may_be_another_endpoint_with_a_credential_and_a_clock_of_its_own() {
    evenkeel_tests::pause(100 * SECOND).await;
    let first = Script::new([Reply::never()]);
    let second = Script::new([Reply::message("elsewhere").pause_before_head(SECOND)]);
    let (primary, _) = client(&first, |builder| builder);
    evenkeel_tests::pause(50 * SECOND).await;
    let heard = Recorder::default();
    let other: Client = Client::with_transport(second.clone())
        .base_url("https://other.example")
        .api_key("sk-other")
        .observer(heard.clone())
        .build()
        .unwrap();
    let calls = primary.messages().deadline(130 * SECOND);
    let calls = calls.fallback(Fallback::to("third").via(other.clone()));
    let reply = calls.create(request_to("first")).await.unwrap();
    assert_eq!(reply.text(), "elsewhere");
    assert_eq!(
        reply.meta.elapsed,
        121 * SECOND,
        "the head limit and a second"
    );
    assert_eq!(second.sent()[0].header("x-api-key"), "sk-other");
    assert_eq!(first.sent()[0].header("x-api-key"), PLANTED_KEY);
    assert_eq!(
        heard.labels(),
        ["attempt_started", "first_content", "succeeded"]
    );
    // A deadline that ends there.
    let calls = primary.messages().deadline(120 * SECOND + SECOND / 2);
    let calls = calls.fallback(Fallback::to("third").via(other));
    let error = calls.create(request_to("first")).await.unwrap_err();
    assert_eq!(error.stopped(), Stopped::Deadline);
    assert_eq!(error.elapsed(), 120 * SECOND + SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn the_attempts_that_a_call_may_make_are_counted_over_all_hops() {
    for patience in [Patience::Interactive, Patience::Background] {
        let server = Server::new(|sent| {
            if asks(sent, "claude-sonnet-5-5") {
                overloaded()
            } else {
                Reply::error(500, "api_error", "x")
            }
        });
        let (client, _) = client(&server, |builder| builder);
        let mut calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
        calls = calls.patience(patience);
        if patience == Patience::Background {
            calls = calls.attempts(4);
        }
        let error = calls.create(request()).await.unwrap_err();
        assert_eq!(error.stopped(), Stopped::Attempts);
        let outcomes: Vec<_> = error.attempts().iter().map(|a| a.outcome.label()).collect();
        assert_eq!(
            outcomes,
            ["overloaded", "overloaded", "server_error", "server_error"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_free_before_a_hop_leaves_the_hop_its_attempts() {
    let limited = || Reply::error(429, "rate_limit_error", "x").header("retry-after", "1");
    let script = Script::new([
        limited(),
        limited(),
        overloaded(),
        overloaded(),
        Reply::error(500, "api_error", "x"),
        Reply::message("second"),
    ]);
    let (client, _) = client(&script, |builder| builder);
    let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
    let reply = calls.attempts(4).create(request()).await.unwrap();
    assert_eq!(reply.text(), "second");
}

#[tokio::test(start_paused = true)]
async fn once_a_hop_brought_content_the_patience_begins_anew_and_whole() {
    let tried = std::sync::atomic::AtomicBool::new(false);
    let server = Server::new(move |sent| {
        if asks(sent, "claude-sonnet-5-5") {
            Reply::never()
        } else if tried.swap(true, std::sync::atomic::Ordering::SeqCst) {
            Reply::message("second").pause_before_head(10 * SECOND)
        } else {
            Reply::stream()
                .body(&(events::start() + &events::text("half")))
                .ending(Ending::Cut)
        }
    });
    let (client, _) = client(&server, |builder| builder.patience(Patience::Interactive));
    let calls = client.messages().fallback(Fallback::to("claude-haiku-5-5"));
    // Half of the patience went by where the call was before; its head may take half of a whole one.
    let reply = calls.create(request()).await.unwrap();
    assert_eq!(reply.text(), "second");
    assert_eq!(reply.meta.attempts.len(), 3);
}
