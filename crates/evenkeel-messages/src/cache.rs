object! {
    /// Marks the end of a prefix to cache. At most four in a request (prompt caching page of the
    /// API's documentation).
    CacheControl "ephemeral" {} {} [
        /// How long; five minutes if absent.
        ttl: CacheTtl,
    ] ()
}

word! {
    /// How long a cached prefix lives after its last use.
    CacheTtl {
        /// Five minutes; writing costs 1.25 times the input.
        FiveMinutes = "5m",
        /// An hour; writing costs twice the input.
        OneHour = "1h",
    }
}

impl CacheControl {
    /// Five minutes, the server's default.
    #[must_use]
    pub fn five_minutes() -> Self {
        Self::new()
    }

    /// An hour.
    #[must_use]
    pub fn one_hour() -> Self {
        Self::new().ttl(CacheTtl::OneHour)
    }
}
