//! What an attempt reads of a response, under its timers and the limits of the call.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use evenkeel_error::{Delivery, Error as Failure, Facts, Moment, Phase};
use evenkeel_event::Stopped;
use evenkeel_messages::StreamEvent;
use evenkeel_transport::{Body, Response};

use super::Call;
use crate::clock::{Alarm, Clock, poll_alarm};
use crate::limits::Size;
use crate::live::{Live, Step};

/// Events that are kept until the first content: more than come before any reply, and a bound on
/// what a server can have us hold.
const MOST_KEPT: usize = 64;

/// How an exchange ended that brought no content.
pub(crate) enum Broken {
    Failed(Failure),
    Ended(Ended),
}

/// A limit of the caller's ended an exchange.
pub(crate) struct Ended {
    pub(super) stopped: Stopped,
    /// What was being waited for.
    pub(super) phase: Phase,
    /// The head, if it had come.
    facts: Option<Facts>,
}

impl Ended {
    pub(super) fn new(stopped: Stopped, phase: Phase, facts: Facts) -> Self {
        Self {
            stopped,
            phase,
            facts: Some(facts),
        }
    }

    pub(super) fn stopped(&self) -> Stopped {
        self.stopped
    }

    pub(super) fn into_failure(self, elapsed: Duration) -> Failure {
        let failure = match self.stopped {
            Stopped::Deadline if self.facts.is_some() => {
                Failure::deadline_exceeded(Delivery::Answered)
            }
            Stopped::Deadline => Failure::deadline_exceeded(Delivery::Unknown),
            _ => Failure::timed_out(self.phase, elapsed),
        };
        match self.facts {
            Some(facts) => failure.with_facts(facts),
            None => failure,
        }
    }
}

impl Call {
    /// Reads until the first content, so that whatever fails before it can be tried again unseen.
    pub(super) async fn read_first_content(&mut self, live: &mut Live) -> Result<(), Broken> {
        let mut phase = Phase::FirstEvent;
        loop {
            match live.step(self.limit()).await {
                Step::Event(event) => {
                    phase = Phase::Progress;
                    let shows = event.carries_content();
                    // What else comes before the content says nothing that a reader needs; what nobody
                    // here knows, the reader may.
                    let is_needed = match event {
                        StreamEvent::MessageStart(_) => true,
                        StreamEvent::Unknown { .. } => live.kept() < MOST_KEPT,
                        _ => shows,
                    };
                    if is_needed {
                        live.keep(event);
                    }
                    if shows {
                        return Ok(());
                    }
                }
                Step::Limit(stopped) => {
                    self.usage = Some(Box::new(live.usage()));
                    let facts = Some(live.facts().clone());
                    return Err(Broken::Ended(Ended {
                        stopped,
                        phase,
                        facts,
                    }));
                }
                Step::End(end) => {
                    return match live.verdict(end) {
                        Ok(message) => {
                            live.turn_whole(message);
                            Ok(())
                        }
                        Err(incomplete) => {
                            self.usage = Some(Box::new(incomplete.partial.usage().clone()));
                            Err(Broken::Failed(incomplete.error))
                        }
                    };
                }
            }
        }
    }

    /// A body that is not a stream, whole.
    pub(super) async fn read_body(&self, body: &mut Body, facts: &Facts) -> Result<Bytes, Broken> {
        let most = self.shared.tuning.sizes.reply_body;
        // Most replies are one chunk, which is read where it lies.
        let mut only = Bytes::new();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.chunk(body, facts).await? {
            let so_far = bytes.len().max(only.len());
            if so_far.saturating_add(chunk.len()) > most {
                let failure = Failure::protocol(format!("the reply is larger than {}", Size(most)));
                return Err(Broken::Failed(failure.with_facts(facts.clone())));
            }
            if so_far == 0 {
                only = chunk;
            } else {
                if bytes.is_empty() {
                    bytes.extend_from_slice(&only);
                }
                bytes.extend_from_slice(&chunk);
            }
        }
        Ok(if bytes.is_empty() {
            only
        } else {
            bytes.freeze()
        })
    }

    /// The next chunk of a body that is read whole, under one timer for the silence and the limits
    /// of the call, which is set only where a chunk has to be waited for.
    async fn chunk(&self, body: &mut Body, facts: &Facts) -> Result<Option<Bytes>, Broken> {
        let silence = self.shared.tuning.timers.byte_silence;
        let mut alarm = pin!(Alarm::default());
        let mut rings = None;
        let chunk = poll_fn(|cx| {
            if let Poll::Ready(chunk) = body.poll_chunk(cx) {
                return Poll::Ready(Ok(chunk));
            }
            let (moment, ended) = *rings.get_or_insert_with(|| self.rings(silence));
            ready!(poll_alarm(alarm.as_mut(), &self.shared.clock, moment, cx));
            Poll::Ready(Err(ended))
        });
        match chunk.await {
            Ok(chunk) => chunk.transpose().map_err(Broken::Failed),
            Err(None) => {
                let failure = Failure::timed_out(Phase::ByteSilence, silence);
                Err(Broken::Failed(failure.with_facts(facts.clone())))
            }
            Err(Some(stopped)) => Err(Broken::Ended(Ended {
                stopped,
                phase: Phase::ByteSilence,
                facts: Some(facts.clone()),
            })),
        }
    }

    /// When silence from now on ends a read, and which of the caller's limits does so before.
    fn rings(&self, silence: Duration) -> (Moment, Option<Stopped>) {
        let silent = self.now() + silence;
        match self.limit() {
            Some((moment, stopped)) if moment <= silent => (moment, Some(stopped)),
            _ => (silent, None),
        }
    }

    /// `future`'s output, unless a limit of the caller's comes first.
    pub(super) async fn bounded<F: Future>(
        &self,
        phase: Phase,
        future: Pin<&mut F>,
    ) -> Result<F::Output, Broken> {
        let Some((limit, stopped)) = self.limit() else {
            return Ok(future.await);
        };
        let output = self.shared.clock.before(limit, future).await;
        output.ok_or_else(|| {
            Broken::Ended(Ended {
                stopped,
                phase,
                facts: None,
            })
        })
    }

    /// Classifies a response that is not a success. Its head is known already, so a body that is
    /// cut, drips or never comes costs a few seconds and none of what the head said.
    pub(super) async fn refusal(&self, response: Response) -> Failure {
        if let Some(redirect) = response.redirect() {
            return redirect;
        }
        let limit = self.shared.tuning.timers.error_body;
        let most = self.shared.tuning.sizes.error_body;
        let (mut bytes, mut body) = (BytesMut::new(), response.body);
        let reading = Clock::within(Some(limit), body.fill(&mut bytes, most));
        // Whatever ends it, the head and what was read are classified.
        let _ = self.bounded(Phase::ByteSilence, pin!(reading)).await;
        Failure::from_response(&response.facts, &bytes)
    }
}
