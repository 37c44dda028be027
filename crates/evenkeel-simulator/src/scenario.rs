//! A scenario: what happens to the first request, the second, and so on.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use crate::answer::Answer;
use crate::capacity::Capacity;
use crate::catalogue::{self, ScenarioInfo, UnknownScenario};
use crate::limits::RateLimits;
use crate::reply::{Reply, What};
use crate::scenario_file::{self, ScenarioError};
use crate::trouble;
use crate::when::When;

/// How long an item of a batch takes unless told otherwise.
const BATCH_ITEM: Duration = Duration::from_millis(20);

/// What happens to the first request, to the second, and so on; the last reply repeats for ever.
///
/// Only well-formed requests to `POST /v1/messages` that are within the rate limits take a reply.
/// The others get the API's own error: 404, 405, 413, 401, 400 or 429.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Scenario {
    before: Vec<Reply>,
    last: Reply,
    pub(crate) repeats: bool,
    pub(crate) key: KeyRule,
    pub(crate) seed: Option<u64>,
    pub(crate) faults: Vec<(When, Reply)>,
    pub(crate) limits: Option<RateLimits>,
    pub(crate) capacity: Option<Capacity>,
    pub(crate) refused: Vec<(Duration, Duration)>,
    pub(crate) batch_item: Duration,
    pub(crate) batch_results: BTreeMap<String, BatchResult>,
}

/// What becomes of an item of a batch in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BatchResult {
    /// An error of this type.
    Errored(String),
    Expired,
}

/// Whether requests without a credential are let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyRule {
    #[default]
    Optional,
    Required,
}

/// Whether anything answers at the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listening {
    Yes,
    Refused,
}

impl Scenario {
    /// These replies in this order. An empty list is the healthy API.
    pub fn script(mut replies: Vec<Reply>) -> Self {
        let last = replies.pop().unwrap_or_else(catalogue::answer);
        Self {
            before: replies,
            last,
            repeats: false,
            key: KeyRule::Optional,
            seed: None,
            faults: Vec::new(),
            limits: None,
            capacity: None,
            refused: Vec::new(),
            batch_item: BATCH_ITEM,
            batch_results: BTreeMap::new(),
        }
    }

    /// Adds a fault: this reply instead of the script's, or [`Reply::scripted`] with faults to put
    /// on top of it. Where several strike one request, the later goes over the earlier. A request
    /// that is struck takes its reply from the script all the same.
    pub fn with(mut self, when: When, fault: Reply) -> Self {
        self.faults.push((when, fault));
        self
    }

    /// Enforces these limits, except where the builder has one of the same kind.
    pub fn limits(mut self, limits: RateLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Generates no more at once, and no faster, than this.
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Refuses connections in this span of time, counted from the start of the scenario; connections
    /// that stand are not touched.
    pub fn refused_during(mut self, span: Range<Duration>) -> Self {
        self.refused.push((span.start, span.end));
        self
    }

    /// Where ids, chance and the sizes of text pieces come from, in place of the builder's.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long each item of a batch takes, one after the other. Default: 20 ms.
    pub fn batch_item_time(mut self, length: Duration) -> Self {
        self.batch_item = length;
        self
    }

    /// Lets the item of a batch with this `custom_id` fail with an error of this type, such as
    /// `overloaded_error`: the first that comes, so that a second try is answered.
    pub fn batch_error(
        mut self,
        custom_id: impl Into<String>,
        error_type: impl Into<String>,
    ) -> Self {
        let result = BatchResult::Errored(error_type.into());
        self.batch_results.insert(custom_id.into(), result);
        self
    }

    /// Lets the item of a batch with this `custom_id` expire when its turn comes: the first that
    /// comes, so that a second try is answered.
    pub fn batch_expired(mut self, custom_id: impl Into<String>) -> Self {
        self.batch_results
            .insert(custom_id.into(), BatchResult::Expired);
        self
    }

    /// The scenario of the [catalogue](Self::catalogue) with this name.
    ///
    /// # Errors
    ///
    /// If there is none: the error names the nearest and all.
    pub fn named(name: &str) -> Result<Self, UnknownScenario> {
        catalogue::named(name)
    }

    /// Every scenario that has a name.
    #[must_use]
    pub fn catalogue() -> &'static [ScenarioInfo] {
        catalogue::CATALOGUE
    }

    /// Reads a scenario file; the crate's documentation has the format.
    ///
    /// # Errors
    ///
    /// On an unknown key or an impossible value: one line with its place and what is allowed.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        scenario_file::parse(text)
    }

    /// Nothing listens: the port is held, so that nobody else can take it, and refuses connections.
    pub fn refused() -> Self {
        Self::script(Vec::new()).refused_during(Duration::ZERO..Duration::MAX)
    }

    /// Begins again with the first reply after the last, instead of repeating the last.
    pub fn repeated(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// Answers requests that have neither `x-api-key` nor `authorization` with a 401. Without
    /// this they are let in.
    pub fn key_required(mut self) -> Self {
        self.key = KeyRule::Required;
        self
    }

    /// Divides every pause and every `retry-after`, so that a demonstration of hours takes
    /// seconds. Rate limits are not touched.
    pub fn time_divided_by(self, divisor: NonZeroU32) -> Self {
        let divided = |reply: Reply| reply.time_divided_by(divisor);
        let before = self.before.into_iter().map(divided).collect();
        let length = |length: Duration| length.checked_div(divisor.get()).unwrap_or(length);
        let spans = self.refused.into_iter();
        let faults = self.faults.into_iter();
        Self {
            before,
            last: divided(self.last),
            faults: faults
                .map(|(when, fault)| (when.time_divided_by(divisor), divided(fault)))
                .collect(),
            capacity: self
                .capacity
                .map(|capacity| capacity.time_divided_by(divisor)),
            refused: spans
                .map(|(from, until)| (length(from), length(until)))
                .collect(),
            batch_item: length(self.batch_item),
            ..self
        }
    }

    pub(crate) fn refuses_at(&self, now: Duration) -> bool {
        let mut spans = self.refused.iter();
        spans.any(|(from, until)| (*from..*until).contains(&now))
    }

    /// When connections begin or cease to be refused next.
    pub(crate) fn next_edge(&self, now: Duration) -> Option<Duration> {
        let edges = self
            .refused
            .iter()
            .flat_map(|(from, until)| [*from, *until]);
        edges
            .filter(|edge| *edge > now && *edge < Duration::MAX)
            .min()
    }

    /// The answer that items of batches get.
    pub(crate) fn answer(&self) -> Answer {
        match &self.last.what {
            What::Answer(answer) => answer.clone(),
            _ => Answer::new().text(catalogue::GREETING),
        }
    }

    /// Whether some reply leads to the trap.
    pub(crate) fn needs_trap(&self) -> bool {
        let faults = self.faults.iter().map(|(_, fault)| fault);
        let replies = self.before.iter().chain([&self.last]).chain(faults);
        replies
            .into_iter()
            .any(|reply| matches!(reply.what, What::Redirect { to: None, .. }))
    }

    /// The reply to the request with this index, from 0.
    pub(crate) fn reply(&self, index: usize) -> &Reply {
        let index = match self.before.len().checked_add(1) {
            Some(length) if self.repeats => index % length,
            _ => index,
        };
        self.before.get(index).unwrap_or(&self.last)
    }

    /// Whether every reply can be sent.
    pub(crate) fn check(&self) -> Result<(), ScenarioError> {
        let replies = self.before.iter().chain([&self.last]);
        replies.zip(1..).try_for_each(|(reply, number): (_, u32)| {
            check_reply(reply)
                .map_err(|fault| ScenarioError::new(None, format!("reply {number}: {fault}")))
        })?;
        let mut faults = self.faults.iter().zip(1..);
        faults.try_for_each(|((_, fault), number): (_, u32)| {
            trouble::check(fault)
                .map_err(|fault| ScenarioError::new(None, format!("fault {number}: {fault}")))
        })
    }
}

/// What makes a reply impossible to send.
pub(crate) fn check_reply(reply: &Reply) -> Result<(), String> {
    if reply.what == What::Scripted {
        return Err("only a fault can leave to the script what is said".into());
    }
    trouble::check(reply)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_reply_repeats_for_ever() {
        let script = Scenario::script(vec![Reply::raw(500), Reply::raw(200)]);
        assert_eq!(script.reply(0), &Reply::raw(500));
        assert_eq!(script.reply(1), &Reply::raw(200));
        assert_eq!(script.reply(1_000), &Reply::raw(200));
    }

    #[test]
    fn a_repeated_list_begins_again() {
        let script = Scenario::script(vec![Reply::raw(500), Reply::raw(200)]).repeated();
        let replies = (0..4).map(|index| script.reply(index) == &Reply::raw(500));
        assert_eq!(replies.collect::<Vec<_>>(), [true, false, true, false]);
    }

    #[test]
    fn time_divided_divides_pauses_and_retry_after() {
        let reply = Reply::rate_limited(Duration::from_secs(10))
            .pause_before_head(Duration::from_secs(2))
            .pause_after_bytes(1, Duration::from_secs(4));
        let divided = Scenario::script(vec![reply]).time_divided_by(NonZeroU32::new(20).unwrap());
        let expected = Reply::rate_limited(Duration::from_millis(500))
            .pause_before_head(Duration::from_millis(100))
            .pause_after_bytes(1, Duration::from_millis(200));
        assert_eq!(divided.reply(0), &expected);
    }

    #[test]
    fn replies_that_cannot_be_sent_are_named_with_the_reason() {
        for (reply, reason) in [
            (Reply::raw(99), "status 99"),
            (Reply::error(600, "t", "m"), "status 600"),
            (
                Reply::raw(200).header("a b", "c"),
                "`a b` is not a header name",
            ),
            (Reply::raw(200).header("a", "b\n"), "header `a`"),
            (Reply::raw(200).header("Content-Length", "1"), "use a cut"),
            (
                Reply::raw(200).error_after_events(1, "t", "m"),
                "error event",
            ),
        ] {
            let script = Scenario::script(vec![Reply::raw(200), reply]);
            let error = script.check().unwrap_err().to_string();
            assert!(
                error.starts_with("reply 2: ") && error.contains(reason),
                "{error}"
            );
        }
    }
}
