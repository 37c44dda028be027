use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use super::Runtime;
use crate::options::option_setters;
use crate::{DryRun, Error, RawReply};

/// Any path of the API, with the protection that messages have: [`crate::Raw`], blocking. Made by
/// [`Client::raw`](super::Client::raw).
#[derive(Clone)]
#[must_use]
pub struct Raw {
    inner: crate::Raw,
    runtime: Arc<Runtime>,
}

impl Raw {
    pub(super) fn new(inner: crate::Raw, runtime: &Arc<Runtime>) -> Self {
        Self {
            inner,
            runtime: Arc::clone(runtime),
        }
    }

    option_setters!(inner.options);

    /// `GET`.
    ///
    /// # Errors
    ///
    /// As [`crate::Raw::send`].
    pub fn get(&self, path: &str) -> Result<RawReply, Error> {
        self.runtime.block_on(self.inner.get(path))
    }

    /// `DELETE`.
    ///
    /// # Errors
    ///
    /// As [`crate::Raw::send`].
    pub fn delete(&self, path: &str) -> Result<RawReply, Error> {
        self.runtime.block_on(self.inner.delete(path))
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    ///
    /// As [`crate::Raw::post`].
    pub fn post<B: Serialize + ?Sized>(&self, path: &str, body: &B) -> Result<RawReply, Error> {
        self.runtime.block_on(self.inner.post(path, body))
    }

    /// Any method, with a body that is in memory; an empty one is none.
    ///
    /// # Errors
    ///
    /// As [`crate::Raw::send`].
    pub fn send(&self, method: Method, path: &str, body: Bytes) -> Result<RawReply, Error> {
        self.runtime.block_on(self.inner.send(method, path, body))
    }

    /// See [`crate::Raw::dry_run`].
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, method: Method, path: &str, body: Bytes) -> Result<DryRun, Error> {
        self.inner.dry_run(method, path, body)
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
