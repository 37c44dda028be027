//! How much the API can do at once, as a tester sets it.

use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use crate::plan::Pace;

/// How often a long generation is interrupted by a ping: 15 s to 30 s have been seen.
const PINGS: Duration = Duration::from_secs(15);

/// What the API can do at once for each model: so many generations side by side, a queue behind
/// them, and 529 for the rest, so that overload comes of itself.
///
/// A generation takes its time to the first token, then so many tokens a second; a stream is sent
/// at that speed, with a ping about every 15 s. One that the client gives up on ends at once, and its slot is free, unless
/// [told otherwise](Self::abandoned).
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
///
/// use evenkeel_simulator::Capacity;
///
/// let capacity = Capacity::slots(40)
///     .queue(20)
///     .first_token(Duration::from_millis(800))
///     .tokens_per_second(NonZeroU32::new(80).unwrap())
///     .brownout(Duration::from_secs(60)..Duration::from_secs(120), 4);
/// # let _ = capacity;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Capacity {
    slots: u32,
    queue: u32,
    first_token: Duration,
    tokens_per_second: NonZeroU32,
    pings: Duration,
    pub(crate) abandoned: Abandoned,
    brownouts: Vec<(Duration, Duration, u32)>,
}

/// What becomes of a generation that nobody waits for any more. What the real one does is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Abandoned {
    /// It ends, and its slot is free. The default.
    #[default]
    Freed,
    /// It goes on to its end for nobody, which is what makes an overload last.
    Finished,
}

impl Capacity {
    /// So many generations at once for each model; no queue, 0.8 s to the first token and 80
    /// tokens a second unless told otherwise.
    pub const fn slots(slots: u32) -> Self {
        Self {
            slots,
            queue: 0,
            first_token: Duration::from_millis(800),
            tokens_per_second: NonZeroU32::MIN.saturating_add(79),
            pings: PINGS,
            abandoned: Abandoned::Freed,
            brownouts: Vec::new(),
        }
    }

    /// So many requests may wait for a slot.
    pub const fn queue(mut self, length: u32) -> Self {
        self.queue = length;
        self
    }

    /// The time to the first token.
    pub const fn first_token(mut self, length: Duration) -> Self {
        self.first_token = length;
        self
    }

    /// The speed of generation.
    pub const fn tokens_per_second(mut self, speed: NonZeroU32) -> Self {
        self.tokens_per_second = speed;
        self
    }

    /// What becomes of a generation that the client gives up on. Default: its slot is free at once.
    pub const fn abandoned(mut self, abandoned: Abandoned) -> Self {
        self.abandoned = abandoned;
        self
    }

    /// Leaves only so many slots in this span of time, counted from the start of the scenario. 0 is
    /// an outage. What is under way goes on.
    pub fn brownout(mut self, span: Range<Duration>, slots: u32) -> Self {
        self.brownouts.push((span.start, span.end, slots));
        self
    }

    pub(crate) fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        let divided = |length: Duration| length.checked_div(divisor.get()).unwrap_or(length);
        self.first_token = divided(self.first_token);
        self.pings = divided(self.pings);
        self.tokens_per_second = self.tokens_per_second.saturating_mul(divisor);
        for (from, until, _) in &mut self.brownouts {
            (*from, *until) = (divided(*from), divided(*until));
        }
        self
    }

    /// How long so many tokens take.
    pub(crate) fn pace(&self, tokens: u64) -> Pace {
        let speed = f64::from(self.tokens_per_second.get());
        let rest = f64::from(u32::try_from(tokens).unwrap_or(u32::MAX)) / speed;
        Pace {
            first: self.first_token,
            rest: Duration::try_from_secs_f64(rest).unwrap_or_default(),
            pings: self.pings,
        }
    }

    pub(crate) fn slots_at(&self, now: Duration) -> usize {
        let mut brownouts = self.brownouts.iter();
        let brownout = brownouts.find(|(from, until, _)| (*from..*until).contains(&now));
        let slots = brownout.map_or(self.slots, |(_, _, slots)| *slots);
        usize::try_from(slots).unwrap_or(usize::MAX)
    }

    /// How many may be there at once, in slots and in the queue. In an outage there is no queue.
    pub(crate) fn places_at(&self, now: Duration) -> usize {
        let queue = usize::try_from(self.queue).unwrap_or(usize::MAX);
        match self.slots_at(now) {
            0 => 0,
            slots => slots.saturating_add(queue),
        }
    }

    /// When the number of slots changes next.
    pub(crate) fn next_change(&self, now: Duration) -> Option<Duration> {
        let edges = self
            .brownouts
            .iter()
            .flat_map(|(from, until, _)| [*from, *until]);
        edges.filter(|edge| *edge > now).min()
    }
}
