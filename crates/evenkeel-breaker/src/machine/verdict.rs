//! The second half of the machine: what a verdict does.

use core::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use super::{Machine, Outage, Phase, Ramp, Verdict};
use crate::admission::Place;
use crate::{Mode, Outcome, Reason, Ticket, Transition};

/// A failure as reported.
#[derive(Clone, Copy)]
struct Fault {
    kind: ErrorKind,
    hint: Option<Duration>,
}

impl Machine {
    /// What became of the call that was let in with `ticket`. Counted at `now`, the moment of the
    /// verdict: a call may take longer than the window is wide.
    ///
    /// A verdict from before the circuit last opened changes nothing; while a mode is forced, none
    /// does.
    pub fn record(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        if !self.counts(ticket) {
            return None;
        }
        match outcome {
            Outcome::Success if self.runs() => self.succeed(now),
            Outcome::Failure { kind, hint } if self.runs() => {
                self.fail(ticket, Fault { kind, hint }, now, roll)
            }
            Outcome::Success | Outcome::Failure { .. } | Outcome::Neutral => {
                self.release(ticket);
                None
            }
        }
    }

    /// The first verdict of a call that has two, such as a stream: it began to answer. Counts as
    /// a success, and gives the ticket for what may still go wrong; record with it a failure, or
    /// nothing.
    pub fn first_content(
        &mut self,
        ticket: Ticket,
        now: Moment,
        roll: u64,
    ) -> (Ticket, Option<Transition>) {
        let counted = self.counts(ticket);
        let transition = self.record(ticket, Outcome::Success, now, roll);
        let rest = if !counted {
            // Of a call from before the opening: it stays outside.
            Ticket::UNCOUNTED
        } else if self.counts(ticket) {
            Ticket::placeless(ticket.generation)
        } else {
            // Of a probe, whose own success began a new generation: it belongs to that.
            Ticket::placeless(self.generation)
        };
        (rest, transition)
    }

    /// Gives back the place that `ticket` holds, if it does: a neutral verdict, which needs no
    /// time.
    pub(crate) fn release(&mut self, ticket: Ticket) {
        if ticket.place == Place::None {
            return;
        }
        match &mut self.phase {
            Phase::HalfOpen { probe, .. } => probe.give_back(ticket),
            Phase::Recovering { ramp, .. } => ramp.give_back(ticket.generation),
            Phase::Closed { .. } | Phase::Open { .. } => {}
        }
    }

    fn succeed(&mut self, now: Moment) -> Option<Transition> {
        if let Phase::HalfOpen { outage, .. } = self.phase {
            // Any probe of this half-open state will do, one whose lease is over too: it is the
            // present in which the server answered. Models that think for longer than the lease
            // would otherwise never close the circuit.
            let ramp = Ramp::new(now, self.generation + 1);
            let recovering = Phase::Recovering { ramp, outage };
            return Some(self.enter(recovering, now, Reason::ProbeSucceeded, outage));
        }
        let settled = self.settle(now);
        self.window.record(Verdict::Success, now);
        self.streak.end();
        settled
    }

    fn fail(&mut self, ticket: Ticket, fault: Fault, now: Moment, roll: u64) -> Option<Transition> {
        let settled = self.settle(now);
        let reason = match &self.phase {
            Phase::Closed { .. } => self.count_failure(now),
            Phase::Recovering { .. } => Some(Reason::FailedWhileRecovering),
            // Of several probes only the latest tells of the present by failing: an earlier one
            // was sent a lease ago or more.
            Phase::HalfOpen { probe, .. } => probe.is_latest(ticket).then_some(Reason::ProbeFailed),
            Phase::Open { .. } => None,
        };
        let Some(reason) = reason else { return settled };
        let opened = self.open(fault, reason, now, roll);
        // Both at once is one transition, from the state that was announced last.
        Some(settled.map_or(opened, |settled| Transition {
            from: settled.from,
            ..opened
        }))
    }

    /// Counts a failure of the closed state; the rule that it breaks, if it does.
    fn count_failure(&mut self, now: Moment) -> Option<Reason> {
        self.window.record(Verdict::Failure, now);
        self.streak.fail(now);
        let config = &self.config;
        let (failures, over) = (self.streak.failures(), self.streak.over());
        if failures >= config.consecutive_failures && over >= config.consecutive_span {
            return Some(Reason::ConsecutiveFailures { failures, over });
        }
        let totals = self.window.totals(now);
        let (failures, samples) = (totals.failures, totals.samples());
        let enough = samples >= u64::from(config.minimum_samples);
        (enough && config.failure_ratio.is_reached(failures, samples))
            .then_some(Reason::FailureRatio { failures, samples })
    }

    fn open(&mut self, fault: Fault, reason: Reason, now: Moment, roll: u64) -> Transition {
        let openings = self.openings_at(now);
        let delay = self.config.delay(openings, fault.hint, roll);
        self.openings = openings.saturating_add(1);
        self.window.clear();
        self.streak.end();
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
        ticket.generation >= self.floor
    }

    const fn runs(&self) -> bool {
        match self.mode {
            Mode::On | Mode::ObserveOnly => true,
            Mode::ForcedOpen | Mode::ForcedClosed => false,
        }
    }
}
