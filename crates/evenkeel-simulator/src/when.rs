//! When a fault strikes.

use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use crate::dice::Dice;

/// The requests that a fault strikes unless told otherwise.
const MESSAGES: &str = "/v1/messages";

/// When a fault strikes: every condition given has to hold. Without any, always.
///
/// Requests are counted from 1, those that get as far as the script and fit path and model.
///
/// ```
/// use std::time::Duration;
///
/// use evenkeel_simulator::{Chance, Cut, Reply, Scenario, When};
///
/// let second = Duration::from_secs(1);
/// let scenario = Scenario::named("healthy")
///     .unwrap()
///     .with(When::requests([3]), Reply::html_gateway(502))
///     .with(When::always().chance(Chance::percent(10)), Reply::scripted().cut_after_events(5, Cut::Reset))
///     .with(When::during(second * 10..second * 20), Reply::error(529, "overloaded_error", "Overloaded"));
/// # let _ = scenario;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct When {
    /// None is all.
    pub(crate) requests: Option<Vec<u64>>,
    pub(crate) chance: Option<Chance>,
    pub(crate) span: Option<(Duration, Duration)>,
    pub(crate) path: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) reused: bool,
    pub(crate) every: Option<NonZeroU32>,
    pub(crate) answers: bool,
}

/// A probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chance {
    /// Of a million.
    parts: u32,
}

/// What is known of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) path: &'a str,
    pub(crate) model: Option<&'a str>,
    /// Requests over the same connection before it.
    pub(crate) before: u64,
    pub(crate) now: Duration,
}

impl Chance {
    const WHOLE: u32 = 1_000_000;

    /// This many in a hundred; more than a hundred is always.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        let percent = if percent > 100 { 100 } else { percent };
        Self {
            parts: percent as u32 * (Self::WHOLE / 100),
        }
    }

    /// One in this many, to a millionth: rarer than one in a million is never.
    #[must_use]
    pub const fn one_in(many: NonZeroU32) -> Self {
        Self {
            parts: Self::WHOLE / many.get(),
        }
    }

    /// A share from 0 to 1; none for anything else.
    pub(crate) fn share(share: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from nought to a million by the check before"
        )]
        (0.0..=1.0).contains(&share).then(|| Self {
            parts: (share * f64::from(Self::WHOLE)).round() as u32,
        })
    }

    fn strikes(self, dice: &mut Dice) -> bool {
        dice.throw(Self::WHOLE.into()) <= self.parts.into()
    }
}

impl When {
    /// At every request.
    pub fn always() -> Self {
        Self::default()
    }

    /// At the requests with these numbers, from 1; at none if there are no numbers.
    pub fn requests(numbers: impl IntoIterator<Item = u64>) -> Self {
        Self {
            requests: Some(numbers.into_iter().collect()),
            ..Self::default()
        }
    }

    /// At requests that arrive in this span of time, counted from the start of the scenario.
    pub fn during(span: Range<Duration>) -> Self {
        Self {
            span: Some((span.start, span.end)),
            ..Self::default()
        }
    }

    /// With this probability. The same seed strikes the same requests.
    pub fn chance(mut self, chance: Chance) -> Self {
        self.chance = Some(chance);
        self
    }

    /// At requests to this path instead of `/v1/messages`; `*` at its end stands for anything.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// At requests for this model only.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// At every so many of the requests that it counts: the third, the sixth, and so on for 3.
    pub fn every(mut self, nth: NonZeroU32) -> Self {
        self.every = Some(nth);
        self
    }

    /// Only where what would be said otherwise is an answer, so that a cut strikes no error.
    pub fn on_answers(mut self) -> Self {
        self.answers = true;
        self
    }

    /// At requests over a connection that has served one before.
    pub fn on_reused_connection(mut self) -> Self {
        self.reused = true;
        self
    }

    /// Whether this is a request to be counted.
    pub(crate) fn counts(&self, sight: &Sight<'_>) -> bool {
        let path = self.path.as_deref().unwrap_or(MESSAGES);
        let fits = match path.strip_suffix('*') {
            Some(start) => sight.path.starts_with(start),
            None => sight.path == path,
        };
        fits && self
            .model
            .as_deref()
            .is_none_or(|model| sight.model == Some(model))
    }

    /// Whether it strikes the request that was counted as this.
    pub(crate) fn strikes(&self, count: u64, sight: &Sight<'_>, dice: &mut Dice) -> bool {
        let in_turn = self
            .requests
            .as_ref()
            .is_none_or(|numbers| numbers.contains(&count));
        let in_span = self
            .span
            .is_none_or(|(from, until)| (from..until).contains(&sight.now));
        let in_step = self
            .every
            .is_none_or(|nth| count.is_multiple_of(nth.get().into()));
        let in_line = !self.reused || sight.before > 0;
        // Thrown in any case, so that one condition does not change the luck of another.
        let in_luck = self.chance.is_none_or(|chance| chance.strikes(dice));
        in_turn && in_step && in_span && in_line && in_luck
    }

    pub(crate) fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        let divided = |length: Duration| length.checked_div(divisor.get()).unwrap_or(length);
        self.span = self
            .span
            .map(|(from, until)| (divided(from), divided(until)));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGHT: Sight<'_> = Sight {
        path: MESSAGES,
        model: Some("m"),
        before: 0,
        now: Duration::ZERO,
    };

    fn strikes(when: &When, count: u64, sight: Sight<'_>) -> bool {
        when.counts(&sight) && when.strikes(count, &sight, &mut Dice::new(1, count))
    }

    #[test]
    fn every_condition_has_to_hold() {
        let when = When::requests([2, 3]).model("m");
        assert!(!strikes(&when, 1, SIGHT) && strikes(&when, 2, SIGHT) && strikes(&when, 3, SIGHT));
        assert!(!strikes(
            &when,
            2,
            Sight {
                model: None,
                ..SIGHT
            }
        ));
        let reused = When::always().on_reused_connection();
        assert!(!strikes(&reused, 1, SIGHT) && strikes(&reused, 1, Sight { before: 1, ..SIGHT }));
        let second = Duration::from_secs(1);
        let during = When::during(second..second * 2);
        assert!(
            !strikes(&during, 1, SIGHT)
                && strikes(
                    &during,
                    1,
                    Sight {
                        now: second,
                        ..SIGHT
                    }
                )
        );
        assert!(!strikes(
            &during,
            1,
            Sight {
                now: second * 2,
                ..SIGHT
            }
        ));
    }

    #[test]
    fn a_list_of_no_requests_strikes_none() {
        let none = When::requests([]);
        assert!((0..100).all(|count| !strikes(&none, count, SIGHT)));
    }

    #[test]
    fn every_third_is_the_third_and_the_sixth() {
        let when = When::always().every(NonZeroU32::new(3).unwrap());
        let struck = (1..=7).filter(|count| strikes(&when, *count, SIGHT));
        assert_eq!(struck.collect::<Vec<_>>(), [3, 6]);
    }

    #[test]
    fn a_path_may_end_in_anything() {
        let batches = When::always().path("/v1/messages/batches*");
        assert!(strikes(
            &batches,
            1,
            Sight {
                path: "/v1/messages/batches/b/results",
                ..SIGHT
            }
        ));
        assert!(!strikes(&batches, 1, SIGHT));
        assert!(strikes(
            &When::always().path("*"),
            1,
            Sight {
                path: "/v1/models",
                ..SIGHT
            }
        ));
    }

    #[test]
    fn a_chance_strikes_as_often_as_it_says_and_the_same_for_the_same_seed() {
        let when = When::always().chance(Chance::percent(10));
        let struck: Vec<_> = (0..10_000)
            .map(|count| strikes(&when, count, SIGHT))
            .collect();
        let times = struck.iter().filter(|struck| **struck).count();
        assert!((900..=1_100).contains(&times), "{times}");
        let again: Vec<_> = (0..10_000)
            .map(|count| strikes(&when, count, SIGHT))
            .collect();
        assert_eq!(struck, again);
        assert!((0..1_000).all(|count| strikes(
            &When::always().chance(Chance::percent(100)),
            count,
            SIGHT
        )));
        assert!(!(0..1_000).any(|count| strikes(
            &When::always().chance(Chance::percent(0)),
            count,
            SIGHT
        )));
        assert_eq!(Chance::share(0.25), Some(Chance::percent(25)));
        assert_eq!(Chance::share(1.5), None);
        assert_eq!(
            Chance::one_in(NonZeroU32::new(4).unwrap()),
            Chance::percent(25)
        );
    }
}
