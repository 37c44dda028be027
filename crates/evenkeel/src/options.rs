use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::Error;
use evenkeel_event::{CallId, Event, Observer, Propagator, What};
use evenkeel_messages::{MessageRequest, RawJson};
use evenkeel_transport::{ExtraHeaders, Path};

use crate::shared::Shared;
use crate::{Credential, Patience};

/// How a reply is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fetch {
    /// As a stream, collected here: no limit on how long generation takes, and silence is noticed.
    /// The default.
    #[default]
    Streamed,
    /// As one JSON message, whose head comes after the whole reply was generated.
    Plain,
}

/// What to do about a request that may have been carried out although its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ambiguous {
    /// Send it again: carrying it out twice does no harm, or less than not at all.
    Resend,
    /// Fail with what happened, and leave the decision to the caller.
    Surface,
}

/// What a caller sets for one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) deadline: Option<Duration>,
    pub(crate) patience: Option<Patience>,
    #[cfg(feature = "retry")]
    pub(crate) attempts: Option<u32>,
    #[cfg(feature = "retry")]
    pub(crate) ambiguous: Option<Ambiguous>,
    #[cfg(feature = "retry")]
    pub(crate) restart: Option<crate::Restart>,
    /// What few calls set, in one place so that the others pass it by.
    pub(crate) extras: Option<Arc<Extras>>,
}

/// What few calls set.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    pub(crate) credential: Option<Credential>,
    headers: Vec<(String, String)>,
    betas: Vec<String>,
    query: Vec<(String, String)>,
    fields: Vec<(String, RawJson)>,
    observers: Vec<Arc<dyn Observer>>,
    propagators: Vec<Arc<dyn Propagator>>,
    /// The first option that cannot be.
    broken: Option<evenkeel_error::InvalidConfig>,
}

impl Options {
    pub(crate) fn extras_mut(&mut self) -> &mut Extras {
        Arc::make_mut(self.extras.get_or_insert_default())
    }

    /// The same for another endpoint, which has a credential of its own.
    pub(crate) fn elsewhere(mut self) -> Self {
        if self.extras.is_some() {
            self.extras_mut().credential = None;
        }
        self
    }

    /// What the options alone say is wrong.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(Error::invalid_config(
                "deadline",
                "must be longer than zero",
            ));
        }
        #[cfg(feature = "retry")]
        if self.attempts == Some(0) {
            return Err(Error::invalid_config(
                "attempts",
                "must be 1 or more: the first attempt counts",
            ));
        }
        let Some(extras) = &self.extras else {
            return Ok(());
        };
        if let Some(broken) = extras.broken {
            return Err(broken.into());
        }
        extras.credential.as_ref().map_or(Ok(()), Credential::check)
    }

    /// A request with the fields of the call.
    pub(crate) fn request(&self, request: MessageRequest) -> MessageRequest {
        let fields = self.extras.iter().flat_map(|extras| &extras.fields);
        fields.fold(request, |request, (name, value)| request.extra(name, value))
    }
}

/// The header of the betas, which are joined and not replaced.
pub(crate) const BETA: &str = "anthropic-beta";

/// The parameter for the size of a page, and the largest that the API takes (its documentation, list
/// of models).
const LIMIT: &str = "limit";
const LARGEST_PAGE: u32 = 1_000;

impl Extras {
    /// The headers of a call: the client's, with the call's own over them, and the betas of both.
    pub(crate) fn headers_over(&self, of_client: &ExtraHeaders) -> Result<ExtraHeaders, Error> {
        let mut own = ExtraHeaders::new();
        for (name, value) in &self.headers {
            own.add(name, value)?;
        }
        for beta in &self.betas {
            own.add(BETA, beta)?;
        }
        let mut all = of_client.clone();
        all.extend(&own);
        Ok(all)
    }

    /// A path with the parameters of the call.
    pub(crate) fn path<'a>(&self, path: Cow<'a, str>) -> Result<Cow<'a, str>, Error> {
        if self.query.is_empty() {
            return Ok(path);
        }
        let parameters = self.query.iter();
        let path = parameters.fold(Path::new(path), |path, (name, value)| {
            path.query(name, value)
        });
        path.encode().map(Cow::Owned)
    }

    pub(crate) fn header(&mut self, name: String, value: String) {
        self.headers.push((name, value));
    }

    pub(crate) fn beta(&mut self, name: String) {
        self.betas.push(name);
    }

    pub(crate) fn query(&mut self, name: String, value: String) {
        self.query.push((name, value));
    }

    pub(crate) fn field(
        &mut self,
        name: String,
        value: Result<RawJson, evenkeel_error::InvalidConfig>,
    ) {
        match value {
            Ok(value) => self.fields.push((name, value)),
            Err(invalid) => {
                self.broken.get_or_insert(invalid);
            }
        }
    }

    /// How many things are on a page of a list.
    pub(crate) fn page_size(&mut self, size: u32) {
        if (1..=LARGEST_PAGE).contains(&size) {
            self.query.retain(|(name, _)| name != LIMIT);
            self.query(LIMIT.into(), size.to_string());
        } else {
            let invalid = evenkeel_error::InvalidConfig::new("page_size", "must be 1 to 1000");
            self.broken.get_or_insert(invalid);
        }
    }

    pub(crate) fn observer(&mut self, observer: Arc<dyn Observer>) {
        self.observers.push(observer);
    }

    fn are_heard(&self) -> bool {
        !self.observers.is_empty() || !self.propagators.is_empty()
    }

    pub(crate) fn propagator(&mut self, propagator: Arc<dyn Propagator>) {
        self.propagators.push(propagator);
    }
}

impl std::fmt::Debug for Extras {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Extras")
            .field("credential", &self.credential)
            .field("headers", &names(&self.headers))
            .field("betas", &self.betas)
            .field("query", &names(&self.query))
            .finish_non_exhaustive()
    }
}

/// Who hears of a call, and who adds to its attempts: the client's and the call's own.
#[derive(Clone)]
pub(crate) struct Voice {
    pub(crate) id: CallId,
    own: Option<Arc<Extras>>,
}

impl Voice {
    pub(crate) fn new(id: CallId, options: &Options) -> Self {
        let own = options.extras.as_ref();
        Self {
            id,
            own: own.filter(|extras| extras.are_heard()).cloned(),
        }
    }

    /// Who adds headers to an attempt: the client's propagators, then the call's.
    pub(crate) fn propagators<'a>(
        &'a self,
        shared: &'a Shared,
    ) -> impl Iterator<Item = &'a Arc<dyn Propagator>> {
        let own = self.own.iter().flat_map(|extras| &extras.propagators);
        shared.propagators.iter().chain(own)
    }

    pub(crate) fn emit(&self, shared: &Shared, what: What<'_>) {
        let own = self
            .own
            .as_ref()
            .map_or(&[][..], |extras| &extras.observers);
        if shared.observers.is_empty() && own.is_empty() {
            return;
        }
        let event = Event::new(self.id, shared.clock.now(), what);
        for observer in shared.observers.iter().chain(own) {
            observer.observe(&event);
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn options(set: impl FnOnce(&mut Extras)) -> Options {
        let mut options = Options::default();
        set(options.extras_mut());
        options
    }

    #[test]
    fn a_header_of_the_call_replaces_the_clients_and_betas_add_up() {
        let mut of_client = ExtraHeaders::new();
        of_client.add("x-team", "client").unwrap();
        of_client.add("x-other", "client").unwrap();
        of_client.add(BETA, "a, b").unwrap();
        let options = options(|extras| {
            extras.header("X-Team".into(), "call".into());
            extras.beta("c".into());
            extras.beta("a".into());
        });
        let mut all = http::HeaderMap::new();
        let extras = options.extras.unwrap();
        extras.headers_over(&of_client).unwrap().write(&mut all);
        assert_eq!(all["x-team"], "call");
        assert_eq!(all["x-other"], "client");
        let betas: Vec<_> = all.get_all(BETA).iter().collect();
        assert_eq!(betas, ["a,b,c"]);
    }

    #[test]
    fn an_option_that_cannot_be_is_named() {
        let wrong = |set: fn(&mut Options)| {
            let mut options = Options::default();
            set(&mut options);
            let of_client = ExtraHeaders::new();
            let headers = |()| match &options.extras {
                Some(extras) => extras.headers_over(&of_client),
                None => Ok(of_client.clone()),
            };
            let error = options.check().and_then(headers);
            error.unwrap_err().message().unwrap().to_owned()
        };
        for (message, field) in [
            (
                wrong(|options| options.deadline = Some(Duration::ZERO)),
                "deadline ",
            ),
            #[cfg(feature = "retry")]
            (wrong(|options| options.attempts = Some(0)), "attempts "),
            (
                wrong(|options| options.extras_mut().credential = Some(Credential::api_key(""))),
                "api_key ",
            ),
            (
                wrong(|options| options.extras_mut().header("host".into(), "x".into())),
                "header host ",
            ),
            (
                wrong(|options| options.extras_mut().beta("a\nb".into())),
                "header anthropic-beta ",
            ),
        ] {
            assert!(message.starts_with(field), "{message}");
        }
    }

    #[test]
    fn options_print_names_and_no_values() {
        let options = options(|extras| {
            extras.header("x-team".into(), "planted".into());
            extras.query("after".into(), "planted".into());
            extras.credential = Some(Credential::api_key("planted"));
        });
        let text = format!("{options:?}");
        assert!(
            text.contains("x-team") && !text.contains("planted"),
            "{text}"
        );
    }
}
