use std::collections::HashSet;
use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use evenkeel_error::InvalidConfig;
use evenkeel_messages::{Content, MessageRequest, ToolUse};

use super::allowance::Allowance;
use super::approval::{Approval, Ask};
use super::conversation::{Conversation, Stage};
use super::crew::Crew;
use super::function::FunctionTool;
use crate::{Error, Ledger, Messages, Reply, ReplyEvent, RunEnding, ToolRun};

/// Replies in one run, unless said otherwise: more than long tasks take, and an end to a model that
/// goes round in circles.
const MAX_STEPS: u32 = 50;

/// Calls at a time, unless said otherwise: as many as a model makes at once, mostly, and few enough
/// for what stands behind them.
const CONCURRENCY: usize = 8;

type Show = Box<dyn FnMut(&ReplyEvent) + Send>;

/// Lets a model call tools until it has an answer. Made by
/// [`Messages::tool_runner`](crate::Messages::tool_runner).
///
/// It holds the conversation. A run that fails, ends at a limit or is dropped has lost nothing: the
/// next run goes on where it was.
///
/// A `tool_choice` that forces a call (`any`, `tool`) holds until the model has made one. From then on
/// it is `auto`: a model that has to call a tool at every step could never answer, and would go on to the
/// limit. [`update`](Self::update) forces another. One that is set as a
/// [field](crate::Messages::field) of the calls is sent with every step as it is.
#[must_use = "a runner does nothing until it is run"]
pub struct ToolRunner {
    calls: Messages,
    conversation: Conversation,
    tools: Vec<FunctionTool>,
    max_steps: u32,
    token_limit: Option<u64>,
    concurrency: usize,
    approval: Option<Ask>,
    show: Option<Show>,
    last: Option<Reply>,
    ledger: Ledger,
}

impl ToolRunner {
    pub(crate) fn new(calls: Messages, request: MessageRequest) -> Self {
        Self {
            calls,
            conversation: Conversation::new(request),
            tools: Vec::new(),
            max_steps: MAX_STEPS,
            token_limit: None,
            concurrency: CONCURRENCY,
            approval: None,
            show: None,
            last: None,
            ledger: Ledger::default(),
        }
    }

    /// A tool that runs here; may be given several times. Tools that run at the server stand in the
    /// request.
    pub fn tool(mut self, tool: FunctionTool) -> Self {
        if let Ok(definition) = tool.definition() {
            let definition = definition.clone();
            self.conversation.update(|request| request.tool(definition));
        }
        self.tools.push(tool);
        self
    }

    /// How many replies one run asks for at the most: 1 or more. Default 50.
    pub fn max_steps(mut self, max_steps: u32) -> Self {
        self.max_steps = max_steps;
        self
    }

    /// How many tokens one run may use: 1 or more. What counts is every token that the server
    /// reported, in and out, cached or not ([`Ledger::tokens`]). The reply that reaches the limit is
    /// whole, so a run may use more, by one reply. Default: no limit.
    pub fn token_limit(mut self, tokens: u64) -> Self {
        self.token_limit = Some(tokens);
        self
    }

    /// How many calls run at a time: 1 or more. Default 8.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls;
        self
    }

    /// Is asked about each call, in order, before any call of the reply runs. A run that takes up
    /// calls of an earlier one asks about them again. Default: all are approved.
    pub fn approval<F, R>(mut self, ask: F) -> Self
    where
        F: Fn(ToolUse) -> R + Send + Sync + 'static,
        R: Future<Output = Approval> + Send + 'static,
    {
        self.approval = Some(Box::new(move |call| Box::pin(ask(call))));
        self
    }

    /// Is shown each event of each reply as it arrives. The replies are then streamed: a fault before
    /// the first content is handled unseen; one after it ends the run with an error, because what was
    /// shown cannot be taken back, unless the calls permit a restart, which is shown first. None of
    /// that reply's calls has run, and the next run asks for it again.
    pub fn on_event(mut self, show: impl FnMut(&ReplyEvent) + Send + 'static) -> Self {
        self.show = Some(Box::new(show));
        self
    }

    /// Asks the model, runs the calls of its reply, and asks again with their results, until there
    /// are no more calls or something else ends it.
    ///
    /// The calls of one reply run side by side, inside this future, and their results go back in one
    /// message, in the order of the calls. What a tool says of its failure goes back as its result,
    /// and so do a name that no tool has and arguments that do not fit. A panic of a tool is a
    /// failure of that call alone; the model is told that the tool broke down, and nothing of the
    /// panic's words. (What it shares with others it may have left half done. Where panics abort
    /// the process, they do.) The id of a call runs at most once, whatever comes.
    ///
    /// # Errors
    ///
    /// The failure of the call that asked the model, with all that it has been tried; `invalid_config`
    /// for tools or limits that cannot be, and where the last run has ended the conversation and
    /// nobody has [said](Self::say) anything since. The conversation is as before the failed
    /// request, so another run sends it again.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops the request or the tools that run. Results that are there stay; a
    /// call that had begun is not run again, and the model is told that it was interrupted. The
    /// next run goes on from there.
    pub async fn run(&mut self) -> Result<ToolRun, Error> {
        self.check()?;
        let mut allowance = Allowance::new(self.max_steps, self.token_limit);
        self.conversation.interrupt();
        loop {
            match self.conversation.stage() {
                Stage::Over => return Err(at_an_end()),
                Stage::Ask => {
                    let ending = self.step(&mut allowance).await?;
                    if let Some(ending) = ending.or_else(|| allowance.used_up()) {
                        return self.end(ending, &allowance);
                    }
                }
                Stage::Work => {
                    if !self.ask_for_approval().await {
                        return self.end(RunEnding::Stopped, &allowance);
                    }
                    self.work().await;
                }
            }
        }
    }

    /// Says something, which the next run sends. Calls that have not run are answered as not run.
    pub fn say(&mut self, content: impl Into<Content>) {
        self.conversation.say(content.into());
    }

    /// Changes the request, such as its `max_tokens`, from the next step on. Its tools and its
    /// messages are best left alone: the model's thinking is bound to them.
    pub fn update(&mut self, change: impl FnOnce(MessageRequest) -> MessageRequest) {
        self.conversation.update(change);
    }

    /// The conversation so far, ready to be sent: calls that have no result are answered as not run.
    pub fn conversation(&self) -> MessageRequest {
        self.conversation.so_far()
    }

    /// The calls that the next run will run, in order.
    pub fn waiting_calls(&self) -> impl Iterator<Item = &ToolUse> {
        self.conversation.waiting()
    }

    /// The last whole reply.
    #[must_use]
    pub fn last_reply(&self) -> Option<&Reply> {
        self.last.as_ref()
    }

    /// What all runs together are known to have used, those that failed included. Of a run that was
    /// dropped, what its whole replies used.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger
    }

    fn check(&self) -> Result<(), InvalidConfig> {
        let counts = [
            ("max_steps", u64::from(self.max_steps)),
            ("token_limit", self.token_limit.unwrap_or(1)),
            ("concurrency", self.concurrency as u64),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(InvalidConfig::new(name, "must be 1 or more"));
        }
        for tool in &self.tools {
            tool.definition()?;
        }
        let names: HashSet<_> = self.tools.iter().map(FunctionTool::name).collect();
        if names.len() < self.tools.len() {
            return Err(InvalidConfig::new("tool", "must have a name of its own"));
        }
        if self
            .conversation
            .request()
            .parameter("compaction")
            .is_some()
        {
            let rule = "must not be set for tools: each step would compact the conversation again";
            return Err(InvalidConfig::new("compaction", rule));
        }
        Ok(())
    }

    /// Asks the model once.
    async fn step(&mut self, allowance: &mut Allowance) -> Result<Option<RunEnding>, Error> {
        let reply = match self.ask().await {
            Ok(reply) => reply,
            Err(error) => {
                self.ledger = self.ledger.and(error.ledger());
                return Err(error);
            }
        };
        let ledger = reply.meta.ledger();
        self.ledger = self.ledger.and(ledger);
        allowance.spend(ledger);
        let ending = self.conversation.take(&reply.message);
        self.last = Some(reply);
        Ok(ending)
    }

    async fn ask(&mut self) -> Result<Reply, Error> {
        let request = self.conversation.request().clone();
        // The future of a call is large, and whoever holds that of a run moves it about.
        let Some(show) = &mut self.show else {
            return Box::pin(self.calls.create(request)).await;
        };
        let mut stream = Box::pin(self.calls.stream(request)).await?;
        while let Some(event) = stream.next().await {
            show(&event?);
        }
        stream.finish().await
    }

    /// Whether the calls may run; those that may not have been answered then.
    async fn ask_for_approval(&mut self) -> bool {
        let Some(ask) = &self.approval else {
            return true;
        };
        let mut refused = Vec::new();
        for call in self.conversation.waiting() {
            match ask(call.clone()).await {
                Approval::Approve => {}
                Approval::Refuse(reason) => refused.push((call.id.clone(), reason)),
                Approval::Stop => return false,
            }
        }
        for (id, reason) in refused {
            let words = format!("This call was not run: it was not approved. {reason}");
            self.conversation.refuse(&id, words.trim_end());
        }
        true
    }

    /// Runs the calls of a reply. What is done is kept, also when this is dropped.
    async fn work(&mut self) {
        let Self {
            conversation,
            tools,
            concurrency,
            ..
        } = self;
        let mut crew = Crew::new(*concurrency);
        poll_fn(|cx| {
            loop {
                while crew.has_room()
                    && let Some((place, call)) = conversation.begin()
                {
                    match tools.iter().find(|tool| tool.name() == call.name) {
                        Some(tool) => crew.take_on(place, tool.call(call)),
                        None => conversation.finish(place, Err(unknown(&call, tools))),
                    }
                }
                if crew.is_empty() {
                    return Poll::Ready(());
                }
                match crew.poll_next(cx) {
                    Poll::Ready((place, outcome)) => conversation.finish(place, outcome),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
        conversation.settle();
    }

    fn end(&self, ending: RunEnding, allowance: &Allowance) -> Result<ToolRun, Error> {
        // There is always one: a conversation waits for calls only after a reply.
        let reply = self.last.clone().ok_or_else(at_an_end)?;
        Ok(ToolRun {
            ending,
            reply,
            conversation: self.conversation.so_far(),
            steps: allowance.steps,
            ledger: allowance.ledger,
        })
    }
}

fn at_an_end() -> Error {
    let rule = "has come to an end: say something before it is run again";
    InvalidConfig::new("conversation", rule).into()
}

fn unknown(call: &ToolUse, tools: &[FunctionTool]) -> String {
    let names: Vec<_> = tools.iter().map(FunctionTool::name).collect();
    format!(
        "This call was not run: there is no tool `{}` here. The tools are: {}.",
        call.name,
        names.join(", ")
    )
}

impl fmt::Debug for ToolRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolRunner")
            .field("conversation", &self.conversation)
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}
