//! Everything that the server of the storm may do.

use std::time::Duration;

use evenkeel::Delivery;
use evenkeel_tests::{Ending, Reply, events};

use crate::SECOND;

/// What a server may do, and the outcomes that an attempt may have which meets it.
pub(super) const FAULTS: &[(&str, &[&str])] = &[
    ("well", &["complete"]),
    ("slow", &["complete", "deadline_exceeded", "timed_out"]),
    ("unsent", &["connection"]),
    ("reset", &["connection"]),
    ("black_hole", &["timed_out", "deadline_exceeded"]),
    ("bad_request", &["invalid_request"]),
    ("forbidden", &["permission_denied"]),
    ("not_found", &["not_found"]),
    ("too_large", &["request_too_large"]),
    ("limited", &["rate_limited"]),
    ("limited_unsaid", &["rate_limited"]),
    ("broken", &["server_error"]),
    ("edge", &["bad_gateway"]),
    ("unavailable", &["server_error"]),
    ("gateway_timeout", &["server_timeout"]),
    ("overloaded", &["overloaded"]),
    ("overloaded_inside", &["overloaded"]),
    ("cut_before", &["interrupted"]),
    ("cut_after", &["interrupted"]),
    ("silent_after", &["timed_out", "deadline_exceeded"]),
    ("overloaded_after", &["overloaded"]),
    ("junk", &["protocol"]),
    ("page", &["protocol"]),
    ("redirect", &["protocol"]),
    (
        "stuck_error",
        &["overloaded", "deadline_exceeded", "timed_out"],
    ),
    ("late", &["server_timeout"]),
    ("conflict", &["conflict"]),
    ("told_to_retry", &["invalid_request"]),
    ("told_not_to", &["overloaded"]),
    ("refusal", &["complete"]),
    ("cut_at_its_end", &["complete"]),
    ("cut_in_a_tool", &["interrupted"]),
];

/// What it may say of an account, to the calls of one that is in arrears.
pub(super) const ARREARS: &[(&str, &[&str])] = &[
    ("unauthorized", &["authentication"]),
    ("unpaid", &["billing"]),
    ("no_balance", &["billing"]),
    ("capped", &["quota_exhausted"]),
];

/// The faults that come after content: what was generated is paid for, and thrown away.
pub(super) const AFTER_CONTENT: [&str; 4] = [
    "cut_after",
    "silent_after",
    "overloaded_after",
    "cut_in_a_tool",
];

/// What only a stream can do; to a plain request the server cuts its JSON instead.
const OF_STREAMS: [&str; 3] = ["overloaded_after", "cut_at_its_end", "cut_in_a_tool"];

/// What only refuses a request, so that nothing can have been done for it.
pub(super) const REFUSES: [&str; 5] = [
    "unsent",
    "limited",
    "limited_unsaid",
    "overloaded",
    "stuck_error",
];

/// No capacity, before anything of a reply.
pub(super) const OVERLOADED: [&str; 4] = [
    "overloaded",
    "overloaded_inside",
    "stuck_error",
    "told_not_to",
];

/// No reply that begins in time.
pub(super) const SILENT: [&str; 2] = ["black_hole", "slow"];

/// How long the server asks to be left alone by whom it limits and says so.
pub(super) const HINT: Duration = Duration::from_secs(2);

/// How far apart they leave then.
pub(super) const SPACING: Duration = Duration::from_millis(250);

/// What no request follows.
pub(super) const FINAL: [&str; 15] = [
    "well",
    "bad_request",
    "forbidden",
    "not_found",
    "too_large",
    "redirect",
    "conflict",
    "told_not_to",
    "refusal",
    "cut_at_its_end",
    "cut_in_a_tool",
    "unauthorized",
    "unpaid",
    "no_balance",
    "capped",
];

pub(super) fn reply(fault: &str, text: &str) -> Reply {
    let begun = || Reply::stream().body(&events::start());
    let half = || begun().body(&events::text("half"));
    let error = |status, kind| Reply::error(status, kind, "x");
    match fault {
        "well" => Reply::message(text),
        "slow" => Reply::message(text).pause_before_head(8 * SECOND),
        "unsent" => Reply::lost(Delivery::NotSent),
        "reset" => Reply::lost(Delivery::Unknown),
        "black_hole" => Reply::never(),
        "bad_request" => error(400, "invalid_request_error"),
        "forbidden" => error(403, "permission_error"),
        "not_found" => error(404, "not_found_error"),
        "too_large" => error(413, "request_too_large"),
        "limited" => error(429, "rate_limit_error").header("retry-after", "2"),
        "limited_unsaid" => error(429, "rate_limit_error"),
        "broken" => error(500, "api_error"),
        "edge" => Reply::status(502)
            .header("content-type", "text/html")
            .body("<html>"),
        "unavailable" => error(503, "api_error"),
        "gateway_timeout" => error(504, "timeout_error"),
        "overloaded" => error(529, "overloaded_error"),
        "overloaded_inside" => begun().body(&events::error("overloaded_error", "x")),
        "cut_before" => begun().ending(Ending::Cut),
        "cut_after" => half().ending(Ending::Clean),
        "silent_after" => half().ending(Ending::Silence),
        "overloaded_after" => half().body(&events::error("overloaded_error", "x")),
        "junk" => Reply::stream().body("event: message_start\ndata: {\n\n"),
        "page" => Reply::status(200)
            .header("content-type", "text/html")
            .body("<html>"),
        "redirect" => Reply::status(302).header("location", "https://elsewhere.example/"),
        "stuck_error" => error(529, "overloaded_error").ending(Ending::Silence),
        "late" => error(408, "timeout_error"),
        "conflict" => error(409, "invalid_request_error"),
        "told_to_retry" => error(400, "invalid_request_error").header("x-should-retry", "true"),
        "told_not_to" => error(529, "overloaded_error").header("x-should-retry", "false"),
        "refusal" => begun().body(&(events::stop_for("refusal") + &events::stop())),
        "cut_at_its_end" => begun()
            .body(&(events::text(text) + &events::block_stop() + &events::stop_reason()))
            .ending(Ending::Cut),
        "cut_in_a_tool" => half()
            .body(&(events::block_stop() + &events::block(1, &search())))
            .ending(Ending::Cut),
        "unauthorized" => error(401, "authentication_error"),
        "unpaid" => error(402, "billing_error"),
        "no_balance" => Reply::error(
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
        ),
        "capped" => Reply::status(429)
            .header("content-type", "application/json")
            .header("retry-after", "2")
            .body(CAP),
        other => panic!("no such fault: {other}"),
    }
}

const CAP: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#;

/// A tool that the server runs.
fn search() -> serde_json::Value {
    serde_json::json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}})
}

/// The fault that a plain request can meet in place of this one.
pub(super) fn in_one_piece(fault: &'static str) -> &'static str {
    if OF_STREAMS.contains(&fault) {
        "cut_after"
    } else {
        fault
    }
}

/// What a plain request is answered: as any other, but for the bodies behind a 200.
pub(super) fn plain_reply(fault: &str, text: &str) -> Reply {
    let json = || Reply::status(200).header("content-type", "application/json");
    let message = |stop_reason: &str, content: &serde_json::Value| {
        json().body(&whole(stop_reason, content).to_string())
    };
    let said = serde_json::json!([{"type": "text", "text": text}]);
    let half = r#"{"type":"message","id":"msg_1","role":"#;
    match fault {
        "well" => message("end_turn", &said),
        "slow" => message("end_turn", &said).pause_before_head(8 * SECOND),
        "refusal" => message("refusal", &serde_json::json!([])),
        "overloaded_inside" => {
            json().body(r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#)
        }
        "cut_before" => json().ending(Ending::Cut),
        "cut_after" => json().body(half).ending(Ending::Clean),
        "silent_after" => json().body(half).ending(Ending::Silence),
        "junk" => json().body("junk"),
        other => reply(other, text),
    }
}

fn whole(stop_reason: &str, content: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({
        "type": "message", "id": "msg_1", "role": "assistant", "model": "claude-sonnet-5-5",
        "content": content, "stop_reason": stop_reason,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    })
}

/// The outcomes that an attempt may have which meets this.
pub(super) fn expected(fault: &str) -> &'static [&'static str] {
    let mut all = FAULTS.iter().chain(ARREARS);
    all.find(|(name, _)| *name == fault).unwrap().1
}
