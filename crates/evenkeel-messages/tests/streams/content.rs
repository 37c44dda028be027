//! The law of content: whatever is deserialised and serialised is equal JSON, and the same bytes
//! where it is not modelled. For every kind of block, and anything that may be added to one.

use evenkeel_messages::{
    ContentBlock, ContextManagement, Fallbacks, McpServer, MessageThread, OutputConfig, RawJson,
    Thinking, Tool, ToolChoice, Usage,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One of each kind, with every field that is modelled.
const BLOCKS: &str = include_str!("fixtures/blocks.json");

fn blocks() -> Vec<Value> {
    serde_json::from_str(BLOCKS).expect("an array")
}

fn round(value: &Value) -> Value {
    let raw = RawJson::new(value).expect("JSON");
    serde_json::to_value(ContentBlock::from_raw(raw)).expect("JSON")
}

#[test]
fn every_kind_of_block_is_known_and_comes_back() {
    let mut kinds = vec![];
    for value in blocks() {
        let raw = RawJson::new(&value).expect("JSON");
        let block = ContentBlock::from_raw(raw);
        assert!(!matches!(block, ContentBlock::Unknown(_)), "{value}");
        let shown = format!("{block:?}");
        assert!(!shown.contains("extra"), "every field is modelled: {shown}");
        assert!(!shown.contains("UnknownObject"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
        assert_eq!(serde_json::to_value(&block).expect("JSON"), value);
        kinds.push(block.kind().to_owned());
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 25, "{kinds:?}");
}

/// Every object within, the value itself included.
fn objects<'a>(
    value: &'a mut Value,
    found: &mut Vec<&'a mut serde_json::Map<String, Value>>,
    place: &mut usize,
    chosen: usize,
) {
    match value {
        Value::Object(object) => {
            *place += 1;
            if *place - 1 == chosen {
                found.push(object);
            } else {
                for inner in object.values_mut() {
                    objects(inner, found, place, chosen);
                }
            }
        }
        Value::Array(items) => {
            for inner in items {
                objects(inner, found, place, chosen);
            }
        }
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(count).sum::<usize>(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,9}", inner, 0..3)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// A field is added, replaced or taken away anywhere in any block: known fields of any shape
    /// and unknown ones alike.
    #[test]
    fn any_content_comes_back_as_equal_json(
        block in any::<prop::sample::Index>(),
        object in any::<prop::sample::Index>(),
        field in any::<prop::sample::Index>(),
        change in prop_oneof![
            ("[a-z_]{1,9}", any_value()).prop_map(|(name, value)| (Some(name), Some(value))),
            any_value().prop_map(|value| (None, Some(value))),
            Just((None, None)),
        ],
    ) {
        let all = blocks();
        let mut value = all[block.index(all.len())].clone();
        let chosen = object.index(count(&value));
        let mut found = vec![];
        objects(&mut value, &mut found, &mut 0, chosen);
        let object = found.pop().expect("an object");
        if !object.is_empty() || change.0.is_some() {
            let existing = || object.keys().nth(field.index(object.len())).expect("one").clone();
            match change {
                (Some(name), Some(new)) => { object.insert(name, new); }
                (_, Some(new)) => { let name = existing(); object.insert(name, new); }
                (_, None) => { let name = existing(); object.remove(&name); }
            }
        }
        prop_assert_eq!(round(&value), value);
    }

    #[test]
    fn unknown_parts_of_any_block_are_the_same_bytes(
        block in any::<prop::sample::Index>(),
        value in any_value(),
        spaces in "[ \\n\\t]{0,3}",
    ) {
        let all = blocks();
        let text = serde_json::to_string(&all[block.index(all.len())]).expect("JSON");
        let unknown = format!("{{{spaces}\"é\\u00e9\" :{spaces}{value}, \"n\":1.50e+1 }}");
        // Into every object of the block, where it ends.
        let odd = text.replace('}', &format!(",\"glow\":{unknown}}}")).replace("{,", "{");
        let raw = RawJson::from_text(odd.as_str()).expect("JSON");
        let back = serde_json::to_string(&ContentBlock::from_raw(raw)).expect("JSON");
        prop_assert_eq!(back.matches(&unknown).count(), odd.matches(&unknown).count());
    }
}

fn same<T: Serialize + DeserializeOwned>(json: &str) {
    let value: Value = serde_json::from_str(json).expect("JSON");
    let read: T = serde_json::from_str(json).expect(json);
    assert_eq!(serde_json::to_value(&read).expect("JSON"), value);
}

#[test]
fn parameters_and_usage_come_back() {
    same::<Usage>(
        r#"{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,
        "cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":2},
        "output_tokens_details":{"thinking_tokens":7},"server_tool_use":{"web_search_requests":1,"web_fetch_requests":2},
        "service_tier":"priority","speed":"fast","inference_geo":"us",
        "iterations":[{"type":"fallback_message","model":"m","input_tokens":1,"output_tokens":2}],
        "fallback_credit":{"status":{"type":"not_applied","reason":"expired","remove_to_redeem":["a"]}},"photons":1.5}"#,
    );
    for thinking in [
        r#"{"type":"adaptive","display":"updates","block_binding":{"prefix_mismatch_behavior":"drop_block"}}"#,
        r#"{"type":"enabled","budget_tokens":1024,"display":"summarized"}"#,
        r#"{"type":"disabled"}"#,
        r#"{"type":"between_tools"}"#,
        r#"{"type":"dreaming","depth":3}"#,
    ] {
        same::<Thinking>(thinking);
    }
    for tool in [
        r#"{"name":"n","input_schema":{"type":"object"},"description":"d","strict":true,"defer_loading":true,
        "eager_input_streaming":false,"input_examples":[{}],"allowed_callers":["direct"],"cache_control":{"type":"ephemeral","ttl":"1h"}}"#,
        r#"{"type":"custom","name":"n","input_schema":{}}"#,
        r#"{"type":"web_search_20260318","name":"web_search","max_uses":3,"allowed_domains":["a"],"user_location":{"type":"approximate"}}"#,
        r#"{"type":"advisor_20260301","name":"advisor","model":"m","max_tokens":5}"#,
        r#"{"type":"mcp_toolset","mcp_server_name":"s","default_config":{"enabled":false}}"#,
        r#"{"type":"computer_20251124","name":"computer","display_width_px":1}"#,
        r#"{"type":7}"#,
    ] {
        same::<Tool>(tool);
    }
    for choice in [
        r#"{"type":"auto","disable_parallel_tool_use":true}"#,
        r#"{"type":"any"}"#,
        r#"{"type":"tool","name":"n"}"#,
        r#"{"type":"none"}"#,
    ] {
        same::<ToolChoice>(choice);
    }
    same::<OutputConfig>(
        r#"{"effort":"xhigh","format":{"type":"json_schema","schema":{"type":"object"}},"task_budget":{"type":"tokens","total":20000}}"#,
    );
    same::<ContextManagement>(
        r#"{"edits":[{"type":"clear_tool_uses_20250919","trigger":{"type":"input_tokens","value":1},"keep":{"type":"tool_uses","value":3},
        "clear_at_least":{"type":"input_tokens","value":5},"clear_tool_inputs":true,"exclude_tools":["a"]},
        {"type":"clear_thinking_20251015","keep":"all"},
        {"type":"compact_20260112","trigger":{"type":"input_tokens","value":50000},"instructions":"i","pause_after_compaction":true},
        {"type":"new_edit"}]}"#,
    );
    same::<Fallbacks>(r#""default""#);
    same::<Fallbacks>(
        r#"[{"model":"m","max_tokens":5,"thinking":{"type":"disabled"},"speed":"fast"}]"#,
    );
    same::<MessageThread>(r#"{"type":"continue","previous_message_id":"msg_1"}"#);
    same::<McpServer>(
        r#"{"type":"url","name":"n","url":"https://example.com/","authorization_token":"t"}"#,
    );
}
