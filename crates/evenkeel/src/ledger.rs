use evenkeel_messages::Usage;

use crate::{Attempt, Billing};

/// What the attempts of a call are known to have used, added up.
///
/// A count that no attempt reported is `None`, which is not zero. Attempts that may have been billed
/// and reported nothing are counted in [`unreported`](Self::unreported): the sums are then a lower
/// bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ledger {
    /// Input tokens that were neither written to nor read from the cache.
    pub input_tokens: Option<u64>,
    /// Output tokens, thinking included. Of a reply that was cut, those that the server had counted
    /// by then.
    pub output_tokens: Option<u64>,
    /// Input tokens written to the cache.
    pub cache_creation_input_tokens: Option<u64>,
    /// Input tokens read from the cache.
    pub cache_read_input_tokens: Option<u64>,
    /// Attempts that may have been billed and of which nothing is known.
    pub unreported: u32,
}

impl Ledger {
    pub(crate) fn of(attempts: &[Attempt]) -> Self {
        let sum = |count: fn(&Usage) -> Option<u64>| {
            let reported = attempts.iter().filter_map(|attempt| attempt.usage.as_ref());
            let counts = reported.filter_map(count);
            counts.fold(None, |sum: Option<u64>, count| {
                Some(sum.unwrap_or(0).saturating_add(count))
            })
        };
        let is_unreported = |attempt: &&Attempt| {
            attempt.usage.is_none() && attempt.billing == Billing::PossiblyBilled
        };
        let unreported = attempts.iter().filter(is_unreported).count();
        Self {
            input_tokens: sum(|usage| usage.input_tokens),
            output_tokens: sum(|usage| usage.output_tokens),
            cache_creation_input_tokens: sum(|usage| usage.cache_creation_input_tokens),
            cache_read_input_tokens: sum(|usage| usage.cache_read_input_tokens),
            unreported: u32::try_from(unreported).unwrap_or(u32::MAX),
        }
    }

    /// This and another together.
    pub(crate) fn and(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, only) | (only, None) => only,
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
        };
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            cache_creation_input_tokens: sum(
                self.cache_creation_input_tokens,
                other.cache_creation_input_tokens,
            ),
            cache_read_input_tokens: sum(
                self.cache_read_input_tokens,
                other.cache_read_input_tokens,
            ),
            unreported: self.unreported.saturating_add(other.unreported),
        }
    }

    /// Every token that was counted, in and out, cached or not.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        let counts = [
            self.input_tokens,
            self.output_tokens,
            self.cache_creation_input_tokens,
            self.cache_read_input_tokens,
        ];
        counts
            .iter()
            .flatten()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}
