use evenkeel_error::ErrorKind;

use super::*;
use crate::{AdaptiveThinking, CustomTool, Display};

fn body(request: &MessageRequest, streaming: Streaming) -> String {
    String::from_utf8(request.to_body(streaming).expect("valid").to_vec()).expect("UTF-8")
}

fn refused(request: &MessageRequest) -> String {
    let error = request.to_body(Streaming::On).expect_err("invalid");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    error.message().expect("a message").to_owned()
}

#[test]
fn setters_write_what_the_api_reads() {
    let schema = RawJson::from_text(r#"{"type":"object"}"#).expect("JSON");
    let request = MessageRequest::new("m", 9)
        .system("S")
        .user("u")
        .assistant("a")
        .message(MessageParam::user(ContentBlock::text("t")))
        .tool(CustomTool::new("one", schema.clone()).description("D"))
        .tool(Tool::from_raw(
            RawJson::from_text(r#"{"type":"bash_20250124"}"#).expect("JSON"),
        ))
        .tool_choice(ToolChoice::tool("one"))
        .thinking(AdaptiveThinking::new().display(Display::Omitted))
        .effort(Effort::ExtraHigh)
        .user_id("u-1")
        .stop_sequences(["x", "y"])
        .temperature(0.5)
        .extra("speed", "fast");
    let expected = concat!(
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},"#,
        r#"{"role":"assistant","content":"a"},{"role":"user","content":[{"type":"text","text":"t"}]}],"#,
        r#""system":"S","tools":[{"name":"one","input_schema":{"type":"object"},"description":"D"},"#,
        r#"{"type":"bash_20250124"}],"tool_choice":{"type":"tool","name":"one"},"#,
        r#""thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"xhigh"},"#,
        r#""metadata":{"user_id":"u-1"},"stop_sequences":["x","y"],"temperature":0.5,"speed":"fast""#,
    );
    assert_eq!(body(&request, Streaming::Off), format!("{expected}}}"));
    assert_eq!(
        body(&request, Streaming::On),
        format!("{expected},\"stream\":true}}")
    );
    assert_eq!(request.speed(), Some("fast"));
}

#[test]
fn effort_leaves_the_rest_of_the_output_configuration() {
    let format = serde_json::json!({"format": {"type": "json_schema"}});
    let request = MessageRequest::new("m", 1)
        .extra("output_config", format)
        .effort(Effort::Low);
    let config = request.parameter("output_config").expect("set").get();
    assert_eq!(
        config,
        r#"{"format":{"type":"json_schema"},"effort":"low"}"#
    );
}

#[test]
fn what_cannot_be_sent_is_refused_when_it_is_sent() {
    let request = MessageRequest::new("m", 1);
    assert_eq!(
        refused(&request.clone().temperature(f64::NAN)),
        "temperature must be a finite number"
    );
    assert_eq!(
        refused(&MessageRequest::new("", 1)),
        "model must not be empty"
    );
    let count = MessageRequest::new("", 1)
        .to_count_body()
        .expect_err("no name");
    assert_eq!(count.message(), Some("model must not be empty"));
    for name in ["model", "max_tokens", "messages", "stream"] {
        assert!(refused(&request.clone().extra(name, 1)).starts_with("extra must not name"));
    }
    let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert_eq!(
        refused(&request.extra("x", keys)),
        "value must have a JSON form"
    );
}

#[test]
fn a_byte_order_mark_before_a_request_is_skipped() {
    let json = "\u{feff}{\"model\":\"m\",\"max_tokens\":1,\"messages\":[]}";
    assert!(MessageRequest::from_json(json.as_bytes()).is_ok());
}

#[test]
fn mcp_servers_count_only_if_there_are_any() {
    let with = |json: &str| {
        let servers = RawJson::from_text(json).expect("JSON");
        MessageRequest::new("m", 1).extra("mcp_servers", servers)
    };
    assert!(
        with(r#"[{"url":"https://example.com"}]"#)
            .mcp_servers()
            .is_some()
    );
    assert!(with("[]").mcp_servers().is_none());
    assert!(with("null").mcp_servers().is_none());
    assert!(MessageRequest::new("m", 1).mcp_servers().is_none());
}

#[test]
fn json_that_is_no_request_is_refused_in_one_line_with_place_and_cure() {
    let rows = [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[]", "found an array at line 1 column "),
        ("\"SECRET\"", "found a string at line 1 column 8"),
        (
            "{}",
            r#"model: missing; add "model": "claude-sonnet-5-5" at line 1 column 2"#,
        ),
        (
            "{\"model\":\"m\"}",
            r#"max_tokens: missing; add "max_tokens": 1024"#,
        ),
        (
            "{\"model\":\"m\",\"max_tokens\":1}",
            r#"messages: missing; add "messages": [{"#,
        ),
        (
            "{\"model\":\n[\"SECRET\"]}",
            "model: expected a string, found an array at line 2",
        ),
        (
            "{\"max_tokens\":\"SECRET\"}",
            "max_tokens: expected a whole number, 0 or more, found a string",
        ),
        (
            "{\"max_tokens\":1.5}",
            "max_tokens: expected a whole number, 0 or more, found another number",
        ),
        (
            "{\"messages\":\"SECRET\"}",
            "messages: expected an array such as",
        ),
        ("{\"messages\":{\"SECRET\":1}}", "found an object at line 1"),
        (
            "{\"messages\":[\n{\"role\":\"user\",\"content\":\"SECRET\"},\n\"SECRET\"]}",
            "messages[1]: expected an object such as",
        ),
        (
            "{\"messages\":[{\"content\":\"SECRET\"}]}",
            r#"messages[0].role: missing; add "role": "user""#,
        ),
        (
            "{\"messages\":[{\"role\":5}]}",
            "messages[0].role: expected a string, found another number",
        ),
        (
            "{\"messages\":[{\"role\":\"user\"}]}",
            r#"messages[0].content: missing; add "content": "…""#,
        ),
        (
            "{\"messages\":[{\"role\":\"user\",\"content\":{\"SECRET\":1}}]}",
            "messages[0].content: expected a string or an array of blocks, found an object",
        ),
        (
            "{\"model\":\"SECRET\"\n \"max_tokens\"}",
            "expected `,` or `}` at line 2 column 2",
        ),
        (
            "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[]} SECRET",
            "trailing characters at line 1",
        ),
    ];
    for (json, expected) in rows {
        let error = MessageRequest::from_json(json.as_bytes()).expect_err(json);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        let message = error.message().expect("a message");
        assert!(
            message.starts_with("request is not a Messages request: "),
            "{message}"
        );
        assert!(message.contains(expected), "{message}");
        assert!(
            message.contains(" at line ") && !message.contains('\n'),
            "{message}"
        );
        assert!(
            !format!("{error} {error:?} {message}").contains("SECRET"),
            "{message}"
        );
    }
}
