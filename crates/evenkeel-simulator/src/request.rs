//! What the API reads in a request, and how it says that something is wrong with it.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::dialect::Version;
use crate::model::Model;
use crate::prefix::{Prefix, prefixes};
use crate::{parameters, prose, tokens, validation};

/// What is written to a model whose answer broke off. `continue` is not among them: it is also written
/// to one that has said all it wanted.
const OWNS_UP: [&str; 10] = [
    "interrupt",
    "cut off",
    "cut short",
    "truncat",
    "incomplete",
    "unfinished",
    "broke off",
    "broken off",
    "left off",
    "disconnect",
];

/// The parts of a Messages request that shape its reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MessagesRequest {
    pub(crate) model: String,
    pub(crate) max_tokens: u64,
    pub(crate) form: Form,
    pub(crate) input_tokens: u64,
    /// The tool to call, if any may be called, with an input that fits it.
    pub(crate) tool: Option<Tool>,
    pub(crate) thinking: Thinking,
    /// Whether the last message brings the result of a tool.
    pub(crate) brings_results: bool,
    /// None unless the request says so.
    pub(crate) speed: Option<Speed>,
    pub(crate) inference_geo: Option<String>,
    pub(crate) stop_sequences: Vec<String>,
    /// What the prompt cache may know of it.
    pub(crate) prefixes: Vec<Prefix>,
    /// Hashes of the texts of assistant messages that are not to be gone on with.
    pub(crate) said_before: Vec<u64>,
}

/// A tool and an input for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) input: String,
}

/// Whether the model is to think, and whether one may read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Thinking {
    #[default]
    Off,
    Shown,
    Hidden,
}

/// How fast the answer is to be generated, and by which limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Speed {
    Standard,
    Fast,
}

/// How the caller wants the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON message.
    #[default]
    Plain,
    /// Server-sent events: the request says `"stream": true`.
    Stream,
}

impl MessagesRequest {
    /// Reads a body; the error is the API's message.
    pub(crate) fn parse(body: &[u8], version: Version) -> Result<Self, String> {
        Self::of(&object(body)?, version)
    }

    /// Reads the parameters of a batch item, which are a body without a connection.
    pub(crate) fn of(body: &Value, version: Version) -> Result<Self, String> {
        let model = model(body)?;
        let max_tokens = max_tokens(body)?;
        let form = form(body)?;
        let input_tokens = Self::counted(body, &model, version)?;
        parameters::limits(body, max_tokens, form, Model::named(&model))?;
        Ok(Self {
            tool: tool(body),
            thinking: thinking(body),
            brings_results: brings_results(body),
            said_before: said_before(body),
            speed: speed(body)?.map(|speed| match model.as_str() {
                // It knows the word, and does not mind it.
                "claude-opus-4-6" => Speed::Standard,
                _ => speed,
            }),
            inference_geo: text(body, "inference_geo"),
            stop_sequences: stop_sequences(body)?,
            prefixes: prefixes(body),
            model,
            max_tokens,
            form,
            input_tokens,
        })
    }

    /// The model and the input tokens of a request to count them: as a Messages request, less what is about the
    /// answer.
    pub(crate) fn count(body: &[u8], version: Version) -> Result<Self, String> {
        let body = object(body)?;
        let model = model(&body)?;
        let input_tokens = Self::counted(&body, &model, version)?;
        Ok(Self {
            model,
            input_tokens,
            ..Self::default()
        })
    }

    fn counted(body: &Value, model: &str, version: Version) -> Result<u64, String> {
        messages(body)?;
        let known = Model::named(model);
        validation::messages(body, version, known)?;
        parameters::check(body, version, known)?;
        let tokens = tokens::input_tokens(body);
        match known {
            Some(known) if tokens > known.max_input_tokens => Err(format!(
                "prompt is too long: {tokens} tokens > {} maximum",
                known.max_input_tokens
            )),
            _ => Ok(tokens),
        }
    }
}

/// Reads a body that has to be a JSON object; the error is the API's message.
pub(crate) fn object(body: &[u8]) -> Result<Value, String> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|fault| format!("The request body is not valid JSON: {fault}"))?;
    if body.is_object() {
        Ok(body)
    } else {
        Err("Input should be a valid dictionary".into())
    }
}

/// The forced tool, else the first that runs at the caller's.
fn tool(body: &Value) -> Option<Tool> {
    let choice = body.get("tool_choice");
    let choice = |name: &str| choice.and_then(|choice| choice.get(name)?.as_str());
    if choice("type") == Some("none") {
        return None;
    }
    let mut offered = body.get("tools")?.as_array()?.iter().filter(|tool| {
        let kind = tool.get("type").and_then(Value::as_str);
        matches!(kind, None | Some("custom"))
    });
    let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
    let tool = match (choice("type"), choice("name")) {
        (Some("tool"), Some(forced)) => offered.find(|tool| name(tool).as_deref() == Some(forced)),
        _ => offered.next(),
    }?;
    let schema = tool.get("input_schema").unwrap_or(&Value::Null);
    Some(Tool {
        name: name(tool)?,
        input: prose::value(schema).to_string(),
    })
}

fn thinking(body: &Value) -> Thinking {
    let field = |name: &str| body.get("thinking").and_then(|t| t.get(name)?.as_str());
    match (field("type"), field("display")) {
        (Some("enabled" | "adaptive"), Some("omitted")) => Thinking::Hidden,
        (Some("enabled" | "adaptive"), _) => Thinking::Shown,
        _ => Thinking::Off,
    }
}

/// Of texts, white space at the end aside: clients have to strip it.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.trim_end().hash(&mut hasher);
    hasher.finish()
}

/// What the model is told it has said. A last message of its own is the beginning of its answer.
fn said_before(body: &Value) -> Vec<u64> {
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.map_or(&[][..], Vec::as_slice);
    let pairs = messages.iter().zip(messages.iter().skip(1));
    let by_model = pairs.filter(|(message, next)| {
        message.get("role").and_then(Value::as_str) == Some("assistant") && !owns_up(next)
    });
    by_model.map(|(message, _)| hash(&said(message))).collect()
}

/// Whether a message says that the one before it broke off: who writes that does not take it for whole.
fn owns_up(message: &Value) -> bool {
    let text = said(message).to_lowercase();
    OWNS_UP.iter().any(|word| text.contains(word))
}

/// The texts of a message.
fn said(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            let texts = blocks
                .iter()
                .filter_map(|block| block.get("text")?.as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

fn brings_results(body: &Value) -> bool {
    let last = body.get("messages").and_then(|all| all.as_array()?.last());
    let content = last.and_then(|last| last.get("content")?.as_array());
    content
        .into_iter()
        .flatten()
        .any(|block| block.get("type").and_then(Value::as_str) == Some("tool_result"))
}

fn text(body: &Value, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn speed(body: &Value) -> Result<Option<Speed>, String> {
    match body.get("speed").filter(|speed| !speed.is_null()) {
        None => Ok(None),
        Some(speed) => match speed.as_str() {
            Some("standard") => Ok(Some(Speed::Standard)),
            Some("fast") => Ok(Some(Speed::Fast)),
            _ => Err("speed: Input should be 'standard' or 'fast'".into()),
        },
    }
}

fn stop_sequences(body: &Value) -> Result<Vec<String>, String> {
    let Some(given) = body.get("stop_sequences").filter(|given| !given.is_null()) else {
        return Ok(Vec::new());
    };
    let Some(sequences) = given.as_array() else {
        return Err("stop_sequences: Input should be a valid list".into());
    };
    let read = sequences
        .iter()
        .zip(0..)
        .map(|(sequence, index): (_, u32)| {
            let at = format!("stop_sequences.{index}");
            match sequence.as_str() {
                None => Err(format!("{at}: Input should be a valid string")),
                Some(blank) if blank.trim().is_empty() => Err(format!(
                    "{at}: each stop sequence must contain non-whitespace"
                )),
                Some(sequence) => Ok(sequence.to_owned()),
            }
        });
    read.collect()
}

fn model(body: &Value) -> Result<String, String> {
    match field(body, "model")?.as_str() {
        None => Err("model: Input should be a valid string".into()),
        Some("") => Err("model: String should have at least 1 character".into()),
        Some(model) => Ok(model.to_owned()),
    }
}

fn max_tokens(body: &Value) -> Result<u64, String> {
    let value = field(body, "max_tokens")?;
    value.as_u64().ok_or_else(|| {
        let rule = match value.as_i64() {
            Some(_) => "greater than or equal to 0",
            None => "a valid integer",
        };
        format!("max_tokens: Input should be {rule}")
    })
}

fn form(body: &Value) -> Result<Form, String> {
    match body.get("stream") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(Form::Plain),
        Some(Value::Bool(true)) => Ok(Form::Stream),
        Some(_) => Err("stream: Input should be a valid boolean".into()),
    }
}

fn messages(body: &Value) -> Result<(), String> {
    let Some(messages) = field(body, "messages")?.as_array() else {
        return Err("messages: Input should be a valid array".into());
    };
    if messages.is_empty() {
        return Err("messages: at least one message is required".into());
    }
    for (index, message) in messages.iter().enumerate() {
        for name in ["role", "content"] {
            if message.get(name).is_none() {
                return Err(format!("messages.{index}.{name}: Field required"));
            }
        }
    }
    Ok(())
}

fn field<'a>(body: &'a Value, name: &str) -> Result<&'a Value, String> {
    body.get(name)
        .ok_or_else(|| format!("{name}: Field required"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_the_api() {
        let hi = r#"[{"role":"user","content":"hi"}]"#;
        for (body, message) in [
            ("{".to_owned(), "The request body is not valid JSON"),
            ("[]".to_owned(), "Input should be a valid dictionary"),
            (
                format!(r#"{{"max_tokens":1,"messages":{hi}}}"#),
                "model: Field required",
            ),
            (
                format!(r#"{{"model":"m","messages":{hi}}}"#),
                "max_tokens: Field required",
            ),
            (
                format!(r#"{{"model":"m","max_tokens":-1,"messages":{hi}}}"#),
                "max_tokens: Input should be greater than or equal to 0",
            ),
            (
                format!(r#"{{"model":"m","max_tokens":"1","messages":{hi}}}"#),
                "max_tokens: Input should be a valid integer",
            ),
            (
                r#"{"model":"m","max_tokens":1}"#.to_owned(),
                "messages: Field required",
            ),
            (
                r#"{"model":"m","max_tokens":1,"messages":[]}"#.to_owned(),
                "messages: at least one message is required",
            ),
            (
                r#"{"model":"m","max_tokens":1,"messages":[{"role":"user"}]}"#.to_owned(),
                "messages.0.content: Field required",
            ),
            (
                format!(r#"{{"model":"m","max_tokens":1,"messages":{hi},"stream":1}}"#),
                "stream: Input should be a valid boolean",
            ),
        ] {
            let error = MessagesRequest::parse(body.as_bytes(), Version::First).unwrap_err();
            assert!(error.starts_with(message), "{body}: {error}");
        }
    }

    #[test]
    fn a_good_request_says_how_it_wants_its_answer() {
        let body = br#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"stream":true}"#;
        let request = MessagesRequest::parse(body, Version::First).unwrap();
        assert_eq!((request.model.as_str(), request.max_tokens), ("m", 5));
        assert_eq!((request.form, request.input_tokens), (Form::Stream, 5));
    }
}
