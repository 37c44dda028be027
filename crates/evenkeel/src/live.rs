//! A reply as it arrives: bytes in, events out, and the truth about how it ended.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_error::{Facts, Moment};
use evenkeel_event::{Stopped, What};
use evenkeel_messages::{
    Accumulator, Decoder, End, Incomplete, Message, Partial, ServerTools, StallClock, StallLimits,
    StallVerdict, StreamEvent, Usage,
};
use evenkeel_transport::Body;

use crate::clock::Timer;
use crate::options::Voice;
use crate::pipeline::Stopwatch;
use crate::shared::Shared;

/// How long `message_stop` may take once the stop reason has come: the reply is whole without it.
const GRACE: Duration = Duration::from_secs(1);

/// How long the end of the body may take once the message has stopped: reading it lets the
/// connection be used again, and nothing depends on it.
const LINGER: Duration = Duration::from_millis(100);

/// One attempt's reply from its head on.
pub(crate) struct Live {
    pub(crate) watch: Stopwatch,
    facts: Facts,
    source: Source,
    /// Events that were read and not yet handed out.
    held: VecDeque<StreamEvent>,
    spent: (u64, ServerTools),
    shared: Arc<Shared>,
    voice: Voice,
    #[cfg(feature = "breaker")]
    permits: Option<crate::circuit::Permits>,
}

enum Source {
    Stream(Box<Stream>),
    Whole(Option<Box<Message>>),
}

struct Stream {
    /// `None` once nothing more is read.
    body: Option<Body>,
    decoder: Decoder,
    accumulator: Accumulator,
    stalls: StallClock,
    timer: Timer,
    stage: Stage,
}

/// How much of the reply is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Some of it.
    Open,
    /// Nothing that matters: the stop reason has come. Reading ends at this moment at the latest.
    Whole(Moment),
    /// Nothing: the message has stopped. Reading ends at this moment at the latest.
    Stopped(Moment),
}

/// What reading on brought.
pub(crate) enum Step {
    Event(StreamEvent),
    /// The stream is over, one way or another.
    End(End),
    /// A limit of the caller's came first.
    Limit(Stopped),
}

/// A limit of the caller's, and what it is called.
pub(crate) type Limit = Option<(Moment, Stopped)>;

impl Live {
    pub(crate) fn stream(
        facts: Facts,
        body: Body,
        watch: Stopwatch,
        shared: &Arc<Shared>,
        voice: &Voice,
        first_event: Duration,
    ) -> Self {
        let timers = &shared.tuning.timers;
        let limits = StallLimits::new()
            .first_event(first_event)
            .byte_silence(timers.byte_silence)
            .progress(timers.progress)
            .hidden_progress(timers.hidden_progress)
            .warning(timers.warning);
        let sizes = &shared.tuning.sizes;
        let stream = Stream {
            body: Some(body),
            decoder: Decoder::new(facts.clone())
                .event_limit(sizes.event)
                .body_limit(sizes.reply_body as u64),
            accumulator: Accumulator::new(facts.clone()),
            stalls: StallClock::new(limits),
            timer: Timer::default(),
            stage: Stage::Open,
        };
        Self::of(
            Source::Stream(Box::new(stream)),
            facts,
            watch,
            shared,
            voice,
        )
    }

    /// A reply that came in one piece.
    pub(crate) fn whole(
        facts: Facts,
        message: Box<Message>,
        watch: Stopwatch,
        shared: &Arc<Shared>,
        voice: &Voice,
    ) -> Self {
        Self::of(Source::Whole(Some(message)), facts, watch, shared, voice)
    }

    fn of(
        source: Source,
        facts: Facts,
        watch: Stopwatch,
        shared: &Arc<Shared>,
        voice: &Voice,
    ) -> Self {
        Self {
            watch,
            facts,
            source,
            held: VecDeque::new(),
            spent: (0, ServerTools::None),
            shared: Arc::clone(shared),
            voice: voice.clone(),
            #[cfg(feature = "breaker")]
            permits: None,
        }
    }

    #[cfg(feature = "breaker")]
    pub(crate) fn holding(mut self, permits: crate::circuit::Permits) -> Self {
        self.permits = Some(permits);
        self
    }

    #[cfg(feature = "breaker")]
    pub(crate) fn take_permits(&mut self) -> Option<crate::circuit::Permits> {
        self.permits.take()
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Keeps an event until somebody asks for it.
    pub(crate) fn keep(&mut self, event: StreamEvent) {
        self.held.push_back(event);
    }

    /// How many are kept.
    pub(crate) fn kept(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn next_kept(&mut self) -> Option<StreamEvent> {
        self.held.pop_front()
    }

    /// Hands a reply that came in one piece out as the events of a stream that said the same.
    pub(crate) fn spread(&mut self) {
        if let Source::Whole(Some(message)) = &self.source {
            self.held.extend(Message::clone(message).into_events());
        }
    }

    /// What has arrived so far; `None` for a reply that came in one piece.
    pub(crate) fn so_far(&self) -> Option<&Partial> {
        match &self.source {
            Source::Stream(stream) => Some(stream.accumulator.message_so_far()),
            Source::Whole(_) => None,
        }
    }

    /// A reply that came in one piece, or was whole before it had any content.
    pub(crate) fn whole_message(&self) -> Option<&Message> {
        match &self.source {
            Source::Whole(message) => message.as_deref(),
            Source::Stream(_) => None,
        }
    }

    /// What the server has said so far that the reply uses.
    pub(crate) fn usage(&self) -> Usage {
        match (self.whole_message(), self.so_far()) {
            (Some(whole), _) => whole.usage.clone(),
            (None, partial) => partial
                .map(|partial| partial.usage().clone())
                .unwrap_or_default(),
        }
    }

    /// The output that would be paid for again, and whether tools of the server's would run again.
    /// Known from the verdict on.
    pub(crate) fn spent(&self) -> (u64, ServerTools) {
        self.spent
    }

    /// Reads on.
    pub(crate) async fn step(&mut self, limit: Limit) -> Step {
        poll_fn(|cx| self.poll_step(cx, limit)).await
    }

    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>, limit: Limit) -> Poll<Step> {
        match &mut self.source {
            Source::Whole(_) => Poll::Ready(Step::End(End::Eof)),
            Source::Stream(stream) => {
                let (shared, voice, attempt) = (&self.shared, &self.voice, self.watch.number);
                let step = stream.poll_step(cx, limit, shared, |quiet| {
                    voice.emit(shared, What::quiet(attempt, quiet));
                });
                match step {
                    Poll::Ready(Step::End(End::Cut(error))) if error.facts().is_none() => {
                        Poll::Ready(Step::End(End::Cut(error.with_facts(self.facts.clone()))))
                    }
                    step => step,
                }
            }
        }
    }

    /// The same attempt, with a reply that turned out to be whole already.
    pub(crate) fn turn_whole(&mut self, message: Box<Message>) {
        self.source = Source::Whole(Some(message));
        self.held.clear();
    }

    /// Nothing more is read: the connection closes, unless its body was read to the end.
    pub(crate) fn let_go(&mut self) {
        if let Source::Stream(stream) = &mut self.source {
            stream.body = None;
            stream.timer = Timer::default();
        }
    }

    /// The verdict on a reply that has ended. Afterwards there is nothing left to read.
    pub(crate) fn verdict(&mut self, end: End) -> Result<Box<Message>, Box<Incomplete>> {
        match &mut self.source {
            Source::Whole(message) => message.take().map_or_else(
                || {
                    let empty = Accumulator::new(self.facts.clone());
                    empty.end(end).into_result().map(Box::new)
                },
                Ok,
            ),
            Source::Stream(stream) => {
                let accumulator = &stream.accumulator;
                self.spent = (accumulator.output_tokens_seen(), accumulator.server_tools());
                let fresh = Accumulator::new(self.facts.clone());
                std::mem::replace(&mut stream.accumulator, fresh)
                    .end(end)
                    .into_result()
                    .map(Box::new)
            }
        }
    }
}

impl Stream {
    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        limit: Limit,
        shared: &Shared,
        warn: impl Fn(Duration),
    ) -> Poll<Step> {
        let mut now = shared.clock.now();
        loop {
            if let Some(step) = self.next_step(now, shared) {
                return Poll::Ready(step);
            }
            let Some(body) = &mut self.body else {
                return Poll::Ready(Step::End(End::Eof));
            };
            let chunk = body.poll_chunk(cx);
            now = shared.clock.now();
            // Asked at every turn, so that a body that is always ready cannot outlive a limit.
            if let Some(step) = self.out_of_time(now, limit) {
                return Poll::Ready(step);
            }
            match chunk {
                Poll::Ready(None) => return Poll::Ready(Step::End(End::Eof)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Step::End(End::Cut(error))),
                Poll::Ready(Some(Ok(chunk))) => {
                    self.stalls.bytes(now);
                    self.decoder.feed(chunk);
                }
                Poll::Pending => {
                    self.stalls.read_started(now);
                    match self.stalls.check(now) {
                        StallVerdict::Warn { quiet } => warn(quiet),
                        verdict => {
                            if let Some(error) = verdict.into_error() {
                                return Poll::Ready(Step::End(End::Cut(error)));
                            }
                        }
                    }
                    let Some(next) = self.next_check(limit) else {
                        return Poll::Pending;
                    };
                    if self.timer.poll_until(&shared.clock, next, cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// What the bytes so far hold.
    fn next_step(&mut self, now: Moment, shared: &Shared) -> Option<Step> {
        loop {
            let event = match self.decoder.next_event()? {
                Err(error) | Ok(StreamEvent::Error(error)) => {
                    return Some(Step::End(End::Failed(error)));
                }
                Ok(event) => event,
            };
            if matches!(self.stage, Stage::Stopped(_)) {
                // Whatever follows the end of the message is not a part of it.
                continue;
            }
            self.stalls.event(&event, now);
            self.accumulator.push(&event);
            if matches!(event, StreamEvent::MessageStop { .. }) {
                self.stage = Stage::Stopped(now + shared.tuning.divided(LINGER));
            } else if self.stage == Stage::Open
                && self.accumulator.message_so_far().stop_reason().is_some()
            {
                self.stage = Stage::Whole(now + shared.tuning.divided(GRACE));
            }
            return Some(Step::Event(event));
        }
    }

    /// A reply that is whole ends well, whichever limit comes first.
    fn out_of_time(&self, now: Moment, limit: Limit) -> Option<Step> {
        let passed = limit.filter(|(moment, _)| now >= *moment);
        match (self.stage, passed) {
            (Stage::Open, None) => None,
            (Stage::Open, Some((_, stopped))) => Some(Step::Limit(stopped)),
            (Stage::Whole(_) | Stage::Stopped(_), Some(_)) => Some(Step::End(End::Eof)),
            (Stage::Whole(until) | Stage::Stopped(until), None) => {
                (now >= until).then_some(Step::End(End::Eof))
            }
        }
    }

    fn next_check(&self, limit: Limit) -> Option<Moment> {
        let ends = limit.map(|(moment, _)| moment);
        let until = match self.stage {
            Stage::Open => None,
            Stage::Whole(until) | Stage::Stopped(until) => Some(until),
        };
        self.stalls
            .next_check()
            .into_iter()
            .chain(ends)
            .chain(until)
            .min()
    }
}
