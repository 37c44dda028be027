use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;

use evenkeel_error::{Delivery, ErrorKind, Recoverable, Recovery};
use evenkeel_messages::{ContentBlock, StopReason};
use serde::de::DeserializeOwned;

use crate::{Error, Ledger, Reply};

/// A reply that was read as a `T`, and the reply itself. Dereferences to the `T`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Typed<T> {
    /// What the model answered.
    pub value: T,
    /// The reply, with how it was got.
    pub reply: Reply,
}

impl<T: DeserializeOwned> Typed<T> {
    /// Reads the text of a reply as a `T`: of one that was asked for by a schema, such as the last
    /// of a [`ToolRun`](crate::ToolRun).
    ///
    /// # Errors
    ///
    /// Every variant of [`TypedError`] but [`Call`](TypedError::Call). The reply is in each.
    pub fn read(reply: Reply) -> Result<Self, TypedError> {
        let reply = Box::new(reply);
        match &reply.stop_reason {
            Some(StopReason::Refusal) => return Err(TypedError::Refused(reply)),
            Some(StopReason::MaxTokens) => return Err(TypedError::MaxTokens(reply)),
            Some(StopReason::ModelContextWindowExceeded) => {
                return Err(TypedError::ContextWindow(reply));
            }
            Some(StopReason::ToolUse | StopReason::PauseTurn | StopReason::Compaction) => {
                return Err(TypedError::Unfinished(reply));
            }
            _ => {}
        }
        let whole = serde_json::from_str(&reply.text());
        // Words before a tool of the server's ran are texts of their own; the last is the answer.
        let value = whole.or_else(|error| {
            let last = last_text(&reply).and_then(|text| serde_json::from_str(text).ok());
            last.ok_or(error)
        });
        match value {
            Ok(value) => Ok(Self {
                value,
                reply: *reply,
            }),
            Err(error) => Err(TypedError::Mismatch(Mismatch { reply, error })),
        }
    }
}

fn last_text(reply: &Reply) -> Option<&str> {
    let blocks = reply.content.iter().rev();
    let mut texts = blocks.filter_map(|block| match block {
        ContentBlock::Text(block) => Some(block.text.as_str()),
        _ => None,
    });
    texts.next()
}

impl<T> Deref for Typed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Why there is no value. All but the first had a whole reply, which was paid for and is here.
///
/// `Display` and `Debug` show nothing of a reply's content.
#[derive(Debug)]
#[non_exhaustive]
pub enum TypedError {
    /// The call failed.
    Call(Error),
    /// The model refused; the reply's `stop_details` say more.
    Refused(Box<Reply>),
    /// The reply was cut off at `max_tokens`: its JSON has no end.
    MaxTokens(Box<Reply>),
    /// The reply was cut off because the model's context is full.
    ContextWindow(Box<Reply>),
    /// The reply is no answer yet: the model waits for a tool, or for its turn to go on.
    Unfinished(Box<Reply>),
    /// The text is not of the form that was asked for.
    Mismatch(Mismatch),
}

/// A text that is not of the form that was asked for.
#[non_exhaustive]
pub struct Mismatch {
    /// The reply.
    pub reply: Box<Reply>,
    /// Where and why. Its own words may quote the text.
    pub error: serde_json::Error,
}

impl TypedError {
    /// The reply, if there is one: its text, its stop reason, its usage.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Call(_) => None,
            Self::Refused(reply)
            | Self::MaxTokens(reply)
            | Self::ContextWindow(reply)
            | Self::Unfinished(reply)
            | Self::Mismatch(Mismatch { reply, .. }) => Some(reply),
        }
    }

    /// What all attempts together are known to have used.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        match (self, self.reply()) {
            (Self::Call(error), _) => error.ledger(),
            (_, Some(reply)) => reply.meta.ledger(),
            (_, None) => Ledger::default(),
        }
    }

    /// The stable `snake_case` name, for metrics and logs; of a failed call that of its kind.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Call(error) => error.label(),
            Self::Refused(_) => "refused",
            Self::MaxTokens(_) => "max_tokens",
            Self::ContextWindow(_) => "context_window",
            Self::Unfinished(_) => "unfinished",
            Self::Mismatch(_) => "mismatch",
        }
    }
}

/// A failed call is as recoverable as it is; the same request brings the same for all the others.
impl Recoverable for TypedError {
    fn recovery(&self) -> Recovery {
        match self {
            Self::Call(error) => error.recovery(),
            _ => Recovery::Never,
        }
    }

    fn delivery(&self) -> Delivery {
        match self {
            Self::Call(error) => error.delivery(),
            _ => Delivery::Answered,
        }
    }

    fn repeats(&self) -> Option<u32> {
        match self {
            Self::Call(error) => Recoverable::repeats(error),
            _ => None,
        }
    }

    fn blames_caller(&self) -> bool {
        match self {
            Self::Call(error) => Recoverable::blames_caller(error),
            _ => false,
        }
    }

    fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Call(error) => Some(error.kind()),
            _ => None,
        }
    }
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => return error.fmt(f),
            Self::Refused(_) => f.write_str("the model refused")?,
            Self::MaxTokens(_) => f.write_str("the reply was cut off at max_tokens")?,
            Self::ContextWindow(_) => {
                f.write_str("the reply was cut off because the model's context is full")?;
            }
            Self::Unfinished(reply) => {
                f.write_str("the reply is no answer yet")?;
                if let Some(reason) = &reply.stop_reason {
                    write!(f, ": it stopped for {}", reason.as_str())?;
                }
            }
            Self::Mismatch(Mismatch { error, .. }) => write!(
                f,
                "the reply is not of the form that was asked for, at line {}, column {}",
                error.line(),
                error.column()
            )?,
        }
        match self.reply().and_then(|reply| reply.meta.facts.request_id()) {
            Some(id) => write!(f, " ({id})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mismatch")
            .field("reply", &self.reply)
            .field("line", &self.error.line())
            .field("column", &self.error.column())
            .finish()
    }
}

impl StdError for TypedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Call(error) => error.source(),
            _ => None,
        }
    }
}

impl From<Error> for TypedError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use evenkeel_error::Facts;

    use super::*;
    use crate::{Billing, Meta};

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Answer {
        total: u32,
    }

    fn reply(stop_reason: &str, texts: &[&str]) -> Reply {
        let texts = texts
            .iter()
            .map(|text| serde_json::json!({"type": "text", "text": text}));
        let message = serde_json::json!({
            "type": "message", "id": "msg_1", "role": "assistant", "model": "m",
            "content": texts.collect::<Vec<_>>(), "stop_reason": stop_reason,
            "usage": {"output_tokens": 7},
        });
        let mut headers = http::HeaderMap::new();
        headers.insert("request-id", http::HeaderValue::from_static("req_1"));
        Reply {
            message: serde_json::from_value(message).unwrap(),
            meta: Meta {
                facts: Facts::read(200, &headers, SystemTime::UNIX_EPOCH),
                attempts: Vec::new(),
                elapsed: Duration::ZERO,
                billing: Billing::Once,
                fallbacks: Vec::new(),
            },
        }
    }

    fn read(stop_reason: &str, texts: &[&str]) -> Result<Typed<Answer>, TypedError> {
        Typed::read(reply(stop_reason, texts))
    }

    #[test]
    fn the_answer_is_the_whole_text_or_the_last_one() {
        for texts in [
            &[r#"{"total": 3}"#][..],
            &[r#"{"tot"#, r#"al": 3}"#],
            &["I look it up.", r#"{"total": 3}"#],
        ] {
            assert_eq!(*read("end_turn", texts).unwrap(), Answer { total: 3 });
        }
    }

    #[test]
    fn a_failed_call_is_as_recoverable_as_it_is() {
        let facts = Facts::read(408, &http::HeaderMap::new(), SystemTime::UNIX_EPOCH);
        let call = || {
            let failure = evenkeel_error::Error::from_response(&facts, b"");
            Error::new(failure, crate::Stopped::Attempts)
        };
        let typed = TypedError::from(call());
        assert!(call().blames_caller());
        assert_eq!(typed.blames_caller(), call().blames_caller());
        assert_eq!(typed.recovery(), Recoverable::recovery(&call()));
        assert_eq!(
            Recoverable::delivery(&typed),
            Recoverable::delivery(&call())
        );
        assert_eq!(Recoverable::kind(&typed), Recoverable::kind(&call()));
        assert_eq!(typed.repeats(), Recoverable::repeats(&call()));
    }

    #[test]
    fn what_is_no_answer_is_named_and_says_nothing_of_the_text() {
        let mut lines = Vec::new();
        for (stop_reason, text) in [
            ("refusal", "planted"),
            ("max_tokens", r#"{"total": 3}"#),
            ("model_context_window_exceeded", "planted"),
            ("tool_use", "planted"),
            ("pause_turn", "planted"),
            ("end_turn", "planted"),
            ("end_turn", r#"{"total": "planted"}"#),
            ("end_turn", ""),
        ] {
            let error = read(stop_reason, &[text]).unwrap_err();
            assert_eq!(error.reply().unwrap().text(), text);
            assert_eq!(error.reply().unwrap().usage.output_tokens, Some(7));
            assert_eq!(error.recovery(), Recovery::Never);
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
            lines.push(format!("{}: {error}", error.label()));
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        refused: the model refused (req_1)
        max_tokens: the reply was cut off at max_tokens (req_1)
        context_window: the reply was cut off because the model's context is full (req_1)
        unfinished: the reply is no answer yet: it stopped for tool_use (req_1)
        unfinished: the reply is no answer yet: it stopped for pause_turn (req_1)
        mismatch: the reply is not of the form that was asked for, at line 1, column 1 (req_1)
        mismatch: the reply is not of the form that was asked for, at line 1, column 19 (req_1)
        mismatch: the reply is not of the form that was asked for, at line 1, column 0 (req_1)
        ");
    }
}
