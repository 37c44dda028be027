use core::time::Duration;

/// How many delays of a sequence are drawn: 64. An endless one must end somewhere, and one that doubles
/// by shifting a number does not overflow before.
const MOST_DELAYS: usize = 64;

/// The shortest delay that a sequence may ask for. One of zero would have callers spin.
const SHORTEST: Duration = Duration::from_millis(1);

/// A sequence of open delays that the caller gave, not empty. Drawn when it is given: no code of others
/// runs when a circuit opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenDelays {
    delays: Box<[Duration]>,
}

impl OpenDelays {
    pub(crate) fn new(delays: impl IntoIterator<Item = Duration>) -> Self {
        let delays = delays.into_iter().take(MOST_DELAYS);
        Self {
            delays: delays.map(|delay| delay.max(SHORTEST)).collect(),
        }
    }

    /// The same, each shrunk so.
    pub(crate) fn shrunk(&self, shrunk: impl Fn(Duration) -> Duration) -> Self {
        Self {
            delays: self.delays.iter().copied().map(shrunk).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.delays.is_empty()
    }

    /// The delay of the opening of this number, counted from 0; the last one if the sequence is shorter.
    pub(crate) fn delay(&self, openings: u32) -> Duration {
        let place = usize::try_from(openings).unwrap_or(usize::MAX);
        let delay = self.delays.get(place).or(self.delays.last());
        delay.copied().unwrap_or(SHORTEST)
    }
}
