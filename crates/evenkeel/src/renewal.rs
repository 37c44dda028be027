use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use evenkeel_error::{Error, Moment, Phase};
use evenkeel_transport::BoxFuture;
use secrecy::SecretString;

use crate::clock::Clock;

mod asking;

use asking::Asking;

/// A token is renewed when less than this is left of it: enough for a request to be checked at the
/// other end of a slow upload (what the official SDKs do).
const LEAST_LEFT: Duration = Duration::from_secs(30);

/// How long a renewal may take (what the official SDKs allow).
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Gives a token when one is needed: from an identity service, a file, a secret store.
///
/// Asked before an attempt that finds no valid token, by one caller at a time however many wait, and
/// again after the server refused a token. Any `Fn` that returns such a future is one:
///
/// ```
/// use std::time::Duration;
/// use evenkeel::{Credential, Token};
///
/// let credential = Credential::provider(|| async {
///     Ok(Token::bearer("sk-ant-oat01-…").valid_for(Duration::from_secs(3600)))
/// });
/// ```
///
/// A failure says by its [`Recovery`](evenkeel_error::Recovery) whether another try can help: it is
/// retried within the call's patience, and costs neither attempts nor the retry budget. Make one with
/// `Error::from_response` from the head and body of an answer, with `Error::connection` where none
/// came. A renewal may take 30 s.
///
/// A provider that calls the API itself does so with a client of its own: a call of the client that waits
/// for this token would wait for itself. Where the provider's own future awaits that call, it is
/// `invalid_config`; in a task or on a thread of its own it is not noticed, and the renewal times out.
///
/// Cancellation: the future is dropped when the call that drives it is; another call that waits then
/// asks anew.
pub trait CredentialProvider: Send + Sync {
    /// A token that is valid now.
    fn token(&self) -> BoxFuture<'_, Result<Token, Error>>;
}

impl<F, T> CredentialProvider for F
where
    F: Fn() -> T + Send + Sync,
    T: Future<Output = Result<Token, Error>> + Send + 'static,
{
    fn token(&self) -> BoxFuture<'_, Result<Token, Error>> {
        Box::pin(self())
    }
}

/// A token that a [`CredentialProvider`] gives. Never printed, and wiped from memory when dropped.
#[derive(Clone)]
#[must_use]
pub struct Token {
    secret: SecretString,
    lifetime: Option<Duration>,
}

impl Token {
    /// A token that is sent as `authorization: Bearer`, valid until the server refuses it.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self {
            secret: token.into().into(),
            lifetime: None,
        }
    }

    /// For how long it is valid, from now. It is renewed when less than 30 s are left.
    pub fn valid_for(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// A provider with the token that it gave last, shared by all who hold the credential.
pub(crate) struct Renewable {
    provider: Box<dyn CredentialProvider>,
    /// Started when first asked, so that a runtime's paused time governs it.
    clock: OnceLock<Clock>,
    cache: Mutex<Cache>,
    /// Held by the one caller that renews; whoever waits for it is not woken for nothing, since a
    /// caller that is dropped hands it on.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Cache {
    token: Option<Cached>,
    /// Counts the tokens.
    generation: u64,
    /// Counts the renewals that ended.
    tries: u64,
    /// How the last one failed.
    failure: Option<Error>,
}

impl Cache {
    /// What the last try brought, if it still holds.
    fn shared(&self) -> Option<Result<Current, Unrenewed>> {
        if let Some(failure) = &self.failure {
            return Some(Err(Unrenewed {
                failure: failure.retold(),
                elapsed: None,
            }));
        }
        let token = self.token.as_ref()?;
        Some(Ok(token.current(self.generation, Origin::Shared)))
    }
}

struct Cached {
    secret: SecretString,
    /// When it is to be renewed.
    stale: Option<Moment>,
    /// Until when whoever has it already may go on with it: one that was given near its end is to be
    /// renewed for the next caller from the first moment on, and serves to its end those who have it.
    serves: Option<Moment>,
}

impl Cached {
    fn current(&self, generation: u64, origin: Origin) -> Current {
        Current {
            secret: self.secret.clone(),
            generation,
            origin,
        }
    }
}

/// A token to use now.
pub(crate) struct Current {
    pub(crate) secret: SecretString,
    pub(crate) generation: u64,
    pub(crate) origin: Origin,
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was there.
    Cache,
    /// This caller renewed it, in so long.
    Renewed(Duration),
    /// Another caller renewed it while this one waited.
    Shared,
}

/// A renewal that failed.
pub(crate) struct Unrenewed {
    pub(crate) failure: Error,
    /// How long it took; `None` where another caller met it.
    pub(crate) elapsed: Option<Duration>,
}

impl Renewable {
    pub(crate) fn new(provider: Box<dyn CredentialProvider>) -> Self {
        Self {
            provider,
            clock: OnceLock::new(),
            cache: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// The token, renewed if it has to be, in `limit` at the longest. However many ask, one renews.
    pub(crate) async fn current(&self, limit: Duration) -> Result<Current, Unrenewed> {
        let asked = match self.cached(Origin::Cache) {
            Ok(current) => return Ok(current),
            Err(tries) => tries,
        };
        if asking::is_under_way(self) {
            let rule =
                "must not be needed by its own provider: give the provider a client of its own";
            return Err(Unrenewed {
                failure: Error::invalid_config("credential", rule),
                elapsed: None,
            });
        }
        let _turn = self.turn.lock().await;
        match self.cached(Origin::Shared) {
            Ok(current) => return Ok(current),
            // A try ended while this caller waited: what it met holds for this one too, and so does a
            // token that is short-lived, or each who waits would renew it for himself.
            Err(tries) if tries != asked => {
                if let Some(shared) = self.with_cache(|cache| cache.shared()) {
                    return shared;
                }
            }
            Err(_) => {}
        }
        let started = self.now();
        let asking = Asking::of(self, async { self.provider.token().await });
        let answer = Clock::within(Some(limit), asking).await;
        let elapsed = self.now().since(started);
        match answer.unwrap_or_else(|| Err(Error::timed_out(Phase::Refresh, limit))) {
            Ok(token) => Ok(self.keep(token, elapsed)),
            Err(failure) => {
                self.with_cache(|cache| {
                    cache.tries = cache.tries.wrapping_add(1);
                    cache.failure = Some(failure.retold());
                });
                Err(Unrenewed {
                    failure,
                    elapsed: Some(elapsed),
                })
            }
        }
    }

    /// The server refused the token of this generation.
    pub(crate) fn refused(&self, generation: u64) {
        self.with_cache(|cache| {
            if cache.generation == generation {
                cache.token = None;
            }
        });
    }

    /// The token for a call that has waited with the one of generation `held`, if it need not be
    /// renewed for that.
    pub(crate) fn kept(&self, held: Option<u64>) -> Option<Current> {
        let now = self.now();
        self.with_cache(|cache| {
            let until = |token: &Cached| {
                if held == Some(cache.generation) {
                    token.serves
                } else {
                    token.stale
                }
            };
            let usable = |token: &&Cached| until(token).is_none_or(|until| now < until);
            let token = cache.token.as_ref().filter(usable)?;
            Some(token.current(cache.generation, Origin::Cache))
        })
    }

    /// The token if it may be used, or else the number of tries so far.
    fn cached(&self, origin: Origin) -> Result<Current, u64> {
        let now = self.now();
        self.with_cache(|cache| {
            let usable = cache
                .token
                .as_ref()
                .filter(|token| token.stale.is_none_or(|stale| now < stale));
            usable
                .map(|token| token.current(cache.generation, origin))
                .ok_or(cache.tries)
        })
    }

    fn keep(&self, token: Token, elapsed: Duration) -> Current {
        let now = self.now();
        self.with_cache(|cache| {
            cache.tries = cache.tries.wrapping_add(1);
            cache.generation = cache.generation.wrapping_add(1);
            cache.failure = None;
            let stale = token
                .lifetime
                .map(|lifetime| now + lifetime.saturating_sub(LEAST_LEFT));
            let ends = token.lifetime.map(|lifetime| now + lifetime);
            cache.token = Some(Cached {
                secret: token.secret.clone(),
                stale,
                serves: if stale == Some(now) { ends } else { stale },
            });
            Current {
                secret: token.secret,
                generation: cache.generation,
                origin: Origin::Renewed(elapsed),
            }
        })
    }

    fn now(&self) -> Moment {
        self.clock.get_or_init(Clock::start).now()
    }

    fn with_cache<T>(&self, act: impl FnOnce(&mut Cache) -> T) -> T {
        act(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
