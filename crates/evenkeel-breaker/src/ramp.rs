use evenkeel_error::Moment;

use crate::config::Settings;

/// The slow start: how many calls may begin in each step.
///
/// Step `n`, counted from 0, lets 2ⁿ calls begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    since: Moment,
    step: u32,
    begun: u32,
    failures: u32,
    /// Of the current step, so that a place is only given back to the step it was taken from.
    generation: u64,
}

/// What a call meets in the slow start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A place of this generation is the caller's.
    Begun(u64),
    /// All places are taken; the next step begins then.
    Full(Moment),
}

impl Ramp {
    pub(crate) const fn new(since: Moment, generation: u64) -> Self {
        Self {
            since,
            step: 0,
            begun: 0,
            failures: 0,
            generation,
        }
    }

    /// A call of it failed. Whether that ends it.
    pub(crate) const fn fail(&mut self, config: &Settings) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= config.ramp_failures
    }

    /// Takes a place of the current step. `fresh` is the generation to use if a step begins.
    pub(crate) fn begin(&mut self, now: Moment, fresh: u64, config: &Settings) -> Step {
        // Never an earlier step: time that runs backwards opens no used-up step again.
        let step = self.step_at(now, config).max(self.step);
        if step > self.step {
            *self = Self {
                step,
                begun: 0,
                generation: fresh,
                ..*self
            };
        }
        if self.begun >= 1_u32.checked_shl(step).unwrap_or(u32::MAX) {
            let next = config.ramp_interval.saturating_mul(step.saturating_add(1));
            return Step::Full(self.since + next);
        }
        self.begun += 1;
        Step::Begun(self.generation)
    }

    /// Returns a place that was not used. One of an earlier step has lapsed with that step.
    pub(crate) fn give_back(&mut self, generation: u64) {
        if generation == self.generation {
            self.begun = self.begun.saturating_sub(1);
        }
    }

    /// When the slow start ends.
    pub(crate) fn end(&self, config: &Settings) -> Moment {
        self.since + config.ramp_interval.saturating_mul(config.ramp_steps)
    }

    fn step_at(&self, now: Moment, config: &Settings) -> u32 {
        let steps = now.since(self.since).as_nanos() / config.ramp_interval.as_nanos().max(1);
        u32::try_from(steps).unwrap_or(u32::MAX)
    }
}
