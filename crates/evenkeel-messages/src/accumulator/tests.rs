use std::time::SystemTime;

use evenkeel_error::ErrorKind;

use super::*;
use crate::event::parse;
use crate::sse::Frame;
use crate::{ContentBlock, StopReason};

fn facts() -> Facts {
    Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH)
}

fn event(data: &str) -> StreamEvent {
    parse(
        &Frame {
            name: None,
            data,
            offset: 0,
        },
        &facts(),
    )
    .expect("well formed")
}

const HEAD: &str = r#"{"type":"message_start","message":{"id":"m","model":"x","content":[],"usage":{"output_tokens":1}}}"#;

fn push_all(events: &[&str]) -> Accumulator {
    let mut accumulator = Accumulator::new(facts());
    for data in events {
        accumulator.push(&event(data));
    }
    accumulator
}

fn start(index: u32, block: &str) -> String {
    format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)
}

fn delta(index: u32, delta: &str) -> String {
    format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
}

fn stop(index: u32) -> String {
    format!(r#"{{"type":"content_block_stop","index":{index}}}"#)
}

fn conclusion(reason: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":9}}}}"#
    )
}

const TEXT: &str = r#"{"type":"text","text":""}"#;
const CALL: &str = r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#;
const MORE_TEXT: &str = r#"{"type":"text_delta","text":"a"}"#;

#[test]
fn events_that_contradict_each_other_are_a_failure_and_no_message() {
    let rows: [(&str, Vec<String>); 9] = [
        ("content before message_start", vec![start(0, TEXT)]),
        ("content before message_start", vec![conclusion("end_turn")]),
        (
            "content before message_start",
            vec![r#"{"type":"message_stop"}"#.to_owned()],
        ),
        (
            "a second message_start",
            vec![HEAD.to_owned(), HEAD.to_owned()],
        ),
        (
            "a block began twice",
            vec![HEAD.to_owned(), start(0, TEXT), start(0, CALL)],
        ),
        (
            "a delta for a block that is not open",
            vec![HEAD.to_owned(), delta(0, MORE_TEXT)],
        ),
        (
            "a delta for a block that is not open",
            vec![
                HEAD.to_owned(),
                start(0, TEXT),
                stop(0),
                delta(0, MORE_TEXT),
            ],
        ),
        (
            "the end of a block that is not open",
            vec![HEAD.to_owned(), stop(0)],
        ),
        (
            "a delta that is no input, for a tool call",
            vec![HEAD.to_owned(), start(0, CALL), delta(0, MORE_TEXT)],
        ),
    ];
    for (what, events) in rows {
        let mut events: Vec<&str> = events.iter().map(String::as_str).collect();
        let end = [
            conclusion("end_turn"),
            r#"{"type":"message_stop"}"#.to_owned(),
        ];
        events.extend(end.iter().map(String::as_str));
        let Verdict::Failed(incomplete) = push_all(&events).end(End::Eof) else {
            panic!("{what}")
        };
        assert_eq!(incomplete.error.kind(), ErrorKind::Protocol);
        assert!(
            incomplete.error.message().expect("one").ends_with(what),
            "{what}"
        );
    }
}

#[test]
fn open_blocks_have_a_limit() {
    let mut accumulator = push_all(&[HEAD]);
    for index in 0..1_001 {
        accumulator.push(&event(&start(index, TEXT)));
    }
    accumulator.push(&event(&conclusion("end_turn")));
    assert_eq!(accumulator.end(End::Eof).label(), "failed");
}

#[test]
fn a_delta_that_does_not_fit_its_block_is_a_failure() {
    let thinking = start(0, r#"{"type":"thinking","thinking":""}"#);
    let accumulator = push_all(&[
        HEAD,
        &thinking,
        &delta(0, MORE_TEXT),
        &conclusion("end_turn"),
    ]);
    assert_eq!(accumulator.end(End::Eof).label(), "failed");
}

/// Input as it came, stop reason: whether the call may be run.
#[test]
fn a_call_is_runnable_only_if_its_input_is_whole() {
    const CLOSED: [&str; 3] = ["tool_use", "end_turn", "pause_turn"];
    const CUT: [&str; 4] = [
        "max_tokens",
        "model_context_window_exceeded",
        "refusal",
        "new",
    ];
    let rows: [(&[&str], bool, bool); 9] = [
        (&[r#"{"a":"#, "1}"], true, true),
        (&["", r#"{"a":1}"#], true, true),
        (&["{}"], true, true),
        (&[""], true, false),
        (&[], true, false),
        (&[r#"{"a":"#], false, false),
        (&[r#"{"a":1}}"#], false, false),
        (&["1"], false, false),
        (&["null"], false, false),
    ];
    for (pieces, if_closed, if_cut) in rows {
        for (reasons, runnable) in [(&CLOSED[..], if_closed), (&CUT[..], if_cut)] {
            for reason in reasons {
                let mut accumulator = push_all(&[HEAD, &start(0, CALL)]);
                for piece in pieces {
                    let piece = serde_json::to_string(piece).expect("a string");
                    let piece = format!(r#"{{"type":"input_json_delta","partial_json":{piece}}}"#);
                    accumulator.push(&event(&delta(0, &piece)));
                }
                accumulator.push(&event(&stop(0)));
                accumulator.push(&event(&conclusion(reason)));
                let message = accumulator.end(End::Eof).into_result().expect("complete");
                let found = (message.content.len(), message.unfinished_tools().len());
                let expected = if runnable { (1, 0) } else { (0, 1) };
                assert_eq!(found, expected, "{pieces:?} {reason}");
            }
        }
    }
}

#[test]
fn a_call_that_was_not_stopped_is_not_runnable_whatever_the_stop_reason() {
    let whole = r#"{"type":"input_json_delta","partial_json":"{\"a\":1}"}"#;
    let events = [
        HEAD,
        &start(0, CALL),
        &delta(0, whole),
        &conclusion("tool_use"),
    ];
    let message = push_all(&events)
        .end(End::Eof)
        .into_result()
        .expect("complete");
    assert!(message.content.is_empty());
    assert_eq!(message.unfinished_tools()[0].input_so_far(), r#"{"a":1}"#);
}

#[test]
fn a_call_without_input_is_whole_once_another_block_follows() {
    let mut accumulator = push_all(&[HEAD, &start(0, CALL), &stop(0)]);
    assert!(accumulator.message_so_far().content().is_empty());
    accumulator.push(&event(&start(1, TEXT)));
    assert_eq!(accumulator.message_so_far().content()[0].kind(), "tool_use");
}

#[test]
fn input_that_came_with_the_start_of_the_block_is_the_input() {
    let call = r#"{"type":"tool_use","id":"t","name":"n","input":{"a":1}}"#;
    let accumulator = push_all(&[HEAD, &start(0, call), &stop(0), &conclusion("max_tokens")]);
    let message = accumulator.end(End::Eof).into_result().expect("complete");
    assert!(
        matches!(&message.content[..], [ContentBlock::ToolUse(call)] if call.input.get() == r#"{"a":1}"#)
    );
}

#[test]
fn blocks_that_overlap_end_up_in_their_order() {
    let events = [
        HEAD,
        &start(1, TEXT),
        &start(0, CALL),
        &delta(1, MORE_TEXT),
        &delta(
            0,
            r#"{"type":"input_json_delta","partial_json":"{\"a\":1}"}"#,
        ),
        &stop(0),
        &stop(1),
    ];
    let accumulator = push_all(&events);
    let kinds: Vec<_> = accumulator
        .message_so_far()
        .content()
        .iter()
        .map(ContentBlock::kind)
        .collect();
    assert_eq!(kinds, ["tool_use", "text"]);
}

#[test]
fn a_fault_after_the_stop_reason_changes_nothing() {
    for end in [
        End::Eof,
        End::Cut(Error::interrupted()),
        End::Failed(Error::protocol("x")),
    ] {
        let mut accumulator = push_all(&[HEAD, &conclusion("end_turn")]);
        // Neither does nonsense.
        accumulator.push(&event(&stop(7)));
        let Verdict::CompleteWithoutStop(message) = accumulator.end(end) else {
            panic!()
        };
        assert_eq!(message.stop_reason, Some(StopReason::EndTurn));
    }
}

#[test]
fn before_the_reply_began_a_fault_is_empty_and_an_error_event_failed() {
    let end = |end| push_all(&[r#"{"type":"ping"}"#]).end(end).label();
    assert_eq!(end(End::Eof), "empty");
    assert_eq!(end(End::Cut(Error::interrupted())), "empty");
    assert_eq!(end(End::Failed(Error::protocol("x"))), "failed");
}

#[test]
fn tools_at_the_server_are_noticed_when_their_block_begins() {
    let rows = [
        (TEXT, ServerTools::None),
        (CALL, ServerTools::None),
        (r#"{"type":"tool_use"}"#, ServerTools::None),
        (r#"{"type":"fallback"}"#, ServerTools::None),
        (
            r#"{"type":"server_tool_use","id":"s","name":"n","input":{}}"#,
            ServerTools::Began,
        ),
        (r#"{"type":"server_tool_use"}"#, ServerTools::Began),
        (
            r#"{"type":"mcp_tool_use","id":"s","name":"n","input":{}}"#,
            ServerTools::Began,
        ),
        (r#"{"type":"mcp_tool_listing"}"#, ServerTools::Began),
        (r#"{"type":"advisor_tool_result"}"#, ServerTools::Began),
    ];
    for (block, expected) in rows {
        assert_eq!(
            push_all(&[HEAD, &start(0, block)]).server_tools(),
            expected,
            "{block}"
        );
    }
}

#[test]
fn output_tokens_seen_are_the_larger_of_count_and_estimate() {
    let text = format!(r#"{{"type":"text_delta","text":"{}"}}"#, "x".repeat(30));
    let mut accumulator = push_all(&[HEAD]);
    assert_eq!(accumulator.output_tokens_seen(), 1);
    accumulator.push(&event(&start(0, TEXT)));
    accumulator.push(&event(&delta(0, &text)));
    assert_eq!(accumulator.output_tokens_seen(), 10);
    let count = r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":900}}"#;
    accumulator.push(&event(count));
    assert_eq!(accumulator.output_tokens_seen(), 900);
}

#[test]
fn a_call_whose_input_may_be_in_deltas_that_are_not_known_is_not_runnable() {
    let unknown = delta(0, r#"{"type":"input_patch_delta","patch":"{\"a\":1}"}"#);
    let events = [
        HEAD,
        &start(0, CALL),
        &unknown,
        &stop(0),
        &conclusion("tool_use"),
    ];
    let message = push_all(&events).end(End::Eof).into_result();
    let message = message.expect("complete");
    assert_eq!(message.tool_calls().count(), 0);
    assert_eq!(message.unfinished_tools().len(), 1);
}

#[test]
fn an_error_event_fails_the_reply_though_its_error_is_not_handed_to_the_end() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let events = [
        HEAD,
        error,
        &conclusion("end_turn"),
        r#"{"type":"message_stop"}"#,
    ];
    let Verdict::Failed(incomplete) = push_all(&events).end(End::Eof) else {
        panic!("failed")
    };
    assert_eq!(incomplete.error.kind(), ErrorKind::Overloaded);
    let events = [HEAD, &conclusion("end_turn"), error];
    let verdict = push_all(&events).end(End::Eof);
    assert_eq!(verdict.label(), "complete_without_stop");
}

#[test]
fn fields_that_are_not_modelled_have_a_limit_in_the_usage_and_after_the_stop_reason_too() {
    let fields: Vec<_> = (0..9_999).map(|n| format!(r#""x{n}":1"#)).collect();
    let many = fields.join(",");
    let grown =
        |fields: &str| format!(r#"{{"type":"message_delta","delta":{{}},"usage":{{{fields}}}}}"#);
    let more = [grown(&many), grown(r#""y":1"#), grown(r#""z":1"#)];
    let [many, last, beyond] = more.each_ref().map(String::as_str);
    let verdict = push_all(&[HEAD, many, last, beyond]).end(End::Eof);
    assert_eq!(verdict.label(), "failed");
    let events = [HEAD, &conclusion("end_turn"), many, last, beyond];
    let message = push_all(&events).end(End::Eof).into_result();
    assert_eq!(message.expect("complete").usage.extra.len(), 10_000);
}
