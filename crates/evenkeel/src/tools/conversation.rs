//! The loop without its shell: a reply goes in, and what to do next comes out.

use std::collections::HashSet;

use evenkeel_messages::{
    Container, Content, ContentBlock, JsonObject, Message, MessageParam, MessageRequest,
    StopReason, ToolChoice, ToolChoiceAuto, ToolResult, ToolUse, UnfinishedTool,
};

use super::crew::Outcome;
use crate::RunEnding;

/// A conversation with a model that calls tools.
///
/// It holds to two rules, whatever comes and whenever somebody stops listening: a call is begun at
/// most once, and the request has one result for each call that it has, in the order of the calls,
/// in one message.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    request: MessageRequest,
    /// The calls that are in the request and have no result in it yet.
    calls: Vec<Owed>,
    /// The ids of all calls so far.
    ids: HashSet<String>,
    stage: Stage,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The model's: the request can be sent.
    Ask,
    /// The tools': calls wait for their results.
    Work,
    /// The user's: somebody has to say something.
    Over,
}

#[derive(Clone, Debug)]
struct Owed {
    call: ToolUse,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Waiting,
    Running,
    Answered(ToolResult),
}

const NOT_RUN: &str = "This call was not run.";
const INTERRUPTED: &str =
    "This call was interrupted. What it had begun may be done, half done or not done.";
const USED_ID: &str = "This call was not run: another call has had the same id. Call again.";
const BROKEN_INPUT: &str = "This call was not run: its input is no JSON object. Call again.";

impl Conversation {
    pub(super) fn new(request: MessageRequest) -> Self {
        Self {
            request,
            calls: Vec::new(),
            ids: HashSet::new(),
            stage: Stage::Ask,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// What to send next. Only at [`Stage::Ask`] does the API take it.
    pub(super) fn request(&self) -> &MessageRequest {
        &self.request
    }

    pub(super) fn update(&mut self, change: impl FnOnce(MessageRequest) -> MessageRequest) {
        // A copy, so that a change that panics leaves what there was.
        self.request = change(self.request.clone());
    }

    fn add(&mut self, message: MessageParam) {
        let request = std::mem::replace(&mut self.request, MessageRequest::new("", 0));
        self.request = request.message(message);
    }

    /// A reply. Says how the run ends, if it does; else the stage says what is next.
    ///
    /// What is not whole does not become a part of the conversation: a reply that was cut off, or
    /// refused, is as if it had not been given.
    pub(super) fn take(&mut self, reply: &Message) -> Option<RunEnding> {
        match &reply.stop_reason {
            Some(StopReason::ToolUse) => self.take_calls(reply),
            Some(StopReason::PauseTurn | StopReason::Compaction) => self.take_pause(reply),
            Some(StopReason::EndTurn | StopReason::StopSequence) if is_empty(reply) => {
                self.stage = Stage::Over;
                Some(RunEnding::Empty)
            }
            Some(StopReason::EndTurn | StopReason::StopSequence) => {
                Some(self.take_last(reply, RunEnding::Answered))
            }
            Some(StopReason::MaxTokens) => Some(RunEnding::MaxTokens),
            Some(StopReason::ModelContextWindowExceeded) => Some(RunEnding::ContextWindow),
            Some(StopReason::Refusal) => Some(RunEnding::Refused),
            Some(_) | None => Some(self.take_last(reply, RunEnding::Unknown)),
        }
    }

    /// A turn that waits for its tools. A tool of the server's that has no result in it is deferred:
    /// it runs once the results are there, with nothing beside them, and that is all they ever have.
    fn take_calls(&mut self, reply: &Message) -> Option<RunEnding> {
        let broken: Vec<_> = reply
            .unfinished_tools()
            .iter()
            .filter_map(wrapped)
            .collect();
        self.append(reply, broken.iter().cloned().map(ContentBlock::from));
        self.owe(reply);
        if self.waiting().next().is_some() {
            self.free_choice();
        }
        for call in broken {
            let fault = error(&call, BROKEN_INPUT);
            self.ids.insert(call.id.clone());
            self.calls.push(Owed {
                call,
                state: State::Answered(fault),
            });
        }
        if self.calls.is_empty() {
            self.stage = Stage::Over;
            return Some(RunEnding::NothingCalled);
        }
        self.stage = Stage::Work;
        None
    }

    /// Leaves the next call to the model, once it has made the one that it was made to make: forced at
    /// every step, it could never answer.
    fn free_choice(&mut self) {
        let disable_parallel_tool_use = match self.request.parameter_as("tool_choice") {
            Some(ToolChoice::Any(any)) => any.disable_parallel_tool_use,
            Some(ToolChoice::Tool(tool)) => tool.disable_parallel_tool_use,
            _ => return,
        };
        let mut auto = ToolChoiceAuto::new();
        auto.disable_parallel_tool_use = disable_parallel_tool_use;
        self.update(|request| request.tool_choice(auto));
    }

    /// A turn that the server goes on with when it gets it back. Calls in it are answered when the
    /// turn is over.
    fn take_pause(&mut self, reply: &Message) -> Option<RunEnding> {
        if reply.content.is_empty() {
            return Some(RunEnding::Empty);
        }
        self.append(reply, []);
        self.owe(reply);
        self.stage = Stage::Ask;
        None
    }

    /// A turn that is over. Calls in it are not meant to run.
    fn take_last(&mut self, reply: &Message, ending: RunEnding) -> RunEnding {
        self.append(reply, []);
        self.owe(reply);
        self.cancel();
        self.stage = Stage::Over;
        ending
    }

    /// Adds a reply as it came, but for texts without a word, which the API refuses to take back.
    fn append(&mut self, reply: &Message, more: impl IntoIterator<Item = ContentBlock>) {
        let given = reply.content.iter().filter(|block| !is_blank(block));
        let blocks: Vec<_> = given.cloned().chain(more).collect();
        let container = reply.details.container.as_ref();
        if let Some(id) = container.and_then(|container| container.id.as_deref()) {
            self.update(|request| in_container(request, id));
        }
        if !blocks.is_empty() {
            self.add(MessageParam::assistant(blocks));
        }
    }

    /// Notes the calls of a reply that has been added.
    fn owe(&mut self, reply: &Message) {
        for call in reply.tool_calls() {
            let state = if self.ids.insert(call.id.clone()) {
                State::Waiting
            } else {
                State::Answered(error(call, USED_ID))
            };
            self.calls.push(Owed {
                call: call.clone(),
                state,
            });
        }
    }

    /// The calls that have neither run nor been answered.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &ToolUse> {
        let waiting = |owed: &&Owed| matches!(owed.state, State::Waiting);
        self.calls.iter().filter(waiting).map(|owed| &owed.call)
    }

    /// The next call to run, and its place. No call is given out twice.
    pub(super) fn begin(&mut self) -> Option<(usize, ToolUse)> {
        if self.stage != Stage::Work {
            return None;
        }
        let mut calls = self.calls.iter_mut().enumerate();
        let (place, owed) = calls.find(|(_, owed)| matches!(owed.state, State::Waiting))?;
        owed.state = State::Running;
        Some((place, owed.call.clone()))
    }

    /// What the call at `place` brought.
    pub(super) fn finish(&mut self, place: usize, outcome: Outcome) {
        if let Some(owed) = self.calls.get_mut(place)
            && matches!(owed.state, State::Running)
        {
            let call = &owed.call;
            owed.state = State::Answered(match outcome {
                Ok(content) => result(call, content),
                Err(words) => error(call, &words),
            });
        }
    }

    /// Answers a call that waits, so that it does not run.
    pub(super) fn refuse(&mut self, id: &str, words: &str) {
        let calls = self.calls.iter_mut();
        for owed in calls.filter(|owed| owed.call.id == id) {
            if matches!(owed.state, State::Waiting) {
                owed.state = State::Answered(error(&owed.call, words));
            }
        }
    }

    /// Nobody runs these calls any more: those that were begun are answered, and not begun again.
    pub(super) fn interrupt(&mut self) {
        for owed in &mut self.calls {
            if matches!(owed.state, State::Running) {
                owed.state = State::Answered(error(&owed.call, INTERRUPTED));
            }
        }
    }

    fn cancel(&mut self) {
        self.interrupt();
        for owed in &mut self.calls {
            if matches!(owed.state, State::Waiting) {
                owed.state = State::Answered(error(&owed.call, NOT_RUN));
            }
        }
    }

    /// Hands the results over to the request, once each call has one.
    pub(super) fn settle(&mut self) {
        let is_answered = |owed: &Owed| matches!(owed.state, State::Answered(_));
        if self.calls.iter().all(is_answered) {
            let results = self.calls.drain(..).filter_map(|owed| match owed.state {
                State::Answered(result) => Some(ContentBlock::from(result)),
                State::Waiting | State::Running => None,
            });
            let results: Vec<_> = results.collect();
            if !results.is_empty() {
                self.add(MessageParam::user(results));
            }
            self.stage = Stage::Ask;
        }
    }

    /// Somebody says something. Calls that wait are answered as not run: they come first.
    pub(super) fn say(&mut self, content: Content) {
        self.close();
        self.add(MessageParam::user(content));
        self.stage = Stage::Ask;
    }

    /// Answers whatever has no answer.
    fn close(&mut self) {
        self.cancel();
        self.settle();
    }

    /// The conversation so far, as the API takes it.
    pub(super) fn so_far(&self) -> MessageRequest {
        let mut copy = self.clone();
        copy.close();
        copy.request
    }
}

fn result(call: &ToolUse, content: impl Into<Content>) -> ToolResult {
    let result = ToolResult::new(call.id.clone()).content(content);
    match &call.toolset_name {
        Some(name) => result.toolset_name(name.clone()),
        None => result,
    }
}

fn error(call: &ToolUse, words: &str) -> ToolResult {
    result(call, words).is_error()
}

/// A call whose input is no JSON, in the form in which it can be sent back: "Fine-grained tool
/// streaming" of the API documentation. What runs at the server is left to the server.
fn wrapped(tool: &UnfinishedTool) -> Option<ToolUse> {
    if tool.kind() != "tool_use" || tool.id().is_empty() || tool.name().is_empty() {
        return None;
    }
    let input = serde_json::json!({ "INVALID_JSON": tool.input_so_far() });
    let input = JsonObject::new(&input).ok()?;
    Some(ToolUse::new(tool.id(), tool.name(), input))
}

fn is_blank(block: &ContentBlock) -> bool {
    matches!(block, ContentBlock::Text(text) if text.text.trim().is_empty())
}

/// Whether a reply brings nothing that anybody could read or use.
fn is_empty(reply: &Message) -> bool {
    reply.content.iter().all(|block| {
        is_blank(block)
            || matches!(
                block,
                ContentBlock::Thinking(_) | ContentBlock::RedactedThinking(_)
            )
    })
}

/// The request in the container that the reply to it used, unless it names one: tools that are bound
/// to a container refuse to go on without it.
fn in_container(request: MessageRequest, id: &str) -> MessageRequest {
    match request.parameter("container") {
        None => request.container(Container::new().id(id)),
        Some(_) => match request.parameter_as::<Container>("container") {
            Some(given) if given.id.is_none() => request.container(given.id(id)),
            Some(_) | None => request,
        },
    }
}

#[cfg(test)]
mod tests;
