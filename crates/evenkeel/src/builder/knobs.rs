//! The numbers that a client goes by. Each default has its reason where it is defined.

use std::time::Duration;

use super::ClientBuilder;

/// Limits and policies.
impl ClientBuilder {
    /// How long the response head of a streamed request may take, and of any other that is answered at
    /// once: above zero. Default 120 s.
    pub fn head_limit(mut self, limit: Duration) -> Self {
        self.timers.head = limit;
        self
    }

    /// How long the response head of a request may take whose answer comes in one piece, after
    /// everything was generated: above zero. Default 600 s.
    pub fn plain_head_limit(mut self, limit: Duration) -> Self {
        self.timers.plain_head = limit;
        self
    }

    /// How long the first event of a stream may take: above zero. Default 200 s.
    pub fn first_event_limit(mut self, limit: Duration) -> Self {
        self.timers.first_event = limit;
        self
    }

    /// How long a stream may bring no byte, not even a ping: above zero. Default 180 s.
    pub fn byte_silence_limit(mut self, limit: Duration) -> Self {
        self.timers.byte_silence = limit;
        self
    }

    /// How long a stream may bring no content: above zero. Default 300 s, and twice that while
    /// thinking is not displayed or a server tool runs, unless
    /// [`hidden_progress_limit`](Self::hidden_progress_limit) is set after it.
    pub fn progress_limit(mut self, limit: Duration) -> Self {
        self.timers.progress = limit;
        self.timers.hidden_progress = limit.saturating_mul(2);
        self
    }

    /// How long a stream may bring no content while thinking is not displayed or a server tool
    /// runs: above zero. Default 600 s.
    pub fn hidden_progress_limit(mut self, limit: Duration) -> Self {
        self.timers.hidden_progress = limit;
        self
    }

    /// How long a stream may be quiet before observers hear of it: above zero. Default 20 s.
    pub fn quiet_warning(mut self, after: Duration) -> Self {
        self.timers.warning = after;
        self
    }

    /// How long the body of an error is read: above zero. Default 10 s.
    pub fn error_body_limit(mut self, limit: Duration) -> Self {
        self.timers.error_body = limit;
        self
    }

    /// How long renewing a token may take: above zero. Default 30 s.
    pub fn renewal_limit(mut self, limit: Duration) -> Self {
        self.timers.renewal = limit;
        self
    }

    /// The most bytes that one event of a stream, or one result of a batch, may have: above zero.
    /// Default 32 MiB.
    pub fn event_size(mut self, bytes: usize) -> Self {
        self.sizes.event = bytes;
        self
    }

    /// The most bytes, decompressed, that a reply may have, in one piece or as a stream: above zero.
    /// Default 64 MiB.
    pub fn reply_size(mut self, bytes: usize) -> Self {
        self.sizes.reply_body = bytes;
        self
    }

    /// The most bytes that are read of an error body: above zero. Default 64 KiB.
    pub fn error_size(mut self, bytes: usize) -> Self {
        self.sizes.error_body = bytes;
        self
    }

    /// Up to how many output tokens a collected reply that breaks off is asked for again; 0 for
    /// never. Default 8,192.
    pub fn replay_tokens(mut self, tokens: u64) -> Self {
        self.sizes.replay_tokens = tokens;
        self
    }

    /// How far apart calls leave that waited for a moment which the server named to one of them.
    /// Default 0.25 s.
    pub fn hint_spacing(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self
    }

    /// The most that is added to a moment that the server named, so that callers who were told the same
    /// do not come back in the same instant: a quarter of the wait, and no more than this. Zero: nobody
    /// waits longer than the server asked. Default 15 s. Goes over that of a
    /// [`retry_policy`](Self::retry_policy).
    #[cfg(feature = "retry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
    pub fn hint_spread(mut self, most: Duration) -> Self {
        self.hint_spread = Some(most);
        self
    }

    /// Replaces the curves and the attempts that go with each [`Patience`](crate::Patience); and its
    /// time, if the policy sets a patience of its own.
    #[cfg(feature = "retry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
    pub fn retry_policy(mut self, policy: evenkeel_backoff::RetryPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The numbers of the retry budgets, of which each model has one. Default: ten tokens, a tenth
    /// earned by each call that succeeds at first, one more every 20 s. Not divided by
    /// `time_divided_by`.
    #[cfg(feature = "retry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
    pub fn retry_budget(mut self, budget: evenkeel_backoff::RetryBudgetBuilder) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Whether a stream that breaks off after its first content is asked for again, unless a call
    /// says otherwise. Default [`Restart::Never`](crate::Restart::Never).
    #[cfg(feature = "retry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
    pub fn restart(mut self, restart: crate::Restart) -> Self {
        self.restart = restart;
        self
    }

    /// The rules of the circuit breakers.
    #[cfg(feature = "breaker")]
    #[cfg_attr(docsrs, doc(cfg(feature = "breaker")))]
    pub fn breaker(mut self, config: evenkeel_breaker::BreakerConfig) -> Self {
        self.breaker = config;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    #[test]
    fn a_limit_of_zero_is_refused_by_name() {
        let zero = Duration::ZERO;
        let cases: [(&str, ClientBuilder); 12] = [
            ("head_limit ", builder().head_limit(zero)),
            ("plain_head_limit ", builder().plain_head_limit(zero)),
            ("first_event_limit ", builder().first_event_limit(zero)),
            ("byte_silence_limit ", builder().byte_silence_limit(zero)),
            ("progress_limit ", builder().progress_limit(zero)),
            (
                "hidden_progress_limit ",
                builder().hidden_progress_limit(zero),
            ),
            ("quiet_warning ", builder().quiet_warning(zero)),
            ("error_body_limit ", builder().error_body_limit(zero)),
            ("renewal_limit ", builder().renewal_limit(zero)),
            ("event_size ", builder().event_size(0)),
            ("reply_size ", builder().reply_size(0)),
            ("error_size ", builder().error_size(0)),
        ];
        for (field, builder) in cases {
            let error = builder.build().unwrap_err();
            let message = error.failure().message().unwrap();
            assert!(message.starts_with(field), "{message}");
        }
    }

    #[cfg(feature = "retry")]
    #[test]
    fn a_budget_that_cannot_be_is_refused_by_name() {
        let budget = evenkeel_backoff::RetryBudget::builder().cap(0);
        let error = builder().retry_budget(budget).build().unwrap_err();
        let message = error.failure().message().unwrap();
        assert_eq!(message, "retry_budget: cap must be 1 to 100");
    }

    fn builder() -> ClientBuilder {
        Client::with_transport(crate::nowhere::Nowhere)
    }
}
