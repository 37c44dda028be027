use crate::Ratio;

/// How much of a wait is left to chance.
///
/// Every kind is drawn from a range that lies below the cap as a whole; nothing is clamped after
/// the draw, so waits neither pass the cap nor pile up on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// The whole wait: uniform from zero to the ceiling. The default, because callers that fail
    /// together then come back spread over the whole range (Brooker, "Exponential Backoff And
    /// Jitter", 2015).
    #[default]
    Full,
    /// None: every wait is its ceiling. Callers that fail together come back together.
    None,
    /// The upper half: uniform from half of the ceiling to the ceiling. For what must not be asked
    /// again at once; twice as dense as [`Full`](Self::Full).
    Equal,
    /// So much to either side: uniform from the curve's wait less this share to the wait and this
    /// share more, the upper end cut at the cap.
    Bounded(Ratio),
    /// Each wait from the one before: uniform from the base to three times the last wait, at most
    /// three times what the curve says and at most the cap (after Brooker, as above, but drawn
    /// below the cap instead of clamped to it).
    Decorrelated,
}
