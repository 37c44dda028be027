//! What the API finds wrong with a request that is well-formed, in its own words.

use serde_json::Value;

use crate::model::Model;
use crate::request::{Form, Version};

type Verdict = Result<(), String>;

/// The order and the content of the messages.
pub(crate) fn messages(body: &Value, version: Version) -> Verdict {
    let messages = list(body, "messages");
    for (index, message) in messages.iter().enumerate() {
        let role = text(message, "role");
        match role {
            Some("user" | "assistant" | "system") => {}
            _ => {
                return Err(format!(
                    "messages.{index}.role: Input should be 'user', 'assistant' or 'system'"
                ));
            }
        }
        content(message, index)?;
        if version == Version::Second {
            second_version(message, index)?;
        }
    }
    if messages.first().and_then(|first| text(first, "role")) != Some("user") {
        return Err("messages: first message must use the \"user\" role".into());
    }
    pairs(messages)
}

/// What is not about messages and not about the answer's size.
pub(crate) fn parameters(body: &Value, version: Version, model: Option<&Model>) -> Verdict {
    for name in ["temperature", "top_p", "top_k"] {
        let Some(value) = body.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        if version == Version::Second {
            return Err(format!("{name}: Extra inputs are not permitted"));
        }
        let default = name != "top_k" && value.as_f64() == Some(1.0);
        if model.is_some_and(|model| model.generation >= (4, 7)) && !default {
            return Err(format!("`{name}` is not supported for this model."));
        }
    }
    tools(body)?;
    caching(body)?;
    let Some(model) = model else { return Ok(()) };
    let last = list(body, "messages").last();
    let prefill = last.is_some_and(|last| text(last, "role") == Some("assistant"));
    if prefill && model.refuses_prefill() && !ends_with_server_tool(last) {
        return Err("This model does not support assistant message prefill. The conversation must end with a user message.".into());
    }
    let thinking = body
        .get("thinking")
        .and_then(|thinking| text(thinking, "type"));
    match thinking {
        Some("enabled") if !model.thinks_by_budget() => Err("\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.".into()),
        Some("disabled") if !model.can_stop_thinking() => Err("\"thinking.type.disabled\" is not supported for this model.".into()),
        Some("adaptive") if !model.thinks_adaptively() => Err("adaptive thinking is not supported on this model".into()),
        _ if forces_a_tool(body) && !model.can_be_forced() => Err("tool_choice: type \"tool\" and \"any\" are not supported for this model.".into()),
        _ => Ok(()),
    }
}

/// What depends on how long the answer may be.
pub(crate) fn limits(body: &Value, max_tokens: u64, form: Form, model: Option<&Model>) -> Verdict {
    if let Some(model) = model
        && max_tokens > model.max_tokens
    {
        return Err(format!(
            "max_tokens: {max_tokens} > {}, which is the maximum allowed number of output tokens for {}",
            model.max_tokens, model.id
        ));
    }
    if max_tokens == 0 && form == Form::Stream {
        return Err("max_tokens: 0 is not supported with streaming".into());
    }
    let Some(thinking) = body.get("thinking") else {
        return Ok(());
    };
    if text(thinking, "type") != Some("enabled") {
        return Ok(());
    }
    match thinking.get("budget_tokens").map(Value::as_u64) {
        None => Err("thinking.enabled.budget_tokens: Field required".into()),
        Some(None | Some(0..1_024)) => Err(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024".into(),
        ),
        Some(Some(budget)) if budget >= max_tokens => Err("`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size".into()),
        Some(Some(_)) if forces_a_tool(body) => {
            Err("Thinking may not be enabled when tool_choice forces tool use.".into())
        }
        Some(Some(_)) => Ok(()),
    }
}

fn content(message: &Value, index: usize) -> Verdict {
    match message.get("content") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) => {
            for (place, block) in blocks.iter().enumerate() {
                let at = format!("messages.{index}.content.{place}");
                let Some(kind) = text(block, "type") else {
                    return Err(format!("{at}.type: Field required"));
                };
                match kind {
                    "text" => match block.get("text") {
                        None => return Err(format!("{at}.text.text: Field required")),
                        Some(Value::String(text)) if text.is_empty() => {
                            return Err("messages: text content blocks must be non-empty".into());
                        }
                        Some(Value::String(_)) => {}
                        Some(_) => {
                            return Err(format!("{at}.text.text: Input should be a valid string"));
                        }
                    },
                    "thinking" if text(block, "signature").is_none_or(str::is_empty) => {
                        return Err(format!("{at}: Invalid `signature` in `thinking` block"));
                    }
                    _ => {}
                }
            }
            Ok(())
        }
        _ => Err(format!(
            "messages.{index}.content: Input should be a valid string or a list of content blocks"
        )),
    }
}

fn second_version(message: &Value, index: usize) -> Verdict {
    let assistant = text(message, "role") == Some("assistant");
    for (place, block) in list(message, "content").iter().enumerate() {
        let at = format!("messages.{index}.content.{place}");
        match text(block, "type") {
            Some("document") if assistant => {
                return Err(format!(
                    "{at}: `document` blocks are not permitted in assistant messages"
                ));
            }
            Some("text") if !assistant && !list(block, "citations").is_empty() => {
                return Err(format!(
                    "{at}.text.citations: Extra inputs are not permitted"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Every tool call is answered in the next message, and nothing else is.
fn pairs(messages: &[Value]) -> Verdict {
    let mut calls: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let blocks = list(message, "content");
        let ids = |kind: &str, field: &str| -> Vec<&str> {
            let of_kind = blocks
                .iter()
                .filter(|block| text(block, "type") == Some(kind));
            of_kind.filter_map(|block| text(block, field)).collect()
        };
        let results = ids("tool_result", "tool_use_id");
        if let Some(orphan) = results.iter().find(|id| !calls.contains(id)) {
            return Err(format!(
                "messages.{index}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {orphan}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            ));
        }
        let missing: Vec<_> = calls
            .iter()
            .filter(|id| !results.contains(id))
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                index.saturating_sub(1),
                missing.join(", ")
            ));
        }
        calls = if text(message, "role") == Some("assistant") {
            ids("tool_use", "id")
        } else {
            Vec::new()
        };
    }
    if calls.is_empty() {
        return Ok(());
    }
    Err(format!(
        "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        messages.len().saturating_sub(1),
        calls.join(", ")
    ))
}

fn tools(body: &Value) -> Verdict {
    let tools = list(body, "tools");
    let mut names: Vec<&str> = Vec::new();
    for (index, tool) in tools.iter().enumerate() {
        let Some(name) = text(tool, "name") else {
            if text(tool, "type").is_none_or(|kind| kind == "custom") {
                return Err(format!("tools.{index}.custom.name: Field required"));
            }
            continue;
        };
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(format!(
                "tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            ));
        }
        if names.contains(&name) {
            return Err("tools: Tool names must be unique.".into());
        }
        let custom = text(tool, "type").is_none_or(|kind| kind == "custom");
        if custom && tool.get("input_schema").is_none() {
            return Err(format!("tools.{index}.custom.input_schema: Field required"));
        }
        names.push(name);
    }
    let choice = body.get("tool_choice");
    let forced = choice.filter(|choice| text(choice, "type") == Some("tool"));
    match forced.and_then(|choice| text(choice, "name")) {
        Some(name) if !names.contains(&name) => {
            Err(format!("Tool '{name}' not found in provided tools"))
        }
        _ if forces_a_tool(body) && tools.is_empty() => {
            Err("tool_choice may only be specified while providing tools.".into())
        }
        _ => Ok(()),
    }
}

fn caching(body: &Value) -> Verdict {
    fn marks(value: &Value) -> usize {
        match value {
            Value::Array(values) => values.iter().map(marks).sum(),
            Value::Object(fields) => {
                let own = fields
                    .get("cache_control")
                    .is_some_and(|mark| !mark.is_null());
                usize::from(own) + fields.values().map(marks).sum::<usize>()
            }
            _ => 0,
        }
    }
    let places = ["system", "messages", "tools"];
    let marks: usize = places
        .iter()
        .filter_map(|name| body.get(name))
        .map(marks)
        .sum();
    if marks > 4 {
        return Err(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {marks}."
        ));
    }
    Ok(())
}

/// A turn that the server paused is sent back as it is.
fn ends_with_server_tool(message: Option<&Value>) -> bool {
    let last = message.and_then(|message| list(message, "content").last());
    let kind = last.and_then(|block| text(block, "type"));
    kind.is_some_and(|kind| kind == "server_tool_use" || kind.ends_with("_tool_result"))
}

fn forces_a_tool(body: &Value) -> bool {
    let choice = body
        .get("tool_choice")
        .and_then(|choice| text(choice, "type"));
    matches!(choice, Some("any" | "tool"))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
