//! What a request may not be, which is known before it is sent.

use evenkeel_error::{Error, InvalidConfig};

use super::MessageRequest;

const RULE: &str = "must not name model, max_tokens, messages or stream, which are set elsewhere";

impl MessageRequest {
    /// Whether [`extra`](Self::extra) takes this name: for who passes on what was given to a `setter` of
    /// another name, and refuses it in that name.
    ///
    /// # Errors
    /// For the parameters that are set elsewhere, naming `setter`.
    pub fn check_extra(setter: &'static str, name: &str) -> Result<(), InvalidConfig> {
        match name {
            "model" | "max_tokens" | "messages" | "stream" => Err(InvalidConfig::new(setter, RULE)),
            _ => Ok(()),
        }
    }

    /// What is known to be wrong before anything is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(invalid) = self.broken {
            return Err(invalid.into());
        }
        if self.model.is_empty() {
            return Err(Error::invalid_config("model", "must not be empty"));
        }
        Ok(())
    }
}
