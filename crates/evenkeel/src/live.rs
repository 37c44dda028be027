//! A reply as it arrives: bytes in, events out, and the truth about how it ended.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_error::{Error as Failure, Facts, Moment};
use evenkeel_event::{CallId, Stopped, What};
use evenkeel_messages::{
    Accumulator, Decoder, End, Incomplete, Message, Partial, ServerTools, StallClock, StallLimits,
    StallVerdict, StreamEvent,
};
use evenkeel_transport::{Body, Response};

use crate::clock::Timer;
use crate::pipeline::Stopwatch;
use crate::shared::Shared;

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
    call: CallId,
    #[cfg(feature = "breaker")]
    permits: Option<crate::circuit::Permits>,
}

enum Source {
    Stream(Box<Stream>),
    Whole(Option<Box<Message>>),
}

struct Stream {
    body: Body,
    decoder: Decoder,
    accumulator: Accumulator,
    stalls: StallClock,
    timer: Timer,
    /// Set once the message has stopped: until when the end of the body is waited for.
    lingers: Option<Moment>,
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
        response: Response,
        watch: Stopwatch,
        shared: &Arc<Shared>,
        call: CallId,
        first_event: Duration,
    ) -> Self {
        let timers = &shared.tuning.timers;
        let limits = StallLimits::new()
            .first_event(first_event)
            .byte_silence(timers.byte_silence)
            .progress(timers.progress)
            .hidden_progress(timers.hidden_progress)
            .warning(shared.tuning.divided(StallLimits::WARNING));
        let stream = Stream {
            body: response.body,
            decoder: Decoder::new(response.facts.clone()),
            accumulator: Accumulator::new(response.facts.clone()),
            stalls: StallClock::new(limits),
            timer: Timer::default(),
            lingers: None,
        };
        Self::of(
            Source::Stream(Box::new(stream)),
            response.facts,
            watch,
            shared,
            call,
        )
    }

    /// A reply that came in one piece.
    pub(crate) fn whole(
        facts: Facts,
        message: Message,
        watch: Stopwatch,
        shared: &Arc<Shared>,
        call: CallId,
    ) -> Self {
        Self::of(
            Source::Whole(Some(Box::new(message))),
            facts,
            watch,
            shared,
            call,
        )
    }

    fn of(
        source: Source,
        facts: Facts,
        watch: Stopwatch,
        shared: &Arc<Shared>,
        call: CallId,
    ) -> Self {
        Self {
            watch,
            facts,
            source,
            held: VecDeque::new(),
            spent: (0, ServerTools::None),
            shared: Arc::clone(shared),
            call,
            #[cfg(feature = "breaker")]
            permits: None,
        }
    }

    #[cfg(feature = "breaker")]
    pub(crate) fn hold(&mut self, permits: crate::circuit::Permits) {
        self.permits = Some(permits);
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
                let (shared, call, attempt) = (&self.shared, self.call, self.watch.number);
                stream.poll_step(cx, limit, shared, |quiet| {
                    shared.emit(call, What::Quiet { attempt, quiet });
                })
            }
        }
    }

    /// The end of a reply that came before its first content: it may be whole all the same.
    pub(crate) fn conclude(&mut self, end: End) -> Result<(), Failure> {
        let message = self.verdict(end).map_err(|incomplete| incomplete.error)?;
        self.source = Source::Whole(Some(Box::new(message)));
        Ok(())
    }

    /// The verdict on a reply that has ended. Afterwards there is nothing left to read.
    pub(crate) fn verdict(&mut self, end: End) -> Result<Message, Box<Incomplete>> {
        match &mut self.source {
            Source::Whole(message) => match message.take() {
                Some(message) => Ok(*message),
                None => Accumulator::new(self.facts.clone()).end(end).into_result(),
            },
            Source::Stream(stream) => {
                let accumulator = &stream.accumulator;
                self.spent = (accumulator.output_tokens_seen(), accumulator.server_tools());
                let fresh = Accumulator::new(self.facts.clone());
                std::mem::replace(&mut stream.accumulator, fresh)
                    .end(end)
                    .into_result()
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
            if let Some(lingers) = self.lingers {
                return self.poll_linger(cx, lingers, shared);
            }
            match self.decoder.next_event() {
                None => {}
                Some(Err(error)) => return Poll::Ready(Step::End(End::Failed(error))),
                Some(Ok(StreamEvent::Error(error))) => {
                    return Poll::Ready(Step::End(End::Failed(error)));
                }
                Some(Ok(event)) => {
                    self.stalls.event(&event, now);
                    self.accumulator.push(&event);
                    if matches!(event, StreamEvent::MessageStop) {
                        self.lingers = Some(now + LINGER);
                    }
                    return Poll::Ready(Step::Event(event));
                }
            }
            match self.body.poll_chunk(cx) {
                Poll::Ready(None) => return Poll::Ready(Step::End(End::Eof)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Step::End(End::Cut(error))),
                Poll::Ready(Some(Ok(chunk))) => {
                    now = shared.clock.now();
                    self.stalls.bytes(now);
                    self.decoder.feed(chunk);
                }
                Poll::Pending => {
                    now = shared.clock.now();
                    if let Some((moment, stopped)) = limit
                        && now >= moment
                    {
                        return Poll::Ready(Step::Limit(stopped));
                    }
                    self.stalls.read_started(now);
                    match self.stalls.check(now) {
                        StallVerdict::Warn { quiet } => warn(quiet),
                        verdict => {
                            if let Some(error) = verdict.into_error() {
                                return Poll::Ready(Step::End(End::Cut(error)));
                            }
                        }
                    }
                    let checks = self.stalls.next_check();
                    let ends = limit.map(|(moment, _)| moment);
                    let Some(next) = checks.into_iter().chain(ends).min() else {
                        return Poll::Pending;
                    };
                    if self.timer.poll_until(&shared.clock, next, cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// The message has stopped; whatever follows changes nothing.
    fn poll_linger(&mut self, cx: &mut Context<'_>, until: Moment, shared: &Shared) -> Poll<Step> {
        while let Poll::Ready(chunk) = self.body.poll_chunk(cx) {
            if !matches!(chunk, Some(Ok(_))) {
                return Poll::Ready(Step::End(End::Eof));
            }
        }
        match self.timer.poll_until(&shared.clock, until, cx) {
            Poll::Ready(()) => Poll::Ready(Step::End(End::Eof)),
            Poll::Pending => Poll::Pending,
        }
    }
}
