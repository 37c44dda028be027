//! What follows a failure: another attempt, after which wait and from which budget, or the end.

use std::time::Duration;

use evenkeel_backoff::{
    Cost, Decision, Limits, Receipt, Retry, RetryPolicy, Roll, Session, StopReason, Token,
};
use evenkeel_error::{Detail, Error as Failure, ErrorKind, Moment, Phase, Recovery};
use evenkeel_event::{Stopped, WaitReason, What};

use super::{After, Call, Halt};
use crate::options::Options;
use crate::repeat::Repeat;
use crate::shared::Tuning;
use crate::{Ambiguous, Error, Patience};

mod paying;

/// An endpoint that never answered in this process is given up after this long: it is probably a
/// slip in its name, and ten minutes of patience would hide that.
const NEVER_ANSWERED: Duration = Duration::from_secs(15);

/// What the retry layer remembers of a call.
pub(super) struct Retrying {
    repeat: Repeat,
    ambiguous: Option<Ambiguous>,
    policy: RetryPolicy,
    session: Session,
    /// Of the renewals of the credential that failed: what they are asked of is another service, so
    /// they use none of the attempts.
    renewals: Option<Session>,
    /// Patience that was used up elsewhere, since the call last got on.
    used: Duration,
    /// A patience shorter than the policy's, for as long as the endpoint has not answered.
    shortened: Option<Duration>,
    /// For the attempt to come.
    token: Option<Token>,
    /// Of the attempt under way, until it has failed.
    receipt: Option<Receipt>,
}

impl Retrying {
    pub(super) fn start(
        tuning: &Tuning,
        patience: Patience,
        repeat: Repeat,
        options: &Options,
        now: Moment,
    ) -> Self {
        let mut policy = tuning.policies.of(patience);
        if let Some(attempts) = options.attempts {
            policy = policy.max_attempts(attempts);
        }
        Self {
            repeat,
            ambiguous: options.ambiguous,
            policy,
            session: Session::start(now),
            renewals: None,
            used: Duration::ZERO,
            shortened: None,
            token: None,
            receipt: None,
        }
    }

    pub(super) fn patience_ends(&self) -> Option<Moment> {
        self.patience_left().map(|left| self.session.since() + left)
    }

    /// What was not used up elsewhere.
    fn patience_left(&self) -> Option<Duration> {
        let limit = self.policy.patience_limit()?;
        Some(limit.saturating_sub(self.used))
    }

    /// A tenth of the patience: soon enough to see that a call gets on.
    pub(super) fn patience_step(&self) -> Option<Duration> {
        let limit = self.policy.patience_limit()?;
        Some((limit / 10).max(Duration::from_millis(1)))
    }

    /// For a call that has spent some of its patience and of its attempts elsewhere.
    pub(super) fn having_used(mut self, used: Duration, attempts: u32) -> Self {
        self.used = used;
        self.session = self.session.having_made(attempts);
        self
    }

    /// The attempts that counted, the one under way included.
    pub(super) fn attempts(&self) -> u32 {
        self.session.attempts()
    }

    fn decide(
        &mut self,
        failure: &Failure,
        now: Moment,
        deadline: Option<Moment>,
        roll: Roll,
    ) -> Decision {
        let limits = self.limits(deadline);
        // What the attempt cost is spent.
        self.receipt = None;
        let session = &mut self.session;
        self.policy.decide(session, failure, now, limits, roll)
    }

    /// As [`decide`](Self::decide), on a renewal: only time bounds how often that is tried.
    fn decide_on_renewal(
        &mut self,
        failure: &Failure,
        now: Moment,
        deadline: Option<Moment>,
        roll: Roll,
    ) -> Decision {
        let limits = self.limits(deadline);
        let since = self.session.since();
        let session = self.renewals.get_or_insert(Session::start(since));
        session.alive(since);
        let policy = self.policy.max_attempts(u32::MAX);
        policy.decide(session, failure, now, limits, roll)
    }

    fn limits(&self, deadline: Option<Moment>) -> Limits {
        let patience = self.patience_left().into_iter().chain(self.shortened);
        Limits::NONE.deadline(deadline).patience(patience.min())
    }

    /// The time without progress so far.
    pub(super) fn patience_used(&self, now: Moment) -> Duration {
        self.used.saturating_add(now.since(self.session.since()))
    }

    /// The attempt goes out: its token is spent. One that goes out again with a new credential was paid
    /// for before.
    pub(super) fn sent(&mut self) {
        if let Some(token) = self.token.take() {
            self.receipt = Some(token.sent());
        }
    }

    /// The attempt under way gets on.
    pub(super) fn alive(&mut self, now: Moment) {
        self.session.alive(now);
        self.used = Duration::ZERO;
    }

    /// The call got somewhere, and lost it.
    pub(super) fn progressed(&mut self, now: Moment) {
        self.session.progressed(now);
        self.renewals = None;
        self.used = Duration::ZERO;
    }
}

/// Another attempt that was decided on.
pub(crate) struct Again {
    start: Moment,
    retry: Retry,
    budget: Budget,
}

/// Whether the budget has to give a token for an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Budget {
    Pays,
    Spared,
}

impl Call {
    /// Waits as the policy says, and returns how long; or gives up.
    pub(super) async fn again(
        &mut self,
        failure: Failure,
        after: After,
    ) -> Result<Duration, Error> {
        let again = self.decide(failure, after)?;
        self.wait_for(again).await
    }

    /// Decides on another attempt, or gives up.
    pub(super) fn decide(&mut self, failure: Failure, after: After) -> Result<Again, Error> {
        let start = self.now();
        let roll = Roll::from_bits(self.shared.dice.bits());
        let (shortened, deadline) = (self.short_patience(&failure, after), self.deadline);
        let retrying = &mut self.retrying;
        retrying.shortened = shortened;
        let decision = if after == After::Unrenewed {
            retrying.decide_on_renewal(&failure, start, deadline, roll)
        } else {
            retrying.decide(&failure, start, deadline, roll)
        };
        let veto = self.veto(&failure, after);
        let retry = match (decision, veto) {
            // A new token would have helped, if the request could go out again.
            (Decision::Stop(_), Some(veto)) if failure.recovery() == Recovery::Refresh => {
                return Err(self.give_up(failure, veto));
            }
            (Decision::Stop(stop), _) => return Err(self.give_up(failure, stopped(stop.reason))),
            (Decision::Retry(_), Some(veto)) => return Err(self.give_up(failure, veto)),
            (Decision::Retry(retry), None) => retry,
        };
        // The budget spares the server what retries add to its load; a renewal asks another.
        let budget = if retry.cost == Cost::Token && after != After::Unrenewed {
            Budget::Pays
        } else {
            Budget::Spared
        };
        if budget == Budget::Pays && self.withdraw().is_some() {
            self.emit(What::budget_empty());
            if self.patience == Patience::Interactive {
                return Err(self.give_up(failure, Stopped::Budget));
            }
        }
        self.last = Some(failure);
        if let After::Content(attempt) = after {
            self.emit(What::attempt_discarded(attempt));
        }
        Ok(Again {
            start,
            retry,
            budget,
        })
    }

    /// Why there is no other attempt, whatever the policy says.
    fn veto(&self, failure: &Failure, after: After) -> Option<Stopped> {
        match after {
            After::Veto(stopped) => Some(stopped),
            _ if self.is_spent() => Some(Stopped::NotReplayable),
            // Where a renewal failed, nothing was sent that could be repeated.
            After::Nothing | After::Content(_) if !self.may_repeat(failure) => {
                Some(Stopped::UnsafeToRepeat)
            }
            After::Nothing | After::Content(_) | After::Unrenewed => None,
        }
    }

    /// Waits until the attempt may be made, and returns how long that took; or gives up.
    pub(super) async fn wait_for(&mut self, again: Again) -> Result<Duration, Error> {
        let Again {
            start,
            retry,
            budget,
        } = again;
        let reason = if retry.hint.is_zero() {
            WaitReason::Backoff
        } else {
            WaitReason::Hint
        };
        let waited = match self.wait_until(start + retry.wait, reason).await {
            Ok(()) if budget == Budget::Pays => self.wait_for_token().await,
            waited => waited,
        };
        match waited {
            // A new token is no reason to wait.
            Ok(()) | Err(Halt::Renew) => Ok(self.now().since(start)),
            Err(Halt::Ended(stopped)) => Err(self.out_of_time(stopped)),
            Err(Halt::Failed(failure) | Halt::Unrenewed(failure)) => {
                Err(self.give_up(failure, Stopped::NotRecoverable))
            }
            Err(Halt::Refused(failure, stopped)) => Err(self.give_up(failure, stopped)),
        }
    }

    /// When a call that cannot reach its endpoint is given up, unless the endpoint has answered
    /// somebody meanwhile.
    pub(super) fn unreached_ends(&self) -> Option<Moment> {
        let shortened = self
            .retrying
            .shortened
            .filter(|_| !self.shared.has_answered())?;
        Some(self.retrying.session.since() + shortened)
    }

    pub(super) fn may_repeat(&self, failure: &Failure) -> bool {
        self.retrying
            .repeat
            .may_follow(failure, self.retrying.ambiguous)
    }

    fn short_patience(&self, failure: &Failure, after: After) -> Option<Duration> {
        // Whom a renewal could not reach is not the endpoint.
        if after == After::Unrenewed {
            return None;
        }
        let connecting = match failure.detail() {
            Detail::TimedOut { phase, .. } => *phase == Phase::Connect,
            _ => failure.kind() == ErrorKind::Connection,
        };
        let unreached = connecting && !self.shared.has_answered();
        unreached.then(|| self.shared.tuning.divided(NEVER_ANSWERED))
    }
}

fn stopped(reason: StopReason) -> Stopped {
    match reason {
        StopReason::Attempts => Stopped::Attempts,
        StopReason::Patience => Stopped::Patience,
        StopReason::Deadline => Stopped::Deadline,
        // A reason that a later policy adds is, to the caller, a failure not worth another try.
        _ => Stopped::NotRecoverable,
    }
}
