use std::borrow::Cow;

use crate::Citation;

tagged! {
    /// What a block grows by.
    Delta {
        /// More text.
        Text(TextDelta),
        /// More of a tool's input.
        InputJson(InputJsonDelta),
        /// More thinking.
        Thinking(ThinkingDelta),
        /// The signature of the thinking.
        Signature(SignatureDelta),
        /// One more citation.
        Citations(CitationsDelta),
        /// The summary of a compaction.
        Compaction(CompactionDelta),
    }
}

object! {
    /// More text.
    TextDelta "text_delta" {
        /// The text.
        text: String,
    } {} [] ()
}

object! {
    /// More of a tool's input; JSON only when all of it is there.
    InputJsonDelta "input_json_delta" {
        /// A piece of JSON.
        partial_json: String,
    } {} [] ()
}

object! {
    /// More thinking.
    ThinkingDelta "thinking_delta" {
        /// The thinking; empty where it is not displayed.
        thinking: String,
    } {} [
        /// How many tokens the thinking has taken so far, about. Needs a beta.
        estimated_tokens: u64,
    ] ()
}

object! {
    /// The signature of the thinking, whole.
    SignatureDelta "signature_delta" {
        /// The signature.
        signature: String,
    } {} [] ()
}

object! {
    /// One more citation.
    CitationsDelta "citations_delta" {
        /// The citation.
        citation: Box<Citation>,
    } {} [] ()
}

object! {
    /// The summary of a compaction, whole.
    CompactionDelta "compaction_delta" {} {
        /// The summary.
        content: String,
        /// What only the server can read.
        encrypted_content: String,
    } [] ()
}

/// A delta of one of the frequent types, borrowed from the decoder where it holds no escapes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeltaRef<'a> {
    /// More text.
    Text(Cow<'a, str>),
    /// More of a tool's input; JSON only when all of it is there.
    InputJson(Cow<'a, str>),
    /// More thinking.
    Thinking(Cow<'a, str>),
    /// The signature of the thinking, whole.
    Signature(Cow<'a, str>),
}

impl DeltaRef<'_> {
    /// The delta's `type` on the wire.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text_delta",
            Self::InputJson(_) => "input_json_delta",
            Self::Thinking(_) => "thinking_delta",
            Self::Signature(_) => "signature_delta",
        }
    }

    /// The same, owned.
    #[must_use]
    pub fn into_owned(self) -> Delta {
        match self {
            Self::Text(text) => TextDelta::new(text).into(),
            Self::InputJson(json) => InputJsonDelta::new(json).into(),
            Self::Thinking(thinking) => ThinkingDelta::new(thinking).into(),
            Self::Signature(signature) => SignatureDelta::new(signature).into(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Text(text)
            | Self::InputJson(text)
            | Self::Thinking(text)
            | Self::Signature(text) => text,
        }
    }
}

/// Type and length only: it is a reply.
impl std::fmt::Debug for DeltaRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({} bytes)", self.kind(), self.as_str().len())
    }
}
