use serde_json::json;

use super::*;
use crate::request::MessagesRequest;

const FIRST: Version = Version::First;
const SECOND: Version = Version::Second;

fn said(mut body: Value, version: Version) -> String {
    let defaults = json!({
        "model": "claude-sonnet-5-5", "max_tokens": 2_000,
        "messages": [{"role": "user", "content": "Hi"}],
    });
    for (name, value) in defaults.as_object().unwrap() {
        if body.get(name).is_none() {
            body[name] = value.clone();
        }
    }
    match MessagesRequest::of(&body, version) {
        Ok(_) => String::new(),
        Err(message) => message,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn each_mistake_gets_the_sentence_of_the_api() {
    let user = json!({"role": "user", "content": "Hi"});
    let assistant = json!({"role": "assistant", "content": "So"});
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "x", "input": {}}]});
    let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "1"}]});
    let tool = json!({"name": "x", "input_schema": {"type": "object"}});
    let mark = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
    for (body, message) in [
        (
            json!({"messages": [{"role": "robot", "content": "Hi"}]}),
            "messages.0.role: Input should be",
        ),
        (
            json!({"messages": [assistant, user]}),
            "first message must use the \"user\" role",
        ),
        (
            json!({"messages": [{"role": "user", "content": 5}]}),
            "messages.0.content: Input should be a valid string",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}),
            "must be non-empty",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"text": "a"}]}]}),
            "messages.0.content.0.type: Field required",
        ),
        (
            json!({"messages": [user, assistant]}),
            "does not support assistant message prefill",
        ),
        (
            json!({"messages": [user, call, user]}),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1",
        ),
        (
            json!({"messages": [user, call]}),
            "messages.1: `tool_use` ids were found",
        ),
        (
            json!({"messages": [user, assistant, result]}),
            "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": [{"type": "thinking", "thinking": "a"}]}, user]}),
            "messages.1.content.0: Invalid `signature`",
        ),
        (
            json!({"temperature": 1.0}),
            "temperature: Extra inputs are not permitted",
        ),
        (json!({"top_k": 5}), "top_k: Extra inputs are not permitted"),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1_024}}),
            "\"thinking.type.enabled\" is not supported",
        ),
        (
            json!({"thinking": {"type": "disabled"}}),
            "\"thinking.type.disabled\" is not supported",
        ),
        (
            json!({"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}),
            "adaptive thinking is not supported",
        ),
        (
            json!({"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 5}}),
            "greater than or equal to 1024",
        ),
        (
            json!({"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 4_000}}),
            "`max_tokens` must be greater than `thinking.budget_tokens`",
        ),
        (
            json!({"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 1_024}, "tools": [tool], "tool_choice": {"type": "any"}}),
            "Thinking may not be enabled when tool_choice forces tool use",
        ),
        (
            json!({"tools": [tool], "tool_choice": {"type": "any"}}),
            "tool_choice: type \"tool\" and \"any\" are not supported",
        ),
        (
            json!({"tools": [{"name": "a b", "input_schema": {}}]}),
            "tools.0.custom.name: String should match pattern",
        ),
        (
            json!({"tools": [{"name": "a"}]}),
            "tools.0.custom.input_schema: Field required",
        ),
        (json!({"tools": [tool, tool]}), "Tool names must be unique"),
        (
            json!({"model": "claude-opus-5", "tools": [tool], "tool_choice": {"type": "tool", "name": "y"}}),
            "Tool 'y' not found",
        ),
        (
            json!({"max_tokens": 200_000}),
            "max_tokens: 200000 > 128000, which is the maximum allowed",
        ),
        (
            json!({"max_tokens": 0, "stream": true}),
            "max_tokens: 0 is not supported with streaming",
        ),
        (
            json!({"system": [mark, mark, mark, mark, mark]}),
            "Found 5.",
        ),
        (
            json!({"messages": [{"role": "user", "content": "x".repeat(4_400_000)}]}),
            "prompt is too long: 11",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "citations": [{}]}]}]}),
            "messages.0.content.0.text.citations: Extra inputs",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": [{"type": "document"}]}, user]}),
            "messages.1.content.0: `document` blocks",
        ),
    ] {
        let said = said(body.clone(), SECOND);
        let shown: String = body.to_string().chars().take(300).collect();
        assert!(said.contains(message), "{shown}: {said}");
    }
}

#[test]
fn what_an_older_version_or_model_allows_is_let_through() {
    let prefill =
        json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "So"}]);
    let old = "claude-haiku-4-5";
    assert_eq!(said(json!({"model": old, "temperature": 0.5}), FIRST), "");
    assert_eq!(said(json!({"model": old, "messages": prefill}), SECOND), "");
    assert_eq!(
        said(json!({"model": "anything", "messages": prefill}), SECOND),
        ""
    );
    assert!(said(json!({"temperature": 0.5}), FIRST).contains("`temperature` is not supported"));
}

#[test]
fn a_tool_call_with_its_result_is_in_order() {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "x", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "1"}]},
    ]);
    assert_eq!(said(json!({"messages": messages}), SECOND), "");
}

#[test]
fn mistakes_in_parameters_get_their_sentence_too() {
    let tool = json!({"name": "x", "input_schema": {"type": "object"}});
    let deferred = json!({"name": "y", "input_schema": {}, "defer_loading": true});
    let marked = json!({"name": "y", "input_schema": {}, "defer_loading": true, "cache_control": {"type": "ephemeral"}});
    let cited = json!([{"role": "user", "content": [{"type": "document", "citations": {"enabled": true}}]}]);
    let format = json!({"format": {"type": "json_schema", "schema": {}}});
    let mark = json!([{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}]);
    for (body, message) in [
        (
            json!({"max_token": 5}),
            "max_token: Extra inputs are not permitted",
        ),
        (
            json!({"thinking": {"type": "hard"}}),
            "thinking: Input should be one of 'adaptive'",
        ),
        (
            json!({"tool_choice": {"type": "some"}}),
            "tool_choice: Input should be one of",
        ),
        (
            json!({"output_config": {"effort": "most"}}),
            "output_config.effort: Input should be",
        ),
        (
            json!({"service_tier": "priority"}),
            "service_tier: Input should be one of 'auto'",
        ),
        (
            json!({"speed": "faster"}),
            "speed: Input should be 'standard' or 'fast'",
        ),
        (
            json!({"model": "claude-opus-4-7", "speed": "fast"}),
            "speed: \"fast\" is not supported",
        ),
        (
            json!({"model": "claude-opus-4-5", "inference_geo": "us"}),
            "inference_geo is not supported",
        ),
        (
            json!({"model": "claude-opus-5", "thinking": {"type": "between_tools"}}),
            "\"thinking.type.between_tools\" is not supported",
        ),
        (
            json!({"model": "claude-opus-5", "thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
            "\"thinking.type.disabled\" is not supported",
        ),
        (
            json!({"stop_sequences": "END"}),
            "stop_sequences: Input should be a valid list",
        ),
        (
            json!({"stop_sequences": ["a", " "]}),
            "stop_sequences.1: each stop sequence must contain",
        ),
        (
            json!({"tools": [deferred]}),
            "All tools have defer_loading: true",
        ),
        (
            json!({"tools": [tool, marked]}),
            "tools.1: defer_loading cannot be used with cache_control",
        ),
        (
            json!({"tools": [{"type": "web_search_20260318", "name": "web_search", "allowed_domains": [], "blocked_domains": []}]}),
            "tools.0: only one of allowed_domains",
        ),
        (
            json!({"messages": cited, "output_config": format}),
            "citations are not supported",
        ),
        (
            json!({"messages": mark, "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
            "cache_control: ttl 1h differs from the ttl 5m",
        ),
        (
            json!({"max_tokens": 0, "output_config": format}),
            "max_tokens: 0 is not supported with an output",
        ),
        (
            json!({"max_tokens": 0, "model": "claude-opus-5", "tools": [tool], "tool_choice": {"type": "any"}}),
            "max_tokens: 0 is not supported with a forced",
        ),
        (
            json!({"max_tokens": 0, "model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 2_000}}),
            "max_tokens: 0 is not supported with enabled thinking",
        ),
    ] {
        let said = said(body.clone(), SECOND);
        assert!(said.contains(message), "{body}: {said}");
    }
    let newer = json!({"x_unknown": 1, "patience": "long"});
    assert_eq!(said(newer, SECOND), "", "what is newer than this is let in");
    let both = json!({"model": "claude-sonnet-4-5", "temperature": 0.5, "top_p": 0.5});
    assert!(said(both, FIRST).contains("cannot both be specified"));
}

#[test]
fn a_system_message_has_its_place_and_its_models() {
    let (user, assistant) = (
        json!({"role": "user", "content": "Hi"}),
        json!({"role": "assistant", "content": "So"}),
    );
    let system = json!({"role": "system", "content": "Be brief."});
    for (messages, fits) in [
        (json!([user, system]), true),
        (json!([user, system, assistant, user]), true),
        (json!([user, system, user]), false),
        (json!([user, assistant, system]), false),
    ] {
        let said = said(json!({"messages": messages}), SECOND);
        assert_eq!(said.is_empty(), fits, "{messages}: {said}");
        assert!(fits || said.contains("role 'system' must follow"), "{said}");
    }
    let old = json!({"model": "claude-opus-4-7", "messages": [user, system]});
    assert!(said(old, SECOND).contains("role 'system' is not supported"));
}

#[test]
fn a_search_of_the_server_comes_with_its_result_or_waits_for_that_of_a_tool() {
    let user = json!({"role": "user", "content": "Hi"});
    let search = json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": []});
    let call = json!({"type": "tool_use", "id": "t1", "name": "x", "input": {}});
    let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": "1"});
    for (messages, fits) in [
        (
            json!([user, {"role": "assistant", "content": [search, found]}, user]),
            true,
        ),
        (
            json!([user, {"role": "assistant", "content": [search]}, user]),
            false,
        ),
        (
            json!([user, {"role": "assistant", "content": [search, call]}, {"role": "user", "content": [result]}]),
            true,
        ),
        (
            json!([user, {"role": "assistant", "content": [search]}]),
            true,
        ),
    ] {
        let said = said(json!({"messages": messages}), SECOND);
        assert_eq!(said.is_empty(), fits, "{messages}: {said}");
        assert!(
            fits || said.contains("`web_search` tool use with id `s1` was found without"),
            "{said}"
        );
    }
}

/// So many that looking at each for each of the others would not come to an end.
const MANY: usize = 100_000;

#[test]
fn a_request_with_very_many_tool_calls_is_read_to_its_end() {
    let each = |block: fn(String) -> Value| -> Vec<_> {
        (0..MANY).map(|n| block(format!("toolu_{n}"))).collect()
    };
    let body = json!({"messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": each(|id| json!({"type": "tool_use", "id": id, "name": "t", "input": {}}))},
        {"role": "user", "content": each(|id| json!({"type": "tool_result", "tool_use_id": id}))},
        {"role": "assistant", "content": each(|id| json!({"type": "server_tool_use", "id": id, "name": "web_search"}))
            .into_iter()
            .chain(each(|id| json!({"type": "web_search_tool_result", "tool_use_id": id})))
            .collect::<Vec<_>>()},
        {"role": "user", "content": "Go on"},
    ]});
    assert_eq!(messages(&body, Version::First, None), Ok(()));
}

#[test]
fn a_request_with_very_many_tools_or_strangers_is_read_to_its_end() {
    let tools: Vec<_> = (0..MANY)
        .map(|n| json!({"name": format!("t{n}"), "input_schema": {}}))
        .collect();
    let strangers = (0..MANY).map(|n| (format!("{n}{}", "x".repeat(50)), Value::Null));
    let mut body: serde_json::Map<_, _> = strangers.collect();
    body.insert("tools".into(), tools.into());
    let checked = crate::parameters::check(&body.into(), Version::First, None);
    assert_eq!(checked, Ok(()));
}
