use std::fmt;
use std::sync::Arc;

use evenkeel_messages::Model;

use super::{Items, Runtime};
use crate::options::{option_setters, page_setter};
use crate::{Answered, DryRun, Error, Listing};

/// The models that the credential may use: [`crate::Models`], blocking. Made by
/// [`Client::models`](super::Client::models).
#[derive(Clone)]
#[must_use]
pub struct Models {
    inner: crate::Models,
    runtime: Arc<Runtime>,
}

impl Models {
    pub(super) fn new(inner: crate::Models, runtime: &Arc<Runtime>) -> Self {
        Self {
            inner,
            runtime: Arc::clone(runtime),
        }
    }

    option_setters!(inner.options);
    page_setter!(inner.options);

    /// Every model, newest first; each page is asked for when the one before is used up.
    pub fn list(&self) -> Items<Listing<Model>> {
        Items::new(self.inner.list(), &self.runtime)
    }

    /// One model, by its id or an alias.
    ///
    /// # Errors
    ///
    /// As [`crate::Models::retrieve`].
    pub fn retrieve(&self, id: &str) -> Result<Answered<Model>, Error> {
        self.runtime.block_on(self.inner.retrieve(id))
    }

    /// See [`crate::Models::dry_run`].
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self) -> Result<DryRun, Error> {
        self.inner.dry_run()
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
