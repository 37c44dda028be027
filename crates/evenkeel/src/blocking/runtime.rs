//! The seam between calls that block and futures.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use evenkeel_error::InvalidConfig;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::coop::unconstrained;

use crate::Error;

thread_local! {
    /// Whether this is the thread of a blocking client: what blocks here waits for what this very
    /// thread should be doing.
    static DRIVES: Cell<bool> = const { Cell::new(false) };
}

/// One thread that drives timers and connections. It ends when this is dropped, and nobody waits for
/// it: so dropping is safe on any thread, in any context.
pub(crate) struct Runtime {
    handle: Handle,
    /// Never sent on: that it is gone is the word.
    _stop: oneshot::Sender<()>,
}

impl Runtime {
    pub(crate) fn start() -> Result<Self, Error> {
        let refused = |error: std::io::Error| {
            let rule = "needs a thread, and the system gave none";
            evenkeel_error::Error::invalid_config("blocking", rule).with_source(error)
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(refused)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let drive = move || {
            DRIVES.set(true);
            let _ = runtime.block_on(stopped);
            // A look-up of a name that hangs must not hold the thread.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("evenkeel-blocking".to_owned());
        thread.spawn(drive).map_err(refused)?;
        Ok(Self {
            handle,
            _stop: stop,
        })
    }

    /// Polls `future` on this thread until it is ready.
    ///
    /// The runtime is around it and does not run it, so this works where another runtime runs already:
    /// tokio's own `block_on` would panic there.
    ///
    /// Refused on the thread of any blocking client, and not only of this one: while it is blocked, no
    /// connection and no timer of its own client gets on, and two could wait for each other.
    pub(crate) fn block_on<T, E: From<Error>>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.wait_for(future).map_err(E::from)?
    }

    /// The next item of a stream; the refusal, where it is refused, is the last.
    pub(crate) fn next<T, E: From<Error>>(
        &self,
        next: impl Future<Output = Option<Result<T, E>>>,
        ended: &mut bool,
    ) -> Option<Result<T, E>> {
        if *ended {
            return None;
        }
        self.wait_for(next).unwrap_or_else(|refused| {
            *ended = true;
            Some(Err(refused.into()))
        })
    }

    fn wait_for<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        if DRIVES.get() {
            let rule = "cannot wait on the thread that drives a blocking client, as the source of \
                        an upload or a task would: use the async client there, or a thread of your own";
            return Err(InvalidConfig::new("blocking", rule).into());
        }
        let _context = self.handle.enter();
        let signal = Arc::new(Signal {
            sleeper: thread::current(),
            rung: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&signal));
        let mut context = Context::from_waker(&waker);
        // Inside a task, what tokio lets it do at each poll is that task's, and it gets none anew until it
        // returns from here.
        let mut future = pin!(unconstrained(future));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            signal.wait();
        }
    }
}

/// Wakes a thread. Each wait has its own, so that one inside another cannot take its word.
struct Signal {
    sleeper: Thread,
    rung: AtomicBool,
}

impl Signal {
    fn wait(&self) {
        // Parking may end for no reason, and for somebody else's.
        while !self.rung.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.sleeper.unpark();
    }
}
