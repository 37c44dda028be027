word! {
    /// How much work the model puts into a reply: `output_config.effort`. Which models take which
    /// level is for the server to say.
    Effort {
        /// The least.
        Low = "low",
        /// Between.
        Medium = "medium",
        /// The default of most models.
        High = "high",
        /// More than the default.
        ExtraHigh = "xhigh",
        /// The most.
        Max = "max",
    }
}
