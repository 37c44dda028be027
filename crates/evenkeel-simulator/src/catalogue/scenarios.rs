//! The scenarios that have a name, one after the other.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::{Expected, GREETING, ScenarioInfo};
use crate::answer::Answer;
use crate::capacity::Capacity;
use crate::distortion::LineEnd;
use crate::reply::{Cut, Reply};
use crate::scenario::Scenario;
use crate::shortage::Shortage;
use crate::when::{Chance, When};

const SECOND: Duration = Duration::from_secs(1);

/// The answer of an API in good health.
pub(crate) fn answer() -> Reply {
    Reply::message(GREETING)
}

/// Long enough that a stream of it is cut after its beginning and well before its end.
fn long_answer() -> Reply {
    Reply::message(
        "An even keel is what a ship is on when it floats upright, neither down by the head nor \
         by the stern. It says nothing about the weather, only about how the ship takes it.",
    )
}

fn overloaded() -> Reply {
    Reply::error(529, "overloaded_error", "Overloaded")
}

fn then_answer(trouble: Vec<Reply>) -> Scenario {
    let mut replies = trouble;
    replies.push(answer());
    Scenario::script(replies)
}

/// `message_start`, `ping`, `content_block_start` and three pieces of text.
const SOME_CONTENT: usize = 6;

/// In the order of the documentation.
pub(crate) const CATALOGUE: &[ScenarioInfo] = &[
    ScenarioInfo {
        name: "healthy",
        summary: "every request is answered",
        expected: Expected::Complete,
        build: || Scenario::script(vec![answer()]),
    },
    ScenarioInfo {
        name: "overloaded-twice",
        summary: "529 overloaded, twice; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![overloaded(), overloaded()]),
    },
    ScenarioInfo {
        name: "overloaded",
        summary: "529 overloaded, for ever",
        expected: Expected::Failed,
        build: || Scenario::script(vec![overloaded()]),
    },
    ScenarioInfo {
        name: "server-error-once",
        summary: "500 internal error, once; then an answer",
        expected: Expected::Complete,
        build: || {
            then_answer(vec![Reply::error(
                500,
                "api_error",
                "Internal server error",
            )])
        },
    },
    ScenarioInfo {
        name: "rate-limited",
        summary: "429 with a retry-after of 1 s, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![Reply::rate_limited(Duration::from_secs(1))]),
    },
    ScenarioInfo {
        name: "rate-limited-for-hours",
        summary: "429 with a retry-after of 3 h, for ever",
        expected: Expected::Failed,
        build: || Scenario::script(vec![Reply::rate_limited(Duration::from_secs(3 * 3_600))]),
    },
    ScenarioInfo {
        name: "spend-cap",
        summary: "429 monthly spend cap reached, without a retry-after, for ever",
        expected: Expected::Failed,
        build: || Scenario::script(vec![Reply::spend_cap()]),
    },
    ScenarioInfo {
        name: "bad-request",
        summary: "400 invalid request, for ever",
        expected: Expected::Failed,
        build: || {
            let message = "messages.0.content.0.text: Input should be a valid string";
            Scenario::script(vec![Reply::error(400, "invalid_request_error", message)])
        },
    },
    ScenarioInfo {
        name: "unauthorized",
        summary: "401 invalid key, for ever",
        expected: Expected::Failed,
        build: || {
            let refusal = Reply::error(401, "authentication_error", "invalid x-api-key");
            Scenario::script(vec![refusal])
        },
    },
    ScenarioInfo {
        name: "overloaded-in-stream",
        summary: "200, then an overloaded error event before any content, once; then an answer",
        expected: Expected::Complete,
        build: || {
            let error = answer().error_after_events(1, "overloaded_error", "Overloaded");
            then_answer(vec![error])
        },
    },
    ScenarioInfo {
        name: "cut-before-content",
        summary: "the stream ends cleanly before any content, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![answer().cut_after_events(1, Cut::Clean)]),
    },
    ScenarioInfo {
        name: "cut-mid-stream",
        summary: "the stream ends cleanly after some content, without a stop reason, for ever",
        expected: Expected::Truncated,
        build: || {
            Scenario::script(vec![
                long_answer().cut_after_events(SOME_CONTENT, Cut::Clean),
            ])
        },
    },
    ScenarioInfo {
        name: "reset-mid-stream-once",
        summary: "the connection is reset after some content, once; then an answer",
        expected: Expected::Complete,
        build: || {
            then_answer(vec![
                long_answer().cut_after_events(SOME_CONTENT, Cut::Reset),
            ])
        },
    },
    ScenarioInfo {
        name: "close-before-reply-once",
        summary: "the connection is closed before the status line, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![Reply::close_without_reply()]),
    },
    ScenarioInfo {
        name: "html-gateway",
        summary: "502 with an HTML page and a cf-ray from the proxy, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![Reply::html_gateway(502)]),
    },
    ScenarioInfo {
        name: "slow-head",
        summary: "2 s before the status line, once; then an answer at once",
        expected: Expected::Complete,
        build: || then_answer(vec![answer().pause_before_head(Duration::from_secs(2))]),
    },
    ScenarioInfo {
        name: "lifelike",
        summary: "answers think and call tools as far as requests ask for it",
        expected: Expected::Complete,
        build: || Scenario::script(vec![Reply::answer(Answer::lifelike(GREETING))]),
    },
    ScenarioInfo {
        name: "refusal",
        summary: "the model refuses: 200 with the stop reason refusal, for ever",
        expected: Expected::Complete,
        build: || {
            Scenario::script(vec![Reply::answer(Answer::refusal(
                "cyber",
                "This request was declined.",
            ))])
        },
    },
    ScenarioInfo {
        name: "forbidden",
        summary: "403 permission denied, for ever",
        expected: Expected::Failed,
        build: || {
            Scenario::script(vec![Reply::error(
                403,
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            )])
        },
    },
    ScenarioInfo {
        name: "not-found",
        summary: "404 not found, for ever",
        expected: Expected::Failed,
        build: || {
            Scenario::script(vec![Reply::error(
                404,
                "not_found_error",
                "model: claude-nowhere",
            )])
        },
    },
    ScenarioInfo {
        name: "too-large",
        summary: "413 from the proxy, in HTML, for ever",
        expected: Expected::Failed,
        build: || Scenario::script(vec![Reply::html_gateway(413)]),
    },
    ScenarioInfo {
        name: "credit-exhausted",
        summary: "400 prepaid credit is used up, for ever",
        expected: Expected::Failed,
        build: || Scenario::script(vec![Reply::out_of(Shortage::Credit)]),
    },
    ScenarioInfo {
        name: "ramp-limited",
        summary: "429 usage grew too fast, with a retry-after of 1 s, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![Reply::out_of(Shortage::Ramp).retry_after(SECOND)]),
    },
    ScenarioInfo {
        name: "gateway-timeout-once",
        summary: "504 timed out, once; then an answer",
        expected: Expected::Complete,
        build: || {
            then_answer(vec![Reply::error(
                504,
                "timeout_error",
                "Request timed out",
            )])
        },
    },
    ScenarioInfo {
        name: "html-on-200-once",
        summary: "200 with an HTML page instead of a message, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![Reply::html_gateway(200)]),
    },
    ScenarioInfo {
        name: "empty-200-once",
        summary: "200 with an empty body, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![Reply::raw(200)]),
    },
    ScenarioInfo {
        name: "malformed-json-once",
        summary: "an event whose JSON is broken, before any content, once; then an answer",
        expected: Expected::Complete,
        build: || then_answer(vec![answer().malformed_json_after_events(0)]),
    },
    ScenarioInfo {
        name: "unknown-events",
        summary: "events, blocks and deltas that no client knows, around an answer",
        expected: Expected::Complete,
        build: || Scenario::script(vec![answer().unknown_events()]),
    },
    ScenarioInfo {
        name: "crlf",
        summary: "the lines of a stream end with CR LF",
        expected: Expected::Complete,
        build: || Scenario::script(vec![answer().line_ends(LineEnd::CrLf)]),
    },
    ScenarioInfo {
        name: "byte-by-byte",
        summary: "a stream in pieces of one byte, which splits characters",
        expected: Expected::Complete,
        build: || {
            Scenario::script(vec![
                Reply::message("Grüße, 世界 🌊").pieces_of(NonZeroUsize::MIN),
            ])
        },
    },
    ScenarioInfo {
        name: "cut-after-stop-reason",
        summary: "the stream ends after its stop reason, without its last event, for ever",
        expected: Expected::Complete,
        build: || Scenario::script(vec![answer().cut_after_stop_reason(Cut::Clean)]),
    },
    ScenarioInfo {
        name: "closed-when-reused",
        summary: "a connection that has served one request is closed at the next",
        expected: Expected::Complete,
        build: || {
            Scenario::script(vec![answer()]).with(
                When::always().on_reused_connection(),
                Reply::close_without_reply(),
            )
        },
    },
    ScenarioInfo {
        name: "redirect",
        summary: "307 to another origin, where a trap notes what it is given, for ever",
        expected: Expected::Failed,
        build: || Scenario::script(vec![Reply::redirect_to_trap(307)]),
    },
    ScenarioInfo {
        name: "flaky",
        summary: "one request in ten is overloaded",
        expected: Expected::Complete,
        build: || {
            Scenario::script(vec![answer()])
                .with(When::always().chance(Chance::percent(10)), overloaded())
        },
    },
    ScenarioInfo {
        name: "busy",
        summary: "two generations at once, at the speed of a real one; more are overloaded",
        expected: Expected::Complete,
        build: || Scenario::script(vec![answer()]).capacity(Capacity::slots(2)),
    },
    ScenarioInfo {
        name: "refused",
        summary: "nothing listens: connections are refused, for ever",
        expected: Expected::Failed,
        build: Scenario::refused,
    },
];
