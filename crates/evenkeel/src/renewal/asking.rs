//! Whether this thread is inside a provider: what would wait there for that provider's token would wait
//! for itself.

use std::cell::RefCell;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use super::Renewable;

thread_local! {
    /// The credentials whose providers are being polled, the innermost last. Each is borrowed for as
    /// long as it is here, so no other has its address.
    static UNDER_WAY: RefCell<Vec<*const Renewable>> = const { RefCell::new(Vec::new()) };
}

/// Whether the caller runs inside the provider of this credential.
pub(super) fn is_under_way(renewable: &Renewable) -> bool {
    UNDER_WAY.with_borrow(|under_way| under_way.contains(&ptr::from_ref(renewable)))
}

/// The future of a provider, which is known to be polled while it is.
pub(super) struct Asking<'a, F> {
    renewable: &'a Renewable,
    future: Pin<Box<F>>,
}

impl<'a, F> Asking<'a, F> {
    pub(super) fn of(renewable: &'a Renewable, future: F) -> Self {
        Self {
            renewable,
            future: Box::pin(future),
        }
    }
}

impl<F: Future> Future for Asking<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _mark = Mark::set(self.renewable);
        self.future.as_mut().poll(cx)
    }
}

/// Taken away when it is dropped, so that a panic leaves none behind.
struct Mark;

impl Mark {
    fn set(renewable: &Renewable) -> Self {
        UNDER_WAY.with_borrow_mut(|under_way| under_way.push(renewable));
        Self
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(Vec::pop);
    }
}
