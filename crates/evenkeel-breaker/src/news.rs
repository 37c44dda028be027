use evenkeel_error::{ErrorKind, Moment};

use crate::{Reason, Rejection, State, Transition};

/// What an admission has to say that had to look under the lock. Every permit has room for it, so it is
/// small; and it is made of single values, so that what says nothing need not go through memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    word: Word,
    /// Of the transition; of a refusal, the moment to come back.
    at: Moment,
    fault: Option<ErrorKind>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum Word {
    None,
    /// The open delay is over, and this call is the probe.
    Probing,
    /// The slow start is over.
    Recovered,
    /// The breaker only observes.
    Overruled,
}

impl News {
    pub(crate) const NONE: Self = Self {
        word: Word::None,
        at: Moment::ORIGIN,
        fault: None,
        state: State::Closed,
    };

    /// Letting a call in causes two transitions at most, and neither has evidence.
    pub(crate) const fn of_transition(transition: Option<Transition>) -> Self {
        let Some(Transition { at, to, fault, .. }) = transition else {
            return Self::NONE;
        };
        Self {
            word: match to {
                State::Closed => Word::Recovered,
                _ => Word::Probing,
            },
            at,
            fault: Some(fault),
            state: to,
        }
    }

    pub(crate) const fn of_overruled(rejection: Rejection) -> Self {
        let Rejection {
            retry_at,
            fault,
            state,
        } = rejection;
        Self {
            word: Word::Overruled,
            at: retry_at,
            fault,
            state,
        }
    }

    pub(crate) fn transition(self) -> Option<Transition> {
        let (from, reason) = match self.word {
            Word::Probing => (State::Open, Reason::DelayOver),
            Word::Recovered => (State::Recovering, Reason::RampOver),
            Word::None | Word::Overruled => return None,
        };
        Some(Transition {
            from,
            to: self.state,
            at: self.at,
            reason,
            fault: self.fault?,
            open_until: None,
        })
    }

    pub(crate) const fn overruled(self) -> Option<Rejection> {
        match self.word {
            Word::Overruled => Some(Rejection {
                retry_at: self.at,
                fault: self.fault,
                state: self.state,
            }),
            Word::None | Word::Probing | Word::Recovered => None,
        }
    }
}
