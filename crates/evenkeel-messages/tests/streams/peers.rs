//! Streams on which other clients were seen to fail: each row of that survey, as a test.

use evenkeel_error::{ErrorKind, Recovery};
use evenkeel_messages::{ContentBlock, Message, RefusalCategory, ServiceTier, StopReason, Verdict};

use crate::support::{
    FIXTURES, GROWN, REFUSAL, SERVER_TOOLS, TEXT, THINKING, TOOLS, after_head, drive, facts, frame,
    message, verdict,
};

#[test]
fn a_clean_end_without_message_stop_after_the_stop_reason_is_complete_and_says_so() {
    let cut = TEXT.find("event: message_stop").expect("there");
    let Verdict::CompleteWithoutStop(message) = verdict(&TEXT[..cut]) else {
        panic!("complete")
    };
    assert_eq!(message.stop_reason, Some(StopReason::EndTurn));
}

#[test]
fn a_clean_end_before_the_stop_reason_is_an_error_with_the_partial() {
    let cut = TEXT.find("event: message_delta").expect("there");
    let incomplete = verdict(&TEXT[..cut]).into_result().expect_err("truncated");
    assert_eq!(incomplete.error.kind(), ErrorKind::Interrupted);
    assert_eq!(incomplete.error.recovery(), Recovery::BackOff);
    assert_eq!(
        incomplete.partial.text(),
        "Grüße aus 東京 🗼, \"quoted\"\nand done."
    );
    assert_eq!(incomplete.partial.usage().cache_read_input_tokens, Some(7));
}

#[test]
fn message_stop_without_a_stop_reason_is_no_message() {
    let delta = TEXT.find("event: message_delta").expect("there");
    let stop = TEXT.find("event: message_stop").expect("there");
    let stream = format!("{}{}", &TEXT[..delta], &TEXT[stop..]);
    assert_eq!(verdict(&stream).label(), "truncated");
}

#[test]
fn an_empty_stop_reason_is_no_stop_reason() {
    assert_eq!(verdict(&TEXT.replace("end_turn", "")).label(), "truncated");
}

#[test]
fn crlf_split_between_cr_and_lf_loses_nothing() {
    let stream = TEXT.replace('\n', "\r\n");
    let chunks = stream.split_inclusive('\r').map(str::as_bytes);
    let (accumulator, end) = drive(chunks);
    assert_eq!(
        accumulator.end(end).into_result().expect("complete"),
        message(TEXT)
    );
}

#[test]
fn a_character_split_between_chunks_is_whole() {
    let (accumulator, end) = drive(TEXT.as_bytes().chunks(1));
    let message = accumulator.end(end).into_result().expect("complete");
    assert_eq!(message.text(), "Grüße aus 東京 🗼, \"quoted\"\nand done.");
}

#[test]
fn usage_at_the_end_with_output_tokens_alone_keeps_the_rest() {
    let usage = message(TEXT).usage;
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(25), Some(15))
    );
    assert_eq!(usage.cache_read_input_tokens, Some(7));
    assert_eq!(usage.service_tier, Some(ServiceTier::Standard));
}

#[test]
fn usage_that_is_null_keeps_what_was_known_and_what_was_never_said_stays_absent() {
    let usage = message(SERVER_TOOLS).usage;
    assert_eq!(usage.cache_creation_input_tokens, Some(0));
    assert_eq!(usage.input_tokens, Some(2679));
    assert_eq!(usage.speed, None);
    let tools = usage.server_tool_use.expect("kept");
    assert_eq!(tools.web_search_requests, Some(1));
    assert_eq!(tools.web_fetch_requests, None);
}

#[test]
fn tool_calls_stay_tool_calls_and_those_without_input_have_an_empty_object() {
    let message = message(TOOLS);
    let calls: Vec<_> = message
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::ToolUse(call) => Some((call.name.as_str(), call.input.get())),
            _ => None,
        })
        .collect();
    let weather = r#"{"city": "Zürich", "days": 3}"#;
    assert_eq!(
        calls,
        [("weather", weather), ("now", "{}"), ("today", "{}")]
    );
    assert!(message.unfinished_tools().is_empty());
    assert_eq!(message.stop_reason, Some(StopReason::ToolUse));
}

#[test]
fn thinking_keeps_its_signature_also_where_nothing_is_displayed() {
    let message = message(THINKING);
    let [
        ContentBlock::Thinking(first),
        redacted,
        ContentBlock::Thinking(hidden),
        text,
    ] = message.content.as_slice()
    else {
        panic!("{message:?}")
    };
    assert_eq!(first.thinking, "First, 27 × 453 = 12231.");
    assert_eq!(first.signature.as_deref().map(str::len), Some(47));
    assert!(matches!(redacted, ContentBlock::RedactedThinking(_)));
    assert_eq!(
        (hidden.thinking.as_str(), hidden.signature.as_deref()),
        ("", Some("c2Vjb25k"))
    );
    assert!(matches!(text, ContentBlock::Text(_)));
}

#[test]
fn server_tools_and_citations_are_collected() {
    let message = message(SERVER_TOOLS);
    let kinds: Vec<_> = message.content.iter().map(ContentBlock::kind).collect();
    assert_eq!(
        kinds,
        [
            "server_tool_use",
            "web_search_tool_result",
            "text",
            "mcp_tool_use"
        ]
    );
    let Some(ContentBlock::Text(text)) = message.content.get(2) else {
        panic!("text")
    };
    assert_eq!(text.citations.as_ref().map(Vec::len), Some(1));
}

#[test]
fn unknown_events_blocks_deltas_fields_and_stop_reasons_are_no_errors() {
    let message = message(GROWN);
    assert_eq!(
        message.stop_reason,
        Some(StopReason::Unknown("went_home".to_owned()))
    );
    assert_eq!(message.text(), "ok");
    let json = serde_json::to_string(&message).expect("JSON");
    for kept in [
        r#""text":"pre merged""#,
        r#""encrypted_content":"enc""#,
        r#""glow":{"b":1,"a":2}"#,
        r#""mood":"fine""#,
        r#""photons":5"#,
        r#""context_management":{"applied_edits":[]}"#,
    ] {
        assert!(json.contains(kept), "{kept} in {json}");
    }
}

#[test]
fn an_unknown_block_and_stop_reason_in_a_plain_reply_are_no_errors() {
    let json = br#"{"id":"m","type":"message","role":"assistant","model":"x","content":[{"type":"new"}],"stop_reason":"tired","usage":{"input_tokens":null}}"#;
    let message = Message::from_json(json, &facts()).expect("a message");
    assert_eq!(message.stop_reason.expect("one").as_str(), "tired");
    assert_eq!(message.usage.input_tokens, None);
}

#[test]
fn an_error_event_is_an_error_wherever_it_comes() {
    let error = frame(
        "error",
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    );
    let early = verdict(&error).into_result().expect_err("failed");
    assert!(early.partial.is_empty());
    assert_eq!(early.error.kind(), ErrorKind::Overloaded);
    assert_eq!(early.error.recovery(), Recovery::BackOffLong);
    let late = TEXT.find("event: content_block_stop").expect("there");
    let Verdict::Failed(late) = verdict(&format!("{}{error}", &TEXT[..late])) else {
        panic!("failed")
    };
    assert!(late.partial.text().starts_with("Grüße"));
}

#[test]
fn a_refusal_without_content_is_a_message() {
    let message = message(REFUSAL);
    assert_eq!(message.stop_reason, Some(StopReason::Refusal));
    assert!(message.content.is_empty());
    let details = message.stop_details().expect("kept");
    assert_eq!(details.category, Some(RefusalCategory::Cyber));
}

#[test]
fn a_page_of_html_is_an_empty_stream_and_no_message() {
    let page = "<!DOCTYPE html>\n<html><body>Just a moment...</body></html>\n\n";
    let Verdict::Empty(incomplete) = verdict(page) else {
        panic!("empty")
    };
    assert_eq!(incomplete.error.kind(), ErrorKind::Protocol);
    assert_eq!(verdict("").label(), "empty");
}

#[test]
fn an_event_that_no_empty_line_ends_does_not_count() {
    let without = TEXT.strip_suffix('\n').expect("one");
    assert_eq!(verdict(without).label(), "complete_without_stop");
}

#[test]
fn malformed_json_names_event_and_offset_and_keeps_the_partial() {
    let stream = after_head("event: content_block_start\ndata: {\"index\":0,\n\n");
    let incomplete = verdict(&stream).into_result().expect_err("failed");
    assert_eq!(incomplete.error.kind(), ErrorKind::Protocol);
    let offset = after_head("").len();
    let expected = format!(
        "malformed content_block_start event at byte {offset} of the stream: its JSON breaks at byte 11 of its data"
    );
    assert_eq!(incomplete.error.message(), Some(expected.as_str()));
    assert_eq!(incomplete.error.body(), Some("{\"index\":0,"), "a sample");
    assert!(!format!("{0} {0:?}", incomplete.error).contains("index"));
    assert_eq!(
        incomplete.partial.id(),
        Some("msg_01XFDUDYJgAACzvnptvVoYEL")
    );
}

#[test]
fn invalid_utf_8_is_an_error_and_never_replaced() {
    let mut bytes = after_head("").into_bytes();
    bytes.extend_from_slice(b"event: content_block_start\ndata: {\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\xff\"}}\n\n");
    let (accumulator, end) = drive([bytes.as_slice()]);
    let incomplete = accumulator.end(end).into_result().expect_err("failed");
    assert_eq!(incomplete.error.kind(), ErrorKind::Protocol);
}

#[test]
fn events_without_a_name_and_data_without_a_type_are_understood() {
    for (name, stream) in FIXTURES {
        let unnamed: String = stream
            .lines()
            .filter(|line| !line.starts_with("event:"))
            .map(|l| l.to_owned() + "\n")
            .collect();
        assert_eq!(message(&unnamed), message(stream), "{name}");
    }
    let untyped = TEXT
        .replace(r#"{"type":"content_block_delta","#, "{")
        .replace(r#"{"type":"message_stop"}"#, "{}");
    assert_eq!(message(&untyped), message(TEXT));
}

#[test]
fn spaces_after_the_json_and_the_end_marker_of_look_alikes_are_harmless() {
    let stream = TEXT.replace("}\n\n", "}   \n\n") + "data: [DONE]\n\n";
    assert_eq!(message(&stream), message(TEXT));
    let early = after_head("data: [DONE]\n\n");
    assert_eq!(verdict(&early).label(), "truncated");
}
