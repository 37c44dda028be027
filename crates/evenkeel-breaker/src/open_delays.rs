use core::fmt;
use core::time::Duration;
use std::sync::Arc;

/// How many delays of a sequence are looked at: 1,024. So many openings in a row are hours of outage,
/// and an endless sequence must not cost ever more.
const MOST_DELAYS: usize = 1_024;

/// The shortest delay that a sequence may ask for. One of zero would have callers spin.
const SHORTEST: Duration = Duration::from_millis(1);

/// A sequence of open delays that the caller gave.
#[derive(Clone)]
pub(crate) struct OpenDelays {
    sequence: Arc<dyn Sequence>,
}

trait Sequence: Send + Sync {
    /// The delay at this place, counted from 0; the last one if the sequence is shorter.
    fn at(&self, place: usize) -> Option<Duration>;
}

impl<I: Iterator<Item = Duration> + Clone + Send + Sync> Sequence for I {
    fn at(&self, place: usize) -> Option<Duration> {
        let places = place.saturating_add(1).min(MOST_DELAYS);
        self.clone().take(places).last()
    }
}

impl OpenDelays {
    pub(crate) fn new(
        delays: impl Iterator<Item = Duration> + Clone + Send + Sync + 'static,
    ) -> Self {
        Self {
            sequence: Arc::new(delays),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sequence.at(0).is_none()
    }

    /// The delay of the opening of this number, counted from 0.
    pub(crate) fn delay(&self, openings: u32) -> Duration {
        let place = usize::try_from(openings).unwrap_or(usize::MAX);
        self.sequence.at(place).unwrap_or_default().max(SHORTEST)
    }
}

impl fmt::Debug for OpenDelays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = (0..4).map_while(|place| self.sequence.at(place));
        f.debug_list().entries(first).entry(&"…").finish()
    }
}

/// Two sequences are equal if they are one: what an iterator will yield cannot be compared.
impl PartialEq for OpenDelays {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.sequence, &other.sequence)
    }
}

impl Eq for OpenDelays {}
