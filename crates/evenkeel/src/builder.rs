use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::Error;
use evenkeel_event::{Observer, Propagator};
use evenkeel_transport::{Backend, BaseUrl, ClaudeApi, Cleartext, ExtraHeaders, Transport};

use crate::clock::Clock;
use crate::identity::Identity;
use crate::limits::Sizes;
use crate::shared::{Keyless, Memory, Shared, Tuning};
use crate::timers::Timers;
use crate::{Client, Credential, Patience};

mod knobs;

/// Makes a [`Client`]; nothing is checked before [`build`](Self::build).
///
/// It comes from [`Client::with_transport`], or with the feature `reqwest` from `Client::builder`;
/// there is none without a transport:
///
/// ```compile_fail,E0599
/// let client = evenkeel::ClientBuilder::default().build();
/// ```
///
/// ```compile_fail,E0061
/// let client = evenkeel::Client::with_transport().api_key("sk-ant-…").build();
/// ```
#[must_use]
pub struct ClientBuilder {
    connect: Connect,
    #[cfg(feature = "tower")]
    pub(crate) layers: Vec<crate::tower::Wrap>,
    backend: Option<Box<dyn Backend>>,
    base_url: Option<String>,
    cleartext: Cleartext,
    credential: Option<Credential>,
    version: Option<String>,
    headers: Vec<(String, String)>,
    patience: Patience,
    timers: Timers,
    observers: Vec<Arc<dyn Observer>>,
    propagators: Vec<Arc<dyn Propagator>>,
    sizes: Sizes,
    spacing: Duration,
    divisor: NonZeroU32,
    keyless: Keyless,
    seed: Option<u64>,
    #[cfg(feature = "retry")]
    policy: Option<evenkeel_backoff::RetryPolicy>,
    #[cfg(feature = "retry")]
    hint_spread: Option<Duration>,
    #[cfg(feature = "retry")]
    budget: Option<evenkeel_backoff::RetryBudgetBuilder>,
    #[cfg(feature = "retry")]
    restart: crate::Restart,
    #[cfg(feature = "breaker")]
    breaker: evenkeel_breaker::BreakerConfig,
}

/// Makes the transport to a place, with every limit divided by the number.
type Connect = Box<dyn FnOnce(&BaseUrl, NonZeroU32) -> Result<Box<dyn Transport>, Error> + Send>;

impl ClientBuilder {
    #[cfg(feature = "reqwest")]
    pub(crate) fn reqwest() -> Self {
        let settings = evenkeel_transport::ReqwestTransport::builder();
        Self::new(on_reqwest(settings), Keyless::Refused)
    }

    pub(crate) fn given(transport: Box<dyn Transport>) -> Self {
        Self::new(Box::new(|_, _| Ok(transport)), Keyless::Allowed)
    }

    fn new(connect: Connect, keyless: Keyless) -> Self {
        Self {
            connect,
            #[cfg(feature = "tower")]
            layers: Vec::new(),
            backend: None,
            base_url: None,
            cleartext: Cleartext::default(),
            credential: None,
            version: None,
            headers: Vec::new(),
            patience: Patience::default(),
            timers: Timers::DEFAULT,
            observers: Vec::new(),
            propagators: Vec::new(),
            sizes: Sizes::DEFAULT,
            spacing: crate::gate::SPACING,
            divisor: NonZeroU32::MIN,
            keyless,
            seed: None,
            #[cfg(feature = "retry")]
            policy: None,
            #[cfg(feature = "retry")]
            hint_spread: None,
            #[cfg(feature = "retry")]
            budget: None,
            #[cfg(feature = "retry")]
            restart: crate::Restart::default(),
            #[cfg(feature = "breaker")]
            breaker: evenkeel_breaker::BreakerConfig::default(),
        }
    }

    /// Where the API is: scheme, host, and for a gateway a path prefix. Default: the public API.
    /// It ends before `/v1`, which the client adds; a gateway whose own prefix ends so is given as a
    /// [`backend`](Self::backend).
    /// `http://` is for this machine only, unless [`allow_cleartext`](Self::allow_cleartext) permits
    /// it elsewhere.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Where Claude is served from, if not by the Claude API: it brings its own address and version.
    pub fn backend(mut self, backend: impl Backend + 'static) -> Self {
        self.backend = Some(Box::new(backend));
        self
    }

    /// The settings of the default transport: proxies, certificates, connections, replies in gzip
    /// (`accept_gzip`, by the feature `gzip`). In place of a transport that was given.
    ///
    /// ```no_run
    /// use evenkeel::transport::ReqwestTransport;
    ///
    /// let connections = ReqwestTransport::builder().proxy("http://proxy.example:3128");
    /// let client = evenkeel::Client::builder().connections(connections).build()?;
    /// # Ok::<(), evenkeel::Error>(())
    /// ```
    #[cfg(feature = "reqwest")]
    #[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
    pub fn connections(mut self, settings: evenkeel_transport::ReqwestTransportBuilder) -> Self {
        self.connect = on_reqwest(settings);
        self.keyless = Keyless::Refused;
        self
    }

    /// Permits `http://` to a host that is not this machine. Key and prompt then travel in clear
    /// text, unless something else encrypts the way.
    pub fn allow_cleartext(mut self) -> Self {
        self.cleartext = Cleartext::Anywhere;
        self
    }

    /// What calls are authenticated with. Default: nothing, for gateways that add it themselves.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// An API key; short for [`Credential::api_key`].
    pub fn api_key(self, key: impl Into<String>) -> Self {
        self.credential(Credential::api_key(key))
    }

    /// The `anthropic-version` header. Default `2026-10-21`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// A header on every request; may be given several times. Host, framing, version and
    /// authentication may not be set.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long calls go on without progress, unless a call says otherwise. Default
    /// [`Patience::Background`].
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Hears of every decision; may be given several times.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Adds headers to every attempt: the context of a trace, for one. May be given several times.
    pub fn propagator(mut self, propagator: impl Propagator + 'static) -> Self {
        self.propagators.push(Arc::new(propagator));
        self
    }

    /// Divides every wait and every limit of the client by `divisor`, so that a demonstration or a
    /// test against a simulator that does the same runs that much faster.
    #[cfg(feature = "test-util")]
    #[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
    pub fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        self.divisor = divisor;
        self
    }

    /// Draws all chance from this seed, so that a run can be repeated.
    #[cfg(feature = "test-util")]
    #[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks everything and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the setter and the rule.
    pub fn build(self) -> Result<Client, crate::Error> {
        self.check_limits()?;
        if let Some(credential) = &self.credential {
            credential.check()?;
        }
        let backend = match self.backend {
            None => claude_api(
                self.base_url.as_deref(),
                self.version.as_deref(),
                self.cleartext,
            )?,
            Some(_) if self.base_url.is_some() || self.version.is_some() => {
                return Err(Error::invalid_config(
                    "backend",
                    "brings its own address and version: set base_url and version there",
                )
                .into());
            }
            Some(backend) => backend,
        };
        let mut headers = ExtraHeaders::reserving(&*backend);
        for (name, value) in &self.headers {
            headers.add(name, value)?;
        }
        let is_public = backend.base_url().origin() == ClaudeApi::URL;
        let transport = (self.connect)(backend.base_url(), self.divisor)?;
        #[cfg(feature = "tower")]
        let transport = self
            .layers
            .into_iter()
            .fold(transport, |inner, wrap| wrap(inner));
        let tuning = Tuning {
            patience: self.patience,
            timers: self.timers.divided_by(self.divisor),
            sizes: self.sizes,
            spacing: self.spacing / self.divisor.get(),
            divisor: self.divisor,
            #[cfg(feature = "retry")]
            policies: crate::pipeline::Policies::new(self.policy, self.hint_spread, self.divisor),
            #[cfg(feature = "retry")]
            budget: self.budget,
            #[cfg(feature = "retry")]
            restart: self.restart,
        };
        let shared = Shared {
            transport,
            backend,
            identity: Arc::new(Identity::new(self.credential, self.divisor)),
            keyless: if is_public {
                self.keyless
            } else {
                Keyless::Allowed
            },
            headers,
            tuning,
            clock: Clock::start(),
            dice: self
                .seed
                .map_or_else(crate::dice::Dice::random, crate::dice::Dice::seeded),
            #[cfg(feature = "breaker")]
            breakers: crate::circuit::Breakers::new(self.breaker.time_divided_by(self.divisor)),
            observers: self.observers,
            propagators: self.propagators,
            memory: Memory::new(),
        };
        Ok(Client::of(Arc::new(shared)))
    }

    /// As [`build`](Self::build), for calls that block.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); `invalid_config` also where the system gives no thread.
    #[cfg(feature = "blocking")]
    #[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
    pub fn build_blocking(self) -> Result<crate::blocking::Client, crate::Error> {
        crate::blocking::Client::of(self.build()?)
    }

    fn check_limits(&self) -> Result<(), Error> {
        let timers = &self.timers;
        for (field, limit) in [
            ("head_limit", timers.head),
            ("plain_head_limit", timers.plain_head),
            ("first_event_limit", timers.first_event),
            ("byte_silence_limit", timers.byte_silence),
            ("progress_limit", timers.progress),
            ("hidden_progress_limit", timers.hidden_progress),
            ("error_body_limit", timers.error_body),
            ("renewal_limit", timers.renewal),
            ("quiet_warning", timers.warning),
        ] {
            if limit.is_zero() {
                return Err(Error::invalid_config(field, "must be longer than zero"));
            }
        }
        for (field, bytes) in [
            ("event_size", self.sizes.event),
            ("reply_size", self.sizes.reply_body),
            ("error_size", self.sizes.error_body),
        ] {
            if bytes == 0 {
                return Err(Error::invalid_config(field, "must be above zero"));
            }
        }
        #[cfg(feature = "retry")]
        if let Some(budget) = self.budget {
            budget.build().map_err(|invalid| {
                Error::invalid_config(
                    &format!("retry_budget: {}", invalid.field()),
                    invalid.rule(),
                )
            })?;
        }
        Ok(())
    }
}

#[cfg(feature = "reqwest")]
fn on_reqwest(settings: evenkeel_transport::ReqwestTransportBuilder) -> Connect {
    Box::new(|base_url, divisor| {
        let settings = settings.time_divided_by(divisor);
        Ok(Box::new(settings.build_for(base_url)?))
    })
}

fn claude_api(
    base_url: Option<&str>,
    version: Option<&str>,
    cleartext: Cleartext,
) -> Result<Box<dyn Backend>, Error> {
    let url = base_url.unwrap_or(ClaudeApi::URL);
    let base_url = BaseUrl::parse(url, cleartext)?;
    // As the SDKs of others want it; every call would ask for /v1/v1 and get a 404.
    let whole = base_url.to_string();
    let prefix = whole.strip_prefix(&base_url.origin());
    if prefix.is_some_and(|prefix| prefix.ends_with("/v1")) {
        let rule = "must end before /v1, which the client adds";
        return Err(Error::invalid_config("base_url", rule));
    }
    let api = ClaudeApi::new(base_url);
    Ok(Box::new(match version {
        Some(version) => api.version(version)?,
        None => api,
    }))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("credential", &self.credential)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
