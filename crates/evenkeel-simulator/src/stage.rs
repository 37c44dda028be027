//! What a scenario has come to: which reply is next, what is left of the limits, which batches
//! there are.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::batches::Batches;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::gate::Gate;
use crate::limits::RateLimits;
use crate::plan::Pace;
use crate::prompt_cache::PromptCache;
use crate::reply::{Reply, What};
use crate::request::{MessagesRequest, hash};
use crate::scenario::Scenario;
use crate::slots::{Overloaded, Slots};
use crate::turn::{Turn, Turns};
use crate::when::Sight;

/// How many broken-off replies are watched for.
const WATCHED: usize = 64;

/// The state of one scenario from its start.
#[derive(Debug)]
pub(crate) struct Stage {
    scenario: Arc<Scenario>,
    began: Duration,
    before: u64,
    next: usize,
    /// How many requests each fault has counted.
    counts: Vec<u64>,
    turns: Option<Arc<Turns>>,
    needs_trap: bool,
    /// The request numbers and the hashes of what they got of their replies.
    broken_off: VecDeque<(u64, u64)>,
    pub(crate) gate: Gate,
    pub(crate) cache: PromptCache,
    pub(crate) batches: Batches,
}

impl Stage {
    /// For a scenario that starts now, after so many requests to others.
    pub(crate) fn new(scenario: Scenario, limits: RateLimits, clock: &Clock, before: u64) -> Self {
        let limits = limits.over(scenario.limits.unwrap_or_default());
        let now = clock.now();
        let slots = scenario.capacity.clone().map(Slots::new);
        Self {
            began: now,
            before,
            next: 0,
            counts: vec![0; scenario.faults.len()],
            turns: slots.map(|slots| Arc::new(Turns::new(slots, clock.clone(), now))),
            broken_off: VecDeque::new(),
            needs_trap: scenario.needs_trap(),
            gate: Gate::new(limits),
            cache: PromptCache::default(),
            batches: Batches::default(),
            scenario: Arc::new(scenario),
        }
    }

    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Whether some reply leads to the trap.
    pub(crate) fn needs_trap(&self) -> bool {
        self.needs_trap
    }

    /// When the scenario started, since the start of the simulator.
    pub(crate) fn began(&self) -> Duration {
        self.began
    }

    /// Which request to this scenario it is, by its number in the journal: a scenario that is played
    /// again gives the same ids.
    pub(crate) fn place(&self, number: u64) -> u64 {
        number.saturating_sub(self.before)
    }

    /// The script's reply to the next request.
    pub(crate) fn next_reply(&mut self) -> Reply {
        let reply = self.scenario.reply(self.next).clone();
        self.next = self.next.saturating_add(1);
        reply
    }

    /// The reply with every fault that strikes it, the later over the earlier.
    pub(crate) fn struck(&mut self, base: Reply, sight: &Sight<'_>, seed: u64) -> Reply {
        let mut reply = base;
        let faults = self.scenario.faults.iter().zip(&mut self.counts);
        for (((when, fault), count), number) in faults.zip(1_u64..) {
            if !when.counts(sight) {
                continue;
            }
            *count += 1;
            // Far from the dice of requests, and different for each fault.
            let mut dice = Dice::new(seed ^ number.rotate_right(8), *count);
            let fits = !when.answers || matches!(reply.what, What::Answer(_));
            if when.strikes(*count, sight, &mut dice) && fits {
                reply = fault.over(reply);
            }
        }
        reply
    }

    /// Joins those who generate, where there is a model of it and room.
    pub(crate) fn join(&self, model: &str) -> Result<Option<Turn>, Overloaded> {
        let turns = self.turns.as_ref();
        turns.map(|turns| turns.join(model)).transpose()
    }

    /// How long so many tokens take.
    pub(crate) fn pace(&self, tokens: u64) -> Pace {
        let capacity = self.scenario.capacity.as_ref();
        capacity.map_or_else(Pace::default, |capacity| capacity.pace(tokens))
    }

    /// Notes that a reply was broken off after this text.
    pub(crate) fn broke_off(&mut self, number: u64, text: &str) {
        if self.broken_off.len() >= WATCHED {
            self.broken_off.pop_front();
        }
        self.broken_off.push_back((number, hash(text)));
    }

    /// The request whose broken-off reply this one has among its messages as if it were whole.
    pub(crate) fn taken_for_whole(&self, request: &MessagesRequest) -> Option<u64> {
        let mut broken = self.broken_off.iter();
        let found = broken.find(|(_, text)| request.said_before.contains(text));
        found.map(|(number, _)| *number)
    }
}
