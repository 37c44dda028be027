use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use evenkeel_error::{Error, Moment};
use evenkeel_event::{CallId, Observer, Propagator};
use evenkeel_transport::{Backend, ExtraHeaders, Transport};

use crate::bounded::Bounded;
use crate::clock::Clock;
use crate::gate::Entrance;
use crate::identity::{Fingerprint, Fingerprints, IDENTITIES, Identity};
use crate::limits::Sizes;
use crate::pipeline::KeptHead;
use crate::timers::Timers;
use crate::{Credential, Patience};

/// How many models of an origin are remembered: more than there are, few enough for a caller that
/// invents names.
const LANES: usize = 1_024;

/// What the clones of a client share.
pub(crate) struct Shared {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) backend: Box<dyn Backend>,
    /// Whom calls act as that do not say otherwise.
    pub(crate) identity: Arc<Identity>,
    pub(crate) keyless: Keyless,
    /// What the caller adds to every request.
    pub(crate) headers: ExtraHeaders,
    pub(crate) tuning: Tuning,
    pub(crate) clock: Clock,
    pub(crate) dice: crate::dice::Dice,
    #[cfg(feature = "breaker")]
    pub(crate) breakers: crate::circuit::Breakers,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) propagators: Vec<Arc<dyn Propagator>>,
    pub(crate) memory: Memory,
}

/// What a client learns as it goes.
pub(crate) struct Memory {
    lanes: Mutex<Bounded<String, Lane>>,
    identities: Mutex<Bounded<Fingerprint, Identity>>,
    fingerprints: Fingerprints,
    calls: AtomicU64,
    answered: AtomicBool,
    head: OnceLock<Arc<KeptHead>>,
    /// Told when the origin's circuit lets calls through again.
    #[cfg(feature = "breaker")]
    pub(crate) moved: tokio::sync::Notify,
}

/// The numbers of a client.
pub(crate) struct Tuning {
    pub(crate) patience: Patience,
    pub(crate) timers: Timers,
    pub(crate) sizes: Sizes,
    /// Between waiters, once a shared limit has lifted.
    pub(crate) spacing: Duration,
    pub(crate) divisor: NonZeroU32,
    #[cfg(feature = "retry")]
    pub(crate) policies: crate::pipeline::Policies,
    #[cfg(feature = "retry")]
    pub(crate) budget: Option<evenkeel_backoff::RetryBudgetBuilder>,
    #[cfg(feature = "retry")]
    pub(crate) restart: crate::Restart,
}

/// Whether a call without a credential is worth sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyless {
    /// A gateway or the transport may add one.
    Allowed,
    /// The public API refuses it for certain.
    Refused,
}

/// Nothing to authenticate with, where that is needed.
pub(crate) fn no_credential() -> Error {
    Error::invalid_config(
        "credential",
        "must be given: set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN) and use Client::from_env, \
         give the client one with .api_key(…) or .credential(…), or give the call one with \
         .credential(…)",
    )
}

/// What the calls to one model share.
pub(crate) struct Lane {
    /// What it is asked for by: for a message, the model.
    #[cfg(feature = "breaker")]
    pub(crate) name: Arc<str>,
    /// Of the client's own identity; each other has one of its own.
    pub(crate) gate: Arc<Entrance>,
    #[cfg(feature = "retry")]
    pub(crate) budget: evenkeel_backoff::RetryBudget,
    /// Whether the budget brings no tokens by itself, since a circuit was open.
    #[cfg(feature = "retry")]
    pub(crate) is_floor_paused: AtomicBool,
    /// The tokens of a budget that nobody has used.
    #[cfg(feature = "retry")]
    full: u32,
    /// Told when a call brings a token back.
    #[cfg(feature = "retry")]
    pub(crate) earned: tokio::sync::Notify,
    /// Told when the model's circuit lets calls through again.
    #[cfg(feature = "breaker")]
    pub(crate) moved: tokio::sync::Notify,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Mutex::new(Bounded::new(LANES)),
            identities: Mutex::new(Bounded::new(IDENTITIES).replacing()),
            fingerprints: Fingerprints::default(),
            calls: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            head: OnceLock::new(),
            #[cfg(feature = "breaker")]
            moved: tokio::sync::Notify::new(),
        }
    }
}

impl Memory {
    /// The head of the usual call, once there was one.
    pub(crate) fn kept_head(&self) -> Option<Arc<KeptHead>> {
        self.head.get().cloned()
    }

    /// The head of the usual call: this one, unless there is one.
    pub(crate) fn keep_head(&self, head: KeptHead) -> Arc<KeptHead> {
        Arc::clone(self.head.get_or_init(|| Arc::new(head)))
    }
}

impl Shared {
    pub(crate) fn next_call(&self) -> CallId {
        CallId::new(
            self.memory
                .calls
                .fetch_add(1, Ordering::Relaxed)
                .saturating_add(1),
        )
    }

    /// What the calls to `model` share.
    pub(crate) fn lane(&self, model: &str) -> Arc<Lane> {
        let mut lanes = self
            .memory
            .lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (lane, _) = lanes.get_or_make(
            model,
            || Lane::new(model, &self.tuning),
            |lane| lane.is_idle(self.clock.now()),
        );
        lane
    }

    /// Whom a call acts as that has a credential or headers of its own.
    pub(crate) fn identity(
        &self,
        own: Option<&Credential>,
        headers: &ExtraHeaders,
    ) -> Arc<Identity> {
        let credential = own.or(self.identity.credential.as_ref());
        let memory = &self.memory;
        let fingerprint = memory.fingerprints.of(credential, headers);
        if fingerprint
            == memory
                .fingerprints
                .of(self.identity.credential.as_ref(), &self.headers)
        {
            return Arc::clone(&self.identity);
        }
        let (identity, forgotten) = {
            let mut identities = memory
                .identities
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            identities.get_or_make(
                &fingerprint,
                || Identity::new(credential.cloned(), self.tuning.divisor),
                |identity| identity.is_idle(self.clock.now()),
            )
        };
        // Here, where no lock is held: a provider may do as it likes when it is dropped.
        drop(forgotten);
        identity
    }

    /// The gate of the calls of `identity` to `model`; `None` where it is the lane's.
    pub(crate) fn own_gate(&self, identity: &Arc<Identity>, model: &str) -> Option<Arc<Entrance>> {
        let is_own = !Arc::ptr_eq(identity, &self.identity);
        is_own.then(|| identity.gate(model, self.tuning.spacing, self.clock.now()))
    }

    /// Whether the endpoint has ever answered this process, with whatever status.
    #[cfg(feature = "retry")]
    pub(crate) fn has_answered(&self) -> bool {
        self.memory.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_answered(&self) {
        self.memory.answered.store(true, Ordering::Relaxed);
    }
}

impl Tuning {
    /// A duration as this client counts it.
    pub(crate) fn divided(&self, duration: Duration) -> Duration {
        duration / self.divisor.get()
    }
}

impl Lane {
    #[cfg_attr(
        not(feature = "breaker"),
        expect(unused_variables, reason = "the breakers are kept by it")
    )]
    fn new(name: &str, tuning: &Tuning) -> Self {
        #[cfg(feature = "retry")]
        let budget = tuning
            .budget
            // Checked when the client was built.
            .and_then(|budget| budget.build().ok())
            .unwrap_or_else(|| evenkeel_backoff::RetryBudget::time_divided_by(tuning.divisor));
        Self {
            #[cfg(feature = "breaker")]
            name: name.into(),
            gate: Arc::new(Entrance::new(tuning.spacing)),
            #[cfg(feature = "retry")]
            full: budget.tokens(Moment::ORIGIN),
            #[cfg(feature = "retry")]
            budget,
            #[cfg(feature = "retry")]
            is_floor_paused: AtomicBool::new(false),
            #[cfg(feature = "retry")]
            earned: tokio::sync::Notify::new(),
            #[cfg(feature = "breaker")]
            moved: tokio::sync::Notify::new(),
        }
    }

    /// Whether a new lane would be just like this one.
    fn is_idle(&self, now: Moment) -> bool {
        #[cfg(feature = "retry")]
        if self.budget.tokens(now) < self.full {
            return false;
        }
        self.gate.is_open(now)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use evenkeel_transport::BoxFuture;

    use super::*;
    use crate::nowhere::Nowhere;
    use crate::{Client, CredentialProvider, Token};

    /// A provider that looks, when it is dropped, whether the lock of the identities is free.
    struct Looks {
        shared: Arc<Shared>,
        found_free: Arc<AtomicUsize>,
    }

    impl CredentialProvider for Looks {
        fn token(&self) -> BoxFuture<'_, Result<Token, Error>> {
            Box::pin(std::future::pending())
        }
    }

    impl Drop for Looks {
        fn drop(&mut self) {
            if self.shared.memory.identities.try_lock().is_ok() {
                self.found_free.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    #[test]
    fn a_provider_that_is_forgotten_is_dropped_where_no_lock_is_held() {
        let client = Client::with_transport(Nowhere).api_key("sk-test").build();
        let shared = client.unwrap().shared();
        let found_free = Arc::new(AtomicUsize::new(0));
        for _ in 0..IDENTITIES + 10 {
            let looks = Looks {
                shared: Arc::clone(&shared),
                found_free: Arc::clone(&found_free),
            };
            let credential = Credential::provider(looks);
            let _ = shared.identity(Some(&credential), &ExtraHeaders::new());
        }
        assert_eq!(found_free.load(Ordering::SeqCst), 10);
    }
}
