use std::sync::Arc;

use evenkeel_event::{CallId, Event, Observer, Propagator, What};

use super::{Extras, Options};
use crate::shared::Shared;

/// Who hears of a call, and who adds to its attempts: the client's and the call's own.
#[derive(Clone)]
pub(crate) struct Voice {
    /// What the call is called where it was made, and by whoever listens to the call itself.
    pub(crate) id: CallId,
    /// What it is called by the client that it is at: the same, unless a fallback took it to another.
    pub(crate) here: CallId,
    own: Option<Arc<Extras>>,
}

impl Voice {
    pub(crate) fn new(id: CallId, options: &Options) -> Self {
        let own = options.extras.as_ref();
        Self {
            id,
            here: id,
            own: own.filter(|extras| extras.are_heard()).cloned(),
        }
    }

    /// Who adds headers to an attempt, and what they call it: the client's propagators, then the
    /// call's.
    pub(crate) fn propagators<'a>(
        &'a self,
        shared: &'a Shared,
    ) -> impl Iterator<Item = (CallId, &'a Arc<dyn Propagator>)> {
        let own = self.own.iter().flat_map(|extras| &extras.propagators);
        let of_client = shared.propagators.iter();
        of_client
            .map(|propagator| (self.here, propagator))
            .chain(own.map(|propagator| (self.id, propagator)))
    }

    pub(crate) fn emit(&self, shared: &Shared, what: What<'_>) {
        let own = self
            .own
            .as_ref()
            .map_or(&[][..], |extras| &extras.observers);
        if shared.observers.is_empty() && own.is_empty() {
            return;
        }
        let mut event = Event::new(self.here, shared.clock.now(), what);
        for observer in &shared.observers {
            observer.observe(&event);
        }
        event.call = self.id;
        for observer in own {
            observer.observe(&event);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use std::future::ready;

    use evenkeel_error::{Delivery, Error};
    use evenkeel_transport::{BoxFuture, Request, Response, Transport};

    use super::*;
    use crate::clock::READS;
    use crate::{Client, MessageRequest};

    /// A transport that fails for good.
    struct Distrusted;

    impl Transport for Distrusted {
        fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
            Box::pin(ready(Err(Error::untrusted(Delivery::NotSent))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_one_look_at_the_clock_where_somebody_listens_and_none_where_nobody_does() {
        let reads = async |heard: Option<Arc<AtomicU64>>| {
            let client = Client::with_transport(Distrusted).api_key("sk-test");
            let client = match heard {
                None => client,
                Some(heard) => client.observer(move |_: &Event<'_>| {
                    heard.fetch_add(1, Ordering::SeqCst);
                }),
            };
            let client = client.build().unwrap();
            let request = MessageRequest::new("m", 1).user("x");
            let before = READS.get();
            client.messages().create(request).await.unwrap_err();
            READS.get() - before
        };
        let heard = Arc::new(AtomicU64::new(0));
        let deaf = reads(None).await;
        let listening = reads(Some(Arc::clone(&heard))).await;
        let events = heard.load(Ordering::SeqCst);
        assert_eq!(events, 3, "its attempt, the failure, the end");
        assert_eq!(listening, deaf + events);
    }
}
