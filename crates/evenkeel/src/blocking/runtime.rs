//! The seam between calls that block and futures.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use evenkeel_error::Error;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

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
            Error::invalid_config("blocking", rule).with_source(error)
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(refused)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let drive = move || {
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
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _context = self.handle.enter();
        let signal = Arc::new(Signal {
            sleeper: thread::current(),
            rung: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&signal));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
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
