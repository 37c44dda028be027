use super::Fault;
use crate::Retry;

/// A wait that is about to begin, as `notify` sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Notice<'a, E> {
    /// How the attempt failed.
    pub fault: Fault<&'a E>,
    /// Its number, counted from 1.
    pub attempt: u32,
    /// The wait to the next one and what it costs.
    pub retry: Retry,
}

/// Who hears of each wait.
pub trait Notify<E> {
    /// A wait is about to begin.
    fn notify(&mut self, notice: Notice<'_, E>);
}

/// Nobody: the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silent;

impl<E> Notify<E> for Silent {
    fn notify(&mut self, _: Notice<'_, E>) {}
}

impl<E, F: FnMut(Notice<'_, E>)> Notify<E> for F {
    fn notify(&mut self, notice: Notice<'_, E>) {
        self(notice);
    }
}
