//! Who generates and who waits, for each model. Pure: the moment comes in as an argument.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::capacity::{Abandoned, Capacity};

/// How many models are told apart.
const MODELS: usize = 64;

/// There is no slot and no place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// One request among those of its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    model: String,
    number: u64,
}

/// The slots of one scenario.
#[derive(Debug)]
pub(crate) struct Slots {
    capacity: Capacity,
    models: HashMap<String, Busy>,
    issued: u64,
}

#[derive(Debug, Default)]
struct Busy {
    /// With the moment at which each generation ends.
    running: Vec<(u64, Duration)>,
    /// In the order in which they came.
    waiting: VecDeque<u64>,
}

impl Slots {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            models: HashMap::new(),
            issued: 0,
        }
    }

    /// Joins the queue, if there is room.
    pub(crate) fn join(&mut self, model: &str, now: Duration) -> Result<Ticket, Overloaded> {
        let places = self.capacity.places_at(now);
        let number = self.issued + 1;
        let (model, busy) = self.busy(model, now);
        if busy.running.len() + busy.waiting.len() >= places {
            return Err(Overloaded);
        }
        busy.waiting.push_back(number);
        self.issued = number;
        Ok(Ticket { model, number })
    }

    /// Begins a generation of this length if it is its turn, or says when to look again; none is
    /// when somebody leaves.
    pub(crate) fn begin(
        &mut self,
        ticket: &Ticket,
        length: Duration,
        now: Duration,
    ) -> Result<(), Option<Duration>> {
        let slots = self.capacity.slots_at(now);
        let change = self.capacity.next_change(now);
        let (_, busy) = self.busy(&ticket.model, now);
        let Some(place) = busy
            .waiting
            .iter()
            .position(|other| *other == ticket.number)
        else {
            return Ok(());
        };
        if place < slots.saturating_sub(busy.running.len()) {
            busy.waiting.remove(place);
            let end = now.saturating_add(length);
            busy.running.push((ticket.number, end));
            return Ok(());
        }
        let ends = busy.running.iter().map(|(_, end)| *end);
        Err(ends
            .chain(change)
            .min()
            .map(|moment| moment.saturating_sub(now)))
    }

    /// Leaves, whether it waits, generates or is done.
    pub(crate) fn leave(&mut self, ticket: &Ticket) {
        let Some(busy) = self.models.get_mut(&ticket.model) else {
            return;
        };
        busy.waiting.retain(|other| *other != ticket.number);
        if self.capacity.abandoned == Abandoned::Freed {
            busy.running.retain(|(other, _)| *other != ticket.number);
        }
    }

    fn busy(&mut self, model: &str, now: Duration) -> (String, &mut Busy) {
        if self.models.len() >= MODELS && !self.models.contains_key(model) {
            self.models.retain(|_, busy| !busy.is_idle(now));
        }
        // Beyond all bounds, strangers share one place.
        let full = self.models.len() >= MODELS && !self.models.contains_key(model);
        let name = if full { "" } else { model }.to_owned();
        let busy = self.models.entry(name.clone()).or_default();
        busy.running.retain(|(_, end)| *end > now);
        (name, busy)
    }
}

impl Busy {
    fn is_idle(&self, now: Duration) -> bool {
        self.waiting.is_empty() && self.running.iter().all(|(_, end)| *end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const ZERO: Duration = Duration::ZERO;

    fn slots() -> Slots {
        let capacity = Capacity::slots(2).queue(1);
        Slots::new(capacity.brownout(SECOND * 500..SECOND * 510, 0))
    }

    /// Joins and begins two seconds of work.
    fn work(slots: &mut Slots, now: Duration) -> Result<Ticket, Overloaded> {
        let ticket = slots.join("m", now)?;
        let _ = slots.begin(&ticket, SECOND * 2, now);
        Ok(ticket)
    }

    #[test]
    fn what_fits_runs_at_once_what_does_not_waits_and_the_rest_is_refused() {
        let mut slots = slots();
        work(&mut slots, ZERO).unwrap();
        work(&mut slots, SECOND).unwrap();
        let waits = slots.join("m", SECOND).unwrap();
        assert_eq!(slots.begin(&waits, SECOND, SECOND), Err(Some(SECOND)));
        assert_eq!(slots.join("m", SECOND), Err(Overloaded));
        assert!(slots.join("other", SECOND).is_ok());
        assert_eq!(slots.begin(&waits, SECOND, SECOND * 2), Ok(()));
        assert!(
            slots.join("m", SECOND * 2).is_ok(),
            "its place in the queue is free"
        );
    }

    #[test]
    fn those_who_wait_are_served_in_the_order_in_which_they_came() {
        let mut slots = Slots::new(Capacity::slots(1).queue(5));
        let running = work(&mut slots, ZERO).unwrap();
        let (first, second) = (
            slots.join("m", ZERO).unwrap(),
            slots.join("m", ZERO).unwrap(),
        );
        slots.leave(&running);
        assert_eq!(
            slots.begin(&second, SECOND, ZERO),
            Err(None),
            "when somebody leaves"
        );
        assert_eq!(slots.begin(&first, SECOND, ZERO), Ok(()));
        assert_eq!(slots.begin(&second, SECOND, ZERO), Err(Some(SECOND)));
    }

    #[test]
    fn who_leaves_makes_room_wherever_they_were() {
        let mut slots = slots();
        let running = work(&mut slots, ZERO).unwrap();
        work(&mut slots, ZERO).unwrap();
        let waits = slots.join("m", ZERO).unwrap();
        assert_eq!(slots.join("m", ZERO), Err(Overloaded));
        slots.leave(&waits);
        let waits = slots.join("m", ZERO).unwrap();
        slots.leave(&running);
        assert_eq!(slots.begin(&waits, SECOND, ZERO), Ok(()));
    }

    #[test]
    fn what_is_finished_for_nobody_keeps_its_slot_to_its_end() {
        let capacity = Capacity::slots(1).abandoned(Abandoned::Finished);
        let mut slots = Slots::new(capacity.queue(1));
        let running = work(&mut slots, ZERO).unwrap();
        slots.leave(&running);
        let waits = slots.join("m", SECOND).unwrap();
        assert_eq!(slots.begin(&waits, SECOND, SECOND), Err(Some(SECOND)));
        slots.leave(&waits);
        assert!(
            slots.join("m", SECOND).is_ok(),
            "who only waits leaves the queue"
        );
    }

    #[test]
    fn in_an_outage_nothing_is_taken_on_and_who_waits_begins_when_it_ends() {
        let mut slots = slots();
        assert_eq!(slots.join("m", SECOND * 500), Err(Overloaded));
        let early = slots.join("m", SECOND * 499).unwrap();
        assert_eq!(
            slots.begin(&early, SECOND, SECOND * 504),
            Err(Some(SECOND * 6))
        );
        assert_eq!(slots.begin(&early, SECOND, SECOND * 510), Ok(()));
    }

    #[test]
    fn a_constant_load_under_capacity_never_meets_a_refusal_and_above_it_is_refused_the_excess() {
        // Two slots of two seconds each: one request a second.
        for (gap_ms, refused) in [(1_000, 0..=0), (500, 45..=55)] {
            let mut slots = Slots::new(Capacity::slots(2));
            let refusals = (0..100).filter(|n| {
                let now = Duration::from_millis(gap_ms * n);
                work(&mut slots, now).is_err()
            });
            let count = refusals.count();
            assert!(refused.contains(&count), "{count} at every {gap_ms} ms");
        }
    }

    #[test]
    fn models_beyond_all_bounds_share_one_place() {
        let mut slots = Slots::new(Capacity::slots(1));
        let tickets: Vec<_> = (0..100)
            .filter_map(|n| slots.join(&format!("m{n}"), ZERO).ok())
            .collect();
        assert_eq!(
            (tickets.len(), slots.models.len()),
            (MODELS + 1, MODELS + 1)
        );
    }
}
