/// The setters that the calls of every resource share, and where the options stand in it.
macro_rules! option_setters {
    () => {
        crate::options::option_setters!(options);
    };
    ($($place:ident).+) => {
        /// The call ends after so long whatever happens: attempts, waits and the body included. Above
        /// zero. Default: no deadline.
        pub fn deadline(mut self, deadline: std::time::Duration) -> Self {
            self.$($place).+.deadline = Some(deadline);
            self
        }

        /// How long the call goes on without progress. Default: the client's.
        pub fn patience(mut self, patience: crate::Patience) -> Self {
            self.$($place).+.patience = Some(patience);
            self
        }

        /// How many attempts are made at the most, the first included: 1 or more. A wait that the
        /// server asked for because of a rate limit uses none. Default: the patience's.
        #[cfg(feature = "retry")]
        #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
        pub fn attempts(mut self, attempts: u32) -> Self {
            self.$($place).+.attempts = Some(attempts);
            self
        }

        /// Whether the request is sent again when it may have been carried out and its answer was
        /// lost. Default: as the operation can bear it; see the crate's documentation.
        #[cfg(feature = "retry")]
        #[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
        pub fn ambiguous(mut self, ambiguous: crate::Ambiguous) -> Self {
            self.$($place).+.ambiguous = Some(ambiguous);
            self
        }

        /// What the call is authenticated with, in place of the client's credential: for a gateway
        /// that forwards its caller's.
        pub fn credential(mut self, credential: crate::Credential) -> Self {
            self.$($place).+.extras_mut().credential = Some(credential);
            self
        }

        /// A header of the call; may be given several times. Replaces the client's of that name,
        /// `anthropic-beta` apart. The same names are refused as for the client's.
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.$($place).+.extras_mut().header(name.into(), value.into());
            self
        }

        /// A beta that the call takes part in: added to `anthropic-beta`, once.
        pub fn beta(mut self, name: impl Into<String>) -> Self {
            self.$($place).+.extras_mut().beta(name.into());
            self
        }

        /// A parameter in the URL; may be given several times. Encoded here.
        pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.$($place).+.extras_mut().query(name.into(), value.into());
            self
        }

        /// Hears of every decision about the call, after the client's observers.
        pub fn observer(mut self, observer: impl evenkeel_event::Observer + 'static) -> Self {
            self.$($place).+
                .extras_mut()
                .observer(std::sync::Arc::new(observer));
            self
        }

        /// Adds headers to each attempt of the call, after the client's propagators: the context of a
        /// trace, for one.
        pub fn propagator(mut self, propagator: impl evenkeel_event::Propagator + 'static) -> Self {
            self.$($place).+
                .extras_mut()
                .propagator(std::sync::Arc::new(propagator));
            self
        }
    };
}

/// The setter that resources with a list share.
macro_rules! page_setter {
    () => {
        crate::options::page_setter!(options);
    };
    ($($place:ident).+) => {
        /// How many things are on a page of [`list`](Self::list): 1 to 1000. Default: as many as the
        /// API sends unasked, which is 20. The list turns the pages itself; larger ones cost fewer
        /// requests.
        pub fn page_size(mut self, size: u32) -> Self {
            self.$($place).+.extras_mut().page_size(size);
            self
        }
    };
}

pub(crate) use {option_setters, page_setter};
