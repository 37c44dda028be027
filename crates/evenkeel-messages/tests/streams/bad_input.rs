//! What is not what was asked for: a message for a stream, a stream for a message, look-alikes.

use bytes::Bytes;
use evenkeel_error::ErrorKind;
use evenkeel_messages::{
    Accumulator, ContentBlock, Decoder, End, Message, StreamEvent, Strictness, Tail, Verdict,
};

use crate::support::{FIXTURES, TEXT, TOOLS, after_head, drive, facts, frame, message};

#[test]
fn a_whole_message_where_a_stream_was_expected_is_accepted_however_it_is_split() {
    for (name, stream) in FIXTURES {
        let expected = message(stream);
        let json = serde_json::to_vec(&expected).expect("JSON");
        for size in [1, 7, 100, json.len()] {
            let (accumulator, end) = drive(json.chunks(size));
            let found = accumulator.end(end).into_result().expect("complete");
            assert_eq!(
                serde_json::to_vec(&found).expect("JSON"),
                json,
                "{name} in chunks of {size}"
            );
        }
        let padded = [b"\xEF\xBB\xBF \n".as_slice(), &json, b"\n\n"].concat();
        let (accumulator, end) = drive([padded]);
        assert_eq!(accumulator.end(end).label(), "complete", "{name}");
    }
}

#[test]
fn a_whole_message_that_is_cut_is_no_message() {
    let json = serde_json::to_vec(&message(TEXT)).expect("JSON");
    for cut in 1..json.len() {
        let mut decoder = Decoder::new(facts());
        decoder.feed(Bytes::copy_from_slice(&json[..cut]));
        assert!(decoder.next_event().is_none(), "cut at {cut}");
        assert_eq!(decoder.finish(), Tail::Unterminated { bytes: cut as u64 });
    }
}

#[test]
fn an_error_envelope_where_a_stream_was_expected_is_an_error_event() {
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let (accumulator, end) = drive([body]);
    let Verdict::Failed(incomplete) = accumulator.end(end) else {
        panic!("failed")
    };
    assert_eq!(incomplete.error.kind(), ErrorKind::Overloaded);
}

#[test]
fn a_stream_where_a_message_was_expected_is_accepted() {
    for (name, stream) in FIXTURES {
        let found = Message::from_json(stream.as_bytes(), &facts()).expect(name);
        assert_eq!(found, message(stream), "{name}");
    }
    let cut = TEXT.find("event: message_delta").expect("there");
    let error = Message::from_json(&TEXT.as_bytes()[..cut], &facts()).expect_err("truncated");
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn what_cannot_be_read_is_shown_in_a_bounded_scrubbed_sample() {
    let secret = "sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let stream = format!(
        "event: content_block_delta\ndata: {{\"index\":0,\"key\":\"{secret}\",\"x\":\"{}\n\n",
        "y".repeat(5_000)
    );
    let (_, end) = drive([stream.as_bytes()]);
    let End::Failed(error) = end else {
        panic!("failed")
    };
    let sample = error.body().expect("a sample");
    assert!(sample.starts_with("{\"index\":0,"), "{sample}");
    assert!(sample.len() <= 300 && !sample.contains(secret), "{sample}");
    assert!(!format!("{error} {error:?}").contains("index"));
}

#[test]
fn an_event_that_is_not_utf_8_names_event_and_byte() {
    let mut decoder = Decoder::new(facts());
    decoder.feed(Bytes::from_static(
        b"event: ping\ndata: {}\n\nevent: content_block_delta\ndata: {\"a\":\"\xff\"}\n\n",
    ));
    assert!(matches!(
        decoder.next_event(),
        Some(Ok(StreamEvent::Ping { .. }))
    ));
    let error = decoder.next_event().expect("one").expect_err("malformed");
    assert_eq!(
        error.message(),
        Some(
            "malformed content_block_delta event at byte 22 of the stream: byte 6 of its data is not UTF-8"
        )
    );
    assert!(decoder.next_event().is_none());
}

fn relaxed(stream: &str) -> Verdict {
    let mut decoder = Decoder::new(facts());
    let mut accumulator = Accumulator::new(facts()).strictness(Strictness::Relaxed);
    decoder.feed(Bytes::copy_from_slice(stream.as_bytes()));
    while let Some(event) = decoder.next_event() {
        accumulator.push(&event.expect("well formed"));
    }
    accumulator.end(End::Eof)
}

fn without(stream: &str, name: &str) -> String {
    let mark = format!("event: {name}\n");
    stream
        .split_inclusive("\n\n")
        .filter(|frame| !frame.starts_with(&mark))
        .collect()
}

/// What a look-alike may leave out, and what becomes of it strictly and relaxed.
#[test]
fn servers_that_look_alike_may_leave_things_out_where_that_is_allowed() {
    let no_reason = without(TEXT, "message_delta");
    let rows = [
        ("nothing", TEXT.to_owned(), "complete", "complete"),
        ("stop reason", no_reason.clone(), "truncated", "complete"),
        (
            "stop reason, end marker",
            without(&no_reason, "message_stop"),
            "truncated",
            "truncated",
        ),
        (
            "stop reason, end marker of others",
            without(&no_reason, "message_stop") + "data: [DONE]\n\n",
            "truncated",
            "complete",
        ),
        (
            "message_start",
            without(TEXT, "message_start"),
            "failed",
            "complete",
        ),
        (
            "starts of blocks",
            without(TEXT, "content_block_start"),
            "failed",
            "complete",
        ),
        (
            "ends of blocks",
            without(TEXT, "content_block_stop"),
            "complete",
            "complete",
        ),
        (
            "everything but the end marker",
            frame("message_stop", r#"{"type":"message_stop"}"#),
            "failed",
            "empty",
        ),
        (
            "the content and the stop reason",
            after_head("data: [DONE]\n\n"),
            "truncated",
            "truncated",
        ),
        (
            "starts of tool calls",
            without(TOOLS, "content_block_start"),
            "failed",
            "failed",
        ),
        ("everything", String::new(), "empty", "empty"),
    ];
    for (what, stream, strict, expected) in rows {
        let (accumulator, end) = drive([stream.as_bytes()]);
        assert_eq!(
            accumulator.end(end).label(),
            strict,
            "strict, without {what}"
        );
        let verdict = relaxed(&stream);
        assert_eq!(verdict.label(), expected, "relaxed, without {what}");
        if let Verdict::Complete(found) = verdict {
            assert_eq!(found.text(), message(TEXT).text(), "{what}");
        }
    }
}

#[test]
fn a_relaxed_reply_still_has_no_tool_call_that_is_not_whole() {
    let start = frame(
        "content_block_start",
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}"#,
    );
    let input = |json: &str| {
        frame(
            "content_block_delta",
            &format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"input_json_delta","partial_json":"{json}"}}}}"#
            ),
        )
    };
    let stop = frame("message_stop", r#"{"type":"message_stop"}"#);
    let cut = relaxed(&format!("{start}{}{stop}", input("{\\\"a\\\":")));
    let Verdict::Complete(cut) = cut else {
        panic!("complete")
    };
    assert_eq!((cut.content.len(), cut.unfinished_tools().len()), (0, 1));
    let whole = relaxed(&format!("{start}{}{stop}", input("{\\\"a\\\":1}")));
    let Verdict::Complete(whole) = whole else {
        panic!("complete")
    };
    let [ContentBlock::ToolUse(call)] = whole.content.as_slice() else {
        panic!("a call")
    };
    assert_eq!(call.input.get(), r#"{"a":1}"#);
    assert_eq!(whole.stop_reason, None);
}

#[test]
fn a_relaxed_reply_without_ends_of_blocks_has_the_calls_that_its_stop_reason_closes() {
    let whole = message(TOOLS).content;
    let stream = without(TOOLS, "content_block_stop");
    for stream in [stream.clone(), without(&stream, "message_stop")] {
        let found = relaxed(&stream).into_result().expect("complete");
        assert_eq!(found.content, whole);
    }
}

#[test]
fn a_call_without_input_that_nothing_ended_is_not_run_at_the_end_marker_of_others() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}"#;
    let start = frame("content_block_start", start);
    let found = relaxed(&format!("{start}data: [DONE]\n\n"));
    let found = found.into_result().expect("complete");
    assert_eq!(
        (found.tool_calls().count(), found.unfinished_tools().len()),
        (0, 1)
    );
}

#[test]
fn an_error_of_a_server_that_looks_alike_is_no_success_whatever_follows_it() {
    let error = r#"data: {"error":{"message":"upstream failed","code":500}}"#;
    let begun = without(&without(TEXT, "message_delta"), "message_stop");
    let verdict = relaxed(&format!("{begun}{error}\n\ndata: [DONE]\n\n"));
    assert_eq!(verdict.label(), "failed");
}

#[test]
fn content_in_a_message_start_is_never_lost_without_an_error() {
    for content in [r#""Hi""#, r#"[{"type":"text","text":"Hi"}]"#, "{}"] {
        let start =
            format!(r#"{{"type":"message_start","message":{{"id":"m","content":{content}}}}}"#);
        let (_, end) = drive([frame("message_start", &start)]);
        assert!(matches!(end, End::Failed(_)), "{content}");
    }
}
