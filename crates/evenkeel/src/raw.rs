use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use evenkeel_transport::Operation;
use http::{HeaderMap, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::options::{Options, option_setters};
use crate::pipeline::{Answer, Call, Plan};
use crate::reply::Meta;
use crate::shared::Shared;
use crate::{DryRun, Error};

/// Any path of the API, with the protection that messages have: the latch, retries within patience
/// and budget, hints, the origin's breaker, the limits. Made by
/// [`Client::raw`](crate::Client::raw).
///
/// What is sent again after a lost answer goes by the method: `GET`, `PUT` and `DELETE` are, a `POST`
/// only with [`ambiguous`](Self::ambiguous).
///
/// A path begins with one slash, is encoded, and goes below the client's base URL; it never names
/// another host.
///
/// ```no_run
/// # async fn example(client: evenkeel::Client) -> Result<(), evenkeel::Error> {
/// let answer = client.raw().query("limit", "5").get("/v1/files").await?;
/// println!("{} {}", answer.meta.facts.status(), answer.text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Raw {
    shared: Arc<Shared>,
    pub(crate) options: Options,
}

/// A successful answer in one piece. `Debug` shows no content.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawReply {
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How it was got.
    pub meta: Meta,
}

impl Raw {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            options: Options::default(),
        }
    }

    option_setters!();

    /// `GET`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn get(&self, path: &str) -> impl Future<Output = Result<RawReply, Error>> + Send + use<> {
        self.send(Method::GET, path, Bytes::new())
    }

    /// `DELETE`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn delete(
        &self,
        path: &str,
    ) -> impl Future<Output = Result<RawReply, Error>> + Send + use<> {
        self.send(Method::DELETE, path, Bytes::new())
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); `invalid_config` for a body without a JSON form.
    pub fn post<B: Serialize + ?Sized>(
        &self,
        path: &str,
        body: &B,
    ) -> impl Future<Output = Result<RawReply, Error>> + Send + use<B> {
        let body = serde_json::to_vec(body);
        let (calls, path) = (self.clone(), path.to_owned());
        async move {
            // The words of serde may hold the value that it could not write.
            let Ok(body) = body else {
                let rule = "must have a JSON form";
                return Err(evenkeel_error::Error::invalid_config("body", rule).into());
            };
            calls.send(Method::POST, &path, body.into()).await
        }
    }

    /// Any method, with a body that is in memory; an empty one is none. A body is sent
    /// as JSON.
    ///
    /// # Errors
    ///
    /// The last failure, as for a message; `invalid_config` for a path that is none.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> impl Future<Output = Result<RawReply, Error>> + Send + use<> {
        let (calls, path) = (self.clone(), path.to_owned());
        async move {
            let plan = calls.plan(method, &path, body)?;
            let call = Call::new(Arc::clone(&calls.shared), plan, &calls.options);
            let read = |answer: &Answer| Ok((answer.headers.clone(), answer.body.clone()));
            let ((headers, body), meta) = call.fetch(read).await?;
            Ok(RawReply {
                headers,
                body,
                meta,
            })
        }
    }

    /// What would be sent, as a command for a shell. Nothing is.
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, method: Method, path: &str, body: Bytes) -> Result<DryRun, Error> {
        let plan = self.plan(method, path, body)?;
        Ok(DryRun::of(&plan, &self.shared)?)
    }

    fn plan(&self, method: Method, path: &str, body: Bytes) -> Result<Plan, Error> {
        let timers = &self.shared.tuning.timers;
        let mut operation = Operation::new(method, path);
        operation.head_limit = if body.is_empty() {
            timers.head
        } else {
            // What it asks for may take as long as a message.
            timers.plain_head
        };
        operation.body = body;
        Ok(Plan::of(
            &self.shared,
            operation,
            family(path),
            &self.options,
        )?)
    }
}

/// The endpoints that a path is one of: its first two segments. They have limits of their own.
fn family(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    path.match_indices('/')
        .nth(2)
        .and_then(|(at, _)| path.get(..at))
        .unwrap_or(path)
}

impl RawReply {
    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    ///
    /// `protocol` when it is not of that form. Says where, and nothing of the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let read = crate::answered::read(&self.body);
        read.map_err(|failure| failure.with_facts(self.meta.facts.clone()).into())
    }
}

impl fmt::Debug for RawReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawReply")
            .field("body_bytes", &self.body.len())
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_in_a_path_make_no_family_of_their_own() {
        for (path, expected) in [
            ("/v1/files", "/v1/files"),
            ("/v1/files/file_1/content", "/v1/files"),
            ("/v1/files?limit=1", "/v1/files"),
            ("/v1", "/v1"),
            ("", ""),
        ] {
            assert_eq!(family(path), expected);
        }
    }
}
