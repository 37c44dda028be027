use std::fmt;
use std::sync::Arc;

use evenkeel_messages::{Batch, CreateBatch, Deleted};

use super::{Items, Runtime};
use crate::options::{option_setters, page_setter};
use crate::{Answered, BatchPoller, DryRun, Error, Listing, ResultStream};

/// Many messages at once: [`crate::Batches`], blocking. Made by
/// [`Client::batches`](super::Client::batches).
#[derive(Clone)]
#[must_use]
pub struct Batches {
    inner: crate::Batches,
    runtime: Arc<Runtime>,
}

impl Batches {
    pub(super) fn new(inner: crate::Batches, runtime: &Arc<Runtime>) -> Self {
        Self {
            inner,
            runtime: Arc::clone(runtime),
        }
    }

    option_setters!(inner.options);

    page_setter!(inner.options);

    /// Creates a batch.
    ///
    /// # Errors
    ///
    /// As [`crate::Batches::create`].
    pub fn create(&self, batch: CreateBatch) -> Result<Answered<Batch>, Error> {
        self.runtime.block_on(self.inner.create(batch))
    }

    /// A batch as it is now.
    ///
    /// # Errors
    ///
    /// As [`crate::Batches::retrieve`].
    pub fn retrieve(&self, id: &str) -> Result<Answered<Batch>, Error> {
        self.runtime.block_on(self.inner.retrieve(id))
    }

    /// Looks at a batch until it has ended: an item a look, the last of them the batch that has.
    pub fn poll(&self, id: &str) -> Items<BatchPoller> {
        Items::new(self.inner.poll(id), &self.runtime)
    }

    /// Waits until a batch has ended.
    ///
    /// # Errors
    ///
    /// As [`BatchPoller::ended`].
    pub fn ended(&self, id: &str) -> Result<Answered<Batch>, Error> {
        let mut poller = self.inner.poll(id);
        self.runtime.block_on(poller.ended())
    }

    /// The results of a batch that has ended; see [`crate::Batches::results`].
    pub fn results(&self, id: &str) -> Items<ResultStream> {
        Items::new(self.inner.results(id), &self.runtime)
    }

    /// The same, checked against the batch's own counts; see [`crate::Batches::results_of`].
    pub fn results_of(&self, batch: &Batch) -> Items<ResultStream> {
        Items::new(self.inner.results_of(batch), &self.runtime)
    }

    /// Cancels a batch.
    ///
    /// # Errors
    ///
    /// As [`crate::Batches::cancel`].
    pub fn cancel(&self, id: &str) -> Result<Answered<Batch>, Error> {
        self.runtime.block_on(self.inner.cancel(id))
    }

    /// Deletes a batch that has ended, and its results.
    ///
    /// # Errors
    ///
    /// As [`crate::Batches::delete`].
    pub fn delete(&self, id: &str) -> Result<Answered<Deleted>, Error> {
        self.runtime.block_on(self.inner.delete(id))
    }

    /// Every batch of the workspace, newest first.
    pub fn list(&self) -> Items<Listing<Batch>> {
        Items::new(self.inner.list(), &self.runtime)
    }

    /// See [`crate::Batches::dry_run`].
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, batch: &CreateBatch) -> Result<DryRun, Error> {
        self.inner.dry_run(batch)
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
