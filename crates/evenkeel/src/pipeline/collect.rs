use evenkeel_error::{Delivery, Error as Failure, Facts, Moment};
use evenkeel_event::{Stopped, What};
use evenkeel_messages::{Incomplete, Message, ServerTools, Usage};

use super::{After, Call, CallPhase, Stopwatch};
use crate::live::{Limit, Live, Step};
use crate::reply::{Meta, Reply};
use crate::{Attempt, Error};

/// How reading a reply ended, if not well.
pub(crate) enum Broken {
    Incomplete(Box<Incomplete>),
    Limit(Stopped),
}

impl Call {
    /// Makes attempts until one brings a whole reply.
    pub(crate) async fn collect(mut self: Box<Self>) -> Result<Reply, Error> {
        // In a place of its own: the future would keep room for it from its beginning on.
        let mut live = Box::new(self.open_message().await?);
        let mut replays = 0_u32;
        loop {
            let broken = match self.read_to_end(&mut live).await {
                Ok(message) => return Ok(self.succeed(&live, message)),
                Err(broken) => broken,
            };
            let failure = self.broke_off(&mut live, broken)?;
            let (tokens, tools) = live.spent();
            let after = if replays > 0 {
                After::Veto(Stopped::Attempts)
            } else if tokens > self.shared.tuning.sizes.replay_tokens || tools != ServerTools::None
            {
                After::Veto(Stopped::UnsafeToRepeat)
            } else {
                After::Content(live.watch.number)
            };
            drop(live);
            replays += 1;
            #[cfg(feature = "retry")]
            {
                let now = self.now();
                self.retrying.progressed(now);
            }
            let waited = self.after(failure, after).await?;
            // Boxed, so that the calls that need none make no room for it.
            live = Box::new(Box::pin(self.open_after(waited)).await?);
        }
    }

    async fn read_to_end(&mut self, live: &mut Live) -> Result<Box<Message>, Broken> {
        loop {
            match live.step(self.body_limit()).await {
                Step::Event(_) => {}
                Step::Limit(stopped) => return Err(Broken::Limit(stopped)),
                Step::End(end) => return live.verdict(end).map_err(Broken::Incomplete),
            }
        }
    }

    /// Once content flows, patience stands still: only the deadline ends the call from outside.
    pub(crate) fn body_limit(&self) -> Limit {
        self.deadline.map(|deadline| (deadline, Stopped::Deadline))
    }

    /// Books the end of a reply that broke off after its first content, and keeps what it brought.
    /// `Err` when the caller's own limit ended it, and with it the call.
    #[cold]
    pub(crate) fn broke_off(&mut self, live: &mut Live, broken: Broken) -> Result<Failure, Error> {
        match broken {
            Broken::Incomplete(incomplete) => {
                let Incomplete { error, partial, .. } = *incomplete;
                #[cfg(feature = "breaker")]
                if let Some(permits) = live.take_permits() {
                    self.record_failure(permits, &error);
                }
                self.usage = Some(Box::new(partial.usage().clone()));
                self.partial = Some(Box::new(partial));
                self.book_cut(live.watch, &error);
                self.refused_credential(live.watch, &error);
                Ok(error)
            }
            Broken::Limit(stopped) => {
                self.partial = live.so_far().cloned().map(Box::new);
                self.usage = Some(Box::new(live.usage()));
                let failure =
                    Failure::deadline_exceeded(Delivery::Answered).with_facts(live.facts().clone());
                self.book_cut(live.watch, &failure);
                self.last.get_or_insert(failure);
                Err(self.out_of_time(stopped))
            }
        }
    }

    pub(crate) fn succeed(&mut self, live: &Live, message: Box<Message>) -> Reply {
        let meta = self.complete(live.watch, live.facts(), Some(&message.usage));
        Reply {
            message: *message,
            meta,
        }
    }

    /// Books the end of a call that brought what it was made for.
    pub(crate) fn complete(
        &mut self,
        watch: Stopwatch,
        facts: &Facts,
        usage: Option<&Usage>,
    ) -> Meta {
        let now = self.now();
        self.book_complete(watch, facts, usage, now);
        self.phase = CallPhase::Ended;
        let elapsed = self.elapsed(now);
        self.emit(What::succeeded(watch.number, elapsed));
        Meta {
            facts: facts.clone(),
            attempts: std::mem::take(&mut self.attempts),
            elapsed,
            billing: self.billing,
            fallbacks: self.hops.taken(),
        }
    }

    /// Keeps the record of an attempt that brought a whole reply, and settles with its budget, once: a
    /// refusal that is returned after all was booked when the call left it, and what was paid since
    /// was paid for attempts that failed.
    pub(super) fn book_complete(
        &mut self,
        watch: Stopwatch,
        facts: &Facts,
        usage: Option<&Usage>,
        now: Moment,
    ) {
        if self
            .attempts
            .iter()
            .any(|attempt| attempt.number == watch.number)
        {
            return;
        }
        let took = now.since(watch.started);
        let attempt = Attempt::complete(watch.number, facts, watch.waited, took, usage);
        self.keep(attempt);
        #[cfg(feature = "retry")]
        self.settle(now);
    }

    /// Keeps the record of an attempt; most calls have one.
    pub(super) fn keep(&mut self, attempt: Attempt) {
        if self.attempts.is_empty() {
            self.attempts.reserve_exact(1);
        }
        self.attempts.push(attempt);
    }

    /// The end of a stream that the caller reads: what it has shown cannot be taken back.
    pub(crate) fn end_released(&mut self, failure: Failure) -> Error {
        self.give_up(failure, Stopped::Released)
    }
}
