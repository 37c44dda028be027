use std::fmt;
use std::sync::Arc;

use evenkeel_messages::{Deleted, File};

use super::{Items, Runtime};
use crate::options::{option_setters, page_setter};
use crate::{Answered, Download, DryRun, Error, Listing, Upload};

/// Files that requests refer to: [`crate::Files`], blocking. Made by
/// [`Client::files`](super::Client::files).
#[derive(Clone)]
#[must_use]
pub struct Files {
    inner: crate::Files,
    runtime: Arc<Runtime>,
}

impl Files {
    pub(super) fn new(inner: crate::Files, runtime: &Arc<Runtime>) -> Self {
        Self {
            inner,
            runtime: Arc::clone(runtime),
        }
    }

    option_setters!(inner.options);

    page_setter!(inner.options);

    /// Uploads a file.
    ///
    /// # Errors
    ///
    /// As [`crate::Files::upload`].
    pub fn upload(&self, upload: Upload) -> Result<Answered<File>, Error> {
        self.runtime.block_on(self.inner.upload(upload))
    }

    /// What the API knows of a file.
    ///
    /// # Errors
    ///
    /// As [`crate::Files::retrieve`].
    pub fn retrieve(&self, id: &str) -> Result<Answered<File>, Error> {
        self.runtime.block_on(self.inner.retrieve(id))
    }

    /// The content of a file, chunk by chunk.
    ///
    /// # Errors
    ///
    /// As [`crate::Files::download`]; what fails after the first byte is an item.
    pub fn download(&self, id: &str) -> Result<Items<Download>, Error> {
        let download = self.runtime.block_on(self.inner.download(id))?;
        Ok(Items::new(download, &self.runtime))
    }

    /// Deletes a file.
    ///
    /// # Errors
    ///
    /// As [`crate::Files::delete`].
    pub fn delete(&self, id: &str) -> Result<Answered<Deleted>, Error> {
        self.runtime.block_on(self.inner.delete(id))
    }

    /// Every file of the workspace, newest first.
    pub fn list(&self) -> Items<Listing<File>> {
        Items::new(self.inner.list(), &self.runtime)
    }

    /// See [`crate::Files::dry_run`].
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, upload: &Upload) -> Result<DryRun, Error> {
        self.inner.dry_run(upload)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
