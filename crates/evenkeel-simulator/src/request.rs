//! What the API reads in a request, and how it says that something is wrong with it.

use serde_json::Value;

use crate::tokens;

/// The versions that the API knows.
const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];

/// The parts of a Messages request that shape its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessagesRequest {
    pub(crate) model: String,
    pub(crate) max_tokens: u64,
    pub(crate) form: Form,
    pub(crate) input_tokens: u64,
}

/// How the caller wants the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON message.
    Plain,
    /// Server-sent events: the request says `"stream": true`.
    Stream,
}

/// Checks the header `anthropic-version`; the error is the API's message.
pub(crate) fn check_version(version: Option<&str>) -> Result<(), String> {
    match version {
        None => Err("anthropic-version: header is required".into()),
        Some(known) if VERSIONS.contains(&known) => Ok(()),
        Some(other) => Err(format!(
            "anthropic-version: \"{other}\" is not a valid API version"
        )),
    }
}

impl MessagesRequest {
    /// Reads a body; the error is the API's message.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|fault| format!("The request body is not valid JSON: {fault}"))?;
        if !body.is_object() {
            return Err("Input should be a valid dictionary".into());
        }
        Ok(Self {
            model: model(&body)?,
            max_tokens: max_tokens(&body)?,
            form: form(&body)?,
            input_tokens: messages(&body).map(|()| tokens::input_tokens(&body))?,
        })
    }
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
            let error = MessagesRequest::parse(body.as_bytes()).unwrap_err();
            assert!(error.starts_with(message), "{body}: {error}");
        }
    }

    #[test]
    fn a_good_request_says_how_it_wants_its_answer() {
        let body = br#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"stream":true}"#;
        let request = MessagesRequest::parse(body).unwrap();
        assert_eq!((request.model.as_str(), request.max_tokens), ("m", 5));
        assert_eq!((request.form, request.input_tokens), (Form::Stream, 5));
    }

    #[test]
    fn only_the_versions_of_the_api_are_known() {
        assert_eq!(check_version(Some("2023-06-01")), Ok(()));
        assert_eq!(check_version(Some("2026-10-21")), Ok(()));
        assert!(
            check_version(Some("2020-01-01"))
                .unwrap_err()
                .contains("2020-01-01")
        );
        assert!(check_version(None).unwrap_err().contains("required"));
    }
}
