word! {
    /// Who speaks in a message.
    Role {
        /// The person or program that asks; also carries tool results.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// Instructions in the middle of a conversation; not every model takes them.
        System = "system",
    }
}
