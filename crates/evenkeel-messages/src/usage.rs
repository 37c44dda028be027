use serde_json::value::RawValue;

use crate::extra::Fields;
use crate::object::Object;

object! {
    /// Tokens of one reply, as the server counted them. Absent is not zero.
    ///
    /// In a stream the counts are cumulative: a later one replaces an earlier one, and a field that
    /// is absent or `null` keeps what was known.
    Usage {} {
        /// The tokens written to the cache, by how long they live.
        cache_creation: CacheCreation,
        /// What the output tokens went into.
        output_tokens_details: OutputTokensDetails,
        /// How often tools at the server were used.
        server_tool_use: ServerToolUsage,
        /// The capacity that served the reply.
        service_tier: ServiceTier,
        /// The speed at which it was served.
        speed: Speed,
        /// Where it was served.
        inference_geo: String,
        /// Each pass of a reply that took several; the other counts are those of the pass that
        /// answered.
        iterations: Vec<Iteration>,
        /// What became of a fallback credit token.
        fallback_credit: Box<FallbackCredit>,
    } [
        /// Input tokens that were neither written to nor read from the cache.
        input_tokens: u64,
        /// Output tokens, thinking included.
        output_tokens: u64,
        /// Input tokens written to the cache.
        cache_creation_input_tokens: u64,
        /// Input tokens read from the cache.
        cache_read_input_tokens: u64,
    ] ()
}

object! {
    /// Tokens written to the cache, by how long they live.
    CacheCreation {} {} [
        /// Five minutes.
        ephemeral_5m_input_tokens: u64,
        /// An hour.
        ephemeral_1h_input_tokens: u64,
    ] ()
}

object! {
    /// What output tokens went into.
    OutputTokensDetails {} {} [
        /// Thinking, displayed or not.
        thinking_tokens: u64,
    ] ()
}

object! {
    /// How often tools at the server were used.
    ServerToolUsage {} {} [
        /// Searches of the web.
        web_search_requests: u64,
        /// Pages fetched.
        web_fetch_requests: u64,
    ] ()
}

object! {
    /// One pass of a reply that took several.
    Iteration {
        /// What the pass was for.
        kind as "type": IterationKind,
    } {
        /// The model of the pass.
        model: String,
        /// The tokens written to the cache, by how long they live.
        cache_creation: CacheCreation,
    } [
        /// Input tokens that were neither written to nor read from the cache.
        input_tokens: u64,
        /// Output tokens.
        output_tokens: u64,
        /// Input tokens written to the cache.
        cache_creation_input_tokens: u64,
        /// Input tokens read from the cache.
        cache_read_input_tokens: u64,
    ] ()
}

word! {
    /// What a pass was for.
    IterationKind {
        /// The reply.
        Message = "message",
        /// Compacting the conversation; not in the reply's other counts.
        Compaction = "compaction",
        /// Advice of another model.
        AdvisorMessage = "advisor_message",
        /// The reply, by another model after a refusal.
        FallbackMessage = "fallback_message",
    }
}

word! {
    /// The capacity that served a reply.
    ServiceTier {
        /// Shared.
        Standard = "standard",
        /// Reserved.
        Priority = "priority",
        /// Of the batches.
        Batch = "batch",
        /// In a request: reserved capacity where there is some, else shared.
        Auto = "auto",
        /// In a request: never reserved capacity.
        StandardOnly = "standard_only",
    }
}

word! {
    /// How fast a reply is made.
    Speed {
        /// As usual.
        Standard = "standard",
        /// Faster, at a higher price and with rate limits of its own.
        Fast = "fast",
    }
}

object! {
    /// What became of a fallback credit token.
    FallbackCredit {
        /// The outcome.
        status: FallbackCreditStatus,
    } {} [] ()
}

object! {
    /// The outcome: `redeemed`, or `not_applied` with a reason.
    FallbackCreditStatus {
        /// `redeemed` or `not_applied`.
        kind as "type": String,
    } {
        /// Why it was not applied.
        reason: String,
        /// What to leave out of the request so that it would be.
        remove_to_redeem: Vec<String>,
    } [] ()
}

impl Default for Usage {
    fn default() -> Self {
        Self::new()
    }
}

impl Usage {
    /// Output tokens spent on thinking, where the server says so.
    #[must_use]
    pub fn thinking_tokens(&self) -> Option<u64> {
        self.output_tokens_details.as_ref()?.thinking_tokens
    }

    /// Takes over what a later, cumulative count says; what it leaves out stays.
    pub fn overwrite(&mut self, newer: &Self) {
        macro_rules! replace {
            ($($field:ident)*) => {
                $(if newer.$field.is_some() {
                    self.$field.clone_from(&newer.$field);
                })*
            };
        }
        replace!(
            input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens
            cache_creation output_tokens_details server_tool_use service_tier speed inference_geo
            iterations fallback_credit
        );
        self.extra.overwrite(&newer.extra);
    }

    /// Reads an object; `None` if it is none. A count of the wrong type stays among the extra
    /// fields: usage is information, it never fails a call.
    pub(crate) fn read(raw: &RawValue) -> Option<Self> {
        let mut fields = Fields::split(raw.get()).ok()?;
        fields.drop_nulls();
        Self::from_fields(fields)
    }
}
