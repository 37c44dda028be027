//! Tokio's time, which most suites pause: read and waited for here alone.
#![expect(clippy::disallowed_methods, reason = "the suites' clock")]

use std::time::Duration;

use tokio::time::Instant;

/// The present.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Lets time pass.
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// `future`'s output, or `None` when `limit` passes first.
pub async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}
