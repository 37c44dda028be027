use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel_error::Moment;

/// The middle of the first interval between probes: half a minute to a minute and a half after the
/// refusal. A person needs that long to top an account up, and an incident is rarely over sooner.
const FIRST: Duration = Duration::from_secs(60);

/// The middle of the longest interval: with half of it added, 5 minutes, so that a program is back
/// that soon after the account is.
const LONGEST: Duration = Duration::from_secs(200);

/// What is known of one credential: accepted, or refused since when.
///
/// A refused credential stays refused until somebody acts, and then comes back without a word. So
/// calls with it fail at once, and one each U(½, 1½)·min(200 s, 60 s·2ᵏ) is let through to see.
///
/// Pure: the present and the chance are arguments. `C` is what the refusal said.
#[derive(Debug)]
pub(crate) struct Latch<C> {
    state: State<C>,
    /// When the latest request that was accepted had been sent: a refusal of one that was sent earlier
    /// says nothing about the present any more.
    accepted: Moment,
    /// Tells the probes of one refusal from those of another.
    serial: u64,
    divisor: NonZeroU32,
}

#[derive(Debug)]
enum State<C> {
    Open,
    Set(Held<C>),
}

#[derive(Debug)]
struct Held<C> {
    cause: C,
    since: Moment,
    /// When the latest request that was refused had been sent: the success of one that was sent
    /// earlier, such as a stream that began before the refusal, says nothing about the present either.
    sent: Moment,
    next_probe: Moment,
    /// Probes that were refused.
    refused: u32,
}

/// What a latch says to a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passage<'a, C> {
    /// Go: nothing is known against the credential.
    Free,
    /// Go, and find out.
    Probe(Probe),
    /// Do not go: it is refused, for this reason.
    Refused(&'a C),
}

/// Leave to probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    serial: u64,
}

/// What a refusal changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The latch is set by it.
    Sets,
    /// The latch was set already.
    Confirms,
    /// It answers something that was sent before the credential was last accepted.
    Stale,
}

impl<C> Latch<C> {
    pub(crate) fn new(divisor: NonZeroU32) -> Self {
        Self {
            state: State::Open,
            accepted: Moment::ORIGIN,
            serial: 0,
            divisor,
        }
    }

    /// What the refusal said, while it is set.
    pub(crate) fn cause(&self) -> Option<&C> {
        match &self.state {
            State::Open => None,
            State::Set(held) => Some(&held.cause),
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        matches!(self.state, State::Set(_))
    }

    /// Asks for a call that wants to go at `now`.
    pub(crate) fn pass(&mut self, now: Moment, roll: u64) -> Passage<'_, C> {
        let serial = self.serial;
        let divisor = self.divisor;
        match &mut self.state {
            State::Open => Passage::Free,
            State::Set(held) if now >= held.next_probe => {
                held.next_probe = now + interval(held.refused, roll, divisor);
                Passage::Probe(Probe { serial })
            }
            State::Set(held) => Passage::Refused(&held.cause),
        }
    }

    /// A request that was sent at `sent` was refused at `now`; `probe` if it was one.
    pub(crate) fn refused(
        &mut self,
        sent: Moment,
        probe: Option<Probe>,
        now: Moment,
        roll: u64,
        cause: impl FnOnce() -> C,
    ) -> Refusal {
        let is_probe = probe.is_some_and(|probe| probe.serial == self.serial);
        match &mut self.state {
            State::Open if sent < self.accepted => Refusal::Stale,
            State::Open => {
                self.serial = self.serial.wrapping_add(1);
                self.state = State::Set(Held {
                    cause: cause(),
                    since: now,
                    sent,
                    next_probe: now + interval(0, roll, self.divisor),
                    refused: 0,
                });
                Refusal::Sets
            }
            State::Set(held) => {
                // The latest refusal says best what a person has to do.
                held.cause = cause();
                held.sent = held.sent.max(sent);
                if is_probe {
                    held.refused = held.refused.saturating_add(1);
                    let next = now + interval(held.refused, roll, self.divisor);
                    held.next_probe = held.next_probe.max(next);
                }
                Refusal::Confirms
            }
        }
    }

    /// A request that was sent at `sent` succeeded. Returns for how long the latch had been set, if
    /// that lifts it.
    pub(crate) fn accepted(&mut self, sent: Moment, now: Moment) -> Option<Duration> {
        self.accepted = self.accepted.max(sent);
        let since = match &self.state {
            State::Set(held) if sent >= held.sent => held.since,
            State::Set(_) | State::Open => return None,
        };
        self.state = State::Open;
        Some(now.since(since))
    }

    /// A probe was given up before anything was sent: the next call may be one.
    pub(crate) fn returned(&mut self, probe: Probe, now: Moment) {
        if let State::Set(held) = &mut self.state
            && probe.serial == self.serial
        {
            held.next_probe = held.next_probe.min(now);
        }
    }
}

/// The time to the next probe after so many that were refused.
fn interval(refused: u32, roll: u64, divisor: NonZeroU32) -> Duration {
    let doubled = 1_u32
        .checked_shl(refused)
        .and_then(|factor| FIRST.checked_mul(factor))
        .map_or(LONGEST, |middle| middle.min(LONGEST));
    let millis = u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX);
    // A few parts in 2⁶⁴ too even; nothing depends on less.
    let spread = roll % millis.saturating_add(1);
    (doubled / 2 + Duration::from_millis(spread)) / divisor.get()
}

#[cfg(test)]
mod tests;
