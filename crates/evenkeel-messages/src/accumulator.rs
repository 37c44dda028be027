use evenkeel_error::{Error, Facts};

use crate::{
    DeltaRef, End, EventRef, Incomplete, Message, Partial, Position, RawEvent, StreamEvent,
    Strictness, Verdict,
};

mod collect;
mod overlay;

use collect::Grown;
use overlay::Overlay;

/// Events in, the reply so far out, and at the end the verdict.
///
/// Text and thinking are in the reply as they grow; a tool call only when its input is whole. Cost
/// per event is constant, memory is the reply's.
#[derive(Clone, Debug)]
pub struct Accumulator {
    facts: Facts,
    partial: Partial,
    /// For each block of the partial's content, its index on the wire; ascending.
    indices: Vec<u32>,
    /// Indices of blocks that have begun and not stopped.
    open: Vec<u32>,
    /// What arrived for blocks that are kept as raw JSON; merged when they stop.
    overlays: Vec<Overlay>,
    stage: Stage,
    strictness: Strictness,
    events: u64,
    violation: Option<collect::Violation>,
    /// An error event, to read again should the end not bring its error.
    failure: Option<RawEvent>,
    server_tools: ServerTools,
    content_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Begun,
    /// `message_stop` was seen; nothing counts any more.
    Stopped,
}

/// Whether a tool that runs at the server, or at an MCP server, was called. It may have acted on
/// the outside world, so the request must not be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerTools {
    /// None was called.
    None,
    /// At least one call began.
    Began,
}

impl Accumulator {
    /// An accumulator for the response whose head is `facts`; its errors carry them.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self {
            partial: Partial::new(facts.request_id().map(str::to_owned)),
            facts,
            indices: Vec::new(),
            open: Vec::new(),
            overlays: Vec::new(),
            stage: Stage::Waiting,
            strictness: Strictness::Strict,
            events: 0,
            violation: None,
            failure: None,
            server_tools: ServerTools::None,
            content_bytes: 0,
        }
    }

    /// How much the server may leave out. Default [`Strictness::Strict`]. Set it before the first
    /// event.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Takes the next event.
    ///
    /// An event that contradicts the ones before it, such as a delta for a block that never began,
    /// makes the verdict [`Verdict::Failed`]: what was collected would be wrong. So does an error
    /// event before the stop reason; hand its error to [`end`](Self::end) to keep all that it says.
    pub fn push(&mut self, event: &StreamEvent) {
        if !self.takes_events() {
            return;
        }
        let outcome = match event {
            StreamEvent::MessageStart(head) => self.begin(head),
            StreamEvent::ContentBlockStart { index, block, .. } => self.start(*index, block),
            StreamEvent::ContentBlockDelta { index, delta, .. } => self.grow(*index, delta),
            StreamEvent::ContentBlockStop { index, .. } => self.stop(*index),
            StreamEvent::MessageDelta(delta) => self.conclude(delta),
            StreamEvent::MessageStop { .. } => self.finish(),
            StreamEvent::Unknown { name, raw } if name.is_empty() && raw.is_done() => {
                self.finish_relaxed()
            }
            StreamEvent::Error(_) => {
                self.fail(event);
                Ok(())
            }
            StreamEvent::Ping { .. } | StreamEvent::Unknown { .. } => Ok(()),
        };
        self.judge(outcome);
    }

    /// Takes the next event, borrowed: the frequent one without an allocation of its own. As
    /// [`push`](Self::push).
    pub fn push_ref(&mut self, event: &EventRef<'_>) {
        match event {
            EventRef::ContentBlockDelta { index, delta, .. } => {
                if self.takes_events() {
                    let outcome = self.grow_by(*index, delta);
                    self.judge(outcome);
                }
            }
            EventRef::Other { event, .. } => self.push(event),
        }
    }

    fn takes_events(&mut self) -> bool {
        let takes =
            self.stage != Stage::Stopped && self.violation.is_none() && self.failure.is_none();
        self.events += u64::from(takes);
        takes
    }

    /// Nothing that follows an error event makes the reply whole.
    fn fail(&mut self, event: &StreamEvent) {
        if self.partial.stop_reason.is_none() {
            let said = serde_json::to_string(event).unwrap_or_default();
            self.failure = Some(RawEvent(said.into()));
        }
    }

    fn judge(&mut self, outcome: Result<(), collect::Violation>) {
        // After the stop reason the reply is whole, and nothing can spoil it.
        if self.partial.stop_reason.is_none() {
            self.violation = outcome.err();
        }
    }

    fn grow_by(&mut self, index: u32, delta: &DeltaRef<'_>) -> Result<(), collect::Violation> {
        let grown = match delta {
            DeltaRef::Text(text) => Grown::Text(text),
            DeltaRef::InputJson(json) => Grown::InputJson(json),
            DeltaRef::Thinking(thinking) => Grown::Thinking(thinking),
            DeltaRef::Signature(signature) => Grown::Signature(signature),
        };
        self.grow_with(index, grown)
    }

    /// What has arrived so far, at no cost. It has no unfinished tool call that could be run.
    #[must_use]
    pub fn message_so_far(&self) -> &Partial {
        &self.partial
    }

    /// A copy of what has arrived so far.
    #[must_use]
    pub fn partial(&self) -> Partial {
        self.partial.clone()
    }

    /// Whether a tool at the server or at an MCP server was called.
    #[must_use]
    pub fn server_tools(&self) -> ServerTools {
        self.server_tools
    }

    /// Output tokens seen: the server's last count, or an estimate of one token for three bytes of
    /// content if that is more. Thinking that is not displayed is counted only by the server, at
    /// the end.
    #[must_use]
    pub fn output_tokens_seen(&self) -> u64 {
        self.partial
            .usage
            .output_tokens
            .unwrap_or(0)
            .max(self.content_bytes.div_ceil(3))
    }

    /// How far the reply has come.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            events: self.events,
            open_block: self.open.last().copied(),
        }
    }

    /// The verdict, when no more events come.
    pub fn end(mut self, end: End) -> Verdict {
        for overlay in std::mem::take(&mut self.overlays) {
            self.merge(overlay);
        }
        let at = self.position();
        if self.partial.stop_reason.is_some() {
            self.settle();
        }
        // An end marker alone, with no content before it, is what some servers send when they fail.
        let stopped_without_reason = self.strictness == Strictness::Relaxed
            && self.stage == Stage::Stopped
            && !self.partial.is_empty();
        if self.partial.stop_reason.is_some() || stopped_without_reason {
            let message = Message::complete(self.partial);
            return match self.stage {
                Stage::Stopped => Verdict::Complete(message),
                Stage::Waiting | Stage::Begun => Verdict::CompleteWithoutStop(message),
            };
        }
        let Self {
            facts,
            partial,
            violation,
            failure,
            stage,
            ..
        } = self;
        let with = |error: Error| Box::new(Incomplete { error, partial, at });
        if let Some(what) = violation {
            let message = format!("events that contradict each other: {what}");
            return Verdict::Failed(with(Error::protocol(message).with_facts(facts)));
        }
        let end = match (end, failure) {
            (End::Failed(error), _) => End::Failed(error),
            (_, Some(said)) => End::Failed(Error::from_event(&facts, said.get().as_bytes())),
            (end, None) => end,
        };
        match (end, stage) {
            (End::Failed(error), _) => Verdict::Failed(with(error)),
            (End::Cut(error), Stage::Waiting) => Verdict::Empty(with(error)),
            (End::Cut(error), Stage::Begun | Stage::Stopped) => Verdict::Truncated(with(error)),
            (End::Eof, Stage::Waiting) => {
                let error = Error::protocol("empty: the stream ended before the reply began");
                Verdict::Empty(with(error.with_facts(facts)))
            }
            (End::Eof, Stage::Begun | Stage::Stopped) => {
                Verdict::Truncated(with(Error::interrupted().with_facts(facts)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
