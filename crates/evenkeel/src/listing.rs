use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_error::Error as Failure;
use evenkeel_messages::{NextPage, Page};
use futures_core::Stream;

use crate::{Answered, Error};

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

impl<T: Unpin> Listing<T> {
    pub(crate) fn new(ask: Ask<T>) -> Self {
        Self {
            ask,
            items: VecDeque::new(),
            state: State::More,
            cursor: None,
        }
    }

    /// The next item; `None` at the end and after an error.
    ///
    /// # Errors
    ///
    /// The failure of the call for a page, once; `protocol` when the server names the same page
    /// twice in a row.
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
        if next.is_some() && next == self.cursor {
            let failure = Failure::protocol("the list names the same page twice");
            return Err(failure.with_facts(page.meta.facts).into());
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
