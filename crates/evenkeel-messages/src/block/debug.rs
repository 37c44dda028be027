//! `Debug` of blocks: names, lengths, counts. Never content, which is a prompt or a reply.

use std::fmt;

use super::{
    RedactedThinkingBlock, ServerToolUse, TextBlock, ThinkingBlock, ToolUse, UnknownBlock,
};
use crate::{Extra, RawJson};

impl fmt::Debug for TextBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextBlock")
            .field("text_bytes", &self.text.len())
            .field("citations", &self.citations.as_ref().map_or(0, Vec::len))
            .field("extra", &self.extra)
            .finish()
    }
}

impl fmt::Debug for ThinkingBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThinkingBlock")
            .field("thinking_bytes", &self.thinking.len())
            .field(
                "signed",
                &self.signature.as_ref().is_some_and(|s| !s.is_empty()),
            )
            .field("extra", &self.extra)
            .finish()
    }
}

impl fmt::Debug for RedactedThinkingBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactedThinkingBlock")
            .field("data_bytes", &self.data.len())
            .field("extra", &self.extra)
            .finish()
    }
}

impl fmt::Debug for ToolUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            name,
            input,
            extra,
        } = self;
        debug_call(f, "ToolUse", (id, name, input, extra))
    }
}

impl fmt::Debug for ServerToolUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            name,
            input,
            extra,
        } = self;
        debug_call(f, "ServerToolUse", (id, name, input, extra))
    }
}

fn debug_call(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    (id, name, input, extra): (&String, &String, &RawJson, &Extra),
) -> fmt::Result {
    f.debug_struct(kind)
        .field("id", id)
        .field("name", name)
        .field("input", input)
        .field("extra", extra)
        .finish()
}

impl fmt::Debug for UnknownBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownBlock")
            .field("kind", &self.kind)
            .field("raw", &self.raw)
            .finish()
    }
}
