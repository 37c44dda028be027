//! Who the call acts as: whether that is known to be refused, and the credential of each attempt.

use evenkeel_error::{Delivery, Error as Failure, ErrorKind, Moment};
use evenkeel_event::{Stopped, What};
use secrecy::SecretString;

use super::{Call, Halt, Stopwatch};
use crate::Credential;
use crate::clock::Clock;
use crate::gate::Comer;
use crate::identity::{Leave, latches};
use crate::latch::{Probe, Refusal};
use crate::renewal::{Current, Origin, Unrenewed};

/// What a call knows of its credential, and as whom it comes to the gate.
#[derive(Default)]
pub(super) struct Passage {
    pub(super) comer: Comer,
    probe: Option<(Probe, Progress)>,
    token: Option<Token>,
    renewals: Renewals,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Unsent,
    Sent,
}

/// The token of the attempt under way.
struct Token {
    generation: u64,
    origin: Origin,
}

/// Whether a refused token was replaced: once a call.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Renewals {
    #[default]
    None,
    One,
}

/// Whether a token had to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    Spared,
    Made,
}

impl Passage {
    pub(super) fn sent(&mut self) {
        if let Some((_, progress)) = &mut self.probe {
            *progress = Progress::Sent;
        }
    }
}

impl Call {
    /// Passes the latch, and gets the token for an attempt where a provider gives that.
    pub(super) async fn authenticate(&mut self, now: Moment) -> Result<Option<SecretString>, Halt> {
        self.pass_latch(now)?;
        let credential = self.plan.credential();
        if credential.is_none_or(|credential| credential.renewable().is_none()) {
            return Ok(None);
        }
        // Boxed, so that a call with a key makes no room for it.
        Box::pin(self.renewed()).await.map(Some)
    }

    /// As [`authenticate`](Self::authenticate), for a call that has waited with its `token`.
    pub(super) async fn reauthenticate(
        &mut self,
        token: &mut Option<SecretString>,
    ) -> Result<Renewal, Halt> {
        self.pass_latch(self.now())?;
        let credential = self.plan.credential();
        let Some(renewable) = credential.and_then(Credential::renewable) else {
            return Ok(Renewal::Spared);
        };
        let held = self.passage.token.as_ref().map(|held| held.generation);
        if let Some(current) = renewable.kept(held) {
            *token = Some(self.hold(current));
            return Ok(Renewal::Spared);
        }
        *token = Some(self.renewed().await?);
        Ok(Renewal::Made)
    }

    /// A refused credential ends the call, unless this call is to find out whether it still is.
    fn pass_latch(&mut self, now: Moment) -> Result<(), Halt> {
        if self.passage.probe.is_some() {
            return Ok(());
        }
        let dice = || self.shared.dice.bits();
        match self.plan.identity.pass(now, dice) {
            Leave::Free => Ok(()),
            Leave::Probe(probe) => {
                self.passage.probe = Some((probe, Progress::Unsent));
                Ok(())
            }
            Leave::Refused(failure) => Err(Halt::Refused(failure, Stopped::Latched)),
        }
    }

    /// The token that a provider gives.
    async fn renewed(&mut self) -> Result<SecretString, Halt> {
        let identity = std::sync::Arc::clone(&self.plan.identity);
        let Some(renewable) = identity.credential.as_ref().and_then(|c| c.renewable()) else {
            return Err(Halt::Failed(crate::shared::no_credential()));
        };
        let limit = self.at_most_half(self.shared.tuning.timers.renewal);
        let asking = renewable.current(limit);
        let current = match self.limit() {
            None => asking.await,
            Some((moment, stopped)) => {
                let left = self.now().until(moment);
                match Clock::within(Some(left), asking).await {
                    Some(current) => current,
                    None => return Err(Halt::Ended(stopped)),
                }
            }
        };
        match current {
            Ok(current) => {
                if let Origin::Renewed(elapsed) = current.origin {
                    self.emit(What::credential_refreshed(elapsed));
                }
                Ok(self.hold(current))
            }
            Err(Unrenewed { failure, elapsed }) => {
                if let Some(elapsed) = elapsed {
                    self.emit(What::credential_refresh_failed(&failure, elapsed));
                }
                // Whatever became of the renewal, the request did not leave.
                let failure = failure.with_delivery(Delivery::NotSent);
                Err(Halt::Unrenewed(failure))
            }
        }
    }

    /// The token of the attempt to come.
    fn hold(&mut self, current: Current) -> SecretString {
        self.passage.token = Some(Token {
            generation: current.generation,
            origin: current.origin,
        });
        current.secret
    }

    /// Whether the refusal is of a token that was not asked for just now: another may be accepted.
    #[cold]
    pub(super) fn may_renew(&mut self, failure: &Failure) -> bool {
        let Some(Token { generation, origin }) = self.passage.token.take() else {
            return false;
        };
        if failure.kind() != ErrorKind::Authentication {
            return false;
        }
        if let Some(renewable) = self
            .plan
            .identity
            .credential
            .as_ref()
            .and_then(|c| c.renewable())
        {
            renewable.refused(generation);
        }
        let is_first = self.passage.renewals == Renewals::None;
        self.passage.renewals = Renewals::One;
        is_first && !matches!(origin, Origin::Renewed(_))
    }

    /// Tells the other calls of a credential that the server refuses.
    #[cold]
    pub(super) fn refused_credential(&mut self, watch: Stopwatch, failure: &Failure) {
        if !latches(failure) {
            return;
        }
        let probe = self.passage.probe.map(|(probe, _)| probe);
        let now = (self.now(), Clock::wall());
        let roll = self.shared.dice.bits();
        let refusal = self
            .plan
            .identity
            .refused(failure, watch.started, probe, now, roll);
        if refusal == Refusal::Sets {
            self.emit(What::latch_set(failure));
        }
    }

    /// The server accepts the credential that was sent at `sent`.
    pub(super) fn accepted(&mut self, sent: Moment, now: Moment) {
        if let Some(held) = self.plan.identity.accepted(sent, now) {
            self.emit(What::latch_cleared(held));
        }
    }

    /// The end of a call that was to find out, and sent nothing: another may.
    pub(super) fn return_probe(&mut self) {
        if let Some((probe, Progress::Unsent)) = self.passage.probe.take() {
            self.plan.identity.returned(probe, self.now());
        }
    }
}
