use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use evenkeel_error::{Error, ErrorKind, Moment};
use evenkeel_transport::ExtraHeaders;
use http::HeaderValue;

use crate::Credential;
use crate::bounded::Bounded;
use crate::credential::Principal;
use crate::gate::Entrance;
use crate::latch::{Latch, Passage, Probe, Refusal};
use crate::sync::{AtomicBool, Mutex, Ordering};

/// How many credentials of a client are remembered: the callers of a busy gateway.
pub(crate) const IDENTITIES: usize = 1_024;

/// How many of its models are remembered with each: more than a caller uses, few enough that a
/// thousand callers who invent names take some megabytes.
const MODELS: usize = 64;

/// Headers that say for whom a credential acts: the account behind them may be refused alone.
const ON_BEHALF: [&str; 2] = ["anthropic-workspace-id", "anthropic-user-profile-id"];

/// Whether a header of this name says for whom a credential acts.
pub(crate) fn is_on_behalf(name: &str) -> bool {
    ON_BEHALF
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Somebody to the server: a credential, and the workspace and user profile that it acts for.
pub(crate) struct Identity {
    /// Held so that nobody else gets the address of its provider.
    pub(crate) credential: Option<Credential>,
    latch: Mutex<Latch<Cause>>,
    /// Whether the latch may be set, so that the usual call need not lock it to pass.
    may_be_set: AtomicBool,
    /// By model. The client's own identity has the gates of the lanes.
    gates: Mutex<Bounded<String, Entrance>>,
}

/// What an identity was refused with.
#[derive(Debug)]
struct Cause {
    error: Error,
    since: SystemTime,
}

/// What an identity says to a call.
pub(crate) enum Leave {
    Free,
    Probe(Probe),
    /// The failure to end with.
    Refused(Error),
}

impl Identity {
    pub(crate) fn new(credential: Option<Credential>, divisor: NonZeroU32) -> Self {
        Self {
            credential,
            latch: Mutex::new(Latch::new(divisor)),
            may_be_set: AtomicBool::new(false),
            gates: Mutex::new(Bounded::new(MODELS).replacing()),
        }
    }

    /// The gate of its calls to `model`.
    pub(crate) fn gate(&self, model: &str, spacing: Duration, now: Moment) -> Arc<Entrance> {
        let (gate, forgotten) = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            gates.get_or_make(model, || Entrance::new(spacing), |gate| gate.is_open(now))
        };
        drop(forgotten);
        gate
    }

    /// See [`Latch::pass`].
    pub(crate) fn pass(&self, now: Moment, roll: impl FnOnce() -> u64) -> Leave {
        if !self.may_be_set.load(Ordering::Acquire) {
            return Leave::Free;
        }
        self.with_latch(|latch| match latch.pass(now, roll()) {
            Passage::Free => Leave::Free,
            Passage::Probe(probe) => Leave::Probe(probe),
            Passage::Refused(cause) => Leave::Refused(cause.error.latched(cause.since)),
        })
    }

    /// See [`Latch::refused`].
    pub(crate) fn refused(
        &self,
        error: &Error,
        sent: Moment,
        probe: Option<Probe>,
        now: (Moment, SystemTime),
        roll: u64,
    ) -> Refusal {
        let (now, wall) = now;
        self.with_latch(|latch| {
            // A later refusal may have another cause; the first says since when.
            let first = latch.cause().map(|cause| cause.since);
            let cause = || Cause {
                error: error.retold(),
                since: first.unwrap_or(wall),
            };
            let refusal = latch.refused(sent, probe, now, roll, cause);
            self.may_be_set.store(latch.is_set(), Ordering::Release);
            refusal
        })
    }

    /// See [`Latch::accepted`].
    pub(crate) fn accepted(&self, sent: Moment, now: Moment) -> Option<Duration> {
        self.with_latch(|latch| {
            let held = latch.accepted(sent, now);
            self.may_be_set.store(latch.is_set(), Ordering::Release);
            held
        })
    }

    /// See [`Latch::returned`].
    pub(crate) fn returned(&self, probe: Probe, now: Moment) {
        self.with_latch(|latch| latch.returned(probe, now));
    }

    /// Whether a new identity would be just like this one.
    pub(crate) fn is_idle(&self, now: Moment) -> bool {
        let gates = || self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        !self.may_be_set.load(Ordering::Acquire) && gates().values().all(|gate| gate.is_open(now))
    }

    fn with_latch<T>(&self, act: impl FnOnce(&mut Latch<Cause>) -> T) -> T {
        act(&mut self.latch.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a failure is about the account behind a credential, so that other calls with it meet it
/// too. A 403 is about one resource, region or permission.
pub(crate) fn latches(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Authentication | ErrorKind::Billing | ErrorKind::QuotaExhausted
    )
}

/// Tells identities apart without keeping what tells them apart: two hashes with keys that are
/// drawn for each client.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    keys: [RandomState; 2],
}

/// What a [`Fingerprints`] makes of one.
pub(crate) type Fingerprint = [u64; 2];

impl Fingerprints {
    pub(crate) fn of(
        &self,
        credential: Option<&Credential>,
        headers: &ExtraHeaders,
    ) -> Fingerprint {
        let principal = match credential.map(Credential::principal) {
            None => (0_u8, "", 0),
            Some(Principal::ApiKey(key)) => (1, key, 0),
            Some(Principal::Bearer(token)) => (2, token, 0),
            Some(Principal::Provider(address)) => (3, "", address),
        };
        let on_behalf = ON_BEHALF.map(|name| headers.get(name).map(HeaderValue::as_bytes));
        let who = (principal, on_behalf);
        [&self.keys[0], &self.keys[1]].map(|key| key.hash_one(who))
    }
}

#[cfg(all(test, loom))]
mod orders;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(workspace: &str) -> ExtraHeaders {
        let mut headers = ExtraHeaders::new();
        headers.add("anthropic-workspace-id", workspace).unwrap();
        headers
    }

    #[test]
    fn a_credential_is_told_from_another_and_from_itself_in_another_workspace() {
        let prints = Fingerprints::default();
        let key = Credential::api_key("one");
        let token = Credential::bearer("one");
        let provider = Credential::provider(|| async { Ok(crate::Token::bearer("one")) });
        let none = ExtraHeaders::new();
        let mut all = vec![
            prints.of(None, &none),
            prints.of(Some(&key), &none),
            prints.of(Some(&token), &none),
            prints.of(Some(&provider), &none),
            prints.of(Some(&key), &headers("a")),
            prints.of(Some(&key), &headers("b")),
        ];
        assert_eq!(prints.of(Some(&key.clone()), &none), all[1]);
        assert_eq!(prints.of(Some(&provider.clone()), &none), all[3]);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 6);
    }
}
