use evenkeel_messages::{
    Accumulator, ContentBlock, End, Message, MessageRequest, RawJson, Streaming,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{FIXTURES, facts, message};

fn value(json: &str) -> Value {
    serde_json::from_str(json).expect("JSON")
}

/// White space, order and number forms as nobody would write them: only the same bytes are equal.
const ODD: &str = r#"{ "b":1.0e+2 ,"a" : [ ],"é":"\u00e9" }"#;

#[test]
fn unknown_parts_go_back_byte_for_byte() {
    let rows = [
        format!(r#"{{"type":"hologram", "light":{ODD}}}"#),
        format!(r#"{{"type":"text","text":"a","glow":{ODD}}}"#),
        format!(r#"{{"glow":{ODD},"type":"tool_use","id":"t","name":"n","input":{ODD}}}"#),
        format!(r#"{{"type":"server_tool_use","id":"t","name":"n","input":{ODD},"x":{ODD}}}"#),
        format!(r#"{{"type":"thinking","thinking":"","signature":"s","x":{ODD}}}"#),
        format!(r#"{{"type":"redacted_thinking","data":"s","x":{ODD}}}"#),
        format!(r#"{{"type":"text","text":"a","citations":[{ODD}]}}"#),
        // Known types in shapes that are not theirs.
        format!(r#"{{"type":"text","text":{ODD}}}"#),
        format!(r#"{{"type":"text","text":"a","citations":{ODD}}}"#),
        format!(r#"{{"type":"tool_use","id":1,"name":"n","input":{ODD}}}"#),
        r#"{"type":"tool_use","id":"a","name":"n","input":"half"}"#.to_owned(),
        r#"{"type":"text","text":"a","citations":null,"cache_control":null}"#.to_owned(),
        r#"{"type":"thinking","thinking":"","signature":null}"#.to_owned(),
        format!(r#"{{"no type":{ODD}}}"#),
        format!("[{ODD}]"),
        "\"bare\"".to_owned(),
    ];
    for row in rows {
        let block: ContentBlock = serde_json::from_str(&row).expect("any JSON is a block");
        let back = serde_json::to_string(&block).expect("JSON");
        assert_eq!(value(&back), value(&row));
        assert_eq!(back.contains(ODD), row.contains(ODD), "{back}");
    }
}

#[test]
fn streamed_content_goes_back_as_it_was_assembled() {
    let param = message(FIXTURES[3].1).into_param();
    let back = value(&serde_json::to_string(&param).expect("JSON"));
    let expected = value(
        r#"{"role":"assistant","content":[
        {"type":"server_tool_use","id":"srvtoolu_01","name":"web_search","input":{"query":"weather NYC"}},
        {"type":"web_search_tool_result","tool_use_id":"srvtoolu_01","content":[{"type":"web_search_result",
         "title":"Weather","url":"https://example.com/","encrypted_content":"Eqgf=","page_age":null}]},
        {"type":"text","text":"It is sunny","citations":[{"type":"web_search_result_location",
         "url":"https://example.com/","cited_text":"Sunny, 20 °C"}]},
        {"type":"mcp_tool_use","id":"mcptoolu_01","name":"echo","server_name":"x","input":{"a":[1,2]}}]}"#,
    );
    assert_eq!(back, expected);
}

#[test]
fn a_message_is_the_same_after_it_was_stored() {
    for (name, stream) in FIXTURES {
        let message = message(stream);
        let stored = serde_json::to_vec(&message).expect("JSON");
        let read = Message::from_json(&stored, &facts()).expect("a message");
        assert_eq!(serde_json::to_vec(&read).expect("JSON"), stored, "{name}");
        if message.unmerged_deltas().is_empty() {
            assert_eq!(read, message, "{name}");
        }
        let read: Message = serde_json::from_slice(&stored).expect("a message");
        assert_eq!(serde_json::to_vec(&read).expect("JSON"), stored, "{name}");
    }
}

#[test]
fn a_message_is_the_same_after_it_was_streamed_again() {
    for (name, stream) in FIXTURES {
        let message = message(stream);
        let mut accumulator = Accumulator::new(facts());
        for event in message.clone().into_events() {
            accumulator.push(&event);
        }
        assert_eq!(
            accumulator.end(End::Eof).into_result().expect("complete"),
            message,
            "{name}"
        );
    }
}

#[test]
fn a_whole_request_keeps_what_is_not_modelled() {
    let json = format!(
        r#"{{"model":"m","max_tokens":5,"stream":false,"thread":{ODD},"system":[{{"type":"text","text":"s"}}],
        "messages":[{{"role":"user","content":"plain","mark":{ODD}}},{{"role":"narrator","content":[{{"type":"hologram","light":{ODD}}}]}}]}}"#
    );
    let request = MessageRequest::from_json(json.as_bytes()).expect("a request");
    let back = serde_json::to_string(&request).expect("JSON");
    assert_eq!(value(&back), value(&json));
    assert_eq!(back.matches(ODD).count(), 3);

    let body = request.to_body(Streaming::On).expect("a body");
    let body = value(std::str::from_utf8(&body).expect("UTF-8"));
    assert_eq!(body["stream"], Value::Bool(true));
    let plain = request.to_body(Streaming::Off).expect("a body");
    assert!(!plain.windows(8).any(|bytes| bytes == b"\"stream\""));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,9}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_block_goes_back_as_equal_json(
        kind in prop::sample::select(vec![
            "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "hologram",
        ]),
        shape in prop::sample::select(vec!["text", "thinking", "data", "input", "signature", "id"]),
        valid in any::<bool>(),
        text in ".{0,20}",
        fields in prop::collection::hash_map("[a-z_]{1,9}", any_json(), 0..5),
    ) {
        let mut object: serde_json::Map<String, Value> = fields.into_iter().collect();
        if valid {
            for name in ["text", "thinking", "data", "signature", "id", "name"] {
                object.insert(name.to_owned(), text.clone().into());
            }
            object.insert("input".to_owned(), Value::Object(serde_json::Map::new()));
        } else {
            object.insert(shape.to_owned(), Value::Null);
        }
        object.insert("type".to_owned(), kind.into());
        let before = Value::Object(object);
        let block = ContentBlock::from_raw(RawJson::new(&before).expect("JSON"));
        prop_assert_eq!(serde_json::to_value(&block).expect("JSON"), before);
    }
}
