//! What the clients of one key did to a class of models with all their requests together. Pure.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::{Finding, Ledger, Rule};
use crate::entry::Entry;

/// So many further requests within a wait that a refusal named, all refused, are hammering. Tasks that
/// do not know of each other may send one each before the news is out.
const PRESSED: u64 = 10;
/// So many new requests that failed within [`SPAN`], and none that did not, are a storm. More than for
/// one request, which is to be held back by itself.
const STORM: usize = 30;
const SPAN: Duration = Duration::from_secs(10);

/// What is known of a key and a class of models so far.
#[derive(Default)]
struct Pool {
    /// Retries are judged one by one; here only what is new counts.
    seen: HashSet<u64>,
    /// Every new request within the span: when it came, when it ended, whether it failed.
    recent: VecDeque<(Duration, Duration, bool)>,
    stormed: bool,
    /// The refusal whose wait is the longest: its number, its end, the end of the wait.
    refusal: Option<(u64, Duration, Duration)>,
    pressed: u64,
}

/// What is wrong with requests for what others of the same pool were told, in their order.
pub(super) fn judged(entries: &[Entry]) -> Vec<Finding> {
    let mut pools: HashMap<u64, Pool> = HashMap::new();
    let mut findings = Vec::new();
    for entry in entries {
        let Some(pool) = entry.pool else { continue };
        let pool = pools.entry(pool).or_default();
        let is_new = pool.seen.insert(entry.gist);
        let found = if is_new {
            [pool.presses(entry), pool.storms(entry)]
        } else {
            [None, None]
        };
        findings.extend(found.into_iter().flatten().map(|(rule, says)| Finding {
            rule,
            request: entry.number,
            journal: Ledger::Journal,
            says,
        }));
        pool.note(entry, is_new);
    }
    findings
}

impl Pool {
    fn presses(&mut self, entry: &Entry) -> Option<(Rule, String)> {
        let (number, told, until) = self.refusal?;
        if entry.at >= until {
            self.pressed = 0;
            return None;
        }
        // Who was under way when the refusal came could not know of it.
        if entry.at < told || entry.status != Some(429) {
            return None;
        }
        self.pressed += 1;
        (self.pressed == PRESSED).then(|| {
            let says = format!(
                "it is one of {PRESSED} other requests of the same key and class of models that were \
                 sent within the wait of the 429 that request {number} got, and were refused"
            );
            (Rule::HammeredLimit, says)
        })
    }

    fn storms(&mut self, entry: &Entry) -> Option<(Rule, String)> {
        while self
            .recent
            .front()
            .is_some_and(|(at, ..)| entry.at.saturating_sub(*at) > SPAN)
        {
            self.recent.pop_front();
        }
        let over = self
            .recent
            .iter()
            .rev()
            .filter(|(_, end, _)| *end <= entry.at);
        let failures = over.take_while(|(.., failed)| *failed).take(STORM).count();
        if failures < STORM {
            self.stormed = false;
            return None;
        }
        let first = !std::mem::replace(&mut self.stormed, true);
        first.then(|| {
            let says = format!(
                "{STORM} requests of the same key and class of models failed within {SPAN:?} before \
                 it, one after the other"
            );
            (Rule::Storm, says)
        })
    }

    fn note(&mut self, entry: &Entry, is_new: bool) {
        let Some(end) = entry.ended_at else { return };
        // A refusal that is about the request says nothing of the next.
        if is_new && !(entry.failed() && entry.hopeless) && !entry.was_stale() {
            self.recent.push_back((entry.at, end, entry.failed()));
        }
        let Some(wait) = entry.retry_after.filter(|_| entry.status == Some(429)) else {
            return;
        };
        let until = end.saturating_add(wait);
        let is_longest = self.refusal.is_none_or(|(.., longest)| until > longest);
        let is_over = self.refusal.is_none_or(|(.., longest)| end >= longest);
        if is_over {
            self.pressed = 0;
        }
        if is_longest {
            // The first of several in a row is the one to have known.
            let told = self.refusal.filter(|_| !is_over);
            let (number, told) =
                told.map_or((entry.number, end), |(number, told, _)| (number, told));
            self.refusal = Some((number, told, until));
        }
    }
}
