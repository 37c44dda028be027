word! {
    /// A version of the API: the header `anthropic-version`.
    ApiVersion {
        /// The first. Takes sampling parameters, of models that do.
        V20230601 = "2023-06-01",
        /// What the official SDKs send since October 2026.
        V20261021 = "2026-10-21",
    }
}

impl ApiVersion {
    /// The newest that this crate knows: what the official SDKs send.
    pub const NEWEST: Self = Self::V20261021;
}
