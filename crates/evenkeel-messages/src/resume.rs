//! What may be done about a reply that broke off, as pure functions: of what the consumer has
//! seen, of what completed, of the model.

use crate::block::join_text;
use crate::{
    ContentBlock, EventRef, MessageParam, MessageRequest, Partial, Role, StreamEvent, Thinking,
};

mod model;

use model::Continues;

/// How much of a reply its consumer has seen. Show it every event that is handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    content: bool,
    /// Indices of tool calls whose start was handed out; one at a time, as blocks are.
    call: Option<u32>,
    tool_call: bool,
}

impl Released {
    /// Nothing yet.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// The consumer is handed this event.
    pub fn release(&mut self, event: &StreamEvent) {
        self.content |= event.carries_content();
        match event {
            StreamEvent::ContentBlockStart { index, block, .. } if block.is_client_call() => {
                // One that was still open is not one that can be run; but in doubt it was.
                self.tool_call |= self.call.is_some();
                self.call = Some(*index);
            }
            StreamEvent::ContentBlockStop { index, .. } if self.call == Some(*index) => {
                self.tool_call = true;
            }
            _ => {}
        }
    }

    /// As [`release`](Self::release), of a borrowed event.
    pub fn release_ref(&mut self, event: &EventRef<'_>) {
        match event {
            EventRef::ContentBlockDelta { .. } => self.content = true,
            EventRef::Other { event, .. } => self.release(event),
        }
    }

    /// Whether a part of the reply was handed out.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.content
    }

    /// Whether a whole tool call was handed out: it may have run.
    #[must_use]
    pub fn has_tool_call(&self) -> bool {
        self.tool_call
    }
}

/// What the caller wants of a reply that broke off after its consumer has seen a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResumePolicy {
    /// Give the partial to the caller.
    #[default]
    Stop,
    /// Ask again from the start; what was shown is taken back.
    Restart,
    /// Ask for the rest; what was shown stays.
    Continue,
}

/// What to do about a reply that broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Resume {
    /// Send this request; nobody has seen anything of the attempt that broke off.
    Replay(MessageRequest),
    /// Announce that the attempt is discarded, then send this request.
    Restart(MessageRequest),
    /// Send the continuation's request; its reply goes on where the kept content ends.
    Continue(Box<Continuation>),
    /// Give the partial to the caller.
    Stop(NoResume),
}

/// The request for the rest of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Continuation {
    /// To send.
    pub request: MessageRequest,
    /// What stays of the reply; it ends in text. What came behind is to be taken back.
    pub kept: Vec<ContentBlock>,
    /// How the model is told where to go on.
    pub form: ContinuationForm,
}

/// How a model is told where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContinuationForm {
    /// The kept content is the last message of the request, and the model's own; models up to 4.5.
    /// White space at its end is taken off the kept content, too: the API refuses it.
    Prefill,
    /// A message of the user quotes the kept text and asks to go on; every model.
    Quote,
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoResume {
    /// The caller wants it so.
    Policy,
    /// The reply is complete: its stop reason was seen.
    Complete,
    /// A whole tool call was handed out, or is in the content: it may have run.
    ToolCall,
    /// A tool at the server, or at an MCP server, was called: it would run again.
    ServerTool,
    /// No text has arrived; thinking and tool input cannot be continued.
    NoText,
    /// The reply is JSON by a schema: its parts do not make a whole.
    StructuredOutput,
    /// The conversation does not end in a message that a message of the user may follow.
    LastMessage,
}

impl NoResume {
    /// The stable `snake_case` name, for metrics and logs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Complete => "complete",
            Self::ToolCall => "tool_call",
            Self::ServerTool => "server_tool",
            Self::NoText => "no_text",
            Self::StructuredOutput => "structured_output",
            Self::LastMessage => "last_message",
        }
    }
}

/// Decides about a reply to `request` that broke off, from what its consumer has seen and from
/// what arrived.
///
/// Before the first content the request is replayed, whatever the policy. After it the policy
/// decides; never is a reply restarted or continued once a tool call was whole, nor replayed or
/// restarted once a tool at the server was called. Only text is continued, from the most recent
/// text block: by prefilling it for models up to 4.5 that do not think, else by quoting it (error
/// recovery, on the streaming page of the API's documentation).
///
/// Whether a retry is worth its price, and whether the request may be repeated at all, is for
/// budget and caller to say.
pub fn resume(
    request: &MessageRequest,
    partial: &Partial,
    released: &Released,
    policy: ResumePolicy,
) -> Resume {
    if partial.stop_reason().is_some() {
        return Resume::Stop(NoResume::Complete);
    }
    if !released.has_content() {
        return match may_restart(partial, released) {
            Ok(()) => Resume::Replay(request.clone()),
            Err(why) => Resume::Stop(why),
        };
    }
    let stop = match policy {
        ResumePolicy::Stop => NoResume::Policy,
        ResumePolicy::Restart => match may_restart(partial, released) {
            Ok(()) => return Resume::Restart(request.clone()),
            Err(why) => why,
        },
        ResumePolicy::Continue => match continuation(request, partial, released) {
            Ok(continuation) => return Resume::Continue(Box::new(continuation)),
            Err(why) => why,
        },
    };
    Resume::Stop(stop)
}

/// Whether a reply that broke off may be asked for again from its start: the rule of [`resume`], for
/// those who keep the bytes of the request.
///
/// # Errors
///
/// A whole tool call was handed out, or a tool at the server was called.
pub fn may_restart(partial: &Partial, released: &Released) -> Result<(), NoResume> {
    let at_server = partial.content().iter().any(ContentBlock::runs_at_server)
        || partial
            .unfinished_tools()
            .iter()
            .any(|tool| tool.start.runs_at_server());
    if released.has_tool_call() {
        Err(NoResume::ToolCall)
    } else if at_server {
        Err(NoResume::ServerTool)
    } else {
        Ok(())
    }
}

fn continuation(
    request: &MessageRequest,
    partial: &Partial,
    released: &Released,
) -> Result<Continuation, NoResume> {
    let content = partial.content();
    if released.has_tool_call() || content.iter().any(ContentBlock::is_client_call) {
        return Err(NoResume::ToolCall);
    }
    let is_text = |block: &ContentBlock| matches!(block, ContentBlock::Text(_)) && !is_blank(block);
    let last = content.iter().rposition(is_text).ok_or(NoResume::NoText)?;
    let kept = content.get(..=last).unwrap_or_default();
    let behind = content.get(last + 1..).unwrap_or_default();
    // One that ended without input may be a call that takes none, and runs.
    let mut ended = partial.unfinished_tools().iter().filter(|tool| tool.closed);
    if has_unanswered_call(kept)
        || behind.iter().any(ContentBlock::runs_at_server)
        || ended.any(|tool| tool.start.runs_at_server())
    {
        return Err(NoResume::ServerTool);
    }
    if is_structured(request) {
        return Err(NoResume::StructuredOutput);
    }
    let thinks: Option<Thinking> = request.parameter_as("thinking");
    let thinks = thinks.is_some_and(|thinking| thinking.is_on())
        || kept.iter().any(|block| {
            matches!(
                block,
                ContentBlock::Thinking(_) | ContentBlock::RedactedThinking(_)
            )
        });
    match model::continues(request.model()) {
        Continues::FromPrefill if !thinks => Ok(prefilled(request, kept)),
        Continues::FromPrefill | Continues::FromQuote => quoted(request, kept),
    }
}

fn is_blank(block: &ContentBlock) -> bool {
    matches!(block, ContentBlock::Text(text) if text.text.trim().is_empty())
}

/// Whether a tool at the server was called, and no block answers.
fn has_unanswered_call(kept: &[ContentBlock]) -> bool {
    kept.iter().filter(|block| block.is_call()).any(|call| {
        let (id, _) = call.call_identity();
        !kept.iter().any(|block| block.answers() == Some(&id))
    })
}

fn is_structured(request: &MessageRequest) -> bool {
    let config: Option<crate::OutputConfig> = request.parameter_as("output_config");
    config.is_some_and(|config| config.format.is_some())
        || request
            .parameter("output_format")
            .is_some_and(|format| format.get() != "null")
}

fn prefilled(request: &MessageRequest, kept: &[ContentBlock]) -> Continuation {
    let mut kept = kept.to_vec();
    if let Some(ContentBlock::Text(block)) = kept.last_mut() {
        block.text.truncate(block.text.trim_end().len());
    }
    // The API refuses blank text blocks.
    let sent = kept.iter().filter(|block| !is_blank(block)).cloned();
    let prefix = MessageParam::assistant(sent.collect::<Vec<_>>());
    Continuation {
        request: request.clone().message(prefix),
        kept,
        form: ContinuationForm::Prefill,
    }
}

fn quoted(request: &MessageRequest, kept: &[ContentBlock]) -> Result<Continuation, NoResume> {
    // A system message must be the last one, or be followed by the model's.
    let last = request.messages().last().map(|message| &message.role);
    if !matches!(last, Some(Role::User | Role::Assistant)) {
        return Err(NoResume::LastMessage);
    }
    let text = join_text(kept);
    let quote = format!(
        "Your reply was cut off by a network fault. This much of it arrived:\n\n\
         <partial_reply>\n{text}\n</partial_reply>\n\n\
         Go on exactly where it ends. Repeat nothing of it, and add no preface."
    );
    Ok(Continuation {
        request: request.clone().user(quote),
        kept: kept.to_vec(),
        form: ContinuationForm::Quote,
    })
}

#[cfg(test)]
mod tests;
