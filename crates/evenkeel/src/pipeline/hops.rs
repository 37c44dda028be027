//! Where a call goes when it brings nothing where it is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::{Category, Detail, Error as Failure, ErrorKind, Phase};
use evenkeel_event::{CallId, Stopped, Trigger, What};
use evenkeel_messages::StopReason;

use super::{Call, Passage, Plan, Spare};
use crate::Error;
use crate::live::Live;
use crate::options::Options;
use crate::reply::FellBack;
use crate::shared::Shared;

/// So many overloads in a row send a call on: the first may be a blip, the second came after a wait.
const OVERLOADS: u32 = 2;

/// The fallbacks of a call that were not tried yet, and what has been met so far.
#[derive(Default)]
pub(crate) struct Hops {
    ahead: VecDeque<Hop>,
    /// The model that is asked now.
    model: String,
    overloads: u32,
    /// What the hop before met, in case this one refuses the request.
    before: Option<(Failure, Stopped)>,
    taken: Vec<FellBack>,
    /// The clients that the call has left, and its number at each.
    left: Vec<(Arc<Shared>, CallId)>,
}

/// A fallback, ready to be asked.
pub(crate) struct Hop {
    pub(crate) shared: Arc<Shared>,
    pub(crate) plan: Plan,
    pub(crate) model: String,
    pub(crate) options: Options,
}

impl Hops {
    pub(crate) fn new(model: &str, ahead: VecDeque<Hop>) -> Self {
        Self {
            ahead,
            model: model.to_owned(),
            ..Self::default()
        }
    }

    /// Whether there is another to go to.
    pub(crate) fn is_open(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Content has come: what follows stays here.
    pub(super) fn close(&mut self) {
        self.ahead.clear();
    }

    pub(super) fn taken(&mut self) -> Vec<FellBack> {
        std::mem::take(&mut self.taken)
    }

    /// The number of a call at the client that it comes to: its own if it was there before.
    fn number(&mut self, from: (Arc<Shared>, CallId), to: &Arc<Shared>) -> CallId {
        self.left.push(from);
        let mut left = self.left.iter();
        let known = left.find(|(shared, _)| Arc::ptr_eq(shared, to));
        known.map_or_else(|| to.next_call(), |(_, number)| *number)
    }

    /// What makes a call go on that failed like this.
    pub(super) fn trigger(&mut self, failure: &Failure) -> Option<Trigger> {
        let trigger = match (failure.kind(), failure.detail()) {
            (ErrorKind::CircuitOpen, _) => Trigger::CircuitOpen,
            (ErrorKind::Overloaded, _) => {
                self.overloads += 1;
                if self.overloads < OVERLOADS {
                    return None;
                }
                Trigger::Overloaded
            }
            (
                ErrorKind::TimedOut,
                Detail::TimedOut {
                    phase: Phase::Head | Phase::FirstEvent,
                    ..
                },
            ) => Trigger::Silence,
            _ => {
                self.overloads = 0;
                return None;
            }
        };
        self.is_open().then_some(trigger)
    }

    /// What the call ends with: a hop that refuses the request is not what the caller asked about.
    pub(super) fn verdict(&mut self, failure: Failure, stopped: Stopped) -> (Failure, Stopped) {
        let is_own = matches!(
            failure.category(),
            Category::InvalidRequest | Category::Authentication
        );
        match self.before.take() {
            Some(before) if is_own => before,
            _ => (failure, stopped),
        }
    }
}

impl Call {
    /// The same call with fallbacks.
    pub(crate) fn falling_back(mut self: Box<Self>, hops: Hops) -> Box<Self> {
        self.hops = hops;
        self
    }

    /// Goes to the next fallback after `failure`, if there is one and the failure is of that kind.
    /// Gives the failure back otherwise.
    #[cold]
    pub(super) fn escape(&mut self, failure: Failure) -> Result<(), Failure> {
        let Some(trigger) = self.hops.trigger(&failure) else {
            return Err(failure);
        };
        if !self.may_go_elsewhere(&failure) {
            return Err(failure);
        }
        let stopped = match trigger {
            Trigger::CircuitOpen => Stopped::Patience,
            _ => Stopped::Attempts,
        };
        // The first failure is the one that the caller asked about.
        let before = self.hops.before.take();
        self.hops.before = Some(before.unwrap_or((failure.retold(), stopped)));
        self.last = Some(failure);
        self.hop(trigger);
        Ok(())
    }

    #[cfg(feature = "retry")]
    fn may_go_elsewhere(&self, failure: &Failure) -> bool {
        self.may_repeat(failure)
    }

    #[cfg(not(feature = "retry"))]
    fn may_go_elsewhere(&self, failure: &Failure) -> bool {
        use evenkeel_error::Delivery;
        self.plan.repeat != crate::repeat::Repeat::Unsafe || failure.delivery() == Delivery::NotSent
    }

    /// Turns to the next fallback; there is one.
    fn hop(&mut self, trigger: Trigger) {
        let Some(next) = self.hops.ahead.pop_front() else {
            return;
        };
        let from = std::mem::replace(&mut self.hops.model, next.model);
        self.emit(What::fell_back(&from, &self.hops.model, trigger));
        self.hops.taken.push(FellBack {
            from,
            to: self.hops.model.clone(),
            trigger,
        });
        self.hops.overloads = 0;
        self.return_probe();
        #[cfg(feature = "retry")]
        self.give_back_token();
        self.passage = Passage::default();
        // Each client counts from a moment of its own.
        let now = self.now();
        let elapsed = now.since(self.started);
        let left = self.deadline.map(|deadline| now.until(deadline));
        let used = self.patience_used();
        #[cfg(feature = "retry")]
        let made = match trigger {
            // The circuit kept the attempt that was to come from being one.
            Trigger::CircuitOpen => self.retrying.attempts().saturating_sub(1),
            _ => self.retrying.attempts(),
        };
        let from = std::mem::replace(&mut self.shared, next.shared);
        if !Arc::ptr_eq(&from, &self.shared) {
            self.voice.here = self.hops.number((from, self.voice.here), &self.shared);
        }
        let now = self.now();
        self.carried = self.carried.saturating_add(elapsed);
        self.started = now;
        self.deadline = left.map(|left| now + left);
        self.plan = next.plan;
        #[cfg(feature = "retry")]
        {
            let (tuning, repeat) = (&self.shared.tuning, self.plan.repeat);
            let (patience, options) = (self.patience, &next.options);
            let fresh = super::again::Retrying::start(tuning, patience, repeat, options, now);
            self.retrying = fresh.having_used(used, made);
        }
        #[cfg(not(feature = "retry"))]
        drop((used, next.options));
    }

    fn patience_used(&self) -> Duration {
        #[cfg(feature = "retry")]
        return self.retrying.patience_used(self.now());
        #[cfg(not(feature = "retry"))]
        return self.carried + self.now().since(self.started);
    }

    /// Makes attempts until one brings its first content, here or at a fallback; a model that
    /// refuses before it has said anything counts as none.
    pub(crate) async fn open_message(&mut self) -> Result<Live, Error> {
        let mut live: Live = self.open().await?;
        while refuses(&live) && self.hops.is_open() {
            self.leave_refusal(&live);
            // Boxed, so that the calls that meet none make no room for it.
            let next = Box::pin(self.open::<Live>()).await;
            self.spare = Spare::None;
            match next {
                Ok(next) => live = next,
                // A refusal is a reply, and nothing better came.
                Err(_) => break,
            }
        }
        self.hops.close();
        Ok(live)
    }

    /// Books the refusal, which the call falls back to, and goes on.
    fn leave_refusal(&mut self, live: &Live) {
        let now = self.now();
        let watch = live.watch;
        self.book_complete(watch, live.facts(), Some(&live.usage()), now);
        let took = now.since(watch.started);
        self.emit(What::attempt_refused(watch.number, took));
        self.hop(Trigger::Refusal);
        self.spare = Spare::Reply;
    }
}

/// Whether the reply is a refusal with nothing before it, in whichever form it came.
fn refuses(live: &Live) -> bool {
    let is_refusal = |reason: Option<&StopReason>| reason == Some(&StopReason::Refusal);
    match (live.whole_message(), live.so_far()) {
        (Some(whole), _) => whole.content.is_empty() && is_refusal(whole.stop_reason.as_ref()),
        (None, Some(partial)) => partial.is_empty() && is_refusal(partial.stop_reason()),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests;
