//! What the caller adds to the head of each attempt.

use evenkeel_error::Error as Failure;
use evenkeel_event::AttemptHead;
use http::HeaderMap;

use super::Call;
use crate::identity::is_on_behalf;
use crate::options::BETA;

impl Call {
    /// Adds what the propagators say, if there are any, to the headers of the attempt to come.
    pub(super) fn inject(&self, headers: &mut HeaderMap) -> Result<(), Failure> {
        let mut propagators = self.voice.propagators(&self.shared).peekable();
        if propagators.peek().is_none() {
            return Ok(());
        }
        let mut head = AttemptHead::new(self.voice.here, self.sent.saturating_add(1));
        for (call, propagator) in propagators {
            head = head.of_call(call);
            propagator.inject(&mut head);
        }
        let mut added = self.shared.headers.beside();
        for (name, value) in head.headers() {
            // Which account is asked, and for what, was settled when the call began.
            if name.eq_ignore_ascii_case(BETA) || is_on_behalf(name) {
                return Err(Failure::invalid_config(
                    &format!("header {}", name.to_ascii_lowercase()),
                    "may not be set by a propagator: set it on the client or on the call",
                ));
            }
            added.add(name, value)?;
        }
        for (name, _) in head.headers() {
            headers.remove(name);
        }
        added.write(headers);
        Ok(())
    }
}
