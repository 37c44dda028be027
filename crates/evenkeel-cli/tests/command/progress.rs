//! What is told on standard error while a call goes on.

use evenkeel_simulator::Reply;

use super::api::Api;
use super::process::{Finished, evenkeel};

#[test]
fn a_pipe_gets_plain_lines_one_for_each_failure_with_its_wait() {
    let failure = Reply::error(500, "api_error", "Internal server error");
    let api = Api::script(vec![failure.clone(), failure, Reply::message("At last.")]);
    let run = evenkeel(["ask", "hi", "--base-url", api.base_url()]).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<_> = run.err.lines().collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    for (line, number) in lines.into_iter().zip(1..) {
        let begin = format!("evenkeel: attempt {number}: server_error: status 500, ");
        assert!(line.starts_with(&begin), "{line}");
        assert!(line.contains("request id req_"), "{line}");
        let (_, wait) = line.rsplit_once("; waiting ").expect("a wait");
        let seconds = wait.strip_suffix(" s").expect("a wait");
        let seconds: f64 = seconds.parse().expect("seconds");
        assert!((0.0..=1.0).contains(&seconds), "{line}");
    }
    assert!(!run.err.contains(['\x1b', '\r']), "{run:?}");
}

#[test]
fn a_wait_that_the_server_asks_for_is_waited_out_and_told_as_one() {
    let ask = || evenkeel(["ask", "hi", "--simulate", "rate-limited"]);
    let reported = ask().arg("--json").start();
    let told = ask().finish();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.err.contains("rate_limited: status 429"), "{told:?}");
    assert!(
        told.err.trim_end().ends_with(" s, as the server asks"),
        "{told:?}"
    );
    let report = reported.finish().json();
    assert!(
        report["attempts"][1]["waited_ms"].as_u64() >= Some(1_000),
        "{report}"
    );
}

/// Standard error without what differs from run to run.
fn told(run: &Finished) -> String {
    let lines = run.err.lines().map(|line| {
        let words = line.split(' ').map(|word| {
            let is_id = word.starts_with("req_");
            let is_time = word.parse::<f64>().is_ok() && word.contains('.');
            match (is_id, is_time) {
                (true, _) => "[id];",
                (_, true) => "[time]",
                _ => word,
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_model_without_capacity_is_left_for_its_fallback_in_words_and_the_report_says_who_answered() {
    let busy = Reply::error(529, "overloaded_error", "Overloaded");
    let replies = vec![
        busy.clone(),
        busy.clone(),
        busy.clone(),
        busy,
        Reply::message("At last."),
    ];
    let api = Api::script(replies.clone());
    let ask = |api: &Api| {
        evenkeel([
            "ask",
            "hi",
            "--base-url",
            api.base_url(),
            "--model",
            "first",
        ])
        .arg("--fallback")
        .arg("second")
        .arg("--fallback=third")
    };
    let run = ask(&api).finish();
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(0), "At last.\n"),
        "{run:?}"
    );
    insta::assert_snapshot!(told(&run), @"
    evenkeel: attempt 1: overloaded: status 529, type overloaded_error, request id [id]; waiting [time] s
    evenkeel: attempt 2: overloaded: status 529, type overloaded_error, request id [id]; there was no capacity twice, asking second
    evenkeel: attempt 3: overloaded: status 529, type overloaded_error, request id [id]; waiting [time] s
    evenkeel: attempt 4: overloaded: status 529, type overloaded_error, request id [id]; there was no capacity twice, asking third
    ");
    let models = api.journal().into_iter().map(|request| {
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        body["model"].as_str().unwrap_or_default().to_owned()
    });
    let models: Vec<_> = models.collect();
    assert_eq!(models, ["first", "first", "second", "second", "third"]);

    let api = Api::script(replies);
    let report = ask(&api).arg("--json").finish().json();
    assert_eq!(report["model"], "third");
    assert_eq!(report["attempts"].as_array().map(Vec::len), Some(5));
    assert_eq!(report["error"], serde_json::Value::Null);
}

#[test]
fn a_refused_request_and_an_account_that_is_refused_are_asked_of_no_fallback() {
    for (reply, code) in [
        (Reply::error(400, "invalid_request_error", "no"), 65),
        (Reply::error(401, "authentication_error", "no"), 77),
    ] {
        let api = Api::script(vec![reply, Reply::message("In vain.")]);
        let run = evenkeel(["ask", "hi", "--base-url", api.base_url()])
            .arg("--fallback=second")
            .finish();
        assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{run:?}");
        assert_eq!(api.journal().len(), 1);
    }
}

#[test]
fn json_keeps_standard_error_for_failures() {
    let run = evenkeel([
        "ask",
        "hi",
        "--simulate",
        "server-error-once",
        "--json",
        "-v",
    ])
    .finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.err, "");
    let run = evenkeel(["ask", "hi", "--simulate", "bad-request", "--json"]).finish();
    assert_eq!(run.code, Some(65), "{run:?}");
    assert!(
        run.err.starts_with("evenkeel: invalid_request: status 400"),
        "{run:?}"
    );
}

#[test]
fn verbose_tells_every_decision_and_at_the_end_every_attempt() {
    let run = evenkeel(["ask", "hi", "--simulate", "overloaded-in-stream", "-v"]).finish();
    assert_eq!(run.code, Some(0), "{run:?}");
    let mut rest = run.err.as_str();
    for told in [
        "attempt 1 started",
        "attempt 1: overloaded: status 200",
        "attempt 2 started",
        "first content of attempt 2",
        "complete",
    ] {
        let (_, after) = rest
            .split_once(told)
            .unwrap_or_else(|| panic!("{told}: {run:?}"));
        rest = after;
    }
    let run = evenkeel(["ask", "hi", "--simulate", "bad-request", "--verbose"]).finish();
    for told in [
        "attempt 1: invalid_request (400)",
        "given up: another attempt cannot help",
        "message: messages.0",
    ] {
        assert!(run.err.contains(told), "{told}: {run:?}");
    }
}

#[test]
fn a_refused_connection_is_told_with_the_systems_own_words() {
    let run = evenkeel(["ask", "hi", "--simulate", "refused", "--deadline", "300ms"]).finish();
    assert_eq!(run.code, Some(69), "{run:?}");
    let first = run.err.lines().next().expect("a line");
    assert!(first.contains("connection: "), "{run:?}");
    assert!(first.contains("os error"), "{run:?}");
    assert!(run.err.contains("the cause: "), "{run:?}");
    assert!(run.err.contains("Check the base URL"), "{run:?}");
}
