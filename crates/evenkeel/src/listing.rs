use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use evenkeel_error::Error as Failure;
use evenkeel_messages::{NextPage, Page};
use evenkeel_transport::Operation;
use futures_core::Stream;
use http::Method;
use serde::de::DeserializeOwned;

use crate::options::Options;
use crate::pipeline::{Call, Plan};
use crate::shared::Shared;
use crate::{Answered, Error, answered};

/// Everything in a list, page after page, each asked for when the one before is used up.
///
/// Fused after an error. Cancellation: dropping it drops the page that is under way.
#[must_use = "a list asks for nothing unless it is read"]
pub struct Listing<T> {
    ask: Ask<T>,
    items: VecDeque<T>,
    state: State<T>,
    /// The cursor of the page that was read last.
    cursor: Option<Cursor>,
    circle: Circle,
    /// Pages in a row with nothing on them.
    empty: u32,
}

/// So many pages in a row with nothing on them are no list: one may be all that a filter left over.
const MOST_EMPTY: u32 = 100;

/// Notices a list that turns in a circle, however long, with one cursor of memory (Brent's method):
/// each cursor is compared to one before it, which is replaced whenever twice as many have passed.
#[derive(Default)]
struct Circle {
    before: Option<Cursor>,
    passed: u64,
    allowed: u64,
}

impl Circle {
    fn closes(&mut self, next: &Cursor) -> bool {
        if self.before.as_ref() == Some(next) {
            return true;
        }
        self.passed += 1;
        if self.passed > self.allowed {
            self.before = Some(next.clone());
            self.allowed = self.allowed.saturating_mul(2).max(1);
            self.passed = 0;
        }
        false
    }
}

/// A parameter of the query, and its value.
pub(crate) type Cursor = (&'static str, String);

type Asking<T> = Pin<Box<dyn Future<Output = Result<Answered<Page<T>>, Error>> + Send>>;

/// Asks for the page at a cursor.
type Ask<T> = Box<dyn Fn(Option<Cursor>) -> Asking<T> + Send>;

enum State<T> {
    Asking(Asking<T>),
    /// There are more pages.
    More,
    Ended,
}

impl<T: DeserializeOwned + Send + Unpin + 'static> Listing<T> {
    /// All that lies at `path`; what is set for one call holds for each page.
    pub(crate) fn at(path: &'static str, shared: &Arc<Shared>, options: &Options) -> Self {
        let (shared, options) = (Arc::clone(shared), options.clone());
        Self::new(Box::new(move |cursor| {
            let (shared, mut options) = (Arc::clone(&shared), options.clone());
            if let Some((name, value)) = cursor {
                options.extras_mut().query(name.into(), value);
            }
            Box::pin(async move {
                let mut operation = Operation::new(Method::GET, path);
                operation.head_limit = shared.tuning.timers.head;
                let plan = Plan::of(&shared, operation, path, &options)?;
                let call = Call::new(shared, plan, &options);
                call.fetch(answered::json).await.map(Answered::new)
            })
        }))
    }
}

impl<T: Unpin> Listing<T> {
    fn new(ask: Ask<T>) -> Self {
        Self {
            ask,
            items: VecDeque::new(),
            state: State::More,
            cursor: None,
            circle: Circle::default(),
            empty: 0,
        }
    }

    /// The next item; `None` at the end and after an error.
    ///
    /// # Errors
    ///
    /// The failure of the call for a page, once; `protocol` when the pages lead back to one that was
    /// there before, or a hundred in a row are empty.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::More => self.state = State::Asking((self.ask)(self.cursor.clone())),
                State::Asking(asking) => {
                    let page = ready!(asking.as_mut().poll(cx));
                    self.state = State::Ended;
                    match page.and_then(|page| self.turn(page)) {
                        Ok(()) => {}
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
        }
    }

    /// Takes a page in, and sees whether another follows.
    fn turn(&mut self, page: Answered<Page<T>>) -> Result<(), Error> {
        let next = page.value.next().map(|next| match next {
            NextPage::AfterId(id) => ("after_id", id.to_owned()),
            NextPage::Page(token) => ("page", token.to_owned()),
        });
        let is_empty = page.value.data.is_empty();
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        let wrong = match &next {
            Some(next) if self.circle.closes(next) => "the list names the same page twice",
            Some(_) if self.empty > MOST_EMPTY => "the list goes on with nothing on its pages",
            _ => "",
        };
        if !wrong.is_empty() {
            let failure = Failure::protocol(wrong).with_facts(page.meta.facts);
            return Err(failure.into());
        }
        self.items.extend(page.value.data);
        if next.is_some() {
            self.cursor = next;
            self.state = State::More;
        }
        Ok(())
    }
}

impl<T: Unpin> Stream for Listing<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("ready", &self.items.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_circle_of_any_length_is_noticed_and_a_straight_list_is_none(
            lead in 0..200_u64,
            length in 1..200_u64,
        ) {
            let cursor = |page: u64| ("page", page.to_string());
            let mut circle = Circle::default();
            for page in 0..lead + length {
                prop_assert!(!circle.closes(&cursor(page)));
            }
            // A few times around at the most.
            let mut turns = 0..4 * (lead + length) + 1;
            prop_assert!(turns.any(|turn| circle.closes(&cursor(lead + turn % length))));
        }
    }
}
