//! What several parts promise together.

mod cancel;
mod clocks;
mod defects;
mod service;
mod shells;
mod spread;

use std::time::Duration;

use evenkeel_error::{Hint, Recoverable, Recovery};

use crate::{Sleeper as _, Tokio};

/// A failure that says this of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Says(Recovery);

impl Recoverable for Says {
    fn recovery(&self) -> Recovery {
        self.0
    }
}

const BUSY: Says = Says(Recovery::BackOff);
const SECOND: Duration = Duration::from_secs(1);

fn limited(wait: Duration) -> Says {
    let hint = Hint::Limit;
    Says(Recovery::After { wait, hint })
}

/// Runs this under tokio's paused clock.
fn virtually<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// An attempt that takes so long, on the virtual clock.
async fn take(time: Duration) {
    Tokio.sleep(time).await;
}

/// Runs this for so long, then drops it; `None` if it was dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "the caller who loses patience, on the virtual clock"
)]
async fn dropped_after<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, future).await.ok()
}
