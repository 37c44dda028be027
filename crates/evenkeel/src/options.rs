use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::Error;
use evenkeel_messages::MessageRequest;

use crate::{Credential, Patience};

mod extras;
mod setters;
mod voice;

pub(crate) use extras::{BETA, Extras};
pub(crate) use setters::{option_setters, page_setter};
pub(crate) use voice::Voice;

/// How a reply is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fetch {
    /// As a stream, collected here: no limit on how long generation takes, and silence is noticed.
    /// The default.
    #[default]
    Streamed,
    /// As one JSON message, whose head comes after the whole reply was generated.
    Plain,
}

/// What to do about a request that may have been carried out although its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ambiguous {
    /// Send it again: carrying it out twice does no harm, or less than not at all.
    Resend,
    /// Fail with what happened, and leave the decision to the caller.
    Surface,
}

/// What a caller sets for one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) deadline: Option<Duration>,
    pub(crate) patience: Option<Patience>,
    #[cfg(feature = "retry")]
    pub(crate) attempts: Option<u32>,
    #[cfg(feature = "retry")]
    pub(crate) ambiguous: Option<Ambiguous>,
    #[cfg(feature = "retry")]
    pub(crate) restart: Option<crate::Restart>,
    /// What few calls set, in one place so that the others pass it by.
    pub(crate) extras: Option<Arc<Extras>>,
}

impl Options {
    pub(crate) fn extras_mut(&mut self) -> &mut Extras {
        Arc::make_mut(self.extras.get_or_insert_default())
    }

    /// The same for another endpoint, which has a credential of its own.
    pub(crate) fn elsewhere(mut self) -> Self {
        if self.extras.is_some() {
            self.extras_mut().credential = None;
        }
        self
    }

    /// What the options alone say is wrong.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(Error::invalid_config(
                "deadline",
                "must be longer than zero",
            ));
        }
        #[cfg(feature = "retry")]
        if self.attempts == Some(0) {
            return Err(Error::invalid_config(
                "attempts",
                "must be 1 or more: the first attempt counts",
            ));
        }
        let Some(extras) = &self.extras else {
            return Ok(());
        };
        if let Some(broken) = extras.broken {
            return Err(broken.into());
        }
        extras.credential.as_ref().map_or(Ok(()), Credential::check)
    }

    /// A request with the fields of the call.
    pub(crate) fn request(&self, request: MessageRequest) -> MessageRequest {
        let fields = self.extras.iter().flat_map(|extras| &extras.fields);
        fields.fold(request, |request, (name, value)| request.extra(name, value))
    }
}

#[cfg(test)]
mod tests;
