//! `evenkeel ask --json`: the report and the exit codes.

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel_simulator::{Cut, Entry, Expected, Reply, Scenario, ScenarioInfo};
use serde_json::{Value, json};

use super::api::Api;
use super::process::{Finished, Running, evenkeel};

const REPORT: [&str; 10] = [
    "outcome",
    "text",
    "stop_reason",
    "model",
    "request_id",
    "usage",
    "simulated",
    "error",
    "attempts",
    "elapsed_ms",
];

const ATTEMPT: [&str; 6] = [
    "number",
    "outcome",
    "status",
    "request_id",
    "waited_ms",
    "elapsed_ms",
];

pub(crate) const ERROR: [&str; 14] = [
    "kind",
    "category",
    "recovery",
    "delivery",
    "stopped",
    "status",
    "type",
    "code",
    "message",
    "request_id",
    "cf_ray",
    "retry_at",
    "after_ms",
    "advice",
];

/// What happens in a named scenario: the outcome and the status of each attempt, and the exit code.
struct Course {
    scenario: &'static str,
    exit: i32,
    attempts: &'static [(&'static str, Option<u16>)],
}

const fn course(
    scenario: &'static str,
    exit: i32,
    attempts: &'static [(&'static str, Option<u16>)],
) -> Course {
    Course {
        scenario,
        exit,
        attempts,
    }
}

const COMPLETE: (&str, Option<u16>) = ("complete", Some(200));
const OVERLOADED: (&str, Option<u16>) = ("overloaded", Some(529));
const INTERRUPTED: (&str, Option<u16>) = ("interrupted", Some(200));

/// Those whose number of attempts does not depend on chance.
const COURSES: &[Course] = &[
    course("healthy", 0, &[COMPLETE]),
    course("overloaded-twice", 0, &[OVERLOADED, OVERLOADED, COMPLETE]),
    course(
        "server-error-once",
        0,
        &[("server_error", Some(500)), COMPLETE],
    ),
    course("rate-limited", 0, &[("rate_limited", Some(429)), COMPLETE]),
    course("rate-limited-for-hours", 75, &[("rate_limited", Some(429))]),
    course("spend-cap", 77, &[("quota_exhausted", Some(429))]),
    course("bad-request", 65, &[("invalid_request", Some(400))]),
    course("unauthorized", 77, &[("authentication", Some(401))]),
    course(
        "overloaded-in-stream",
        0,
        &[("overloaded", Some(200)), COMPLETE],
    ),
    course("cut-before-content", 0, &[INTERRUPTED, COMPLETE]),
    course("cut-mid-stream", 76, &[INTERRUPTED, INTERRUPTED]),
    course("reset-mid-stream-once", 0, &[INTERRUPTED, COMPLETE]),
    course(
        "close-before-reply-once",
        0,
        &[("connection", None), COMPLETE],
    ),
    course("html-gateway", 0, &[("bad_gateway", Some(502)), COMPLETE]),
    course("slow-head", 0, &[COMPLETE]),
];

/// The keys of an object, each of them once.
pub(crate) fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key}: {object}"))
}

fn attempts(report: &Value) -> &[Value] {
    report["attempts"].as_array().expect("a list")
}

/// The exit code that goes with a report.
fn exit(report: &Value) -> i32 {
    let error = &report["error"];
    if error.is_null() {
        return 0;
    }
    match (text(report, "outcome"), text(error, "kind")) {
        ("truncated", _) | (_, "protocol") => 76,
        _ => match text(error, "category") {
            "rate_limit" => 75,
            "authentication" => 77,
            "invalid_request" => 65,
            "server" => 69,
            other => panic!("no exit code for {other}"),
        },
    }
}

/// What holds of every report.
fn check(run: &Finished) -> Value {
    assert_eq!(run.out.lines().count(), 1, "{run:?}");
    let report = run.json();
    assert_eq!(keys(&report), REPORT.into(), "{report}");
    assert_eq!(run.code, Some(exit(&report)), "{report}");
    for (attempt, number) in attempts(&report).iter().zip(1_u64..) {
        assert_eq!(keys(attempt), ATTEMPT.into(), "{report}");
        assert_eq!(attempt["number"], number, "{report}");
        assert!(attempt["waited_ms"].is_u64() && attempt["elapsed_ms"].is_u64());
    }
    assert!(report["elapsed_ms"].is_u64());
    let error = &report["error"];
    if error.is_null() {
        assert_eq!(report["outcome"], "complete");
        assert!(!text(&report, "stop_reason").is_empty(), "{report}");
        assert_eq!(run.err, "");
    } else {
        assert_eq!(keys(error), ERROR.into(), "{report}");
        assert_eq!(report["stop_reason"], Value::Null);
        assert!(!text(error, "advice").is_empty() && !text(error, "stopped").is_empty());
        assert!(!run.err.is_empty());
        assert!(run.err.lines().all(|line| line.starts_with("evenkeel: ")));
    }
    report
}

fn play(info: &ScenarioInfo) {
    let mut command = evenkeel(["ask", "hi", "--json", "--simulate", info.name]);
    if info.expected == Expected::Failed {
        // Those that fail for ever are given up sooner.
        command = command.arg("--deadline").arg("2s");
    }
    let report = check(&command.finish());
    let outcome = match info.expected {
        Expected::Complete => "complete",
        Expected::Truncated => "truncated",
        Expected::Failed => "failed",
        other => panic!("{}: {other:?}", info.name),
    };
    assert_eq!(text(&report, "outcome"), outcome, "{}: {report}", info.name);
    assert_eq!(report["simulated"], true);
    if let Some(course) = COURSES.iter().find(|course| course.scenario == info.name) {
        assert_eq!(exit(&report), course.exit, "{}: {report}", info.name);
        let expected: Vec<_> = course.attempts.iter().map(|step| json!(step)).collect();
        let seen: Vec<_> = attempts(&report)
            .iter()
            .map(|attempt| json!([attempt["outcome"], attempt["status"]]))
            .collect();
        assert_eq!(seen, expected, "{}: {report}", info.name);
    }
}

#[test]
fn every_scenario_ends_as_it_should_with_the_exit_code_of_its_end() {
    std::thread::scope(|scope| {
        for info in Scenario::catalogue() {
            scope.spawn(move || play(info));
        }
    });
}

#[test]
fn two_overloads_are_three_attempts_each_with_its_facts_and_its_wait() {
    let api = Api::start(Scenario::named("overloaded-twice").unwrap());
    let watched = evenkeel(["ask", "hi", "--json", "--base-url", api.base_url()]).start();
    let run = evenkeel(["ask", "hi", "--simulate", "overloaded-twice", "--json"]).finish();
    let (report, watched) = (check(&run), check(&watched.finish()));
    assert_eq!(report["simulated"], true);
    assert_eq!(watched["simulated"], false);
    for report in [&report, &watched] {
        three_attempts(report);
    }
    as_the_server_saw_it(&watched, &api.journal());
}

fn three_attempts(report: &Value) {
    assert_eq!(report["outcome"], "complete");
    assert_eq!(report["stop_reason"], "end_turn");
    assert_eq!(report["text"], "Hello from the simulator: all is well.");
    assert_eq!(report["model"], "claude-sonnet-5-5");
    assert!(
        report["usage"]["output_tokens"].as_u64() > Some(0),
        "{report}"
    );
    let attempts = attempts(report);
    assert_eq!(attempts.len(), 3, "{report}");
    let ids: BTreeSet<_> = attempts
        .iter()
        .map(|attempt| text(attempt, "request_id"))
        .collect();
    assert_eq!(ids.len(), 3, "{report}");
    assert!(ids.iter().all(|id| id.starts_with("req_")), "{report}");
    assert_eq!(report["request_id"], attempts[2]["request_id"]);
    // Full jitter over 2 s, then over 4 s. A timer is late by a little, on a busy machine by more.
    let late = 500;
    let waits: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["waited_ms"].as_u64())
        .collect();
    assert_eq!(waits[0], Some(0), "{report}");
    assert!(waits[1] <= Some(2_000 + late), "{report}");
    assert!(waits[2] <= Some(4_000 + late), "{report}");
}

fn as_the_server_saw_it(report: &Value, journal: &[Entry]) {
    let attempts = attempts(report);
    assert_eq!(journal.len(), attempts.len(), "{report} {journal:?}");
    for (attempt, entry) in attempts.iter().zip(journal) {
        assert_eq!(attempt["status"].as_u64(), entry.status.map(u64::from));
        assert_eq!(attempt["request_id"].as_str(), entry.request_id.as_deref());
    }
    for (attempt, pair) in attempts[1..].iter().zip(journal.windows(2)) {
        let waited = Duration::from_millis(attempt["waited_ms"].as_u64().unwrap());
        assert!(pair[1].at >= pair[0].at + waited, "{report} {journal:?}");
    }
}

#[test]
fn a_truncated_call_has_the_part_that_arrived() {
    let run = evenkeel(["ask", "hi", "--simulate", "cut-mid-stream", "--json"]).finish();
    assert_eq!(run.code, Some(76), "{run:?}");
    let report = check(&run);
    assert_eq!(report["outcome"], "truncated");
    assert!(
        text(&report, "text").starts_with("An even keel"),
        "{report}"
    );
    assert_eq!(report["model"], "claude-sonnet-5-5");
    assert_eq!(report["error"]["kind"], "interrupted");
    assert!(
        report["usage"]["input_tokens"].as_u64() > Some(0),
        "{report}"
    );
}

#[test]
fn a_truncated_call_is_truncated_also_when_the_deadline_ends_it() {
    let api = Api::script(vec![
        Reply::message("A part of this arrives, and then nothing does any more.")
            .cut_after_events(6, Cut::Clean),
        Reply::message("Late.").pause_before_head(Duration::from_secs(3_600)),
    ]);
    let run = evenkeel([
        "ask",
        "hi",
        "--json",
        "--deadline",
        "2s",
        "--base-url",
        api.base_url(),
    ])
    .finish();
    let report = check(&run);
    assert_eq!(run.code, Some(76), "{report}");
    assert_eq!(report["outcome"], "truncated");
    assert!(text(&report, "text").starts_with("A part"), "{report}");
    assert_eq!(report["error"]["stopped"], "deadline");
    assert_eq!(api.journal().len(), 2);
    assert_eq!(attempts(&report).len(), 2, "{report}");
}

#[test]
fn a_closed_port_is_a_connection_that_was_not_sent_to() {
    let api = Api::start(Scenario::refused());
    let limits = [["--deadline", "1s"], ["--patience", "interactive"]];
    let commands = limits.map(|limit| {
        let command = evenkeel(["ask", "hi", "--json", "--base-url", api.base_url()]);
        command.arg(limit[0]).arg(limit[1]).start()
    });
    for run in commands.map(Running::finish) {
        let report = check(&run);
        assert_eq!(run.code, Some(69), "{report}");
        let error = &report["error"];
        assert_eq!(error["kind"], "connection");
        assert_eq!(error["delivery"], "not_sent");
        // What nobody said is null, not left out.
        for absent in [
            "status",
            "type",
            "code",
            "request_id",
            "cf_ray",
            "retry_at",
            "after_ms",
        ] {
            assert_eq!(error[absent], Value::Null, "{absent}: {report}");
        }
        for absent in ["model", "usage", "request_id"] {
            assert_eq!(report[absent], Value::Null, "{absent}: {report}");
        }
        assert_eq!(report["text"], "");
        assert!(run.took < Duration::from_secs(20), "{run:?}");
    }
}

#[test]
fn a_deadline_that_passes_while_nothing_failed_says_so() {
    let api = Api::script(vec![
        Reply::message("Late.").pause_before_head(Duration::from_secs(3_600)),
    ]);
    let run = evenkeel(["ask", "hi", "--json", "--base-url", api.base_url()])
        .arg("--deadline=300ms")
        .finish();
    let report = check(&run);
    assert_eq!(run.code, Some(69), "{report}");
    assert_eq!(report["outcome"], "failed");
    assert_eq!(report["error"]["kind"], "deadline_exceeded");
    assert_eq!(report["error"]["stopped"], "deadline");
    assert_eq!(attempts(&report).len(), 1, "{report}");
}

#[test]
fn a_wait_that_does_not_fit_is_not_begun_and_its_end_is_told() {
    let run = evenkeel([
        "ask",
        "hi",
        "--json",
        "--simulate",
        "rate-limited-for-hours",
    ])
    .finish();
    let report = check(&run);
    let error = &report["error"];
    assert_eq!(error["recovery"], "after");
    assert_eq!(error["after_ms"], 3 * 3_600 * 1_000);
    assert_eq!(error["stopped"], "patience");
    assert!(text(error, "retry_at").ends_with('Z'), "{report}");
    assert!(run.took < Duration::from_secs(10), "{run:?}");
}

#[test]
fn each_category_has_its_exit_code() {
    let page = "<html><head><title>Sign in</title></head></html>";
    let cases = [
        (
            Reply::error(413, "request_too_large", "too large"),
            65,
            "request_too_large",
        ),
        (
            Reply::error(404, "not_found_error", "model: x"),
            65,
            "not_found",
        ),
        (
            Reply::error(402, "billing_error", "no money"),
            77,
            "billing",
        ),
        (
            Reply::error(403, "permission_error", "not you"),
            77,
            "permission_denied",
        ),
        (
            Reply::error(529, "overloaded_error", "Overloaded").header("x-should-retry", "false"),
            69,
            "overloaded",
        ),
        (
            Reply::raw(307).header("location", "https://example.com/"),
            76,
            "protocol",
        ),
        (
            Reply::raw(200)
                .header("content-type", "text/html")
                .body(page),
            76,
            "protocol",
        ),
    ];
    for (reply, code, kind) in cases {
        let api = Api::script(vec![reply]);
        let run = evenkeel(["ask", "hi", "--json", "--base-url", api.base_url()]).finish();
        let report = check(&run);
        assert_eq!(report["error"]["kind"], kind, "{report}");
        assert_eq!(run.code, Some(code), "{report}");
        assert_eq!(report["outcome"], "failed");
        assert_eq!(attempts(&report).len(), api.journal().len(), "{report}");
    }
}

#[test]
fn no_control_character_of_a_reply_stands_bare_in_the_report() {
    let odd = "a\u{1b}[2Jb\u{7f}c\u{9b}d\u{85}";
    let api = Api::script(vec![Reply::message(odd)]);
    let run = evenkeel(["ask", "hi", "--json", "--base-url", api.base_url()]).finish();
    assert_eq!(check(&run)["text"], odd);
    assert!(!run.out.trim_end().contains(char::is_control), "{run:?}");
}
