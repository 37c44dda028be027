//! The second half of the course: what a verdict does.

use core::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use super::{Course, Outage, Phase, Ramp};
use crate::counts::{Ledger, Sample};
use crate::{Mode, Outcome, Ratio, Reason, Ticket, Transition};

/// A failure as reported.
#[derive(Clone, Copy)]
struct Fault {
    kind: ErrorKind,
    hint: Option<Duration>,
}

/// What a circuit opens on that calls were too slow for: a time-out that nobody had set.
const SLOW: Fault = Fault {
    kind: ErrorKind::TimedOut,
    hint: None,
};

impl Course {
    /// See [`Machine::record`](crate::Machine::record).
    pub(crate) fn record(
        &mut self,
        ledger: &mut impl Ledger,
        ticket: Ticket,
        outcome: Outcome,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        if !self.counts(ticket) {
            return None;
        }
        match outcome {
            Outcome::Success if self.runs() => self.succeed(ledger, ticket, now, roll),
            Outcome::Failure { kind, hint } if self.runs() => {
                self.fail(ledger, ticket, Fault { kind, hint }, now, roll)
            }
            Outcome::Success | Outcome::Failure { .. } | Outcome::Neutral => {
                self.release(ticket);
                None
            }
        }
    }

    /// See [`Machine::first_content`](crate::Machine::first_content).
    pub(crate) fn first_content(
        &mut self,
        ledger: &mut impl Ledger,
        ticket: Ticket,
        now: Moment,
        roll: u64,
    ) -> (Ticket, Option<Transition>) {
        let counted = self.counts(ticket);
        let transition = self.record(ledger, ticket, Outcome::Success, now, roll);
        let rest = if !counted {
            // Of a call from before the opening: it stays outside.
            Ticket::UNCOUNTED
        } else if !self.runs() {
            // Not counted either, under an order; a failure to come may be.
            ticket.without_place()
        } else if self.counts(ticket) {
            ticket.answering()
        } else {
            // Of a probe, whose own success began a new generation: it belongs to that.
            Ticket::of_answering(self.generation)
        };
        (rest, transition)
    }

    /// Gives back the place that `ticket` holds, if it does: a neutral verdict, which needs no
    /// time.
    pub(crate) fn release(&mut self, ticket: Ticket) {
        if !ticket.holds_place() {
            return;
        }
        match &mut self.phase {
            Phase::HalfOpen { probe, .. } => probe.give_back(ticket),
            Phase::Recovering { ramp, .. } => ramp.give_back(ticket.generation()),
            Phase::Closed { .. } | Phase::Open { .. } => {}
        }
    }

    fn succeed(
        &mut self,
        ledger: &mut impl Ledger,
        ticket: Ticket,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        let slow = self.is_slow(ticket, now);
        if let Phase::HalfOpen { probe, outage } = self.phase {
            if slow {
                let failed = probe.is_latest(ticket).then_some(Reason::ProbeFailed);
                return failed.map(|reason| self.open(ledger, SLOW, reason, now, roll));
            }
            // Any probe of this half-open state will do, one whose lease is over too: it is the
            // present in which the server answered. Models that think for longer than the lease
            // would otherwise never close the circuit.
            let ramp = Ramp::new(now, self.generation + 1);
            let recovering = Phase::Recovering { ramp, outage };
            return Some(self.enter(recovering, now, Reason::ProbeSucceeded, outage));
        }
        let settled = self.settle(now);
        ledger.record(Sample::success(slow), now);
        let reason = match self.phase {
            // Only what went wrong can open, and of successes only slowness did.
            Phase::Closed { .. } if slow => self.broken_rule(ledger, now),
            _ => None,
        };
        self.open_or(settled, ledger, SLOW, reason, now, roll)
    }

    fn fail(
        &mut self,
        ledger: &mut impl Ledger,
        ticket: Ticket,
        fault: Fault,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        let settled = self.settle(now);
        let sample = if ticket.is_answering() {
            Sample::BROKEN
        } else {
            Sample::failure(self.is_slow(ticket, now))
        };
        let reason = match &mut self.phase {
            Phase::Closed { .. } => {
                ledger.record(sample, now);
                self.broken_rule(ledger, now)
            }
            Phase::Recovering { ramp, .. } => {
                ledger.record(sample, now);
                ramp.fail(&self.config.settings)
                    .then_some(Reason::FailedWhileRecovering)
            }
            // Of several probes only the latest tells of the present by failing: an earlier one
            // was sent a lease ago or more.
            Phase::HalfOpen { probe, .. } => probe.is_latest(ticket).then_some(Reason::ProbeFailed),
            Phase::Open { .. } => None,
        };
        self.open_or(settled, ledger, fault, reason, now, roll)
    }

    /// Opens for this reason, if there is one; else only what was settled happened.
    fn open_or(
        &mut self,
        settled: Option<Transition>,
        ledger: &mut impl Ledger,
        fault: Fault,
        reason: Option<Reason>,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        let Some(reason) = reason else { return settled };
        let opened = self.open(ledger, fault, reason, now, roll);
        // Both at once is one transition, from the state that was announced last.
        Some(settled.map_or(opened, |settled| Transition {
            from: settled.from,
            ..opened
        }))
    }

    /// The rule that the counts break, if they do.
    fn broken_rule(&self, ledger: &impl Ledger, now: Moment) -> Option<Reason> {
        let settings = &*self.config.settings;
        let streak = ledger.streak();
        if let Some(most) = settings.consecutive_failures
            && streak.failures >= most
            && streak.over() >= settings.consecutive_span
        {
            return Some(Reason::ConsecutiveFailures {
                failures: streak.failures,
                over: streak.over(),
            });
        }
        if !settings.counts_in_window() {
            return None;
        }
        let totals = ledger.totals(now).whole();
        if totals.samples < u64::from(settings.minimum_samples) {
            return None;
        }
        let reached = |ratio: Option<Ratio>, part| {
            ratio.is_some_and(|ratio| ratio.is_reached(part, totals.samples))
        };
        if reached(settings.failure_ratio, totals.failures) {
            return Some(Reason::FailureRatio {
                failures: totals.failures,
                samples: totals.samples,
            });
        }
        reached(settings.slow_ratio, totals.slow).then_some(Reason::SlowRatio {
            slow: totals.slow,
            samples: totals.samples,
        })
    }

    /// Whether a verdict at `now` is one of a slow call, if that is a rule.
    fn is_slow(&self, ticket: Ticket, now: Moment) -> bool {
        self.config
            .settings
            .slow_after()
            .is_some_and(|limit| now.since(ticket.begun) >= limit)
    }

    fn open(
        &mut self,
        ledger: &mut impl Ledger,
        fault: Fault,
        reason: Reason,
        now: Moment,
        roll: u64,
    ) -> Transition {
        let openings = self.openings_at(now);
        let delay = self.config.settings.delay(openings, fault.hint, roll);
        self.openings = openings.saturating_add(1);
        ledger.clear();
        let outage = Outage {
            fault: fault.kind,
            delay,
        };
        self.enter(
            Phase::Open {
                until: now + delay,
                outage,
            },
            now,
            reason,
            outage,
        )
    }

    const fn counts(&self, ticket: Ticket) -> bool {
        ticket.generation() >= self.floor
    }

    const fn runs(&self) -> bool {
        match self.mode {
            Mode::On | Mode::ObserveOnly => true,
            Mode::ForcedOpen | Mode::ForcedClosed => false,
        }
    }
}
