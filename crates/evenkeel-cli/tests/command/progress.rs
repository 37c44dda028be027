//! What is told on standard error while a call goes on.

use evenkeel_simulator::Reply;

use super::api::Api;
use super::process::evenkeel;

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
