//! All message batches, the newest last. Pure: the moment comes in as an argument.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use crate::answer::Answer;
use crate::batch::{Batch, Item, Status};
use crate::block::quoted;
use crate::dice::Dice;
use crate::gate::Refusal;
use crate::ids;
use crate::scenario::BatchResult;

/// How many batches are kept; the oldest is forgotten first.
const KEPT: usize = 1_000;

/// The batches of one simulator, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    all: Vec<Batch>,
    created: u64,
    /// The ids of items whose scripted result has come.
    met: HashSet<String>,
}

/// When something happens: since the start, and by the calendar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Duration,
    pub(crate) wall: SystemTime,
    /// How long an item takes.
    pub(crate) item: Duration,
}

/// Why there is no answer, and what the API says of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Invalid(String),
    NotFound(String),
    /// Too many items wait already.
    Full(Refusal),
}

impl Batches {
    /// Takes a batch on; the answer is its JSON.
    pub(crate) fn create(&mut self, items: Vec<Item>, seed: u64, at: Moment, base: &str) -> String {
        self.created += 1;
        // Far from the numbers of requests, so that ids differ.
        let mut dice = Dice::new(seed, u64::MAX - self.created);
        let batch = Batch::new(ids::batch_id(&mut dice), self.created, items, at);
        let json = batch.json(at, base);
        if self.all.len() >= KEPT {
            self.all.remove(0);
        }
        self.all.push(batch);
        json
    }

    /// Gives items the results that the script has for their ids, each once.
    pub(crate) fn script(&mut self, items: &mut [Item], script: &BTreeMap<String, BatchResult>) {
        for item in items {
            if let Some(result) = script.get(item.id())
                && self.met.insert(item.id().to_owned())
            {
                item.meet(result);
            }
        }
    }

    /// How many items wait to be done.
    pub(crate) fn waiting(&self, at: Moment) -> usize {
        self.all.iter().map(|batch| batch.waiting(at)).sum()
    }

    /// Every batch with its id, the newest first.
    pub(crate) fn list(&self, at: Moment, base: &str) -> Vec<(String, String)> {
        let batches = self.all.iter().rev();
        batches
            .map(|batch| (batch.id().to_owned(), batch.json(at, base)))
            .collect()
    }

    pub(crate) fn show(&self, id: &str, at: Moment, base: &str) -> Result<String, Fault> {
        self.find(id).map(|batch| batch.json(at, base))
    }

    pub(crate) fn cancel(&mut self, id: &str, at: Moment, base: &str) -> Result<String, Fault> {
        let missing = not_found(id);
        let batch = self
            .all
            .iter_mut()
            .find(|batch| batch.id() == id)
            .ok_or(missing)?;
        batch.cancel(at);
        Ok(batch.json(at, base))
    }

    pub(crate) fn delete(&mut self, id: &str, at: Moment) -> Result<String, Fault> {
        if self.find(id)?.status(at) != Status::Ended {
            return Err(Fault::Invalid(format!(
                "Batch {id} cannot be deleted because it is still processing. Cancel it first."
            )));
        }
        self.all.retain(|batch| batch.id() != id);
        Ok(format!(
            r#"{{"id":{},"type":"message_batch_deleted"}}"#,
            quoted(id)
        ))
    }

    /// The results, a line each.
    pub(crate) fn results(
        &self,
        id: &str,
        answer: &Answer,
        seed: u64,
        at: Moment,
    ) -> Result<String, Fault> {
        let batch = self.find(id)?;
        if batch.status(at) != Status::Ended {
            return Err(Fault::NotFound(format!(
                "Batch {id} has no results yet: it is still processing."
            )));
        }
        Ok(batch.results(answer, seed, at))
    }

    fn find(&self, id: &str) -> Result<&Batch, Fault> {
        let found = self.all.iter().find(|batch| batch.id() == id);
        found.ok_or_else(|| not_found(id))
    }
}

fn not_found(id: &str) -> Fault {
    Fault::NotFound(format!("Batch {id} not found"))
}

#[cfg(test)]
mod tests;
