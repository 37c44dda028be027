//! Rate limits as a tester sets them.

use std::num::NonZeroU32;

use crate::ramp::Slope;

/// The rate limits that the simulator enforces for each API key and each class of models, as the
/// API does: token buckets that hold one minute's worth and refill without steps. Each limit is off
/// unless given.
///
/// A request counts at first with all its input tokens (one for four characters of text, three for
/// each message). When its reply begins, what came from the prompt cache is given back, and the
/// tokens of the reply are taken; they may overdraw the bucket: the next request then waits for them.
/// A reply of 529 gives everything back. A request larger than the whole input limit is refused
/// without a `retry-after`, since no wait helps it.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use evenkeel_simulator::RateLimits;
///
/// let limits = RateLimits::none().requests_per_minute(NonZeroU32::new(50).unwrap());
/// assert_ne!(limits, RateLimits::none());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct RateLimits {
    pub(crate) requests: Option<NonZeroU32>,
    pub(crate) input_tokens: Option<NonZeroU32>,
    pub(crate) output_tokens: Option<NonZeroU32>,
    pub(crate) fast_input_tokens: Option<NonZeroU32>,
    pub(crate) fast_output_tokens: Option<NonZeroU32>,
    pub(crate) counts: Option<NonZeroU32>,
    pub(crate) batches: Option<NonZeroU32>,
    pub(crate) queued: Option<NonZeroU32>,
    pub(crate) slope: Option<Slope>,
    pub(crate) token_slope: Option<Slope>,
    pub(crate) spend: Option<NonZeroU32>,
}

impl RateLimits {
    /// No limit at all, and no rate-limit headers: the default.
    pub const fn none() -> Self {
        Self {
            requests: None,
            input_tokens: None,
            output_tokens: None,
            fast_input_tokens: None,
            fast_output_tokens: None,
            counts: None,
            batches: None,
            queued: None,
            slope: None,
            token_slope: None,
            spend: None,
        }
    }

    /// These limits, and where one is not given here, that of `base`.
    pub const fn over(mut self, base: Self) -> Self {
        macro_rules! or_else {
            ($($limit:ident),*) => {
                $(if self.$limit.is_none() {
                    self.$limit = base.$limit;
                })*
            };
        }
        or_else!(
            requests,
            input_tokens,
            output_tokens,
            fast_input_tokens,
            fast_output_tokens,
            counts,
            batches,
            queued,
            slope,
            token_slope,
            spend
        );
        self
    }

    /// Allows this many requests a minute.
    pub const fn requests_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.requests = Some(limit);
        self
    }

    /// Allows this many input tokens a minute, those read from the prompt cache not counted.
    pub const fn input_tokens_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.input_tokens = Some(limit);
        self
    }

    /// Allows this many output tokens a minute.
    pub const fn output_tokens_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.output_tokens = Some(limit);
        self
    }

    /// Allows this many input tokens a minute to requests with `"speed": "fast"`, which do not draw
    /// on the usual pool of tokens, and get `anthropic-fast-…` headers.
    pub const fn fast_input_tokens_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.fast_input_tokens = Some(limit);
        self
    }

    /// Allows this many output tokens a minute to requests with `"speed": "fast"`.
    pub const fn fast_output_tokens_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.fast_output_tokens = Some(limit);
        self
    }

    /// Allows this many calls of `count_tokens` a minute, which have a pool of their own.
    pub const fn counts_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.counts = Some(limit);
        self
    }

    /// Allows this many requests a minute to the paths of batches, which have a pool of their own.
    pub const fn batches_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.batches = Some(limit);
        self
    }

    /// Lets this many items of batches wait to be done at once, those of all keys together.
    pub const fn queued_batch_requests(mut self, limit: NonZeroU32) -> Self {
        self.queued = Some(limit);
        self
    }

    /// Enforces the acceleration rule: in any second a key may send `factor` times the mean of the
    /// minute before it, and `floor` requests in any case. More is a 429 `ramp_limit_exceeded`.
    pub const fn acceleration(mut self, factor: NonZeroU32, floor: NonZeroU32) -> Self {
        self.slope = Some(Slope { factor, floor });
        self
    }

    /// The same rule for input tokens. A request is let in while the second has any left, however
    /// large it is.
    pub const fn token_acceleration(mut self, factor: NonZeroU32, floor: NonZeroU32) -> Self {
        self.token_slope = Some(Slope { factor, floor });
        self
    }

    /// Allows a key to spend this many cents in all, at $2 for a million input tokens and $10 for
    /// a million output tokens; writing to the prompt cache costs 1.25 times as much, for an hour
    /// twice, reading from it a tenth. After that the key gets the 429 of the monthly cap, for ever.
    pub const fn spend_cap_cents(mut self, cents: NonZeroU32) -> Self {
        self.spend = Some(cents);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_sets_of_limits_the_upper_wins_limit_by_limit() {
        let number = |n| NonZeroU32::new(n).unwrap();
        let flags = RateLimits::none().requests_per_minute(number(5));
        let file = RateLimits::none()
            .requests_per_minute(number(50))
            .counts_per_minute(number(7))
            .acceleration(number(3), number(2));
        let both = file.requests_per_minute(number(5));
        assert_eq!(flags.over(file), both);
        assert_eq!(RateLimits::none().over(file), file);
        assert_eq!(file.over(RateLimits::none()), file);
    }
}
