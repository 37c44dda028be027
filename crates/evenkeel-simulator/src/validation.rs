//! What the API finds wrong with the messages of a request, in its own words.

use std::collections::HashSet;

use serde_json::Value;

use crate::dialect::Version;
use crate::model::Model;

pub(crate) type Verdict = Result<(), String>;

/// The order and the content of the messages.
pub(crate) fn messages(body: &Value, version: Version, model: Option<&Model>) -> Verdict {
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
        if role == Some("system") {
            system(messages, index, model)?;
        }
        content(message, index)?;
        if version == Version::Second {
            second_version(message, index)?;
        }
    }
    if messages.first().and_then(|first| text(first, "role")) != Some("user") {
        return Err("messages: first message must use the \"user\" role".into());
    }
    pairs(messages)?;
    server_tools(messages)
}

/// A system message comes after what a user or a server tool said, and before the model speaks.
fn system(messages: &[Value], index: usize, model: Option<&Model>) -> Verdict {
    if model.is_some_and(|model| model.generation <= (4, 7)) {
        return Err("role 'system' is not supported on this model".into());
    }
    let before = index.checked_sub(1).and_then(|before| messages.get(before));
    let follows = before.is_some_and(|before| {
        text(before, "role") == Some("user") || ends_with_server_tool(Some(before))
    });
    let after = messages.get(index + 1);
    let leads = after.is_none_or(|after| text(after, "role") == Some("assistant"));
    if follows && leads {
        return Ok(());
    }
    Err(format!(
        "messages.{index}: role 'system' must follow a user turn and be last or followed by an assistant turn"
    ))
}

/// What a server tool was asked has its answer in the same message, unless it is yet to come.
fn server_tools(messages: &[Value]) -> Verdict {
    for (index, message) in messages.iter().enumerate() {
        let blocks = list(message, "content");
        // A set, because a hostile request has a million.
        let answered: HashSet<_> = blocks
            .iter()
            .filter_map(|block| text(block, "tool_use_id"))
            .collect();
        let Some(next) = messages.get(index + 1) else {
            return Ok(());
        };
        let results = list(next, "content");
        let deferred = !results.is_empty()
            && results
                .iter()
                .all(|block| text(block, "type") == Some("tool_result"));
        let asked = blocks
            .iter()
            .filter(|block| text(block, "type") == Some("server_tool_use"));
        for block in asked {
            let (id, name) = (text(block, "id"), text(block, "name").unwrap_or("server"));
            if let Some(id) = id.filter(|id| !deferred && !answered.contains(id)) {
                return Err(format!(
                    "messages.{index}: `{name}` tool use with id `{id}` was found without a corresponding `{name}_tool_result` block"
                ));
            }
        }
    }
    Ok(())
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
        let (asked, answered): (HashSet<_>, HashSet<_>) =
            (calls.iter().collect(), results.iter().collect());
        if let Some(orphan) = results.iter().find(|id| !asked.contains(id)) {
            return Err(format!(
                "messages.{index}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {orphan}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            ));
        }
        let missing: Vec<_> = calls
            .iter()
            .filter(|id| !answered.contains(id))
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

/// A turn that the server paused is sent back as it is.
pub(crate) fn ends_with_server_tool(message: Option<&Value>) -> bool {
    let last = message.and_then(|message| list(message, "content").last());
    let kind = last.and_then(|block| text(block, "type"));
    kind.is_some_and(|kind| kind == "server_tool_use" || kind.ends_with("_tool_result"))
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
