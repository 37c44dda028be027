//! A planted prompt and a planted reply are in no `Debug` and no `Display` (law: nothing prints
//! them by default).

use bytes::Bytes;
use evenkeel_messages::sse::SseDecoder;
use evenkeel_messages::{
    Accumulator, ContentBlock, CustomTool, Decoder, MessageParam, MessageRequest, RawJson,
};

use crate::support::{FIXTURES, after_head, drive, facts, frame};

const PLANTED: &str = "XYZZY-PLANTED";

fn assert_silent(printed: &str) {
    assert!(!printed.contains("XYZZY"), "{printed}");
}

/// A reply with the planted word in every place where content can be.
fn planted_stream() -> String {
    let blocks = [
        r#"{"type":"text","text":"@","citations":[{"cited_text":"@"}],"more":"@"}"#,
        r#"{"type":"thinking","thinking":"@","signature":"@"}"#,
        r#"{"type":"redacted_thinking","data":"@"}"#,
        r#"{"type":"tool_use","id":"t","name":"n","input":{"a":"@"}}"#,
        r#"{"type":"server_tool_use","id":"s","name":"n","input":{"a":"@"}}"#,
        r#"{"type":"hologram","light":"@"}"#,
        r#"{"type":"tool_use","id":"u","name":"n","input":{}}"#,
    ];
    let deltas = [
        (0, r#"{"type":"text_delta","text":"@"}"#),
        (
            0,
            r#"{"type":"citations_delta","citation":{"cited_text":"@"}}"#,
        ),
        (1, r#"{"type":"thinking_delta","thinking":"@"}"#),
        (1, r#"{"type":"signature_delta","signature":"@"}"#),
        (5, r#"{"type":"text_delta","text":"@"}"#),
        (5, r#"{"type":"glow_delta","glow":"@"}"#),
        (
            6,
            r#"{"type":"input_json_delta","partial_json":"{\"a\":\"@"}"#,
        ),
    ];
    let mut stream = frame("omen", r#"{"type":"omen","text":"@"}"#);
    stream.push_str(&after_head(""));
    for (index, block) in blocks.iter().enumerate() {
        let data =
            format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#);
        stream.push_str(&frame("content_block_start", &data));
    }
    for (index, delta) in deltas {
        let data = format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#);
        stream.push_str(&frame("content_block_delta", &data));
    }
    stream.replace('@', PLANTED)
}

const END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\",\"stop_sequence\":\"XYZZY\",\"stop_details\":\"XYZZY\"},\"usage\":{}}\n\n";

#[test]
fn no_debug_shows_a_reply() {
    let stream = planted_stream() + END;
    let mut decoder = Decoder::new(facts());
    let mut accumulator = Accumulator::new(facts());
    let mut framer = SseDecoder::new();
    for chunk in stream.as_bytes().chunks(100) {
        framer.feed(Bytes::copy_from_slice(chunk));
        assert_silent(&format!("{framer:?}"));
        assert_silent(&format!("{:?}", framer.next_frame()));
        decoder.feed(Bytes::copy_from_slice(chunk));
        assert_silent(&format!("{decoder:?}"));
        while let Some(event) = decoder.next_event() {
            let event = event.expect("valid");
            assert_silent(&format!("{event:?}"));
            accumulator.push(&event);
            assert_silent(&format!("{accumulator:?} {:?}", accumulator.partial()));
        }
    }
    let message = accumulator
        .end(evenkeel_messages::End::Eof)
        .into_result()
        .expect("complete");
    assert!(message.text().contains(PLANTED));
    assert_eq!(message.unfinished_tools().len(), 3);
    assert_silent(&format!("{message:?} {message:#?}"));
    assert_silent(&format!("{:?}", message.into_param()));
}

#[test]
fn no_error_shows_a_reply() {
    let stream = planted_stream();
    let broken = [
        stream.clone(),
        stream.clone() + "event: content_block_delta\ndata: {\"index\":0,\"delta\":{\"XYZZY\n\n",
        stream.clone() + "data: XYZZY\n\n",
        stream.clone() + &frame("content_block_start", r#"{"index":"XYZZY"}"#),
        stream.clone() + &frame("message_delta", r#"{"delta":{"stop_reason":["XYZZY"]}}"#),
        stream
            + &frame(
                "content_block_stop",
                r#"{"type":"content_block_stop","index":9}"#,
            ),
    ];
    for stream in broken {
        let (accumulator, end) = drive([stream.as_bytes()]);
        let incomplete = accumulator.end(end).into_result().expect_err("incomplete");
        assert_silent(&format!(
            "{incomplete} {incomplete:?} {0} {0:?}",
            incomplete.error
        ));
    }
}

#[test]
fn no_debug_shows_a_prompt() {
    let raw = RawJson::new(PLANTED).expect("a string");
    let request = MessageRequest::new("claude-sonnet-5-5", 10)
        .system(PLANTED)
        .user(PLANTED)
        .message(MessageParam::user(vec![ContentBlock::text(PLANTED)]))
        .tool(CustomTool::new("t", raw.clone()).description(PLANTED))
        .user_id(PLANTED)
        .extra("context", PLANTED);
    assert_silent(&format!("{request:?} {request:#?} {raw:?}"));
    assert_silent(&format!(
        "{:?} {:?}",
        request.messages(),
        request.parameter("system")
    ));
    assert!(format!("{request:?}").contains("messages: 2"));
}

#[test]
fn fixtures_are_silent_too() {
    for (name, stream) in FIXTURES {
        let (accumulator, _) = drive([stream.as_bytes()]);
        let printed = format!("{accumulator:?}");
        assert!(
            !printed.contains("東京") && !printed.contains("12231"),
            "{name}: {printed}"
        );
    }
}
