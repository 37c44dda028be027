//! Clients that are well-behaved and look as if they were not, and the other way round.

use bytes::Bytes;
use hyper::Request;
use serde_json::{Value, json};

use super::*;
use crate::{Cut, Flaw, InProcess, Reply, Scenario, Simulator, clock};

const SECOND: Duration = Duration::from_secs(1);

fn playing(scenario: Scenario) -> InProcess {
    let builder = Simulator::builder().scenario(scenario);
    builder.in_process().unwrap()
}

fn named(name: &str) -> InProcess {
    playing(Scenario::named(name).unwrap())
}

fn body(change: impl FnOnce(&mut Value)) -> Value {
    let hi = json!([{"role": "user", "content": "Hi"}]);
    let mut body = json!({"model": "claude-opus-5", "max_tokens": 500, "messages": hi});
    change(&mut body);
    body
}

/// Sends this and reads what comes to its end; the status.
async fn send(simulator: &InProcess, body: &Value, headers: &[(&str, &str)]) -> Option<u16> {
    let mut request = Request::post("/v1/messages");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let response = simulator.send(request).await.ok()?;
    let (head, mut body) = response.into_parts();
    while let Some(Ok(_)) = body.chunk().await {}
    Some(head.status.as_u16())
}

fn found(simulator: &InProcess) -> Vec<(Rule, u64)> {
    let verdict = simulator.verdict();
    let findings = verdict.findings().iter();
    findings
        .map(|finding| (finding.rule, finding.request))
        .collect()
}

const VERSION: (&str, &str) = ("anthropic-version", "2026-10-21");

#[tokio::test(start_paused = true)]
async fn who_cures_a_refusal_through_a_header_is_not_accused_and_who_cures_nothing_is() {
    let old = [VERSION, ("authorization", "Bearer old")];
    let new = [VERSION, ("authorization", "Bearer new")];
    let key = [VERSION, ("x-api-key", "k")];
    let beta = [VERSION, ("anthropic-beta", "b")];
    let first = [("anthropic-version", "2023-06-01")];
    let refused = || Reply::error(401, "authentication_error", "No");
    let once = || Scenario::script(vec![refused(), Reply::message("Hi")]);
    let strict = || Scenario::named("healthy").unwrap().key_required();
    let plain = body(|_| ());
    let warm = body(|body| body["temperature"] = json!(0.5));
    for (scenario, body, before, after) in [
        (once(), &plain, &old[..], &new[..]),
        (strict(), &plain, &[VERSION][..], &key[..]),
        (once(), &plain, &[][..], &[VERSION][..]),
        (once(), &warm, &[VERSION][..], &first[..]),
        (once(), &plain, &[VERSION][..], &beta[..]),
    ] {
        let simulator = playing(scenario);
        let status = send(&simulator, body, before).await;
        assert!(matches!(status, Some(400 | 401)), "{before:?} {status:?}");
        send(&simulator, body, after).await;
        assert_eq!(found(&simulator), [], "{before:?} {after:?}");
        let again = send(&simulator, body, before).await;
        // What had been refused once is refused again, whatever came between.
        assert!(
            found(&simulator) == [(Rule::RetriedHopeless, 3)],
            "{before:?} {again:?}"
        );
    }
    let simulator = playing(Scenario::script(vec![refused()]));
    send(&simulator, &plain, &old).await;
    send(&simulator, &plain, &old).await;
    let said = simulator.verdict().to_string();
    assert!(said.starts_with("request 2: request 1 got a 401"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_inside_a_200_is_a_failure() {
    let text = || Reply::message("A text that is long enough for a stream of a few deltas.");
    let error = |events| text().error_after_events(events, "overloaded_error", "Overloaded");
    for (reply, flaw, stream) in [
        (error(1), Flaw::ErrorEvent, true),
        (error(4), Flaw::ErrorEvent, true),
        (Reply::raw(200), Flaw::Empty, true),
        (Reply::raw(200), Flaw::Empty, false),
        (Reply::html_gateway(200), Flaw::NotAMessage, true),
        (
            text().malformed_json_after_events(0),
            Flaw::MalformedJson,
            true,
        ),
        (
            text().malformed_json_after_events(0),
            Flaw::MalformedJson,
            false,
        ),
        (Reply::events(vec![]), Flaw::Empty, true),
        (
            Reply::events(vec![crate::SseEvent::ping()]),
            Flaw::Unfinished,
            true,
        ),
    ] {
        let simulator = playing(Scenario::script(vec![reply.clone()]));
        let body = body(|body| body["stream"] = json!(stream));
        for _ in 0..15 {
            assert_eq!(send(&simulator, &body, &[VERSION]).await, Some(200));
        }
        assert_eq!(simulator.journal()[0].flaw, Some(flaw), "{reply:?}");
        let found = found(&simulator);
        assert_eq!(found[0], (Rule::RetriedEarly, 2), "{reply:?}");
        assert!(found.contains(&(Rule::Storm, 11)), "{reply:?} {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_the_stop_reason_has_arrived_is_a_success() {
    let text = "All of it.";
    let whole = || Reply::message(text);
    for reply in [
        whole().cut_after_stop_reason(Cut::Clean),
        whole().cut_after_stop_reason(Cut::Reset),
        whole().error_after_events(99, "overloaded_error", "Overloaded"),
    ] {
        let simulator = playing(Scenario::script(vec![reply.clone()]));
        let stream = body(|body| body["stream"] = json!(true));
        send(&simulator, &stream, &[VERSION]).await;
        let entry = simulator.journal().remove(0);
        assert!(
            !entry.failed() && entry.flaw.is_none(),
            "{reply:?} {entry:?}"
        );
        let goes_on = body(|body| {
            let user = json!({"role": "user", "content": "Hi"});
            let answer = json!({"role": "assistant", "content": text});
            body["messages"] = json!([user, answer, user]);
        });
        send(&simulator, &goes_on, &[VERSION]).await;
        send(&simulator, &stream, &[VERSION]).await;
        assert_eq!(found(&simulator), [], "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_again_after_a_stale_connection_is_not_accused_and_after_a_fresh_one_is() {
    let close = || Reply::close_without_reply();
    let simulator = playing(Scenario::script(vec![
        Reply::message("Hi"),
        close(),
        Reply::message("Hi"),
    ]));
    for text in ["a", "b", "b"] {
        let body = body(|body| body["messages"][0]["content"] = json!(text));
        send(&simulator, &body, &[VERSION]).await;
    }
    let journal = simulator.journal();
    let reused: Vec<_> = journal
        .iter()
        .map(|entry| entry.reused_connection)
        .collect();
    assert_eq!(reused, [false, true, false]);
    assert_eq!(found(&simulator), []);
    let simulator = playing(Scenario::script(vec![close()]));
    for _ in 0..2 {
        send(&simulator, &body(|_| ()), &[VERSION]).await;
    }
    assert_eq!(found(&simulator), [(Rule::RetriedEarly, 2)]);
}

#[tokio::test(start_paused = true)]
async fn thirty_prompts_within_the_wait_of_one_refusal_hammer_the_limit() {
    let simulator = playing(Scenario::script(vec![Reply::rate_limited(SECOND * 30)]));
    for prompt in 0..30 {
        let body = body(|body| body["messages"][0]["content"] = json!(format!("prompt {prompt}")));
        send(&simulator, &body, &[VERSION]).await;
        clock::sleep(SECOND / 2).await;
    }
    assert_eq!(found(&simulator), [(Rule::HammeredLimit, 11)]);
    for patient in [0, 1] {
        let simulator = playing(Scenario::script(vec![Reply::rate_limited(SECOND * 30)]));
        for prompt in 0..30 {
            let body =
                body(|body| body["messages"][0]["content"] = json!(format!("prompt {prompt}")));
            let key = [VERSION, ("x-api-key", ["a", "b", "c", "d"][prompt % 4])];
            send(&simulator, &body, &key).await;
            clock::sleep(SECOND * 30 * patient).await;
        }
        assert_eq!(
            found(&simulator),
            [],
            "each key for itself, or after the wait"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn forty_prompts_one_after_the_other_that_all_fail_are_a_storm_and_side_by_side_are_none() {
    let prompt = |number: usize| {
        body(|body| body["messages"][0]["content"] = json!(format!("prompt {number}")))
    };
    let simulator = named("overloaded");
    for number in 0..40 {
        send(&simulator, &prompt(number), &[VERSION]).await;
        clock::sleep(SECOND / 40).await;
    }
    assert_eq!(found(&simulator), [(Rule::Storm, 31)]);

    let slow = Reply::error(529, "overloaded_error", "Overloaded").pause_before_head(SECOND);
    let simulator = playing(Scenario::script(vec![slow]));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let simulator = simulator.clone();
        tasks.spawn(async move {
            // A fleet whose every member keeps its distance.
            for attempt in 0..3 {
                send(&simulator, &prompt(number), &[VERSION]).await;
                clock::sleep(SECOND * (1 << attempt)).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(found(&simulator), []);

    let simulator = named("bad-request");
    for number in 0..40 {
        send(&simulator, &prompt(number), &[VERSION]).await;
    }
    assert_eq!(found(&simulator), [], "each was wrong by itself");
}

#[tokio::test(start_paused = true)]
async fn metadata_does_not_make_a_retry_another_request_and_mending_it_is_a_cure() {
    let user = |user: usize| body(|body| body["metadata"] = json!({"user_id": user.to_string()}));
    let simulator = named("overloaded");
    for number in 0..12 {
        send(&simulator, &user(number), &[VERSION]).await;
    }
    let found_there = found(&simulator);
    assert_eq!(found_there[0], (Rule::RetriedEarly, 2));
    assert!(found_there.contains(&(Rule::Storm, 11)), "{found_there:?}");
    let simulator = named("bad-request");
    for number in 0..2 {
        send(&simulator, &user(number), &[VERSION]).await;
    }
    assert_eq!(found(&simulator), []);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_tells_the_model_it_was_interrupted_has_not_taken_it_for_whole() {
    let cut = Reply::message("A text that is long enough for a stream of a few deltas.")
        .cut_after_events(6, Cut::Clean);
    for (next, expected) in [
        (
            "Your answer was interrupted. Go on where you left off.",
            vec![],
        ),
        ("That was CUT OFF!", vec![]),
        ("Thanks. And now?", vec![(Rule::AcceptedTruncated, 2)]),
        ("Continue.", vec![(Rule::AcceptedTruncated, 2)]),
    ] {
        let simulator = playing(Scenario::script(vec![cut.clone()]));
        let request = Request::post("/v1/messages").header(VERSION.0, VERSION.1);
        let stream = body(|body| body["stream"] = json!(true)).to_string();
        let response = simulator
            .send(request.body(Bytes::from(stream)).unwrap())
            .await
            .unwrap();
        let (mut reply, mut all) = (response.into_body(), Vec::new());
        while let Some(Ok(chunk)) = reply.chunk().await {
            all.extend(chunk);
        }
        let all = String::from_utf8(all).unwrap();
        let data = all.lines().filter_map(|line| line.strip_prefix("data: "));
        let texts = data.filter_map(|data| {
            let data: Value = serde_json::from_str(data).ok()?;
            Some(data["delta"]["text"].as_str()?.to_owned())
        });
        let said: String = texts.collect();
        assert!(!said.trim().is_empty());
        let goes_on = body(|body| {
            let user = json!({"role": "user", "content": "Hi"});
            let answer = json!({"role": "assistant", "content": said});
            body["messages"] = json!([user, answer, {"role": "user", "content": next}]);
        });
        send(&simulator, &goes_on, &[VERSION]).await;
        assert_eq!(found(&simulator), expected, "{next}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leak_is_told_with_the_journal_that_has_it_and_the_redirect_that_led_there() {
    let simulator = named("redirect");
    let body = body(|_| ());
    send(&simulator, &body, &[VERSION]).await;
    let request = Request::post("http://trap.invalid/trap").header("x-api-key", "k");
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let _ = simulator.send(request).await;
    let verdict = simulator.verdict();
    assert_eq!(verdict.findings()[0].journal, Ledger::Trap);
    assert_eq!(
        verdict.to_string(),
        "request 1 in the trap: a key was sent to another origin, where the 307 of request 1 had led"
    );
}
