use std::time::SystemTime;

use evenkeel_error::ErrorKind;

use super::*;

fn facts() -> Facts {
    Facts::read(200, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH)
}

fn read(body: &str) -> Result<Message, Error> {
    Message::from_json(body.as_bytes(), &facts())
}

const WHOLE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
    {"type":"text","text":"Hi "},{"type":"text","text":"there"},
    {"type":"tool_use","id":"t","name":"n","input":{"a":1}}],
    "stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"usage":{"input_tokens":3,"output_tokens":5}}"#;

#[test]
fn a_whole_json_message_is_read() {
    let message = read(WHOLE).expect("a message");
    assert_eq!(message.text(), "Hi there");
    assert_eq!(message.stop_reason, Some(StopReason::ToolUse));
    assert_eq!(
        (message.usage.input_tokens, message.usage.output_tokens),
        (Some(3), Some(5))
    );
    assert!(matches!(
        message.content.last(),
        Some(ContentBlock::ToolUse(_))
    ));
}

#[test]
fn what_is_no_message_is_a_protocol_error_that_quotes_nothing() {
    let rows = [
        ("", "an empty body"),
        ("  \n", "an empty body"),
        ("<html>SECRET</html>", "HTML"),
        ("SECRET", "text"),
        ("[\"SECRET\"]", "an array"),
        ("{\"SECRET\" 1}", "malformed JSON"),
        ("{\"type\":\"SECRET\"}", "another object"),
        (
            "{\"type\":\"message\",\"content\":\"SECRET\"}",
            "another object",
        ),
        ("{\"content\":[]}", "another object"),
        (
            "{\"type\":\"message\",\"content\":[],\"stop_reason\":null}",
            "a message without a stop reason",
        ),
        (
            "{\"type\":\"message\",\"content\":[],\"stop_reason\":\"\"}",
            "a message without a stop reason",
        ),
    ];
    for (body, what) in rows {
        let error = read(body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        let expected = format!("expected a JSON message, found {what}");
        assert_eq!(error.message(), Some(expected.as_str()), "{body}");
        assert_eq!(error.status(), Some(200));
    }
    let error = Message::from_json(b"{\"type\":\"\xff\"}", &facts()).expect_err("not UTF-8");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[test]
fn a_message_cut_at_every_byte_is_interrupted() {
    for cut in 1..WHOLE.len() {
        let error = read(WHOLE.split_at(cut).0).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Interrupted, "cut at {cut}");
    }
}

#[test]
fn a_last_call_is_not_runnable_if_the_model_was_cut_off() {
    let closed = ["tool_use", "end_turn", "pause_turn", "stop_sequence"];
    let cut = [
        "max_tokens",
        "model_context_window_exceeded",
        "refusal",
        "unheard_of",
    ];
    for (reasons, blocks) in [(closed, 3), (cut, 2)] {
        for reason in reasons {
            let body = WHOLE.replace(
                r#""stop_reason":"tool_use""#,
                &format!(r#""stop_reason":"{reason}""#),
            );
            let message = read(&body).expect("a message");
            assert_eq!(message.content.len(), blocks, "{reason}");
            assert_eq!(message.unfinished_tools().len(), 3 - blocks, "{reason}");
        }
    }
}

#[test]
fn an_error_envelope_is_the_error_that_it_says() {
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let error = read(body).expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Overloaded);
}

#[test]
fn a_reply_goes_back_as_a_message_of_the_next_request() {
    let param = read(WHOLE).expect("a message").into_param();
    let json = serde_json::to_string(&param).expect("JSON");
    assert!(json.starts_with(r#"{"role":"assistant","content":[{"type":"text","text":"Hi "}"#));
    assert!(json.contains(r#""input":{"a":1}"#));
}
