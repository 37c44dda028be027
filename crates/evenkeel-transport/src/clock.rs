//! The one place of this crate where real time is read and waited for.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that the lint names"
)]

use std::time::{Duration, SystemTime};

/// The wall time, to read dates in headers against.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// `future`'s output, or `None` when `limit` passes first.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}
