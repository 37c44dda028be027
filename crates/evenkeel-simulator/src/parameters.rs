//! What the API finds wrong with the parameters of a request, in its own words.

use std::collections::HashSet;

use serde_json::Value;

use crate::dialect::Version;
use crate::model::Model;
use crate::nearest::nearest;
use crate::request::Form;
use crate::validation::{Verdict, ends_with_server_tool, list, text};

/// Every parameter that there is, those of betas too.
const KNOWN: [&str; 27] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "stream",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "thinking",
    "output_config",
    "tools",
    "tool_choice",
    "metadata",
    "service_tier",
    "inference_geo",
    "speed",
    "container",
    "cache_control",
    "diagnostics",
    "context_management",
    "mcp_servers",
    "fallbacks",
    "fallback_credit_token",
    "thread",
    "compaction",
    "billing_policy",
];

/// How many unknown parameters are looked at: looking for the word that was meant takes time, and
/// nobody's finger slips more often.
const STRANGERS: usize = 64;

/// What is not about messages and not about the answer's size.
pub(crate) fn check(body: &Value, version: Version, model: Option<&Model>) -> Verdict {
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
    known(body)?;
    choices(body)?;
    tools(body)?;
    caching(body)?;
    let format = body
        .get("output_config")
        .and_then(|config| config.get("format"));
    if format.is_some_and(|format| !format.is_null()) && cites(body) {
        return Err("citations are not supported with output_config.format".into());
    }
    let Some(model) = model else { return Ok(()) };
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    if model.generation == (4, 5) && given("temperature") && given("top_p") {
        return Err("`temperature` and `top_p` cannot both be specified for this model. Please use only one.".into());
    }
    if model.generation < (4, 6) && given("inference_geo") {
        return Err("inference_geo is not supported for this model.".into());
    }
    if model.id == "claude-opus-4-7" && text(body, "speed") == Some("fast") {
        return Err("speed: \"fast\" is not supported for this model.".into());
    }
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
        Some("between_tools") if !model.thinks_between_tools() => Err("\"thinking.type.between_tools\" is not supported for this model.".into()),
        Some("disabled") if !model.can_stop_thinking() || (strains(body) && !model.strains_without_thinking()) => Err("\"thinking.type.disabled\" is not supported for this model.".into()),
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
    if max_tokens == 0 {
        nothing(body)?;
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

/// The API refuses what it does not know. What it knows grows, so that only a slip of the finger is
/// refused here.
fn known(body: &Value) -> Verdict {
    let fields = body.as_object().into_iter().flat_map(|body| body.keys());
    let strangers = fields.filter(|name| !KNOWN.contains(&name.as_str()));
    let mut looked_at = strangers.take(STRANGERS);
    match looked_at.find(|name| nearest(name, KNOWN.into_iter()).is_some()) {
        Some(slip) => Err(format!("{slip}: Extra inputs are not permitted")),
        None => Ok(()),
    }
}

/// Parameters that are one of a few words.
fn choices(body: &Value) -> Verdict {
    let inner = |name: &str, field: &str| body.get(name).and_then(|value| value.get(field));
    for (name, value, words) in [
        (
            "thinking",
            inner("thinking", "type"),
            ["adaptive", "between_tools", "disabled", "enabled"].as_slice(),
        ),
        (
            "tool_choice",
            inner("tool_choice", "type"),
            &["any", "auto", "none", "tool"],
        ),
        (
            "output_config.effort",
            inner("output_config", "effort"),
            &["high", "low", "max", "medium", "xhigh"],
        ),
        (
            "service_tier",
            body.get("service_tier"),
            &["auto", "standard_only"],
        ),
    ] {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            continue;
        };
        if !value.as_str().is_some_and(|word| words.contains(&word)) {
            let words = words.join("', '");
            return Err(format!("{name}: Input should be one of '{words}'"));
        }
    }
    Ok(())
}

/// `max_tokens: 0` only warms the cache, which goes with little else.
fn nothing(body: &Value) -> Verdict {
    let inner = |name: &str, field: &str| body.get(name).and_then(|value| value.get(field));
    let thinks = inner("thinking", "type").and_then(Value::as_str) == Some("enabled");
    let formats = inner("output_config", "format").is_some_and(|format| !format.is_null());
    for (given, with) in [
        (thinks, "enabled thinking"),
        (formats, "an output format"),
        (forces_a_tool(body), "a forced tool_choice"),
    ] {
        if given {
            return Err(format!("max_tokens: 0 is not supported with {with}"));
        }
    }
    Ok(())
}

/// Whether the effort asked for needs thinking.
fn strains(body: &Value) -> bool {
    let effort = body
        .get("output_config")
        .and_then(|config| text(config, "effort"));
    matches!(effort, Some("xhigh" | "max"))
}

/// Whether a document is to be cited.
fn cites(body: &Value) -> bool {
    let blocks = list(body, "messages")
        .iter()
        .flat_map(|message| list(message, "content"));
    blocks.into_iter().any(|block| {
        let citations = block.get("citations");
        citations.and_then(|citations| citations.get("enabled")) == Some(&Value::Bool(true))
    })
}

fn tools(body: &Value) -> Verdict {
    let tools = list(body, "tools");
    // A set, because a hostile request offers a million.
    let mut names = HashSet::new();
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
        let custom = text(tool, "type").is_none_or(|kind| kind == "custom");
        if custom && tool.get("input_schema").is_none() {
            return Err(format!("tools.{index}.custom.input_schema: Field required"));
        }
        if !names.insert(name) {
            return Err("tools: Tool names must be unique.".into());
        }
    }
    let deferred = |tool: &&Value| tool.get("defer_loading") == Some(&Value::Bool(true));
    if !tools.is_empty() && tools.iter().all(|tool| deferred(&tool)) {
        return Err(
            "All tools have defer_loading: true. At least one tool must not be deferred.".into(),
        );
    }
    for (index, tool) in tools.iter().enumerate() {
        if deferred(&tool)
            && tool
                .get("cache_control")
                .is_some_and(|mark| !mark.is_null())
        {
            return Err(format!(
                "tools.{index}: defer_loading cannot be used with cache_control"
            ));
        }
        if tool.get("allowed_domains").is_some() && tool.get("blocked_domains").is_some() {
            return Err(format!(
                "tools.{index}: only one of allowed_domains and blocked_domains may be given"
            ));
        }
    }
    let choice = body.get("tool_choice");
    let forced = choice.filter(|choice| text(choice, "type") == Some("tool"));
    match forced.and_then(|choice| text(choice, "name")) {
        Some(name) if !names.contains(name) => {
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
    let ttl = |mark: &Value| text(mark, "ttl").unwrap_or("5m").to_owned();
    let whole = body
        .get("cache_control")
        .filter(|mark| mark.is_object())
        .map(ttl);
    let last = list(body, "messages").last();
    let last = last.and_then(|message| list(message, "content").last()?.get("cache_control"));
    match (whole, last.filter(|mark| mark.is_object()).map(ttl)) {
        (Some(whole), Some(last)) if whole != last => Err(format!(
            "cache_control: ttl {whole} differs from the ttl {last} of the last block"
        )),
        _ => Ok(()),
    }
}

fn forces_a_tool(body: &Value) -> bool {
    let choice = body
        .get("tool_choice")
        .and_then(|choice| text(choice, "type"));
    matches!(choice, Some("any" | "tool"))
}
